//! Watched kinds as sources: listed once in pages, then followed. Where the whole cluster may not be listed, the
//! namespaces that may be are watched instead, one by one.

mod collection;
mod kind;
mod lane;
pub(super) mod shapes;
mod step;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{BoxStream, SelectAll},
};
use tokio::time::{Interval, interval};

pub use self::kind::Watched;
pub(super) use self::{
    collection::Collection,
    lane::{LASTS, Lane},
    shapes::{About, AboutMeta, PageMeta, Unreadable},
    step::Step,
};
use super::{client::Cluster, discovery, failure::Failure, rows::Rows};
use crate::{
    model::{Name, SourceId},
    source::{Cadence, ErrorKind, Fact, MAX_FACTS, Source, SourceError},
    text::Clean,
};

/// Longest silence of a watch while the cluster's heartbeat goes: the health source beats every 10 s.
pub const HEARTBEAT: Duration = Duration::from_secs(20);
/// Most namespaces that are watched one by one.
pub const MAX_NAMESPACES: usize = 20;

/// After the whole cluster was refused: how soon it is asked for again, and how often. A refusal may pass: an authorizer that
/// was late, a role that was granted meanwhile.
const WIDEN_AFTER: Duration = Duration::from_secs(5);
const WIDEN_EVERY: Duration = Duration::from_mins(1);

/// How often a kind that the cluster does not have is looked for, and how often it is said that there is still none.
const AGAIN_AFTER: Duration = Duration::from_mins(1);
const ABSENT_BEAT: Duration = Duration::from_secs(10);

/// What part of a cluster is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole cluster; where that is forbidden, the context's namespace and those that may be listed.
    All,
    /// These only.
    Namespaces(Vec<Name>),
}

/// A watch of one kind as a source.
pub struct Watch {
    cluster: Cluster,
    kind: Watched,
    scope: Scope,
    rows: Arc<Rows>,
    /// How long the server keeps one watch open.
    lasts: Duration,
    /// How soon the whole cluster is tried again.
    widen_after: Duration,
    lanes: Option<Lanes>,
    ready: VecDeque<Fact>,
    /// The kind is not served here: looked for again from then on.
    absent_until: Option<Instant>,
    /// A panic went through it: what it left behind is not touched again.
    panicked: Arc<AtomicBool>,
}

/// Notes a panic that passes.
struct OnPanic(Arc<AtomicBool>);

impl Drop for OnPanic {
    fn drop(&mut self) {
        self.0.fetch_or(std::thread::panicking(), Ordering::Relaxed);
    }
}

/// What each lane brings, with its number.
type LaneStream = BoxStream<'static, (usize, Result<Step<Fact>, Failure>)>;

struct Lanes {
    streams: SelectAll<LaneStream>,
    /// Of each lane, whether it is still wanted, and whether its first list is complete.
    states: Vec<LaneState>,
    synced: bool,
    /// The new list was announced. Not before its first page has come: until then the old is all there is.
    announced: bool,
    /// The refusal to read the whole cluster, if that is why there are many.
    narrowed: Option<Failure>,
    /// When the whole cluster is tried again, if it was refused.
    widen: Option<Interval>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LaneState {
    Listing,
    Following,
    Refused,
}

impl Watch {
    pub fn new(cluster: &Cluster, kind: Watched, scope: Scope, rows: Arc<Rows>) -> Self {
        let lasts = LASTS;
        Self {
            cluster: cluster.clone(),
            kind,
            scope,
            rows,
            lasts,
            widen_after: WIDEN_AFTER,
            lanes: None,
            ready: VecDeque::new(),
            absent_until: None,
            panicked: Arc::default(),
        }
    }

    /// Asks the server to end each watch after this long instead of the usual time.
    #[must_use]
    pub fn lasting(mut self, lasts: Duration) -> Self {
        self.lasts = lasts;
        self
    }

    /// Tries the whole cluster again so soon after it was refused.
    #[must_use]
    pub fn widening(mut self, after: Duration) -> Self {
        self.widen_after = after;
        self
    }

