//! Restarts of the demo's workloads, as its server records them: kubectl's own mark, under our name.

use super::{on_demo::Desk, *};
use crate::{
    action::{Inspection, Inspector as _, Request},
    source::kubernetes::tests::on_demo::{cluster, served},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_kubectls_mark_under_our_name() {
    let demo = served().await;
    let desk = Desk::new(cluster(&demo).await);
    for (kind, namespace, name) in [
        (WorkloadKind::Deployment, "production", "checkout"),
        (WorkloadKind::StatefulSet, "production", "postgres"),
        (WorkloadKind::DaemonSet, "logging", "fluentd"),
    ] {
        let workload =
            WorkloadKey { cluster: desk.cluster.id().clone(), namespace: namespace.into(), kind, name: name.into() };
        let request = Request::Restart { workload: workload.clone() };
        let Inspection::Workload(found) = desk.inspector.inspect(&request).await.expect("it answers") else {
            panic!("a workload")
        };
        let at = "2026-11-21T03:14:15.9Z".parse().unwrap();
        let (uid, live) = (found.workload.uid.clone(), found.template.clone());
        desk.operator.execute(&Write::Restart { workload: workload.clone(), uid, live, at }).await.expect("done");
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
