//! Commands of the configuration's own, links, shells and port-forwards: keys in, effects out.

use std::path::Path;

use super::*;
use crate::{
    config::load::parse,
    custom::{self, Output},
    keymap::Keymap,
    model::{
        BackendKind, Part, SourceId,
        alert::Priority,
        forward::{Forward, ForwardAsk, ForwardState, ForwardTo},
        kubernetes::{Pod, WorkloadKind},
    },
    ui::testing::{alert, cluster, deployment, pod, replica_set, running, workload_key},
};

const COMMANDS: &str = r#"
[[command]]
name = "debug"
key = "D"
on = ["pod", "workload"]
run = ["kubectl", "debug", "-it", "{name}", "-n", "{namespace}", "--context", "{context}"]

[[command]]
name = "usage"
key = "T"
on = ["workload"]
run = ["kubectl", "top", "pod", "-n", "{namespace}"]
writes = false
output = "page"

[[link]]
name = "ticket"
pattern = 'SHOP-\d+'
url = "https://tickets.example/$0"
"#;

/// The Kube screen of a cluster with one workload and its pod, and the commands above.
fn desk(production: bool) -> Desk {
    let mut world = World::live();
    world.workloads([deployment("myapp", "myapp:412", 1, 1)]);
    let containers = Box::new([running("myapp")]);
    world.pods([Pod { containers, ..pod("myapp-6d5f", "x1", None) }]);
    world.replica_sets([replica_set("myapp", "6d5f", 14, "02:57", "myapp:412", (1, 1))]);
    world.settings.production.insert(cluster(), production);
    let config = parse(COMMANDS, Path::new("config.toml")).expect("well written");
    world.settings.commands = custom::commands(&config.command, "").expect("checked");
    world.settings.links = custom::links(&config.link, "").expect("checked");
    world.keymap = Keymap::default().with_own(&world.settings.commands).expect("no clash");
    let mut desk = Desk::new(world);
    desk.frame((120, 35));
    desk.keys("3");
    desk.frame((120, 35));
    desk
}

fn line(effects: &[Effect]) -> Option<String> {
    effects.iter().find_map(|effect| match effect {
        Effect::Run(program) => Some(program.line().to_string()),
        _ => None,
    })
}

#[test]
fn what_writes_asks_and_in_production_for_the_name() {
    let mut desk = desk(false);
    assert!(desk.keys("D").is_empty());
    assert!(desk.frame((120, 35)).contains("kubectl debug -it myapp -n production --context prod-eu1"));
    assert!(desk.keys("y").is_empty(), "a key typed on is dropped");
    desk.pass(Duration::from_millis(500));
    let effects = desk.keys("y");
    assert_eq!(line(&effects).as_deref(), Some("kubectl debug -it myapp -n production --context prod-eu1"));
    assert!(effects.iter().all(Effect::takes_terminal));

    let mut desk = self::desk(true);
    desk.keys("D");
    desk.pass(Duration::from_millis(500));
    assert!(desk.keys("y").is_empty() && desk.press(KeyCode::Enter).is_empty(), "a y is not enough");
    desk.press(KeyCode::Backspace);
    desk.app.update(Msg::Paste("myapp".into()), desk.clock.now());
    assert!(desk.press(KeyCode::Enter).is_empty(), "pasted text confirms nothing");
    desk.keys("myapp");
    assert!(line(&desk.press(KeyCode::Enter)).is_some());
}

#[test]
fn what_only_reads_runs_at_once_also_in_read_only_mode() {
    let mut desk = desk(true);
    desk.app.settings.read_only = Some("started with --read-only".into());
    let effects = desk.keys("T");
    assert_eq!(line(&effects).as_deref(), Some("kubectl top pod -n production"));
    assert!(matches!(&effects[..], [Effect::Run(program)] if program.output == Output::Page));
    assert!(desk.keys("D").is_empty());
    assert!(desk.frame((120, 35)).contains("'debug': started with --read-only"));
    let now = desk.clock.now();
    desk.app.update(
        Msg::Output { title: "top on myapp".into(), place: "prod-eu1/production".into(), text: "CPU 3m".into() },
        now,
    );
    let frame = desk.frame((120, 35));
    assert!(frame.contains("top on myapp") && frame.contains("CPU 3m"), "{frame}");
}

