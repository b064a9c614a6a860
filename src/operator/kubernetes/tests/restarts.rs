//! Restarts of the demo's workloads, as its server records them: kubectl's own mark, under our name.

use super::{on_demo::Desk, *};
use crate::{
    action::{Inspection, Inspector as _, Request, WorkloadInspection},
    model::kubernetes::ACTOR,
    source::kubernetes::tests::on_demo::{cluster, served},
};

impl Desk {
    async fn look_to_restart(&self, workload: &WorkloadKey) -> WorkloadInspection {
        let request = Request::Restart { workload: workload.clone() };
        match self.inspector.inspect(&request).await.expect("it answers") {
            Inspection::Workload(found) => *found,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_kubectls_mark_under_our_name() {
    let demo = served().await;
    let desk = Desk::new(cluster(&demo).await);
    for (kind, namespace, name) in [
        (WorkloadKind::Deployment, "production", "checkout"),
        (WorkloadKind::StatefulSet, "production", "postgres"),
        (WorkloadKind::DaemonSet, "logging", "fluentd"),
    ] {
        let workload = desk.workload(kind, namespace, name);
        let found = desk.look_to_restart(&workload).await;
        let at = "2026-11-21T03:14:15.9Z".parse().unwrap();
        let (uid, live) = (found.workload.uid.clone(), found.template.clone());
        let write = Write::Restart { workload: workload.clone(), uid, live, at, by: "bob".into() };
        desk.operator.execute(&write).await.expect("done");
        let object: Value = desk.cluster.get(&workload_path(&workload)).await.expect("it is there");
        let mut wanted = found.template.clone();
        wanted["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "2026-11-21T03:14:15Z"});
        assert_eq!(object["spec"]["template"], wanted, "{name}: whole seconds, and nothing else");
        let mark = "/fieldsV1/f:spec/f:template/f:metadata/f:annotations/f:kubectl.kubernetes.io~1restartedAt";
        let managers = object["metadata"]["managedFields"].as_array().expect("managers");
        let owns: Vec<&str> = managers
            .iter()
            .filter(|entry| {
                entry.pointer(mark).is_some()
                    || entry.pointer("/fieldsV1/f:spec/f:template/f:metadata/f:annotations").is_some()
            })
            .map(|entry| entry["manager"].as_str().expect("a name"))
            .collect();
        assert_eq!(owns, [FIELD_MANAGER], "{name}: {managers:?}");
    }
    demo.stop().await;
}

/// Our field manager is the same for both of them.
#[tokio::test(flavor = "multi_thread")]
async fn who_restarts_is_named_and_not_who_rolled_it_back_before() {
    let demo = served().await;
    let desk = Desk::new(cluster(&demo).await);
    let workload = desk.workload(WorkloadKind::Deployment, "production", "checkout");
    let found = desk.look_to_restart(&workload).await;
    let mut target = found.template.clone();
    target["metadata"]["annotations"] = json!({"version": "another"});
    let write = Write::PatchTemplate {
        workload: workload.clone(),
        uid: found.workload.uid.clone(),
        live: found.template,
        target,
        annotations: BTreeMap::from([(ACTOR.to_owned(), "ana".to_owned())]),
    };
    desk.operator.execute(&write).await.expect("done");
    let found = desk.look_to_restart(&workload).await;
    assert_eq!(found.changes[0].0, "ana with midwatch");
    let at = desk.cluster.clock().now().wall;
    let (uid, live) = (found.workload.uid, found.template);
    let write = Write::Restart { workload: workload.clone(), uid, live, at, by: "bob".into() };
    desk.operator.execute(&write).await.expect("done");
    assert_eq!(desk.look_to_restart(&workload).await.changes[0].0, "bob with midwatch");
    demo.stop().await;
}
