//! Hostile text in every foreign field of every backend: what is drawn, copied, printed and saved has no control in it.

use std::{
    path::Path,
    process::{Command, Output},
};

use midwatch::{
    command::ScreenId,
    config::file::Config,
    store::{Changes, snapshot::Snapshot},
    time::{Clock as _, SystemClock},
    ui::screens::Screens,
};
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::Value;

use crate::{
    backend::{KINDS, config, world},
    front::{Fault, Front},
    watching::Watching,
};

/// A colour, a title, the clipboard, a notification, C1, DEL, BEL, CR, NUL, BS, bidi overrides, zero widths, tags.
const HOSTILE: &str = "\u{1b}[31m\u{1b}]0;t\u{7}\u{1b}]52;c;aGk=\u{1b}\\\u{1b}]8;;http://evil\u{7}\u{9b}31m\u{9d}52;c;x\u{9c}\
    \u{7f}\u{7}\r\0\u{8}\t\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{61c}\u{2028}\u{e0041}e\u{301}\u{301}\u{301}\n\u{1b}P1$r\u{1b}c";

/// Fields with text of other people's. Identities and enumerations stay, so that the rest is still read.
const FOREIGN: [&str; 40] = [
    // GitHub
    "title",
    "body",
    "login",
    "headRefName",
    "baseRefName",
    "display_title",
    "head_branch",
    "context",
    "description",
    // Kubernetes
    "message",
    "reason",
    "nodeName",
    "image",
    "imageID",
    "component",
    "hostname",
    "change-cause",
    "manager",
    "kubernetes.io/change-cause",
    "app",
    "version",
    "gitVersion",
    "note",
    "terminationMessage",
    "team",
    "owner",
    // Grafana and Alertmanager
    "legendFormat",
    "unit",
    "text",
    "comment",
    "createdBy",
    "summary",
    "runbook_url",
    "value",
    "service",
    "severity",
    "alertname",
    "generatorURL",
    "folderTitle",
    "database",
];

/// Adds the hostile text to every foreign field, and to what is no JSON (logs).
fn poison(path: &str, body: Vec<u8>) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
        let mut body = body;
        if !path.contains("/openapi") {
            body.extend_from_slice(HOSTILE.as_bytes());
        }
        return body;
    };
    spoil(&mut value);
    serde_json::to_vec(&value).unwrap()
}

fn spoil(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(spoil),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if FOREIGN.contains(&name.as_str()) => text.push_str(HOSTILE),
                    other => spoil(other),
                }
            }
        }
        _ => {}
    }
}

/// What moves a cursor, changes a colour, rings, or changes the order of what is read.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// All kinds behind servers that fail like this, and the text of the configuration that leads there.
async fn all(fault: Fault, folder: &Path) -> (Vec<Front>, Config) {
    let (mut fronts, mut config) = (Vec::new(), config());
    for kind in &KINDS {
        let front = Front::of(&(kind.upstream)(world()).url).await;
        front.set(fault);
        kind.add(&mut config, &front.url, folder);
        fronts.push(front);
    }
    (fronts, config)
}

pub const SCREENS: [ScreenId; 8] = [
    ScreenId::Now,
    ScreenId::Triage,
    ScreenId::Kube,
    ScreenId::Pipelines,
    ScreenId::PullRequests,
    ScreenId::Metrics,
    ScreenId::Logs,
    ScreenId::Audit,
];

/// Every cell of every screen, in two sizes, and what each would copy.
pub fn frames(watching: &Watching) -> Vec<(String, String)> {
    let mut frames = Vec::new();
    for size in [(80, 24), (200, 60)] {
        let (mut screens, view) = (Screens::default(), watching.view(size));
        for id in SCREENS {
            let screen = screens.get_mut(id);
            let area = Rect::new(0, 0, size.0, size.1);
            let mut buf = Buffer::empty(area);
            screen.sync(&view, Changes::ALL);
            screen.render(&view, area, &mut buf);
            frames.push((format!("{id:?} {size:?}"), buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()));
            frames.push((
                format!("{id:?} copied"),
                screen.copied(&view).map(|text| text.to_string()).unwrap_or_default(),
            ));
        }
    }
    frames
}

