//! One watched collection: LIST in pages, WATCH from there, again from the last version when the connection ends, and
//! LIST anew when the server has forgotten that version (410).

use std::{
    collections::BTreeSet,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use futures::{FutureExt, Stream};
use tokio::{sync::watch, time::timeout};

use super::{
    collection::Collection,
    shapes::{Change, Unreadable},
    step::Step,
};
use crate::{
    model::Name,
    source::{
        ErrorKind, MAX_FACTS,
        kubernetes::{
            client::{Cluster, Opened, Pulse, TOO_LARGE},
            failure::{self, Failure, Reached, Status},
            rows::Rows,
        },
    },
    text::Clean,
};

/// The server ends a watch after this long (`timeoutSeconds`); a little more without an end is a dead connection.
pub const LASTS: Duration = Duration::from_mins(1);
const GRACE: Duration = Duration::from_secs(5);
/// A watch that ends sooner than this without a line is not asked for again without a pause.
const AT_ONCE: Duration = Duration::from_secs(1);
/// What is taken from a storm at once, in bytes.
const ENOUGH: usize = 1024 * 1024;
const PAGE: u32 = 500;
/// A list that expires while its pages are read is begun again so often before that is said.
const RESTARTS: usize = 3;
/// When a page of 500 is over the bound of one answer.
const SMALL_PAGE: u32 = 20;
/// Longest line of a watch: an object has at most 1.5 MB in etcd, more as JSON.
const MAX_LINE: usize = 8 * 1024 * 1024;

pub struct Lane<C> {
    cluster: Cluster,
    kind: C,
    namespace: Option<Name>,
    rows: Arc<Rows>,
    lasts: Duration,
    pulse: watch::Receiver<Pulse>,
    phase: Phase,
    page: u32,
    /// It was listed before, at least in part.
    again: bool,
    /// So often the list expired while it was read.
    restarts: usize,
    /// Listed again, and no change has come since: another 410 means that listing does not help.
    relisted: bool,
    /// Names of a lane beside others: on a new list, what is not there any more is told one by one.
    names: Option<Names>,
}

#[derive(Default)]
struct Names {
    known: BTreeSet<(Name, Name)>,
    /// Of the list that is being read.
    listed: BTreeSet<(Name, Name)>,
}

enum Phase {
    List { next: Option<String>, first: bool },
    Watch { version: String, stream: Option<Follow> },
}

/// An open watch.
struct Follow {
    answer: Opened,
    /// The piece of a line that has not ended.
    rest: BytesMut,
    /// So much of it was searched for its end, in vain.
    searched: usize,
    misses: u64,
    since: Instant,
    got_lines: bool,
}

impl<C: Collection> Lane<C> {
    pub fn new(
        cluster: &Cluster,
        kind: C,
        namespace: Option<Name>,
        rows: Arc<Rows>,
        lasts: Duration,
        alone: bool,
    ) -> Self {
        Self {
            pulse: cluster.pulse().subscribe(),
            cluster: cluster.clone(),
            kind,
            namespace,
            rows,
            lasts,
            phase: Phase::List { next: None, first: true },
            page: PAGE,
            again: false,
            restarts: 0,
            relisted: false,
            names: (!alone).then(Names::default),
        }
    }

    /// Its steps, for ever; after a failure it goes on where it was. Ends only when it may not read: with its rows gone.
    pub fn stream(self) -> impl Stream<Item = Result<Step<C::Told>, Failure>> + Send + 'static {
        futures::stream::unfold(Some((self, None)), |state| async {
            let (mut lane, refusal) = state?;
            if let Some(refusal) = refusal {
                return Some((Err(refusal), None));
            }
            match lane.step().await {
                Err(failure) if failure.is(403) => {
                    // what was seen may not be seen any more; as a step, before the refusal
                    let gone = lane.all_gone();
                    if gone.is_empty() {
                        Some((Err(failure), None))
                    } else {
                        Some((Ok(Step { facts: gone, ..Step::default() }), Some((lane, Some(failure)))))
                    }
                }
                other => Some((other, Some((lane, None)))),
            }
        })
    }

    fn all_gone(&mut self) -> Vec<C::Told> {
        let Some(names) = &mut self.names else { return Vec::new() };
        if self.kind.may_be_listed_only() && matches!(self.phase, Phase::Watch { .. }) {
            return Vec::new();
        }
        let known = mem::take(&mut names.known);
        known.iter().map(|(namespace, name)| self.kind.gone(&self.rows, namespace, name)).collect()
    }

    async fn step(&mut self) -> Result<Step<C::Told>, Failure> {
        match &self.phase {
            Phase::List { .. } => self.list().await,
            Phase::Watch { .. } => self.follow().await,
        }
    }

    /// Reads one page.
    async fn list(&mut self) -> Result<Step<C::Told>, Failure> {
        let Phase::List { next, first } = &self.phase else { unreachable!("asked only while listing") };
        let first = *first;
        let mut path = format!("{}&limit={}", self.kind.path(self.namespace.as_ref()), self.page);
        if let Some(next) = next {
            path.push_str("&continue=");
            path.extend(url::form_urlencoded::byte_serialize(next.as_bytes()));
        }
        let answer = match self.cluster.get_as(&path, self.kind.accept(), self.cluster.list_within()).await {
            Err(failure) if failure.is_expired() && !first => {
                // the list is older than the server remembers: from the start, unless it always is
                self.begin_list();
                self.restarts += 1;
                if self.restarts > RESTARTS {
                    self.restarts = 0;
                    return Err(failure);
                }
                return Ok(Step::default());
            }
            Err(failure) if failure.reason == TOO_LARGE && self.page > SMALL_PAGE => {
                self.page = SMALL_PAGE;
                return Ok(Step::default());
            }
            other => other?,
        };
        let mut step = Step { reset: first && self.names.is_none() && self.again, ..Step::default() };
        let mut unreadable = Unreadable::default();
        let page = self.kind.page(&self.rows, &answer, &mut step.facts, &mut unreadable);
        let meta = page.map_err(|error| self.cluster.unexpected(&path, &error))?;
        self.note(&step.facts, true);
        step.skipped = unreadable.note(self.kind.title());
        (step.left, step.bytes) = (meta.remaining_item_count, answer.len());
        match (meta.continues.filter(|token| !token.is_empty()), meta.resource_version) {
            (Some(token), _) => self.phase = Phase::List { next: Some(token), first: false },
            (None, Some(version)) if !version.is_empty() => {
                step.synced = true;
                self.restarts = 0;
                self.forget_unlisted(&mut step);
                self.phase = Phase::Watch { version, stream: None };
            }
            (None, _) => {
                let says = format!("Kubernetes '{}' answered a list without a version.", self.cluster.id());
                return Err(Failure::own(ErrorKind::Unexpected, Reached::Answered, says));
            }
        }
        Ok(step)
    }

    fn begin_list(&mut self) {
        if let Some(names) = &mut self.names {
            names.listed.clear();
        }
        self.again = true;
        self.phase = Phase::List { next: None, first: true };
    }

    /// Remembers what is there.
    fn note(&mut self, facts: &[C::Told], listed: bool) {
        let Some(names) = &mut self.names else { return };
        let to = if listed { &mut names.listed } else { &mut names.known };
        to.extend(facts.iter().filter_map(C::key_of).map(|(namespace, name)| (namespace.clone(), name.clone())));
    }

    /// The list is complete: what was known and is not in it is gone.
    fn forget_unlisted(&mut self, step: &mut Step<C::Told>) {
        let Some(names) = &mut self.names else { return };
        let listed = mem::take(&mut names.listed);
        let known = mem::replace(&mut names.known, listed);
        let gone = known.difference(&names.known);
        step.facts.extend(gone.map(|(namespace, name)| self.kind.gone(&self.rows, namespace, name)));
    }

    /// Waits for changes, or for the next heartbeat of the cluster.
    async fn follow(&mut self) -> Result<Step<C::Told>, Failure> {
        if matches!(&self.phase, Phase::Watch { stream: None, .. }) {
            match self.connect().await {
                Err(failure) if failure.is_expired() => return self.expired(failure),
                other => other?,
            }
        }
        let lasts = self.lasts + GRACE;
        let Phase::Watch { stream: Some(follow), .. } = &mut self.phase else { unreachable!("connected above") };
        if follow.rest[follow.searched..].contains(&b'\n') {
            return self.read_lines(); // left over from a full batch
        }
        let chunk = tokio::select! {
            chunk = timeout(lasts, follow.answer.chunk()) => chunk,
            changed = self.pulse.changed() => {
                let missed = changed.is_ok() && self.pulse.borrow_and_update().misses != follow.misses;
                if missed {
                    // the line was down since: this connection may be dead without knowing
                    self.disconnect();
                }
                return Ok(Step::default());
            }
        };
        match chunk {
            Ok(Ok(Some(chunk))) => follow.rest.extend_from_slice(&chunk),
            // its time was over, or it broke, perhaps inside a line: on from the last version
            Ok(Err(failure)) => return self.ended(Some(failure)),
            Ok(Ok(None)) | Err(_) => return self.ended(None),
        }
        self.take_more();
        self.read_lines()
    }

    /// The connection is over. That is usual, unless it ends at once without a word: then only after a pause.
    fn ended(&mut self, failure: Option<Failure>) -> Result<Step<C::Told>, Failure> {
        let Phase::Watch { stream, .. } = &mut self.phase else { return Ok(Step::default()) };
        let Some(follow) = stream.take() else { return Ok(Step::default()) };
        if !follow.got_lines && !follow.rest.trim_ascii().is_empty() && failure.is_none() {
            // an answer that came whole and is no line of a watch: a proxy's page, or what was cut
            if let Err(error) = serde_json::from_slice::<Change<'_>>(&follow.rest) {
                return Err(self.cluster.unexpected("watch", &error));
            }
        }
        if follow.got_lines || self.cluster.clock().now().since(follow.since) >= AT_ONCE {
            return Ok(Step::default());
        }
        Err(failure.unwrap_or_else(|| {
            let says = format!("Kubernetes '{}' ends the watch of {} at once.", self.cluster.id(), self.kind.title());
            Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
        }))
    }

    /// What has arrived meanwhile, without waiting, so that a storm comes in batches.
    fn take_more(&mut self) {
        let Phase::Watch { stream: Some(follow), .. } = &mut self.phase else { return };
        while follow.rest.len() < ENOUGH {
            let Some(Ok(Some(chunk))) = follow.answer.chunk().now_or_never() else { return };
            follow.rest.extend_from_slice(&chunk);
        }
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        let Phase::Watch { version, .. } = &self.phase else { unreachable!("asked only while watching") };
        let mut path = format!(
            "{}&watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion=",
            self.kind.path(self.namespace.as_ref()),
            self.lasts.as_secs().max(1)
        );
        path.extend(url::form_urlencoded::byte_serialize(version.as_bytes()));
        let misses = self.pulse.borrow_and_update().misses;
        let answer = self.cluster.open_stream_as(&path, self.kind.accept(), self.cluster.answer_within()).await?;
        let since = self.cluster.clock().now().mono;
        if let Phase::Watch { stream, .. } = &mut self.phase {
            *stream = Some(Follow { answer, rest: BytesMut::new(), searched: 0, misses, since, got_lines: false });
        }
        Ok(())
    }

    fn disconnect(&mut self) {
        if let Phase::Watch { stream, .. } = &mut self.phase {
            *stream = None;
        }
    }

    /// The server has forgotten our version: lists again, once; if that brings nothing, says so.
    fn expired(&mut self, failure: Failure) -> Result<Step<C::Told>, Failure> {
        let helpless = mem::replace(&mut self.relisted, true);
        self.begin_list();
        if helpless { Err(failure) } else { Ok(Step::default()) }
    }

    /// Takes the whole lines that have arrived.
    fn read_lines(&mut self) -> Result<Step<C::Told>, Failure> {
        let mut step = Step::default();
        let mut unreadable = Unreadable::default();
        while step.facts.len() < MAX_FACTS {
            let Phase::Watch { version, stream: Some(follow) } = &mut self.phase else { break };
            let unsearched = &follow.rest[follow.searched..];
            let Some(end) = unsearched.iter().position(|byte| *byte == b'\n').map(|at| follow.searched + at) else {
                follow.searched = follow.rest.len();
                if follow.rest.len() > MAX_LINE {
                    self.disconnect();
                    let says = format!("Kubernetes '{}' sent a line of over {MAX_LINE} bytes.", self.cluster.id());
                    return Err(Failure::own(ErrorKind::Unexpected, Reached::Answered, says));
                }
                break;
            };
            let line = follow.rest.split_to(end + 1);
            follow.searched = 0;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let change: Change<'_> = match serde_json::from_slice(&line) {
                Ok(change) => change,
                Err(error) => {
                    // what it would have said is not known: the list will tell
                    let failure = self.cluster.unexpected("watch", &error);
                    return self.expired(failure).map(|_| step);
                }
            };
            follow.got_lines = true;
            if change.kind == "ERROR" {
                let status: Status = serde_json::from_str(change.object.get()).unwrap_or_default();
                let failure = failure::in_watch(self.cluster.id(), self.kind.title(), status);
                return self.error_in_watch(failure, step);
            }
            self.relisted = false;
            let about = self.kind.about(change.object);
            if let Some(at) = about.metadata.resource_version.filter(|at| !at.is_empty()) {
                *version = at;
            }
            match &*change.kind {
                "ADDED" | "MODIFIED" => {
                    let before = step.facts.len();
                    if let Err(error) = self.kind.put(&self.rows, change.object, &mut step.facts) {
                        unreadable.add(&error);
                    }
                    self.note(&step.facts[before..], false);
                }
                "DELETED" => {
                    let (namespace, name) = (about.metadata.namespace.unwrap_or_default(), about.metadata.name);
                    let name = name.unwrap_or_default();
                    if let Some(names) = &mut self.names {
                        names.known.remove(&(Clean::line(&namespace), Clean::line(&name)));
                    }
                    step.facts.push(self.kind.gone(&self.rows, &namespace, &name));
                }
                // BOOKMARK moved the version; what is not known yet is not needed
                _ => {}
            }
        }
        step.skipped = unreadable.note(self.kind.title());
        Ok(step)
    }

    /// What came before the error in the same batch is not lost: the error is met again on the next connection.
    fn error_in_watch(&mut self, failure: Failure, step: Step<C::Told>) -> Result<Step<C::Told>, Failure> {
        if failure.is_expired() {
            return self.expired(failure).map(|_| step);
        }
        self.disconnect();
        if step.facts.is_empty() { Err(failure) } else { Ok(step) }
    }
}
