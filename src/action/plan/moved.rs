//! A plan beside the one that fresh evidence makes: whether it is still what a person agreed to.

use std::collections::BTreeSet;

use super::{Plan, PlanStep, StepKind};
use crate::{
    action::{Check, CheckResult, Write},
    text::Clean,
};

impl Plan {
    /// What a person agreed to when they confirmed: how `later`, made from fresh evidence, differs from it, in words.
    /// Counts, ages and status may move; what is sent, what speaks against it and what must be typed may not.
    pub fn moved_to(&self, later: &Self) -> Option<Clean> {
        // B13 looks again by itself; the rates of a log that streams in are counts (B2), until they stop.
        let may_move =
            |check: &Check| check.id == "B13" || (check.id == "B2" && !matches!(check.result, CheckResult::Stop(_)));
        let alarms = |plan: &Self| -> BTreeSet<(Clean, bool)> {
            plan.checks
                .iter()
                .filter(|check| !may_move(check))
                .filter(|check| matches!(check.result, CheckResult::Stop(_) | CheckResult::Look(_)))
                .map(|check| (check.name.clone(), matches!(check.result, CheckResult::Stop(_))))
                .collect()
        };
        if later.blocked.is_some() && self.blocked.is_none() {
            return later.blocked.clone();
        }
        let (sends, sends_later) = (self.settled_steps(), later.settled_steps());
        if sends.len() != sends_later.len() || !sends.iter().zip(&sends_later).all(|(a, b)| a.sends_as(b)) {
            // Only what happened since says who; else it is midwatch that knows more now (a run that was not read yet).
            let news = later.last_change.as_ref().filter(|_| self.last_change != later.last_change);
            let who = news.map(|who| format!(": {who}")).unwrap_or_default();
            return Some(say!(
                "what is to be done changed while you looked{who}. Nothing was sent; this is the plan now"
            ));
        }
        let (before, after) = (alarms(self), alarms(later));
        if let Some((name, _)) = after.difference(&before).next() {
            let words = later.checks.iter().filter(|check| check.name == *name).find_map(|check| match &check.result {
                CheckResult::Stop(words) | CheckResult::Look(words) => Some(format!(": {words}")),
                _ => None,
            });
            let words = words.unwrap_or_default();
            return Some(say!("check '{name}' has news since you looked{words}. Nothing was sent; read it again"));
        }
        if self.risk < later.risk || self.accepts != later.accepts {
            return Some("what must be typed changed while you looked. Nothing was sent".into());
        }
        None
    }

    /// Without the deletion of pods that block (B13): they come and go while one looks, and it looks again by itself.
    fn settled_steps(&self) -> Vec<&PlanStep> {
        self.steps.iter().filter(|step| !matches!(step.kind, StepKind::Write(Write::DeleteUnready { .. }))).collect()
    }
}
