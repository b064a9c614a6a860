//! Kubernetes objects and the links between them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::Hash,
    sync::OnceLock,
};

use jiff::Timestamp;

use super::{
    Changes,
    table::{Applied, Table},
};
use crate::{
    model::{
        BackendId, Level, Name, SourceId,
        kubernetes::{Event, ObjectKey, Owner, Pod, ReplicaSet, Workload, WorkloadKey, WorkloadKind, refused_pods},
    },
    source::Delta,
    text::Clean,
};

mod burdens;
#[cfg(test)]
mod tests;
mod told;

use self::burdens::Burdens;

/// An object by its uid: several contexts may lead to one cluster, and then each brings it.
type Uid = (BackendId, Name);

fn of(key: &ObjectKey, uid: Name) -> Uid {
    (key.cluster.clone(), uid)
}

fn pod_owner(pod: &Pod) -> Option<Uid> {
    pod.owner.as_ref().map(|owner| of(&pod.key, owner.uid.clone()))
}

fn uid_of(workload: &Workload) -> Uid {
    (workload.key.cluster.clone(), workload.uid.clone())
}

fn owner_of(set: &ReplicaSet) -> Option<Uid> {
    set.owner.as_ref().map(|owner| of(&set.key, owner.uid.clone()))
}

fn object_of(event: &Event) -> Option<Uid> {
    event.object_uid.clone().map(|uid| of(&event.key, uid))
}

/// Watched objects of all clusters.
#[derive(Debug, Default)]
pub struct Kube {
    pub pods: Table<ObjectKey, Box<Pod>>,
    pub workloads: Table<WorkloadKey, Box<Workload>>,
    pub replica_sets: Table<ObjectKey, Box<ReplicaSet>>,
    pub events: Table<ObjectKey, Box<Event>>,
    /// Controller uid to the pods it owns.
    pods_by_owner: HashMap<Uid, BTreeSet<ObjectKey>>,
    burdens: Burdens,
    /// Workload uid to how bad its worst pod is, where that is bad: asked of every workload several times for a change,
    /// found once.
    worst: OnceLock<BTreeMap<BackendId, HashMap<Name, Level>>>,
    /// Name, and the app that its labels name, to the workloads that are meant by it: alerts name them so.
    workloads_by_name: HashMap<Name, BTreeSet<WorkloadKey>>,
    /// Uid of a Deployment or Rollout to its ReplicaSets.
    sets_by_owner: HashMap<Uid, BTreeSet<ObjectKey>>,
    /// Uid of the involved object to its events.
    events_by_object: HashMap<Uid, BTreeSet<ObjectKey>>,
    /// Namespaces that pods were seen in, for `:ns`.
    pub(super) seen_namespaces: BTreeMap<BackendId, BTreeSet<Name>>,
    /// How bad a pod is and why by its status alone, where its events tell more.
    untold: HashMap<ObjectKey, (Level, Clean)>,
}

impl Kube {
    pub(super) fn apply_pod(&mut self, from: &SourceId, delta: Delta<ObjectKey, Box<Pod>>) -> Changes {
        let delta = match delta {
            Delta::Put(pod) => Delta::Put(self.with_events(pod)),
            other => other,
        };
        self.worst.take();
        match self.pods.apply(from, delta, |pod| pod.key.clone()) {
            Applied::Nothing => return Changes::NONE,
            Applied::Put { key, old } => {
                let now = self.pods.get(&key).map(|pod| &**pod);
                self.burdens.recount(old.as_deref(), now);
                relink(&mut self.pods_by_owner, &key, old.as_deref().and_then(pod_owner), now.and_then(pod_owner));
                let spaces = self.seen_namespaces.entry(key.cluster.clone()).or_default();
                if !spaces.contains(&key.namespace) {
                    spaces.insert(key.namespace.clone());
                }
            }
            Applied::Gone(pods) => self.unlink_pods(pods),
        }
        Changes::KUBE
    }

    fn unlink_pods(&mut self, pods: Vec<(ObjectKey, Box<Pod>)>) {
        for (key, pod) in pods {
            self.burdens.recount(Some(&pod), None);
            relink(&mut self.pods_by_owner, &key, pod_owner(&pod), None);
            self.untold.remove(&key);
        }
    }

