//! What each revision of a release made of a workload, and whether what is live is still that: somebody may have set it by
//! hand since.

use jiff::Timestamp;
use serde_json::Value;

use super::{live, ran, rendered};
use crate::{
    action::{
        Check, CheckResult, WorkloadInspection,
        checks::{SAME_DEPLOY, Subject, check},
        history::{self, CLEAN_RUN},
        template,
    },
    model::{
        helm::{Release, ReleaseRevision},
        kubernetes::{RESTARTED_AT, Revision, WorkloadKey, WorkloadKind, short_image},
    },
    text::Clean,
    time::{age_of, seconds_between},
};

/// Most fields that are named.
const NAMED: usize = 3;

/// The clock that writes a restart mark, and the server's that notes who wrote it, are this far apart at most, in seconds.
const SKEW: i64 = 10;

/// The field manager of `kubectl rollout restart`.
const RESTARTER: &str = "kubectl-rollout";

/// A live workload that is not what the deployed revision rendered.
pub(in crate::action) struct Drift<'a> {
    pub deployed: &'a ReleaseRevision,
    /// The earlier revision that rendered what is live: somebody went back by hand.
    pub back: Option<&'a ReleaseRevision>,
    /// Who set it last, and when.
    by: &'a Clean,
    at: Timestamp,
    /// When somebody first set something else than the deployed revision did, as far as that is known.
    since: Timestamp,
    /// What is live instead.
    what: String,
}

impl<'a> Drift<'a> {
    /// `None`: it is as it was rendered, or that cannot be told.
    pub fn of(found: &'a WorkloadInspection, release: &'a Release) -> Option<Self> {
        // What an operation that failed or goes on has applied is not known.
        let deployed = release.newest().filter(|newest| newest.status == "deployed")?;
        // Lists of other kinds are replaced whole: what a server adds would look like somebody's hand.
        if found.workload.key.kind == WorkloadKind::Rollout {
            return None;
        }
        let applied = applied(found, release, deployed)?;
        let fields = differing(&applied, &found.template);
        if fields.is_empty() {
            return None;
        }
        let before = template::images(&applied);
        let image = template::images(&found.template).into_iter().find(|pair| !before.contains(pair));
        // Without another image it may be what the deploy itself left: a default of the server's, a webhook's mark.
        let least = if image.is_some() { 0 } else { SAME_DEPLOY };
        let updated = deployed.body.as_ref().ok()?.updated;
        let is_later = |at: Timestamp, least: i64| updated.is_none_or(|updated| seconds_between(updated, at) > least);
        let is_hand = |(manager, at): &&(Clean, Timestamp)| !is_helm(manager) && is_later(*at, least);
        let restart = restart(found);
        let set: Vec<&(Clean, Timestamp)> =
            found.changes.iter().filter(is_hand).filter(|change| Some(*change) != restart).collect();
        // Who set an image and restarted it later is known by the later time only.
        let and_restarted = || restart.filter(|(by, _)| image.is_some() && *by != *RESTARTER).filter(is_hand);
        let (by, at) = set.first().copied().or_else(and_restarted)?;
        let own = template_of(deployed, &found.workload.key).map(template::images).unwrap_or_default();
        let is_other = |one: &&Revision| {
            let images = template::images(&one.template);
            own.iter().any(|pair| !images.contains(pair))
        };
        let others = found.revisions.iter().filter(is_other).filter_map(|one| one.created);
        let times = set.iter().map(|(_, at)| *at).chain(others);
        let since = times.filter(|at| is_later(*at, SAME_DEPLOY)).min().unwrap_or(*at);
        let what = match image {
            Some((_, image)) => format!("live is {}", short_image(image)),
            None => format!("live has another {}", named(&fields)),
        };
        let rendered_live = |one: &&ReleaseRevision| {
            let is_before = one.number < deployed.number && one.is_done();
            is_before
                && self::applied(found, release, one).is_some_and(|made| differing(&made, &found.template).is_empty())
        };
        let back = release.revisions.iter().find(rendered_live);
        Some(Self { deployed, back, by, at: *at, since, what })
    }

    /// The deployed revision was good, and is the way back: it needs to be applied once more, and nothing older.
    pub fn is_deployed_enough(&self, release: &Release) -> bool {
        let updated = self.deployed.body.as_ref().ok().and_then(|body| body.updated);
        let is_long = |ran: Option<i64>| ran.is_none_or(|ran| ran >= CLEAN_RUN);
        let is_same = |one: &&ReleaseRevision| one.is_done() && rendered(one) == rendered(self.deployed);
        let mut earlier = release.revisions.iter().filter(is_same).filter_map(|one| ran(release, one));
        self.back.is_none()
            && (is_long(updated.map(|updated| seconds_between(updated, self.since)))
                || earlier.any(|ran| ran >= CLEAN_RUN))
    }

    /// `live is postgres:nope, not what revision 9 rendered; 'kubectl-set' changed it 6s ago`
    pub fn says(&self, now: Timestamp) -> Clean {
        let Self { deployed, by, what, .. } = self;
        let back = self.back.map_or_else(String::new, |back| format!(" but what revision {} did", back.number));
        let age = age_of(self.at, now);
        say!("{what}, not what revision {} rendered{back}; '{by}' changed it {age} ago", deployed.number)
    }

