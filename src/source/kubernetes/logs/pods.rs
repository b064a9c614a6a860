//! The pods whose logs are followed: what of them matters to a log, and a task that reports their changes.

use std::time::Duration;

use k8s_openapi::api::core::v1 as core;
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};

use super::Limits;
use crate::{
    model::{
        BackendId, Name,
        kubernetes::{ObjectKey, tag_of},
    },
    query::{ContainerSort, ContainerState},
    source::{
        ErrorKind,
        kubernetes::{
            client::{Cluster, segment},
            failure::{Failure, Reached},
            selector::query,
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

/// Largest watch event: objects have at most 1.5 MB, more as JSON.
const MAX_EVENT: usize = 8 * 1024 * 1024;

/// Lists and watches until the receiver is gone. A person who may read one pod but not list any is served by asking again.
pub async fn watch(cluster: Cluster, selection: Selection, limits: Limits, out: mpsc::Sender<PodChange>) {
    let mut version = None;
    let mut failures = 0_u32;
    loop {
        let begun = cluster.clock().now().mono;
        match follow(&cluster, &selection, &mut version, &mut failures, &limits, &out).await {
            // A watch that ends at once is not asked for again at once.
            Ok(()) if cluster.clock().now().since(begun) >= limits.poll / 5 => {}
            Ok(()) => tokio::time::sleep(limits.poll / 5).await,
            Err(Stopped::Unwanted) => return,
            Err(Stopped::Failed(failure)) if failure.is_expired() && version.take().is_some() => {}
            Err(Stopped::Failed(failure)) => {
                // By its name alone a pod is read without a look at its fields.
                if let (true, Some(name), None) = (failure.is(403), &selection.name, &selection.fields) {
                    return poll_one(&cluster, &selection, name, limits.poll, out).await;
                }
                if failure.code.is_none() && failure.reached == Reached::Answered {
                    // What could not be read is not known: a list tells.
                    version = None;
                }
                if out.send(PodChange::Failed(failure)).await.is_err() {
                    return;
                }
                failures += 1;
                tokio::time::sleep(limits.poll * failures.min(6)).await;
            }
        }
    }
}

/// Lists if no version is known, and watches from there once. A broken connection costs no new list.
async fn follow(
    cluster: &Cluster,
    selection: &Selection,
    version: &mut Option<String>,
    failures: &mut u32,
    limits: &Limits,
    out: &mpsc::Sender<PodChange>,
) -> Result<(), Stopped> {
    let known = match version {
        Some(known) => known,
        None => version.insert(list(cluster, selection, out).await?),
    };
    watch_from(cluster, selection, known, failures, limits, out).await
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
struct PodList {
    metadata: ListMeta,
    #[serde(default)]
    items: Vec<core::Pod>,
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(rename = "resourceVersion", default)]
    resource_version: String,
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

async fn list(cluster: &Cluster, selection: &Selection, out: &mpsc::Sender<PodChange>) -> Result<String, Stopped> {
    let list: PodList = cluster.get(&selection.path(&[])).await?;
    send(out, PodChange::Reset).await?;
    for pod in list.items {
        send(out, PodChange::Put(Box::new(reduced(&selection.cluster, pod)))).await?;
    }
    send(out, PodChange::Synced).await?;
    Ok(list.metadata.resource_version)
}

/// Until the server ends the watch. `version` is the one to go on from, also after a failure.
async fn watch_from(
    cluster: &Cluster,
    selection: &Selection,
    version: &mut String,
    failures: &mut u32,
    limits: &Limits,
    out: &mpsc::Sender<PodChange>,
) -> Result<(), Stopped> {
    let seconds = limits.idle.as_secs().max(1).to_string();
    let silence = limits.idle + limits.deadline;
    let query = [
        ("watch", "true"),
        ("allowWatchBookmarks", "true"),
        ("resourceVersion", version.as_str()),
        ("timeoutSeconds", &*seconds),
    ];
    let mut stream = cluster.open_stream(&selection.path(&query), limits.deadline).await?;
    if std::mem::take(failures) > 0 {
        send(out, PodChange::Resumed).await?;
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
                next.clone_into(version);
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
            send(out, PodChange::Put(Box::new(reduced(&selection.cluster, pod)))).await
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
                let pod = pod.map(|pod| PodChange::Put(Box::new(reduced(&selection.cluster, pod))));
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

fn reduced(cluster: &BackendId, pod: core::Pod) -> LogPod {
    let meta = pod.metadata;
    let spec = pod.spec.unwrap_or_default();
    let status = pod.status.unwrap_or_default();
    let mut containers = Vec::new();
    let mut add = |sort, name: &str, image: Option<&str>, statuses: &Option<Vec<core::ContainerStatus>>| {
        let status = statuses.iter().flatten().find(|status| status.name == name);
        let instance = instance(status, image.unwrap_or_default());
        containers.push(Container { name: Clean::line(name), sort, instance });
    };
    for one in &spec.containers {
        add(ContainerSort::Main, &one.name, one.image.as_deref(), &status.container_statuses);
    }
    for one in spec.init_containers.iter().flatten() {
        add(ContainerSort::Init, &one.name, one.image.as_deref(), &status.init_container_statuses);
    }
    for one in spec.ephemeral_containers.iter().flatten() {
        add(ContainerSort::Ephemeral, &one.name, one.image.as_deref(), &status.ephemeral_container_statuses);
    }
    let annotated = meta.annotations.as_ref().and_then(|all| all.get("kubectl.kubernetes.io/default-container"));
    let default_container = annotated
        .map(|name| Clean::line(name))
        .filter(|name| containers.iter().any(|container| container.name == *name))
        .or_else(|| containers.first().map(|container| container.name.clone()));
    let conditions: Vec<(Name, Name)> = (status.conditions.iter().flatten())
        .map(|condition| (Clean::line(&condition.type_), Clean::line(&condition.status)))
        .collect();
    let is = |kind: &str, word: &str| conditions.iter().any(|(name, status)| *name == *kind && *status == *word);
    LogPod {
        key: ObjectKey {
            cluster: cluster.clone(),
            namespace: Clean::line(meta.namespace.as_deref().unwrap_or_default()),
            name: Clean::line(meta.name.as_deref().unwrap_or_default()),
        },
        uid: Clean::line(meta.uid.as_deref().unwrap_or_default()),
        is_ready: is("Ready", "True"),
        is_initializing: is("Initialized", "False"),
        created: meta.creation_timestamp.map_or(0, |time| time.0.as_second()),
        default_container,
        conditions,
        containers,
    }
}

fn instance(status: Option<&core::ContainerStatus>, image: &str) -> Instance {
    let state = status.and_then(|status| status.state.as_ref());
    let last = status.and_then(|status| status.last_state.as_ref()).and_then(|state| state.terminated.as_ref());
    let waiting = match (status, state) {
        (None, _) => Some("no status yet".to_owned()),
        (_, state) => state
            .and_then(|state| state.waiting.as_ref())
            .map(|waiting| waiting.reason.clone().unwrap_or_else(|| "waiting".to_owned())),
    };
    Instance {
        id: status.and_then(|status| status.container_id.clone()).filter(|id| !id.is_empty()),
        running: state.is_some_and(|state| state.running.is_some()),
        state: state.and_then(|state| {
            let states = [
                (state.running.is_some(), ContainerState::Running),
                (state.waiting.is_some(), ContainerState::Waiting),
                (state.terminated.is_some(), ContainerState::Terminated),
            ];
            states.into_iter().find(|(is, _)| *is).map(|(_, state)| state)
        }),
        waiting,
        last_end: last.map(|end| match (&end.reason, end.signal) {
            (Some(reason), _) => format!("exit {} {reason}", end.exit_code),
            (None, Some(signal)) => format!("exit {} signal {signal}", end.exit_code),
            (None, None) => format!("exit {}", end.exit_code),
        }),
        version: Clean::line(tag_of(image)),
    }
}
