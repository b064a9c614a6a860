//! The Kube screen: what it says of workloads and their pods, trouble first.

mod acting;
mod recovering;
mod rollouts;
mod scopes;

use super::*;
use crate::{
    model::{
        BackendKind, Level, Part, SourceId,
        code::RunState,
        kubernetes::{
            Container, Pod, RolloutState, RolloutStatus, Workload, WorkloadKind,
            table::{Amount, Bounds},
        },
    },
    query::{Answer, Query},
    source::Answered,
    text::Clean,
    ui::{
        target::Target,
        testing::{at, cluster, deployment, event, incident, pod, replica_set, run, running, workload_key},
    },
};

fn on_kube(world: World) -> Desk {
    let mut desk = Desk::new(world);
    desk.keys("3");
    desk.frame((120, 35));
    desk
}

fn row_with(frame: &str, text: &str) -> String {
    frame.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("no '{text}' in\n{frame}")).to_owned()
}

/// Places of the texts in the frame, from above.
fn in_order(frame: &str, texts: &[&str]) {
    let places: Vec<usize> =
        texts.iter().map(|text| frame.find(text).unwrap_or_else(|| panic!("no '{text}' in\n{frame}"))).collect();
    assert!(places.is_sorted(), "{texts:?} in\n{frame}");
}

#[test]
fn an_eviction_says_why_beside_its_status() {
    let mut world = incident();
    let why = "Evicted: The node was low on resource: memory.";
    world.pods([Pod { level: Level::Wrong, ..pod("myapp-6d5c9", "gone", Some(("Error", why))) }]);
    let mut desk = on_kube(world);
    let row = row_with(&desk.frame((160, 35)), "myapp-6d5c9-gone");
    assert!(row.contains("Error") && row.contains(why), "{row}");
}

#[test]
fn pods_that_have_failed_and_stay_are_one_line_below_the_others() {
    let mut world = World::live();
    world.workloads([deployment("web", "web:1", 1, 1)]);
    world.replica_sets([replica_set("web", "1", 1, "01:00", "web:1", (1, 1))]);
    let gone = |name: &str, made: &str, why: &str| Pod {
        level: Level::Wrong,
        has_failed: true,
        is_ready: false,
        created: Some(at(made)),
        reason: Some(why.into()),
        ..pod("web-1", name, Some(("Error", why)))
    };
    let evicted = "Evicted: The node was low on resource: memory.";
    world.pods([
        pod("web-1", "runs", None),
        gone("old1", "00:10", evicted),
        gone("old2", "00:14", evicted),
        gone("old3", "00:12", evicted),
        gone("alone", "00:20", "OutOfcpu: no room"),
    ]);
    let mut desk = on_kube(world);
    let frame = desk.frame((120, 45));
    assert!(frame.contains("all ok") && frame.contains("1 of 1 ready"), "{frame}");
    let folded = "3 Evicted, newest 3h ago: The node was low on resource: memory.";
    in_order(&frame, &["web-1-runs", "web-1-alone", folded]);
    assert_eq!(frame.matches("web-1-old").count(), 0, "{frame}");
    // The newest stands for them: its page is a key away.
    desk.press(KeyCode::Tab);
    desk.keys("jj");
    let selected = desk.app.selected(desk.clock.now()).map(|target| target.to_string());
    assert_eq!(selected.as_deref(), Some("pod web-1-old2"));
}

#[test]
fn a_pod_that_does_not_go_says_for_how_long() {
    let mut world = incident();
    world.pods([Pod {
        status: "Terminating".into(),
        level: Level::Progress,
        deleting_since: Some(at("00:14")),
        deleting_by: Some(at("00:14:30")),
        ..pod("myapp-7d8b9", "aaaaa", None)
    }]);
    let mut desk = on_kube(world);
    let row = row_with(&desk.frame((120, 35)), "myapp-7d8b9-aaaaa");
    assert!(row.contains(" !   myapp") && row.contains("terminating for 3h"), "{row}");
}