#[test]
fn that_it_runs_is_not_said_after_its_end() {
    let mut desk = desk(true);
    let now = desk.clock.now();
    desk.app.update(Msg::Said("'top' runs".into()), now);
    assert!(desk.frame((120, 35)).contains("'top' runs"));
    desk.app.update(Msg::Unsaid("'top' runs".into()), now);
    assert!(!desk.frame((120, 35)).contains("'top' runs"));
}

#[test]
fn menu_help_and_palette_have_them() {
    let mut desk = desk(false);
    desk.keys("x");
    let frame = desk.frame((120, 35));
    assert!(frame.contains("D             debug: kubectl debug -it {name}"), "{frame}");
    assert!(frame.contains("kubectl debug -it myapp"), "the line to copy stands below\n{frame}");
    desk.press(KeyCode::Esc);
    desk.keys("?");
    assert!(desk.frame((120, 45)).contains("debug (writes)"));
    desk.press(KeyCode::Esc);
    desk.keys(":");
    desk.frame((120, 35));
    desk.keys("debug");
    assert!(desk.frame((120, 35)).contains("kubectl debug -it {name}"));
    desk.press(KeyCode::Enter);
    assert!(desk.frame((120, 35)).contains("RUN debug on deploy/myapp"));
}

#[test]
fn links_are_offered_by_number_when_there_are_several() {
    let mut world = World::live();
    let mut firing = alert("HighErrorRate", "myapp", Priority::P1, "03:10", "see SHOP-12 or SHOP-13");
    firing.generator_url = None;
    world.alerts(vec![firing]);
    let config = parse(COMMANDS, Path::new("config.toml")).expect("well written");
    world.settings.links = custom::links(&config.link, "").expect("checked");
    let mut desk = Desk::new(world);
    desk.frame((120, 35));
    desk.keys("2");
    desk.frame((120, 35));
    assert!(desk.keys("o").is_empty());
    let frame = desk.frame((120, 35));
    assert!(frame.contains("ticket SHOP-12") && frame.contains("https://tickets.example/SHOP-13"), "{frame}");
    desk.keys("2");
    let effects = desk.press(KeyCode::Enter);
    assert!(matches!(&effects[..], [Effect::OpenUrl(url)] if url.ends_with("SHOP-13")), "{effects:?}");
    assert!(desk.keys("Y").is_empty());
    assert!(desk.frame((120, 35)).contains("COPY LINK OF"), "{}", desk.frame((120, 35)));
    desk.keys("2");
    let effects = desk.press(KeyCode::Enter);
    assert!(matches!(&effects[..], [Effect::Copy(url)] if url.ends_with("SHOP-13")), "{effects:?}");
}

#[test]
fn a_log_store_is_opened_at_the_row_and_its_time() {
    let text =
        "[[link]]\nname = \"store\"\non = [\"workload\"]\nurl = \"https://logs.example/{namespace}/{name}?to={to}\"\n";
    let config = parse(text, Path::new("config.toml")).expect("well written");
    let mut world = World::live();
    world.workloads([deployment("myapp", "myapp:412", 1, 1)]);
    world.settings.links = custom::links(&config.link, "").expect("checked");
    let to = world.clock.now().wall.as_millisecond();
    let mut desk = Desk::new(world);
    desk.frame((120, 35));
    desk.keys("3");
    let frame = desk.frame((600, 35));
    assert!(frame.contains("o browser"), "{frame}");
    let effects = desk.keys("o");
    let address = format!("https://logs.example/production/myapp?to={to}");
    assert!(matches!(&effects[..], [Effect::OpenUrl(url)] if *url == *address), "{effects:?} {address}");
    let effects = desk.keys("Y");
    assert!(matches!(&effects[..], [Effect::Copy(url)] if *url == *address), "{effects:?} {address}");
}

