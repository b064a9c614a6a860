//! What midwatch did and is doing, as the screens show it.

use std::collections::BTreeMap;

use crate::{
    action::{
        ObjectAct, Request,
        act::{Act, ActionEvent, Outcome, StepState},
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
            ActionEvent::Evidence { .. }
            | ActionEvent::Started { .. }
            | ActionEvent::Refused { .. }
            | ActionEvent::Unread(_) => {}
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

    /// What `U` undoes: the act that is looked at, if one is; else my last that sent anything. Where that left nothing to be
    /// taken back, an older one is not what is meant.
    pub fn to_undo(&self, looked_at: Option<u64>) -> Result<&Act, Clean> {
        if let Some(act) = looked_at.and_then(|number| self.by_number.get(&number)) {
            // What became of one whose outcome is unknown is read again for its plan, and said, also where there is none.
            return if act.can_undo || act.outcome == Outcome::Unknown {
                Ok(act)
            } else {
                Err(cannot("this act", act))
            };
        }
        let mut mine = self.newest().filter(|act| act.is_mine && (act.can_undo || act.outcome != Outcome::Refused));
        match mine.next() {
            None => Err("nothing to undo: no act of this session can be undone".into()),
            Some(last) if last.can_undo => Ok(last),
            Some(last) => {
                let why = cannot("your last act", last);
                let Some(earlier) = mine.find(|act| act.can_undo) else { return Err(why) };
                Err(Clean::own(format!("{why}; for act {}, {}, select it on screen 8", earlier.number, earlier.title)))
            }
        }
    }
}

/// `your last act, RESTART ds/fluentd, cannot be undone`
fn cannot(which: &str, act: &Act) -> Clean {
    if matches!(act.request, Request::Object { act: ObjectAct::RunNow, .. }) && act.outcome == Outcome::Done {
        let made = act.steps.iter().find_map(|(_, state)| match state {
            StepState::Done(says) => says.split(' ').find(|word| word.starts_with("job/")),
            _ => None,
        });
        let job = made.unwrap_or("the Job that it made");
        return Clean::own(format!("{which}, {}, is undone by hand: delete {job}", act.title));
    }
    let why = match act.outcome {
        Outcome::Running if !act.is_mine => "goes on in another midwatch",
        Outcome::Running => "has changed nothing yet that could be undone",
        _ => "cannot be undone",
    };
    Clean::own(format!("{which}, {}, {why}", act.title))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::kubernetes::WorkloadKind,
        ui::testing::{at, workload_key},
    };

    fn act(number: u64, title: &str, outcome: Outcome, can_undo: bool) -> Act {
        Act {
            number,
            request: Request::Restart { workload: workload_key(WorkloadKind::Deployment, "myapp") },
            title: title.into(),
            place: "prod-eu1".into(),
            actor: "ana".into(),
            started: at("03:00"),
            ended: None,
            steps: Vec::new(),
            outcome,
            reason: None,
            switches: Vec::new(),
            away: None,
            left: None,
            unseen: None,
            can_undo,
            cluster_id: None,
            is_mine: true,
        }
    }

    fn acts(all: Vec<Act>) -> Acts {
        let mut acts = Acts::default();
        for act in all {
            acts.apply(&ActionEvent::Act(Box::new(act)));
        }
        acts
    }

    #[test]
    fn of_a_run_now_the_job_is_named_that_is_deleted_by_hand() {
        let workload = workload_key(WorkloadKind::Deployment, "report");
        let ran = Act {
            request: Request::Object { object: (&workload).into(), act: ObjectAct::RunNow },
            steps: vec![("create a Job".into(), StepState::Done("job/report-manual-x7k2p is created".into()))],
            ..act(1, "RUN cronjob/report", Outcome::Done, false)
        };
        let says = acts(vec![ran]).to_undo(None).expect_err("U has nothing to go back to");
        assert_eq!(says, "your last act, RUN cronjob/report, is undone by hand: delete job/report-manual-x7k2p");
    }

    #[test]
    fn the_act_before_the_last_is_not_undone_in_its_place() {
        let rolled_back = act(1, "ROLL BACK deploy/myapp", Outcome::Done, true);
        let acts = acts(vec![rolled_back.clone(), act(2, "SCALE", Outcome::Refused, false)]);
        assert_eq!(acts.to_undo(None).map(|act| act.number), Ok(1), "what was refused changed nothing");

        for (outcome, why) in [(Outcome::Done, "cannot be undone"), (Outcome::Running, "has changed nothing yet")] {
            let acts = self::acts(vec![rolled_back.clone(), act(2, "RESTART ds/fluentd", outcome, false)]);
            let says = acts.to_undo(None).expect_err("the roll back is not what is meant");
            assert!(says.starts_with("your last act, RESTART ds/fluentd, ") && says.contains(why), "{says}");
            assert!(says.ends_with("for act 1, ROLL BACK deploy/myapp, select it on screen 8"), "{says}");
            assert_eq!(acts.to_undo(Some(1)).map(|act| act.number), Ok(1));
            assert!(acts.to_undo(Some(2)).expect_err("it has nothing").starts_with("this act, RESTART"), "{says}");
        }
        let elsewhere = Act { is_mine: false, ..act(1, "RESTART ds/fluentd", Outcome::Running, false) };
        let says = self::acts(vec![elsewhere]).to_undo(Some(1)).expect_err("who runs it undoes it");
        assert_eq!(says, "this act, RESTART ds/fluentd, goes on in another midwatch");
        let lost = self::acts(vec![act(1, "RESTART ds/fluentd", Outcome::Unknown, false)]);
        assert_eq!(lost.to_undo(Some(1)).map(|act| act.number), Ok(1), "it is read again");
        assert!(self::acts(Vec::new()).to_undo(None).expect_err("none").starts_with("nothing to undo"));
    }
}
