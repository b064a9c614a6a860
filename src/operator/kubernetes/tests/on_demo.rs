//! Acts on objects of the demo's cluster, over its real wire: looked at, rehearsed, done, looked at again.

use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::{
    action::{
        Inspection, Inspector as _, ObjectAct, Request,
        object::{self, ObjectInspection, is_on},
    },
    model::kubernetes::resource::{Resource, ResourceKey},
    source::kubernetes::{
        inspect::WorkloadInspector,
        table::object_path,
        tests::on_demo::{cluster, served},
    },
};

pub(super) struct Desk {
    pub cluster: Cluster,
    pub operator: ClusterOperator,
    pub inspector: WorkloadInspector,
}

impl Desk {
    pub fn new(cluster: Cluster) -> Self {
        let operator = ClusterOperator::new(cluster.writer().expect("not read-only"));
        Self { operator, inspector: WorkloadInspector::new(cluster.clone()), cluster }
    }

    pub fn workload(&self, kind: WorkloadKind, namespace: &str, name: &str) -> WorkloadKey {
        let cluster = self.cluster.id().clone();
        WorkloadKey { cluster, namespace: namespace.into(), kind, name: name.into() }
    }

    fn key(&self, group: &str, plural: &str, kind: &str, namespace: &str, name: &str) -> ResourceKey {
        let resource = Arc::new(Resource::v1((group, plural, kind), !namespace.is_empty()));
        ResourceKey { cluster: self.cluster.id().clone(), resource, namespace: namespace.into(), name: name.into() }
    }

    async fn first(&self, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let list: Value = self.cluster.get(path).await.expect("it lists");
        let items = list["items"].as_array().expect("items");
        items.iter().find(|item| is_wanted(item)).expect("the demo has one").clone()
    }

    async fn look(&self, key: &ResourceKey, act: ObjectAct) -> ObjectInspection {
        let request = Request::Object { object: key.clone(), act };
        match self.inspector.inspect(&request).await.expect("it answers") {
            Inspection::Object(found) => *found,
            other => panic!("{other:?}"),
        }
    }

    async fn write(&self, key: &ResourceKey, act: ObjectAct) -> Write {
        let found = self.look(key, act).await;
        assert_eq!(found.may, Ok(true), "{key}");
        assert!(found.object.pointer("/metadata/managedFields").is_none());
        object::write(&found, act)
    }

    async fn rehearsed(&self, write: &Write) -> Result<Clean, ActionError> {
        self.operator.rehearse(write).await.expect("it can be asked")
    }

    async fn is_on(&self, key: &ResourceKey, field: &str) -> bool {
        is_on(&self.cluster.get::<Value>(&object_path(key)).await.expect("it is there"), field)
    }
}

pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).expect("a text")
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_go_there_and_back_and_not_twice() {
    let demo = served().await;
    let desk = Desk::new(cluster(&demo).await);
    let node = desk.first("/api/v1/nodes", |_| true).await;
    let cron = desk.first("/apis/batch/v1/cronjobs", |it| !is_on(it, "/spec/suspend")).await;
    let (namespace, name) = (text(&cron, "/metadata/namespace"), text(&cron, "/metadata/name"));
    let cases = [
        (desk.key("", "nodes", "Node", "", text(&node, "/metadata/name")), ObjectAct::Cordon, ObjectAct::Uncordon),
        (desk.key("batch", "cronjobs", "CronJob", namespace, name), ObjectAct::Suspend, ObjectAct::Unsuspend),
        (desk.key("apps", "deployments", "Deployment", "production", "web"), ObjectAct::Pause, ObjectAct::Resume),
    ];
    for (key, there, back) in cases {
        let (field, _) = there.switch().expect("a switch");
        let write = desk.write(&key, there).await;
        assert!(desk.rehearsed(&write).await.is_ok());
        assert!(!desk.is_on(&key, field).await, "a rehearsal changes nothing");
        let done = desk.operator.execute(&write).await.expect("done");
        assert!(done.says.ends_with("is true"), "{}", done.says);
        assert!(desk.is_on(&key, field).await);
        let twice = desk.operator.execute(&write).await.expect_err("it stands there already");
        assert!(matches!(&twice, ActionError::Moved(says) if says.contains("nothing was sent")), "{twice:?}");
        let back = desk.write(&key, back).await;
        desk.operator.execute(&back).await.expect("done");
        assert!(!desk.is_on(&key, field).await);
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_job_runs_once_more() {
    let demo = served().await;
    let desk = Desk::new(cluster(&demo).await);
    let cron = desk.first("/apis/batch/v1/cronjobs", |_| true).await;
    let (namespace, name) = (text(&cron, "/metadata/namespace"), text(&cron, "/metadata/name"));
    let key = desk.key("batch", "cronjobs", "CronJob", namespace, name);
    let write = desk.write(&key, ObjectAct::RunNow).await;
    assert!(desk.rehearsed(&write).await.is_ok());
    let done = desk.operator.execute(&write).await.expect("done");
    let job = done.says.strip_prefix("job/").and_then(|rest| rest.strip_suffix(" is created")).expect("its name");
    let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs/{job}");
    let made: Value = desk.cluster.get(&path).await.expect("it is there");
    assert_eq!(text(&made, "/metadata/annotations/cronjob.kubernetes.io~1instantiate"), "manual");
    assert_eq!(text(&made, "/metadata/ownerReferences/0/name"), name);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_is_deleted_once_and_not_its_successor() {
    let demo = served().await;
    let desk = Desk::new(cluster(&demo).await);
    let pod = desk.first("/api/v1/namespaces/production/pods?labelSelector=app%3Dpostgres", |_| true).await;
    let key = desk.key("", "pods", "Pod", "production", text(&pod, "/metadata/name"));
    let mut write = desk.write(&key, ObjectAct::Delete).await;
    assert!(desk.rehearsed(&write).await.is_ok());
    let still: Value = desk.cluster.get(&object_path(&key)).await.expect("it is there");
    assert!(still.pointer("/metadata/deletionTimestamp").is_none(), "a rehearsal deletes nothing");
    desk.operator.execute(&write).await.expect("done");
    let going: Value = desk.cluster.get(&object_path(&key)).await.expect("it ends by itself");
    let (has, grace) =
        (&going["metadata"]["deletionGracePeriodSeconds"], &going["spec"]["terminationGracePeriodSeconds"]);
    assert!(has == grace && has.as_i64() > Some(0), "its own time to end: {has} of {grace}");
    let Write::Object(of) = &mut write else { panic!("an act on an object") };
    of.uid = "another".into();
    let error = desk.operator.execute(&write).await.expect_err("it is another one");
    assert!(matches!(&error, ActionError::Moved(_)), "{error:?}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_refuses_an_eviction_in_its_own_words() {
    let demo = served().await;
    let desk = Desk::new(cluster(&demo).await);
    // The story's app has lost so many pods that its budget allows none.
    let budget = desk
        .first("/apis/policy/v1/poddisruptionbudgets", |it| it.pointer("/status/disruptionsAllowed") == Some(&0.into()))
        .await;
    let namespace = text(&budget, "/metadata/namespace");
    let app = text(&budget, "/spec/selector/matchLabels/app");
    let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D{app}");
    let pod = desk.first(&path, |pod| pod.pointer("/metadata/deletionTimestamp").is_none()).await;
    let key = desk.key("", "pods", "Pod", namespace, text(&pod, "/metadata/name"));
    let write = desk.write(&key, ObjectAct::Evict).await;
    for error in [desk.rehearsed(&write).await.map(|_| ()), desk.operator.execute(&write).await.map(|_| ())] {
        let Err(ActionError::Refused(says)) = error else { panic!("{error:?}") };
        assert!(says.contains("disruption budget") && says.contains("healthy pods"), "{says}");
    }
    // One whose budget allows it, or that has none, goes.
    let other = desk.first("/api/v1/namespaces/production/pods?labelSelector=app%3Dweb", |_| true).await;
    let key = desk.key("", "pods", "Pod", "production", text(&other, "/metadata/name"));
    let write = desk.write(&key, ObjectAct::Evict).await;
    let done = desk.operator.execute(&write).await.expect("done");
    assert!(done.says.ends_with("is being evicted"), "{}", done.says);
    demo.stop().await;
}
