//! A snapshot of the last state: the first paint of the next start, marked old. No logs, no secrets, at most 1 MB.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, slot::Pulse};
use crate::{
    model::{
        BackendKind, Level, SourceId,
        alert::Alert,
        code::{PullRequest, Run},
        kubernetes::{Pod, ReplicaSet, Workload},
    },
    source::Delta,
    time::Now,
};

/// Rises when the shape changes: an older file is then ignored.
const VERSION: u32 = 1;
/// Largest file, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Most rows of a kind; trouble comes first.
const MAX_ROWS: usize = 300;

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    /// By our wall clock.
    taken: Timestamp,
    sources: Vec<(SourceId, BackendKind)>,
    workloads: Vec<Box<Workload>>,
    replica_sets: Vec<Box<ReplicaSet>>,
    pods: Vec<Box<Pod>>,
    alerts: Vec<Alert>,
    pull_requests: Vec<PullRequest>,
    runs: Vec<Run>,
}

impl Snapshot {
    /// Takes the worst rows of each kind.
    pub fn take(store: &Store, now: Now) -> Self {
        let mut workloads: Vec<_> = store.kube.workloads.values().cloned().collect();
        workloads.sort_by_key(|workload| workload.level);
        workloads.truncate(MAX_ROWS);
        let level = |pod: &Pod| pod.standing(store.time_of(&pod.key.cluster, now)).0;
        let mut pods: Vec<_> = store.kube.pods.values().filter(|pod| level(pod) < Level::Ok).cloned().collect();
        pods.sort_by_cached_key(|pod| level(pod));
        pods.truncate(MAX_ROWS);
        let replica_sets = store.kube.replica_sets.values().filter(|set| set.replicas > 0).take(MAX_ROWS).cloned();
        let kind = |id: &SourceId| store.backends.get(&id.backend).map(|backend| backend.kind);
        Self {
            version: VERSION,
            taken: now.wall,
            sources: store
                .sources
                .iter()
                .filter(|(_, state)| state.has_synced)
                .filter_map(|(id, _)| Some((id.clone(), kind(id)?)))
                .collect(),
            replica_sets: replica_sets.collect(),
            workloads,
            pods,
            alerts: store.alerts.values().take(MAX_ROWS).cloned().collect(),
            pull_requests: store.pull_requests.values().take(MAX_ROWS).cloned().collect(),
            runs: store.runs.values().rev().take(MAX_ROWS).cloned().collect(),
        }
    }

    /// As JSON within [`MAX_BYTES`]; the least important rows are left out until it fits.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut kept = self.clone();
        loop {
            let bytes = serde_json::to_vec(&kept).unwrap_or_default();
            if bytes.len() <= MAX_BYTES {
                return bytes;
            }
            kept.pods.truncate(kept.pods.len() / 2);
            kept.replica_sets.truncate(kept.replica_sets.len() / 2);
            kept.workloads.truncate(kept.workloads.len() / 2);
            kept.alerts.truncate(kept.alerts.len() / 2);
            kept.pull_requests.truncate(kept.pull_requests.len() / 2);
            kept.runs.truncate(kept.runs.len() / 2);
        }
    }

    /// The sources whose rows it holds, and what their backends speak.
    pub fn sources(&self) -> impl Iterator<Item = &(SourceId, BackendKind)> {
        self.sources.iter()
    }

    /// `None`: not a snapshot of this version.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_BYTES {
            return None;
        }
        serde_json::from_slice::<Self>(bytes).ok().filter(|snapshot| snapshot.version == VERSION)
    }
}

impl Store {
    /// Fills an empty store with what was known. Only rows of sources that are expected come back; they are old until
    /// the source answers, and are dropped if its first list does not bring them.
    pub fn restore(&mut self, snapshot: Snapshot, now: Now) {
        let age = crate::time::seconds_between(snapshot.taken, now.wall).max(0).unsigned_abs();
        let Some(mono) = now.mono.checked_sub(std::time::Duration::from_secs(age)) else { return };
        let known: std::collections::BTreeSet<SourceId> =
            snapshot.sources.into_iter().map(|(id, _)| id).filter(|id| self.sources.contains_key(id)).collect();
        for id in &known {
            if let Some(source) = self.sources.get_mut(id) {
                source.pulse = Pulse { as_of: Some((mono, snapshot.taken)), failure: None };
            }
        }
        let from = |backend: &crate::model::BackendId, part| {
            known.iter().find(|id| id.backend == *backend && id.part == part).cloned()
        };
        use crate::model::Part;
        for workload in snapshot.workloads {
            if let Some(from) = from(&workload.key.cluster, workload.key.kind.part()) {
                self.kube.apply_workload(&from, Delta::Put(workload));
            }
        }
        for set in snapshot.replica_sets {
            if let Some(from) = from(&set.key.cluster, Part::ReplicaSets) {
                self.kube.apply_replica_set(&from, Delta::Put(set));
            }
        }
        for pod in snapshot.pods {
            if let Some(from) = from(&pod.key.cluster, Part::Pods) {
                self.kube.apply_pod(&from, Delta::Put(pod));
            }
        }
        self.settle(now);
        let is_known = |backend: &crate::model::BackendId| known.iter().any(|id| id.backend == *backend);
        self.alerts.extend(
            snapshot
                .alerts
                .into_iter()
                .filter(|alert| is_known(&alert.key.backend))
                .map(|alert| (alert.key.clone(), alert)),
        );
        self.pull_requests.extend(
            snapshot.pull_requests.into_iter().filter(|pr| is_known(&pr.key.repo.host)).map(|pr| (pr.key.clone(), pr)),
        );
        self.runs.extend(
            snapshot.runs.into_iter().filter(|run| is_known(&run.key.repo.host)).map(|run| (run.key.clone(), run)),
        );
    }

