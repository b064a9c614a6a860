//! Whose logs, of which containers, and over how many connections.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    super::{
        Following, LogReader,
        pods::{Container, Instance, LogPod, PodChange},
        stream::Report,
    },
    Limits, LogAnswer, SystemClock, Then, World, limits, look, one_pod, running, scripted, stamped, workload,
};
use crate::{
    model::{
        BackendId,
        kubernetes::{
            ObjectKey,
            resource::{Resource, ResourceKey},
        },
    },
    query::{ContainerSort, Containers, LabelKey, LogQuery, LogTarget, PodFilter},
    text::Clean,
    time::{Clock, TestClock},
};

/// Two main containers, an init container and a debugging one.
fn crowded(is_initialized: bool) -> Value {
    let mut pod = running("web-1");
    pod["spec"]["containers"] = json!([{"name": "app", "image": "web:v7"}, {"name": "app-proxy", "image": "proxy:1"}]);
    pod["spec"]["initContainers"] = json!([{"name": "migrate", "image": "web:v7"}]);
    pod["spec"]["ephemeralContainers"] = json!([{"name": "debugger-x", "image": "busybox:1"}]);
    let status = |name: &str, id: &str, state: Value| json!({"name": name, "containerID": id, "state": state, "ready": true, "restartCount": 0, "image": "x", "imageID": ""});
    let main = |name| {
        if is_initialized {
            status(name, "containerd://m", json!({"running": {}}))
        } else {
            status(name, "", json!({"waiting": {"reason": "PodInitializing"}}))
        }
    };
    let word = if is_initialized { "True" } else { "False" };
    pod["status"] = json!({
        "conditions": [{"type": "Initialized", "status": word}],
        "containerStatuses": [main("app"), main("app-proxy")],
        "initContainerStatuses": [status("migrate", "containerd://i", json!({"running": {}}))],
        "ephemeralContainerStatuses": [status("debugger-x", "containerd://e", json!({"running": {}}))],
    });
    pod
}

async fn read_of(containers: Containers, query: LogQuery) -> Vec<String> {
    let world = World::default();
    world.put(&crowded(true));
    for name in ["app", "app-proxy", "migrate", "debugger-x"] {
        world.will_log(&format!("web-1/{name}"), LogAnswer::Lines(vec![stamped(5, 1, name)], Then::End));
    }
    let query = LogQuery { containers, follow: false, ..query };
    let mut look = look(world, query, limits()).await;
    look.until("its end", |look| look.task.is_finished() || look.last.has_caught_up && !look.lines.is_empty()).await;
    (&mut look.task).await.unwrap();
    while let Ok(answer) = look.answers.try_recv() {
        if let Ok(crate::query::Answer::Logs(mut batch)) = answer.body {
            look.lines.append(&mut batch.lines);
        }
    }
    let offered: Vec<(ContainerSort, &str)> =
        look.last.containers.iter().map(|(sort, name)| (*sort, name.as_str())).collect();
    assert_eq!(
        offered,
        [
            (ContainerSort::Main, "app"),
            (ContainerSort::Main, "app-proxy"),
            (ContainerSort::Init, "migrate"),
            (ContainerSort::Ephemeral, "debugger-x")
        ]
    );
    let mut names = look.texts();
    names.sort();
    names
}

#[tokio::test]
async fn containers_are_chosen_by_name_by_expression_and_by_sort() {
    let named = |name: &str| Containers::named(name.into());
    for (containers, query, expected) in [
        (Containers::default(), one_pod(), &["app"][..]),
        (Containers::default(), workload(), &["app", "app-proxy"]),
        (named("app"), workload(), &["app"]),
        (named("^(app-|debug)"), workload(), &["app-proxy", "debugger-x"]),
        (named("migrate"), one_pod(), &["migrate"]),
        (Containers { init: true, ..Containers::default() }, one_pod(), &["app", "migrate"]),
        (Containers { ephemeral: true, ..Containers::default() }, workload(), &["app", "app-proxy", "debugger-x"]),
        (Containers::ALL, one_pod(), &["app", "app-proxy", "debugger-x", "migrate"]),
    ] {
        assert_eq!(read_of(containers.clone(), query).await, expected, "{containers:?}");
    }
}

#[tokio::test]
async fn while_a_pod_initializes_its_init_container_is_read_and_then_the_main_one() {
    let world = World::default();
    world.put(&crowded(false));
    world.will_log("web-1/migrate", LogAnswer::Lines(vec![stamped(5, 1, "migrating")], Then::End));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(6, 1, "up")], Then::Hang));
    let mut look = look(world, one_pod(), limits()).await;
    assert_eq!(look.lines(1).await, ["migrating"]);
    assert_eq!(&*look.lines[0].origin.container, "migrate");
    look.world.put(&crowded(true));
    assert_eq!(look.lines(2).await, ["migrating", "up"]);
    look.until("one stream", |look| look.last.wanted == 1).await;
}

