//! Whatever a thing is called, a line that is offered to copy is one command with the words that were meant. A shell says
//! which they are.

use std::process::Command as Process;

use super::*;
use crate::{
    command::COMMANDS,
    model::{
        BackendId,
        code::{JobKey, MergeMethod, RepoKey, RunState},
        kubernetes::{Container, Manager, ObjectKey, Pod, Workload, WorkloadKind},
    },
    ui::testing::{
        World, alert, alertmanager, deployment, github, incident, pod, pull_request, replica_set, run, running,
    },
};

/// What a shell would run, split, expand or stop at.
const NAMES: [&str; 20] = [
    "$(touch pwned)",
    "`touch pwned`",
    "${HOME}",
    "a'b",
    "'; touch pwned; '",
    "a\"b",
    "\"$(touch pwned)\"",
    "a b",
    "a;touch pwned",
    "a&&touch pwned",
    "a|touch pwned",
    "a>pwned",
    "a\\",
    "*",
    "~",
    "!!",
    "=ls",
    "#a",
    "a\ntouch pwned",
    "\u{1b}[2Ja\u{9b}1m\u{202e}\r\ntouch pwned",
];

/// One of each, with `name` wherever somebody else chooses what stands there.
fn world(name: &str) -> (World, Vec<Target>) {
    let text = Clean::line(name);
    let mut world = World::live();
    let object = ObjectKey { cluster: BackendId(text.clone()), namespace: text.clone(), name: text.clone() };
    let workload = WorkloadKey {
        cluster: BackendId(text.clone()),
        namespace: text.clone(),
        kind: WorkloadKind::Deployment,
        name: text.clone(),
    };
    let repo = RepoKey { host: github(), name: text.clone() };
    let run = RunKey { repo: repo.clone(), id: 7 };
    let mut pr = pull_request(1490, name, None);
    pr.key.repo = repo;
    pr.head_sha = text.clone();
    pr.head = text.clone();
    pr.url = Clean::own(format!("https://github.com/{text}"));
    pr.merge_methods = vec![MergeMethod::Squash];
    let mut fires = alert(name, name, crate::model::alert::Priority::P1, "03:04", name);
    fires.labels = Box::new([("alertname".into(), text.clone()), (text.clone(), text.clone())]);
    fires.generator_url = Some(Clean::own(format!("https://prometheus.example/{text}")));
    let targets = vec![
        Target::Pod(object),
        Target::Workload(WorkloadKey { kind: WorkloadKind::Rollout, ..workload.clone() }),
        Target::Workload(workload),
        Target::Job(JobKey { run: run.clone(), attempt: 1, id: 9 }),
        Target::Run(run),
        Target::PullRequest(pr.key.clone()),
        Target::Alert(fires.key.clone()),
        Target::Silence(SilenceKey { backend: alertmanager(), id: text }),
    ];
    world.pull_requests(vec![pr]);
    world.alerts(vec![fires]);
    (world, targets)
}

fn lines(name: &str) -> Vec<String> {
    let (world, targets) = world(name);
    let view = world.view();
    let each = targets.iter().flat_map(|target| COMMANDS.iter().map(move |spec| (spec.id, target)));
    each.filter_map(|(command, target)| line(command, target, &view)).collect()
}

