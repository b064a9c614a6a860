//! Hostile text in every foreign field of every backend: what is drawn, copied, printed and saved has no control in it.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use midwatch::{
    app::links,
    command::ScreenId,
    config::file::Config,
    demo::Options,
    source::ErrorKind,
    store::{Changes, snapshot::Snapshot},
    terminal::{Frame, paint::Painter},
    text::inert_json,
    time::{Clock as _, SystemClock},
    ui::screens::Screens,
};
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::Value;

use crate::{
    backend::{KINDS, config, world},
    checks::{assert_harmless, assert_harmless_bytes, assert_harmless_debug, assert_harmless_json},
    front::{Fault, Front},
    poison::{FORGED, HOSTILE, MONSTERS, forge, poison, poison_names, poison_words},
    watching::Watching,
};

/// All kinds behind servers that fail like this, and the text of the configuration that leads there.
pub async fn all(fault: Fault, folder: &Path) -> (Vec<Front>, Config) {
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
            assert_harmless_bytes(&format!("{id:?} {size:?}"), &painted(&buf));
            frames.push((format!("{id:?} {size:?}"), buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()));
            frames.push((
                format!("{id:?} copied"),
                screen.copied(&view).map(|text| text.to_string()).unwrap_or_default(),
            ));
        }
    }
    frames
}

/// What is written to a terminal that shows nothing yet.
fn painted(buf: &Buffer) -> Vec<u8> {
    let mut bytes = Vec::new();
    let frame = Frame { buffer: buf.clone(), cursor: None, links: links::visible(buf) };
    Painter::new(true).paint(frame, &mut bytes);
    bytes
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
    assert_harmless_debug("the store", &format!("{:?}", watching.store));
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

/// Names are identities too: with them spoiled much is not found any more, and still nothing is drawn, saved or fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_draw_and_save_no_control() {
    let folder = tempfile::tempdir().unwrap();
    let (_fronts, config) = all(Fault::Hostile(poison_names), folder.path()).await;
    let mut watching = Watching::of(config).await;
    for kind in &KINDS {
        watching.until(&format!("{} answers", kind.name), |now| now.has_answered(&kind.id())).await;
    }
    for (what, frame) in frames(&watching) {
        assert_harmless(&what, &frame);
    }
    let saved = serde_json::to_value(Snapshot::take(&watching.store, SystemClock.now())).unwrap();
    assert_harmless_json("the snapshot", &saved);
    assert_harmless_debug("the store", &format!("{:?}", watching.store));
    assert_no_bug(&watching, "hostile names");
}

/// JSON that no reader may trust: what is wrong is said, or it is shown cut; nothing panics.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn monstrous_answers_are_told_or_cut() {
    for (what, monster) in MONSTERS {
        let folder = tempfile::tempdir().unwrap();
        let (_fronts, config) = all(Fault::Hostile(monster), folder.path()).await;
        let mut watching = Watching::of(config).await;
        for kind in &KINDS {
            watching.until(&format!("{} answers with {what}", kind.name), |now| now.has_answered(&kind.id())).await;
        }
        assert_no_bug(&watching, what);
        for (of, frame) in frames(&watching) {
            assert_harmless(&format!("{of}, {what}"), &frame);
        }
        assert!(Snapshot::take(&watching.store, SystemClock.now()).to_bytes().len() <= 1 << 20, "{what}");
    }
}

/// A panic of ours is caught, and told as a bug.
fn assert_no_bug(watching: &Watching, what: &str) {
    for kind in &KINDS {
        for (part, failure) in watching.failures(&kind.id()) {
            let is_bug = failure.is_some_and(|failure| failure.error.kind == ErrorKind::Bug);
            assert!(!is_bug, "{} {part:?} with {what}: {failure:?}", kind.name);
        }
    }
}

/// The program itself, with a home of its own.
pub fn program(home: &Path, config: &Config, args: &[&str]) -> Command {
    let path = home.join("config.toml");
    std::fs::write(&path, toml::to_string(config).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    alone(&mut command, home).arg("--config").arg(path).args(args);
    command
}

/// Nothing of the tester's own is there.
fn alone<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command.env_clear().env("HOME", home).env("MARKED", crate::secrets::MARKER).env("PATH", "/usr/bin:/bin");
    command.current_dir(home).stdin(Stdio::null())
}

pub fn midwatch(home: &Path, config: &Config, args: &[&str]) -> Output {
    program(home, config, args).output().unwrap()
}

