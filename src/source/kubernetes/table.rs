//! The objects of any kind as the server's own table (`as=Table`): listed in pages, then watched as long as it is looked
//! at. Of each object only what is shown is taken: nothing of its annotations, managed fields or data is ever held.

pub(super) mod bounds;
mod collection;
mod held;
mod lanes;
mod shapes;
mod state;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::BoxStream};

pub(super) use self::collection::collection;
use self::{
    collection::{Kind, Told},
    held::Held,
    lanes::Lanes,
    shapes::{Page, Reading},
};
use super::{
    client::{Cluster, segment},
    failure::Failure,
    pace::Pace,
    rows::Rows,
    usage,
    watch::{Chosen, HEARTBEAT, Step, choose, narrow_words},
};
use crate::{
    model::{
        Name,
        kubernetes::{
            resource::ResourceKey,
            table::{ObjectTable, TableRow, Used},
        },
    },
    query::{Answer, TableQuery},
    source::{AnswerSink, ErrorKind},
    text::Clean,
};

/// What a server that has no tables of its own answers instead is a plain list.
const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json";
/// How often a small table is read that cannot be watched; a large one so seldom that it takes no more than this of the
/// line.
const EVERY: Duration = Duration::from_secs(5);
const SELDOM: Duration = Duration::from_mins(1);
const BYTES_PER_SECOND: usize = 200 * 1024;
/// What was refused is tried again so often: a role may have been granted meanwhile.
const WIDEN: Duration = Duration::from_mins(1);
/// Changes of a watch are gathered for so long: of a large table longer, as all of it is put in order anew.
const GATHER: Duration = Duration::from_millis(100);
const GATHER_LONGEST: Duration = Duration::from_secs(5);
const GATHER_PER_ROW: Duration = Duration::from_micros(50);
/// A table waits so long for the first measurement of what its objects use.
const MEASURED_SOON: Duration = Duration::from_millis(300);

/// How much is held of one table, and how often it is asked for.
#[derive(Clone, Copy, Debug)]
struct Limits {
    rows: usize,
    bytes: usize,
    every: Duration,
}

const LIMITS: Limits = Limits { rows: 150_000, bytes: 192 * 1024 * 1024, every: EVERY };

/// Path of one object.
pub fn object_path(key: &ResourceKey) -> String {
    let namespace = Some(key.namespace.as_str()).filter(|_| key.resource.is_namespaced);
    format!("{}/{}", collection(&key.resource, namespace), segment(&key.name))
}

/// Follows a table until nobody looks: lists it and watches it; where it cannot be watched, lists it again and again.
pub async fn follow(cluster: &Cluster, rows: &Arc<Rows>, asked: &TableQuery, out: &AnswerSink) {
    Following::new(cluster, rows, asked, LIMITS).run(out).await;
}

/// Nobody looks any more.
struct Left;

/// A table that is followed.
struct Following<'a> {
    cluster: &'a Cluster,
    asked: &'a TableQuery,
    limits: Limits,
    kind: Kind,
    lanes: Lanes,
    held: Held,
    /// The whole was refused: the namespaces that are read instead.
    narrowed: Chosen,
    /// Of namespaces that could not be read.
    failed: Vec<(Name, Failure)>,
    /// When the server refused to be watched.
    refused: Option<Instant>,
    /// The last watch ended without a word: by one alone nothing is refused.
    ended_oddly: bool,
    is_first: bool,
    usage: BoxStream<'static, Option<Arc<Used>>>,
    used: Option<Arc<Used>>,
    pace: Pace,
    sent: Option<(Instant, Arc<ObjectTable>)>,
}

impl<'a> Following<'a> {
    fn new(cluster: &'a Cluster, rows: &Arc<Rows>, asked: &'a TableQuery, limits: Limits) -> Self {
        let kind = Kind::new(asked.resource.clone(), cluster.clone());
        Self {
            lanes: Lanes::new(cluster, rows),
            held: Held::new(limits),
            limits,
            usage: usage::of_table(cluster, asked),
            pace: Pace::new(cluster),
            narrowed: Chosen::default(),
            failed: Vec::new(),
            refused: None,
            ended_oddly: false,
            is_first: true,
            used: None,
            sent: None,
            cluster,
            asked,
            kind,
        }
    }

    async fn run(&mut self, out: &AnswerSink) {
        while let Ok(rest) = self.round(out).await {
            tokio::time::sleep(rest).await;
        }
    }

    /// One list and what changes after it. Returns the rest before the next.
    async fn round(&mut self, out: &AnswerSink) -> Result<Duration, Left> {
        if let Err(failure) = self.list(out).await {
            self.lanes.close();
            let rest = self.pace.after(Some(&failure), self.limits.every);
            return if out.send(Err(failure.into())).await { Ok(rest) } else { Err(Left) };
        }
        self.pace.after(None, self.limits.every);
        if std::mem::take(&mut self.is_first) {
            self.measure_first().await;
        }
        if !self.can_watch() {
            self.lanes.close();
        }
        self.send(out).await?;
        if self.can_watch() { self.watch(out).await } else { self.rest(out).await }
    }