    async fn step(&mut self) -> Result<Vec<Fact>, SourceError> {
        let _noted = OnPanic(self.panicked.clone());
        if self.panicked.swap(false, Ordering::Relaxed) {
            self.lanes = None;
            self.ready.clear();
        }
        if let Some(batch) = self.take_ready() {
            return Ok(batch);
        }
        if self.lanes.is_none() {
            if !self.is_served().await? {
                return Ok(self.absent().await);
            }
            self.open();
        }
        loop {
            let lanes = self.lanes.as_mut().expect("opened above, and left open by what continues");
            let next = tokio::select! {
                next = lanes.streams.next() => next,
                () = ticked(lanes.widen.as_mut()) => {
                    if may_read_all(&self.cluster, self.kind).await {
                        self.cluster.learnt().notes.remove(&self.narrow_note());
                        self.open();
                    }
                    continue;
                }
            };
            let Some((lane, step)) = next else {
                self.lanes = None;
                return Err(SourceError::new(ErrorKind::Bug, "A watch ended by itself."));
            };
            match step {
                Ok(step) => {
                    self.take(lane, step);
                    // "still so" is said only of a list that is complete
                    if self.is_synced() || !self.ready.is_empty() {
                        return Ok(self.take_ready().unwrap_or_default());
                    }
                }
                Err(failure) if failure.is(403) => {
                    self.refused(lane, failure).await?;
                    if let Some(batch) = self.take_ready() {
                        return Ok(batch);
                    }
                }
                Err(failure) if failure.is(404) => {
                    // the kind is not served here; asked again from the start, later
                    self.lanes = None;
                    return Err(failure.error);
                }
                Err(failure) => return Err(failure.error),
            }
        }
    }

    /// Whether the cluster has the kind at all. Discovery may be read by whoever may log in: a refusal would say nothing.
    async fn is_served(&mut self) -> Result<bool, SourceError> {
        let Some((api, plural)) = self.kind.optional() else { return Ok(true) };
        let now = self.cluster.clock().now().mono;
        if self.absent_until.is_some_and(|until| now < until) {
            return Ok(false);
        }
        let found = discovery::is_served(&self.cluster, api, plural).await;
        let is_served = found.map_err(|failure| failure.error)?;
        if is_served {
            self.absent_until = None;
        }
        Ok(is_served)
    }

    /// There is none of it, at first; then still so at each beat, until it is looked for again.
    async fn absent(&mut self) -> Vec<Fact> {
        let now = self.cluster.clock().now().mono;
        if self.absent_until.is_none_or(|until| until <= now) {
            let first = self.absent_until.replace(now + AGAIN_AFTER).is_none();
            if first {
                return vec![self.kind.reset(), self.kind.synced()];
            }
        }
        tokio::time::sleep(ABSENT_BEAT).await;
        Vec::new()
    }

    fn is_synced(&self) -> bool {
        self.lanes.as_ref().is_some_and(|lanes| lanes.synced)
    }

    /// At most [`MAX_FACTS`] of what waits.
    fn take_ready(&mut self) -> Option<Vec<Fact>> {
        let count = self.ready.len().min(MAX_FACTS);
        (count > 0).then(|| self.ready.drain(..count).collect())
    }

    fn open(&mut self) {
        match &self.scope {
            Scope::All => self.start(vec![None], None),
            Scope::Namespaces(names) => {
                let names: Vec<_> = names.iter().take(MAX_NAMESPACES).cloned().map(Some).collect();
                self.start(names, None);
            }
        }
    }

    fn start(&mut self, namespaces: Vec<Option<Name>>, narrowed: Option<Failure>) {
        let alone = namespaces.len() == 1;
        self.ready.clear();
        let states = vec![LaneState::Listing; namespaces.len()];
        let streams = namespaces.into_iter().enumerate().map(|(index, namespace)| {
            let lane = Lane::new(&self.cluster, self.kind, namespace, self.rows.clone(), self.lasts, alone);
            lane.stream().map(move |step| (index, step)).boxed()
        });
        let widen = narrowed.as_ref().map(|_| {
            let mut widen = interval(WIDEN_EVERY);
            widen.reset_after(self.widen_after);
            widen
        });
        self.lanes =
            Some(Lanes { streams: streams.collect(), states, synced: false, announced: false, narrowed, widen });
    }

