//! A describe-like page of a pod or a workload: what an on-call reads first stands first. Values of Secrets are
//! never shown, nor what looks like one.

pub mod any;
mod autoscaler;
mod budget;
mod claim;
mod container;
mod git;
mod ingress;
mod job;
mod node;
mod pod;
mod pods;
mod range;
mod rollout;
mod service;
#[cfg(test)]
mod tests;
mod workload;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    client::{Cluster, segment},
    failure::Failure,
    reader::path_of,
    revisions::items,
    rows::Rows,
    selector::query,
};
use crate::{
    json::text,
    model::{
        Level,
        kubernetes::{Event, told},
    },
    query::{ObjectRef, PageLine},
    text::Clean,
    time::age_of,
};

/// Most events shown.
const MAX_EVENTS: usize = 30;

/// Reads the object and what belongs to it. Only the object itself must answer; the rest says why it is missing.
pub async fn page(cluster: &Cluster, rows: &Rows, object: &ObjectRef) -> Result<Vec<PageLine>, Failure> {
    let raw: Value = cluster.get(&path_of(object)).await?;
    let mut page = Page { lines: Vec::new(), now: cluster.time() };
    match object {
        ObjectRef::Pod(_) => pod::describe(cluster, rows, &raw, &mut page).await?,
        ObjectRef::Workload(key) => workload::describe(cluster, rows, key, &raw, &mut page).await?,
    }
    Ok(page.lines)
}

/// The page as it grows.
struct Page {
    lines: Vec<PageLine>,
    now: Timestamp,
}

impl Page {
    fn heading(&mut self, text: &str) {
        self.lines.push(PageLine::Heading(Clean::line(text)));
    }

    fn field(&mut self, name: &str, value: &str) {
        self.levelled(name, value, None);
    }

    fn levelled(&mut self, name: &str, value: &str, level: Option<Level>) {
        if !value.is_empty() {
            self.lines.push(PageLine::Field(Clean::line(name), Clean::line(value), level));
        }
    }

    fn text(&mut self, text: &str) {
        self.lines.push(PageLine::Text(Clean::line(text)));
    }

    fn ago(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(|| "at an unknown time".to_owned(), |at| format!("{} ago", age_of(at, self.now)))
    }

    /// Age of what an RFC 3339 text says.
    fn ago_of(&self, text: &str) -> String {
        self.ago(text.parse().ok())
    }

    fn missing(&mut self, what: &str, failure: &Failure) {
        self.levelled(what, &format!("not known: {failure}"), Some(Level::Unknown));
    }

    /// Conditions that are not as they should be, with reason, message and age.
    fn conditions(&mut self, object: &Value, is_fine: impl Fn(&str, &str) -> bool) {
        let all = object.pointer("/status/conditions").and_then(Value::as_array);
        // A pod that has done its work is ready no more, and well.
        let is_bad =
            |c: &&Value| !is_fine(text(c, "/type"), text(c, "/status")) && text(c, "/reason") != "PodCompleted";
        let bad: Vec<&Value> = all.into_iter().flatten().filter(is_bad).collect();
        if bad.is_empty() {
            return;
        }
        self.heading("conditions");
        for condition in bad {
            let parts = [text(condition, "/status"), text(condition, "/reason"), text(condition, "/message")];
            let words: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let since = text(condition, "/lastTransitionTime");
            let since = if since.is_empty() { String::new() } else { format!(" ({})", self.ago_of(since)) };
            self.levelled(text(condition, "/type"), &format!("{}{since}", words.join(": ")), Some(Level::Wrong));
        }
    }

    fn events(&mut self, read: Result<Vec<Event>, Failure>) {
        self.heading("events");
        let mut events = match read {
            Ok(events) => events,
            Err(failure) => return self.missing("events", &failure),
        };
        events.sort_by_key(|event| (!event.warning, std::cmp::Reverse(event.last)));
        if events.is_empty() {
            self.text("no events (kept about an hour)");
        }
        for event in events.iter().take(MAX_EVENTS) {
            let times = if event.count > 1 { format!(" x{}", event.count) } else { String::new() };
            let name = format!("{} {}{times}", self.ago(event.last), event.reason);
            let object = format!("{}/{}", event.kind.to_lowercase(), event.object);
            self.levelled(
                &name,
                &format!("{object}: {}", told::without_pod(&event.message)),
                event.warning.then_some(Level::Wrong),
            );
        }
        if events.len() > MAX_EVENTS {
            self.text(&format!("and {} more", events.len() - MAX_EVENTS));
        }
    }
}

/// Events of one object, by uid where it has one: a name may be used again.
async fn events_of(cluster: &Cluster, rows: &Rows, namespace: &str, selector: &str) -> Result<Vec<Event>, Failure> {
    let path = format!("/api/v1/namespaces/{}/events?{}", segment(namespace), query([("fieldSelector", selector)]));
    let list: Value = cluster.get(&path).await?;
    Ok(items(&list).filter_map(|event| rows.event(event).ok()).collect())
}

/// Controllers of an object: kind, name.
fn controller(object: &Value) -> Option<(&str, &str)> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    Some((text(owner, "/kind"), text(owner, "/name")))
}

/// API path of a controller of a kind we know.
fn controller_path(namespace: &str, kind: &str, name: &str) -> Option<String> {
    let (group, plural) = match kind {
        "ReplicaSet" => ("apps/v1", "replicasets"),
        "Deployment" => ("apps/v1", "deployments"),
        "StatefulSet" => ("apps/v1", "statefulsets"),
        "DaemonSet" => ("apps/v1", "daemonsets"),
        "Rollout" => ("argoproj.io/v1alpha1", "rollouts"),
        "Job" => ("batch/v1", "jobs"),
        "CronJob" => ("batch/v1", "cronjobs"),
        _ => return None,
    };
    Some(format!("/apis/{group}/namespaces/{}/{plural}/{}", segment(namespace), segment(name)))
}
