//! The commands without a screen, run as a user runs them, against the demo's servers: exit codes, JSON shapes, pipes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "e2e/world.rs"]
#[expect(dead_code, reason = "shared with the tests in a pseudo-terminal, which use all of it")]
mod world;

#[path = "cli/configuration.rs"]
mod configuration;
#[path = "cli/jobs.rs"]
mod jobs;
#[path = "cli/logs.rs"]
mod logs;
#[path = "cli/scopes.rs"]
mod scopes;
#[path = "cli/slow.rs"]
mod slow;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use world::World;

/// midwatch with a home of its own and nothing of the user's environment.
fn midwatch(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command.env_clear().env("HOME", home).env("PATH", home.join("no-programs")).stdin(Stdio::null());
    command.current_dir(home);
    command
}

struct Bench {
    world: World,
    home: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { world: World::start(&[]), home: tempfile::tempdir().unwrap() }
    }

    /// In a world whose time all but stands still: what is read twice is the same.
    fn still() -> Self {
        Self { world: World::start(&["--speed", "0.001"]), home: tempfile::tempdir().unwrap() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = midwatch(self.home.path());
        command.args(["--config", &self.world.config()]).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {}", both(&output)))
    }
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn rows<'a>(answer: &'a Value, kind: &str) -> Vec<&'a Value> {
    answer["rows"].as_array().unwrap().iter().filter(|row| row["kind"] == kind).collect()
}

