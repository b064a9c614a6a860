//! The kept revisions of a workload with their pod templates as raw JSON: ReplicaSets of a Deployment, ControllerRevisions
//! of a StatefulSet or DaemonSet (apps/v1). Numbers move with every undo; templates tell.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    client::{Cluster, segment},
    failure::{Failure, Reached},
    rows::{Rows, managed},
    selector::{label_selector, query},
};
use crate::{
    action::is_same_template,
    model::{
        Name,
        kubernetes::{Pod, Revision, TEMPLATE_HASHES, WorkloadKey, WorkloadKind},
    },
    query::Answer,
    source::{AnswerSink, ErrorKind},
    text::Clean,
    time::seconds_between,
};

/// Their numbers of a ReplicaSet.
pub(super) const REVISIONS: [&str; 2] = ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"];
/// Annotation that says why a template was set.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// How many pods were wanted of the workload when a ReplicaSet was scaled last.
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// Between looks at the workload's generation while somebody looks at its revisions.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The controller makes a revision of a changed template within so many seconds.
const MADE_WITHIN: i64 = 10;

/// Path of a workload, without query.
pub fn workload_path(key: &WorkloadKey) -> String {
    let (namespace, name) = (segment(&key.namespace), segment(&key.name));
    format!("{}/namespaces/{namespace}/{}/{name}", key.kind.api(), key.kind.plural())
}

