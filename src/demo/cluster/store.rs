//! What etcd and the watch cache are to a real API server: objects by key, one version counter for all of them, and
//! a bounded history of changes for watchers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{json, kinds::Resource};

/// Namespace (empty for cluster-wide kinds) and name.
pub type Key = (String, String);

/// One version of an object. It is kept as JSON text: a tenth of what a tree costs, and what a LIST sends anyway.
/// Without `kind` and `apiVersion`, which the items of a real LIST do not have either.
#[derive(Clone, Debug)]
pub struct Object(Arc<Stored>);

#[derive(Debug)]
struct Stored {
    resource: Resource,
    raw: String,
    facts: Facts,
}

/// What is asked of objects too often to parse them for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub version: u64,
    pub labels: Vec<(String, String)>,
    /// The controlling owner.
    pub owner: Option<Owner>,
    pub created: Timestamp,
    pub deleting: bool,
    pub pod: Option<PodFacts>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owner {
    pub kind: String,
    pub name: String,
    pub uid: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodFacts {
    pub phase: String,
    pub node: String,
    pub image: String,
    pub ready: bool,
    /// When the Ready condition last became true.
    pub ready_since: Option<Timestamp>,
    pub restarts: u32,
}

impl Facts {
    fn of(resource: Resource, value: &Value) -> Self {
        let labels = json::members(json::at(value, "/metadata/labels"));
        let owner = json::list(value, "/metadata/ownerReferences").iter().find(|o| o["controller"] == true);
        Self {
            namespace: json::text(value, "/metadata/namespace").to_owned(),
            name: json::text(value, "/metadata/name").to_owned(),
            uid: json::text(value, "/metadata/uid").to_owned(),
            version: json::text(value, "/metadata/resourceVersion").parse().unwrap_or_default(),
            labels: labels.map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())).collect(),
            owner: owner.map(|o| Owner {
                kind: json::text(o, "/kind").to_owned(),
                name: json::text(o, "/name").to_owned(),
                uid: json::text(o, "/uid").to_owned(),
            }),
            created: json::time(value, "/metadata/creationTimestamp").unwrap_or_default(),
            deleting: value.pointer("/metadata/deletionTimestamp").is_some(),
            pod: (resource == Resource::Pods).then(|| PodFacts::of(value)),
        }
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    pub fn key(&self) -> Key {
        (self.namespace.clone(), self.name.clone())
    }

    /// A pod that counts for its owner: not being deleted, not finished.
    pub fn active(&self) -> bool {
        !self.deleting && !self.pod.as_ref().is_some_and(|p| matches!(p.phase.as_str(), "Failed" | "Succeeded"))
    }

    pub fn ready(&self) -> bool {
        self.pod.as_ref().is_some_and(|p| p.ready)
    }
}

impl PodFacts {
    fn of(value: &Value) -> Self {
        let ready = json::condition(value, "Ready").filter(|c| json::text(c, "/status") == "True");
        let restarts = json::list(value, "/status/containerStatuses").iter().map(|c| json::int(c, "/restartCount"));
        Self {
            phase: json::text(value, "/status/phase").to_owned(),
            node: json::text(value, "/spec/nodeName").to_owned(),
            image: json::text(value, "/spec/containers/0/image").to_owned(),
            ready: ready.is_some(),
            ready_since: ready.and_then(|c| json::time(c, "/lastTransitionTime")),
            restarts: restarts.sum::<i64>() as u32,
        }
    }
}

impl Object {
    /// An object as it would be stored, without storing it.
    pub fn new(resource: Resource, value: &Value) -> Self {
        Self::of(resource, value.clone())
    }

    /// As `new`, of a value that nobody needs afterwards: a large cluster is founded of them.
    fn of(resource: Resource, mut value: Value) -> Self {
        if let Some(map) = value.as_object_mut() {
            map.remove("kind");
            map.remove("apiVersion");
        }
        Self(Arc::new(Stored { resource, raw: value.to_string(), facts: Facts::of(resource, &value) }))
    }

    /// As an item of a LIST: without `kind` and `apiVersion`.
    pub fn item(&self) -> &str {
        &self.0.raw
    }

