//! A token is seen nowhere, wherever it comes from, even when a server that refuses it says it again; and it goes nowhere
//! else.

use std::{path::Path, sync::Arc};

use midwatch::config::file::{Config, Token};
use tokio::{io::AsyncReadExt as _, sync::Mutex};

use crate::{
    backend::{KINDS, Kind, config, token_file, world},
    front::{Fault, Front, SAID, Said},
    hostile::{HEADLESS, frames, midwatch},
    watching::Watching,
};

/// No known shape of a token, so that only knowing it, or where it stands, can hide it.
pub const MARKER: &str = "mArKeR0secret9of8the7watch6";

/// Where the tokens come from; the environment is the process's own, so it is tried with the program only.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Env,
    /// The kubeconfig's own token among them.
    File,
    /// An exec plugin for the cluster.
    Command,
    /// A user and a password; GitHub knows no such thing.
    Basic,
    /// `tokenFile` of a kubeconfig.
    TokenFile,
}

/// Every kind before a server that refuses the marker and says it again.
async fn refused(from: From, said: Said, folder: &Path) -> (Vec<Front>, Config) {
    faulty(from, Fault::Echo(said), folder).await
}

async fn faulty(from: From, fault: Fault, folder: &Path) -> (Vec<Front>, Config) {
    let (mut fronts, mut config) = (Vec::new(), config());
    for kind in &KINDS {
        let front = Front::of(&(kind.upstream)(world()).url).await;
        front.set(fault);
        (kind.configure)(&mut config, &front.url, MARKER, folder);
        fronts.push(front);
    }
    let pair = token_file(folder, "pair", &format!("ana:{MARKER}"));
    let token = |file: &Option<Token>| match from {
        From::Env => Some(Token::Env("MARKED".to_owned())),
        From::File | From::Basic | From::TokenFile => file.clone(),
        From::Command => Some(Token::Command(vec!["/bin/echo".to_owned(), MARKER.to_owned()])),
    };
    for github in &mut config.github {
        github.token = token(&github.token);
    }
    for grafana in &mut config.grafana {
        grafana.token = if from == From::Basic { pair.clone() } else { token(&grafana.token) };
    }
    let user = (from == From::Basic).then(|| "ana".to_owned());
    for alertmanager in &mut config.alertmanager {
        (alertmanager.token, alertmanager.user) = (token(&alertmanager.token), user.clone());
    }
    for prometheus in &mut config.prometheus {
        (prometheus.token, prometheus.user) = (token(&prometheus.token), user.clone());
    }
    log_in(from, &mut config, folder);
    (fronts, config)
}

/// Makes the kubeconfig's user log in like this.
fn log_in(from: From, config: &mut Config, folder: &Path) {
    let path = folder.join("kubeconfig");
    let text = std::fs::read_to_string(&path).unwrap();
    let at = |name: &str| folder.join(name).display().to_string();
    let user = match from {
        From::Env | From::File => return,
        From::Basic => format!("{{username: ana, password: {MARKER}}}"),
        From::TokenFile => {
            std::fs::write(at("its-token"), format!("{MARKER}\n")).unwrap();
            format!("{{tokenFile: '{}'}}", at("its-token"))
        }
        From::Command => {
            let credential = format!(
                r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{MARKER}"}}}}"#
            );
            std::fs::write(at("credential"), credential).unwrap();
            config.kubernetes[0].allow_exec = vec!["/bin/cat".to_owned()];
            format!(
                "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/cat, args: ['{}'], \
                 env: [{{name: ITS_OWN, value: {MARKER}}}], interactiveMode: Never}}}}",
                at("credential")
            )
        }
    };
    let own = format!("user:\n    token: {MARKER}\n");
    assert!(text.contains(&own), "{text}");
    std::fs::write(&path, text.replace(&own, &format!("user: {user}\n"))).unwrap();
}

fn assert_unseen(what: &str, text: &str) {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("ana:{MARKER}"));
    for secret in [MARKER, &pair] {
        if let Some(at) = text.find(secret) {
            let start = text[..at].char_indices().rev().nth(60).map_or(0, |(at, _)| at);
            panic!("the secret is in {what}: …{}", &text[start..at + secret.len()]);
        }
    }
}

