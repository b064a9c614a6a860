use super::*;
use crate::{
    action::{
        Request,
        act::{Act, ActionEvent, Outcome, StepState},
    },
    model::{
        BackendId, BackendKind, Part, SourceId,
        alert::{Alert, AlertState, Priority},
        code::{Need, RunState},
        kubernetes::{Workload, WorkloadKind},
    },
    ui::{
        testing::{
            World, alert, alertmanager, at, deployment, event, incident, pod, pull_request, replica_set, run,
            workload_key,
        },
        widgets::cells::rows_of,
    },
};

fn has(rows: &[String], words: &str) -> bool {
    rows.iter().any(|row| row.contains(words))
}

fn keys(now: &mut Now, world: &World, commands: &[Command]) {
    for command in commands {
        let reply = now.run(*command, &world.view());
        assert!(matches!(reply, Reply::Done), "{command:?}");
    }
}

#[test]
fn while_something_pages_the_broken_thing_takes_the_screen() {
    let world = incident();
    let mut now = Now::default();
    let rows = world.drawn(&mut now);
    for words in [
        "!!  HighErrorRate myapp",
        "now 30.6%, limit 5%",
        "since ~02:59  [a] ack 15m",
        "changed  deploy 411 -> 412 at 02:57, 2m before it began",
        "serving  new 412 4/6 ready   old 411 4/4 ready",
        "[R] roll back to 411   [l] logs   [.] why",
        "BEFORE IT BEGAN 02:59",
        "-2m  !!  deploy  myapp 411 -> 412 (rev 14)",
        "AFTER IT BEGAN",
        "+5m  !   alert   PodOOMKilled postgres firing",
        "5xx % myapp   now 30.6%  limit 5% !!",
        "^412",
        "1 PR needs you",
    ] {
        assert!(has(&rows, words), "'{words}' in {rows:#?}");
    }
    assert!(!has(&rows, "PULL REQUESTS"), "unrelated work is counts only");
    assert!(!has(&rows, "31 % of requests"), "one number for one fact");
    assert_eq!(now.selected(&world.view()).map(|target| target.to_string()), Some("alert HighErrorRate-myapp".into()));
    assert_eq!(now.wanted(&world.view()).len(), 9, "three panels of the broken one, twice, three of the other");
}

#[test]
fn at_60x16_the_value_and_the_keys_are_there() {
    let mut world = incident();
    world.size = (60, 16);
    let rows = world.drawn(&mut Now::default());
    for words in ["now 30.6%, limit 5%  since ~02:59", "[R] roll back to 411  [l] logs  [.] why", "stuck in deploy"] {
        assert!(has(&rows, words), "'{words}' in {rows:#?}");
    }
}

#[test]
fn a_version_that_comes_back_is_not_called_new() {
    let mut world = incident();
    world.replica_sets([
        replica_set("myapp", "7d8b9", 15, "01:00", "ghcr.io/acme/myapp:411", (4, 9)),
        replica_set("myapp", "6d5c9", 14, "02:57", "ghcr.io/acme/myapp:412", (4, 4)),
    ]);
    let rows = world.drawn(&mut Now::default());
    assert!(has(&rows, "serving  to 411 4/9 ready   from 412 4/4 ready"), "{rows:#?}");
}