/// The words of each line, as a shell takes them.
fn words(lines: &[String]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let told = |name: &str| format!("{name}() {{ printf '{name}\\0'; printf '%s\\0' \"$@\"; printf '\\n\\0'; }}\n");
    let script: String = ["kubectl", "gh", "amtool", "open", "midwatch"].map(told).concat() + &lines.join("\n") + "\n";
    let output = Process::new("/bin/sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{lines:#?}\n{stderr}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something else ran: {lines:#?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let each = stdout.split("\n\0").filter(|words| !words.is_empty());
    each.map(|words| words.split_terminator('\0').map(str::to_owned).collect()).collect()
}

#[test]
fn every_line_is_one_command_whatever_things_are_called() {
    let plain = words(&lines("plain"));
    assert!(plain.len() > 30, "{plain:?}");
    for name in NAMES {
        let lines = lines(name);
        let seen = words(&lines);
        let expected: Vec<Vec<String>> = plain
            .iter()
            .map(|words| words.iter().map(|word| word.replace("plain", &Clean::line(name))).collect())
            .collect();
        assert_eq!(seen, expected, "{name:?}: {lines:#?}");
    }
}

#[test]
fn an_argo_rollout_has_the_lines_of_its_plugin_where_kubectl_has_none() {
    let (world, targets) = world("web");
    let rollout =
        targets.iter().find(|target| matches!(target, Target::Workload(key) if key.kind == WorkloadKind::Rollout));
    let of = |command| line(command, rollout.expect("one"), &world.view());
    for (command, verb) in [(Command::Restart, "restart"), (Command::Watch, "status")] {
        assert_eq!(of(command), Some(format!("kubectl argo rollouts {verb} web --context web -n web")));
    }
    for command in [Command::RollBack, Command::DiffRevisions, Command::PortForward] {
        assert_eq!(of(command), None, "{command:?}");
    }
    assert_eq!(of(Command::Logs).as_deref(), Some("midwatch logs rollout/web --context web -n web --since=15m -f"));
    assert_eq!(of(Command::Describe).as_deref(), Some("kubectl --context web -n web describe rollout/web"));
}

/// Without a number the second `rollout undo` is back on the bad version.
#[test]
fn the_line_that_rolls_back_names_the_revision() {
    let mut world = incident();
    let of = |world: &World, name: &str| {
        let key = deployment(name, "a:1", 1, 1).key;
        line(Command::RollBack, &Target::Workload(key), &world.view())
    };
    assert_eq!(of(&world, "myapp"), None, "a deploy goes on, and would race with it");
    let target = Target::Workload(deployment("myapp", "a:1", 1, 1).key);
    assert_eq!(first_stopped(&target, &world.view()).as_deref(), Some("gh run cancel -R acme/myapp 412"));
    world.runs(vec![run("deploy", 412, RunState::Success, true, "02:51")]);
    assert_eq!(first_stopped(&target, &world.view()), None);
    let undo = "kubectl --context prod-eu1 -n production rollout undo deployment/myapp --to-revision=13";
    assert_eq!(of(&world, "myapp").as_deref(), Some(undo));
    assert_eq!(of(&world, "payments"), None, "nothing was before it");
    let key = deployment("myapp", "a:1", 1, 1).key;
    let free = Workload::clone(world.store.kube.workloads.get(&key).expect("listed"));
    for owner in [
        Manager::ArgoCd { application: "myapp".into() },
        Manager::FluxKustomization { name: "apps".into(), namespace: "flux-system".into() },
        Manager::Helm { release: "myapp".into(), namespace: "production".into() },
    ] {
        world.workloads([Workload { managed_by: vec![owner], ..free.clone() }]);
        assert_eq!(of(&world, "myapp"), None, "what owns it would put it back, or not know of it");
    }
    world.workloads([free]);
    assert_eq!(of(&world, "myapp").as_deref(), Some(undo));
    // It came back already: 14 is what was left.
    world.replica_sets([replica_set("myapp", "7d8b9", 15, "01:00", "ghcr.io/acme/myapp:411", (4, 4))]);
    assert_eq!(of(&world, "myapp"), None);
}

/// As the key reads it, and as ctrl-y says of it then.
#[test]
fn main_containers_beside_others_are_no_log_of_kubectl() {
    let mut world = incident();
    let of = |world: &World| {
        let key = deployment("myapp", "a:1", 1, 1).key;
        line(Command::Logs, &Target::Workload(key), &world.view()).expect("a line")
    };
    assert!(of(&world).contains("logs deployment/myapp --all-pods --all-containers --since=15m"), "{}", of(&world));
    let init = Container { role: ContainerRole::Sidecar, ..running("proxy") };
    world.pods([Pod { containers: Box::new([running("app"), init]), ..pod("myapp-7d8b9", "aaaaa", None) }]);
    assert_eq!(of(&world), "midwatch logs deployment/myapp --context prod-eu1 -n production --since=15m -f");
}
