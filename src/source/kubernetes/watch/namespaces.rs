//! Which namespaces are watched one by one where the whole cluster may not be, and what is said of those that are not.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};

use super::{
    collection::Collection as _,
    kind::{self, Watched},
};
use crate::{
    model::{
        Coverage, Name,
        kubernetes::rights::{Right, Rights},
    },
    source::kubernetes::{client::Cluster, rights},
    text::Clean,
};

/// Most namespaces that are watched one by one: each watch is a connection.
pub const MAX_NAMESPACES: usize = 20;

/// Most namespaces that are asked about, and how many at once: the first row waits for all these answers, over a slow line
/// too.
const MAX_ASKED: usize = 100;
const AT_ONCE: usize = 8;
/// How long an answer is taken for true: seven watches begin at the same time.
const KEPT: Duration = Duration::from_mins(1);
/// So many names are said; of more, how many they are.
const NAMED: usize = 8;

/// What may be done in the namespaces that were asked about: when, through which way in, and what came.
pub type Survey = BTreeMap<Name, (Instant, String, Rights)>;

/// The namespaces that are read in place of the whole cluster.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    pub names: Vec<Name>,
    /// So many more may be read, those among them that were not asked about.
    pub more: usize,
}

/// Those that are configured or were chosen by hand, the context's own, and those that may be listed. Of more than can be
/// watched, the server is asked first where the kind may be listed at all.
pub async fn choose(cluster: &Cluster, group: &str, plural: &str) -> Chosen {
    let mut names: Vec<Name> = cluster.namespaces().to_vec();
    names.extend(cluster.learnt().chosen.iter().cloned());
    names.extend(cluster.own_namespace().cloned());
    if names.len() < MAX_NAMESPACES {
        names.extend(kind::namespaces(cluster).await.unwrap_or_default());
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    of_these(cluster, names, group, plural).await
}

/// As many of these as can be watched.
pub async fn of_these(cluster: &Cluster, mut names: Vec<Name>, group: &str, plural: &str) -> Chosen {
    let unasked = names.len().saturating_sub(MAX_ASKED);
    names.truncate(MAX_ASKED);
    if names.len() > MAX_NAMESPACES {
        names = permitted(cluster, names, group, plural).await;
    }
    let more = names.len().saturating_sub(MAX_NAMESPACES) + unasked;
    names.truncate(MAX_NAMESPACES);
    Chosen { names, more }
}

/// Without those where the kind is refused for sure. Where the server could not list all rules, or would not, the namespace
/// is tried, after the others.
async fn permitted(cluster: &Cluster, mut names: Vec<Name>, group: &str, plural: &str) -> Vec<Name> {
    // Held while it is asked: the other watches wait for these answers.
    let mut survey = cluster.survey().lock().await;
    let (now, access) = (cluster.clock().now(), cluster.access_print());
    survey.retain(|_, (at, through, _)| now.since(*at) < KEPT && *through == access);
    let unknown: Vec<Name> = names.iter().filter(|name| !survey.contains_key(*name)).cloned().collect();
    let mut asked = stream::iter(unknown)
        .map(|name| async move {
            let rights = rights::read(cluster, &name).await;
            (name, rights)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((name, read)) = asked.next().await {
        let rights = read.unwrap_or_else(|_| Rights { is_incomplete: true, ..Rights::default() });
        // As of its answer: the watches that wait here may wait for long.
        survey.insert(name, (cluster.clock().now().mono, access.clone(), rights));
    }
    drop(asked);
    let right = Right { verb: "list", group, resource: plural, subresource: "", name: "" };
    let known = |name: &Name| survey.get(name).map(|(_, _, rights)| rights);
    names.retain(|name| known(name).is_none_or(|rights| !rights.refuse(&right)));
    names.sort_by_key(|name| known(name).is_none_or(|rights| rights.is_incomplete));
    names
}

/// Whether one row of the whole cluster may be listed (again).
pub async fn may_read_all(cluster: &Cluster, kind: Watched) -> bool {
    cluster.get::<serde::de::IgnoredAny>(&format!("{}&limit=1", kind.path(None))).await.is_ok()
}

/// All was asked for, and only these may be read.
pub fn narrow(read: Vec<Name>, more: usize) -> Coverage {
    Coverage { says: narrow_words(&read, more), read, is_failure: false }
}

/// Only these are read, and so many more may be.
pub fn narrow_words(read: &[Name], more: usize) -> Clean {
    let more = if more > 0 { format!("; {more} more may be read, one at a time with :ns NAME") } else { String::new() };
    Clean::own(format!("narrow rights: only of {}{more}", quoted(read)))
}

/// These were asked for by name, and so many of those that may be read are not; `None`: all of them are read.
pub fn left_out(wanted: &[Name], read: Vec<Name>, more: usize) -> Option<Coverage> {
    let left: Vec<Name> = wanted.iter().filter(|name| !read.contains(name)).cloned().collect();
    if left.is_empty() {
        return None;
    }
    let forbidden = "forbidden (403)";
    let cut = format!("the whole cluster may not be read, and one by one at most {MAX_NAMESPACES} namespaces are");
    let why = match more {
        0 => forbidden.to_owned(),
        more if more < left.len() => format!("{} {forbidden}; {cut}", left.len() - more),
        _ => cut,
    };
    let says = format!("{} of {} namespaces, not {}: {why}", read.len(), wanted.len(), quoted(&left));
    Some(Coverage { read, says: Clean::own(says), is_failure: true })
}

/// `'a', 'b' and 3 more`
fn quoted(names: &[Name]) -> String {
    let shown = if names.len() > NAMED + 1 { NAMED } else { names.len() };
    let words = names[..shown].iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    if shown < names.len() { format!("{words} and {} more", names.len() - shown) } else { words }
}
