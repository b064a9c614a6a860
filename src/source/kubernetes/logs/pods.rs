//! The pods whose logs are followed: what of them matters to a log, and a task that reports their changes.

mod reduced;

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1 as core;
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};

use self::reduced::reduced;
use super::{Limits, pause::pause};
use crate::{
    model::{BackendId, Name, kubernetes::ObjectKey, log::PodDetails},
    query::{ContainerSort, ContainerState, WantedDetails},
    source::{
        ErrorKind,
        kubernetes::{
            client::{Cluster, TOO_LARGE, segment},
            failure::{Failure, Reached},
            selector::query,
            watch::shapes::Page,
        },
    },
    text::Clean,
};

/// How one container stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    /// `containerID`; none before it first started.
    pub id: Option<String>,
    pub running: bool,
    pub state: Option<ContainerState>,
    /// Why it waits, of a container that does.
    pub waiting: Option<String>,
    /// How the instance before this one ended: `exit 137 OOMKilled`.
    pub last_end: Option<String>,
    pub version: Name,
    /// Of its pod, as far as they are wanted.
    pub details: Arc<PodDetails>,
}

/// One pod, as far as its logs go.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPod {
    pub key: ObjectKey,
    pub uid: Name,
    pub is_ready: bool,
    /// Seconds since the epoch.
    pub created: i64,
    /// Annotation `kubectl.kubernetes.io/default-container`, else the first.
    pub default_container: Option<Name>,
    /// An init container has not succeeded yet.
    pub is_initializing: bool,
    /// Conditions and their status.
    pub conditions: Vec<(Name, Name)>,
    /// By sort, each in the order of the spec.
    pub containers: Vec<Container>,
}

/// One container of a pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    pub name: Name,
    pub sort: ContainerSort,
    pub instance: Instance,
}

/// A change of the followed set.
#[derive(Debug)]
pub enum PodChange {
    /// The complete set begins anew.
    Reset,
    Put(Box<LogPod>),
    Gone(Name),
    /// The set is complete.
    Synced,
    /// Changes are seen again after a failure, none was missed.
    Resumed,
    Failed(Failure),
}

/// Which pods: one by name, or those of a selector.
#[derive(Clone, Debug)]
pub struct Selection {
    pub cluster: BackendId,
    /// Empty: all.
    pub namespace: String,
    pub name: Option<String>,
    pub labels: Option<String>,
    /// A field selector besides.
    pub fields: Option<String>,
    /// What goes with their lines.
    pub details: WantedDetails,
}

impl Selection {
    fn path(&self, more: &[(&str, &str)]) -> String {
        let by_name = self.name.as_ref().map(|name| format!("metadata.name={name}"));
        let fields: Vec<&str> = by_name.as_deref().into_iter().chain(self.fields.as_deref()).collect();
        let fields = fields.join(",");
        let mut pairs: Vec<(&str, &str)> = more.to_vec();
        pairs.extend((!fields.is_empty()).then_some(("fieldSelector", fields.as_str())));
        pairs.extend(self.labels.as_deref().map(|selector| ("labelSelector", selector)));
        let namespace = match self.namespace.as_str() {
            "" => String::new(),
            namespace => format!("/namespaces/{}", segment(namespace)),
        };
        format!("/api/v1{namespace}/pods?{}", query(pairs))
    }
}

const PAGE: u32 = 500;
/// When a page of 500 is over the bound of one answer.
const SMALL_PAGE: u32 = 20;
/// A list that expires while its pages are read is begun again so often before that is said.
const RESTARTS: u32 = 3;
/// Largest watch event: objects have at most 1.5 MB, more as JSON.
const MAX_EVENT: usize = 8 * 1024 * 1024;
/// Longest wait between two tries.
const LONGEST: Duration = Duration::from_mins(1);

/// How far the pods are known.
#[derive(Default)]
struct Known {
    /// To watch from; without it a list is needed.
    version: Option<String>,
    /// In a row.
    failures: u32,
    /// Listed anew after a 410, and no change has come since: another 410 means that listing does not help.
    is_relisted: bool,
}

impl Known {
    /// The server has forgotten the version (410). False: the same was just said of the one that a new list gave.
    fn is_list_of_use(&mut self) -> bool {
        self.version.take().is_some() && !std::mem::replace(&mut self.is_relisted, true)
    }

