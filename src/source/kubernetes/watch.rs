//! Watched kinds as sources: listed once in pages, then followed. Where the whole cluster may not be listed, the
//! namespaces that may be are watched instead, one by one.

mod collection;
mod kind;
mod lane;
mod namespaces;
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

pub(super) use self::{
    collection::Collection,
    lane::{LASTS, Lane},
    namespaces::{Chosen, Survey, choose, narrow_words},
    shapes::{About, AboutMeta, PageMeta, Unreadable},
    step::Step,
};
pub use self::{kind::Watched, namespaces::MAX_NAMESPACES};
use super::{client::Cluster, discovery, failure::Failure, rows::Rows};
use crate::{
    model::{Coverage, Name, SourceId},
    source::{Cadence, ErrorKind, Fact, MAX_FACTS, Source, SourceError},
    text::Clean,
};

/// Longest silence of a watch while the cluster's heartbeat goes: the health source beats every 10 s.
pub const HEARTBEAT: Duration = Duration::from_secs(20);
/// After the whole cluster was refused: how soon it is asked for again, and how often. A refusal may pass: an authorizer that
/// was late, a role that was granted meanwhile.
const WIDEN_AFTER: Duration = Duration::from_secs(5);
const WIDEN_EVERY: Duration = Duration::from_mins(1);

/// How often a kind that the cluster does not have is looked for, and how often it is said that there is still none.
const AGAIN_AFTER: Duration = Duration::from_mins(1);
const ABSENT_BEAT: Duration = Duration::from_secs(10);

/// What mends a refusal where no namespace is known that may be read. The screen's key for it is there by these words.
pub const NAME_ONE: &str = "Name a namespace that you may read: `:ns NAME`";

/// What part of a cluster is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole cluster; where that is forbidden, the context's namespace and those that may be listed.
    All,
    /// These only. Of more than can be watched one by one, the whole cluster is watched and the rest passed over.
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
    /// What was said last of the namespaces that are read.
    told: Option<Coverage>,
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
    /// Of each lane, what it reads; `None`: the whole cluster.
    namespaces: Vec<Option<Name>>,
    /// So many more namespaces may be read.
    more: usize,
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
            told: None,
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
                    if namespaces::may_read_all(&self.cluster, self.kind).await {
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
        let lanes = match &self.scope {
            Scope::Namespaces(names) if names.len() <= MAX_NAMESPACES => names.iter().cloned().map(Some).collect(),
            _ => vec![None],
        };
        self.start(lanes, 0, None);
    }

    fn start(&mut self, namespaces: Vec<Option<Name>>, more: usize, narrowed: Option<Failure>) {
        let alone = namespaces.len() == 1;
        self.ready.clear();
        let states = vec![LaneState::Listing; namespaces.len()];
        let streams = namespaces.iter().cloned().enumerate().map(|(index, namespace)| {
            let lane = Lane::new(&self.cluster, self.kind, namespace, self.rows.clone(), self.lasts, alone);
            lane.stream().map(move |step| (index, step)).boxed()
        });
        let widen = narrowed.as_ref().map(|_| {
            let mut widen = interval(WIDEN_EVERY);
            widen.reset_after(self.widen_after);
            widen
        });
        let streams = streams.collect();
        let (synced, announced) = (false, false);
        self.lanes = Some(Lanes { streams, namespaces, more, states, synced, announced, narrowed, widen });
    }

    fn take(&mut self, lane: usize, mut step: Step<Fact>) {
        let Some(lanes) = self.lanes.as_mut() else { return };
        if step.is_still_so() {
            return;
        }
        if let Scope::Namespaces(names) = &self.scope
            && lanes.is_whole()
        {
            step.facts.retain(|fact| Watched::key_of(fact).is_none_or(|(namespace, _)| names.contains(namespace)));
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

    /// Says that the list is complete when every lane's is, and before that, of what.
    fn note_synced(&mut self) {
        let Some(lanes) = self.lanes.as_mut() else { return };
        if lanes.states.contains(&LaneState::Listing) {
            return;
        }
        let is_first = !mem::replace(&mut lanes.synced, true);
        let coverage = self.coverage();
        if coverage != self.told {
            self.told.clone_from(&coverage);
            self.ready.push_back(Fact::Coverage(coverage));
        }
        if is_first {
            self.ready.push_back(self.kind.synced());
        }
    }

    /// Which namespaces are read, where that is not all that was asked for.
    fn coverage(&self) -> Option<Coverage> {
        let lanes = self.lanes.as_ref().filter(|lanes| !lanes.is_whole())?;
        let each = lanes.namespaces.iter().flatten().zip(&lanes.states);
        let read = each.filter(|(_, state)| **state != LaneState::Refused).map(|(name, _)| name.clone()).collect();
        match &self.scope {
            Scope::All => Some(namespaces::narrow(read, lanes.more)),
            Scope::Namespaces(wanted) => namespaces::left_out(wanted, read, lanes.more),
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
        if lanes.is_whole() {
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

    async fn narrow(&mut self, failure: Failure) -> Result<(), SourceError> {
        // whatever is awaited may be dropped: until the new lanes stand, the old are not used again
        self.lanes = None;
        let (group, plural) = self.kind.resource();
        let chosen = match &self.scope {
            Scope::All => choose(&self.cluster, group, plural).await,
            Scope::Namespaces(names) => namespaces::of_these(&self.cluster, names.clone(), group, plural).await,
        };
        if chosen.names.is_empty() {
            let says = format!("{} {NAME_ONE}, or `namespaces` in the config.", failure.error.says);
            return Err(SourceError { says: Clean::line(&says), ..failure.error });
        }
        self.start(chosen.names.into_iter().map(Some).collect(), chosen.more, Some(failure));
        Ok(())
    }
}

impl Lanes {
    /// One lane reads the whole cluster.
    fn is_whole(&self) -> bool {
        matches!(self.namespaces.as_slice(), [None])
    }
}

/// The next tick; never without one.
async fn ticked(tick: Option<&mut Interval>) {
    match tick {
        Some(tick) => drop(tick.tick().await),
        None => std::future::pending().await,
    }
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
