//! What midwatch did and is doing, as the screens show it.

use std::collections::BTreeMap;

use crate::{
    action::{
        Request,
        act::{Act, ActionEvent, Outcome},
        changed,
    },
    model::{gitops::OwnerKey, kubernetes::WorkloadKey},
    text::Clean,
};

/// Acts by number; the newest last.
#[derive(Clone, Debug, Default)]
pub struct Acts {
    pub by_number: BTreeMap<u64, Act>,
    /// Acts that an earlier run left without an outcome.
    pub unfinished: Vec<Clean>,
}

impl Acts {
    /// Takes in news; plans are not kept here.
    pub fn apply(&mut self, event: &ActionEvent) {
        match event {
            ActionEvent::Act(act) => {
                self.by_number.insert(act.number, (**act).clone());
            }
            ActionEvent::History { acts, unfinished } => {
                // What this process did is known better.
                for act in acts {
                    let known = self.by_number.entry(act.number).or_insert_with(|| act.clone());
                    if !known.is_mine {
                        known.clone_from(act);
                    }
                }
                self.unfinished.clone_from(unfinished);
            }
            ActionEvent::Evidence { .. } | ActionEvent::Started { .. } | ActionEvent::Refused { .. } => {}
        }
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Act> {
        self.by_number.values().rev()
    }

    /// Those of mine that go on.
    pub fn running(&self) -> impl Iterator<Item = &Act> {
        self.newest().filter(|act| act.is_mine && act.outcome == Outcome::Running)
    }

    /// GitOps owners that an act switched off and none has switched on since, each with that act.
    pub fn switched_off(&self) -> Vec<(&OwnerKey, &Act)> {
        let mut last: Vec<(&OwnerKey, &Act, bool)> = Vec::new();
        for act in self.by_number.values() {
            for (owner, is_on) in &act.switches {
                last.retain(|(known, ..)| !known.is_same(owner));
                last.push((owner, act, *is_on));
            }
        }
        last.into_iter().filter(|(.., is_on)| !is_on).map(|(owner, act, _)| (owner, act)).collect()
    }

    /// The workload that an act takes from one version to another.
    pub fn changed_by<'a>(&'a self, act: &'a Act) -> Option<&'a WorkloadKey> {
        changed(&act.request, act.number, &|number| self.request_of(number))
    }

    /// The workload that an undo would take from one version to another.
    pub fn undone_by(&self, request: &Request) -> Option<&WorkloadKey> {
        let Request::Undo { act } = request else { return None };
        self.changed_by(self.by_number.get(act)?)
    }

    fn request_of(&self, number: u64) -> Option<&Request> {
        self.by_number.get(&number).map(|act| &act.request)
    }

    /// What `U` would undo.
    pub fn last_undoable(&self) -> Option<&Act> {
        self.newest().find(|act| act.is_mine && act.can_undo)
    }
}