#[test]
fn at_80x24_what_needs_me_and_what_changed() {
    let mut world = incident();
    world.size = (80, 24);
    let mut now = Now::default();
    let rows = world.drawn(&mut now);
    insta::assert_snapshot!(rows.join("\n"), @r"
    += NEEDS YOU 5 ================================================================+
    | >  !!  HighErrorRate myapp    now 30.6%, limit 5%               since ~02:59 |
    |        changed  deploy 411 -> 412 at 02:57, 2m before it began               |
    |        serving  new 412 4/6 ready   old 411 4/4 ready                        |
    |        do       [R] roll back to 411   [l] logs   [.] why   [s] silence      |
    |    !!  deploy #412            stuck in deploy, 2 of 3 jobs done   main~  23m |
    |    !   PodOOMKilled postgres  postgres-0 was killed for memory~  since 03:04 |
    |    !   nightly-e2e #1190      failure in deploy   main   alice          128m |
    |        #1490 fix: pool size   your review   9/11 checks   bob           120m |
    +==============================================================================+
    +- BEFORE IT BEGAN 02:59 ------------------------------------------------------+
    |      -2m  !!  deploy  myapp 411 -> 412 (rev 14)                              |
    |      -8m  ~   run     deploy #412 started by alice                           |
    |     -19m      deploy  payments 88 (rev 88)                                   |
    | -- AFTER IT BEGAN ---------------------------------------------------------- |
    |      +5m  !   alert   PodOOMKilled postgres firing                           |
    |                                                                              |
    |                                                                              |
    |                                                                              |
    |                                                                              |
    +------------------------------------------------------------------------------+
    ");
    keys(&mut now, &world, &[Command::NextPane, Command::NextPane]);
    let rows = world.drawn(&mut now);
    assert!(has(&rows, "NEEDS YOU") && has(&rows, "SERVICES") && !has(&rows, "BEFORE"), "{rows:#?}");
    assert!(now.wanted(&world.view()).len() >= 3);
}

#[test]
fn quiet_is_four_panes_and_what_happened() {
    let mut world = incident();
    world.alerts(vec![]);
    let mut now = Now::default();
    let rows = world.drawn(&mut now);
    assert!(rows[0].starts_with(" ok no alert fires   2 resolved in the last 12h"), "{}", rows[0]);
    for words in ["PULL REQUESTS", "PIPELINES", "WORKLOADS", "GOLDEN SIGNALS", "HAPPENED", "your review"] {
        assert!(has(&rows, words), "{words}");
    }
    let myapp = Some(Target::Workload(workload_key(WorkloadKind::Deployment, "myapp")));
    assert!(has(&rows, "NEEDS YOU 1") && now.selected(&world.view()) == myapp, "as at 80x24: {rows:#?}");
    keys(&mut now, &world, &[Command::NextPane]);
    assert!(matches!(now.selected(&world.view()), Some(Target::PullRequest(_))));
    keys(&mut now, &world, &[Command::NextPane, Command::NextPane, Command::Down]);
    assert!(matches!(now.selected(&world.view()), Some(Target::Pod(_))), "the worst pod stands below its workload");
    keys(&mut now, &world, &[Command::NextPane, Command::Down]);
    assert!(matches!(now.selected(&world.view()), Some(Target::Panel(_))));
    keys(&mut now, &world, &[Command::Back]);
    assert_eq!(now.selected(&world.view()), myapp);
}

#[test]
fn a_lesser_alert_keeps_the_quiet_face_and_has_a_row() {
    let mut world = World::live();
    world.alerts(vec![alert("DiskWillFill", "fluentd", Priority::P3, "03:00", "disk of node-4 is 89 % full")]);
    let mut now = Now::default();
    let rows = world.drawn(&mut now);
    assert!(has(&rows, "ALERTS 1") && has(&rows, "DiskWillFill fluentd") && has(&rows, "PULL REQUESTS"), "{rows:#?}");
    assert!(matches!(now.selected(&world.view()), Some(Target::Alert(_))));
}

#[test]
fn what_cannot_be_read_is_never_calm() {
    let mut world = World::new();
    assert!(world.drawn(&mut Now::default())[0].contains("?? alerts: loading"));
    world.fail(&alertmanager(), "Alertmanager does not answer: connection refused");
    let rows = world.drawn(&mut Now::default());
    assert!(rows[0].contains("?? alerts: Alertmanager does not answer"), "{}", rows[0]);
    assert!(!has(&rows, "no alert fires"));
    let mut world = World::live();
    assert!(world.drawn(&mut Now::default())[0].contains("ok no alert fires"));
    world.clock.advance(Duration::from_mins(10));
    let rows = world.drawn(&mut Now::default());
    assert!(!has(&rows, "ok no alert fires") && has(&rows, "??"), "old news is no calm: {rows:#?}");
    world.size = (80, 24);
    world.fail(&alertmanager(), "Alertmanager does not answer");
    assert!(has(&world.drawn(&mut Now::default()), "?? Alertmanager does not answer"));
}

#[test]
fn next_need_selects_its_row_in_either_face() {
    let mut world = incident();
    let mut now = Now::default();
    world.drawn(&mut now);
    for target in needs(&world.view()) {
        assert!(now.reveal(&target, &world.view()), "{target}");
        assert_eq!(now.selected(&world.view()), Some(target));
    }
    world.alerts(vec![]);
    world.drawn(&mut now);
    for target in needs(&world.view()) {
        assert!(now.reveal(&target, &world.view()), "{target}");
        assert_eq!(now.selected(&world.view()), Some(target));
    }
}

/// Act 7, which runs.
fn rollback() -> Act {
    Act {
        switches: Vec::new(),
        away: None,
        left: None,
        unseen: None,
        number: 7,
        request: Request::RollBack {
            workload: workload_key(WorkloadKind::Deployment, "myapp"),
            to: Some(13),
            alert: None,
        },
        title: "roll back deploy/myapp to 411".into(),
        place: "prod-eu1/production".into(),
        actor: "ana".into(),
        started: at("03:13"),
        ended: None,
        steps: vec![
            ("template to rev 13".into(), StepState::Done("now rev 15".into())),
            ("watch".into(), StepState::Running("411 8/10 ready".into())),
        ],
        outcome: Outcome::Running,
        reason: None,
        can_undo: true,
        cluster_id: None,
        is_mine: true,
    }
}

#[test]
fn a_running_act_stands_beside_its_object_and_in_the_rest() {
    let mut world = incident();
    world.acts.apply(&ActionEvent::Act(Box::new(rollback())));
    let rows = world.drawn(&mut Now::default());
    assert!(has(&rows, "acting   ~  rollback myapp   8/10 ready on 411, step 2 of 2"), "{rows:#?}");
    assert!(has(&rows, "ok 1 template to rev 13  now rev 15"), "{rows:#?}");
    assert!(has(&rows, "~  2 411 8/10 ready  watch"), "what is seen stands before what is waited for: {rows:#?}");
    assert!(has(&rows, "~   rollback myapp"), "{rows:#?}");
    assert!(has(&rows, "you     roll back deploy/myapp to 411"), "{rows:#?}");
}

#[test]
fn what_an_act_goes_on_with_keeps_its_row_though_its_alert_is_silenced_and_its_pods_are_well() {
    let mut world = incident();
    world.size = (80, 24);
    world.workloads([deployment("myapp", "ghcr.io/acme/myapp:411", 10, 10)]);
    world.pods([pod("myapp-6d5c9", "bbbbb", None)]);
    let silenced = |mut alert: Alert| {
        alert.state = AlertState::Silenced;
        alert
    };
    let oom = alert("PodOOMKilled", "postgres", Priority::P3, "03:04", "");
    world.alerts(vec![silenced(alert("HighErrorRate", "myapp", Priority::P1, "03:04", "")), oom]);
    world.acts.apply(&ActionEvent::Act(Box::new(rollback())));
    let mut now = Now::default();
    let rows = world.drawn(&mut now);
    let myapp = Target::Workload(workload_key(WorkloadKind::Deployment, "myapp"));
    assert!(now.needs.items().any(|target| *target == myapp), "{rows:#?}");
    assert!(now.reveal(&myapp, &world.view()));
    assert!(has(&world.drawn(&mut now), "acting   ~  rollback myapp   8/10 ready on 411, step 2 of 2"), "{rows:#?}");
    let ended = Act { outcome: Outcome::Done, ended: Some(at("03:14")), ..rollback() };
    world.acts.apply(&ActionEvent::Act(Box::new(ended)));
    world.drawn(&mut now);
    assert!(!now.needs.items().any(|target| *target == myapp), "it is well, and nothing goes on");
}

#[test]
fn another_size_has_the_rows_of_its_own_face_at_once() {
    let mut world = World::live();
    let mut nightly = run("nightly-e2e", 1190, RunState::Failure, false, "03:10");
    nightly.event = "schedule".into();
    world.runs(vec![nightly]);
    let mut now = Now::default();
    world.drawn(&mut now);
    let mut resized = |size| {
        world.size = size;
        let mut buf = Buffer::empty(world.area());
        now.render(&world.view(), world.area(), &mut buf);
        rows_of(&buf)
    };
    let narrow = resized((80, 24));
    assert!(has(&narrow, "NEEDS YOU 1") && has(&narrow, "nightly-e2e #1190"), "{narrow:#?}");
    let wide = resized((120, 35));
    assert!(wide[0].contains("ok no alert fires") && !has(&wide, "NEEDS YOU"), "{wide:#?}");
}

#[test]
fn what_came_while_nobody_looked_is_new() {
    let mut world = World::live();
    let mut now = Now::default();
    world.drawn(&mut now);
    now.run(Command::Down, &world.view());
    world.clock.advance(Duration::from_mins(30));
    world.beat();
    let mut merged = pull_request(9, "JWT login", Some(Need::Review));
    merged.merged = Some(at("03:20"));
    world.pull_requests(vec![merged]);
    now.run(Command::Down, &world.view());
    let rows = world.drawn(&mut now);
    assert!(has(&rows, "HAPPENED   1 new since 03:14") && has(&rows, "*   merge   PR #9"), "{rows:#?}");
}

#[test]
fn a_filter_narrows_what_needs_me_and_what_happened() {
    let world = incident();
    let mut now = Now::default();
    world.drawn(&mut now);
    now.set_filter("postgres", &world.view());
    assert_eq!(now.needs.items().count(), 1);
    assert_eq!(now.filter(), "postgres");
    let selected = now.selected(&world.view());
    now.set_filter("", &world.view());
    assert_eq!(now.selected(&world.view()), selected, "it is still there");
    now.set_filter("-l service=myapp", &world.view());
    assert_eq!(now.needs.items().count(), 1);
    now.set_filter("", &world.view());
    assert_eq!(now.needs.items().count(), 5);
}

#[test]
fn a_click_selects_and_the_facts_below_a_row_are_no_rows() {
    let world = incident();
    let mut now = Now::default();
    world.drawn(&mut now);
    assert!(matches!(now.click(Position::new(10, 6), &world.view()), Reply::Done));
    assert_eq!(now.needs.cursor(), Some(2), "row 6 of the screen is the third need, below the first's facts");
    world.drawn(&mut now);
    assert!(matches!(now.click(Position::new(10, 4), &world.view()), Reply::Ignored), "a line of facts");
}

#[test]
fn a_large_world_is_drawn_from_what_is_seen() {
    let mut world = World::live();
    world.workloads((0..1_000).map(|number| deployment(&format!("svc-{number:04}"), "svc:1", 10, 10)));
    world.events((0..5_000).map(|number| event(&format!("pod-{number}"), "Pod", "BackOff", 2, "03:00", "back-off")));
    let mut now = Now::default();
    let rows = world.drawn(&mut now);
    assert!(has(&rows, "1000 ok"), "{rows:#?}");
    assert_eq!((now.happened.count(), now.kube.items().count()), (1_000, 200));
}

/// Its own state is a rollout that goes on; its pods say that it never ends.
#[test]
fn a_workload_whose_pods_are_broken_stands_before_those_that_are_only_wrong() {
    let mut world = World::live();
    let mut web = deployment("web", "web:2", 4, 4);
    web.level = Level::Progress;
    let mut api = deployment("api", "api:1", 4, 4);
    api.level = Level::Wrong;
    world.workloads([web, api]);
    world.replica_sets([replica_set("web", "bb", 2, "03:00", "web:2", (0, 1))]);
    world.pods([pod("web-bb", "1", Some(("ImagePullBackOff", "no such image")))]);
    let view = world.view();
    let web = Entry::Item(Target::Workload(workload_key(WorkloadKind::Deployment, "web")));
    assert!(lists::kube(&view).first() == Some(&web) && services::entries(&view).first() == Some(&web));
    world.service("web", &[]);
    world.alerts(vec![alert("Down", "else", Priority::P1, "03:04", "")]);
    let rows = world.drawn(&mut Now::default());
    let services = rows.iter().position(|row| row.contains("SERVICES")).expect("the pane");
    assert!(rows[services..].iter().any(|row| row.contains("!!  web")), "{rows:#?}");
}

#[test]
fn of_troubled_runs_the_worse_stands_first_however_old() {
    let mut world = World::live();
    let mut nightly = run("nightly-e2e", 1190, RunState::Failure, false, "03:10");
    nightly.event = "schedule".into();
    world.runs(vec![run("deploy", 412, RunState::Running, true, "02:51"), nightly]);
    let rows = world.drawn(&mut Now::default());
    let place = |words: &str| rows.iter().position(|row| row.contains(words)).unwrap_or_else(|| panic!("{rows:#?}"));
    assert!(place("!!  deploy #412") < place("!   nightly-e2e #1190"), "{rows:#?}");
}

/// Else the row of another cluster reads as that of production.
#[test]
fn of_workloads_called_the_same_each_row_says_whose_it_is() {
    let mut world = World::live();
    let staging = BackendId::new("staging-eu1");
    world.settings.backends.insert(staging.clone(), BackendKind::Kubernetes);
    world.settings.production.insert(staging.clone(), false);
    let source = SourceId::new(&staging, Part::Deployments);
    world.store.expect(source, BackendKind::Kubernetes, Duration::from_secs(15), 1);
    world.workloads([deployment("till", "till:1", 0, 3), deployment("shop", "shop:1", 0, 2)]);
    let said = |world: &World, key: &WorkloadKey| {
        words::of(&world.view(), &Target::Workload(key.clone())).expect("it is there").says
    };
    let ours = workload_key(WorkloadKind::Deployment, "till");
    assert!(!said(&world, &ours).contains("prod-eu1"));
    let theirs = WorkloadKey { cluster: staging, ..ours.clone() };
    world.workloads([Workload { key: theirs.clone(), ..deployment("till", "till:1", 0, 3) }]);
    let rows = world.drawn(&mut Now::default());
    for whose in ["PROD prod-eu1", "staging-eu1"] {
        let row = format!("0/3 ready   {whose}");
        assert!(rows.iter().any(|line| line.contains("deploy/till") && line.contains(&row)), "{whose}: {rows:#?}");
    }
    let other = workload_key(WorkloadKind::Deployment, "shop");
    assert!(!said(&world, &other).contains("prod-eu1"), "it is the only one");
    let beside = WorkloadKey { namespace: "review-7".into(), ..ours.clone() };
    world.workloads([Workload { key: beside, ..deployment("till", "till:1", 0, 3) }]);
    assert!(said(&world, &ours).starts_with("0/3 ready   PROD prod-eu1/production"));
    world.store.forget_backend(&theirs.cluster);
    assert!(said(&world, &ours).starts_with("0/3 ready   namespace production"));
}

#[test]
fn heads_and_trends_of_services_are_whole() {
    let mut world = World::live();
    world.workloads([deployment("web", "web:2", 4, 4)]);
    world.service("web", &[("error rate", Some(5.0), &|_| 1.0), ("p95 latency", Some(500.0), &|_| 120.0)]);
    world.alerts(vec![alert("Down", "else", Priority::P1, "03:04", "")]);
    let rows = world.drawn(&mut Now::default());
    let services = rows.iter().position(|row| row.contains("SERVICES")).expect("the pane");
    let (head, web) = (&rows[services + 1], &rows[services + 2]);
    let pane = |row: &str| row.chars().take(60).collect::<String>();
    assert!(pane(head).contains("error rate  p95 latency  trend"), "{head}");
    let ellipsis = world.view().theme.glyphs.ellipsis;
    assert!(pane(web).contains("web") && !pane(web).contains(ellipsis), "{web}");
}
