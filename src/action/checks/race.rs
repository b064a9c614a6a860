//! B5 and B6: other hands, and pipelines that race with the plan.

use jiff::Timestamp;

use super::{
    SAME_DEPLOY, Subject,
    aim::{Aim, aim},
    check,
};
use crate::{
    action::{
        Check, CheckResult, Request, RunInspection, audit::PastAct, evidence, helm, history, plan::Make, rollback,
        template,
    },
    model::{
        Part,
        code::Run,
        kubernetes::{Revision, WorkloadKey, tag_of},
    },
    text::Clean,
    time::{passed, seconds_between},
};

/// Somebody else's hand counts for this long, in seconds.
pub const HANDS: i64 = 30 * 60;

/// Runs that race with a plan on this workload and can be stopped from here; read-only, those that would be.
pub fn stoppable<'a>(make: &Make<'a>, workload: &WorkloadKey) -> Vec<&'a RunInspection> {
    make.evidence
        .races
        .iter()
        .filter_map(|(_, run)| run.as_ref().ok())
        .filter(|run| !run.run.state.is_finished() && run.may_write != Ok(false))
        .filter(|run| make.reaches(&run.run.key.repo.host))
        .filter(|run| !matches!(aim(make, workload, run), Aim::Elsewhere(_)))
        .collect()
}

/// Outside production: a run that is stopped for it deploys to production, or may.
pub fn stops_production(make: &Make<'_>, workload: &WorkloadKey) -> bool {
    stoppable(make, workload).iter().any(|run| weight(make, workload, run).is_some())
}

/// Why stopping the run weighs as production, where the workload is not of it.
fn weight(make: &Make<'_>, workload: &WorkloadKey, run: &RunInspection) -> Option<String> {
    if make.settings.is_production(&workload.cluster) {
        return None;
    }
    match aim(make, workload, run) {
        Aim::Here | Aim::Elsewhere(_) => None,
        Aim::AlsoProduction(place) => Some(format!("it deploys to {place} too: stopping it weighs as production")),
        Aim::Unknown => Some("where it deploys to is unknown: stopping it weighs as production".to_owned()),
    }
}

