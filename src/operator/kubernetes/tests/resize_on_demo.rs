//! Resizes in place on the demo's cluster: looked at, rehearsed, done, and done by its kubelet.

use serde_json::{Value, json};

use super::{
    super::*,
    on_demo::{Desk, text},
};
use crate::{
    action::{
        Inspection, Inspector as _, Limits, Request,
        resize::{Pending, PendingState, PodInspection, PodResize},
        resources::requested,
    },
    model::kubernetes::ObjectKey,
    source::kubernetes::tests::on_demo::{self, cluster, hurried},
};

async fn look(desk: &Desk, pod: &ObjectKey) -> PodInspection {
    let request = Request::Resize { pod: pod.clone(), limits: Limits::of("postgres") };
    match desk.inspector.inspect(&request).await.expect("it answers") {
        Inspection::Pod(found) => *found,
        other => panic!("{other:?}"),
    }
}

/// Looks until it is so; the demo's time goes by meanwhile.
async fn until(desk: &Desk, pod: &ObjectKey, is_so: impl Fn(&Value) -> bool) -> Value {
    on_demo::until("the pod as wanted", async || Some(look(desk, pod).await.object).filter(&is_so)).await
}

fn write(found: &PodInspection, change: impl FnOnce(&mut Value)) -> Write {
    let before = found.object["spec"]["containers"][0]["resources"].clone();
    let mut after = before.clone();
    change(&mut after);
    Write::ResizePod(PodResize {
        pod: found.key.clone(),
        uid: Clean::line(text(&found.object, "/metadata/uid")),
        container: text(&found.object, "/spec/containers/0/name").to_owned(),
        index: 0,
        before,
        after,
    })
}

fn has(pod: &Value, memory: &str) -> bool {
    pod.pointer("/status/containerStatuses/0/resources/limits/memory") == Some(&json!(memory))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kubelet_does_it_and_nothing_restarts() {
    let demo = hurried(5.0).await;
    let desk = Desk::new(cluster(&demo).await);
    let pod =
        ObjectKey { cluster: desk.cluster.id().clone(), namespace: "production".into(), name: "postgres-0".into() };
    let found = look(&desk, &pod).await;
    assert_eq!((&found.serves, &found.may), (&Ok(true), &Ok(true)));
    let room = found.room.as_ref().expect("it is known");
    assert!(room.others.memory_bytes > 0 && room.allocatable.memory_bytes > room.others.memory_bytes, "{room:?}");
    assert!(requested(&found.object["spec"]).memory_bytes > 0);
    let resize = write(&found, |after| after["limits"]["memory"] = json!("7Gi"));
    desk.operator.rehearse(&resize).await.expect("it can be asked").expect("taken");
    assert!(!has(&look(&desk, &pod).await.object, "7Gi"), "a rehearsal changes nothing");
    desk.operator.execute(&resize).await.expect("done");
    let after = until(&desk, &pod, |pod| has(pod, "7Gi")).await;
    let restarts = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].clone();
    assert_eq!((restarts(&after), Pending::of(&after)), (restarts(&found.object), None));
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_and_the_node_refuse_is_said() {
    let demo = hurried(5.0).await;
    let desk = Desk::new(cluster(&demo).await);
    let pod =
        ObjectKey { cluster: desk.cluster.id().clone(), namespace: "production".into(), name: "postgres-0".into() };
    let found = look(&desk, &pod).await;
    type Change = fn(&mut Value);
    let refusals: [(Change, &str); 4] = [
        (|after| *after = json!({}), "cannot be removed"),
        (|after| after["requests"]["memory"] = json!("900Gi"), "must be less than or equal to memory limit"),
        (|after| after["limits"]["example.com/gpu"] = json!("1"), "only cpu and memory resources are mutable"),
        (
            |after| {
                *after = json!({"limits": {"memory": "2Gi", "cpu": "2"}, "requests": {"memory": "2Gi", "cpu": "2"}});
            },
            "QOS Class may not change",
        ),
    ];
    for (change, says) in refusals {
        let error = desk.operator.execute(&write(&found, change)).await.expect_err(says);
        assert!(matches!(&error, ActionError::Refused(is) if is.contains(says)), "{says}: {error:?}");
    }
    let huge = write(&found, |after| {
        after["limits"]["memory"] = json!("900Gi");
        after["requests"]["memory"] = json!("900Gi");
    });
    desk.operator.execute(&huge).await.expect("the server takes it");
    let after = until(&desk, &pod, |pod| Pending::of(pod).is_some()).await;
    let pending = Pending::of(&after).expect("it is pending");
    assert_eq!(pending.state, PendingState::Infeasible);
    assert!(pending.says.contains("enough capacity: memory"), "{}", pending.says);
    assert!(!has(&after, "900Gi"), "it has what it had");
    demo.stop().await;
}
