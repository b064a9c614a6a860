//! What a word means as a kind of object, over the clusters that are open.

use std::{collections::BTreeMap, sync::Arc};

use super::View;
use crate::{
    command::nearest,
    model::{
        BackendId, BackendKind, Name,
        kubernetes::resource::{Resource, Resources, Unresolved},
    },
    query::{Answer, Query, TableQuery},
    source::SourceError,
    store::slot::Failure,
};

/// Names of Kubernetes' own kinds that are like, or begin like, the name of a command (`no` and `now`), and those that
/// people type most: they mean the kind before it is known what the cluster serves as well.
const USUAL: &str = "cj cm configmap configmaps cronjob cronjobs daemonset daemonsets deploy deployment deployments ds ep \
    ev event events hpa ing ingress ingresses job jobs limits netpol no node nodes pdb pv pvc quota rc replicaset \
    replicasets rs sa sc secret secrets service services statefulset statefulsets sts svc";

/// Whether a word is the name of a kind that every cluster serves.
pub fn is_usual(word: &str) -> bool {
    let word = word.to_lowercase();
    USUAL.split_whitespace().any(|name| name == word)
}

/// What a word means to one cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning<'a> {
    Kind(&'a Arc<Resource>),
    /// Names that would be clear.
    Ambiguous(Vec<String>),
    /// The cluster serves no such kind.
    Unknown,
    /// What it serves is not known yet.
    Loading,
    /// What it serves could not be read.
    Failed(&'a SourceError),
}

/// The clusters, by name.
pub fn clusters<'a>(view: &View<'a>) -> impl Iterator<Item = &'a BackendId> {
    view.settings.backends.iter().filter(|(_, kind)| **kind == BackendKind::Kubernetes).map(|(id, _)| id)
}

/// What a cluster serves, if it is known; else why not, if that is.
fn served<'a>(view: &View<'a>, cluster: &BackendId) -> Result<&'a Resources, Option<&'a SourceError>> {
    let slot = view.store.answers.get(&Query::Resources(cluster.clone()));
    if let Some(Answer::Resources(resources)) = slot.and_then(|slot| slot.value.as_ref()) {
        return Ok(resources);
    }
    let failure = slot.and_then(|slot| slot.pulse.failure.as_ref()).or_else(|| cannot_be_opened(view, cluster));
    Err(failure.map(|failure| &failure.error))
}

/// A cluster that cannot be opened says so as its sources; nobody answers its questions.
fn cannot_be_opened<'a>(view: &View<'a>, cluster: &BackendId) -> Option<&'a Failure> {
    let mut own = view.store.sources.iter().filter(|(id, _)| id.backend == *cluster);
    if own.clone().any(|(_, state)| state.pulse.as_of.is_some()) {
        return None;
    }
    own.find_map(|(_, state)| state.pulse.failure.as_ref())
}

pub fn meaning<'a>(view: &View<'a>, cluster: &BackendId, word: &str) -> Meaning<'a> {
    match served(view, cluster).map(|resources| resources.resolve(word)) {
        Ok(Ok(resource)) => Meaning::Kind(resource),
        Ok(Err(Unresolved::Ambiguous(names))) => Meaning::Ambiguous(names),
        Ok(Err(Unresolved::Unknown)) => Meaning::Unknown,
        Err(None) => Meaning::Loading,
        Err(Some(error)) => Meaning::Failed(error),
    }
}

/// What a word means over all clusters: a kind if any has it, else what is hoped for, else why there is none.
pub fn anywhere<'a>(view: &View<'a>, word: &str) -> Option<Meaning<'a>> {
    let rank = |meaning: &Meaning<'_>| match meaning {
        Meaning::Kind(_) => 0,
        Meaning::Loading => 1,
        Meaning::Ambiguous(_) => 2,
        Meaning::Failed(_) => 3,
        Meaning::Unknown => 4,
    };
    clusters(view).map(|cluster| meaning(view, cluster, word)).min_by_key(rank)
}