impl Subject<'_> {
    /// The act that is undone.
    fn undone(&self) -> Option<&PastAct> {
        self.make.evidence.undoing.as_ref().map(|undoing| &undoing.act)
    }

    /// B5: another hand within half an hour. That of an act which is undone is none.
    pub fn nobody_else(&self, goes_back: bool) -> Check {
        let undone = self.undone();
        let is_recent = |at: Timestamp, now: Timestamp| seconds_between(at, now) < HANDS;
        let left = self.left().filter(|_| goes_back && undone.is_none());
        let deployed = self.inspection.live().and_then(|live| live.created);
        let change = self.inspection.changes.first();
        let change = change.filter(|(_, at)| is_recent(*at, self.now) && !self.is_of_undone(*at));
        // Acts have the time of our clock, changes that of the cluster's.
        let ours = self.make.now.wall;
        let is_other =
            |act: &&PastAct| is_recent(act.at, ours) && undone.is_none_or(|undone| undone.number != act.number);
        let others = || self.make.evidence.acts.iter().flatten().filter(is_other);
        // One that still writes weighs more than a newer one that has ended.
        let act = others().find(|act| act.outcome.is_none()).or_else(|| others().next());
        let said = |act: &PastAct, verb: &str| {
            format!("{} {verb} '{}' {} ago (act {})", self.who(act), act.title, passed(act.at, ours), act.number)
        };
        let gone = change.zip(left).and_then(|(change, left)| {
            // Who changed it is whose act it was, or another hand.
            let own = others().find(|act| self.is_own(act, change));
            if let Some(away) = self.rolled_away(change) {
                return Some(self.put_back(left, change, away));
            }
            (left.created > deployed).then(|| self.gone_back(left, change, own))
        });
        let result = if let Some(gone) = gone {
            gone
        } else if let Some(act) = act.filter(|act| act.outcome.is_none()) {
            // Both would write, and what the second saw is not what it meets.
            CheckResult::Stop(say!("{}, and not all of it is written yet: wait for its end", said(act, "sent")))
        } else if let Some(act) = act {
            CheckResult::Look(say!("{}", said(act, "did")))
        } else if let Some((manager, at)) = change.filter(|change| !self.is_own_deploy(change)) {
            CheckResult::Look(say!("'{manager}' changed the template {} ago", passed(*at, self.now)))
        } else if let Some(brought) = change.and_then(|change| self.brought_back(change)) {
            CheckResult::Look(brought)
        } else if let Err(why) = &self.make.evidence.acts {
            CheckResult::Look(say!("the audit could not be read: {why}"))
        } else if let Some(undone) = undone {
            CheckResult::Ok(say!("nobody changed it in the last 30m but its own deploy and act {}", undone.number))
        } else {
            CheckResult::Ok("nobody changed it in the last 30m but its own deploy".into())
        };
        check("B5", "other hands", result)
    }

    /// The version that ran before the live one: what goes live takes the next number. A hand beside a Helm release changes
    /// no number: then it is what was deployed last.
    fn left(&self) -> Option<&Revision> {
        self.inspection.live()?;
        self.inspection.revisions.iter().filter(|other| !other.is_live).max_by_key(|other| other.number)
    }

    /// The act that went away from the live version, if the change is not that act's own.
    fn rolled_away(&self, change: &(Clean, Timestamp)) -> Option<&PastAct> {
        let (live, evidence) = (self.inspection.live()?, &self.make.evidence);
        let is_bad = evidence.known_bad().contains(&live.name);
        let act = history::left_by(evidence.acts.as_deref().unwrap_or_default(), &live.name).filter(|_| is_bad)?;
        (!self.is_own(act, change)).then_some(act)
    }

    /// Somebody brought back what a rollback or an undo went away from.
    fn put_back(&self, left: &Revision, (manager, at): &(Clean, Timestamp), away: &PastAct) -> CheckResult {
        let live = self.inspection.live().unwrap_or(left);
        let (from, to) = rollback::tags(left, live);
        CheckResult::Look(say!(
            "'{manager}' left rev {} ({from}) {} ago and brought rev {} ({to}) back, which {} (act {}) had rolled away from",
            left.number,
            passed(*at, self.now),
            live.number,
            self.who(away),
            away.number
        ))
    }

    /// Whether a change, by the cluster's clock, is that of the act which is undone.
    fn is_of_undone(&self, at: Timestamp) -> bool {
        self.undone().is_some_and(|act| self.is_of(act, at))
    }

    /// Whether a change is an act's own: what writes for it may have any name but kubectl's.
    fn is_own(&self, act: &PastAct, (manager, at): &(Clean, Timestamp)) -> bool {
        !manager.starts_with("kubectl") && self.is_of(act, *at)
    }

    /// Whether something at that time, by the cluster's clock, may be an act's.
    fn is_of(&self, act: &PastAct, at: Timestamp) -> bool {
        let ahead = self.now.duration_since(self.make.now.wall);
        let there = |ours: Timestamp| ours.checked_add(ahead).unwrap_or(ours);
        seconds_between(there(act.at), at) >= -SAME_DEPLOY
            && seconds_between(there(act.ended.unwrap_or(act.at)), at) <= SAME_DEPLOY
    }

    /// Somebody went from a newer version back to the live one: a rollback, or the undo of one that brings back what was
    /// left because it called people.
    fn gone_back(&self, newer: &Revision, change: &(Clean, Timestamp), act: Option<&PastAct>) -> CheckResult {
        let ((manager, at), live) = (change, self.inspection.live());
        let who = act.map_or_else(|| format!("'{manager}'"), |act| format!("{} (act {})", self.who(act), act.number));
        let version = |revision: Option<&Revision>| {
            let image = revision.zip(live).and_then(|(of, live)| {
                let beside = if of.is_live { newer } else { live };
                template::telling_image(&of.template, &beside.template)
            });
            image.map_or_else(String::new, |(_, image)| format!(" ({})", tag_of(image)))
        };
        let (from, to, age) = (version(Some(newer)), version(live), passed(*at, self.now));
        let (left, number) = (newer.number, live.map_or(0, |live| live.number));
        let record = &self.make.evidence.record;
        if let Some(paged) = live.and_then(|live| history::worse(self.inspection, record, live, newer, self.now)) {
            return CheckResult::Look(say!(
                "{who} left rev {left}{from} {age} ago and brought rev {number}{to} back, which had been left as bad: {paged}"
            ));
        }
        CheckResult::Stop(say!(
            "it was rolled back already: {who} left rev {left}{from} for rev {number}{to} {age} ago. This takes that back, or goes further"
        ))
    }

    /// A new version that has the images of an older one: its own deploy is somebody's rollback too. Helm's history tells
    /// its own.
    fn brought_back(&self, (manager, at): &(Clean, Timestamp)) -> Option<Clean> {
        if matches!(self.inspection.release, Some(Ok(_))) {
            return None;
        }
        let live = self.inspection.live()?;
        let made_before = |than: Timestamp| {
            self.inspection.revisions.iter().filter(move |other| other.created.is_some_and(|created| created < than))
        };
        let has_same = |other: &&Revision| template::images(&other.template) == template::images(&live.template);
        let left = made_before(live.created?).max_by_key(|other| other.created).filter(|left| !has_same(left))?;
        let older = made_before(left.created?).filter(has_same).max_by_key(|other| other.created)?;
        let (from, to) = rollback::tags(left, live);
        let age = passed(*at, self.now);
        Some(say!(
            "'{manager}' went from rev {} ({from}) back to the images of rev {} ({to}) {age} ago, as rev {}",
            left.number,
            older.number,
            live.number
        ))
    }

    /// Whether the change came with the live version. Of a Helm release a hand makes new revisions of the workload too: it
    /// came with one of the release's.
    fn is_own_deploy(&self, (manager, at): &(Clean, Timestamp)) -> bool {
        if let Some(Ok(release)) = &self.inspection.release {
            return helm::is_own_deploy(self.inspection, release, (manager, *at));
        }
        let deployed = self.inspection.live().and_then(|live| live.created);
        deployed.is_some_and(|deployed| seconds_between(deployed, *at).abs() <= SAME_DEPLOY)
    }

    /// The reader is no other.
    fn who<'a>(&self, act: &'a PastAct) -> &'a str {
        if act.actor == self.make.settings.me { "you" } else { &act.actor }
    }

    /// B6: a deploy of the same thing that goes on.
    /// `is_stopped`: step 1 of the plan stops it, where that may be done from here.
    pub fn pipeline(&self, is_stopped: bool) -> Check {
        let workload = &self.inspection.workload;
        let mut running: Vec<_> = self
            .make
            .evidence
            .races
            .iter()
            .filter(|(_, run)| !run.as_ref().is_ok_and(|run| run.run.state.is_finished()))
            .collect();
        // What weighs most is named first, what deploys elsewhere last.
        running.sort_by_key(|(_, run)| run.as_ref().map_or(1, |run| self.turn(run)));
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
        if let Some(run) = self.unasked() {
            let result = CheckResult::Look(going_on(&run_words(run), &stage_words(run), ""));
            return check("B6", "pipeline", result);
        }
        let (settings, app) = (self.make.settings, workload.app.as_ref());
        let bound = evidence::binding(&workload.key, app, settings);
        let known = bound.and_then(|service| service.repository.as_ref());
        // Of a repository that is not asked for, nothing is seen whatever goes on there.
        let mut repositories = self.make.store.runs.keys().map(|run| &run.repo.name);
        let seen = repositories.find(|repo| evidence::feeds(repo, None, &workload.key, app, settings));
        let fresh = self.make.store.freshness_of(Part::Runs, None, self.make.now);
        let result = match (seen, known, fresh) {
            (_, _, None) => CheckResult::NotChecked("no pipeline backend is configured".into()),
            (_, _, Some((source, freshness))) if !freshness.is_usable() => {
                CheckResult::Look(say!("not checked: the runs of '{}' are not fresh", source.backend))
            }
            (Some(repo), _, _) => CheckResult::Ok(say!("no deploy of '{repo}' is queued or running")),
            (None, Some(repo), _) => CheckResult::NotChecked(say!(
                "no run of '{repo}' was seen: is it among the repositories of [[github]]?"
            )),
            (None, None, _) => CheckResult::NotChecked("no repository is bound to it: name it in a [[service]]".into()),
        };
        check("B6", "pipeline", result)
    }

    /// A deploy that goes on as the screens know it, and that this plan did not ask for.
    fn unasked(&self) -> Option<&Run> {
        let request = Request::RollBack { workload: self.inspection.workload.key.clone(), to: None, alert: None };
        let racing = evidence::beside(&request, None, self.make.store, self.make.settings);
        let is_asked = |key| self.make.evidence.races.iter().any(|(asked, _)| asked == key);
        let unasked = racing.runs.iter().find(|key| !is_asked(*key))?;
        self.make.store.runs.get(unasked)
    }

    /// Where a run deploys to, if nothing of that is here.
    fn elsewhere(&self, run: &RunInspection) -> Option<Clean> {
        match aim(self.make, &self.inspection.workload.key, run) {
            Aim::Elsewhere(place) => Some(place),
            Aim::Here | Aim::AlsoProduction(_) | Aim::Unknown => None,
        }
    }

    /// Before which others a run is named.
    fn turn(&self, run: &RunInspection) -> u8 {
        let workload = &self.inspection.workload.key;
        if self.elsewhere(run).is_some() { 2 } else { u8::from(weight(self.make, workload, run).is_none()) }
    }

    fn race(&self, run: &RunInspection, more: usize, is_stopped: bool) -> CheckResult {
        let (name, stage) = (run_words(&run.run), stage_words(&run.run));
        let also = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        if let Some(place) = self.elsewhere(run) {
            return CheckResult::Look(say!("{name} is {stage}{also}, deploys to {place}, not here, and goes on"));
        }
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
            return CheckResult::Look(going_on(&name, &stage, &also));
        }
        let workload = &self.inspection.workload.key;
        if stoppable(self.make, workload).iter().all(|other| other.run.key != run.run.key) {
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
        let weight = weight(self.make, workload, run).map(|weight| format!("; {weight}")).unwrap_or_default();
        CheckResult::Look(say!(
            "{name} is {stage}{also}; {hook}{weight}. Step 1 stops it, then reads the live template again"
        ))
    }
}

/// `deploy #412`
pub(super) fn run_words(run: &Run) -> String {
    format!("{} #{}", run.workflow, run.number)
}

fn stage_words(run: &Run) -> String {
    run.stage.as_ref().map_or_else(|| run.state.to_string(), |stage| format!("in {stage}"))
}

fn going_on(name: &str, stage: &str, also: &str) -> Clean {
    say!(
        "{name} is {stage}{also} and goes on: it may change the template once more. Wait for its end, or cancel it first"
    )
}