    /// The failures are over.
    async fn resumed(&mut self, out: &mpsc::Sender<PodChange>) -> Result<(), Stopped> {
        if std::mem::take(&mut self.failures) > 0 { send(out, PodChange::Resumed).await } else { Ok(()) }
    }
}

/// Lists and watches until the receiver is gone. A person who may read one pod but not list any is served by asking again.
pub async fn watch(cluster: Cluster, selection: Selection, limits: Limits, out: mpsc::Sender<PodChange>) {
    let mut known = Known::default();
    loop {
        let begun = cluster.clock().now().mono;
        match follow(&cluster, &selection, &mut known, &limits, &out).await {
            // A watch that ends at once is not asked for again at once.
            Ok(()) if cluster.clock().now().since(begun) >= limits.poll / 5 => {}
            Ok(()) => tokio::time::sleep(limits.poll / 5).await,
            Err(Stopped::Unwanted) => return,
            Err(Stopped::Failed(failure)) if failure.is_expired() && known.is_list_of_use() => {}
            Err(Stopped::Failed(failure)) => {
                // By its name alone a pod is read without a look at its fields.
                if let (true, Some(name), None) = (failure.is(403), &selection.name, &selection.fields) {
                    return poll_one(&cluster, &selection, name, limits.poll, out).await;
                }
                if failure.code.is_none() && failure.reached == Reached::Answered {
                    // What could not be read is not known: a list tells.
                    known.version = None;
                }
                // After any other failure an open watch is a sign of its end.
                known.is_relisted &= failure.is_expired();
                let retry_at = failure.error.retry_at;
                if out.send(PodChange::Failed(failure)).await.is_err() {
                    return;
                }
                known.failures += 1;
                let own = (limits.poll * 2_u32.saturating_pow(known.failures.min(8) - 1)).min(LONGEST);
                let of = (&selection.name, &selection.labels);
                tokio::time::sleep(pause(own, retry_at, &of, cluster.clock().now())).await;
            }
        }
    }
}

/// Lists if no version is known, and watches from there once. A broken connection costs no new list.
async fn follow(
    cluster: &Cluster,
    selection: &Selection,
    known: &mut Known,
    limits: &Limits,
    out: &mpsc::Sender<PodChange>,
) -> Result<(), Stopped> {
    if known.version.is_none() {
        known.version = Some(list(cluster, selection, out).await?);
    }
    watch_from(cluster, selection, known, limits, out).await
}