/// Everything under `folder` that the program wrote.
pub fn written(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(written(&path));
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

fn has_failed(watching: &Watching, kind: &Kind) -> bool {
    watching.failures(&kind.id()).iter().any(|(_, failure)| failure.is_some())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_is_in_no_frame_and_no_error() {
    let mut hidden = 0;
    for from in [From::File, From::Command, From::Basic, From::TokenFile] {
        for said in SAID {
            let folder = tempfile::tempdir().unwrap();
            let (_fronts, config) = refused(from, said, folder.path()).await;
            let mut watching = Watching::of(config).await;
            for kind in &KINDS {
                watching.until(&format!("{} refuses, {said:?}", kind.name), |now| has_failed(now, kind)).await;
            }
            for (what, frame) in frames(&watching) {
                assert_unseen(&format!("{what}, {from:?}, {said:?}"), &frame);
            }
            let store = format!("{:?}", watching.store);
            assert_unseen(&format!("the store, {from:?}, {said:?}"), &store);
            assert_unseen(&format!("the settings, {from:?}, {said:?}"), &format!("{:?}", watching.settings));
            hidden += store.matches("nobody is called [masked]").count();
        }
    }
    assert!(hidden > 20, "servers' words came through, with what they say masked: {hidden}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_is_printed_and_written_nowhere() {
    let on_object: [&[&str]; 3] =
        [&["logs", "deploy/myapp"], &["rollback", "deploy/myapp", "--dry-run"], &["config", "check"]];
    let looks = HEADLESS.into_iter().filter(|args| args[0] != "show" || args.contains(&"triage"));
    let all: Vec<&[&str]> = looks.chain(on_object).collect();
    for (from, said) in [
        (From::File, Said::Json(403)),
        (From::Env, Said::Text),
        (From::Command, Said::Status),
        (From::Basic, Said::Json(401)),
        (From::TokenFile, Said::Location),
    ] {
        let (given, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (_fronts, config) = refused(from, said, given.path()).await;
        for args in &all {
            let (folder, config) = (home.path().to_owned(), config.clone());
            let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
            let what = format!("the output of {args:?}, {from:?}, {said:?}");
            let is_config = args[0] == "config";
            let output = tokio::task::spawn_blocking(move || {
                midwatch(&folder, &config, &args.iter().map(String::as_str).collect::<Vec<_>>())
            });
            let output = output.await.unwrap();
            // The configuration itself names the command that prints it.
            if !(is_config && from == From::Command) {
                for text in [&output.stdout, &output.stderr] {
                    assert_unseen(&what, &String::from_utf8_lossy(text));
                }
            }
        }
        for (path, text) in written(home.path()).into_iter().filter(|(path, _)| !path.ends_with("/config.toml")) {
            assert_unseen(&path, &text);
        }
    }
}

/// A pod that logs the token it was called with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_says_the_token_is_masked() {
    fn say_it(path: &str, mut body: Vec<u8>) -> Vec<u8> {
        if path.contains("/log?") || path.ends_with("/log") {
            let line = format!("2030-01-01T00:00:00Z called by {}\n", world().clusters[0].1.token);
            body.extend_from_slice(line.as_bytes());
        }
        body
    }
    let (given, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (cluster, mut config) = (&KINDS[0], config());
    let front = Front::of(&(cluster.upstream)(world()).url).await;
    front.set(Fault::Hostile(say_it));
    cluster.add(&mut config, &front.url, given.path());
    for form in [&[][..], &["--json"], &["-o", "raw"]] {
        let (folder, config) = (home.path().to_owned(), config.clone());
        let args: Vec<&str> =
            ["logs", "deploy/myapp", "-n", "production"].into_iter().chain(form.iter().copied()).collect();
        let output = tokio::task::spawn_blocking(move || midwatch(&folder, &config, &args)).await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("called by [masked]"), "{form:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains(&world().clusters[0].1.token), "{form:?}: {text}");
    }
}

/// Everything that was said to a host nobody configured.
async fn thief() -> (&'static str, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 16 * 1024];
            let length = stream.read(&mut bytes).await.unwrap_or_default();
            ears.lock().await.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
        }
    });
    (url.leak(), heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_follows_a_redirect_to_another_host() {
    for from in [From::File, From::Basic, From::TokenFile] {
        let folder = tempfile::tempdir().unwrap();
        let (thief, heard) = thief().await;
        let (_fronts, config) = faulty(from, Fault::Elsewhere(thief), folder.path()).await;
        let mut watching = Watching::of(config).await;
        for kind in &KINDS {
            watching.until(&format!("{} is told to go elsewhere", kind.name), |now| has_failed(now, kind)).await;
        }
        for request in heard.lock().await.iter() {
            assert_unseen("a request to another host", request);
            assert!(!request.to_lowercase().contains("authorization:"), "{request}");
        }
    }
}
