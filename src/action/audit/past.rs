//! Records put together: acts as the screens show them, and those that never ended.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Begun, Entry, Record, StepResult};
use crate::{
    action::{
        Request, Write,
        act::{Act, Left, Outcome, StepState, Unseen},
    },
    model::{Name, alert::SilenceKey, gitops::OwnerKey},
    text::Clean,
};

/// Longer than any act is written and watched: a process of its number is another one by then, as after a reboot.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// An act as the file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct PastAct {
    pub number: u64,
    pub at: Timestamp,
    pub ended: Option<Timestamp>,
    pub begun: Begun,
    pub actor: Clean,
    pub title: Clean,
    pub place: Clean,
    pub request: Request,
    /// `None`: no end was written.
    pub outcome: Option<Outcome>,
    /// A write of it was done, or may have been.
    pub wrote: bool,
    /// One of those can be taken back.
    pub has_undo: bool,
    /// One of those is known to have been done.
    pub has_sure_undo: bool,
    pub steps: Vec<(Clean, StepState)>,
    pub from_revision: Option<Name>,
    pub to_revision: Option<Name>,
    /// Silences it made.
    pub silences: Vec<SilenceKey>,
    /// GitOps owners that it switched on (true), or off, or may have switched off.
    pub switches: Vec<(OwnerKey, bool)>,
    /// Step of the last of them.
    switching: Option<usize>,
    /// Step that sets a template.
    patching: Option<usize>,
    /// Step that only clears the way.
    clearing: Option<usize>,
    left: Option<Left>,
    sent: Option<SentStep>,
    /// All was sent, and it is not written that it was seen to be there.
    unseen: Option<Unseen>,
}

/// What an act sent last.
#[derive(Clone, Debug, PartialEq)]
pub struct SentStep {
    pub step: usize,
    pub at: Timestamp,
    /// As it was recorded: some is left out of the file.
    pub write: Option<serde_json::Value>,
}

/// Acts by their records, newest first.
pub fn acts(records: &[Record]) -> Vec<PastAct> {
    let mut acts: BTreeMap<u64, PastAct> = BTreeMap::new();
    for record in records {
        if let Entry::Begun(begun) = &record.entry {
            acts.insert(record.number, PastAct::new(record.number, record.at, begun));
        } else if let Some(act) = acts.get_mut(&record.number) {
            act.apply(record);
        }
    }
    acts.into_values().rev().collect()
}

impl PastAct {
    fn new(number: u64, at: Timestamp, begun: &Begun) -> Self {
        Self {
            number,
            at,
            ended: None,
            actor: begun.actor.clone(),
            title: begun.title.clone(),
            place: begun.place.clone(),
            request: begun.request.clone(),
            outcome: None,
            wrote: false,
            has_undo: false,
            has_sure_undo: false,
            steps: begun.steps.iter().map(|says| (says.clone(), StepState::Waiting)).collect(),
            from_revision: begun.from_revision.clone(),
            to_revision: begun.to_revision.clone(),
            silences: Vec::new(),
            switches: Vec::new(),
            switching: None,
            patching: None,
            clearing: None,
            left: None,
            sent: None,
            unseen: None,
            begun: begun.clone(),
        }
    }

