//! The page of a pod.

use futures::future::{OptionFuture, join_all};
use serde_json::Value;

use super::{Page, container, controller, controller_path, events_of, node, text};
use crate::{
    model::{
        Level,
        kubernetes::{Event, Pod, named::references, told::told},
    },
    source::{
        ErrorKind,
        kubernetes::{
            client::{Cluster, segment},
            failure::{Failure, Reached},
            revisions::{CHANGE_CAUSE, REVISIONS},
            rows::{Rows, restarts_text},
            usage,
        },
    },
    time::age_of,
};

pub async fn describe(cluster: &Cluster, rows: &Rows, raw: &Value, page: &mut Page) -> Result<(), Failure> {
    let mut pod =
        rows.pod(raw).map_err(|error| Failure::own(ErrorKind::Unexpected, Reached::Answered, error.to_string()))?;
    let namespace = &*pod.key.namespace;
    let own_events = format!("involvedObject.uid={}", pod.uid);
    let (owners, node, on_node, events, node_events, claims, used) = futures::join!(
        owners(cluster, namespace, raw),
        OptionFuture::from(
            pod.node
                .as_deref()
                .map(|node| async move { cluster.get::<Value>(&format!("/api/v1/nodes/{}", segment(node))).await })
        ),
        OptionFuture::from(pod.node.as_deref().map(|node| node::pods_on(cluster, rows, node))),
        events_of(cluster, rows, namespace, &own_events),
        OptionFuture::from(pod.node.as_deref().map(|node| async move {
            let selector = format!("involvedObject.kind=Node,involvedObject.name={node}");
            events_of(cluster, rows, "default", &selector).await
        })),
        unbound_claims(cluster, namespace, raw, pod.node.is_none()),
        usage::of_pod(cluster, namespace, &pod.key.name),
    );
    let heard: Vec<&Event> = events.iter().flatten().collect();
    if let Some((level, why)) = told(&pod, &heard) {
        (pod.level, pod.why) = (level, why);
    }
    page.heading(&format!("pod {}", pod.key.name));
    summary(page, &pod, raw);
    for claim in claims {
        page.levelled("volume", &claim, Some(Level::Broken));
    }
    let volumes = raw.pointer("/spec/volumes").unwrap_or(&Value::Null);
    let ephemeral = rows.ephemeral_containers(raw).unwrap_or_default();
    for shown in pod.containers.iter().chain(ephemeral.iter()) {
        container::describe(page, shown, spec_of(raw, &shown.name), volumes, used.get(shown.name.as_str()));
    }
    page.conditions(raw, |kind, status| (status == "True") != is_bad_when_true(kind));
    page.heading("owner");
    let of_owners = owners
        .iter()
        .filter_map(|owner| owner.uid.as_ref())
        .map(|uid| async move { events_of(cluster, rows, namespace, &format!("involvedObject.uid={uid}")).await });
    let owner_events = join_all(of_owners).await;
    for owner in &owners {
        page.field(&owner.kind, &owner.words);
    }
    if let Some((node, on_node)) = node.zip(on_node) {
        describe_node(page, &pod, node, on_node);
    }
    // Those of the node and of the owners are extra: without the right to read them the pod's still count.
    let events = events.map(|mut events| {
        let extra = owner_events.into_iter().chain(node_events).filter_map(Result::ok);
        events.extend(extra.flatten());
        events
    });
    page.events(events);
    Ok(())
}

/// Conditions that are not there, or False, while all is well.
fn is_bad_when_true(kind: &str) -> bool {
    matches!(kind, "DisruptionTarget" | "PodResizePending" | "PodResizeInProgress")
}