/// What can be asked without a screen.
pub const HEADLESS: [&[&str]; 14] = [
    &["status"],
    &["status", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["show", "now"],
    &["show", "triage"],
    &["show", "kube"],
    &["show", "kube", "--json"],
    &["show", "pipelines"],
    &["show", "pipelines", "--json"],
    &["show", "prs"],
    &["show", "prs", "--json"],
    &["show", "metrics", "--json"],
    &["show", "triage", "--json"],
];

/// Of one object: its log, and a plan.
const ON_OBJECT: [&[&str]; 4] = [
    &["logs", "deploy/myapp", "-n", "production"],
    &["logs", "deploy/myapp", "-n", "production", "--json"],
    &["rollback", "deploy/myapp", "-n", "production", "--dry-run"],
    &["rollback", "deploy/myapp", "-n", "production", "--dry-run", "--json"],
];

fn assert_harmless_output(args: &[&str], output: Output) -> String {
    let stderr = String::from_utf8(output.stderr).unwrap();
    let mut stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.is_empty(), "{args:?}: {stderr}");
    if args[0] == "logs" {
        // Of all controls a log's lines keep their tabs: what reads them may cut at these.
        stdout = stdout.replace('\t', " ").replace("\\t", " ");
    }
    assert_harmless(&format!("{args:?}"), &stdout);
    assert_harmless(&format!("{args:?}, stderr"), &stderr);
    if args.contains(&"--json") {
        for value in serde_json::Deserializer::from_str(&stdout).into_iter::<Value>() {
            assert_harmless_json(&format!("{args:?}"), &value.unwrap());
        }
    }
    stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_has_no_control() {
    let folder = tempfile::tempdir().unwrap();
    let (fronts, config) = all(Fault::Hostile(poison), folder.path()).await;
    for args in HEADLESS.iter().chain(&ON_OBJECT) {
        if args[0] == "logs" {
            for front in &fronts {
                front.set(Fault::Hostile(poison_words));
            }
        }
        let (home, config) = (folder.path().to_owned(), config.clone());
        let output = tokio::task::spawn_blocking(move || midwatch(&home, &config, args)).await.unwrap();
        assert_harmless_output(args, output);
    }
}

/// One row is one line: a label cannot make another that looks like ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_makes_a_row_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (_fronts, config) = all(Fault::Hostile(forge), folder.path()).await;
    let mut seen = 0;
    for args in HEADLESS.iter().filter(|args| !args.contains(&"--json")) {
        let (home, config) = (folder.path().to_owned(), config.clone());
        let output = tokio::task::spawn_blocking(move || midwatch(&home, &config, args)).await.unwrap();
        let stdout = assert_harmless_output(args, output);
        assert!(!stdout.lines().any(|line| line.trim_start().starts_with(FORGED)), "{args:?}:\n{stdout}");
        seen += usize::from(stdout.contains(FORGED));
    }
    assert!(seen > 4, "the forged lines came through: {seen}");
    let (home, config) = (folder.path().to_owned(), config.clone());
    let followed = tokio::task::spawn_blocking(move || first_lines(program(&home, &config, &["follow"]), 5));
    for line in followed.await.unwrap() {
        assert_harmless("follow", &line);
        assert!(!line.trim_start().starts_with(FORGED), "{line}");
    }
}

/// What a program that goes on says first.
fn first_lines(mut command: Command, count: usize) -> Vec<String> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(count).map(Result::unwrap).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    lines
}

/// However large or deep an answer is, it does not take the computer's memory.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn monstrous_answers_take_no_more_memory_than_there_is() {
    for (what, monster) in MONSTERS {
        let folder = tempfile::tempdir().unwrap();
        let (_fronts, config) = all(Fault::Hostile(monster), folder.path()).await;
        let ran = program(folder.path(), &config, &["show", "triage", "--json"]);
        let mut limited = Command::new("/bin/sh");
        // Address space in KiB: a gigabyte and a half, of which the program and its threads' stacks take a part.
        alone(&mut limited, folder.path()).args(["-c", "ulimit -v 1500000; exec \"$0\" \"$@\""]);
        limited.arg(ran.get_program()).args(ran.get_args());
        let output = tokio::task::spawn_blocking(move || limited.output().unwrap()).await.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{what}: {stderr}"));
        assert_eq!(answer["screen"], "triage", "{what}");
        assert!(!stderr.contains("panicked"), "{what}: {stderr}");
        assert_harmless_json(what, &answer);
    }
}

