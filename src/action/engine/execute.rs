//! Carries out an approved plan: the intent of each step is on disk before it is sent, its outcome after. Nothing is ever
//! sent twice.

mod notices;
mod watching;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt as _;
use tokio::time::{sleep, timeout};

use self::notices::Notices;
use super::{
    Inner, Tell, UnderWay,
    written::{clock_of, numbered, recorded, switched},
};
use crate::{
    action::{
        ActionError, CheckResult, Done, Write,
        act::{Act, ActionEvent, Left, Outcome, StepState},
        audit::{Audit, Begun, Entry, StepResult},
        checks, object,
        plan::{Approved, Plan, PlanStep, StepKind},
        template,
    },
    model::Name,
    text::Clean,
};

/// How a plan goes on after a step.
enum Next {
    Go,
    /// Writes left are not needed.
    Mended(Clean),
    /// Refused or unknown: the rest is skipped.
    Stop,
}

/// An act under way.
struct Running {
    inner: Arc<Inner>,
    news: Arc<dyn Tell>,
    act: Act,
    /// Why writes left are skipped, though all is well.
    mended: Option<Clean>,
    has_ended: bool,
    can_undo: bool,
    writing: Option<UnderWay>,
    notices: Notices,
    /// The queue item of a job that it started.
    started: Option<Name>,
}

impl Inner {
    /// Executes, and returns the act as it ended; `None`: refused before anything was written.
    pub(super) async fn carry_out(
        self: Arc<Self>,
        ticket: u64,
        approved: Approved,
        writing: UnderWay,
        news: Arc<dyn Tell>,
    ) -> Option<Act> {
        let plan = approved.plan();
        let at = self.clock.now().wall;
        let begun = self.begun(plan, approved.reason());
        let (can_undo, has_kept) = (begun.can_undo, plan.keeps.is_some());
        let made = begun.clone();
        let number = self
            .on_audit(move |audit| {
                audit.begin(at, |number| Begun { kept: has_kept.then(|| Audit::kept_name(number)), ..made })
            })
            .await;
        let number = match number {
            Ok(number) => number,
            Err(why) => {
                let says = say!("the audit could not be written, so nothing was sent: {why}");
                news.tell(ActionEvent::Refused { ticket, says }).await;
                return None;
            }
        };
        if let Some(kept) = plan.keeps.clone()
            && let Err(why) = self.on_audit(move |audit| audit.keep(number, &kept)).await
        {
            let says = say!("the state before could not be kept, so nothing was sent: {why}");
            let ended = Entry::Ended { outcome: Outcome::Refused };
            let _ = self.on_audit(move |audit| audit.append(number, at, ended)).await;
            news.tell(ActionEvent::Refused { ticket, says }).await;
            return None;
        }
        news.tell(ActionEvent::Started { ticket, number }).await;
        let act = Act {
            number,
            request: plan.request.clone(),
            title: plan.title.clone(),
            place: plan.place.clone(),
            actor: self.identity.me.clone(),
            started: at,
            ended: None,
            steps: plan.steps.iter().map(|step| (step.says.clone(), StepState::Waiting)).collect(),
            outcome: Outcome::Running,
            reason: begun.reason,
            switches: Vec::new(),
            away: begun.from_revision,
            left: None,
            unseen: None,
            can_undo: false,
            cluster_id: plan.cluster_id.clone(),
            is_mine: true,
        };
        let (mended, writing, notices) = (None, Some(writing), Notices::of(plan));
        let has_ended = false;
        let running = Running { inner: self, news, act, mended, has_ended, can_undo, writing, notices, started: None };
        Some(running.through(&plan.steps).await)
    }

    fn begun(&self, plan: &Plan, reason: Option<&str>) -> Begun {
        let warnings = plan.checks.iter().filter_map(|check| match &check.result {
            CheckResult::Stop(says) => Some(say!("STOP {} {}: {says}", check.id, check.name)),
            CheckResult::Look(says) => Some(say!("LOOK {} {}: {says}", check.id, check.name)),
            _ => None,
        });
        let makes_silence =
            plan.steps.iter().any(|step| matches!(step.kind, StepKind::Write(Write::CreateSilence { .. })));
        let is_restart = matches!(plan.request, crate::action::Request::Restart { .. });
        Begun {
            actor: self.identity.me.clone(),
            login: self.identity.login.clone(),
            process: std::process::id(),
            version: Clean::from(env!("CARGO_PKG_VERSION")),
            request: plan.request.clone(),
            title: plan.title.clone(),
            place: plan.place.clone(),
            cluster_id: plan.cluster_id.clone(),
            production: plan.production,
            risk: plan.risk,
            reason: reason.map(Clean::line),
            steps: plan.steps.iter().map(|step| step.says.clone()).collect(),
            warnings: warnings.collect(),
            kept: None,
            from_revision: plan.away.clone().or_else(|| plan.keeps.as_ref()?.from_revision.clone()),
            to_revision: plan.to.clone().or_else(|| plan.keeps.as_ref()?.to_revision.clone()),
            can_undo: (plan.keeps.is_some() && !is_restart)
                || makes_silence
                || object::inverse(&plan.request).is_some(),
        }
    }
}

