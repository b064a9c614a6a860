//! What bounds a log besides its target: which pods, from when until when, and how much.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Limits, LogAnswer, Look, Then, World, limits, look, one_pod, pod, running, stamped, workload};
use crate::{
    model::BackendId,
    query::{ContainerState, LabelKey, LogQuery, LogTarget, PodFilter, WantedDetails},
};

fn with_condition(mut pod: Value, status: &str) -> Value {
    pod["status"]["conditions"] = json!([{"type": "Ready", "status": status}]);
    pod
}

/// Three pods: `web-1` ready, `web-2` not, `web-3` ended.
fn three() -> World {
    let world = World::default();
    world.put(&with_condition(running("web-1"), "True"));
    world.put(&with_condition(running("web-2"), "False"));
    world.put(&pod("web-3", Some("containerd://1"), &json!({"terminated": {"exitCode": 0}})));
    for n in 1..=3 {
        world.will_log(&format!("web-{n}/app"), LogAnswer::Lines(vec![stamped(n, 0, &format!("web-{n}"))], Then::End));
    }
    world
}

/// All that is read of a log that is not followed.
async fn whole(look: &mut Look) -> Vec<String> {
    let reading = async {
        while let Some(answer) = look.answers.recv().await {
            if let Ok(crate::query::Answer::Logs(mut batch)) = answer.body {
                look.lines.append(&mut batch.lines);
                look.last = batch;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reading).await.expect("it ends");
    look.texts()
}

#[tokio::test]
async fn pods_are_chosen_by_name_condition_and_state() {
    let named = |name: &str| PodFilter { name: Some(name.into()), ..PodFilter::default() };
    let ready = |status: &str| Some(("Ready".into(), status.into()));
    for (pods, expected) in [
        (PodFilter::default(), &["web-1", "web-2", "web-3"][..]),
        (named("^web-[12]$"), &["web-1", "web-2"]),
        (PodFilter { not_names: vec!["1$".into(), "3$".into()], ..PodFilter::default() }, &["web-2"]),
        (PodFilter { condition: ready("True"), ..PodFilter::default() }, &["web-1"]),
        (PodFilter { condition: ready("False"), ..PodFilter::default() }, &["web-2"]),
        (PodFilter { states: vec![ContainerState::Terminated], ..PodFilter::default() }, &["web-3"]),
        (PodFilter { states: vec![ContainerState::Running], condition: ready("False"), ..named("web") }, &["web-2"]),
    ] {
        let query = LogQuery { pods: pods.clone(), follow: false, ..workload() };
        let mut look = look(three(), query, limits()).await;
        assert_eq!(whole(&mut look).await, expected, "{pods}");
        assert!(look.last.troubles.is_empty(), "{:?}", look.last.troubles);
    }
    let query = LogQuery { pods: named("api"), follow: false, ..workload() };
    let mut look = look(three(), query, limits()).await;
    assert!(whole(&mut look).await.is_empty());
    assert_eq!(look.last.troubles, ["'deploy/web' has no pod with name api"]);
}

#[tokio::test]
async fn fields_are_the_servers_to_look_at() {
    let all = LabelKey { cluster: BackendId::new("c"), namespace: "shop".into(), selector: "".into() };
    let pods = PodFilter { fields: Some("spec.nodeName=node-1".into()), ..PodFilter::default() };
    for (query, fields) in [
        (LogQuery { target: LogTarget::Labels(all), ..one_pod() }, "spec.nodeName=node-1"),
        (one_pod(), "metadata.name=web-1,spec.nodeName=node-1"),
    ] {
        let mut look = look(three(), LogQuery { pods: pods.clone(), follow: false, ..query }, limits()).await;
        whole(&mut look).await;
        let list = look.fake.asked().into_iter().find(|asked| asked.path.ends_with("/pods")).unwrap();
        assert_eq!(list.query("fieldSelector"), Some(fields));
    }
}

#[tokio::test]
async fn a_pod_that_meets_the_condition_no_more_is_followed_no_longer() {
    let world = World::default();
    world.put(&with_condition(running("web-1"), "True"));
    world.put(&with_condition(running("web-2"), "False"));
    let pods = PodFilter { condition: Some(("Ready".into(), "True".into())), ..PodFilter::default() };
    let mut look = look(world, LogQuery { pods, tail: Some(0), ..workload() }, limits()).await;
    look.until("the first", |look| (look.last.open, look.last.wanted) == (1, 1)).await;
    look.world.put(&with_condition(running("web-2"), "True"));
    look.until("both", |look| look.last.open == 2).await;
    look.world.put(&with_condition(running("web-1"), "False"));
    look.until("the second", |look| (look.last.open, look.last.wanted) == (1, 1)).await;
    let asked = look.log_requests();
    assert!(asked.last().unwrap().path.contains("web-2"));
    assert_eq!(asked.last().unwrap().query("tailLines"), Some("0"), "it is not new: it only became ready");
}

#[tokio::test]
async fn a_log_with_an_end_is_read_up_to_it_and_the_newest_lines_are_those_before_it() {
    let lines: Vec<String> = (0..9).map(|n| stamped(n, 0, &n.to_string())).collect();
    let until = Some("2026-01-02T03:04:06Z".parse().unwrap());
    for (tail, expected) in [(None, &["0", "1", "2", "3", "4", "5", "6"][..]), (Some(2), &["5", "6"])] {
        let world = World::default();
        world.put(&running("web-1"));
        // Its end comes before the log's: the server is not waited for.
        world.will_log("web-1/app", LogAnswer::Lines(lines.clone(), Then::Hang));
        let patient = Limits { idle: Duration::from_mins(5), ..limits() };
        let mut look = look(world, LogQuery { until, tail, ..one_pod() }, patient).await;
        assert_eq!(whole(&mut look).await, expected);
        let asked = &look.log_requests()[0];
        assert_eq!((asked.query("follow"), asked.query("tailLines")), (None, None));
    }
}

#[tokio::test]
async fn of_each_container_so_many_bytes_are_read() {
    for (bytes, expected) in [(3, &["abc"][..]), (5, &["abc", "d"]), (8, &["abc", "def"])] {
        for follow in [false, true] {
            let world = World::default();
            world.put(&running("web-1"));
            let lines = ["abc", "def", "ghi"].iter().zip(0..).map(|(text, n)| stamped(n, 0, text)).collect();
            world.will_log("web-1/app", LogAnswer::Lines(lines, Then::Hang));
            let mut look = look(world, LogQuery { most_bytes: Some(bytes), follow, ..one_pod() }, limits()).await;
            assert_eq!(whole(&mut look).await, expected, "{bytes} bytes, followed: {follow}");
        }
    }
}

#[tokio::test]
async fn where_nothing_runs_yet_it_is_waited_for_as_long_as_asked() {
    let starting = || pod("web-1", None, &json!({"waiting": {"reason": "ContainerCreating"}}));
    let world = World::default();
    world.put(&starting());
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "up")], Then::End));
    let query = LogQuery { patience: Some(60), follow: false, ..workload() };
    let mut look = look(world, query.clone(), limits()).await;
    look.until("a watch", |look| !look.world.watches.lock().unwrap().is_empty()).await;
    assert!(look.log_requests().is_empty());
    look.world.put(&running("web-1"));
    assert_eq!(whole(&mut look).await, ["up"]);

    let world = World::default();
    world.put(&starting());
    let refusal = "container \"app\" in pod \"web-1\" is waiting to start: ContainerCreating";
    world.will_log("web-1/app", LogAnswer::Status(400, refusal));
    let mut look = self::look(world, LogQuery { patience: Some(1), ..query }, limits()).await;
    let said = ["container 'app' has not started: ContainerCreating"];
    assert_eq!(whole(&mut look).await, said, "then it is told");
    assert_eq!(look.last.troubles, ["pod 'web-1': container 'app' has not started: ContainerCreating"]);
}