fn object(group: &str, plural: &str, name: &str) -> LogQuery {
    let resource = Resource {
        group: group.into(),
        version: "v1".into(),
        plural: plural.into(),
        singular: plural.trim_end_matches('s').into(),
        kind: plural.into(),
        short_names: Box::default(),
        is_namespaced: true,
    };
    let key = ResourceKey {
        cluster: BackendId::new("c"),
        resource: Arc::new(resource),
        namespace: "shop".into(),
        name: name.into(),
    };
    LogQuery { target: LogTarget::Object(key), ..one_pod() }
}

fn job(name: &str, owner: &str, made: &str) -> Value {
    json!({"metadata": {"name": name, "creationTimestamp": made, "ownerReferences": [{"uid": owner}]},
        "spec": {"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": name}}}})
}

#[tokio::test]
async fn jobs_their_cron_jobs_services_and_labels_lead_to_their_pods() {
    let labels = LabelKey { cluster: BackendId::new("c"), namespace: "".into(), selector: "app=web".into() };
    for (query, path, selector) in [
        (object("batch", "jobs", "night-1"), "/namespaces/shop/pods", "batch.kubernetes.io/controller-uid=night-1"),
        // The newest of its own, not of all.
        (object("batch", "cronjobs", "night"), "/namespaces/shop/pods", "batch.kubernetes.io/controller-uid=night-2"),
        (object("", "services", "web"), "/namespaces/shop/pods", "app=web"),
        (LogQuery { target: LogTarget::Labels(labels), ..one_pod() }, "/api/v1/pods", "app=web"),
    ] {
        let world = World::default();
        let jobs = [
            job("night-1", "cron", "2026-01-01T03:00:00Z"),
            job("night-2", "cron", "2026-01-02T03:00:00Z"),
            job("other", "another", "2026-01-03T03:00:00Z"),
        ];
        *world.objects.lock().unwrap() = vec![
            ("/jobs/night-1", jobs[0].clone()),
            ("/cronjobs/night", json!({"metadata": {"uid": "cron"}})),
            ("/jobs", json!({"items": jobs})),
            ("/services/web", json!({"spec": {"selector": {"app": "web"}}})),
        ];
        world.put(&running("web-1"));
        world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "a")], Then::Hang));
        let mut look = look(world, query, limits()).await;
        assert_eq!(look.lines(1).await, ["a"]);
        let list = look.fake.asked().into_iter().find(|asked| asked.path.ends_with("/pods")).unwrap();
        assert!(list.path.ends_with(path), "{}", list.path);
        assert_eq!(list.query("labelSelector"), Some(selector));
    }
}

#[tokio::test]
async fn what_has_no_pods_says_so() {
    let world = World::default();
    *world.objects.lock().unwrap() =
        vec![("/cronjobs/night", json!({"metadata": {"uid": "cron"}})), ("/jobs", json!({"items": []}))];
    let mut look = look(world, object("batch", "cronjobs", "night"), limits()).await;
    look.until("why", |look| look.error.is_some()).await;
    assert!(look.error.as_ref().unwrap().says.contains("has no Job"), "{:?}", look.error);
}

#[tokio::test]
async fn above_the_cap_every_pod_is_heard_in_turn_and_none_loses_or_repeats_a_line() {
    let world = World::default();
    for n in 0..7 {
        let name = format!("web-{n}");
        world.put(&running(&name));
        let all: Vec<String> = (0..3).map(|line| stamped(5, line, &format!("{n}/{line}"))).collect();
        // First a part, then all: as a log that grew between two turns.
        world.will_log(&format!("{name}/app"), LogAnswer::Lines(all[..1].to_vec(), Then::End));
        for _ in 0..200 {
            world.will_log(&format!("{name}/app"), LogAnswer::Lines(all.clone(), Then::End));
        }
    }
    let mut look = look(world, workload(), Limits { max_streams: 3, ..limits() }).await;
    look.until("every line of every pod", |look| look.lines.len() >= 21).await;
    let mut texts = look.texts();
    texts.sort();
    let expected: Vec<String> = (0..7).flat_map(|n| (0..3).map(move |line| format!("{n}/{line}"))).collect();
    assert_eq!(texts, expected);
    let says = "7 containers over 3 connections: 2 are followed, 5 are read in turn";
    assert!(look.last.troubles.iter().any(|trouble| *trouble == *says), "{:?}", look.last.troubles);
    assert!(look.last.open <= 3 && look.last.wanted == 7, "{:?}", look.last);
}

