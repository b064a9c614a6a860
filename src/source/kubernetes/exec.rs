//! Exec credential plugins (`client.authentication.k8s.io`, client-go `plugin/pkg/client/auth/exec`), run by ourselves:
//! asked about first, without a shell, without the terminal, under a deadline, once for all contexts of a user entry.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{ExecAuthCluster, ExecConfig};
use serde::Deserialize;
use tokio::io::AsyncReadExt;

use super::ending::of_pem;
use crate::{
    model::Ending,
    secret::{self, Secret, mask},
    source::{ErrorKind, Login, SourceError},
    text::Clean,
    time::Clock,
};

/// A credential is renewed this long before it ends.
const EARLY: Duration = Duration::from_mins(1);
/// A failure answers for this long, so that the sources of a cluster do not each run a failing plugin.
const FAILURE_HOLDS: Duration = Duration::from_secs(5);
const MAX_OUTPUT: u64 = 1024 * 1024;

/// Which plugins may run, and what they brought. One for the whole program; the caller remembers what was allowed.
#[derive(Default)]
pub struct ExecPolicy {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    allowed: BTreeSet<String>,
    runners: HashMap<String, Arc<Plugin>>,
}

impl ExecPolicy {
    /// With fingerprints allowed in earlier sessions.
    pub fn remembering(allowed: impl IntoIterator<Item = String>) -> Self {
        Self { state: Mutex::new(State { allowed: allowed.into_iter().collect(), runners: HashMap::new() }) }
    }

    /// Somebody saw what would run and allowed it (or just logged in with it): forget its failures. Returns the
    /// fingerprint to remember.
    pub fn allow(&self, login: &Login) -> String {
        let print = fingerprint(login);
        let mut state = self.state();
        state.allowed.insert(print.clone());
        for runner in state.runners.values().filter(|runner| fingerprint(&runner.login) == print) {
            runner.forget_failure();
        }
        print
    }

    fn is_allowed(&self, login: &Login) -> bool {
        self.state().allowed.contains(&fingerprint(login))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one runner of this user entry, shared by all contexts that use it.
    fn runner(&self, plugin: Plugin) -> Arc<Plugin> {
        let key = fingerprint(&plugin.login) + &plugin.info;
        self.state().runners.entry(key).or_insert_with(|| Arc::new(plugin)).clone()
    }
}

/// What is asked about: SHA-256 over absolute path, arguments and environment, with the path before it to be readable.
pub fn fingerprint(login: &Login) -> String {
    let env: Vec<_> = login.env.iter().filter(|(name, _)| name != EXEC_INFO).collect();
    let whole = serde_json::to_vec(&(&login.command, &login.args, env)).expect("strings are always JSON");
    format!("{} {}", login.command, super::client::sha256(&whole))
}

const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";

/// What a plugin brought: a bearer token, a client certificate, or both.
pub(super) struct Credential {
    pub bearer: Option<HeaderValue>,
    /// PEM certificate and key.
    pub certificate: Option<(String, Secret)>,
    ends: Option<Timestamp>,
}

/// A plugin for one context: the shared runner, and whose leave it needs.
pub(super) struct ExecLogin {
    plugin: Arc<Plugin>,
    policy: Arc<ExecPolicy>,
    always_allowed: bool,
    context: Clean,
    clock: Arc<dyn Clock>,
}

struct Plugin {
    login: Login,
    /// As the kubeconfig names it.
    name: Clean,
    /// `KUBERNETES_EXEC_INFO` for a run without a terminal.
    info: String,
    api_version: String,
    hint: Option<Clean>,
    deadline: Duration,
    current: tokio::sync::Mutex<Option<Arc<Credential>>>,
    failed: Mutex<Option<(Instant, SourceError)>>,
}

impl ExecLogin {
    /// `allow` names commands that the configuration allows without asking.
    pub fn new(
        exec: &ExecConfig,
        context: &str,
        allow: &[String],
        policy: Arc<ExecPolicy>,
        deadline: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let bad = |says: String| SourceError::new(ErrorKind::Auth, says);
        let Some(command) = exec.command.as_deref().filter(|command| !command.is_empty()) else {
            return Err(bad(format!("Context '{context}': its user has an `exec` entry without a command.")));
        };
        let api_version = exec.api_version.clone().unwrap_or_default();
        if !matches!(api_version.as_str(), VERSION_1 | VERSION_1_BETA) {
            return Err(bad(format!(
                "Context '{context}': '{command}' speaks '{api_version}', only {VERSION_1} and {VERSION_1_BETA} are known: \
                 update the kubeconfig."
            )));
        }
        let hint = exec.install_hint.as_deref().and_then(|hint| hint.trim().lines().next()).map(Clean::line);
        let Some(path) = resolve(command, std::env::var_os("PATH").as_deref()) else {
            let hint = hint.map(|hint| format!(" {hint}")).unwrap_or_default();
            return Err(bad(format!("Context '{context}' logs in with '{command}', which is not installed.{hint}")));
        };
        let mut env: Vec<(String, String)> = exec.env.iter().flatten().filter_map(variable).collect();
        env.push((EXEC_INFO.to_owned(), exec_info(&api_version, true, exec.cluster.as_ref())));
        let plugin = Plugin {
            login: Login { command: path.display().to_string(), args: exec.args.clone().unwrap_or_default(), env },
            name: Clean::line(command),
            info: exec_info(&api_version, false, exec.cluster.as_ref()),
            api_version,
            hint,
            deadline,
            current: tokio::sync::Mutex::default(),
            failed: Mutex::default(),
        };
        Ok(Self {
            plugin: policy.runner(plugin),
            policy,
            always_allowed: allow.iter().any(|allowed| allowed == command || Path::new(allowed) == path),
            context: Clean::line(context),
            clock,
        })
    }