    fn apply(&mut self, record: &Record) {
        match &record.entry {
            Entry::Intended { step, write, .. } => {
                if let Some((_, state)) = self.steps.get_mut(*step) {
                    *state = StepState::Running("sent".into());
                }
                self.sent = Some(SentStep { step: *step, at: record.at, write: write.clone() });
                if write.as_ref().is_some_and(|write| write.get("PatchTemplate").is_some()) {
                    self.patching = Some(*step);
                }
                if write.as_ref().is_some_and(clears_the_way) {
                    self.clearing = Some(*step);
                }
                if let Some(switched) = write.as_ref().and_then(switched) {
                    self.switches.push(switched);
                    self.switching = Some(*step);
                }
                if let Some(Ok(Write::CreateSilence { backend, .. })) =
                    write.clone().map(serde_json::from_value::<Write>)
                {
                    // Its id comes with the outcome.
                    self.silences.push(SilenceKey { backend, id: Name::default() });
                }
            }
            Entry::Outcome { step, result, says, reference } => {
                let was_sent = self.steps.get(*step).is_some_and(|(_, state)| matches!(state, StepState::Running(_)));
                let has_written = was_sent && matches!(result, StepResult::Done | StepResult::Unknown);
                self.wrote |= has_written;
                let has_undo = has_written && self.begun.can_undo && self.clearing != Some(*step);
                self.has_undo |= has_undo;
                self.has_sure_undo |= has_undo && *result == StepResult::Done;
                if let Some((_, state)) = self.steps.get_mut(*step) {
                    *state = result.state(says.clone());
                }
                // What may be on is not taken for on: it may still be off.
                let may_be_on = self.switches.last().is_some_and(|(_, is_on)| *is_on) && *result != StepResult::Done;
                if self.switching == Some(*step) && (*result == StepResult::Refused || may_be_on) {
                    self.switches.pop();
                }
                if *result == StepResult::Done && self.patching == Some(*step) {
                    self.left = Left::from_reference(reference.as_ref(), record.at);
                }
                if let Some(silence) = self.silences.iter_mut().find(|silence| silence.id.is_empty()) {
                    match reference {
                        Some(id) => silence.id = id.clone(),
                        None => self.silences.retain(|silence| !silence.id.is_empty()),
                    }
                }
            }
            Entry::Step { step, result, says } => {
                if let Some((_, state)) = self.steps.get_mut(*step) {
                    *state = result.state(says.clone());
                }
            }
            Entry::Ended { outcome } => {
                self.outcome = Some(*outcome);
                self.ended = Some(record.at);
                self.begin_watch(*outcome);
                for (_, state) in &mut self.steps {
                    if matches!(state, StepState::Waiting) {
                        *state = StepState::Skipped(Clean::default());
                    }
                }
            }
            Entry::Watched { met, says } => {
                self.unseen = (!*met).then_some(Unseen::NotThere);
                // As of an act of one's own: its end is what it was watched for.
                self.ended = Some(record.at);
                if let Some((_, state)) = self.steps.last_mut() {
                    *state = match (*met, &self.request) {
                        (true, _) => StepState::Done(says.clone()),
                        // A program's own word is no watch.
                        (false, Request::Outside { .. }) => StepState::Refused(says.clone()),
                        (false, _) => StepState::Unknown(says.clone()),
                    };
                }
            }
            Entry::Begun(_) | Entry::Other => {}
        }
    }

    /// Every step but a watch has its end on disk by the time that all is sent: what still waits then is one. No record says
    /// that a watch was broken off, so it is taken for that until its end is read.
    fn begin_watch(&mut self, outcome: Outcome) {
        if let (Outcome::Done, Some((_, state @ StepState::Waiting))) = (outcome, self.steps.last_mut()) {
            *state = StepState::Unknown("sent; its end was not watched: midwatch ended before".into());
            self.unseen = Some(Unseen::Unwatched);
        }
    }

    /// It was done on another cluster, which had the same name.
    pub fn is_elsewhere(&self, cluster_id: Option<&Clean>) -> bool {
        self.begun.cluster_id.as_ref().zip(cluster_id).is_some_and(|(then, now)| then != now)
    }

    /// As the screens show it: not this process's own. `login`: who looks, and where.
    pub fn shown(&self, login: &Clean, now: Timestamp) -> Act {
        let is_alive = is_alive(self, login, now);
        let mut act = if self.outcome.is_some() || is_alive { self.clone() } else { self.closed() };
        let unseen = match act.unseen {
            Some(Unseen::Unwatched) if is_alive => Some(Unseen::Watching),
            unseen => unseen,
        };
        if let (Some(Unseen::Watching), Some((_, state))) = (unseen, act.steps.last_mut()) {
            *state = StepState::Running(say!("process {} is watching it", act.begun.process));
        }
        Act {
            number: act.number,
            request: act.request,
            title: act.title,
            place: act.place,
            actor: act.actor,
            started: act.at,
            ended: act.ended,
            steps: act.steps,
            // Only what another process still sends has none by now.
            outcome: act.outcome.unwrap_or(Outcome::Running),
            reason: act.begun.reason,
            switches: act.switches,
            away: act.from_revision,
            left: act.left,
            unseen,
            can_undo: act.outcome.is_some() && act.has_undo,
            cluster_id: act.begun.cluster_id,
            is_mine: false,
        }
    }
}

