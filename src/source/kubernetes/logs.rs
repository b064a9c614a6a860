//! Container logs, followed: all pods of a workload or one pod, merged by time. `GET …/pods/POD/log` is read as raw bytes;
//! streams are keyed by pod uid and container, and attach again when the containerID changes.

mod choose;
mod cursor;
mod limits;
mod lines;
mod merge;
mod pause;
mod pods;
mod refusal;
mod select;
mod split;
mod stream;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::{AbortHandle, JoinSet},
};

pub use self::limits::Limits;
use self::{
    merge::Merger,
    pods::{Instance, LogPod, PodChange, Selection},
    select::Choice,
    stream::Report,
};
use crate::{
    model::Name,
    query::{Answer, ContainerSort, LogBatch, LogQuery},
    source::{
        AnswerSink,
        kubernetes::{client::Cluster, failure::Failure},
    },
    text::Clean,
    time::Clock,
};

/// Answers [`LogQuery`]s of one cluster.
pub struct LogReader {
    cluster: Cluster,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

impl LogReader {
    pub fn new(cluster: Cluster) -> Self {
        let clock = cluster.clock().clone();
        Self { cluster, clock, limits: Limits::default() }
    }

    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Connections at a time, of one query.
    fn most_streams(&self, query: &LogQuery) -> usize {
        query.most_streams.map_or(self.limits.max_streams, |most| usize::from(most).clamp(1, self.limits.max_streams))
    }

    /// Sends batches until nobody looks any more, or, of a log that is not followed, until it is read. A failure to find
    /// the pods is sent as such; failures of single streams stand in the batches.
    pub async fn read(&self, query: &LogQuery, out: AnswerSink) {
        let selection = match Selection::of(&self.cluster, query).await {
            Ok(selection) => selection,
            Err(error) => {
                out.send(Err(error.into())).await;
                return;
            }
        };
        let (pods_in, mut pods) = mpsc::channel(64);
        let (reports_in, mut reports) = mpsc::channel(self.limits.channel);
        let mut tasks = JoinSet::new();
        tasks.spawn(pods::watch(self.cluster.clone(), selection, self.limits, pods_in));
        let mut follow = Following::new(self, query, reports_in);
        let mut failures = 0;
        let mut tick = tokio::time::interval(self.limits.tick);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(change) = pods.recv() => {
                    if let Some(error) = follow.pods_changed(change, &mut tasks) {
                        failures += 1;
                        let hopeless = error.is(403) || error.is(404) || is_once(query) && failures >= TRIES;
                        if !out.send(Err(error.into())).await || hopeless {
                            return;
                        }
                    }
                }
                Some(report) = reports.recv() => {
                    follow.report(report);
                    // Nothing more is taken in before the oldest lines are on their way: not a tick later.
                    if follow.merger.is_full() && !follow.send_ready(&out).await {
                        return;
                    }
                }
                _ = tick.tick() => {
                    if follow.is_moved && follow.synced && follow.listed.is_none() {
                        follow.follow_pods(&mut tasks);
                    }
                    if !follow.send_ready(&out).await || follow.is_over() {
                        return;
                    }
                }
            }
            // Tasks that ended have reported; their results are nothing.
            while tasks.try_join_next().is_some() {}
        }
    }
}

/// So often the pods of a log that is not followed are asked for.
const TRIES: u32 = 3;

/// The log is read to its end, not followed.
fn is_once(query: &LogQuery) -> bool {
    query.previous || !query.follow || query.until.is_some()
}

/// A pod's container, by the pod's uid: names are used again.
type StreamKey = (Name, Name);

/// What a running stream is told. Without it the pod is gone, or its log no longer wanted: it reads to its end.
struct Told {
    instance: watch::Sender<Instance>,
    /// It has a connection of its own; else it takes turns with others.
    is_followed: watch::Sender<bool>,
    number: usize,
    task: AbortHandle,
}