/// What kubectl says of it leaves room for why, and what is cut is cut where names are alike.
#[test]
fn a_narrow_pane_leaves_whole_what_it_shows() {
    let mut world = incident();
    let crashing = Pod {
        restarts: 7,
        last_restart: Some(at("03:12")),
        ..pod("myapp-7bfcc8f6d5", "b6l8c", Some(("CrashLoopBackOff", "exit 1, waits 5m0s")))
    };
    world.replica_sets([replica_set("myapp", "7bfcc8f6d5", 15, "03:00", "acme/myapp:413", (0, 1))]);
    world.pods([crashing]);
    let mut desk = on_kube(world);
    let wide = row_with(&desk.frame((120, 35)), "b6l8c");
    assert!(wide.contains("CrashLoopBackOff  7 (2m22s ago)   exit 1, waits 5m0s"), "{wide}");
    desk.press(KeyCode::Tab);
    let narrow = row_with(&desk.frame((80, 24)), "b6l8c");
    assert!(narrow.contains("myapp-7bfcc8f~-b6l8c    0/1  CrashLoopBackOff   7  exit 1, waits 5m0s"), "{narrow}");
}

#[test]
fn names_take_what_they_need_and_images_the_rest() {
    let mut world = incident();
    let image = "ghcr.io/acme/recommendations:2026.3.14";
    world.workloads([deployment("recommender", image, 1, 1)]);
    let mut desk = on_kube(world);
    let row = row_with(&desk.frame((120, 35)), "recommender ");
    assert!(row.contains("recommender      1/1") && row.contains(" recommendations:2026.3.14 "), "{row}");
}

#[test]
fn the_order_by_age_is_that_of_the_ages_shown() {
    let mut world = World::live();
    let made = |name: &str, at_time: &str| Workload { created: Some(at(at_time)), ..deployment(name, "a:1", 1, 1) };
    // The older one has the younger version.
    world.workloads([made("older", "00:10"), made("younger", "00:20")]);
    world.replica_sets([
        replica_set("older", "1", 1, "03:00", "a:1", (1, 1)),
        replica_set("younger", "1", 1, "01:00", "a:1", (1, 1)),
    ]);
    let mut desk = on_kube(world);
    desk.keys(">>>>");
    let frame = desk.frame((120, 35));
    in_order(&frame, &["sort since", "older", "younger"]);
    assert!(row_with(&frame, "deploy  older").contains(" 14m "), "{frame}");
}

#[test]
fn the_last_order_is_taken_back_and_the_filter_in_its_turn() {
    let mut desk = on_kube(incident());
    let has = |desk: &mut Desk, words: &str| {
        let frame = desk.frame((120, 35));
        assert!(frame.contains(words), "{words}: {frame}");
    };
    desk.keys(">>");
    has(&mut desk, "sort ready");
    desk.keys("u");
    has(&mut desk, "sort name");
    desk.keys("/pay");
    desk.press(KeyCode::Enter);
    has(&mut desk, "filter pay   sort name");
    desk.keys("u");
    has(&mut desk, "sort name");
    assert!(!desk.frame((120, 35)).contains("filter pay"));
    desk.keys("u");
    has(&mut desk, "sort trouble");
}

#[test]
fn by_ready_what_lacks_pods_stands_first() {
    let mut world = World::live();
    let of = |name: &str, ready, desired| deployment(name, "a:1", ready, desired);
    world.workloads([of("one", 1, 1), of("none", 0, 1), of("many", 8, 10), of("six", 6, 6)]);
    let mut desk = on_kube(world);
    desk.keys(">>");
    in_order(&desk.frame((120, 35)), &["sort ready", " many ", " none ", " one ", " six "]);
}