/// Sends the revisions, and again whenever the workload's generation has moved or its status caught up with it.
pub async fn follow(cluster: &Cluster, rows: &Rows, key: &WorkloadKey, out: &AnswerSink) {
    let mut seen = None;
    loop {
        let answer = async {
            let object: Value = cluster.get(&workload_path(key)).await?;
            let now = (object.pointer("/metadata/generation").cloned(), object.get("status").cloned());
            if seen.as_ref() == Some(&now) {
                return Ok(None);
            }
            let pods = pods(cluster, rows, key, &object).await.unwrap_or_default();
            let revisions = read(cluster, key, &object, &pods).await?;
            seen = Some(now);
            Ok::<_, Failure>(Some(revisions))
        };
        let goes_on = match answer.await {
            Ok(None) => true,
            Ok(Some(revisions)) => out.send(Ok(Answer::Revisions(revisions))).await,
            Err(failure) => out.send(Err(failure.error)).await,
        };
        if !goes_on {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Pods by the workload's selector: its own, that run or are to. Ended ones stay behind and are counted by no controller; one
/// without the hash of a version (a Job's, one made by hand) is of none.
pub async fn pods(cluster: &Cluster, rows: &Rows, key: &WorkloadKey, object: &Value) -> Result<Vec<Pod>, Failure> {
    let selector = selector_of(object).ok_or_else(|| no_selector(key))?;
    let path =
        format!("/api/v1/namespaces/{}/pods?{}", segment(&key.namespace), query([("labelSelector", &*selector)]));
    let list: Value = cluster.get(&path).await?;
    let alive = items(&list).filter(|pod| !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed"));
    Ok(alive.filter_map(|pod| rows.pod(pod).ok()).filter(|pod| pod.hash.is_some()).collect())
}

/// All kept revisions, newest first. `object` is the workload, read fresh.
pub async fn read(
    cluster: &Cluster,
    key: &WorkloadKey,
    object: &Value,
    pods: &[Pod],
) -> Result<Vec<Revision>, Failure> {
    let kept = if key.kind.has_replica_sets() { "replicasets" } else { "controllerrevisions" };
    let selector = selector_of(object).ok_or_else(|| no_selector(key))?;
    let namespace = segment(&key.namespace);
    let path = format!("/apis/apps/v1/namespaces/{namespace}/{kept}?{}", query([("labelSelector", &*selector)]));
    let list: Value = cluster.get(&path).await?;
    let uid = text(object, "/metadata/uid");
    let owned = items(&list).filter(|kept| is_controlled_by(kept, uid));
    let mut revisions: Vec<Revision> = match key.kind {
        kind if kind.has_replica_sets() => owned.filter_map(of_replica_set).collect(),
        kind => {
            let counts = counts(pods);
            owned.filter_map(|kept| of_controller_revision(kind, kept, &counts)).collect()
        }
    };
    revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    mark_live(&mut revisions, object);
    name_authors(&mut revisions, object);
    Ok(revisions)
}

fn selector_of(object: &Value) -> Option<String> {
    object.pointer("/spec/selector").and_then(label_selector)
}

fn no_selector(key: &WorkloadKey) -> Failure {
    let says = format!("'{key}' has no pod selector that midwatch can read.");
    Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
}

pub fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.get("items").and_then(Value::as_array).into_iter().flatten()
}

pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub fn number(object: &Value, pointer: &str) -> Option<u32> {
    object.pointer(pointer).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
}

fn is_controlled_by(object: &Value, uid: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| {
        owner.get("controller") == Some(&Value::Bool(true)) && owner.get("uid").and_then(Value::as_str) == Some(uid)
    })
}

fn annotation(object: &Value, name: &str) -> Option<Clean> {
    object.get("metadata")?.get("annotations")?.get(name)?.as_str().map(Clean::line)
}

fn of_replica_set(set: &Value) -> Option<Revision> {
    let template = without_hash(set.pointer("/spec/template")?.clone());
    Some(Revision {
        number: REVISIONS
            .into_iter()
            .find_map(|name| annotation(set, name))
            .and_then(|number| number.parse().ok())
            .unwrap_or_default(),
        name: Clean::line(text(set, "/metadata/name")),
        hash: set
            .pointer("/metadata/labels")
            .and_then(|labels| TEMPLATE_HASHES.iter().find_map(|name| labels.get(*name)?.as_str()))
            .map(Clean::line),
        created: text(set, "/metadata/creationTimestamp").parse().ok(),
        change_cause: annotation(set, CHANGE_CAUSE),
        by: None,
        images: images(&template),
        ready: number(set, "/status/readyReplicas").unwrap_or_default(),
        replicas: number(set, "/status/replicas").unwrap_or_default(),
        wanted: annotation(set, DESIRED).and_then(|wanted| wanted.parse().ok()),
        is_live: false,
        template,
        patch: None,
    })
}

fn of_controller_revision(kind: WorkloadKind, kept: &Value, counts: &HashMap<Name, (u32, u32)>) -> Option<Revision> {
    let patch = kept.get("data")?.clone();
    let mut template = patch.pointer("/spec/template")?.clone();
    template.as_object_mut()?.remove("$patch");
    let name = Clean::line(text(kept, "/metadata/name"));
    // Pods of a StatefulSet carry the whole name, those of a DaemonSet only the hash.
    let hash = match kind {
        WorkloadKind::StatefulSet => Some(name.clone()),
        _ => kept
            .pointer("/metadata/labels")
            .and_then(|labels| labels.get("controller-revision-hash")?.as_str())
            .map(Clean::line),
    };
    let (replicas, ready) = hash.as_ref().and_then(|hash| counts.get(hash)).copied().unwrap_or_default();
    Some(Revision {
        number: kept.get("revision").and_then(Value::as_i64).unwrap_or_default(),
        name,
        hash,
        created: text(kept, "/metadata/creationTimestamp").parse().ok(),
        change_cause: annotation(kept, CHANGE_CAUSE),
        by: None,
        images: images(&template),
        ready,
        replicas,
        wanted: None,
        is_live: false,
        template,
        patch: Some(patch),
    })
}

/// Pods, and those ready, by hash.
fn counts(pods: &[Pod]) -> HashMap<Name, (u32, u32)> {
    let mut counts: HashMap<Name, (u32, u32)> = HashMap::new();
    for pod in pods {
        if let Some(hash) = &pod.hash {
            let count = counts.entry(hash.clone()).or_default();
            count.0 += 1;
            count.1 += u32::from(pod.is_ready);
        }
    }
    counts
}

/// Images of the main containers, as written.
pub fn images(template: &Value) -> Box<[Name]> {
    let containers = template.pointer("/spec/containers").and_then(Value::as_array);
    containers.into_iter().flatten().map(|container| Clean::line(text(container, "/image"))).collect()
}

/// A template without the label that its controller adds.
fn without_hash(mut template: Value) -> Value {
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        for name in TEMPLATE_HASHES {
            labels.remove(name);
        }
    }
    template
}

/// The live one is the oldest with the workload's template (as the Deployment controller sees it), else the one that the
/// status of a StatefulSet names.
fn mark_live(revisions: &mut [Revision], object: &Value) {
    let Some(template) = object.pointer("/spec/template") else { return };
    let update = text(object, "/status/updateRevision");
    let live = revisions
        .iter()
        .enumerate()
        .filter(|(_, revision)| is_same_template(&revision.template, template))
        .min_by_key(|(_, revision)| revision.created)
        .or_else(|| revisions.iter().enumerate().find(|(_, revision)| !update.is_empty() && revision.name == update))
        .map(|(index, _)| index);
    if let Some(live) = live {
        revisions[live].is_live = true;
    }
}

/// Of each field manager the workload keeps when it last changed something. One that set the template just before a
/// revision was made has made it; the newest of them made the live one, whenever that is from: a rollback is a change too.
fn name_authors(revisions: &mut [Revision], object: &Value) {
    let mut changes = managed::template_changes(object);
    changes.sort_by_key(|(_, at)| *at);
    for revision in revisions {
        let made_it = |at: &Timestamp| {
            revision.created.is_some_and(|made| (0..=MADE_WITHIN).contains(&seconds_between(*at, made)))
        };
        let by = if revision.is_live { changes.last() } else { changes.iter().rfind(|(_, at)| made_it(at)) };
        revision.by = by.map(|(manager, _)| manager.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            BackendId,
            kubernetes::{ACTOR, FIELD_MANAGER},
        },
        source::kubernetes::scripted,
    };
    use serde_json::json;

    fn template(image: &str, hash: Option<&str>) -> Value {
        let mut labels = json!({"app": "web"});
        if let Some(hash) = hash {
            labels["pod-template-hash"] = json!(hash);
        }
        json!({"metadata": {"labels": labels, "creationTimestamp": null},
            "spec": {"containers": [{"name": "app", "image": image, "unknownField": {"kept": true}}]}})
    }

    fn replica_set(number: &str, image: &str, owner: &str) -> Value {
        let hash = format!("h{number}");
        json!({"metadata": {"name": format!("web-{hash}"), "labels": {"app": "web", "pod-template-hash": &hash},
                "creationTimestamp": format!("2026-01-0{number}T00:00:00Z"),
                "annotations": {"deployment.kubernetes.io/revision": number, CHANGE_CAUSE: format!("to {image}")},
                "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": owner, "controller": true}]},
            "spec": {"template": template(image, Some(&hash))}, "status": {"replicas": 2, "readyReplicas": 1}})
    }

    fn key(kind: WorkloadKind) -> WorkloadKey {
        WorkloadKey { cluster: BackendId::new("c"), namespace: "shop".into(), kind, name: "web".into() }
    }

    #[tokio::test]
    async fn a_deployments_revisions_are_its_own_replica_sets() {
        let server = scripted::serve(|asked| {
            assert_eq!(asked.query("labelSelector"), Some("app=web"));
            let items = json!([
                replica_set("3", "web:2", "u1"),
                replica_set("4", "web:3", "u1"),
                replica_set("9", "web:9", "other")
            ]);
            scripted::json_answer(200, &json!({ "items": items }))
        })
        .await;
        let object = json!({"metadata": {"uid": "u1"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("web:2", None)}});
        let revisions = read(&server.cluster, &key(WorkloadKind::Deployment), &object, &[]).await.unwrap();
        let seen: Vec<_> = revisions.iter().map(|r| (r.number, r.is_live, r.images[0].as_str())).collect();
        // After an undo that the controller has not numbered yet, the live one is not the newest.
        assert_eq!(seen, [(4, false, "web:3"), (3, true, "web:2")]);
        let newest = &revisions[0];
        assert_eq!(newest.template.pointer("/metadata/labels"), Some(&json!({"app": "web"})));
        assert_eq!(newest.template.pointer("/spec/containers/0/unknownField/kept"), Some(&json!(true)));
        assert_eq!((newest.hash.as_deref(), newest.ready, newest.replicas), (Some("h4"), 1, 2));
        assert_eq!(newest.change_cause.as_deref(), Some("to web:3"));
    }

    #[test]
    fn who_made_a_revision_is_told_by_the_time_of_its_field_manager() {
        let revision =
            |number: &str, is_live| Revision { is_live, ..of_replica_set(&replica_set(number, "w", "u")).unwrap() };
        let fields = |manager: &str, time: &str, spec: Value| json!({"manager": manager, "time": time, "fieldsV1": {"f:spec": spec}});
        let template = || json!({"f:template": {}});
        let object = json!({"metadata": {"managedFields": [
            fields("helm", "2026-01-01T23:59:58Z", template()),
            fields("hpa", "2026-01-03T23:59:58Z", json!({"f:replicas": {}})),
            fields("kubectl-rollout", "2026-01-05T10:00:00Z", template()),
        ]}});
        let mut all = [revision("4", false), revision("3", true), revision("2", false)];
        name_authors(&mut all, &object);
        let by = |all: &[Revision]| all.iter().map(|one| one.by.as_deref().map(str::to_owned)).collect::<Vec<_>>();
        assert_eq!(by(&all), [None, Some("kubectl-rollout".to_owned()), Some("helm".to_owned())]);

        // Our own field manager is the same for every responder: an annotation says who it was.
        let object = json!({"metadata": {"annotations": {ACTOR: "ana"},
            "managedFields": [fields(FIELD_MANAGER, "2026-01-05T10:00:00Z", template())]}});
        name_authors(&mut all, &object);
        assert_eq!(by(&all), [None, Some("ana with midwatch".to_owned()), None]);
    }

    #[tokio::test]
    async fn pods_that_have_ended_and_those_of_jobs_are_none_of_its() {
        let pod = |name: &str, label: &str, phase: &str| {
            let labels = json!({"app": "web", label: "h1"});
            json!({"metadata": {"name": name, "namespace": "shop", "labels": labels}, "status": {"phase": phase}})
        };
        let list = json!({"items": [
            pod("web-h1-a", "pod-template-hash", "Running"),
            pod("web-h1-b", "pod-template-hash", "Pending"),
            pod("web-h1-evicted", "pod-template-hash", "Failed"),
            pod("web-h1-done", "pod-template-hash", "Succeeded"),
            pod("web-migrate-x", "job-name", "Running"),
        ]});
        let server = scripted::serve(move |_| scripted::json_answer(200, &list)).await;
        let object = json!({"spec": {"selector": {"matchLabels": {"app": "web"}}}});
        let rows = Rows::new(&BackendId::new("c"));
        let found = pods(&server.cluster, &rows, &key(WorkloadKind::Deployment), &object).await.unwrap();
        let names: Vec<_> = found.iter().map(|pod| pod.key.name.as_str()).collect();
        assert_eq!(names, ["web-h1-a", "web-h1-b"]);
    }

    #[tokio::test]
    async fn a_stateful_sets_revisions_are_controller_revisions() {
        let kept = |number: i64, image: &str| {
            let mut data = template(image, None);
            data["$patch"] = json!("replace");
            json!({"metadata": {"name": format!("web-{number}"), "ownerReferences": [{"uid": "u1", "controller": true}]},
                "revision": number, "data": {"spec": {"template": data}}})
        };
        let list = json!({"items": [kept(1, "db:1"), kept(2, "db:2")]});
        let server = scripted::serve(move |_| scripted::json_answer(200, &list)).await;
        let object = json!({"metadata": {"uid": "u1"}, "status": {"updateRevision": "web-2"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("db:2", None)}});
        let revisions = read(&server.cluster, &key(WorkloadKind::StatefulSet), &object, &[]).await.unwrap();
        assert_eq!(revisions.iter().map(|r| (r.number, r.is_live)).collect::<Vec<_>>(), [(2, true), (1, false)]);
        assert_eq!(revisions[1].hash.as_deref(), Some("web-1"));
        assert!(revisions[1].template.get("$patch").is_none());
        assert_eq!(revisions[1].patch.as_ref().unwrap().pointer("/spec/template/$patch"), Some(&json!("replace")));
        assert!(server.asked()[0].path.ends_with("/controllerrevisions"));
    }
}