/// A kubeconfig that somebody mailed: what it calls things is printed, and written into the configuration.
#[test]
fn a_hostile_kubeconfig_is_named_without_controls() {
    let home = tempfile::tempdir().unwrap();
    // YAML takes the escapes of JSON, but no pairs of surrogates.
    let bad = inert_json(&serde_json::to_string(&format!("c{HOSTILE}").replace('\u{e0041}', "")).unwrap());
    let kubeconfig = format!(
        "current-context: {bad}\nclusters: [{{name: {bad}, cluster: {{server: 'http://127.0.0.1:1'}}}}]\n\
         contexts: [{{name: {bad}, context: {{cluster: {bad}, user: {bad}, namespace: {bad}}}}}, {{name: d, context: {{cluster: {bad}, user: {bad}}}}}]\n\
         users: [{{name: {bad}, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/true, args: [{bad}], env: [{{name: TOKEN, value: {bad}}}], installHint: {bad}}}}}}}]\n"
    );
    let path = home.path().join("kubeconfig");
    std::fs::write(&path, kubeconfig).unwrap();
    for args in
        [&["init"][..], &["status"], &["doctor"], &["doctor", "--json"], &["config", "check"], &["show", "kube"]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
        let output = alone(&mut command, home.path()).env("KUBECONFIG", &path).args(args).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_harmless(&format!("{args:?}"), &format!("{stdout}{stderr}"));
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    }
    let written = crate::secrets::written(home.path());
    let config: Vec<_> = written.iter().filter(|(path, _)| path.ends_with("config.toml")).collect();
    assert_eq!(config.len(), 1, "{written:?}");
    for (path, text) in written.iter().filter(|(path, _)| !path.ends_with("/kubeconfig")) {
        assert_harmless(path, text);
    }
}

/// The live template is somebody else's: it is kept to the letter for the undo, but not as what a terminal would obey.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_and_what_is_kept_have_no_control() {
    let home = tempfile::tempdir().unwrap();
    let options = Options::new(std::sync::Arc::new(|| SystemClock.now().wall));
    let world =
        midwatch::demo::start(Options { speed: 20.0, folder: Some(env!("CARGO_TARGET_TMPDIR").into()), ..options })
            .await
            .unwrap();
    let cluster = &world.clusters[0].1;
    let deployment = format!("{}/apis/apps/v1/namespaces/production/deployments/myapp", cluster.url);
    let template = serde_json::json!({"metadata": {"annotations": {"note": HOSTILE}}});
    let patch = serde_json::json!({"metadata": {"annotations": {"kubernetes.io/change-cause": HOSTILE}}, "spec": {"template": template}});
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let patched = client.patch(&deployment).bearer_auth(&cluster.token).body(patch.to_string());
    let patched = patched.header("content-type", "application/merge-patch+json").send().await.unwrap();
    assert!(patched.status().is_success(), "{}", patched.text().await.unwrap());
    let mut config = config();
    (KINDS[0].configure)(&mut config, &cluster.url, &cluster.token, home.path());
    let run = |args: &'static [&'static str]| {
        let (home, config) = (home.path().to_owned(), config.clone());
        tokio::task::spawn_blocking(move || midwatch(&home, &config, args))
    };
    let done = run(&["rollback", "deploy/myapp", "-n", "production", "--to", "13", "--confirm", "y"]).await.unwrap();
    let said = assert_harmless_output(&["rollback"], done);
    let state = home.path().join(".local/state/midwatch");
    let written = crate::secrets::written(&state);
    let names: Vec<&str> =
        written.iter().map(|(path, _)| path.strip_prefix(state.to_str().unwrap()).unwrap()).collect();
    assert!(names.contains(&"/audit.jsonl") && names.contains(&"/kept/0001.json"), "{names:?}: {said}");
    for (path, text) in &written {
        assert_harmless(path, text);
    }
    let kept = std::fs::read(state.join("kept/0001.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept["before"]["metadata"]["annotations"]["note"], HOSTILE, "to the letter");
    for args in [
        &["audit"][..],
        &["audit", "--json"],
        &["show", "audit"],
        &["show", "audit", "--json"],
        &["undo", "1", "--dry-run"],
    ] {
        let output = run(args).await.unwrap();
        assert_harmless_output(args, output);
    }
}
