//! The kept revisions of a workload with their pod templates as raw JSON: ReplicaSets of a Deployment, ControllerRevisions
//! of a StatefulSet or DaemonSet (apps/v1). Numbers move with every undo; templates tell.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    client::{Cluster, segment},
    failure::{Failure, Reached},
    pace::Pace,
    pods::{Selected, Which},
    rows::{Rows, managed},
    selector::{label_selector, query},
};
use crate::{
    action::is_same_template,
    json::text,
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
/// The numbers that a ReplicaSet had before it was gone back to.
pub(super) const REVISION_HISTORIES: [&str; 2] =
    ["deployment.kubernetes.io/revision-history", "rollout.argoproj.io/revision-history"];
/// Annotation that says why a template was set.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// How many pods were wanted of the workload when a ReplicaSet was scaled last.
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// Between looks at the workload's generation while somebody looks at its revisions.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The controller makes a revision of a changed template within so many seconds.
pub(super) const MADE_WITHIN: i64 = 10;

/// Path of a workload, without query.
pub fn workload_path(key: &WorkloadKey) -> String {
    let (namespace, name) = (segment(&key.namespace), segment(&key.name));
    format!("{}/namespaces/{namespace}/{}/{name}", key.kind.api(), key.kind.plural())
}

/// Sends the revisions, and again whenever the workload's generation has moved or its status caught up with it.
pub async fn follow(cluster: &Cluster, rows: &Rows, key: &WorkloadKey, out: &AnswerSink) {
    let mut looks = Looks { seen: None, pace: Pace::new(cluster) };
    loop {
        let (found, rest) = looks.next(cluster, rows, key).await;
        let goes_on = match found {
            Ok(None) => true,
            Ok(Some(revisions)) => out.send(Ok(Answer::Revisions(revisions))).await,
            Err(failure) => out.send(Err(failure.error)).await,
        };
        if !goes_on {
            return;
        }
        tokio::time::sleep(rest).await;
    }
}

/// Looks at one workload's revisions.
struct Looks {
    /// Generation and status as they were read last.
    seen: Option<(Option<Value>, Option<Value>)>,
    pace: Pace,
}

impl Looks {
    /// What is new, if anything is, and how long to rest after it.
    async fn next(
        &mut self,
        cluster: &Cluster,
        rows: &Rows,
        key: &WorkloadKey,
    ) -> (Result<Option<Vec<Revision>>, Failure>, Duration) {
        let found = self.look(cluster, rows, key).await;
        let rest = self.pace.after(found.as_ref().err(), LOOK_EVERY);
        (found, rest)
    }

    async fn look(
        &mut self,
        cluster: &Cluster,
        rows: &Rows,
        key: &WorkloadKey,
    ) -> Result<Option<Vec<Revision>>, Failure> {
        let object: Value = cluster.get(&workload_path(key)).await?;
        let now = (object.pointer("/metadata/generation").cloned(), object.get("status").cloned());
        if self.seen.as_ref() == Some(&now) {
            return Ok(None);
        }
        // A ReplicaSet counts its own pods; those of the others are counted here. Without the right to read them the
        // revisions are there all the same.
        let counted_here = !key.kind.has_replica_sets();
        let pods = if counted_here { Some(pods(cluster, rows, key, &object).await) } else { None };
        // What is lacking is asked for again, but not what was refused.
        let is_settled = pods.as_ref().is_none_or(|pods| pods.as_ref().err().is_none_or(|failure| failure.is(403)));
        let pods = pods.and_then(Result::ok);
        let revisions = read(cluster, key, &object, pods.as_deref()).await?;
        self.seen = is_settled.then_some(now);
        Ok(Some(revisions))
    }
}

/// Pods by the workload's selector: its own, that run or are to. Ended ones stay behind and are counted by no controller; one
/// without the hash of a version (a Job's, one made by hand) is of none.
pub async fn pods(cluster: &Cluster, rows: &Rows, key: &WorkloadKey, object: &Value) -> Result<Vec<Pod>, Failure> {
    let selector = selector_of(object).ok_or_else(|| no_selector(key))?;
    let selected = Selected { cluster, rows, namespace: &key.namespace, selector: &selector, which: Which::Alive };
    let mut alive = selected.read().await?;
    alive.retain(|pod| pod.hash.is_some());
    Ok(alive)
}

/// All kept revisions, newest first. `object` is the workload, read fresh; `pods` are its own, for revisions that count
/// none, if they could be read.
pub async fn read(
    cluster: &Cluster,
    key: &WorkloadKey,
    object: &Value,
    pods: Option<&[Pod]>,
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
            let counts = pods.map(counts);
            owned.filter_map(|kept| of_controller_revision(kind, kept, counts.as_ref())).collect()
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
        pods: Some((
            number(set, "/status/readyReplicas").unwrap_or_default(),
            number(set, "/status/replicas").unwrap_or_default(),
        )),
        wanted: annotation(set, DESIRED).and_then(|wanted| wanted.parse().ok()),
        is_live: false,
        template,
    })
}

fn of_controller_revision(kind: WorkloadKind, kept: &Value, counts: Option<&Counts>) -> Option<Revision> {
    let mut template = kept.pointer("/data/spec/template")?.clone();
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
    let of = |counts: &Counts| hash.as_ref().and_then(|hash| counts.get(hash)).copied().unwrap_or_default();
    let pods = counts.map(of);
    Some(Revision {
        number: kept.get("revision").and_then(Value::as_i64).unwrap_or_default(),
        name,
        hash,
        created: text(kept, "/metadata/creationTimestamp").parse().ok(),
        change_cause: annotation(kept, CHANGE_CAUSE),
        by: None,
        images: images(&template),
        pods,
        wanted: None,
        is_live: false,
        template,
    })
}

/// Pods that are ready, and all, by hash.
type Counts = HashMap<Name, (u32, u32)>;

fn counts(pods: &[Pod]) -> Counts {
    let mut counts = Counts::new();
    for pod in pods {
        if let Some(hash) = &pod.hash {
            let count = counts.entry(hash.clone()).or_default();
            count.0 += u32::from(pod.is_ready);
            count.1 += 1;
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
/// revision was made has made it; the newest of them made the live one, unless that came later: a rollback is a change too.
fn name_authors(revisions: &mut [Revision], object: &Value) {
    let mut changes = managed::template_changes(object);
    changes.sort_by_key(|(_, at)| *at);
    for revision in revisions {
        let made_it = |at: &Timestamp| {
            revision.created.is_some_and(|made| (0..=MADE_WITHIN).contains(&seconds_between(*at, made)))
        };
        let may_be_its = |at: &Timestamp| revision.created.is_none_or(|made| seconds_between(*at, made) <= MADE_WITHIN);
        let by = if revision.is_live {
            changes.last().filter(|(_, at)| may_be_its(at))
        } else {
            changes.iter().rfind(|(_, at)| made_it(at))
        };
        revision.by = by.map(|(manager, _)| manager.clone());
    }
}

#[cfg(test)]
mod tests;
