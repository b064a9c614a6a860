//! The store: facts become state, each with its freshness. It is owned by the App and touched by nobody else.

pub mod alerts;
mod backend;
pub mod kube;
pub mod logs;
pub mod ring;
pub mod slot;
pub mod snapshot;
pub mod table;
pub mod timeline;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    model::{
        BackendId, BackendKind, Coverage, Part, SourceId,
        alert::{Alert, AlertGroup, AlertKey, Silence, SilenceKey},
        code::{PullRequest, PullRequestKey, RepoKey, Run, RunKey},
        kubernetes::WorkloadKey,
        metric::{Annotation, Dashboard, DashboardKey},
    },
    query::{Answer, LogQuery, LogTarget, Query},
    source::{Answered, ErrorKind, Fact, Update},
    time::Now,
};

pub use self::backend::Backend;
use self::{
    alerts::Evaluated,
    kube::Kube,
    logs::{LogBuffer, signatures::FirstError},
    slot::{Freshness, Pulse, Slot},
};

/// Which parts of the store changed since somebody looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes(u32);

impl Changes {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self(u32::MAX);
    pub const KUBE: Self = Self(1);
    pub const PULL_REQUESTS: Self = Self(2);
    pub const RUNS: Self = Self(4);
    pub const ALERTS: Self = Self(8);
    pub const METRICS: Self = Self(16);
    pub const ANSWERS: Self = Self(32);
    pub const LOGS: Self = Self(64);
    /// Freshness, quota, versions.
    pub const BACKENDS: Self = Self(128);
    pub const ACTS: Self = Self(256);

