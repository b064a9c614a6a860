use std::{os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

use serde_json::json;

use super::*;
use crate::{
    config::file::Kubernetes,
    source::kubernetes::fake::{Answer, Fake, refusal},
};

/// A plugin in a folder of its own: it writes a line to `runs` each time, then does `script`.
struct Script {
    folder: tempfile::TempDir,
}

impl Script {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let text = format!(
            "#!/bin/sh\nn=$(($(cat '{at}/runs' 2>/dev/null | wc -l) + 1))\necho run >> '{at}/runs'\n{script}\n"
        );
        let path = folder.path().join("get-token");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// Prints `tok-1`, `tok-2`, …
    fn counting(expiry: &str) -> Self {
        let status = format!(r#"{{\"token\":\"tok-$n\"{expiry}}}"#);
        Self::new(&format!(
            r#"echo "{{\"apiVersion\":\"{VERSION_1}\",\"kind\":\"ExecCredential\",\"status\":{status}}}""#
        ))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("get-token")
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("runs")).unwrap_or_default().lines().count()
    }

    fn user(&self) -> String {
        let path = self.path().display().to_string();
        format!(
            "{{exec: {{apiVersion: {VERSION_1}, command: '{path}', args: [--cluster, eu], interactiveMode: IfAvailable}}}}"
        )
    }

    fn allowed(&self) -> Kubernetes {
        Kubernetes { allow_exec: vec![self.path().display().to_string()], ..Kubernetes::default() }
    }
}

async fn accepting(token: &'static str) -> Fake {
    Fake::start(move |call| match call.authorization.strip_prefix("Bearer ") {
        Some(seen) if token == "any" || seen == token => Answer::Json(200, json!({"ok": true})),
        _ => refusal(401, "Unauthorized", "Unauthorized"),
    })
    .await
}

async fn ask(cluster: &crate::source::kubernetes::client::Cluster) -> Result<serde_json::Value, SourceError> {
    cluster.get::<serde_json::Value>("/api").await.map_err(SourceError::from)
}

#[tokio::test]
async fn a_plugin_runs_only_after_it_was_allowed() {
    let (script, fake) = (Script::counting(""), accepting("any").await);
    let policy: Arc<ExecPolicy> = Arc::default();
    let cluster = fake.open(&script.user(), &Kubernetes::default(), policy.clone()).await.unwrap();
    let error = ask(&cluster).await.unwrap_err();
    assert_eq!((error.kind, script.runs(), fake.calls().len()), (ErrorKind::Auth, 0, 0));
    assert!(error.says.ends_with("wants to run for context 'eu': press `l` to allow and log in."), "{error}");
    let login = error.login.unwrap();
    assert_eq!(
        (login.command.as_str(), login.args.as_slice()),
        (script.path().to_str().unwrap(), &["--cluster".to_owned(), "eu".to_owned()][..])
    );
    assert!(login.env.iter().any(|(name, value)| name == EXEC_INFO && value.contains("\"interactive\":true")));
    let print = policy.allow(&login);
    assert!(ask(&cluster).await.is_ok());
    assert_eq!(script.runs(), 1);
    // another session remembers; other arguments are another program
    let later = Arc::new(ExecPolicy::remembering([print]));
    let cluster = fake.open(&script.user(), &Kubernetes::default(), later.clone()).await.unwrap();
    assert!(ask(&cluster).await.is_ok());
    let other = fake.open(&script.user().replace("eu]", "us]"), &Kubernetes::default(), later).await.unwrap();
    assert!(ask(&other).await.unwrap_err().says.contains("wants to run"));
}

#[tokio::test]
async fn many_requests_and_contexts_share_one_run() {
    let (script, fake) = (Script::counting(""), accepting("tok-1").await);
    let policy: Arc<ExecPolicy> = Arc::default();
    let first = fake.open(&script.user(), &script.allowed(), policy.clone()).await.unwrap();
    let second = fake.open(&script.user(), &script.allowed(), policy).await.unwrap();
    let answers = futures::join!(ask(&first), ask(&first), ask(&second), ask(&second));
    assert!(answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok() && answers.3.is_ok(), "{answers:?}");
    assert_eq!(script.runs(), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let (script, fake) = (Script::counting(""), accepting("tok-2").await);
    let cluster = fake.open(&script.user(), &script.allowed(), Arc::default()).await.unwrap();
    assert!(ask(&cluster).await.is_ok());
    assert_eq!((script.runs(), fake.calls().len()), (2, 2));
    let never = accepting("none").await;
    let cluster = never.open(&script.user(), &script.allowed(), Arc::default()).await.unwrap();
    let error = ask(&cluster).await.unwrap_err();
    assert!(error.kind == ErrorKind::Auth && error.says.contains("401"), "{error}");
    assert_eq!(never.calls().len(), 2, "once more, not for ever");
}

#[tokio::test]
async fn a_token_about_to_end_is_renewed_before() {
    let script = Script::counting(r#",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\""#);
    let fake = accepting("any").await;
    let cluster = fake.open(&script.user(), &script.allowed(), Arc::default()).await.unwrap();
    assert!(ask(&cluster).await.is_ok() && ask(&cluster).await.is_ok());
    assert_eq!(script.runs(), 2);
}

#[tokio::test]
async fn an_expired_login_says_what_the_plugin_says_and_how_to_log_in() {
    let script =
        Script::new("echo 'Traceback' >&2; echo 'The SSO session has expired, token=abcdefgh1234.' >&2; exit 255");
    let fake = accepting("any").await;
    let policy: Arc<ExecPolicy> = Arc::default();
    let cluster = fake.open(&script.user(), &script.allowed(), policy.clone()).await.unwrap();
    let error = ask(&cluster).await.unwrap_err();
    assert!(
        error.says.contains("says: The SSO session has expired") && error.says.contains("press `l`")
            || error.says.contains("Press `l`"),
        "{error}"
    );
    assert!(!error.says.contains("abcdefgh1234"), "{error}");
    assert_eq!(ask(&cluster).await.unwrap_err(), error);
    assert_eq!(script.runs(), 1, "other sources do not each run a failing plugin");
    policy.allow(&error.login.unwrap());
    ask(&cluster).await.unwrap_err();
    assert_eq!(script.runs(), 2, "after a login it is tried at once");
    assert_eq!(fake.calls().len(), 0);
}

#[tokio::test]
async fn a_plugin_has_no_terminal_no_answer_from_us_and_is_not_left_running() {
    let script = Script::new(
        "read -r line && exit 3\n[ -t 0 ] && exit 4; [ -t 1 ] && exit 5; [ -t 2 ] && exit 6\n\
         echo \"$KUBERNETES_EXEC_INFO $*\" > \"$(dirname \"$0\")/seen\"; echo $$ > \"$(dirname \"$0\")/pid\"; exec tail -f /dev/null",
    );
    let fake = accepting("any").await;
    let cluster = fake.open(&script.user(), &script.allowed(), Arc::default()).await.unwrap();
    let error = tokio::time::timeout(Duration::from_secs(8), ask(&cluster)).await.unwrap().unwrap_err();
    assert!(error.says.contains("did not end within 5 s"), "{error}");
    let seen = std::fs::read_to_string(script.folder.path().join("seen")).unwrap();
    assert!(seen.contains("\"interactive\":false") && seen.contains("--cluster eu"), "{seen}");
    let pid: i32 = std::fs::read_to_string(script.folder.path().join("pid")).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    while rustix::process::test_kill_process(pid).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nonsense_is_refused_without_quoting_it() {
    for (script, word) in [
        ("echo 's3cr3t-marker'", "no ExecCredential"),
        (
            r#"echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"s3cr3t-marker"}}'"#,
            "another version",
        ),
        (r#"echo '{"apiVersion":"client.authentication.k8s.io/v1","status":{}}'"#, "neither a token"),
    ] {
        let (script, fake) = (Script::new(script), accepting("any").await);
        let cluster = fake.open(&script.user(), &script.allowed(), Arc::default()).await.unwrap();
        let error = ask(&cluster).await.unwrap_err();
        assert!(error.says.contains(word) && !error.says.contains("s3cr3t"), "{error}");
    }
    let fake = accepting("any").await;
    let of = |exec: &str| format!("{{exec: {{{exec}}}}}");
    for (user, word) in [
        (of("apiVersion: client.authentication.k8s.io/v1alpha1, command: aws"), "only client.authentication.k8s.io/v1"),
        (
            of(
                "apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin-here, installHint: 'brew install it'",
            ),
            "not installed. brew install it",
        ),
        ("{auth-provider: {name: gcp, config: {cmd-path: /bin/true}}}".to_owned(), "auth-provider 'gcp'"),
    ] {
        let error = fake.open(&user, &Kubernetes::default(), Arc::default()).await.err().unwrap();
        assert!(error.says.contains(word), "{error}");
    }
}