    /// The credential, fetched if there is none or it ends soon. Callers wait for one another.
    pub async fn current(&self) -> Result<Arc<Credential>, SourceError> {
        self.credential(None).await
    }

    /// The server did not accept `seen`: fetches another, unless somebody already did.
    pub async fn renew(&self, seen: &Arc<Credential>) -> Result<Arc<Credential>, SourceError> {
        self.credential(Some(seen)).await
    }

    /// When what the plugin brought ends. It is run again before that, so it is a failure of its own if it does.
    pub fn ending(&self) -> Option<Ending> {
        // held while the plugin runs: then the next one tells
        let current = self.plugin.current.try_lock().ok()?;
        let credential = current.as_ref()?;
        let certificate = || of_pem(credential.certificate.as_ref()?.0.as_bytes());
        let what = Clean::line(&format!("login of '{}'", self.plugin.name));
        Some(Ending { what, at: credential.ends.or_else(certificate)?, notice: Duration::ZERO })
    }

    async fn credential(&self, refused: Option<&Arc<Credential>>) -> Result<Arc<Credential>, SourceError> {
        if !self.always_allowed && !self.policy.is_allowed(&self.plugin.login) {
            return Err(self.plugin.failure(format!(
                "'{}' wants to run for context '{}': press `l` to allow and log in.",
                self.plugin.name, self.context
            )));
        }
        let mut current = self.plugin.current.lock().await;
        let now = self.clock.now();
        if let Some(held) = &*current
            && !refused.is_some_and(|refused| Arc::ptr_eq(refused, held))
            && held.ends.is_none_or(|ends| now.wall.checked_add(EARLY).is_ok_and(|soon| soon < ends))
        {
            return Ok(held.clone());
        }
        if let Some(error) = self.plugin.recent_failure(now.mono) {
            return Err(error);
        }
        match self.plugin.run(&self.context).await {
            Ok(credential) => {
                let credential = Arc::new(credential);
                *current = Some(credential.clone());
                Ok(credential)
            }
            Err(error) => {
                let mut failed = self.plugin.failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed = Some((self.clock.now().mono, error.clone()));
                Err(error)
            }
        }
    }
}

impl Plugin {
    fn failure(&self, says: String) -> SourceError {
        SourceError { login: Some(self.login.clone()), ..SourceError::new(ErrorKind::Auth, says) }
    }