impl Running {
    async fn through(mut self, steps: &[PlanStep]) -> Act {
        self.tell().await;
        let mut outcome = Outcome::Done;
        for (index, step) in steps.iter().enumerate() {
            if outcome != Outcome::Done {
                self.ends(index, StepState::Skipped("an earlier step was not done".into())).await;
                continue;
            }
            match self.step(index, step).await {
                Next::Go => {}
                Next::Mended(why) => self.mended = Some(why),
                Next::Stop => {
                    let is_unknown = matches!(self.act.steps[index].1, StepState::Unknown(_));
                    outcome = if is_unknown { Outcome::Unknown } else { Outcome::Refused };
                }
            }
        }
        self.end(outcome).await;
        self.act.outcome = outcome;
        self.act.ended = Some(self.inner.clock.now().wall);
        self.tell().await;
        self.act
    }

    async fn step(&mut self, index: usize, step: &PlanStep) -> Next {
        match &step.kind {
            StepKind::KeepEvidence { workload, pod, panels } => {
                self.set(index, StepState::Running("reading".into())).await;
                let (workload, pod) = (workload.as_ref(), pod.as_ref());
                let kept = self.inner.keep_evidence(self.act.number, workload, pod, panels).await;
                self.ends(index, kept).await;
                Next::Go
            }
            StepKind::Write(write) => match &self.mended {
                // What mended the template left the pods that hold it up, and the other runs that would set another.
                Some(why) if !write.clears_the_way() => {
                    let why = why.clone();
                    self.ends(index, StepState::Skipped(why)).await;
                    Next::Go
                }
                _ => self.write(index, step, write).await,
            },
            StepKind::Reread { workload, run, live, target } => {
                self.set(index, StepState::Running("waiting for its end".into())).await;
                let (state, next) = self.reread(workload, run, live, target).await;
                self.ends(index, state).await;
                next
            }
            StepKind::Watch(wanted) => {
                // All writes are done: quitting need not wait, and a crash leaves nothing unfinished.
                self.end(Outcome::Done).await;
                self.set(index, StepState::Running("looking".into())).await;
                self.watch(index, wanted).await;
                Next::Go
            }
        }
    }

