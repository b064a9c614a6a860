//! A token is seen nowhere, even when a server that refuses it repeats it.

use std::path::Path;

use midwatch::config::file::{Config, Token};

use crate::{
    backend::{KINDS, config, world},
    front::{Fault, Front},
    hostile::{HEADLESS, frames, midwatch},
    watching::Watching,
};

/// No known shape of a token, so that only knowing it, or where it stands, can hide it.
pub const MARKER: &str = "mArKeR0secret9of8the7watch6";

/// Where each kind's token may come from; the environment is the process's own, so it is tried with the program only.
#[derive(Clone, Copy, Debug)]
enum From {
    Env,
    File,
    Command,
}

/// Every kind before a server that refuses the marker and says it again.
async fn refused(from: From, folder: &Path) -> (Vec<Front>, Config) {
    let (mut fronts, mut config) = (Vec::new(), config());
    for kind in &KINDS {
        let front = Front::of(&(kind.upstream)(world()).url).await;
        front.set(Fault::Echo);
        (kind.configure)(&mut config, &front.url, MARKER, folder);
        fronts.push(front);
    }
    let token = |file: &Option<Token>| match (from, file) {
        (From::Env, _) => Some(Token::Env("MARKED".to_owned())),
        (From::File, file) => file.clone(),
        (From::Command, _) => Some(Token::Command(vec!["/bin/echo".to_owned(), MARKER.to_owned()])),
    };
    for github in &mut config.github {
        github.token = token(&github.token);
    }
    for grafana in &mut config.grafana {
        grafana.token = token(&grafana.token);
    }
    for alertmanager in &mut config.alertmanager {
        alertmanager.token = token(&alertmanager.token);
    }
    (fronts, config)
}

fn assert_unseen(what: &str, text: &str) {
    if let Some(at) = text.find(MARKER) {
        let start = text[..at].char_indices().rev().nth(60).map_or(0, |(at, _)| at);
        panic!("the secret is in {what}: …{}", &text[start..at + MARKER.len()]);
    }
}

/// Everything under `folder` that the program wrote.
fn written(folder: &Path) -> Vec<(String, String)> {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_is_in_no_frame_and_no_error() {
    for from in [From::File, From::Command] {
        let folder = tempfile::tempdir().unwrap();
        let (_fronts, config) = refused(from, folder.path()).await;
        let mut watching = Watching::of(config).await;
        for kind in &KINDS {
            let told = |now: &Watching| now.failures(&kind.id()).iter().any(|(_, failure)| failure.is_some());
            watching.until(&format!("{} refuses", kind.name), told).await;
        }
        for (what, frame) in frames(&watching) {
            assert_unseen(&format!("{what}, {from:?}"), &frame);
        }
        assert_unseen(&format!("the store, {from:?}"), &format!("{:?}", watching.store));
        assert_unseen(&format!("the settings, {from:?}"), &format!("{:?}", watching.settings));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_is_printed_and_written_nowhere() {
    for from in [From::File, From::Env, From::Command] {
        let (given, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (_fronts, config) = refused(from, given.path()).await;
        for args in HEADLESS.into_iter().filter(|args| args[0] != "show" || args.contains(&"triage")) {
            let (folder, config) = (home.path().to_owned(), config.clone());
            let output = tokio::task::spawn_blocking(move || midwatch(&folder, &config, args)).await.unwrap();
            for text in [&output.stdout, &output.stderr] {
                assert_unseen(&format!("the output of {args:?}, {from:?}"), &String::from_utf8_lossy(text));
            }
        }
        // The configuration itself names the command that prints it.
        for (path, text) in written(home.path()).into_iter().filter(|(path, _)| !path.ends_with("/config.toml")) {
            assert_unseen(&path, &text);
        }
    }
}
