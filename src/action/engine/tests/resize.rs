//! A resize in place, from its plan to the word of the kubelet, and back.

use super::*;
use crate::action::{Limits, testing::pod_inspection};

fn to(memory: &str) -> Request {
    Request::Resize { pod: pod_inspection().key, limits: Limits { memory: Some(memory.into()), ..Limits::of("app") } }
}

fn memory_of(bench: &Bench) -> String {
    bench
        .cluster
        .with(|cluster| cluster.pod.object["spec"]["containers"][0]["resources"]["limits"]["memory"].to_string())
}

#[tokio::test]
async fn it_is_watched_until_the_status_has_it_and_undone() {
    let mut bench = Bench::new();
    let act = bench.act(&to("1Gi")).await.expect("carried out");
    let StepState::Done(watched) = &act.steps.last().expect("steps").1 else { panic!("watched: {act:?}") };
    assert_eq!(watched.as_str(), "it has memory 1Gi in force");
    assert!(act.outcome == Outcome::Done && act.can_undo);
    let written = bench.records().into_iter().find_map(|record| match record.entry {
        Entry::Intended { write, .. } => write,
        _ => None,
    });
    let written = written.expect("the audit has what was sent");
    assert_eq!(written["ResizePod"]["after"]["limits"]["memory"], "1Gi");
    assert_eq!(written["ResizePod"]["before"]["limits"]["memory"], "512Mi");

    let undo = Request::Undo { act: act.number };
    let plan = bench.plan(&undo).await.expect("a plan");
    assert_eq!((plan.title.as_str(), plan.blocked.as_ref()), ("UNDO act 1: RESIZE pod/web-1", None));
    let undone = bench.execute(plan).await.expect("carried out");
    assert_eq!((undone.outcome, memory_of(&bench).as_str()), (Outcome::Done, "\"512Mi\""));
    // Twice is once.
    let refusal = bench.plan(&undo).await.expect_err("it is as before");
    assert!(refusal.contains("has the limits from before act 1 already"), "{refusal}");
}

#[tokio::test]
async fn an_undo_is_refused_where_somebody_was_since() {
    let mut bench = Bench::new();
    let act = bench.act(&to("1Gi")).await.expect("carried out");
    let undo = Request::Undo { act: act.number };
    bench.cluster.with(|cluster| {
        cluster.pod.object["spec"]["containers"][0]["resources"]["limits"]["memory"] = "3Gi".into();
    });
    let refusal = bench.plan(&undo).await.expect_err("it moved");
    assert!(refusal.contains("is not as act 1 left it") && refusal.contains("memory 3Gi"), "{refusal}");
    bench.cluster.with(|cluster| cluster.pod.object["metadata"]["uid"] = "another".into());
    let refusal = bench.plan(&undo).await.expect_err("it is another pod");
    assert!(refusal.contains("is another one since act 1"), "{refusal}");
    bench.cluster.with(|cluster| cluster.pod.object = serde_json::Value::Null);
    let refusal = bench.plan(&undo).await.expect_err("it is gone");
    assert_eq!(refusal.as_str(), "pod/web-1 is gone");
    assert_eq!(bench.cluster.sent().len(), 1);
}

#[tokio::test]
async fn what_the_kubelet_will_never_do_ends_the_watch() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| {
        cluster.pod.object["status"]["conditions"] = serde_json::json!([{"type": "PodResizePending", "status": "True",
            "reason": "Infeasible", "message": "Node didn't have enough capacity", "observedGeneration": 2}]);
    });
    let act = bench.act(&to("1Gi")).await.expect("carried out");
    let StepState::Refused(says) = &act.steps.last().expect("steps").1 else { panic!("it is over: {act:?}") };
    assert_eq!(says.as_str(), "the node can never take it (Infeasible): Node didn't have enough capacity");
    assert!(act.can_undo, "the spec has it all the same");
}
