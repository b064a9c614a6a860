//! B5 and B6: other hands, and pipelines that race with the plan.

use jiff::Timestamp;

use super::{SAME_DEPLOY, Subject, check};
use crate::{
    action::{Check, CheckResult, RunInspection, evidence, plan::Make, template},
    model::{
        Part,
        kubernetes::{Revision, tag_of},
    },
    text::Clean,
    time::{age_of, seconds_between},
};

/// Somebody else's hand counts for this long, in seconds.
const HANDS: i64 = 30 * 60;

/// Runs that race with the plan and can be stopped from here.
pub fn stoppable<'a>(make: &Make<'a>) -> Vec<&'a RunInspection> {
    make.evidence
        .races
        .iter()
        .filter_map(|(_, run)| run.as_ref().ok())
        .filter(|run| !run.run.state.is_finished() && run.may_write != Ok(false))
        .filter(|run| make.evidence.writable.contains(&run.run.key.repo.host))
        .filter(|run| make.settings.read_only_reason(&run.run.key.repo.host).is_none())
        .collect()
}

impl Subject<'_> {
    /// B5: another hand within half an hour.
    pub fn nobody_else(&self, goes_back: bool) -> Check {
        let is_recent = |at: Timestamp| seconds_between(at, self.now) < HANDS;
        let live = self.inspection.live();
        let deployed = live.and_then(|live| live.created);
        let newer = self.inspection.revisions.iter().filter(|other| !other.is_live && other.created > deployed);
        let newer = newer.max_by_key(|other| other.created).filter(|_| goes_back);
        let change = self.inspection.changes.first().filter(|(_, at)| is_recent(*at));
        let is_own_deploy =
            |at: Timestamp| deployed.is_some_and(|deployed| seconds_between(deployed, at).abs() <= SAME_DEPLOY);
        let act = self.make.evidence.acts.as_ref().ok().and_then(|acts| acts.iter().find(|act| is_recent(act.at)));
        let result = if let (Some(newer), Some((manager, at))) = (newer, change) {
            let who = act.map_or_else(|| format!("'{manager}'"), |act| format!("{} (audit {})", act.actor, act.number));
            let version = |revision: Option<&Revision>| {
                let image = revision.zip(live).and_then(|(of, live)| {
                    let beside = if of.is_live { newer } else { live };
                    template::telling_image(&of.template, &beside.template)
                });
                image.map_or_else(String::new, |(_, image)| format!(" ({})", tag_of(image)))
            };
            CheckResult::Stop(say!(
                "it was rolled back already: {who} left rev {}{} for rev {}{} {} ago. Sent again, it goes further back",
                newer.number,
                version(Some(newer)),
                live.map_or(0, |live| live.number),
                version(live),
                age_of(*at, self.now)
            ))
        } else if let Some(act) = act {
            CheckResult::Look(say!(
                "{} did '{}' {} ago (audit {})",
                act.actor,
                act.title,
                age_of(act.at, self.now),
                act.number
            ))
        } else if let Some((manager, at)) = change.filter(|(_, at)| !is_own_deploy(*at)) {
            CheckResult::Look(say!("'{manager}' changed the template {} ago", age_of(*at, self.now)))
        } else if let Err(why) = &self.make.evidence.acts {
            CheckResult::Look(say!("the audit could not be read: {why}"))
        } else {
            CheckResult::Ok("nobody changed it in the last 30m but its own deploy".into())
        };
        check("B5", "nobody else", result)
    }

    /// B6: a deploy of the same thing that goes on.
    /// `is_stopped`: step 1 of the plan stops it, where that may be done from here.
    pub fn pipeline(&self, is_stopped: bool) -> Check {
        let workload = &self.inspection.workload;
        let running: Vec<_> = self
            .make
            .evidence
            .races
            .iter()
            .filter(|(_, run)| !run.as_ref().is_ok_and(|run| run.run.state.is_finished()))
            .collect();
        if let Some((key, run)) = running.first() {
            let result = match run {
                Err(why) => CheckResult::Look(say!(
                    "run {} of '{}' may be deploying; it could not be read: {why}",
                    key.id,
                    key.repo.name
                )),
                Ok(run) => self.race(run, running.len() - 1, is_stopped),
            };
            return check("B6", "pipeline", result);
        }
        let bound = evidence::binding(&workload.key, workload.app.as_ref(), self.make.settings);
        let known = bound.and_then(|service| service.repository.as_ref());
        let runs = &self.make.store.runs;
        let fresh = self.make.store.freshness_of(Part::Runs, None, self.make.now);
        let result = match (known, fresh) {
            (_, None) => CheckResult::NotChecked("no pipeline backend is configured".into()),
            (_, Some((source, freshness))) if !freshness.is_usable() => {
                CheckResult::Look(say!("not checked: the runs of '{}' are not fresh", source.backend))
            }
            (None, _) if runs.is_empty() => {
                CheckResult::NotChecked("no repository is bound to it: name it in a [[service]]".into())
            }
            (Some(repo), _) => CheckResult::Ok(say!("no deploy of '{repo}' is queued or running")),
            (None, _) => {
                CheckResult::Ok(say!("no deploy of a repository named '{}' is queued or running", workload.key.name))
            }
        };
        check("B6", "pipeline", result)
    }

    fn race(&self, run: &RunInspection, more: usize, is_stopped: bool) -> CheckResult {
        let name = format!("{} #{}", run.run.workflow, run.run.number);
        let stage = run.run.stage.as_ref().map_or_else(|| run.run.state.to_string(), |stage| format!("in {stage}"));
        let also = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let active = run.jobs.iter().filter(|job| !job.state.is_finished());
        let words = active
            .flat_map(|job| {
                std::iter::once(&job.name).chain(job.steps.iter().filter(|s| !s.state.is_finished()).map(|s| &s.name))
            })
            .chain(&run.run.stage);
        for word in words {
            let lower = word.to_lowercase();
            if lower.contains("terraform") || lower.contains("migrat") {
                return CheckResult::Stop(say!(
                    "{name} is in '{word}': stopping it may leave a state lock or half a schema. Wait for its end"
                ));
            }
        }
        if !is_stopped {
            return CheckResult::Look(say!(
                "{name} is {stage}{also} and goes on: it may change the template once more. Wait for its end, or cancel it first"
            ));
        }
        if stoppable(self.make).iter().all(|other| other.run.key != run.run.key) {
            return CheckResult::Look(say!(
                "{name} is {stage}{also} and cannot be stopped from here: it may put its version back"
            ));
        }
        let hook = match &run.hooks {
            Ok(hooks) if hooks.is_empty() => "no hook of it runs when it is stopped".to_owned(),
            Ok(hooks) => {
                format!("its hooks: {}", hooks.iter().map(Clean::as_str).collect::<Vec<_>>().join("; "))
            }
            Err(why) => format!("what it does when it is stopped is unknown: {why}"),
        };
        CheckResult::Look(say!("{name} is {stage}{also}; {hook}. Step 1 stops it, then reads the live template again"))
    }
}