    /// Whether a source has answered in this run: before that, what is shown is from the snapshot and nothing acts on it.
    pub fn is_live(&self, backend: &crate::model::BackendId, part: crate::model::Part) -> bool {
        self.sources.iter().any(|(id, state)| id.backend == *backend && id.part == part && state.has_synced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            BackendId, Part,
            alert::{AlertKey, AlertState, Priority},
        },
        source::kubernetes::rows::Rows,
        store::slot::Freshness,
        text::Clean,
        time::{Clock, TestClock},
    };
    use std::time::Duration;

    fn alert(number: usize, text: &str) -> Alert {
        Alert {
            key: AlertKey { backend: BackendId::new("am"), fingerprint: Clean::own(number.to_string()) },
            name: Clean::from(text),
            state: AlertState::Firing,
            priority: Priority::P1,
            labels: Box::default(),
            annotations: Box::default(),
            starts: None,
            active_since: None,
            receivers: Box::default(),
            silenced_by: Box::default(),
            generator_url: None,
            value: None,
            rule: None,
            is_watchdog: false,
        }
    }

    fn store() -> Store {
        let mut store = Store::default();
        let id = SourceId::new(&BackendId::new("am"), Part::Alerts);
        store.expect(id, BackendKind::Alertmanager, Duration::from_secs(15), 0);
        store
    }

    #[test]
    fn what_was_known_comes_back_old_and_not_live() {
        let clock = TestClock::at("2026-01-01T00:00:00Z".parse().expect("valid"));
        let mut before = store();
        before.sources.values_mut().for_each(|source| source.has_synced = true);
        before.alerts.insert(alert(1, "A").key, alert(1, "A"));
        let bytes = Snapshot::take(&before, clock.now()).to_bytes();
        clock.advance(Duration::from_mins(2));
        let mut after = store();
        after.restore(Snapshot::from_bytes(&bytes).expect("ours"), clock.now());
        assert_eq!(after.alerts.len(), 1);
        let id = SourceId::new(&BackendId::new("am"), Part::Alerts);
        assert!(matches!(after.freshness(&id, clock.now()), Freshness::Down { .. }));
        assert!(!after.is_live(&BackendId::new("am"), Part::Alerts));
    }

    #[test]
    fn no_credential_that_a_program_said_last_is_kept() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let raw = serde_json::json!({"metadata": {"name": "web-1", "namespace": "shop", "uid": "u"},
            "spec": {"containers": [{"name": "app"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "app", "ready": false, "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 2, "message": "panic: dial postgres://app:hunter2@db: refused"}}}]}});
        let pod = Rows::new(&BackendId::new("eu")).pod(&raw).expect("a pod");
        let id = SourceId::new(&BackendId::new("eu"), Part::Pods);
        let mut store = Store::default();
        store.expect(id.clone(), BackendKind::Kubernetes, Duration::from_secs(15), 0);
        store.kube.apply_pod(&id, Delta::Put(Box::new(pod)));
        let text = String::from_utf8(Snapshot::take(&store, clock.now()).to_bytes()).expect("JSON");
        assert!(text.contains("postgres://app:[masked]@db") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn it_stays_below_its_size_and_knows_its_version() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let mut big = store();
        for number in 0..MAX_ROWS {
            let alert = alert(number, &"x".repeat(15_000));
            big.alerts.insert(alert.key.clone(), alert);
        }
        let bytes = Snapshot::take(&big, clock.now()).to_bytes();
        assert!(bytes.len() <= MAX_BYTES && bytes.len() > MAX_BYTES / 8);
        assert!(Snapshot::from_bytes(&bytes).is_some());
        assert!(Snapshot::from_bytes(br#"{"version":0}"#).is_none());
        assert!(Snapshot::from_bytes(b"half {").is_none());
    }
}