    /// As a GET answers it.
    pub fn full(&self) -> String {
        let kind = self.0.resource.kind();
        format!("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",{}", kind.kind, kind.api_version(), &self.0.raw[1..])
    }

    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    pub fn value(&self) -> Value {
        let mut value: Value = serde_json::from_str(&self.0.raw).expect("the store wrote this text from a value");
        let kind = self.0.resource.kind();
        value["kind"] = json!(kind.kind);
        value["apiVersion"] = json!(kind.api_version());
        value
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One entry of the history.
#[derive(Clone, Debug)]
pub struct Change {
    pub version: u64,
    pub resource: Resource,
    pub kind: ChangeKind,
    pub object: Object,
    /// The version before, for watchers whose selector it left or entered.
    pub before: Option<Object>,
}

/// A watcher asked for changes that are no longer known.
#[derive(Debug, PartialEq)]
pub struct Expired {
    pub asked: u64,
    /// The oldest version a watch may start from.
    pub oldest: u64,
}

/// All objects of one cluster.
pub struct Store {
    tables: BTreeMap<Resource, BTreeMap<Key, Object>>,
    owned: HashMap<String, BTreeSet<(Resource, Key)>>,
    version: u64,
    /// Changes up to here are forgotten.
    compacted: u64,
    history: VecDeque<Change>,
    limit: usize,
    bell: watch::Sender<u64>,
}

impl Store {
    pub fn new(first_version: u64, limit: usize) -> Self {
        Self {
            tables: BTreeMap::new(),
            owned: HashMap::new(),
            version: first_version,
            compacted: first_version,
            history: VecDeque::new(),
            limit,
            bell: watch::Sender::new(first_version),
        }
    }

    /// The version of the last change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Told the version after every change.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    /// Writes an object, new or not, and gives it the next version. A write that changes nothing keeps the old one.
    pub fn put(&mut self, resource: Resource, mut value: Value) -> Object {
        let key =
            (json::text(&value, "/metadata/namespace").to_owned(), json::text(&value, "/metadata/name").to_owned());
        let before = self.tables.get(&resource).and_then(|table| table.get(&key)).cloned();
        if let Some(before) = &before {
            json::set(&mut value, "/metadata/resourceVersion", json!(before.facts().version.to_string()));
            if Object::new(resource, &value).item() == before.item() {
                return before.clone();
            }
        }
        self.version += 1;
        json::set(&mut value, "/metadata/resourceVersion", json!(self.version.to_string()));
        let object = Object::of(resource, value);
        if let Some(owner) = &object.facts().owner {
            self.owned.entry(owner.uid.clone()).or_default().insert((resource, key.clone()));
        }
        self.tables.entry(resource).or_default().insert(key, object.clone());
        let kind = if before.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        self.remember(Change { version: self.version, resource, kind, object: object.clone(), before });
        object
    }

    /// Takes an object out. Its last version, as watchers see it, carries the version of the deletion.
    pub fn remove(&mut self, resource: Resource, key: &Key) -> Option<Object> {
        let before = self.tables.get_mut(&resource)?.remove(key)?;
        if let Some(owner) = &before.facts().owner
            && let Some(set) = self.owned.get_mut(&owner.uid)
        {
            set.remove(&(resource, key.clone()));
            if set.is_empty() {
                self.owned.remove(&owner.uid);
            }
        }
        self.version += 1;
        let mut value = before.value();
        json::set(&mut value, "/metadata/resourceVersion", json!(self.version.to_string()));
        let object = Object::of(resource, value);
        let kind = ChangeKind::Deleted;
        self.remember(Change { version: self.version, resource, kind, object, before: Some(before.clone()) });
        Some(before)
    }

    fn remember(&mut self, change: Change) {
        let version = change.version;
        self.history.push_back(change);
        while self.history.len() > self.limit {
            self.compacted = self.history.pop_front().map_or(self.compacted, |c| c.version);
        }
        self.bell.send_replace(version);
    }

    pub fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<&Object> {
        self.tables.get(&resource)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The objects of a kind in the order of their keys, of one namespace or of all, from after `after`.
    pub fn list<'a>(
        &'a self,
        resource: Resource,
        namespace: Option<&'a str>,
        after: Option<&Key>,
    ) -> impl Iterator<Item = &'a Object> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let from = match (after, namespace) {
            (Some(key), _) => Excluded(key.clone()),
            (None, Some(namespace)) => Included((namespace.to_owned(), String::new())),
            (None, None) => Unbounded,
        };
        let table = self.tables.get(&resource).into_iter();
        table
            .flat_map(move |table| table.range((from.clone(), Unbounded)))
            .take_while(move |((ns, _), _)| namespace.is_none_or(|wanted| ns == wanted))
            .map(|(_, object)| object)
    }

    /// What is controlled by an owner, of one kind.
    pub fn owned(&self, owner_uid: &str, resource: Resource) -> Vec<Object> {
        let keys = self.owned.get(owner_uid).into_iter().flatten().filter(|(r, _)| *r == resource);
        keys.filter_map(|(_, key)| self.tables.get(&resource)?.get(key).cloned()).collect()
    }

    /// The changes of a kind after a version.
    pub fn changes(&self, resource: Resource, after: u64) -> Result<Vec<Change>, Expired> {
        if after < self.compacted {
            return Err(Expired { asked: after, oldest: self.compacted });
        }
        let start = self.history.partition_point(|change| change.version <= after);
        Ok(self.history.range(start..).filter(|c| c.resource == resource).cloned().collect())
    }

    /// Forgets all history, as etcd's compaction does. Watches from older versions then get 410.
    pub fn compact(&mut self) {
        self.history.clear();
        // A version of its own, so that even a watcher that was up to date is behind.
        self.version += 1;
        self.compacted = self.version;
        self.bell.send_replace(self.version);
    }
}