    fn can_watch(&self) -> bool {
        let is_whole = self.failed.iter().all(|(_, failure)| failure.is(403));
        let now = self.cluster.clock().now();
        let is_refused = self.refused.is_some_and(|at| now.since(at) < WIDEN);
        !is_refused && is_whole && !self.held.is_cut()
    }

    /// Lists all that is asked for. Where the whole cluster may not be listed, the namespaces that may be are read one by
    /// one.
    async fn list(&mut self, out: &AnswerSink) -> Result<(), Failure> {
        self.narrowed = Chosen::default();
        let is_namespaced = self.asked.resource.is_namespaced;
        if is_namespaced && !self.asked.namespaces.is_empty() {
            let names = self.asked.namespaces.iter().cloned().map(Some).collect();
            return self.read(names, None).await;
        }
        match self.read(vec![None], Some(out).filter(|_| self.is_first)).await {
            Err(refusal) if refusal.is(403) && is_namespaced => {
                self.narrowed = choose(self.cluster, &self.asked.resource.group, &self.asked.resource.plural).await;
                let names = self.narrowed.names.clone();
                if names.is_empty() {
                    return Err(refusal);
                }
                let read = self.read(names.into_iter().map(Some).collect(), None).await;
                read.map_err(|_| refusal)
            }
            read => read,
        }
    }

    /// Reads these lists. `shown`: who sees the pages of a long one as they come.
    async fn read(&mut self, namespaces: Vec<Option<Name>>, shown: Option<&AnswerSink>) -> Result<(), Failure> {
        self.failed.clear();
        self.held.begin(namespaces.len());
        self.lanes.open(&self.kind, &namespaces);
        let mut shown_rows = 0;
        let mut failures = Vec::new();
        while let Some((lane, step)) = self.lanes.next_listed().await {
            match step {
                Ok(step) => self.held.take(lane, step),
                Err(failure) => {
                    self.lanes.drop_one(lane);
                    failures.push((namespaces[lane].clone(), failure));
                }
            }
            if self.held.is_full() {
                self.held.cut();
                self.lanes.close();
                break;
            }
            // Twice as many each time, so that all together it costs no more than the last.
            if let Some(out) = shown.filter(|_| self.held.len() > 2 * shown_rows && self.lanes.are_listing()) {
                shown_rows = self.held.len();
                // Nobody looks any more: then this is dropped anyway.
                out.send(Ok(Answer::Table(Arc::new(self.held.table(self.limits.every))))).await;
            }
        }
        self.held.end();
        if failures.len() == namespaces.len()
            && let Some((_, failure)) = failures.pop()
        {
            return Err(failure);
        }
        self.failed = failures.into_iter().filter_map(|(name, failure)| Some((name?, failure))).collect();
        Ok(())
    }

    /// What is used is shown with the first whole table, unless measuring takes long.
    async fn measure_first(&mut self) {
        if let Ok(used) = tokio::time::timeout(MEASURED_SOON, self.usage.next()).await {
            self.used = used.flatten();
        }
    }

    /// Takes changes as they come, until the list must be read again.
    async fn watch(&mut self, out: &AnswerSink) -> Result<Duration, Left> {
        let clock = self.cluster.clock().clone();
        let is_narrow = !self.narrowed.names.is_empty() || !self.failed.is_empty();
        let widen = tokio::time::sleep(if is_narrow { WIDEN } else { Duration::MAX });
        tokio::pin!(widen);
        let mut due: Option<Instant> = None;
        loop {
            tokio::select! {
                step = self.lanes.next() => match step {
                    None => return Ok(self.limits.every),
                    Some((_, Ok(step))) if step.is_still_so() => self.still_so(out).await?,
                    Some((_, Ok(step))) if self.has_other_columns(&step) => return Ok(self.limits.every),
                    Some((lane, Ok(step))) => {
                        self.pace.after(None, self.limits.every);
                        self.ended_oddly = false;
                        self.held.take(lane, step);
                        if self.held.is_full() {
                            return Ok(Duration::ZERO);
                        }
                        due.get_or_insert_with(|| clock.now().mono + gathered(self.held.len()));
                    }
                    Some((_, Err(failure))) if is_odd(&failure) && !self.ended_oddly => {
                        self.ended_oddly = true;
                        tokio::time::sleep(self.limits.every).await;
                    }
                    Some((_, Err(failure))) if is_odd(&failure) || refuses_watching(&failure) => {
                        self.refused = Some(clock.now().mono);
                        self.lanes.close();
                        if self.held.len() == 0 {
                            // not an empty table, perhaps, but one that may not be listed any more
                            return Ok(Duration::ZERO);
                        }
                        self.send(out).await?;
                        return self.rest(out).await;
                    }
                    Some((_, Err(failure))) => {
                        let rest = self.pace.after(Some(&failure), self.limits.every);
                        if !out.send(Err(failure.into())).await {
                            return Err(Left);
                        }
                        tokio::time::sleep(rest).await;
                    }
                },
                used = self.usage.next() => {
                    self.used = used.flatten();
                    due.get_or_insert_with(|| clock.now().mono);
                }
                () = at(due) => {
                    due = None;
                    self.send(out).await?;
                }
                () = &mut widen => return Ok(Duration::ZERO),
            }
        }
    }

