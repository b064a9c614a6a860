//! The event recorder: equal events are one object whose count grows, and events are forgotten after an hour.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Cluster, json,
    kinds::Resource,
    store::{Key, Object},
};

/// `--event-ttl` of a real API server.
const TTL: SignedDuration = SignedDuration::from_hours(1);

/// Which event objects stand for which occurrences.
#[derive(Default)]
pub struct EventLog {
    known: BTreeMap<String, Key>,
    /// When to look whether an event is old enough to go.
    ageing: VecDeque<(Timestamp, Key, String)>,
}

/// One occurrence to record.
pub struct Occurrence<'a> {
    pub about: &'a Object,
    pub resource: Resource,
    /// Name of the container meant, for `involvedObject.fieldPath`.
    pub container: Option<&'a str>,
    pub warning: bool,
    pub reason: &'a str,
    pub message: String,
    /// `kubelet`, `deployment-controller`...
    pub component: &'a str,
    pub host: &'a str,
}

impl Cluster {
    /// Records an occurrence as an Event (core/v1) beside its object; node events go to `default`.
    pub(super) fn record(&mut self, at: Timestamp, it: &Occurrence<'_>) {
        let facts = it.about.facts().clone();
        let field = it.container.map(|name| format!("spec.containers{{{name}}}")).unwrap_or_default();
        let same = format!("{}|{field}|{}|{}|{}", facts.uid, it.reason, it.component, it.message);
        if let Some((namespace, name)) = self.events.known.get(&same)
            && let Some(object) = self.store.get(Resource::Events, namespace, name)
        {
            let mut value = object.value();
            value["count"] = json!(json::int(&value, "/count") + 1);
            value["lastTimestamp"] = json!(json::stamp(at));
            self.store.put(Resource::Events, value);
            return;
        }
        let kind = it.resource.kind();
        let namespace = if facts.namespace.is_empty() { "default" } else { facts.namespace.as_str() };
        let serial = self.serial();
        let name = format!("{}.{:x}", facts.name, at.as_nanosecond() as u64 | (serial & 0xffff));
        let mut involved = json!({
            "kind": kind.kind, "namespace": facts.namespace, "name": facts.name, "uid": facts.uid,
            "apiVersion": kind.api_version(), "resourceVersion": facts.version.to_string(),
        });
        if !field.is_empty() {
            involved["fieldPath"] = json!(field);
        }
        let mut source = json!({"component": it.component});
        if !it.host.is_empty() {
            source["host"] = json!(it.host);
        }
        let value = json!({
            "kind": "Event", "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace, "uid": self.uid("event", &name), "creationTimestamp": json::stamp(at)},
            "involvedObject": involved, "reason": it.reason, "message": it.message, "source": source,
            "firstTimestamp": json::stamp(at), "lastTimestamp": json::stamp(at), "count": 1,
            "type": if it.warning { "Warning" } else { "Normal" }, "eventTime": Value::Null,
            "reportingComponent": it.component, "reportingInstance": it.host,
        });
        let key = (namespace.to_owned(), name);
        self.events.known.insert(same.clone(), key.clone());
        self.events.ageing.push_back((at + TTL, key, same));
        self.store.put(Resource::Events, value);
    }

    /// Forgets an Event that a client created as it does its own.
    pub fn keep_event(&mut self, at: Timestamp, key: Key) {
        // No occurrence of our own is equal to it.
        let same = format!("created|{}|{}", key.0, key.1);
        self.events.ageing.push_back((at + TTL, key, same));
    }

    /// Removes the events whose last occurrence is more than an hour old.
    pub(super) fn expire_events(&mut self, now: Timestamp) {
        while self.events.ageing.front().is_some_and(|(due, ..)| *due <= now) {
            let Some((_, key, same)) = self.events.ageing.pop_front() else { return };
            let Some(object) = self.store.get(Resource::Events, &key.0, &key.1) else { continue };
            let last = json::time(&object.value(), "/lastTimestamp").unwrap_or(now);
            if last + TTL <= now {
                self.store.remove(Resource::Events, &key);
                self.events.known.remove(&same);
            } else {
                // In the order of dues, as the queue needs it, at the price of a look some seconds late.
                let due = (last + TTL).max(self.events.ageing.back().map_or(now, |(due, ..)| *due));
                self.events.ageing.push_back((due, key, same));
            }
        }
    }
}