#[test]
fn the_incident_needs_me_and_a_dead_backend_wins() {
    let bench = Bench::new();
    let output = bench.run(&["status"]);
    let text = both(&output);
    assert_eq!(code(&output), 1, "{text}");
    assert!(text.contains("need you\n") && text.contains("broken"), "{text}");
    assert!(text.contains("HighErrorRate myapp"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colour, no cursor moves: {text}");
    let answer = bench.json(&["status", "--json"]);
    assert_eq!(answer["schema"], 1);
    let needs = rows(&answer, "need");
    assert!(needs.iter().any(|row| row["name"] == "HighErrorRate myapp" && row["level"] == "broken"), "{answer:#}");
    assert_eq!(answer["backends"].as_array().unwrap().len(), 6, "{answer:#}");
    bench.world.backend("alertmanager", "down");
    let output = bench.run(&["status"]);
    assert_eq!(code(&output), 3, "{}", both(&output));
    let answer = bench.json(&["status", "--json"]);
    let dead = answer["backends"].as_array().unwrap().iter().find(|one| one["name"] == "alertmanager").unwrap();
    assert!(dead["fresh"] == "down" && dead["error"].is_string(), "{dead:#}");
    let output = bench.run(&["doctor"]);
    assert_eq!(code(&output), 3);
    assert!(both(&output).contains("fail  reachable"), "{}", both(&output));
}

#[test]
fn every_screen_has_rows_of_the_documented_shape() {
    let bench = Bench::new();
    let kube = bench.json(&["show", "kube", "--json"]);
    assert_eq!((&kube["schema"], &kube["screen"]), (&Value::from(1), &Value::from("kube")));
    let myapp = rows(&kube, "deployment").into_iter().find(|row| row["name"] == "myapp").unwrap();
    for key in ["cluster", "namespace", "level", "ready", "desired", "updated", "available", "revision", "images"] {
        assert!(!myapp[key].is_null(), "{key}: {myapp:#}");
    }
    let stalled: Vec<&Value> =
        rows(&kube, "pod").into_iter().filter(|row| row["status"] == "CrashLoopBackOff").collect();
    assert!(stalled.iter().all(|row| row["workload"] == "deploy/myapp" && row["level"] == "broken"), "{stalled:#?}");
    assert!(!stalled.is_empty());
    let one = bench.json(&["show", "kube", "-n", "staging", "--context", "staging-eu1", "--json"]);
    assert!(rows(&one, "deployment").iter().all(|row| row["namespace"] == "staging"), "{one:#}");
    let triage = bench.json(&["show", "triage", "--json"]);
    assert!(!rows(&triage, "alert").is_empty() && !rows(&triage, "silence").is_empty());
    assert!(rows(&triage, "change").iter().any(|row| row["what"] == "deploy"), "{triage:#}");
    let runs = bench.json(&["show", "pipelines", "acme/myapp", "--json"]);
    let runs = rows(&runs, "run");
    assert!(!runs.is_empty() && runs.iter().all(|row| row["repository"] == "acme/myapp"), "{runs:#?}");
    let prs = bench.json(&["show", "prs", "--json"]);
    assert!(rows(&prs, "pull-request").iter().any(|row| row["need"] == "review"), "{prs:#}");
    let metrics = bench.json(&["show", "metrics", "myapp-overview", "--json"]);
    let panels = rows(&metrics, "panel");
    assert!(
        panels.iter().any(|row| row["title"] == "error rate" && row["value"].as_f64().unwrap() > 0.05),
        "{panels:#?}"
    );
    assert!(panels.iter().all(|row| row["dashboard"] == "myapp-overview"), "{panels:#?}");
    let rate = panels.iter().find(|row| row["title"] == "error rate").unwrap();
    assert_eq!(rate["type"], "timeseries", "{rate:#}");
    assert!(rate["thresholds"].as_array().unwrap().iter().any(|step| step["from"] == rate["limit"]), "{rate:#}");
    let line = &rate["series"][0];
    let [min, mean, max] = ["min", "mean", "max"].map(|key| line[key].as_f64().unwrap());
    assert!(min < mean && mean < max && line["text"].as_str().unwrap().ends_with('%'), "{rate:#}");
    let audit = bench.json(&["show", "audit", "--json"]);
    assert_eq!(audit["rows"], Value::Array(Vec::new()));
    let text = both(&bench.run(&["show", "kube", "myapp"]));
    assert!(text.contains("deploy/myapp") && !text.contains("deploy/web"), "{text}");
}

#[test]
fn the_doctor_names_identity_version_and_budget() {
    let bench = Bench::new();
    let output = bench.run(&["doctor"]);
    let text = both(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.contains("identity") && text.contains("core: ") && text.contains("nothing fails"), "{text}");
    assert!(text.lines().any(|line| line.contains("ok    rights")), "{text}");
    let answer = bench.json(&["doctor", "--json"]);
    let checks = answer["checks"].as_array().unwrap();
    assert!(checks.iter().all(|one| one["about"].is_string() && one["says"].is_string()), "{checks:#?}");
    assert!(!bench.home.path().join(".local/state/midwatch/audit.jsonl").exists(), "looking writes nothing");
}

#[test]
fn the_doctor_says_when_what_a_cluster_is_reached_with_ends() {
    let bench = Bench::new();
    let path = bench.world.kubeconfig();
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/ca.pem");
    let known = std::fs::read_to_string(&path).unwrap();
    let with_ca = known.replace("server: ", &format!("certificate-authority: {ca}\n    server: "));
    assert_ne!(known, with_ca);
    std::fs::write(&path, with_ca).unwrap();
    let answer = bench.json(&["doctor", "--json"]);
    let checks = answer["checks"].as_array().unwrap();
    let says = |one: &&Value| one["says"].as_str().unwrap().starts_with("CA certificate ends in ");
    let expiry = checks.iter().find(|one| one["check"] == "expiry").unwrap_or_else(|| panic!("{checks:#?}"));
    assert!(says(&expiry) && expiry["result"] == "ok", "{expiry:#}");
    assert!(expiry["says"].as_str().unwrap().ends_with("(2126-10-28 23:44 UTC)"), "{expiry:#}");
}

#[test]
fn a_closed_pipe_ends_what_follows() {
    let bench = Bench::new();
    let args: [&[&str]; 2] = [&["follow", "--json"], &["logs", "deploy/myapp", "-n", "production", "-f"]];
    for args in args {
        let mut child = bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty(), "{args:?}");
        // Its reader is gone: it ends by itself, without a word.
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}");
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "", "{args:?}");
    }
    let first = {
        let mut child = bench.command(&["follow"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        drop(lines);
        child.wait().unwrap();
        first
    };
    assert!(first.contains("needs you: alert HighErrorRate myapp"), "{first}");
}

#[test]
fn a_rollback_is_planned_refused_and_done() {
    let bench = Bench::new();
    let rollback = |args: &[&str]| {
        let mut all = vec!["rollback", "deploy/myapp", "-n", "production", "--json"];
        all.extend(args);
        let output = bench.run(&all);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", both(&output)));
        assert_eq!(answer["exit"], code(&output), "{answer:#}");
        answer
    };
    let before = bench.world.revision("myapp");
    let plan = rollback(&["--dry-run"]);
    assert_eq!(plan["exit"], 0, "{plan:#}");
    let ids: Vec<&str> = plan["plan"]["checks"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 16, "no check is left out: {ids:?}");
    assert_eq!(rollback(&[])["exit"], 2, "a value must be given");
    assert_eq!(rollback(&["--confirm", "9"])["exit"], 1, "and it must be the plan's own");
    assert_eq!(bench.world.revision("myapp"), before, "nothing was sent");
    let missing = bench.run(&["rollback", "deploy/nobody"]);
    assert_eq!(code(&missing), 2, "{}", both(&missing));
    let refused = rollback(&["--read-only", "--confirm", "13"]);
    assert_eq!(refused["exit"], 1, "{refused:#}");
    assert_eq!(bench.world.revision("myapp"), before, "read-only sends nothing");
}

#[test]
fn a_rollback_goes_to_its_end_and_can_be_undone() {
    let home = tempfile::tempdir().unwrap();
    let bench = Bench { world: World::start(&["--speed", "20"]), home };
    let before = bench.world.revision("myapp");
    let target = ["rollback", "deploy/myapp", "-n", "production", "--confirm", "411"];
    let output = bench.run(&target);
    let text = both(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.contains("watch until 10 of 10 are ready on 411: 411 10/10 ready"), "{text}");
    assert_eq!(bench.world.revision("myapp"), before + 1);
    let audit = bench.json(&["audit", "--json"]);
    let acts = rows(&audit, "act");
    assert_eq!(acts.len(), 1, "{audit:#}");
    assert!(acts[0]["outcome"] == "done" && acts[0]["can_undo"] == true, "{audit:#}");
    let again = bench.run(&target);
    assert_ne!(code(&again), 0, "the same words again do not roll back once more: {}", both(&again));
    assert_eq!(bench.world.revision("myapp"), before + 1);
    let undo = bench.json(&["undo", "1", "--dry-run", "--json"]);
    assert_eq!(undo["exit"], 0, "{undo:#}");
    assert_eq!(code(&bench.run(&["undo", "9", "--dry-run"])), 2, "there is no act 9");
}

/// Another value of a variable is another question to Prometheus, and other numbers; what is wrong is said.
#[test]
fn variables_of_a_dashboard_are_set_by_the_command_line() {
    let bench = Bench::new();
    let series = |args: &[&str]| {
        let answer = bench.json(&[&["show", "metrics", "services", "--json"], args].concat());
        let panels = rows(&answer, "panel");
        let rate = panels.iter().find(|row| row["title"] == "request rate").unwrap();
        let series = rate["series"].as_array().unwrap().iter();
        series.map(|one| (one["name"].as_str().unwrap().to_owned(), one["value"].as_f64().unwrap())).collect::<Vec<_>>()
    };
    let payments = series(&[]);
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert_eq!(payments[0].0, "payments");
    let web = series(&["--var", "service=web"]);
    assert_eq!(web[0].0, "web");
    assert!((web[0].1 - payments[0].1).abs() > 1.0, "{web:?} {payments:?}");
    let two = series(&["--var", "service=web", "--var", "service=search"]);
    assert_eq!(two.len(), 2, "{two:?}");
    assert!(series(&["--var", "service=All"]).len() > 3);
    for (var, says) in [
        ("servise=web", "has no variable 'servise': there are "),
        ("service=ghost", "offers no 'ghost': 'All', "),
        ("service", "write NAME=VALUE"),
    ] {
        let output = bench.run(&["show", "metrics", "services", "--var", var]);
        assert!(!output.status.success() && both(&output).contains(says), "{var}: {}", both(&output));
    }
    let output = bench.run(&["show", "kube", "--var", "a=b"]);
    assert!(both(&output).contains("it goes with 'show metrics'"), "{}", both(&output));
}

/// Proxies, the user's kubeconfig, tokens and addresses are none of the demo's business: nobody knocks at the marker's door.
#[test]
fn the_demo_knows_nothing_of_the_users_own_backends() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let marker = format!("http://{}", listener.local_addr().unwrap());
    let home = tempfile::tempdir().unwrap();
    let plugin = home.path().join("touched");
    let kubeconfig = home.path().join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: mine\nclusters: [{{name: mine, cluster: {{server: '{marker}'}}}}]\n\
         contexts: [{{name: mine, context: {{cluster: mine, user: me}}}}]\nusers: [{{name: me, user: {{exec: {{apiVersion: \
         client.authentication.k8s.io/v1, command: touch, args: ['{}'], interactiveMode: Never}}}}}}]\n",
        plugin.display()
    );
    std::fs::write(&kubeconfig, text).unwrap();
    let mut of_user = vec![("KUBECONFIG", kubeconfig.display().to_string())];
    for name in
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "GRAFANA_URL", "ALERTMANAGER_URL", "PROMETHEUS_URL"]
    {
        of_user.push((name, marker.clone()));
    }
    for name in ["GH_TOKEN", "GITHUB_TOKEN", "GRAFANA_TOKEN"] {
        of_user.push((name, "MARKER".to_owned()));
    }
    let world = World::start_with(&[], &of_user);
    let output = midwatch(home.path())
        .args(["--config", &world.config(), "status", "--json"])
        .envs(of_user.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    assert_eq!(code(&output), 1, "every backend is read: {}", both(&output));
    assert!(!both(&output).contains("MARKER"), "{}", both(&output));
    assert!(listener.accept().is_err(), "somebody asked the user's own server");
    assert!(!plugin.exists(), "a login program of the user's was run");
}