    async fn write(&mut self, index: usize, step: &PlanStep, write: &Write) -> Next {
        let Some(operator) = self.inner.operator(write.backend()) else {
            let says = say!("'{}' cannot be written to from here", write.backend());
            return self.outcome(index, None, Err(ActionError::NotSent(says))).await;
        };
        let intended = Entry::Intended { step: index, says: step.says.clone(), write: recorded(write) };
        if let Err(why) = self.record(intended).await {
            let says = say!("the audit could not be written, so it was not sent: {why}");
            self.set(index, StepState::Refused(says)).await;
            return Next::Stop;
        }
        self.set(index, StepState::Running("sent".into())).await;
        let write = numbered(write, self.act.number, &self.inner.identity.login, self.act.reason.as_ref());
        let at = self.inner.time_of(clock_of(&write));
        let sent = AssertUnwindSafe(operator.execute(&write)).catch_unwind();
        let result = match timeout(self.inner.pace.write, sent).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ActionError::Unknown("midwatch failed while it was sent: it may have happened".into())),
            Err(_) => Err(ActionError::Unknown(say!(
                "sent, and no answer within {} s: it may have happened. Look at it on '{}'",
                self.inner.pace.write.as_secs(),
                write.backend()
            ))),
        };
        let result = match result {
            Err(ActionError::Unknown(why)) => {
                self.set(index, StepState::Running("no answer: looking whether it happened".into())).await;
                self.inner.looked_at(&*operator, &write, (at, why)).await
            }
            result => result,
        };
        self.outcome(index, Some(&write), result).await
    }

    async fn outcome(&mut self, index: usize, write: Option<&Write>, result: Result<Done, ActionError>) -> Next {
        let (state, result, reference): (_, _, Option<Name>) = match result {
            Ok(done) => (StepState::Done(done.says.clone()), StepResult::Done, done.reference),
            Err(error @ ActionError::Unknown(_)) => {
                (StepState::Unknown(Clean::own(error.to_string())), StepResult::Unknown, None)
            }
            Err(error) => (StepState::Refused(self.with_suspended(&error)), StepResult::Refused, None),
        };
        let says = StepResult::of(&state).map(|(_, says)| says).unwrap_or_default();
        if let (StepResult::Done, Some(Write::PatchTemplate { .. })) = (result, write) {
            self.act.left = Left::from_reference(reference.as_ref(), self.inner.clock.now().wall);
        }
        if let (StepResult::Done, Some(write)) = (result, write) {
            self.note(index, write);
            if matches!(write, Write::StartJob { .. }) {
                self.started.clone_from(&reference);
            }
        }
        if result != StepResult::Refused {
            // What may be on is not taken for on: it may still be off.
            let is_known = |(_, is_on): &(_, bool)| !is_on || result == StepResult::Done;
            self.act.switches.extend(write.and_then(switched).filter(is_known));
            self.act.can_undo |= self.can_undo && write.is_some_and(|write| !write.clears_the_way());
        }
        let recorded = self.record(Entry::Outcome { step: index, result, says: says.clone(), reference }).await;
        let state = match (recorded, state) {
            (Err(why), StepState::Done(says)) => StepState::Done(say!("{says}; the audit could not be written: {why}")),
            (_, state) => state,
        };
        self.set(index, state).await;
        if result == StepResult::Done { Next::Go } else { Next::Stop }
    }

    /// What is refused after an owner was switched off leaves it off: it is said, with what to do.
    fn with_suspended(&self, error: &ActionError) -> Clean {
        let off: Vec<String> =
            self.act.switches.iter().filter(|(_, is_on)| !is_on).map(|(owner, _)| owner.to_string()).collect();
        if off.is_empty() {
            return Clean::own(error.to_string());
        }
        say!("{error}. GitOps of {} STAYS SUSPENDED: R again, or U to resume it", off.join(", "))
    }

    /// Waits for a stopped run to end, then looks whether its hooks changed what the plan is about.
    async fn reread(
        &mut self,
        workload: &crate::model::kubernetes::WorkloadKey,
        run: &crate::model::code::RunKey,
        live: &serde_json::Value,
        target: &serde_json::Value,
    ) -> (StepState, Next) {
        let pace = self.inner.pace;
        let its_end = async {
            loop {
                if let Ok(found) = self.inner.run(run).await
                    && found.run.state.is_finished()
                {
                    return format!("it ended: {}", found.run.state);
                }
                sleep(pace.poll).await;
            }
        };
        let ended = timeout(pace.end, its_end).await;
        let ended = ended.unwrap_or_else(|_| "it did not end within 20 s".to_owned());
        let found = match self.inner.workload(workload).await {
            Ok(Some(found)) => found,
            Ok(None) => return (StepState::Refused(say!("{ended}; {workload} is gone")), Next::Stop),
            Err(why) => {
                return (StepState::Refused(say!("{ended}; {workload} could not be read again: {why}")), Next::Stop);
            }
        };
        if template::is_same(&found.template, live) {
            return (StepState::Done(say!("{ended}; the live template is as planned")), Next::Go);
        }
        if template::is_same(&found.template, target) {
            let why = Clean::from("its hook has mended it: nothing to do");
            return (StepState::Done(say!("{ended}; {why}")), Next::Mended(why));
        }
        let who = checks::changed_by(&found.changes, self.inner.time_of(&workload.cluster));
        let who = who.map(|who| format!(": {who}")).unwrap_or_default();
        (StepState::Refused(say!("{ended}, and the live template is another one now{who}. Plan again")), Next::Stop)
    }

    /// No more writes: written once.
    async fn end(&mut self, outcome: Outcome) {
        if !std::mem::replace(&mut self.has_ended, true) {
            let _ = self.record(Entry::Ended { outcome }).await;
            self.notify().await;
            self.writing = None;
        }
    }

    async fn record(&self, entry: Entry) -> Result<(), Clean> {
        let (number, at) = (self.act.number, self.inner.clock.now().wall);
        self.inner.on_audit(move |audit| audit.append(number, at, entry)).await
    }

    /// The end of a step that the audit would not know of otherwise.
    async fn ends(&mut self, index: usize, state: StepState) {
        if let Some((result, says)) = StepResult::of(&state) {
            let _ = self.record(Entry::Step { step: index, result, says }).await;
        }
        self.set(index, state).await;
    }

    async fn set(&mut self, index: usize, state: StepState) {
        if self.act.steps[index].1 != state {
            self.act.steps[index].1 = state;
            self.tell().await;
        }
    }

    async fn tell(&self) {
        self.news.tell(ActionEvent::Act(Box::new(self.act.clone()))).await;
    }
}