/// What asks a cluster for all its namespaces, once it is known how.
pub fn namespaces_query(view: &View<'_>, cluster: &BackendId) -> Option<Query> {
    let Meaning::Kind(resource) = meaning(view, cluster, "namespaces") else { return None };
    Some(Query::Table(TableQuery { cluster: cluster.clone(), resource: resource.clone(), namespaces: Vec::new() }))
}

/// All namespaces of a cluster; `None` where they were not read, or may not be.
pub fn namespaces<'a>(view: &View<'a>, cluster: &BackendId) -> Option<Vec<&'a Name>> {
    let slot = view.store.answers.get(&namespaces_query(view, cluster)?)?;
    match &slot.value {
        Some(Answer::Table(table)) if table.is_complete => Some(table.rows.iter().map(|row| &row.name).collect()),
        _ => None,
    }
}

/// Whether it is of no use to wait for the namespaces of a cluster: they may not be read, or could not be.
pub fn has_no_namespaces(view: &View<'_>, cluster: &BackendId) -> bool {
    match meaning(view, cluster, "namespaces") {
        Meaning::Loading => false,
        Meaning::Kind(_) => namespaces_query(view, cluster)
            .and_then(|query| view.store.answers.get(&query))
            .is_some_and(|slot| slot.value.is_none() && slot.pulse.failure.is_some()),
        _ => true,
    }
}

/// Every kind that is known, by its full name.
pub fn known<'a>(view: &View<'a>) -> BTreeMap<String, &'a Arc<Resource>> {
    let all = clusters(view).filter_map(|cluster| served(view, cluster).ok());
    all.flat_map(|resources| &resources.list).map(|resource| (resource.qualified(), resource)).collect()
}

/// Why a kind may not be listed, if that was all that came when it was looked at last.
pub fn refusal<'a>(view: &View<'a>, resource: &Resource) -> Option<&'a SourceError> {
    let mut of_kind = view.store.answers.iter().filter_map(|(query, slot)| match query {
        Query::Table(table) if *table.resource == *resource => Some(slot),
        _ => None,
    });
    if of_kind.clone().any(|slot| slot.value.is_some()) {
        return None;
    }
    of_kind.find_map(|slot| slot.pulse.failure.as_ref()).map(|failure| &failure.error)
}

/// The known name that is nearest to a word.
pub fn nearest_to<'a>(view: &View<'a>, word: &str) -> Option<&'a str> {
    let all = clusters(view).filter_map(|cluster| served(view, cluster).ok());
    nearest(&word.to_lowercase(), all.flat_map(Resources::names))
}

/// Whether no cluster's kinds could be read, so that nobody knows what the word means.
pub fn are_unread(view: &View<'_>, word: &str) -> bool {
    matches!(anywhere(view, word), Some(Meaning::Failed(_)))
}

/// Why a word means no kind, for people; `None` while it may still turn out to.
pub fn why_none(view: &View<'_>, word: &str) -> Option<String> {
    match anywhere(view, word) {
        Some(Meaning::Kind(_) | Meaning::Loading) => None,
        Some(Meaning::Ambiguous(names)) => {
            Some(format!("'{word}' is the name of several kinds: write {}", names.join(" or ")))
        }
        Some(Meaning::Failed(error)) => Some(format!("the kinds could not be read: {}", error.says)),
        Some(Meaning::Unknown) => {
            let near = nearest_to(view, word).map(|near| format!(": did you mean '{near}'?")).unwrap_or_default();
            Some(format!("no kind of object is called '{word}'{near}{}", unread_groups(view)))
        }
        None => Some("no cluster is open".to_owned()),
    }
}

/// What is missing may be in a group that could not be read.
fn unread_groups(view: &View<'_>) -> String {
    let troubles: Vec<&str> = clusters(view)
        .filter_map(|cluster| served(view, cluster).ok())
        .flat_map(|resources| &resources.troubles)
        .map(crate::text::Clean::as_str)
        .collect();
    if troubles.is_empty() { String::new() } else { format!(" (not read: {})", troubles.join("; ")) }
}