/// Why a list or a watch cannot go on.
enum Stopped {
    Unwanted,
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

#[derive(Deserialize)]
struct WatchEvent {
    #[serde(rename = "type")]
    kind: String,
    object: Value,
}

async fn send(out: &mpsc::Sender<PodChange>, change: PodChange) -> Result<(), Stopped> {
    out.send(change).await.map_err(|_| Stopped::Unwanted)
}

/// All pods, in pages; their version. The pages of one list expire together: then it is begun again.
async fn list(cluster: &Cluster, selection: &Selection, out: &mpsc::Sender<PodChange>) -> Result<String, Stopped> {
    let mut restarts = 0;
    loop {
        match list_once(cluster, selection, out).await {
            Err(Stopped::Failed(failure)) if failure.is_expired() && restarts < RESTARTS => restarts += 1,
            other => return other,
        }
    }
}

async fn list_once(cluster: &Cluster, selection: &Selection, out: &mpsc::Sender<PodChange>) -> Result<String, Stopped> {
    let (mut page, mut next): (u32, Option<String>) = (PAGE, None);
    loop {
        let limit = page.to_string();
        let mut query = vec![("limit", &*limit)];
        query.extend(next.as_deref().map(|token| ("continue", token)));
        let path = selection.path(&query);
        let answer = match cluster.get_bytes(&path, cluster.list_within()).await {
            Err(failure) if failure.reason == TOO_LARGE && page > SMALL_PAGE => {
                page = SMALL_PAGE;
                continue;
            }
            other => other?,
        };
        if next.is_none() {
            send(out, PodChange::Reset).await?;
        }
        let list: Page<'_> = serde_json::from_slice(&answer).map_err(|error| odd(selection, &error))?;
        // One by one: as the server says them, pods take many times the room.
        for pod in list.items.unwrap_or_default() {
            let pod = serde_json::from_str(pod.get()).map_err(|error| odd(selection, &error))?;
            send(out, PodChange::Put(Box::new(reduced(selection, pod)))).await?;
        }
        let meta = list.metadata.unwrap_or_default();
        next = meta.continues.filter(|token| !token.is_empty());
        if next.is_none() {
            send(out, PodChange::Synced).await?;
            return Ok(meta.resource_version.unwrap_or_default());
        }
    }
}

/// Until the server ends the watch. `known` has the version to go on from, also after a failure.
async fn watch_from(
    cluster: &Cluster,
    selection: &Selection,
    known: &mut Known,
    limits: &Limits,
    out: &mpsc::Sender<PodChange>,
) -> Result<(), Stopped> {
    let seconds = limits.idle.as_secs().max(1).to_string();
    let silence = limits.idle + limits.deadline;
    let query = [
        ("watch", "true"),
        ("allowWatchBookmarks", "true"),
        ("resourceVersion", known.version.as_deref().unwrap_or_default()),
        ("timeoutSeconds", &*seconds),
    ];
    let mut stream = cluster.open_stream(&selection.path(&query), limits.deadline).await?;
    if !known.is_relisted {
        known.resumed(out).await?;
    }
    let mut begun = Vec::new();
    loop {
        let Ok(chunk) = timeout(silence, stream.chunk()).await else {
            return Ok(());
        };
        let Some(chunk) = chunk? else { return Ok(()) };
        begun.extend_from_slice(&chunk);
        let Some(end) = begun.iter().rposition(|byte| *byte == b'\n') else {
            if begun.len() > MAX_EVENT {
                return Err(Failure::own(ErrorKind::Unexpected, Reached::Answered, "a pod is too large to read").into());
            }
            continue;
        };
        let rest = begun.split_off(end + 1);
        for line in begun.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // A line that is not one is the server's fault, and lists mend it.
            let event: WatchEvent = serde_json::from_slice(line).map_err(|error| odd(selection, &error))?;
            if let Some(next) = event.object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
                known.version = Some(next.to_owned());
            }
            if event.kind != "ERROR" {
                known.is_relisted = false;
                known.resumed(out).await?;
            }
            changed(selection, event, out).await?;
        }
        begun = rest;
    }
}

async fn changed(selection: &Selection, event: WatchEvent, out: &mpsc::Sender<PodChange>) -> Result<(), Stopped> {
    match event.kind.as_str() {
        "ADDED" | "MODIFIED" => {
            let pod = serde_json::from_value(event.object).map_err(|error| odd(selection, &error))?;
            send(out, PodChange::Put(Box::new(reduced(selection, pod)))).await
        }
        "DELETED" => {
            let uid = event.object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
            send(out, PodChange::Gone(Clean::line(uid))).await
        }
        "ERROR" => {
            let code = event.object.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
            let says = event.object.get("message").and_then(Value::as_str).unwrap_or("the watch failed");
            Err(Failure { code, ..Failure::own(ErrorKind::Unexpected, Reached::Answered, says) }.into())
        }
        _ => Ok(()),
    }
}

fn odd(selection: &Selection, error: &serde_json::Error) -> Stopped {
    let says = format!("Kubernetes '{}' answered a pod with what is not one: {error}.", selection.cluster);
    Failure::own(ErrorKind::Unexpected, Reached::Answered, says).into()
}

async fn poll_one(cluster: &Cluster, selection: &Selection, name: &str, every: Duration, out: mpsc::Sender<PodChange>) {
    let path = format!("/api/v1/namespaces/{}/pods/{}", segment(&selection.namespace), segment(name));
    loop {
        let changes = match cluster.get_opt::<core::Pod>(&path).await {
            Ok(pod) => {
                let pod = pod.map(|pod| PodChange::Put(Box::new(reduced(selection, pod))));
                [Some(PodChange::Reset), pod, Some(PodChange::Synced)]
            }
            Err(failure) => [Some(PodChange::Failed(failure)), None, None],
        };
        for change in changes.into_iter().flatten() {
            if out.send(change).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(every).await;
    }
}
