//! A version that was rolled away from and comes back.

use super::*;
use crate::{
    action::{
        Request,
        act::{Act, ActionEvent, Left, Outcome},
    },
    model::{
        BackendId, BackendKind, Part, SourceId,
        code::RunState,
        gitops::{OwnerKey, OwnerKind},
        kubernetes::WorkloadKind,
    },
    source::{Delta, Fact},
    ui::testing::{at, cluster, deployment, incident, pod, replica_set, run, running, workload_key},
};

/// ana rolled myapp back at 03:10, from the version of these pods.
fn rolled_back(number: u64, request: Request) -> Act {
    Act {
        number,
        request,
        title: "ROLL BACK".into(),
        place: "prod-eu1".into(),
        actor: "ana".into(),
        started: at("03:08"),
        ended: Some(at("03:10")),
        steps: Vec::new(),
        outcome: Outcome::Done,
        reason: None,
        switches: Vec::new(),
        away: Some("myapp-6d5c9".into()),
        left: None,
        unseen: None,
        can_undo: true,
        cluster_id: None,
        is_mine: true,
    }
}

fn roll_back() -> Request {
    Request::RollBack { workload: workload_key(WorkloadKind::Deployment, "myapp"), to: None, alert: None }
}

/// A pod of the bad version, made at a time.
fn desk(made: &str) -> Desk {
    let mut world = incident();
    let mut bad = pod("myapp-6d5c9", "again", None);
    (bad.created, bad.containers) = (Some(at(made)), vec![running("myapp")].into());
    world.pods([bad]);
    Desk::new(world)
}

fn acted(desk: &mut Desk, act: Act) {
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.clock.now());
}

fn told(desk: &mut Desk) -> Vec<String> {
    let effects = desk.app.update(Msg::Tick, desk.clock.now());
    let notes = effects.into_iter().filter_map(|effect| match effect {
        Effect::Notify(text) => Some(text.to_string()),
        _ => None,
    });
    notes.collect()
}

#[test]
fn the_bad_version_that_comes_back_is_told_once_and_is_red() {
    let mut desk = desk("03:12");
    assert!(told(&mut desk).is_empty(), "nobody rolled it back");
    acted(&mut desk, rolled_back(4, roll_back()));
    let notes = told(&mut desk);
    assert_eq!(notes, ["deploy/myapp is back on 412, which act 4 rolled away from: d says by whom"]);
    assert!(told(&mut desk).is_empty(), "once");
    for (size, words) in [((120, 35), " myapp IS BACK on what was rolled away from "), ((80, 24), " myapp IS BACK  ")] {
        let frame = desk.frame(size);
        let header = frame.lines().next().unwrap_or_default();
        assert!(header.contains(words) && !header.contains('\u{2026}'), "{header}");
    }
    // Whoever takes the act back wants it.
    acted(&mut desk, Act { away: None, ..rolled_back(5, Request::Undo { act: 4 }) });
    assert!(!desk.frame((120, 35)).contains("IS BACK"));
}

#[test]
fn the_header_counts_all_that_came_back() {
    let mut world = incident();
    let (mut bad, mut other) = (pod("myapp-6d5c9", "again", None), pod("web-77f4d", "again", None));
    (bad.created, other.created) = (Some(at("03:12")), Some(at("03:12")));
    world.replica_sets([replica_set("web", "77f4d", 3, "01:00", "ghcr.io/acme/web:32", (4, 4))]);
    world.pods([bad, other]);
    let web = deployment("web", "ghcr.io/acme/web:32", 4, 4);
    let workload = web.key.clone();
    world.workloads([web]);
    let mut desk = Desk::new(world);
    acted(&mut desk, rolled_back(4, roll_back()));
    let roll_back = Request::RollBack { workload, to: None, alert: None };
    acted(&mut desk, Act { away: Some("web-77f4d".into()), ..rolled_back(5, roll_back) });
    for (size, words) in [((120, 35), " web +1 ARE BACK on what was rolled away from "), ((80, 24), " web +1 ARE BACK")]
    {
        let frame = desk.frame(size);
        let header = frame.lines().next().unwrap_or_default();
        assert!(header.contains(words), "{header}");
    }
}

