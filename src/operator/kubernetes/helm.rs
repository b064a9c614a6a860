//! `helm rollback`, by the `helm` that is installed here: without a shell, with a deadline, and read again afterwards.

use std::{path::PathBuf, process::Stdio, time::Duration};

use tokio::process::Command;

use super::{ClusterOperator, Mode};
use crate::{
    action::{ActionError, Done},
    model::helm::ReleaseKey,
    source::kubernetes::release,
    text::{Clean, quoted},
};

/// Hooks may take their time; after that nobody knows.
const LONGEST: Duration = Duration::from_secs(50);
/// A dry run asks and renders only.
const REHEARSAL: Duration = Duration::from_secs(20);
/// Most of Helm's words that are told.
const MOST: usize = 2000;

/// `helm` as it is found, and whose kubeconfig it reads.
#[derive(Clone, Debug)]
pub struct Helm {
    pub program: PathBuf,
}

impl Default for Helm {
    fn default() -> Self {
        Self { program: "helm".into() }
    }
}

impl ClusterOperator {
    /// As [`ClusterOperator::new`], with a `helm` that is elsewhere.
    pub fn with_helm(mut self, helm: Helm) -> Self {
        self.helm = helm;
        self
    }

    pub(super) async fn helm_rollback(
        &self,
        key: &ReleaseKey,
        from: i64,
        to: i64,
        mode: Mode,
    ) -> Result<Done, ActionError> {
        let (newest, status) = self.newest(key).await?;
        if newest != from {
            let says =
                format!("release '{key}' is at revision {newest} ({status}) by now, not {from}; nothing was sent");
            return Err(ActionError::Moved(Clean::own(says)));
        }
        if status.starts_with("pending-") {
            let says = format!("release '{key}' is {status}: another operation of Helm goes on, or was cut off");
            return Err(ActionError::Refused(Clean::own(says)));
        }
        let command = self.command(key, to, mode);
        let within = if mode == Mode::Rehearse { REHEARSAL } else { LONGEST };
        let output = match tokio::time::timeout(within, output(command)).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                let says = "`helm` is not installed here, or not in PATH: a release is rolled back by Helm alone, so that its \
                            history knows";
                return Err(ActionError::NotSent(says.into()));
            }
            Ok(Err(error)) => {
                return Err(ActionError::NotSent(Clean::own(format!("`helm` could not be started: {error}"))));
            }
            Err(_) if mode == Mode::Rehearse => {
                let says = format!("`helm --dry-run` did not end within {} s", within.as_secs());
                return Err(ActionError::NotSent(Clean::own(says)));
            }
            // Dropped, it is killed: Helm then leaves a pending revision.
            Err(_) => {
                let says = format!(
                    "`helm rollback` did not end within {} s: it may have happened. Check `{}`",
                    within.as_secs(),
                    self.history_line(key)
                );
                return Err(ActionError::Unknown(Clean::own(says)));
            }
        };
        if mode == Mode::Rehearse {
            let done = Done { says: "helm would do it (dry run)".into(), reference: None };
            return if output.0 { Ok(done) } else { Err(ActionError::Refused(output.1)) };
        }
        self.after(key, from, output).await
    }

    /// Helm's exit code is half the truth: the history is read again.
    async fn after(&self, key: &ReleaseKey, from: i64, output: (bool, Clean)) -> Result<Done, ActionError> {
        let (is_success, words) = output;
        let look = self.history_line(key);
        match self.newest(key).await {
            Ok((newest, status)) if is_success && newest > from && status == "deployed" => Ok(Done {
                says: Clean::own(format!("release '{key}' is at revision {newest}, deployed")),
                reference: Some(Clean::own(newest.to_string())),
            }),
            Ok((newest, _)) if !is_success && newest == from => Err(ActionError::Refused(words)),
            Ok((newest, status)) => {
                let says = format!("revision {newest} of '{key}' is {status}. Helm says: {words}. Check `{look}`");
                Err(ActionError::Unknown(Clean::own(says)))
            }
            Err(error) => Err(ActionError::Unknown(Clean::own(format!("{words}; {error}. Check `{look}`")))),
        }
    }

    fn history_line(&self, key: &ReleaseKey) -> String {
        let context = quoted(self.cluster().context());
        format!("helm --kube-context {context} -n {} history {}", quoted(&key.namespace), quoted(&key.name))
    }

    async fn newest(&self, key: &ReleaseKey) -> Result<(i64, Clean), ActionError> {
        let unread =
            |says: Clean| ActionError::NotSent(Clean::own(format!("release '{key}' could not be read: {says}")));
        let states = release::states(self.cluster(), key).await.map_err(unread)?;
        states.into_iter().next().ok_or_else(|| {
            ActionError::Moved(Clean::own(format!("release '{key}' has no revision any more; nothing was sent")))
        })
    }

    fn command(&self, key: &ReleaseKey, to: i64, mode: Mode) -> Command {
        let mut command = Command::new(&self.helm.program);
        // `--` ends the options: a name is never one.
        command.args(["rollback", "--namespace", &key.namespace, "--kube-context", self.cluster().context()]);
        command.arg(format!("--timeout={}s", LONGEST.as_secs() - 5));
        if mode == Mode::Rehearse {
            command.arg("--dry-run");
        }
        command.arg("--").arg(&*key.name).arg(to.to_string());
        if let Some(path) = self.cluster().kubeconfig() {
            command.env("KUBECONFIG", path);
        }
        command
    }
}

/// Whether it succeeded, and its words.
async fn output(mut command: Command) -> std::io::Result<(bool, Clean)> {
    #[cfg(unix)]
    command.process_group(0);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let said: String = String::from_utf8_lossy(&said[..said.len().min(MOST)]).into_owned();
    let words = crate::secret::mask(said.trim());
    let words = if words.is_empty() { format!("helm ended with {}", output.status) } else { words };
    Ok((output.status.success(), Clean::line(&words)))
}