/// Of a recorded write, whatever version of midwatch recorded it.
fn clears_the_way(write: &serde_json::Value) -> bool {
    serde_json::from_value::<Write>(write.clone()).is_ok_and(|write| write.clears_the_way())
}

/// The owner that a recorded write switches, and whether to on.
fn switched(write: &serde_json::Value) -> Option<(OwnerKey, bool)> {
    let switch = write.get("SwitchSync")?;
    Some((serde_json::from_value(switch.get("owner")?.clone()).ok()?, switch.get("on")?.as_bool()?))
}

/// Acts that have no end and whose process is gone.
pub fn unfinished(acts: &[PastAct], is_alive: impl Fn(&PastAct) -> bool) -> impl Iterator<Item = &PastAct> {
    acts.iter().filter(move |act| act.outcome.is_none() && !is_alive(act))
}

impl PastAct {
    /// The step that was sent and whose answer nobody wrote down.
    fn unanswered(&self) -> Option<usize> {
        self.steps.iter().rposition(|(_, state)| matches!(state, StepState::Running(_)))
    }

    /// The write that was sent, of which nobody knows whether it was done.
    pub fn unanswered_write(&self) -> Option<&SentStep> {
        let is_open = |sent: &&SentStep| {
            let state = self.steps.get(sent.step).map(|(_, state)| state);
            matches!(state, Some(StepState::Running(_) | StepState::Unknown(_)))
        };
        self.sent.as_ref().filter(is_open)
    }

    /// As it is when its end is written: of an act that was cut off.
    pub fn closed(&self) -> Self {
        let mut closed = self.clone();
        for entry in self.closing() {
            closed.apply(&Record { number: self.number, at: self.at, entry });
        }
        // When it was cut off nobody knows.
        closed.ended = None;
        closed
    }

    /// What to look at, where an act was cut off.
    pub fn cut_off(&self) -> Clean {
        let at = self.at.strftime("%d %b %H:%M UTC");
        let act = format!("act {} '{}' on {} ({at}, {})", self.number, self.title, self.place, self.actor);
        match self.unanswered() {
            Some(step) => say!(
                "{act}: '{}' was being sent when midwatch ended; its outcome is unknown: look at it",
                self.steps[step].0
            ),
            None => say!("{act} was cut off between steps: look at it"),
        }
    }

    /// The records that end an act that was cut off: it is told once, and is then one whose outcome is unknown.
    pub fn closing(&self) -> Vec<Entry> {
        let unanswered = self.unanswered().map(|step| Entry::Outcome {
            step,
            result: StepResult::Unknown,
            says: "midwatch ended before the answer came".into(),
            reference: None,
        });
        unanswered.into_iter().chain([Entry::Ended { outcome: Outcome::Unknown }]).collect()
    }
}

/// Whether the process that began an act may still be at it: on this machine, alive, not us, and not for longer than an act
/// takes.
pub fn is_alive(act: &PastAct, login: &Clean, now: Timestamp) -> bool {
    let is_recent = now.duration_since(act.at) < LONGEST;
    #[cfg(unix)]
    {
        let is_here = act.begun.login.rsplit('@').next() == login.rsplit('@').next();
        let pid = i32::try_from(act.begun.process).ok().and_then(rustix::process::Pid::from_raw);
        is_here
            && is_recent
            && act.begun.process != std::process::id()
            && pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
    }
    #[cfg(not(unix))]
    {
        let _ = (is_recent, login);
        false
    }
}
