//! `helm rollback`, by the `helm` that is installed here: without a shell, with a deadline, and read again afterwards.

use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

use super::{ClusterOperator, Mode};
use crate::{
    action::{ActionError, Done, Found},
    model::helm::ReleaseKey,
    source::kubernetes::release,
    text::{Clean, quoted},
};

/// Hooks may take their time; after that nobody knows.
const LONGEST: Duration = Duration::from_secs(50);
/// A dry run asks and renders only.
const REHEARSAL: Duration = Duration::from_secs(20);
/// Most bytes of Helm's words that are kept.
const MOST: u64 = 2000;

/// What Helm's environment sets of the cluster, the namespace and the store (`pkg/cli/environment.go`).
const ELSEWHERE: [&str; 11] = [
    "HELM_KUBEAPISERVER",
    "HELM_KUBEASGROUPS",
    "HELM_KUBEASUSER",
    "HELM_KUBECAFILE",
    "HELM_KUBECONTEXT",
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
    "HELM_KUBETLS_SERVER_NAME",
    "HELM_KUBETOKEN",
    "HELM_NAMESPACE",
    "HELM_DRIVER",
    "HELM_DRIVER_SQL_CONNECTION_STRING",
];

/// `helm` as it is found.
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
            return if output.0.success() { Ok(done) } else { Err(ActionError::Refused(output.1)) };
        }
        self.after(key, from, output).await
    }

    /// Helm's exit code is half the truth: the history is read again. Killed, it has none.
    async fn after(&self, key: &ReleaseKey, from: i64, output: (ExitStatus, Clean)) -> Result<Done, ActionError> {
        let (status, words) = output;
        let (is_success, is_killed) = (status.success(), status.code().is_none());
        let look = self.history_line(key);
        match self.newest(key).await {
            Ok((newest, status)) if is_success && newest > from && status == "deployed" => Ok(Done {
                says: Clean::own(format!("release '{key}' is at revision {newest}, deployed")),
                reference: Some(Clean::own(newest.to_string())),
            }),
            Ok((newest, _)) if !is_success && !is_killed && newest == from => Err(ActionError::Refused(words)),
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

    /// What the release's history says of a rollback whose end nobody saw: Helm keeps a revision of it before it changes
    /// anything.
    pub(super) async fn helm_rolled_back(&self, key: &ReleaseKey, from: i64, to: i64) -> Result<Found, Clean> {
        let states = release::states(self.cluster(), key).await?;
        let Some((newest, newest_status)) = states.first() else {
            return Ok(Found::Missing(Clean::own(format!("release '{key}' has no revision any more"))));
        };
        let own = from + 1;
        let Some((_, status)) = states.iter().find(|(number, _)| *number == own) else {
            let says =
                format!("release '{key}' stands at revision {newest}, {newest_status}; it has none of number {own}");
            return Ok(Found::Missing(Clean::own(says)));
        };
        let body = release::body(self.cluster(), key, own).await?;
        let description = &body.description;
        let says = match status.as_str() {
            // Of one that failed Helm says instead how.
            "failed" if description.starts_with("Rollback ") => {
                let says = format!("revision {own} of '{key}' is failed: {description}");
                return Ok(Found::InPart(Clean::own(says)));
            }
            _ if *description != *format!("Rollback to {to}") => {
                format!("revision {own} of '{key}' is somebody else's: {status}, {description}")
            }
            "deployed" | "superseded" => {
                let later =
                    if *newest > own { format!(", and revision {newest} came after it") } else { String::new() };
                let says = format!("revision {own} of '{key}' is {status}{later}");
                let reference = Some(Clean::own(own.to_string()));
                return Ok(Found::InForce(Done { says: Clean::own(says), reference }));
            }
            _ => {
                let says = format!("revision {own} of '{key}' is {status}: Helm has begun it and not ended");
                return Ok(Found::InPart(Clean::own(says)));
            }
        };
        Ok(Found::Missing(Clean::own(says)))
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
        keep_here(&mut command);
        command
    }
}

/// Nothing of the environment leads it past the context that was looked at.
fn keep_here(command: &mut Command) {
    for elsewhere in ELSEWHERE {
        command.env_remove(elsewhere);
    }
}

/// How it ended, and its words.
async fn output(mut command: Command) -> std::io::Result<(ExitStatus, Clean)> {
    #[cfg(unix)]
    command.process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (status, stdout, stderr) = tokio::join!(child.wait(), head(stdout), head(stderr));
    let status = status?;
    let said = if stderr.is_empty() { stdout } else { stderr };
    let words = crate::secret::mask(String::from_utf8_lossy(&said).trim());
    let words = if words.is_empty() { format!("helm ended with {status}") } else { words };
    Ok((status, Clean::line(&words)))
}

/// What it says first. The rest is read too, and dropped: an unread pipe would hold it up.
async fn head(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        // What could be read before it broke is what there is.
        let _ = (&mut pipe).take(MOST).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    kept
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    /// A `helm` that is this line of a shell.
    async fn said(line: &str) -> (bool, Clean) {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        let (status, words) = output(command).await.expect("it starts");
        (status.success(), words)
    }

    #[tokio::test]
    async fn its_errors_are_told_before_its_words_and_its_end_if_it_says_nothing() {
        assert_eq!(said("echo done").await, (true, "done".into()));
        assert_eq!(said("echo begun; echo 'no such release' >&2; exit 1").await, (false, "no such release".into()));
        assert_eq!(said("exit 3").await, (false, "helm ended with exit status: 3".into()));
    }

    #[tokio::test]
    async fn the_environment_names_it_no_other_cluster() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ${HELM_KUBEAPISERVER-none} ${HELM_KUBETOKEN-none} ${HELM_CACHE_HOME-none}"]);
        for name in ["HELM_KUBEAPISERVER", "HELM_KUBETOKEN", "HELM_CACHE_HOME"] {
            command.env(name, "there");
        }
        keep_here(&mut command);
        assert_eq!(output(command).await.expect("it starts").1, "none none there");
    }

    #[tokio::test]
    async fn of_endless_words_the_first_are_kept_and_all_are_read() {
        let (is_success, words) = said("yes manifest | head -c 1000000; exit 4").await;
        assert!(!is_success && words.starts_with("manifest manifest") && words.len() <= 2000, "{}", words.len());
        let kept = head(Some(tokio::io::repeat(b'x').take(8 << 20))).await;
        assert!(kept.len() == 2000 && kept.capacity() < 64 << 10, "{} of {}", kept.len(), kept.capacity());
    }
}