    fn recent_failure(&self, now: Instant) -> Option<SourceError> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, error) = failed.as_ref()?;
        (now.saturating_duration_since(*at) < FAILURE_HOLDS).then(|| error.clone())
    }

    fn forget_failure(&self) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn run(&self, context: &str) -> Result<Credential, SourceError> {
        let name = &self.name;
        let mut command = tokio::process::Command::new(&self.login.command);
        command.args(&self.login.args).envs(self.login.env.iter().map(|(key, value)| (key, value)));
        command.env(EXEC_INFO, &self.info);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0); // it cannot read the terminal, nor get the keys' signals
        let mut child = command
            .spawn()
            .map_err(|error| self.failure(format!("'{name}' for context '{context}' cannot be started: {error}.")))?;
        let pid = child.id();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let whole = async { tokio::join!(child.wait(), read(stdout), read(stderr)) };
        let Ok((status, stdout, stderr)) = tokio::time::timeout(self.deadline, whole).await else {
            end_group(pid);
            let seconds = self.deadline.as_secs();
            return Err(self.failure(format!(
                "'{name}' for context '{context}' did not end within {seconds} s: press `l` to log in with it on screen."
            )));
        };
        if !status.is_ok_and(|status| status.success()) {
            let stderr = String::from_utf8_lossy(&stderr);
            let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it failed without a word");
            let hint =
                self.hint.as_ref().filter(|_| stderr.is_empty()).map(|hint| format!(" {hint}")).unwrap_or_default();
            return Err(self.failure(format!(
                "The login for context '{context}' failed: '{name}' says: {}.{hint} Press `l` to log in.",
                mask(last.trim()).trim_end_matches('.')
            )));
        }
        self.parse(context, &stdout)
    }

    fn parse(&self, context: &str, stdout: &[u8]) -> Result<Credential, SourceError> {
        let name = &self.name;
        let bad = |what: &str| self.failure(format!("'{name}' for context '{context}' {what}."));
        // never quoted: it holds the token
        let answer: Answer = serde_json::from_slice(stdout).map_err(|_| bad("printed no ExecCredential"))?;
        if answer.api_version.as_deref() != Some(&self.api_version) {
            return Err(bad("answered in another version than it was asked in"));
        }
        let status = answer.status.unwrap_or_default();
        let bearer = match status.token.filter(|token| !token.is_empty()) {
            Some(token) => {
                secret::sent(&token);
                let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                    .map_err(|_| bad("printed a token with control characters"))?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let certificate = status.client_certificate_data.zip(status.client_key_data);
        if bearer.is_none() && certificate.is_none() {
            return Err(bad("printed neither a token nor a certificate"));
        }
        Ok(Credential {
            bearer,
            certificate: certificate.map(|(certificate, key)| (certificate, Secret::new(&key))),
            ends: status.expiration_timestamp.and_then(|time| time.parse().ok()),
        })
    }
}

const VERSION_1: &str = "client.authentication.k8s.io/v1";
const VERSION_1_BETA: &str = "client.authentication.k8s.io/v1beta1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: Option<String>,
    status: Option<AnswerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AnswerStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

fn exec_info(api_version: &str, interactive: bool, cluster: Option<&ExecAuthCluster>) -> String {
    let mut spec = serde_json::json!({ "interactive": interactive });
    if let Some(cluster) = cluster {
        spec["cluster"] = serde_json::to_value(cluster).unwrap_or_default();
    }
    serde_json::json!({ "apiVersion": api_version, "kind": "ExecCredential", "spec": spec }).to_string()
}

/// `{name: …, value: …}`
fn variable(entry: &HashMap<String, String>) -> Option<(String, String)> {
    Some((entry.get("name")?.clone(), entry.get("value").cloned().unwrap_or_default()))
}

/// The program's absolute path: of a bare name the first executable in `PATH`.
fn resolve(command: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    if command.contains('/') {
        return std::path::absolute(command).ok().filter(|path| path.is_file());
    }
    std::env::split_paths(path?)
        .map(|folder| folder.join(command))
        .find(|file| file.is_absolute() && is_executable(file))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

async fn read(pipe: Option<impl tokio::io::AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // what could be read before it broke is what there is
        let _ = pipe.take(MAX_OUTPUT).read_to_end(&mut bytes).await;
    }
    bytes
}

#[cfg(unix)]
fn end_group(pid: Option<u32>) {
    if let Some(pid) = pid.and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
        // it may just have ended by itself
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_: Option<u32>) {}

#[cfg(test)]
#[cfg(unix)]
mod tests;