#[test]
fn an_address_that_no_browser_opens_can_be_read_and_is_copied() {
    let mut desk = desk(true);
    let address = crate::text::Clean::own(format!("https://tickets.example/{}/end", "0123456789".repeat(12)));
    let unopened = |desk: &mut Desk| {
        let now = desk.clock.now();
        let effects = desk.app.update(Msg::Unopened(address.clone()), now);
        assert!(matches!(&effects[..], [Effect::Copy(copied)] if *copied == address), "{effects:?}");
    };
    unopened(&mut desk);
    unopened(&mut desk);
    let frame = desk.frame((80, 24));
    let shown: String = frame.lines().map(|row| row.trim_matches(|c: char| !c.is_ascii_alphanumeric())).collect();
    assert!(frame.contains("no browser could be started") && shown.contains("https://tickets.example/0123"), "{frame}");
    assert!(frame.contains("89/end"), "broken, not cut\n{frame}");
    let effects = desk.keys("y");
    assert!(matches!(&effects[..], [Effect::Copy(copied)] if *copied == address), "{effects:?}");
    desk.press(KeyCode::Esc);
    assert!(!desk.frame((80, 24)).contains("no browser"), "shown once for two presses");
}

#[test]
fn a_shell_asks_in_production_and_is_refused_in_read_only_mode() {
    let mut desk = desk(true);
    desk.press(KeyCode::Tab);
    desk.frame((120, 35));
    assert!(desk.keys("s").is_empty());
    assert!(desk.frame((120, 35)).contains("SHELL in"), "{}", desk.frame((120, 35)));
    desk.pass(Duration::from_millis(500));
    let effects = desk.keys("y");
    assert!(matches!(&effects[..], [Effect::Shell { pod, .. }] if pod.name == "myapp-6d5f-x1"), "{effects:?}");
    desk.app.settings.read_only = Some("started with --read-only".into());
    assert!(desk.keys("s").is_empty());
    assert!(desk.frame((120, 35)).contains("not in read-only mode"));
}