    fn take(&mut self, lane: usize, step: Step<Fact>) {
        let Some(lanes) = self.lanes.as_mut() else { return };
        if step.is_still_so() {
            return;
        }
        if step.reset || !mem::replace(&mut lanes.announced, true) {
            self.ready.push_back(self.kind.reset());
        }
        self.ready.extend(step.facts);
        if step.synced {
            let again = mem::replace(&mut lanes.states[lane], LaneState::Following) == LaneState::Following;
            if again && lanes.states.len() == 1 {
                self.ready.push_back(self.kind.synced());
            }
        }
        self.note_synced();
        self.note(step.skipped);
    }

    /// Says that the list is complete when every lane's is.
    fn note_synced(&mut self) {
        let Some(lanes) = self.lanes.as_mut() else { return };
        if !lanes.synced && !lanes.states.contains(&LaneState::Listing) {
            lanes.synced = true;
            self.ready.push_back(self.kind.synced());
        }
    }

    fn note(&self, skipped: Option<Clean>) {
        if let Some(what) = skipped {
            let about = format!("{} unreadable", self.kind.part().title());
            self.cluster.learnt().notes.insert(about, what);
        }
    }

    /// A lane may not read (any more). Of the whole cluster: falls back to namespaces; of one namespace: goes on without.
    async fn refused(&mut self, lane: usize, failure: Failure) -> Result<(), SourceError> {
        let lanes = self.lanes.as_mut().expect("a lane of it spoke");
        let whole = lanes.states.len() == 1 && self.scope == Scope::All && lanes.narrowed.is_none();
        if whole {
            return self.narrow(failure).await;
        }
        lanes.states[lane] = LaneState::Refused;
        if lanes.states.iter().all(|state| *state == LaneState::Refused) {
            let first = lanes.narrowed.take().unwrap_or(failure);
            self.lanes = None;
            return Err(first.error);
        }
        self.note_synced();
        Ok(())
    }

    fn narrow_note(&self) -> String {
        format!("{} narrow", self.kind.part().title())
    }

    async fn narrow(&mut self, failure: Failure) -> Result<(), SourceError> {
        // whatever is awaited may be dropped: until the new lanes stand, the old are not used again
        self.lanes = None;
        let namespaces = readable(&self.cluster).await;
        if namespaces.is_empty() {
            let says = format!("{} Name the namespaces you may read: `namespaces` in the config.", failure.error.says);
            return Err(SourceError { says: Clean::line(&says), ..failure.error });
        }
        let shown = namespaces.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let note = format!("narrow rights: {} only of {shown}", self.kind.part().title());
        self.cluster.learnt().notes.insert(self.narrow_note(), Clean::line(&note));
        self.start(namespaces.into_iter().map(Some).collect(), Some(failure));
        Ok(())
    }
}

/// Whether one row of the whole cluster may be listed (again).
async fn may_read_all(cluster: &Cluster, kind: Watched) -> bool {
    cluster.get::<serde::de::IgnoredAny>(&format!("{}&limit=1", kind.path(None))).await.is_ok()
}

/// The next tick; never without one.
async fn ticked(tick: Option<&mut Interval>) {
    match tick {
        Some(tick) => drop(tick.tick().await),
        None => std::future::pending().await,
    }
}

/// Namespaces to try one by one: the configured, the context's own, and those that may be listed, the last if nothing
/// else is known or there is room.
pub(super) async fn readable(cluster: &Cluster) -> Vec<Name> {
    let mut names: Vec<Name> = cluster.namespaces().to_vec();
    names.extend(cluster.own_namespace().cloned());
    if names.len() < MAX_NAMESPACES {
        let listed = kind::namespaces(cluster).await.unwrap_or_default();
        names.extend(listed);
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names.truncate(MAX_NAMESPACES);
    names
}

impl Source for Watch {
    fn id(&self) -> SourceId {
        SourceId::new(self.cluster.id(), self.kind.part())
    }

    fn cadence(&self) -> Cadence {
        Cadence::Pushed(HEARTBEAT)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        self.step().boxed()
    }
}
