//! The objects of any kind as the server's own table (`as=Table`), in pages, read again while it is looked at. Of each
//! object only what is shown is taken: nothing of its annotations, managed fields or data is ever held.

mod shapes;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::future::join_all;

use self::{shapes::Page, state::Stated};
use super::{
    client::{Cluster, segment},
    failure::Failure,
    pace::Pace,
    rows::Rows,
    selector::query,
    usage::Usage,
    watch::readable,
};
use crate::{
    model::{
        Name,
        kubernetes::{
            resource::{Resource, ResourceKey},
            table::{ObjectTable, TableRow},
        },
    },
    query::{Answer, TableQuery},
    source::AnswerSink,
    text::Clean,
};

/// What a server that has no tables of its own answers instead is a plain list.
const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json";
const PAGE: &str = "500";
/// Most rows kept.
const MAX_ROWS: usize = 10_000;
/// Most bytes read for one table: metadata comes with each row.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// A list that expires while its pages are read is begun again so often.
const RESTARTS: usize = 3;
/// How often a small table is read.
const EVERY: Duration = Duration::from_secs(5);
const SELDOM: Duration = Duration::from_mins(1);
/// A large one so seldom that it takes no more than this of the line.
const BYTES_PER_SECOND: usize = 200 * 1024;

/// Path of a kind's objects, of one namespace or of all.
pub(super) fn collection(resource: &Resource, namespace: Option<&str>) -> String {
    let root = if resource.group.is_empty() {
        format!("/api/{}", segment(&resource.version))
    } else {
        format!("/apis/{}/{}", segment(&resource.group), segment(&resource.version))
    };
    let within = namespace.map(|namespace| format!("/namespaces/{}", segment(namespace))).unwrap_or_default();
    format!("{root}{within}/{}", segment(&resource.plural))
}

/// Path of one object.
pub fn object_path(key: &ResourceKey) -> String {
    let namespace = Some(key.namespace.as_str()).filter(|_| key.resource.is_namespaced);
    format!("{}/{}", collection(&key.resource, namespace), segment(&key.name))
}

