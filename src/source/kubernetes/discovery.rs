//! What a cluster serves: its kinds, by aggregated discovery (one answer for all groups), or group by group where the
//! server does not have that. A group that cannot be read is said, and the rest is there.

mod shapes;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::future::join_all;

use self::shapes::{Entry, GroupVersion, Root};
use super::{
    client::{Cluster, segment},
    failure::Failure,
    pace::Pace,
};
use crate::{
    model::kubernetes::resource::{Resource, Resources},
    query::Answer,
    source::AnswerSink,
    text::Clean,
};

/// apidiscovery.k8s.io/v2 is on from 1.30, its beta from 1.27; the last is what every server has.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
const PLAIN: &str = "application/json";
/// How long the list is taken for true.
const KEPT: Duration = Duration::from_mins(5);
/// As long, if a group was missing.
const KEPT_IN_PARTS: Duration = Duration::from_secs(30);
/// Most groups and versions that are read one by one.
const MAX_ASKED: usize = 200;

/// The kinds of one cluster, read once in a while.
pub struct Discovery {
    cluster: Cluster,
    known: Mutex<Option<(Instant, Arc<Resources>)>>,
}

impl Discovery {
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, known: Mutex::default() }
    }

    /// The next look asks the server.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Instant, Arc<Resources>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, and how long it may still be used.
    fn fresh(&self) -> Option<(Arc<Resources>, Duration)> {
        let known = self.lock();
        let (at, resources) = known.as_ref()?;
        let kept = if resources.troubles.is_empty() { KEPT } else { KEPT_IN_PARTS };
        let left = kept.checked_sub(self.cluster.clock().now().since(*at))?;
        (!left.is_zero()).then(|| (resources.clone(), left))
    }

    /// The kinds, as of a few minutes ago at most.
    pub async fn resources(&self) -> Result<Arc<Resources>, Failure> {
        if let Some((known, _)) = self.fresh() {
            return Ok(known);
        }
        let read = Arc::new(read(&self.cluster).await?);
        *self.lock() = Some((self.cluster.clock().now().mono, read.clone()));
        Ok(read)
    }

    /// Answers now, and again whenever the list is old.
    pub async fn follow(&self, out: &AnswerSink) {
        let mut pace = Pace::new(&self.cluster);
        loop {
            let read = self.resources().await;
            let left = self.fresh().map_or(KEPT_IN_PARTS, |(_, left)| left);
            let pause = pace.after(read.as_ref().err(), left);
            let answer = read.map(Answer::Resources).map_err(Into::into);
            if !out.send(answer).await {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Reads both roots. One of them must answer.
pub async fn read(cluster: &Cluster) -> Result<Resources, Failure> {
    let (core, groups) = futures::join!(root(cluster, "/api"), root(cluster, "/apis"));
    let mut found = Resources::default();
    let mut seen = BTreeSet::new();
    let mut failed = Vec::new();
    for (what, part) in [("the core group", core), ("groups", groups)] {
        match part {
            Ok((entries, troubles)) => {
                let new = entries.into_iter().filter(|entry| seen.insert((entry.group.clone(), entry.plural.clone())));
                found.list.extend(new.map(Arc::new));
                found.troubles.extend(troubles);
            }
            Err(failure) => failed.push((what, failure)),
        }
    }
    if failed.len() == 2
        && let Some((_, first)) = failed.pop()
    {
        return Err(first);
    }
    found.troubles.extend(failed.iter().map(|(what, failure)| Clean::own(format!("{what}: {failure}"))));
    Ok(found)
}

/// Whether a group and version (`/apis/GROUP/VERSION`) is there with a kind of this plural. Where it is not found, the
/// list of groups must be: a server that finds nothing at all says nothing about the kind.
pub async fn is_served(cluster: &Cluster, api: &str, plural: &str) -> Result<bool, Failure> {
    let Some(list) = cluster.get_opt::<shapes::ResourceList>(api).await? else {
        return match cluster.get::<serde_json::Value>("/apis").await {
            Err(failure) if !failure.is(403) => Err(failure),
            _ => Ok(false),
        };
    };
    Ok(list.resources.into_iter().flatten().any(|entry| entry.is(plural)))
}

/// Whether the core group has a resource or subresource (`pods/resize`) that takes this verb.
pub async fn core_takes(cluster: &Cluster, name: &str, verb: &str) -> Result<bool, Failure> {
    let list: shapes::ResourceList = cluster.get("/api/v1").await?;
    Ok(list.resources.iter().flatten().any(|entry| entry.takes(name, verb)))
}

/// What is found below `/api` or `/apis`, and what could not be read.
async fn root(cluster: &Cluster, path: &str) -> Result<(Vec<Resource>, Vec<Clean>), Failure> {
    let within = cluster.answer_within();
    let answer = match cluster.get_as(path, AGGREGATED, within).await {
        Err(failure) if failure.is(406) => cluster.get_as(path, PLAIN, within).await?,
        answer => answer?,
    };
    match cluster.parse::<Root>(path, &answer)? {
        root if root.kind == "APIGroupDiscoveryList" => Ok(aggregated(root)),
        root => Ok(one_by_one(cluster, root.group_versions()).await),
    }
}

fn aggregated(root: Root) -> (Vec<Resource>, Vec<Clean>) {
    let (mut found, mut troubles) = (Vec::new(), Vec::new());
    for group in root.items.into_iter().flatten() {
        let name = group.metadata.name.unwrap_or_default();
        for version in group.versions {
            if version.freshness.as_deref() == Some("Stale") {
                troubles.push(missing(&name, &version.version, "its API service does not answer"));
            }
            let entries = version.resources.into_iter().flatten().map(Entry::from);
            found.extend(entries.filter_map(|entry| entry.resource(&name, &version.version)));
        }
    }
    (found, troubles)
}

async fn one_by_one(cluster: &Cluster, all: Vec<GroupVersion>) -> (Vec<Resource>, Vec<Clean>) {
    let asked = all.into_iter().take(MAX_ASKED).map(|GroupVersion { group, version }| async move {
        let path = if group.is_empty() {
            format!("/api/{}", segment(&version))
        } else {
            format!("/apis/{}/{}", segment(&group), segment(&version))
        };
        let list = cluster.get::<shapes::ResourceList>(&path).await;
        (group, version, list)
    });
    let (mut found, mut troubles) = (Vec::new(), Vec::new());
    for (group, version, list) in join_all(asked).await {
        match list {
            Ok(list) => {
                let entries = list.resources.into_iter().flatten();
                found.extend(entries.filter_map(|entry| entry.resource(&group, &version)));
            }
            Err(failure) => troubles.push(missing(&group, &version, &failure.to_string())),
        }
    }
    (found, troubles)
}

fn missing(group: &str, version: &str, why: &str) -> Clean {
    let group = if group.is_empty() { "core" } else { group };
    Clean::own(format!("group {}/{}: {}", Clean::line(group), Clean::line(version), Clean::line(why)))
}