    pub(super) fn apply_workload(&mut self, from: &SourceId, delta: Delta<WorkloadKey, Box<Workload>>) -> Changes {
        match self.workloads.apply(from, delta, |workload| workload.key.clone()) {
            Applied::Nothing => return Changes::NONE,
            Applied::Put { key, old } => {
                let app = |workload: &Workload| workload.app.clone();
                let now = self.workloads.get(&key).and_then(|workload| app(workload));
                if old.is_none() {
                    relink(&mut self.workloads_by_name, &key, None, Some(key.name.clone()));
                }
                self.relink_app(&key, old.and_then(|workload| app(&workload)), now);
            }
            Applied::Gone(workloads) => self.unlink_workloads(workloads),
        }
        Changes::KUBE
    }

    /// An app of the workload's own name is no link of its own.
    fn relink_app(&mut self, key: &WorkloadKey, was: Option<Name>, now: Option<Name>) {
        let other = |app: Option<Name>| app.filter(|app| *app != key.name);
        relink(&mut self.workloads_by_name, key, other(was), other(now));
    }

    fn unlink_workloads(&mut self, workloads: Vec<(WorkloadKey, Box<Workload>)>) {
        for (key, workload) in workloads {
            relink(&mut self.workloads_by_name, &key, Some(key.name.clone()), None);
            self.relink_app(&key, workload.app, None);
        }
    }

    /// Workloads of this name, or whose labels say that they are this app, by key.
    pub fn workloads_named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Workload> {
        let keys = self.workloads_by_name.get(name).into_iter().flatten();
        keys.filter_map(|key| self.workloads.get(key).map(|workload| &**workload))
    }

    /// Whether a cluster has a workload that is watched: asked in every frame.
    pub fn has_workloads(&self, cluster: &BackendId) -> bool {
        let (cluster, namespace, kind) = (cluster.clone(), Name::default(), WorkloadKind::Deployment);
        let first = WorkloadKey { cluster, namespace, kind, name: Name::default() };
        let found = self.workloads.starting_at(&first).next();
        found.is_some_and(|workload| workload.key.cluster == first.cluster)
    }

    /// The pod of this name, in one namespace or wherever it is.
    pub fn pod_named(&self, namespace: Option<&Name>, name: &Name) -> Option<&Pod> {
        let spaces =
            self.seen_namespaces.iter().flat_map(|(cluster, spaces)| spaces.iter().map(move |space| (cluster, space)));
        spaces.filter(|(_, space)| namespace.is_none_or(|namespace| *space == namespace)).find_map(
            |(cluster, space)| {
                let key = ObjectKey { cluster: cluster.clone(), namespace: space.clone(), name: name.clone() };
                self.pods.get(&key).map(|pod| &**pod)
            },
        )
    }

    pub(super) fn apply_replica_set(&mut self, from: &SourceId, delta: Delta<ObjectKey, Box<ReplicaSet>>) -> Changes {
        self.worst.take();
        match self.replica_sets.apply(from, delta, |set| set.key.clone()) {
            Applied::Nothing => return Changes::NONE,
            Applied::Put { key, old } => {
                let now = self.replica_sets.get(&key).and_then(|set| owner_of(set));
                relink(&mut self.sets_by_owner, &key, old.and_then(|set| owner_of(&set)), now);
            }
            Applied::Gone(sets) => {
                for (key, set) in sets {
                    relink(&mut self.sets_by_owner, &key, owner_of(&set), None);
                }
            }
        }
        Changes::KUBE
    }

    pub(super) fn apply_event(&mut self, from: &SourceId, delta: Delta<ObjectKey, Box<Event>>) -> Changes {
        match self.events.apply(from, delta, |event| event.key.clone()) {
            Applied::Nothing => return Changes::NONE,
            Applied::Put { key, old } => {
                let event = self.events.get(&key).cloned();
                let now = event.as_ref().and_then(|event| object_of(event));
                relink(&mut self.events_by_object, &key, old.and_then(|event| object_of(&event)), now);
                if let Some(event) = event {
                    self.retell(&event);
                }
            }
            Applied::Gone(events) => self.unlink_events(events),
        }
        Changes::KUBE
    }