/// Reads a table again and again; pages of a large one are shown as they come, the first time.
pub async fn follow(cluster: &Cluster, rows: &Rows, asked: &TableQuery, out: &AnswerSink) {
    let mut pace = Pace::new(cluster);
    let (mut is_first, mut usage) = (true, Usage::new(cluster, asked));
    loop {
        let mut read = read(cluster, rows, asked, is_first.then_some(out)).await;
        if let Ok(table) = &mut read {
            usage.add(table).await;
        }
        is_first &= read.is_err();
        let pause = pace.after(read.as_ref().err(), read.as_ref().map_or(EVERY, |table| table.every));
        let answer = read.map(|table| Answer::Table(Box::new(table))).map_err(Into::into);
        if !out.send(answer).await {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Reads a table once. Where the whole cluster may not be listed, the namespaces that may be are read one by one.
pub async fn read(
    cluster: &Cluster,
    rows: &Rows,
    asked: &TableQuery,
    shown: Option<&AnswerSink>,
) -> Result<ObjectTable, Failure> {
    let resource = &asked.resource;
    if !resource.is_namespaced || asked.namespaces.is_empty() {
        return match list(cluster, rows, resource, None, shown).await {
            Ok(listed) => Ok(listed.done(Vec::new())),
            Err(failure) if failure.is(403) && resource.is_namespaced => narrow(cluster, rows, asked, failure).await,
            Err(failure) => Err(failure),
        };
    }
    by_namespace(cluster, rows, resource, &asked.namespaces, None).await
}

/// The namespaces that may be read, instead of all.
async fn narrow(cluster: &Cluster, rows: &Rows, asked: &TableQuery, refusal: Failure) -> Result<ObjectTable, Failure> {
    let namespaces = readable(cluster).await;
    by_namespace(cluster, rows, &asked.resource, &namespaces, Some(refusal)).await
}

/// `refusal`: why it is not read as a whole, if it was tried; it is the failure if no namespace can be read either.
async fn by_namespace(
    cluster: &Cluster,
    rows: &Rows,
    resource: &Resource,
    namespaces: &[Name],
    refusal: Option<Failure>,
) -> Result<ObjectTable, Failure> {
    let asked = namespaces.iter().map(|namespace| list(cluster, rows, resource, Some(namespace), None));
    let (mut whole, mut failed) = (None::<Listed>, Vec::new());
    for (namespace, listed) in namespaces.iter().zip(join_all(asked).await) {
        match (listed, &mut whole) {
            (Ok(listed), None) => whole = Some(listed),
            (Ok(listed), Some(whole)) => whole.add(listed),
            (Err(failure), _) => failed.push((namespace, failure)),
        }
    }
    let Some(mut whole) = whole else {
        return Err(refusal.or_else(|| failed.pop().map(|(_, failure)| failure)).expect("none asked, so it was tried"));
    };
    whole.cap();
    let mut notes = Vec::new();
    if refusal.is_some() {
        let read = namespaces.iter().filter(|name| !failed.iter().any(|(other, _)| other == name));
        notes.push(Clean::own(format!("narrow rights: only of {}", quoted(read))));
    } else if !failed.is_empty() {
        let said = failed.iter().map(|(name, failure)| format!("'{name}': {failure}")).collect::<Vec<_>>().join("; ");
        notes.push(Clean::own(format!("not of {said}")));
    }
    Ok(whole.done(notes))
}

fn quoted<'a>(names: impl Iterator<Item = &'a Name>) -> String {
    names.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

/// A list as it grows.
#[derive(Default)]
struct Listed {
    table: ObjectTable,
    bytes: usize,
    /// Objects that the server has beyond these, where it said.
    more: Option<u64>,
    is_cut: bool,
}

impl Listed {
    fn take(&mut self, page: Page, stated: Option<Stated>, rows: &Rows, bytes: usize) {
        self.bytes += bytes;
        let (columns, more) = page.into_rows(rows, stated, |row| self.table.rows.push(row));
        if self.table.columns.is_empty() {
            self.table.columns = columns;
        }
        self.more = more;
    }

    fn is_full(&self) -> bool {
        self.table.rows.len() >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    fn add(&mut self, other: Self) {
        self.table.rows.extend(other.table.rows);
        self.bytes += other.bytes;
        self.is_cut |= other.is_cut;
        self.more = self.more.zip(other.more).map(|(one, two)| one + two);
    }

    fn cap(&mut self) {
        self.is_cut |= self.table.rows.len() > MAX_ROWS;
        self.table.rows.truncate(MAX_ROWS);
    }

    fn done(self, mut notes: Vec<Clean>) -> ObjectTable {
        if self.is_cut {
            let kept = self.table.rows.len();
            let all = self.more.map_or_else(|| "more".to_owned(), |more| (kept as u64 + more).to_string());
            notes.push(Clean::own(format!("the first {kept} of {all}: choose a namespace with :ns")));
        }
        let by_size = Duration::from_millis(self.bytes as u64 * 1_000 / BYTES_PER_SECOND as u64);
        ObjectTable { is_complete: true, notes, every: by_size.clamp(EVERY, SELDOM), ..self.table }
    }
}

/// All pages of one list, begun again if it expires in between (410).
async fn list(
    cluster: &Cluster,
    rows: &Rows,
    resource: &Resource,
    namespace: Option<&Name>,
    shown: Option<&AnswerSink>,
) -> Result<Listed, Failure> {
    let path = collection(resource, namespace.map(Clean::as_str));
    let (mut listed, mut next, mut restarts) = (Listed::default(), String::new(), 0);
    loop {
        let stated = Stated::of(resource);
        let include = if stated.is_some() { "Object" } else { "Metadata" };
        let mut pairs = vec![("limit", PAGE), ("includeObject", include)];
        if !next.is_empty() {
            pairs.push(("continue", &next));
        }
        let asked = format!("{path}?{}", query(pairs));
        let answer = match cluster.get_as(&asked, TABLE, cluster.list_within()).await {
            Err(failure) if failure.is_expired() && !next.is_empty() && restarts < RESTARTS => {
                restarts += 1;
                (listed, next) = Default::default();
                continue;
            }
            answer => answer?,
        };
        let mut page: Page = cluster.parse(&asked, &answer)?;
        next = page.take_continue();
        listed.take(page, stated, rows, answer.len());
        if next.is_empty() {
            return Ok(listed);
        }
        if listed.is_full() {
            listed.is_cut = true;
            listed.cap();
            return Ok(listed);
        }
        if let Some(out) = shown {
            // Nobody looks any more: then this is dropped anyway.
            out.send(Ok(Answer::Table(Box::new(ObjectTable { every: EVERY, ..listed.table.clone() })))).await;
        }
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
    let page: Page = cluster.parse(&path, &answer)?;
    let mut found = Vec::new();
    let (columns, _) = page.into_rows(rows, None, |row| found.push(row));
    Ok(found.pop().map(|row| (ObjectTable { columns, ..ObjectTable::default() }, row)))
}
