//! What the pods of an owner come to: the worst and the restarts of a hundred thousand are asked for in every frame.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::{Kube, Uid, of, uid_of};
use crate::{
    model::{
        BackendId, Level, Name,
        kubernetes::{ObjectKey, Pod, Workload},
    },
    store::Changes,
};

/// Controller uid to what its pods come to.
#[derive(Debug, Default)]
pub(super) struct Burdens {
    by_owner: HashMap<Uid, Burden>,
    /// Pods that only an end of late keeps in trouble, by when that is over: no watch tells that it is.
    recovering: BTreeMap<BackendId, BTreeSet<(Timestamp, ObjectKey)>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Burden {
    /// How many pods there are of each [`Level`].
    levels: [u32; Level::ALL.len()],
    restarts: u64,
}

impl Burden {
    fn worst(&self) -> Level {
        let worst = Level::ALL.into_iter().find(|level| self.levels[*level as usize] > 0);
        worst.unwrap_or(Level::Ok)
    }
}

/// What a pod is to its owner, as [`Pod::burden`] says.
type Share = (Uid, Level, u32);

fn share(pod: &Pod) -> Option<Share> {
    pod.burden().map(|(uid, level, restarts)| (of(&pod.key, uid), level, restarts))
}

/// Its share for as long as its last end counts.
fn recovering((uid, level, restarts): Share) -> Share {
    (uid, level.min(Level::Wrong), restarts)
}

/// By when it stands among those that recover.
fn waits(pod: &Pod) -> Option<(Timestamp, ObjectKey)> {
    pod.recovers_at().map(|until| (until, pod.key.clone()))
}

impl Burdens {
    /// A pod was there, or is there now.
    pub(super) fn recount(&mut self, was: Option<&Pod>, now: Option<&Pod>) {
        let was = was.and_then(|pod| self.leave(pod));
        let now = now.and_then(|pod| self.enter(pod));
        self.count(was, now);
    }

    fn enter(&mut self, pod: &Pod) -> Option<Share> {
        let share = share(pod)?;
        let Some(wait) = waits(pod) else { return Some(share) };
        self.recovering.entry(pod.key.cluster.clone()).or_default().insert(wait);
        Some(recovering(share))
    }

    fn leave(&mut self, pod: &Pod) -> Option<Share> {
        let share = share(pod)?;
        let Some(wait) = waits(pod) else { return Some(share) };
        let still = self.recovering.get_mut(&pod.key.cluster).is_some_and(|pods| pods.remove(&wait));
        Some(if still { recovering(share) } else { share })
    }

    fn count(&mut self, was: Option<Share>, now: Option<Share>) {
        if was == now {
            return;
        }
        if let Some((uid, level, restarts)) = now {
            let burden = self.by_owner.entry(uid).or_default();
            burden.levels[level as usize] += 1;
            burden.restarts += u64::from(restarts);
        }
        if let Some((uid, level, restarts)) = was
            && let Some(burden) = self.by_owner.get_mut(&uid)
        {
            burden.levels[level as usize] -= 1;
            burden.restarts -= u64::from(restarts);
            if burden.levels == [0; Level::ALL.len()] {
                self.by_owner.remove(&uid);
            }
        }
    }

    /// Pods whose last end counts no more.
    fn recovered(&mut self, time_of: impl Fn(&BackendId) -> Option<Timestamp>) -> Vec<ObjectKey> {
        let mut recovered = Vec::new();
        for (cluster, pods) in &mut self.recovering {
            let Some(now) = time_of(cluster) else { continue };
            while pods.first().is_some_and(|(until, _)| *until <= now) {
                recovered.extend(pods.pop_first().map(|(_, key)| key));
            }
        }
        recovered
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_owner.is_empty() && self.recovering.values().all(BTreeSet::is_empty)
    }
}

impl Kube {
    /// What time alone changes, by each cluster's own, where it is known: pods that have run long enough since their last
    /// end.
    pub(in crate::store) fn settle(&mut self, time_of: impl Fn(&BackendId) -> Option<Timestamp>) -> Changes {
        let recovered = self.burdens.recovered(time_of);
        if recovered.is_empty() {
            return Changes::NONE;
        }
        self.worst.take();
        for share in recovered.iter().filter_map(|key| share(self.pods.get(key)?)) {
            self.burdens.count(Some(recovering(share.clone())), Some(share));
        }
        Changes::KUBE
    }

    /// Pods that run again, and that only their last end keeps in trouble.
    pub fn recovering(&self) -> impl Iterator<Item = &Pod> {
        let waiting = self.burdens.recovering.values().flatten();
        waiting.filter_map(|(_, key)| self.pods.get(key).map(|pod| &**pod))
    }

    /// How bad a workload is: its own state, or that of its worst pod. A rollout in progress whose pods crash is broken.
    pub fn level_of(&self, workload: &Workload) -> Level {
        let worst = self.worst.get_or_init(|| self.worst_pods());
        let pods = worst.get(&workload.key.cluster).and_then(|pods| pods.get(&workload.uid));
        pods.map_or(workload.level, |pods| workload.level.min(*pods))
    }

    fn worst_pods(&self) -> BTreeMap<BackendId, HashMap<Name, Level>> {
        let mut worst: BTreeMap<BackendId, HashMap<Name, Level>> = BTreeMap::new();
        for (owner, burden) in &self.burdens.by_owner {
            let level = burden.worst();
            if level < Level::Ok {
                let uid = self.top_uid(owner).unwrap_or(&owner.1).clone();
                let kept = worst.entry(owner.0.clone()).or_default().entry(uid).or_insert(level);
                *kept = level.min(*kept);
            }
        }
        worst
    }

    /// Of the controller with this uid, by one of its pods: that of what made it, if that is a ReplicaSet; else its own.
    fn top_uid(&self, owner: &Uid) -> Option<&Name> {
        let pod = self.pods.get(self.pods_by_owner.get(owner)?.first()?)?;
        self.top_owner(pod).map(|owner| &owner.uid)
    }

    /// How often the pods of a workload were restarted, all together.
    pub fn restarts_of(&self, workload: &Workload) -> u64 {
        self.burdens_of(workload).map(|burden| burden.restarts).sum()
    }

    /// The pods of owners of which one is not well: with a hundred thousand pods, few.
    pub fn pods_beside_trouble<'a>(&'a self, cluster: &'a BackendId) -> impl Iterator<Item = &'a Pod> {
        let owners = self.burdens.by_owner.iter();
        let troubled = owners.filter(move |(owner, burden)| owner.0 == *cluster && burden.worst() < Level::Ok);
        troubled.flat_map(move |((cluster, uid), _)| self.pods_owned(cluster, uid))
    }

    /// What the pods of a workload come to, of each that owns some.
    fn burdens_of<'a>(&'a self, workload: &'a Workload) -> impl Iterator<Item = &'a Burden> {
        let has_sets = workload.key.kind.has_replica_sets();
        let sets = self.sets_by_owner.get(&uid_of(workload)).filter(|_| has_sets).into_iter().flatten();
        let of_sets = sets.filter_map(|key| self.replica_sets.get(key)).map(|set| of(&set.key, set.uid.clone()));
        let owners = of_sets.chain((!has_sets).then(|| uid_of(workload)));
        owners.filter_map(|uid| self.burdens.by_owner.get(&uid))
    }
}