#[tokio::test]
async fn a_log_that_could_not_be_read_to_its_end_is_trouble_to_the_last() {
    for (answer, says) in [
        (LogAnswer::Status(403, "no get pods/log"), "pod 'web-1': no get pods/log"),
        (LogAnswer::Lines(vec![stamped(5, 1, "a")], Then::Cut), "pod 'web-1': the log is incomplete: "),
    ] {
        let world = World::default();
        world.put(&running("web-1"));
        world.will_log("web-1/app", answer);
        let mut look = look(world, LogQuery { follow: false, ..one_pod() }, limits()).await;
        whole(&mut look).await;
        assert!(look.last.troubles.iter().any(|trouble| trouble.starts_with(says)), "{:?}", look.last.troubles);
    }
}

#[tokio::test]
async fn of_a_pods_details_those_go_with_its_lines_that_are_wanted() {
    let only_node = WantedDetails { node: true, ..WantedDetails::default() };
    for (details, expected) in
        [(WantedDetails::default(), ("", 0, 0)), (only_node, ("node-1", 0, 0)), (WantedDetails::ALL, ("node-1", 1, 2))]
    {
        let world = World::default();
        let mut pod = running("web-1");
        pod["spec"]["nodeName"] = json!("node-1");
        pod["metadata"]["annotations"] = json!({"a": "1", "b": "two\nlines"});
        world.put(&pod);
        world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(1, 0, "a")], Then::Hang));
        let mut look = look(world, LogQuery { details, ..one_pod() }, limits()).await;
        look.lines(1).await;
        let its = &look.lines[0].origin.details;
        assert_eq!((its.node.as_str(), its.labels.len(), its.annotations.len()), expected);
    }
}