    /// Waits for the next list; what is used is measured meanwhile.
    async fn rest(&mut self, out: &AnswerSink) -> Result<Duration, Left> {
        let rest = tokio::time::sleep(self.every());
        tokio::pin!(rest);
        loop {
            tokio::select! {
                used = self.usage.next() => {
                    self.used = used.flatten();
                    self.send(out).await?;
                }
                () = &mut rest => return Ok(Duration::ZERO),
            }
        }
    }

    /// A definition changed meanwhile: cells of before stand under other heads.
    fn has_other_columns(&self, step: &Step<Told>) -> bool {
        step.facts.iter().any(|told| matches!(told, Told::Columns(columns) if *columns != self.held.columns))
    }

    /// The cluster's heart beats and nothing has changed.
    async fn still_so(&mut self, out: &AnswerSink) -> Result<(), Left> {
        let now = self.cluster.clock().now();
        let Some((at, table)) = &mut self.sent else { return Ok(()) };
        if now.since(*at) < self.limits.every {
            return Ok(());
        }
        *at = now.mono;
        if out.send(Ok(Answer::Table(table.clone()))).await { Ok(()) } else { Err(Left) }
    }

    async fn send(&mut self, out: &AnswerSink) -> Result<(), Left> {
        let table = Arc::new(self.table());
        self.sent = Some((self.cluster.clock().now().mono, table.clone()));
        if out.send(Ok(Answer::Table(table))).await { Ok(()) } else { Err(Left) }
    }

    /// How often it is listed; watched, how long it may be silent.
    fn every(&self) -> Duration {
        if self.can_watch() {
            return HEARTBEAT;
        }
        let by_size = Duration::from_millis(self.held.read_bytes() as u64 * 1_000 / BYTES_PER_SECOND as u64);
        by_size.clamp(self.limits.every, SELDOM)
    }

    fn table(&self) -> ObjectTable {
        let mut table = self.held.table(self.every());
        if let Some(used) = &self.used {
            table.columns.extend(usage::columns(&self.asked.resource));
            table.used = Some(used.clone());
        }
        table.is_complete = true;
        table.notes.extend(self.note());
        table
    }

    /// What could not be read.
    fn note(&self) -> Option<Clean> {
        if !self.narrowed.names.is_empty() {
            let is_read = |name: &&Name| !self.failed.iter().any(|(failed, _)| failed == *name);
            let read: Vec<Name> = self.narrowed.names.iter().filter(is_read).cloned().collect();
            return Some(narrow_words(&read, self.narrowed.more));
        }
        let said: Vec<_> = self.failed.iter().map(|(name, failure)| format!("'{name}': {failure}")).collect();
        (!said.is_empty()).then(|| Clean::own(format!("not of {}", said.join("; "))))
    }
}

/// The server lists the kind and does not watch it: it says so (405, no right).
fn refuses_watching(failure: &Failure) -> bool {
    failure.code.is_some_and(|code| matches!(code, 400 | 403..=406 | 410 | 415 | 422 | 501))
}

/// It answered with something else than a watch, or with nothing: again and again that is a refusal too. Once it may have been
/// a proxy's page, or a server that shuts down.
fn is_odd(failure: &Failure) -> bool {
    failure.code.is_none() && failure.error.kind == ErrorKind::Unexpected
}

fn gathered(rows: usize) -> Duration {
    (GATHER_PER_ROW * u32::try_from(rows).unwrap_or(u32::MAX)).clamp(GATHER, GATHER_LONGEST)
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// One object as a row, with its columns; none where the server gives no table of it.
pub(super) async fn row(
    cluster: &Cluster,
    rows: &Rows,
    key: &ResourceKey,
) -> Result<Option<(ObjectTable, TableRow)>, Failure> {
    let path = format!("{}?includeObject=Metadata", object_path(key));
    let answer = cluster.get_as(&path, TABLE, cluster.answer_within()).await?;
    let page: Page<'_> = serde_json::from_slice(&answer).map_err(|error| cluster.unexpected(&path, &error))?;
    let mut found = Vec::new();
    let reading = Reading { rows, stated: None, printed: cluster.time() };
    let columns = page.into_rows(&reading, |row| found.push(row)).unwrap_or_default();
    Ok(found.pop().map(|row| (ObjectTable { columns, ..ObjectTable::default() }, row)))
}