#[test]
fn pods_from_before_half_an_hour_later_and_other_versions_are_no_drift() {
    let mut before = desk("03:01");
    acted(&mut before, rolled_back(4, roll_back()));
    assert!(told(&mut before).is_empty(), "they end");
    let mut other = desk("03:12");
    acted(&mut other, Act { away: Some("myapp-7d8b9".into()), ..rolled_back(4, roll_back()) });
    assert!(told(&mut other).is_empty());
    let mut late = desk("03:12");
    acted(&mut late, Act { ended: Some(at("02:40")), ..rolled_back(4, roll_back()) });
    assert!(told(&mut late).is_empty());
    let mut failed = desk("03:12");
    acted(&mut failed, Act { outcome: Outcome::Unknown, ..rolled_back(4, roll_back()) });
    assert!(told(&mut failed).is_empty());
}

/// Its template was set at generation 15, and 411 was live from then on.
fn goes_on(number: u64, request: Request) -> Act {
    let left = Some(Left { generation: 15, at: at("03:08") });
    Act { ended: None, outcome: Outcome::Running, left, ..rolled_back(number, request) }
}

/// What the controller has observed of myapp: its generation, and which of the two versions is the newest.
fn observed(world: &mut World, generation: i64, is_bad: bool) {
    let (good, bad, live) = if is_bad { (15, 16, 16) } else { (15, 14, 15) };
    world.replica_sets([
        replica_set("myapp", "7d8b9", good, "01:00", "ghcr.io/acme/myapp:411", (4, 4)),
        replica_set("myapp", "6d5c9", bad, "02:57", "ghcr.io/acme/myapp:412", (4, 6)),
    ]);
    let mut myapp = deployment("myapp", "ghcr.io/acme/myapp:412", 4, 4);
    (myapp.generation, myapp.observed_generation, myapp.revision) = (generation, generation, Some(live));
    myapp.changed_by = Some((if is_bad { "jenkins" } else { "midwatch" }.into(), Some(at("03:09"))));
    world.workloads([myapp]);
}

#[test]
fn it_is_watched_from_the_write_on_by_what_the_controller_is_to_run() {
    let mut world = incident();
    observed(&mut world, 15, false);
    let mut bad = pod("myapp-6d5c9", "again", None);
    bad.created = Some(at("03:09"));
    world.pods([bad]);
    let mut desk = Desk::new(world);
    acted(&mut desk, goes_on(4, roll_back()));
    assert!(told(&mut desk).is_empty(), "a pod of the old version that was replaced on its way out is none");

    let mut world = incident();
    observed(&mut world, 16, true);
    let mut desk = Desk::new(world);
    acted(&mut desk, Act { left: None, ..goes_on(4, roll_back()) });
    assert!(told(&mut desk).is_empty(), "nothing was written yet");
    acted(&mut desk, Act { left: Some(Left { generation: 16, at: at("03:08") }), ..goes_on(4, roll_back()) });
    assert!(told(&mut desk).is_empty(), "the controller has not seen the write");
    acted(&mut desk, goes_on(4, roll_back()));
    assert_eq!(told(&mut desk), ["deploy/myapp is back on 412, which act 4 rolled away from: set by 'jenkins'"]);
    assert!(desk.frame((120, 35)).lines().next().unwrap_or_default().contains("myapp IS BACK"));
}

#[test]
fn an_undo_is_watched_like_a_rollback() {
    let mut world = incident();
    observed(&mut world, 16, true);
    let mut desk = Desk::new(world);
    acted(&mut desk, Act { away: Some("myapp-7d8b9".into()), ..rolled_back(4, roll_back()) });
    assert!(told(&mut desk).is_empty(), "411 is not what runs");
    acted(&mut desk, goes_on(5, Request::Undo { act: 4 }));
    let notes = told(&mut desk);
    assert_eq!(notes, ["deploy/myapp is back on 412, which act 5 rolled away from: set by 'jenkins'"]);
    // An undo of what is no rollback has no version.
    let scaled = Request::Scale { workload: workload_key(WorkloadKind::Deployment, "myapp"), replicas: 3 };
    acted(&mut desk, Act { number: 6, request: scaled, ..rolled_back(6, roll_back()) });
    acted(&mut desk, goes_on(7, Request::Undo { act: 6 }));
    assert!(told(&mut desk).is_empty());
    assert!(desk.frame((120, 35)).contains("myapp IS BACK"), "the undo before it is watched on");
}