#[test]
fn events_of_the_pods_of_a_workload_are_told_once_for_each_reason() {
    let mut world = incident();
    let back_off = |pod: &str, count: u32, last: &str| {
        let says = format!("Back-off restarting failed container app in pod {pod}_production(8c1f)");
        event(pod, "Pod", "BackOff", count, last, &says)
    };
    world.pods([pod("myapp-6d5c9", "ccccc", Some(("CrashLoopBackOff", "exit 1")))]);
    world.events([
        back_off("myapp-6d5c9-bbbbb", 30, "03:10"),
        back_off("myapp-6d5c9-ccccc", 5, "03:12"),
        event("myapp-6d5c9-bbbbb", "Pod", "Unhealthy", 1, "03:11", "Readiness probe failed: refused"),
    ]);
    let mut desk = on_kube(world);
    let frame = desk.frame((160, 45));
    in_order(
        &frame,
        &[
            "03:12 BackOff x35, 2 pods: restarting failed container app",
            "03:11 Unhealthy, ",
            "d5c9-bbbbb: readiness: refused",
        ],
    );
}

#[test]
fn a_failed_probe_is_told_on_the_row_and_not_asked_for() {
    let mut world = incident();
    let slow = Pod {
        containers: Box::new([Container { ready: false, ..running("app") }]),
        ready: 0,
        is_ready: false,
        level: Level::Wrong,
        why: "'app' runs but is not ready".into(),
        ..pod("myapp-6d5c9", "slow", None)
    };
    let says = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    world.events([event(&slow.key.name, "Pod", "Unhealthy", 9, "03:12", says)]);
    world.pods([slow]);
    let mut desk = on_kube(world);
    let row = row_with(&desk.frame((160, 35)), "myapp-6d5c9-slow");
    assert!(row.contains("readiness: HTTP 503; 'app' runs but is not ready"), "{row}");
    assert!(row_with(&desk.frame((120, 35)), "myapp-6d5c9-slow").contains("readiness: HTTP 503"));
}

#[test]
fn workloads_in_trouble_stand_first_and_the_filter_keeps_the_order() {
    let mut world = incident();
    let progressing = Workload { level: Level::Progress, ..deployment("aaa-rolls", "a:1", 2, 2) };
    world.workloads([progressing, deployment("aab-fine", "a:1", 1, 1), deployment("zzz-broken", "z:1", 0, 3)]);
    let mut desk = on_kube(world);
    let frame = desk.frame((120, 45));
    // More missing pods first, then the name.
    in_order(&frame, &["zzz-broken", " myapp ", "aaa-rolls", "aab-fine", "payments"]);
    assert!(frame.contains("WORKLOADS 5   3 not ok") && frame.contains("sort trouble"), "{frame}");
    assert!(row_with(&frame, "restarts").contains("since"), "the version's, not the object's age\n{frame}");
    desk.keys(">");
    in_order(&desk.frame((120, 45)), &["sort name", "aaa-rolls", "aab-fine", " myapp ", "payments", "zzz-broken"]);
    desk.keys("</aa");
    desk.press(KeyCode::Enter);
    let frame = desk.frame((120, 45));
    in_order(&frame, &["sort trouble", "aaa-rolls", "aab-fine"]);
    assert!(!frame.contains("zzz-broken"), "{frame}");
    assert!(frame.contains("WORKLOADS 2 of 5   1 not ok"), "{frame}");
    desk.keys("/aaa");
    desk.press(KeyCode::Enter);
    let frame = desk.frame((120, 45));
    assert!(frame.contains("WORKLOADS 0 of 5") && !frame.contains("all ok"), "what a filter hides may burn\n{frame}");
}

