//! Deployments, StatefulSets, DaemonSets, Rollouts and ReplicaSets.

use super::{
    super::revisions::{REVISION_HISTORIES, REVISIONS},
    Rows, app, managed,
    pod::memory_limit,
    prose, rollout, time, wire,
};
use crate::{
    model::{
        Level, Name,
        kubernetes::{ReplicaSet, RolloutState, RolloutStatus, Workload, WorkloadKey, WorkloadKind},
    },
    text::Clean,
};

const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// `spec.progressDeadlineSeconds` unless set.
const PROGRESS_DEADLINE: u32 = 600;

/// Counters of a workload under one set of names. Absent means 0; absent `spec.replicas` means 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub desired: u32,
    pub replicas: u32,
    pub ready: u32,
    pub updated: u32,
    pub available: u32,
}

impl Counts {
    fn of(kind: WorkloadKind, spec: &wire::WorkloadSpec, status: &wire::WorkloadStatus) -> Self {
        let n = |count: Option<u32>| count.unwrap_or_default();
        if kind == WorkloadKind::DaemonSet {
            return Self {
                desired: n(status.desired_number_scheduled),
                replicas: n(status.current_number_scheduled),
                ready: n(status.number_ready),
                updated: n(status.updated_number_scheduled),
                available: n(status.number_available),
            };
        }
        Self {
            desired: spec.replicas.unwrap_or(1),
            replicas: n(status.replicas),
            ready: n(status.ready_replicas),
            updated: n(status.updated_replicas),
            available: n(status.available_replicas),
        }
    }
}

pub(super) fn row(rows: &Rows, kind: WorkloadKind, wire: &wire::Workload) -> Workload {
    let meta = &wire.metadata;
    let empty = (wire::WorkloadSpec::default(), wire::WorkloadStatus::default());
    let (spec, status) = (wire.spec.as_ref().unwrap_or(&empty.0), wire.status.as_ref().unwrap_or(&empty.1));
    let counts = Counts::of(kind, spec, status);
    let strategy = spec.strategy.as_ref().or(spec.update_strategy.as_ref());
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    let rollout = rollout::status(kind, meta, spec, status, counts);
    let replica_failure = wire::condition(status.conditions.as_ref(), "ReplicaFailure").filter(|c| c.is_true());
    let progressing = wire::condition(status.conditions.as_ref(), "Progressing");
    let text = |text: Option<&String>| Clean::line(text.map(String::as_str).unwrap_or_default());
    let row = Workload {
        key: WorkloadKey {
            cluster: rows.cluster().clone(),
            namespace: rows.name(meta.namespace.as_deref().unwrap_or_default()),
            kind,
            name: rows.name(&meta.name),
        },
        uid: Clean::line(meta.uid.as_deref().unwrap_or_default()),
        created: time(meta.creation_timestamp.as_ref()),
        desired: counts.desired,
        replicas: counts.replicas,
        ready: counts.ready,
        updated: counts.updated,
        available: counts.available,
        generation: meta.generation.unwrap_or_default(),
        observed_generation: status.observed(),
        paused: spec.paused.unwrap_or_default(),
        revision: revision(meta),
        update_hash: rows.some(status.update_revision.as_deref().or(status.current_pod_hash.as_deref())),
        current_hash: rows.some(status.current_revision.as_deref().or(status.stable_set.as_deref())),
        images: images(rows, spec),
        level: level(kind, counts, &rollout, status, replica_failure.is_some()),
        rollout,
        progressing: progressing
            .map(|c| (text(c.reason.as_ref()), text(c.message.as_ref()), time(c.last_update_time.as_ref()))),
        replica_failure: replica_failure
            .map(|failure| prose(failure.message.as_deref().or(failure.reason.as_deref()).unwrap_or_default())),
        progress_deadline: spec.progress_deadline_seconds.unwrap_or(PROGRESS_DEADLINE),
        max_unavailable: rolling
            .and_then(|rolling| rolling.max_unavailable.as_ref())
            .map(|limit| rows.name(&limit.to_string())),
        recreates: strategy.and_then(|strategy| strategy.kind.as_deref()) == Some("Recreate"),
        selector: spec
            .selector
            .as_ref()
            .and_then(|selector| selector.match_labels.as_ref())
            .into_iter()
            .flatten()
            .map(|(key, value)| (rows.name(key), rows.name(value)))
            .collect(),
        managed_by: managed::owners((kind.group(), kind.kind()), meta),
        change_cause: meta.annotation(CHANGE_CAUSE).map(Clean::line),
        changed_by: managed::changed_by(meta),
        memory_limit: templates(spec).find_map(|container| memory_limit(container.resources.as_ref())),
        app: rows.some(app(|label| meta.label(label))),
    };
    // Of these kubectl has no status that would tell that a new version is not, or would not be, out.
    let waits = row.level == Level::Ok && (row.pods_to_delete() > 0 || row.is_held());
    Workload { level: if waits { Level::Progress } else { row.level }, ..row }
}