    pub fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::BitOr for Changes {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Changes {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A source as the store knows it.
#[derive(Clone, Debug)]
pub struct SourceState {
    pub pulse: Pulse,
    /// Poll interval or heartbeat.
    pub expected: Duration,
    /// Answers to older questions are dropped.
    pub generation: u64,
    /// A complete answer came at least once: before that, a pane is loading, not empty.
    pub has_synced: bool,
    /// What part is read of what was asked for, where that is not all.
    pub coverage: Option<Coverage>,
}

/// Everything midwatch knows.
#[derive(Debug, Default)]
pub struct Store {
    pub backends: BTreeMap<BackendId, Backend>,
    pub sources: BTreeMap<SourceId, SourceState>,
    pub kube: Kube,
    pub pull_requests: BTreeMap<PullRequestKey, PullRequest>,
    pub runs: BTreeMap<RunKey, Run>,
    pub alerts: BTreeMap<AlertKey, Alert>,
    /// What each Prometheus said last, as it said it: `alerts` has it joined with what Alertmanager says.
    pub evaluated: BTreeMap<BackendId, Evaluated>,
    /// Since when each backend's alerts are followed: what ended before is not known.
    pub alerts_since: BTreeMap<BackendId, Timestamp>,
    pub alert_groups: BTreeMap<BackendId, Vec<AlertGroup>>,
    pub silences: BTreeMap<SilenceKey, Silence>,
    pub dashboards: BTreeMap<DashboardKey, Dashboard>,
    pub annotations: BTreeMap<BackendId, Vec<Annotation>>,
    pub answers: BTreeMap<Query, Slot<Answer>>,
    pub logs: BTreeMap<LogQuery, LogBuffer>,
    /// Bytes of lines kept per open log.
    pub log_bytes: usize,
}

impl Store {
    /// Announces a source, so that "no answer yet" can be told from "does not exist".
    pub fn expect(&mut self, source: SourceId, kind: BackendKind, expected: Duration, generation: u64) {
        self.backends.entry(source.backend.clone()).or_insert_with(|| Backend::new(kind));
        let state = self.sources.entry(source).or_insert_with(|| SourceState {
            pulse: Pulse::default(),
            expected,
            generation,
            has_synced: false,
            coverage: None,
        });
        state.expected = expected;
        state.generation = generation;
    }

    /// Forgets sources (a namespace or context was left) and the rows they brought.
    pub fn forget(&mut self, is_gone: impl Fn(&SourceId) -> bool) -> Changes {
        self.sources.retain(|id, _| !is_gone(id));
        self.kube.drop_sources(&is_gone);
        for backend in self.backends.values_mut() {
            backend.forget(&is_gone);
        }
        Changes::KUBE | Changes::BACKENDS
    }

    /// Forgets a backend that was closed, and all it brought.
    pub fn forget_backend(&mut self, backend: &BackendId) -> Changes {
        self.backends.remove(backend);
        self.alerts_since.remove(backend);
        self.answers.retain(|query, _| query.backend() != backend);
        self.forget(|source| source.backend == *backend) | Changes::ANSWERS
    }

    /// Applies an update; answers to older questions are dropped.
    pub fn apply(&mut self, update: Update, now: Now) -> Changes {
        let Some(source) = self.sources.get_mut(&update.from) else { return Changes::NONE };
        if update.generation < source.generation {
            return Changes::NONE;
        }
        let expected = source.expected;
        let before = source.pulse.freshness(now, expected);
        match update.body {
            Err(error) => {
                source.pulse.fail(error, now);
                Changes::BACKENDS
            }
            Ok(facts) => {
                source.pulse.beat(now);
                let mut changes = if before == Freshness::Live { Changes::NONE } else { Changes::BACKENDS };
                for fact in facts {
                    changes |= self.apply_fact(&update.from, fact, now);
                }
                changes | self.settle(now)
            }
        }
    }

    /// Takes back what counts for a time only.
    pub fn settle(&mut self, now: Now) -> Changes {
        // Before its clock is known nothing is taken back: that is once and for all. One that has told its version and no time
        // will tell none.
        self.kube.settle(|cluster| {
            let info = &self.backends.get(cluster)?.info;
            (info.clock.is_some() || info.version.is_some()).then(|| now.by(info.clock))
        })
    }

    fn apply_fact(&mut self, from: &SourceId, fact: Fact, now: Now) -> Changes {
        match fact {
            Fact::Info(info) => {
                let Some(backend) = self.backends.get_mut(&from.backend) else { return Changes::NONE };
                backend.learn(from, info)
            }
            Fact::Quota(quota) => {
                let Some(backend) = self.backends.get_mut(&from.backend) else { return Changes::NONE };
                backend.quotas.insert(quota.resource.to_string(), quota);
                Changes::BACKENDS
            }
            Fact::Coverage(coverage) => {
                let Some(source) = self.sources.get_mut(from) else { return Changes::NONE };
                source.coverage = coverage;
                Changes::BACKENDS | Changes::KUBE
            }
            Fact::Pod(delta) => {
                self.synced_if(from, matches!(delta, crate::source::Delta::Synced)) | self.kube.apply_pod(from, delta)
            }
            Fact::Workload(delta) => {
                self.synced_if(from, matches!(delta, crate::source::Delta::Synced))
                    | self.kube.apply_workload(from, delta)
            }
            Fact::ReplicaSet(delta) => {
                self.synced_if(from, matches!(delta, crate::source::Delta::Synced))
                    | self.kube.apply_replica_set(from, delta)
            }
            Fact::Event(delta) => {
                self.synced_if(from, matches!(delta, crate::source::Delta::Synced)) | self.kube.apply_event(from, delta)
            }
            Fact::PullRequests { repo, list } => {
                self.synced_if(from, true) | self.apply_pull_requests(from, repo.as_ref(), list)
            }
            Fact::Runs { repo, list } => self.synced_if(from, true) | self.apply_runs(&repo, list),
            Fact::Alerts { list, groups } => self.synced_if(from, true) | self.apply_alerts(from, list, groups, now),
            Fact::Silences(list) => {
                self.silences.retain(|key, _| key.backend != from.backend);
                self.silences.extend(list.into_iter().map(|silence| (silence.key.clone(), silence)));
                self.synced_if(from, true) | Changes::ALERTS
            }
            Fact::Dashboards(list) => {
                self.dashboards.retain(|key, _| key.backend != from.backend);
                self.dashboards.extend(list.into_iter().map(|dashboard| (dashboard.key.clone(), dashboard)));
                self.synced_if(from, true) | Changes::METRICS
            }
            Fact::Annotations(list) => {
                let changed = self.annotations.insert(from.backend.clone(), list.clone()).as_ref() != Some(&list);
                self.synced_if(from, true) | if changed { Changes::METRICS } else { Changes::NONE }
            }
        }
    }

    fn synced_if(&mut self, from: &SourceId, is_complete: bool) -> Changes {
        match self.sources.get_mut(from) {
            Some(source) if is_complete && !source.has_synced => {
                source.has_synced = true;
                Changes::BACKENDS
            }
            _ => Changes::NONE,
        }
    }

    fn apply_pull_requests(&mut self, from: &SourceId, repo: Option<&RepoKey>, list: Vec<PullRequest>) -> Changes {
        // The searches add what they found; only a repository's own complete list says that something is gone.
        let listed: BTreeSet<&PullRequestKey> = list.iter().map(|pr| &pr.key).collect();
        let gone: Vec<PullRequestKey> = self
            .pull_requests
            .keys()
            .filter(|key| match repo {
                Some(repo) => key.repo == *repo && !listed.contains(key),
                None => false,
            })
            .cloned()
            .collect();
        let mut changed = !gone.is_empty();
        for key in gone {
            self.pull_requests.remove(&key);
        }
        debug_assert!(list.iter().all(|pr| pr.key.repo.host == from.backend));
        for pr in list {
            changed |= self.pull_requests.get(&pr.key) != Some(&pr);
            self.pull_requests.insert(pr.key.clone(), pr);
        }
        if changed { Changes::PULL_REQUESTS } else { Changes::NONE }
    }

    fn apply_runs(&mut self, repo: &RepoKey, list: Vec<Run>) -> Changes {
        let fresh: BTreeMap<RunKey, Run> = list.into_iter().map(|run| (run.key.clone(), run)).collect();
        let is_same = self.runs.iter().filter(|(key, _)| key.repo == *repo).eq(fresh.iter());
        if is_same {
            return Changes::NONE;
        }
        self.runs.retain(|key, _| key.repo != *repo);
        self.runs.extend(fresh);
        Changes::RUNS
    }

    /// Applies an answer to a query. The runtime drops those that nobody wants any more.
    pub fn answer(&mut self, answered: Answered, now: Now) -> Changes {
        if let Query::Logs(query) = &answered.query {
            let max_bytes = self.log_bytes;
            let buffer = self.logs.entry(query.clone()).or_insert_with(|| LogBuffer::new(max_bytes));
            match answered.body {
                Ok(Answer::Logs(batch)) => buffer.take_in(batch, now),
                Ok(_) => {}
                Err(error) => buffer.pulse.fail(error, now),
            }
            return Changes::LOGS;
        }
        let slot = self.answers.entry(answered.query).or_default();
        match answered.body {
            Ok(answer) => {
                slot.pulse.beat(now);
                let changed = slot.value.as_ref() != Some(&answer);
                slot.value = Some(answer);
                if changed { Changes::ANSWERS } else { Changes::BACKENDS }
            }
            Err(error) => {
                slot.pulse.fail(error, now);
                Changes::ANSWERS
            }
        }
    }

    /// The first error that this workload's new version (these tags) wrote and the old one never did, by its logs that are
    /// read now; the earliest of several.
    pub fn first_new_error(&self, workload: &WorkloadKey, new_tags: &[&str]) -> Option<FirstError<'_>> {
        let errors = self.logs_of(workload).filter_map(|buffer| buffer.signatures.first_new_error(new_tags));
        errors.min_by_key(|error| error.first)
    }

    /// The logs of a workload that are read now.
    pub fn logs_of<'a>(&'a self, workload: &WorkloadKey) -> impl Iterator<Item = &'a LogBuffer> {
        let all = self.logs.iter();
        all.filter(move |(query, _)| matches!(&query.target, LogTarget::Workload(key) if key == workload))
            .map(|(_, buffer)| buffer)
    }