    pub(super) fn drop_sources(&mut self, is_gone: &impl Fn(&SourceId) -> bool) {
        self.worst.take();
        let pods = self.pods.drop_sources(is_gone);
        self.unlink_pods(pods);
        let workloads = self.workloads.drop_sources(is_gone);
        self.unlink_workloads(workloads);
        for (key, set) in self.replica_sets.drop_sources(is_gone) {
            relink(&mut self.sets_by_owner, &key, owner_of(&set), None);
        }
        let events = self.events.drop_sources(is_gone);
        self.unlink_events(events);
    }

    fn unlink_events(&mut self, events: Vec<(ObjectKey, Box<Event>)>) {
        for (key, event) in events {
            relink(&mut self.events_by_object, &key, object_of(&event), None);
            self.retell(&event);
        }
    }

    /// ReplicaSets of a Deployment or Rollout, newest revision first.
    pub fn sets_of(&self, workload: &Workload) -> Vec<&ReplicaSet> {
        let mut sets: Vec<&ReplicaSet> = self
            .sets_by_owner
            .get(&uid_of(workload))
            .into_iter()
            .flatten()
            .filter_map(|key| self.replica_sets.get(key).map(|set| &**set))
            .collect();
        sets.sort_by_key(|set| std::cmp::Reverse((set.revision, set.created)));
        sets
    }

    /// Pods of a workload, of all versions, by name.
    pub fn pods_of<'a>(&'a self, workload: &'a Workload) -> Vec<&'a Pod> {
        if workload.key.kind.has_replica_sets() {
            self.sets_of(workload).into_iter().flat_map(|set| self.pods_owned(&set.key.cluster, &set.uid)).collect()
        } else {
            self.pods_owned(&workload.key.cluster, &workload.uid).collect()
        }
    }

