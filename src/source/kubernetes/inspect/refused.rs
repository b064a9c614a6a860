//! Why a workload makes no pods, where its own conditions do not say it.

use serde_json::Value;

use super::{
    super::{client::segment, revisions::items, selector::query},
    WorkloadInspector, answered,
};
use crate::{
    model::{
        Name,
        kubernetes::{Event, Revision, Workload, WorkloadKind, refused_pods},
    },
    text::Clean,
};

/// Events of one object are read in one page of this size.
const MAX_EVENTS: &str = "500";

impl WorkloadInspector {
    /// Says why it makes no pods, where its conditions do not.
    pub(super) async fn explain(&self, workload: &mut Workload, revisions: &[Revision]) {
        if workload.replica_failure.is_none() {
            workload.replica_failure = self.refused(workload, revisions).await;
        }
    }

    /// Why a controller without a condition for it makes no pods (quota, Pod Security, a webhook): its events say so, a
    /// Rollout's those of the ReplicaSets that it brings up.
    async fn refused(&self, workload: &Workload, revisions: &[Revision]) -> Option<Clean> {
        if !workload.lacks_pods() {
            return None;
        }
        match workload.key.kind {
            WorkloadKind::Deployment => None,
            WorkloadKind::Rollout => {
                let is_up = |revision: &&Revision| revision.is_live || revision.hash == workload.current_hash;
                let mut sets: Vec<Name> = revisions.iter().filter(is_up).map(|set| set.name.clone()).collect();
                if let (true, Some(hash)) = (sets.is_empty(), &workload.current_hash) {
                    // As its controller names them.
                    sets.push(Name::line(&format!("{}-{hash}", workload.key.name)));
                }
                for set in sets {
                    let about = format!("involvedObject.kind=ReplicaSet,involvedObject.name={set}");
                    let refused = self.refused_by(&workload.key.namespace, &about).await;
                    if refused.is_some() {
                        return refused;
                    }
                }
                None
            }
            _ => self.refused_by(&workload.key.namespace, &format!("involvedObject.uid={}", workload.uid)).await,
        }
    }

    async fn refused_by(&self, namespace: &str, about: &str) -> Option<Clean> {
        let about = query([("fieldSelector", about), ("limit", MAX_EVENTS)]);
        let path = format!("/api/v1/namespaces/{}/events?{about}", segment(namespace));
        let list = answered(self.cluster.get::<Value>(&path)).await.ok()?;
        let events: Vec<Event> = items(&list).filter_map(|event| self.rows.event(event).ok()).collect();
        refused_pods(&events).map(|event| event.message.clone())
    }
}