/// It goes back like a rollback: a deploy that goes on is looked at with it, so that the plan can stop it.
#[test]
fn an_undo_is_planned_with_the_deploys_that_go_on() {
    let mut world = incident();
    let deploy = run("deploy", 412, RunState::Running, true, "02:51");
    world.runs(vec![deploy.clone()]);
    let mut desk = Desk::new(world);
    acted(&mut desk, rolled_back(4, roll_back()));
    let effects = desk.keys("U");
    let [Effect::Prepare { request: Request::Undo { act: 4 }, beside, .. }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(beside.runs, [deploy.key]);
}

fn header_of(desk: &mut Desk, size: (u16, u16)) -> String {
    desk.frame(size).lines().next().expect("a header").to_owned()
}

/// One alarm must not hide the other: who mends the version must know that nothing in git counts meanwhile.
#[test]
fn gitops_that_is_off_stays_named_beside_a_version_that_is_back() {
    let mut desk = desk("03:12");
    for name in ["staging-eu1", "staging-us1", "tools-eu1"] {
        desk.app.settings.backends.insert(BackendId::new(name), BackendKind::Kubernetes);
        desk.app.settings.production.insert(BackendId::new(name), false);
    }
    desk.app.settings.is_demo = true;
    let owner = OwnerKey {
        cluster: cluster(),
        kind: OwnerKind::Kustomization,
        version: "v1".into(),
        namespace: "flux-system".into(),
        name: "web-production-eu1".into(),
        via: None,
    };
    acted(&mut desk, Act { switches: vec![(owner, false)], ..rolled_back(4, roll_back()) });
    for size in [(120, 35), (80, 24)] {
        let header = header_of(&mut desk, size);
        let all = [" myapp IS BACK ", " GITOPS ", " PROD ", " ana "];
        assert!(all.iter().all(|words| header.contains(words)) && !header.contains('\u{2026}'), "{header}");
    }
}

#[test]
fn of_what_came_back_productions_is_named_before_a_newer_one() {
    let staging = BackendId::new("staging-eu1");
    let mut world = incident();
    let mut bad = pod("myapp-6d5c9", "again", None);
    bad.created = Some(at("03:12"));
    world.pods([bad]);
    let mut web = deployment("web", "ghcr.io/acme/web:32", 4, 4);
    web.key.cluster = staging.clone();
    let mut set = replica_set("web", "77f4d", 3, "01:00", "ghcr.io/acme/web:32", (4, 4));
    set.key.cluster = staging.clone();
    let mut pod = pod("web-77f4d", "again", None);
    (pod.key.cluster, pod.created) = (staging.clone(), Some(at("03:12")));
    let workload = web.key.clone();
    let parts = [
        (Part::Deployments, Fact::Workload(Delta::Put(Box::new(web)))),
        (Part::ReplicaSets, Fact::ReplicaSet(Delta::Put(Box::new(set)))),
        (Part::Pods, Fact::Pod(Delta::Put(Box::new(pod)))),
    ];
    for (part, fact) in parts {
        world.store.expect(SourceId::new(&staging, part), BackendKind::Kubernetes, Duration::from_secs(15), 1);
        world.say(&staging, part, vec![fact]);
    }
    world.settings.backends.insert(staging.clone(), BackendKind::Kubernetes);
    world.settings.production.insert(staging, false);
    let mut desk = Desk::new(world);
    acted(&mut desk, rolled_back(4, roll_back()));
    let newer = Request::RollBack { workload, to: None, alert: None };
    acted(&mut desk, Act { away: Some("web-77f4d".into()), ..rolled_back(5, newer) });
    for size in [(120, 35), (80, 24)] {
        let header = header_of(&mut desk, size);
        assert!(header.contains(" myapp +1 ARE BACK"), "{header}");
    }
}