    /// An owner's pods are called after it: one walk from its first to its last finds few others, and is cheaper than a
    /// search for each.
    fn pods_owned<'a>(&'a self, cluster: &BackendId, uid: &'a Name) -> impl Iterator<Item = &'a Pod> + use<'a> {
        let keys = self.pods_by_owner.get(&(cluster.clone(), uid.clone()));
        let ends = keys.and_then(|keys| keys.first().zip(keys.last()));
        let walk = ends.into_iter().flat_map(|(first, last)| self.pods.between(first, last));
        walk.map(|pod| &**pod).filter(move |pod| pod.owner.as_ref().is_some_and(|owner| owner.uid == *uid))
    }

    /// The workload a pod belongs to, through its ReplicaSet if it has one.
    pub fn workload_of(&self, pod: &Pod) -> Option<&Workload> {
        self.workload_owning(&pod.key, self.top_owner(pod)?)
    }

    /// The workload that a pod was of which is gone: it was called after a ReplicaSet that is still there.
    pub fn workload_of_gone(&self, pod: &ObjectKey) -> Option<&Workload> {
        let (set, _) = pod.name.rsplit_once('-')?;
        let set = self.replica_sets.get(&ObjectKey { name: Clean::line(set), ..pod.clone() })?;
        self.workload_owning(&set.key, set.owner.as_ref()?)
    }

    fn workload_owning(&self, key: &ObjectKey, owner: &Owner) -> Option<&Workload> {
        let kind = WorkloadKind::ALL.into_iter().find(|kind| owner.kind == *kind.kind())?;
        let ObjectKey { cluster, namespace, .. } = key.clone();
        let key = WorkloadKey { cluster, namespace, kind, name: owner.name.clone() };
        self.workloads.get(&key).map(|workload| &**workload)
    }

    /// What made a pod: its controller, or what made that if it is a ReplicaSet.
    fn top_owner<'a>(&'a self, pod: &'a Pod) -> Option<&'a Owner> {
        let owner = pod.owner.as_ref()?;
        if owner.kind != *"ReplicaSet" {
            return Some(owner);
        }
        let set = ObjectKey { name: owner.name.clone(), ..pod.key.clone() };
        self.replica_sets.get(&set)?.owner.as_ref()
    }

    /// Events of a cluster's object by uid, newest first.
    pub fn events_of(&self, cluster: &BackendId, uid: &Name) -> Vec<&Event> {
        let mut events: Vec<&Event> = self
            .events_by_object
            .get(&(cluster.clone(), uid.clone()))
            .into_iter()
            .flatten()
            .filter_map(|key| self.events.get(key).map(|event| &**event))
            .collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.last));
        events
    }

    /// Why no more pods of a workload appear: its condition, else the events of what makes them.
    pub fn no_pods<'a>(&'a self, workload: &'a Workload) -> Option<&'a Clean> {
        let refused = |uid: &Name| self.refused(&workload.key.cluster, uid);
        let by_events = || match workload.key.kind {
            // Its condition would say it.
            WorkloadKind::Deployment => None,
            WorkloadKind::Rollout => {
                let mut lacking = self.sets_of(workload).into_iter().filter(|set| set.replicas < set.desired);
                lacking.find_map(|set| refused(&set.uid))
            }
            _ => refused(&workload.uid).filter(|_| workload.lacks_pods()),
        };
        workload.replica_failure.as_ref().or_else(by_events)
    }

    /// Why a controller makes no pods, by its events: none of it was made since.
    pub fn refused(&self, cluster: &BackendId, uid: &Name) -> Option<&Clean> {
        let refused = refused_pods(self.events_of(cluster, uid))?;
        let went_on = self.pods_owned(cluster, uid).any(|pod| pod.created > refused.last);
        (!went_on).then_some(&refused.message)
    }

    /// Events of a workload, its ReplicaSets and its pods, newest first.
    pub fn events_around(&self, workload: &Workload) -> Vec<&Event> {
        let mut uids: Vec<&Name> = vec![&workload.uid];
        uids.extend(self.sets_of(workload).iter().map(|set| &set.uid));
        uids.extend(self.pods_of(workload).iter().map(|pod| &pod.uid));
        let mut events: Vec<&Event> =
            uids.into_iter().flat_map(|uid| self.events_of(&workload.key.cluster, uid)).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.last));
        events
    }

    /// Hash of the version that a workload should run, by what its controller observed; `None`: only its pods tell.
    pub fn live_hash<'a>(&'a self, workload: &'a Workload) -> Option<&'a Name> {
        let of_set = || {
            let revision = workload.revision.filter(|_| workload.key.kind.has_replica_sets())?;
            self.sets_of(workload).into_iter().find(|set| set.revision == Some(revision))?.hash.as_ref()
        };
        workload.update_hash.as_ref().or_else(of_set)
    }

    /// When the live version of a Deployment or Rollout began: its ReplicaSet's creation, or when it was gone back to. Of
    /// the others the last change of their template, as nothing that is watched tells when that was rolled out.
    pub fn version_since(&self, workload: &Workload) -> Option<Timestamp> {
        if !workload.key.kind.has_replica_sets() {
            return workload.changed_by.as_ref().and_then(|(_, at)| *at).or(workload.created);
        }
        let sets = self.sets_of(workload);
        let (live, last) = (sets.first()?, sets.iter().filter_map(|set| set.created).max());
        // A ReplicaSet that is used again keeps its age: another was made since, or its own history says so.
        let is_reused = live.is_reused || live.created < last;
        let went_back = last.filter(|_| is_reused).and_then(|last| workload.rolled_out_since(last));
        went_back.or(live.created)
    }

    /// Namespaces that pods were seen in.
    pub fn namespaces(&self, cluster: &BackendId) -> impl Iterator<Item = &Name> {
        self.seen_namespaces.get(cluster).into_iter().flatten()
    }
}

fn relink<L: Eq + Hash, K: Ord + Clone>(links: &mut HashMap<L, BTreeSet<K>>, key: &K, was: Option<L>, now: Option<L>) {
    if was == now {
        return;
    }
    if let Some(was) = was
        && let Some(keys) = links.get_mut(&was)
    {
        keys.remove(key);
        if keys.is_empty() {
            links.remove(&was);
        }
    }
    if let Some(now) = now {
        links.entry(now).or_default().insert(key.clone());
    }
}