#[test]
fn the_log_lines_below_are_those_of_the_pod_under_the_cursor_whichever_pane_has_the_keys() {
    let mut desk = on_kube(incident());
    assert!(desk.frame((120, 35)).contains("LAST LOG LINES myapp-6d5c9-bbbbb"), "the worst, at first");
    desk.press(KeyCode::Tab);
    desk.keys("j");
    assert!(desk.frame((120, 35)).contains("LAST LOG LINES myapp-7d8b9-aaaaa"));
    desk.press(KeyCode::Tab);
    let frame = desk.frame((120, 35));
    assert!(row_with(&frame, " myapp-7d8b9-aaaaa  ").contains('>'), "its cursor is still seen\n{frame}");
    assert!(frame.contains("LAST LOG LINES myapp-7d8b9-aaaaa"), "{frame}");
    // Of another workload it is the worst again.
    desk.keys("j");
    assert!(!desk.frame((120, 35)).contains("LAST LOG LINES myapp-7d8b9-aaaaa"));
}

#[test]
fn a_filter_that_is_cleared_leaves_the_selected_workload_selected() {
    let mut desk = on_kube(incident());
    desk.keys("/paym");
    desk.press(KeyCode::Enter);
    let payments = Some(Target::Workload(workload_key(WorkloadKind::Deployment, "payments")));
    assert_eq!(desk.app.selected(desk.clock.now()), payments);
    desk.press(KeyCode::Esc);
    let frame = desk.frame((120, 35));
    assert!(frame.contains("WORKLOADS 2"), "{frame}");
    assert_eq!(desk.app.selected(desk.clock.now()), payments, "{frame}");
}

#[test]
fn the_next_act_is_on_the_same_workload_though_another_became_worse() {
    let mut desk = on_kube(incident());
    let asked = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Prepare { request, .. } => Some(request),
            _ => None,
        })
    };
    let first = asked(desk.keys("K"));
    assert!(first.is_some());
    desk.press(KeyCode::Esc);
    let mut worse = incident();
    worse.workloads([deployment("zzz-broken", "z:1", 0, 30)]);
    desk.app.store = worse.store;
    desk.app.changed(crate::store::Changes::ALL);
    let frame = desk.frame((120, 35));
    in_order(&frame, &["zzz-broken", " myapp "]);
    assert_eq!(asked(desk.keys("K")), first, "{frame}");
}

#[test]
fn pods_stand_under_their_version_new_against_old() {
    let mut world = incident();
    let image = |tag: &str| Box::new([Container { image: Clean::own(format!("acme/myapp:{tag}")), ..running("app") }]);
    world.pods([
        Pod { containers: image("411"), ..pod("myapp-7d8b9", "aaaaa", None) },
        Pod { containers: image("412"), ..pod("myapp-6d5c9", "ccccc", None) },
        Pod { containers: image("412"), ..pod("myapp-6d5c9", "bbbbb", Some(("CrashLoopBackOff", "issuer mismatch"))) },
    ]);
    let mut desk = on_kube(world);
    let frame = desk.frame((120, 45));
    let (new, old) = ("NEW rev 14 myapp:412   1 of 2 ready", "OLD rev 13 myapp:411   1 of 1 ready");
    in_order(&frame, &[new, "myapp-6d5c9-bbbbb", "myapp-6d5c9-ccccc", old, "myapp-7d8b9-aaaaa"]);
    assert!(row_with(&frame, "myapp-6d5c9-bbbbb").contains("issuer mismatch"), "{frame}");
}

/// Answers what the pods on the screen use.
fn measure(desk: &mut Desk, used: &[(&str, u64)]) {
    let asked = |query: &Query| matches!(query, Query::Usage(_));
    let query = desk.app.wanted(desk.clock.now()).into_iter().find(asked).expect("it is asked for");
    let amount = |memory: u64| Amount { cpu_millis: 118, memory_bytes: memory << 20 };
    let used = used.iter().map(|(name, memory)| (("production".into(), (*name).into()), amount(*memory))).collect();
    let now = desk.clock.now();
    let body = Ok(Answer::Usage(std::sync::Arc::new(used)));
    desk.app.update(Msg::Answer(Box::new(Answered { query, generation: 1, at: now.wall, body })), now);
}