/// All streams of one query.
struct Following<'a> {
    reader: &'a LogReader,
    query: &'a LogQuery,
    reports: mpsc::Sender<Report>,
    pods: BTreeMap<Name, LogPod>,
    /// Uids seen since the last reset, while a new list comes in.
    listed: Option<HashSet<Name>>,
    synced: bool,
    /// Pods changed in a way that streams may follow.
    is_moved: bool,
    choice: Choice,
    running: BTreeMap<StreamKey, Told>,
    containers: Vec<(ContainerSort, Name)>,
    numbers: usize,
    wanted: usize,
    open: BTreeMap<usize, bool>,
    caught_up: BTreeMap<usize, bool>,
    troubles: Vec<(usize, Clean)>,
    set_troubles: Vec<Clean>,
    merger: Merger,
    room: Arc<Semaphore>,
    /// Connections that streams share in turn.
    turns: Arc<Semaphore>,
    dropped: Arc<AtomicU64>,
    begun: Instant,
    /// A stream that is not answered for so long has nothing to deliver.
    unanswered: Duration,
    settled: bool,
    /// All streams have caught up, once: what the merger held then was logged before.
    is_read: bool,
    /// Streams of which nothing more comes, by their number.
    ended: HashSet<usize>,
    sent: Option<LogBatch>,
}

impl<'a> Following<'a> {
    fn new(reader: &'a LogReader, query: &'a LogQuery, reports: mpsc::Sender<Report>) -> Self {
        let most = reader.most_streams(query);
        Self {
            reader,
            query,
            reports,
            choice: Choice::new(query),
            containers: Vec::new(),
            turns: Arc::new(Semaphore::new(if is_once(query) { most } else { choose::shared(most) })),
            pods: BTreeMap::new(),
            listed: None,
            synced: false,
            is_moved: false,
            running: BTreeMap::new(),
            numbers: 0,
            wanted: 0,
            open: BTreeMap::new(),
            caught_up: BTreeMap::new(),
            troubles: Vec::new(),
            set_troubles: Vec::new(),
            merger: Merger::default(),
            room: Arc::new(Semaphore::new(stream::ROOM as usize)),
            dropped: Arc::default(),
            begun: reader.clock.now().mono,
            unanswered: reader.limits.quiet,
            settled: false,
            is_read: false,
            ended: HashSet::new(),
            sent: None,
        }
    }

    /// Gives back a failure where the query has nothing else to show.
    fn pods_changed(&mut self, change: PodChange, tasks: &mut JoinSet<()>) -> Option<Failure> {
        match change {
            PodChange::Reset => self.listed = Some(HashSet::new()),
            PodChange::Put(pod) => {
                if let Some(listed) = &mut self.listed {
                    listed.insert(pod.uid.clone());
                }
                if self.pods.get(&pod.uid) != Some(&*pod) {
                    self.is_moved = true;
                    self.pods.insert(pod.uid.clone(), *pod);
                }
            }
            PodChange::Gone(uid) => self.is_moved |= self.pods.remove(&uid).is_some(),
            PodChange::Synced => {
                let listed = self.listed.take().unwrap_or_default();
                self.pods.retain(|uid, _| listed.contains(uid));
                if !self.synced {
                    self.unanswered = self.reader.limits.unanswered(self.reader.clock.now().since(self.begun));
                }
                self.synced = true;
                self.follow_pods(tasks);
            }
            // What was said of the failure is over.
            PodChange::Resumed => self.is_moved = true,
            PodChange::Failed(error) if self.synced => {
                // The streams go on; only new pods are missed.
                self.set_troubles = vec![Clean::line(&format!("new pods are not seen: {error}"))];
                return None;
            }
            PodChange::Failed(error) => return Some(error),
        }
        None
    }

    /// Streams become those of the pods. Between lists at most once a tick: thousands of pods may change at once.
    fn follow_pods(&mut self, tasks: &mut JoinSet<()>) {
        self.is_moved = self.is_waiting();
        if self.is_moved {
            return;
        }
        self.set_troubles.clear();
        self.choose(tasks);
    }

