//! Steps of a job: which there are, and what each does.

use jiff::Timestamp;

use super::{Conclusion, Mark, Reach};
use crate::demo::code::{
    deploy, seed,
    workflow::{JobPlan, StepPlan, When},
};

/// One step of a job.
#[derive(Clone, Debug)]
pub struct Step {
    pub plan: StepPlan,
    pub number: u64,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub conclusion: Option<Conclusion>,
    /// Printed while it ran (only by steps that look at the cluster).
    pub lines: Vec<(Timestamp, String)>,
}

impl Step {
    pub fn status(&self) -> &'static str {
        match (self.started, self.completed) {
            (_, Some(_)) => "completed",
            (Some(_), None) => "in_progress",
            (None, None) => "queued",
        }
    }

    pub(super) fn end(&mut self, started: Timestamp, completed: Timestamp, how: Conclusion) {
        self.started = Some(started);
        self.completed = Some(completed);
        self.conclusion = Some(how);
    }

    pub(super) fn begin(&mut self, at: Timestamp, reach: &mut Reach<'_>) {
        self.started = Some(at);
        if let Some(target) = self.plan.set_image.clone() {
            deploy::set_image(self, &target, at, reach);
        }
        if let Some(target) = self.plan.undo.clone() {
            deploy::undo(self, &target, at, reach);
        }
    }

    pub(super) fn work(&mut self, now: Timestamp, reach: &mut Reach<'_>) {
        let (Some(started), None) = (self.started, self.completed) else { return };
        if let Some(target) = self.plan.awaits.clone() {
            return deploy::watch(self, &target, now, reach);
        }
        let end = seed::after(started, self.plan.seconds);
        if end > now {
            return;
        }
        if self.plan.fails.is_some() {
            return self.finish(end, None, Conclusion::Failure);
        }
        if let Some(target) = self.plan.smoke.clone() {
            return deploy::smoke(self, &target, end, reach);
        }
        if let Some(text) = self.plan.annotate.clone() {
            self.lines.push((end, "{\"message\":\"Annotation added\"}".into()));
            reach.marks.push(Mark { at: end, text, run: reach.run });
        }
        self.finish(end, None, Conclusion::Success);
    }

    /// Prints a line and ends the step.
    pub(in crate::demo::code) fn finish(&mut self, at: Timestamp, line: Option<String>, how: Conclusion) {
        self.lines.extend(line.map(|l| (at, l)));
        self.end(self.started.unwrap_or(at), at, how);
    }
}

/// The steps as the runner lists them: set-up before, post steps numbered from the end.
pub(super) fn steps_of(plan: &JobPlan) -> Vec<Step> {
    let plain = |name: &str, when, seconds| StepPlan { name: name.into(), when, seconds, ..StepPlan::default() };
    let mut all = Vec::new();
    if plan.steps.first().is_none_or(|s| s.name != "Set up job") {
        all.push(plain("Set up job", When::Success, 1.6));
    }
    all.extend(plan.steps.iter().cloned());
    let before = all.len() as u64;
    if plan.steps.iter().any(|s| s.name == "Checkout") {
        all.push(plain("Post Checkout", When::Always, 0.4));
    }
    all.push(plain("Complete job", When::Always, 0.2));
    let numbered = all.into_iter().zip(1..).map(|(plan, n)| Step {
        number: if n <= before { n } else { n + before - 1 },
        plan,
        started: None,
        completed: None,
        conclusion: None,
        lines: Vec::new(),
    });
    numbered.collect()
}