fn usages(desk: &Desk) -> usize {
    desk.app.wanted(desk.clock.now()).iter().filter(|query| matches!(query, Query::Usage(_))).count()
}

#[test]
fn what_pods_use_stands_beside_them_where_it_is_measured_and_has_room() {
    let limits = Amount { cpu_millis: 0, memory_bytes: 512 << 20 };
    let bounds = Bounds { requests: Amount { cpu_millis: 100, memory_bytes: 0 }, limits };
    let world = || {
        let mut world = incident();
        let crashing = Some(("CrashLoopBackOff", "the issuer of the token is not the one that is configured"));
        world.pods([
            Pod { bounds, ..pod("myapp-7d8b9", "aaaaa", None) },
            Pod { bounds, ..pod("myapp-7d8b9", "bbbbb", None) },
            pod("myapp-6d5c9", "ccccc", crashing),
        ]);
        world
    };
    let mut desk = on_kube(world());
    assert_eq!(usages(&desk), 1, "one list, not one for each pod");
    measure(&mut desk, &[("myapp-7d8b9-aaaaa", 314), ("myapp-7d8b9-bbbbb", 16)]);
    let frame = desk.frame((146, 45));
    assert!(frame.contains("236m cpu  330Mi memory"), "{frame}");
    let row = row_with(&frame, "myapp-7d8b9-aaaaa");
    assert!(row.contains("118%r    61%") && !row.contains("314Mi"), "{row}");
    assert!(row_with(&frame, "myapp-6d5c9-ccccc").contains("-      -  the issuer"), "{frame}");
    assert!(row_with(&desk.frame((200, 45)), "myapp-7d8b9-aaaaa").contains("118m  118%r    314Mi    61%"));
    // Why a pod is in trouble comes before what it uses.
    let narrow = desk.frame((120, 35));
    assert!(!narrow.contains("mem%") && narrow.contains("the issuer of the token"), "{narrow}");
    assert!(narrow.contains("236m cpu  330Mi memory"), "{narrow}");
    // The workloads alone: nothing is read.
    desk.keys("z");
    assert_eq!(usages(&desk), 0);
    desk.press(KeyCode::Tab);
    assert_eq!(usages(&desk), 1);

    // Missing or refused.
    let mut desk = on_kube(world());
    let before = desk.frame((146, 45));
    measure(&mut desk, &[]);
    assert_eq!(desk.frame((146, 45)), before);
    assert!(!before.contains("mem%"), "{before}");
}

#[test]
fn a_limit_is_raised_against_what_is_used() {
    let mut world = incident();
    let limited = Container { memory_limit: Some(512 << 20), ..running("app") };
    world.pods([Pod { containers: Box::new([limited]), ..pod("myapp-7d8b9", "aaaaa", None) }]);
    let mut desk = on_kube(world);
    measure(&mut desk, &[("myapp-7d8b9-aaaaa", 314)]);
    desk.frame((120, 35));
    desk.keys("L");
    let form = desk.frame((120, 35));
    assert!(form.contains("memory limit 512Mi, uses 314Mi now"), "{form}");
}

#[test]
fn without_the_right_to_read_events_the_rest_is_there() {
    let mut world = incident();
    world.refuse(&cluster(), Part::Events, "events is forbidden: User \"jo\" cannot list events");
    let mut desk = on_kube(world);
    let frame = desk.frame((146, 45));
    assert!(frame.contains("?? events is forbidden"), "the pane of events says so\n{frame}");
    assert!(frame.contains("4/4 up") && !frame.contains("k8s down"), "the cluster answers\n{frame}");
    let row = row_with(&frame, "myapp-6d5c9-bbbbb");
    assert!(row.contains("issuer mismatch"), "{row}");
    assert!(frame.contains("WORKLOADS 2   1 not ok"), "{frame}");
    assert!(!frame.contains("no warnings within"), "nothing read is not nothing there\n{frame}");
}
