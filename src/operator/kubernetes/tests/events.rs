//! Events of acts, on the demo's server.

use super::{on_demo::Desk, *};
use crate::{
    action::Notice,
    source::kubernetes::tests::on_demo::{cluster, served},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_act_leaves_an_event_where_that_is_wanted() {
    let demo = served().await;
    let desk = Desk::new(cluster(&demo).await);
    let workload = desk.workload(WorkloadKind::Deployment, "production", "checkout");
    let object: Value = desk.cluster.get(&workload_path(&workload)).await.expect("it is there");
    let notice = Notice {
        uid: Clean::line(object["metadata"]["uid"].as_str().expect("a uid")),
        workload,
        reason: "RolledBack",
        message: "ROLL BACK deploy/checkout by ana".into(),
        at: "2026-11-21T03:14:15.9Z".parse().unwrap(),
    };
    let events = async || -> Vec<Value> {
        let list: Value = desk.cluster.get("/api/v1/namespaces/production/events").await.expect("it lists");
        let all = list["items"].as_array().expect("items").iter();
        all.filter(|event| event["source"]["component"] == FIELD_MANAGER).cloned().collect()
    };
    desk.operator.notify(&notice).await.expect("nothing is sent");
    assert!(events().await.is_empty(), "unless it is switched on");
    let operator = ClusterOperator::new(desk.cluster.writer().expect("not read-only")).with_events(true);
    operator.notify(&notice).await.expect("created");
    let found = events().await;
    let [event] = found.as_slice() else { panic!("{found:?}") };
    let involved = &event["involvedObject"];
    assert_eq!((&involved["apiVersion"], &involved["kind"]), (&json!("apps/v1"), &json!("Deployment")));
    assert_eq!((&involved["name"], &involved["uid"]), (&json!("checkout"), &object["metadata"]["uid"]));
    assert_eq!((&event["type"], &event["reason"]), (&json!("Normal"), &json!("RolledBack")));
    assert_eq!(event["message"], "ROLL BACK deploy/checkout by ana");
    assert_eq!(event["lastTimestamp"], "2026-11-21T03:14:15Z");
    demo.stop().await;
}

#[tokio::test]
async fn who_may_not_create_events_is_not_told_so_after_each_act() {
    let world = World::new();
    let (server, _) = operator(&world).await;
    let operator = ClusterOperator::new(server.cluster.writer().unwrap()).with_events(true);
    let notice = Notice {
        workload: key(),
        uid: "u1".into(),
        reason: "RolledBack",
        message: "x".into(),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
    };
    let refusal = scripted::status(403, "Forbidden", "events is forbidden: User \"ana\" cannot create resource");
    *world.refusal.lock().unwrap() = Some(refusal);
    operator.notify(&notice).await.expect("nothing is said of it");
    *world.refusal.lock().unwrap() = Some(scripted::status(422, "Invalid", "involvedObject.namespace: Invalid value"));
    let why = operator.notify(&notice).await.expect_err("refused");
    assert!(why.contains("involvedObject"), "{why}");
}