    /// Nothing has started yet, and it is still waited for.
    fn is_waiting(&self) -> bool {
        let Some(patience) = self.query.patience.filter(|_| self.running.is_empty()) else { return false };
        let has_started = |pod: &LogPod| self.choice.of(pod).iter().any(|container| container.instance.id.is_some());
        self.reader.clock.now().since(self.begun) < Duration::from_secs(u64::from(patience))
            && !self.pods.values().any(|pod| self.choice.is_of(pod) && has_started(pod))
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Lines(number, lines, _room) => self.merger.push(number, lines, self.reader.clock.now().mono),
            // Said before it was followed no longer, and heard after.
            Report::Open(number) | Report::CaughtUp(number) | Report::Trouble(number, Some(_))
                if self.ended.contains(&number) => {}
            Report::Open(number) => {
                self.open.insert(number, true);
            }
            Report::CaughtUp(number) => {
                self.caught_up.insert(number, true);
            }
            Report::Closed(number) => {
                self.open.remove(&number);
            }
            Report::Trouble(number, says) => {
                self.troubles.retain(|(other, _)| *other != number);
                self.troubles.extend(says.map(|says| (number, says)));
            }
            Report::Ended(number) => {
                self.open.remove(&number);
                self.caught_up.remove(&number);
                self.ended.insert(number);
            }
        }
    }

    /// Sends what has been held long enough; false if nobody looks.
    async fn send_ready(&mut self, out: &AnswerSink) -> bool {
        let now = self.reader.clock.now().mono;
        if !self.is_read && self.synced && self.caught_up.values().all(|done| *done) {
            self.is_read = true;
            self.merger.mark();
        }
        if !self.settled {
            let waited = now.saturating_duration_since(self.begun) >= self.reader.limits.settle;
            self.settled = self.is_read || waited || self.merger.is_full();
        }
        let over = self.is_finished();
        // One stream is in order by itself.
        let hold = if over || self.running.len() <= 1 { Duration::ZERO } else { self.reader.limits.hold };
        let mut first = true;
        loop {
            let lines = if self.settled || over { self.merger.ready(now, hold) } else { Vec::new() };
            let batch = LogBatch {
                open: u16::try_from(self.open.len()).unwrap_or(u16::MAX),
                wanted: u16::try_from(self.wanted).unwrap_or(u16::MAX),
                ended: u16::try_from(self.at_their_end()).unwrap_or(u16::MAX),
                // Not before it was handed over: a moment is looked for in what is here.
                has_caught_up: self.is_read && self.merger.is_past_mark(),
                dropped: self.dropped.swap(0, Ordering::Relaxed),
                troubles: self.troubles(),
                containers: self.containers.clone(),
                lines: Vec::new(),
            };
            let news = self.synced && first && self.sent.as_ref() != Some(&batch);
            if lines.is_empty() && !news {
                // Said with the next batch.
                self.dropped.fetch_add(batch.dropped, Ordering::Relaxed);
                return true;
            }
            first = false;
            self.sent = Some(LogBatch { dropped: 0, ..batch.clone() });
            if !out.send(Ok(Answer::Logs(LogBatch { lines, ..batch }))).await {
                return false;
            }
        }
    }

    /// Streams whose containers have run and do not run now; what those wrote is read.
    fn at_their_end(&self) -> usize {
        let is_at_end = |told: &&Told| {
            let now = told.instance.borrow();
            now.id.is_some() && !now.running && !self.open.contains_key(&told.number)
        };
        self.running.values().filter(is_at_end).count()
    }

    fn troubles(&self) -> Vec<Clean> {
        /// More would fill the screen and say no more.
        const MAX: usize = 12;
        let all: Vec<&Clean> = self.set_troubles.iter().chain(self.troubles.iter().map(|(_, says)| says)).collect();
        // The newest, which are the last.
        let over = all.len().saturating_sub(MAX);
        let more = (over > 0).then(|| Clean::own(format!("{over} more streams are in trouble")));
        more.into_iter().chain(all.into_iter().skip(over).cloned()).collect()
    }

    /// A log that has an end, with all its streams read.
    fn is_finished(&self) -> bool {
        let has_end = is_once(self.query) || self.query.most_bytes.is_some() && self.numbers > 0;
        has_end && self.synced && !self.is_moved && self.ended.len() == self.numbers
    }

    fn is_over(&self) -> bool {
        self.is_finished() && self.merger.is_empty()
    }
}
