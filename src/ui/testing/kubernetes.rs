//! Objects of a cluster.

use super::{at, cluster};
use crate::{
    model::{
        Level,
        kubernetes::{
            Container, ContainerRole, ContainerState, Event, ObjectKey, Owner, Pod, ReplicaSet, RolloutState,
            RolloutStatus, Workload, WorkloadKey, WorkloadKind, table::Bounds,
        },
    },
    text::Clean,
};

pub fn object(name: &str) -> ObjectKey {
    ObjectKey { cluster: cluster(), namespace: "production".into(), name: name.into() }
}

pub fn workload_key(kind: WorkloadKind, name: &str) -> WorkloadKey {
    WorkloadKey { cluster: cluster(), namespace: "production".into(), kind, name: name.into() }
}

/// A Deployment `NAME` of `ready/desired`, level and rollout by what is missing.
pub fn deployment(name: &str, image: &str, ready: u32, desired: u32) -> Workload {
    let is_whole = ready >= desired;
    Workload {
        key: workload_key(WorkloadKind::Deployment, name),
        uid: Clean::own(format!("uid-{name}")),
        created: Some(at("01:00")),
        desired,
        replicas: desired,
        ready,
        updated: desired,
        available: ready,
        generation: 1,
        observed_generation: 1,
        paused: false,
        revision: Some(1),
        update_hash: None,
        current_hash: None,
        images: Box::new([image.into()]),
        rollout: RolloutStatus {
            words: Clean::own(if is_whole {
                format!("deployment \"{name}\" successfully rolled out")
            } else {
                format!("error: deployment \"{name}\" exceeded its progress deadline")
            }),
            state: if is_whole { RolloutState::Done } else { RolloutState::Failed },
        },
        progressing: None,
        replica_failure: None,
        progress_deadline: 600,
        max_unavailable: None,
        recreates: false,
        selector: Box::new([("app".into(), name.into())]),
        managed_by: Vec::new(),
        change_cause: None,
        changed_by: None,
        memory_limit: None,
        level: if is_whole { Level::Ok } else { Level::Broken },
        app: Some(name.into()),
    }
}

pub fn replica_set(of: &str, hash: &str, revision: i64, created: &str, image: &str, ready: (u32, u32)) -> ReplicaSet {
    ReplicaSet {
        key: object(&format!("{of}-{hash}")),
        uid: Clean::own(format!("uid-{of}-{hash}")),
        owner: Some(Owner { kind: "Deployment".into(), name: of.into(), uid: Clean::own(format!("uid-{of}")) }),
        revision: Some(revision),
        is_reused: false,
        hash: Some(hash.into()),
        desired: ready.1,
        replicas: ready.1,
        ready: ready.0,
        created: Some(at(created)),
        images: Box::new([image.into()]),
        change_cause: None,
    }
}

/// A pod of a ReplicaSet (`myapp-6d5c9`), Running and ready unless a status and a reason say otherwise.
pub fn pod(set: &str, name: &str, trouble: Option<(&str, &str)>) -> Pod {
    let is_ready = trouble.is_none();
    let hash = set.rsplit('-').next().expect("a name has a part");
    Pod {
        key: object(&format!("{set}-{name}")),
        uid: Clean::own(format!("uid-{set}-{name}")),
        status: trouble.map_or("Running", |trouble| trouble.0).into(),
        ready: u16::from(is_ready),
        total: 1,
        restarts: u32::from(!is_ready) * 3,
        last_restart: None,
        created: Some(at("02:57")),
        deleting_since: None,
        deleting_by: None,
        finalizers: Box::default(),
        has_failed: false,
        node: Some("node-5".into()),
        owner: Some(Owner { kind: "ReplicaSet".into(), name: set.into(), uid: Clean::own(format!("uid-{set}")) }),
        hash: Some(hash.into()),
        is_ready,
        ready_since: None,
        reason: None,
        why: trouble.map_or("", |trouble| trouble.1).into(),
        level: if is_ready { Level::Ok } else { Level::Broken },
        bounds: Bounds::default(),
        containers: Box::new([]),
        default_container: None,
        app: None,
    }
}

/// A main container that runs.
pub fn running(name: &str) -> Container {
    Container {
        name: name.into(),
        role: ContainerRole::Main,
        image: Clean::own(format!("{name}:412")),
        digest: None,
        instance: None,
        ready: true,
        restarts: 0,
        state: ContainerState::Running { since: Some(at("02:57")) },
        last: None,
        memory_limit: None,
    }
}

pub fn event(object_name: &str, kind: &str, reason: &str, count: u32, last: &str, message: &str) -> Event {
    Event {
        key: object(&format!("{object_name}.{reason}.{last}")),
        uid: "e".into(),
        warning: true,
        reason: reason.into(),
        message: message.into(),
        kind: kind.into(),
        object: object_name.into(),
        object_uid: Some(Clean::own(format!("uid-{object_name}"))),
        component: None,
        count,
        first: Some(at(last)),
        last: Some(at(last)),
    }
}