fn assert_harmless(what: &str, text: &str) {
    if let Some(at) = text.chars().position(|c| is_control(c) && c != '\n') {
        let around: String = text.chars().skip(at.saturating_sub(40)).take(80).collect();
        panic!("a control in {what}: {around:?}");
    }
}

/// Every text in a JSON value, as a reader of it gets it.
fn assert_harmless_json(what: &str, value: &Value) {
    match value {
        Value::String(text) => assert_harmless(what, text),
        Value::Array(values) => values.iter().for_each(|value| assert_harmless_json(what, value)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            assert_harmless(what, name);
            assert_harmless_json(what, value);
        }),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_draws_copies_and_saves_no_control() {
    let folder = tempfile::tempdir().unwrap();
    let (_fronts, config) = all(Fault::Hostile(poison), folder.path()).await;
    let mut watching = Watching::of(config).await;
    for kind in &KINDS {
        watching.until(&format!("{} is read", kind.name), |now| now.is_well(&kind.id())).await;
        assert!((kind.rows)(&watching.store, &kind.id()) > 0, "{}: nothing was read", kind.name);
    }
    for (what, frame) in frames(&watching) {
        assert_harmless(&what, &frame);
    }
    let saved = serde_json::to_value(Snapshot::take(&watching.store, SystemClock.now())).unwrap();
    assert_harmless_json("the snapshot", &saved);
    let titles: Vec<_> = watching.store.pull_requests.values().map(|pull| pull.title.to_string()).collect();
    assert!(titles.iter().any(|title| title.contains("e\u{301}")), "the poison came through: {titles:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failing_server_says_draws_no_control() {
    fn fail(_: &str, _: Vec<u8>) -> Vec<u8> {
        serde_json::to_vec(&serde_json::json!({"message": HOSTILE, "error": HOSTILE, "data": HOSTILE})).unwrap()
    }
    let folder = tempfile::tempdir().unwrap();
    let (_fronts, config) = all(Fault::Hostile(fail), folder.path()).await;
    let mut watching = Watching::of(config).await;
    for kind in &KINDS {
        let told = |now: &Watching| now.failures(&kind.id()).iter().any(|(_, failure)| failure.is_some());
        watching.until(&format!("{} fails", kind.name), told).await;
    }
    for (what, frame) in frames(&watching) {
        assert_harmless(&what, &frame);
    }
}

/// The program itself, with a home of its own.
pub fn midwatch(home: &Path, config: &Config, args: &[&str]) -> Output {
    let path = home.join("config.toml");
    std::fs::write(&path, toml::to_string(config).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command
        .env_clear()
        .env("HOME", home)
        .env("MARKED", crate::secrets::MARKER)
        .env("PATH", "/usr/bin:/bin")
        .current_dir(home)
        .arg("--config")
        .arg(path);
    command.args(args).output().unwrap()
}

/// What can be asked without a screen.
pub const HEADLESS: [&[&str]; 11] = [
    &["status"],
    &["status", "--json"],
    &["doctor"],
    &["show", "triage"],
    &["show", "kube"],
    &["show", "kube", "--json"],
    &["show", "pipelines", "--json"],
    &["show", "prs"],
    &["show", "prs", "--json"],
    &["show", "metrics", "--json"],
    &["show", "triage", "--json"],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_has_no_control() {
    let folder = tempfile::tempdir().unwrap();
    let (_fronts, config) = all(Fault::Hostile(poison), folder.path()).await;
    for args in HEADLESS {
        let (home, config) = (folder.path().to_owned(), config.clone());
        let output = tokio::task::spawn_blocking(move || midwatch(&home, &config, args)).await.unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(!stdout.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_harmless(&format!("{args:?}"), &stdout);
        assert_harmless(&format!("{args:?}, stderr"), &String::from_utf8(output.stderr).unwrap());
        if args.contains(&"--json") {
            assert_harmless_json(&format!("{args:?}"), &serde_json::from_str(&stdout).unwrap());
        }
    }
}