    /// B5: what was set by hand is what the rollback goes away from.
    pub fn check(&self, subject: &Subject<'_>, release: &Release, target: &ReleaseRevision) -> Check {
        let number = self.deployed.number;
        // An undo goes where it was before.
        let is_undo = subject.make.evidence.undoing.is_some();
        let instead = if !is_undo && target.number < number && self.is_deployed_enough(release) {
            format!(". Revision {number} applied once more would do: this goes further back")
        } else {
            String::new()
        };
        check("B5", "live", CheckResult::Look(say!("{}{instead}", self.says(subject.now))))
    }

    /// What is live, as a revision: one that the release has not.
    fn revision(&self, found: &WorkloadInspection) -> Revision {
        let (kept, is_kept) = history::of_template(found, &found.template);
        Revision {
            number: 0,
            name: if is_kept { kept.name } else { "by-hand".into() },
            // Set again, a version keeps what was made for it the first time.
            created: kept.created.max(Some(self.at)),
            is_live: true,
            ..kept
        }
    }
}

/// Whether a change of the workload's template came with a revision of its release.
pub(in crate::action) fn is_own_deploy(
    found: &WorkloadInspection,
    release: &Release,
    (manager, at): (&Clean, Timestamp),
) -> bool {
    let is_close = |one: &ReleaseRevision| {
        let updated = one.body.as_ref().ok().and_then(|body| body.updated);
        updated.is_some_and(|updated| seconds_between(updated, at).abs() <= SAME_DEPLOY)
    };
    is_helm(manager) || Drift::of(found, release).is_none() && release.revisions.iter().any(is_close)
}

/// Helm's own field manager, or that of what has it built in (`terraform-provider-helm`).
fn is_helm(manager: &Clean) -> bool {
    manager.contains("helm")
}

/// Who restarted it last: the change that stands beside the template's restart mark.
fn restart(found: &WorkloadInspection) -> Option<&(Clean, Timestamp)> {
    let marks = found.template.pointer("/metadata/annotations")?;
    let marked: Timestamp = marks.get(RESTARTED_AT)?.as_str()?.parse().ok()?;
    let apart = |change: &&(Clean, Timestamp)| seconds_between(marked, change.1).abs();
    found.changes.iter().min_by_key(apart).filter(|change| apart(change) <= SKEW)
}

fn template_of<'a>(of: &'a ReleaseRevision, key: &WorkloadKey) -> Option<&'a Value> {
    of.body.as_ref().ok()?.rendered(key)?.template.as_ref()
}

/// The live template once that revision is applied over it: an apply leaves alone what it does not name.
fn applied(found: &WorkloadInspection, release: &Release, of: &ReleaseRevision) -> Option<Value> {
    let key = &found.workload.key;
    let before = live(release).and_then(|live| template_of(live, key)).unwrap_or(&Value::Null);
    // Lists of other kinds than Kubernetes' own are replaced whole.
    let has_keys = key.kind != WorkloadKind::Rollout;
    Some(template::merged(before, template_of(of, key)?, &found.template, has_keys))
}

/// What differs, but for what a server leaves out because it says nothing.
fn differing(made: &Value, live: &Value) -> Vec<template::Difference> {
    let says_nothing = |text: Option<&str>| text.is_none_or(|text| matches!(text, "" | "{}" | "[]" | "false"));
    let mut all = template::differences(made, live);
    all.retain(|field| !(says_nothing(field.from.as_deref()) && says_nothing(field.to.as_deref())));
    all
}

fn named(fields: &[template::Difference]) -> String {
    let more = if fields.len() > NAMED { format!(" and {} more", fields.len() - NAMED) } else { String::new() };
    let paths: Vec<&str> = fields.iter().take(NAMED).map(|field| field.path.as_str()).collect();
    format!("{}{more}", paths.join(", "))
}

/// What each revision of the release made of the workload, or would; and what is live, where none of them made it.
pub(super) fn revisions(found: &WorkloadInspection, release: &Release) -> Vec<Revision> {
    let drift = Drift::of(found, release);
    let made_live = drift.as_ref().map_or_else(|| live(release), |drift| drift.back).map(|one| one.number);
    let of_release = release.revisions.iter().filter_map(|one| {
        let is_live = Some(one.number) == made_live;
        let made = if is_live { found.template.clone() } else { applied(found, release, one)? };
        let (kept, is_kept) = history::of_template(found, &made);
        let updated = one.body.as_ref().ok().and_then(|body| body.updated);
        Some(Revision {
            number: one.number,
            name: if is_kept { kept.name } else { say!("{}.v{}", release.key.name, one.number) },
            // Hooks may hold up what Helm began.
            created: updated.max(kept.created),
            is_live,
            ..kept
        })
    });
    let by_hand = drift.as_ref().filter(|drift| drift.back.is_none()).map(|drift| drift.revision(found));
    of_release.chain(by_hand).collect()
}