#[test]
fn a_forward_is_asked_for_and_listed() {
    let mut desk = desk(true);
    desk.keys("F");
    assert!(desk.frame((120, 35)).contains("FORWARD deploy/myapp"));
    desk.keys("80x");
    assert!(desk.press(KeyCode::Enter).is_empty());
    assert!(desk.frame((80, 24)).contains("'80x' is no pair of ports: write LOCAL:REMOTE, as in 8080:80 "));
    desk.press(KeyCode::Backspace);
    desk.keys(":http");
    let effects = desk.press(KeyCode::Enter);
    let [Effect::Forward(ask)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((ask.local, ask.to.to_string().as_str()), (Some(80), "deploy/myapp"));

    let to = ask.to.clone();
    let mut going = Forward::new(7, ForwardAsk { to, or: None, local: None, remote: None });
    (going.local, going.pod, going.state) = (Some(8080), Some(("myapp-1".into(), 80)), ForwardState::Listening);
    (going.opened, going.received) = (3, 2048);
    let failed = Forward { number: 8, state: ForwardState::Failed("port 80 is taken".into()), ..going.clone() };
    desk.app.forwards = vec![going.clone(), failed.clone()];
    assert!(desk.frame((120, 35)).contains("1 forward  !! 1 forward failed"), "{}", desk.frame((120, 35)));
    // Where the names of the screens leave it no room, it is there still.
    desk.app.forwards = [vec![going.clone(); 12], vec![failed; 3]].concat();
    for size in [(120, 35), (100, 30), (80, 24), (60, 16)] {
        let frame = desk.frame(size);
        let tabs = frame.lines().nth(1).unwrap_or_default().trim_end();
        let is_long = tabs.ends_with("12 forwards  !! 3 forwards failed");
        let is_short = tabs.ends_with("fwd 12 !! 3") || tabs.ends_with("fwd !! 3");
        assert!((is_long && size.0 > 80) || is_short, "{frame}");
    }
    desk.app.forwards = vec![going];
    desk.keys(":");
    desk.frame((120, 35));
    desk.keys("forwards");
    desk.press(KeyCode::Enter);
    for size in [(120, 35), (80, 24)] {
        let frame = desk.frame(size);
        assert!(frame.contains("127.0.0.1:8080") && frame.contains("2 KiB received"), "{frame}");
        assert!(frame.contains("PROD prod-eu1/production"), "{frame}");
        assert!(frame.contains("x stop it") && !frame.contains("j/k choose"), "one is no choice: {frame}");
    }
    assert!(matches!(&desk.keys("x")[..], [Effect::StopForward(7)]));
    desk.app.forwards.clear();
    let none = desk.frame((120, 35));
    assert!(none.contains("esc leave") && !none.contains("stop it"), "nothing is there to stop: {none}");
}

#[test]
fn a_port_that_leads_somewhere_is_no_other_programs() {
    let mut desk = desk(true);
    let to = ForwardTo::Workload(workload_key(WorkloadKind::Deployment, "myapp"));
    let ask = ForwardAsk { to, or: None, local: Some(8080), remote: None };
    desk.app.forwards = vec![Forward { local: Some(8080), state: ForwardState::Listening, ..Forward::new(7, ask) }];
    let says = "127.0.0.1:8080 leads to deploy/myapp already";
    for size in [(120, 35), (80, 24)] {
        desk.keys("F");
        assert!(desk.frame(size).contains("127.0.0.1:8080 leads there already"), "{}", desk.frame(size));
        desk.keys("8080:80");
        assert!(desk.press(KeyCode::Enter).is_empty());
        let frame = desk.frame(size);
        assert!(frame.contains(says) && frame.contains("another local port"), "in the form, whole: {frame}");
        assert!(frame.contains("8080:80"), "with what was typed: {frame}");
        desk.press(KeyCode::Esc);
    }
    assert!(desk.line("forward deploy/myapp 8080:80").is_empty());
    assert!(desk.frame((120, 35)).contains(says), "{}", desk.frame((120, 35)));
    assert!(matches!(&desk.line("forward deploy/myapp 8081:80")[..], [Effect::Forward(_)]));
}

fn copied(desk: &mut Desk) -> String {
    let key = KeyEvent::new(KeyCode::Char('y'), KeyModifiers::CONTROL);
    match &desk.app.update(Msg::Key(key), desk.clock.now())[..] {
        [Effect::Copy(line)] => line.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn rollouts_are_listed_where_there_are_some() {
    let mut world = World::live();
    let rollouts = SourceId::new(&cluster(), Part::Rollouts);
    world.store.expect(rollouts, BackendKind::Kubernetes, Duration::from_secs(30), 1);
    let mut canary = deployment("canary", "canary:2", 1, 1);
    canary.key.kind = WorkloadKind::Rollout;
    world.workloads([deployment("myapp", "myapp:412", 1, 1), canary]);
    let mut desk = Desk::new(world);
    desk.frame((120, 35));
    desk.keys("3");
    desk.frame((120, 35));
    let line = copied(&mut desk);
    assert!(line.contains(" get deployments,statefulsets,daemonsets,rollouts.argoproj.io -A"), "{line}");
}

/// `ctrl-y` copies a line for what is shown, and is no `y` to any dialog.
#[test]
fn what_is_shown_is_copied_as_a_command() {
    let mut desk = desk(false);
    desk.app
        .settings
        .contexts_of
        .insert(cluster(), crate::app::settings::ContextOf { context: "arn:aws:eks/prod".into(), kubeconfig: None });
    let kubectl = "kubectl --context arn:aws:eks/prod";
    assert_eq!(copied(&mut desk), format!("{kubectl} get deployments,statefulsets,daemonsets -A -o wide"));
    desk.press(KeyCode::Tab);
    desk.frame((120, 35));
    assert!(copied(&mut desk).starts_with(&format!("{kubectl} -n production get pods -l ")), "{}", copied(&mut desk));
    desk.keys("d");
    assert_eq!(copied(&mut desk), format!("{kubectl} -n production describe pod/myapp-6d5f-x1"));
    desk.press(KeyCode::Tab);
    assert_eq!(copied(&mut desk), format!("{kubectl} -n production get pod/myapp-6d5f-x1 -o yaml"));
    desk.press(KeyCode::Esc);
    desk.keys("D");
    desk.pass(Duration::from_millis(500));
    assert!(copied(&mut desk).starts_with("kubectl debug -it myapp-6d5f-x1"));
    assert!(desk.frame((120, 35)).contains("RUN debug"), "it is not a yes");
    desk.press(KeyCode::Esc);
    desk.keys("F80:http");
    assert_eq!(copied(&mut desk), format!("{kubectl} -n production port-forward pod/myapp-6d5f-x1 80:http"));
}

#[test]
fn k9s_and_edit_are_told_cluster_and_namespace() {
    let mut desk = desk(false);
    desk.app
        .settings
        .contexts_of
        .insert(cluster(), crate::app::settings::ContextOf { context: "arn:aws:eks/prod".into(), kubeconfig: None });
    let said = |desk: &mut Desk, word: &str| line(&desk.line(word));
    assert_eq!(said(&mut desk, "k9s").as_deref(), Some("k9s --context arn:aws:eks/prod -n production"));
    desk.line("edit");
    assert!(desk.frame((120, 35)).contains("RUN edit on deploy/myapp"), "what writes asks");
    desk.pass(Duration::from_millis(500));
    let edit = line(&desk.keys("y"));
    assert_eq!(edit.as_deref(), Some("kubectl --context arn:aws:eks/prod -n production edit deployment/myapp"));

    desk.app.settings.read_only = Some("started with --read-only".into());
    let readonly = said(&mut desk, "k9s");
    assert_eq!(readonly.as_deref(), Some("k9s --context arn:aws:eks/prod -n production --readonly"));
    assert_eq!(said(&mut desk, "edit"), None);
    assert!(desk.frame((120, 35)).contains("started with --read-only"));
}

#[test]
fn a_cluster_is_closed_by_its_name() {
    let mut desk = desk(false);
    let effects = desk.line("ctx close prod-eu1");
    assert!(matches!(&effects[..], [Effect::CloseContext(id)] if *id == cluster()), "{effects:?}");
    for (word, says) in [
        ("ctx close prod-eu2", "no cluster 'prod-eu2' is open: did you mean 'prod-eu1'?"),
        ("ctx close grafana", "no cluster 'grafana' is open"),
    ] {
        assert!(desk.line(word).is_empty(), "{word}");
        assert!(desk.frame((120, 35)).contains(says), "{}", desk.frame((120, 35)));
    }
}

/// What of a log is read, and what of it is shown, stands in the line.
#[test]
fn the_log_that_is_shown_is_copied_as_it_is_shown() {
    let mut desk = desk(false);
    desk.keys("l");
    desk.frame((120, 35));
    let kubectl = "kubectl --context prod-eu1 -n production logs deployment/myapp --all-pods --all-containers";
    assert_eq!(copied(&mut desk), format!("{kubectl} --since=15m --max-log-requests=50 -f"));
    desk.line("since 1h");
    assert_eq!(copied(&mut desk), format!("{kubectl} --since=1h --max-log-requests=50 -f"));
    desk.line("until 5m");
    let line = copied(&mut desk);
    let midwatch = "midwatch logs deployment/myapp --context prod-eu1 -n production --since=1h --until=";
    assert!(line.starts_with(midwatch) && !line.contains(" -f"), "{line}");
}