#[tokio::test]
async fn a_pod_that_waited_for_turns_is_followed_when_there_is_room() {
    let world = World::default();
    for name in ["web-1", "web-2"] {
        world.put(&running(name));
    }
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "one")], Then::Hang));
    let mut look = look(world, workload(), Limits { max_streams: 1, ..limits() }).await;
    // With one connection both take turns; a silent one keeps it no longer than it is quiet.
    look.until("both wanted", |look| look.last.wanted == 2).await;
    look.world.tell(&json!({"type": "DELETED", "object": running("web-2")}));
    look.until("one wanted", |look| look.last.wanted == 1 && look.last.troubles.is_empty()).await;
    look.until("it is followed", |look| {
        look.log_requests().iter().any(|asked| asked.path.contains("web-1") && asked.query("follow").is_some())
    })
    .await;
}

#[tokio::test]
async fn what_is_read_once_is_read_whole_over_few_connections() {
    let world = World::default();
    for n in 0..7 {
        world.put(&running(&format!("web-{n}")));
        world.will_log(&format!("web-{n}/app"), LogAnswer::Lines(vec![stamped(n, 1, &format!("{n}"))], Then::End));
    }
    let query = LogQuery { follow: false, most_streams: Some(2), ..workload() };
    let mut look = look(world, query, limits()).await;
    assert_eq!(look.lines(7).await, ["0", "1", "2", "3", "4", "5", "6"]);
    assert!(look.last.troubles.is_empty(), "{:?}", look.last.troubles);
}

/// A pod whose one container runs.
fn plain(number: usize) -> LogPod {
    let name = Clean::own(format!("web-{number}"));
    let instance = Instance { id: Some("containerd://1".to_owned()), running: true, ..Instance::default() };
    LogPod {
        key: ObjectKey { cluster: BackendId::new("c"), namespace: "shop".into(), name: name.clone() },
        uid: name,
        is_ready: true,
        created: 0,
        default_container: None,
        is_initializing: false,
        conditions: Vec::new(),
        containers: vec![Container { name: "app".into(), sort: ContainerSort::Main, instance }],
    }
}

#[tokio::test]
async fn a_stream_that_is_followed_no_longer_counts_as_ended_and_not_as_open() {
    let reader = LogReader::new(scripted::cluster(1, Arc::new(SystemClock)).await);
    let ready = ("Ready".into(), "True".into());
    let pods = PodFilter { condition: Some(ready), ..PodFilter::default() };
    let query = LogQuery { pods: pods.clone(), most_bytes: Some(100), ..workload() };
    let (reports, _reported) = mpsc::channel(1);
    let mut follow = Following::new(&reader, &query, reports);
    follow.synced = true;
    let pod = LogPod { conditions: pods.condition.into_iter().collect(), ..plain(1) };
    follow.pods.insert(pod.uid.clone(), pod);
    let mut tasks = JoinSet::new();
    follow.choose(&mut tasks);
    follow.report(Report::Open(0));
    assert_eq!((follow.open.len(), follow.is_finished()), (1, false));
    let pod = plain(1);
    follow.pods.insert(pod.uid.clone(), pod);
    follow.choose(&mut tasks);
    // Heard late.
    follow.report(Report::Open(0));
    follow.report(Report::Trouble(0, Some("gone".into())));
    assert_eq!((follow.open.len(), follow.troubles.len(), follow.is_finished()), (0, 0, true));
}

/// Else all is held to be read before the first answer can be there.
#[tokio::test]
async fn on_a_slow_connection_streams_have_longer_to_be_answered() {
    let clock = Arc::new(TestClock::at(jiff::Timestamp::UNIX_EPOCH));
    let reader = LogReader::new(scripted::cluster(1, clock.clone()).await);
    let query = workload();
    let (reports, _reported) = mpsc::channel(1);
    let mut follow = Following::new(&reader, &query, reports);
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        clock.advance(Duration::from_millis(400));
        assert!(follow.pods_changed(PodChange::Synced, &mut tasks).is_none());
        assert_eq!(follow.unanswered, Duration::from_millis(800), "a later list says nothing of the first");
    }
}

/// With each pod that moves all are chosen anew: what takes the square of their number stands still here.
#[tokio::test]
async fn twenty_thousand_pods_are_chosen_anew_at_once() {
    const PODS: usize = 20_000;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let reader = LogReader::new(scripted::cluster(1, clock.clone()).await);
    let query = LogQuery { follow: false, ..workload() };
    let (reports, _reported) = mpsc::channel(1);
    let mut follow = Following::new(&reader, &query, reports);
    for number in 0..PODS {
        let pod = plain(number);
        follow.pods.insert(pod.uid.clone(), pod);
    }
    let mut tasks = JoinSet::new();
    follow.choose(&mut tasks);
    let begun = clock.now().mono;
    follow.choose(&mut tasks);
    let took = clock.now().since(begun);
    assert_eq!(follow.running.len(), PODS);
    assert!(took < Duration::from_secs(3), "{took:?}");
}