/// A ReplicaSet, as a revision of its Deployment or Rollout.
pub(super) fn replica_set(rows: &Rows, wire: &wire::Workload) -> ReplicaSet {
    let meta = &wire.metadata;
    let empty = (wire::WorkloadSpec::default(), wire::WorkloadStatus::default());
    let (spec, status) = (wire.spec.as_ref().unwrap_or(&empty.0), wire.status.as_ref().unwrap_or(&empty.1));
    ReplicaSet {
        key: rows.key(meta.namespace.as_deref().unwrap_or_default(), &meta.name),
        uid: rows.name(meta.uid.as_deref().unwrap_or_default()),
        owner: rows.owner(meta.owner_references.as_ref()),
        revision: revision(meta),
        is_reused: REVISION_HISTORIES.iter().any(|name| meta.annotation(name).is_some_and(|old| !old.is_empty())),
        hash: rows.some(meta.label("pod-template-hash").or_else(|| meta.label("rollouts-pod-template-hash"))),
        desired: spec.replicas.unwrap_or(1),
        replicas: status.replicas.unwrap_or_default(),
        ready: status.ready_replicas.unwrap_or_default(),
        created: time(meta.creation_timestamp.as_ref()),
        images: images(rows, spec),
        change_cause: meta.annotation(CHANGE_CAUSE).map(Clean::line),
    }
}

fn revision(meta: &wire::Meta) -> Option<i64> {
    REVISIONS.iter().find_map(|name| meta.annotation(name)).and_then(|number| number.parse().ok())
}

fn templates(spec: &wire::WorkloadSpec) -> impl Iterator<Item = &wire::Container> {
    spec.template.iter().filter_map(|template| template.spec.as_ref()).flat_map(|spec| spec.containers.iter().flatten())
}

fn images(rows: &Rows, spec: &wire::WorkloadSpec) -> Box<[Name]> {
    templates(spec).map(|container| rows.name(container.image.as_deref().unwrap_or_default())).collect()
}

fn level(
    kind: WorkloadKind,
    counts: Counts,
    rollout: &RolloutStatus,
    status: &wire::WorkloadStatus,
    replica_failure: bool,
) -> Level {
    // An update of a Rollout that was taken back leaves the stable version serving.
    if kind == WorkloadKind::Rollout && rollout.state == RolloutState::Failed && counts.available >= counts.desired {
        return Level::Wrong;
    }
    if rollout.state == RolloutState::Failed || replica_failure {
        return Level::Broken;
    }
    let up = if kind == WorkloadKind::StatefulSet { counts.ready } else { counts.available };
    if up >= counts.desired {
        return if rollout.state == RolloutState::Progressing { Level::Progress } else { Level::Ok };
    }
    if is_rolling(kind, counts, status) {
        Level::Progress
    } else if up == 0 {
        Level::Broken
    } else {
        Level::Wrong
    }
}

/// A new version is on its way out. kubectl's words say so too when a finished rollout has only lost pods.
fn is_rolling(kind: WorkloadKind, counts: Counts, status: &wire::WorkloadStatus) -> bool {
    match kind {
        WorkloadKind::Deployment => wire::condition(status.conditions.as_ref(), "Progressing")
            .is_some_and(|c| c.is_true() && c.reason.as_deref() != Some("NewReplicaSetAvailable")),
        WorkloadKind::StatefulSet => {
            status.update_revision.is_some() && status.update_revision != status.current_revision
        }
        WorkloadKind::DaemonSet => counts.updated < counts.desired,
        WorkloadKind::Rollout => status.current_pod_hash != status.stable_set,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{model::BackendId, source::kubernetes::rows::Rows};

    #[test]
    fn a_replica_set_that_had_other_numbers_before_was_gone_back_to() {
        let is_reused = |annotations: Value| {
            let set = json!({"metadata": {"name": "web-1", "namespace": "shop", "annotations": annotations}});
            Rows::new(&BackendId::new("eu")).replica_set(&set).unwrap().is_reused
        };
        assert!(is_reused(json!({"deployment.kubernetes.io/revision-history": "12,14"})));
        assert!(is_reused(json!({"rollout.argoproj.io/revision-history": "2"})));
        assert!(!is_reused(json!({"deployment.kubernetes.io/revision": "14"})));
    }
}