#[test]
fn objects_in_trouble_are_listed_first() {
    let bench = Bench::still();
    let shown = bench.json(&["show", "kube", "--kind", "pods", "-n", "production", "--json"]);
    let pods = rows(&shown, "object");
    let last = pods.iter().rposition(|pod| pod["cells"]["Status"] == "CrashLoopBackOff").expect("412 crashes");
    let first = pods.iter().position(|pod| pod["cells"]["Status"] == "Running").expect("others run");
    assert!(last < first, "{last} {first}");
}

/// Whatever asks it to end, from the first moment on: it ends well and its files go with it. Killed, the next one sweeps.
#[test]
fn a_demo_leaves_nothing_behind() {
    use rustix::process::{Pid, Signal, kill_process};
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut child = midwatch(folder.path())
            .args(["demo", "--serve"])
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        child
    };
    let left = || std::fs::read_dir(folder.path()).unwrap().flatten().count();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut child = start();
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!((child.wait().unwrap().code(), left()), (Some(0), 0), "{signal:?}");
    }
    let mut child = start();
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    assert_eq!(left(), 1);
    let mut child = start();
    assert_eq!(left(), 1, "only the new one's");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait().unwrap();
    assert_eq!(left(), 0);
}

/// What is wrong with a scenario is said with file, place and remedy; nothing is started.
#[test]
fn a_wrong_scenario_is_named() {
    let home = tempfile::tempdir().unwrap();
    let story = include_str!("../assets/demo/default.toml");
    let path = home.path().join("mine.toml");
    for (text, says) in [
        ("name = \"x\"\nviewer = \"a\"\nclutser = 1\n".to_owned(), "line 3: unknown field 'clutser', expected one of"),
        ("name = \"x\n".to_owned(), "line 1: "),
        (
            story.replace("{roll-back}", "{rol-back}"),
            "there is no command 'rol-back' for a key: did you mean 'roll-back'?",
        ),
        (
            story.replace("alert = \"HighErrorRate\"\nservice", "alert = \"Ghost\"\nservice"),
            "no '[[alert]]' is called 'Ghost'",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let output = midwatch(home.path()).args(["demo", "--serve", "--scenario"]).arg(&path).output().unwrap();
        assert_eq!(code(&output), 2, "{}", both(&output));
        assert!(both(&output).contains(says) && both(&output).contains("mine.toml"), "{}", both(&output));
    }
    let output = midwatch(home.path()).arg("demo").output().unwrap();
    assert!(code(&output) == 2 && both(&output).contains("needs a terminal"), "{}", both(&output));
}