fn summary(page: &mut Page, pod: &Pod, raw: &Value) {
    // That it should have gone by now is said below.
    let (level, why) = match pod.deleting_since {
        Some(_) => (pod.level, pod.why.as_str().into()),
        None => pod.standing(page.now),
    };
    page.levelled("status", &pod.status, Some(level));
    page.levelled("why", &why, Some(level));
    page.field("reason", pod.reason.as_deref().unwrap_or_default());
    if let Some(since) = pod.deleting_since {
        let grace = raw.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
        let grace = grace.map_or(String::new(), |seconds| format!(", grace {seconds} s"));
        let holds = raw.pointer("/metadata/finalizers").and_then(Value::as_array);
        let holds: Vec<&str> = holds.into_iter().flatten().filter_map(Value::as_str).collect();
        let holds = if holds.is_empty() { String::new() } else { format!(", held by finalizers {}", holds.join(", ")) };
        let lasts = age_of(since, page.now);
        let (level, _) = pod.standing(page.now);
        page.levelled("terminating", &format!("lasts {lasts}{grace}{holds}"), Some(level));
    }
    page.field("ready", &format!("{}/{}", pod.ready, pod.total));
    page.field("restarts", &restarts_text(pod, page.now));
    page.field("age", &pod.created.map_or(String::new(), |created| age_of(created, page.now)));
    page.field("node", pod.node.as_deref().unwrap_or("not scheduled"));
    page.field("address", text(raw, "/status/podIP"));
    page.field("quality of service", text(raw, "/status/qosClass"));
    page.field("priority", text(raw, "/spec/priorityClassName"));
    page.field("service account", text(raw, "/spec/serviceAccountName"));
    if pod.node.is_none() {
        placement(page, raw);
    }
}

/// What keeps a pod from being scheduled; of no interest once it is.
fn placement(page: &mut Page, raw: &Value) {
    if let Some(labels) = raw.pointer("/spec/nodeSelector").and_then(Value::as_object) {
        let words: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        page.field("node selector", &words.join(", "));
    }
    if let Some(affinity) = raw.pointer("/spec/affinity").and_then(Value::as_object) {
        page.field("affinity", &affinity.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    }
    let tolerations = raw.pointer("/spec/tolerations").and_then(Value::as_array);
    let words: Vec<&str> =
        tolerations.into_iter().flatten().map(|t| text(t, "/key")).filter(|key| !key.is_empty()).collect();
    page.field("tolerations", &words.join(", "));
}

fn spec_of<'a>(raw: &'a Value, container: &str) -> Option<&'a Value> {
    ["/spec/containers", "/spec/initContainers", "/spec/ephemeralContainers"]
        .into_iter()
        .filter_map(|list| raw.pointer(list)?.as_array())
        .flatten()
        .find(|spec| text(spec, "/name") == container)
}

/// One of those that an object belongs to.
struct Above {
    kind: String,
    words: String,
    /// Where it could be read.
    uid: Option<String>,
}

/// The chain up to the top, each with revision, cause and age: "deployed 7 minutes ago" is the best clue.
async fn owners(cluster: &Cluster, namespace: &str, raw: &Value) -> Vec<Above> {
    let mut chain = Vec::new();
    let mut object = raw.clone();
    // Pod, ReplicaSet or Job, Deployment or CronJob, and one more for what custom resources add.
    for _ in 0..4 {
        let Some((kind, name)) = controller(&object).map(|(kind, name)| (kind.to_owned(), name.to_owned())) else {
            break;
        };
        let above = |words: String, uid: Option<String>| Above { kind: kind.to_lowercase(), words, uid };
        let Some(path) = controller_path(namespace, &kind, &name) else {
            chain.push(above(name, None));
            break;
        };
        match cluster.get::<Value>(&path).await {
            Ok(owner) => {
                let uid = Some(text(&owner, "/metadata/uid").to_owned()).filter(|uid| !uid.is_empty());
                chain.push(above(format!("{name}{}", facts_of(&owner, cluster)), uid));
                object = owner;
            }
            Err(failure) => {
                chain.push(above(format!("{name} (not readable: {failure})"), None));
                break;
            }
        }
    }
    if chain.is_empty() {
        let words = "none: nothing makes it again when it is gone".to_owned();
        chain.push(Above { kind: "owner".to_owned(), words, uid: None });
    }
    chain
}