    /// Drops answers that nobody looked at lately, so that they do not pile up, and the lines of closed logs.
    pub fn keep_answers(&mut self, wanted: &BTreeSet<Query>) {
        const KEPT: usize = 64;
        // A log that is read again begins again: kept lines would stand there twice.
        self.logs.retain(|query, _| wanted.contains(&Query::Logs(query.clone())));
        self.answers.retain(|query, _| !matches!(query, Query::SecretValue(_)) || wanted.contains(query));
        // Tables are large, and read again in no time; that one was refused is worth knowing.
        let is_refused = |slot: &Slot<Answer>| {
            slot.value.is_none()
                && slot.pulse.failure.as_ref().is_some_and(|failure| failure.error.kind == ErrorKind::Auth)
        };
        self.answers
            .retain(|query, slot| !matches!(query, Query::Table(_)) || wanted.contains(query) || is_refused(slot));
        if self.answers.len() > KEPT {
            self.answers.retain(|query, _| wanted.contains(query));
        }
    }

    /// The backend's own time: ours plus the offset its `Date` header shows. Ages of its objects are taken from this.
    pub fn time_of(&self, backend: &BackendId, now: Now) -> Timestamp {
        now.by(self.backends.get(backend).and_then(|backend| backend.info.clock))
    }

    /// The time where things happen: that of the backends where several agree on another than ours, else ours.
    pub fn time(&self, now: Now) -> Timestamp {
        const AGREED_MS: i64 = 10_000;
        let mut offsets: Vec<i64> =
            (self.backends.values()).filter_map(|backend| Some(backend.info.clock?.offset_ms(now))).collect();
        offsets.sort_unstable();
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return now.wall };
        let middle = offsets[offsets.len() / 2];
        if offsets.len() < 2 || last - first > AGREED_MS || middle.abs() < 2_000 {
            return now.wall;
        }
        now.wall.checked_add(jiff::SignedDuration::from_millis(middle)).unwrap_or(now.wall)
    }

    /// Of what only a part is read of a backend, with the kinds of things that it is said of.
    pub fn coverages(&self, backend: &BackendId) -> Vec<(&Coverage, Vec<Part>)> {
        let mut found: Vec<(&Coverage, Vec<Part>)> = Vec::new();
        for (id, state) in self.sources.iter().filter(|(id, _)| id.backend == *backend) {
            let Some(coverage) = &state.coverage else { continue };
            match found.iter_mut().find(|(known, _)| *known == coverage) {
                Some((_, parts)) => parts.push(id.part),
                None => found.push((coverage, vec![id.part])),
            }
        }
        found
    }

    /// Freshness of one source.
    pub fn freshness(&self, source: &SourceId, now: Now) -> Freshness {
        self.sources.get(source).map_or(Freshness::Loading, |state| state.pulse.freshness(now, state.expected))
    }

    /// The worst freshness of a part over all its sources (of one backend, or of all), with the source it comes from.
    pub fn freshness_of(&self, part: Part, backend: Option<&BackendId>, now: Now) -> Option<(&SourceId, Freshness)> {
        self.sources
            .iter()
            .filter(|(id, _)| id.part == part && backend.is_none_or(|backend| id.backend == *backend))
            .map(|(id, state)| (id, state.pulse.freshness(now, state.expected)))
            .max_by_key(|(_, freshness)| match freshness {
                Freshness::Live => 0,
                Freshness::Loading => 1,
                Freshness::Stale { .. } => 2,
                Freshness::Down { .. } => 3,
            })
    }
}
