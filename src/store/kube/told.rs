//! Pods say what their events tell of them: joined as either comes, so that no row asks for it.

use super::Kube;
use crate::model::kubernetes::{Event, ObjectKey, Pod, told::told};

impl Kube {
    /// The pod as its events tell it; what its status alone says is kept, for when they are gone.
    pub(super) fn with_events(&mut self, mut pod: Box<Pod>) -> Box<Pod> {
        let heard = told(&pod, &self.events_of(&pod.key.cluster, &pod.uid));
        match heard {
            Some((level, why)) => {
                let own = (std::mem::replace(&mut pod.level, level), std::mem::replace(&mut pod.why, why));
                self.untold.insert(pod.key.clone(), own);
            }
            None => {
                self.untold.remove(&pod.key);
            }
        }
        pod
    }

    /// An event came or went: its pod is told anew.
    pub(super) fn retell(&mut self, event: &Event) {
        if event.kind != "Pod" {
            return;
        }
        let key = ObjectKey { name: event.object.clone(), ..event.key.clone() };
        let Some(pod) = self.pods.get(&key).filter(|pod| event.object_uid.as_ref() == Some(&pod.uid)) else { return };
        let mut pod = pod.clone();
        if let Some((level, why)) = self.untold.get(&key) {
            (pod.level, pod.why) = (*level, why.clone());
        }
        let pod = self.with_events(pod);
        self.worst.take();
        if let Some(was) = self.pods.replace(&key, pod) {
            self.burdens.recount(Some(&was), self.pods.get(&key).map(|pod| &**pod));
        }
    }
}