fn facts_of(owner: &Value, cluster: &Cluster) -> String {
    let annotation = |name: &str| owner.pointer("/metadata/annotations").and_then(|all| all.get(name)?.as_str());
    let now = cluster.time();
    let mut facts = vec![String::new()];
    if let Some(revision) = REVISIONS.iter().find_map(|name| annotation(name)) {
        facts.push(format!("revision {revision}"));
    }
    if let Ok(created) = text(owner, "/metadata/creationTimestamp").parse() {
        facts.push(format!("made {} ago", age_of(created, now)));
    }
    if let Some(cause) = annotation(CHANGE_CAUSE) {
        facts.push(format!("because: {cause}"));
    }
    // Begins with the comma after the name.
    facts.join(", ")
}

fn describe_node(page: &mut Page, pod: &Pod, node: Result<Value, Failure>, on: Result<node::OnNode, Failure>) {
    let name = pod.node.as_deref().unwrap_or_default();
    page.heading("node");
    let node = match node {
        Ok(node) => node,
        Err(failure) => return page.missing(name, &failure),
    };
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let ready = conditions.iter().find(|condition| text(condition, "/type") == "Ready");
    let (words, level) = match ready.map(|ready| text(ready, "/status")) {
        Some("True") => ("Ready".to_owned(), Level::Ok),
        Some(_) => {
            let message = ready.map(|ready| text(ready, "/message")).unwrap_or_default();
            (format!("NotReady: {message}"), Level::Broken)
        }
        None => ("Unknown".to_owned(), Level::Unknown),
    };
    let since = ready.map(|ready| page.ago_of(text(ready, "/lastTransitionTime"))).unwrap_or_default();
    page.levelled(name, &format!("{words} (since {since})"), Some(level));
    for condition in conditions.iter().filter(|condition| text(condition, "/type") != "Ready") {
        if text(condition, "/status") == "True" {
            page.levelled(text(condition, "/type"), text(condition, "/message"), Some(Level::Wrong));
        }
    }
    let taints = node.pointer("/spec/taints").and_then(Value::as_array);
    let taints: Vec<String> = taints
        .into_iter()
        .flatten()
        .map(|taint| format!("{}:{}", text(taint, "/key"), text(taint, "/effect")))
        .collect();
    page.field("taints", &taints.join(", "));
    page.field("allocatable", &node::allocatable(&node));
    node::requested(page, &node, on.as_ref().ok());
    node::failing(page, on, &pod.uid);
}

/// Volume claims that keep an unscheduled pod waiting.
async fn unbound_claims(cluster: &Cluster, namespace: &str, raw: &Value, waits: bool) -> Vec<String> {
    let mut found = Vec::new();
    if !waits {
        return found;
    }
    for reference in references(raw) {
        let Some(claim) = reference.strip_prefix("persistentvolumeclaim/") else { continue };
        let path = format!("/api/v1/namespaces/{}/persistentvolumeclaims/{}", segment(namespace), segment(claim));
        match cluster.get_opt::<Value>(&path).await {
            Ok(Some(object)) if text(&object, "/status/phase") != "Bound" => {
                found.push(format!("claim '{claim}' is {}", text(&object, "/status/phase")));
            }
            Ok(None) => found.push(format!("claim '{claim}' does not exist")),
            _ => {}
        }
    }
    found
}

/// Pods of a list by their STATUS, the worst first: `1 CrashLoopBackOff, 2 Running, not ready, 3 Running`.
pub fn tally(pods: &[Pod]) -> Vec<(String, Level, usize)> {
    let mut counts: Vec<(String, Level, usize)> = Vec::new();
    for pod in pods {
        // Of pods that run STATUS does not tell whether they serve.
        let is_held = pod.status == "Running" && (pod.ready < pod.total || (!pod.is_ready && pod.level < Level::Ok));
        let words = format!("{}{}", pod.status, if is_held { ", not ready" } else { "" });
        match counts.iter_mut().find(|(known, level, _)| *known == words && *level == pod.level) {
            Some((_, _, count)) => *count += 1,
            None => counts.push((words, pod.level, 1)),
        }
    }
    counts.sort_by_key(|(_, level, _)| *level);
    counts
}
