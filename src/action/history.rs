//! A workload's kept revisions: how long each ran, which one is the last known good.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Evidence, Request, WorkloadInspection,
    act::Outcome,
    audit::PastAct,
    canary,
    plan::{Choice, Refusal},
    record::{NO_RECORD, Record},
    template,
};
use crate::{
    model::{
        Level, Name,
        image::ImageRef,
        kubernetes::{Pod, Revision, short_digest, tag_of},
    },
    text::{Clean, counted},
    time::{age, seconds_between},
};

/// A version that ran this long, in seconds, is taken to have worked.
pub(super) const CLEAN_RUN: i64 = 30 * 60;

/// Names of revisions that an act went away from and none went back to.
pub(super) fn known_bad(acts: &[PastAct]) -> BTreeSet<Name> {
    let mut bad = BTreeSet::new();
    for act in acts.iter().rev().filter(|act| act.outcome == Some(Outcome::Done)) {
        if let Some(to) = &act.to_revision {
            bad.remove(to);
        }
        if goes_back(act)
            && let Some(from) = &act.from_revision
        {
            bad.insert(from.clone());
        }
    }
    bad
}

/// The act that went away from it last.
pub(super) fn left_by<'a>(acts: &'a [PastAct], revision: &Name) -> Option<&'a PastAct> {
    acts.iter().find(|act| goes_back(act) && act.from_revision.as_ref() == Some(revision))
}

fn goes_back(act: &PastAct) -> bool {
    let is_rollback = matches!(act.request, Request::RollBack { .. } | Request::Undo { .. });
    is_rollback && act.outcome == Some(Outcome::Done)
}

/// The revision made next. Numbers move with every undo, so the order is that of creation.
fn next<'a>(inspection: &'a WorkloadInspection, revision: &Revision) -> Option<&'a Revision> {
    let later = inspection.revisions.iter().filter(|other| other.created > revision.created);
    later.min_by_key(|other| other.created)
}

/// When a revision was left, and for which: when the next one was made. For the newest that is unknown: its own creation,
/// so that nothing since is missed.
pub(super) fn left(inspection: &WorkloadInspection, revision: &Revision) -> Option<(Timestamp, i64)> {
    let created = revision.created?;
    let next = next(inspection, revision).and_then(|next| Some((next.created?, next.number)));
    Some(next.unwrap_or((created, revision.number)))
}

/// Whether somebody went from it back to one that was made before it, and not to one that was known to be worse (a hook
/// that undid the mend). The deployments' controller gives what it goes to the next number, and creation does not move;
/// whose number is gone has gone on to a higher one.
pub(super) fn is_left_behind(
    inspection: &WorkloadInspection,
    record: &Record,
    revision: &Revision,
    now: Timestamp,
) -> bool {
    let is_older = |other: &Revision| other.number > revision.number && other.created < revision.created;
    let is_left_for = |next: &Revision| is_older(next) && worse(inspection, record, next, revision, now).is_none();
    let others = &inspection.revisions;
    if let Some(next) = others.iter().find(|other| other.number == revision.number + 1) {
        return is_left_for(next);
    }
    // Whose number is the one after next came after that which is looked for.
    let mut moved = others.iter().filter(|other| is_older(other) && other.number != revision.number + 2).peekable();
    if moved.peek().is_some() { moved.any(is_left_for) } else { others.iter().any(is_older) }
}

/// Which alerts called people until an older version was left, where a newer one called nobody.
pub(super) fn worse(
    inspection: &WorkloadInspection,
    record: &Record,
    older: &Revision,
    newer: &Revision,
    now: Timestamp,
) -> Option<String> {
    record.paged_when_left(inspection, older, now).filter(|_| record.paged(inspection, newer, now).is_none())
}

/// For how long a revision ran, in seconds, as its creation and that of the next one tell. An upper bound for the newest if
/// it is not live: it was left at an unknown time.
pub(super) fn ran(inspection: &WorkloadInspection, revision: &Revision, now: Timestamp) -> Option<i64> {
    let (began, ended) = run(inspection, revision, now)?;
    Some(seconds_between(began, ended).max(0))
}

/// From when to when, as far as that is known.
pub(super) fn run(
    inspection: &WorkloadInspection,
    revision: &Revision,
    now: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let ended = next(inspection, revision).and_then(|next| next.created).unwrap_or(now);
    Some((revision.created?, ended))
}

/// The revision to go to: the one asked for, else the last known good. That is the newest that ran long enough, that nobody
/// rolled away from, that is not the live template again, and of which no alert is known that called people long of it; if
/// there is none such, one that did; if none ran long enough, the one that ran longest.
pub(super) fn target<'a>(
    inspection: &'a WorkloadInspection,
    evidence: &Evidence,
    to: Option<i64>,
    now: Timestamp,
) -> Result<&'a Revision, Refusal> {
    let key = &inspection.workload.key;
    let kept = || {
        let numbers: Vec<String> = inspection.revisions.iter().map(|revision| revision.number.to_string()).collect();
        numbers.join(", ")
    };
    if let Some(why) = &inspection.unread.revisions {
        return Err(Refusal(say!("the revisions of {key} could not be read: {why}")));
    }
    if inspection.revisions.is_empty() {
        return Err(Refusal(say!("no rollout history found for {} \"{}\"", key.kind.name(), key.name)));
    }
    if let Some(to) = to {
        let found = inspection.revisions.iter().find(|revision| revision.number == to);
        let found = found.ok_or_else(|| {
            Refusal(say!(
                "unable to find revision {to} of {key} in its history: {} are kept. Numbers move with every rollback",
                kept()
            ))
        })?;
        if template::is_same(&found.template, &inspection.template) {
            return Err(Refusal(say!("skipped rollback (current template already matches revision {to})")));
        }
        return Ok(found);
    }
    if let Some(stable) = canary::stable(inspection).filter(|stable| !stable.is_live) {
        return Ok(stable);
    }
    let bad = evidence.known_bad();
    let other = |revision: &&Revision| {
        !revision.is_live
            && !bad.contains(&revision.name)
            && !is_left_behind(inspection, &evidence.record, revision, now)
            && !template::is_same(&revision.template, &inspection.template)
            && !template::differs_by_restart_only(&revision.template, &inspection.template)
    };
    let length = |revision: &Revision| ran(inspection, revision, now).unwrap_or(0);
    let candidates: Vec<&Revision> = inspection.revisions.iter().filter(other).collect();
    let is_long = |revision: &&&Revision| length(revision) >= CLEAN_RUN;
    let is_quiet = |revision: &&&Revision| evidence.record.paged(inspection, revision, now).is_none();
    let newest = |revision: &&&Revision| (revision.created, revision.number);
    (candidates.iter().filter(is_long).filter(is_quiet).max_by_key(newest))
        .or_else(|| candidates.iter().filter(is_long).max_by_key(newest))
        .or_else(|| candidates.iter().max_by_key(|revision| (length(revision), revision.number)))
        .copied()
        .ok_or_else(|| {
            let why = match inspection.revisions.as_slice() {
                [only] => format!("only rev {} is kept", only.number),
                _ => format!("each of {} is the live one, its restart, or one that was rolled away from", kept()),
            };
            Refusal(say!("no revision to roll {key} back to: {why}"))
        })
}

/// The kept revision with this template; else one that is kept nowhere.
pub(super) fn of_template(inspection: &WorkloadInspection, template: &Value) -> (Revision, bool) {
    let kept = inspection.revisions.iter().find(|revision| template::is_same(&revision.template, template));
    let unkept = || Revision {
        number: 0,
        name: Name::default(),
        hash: None,
        created: None,
        change_cause: None,
        by: None,
        images: template::images(template).into_iter().map(|(_, image)| Clean::line(image)).collect(),
        pods: Some((0, 0)),
        wanted: None,
        is_live: false,
        template: template.clone(),
    };
    // To the letter as it was kept: what a server adds by itself is no difference, but is sent.
    kept.map_or_else(|| (unkept(), false), |kept| (Revision { template: template.clone(), ..kept.clone() }, true))
}

/// The digest that a revision's pods run, of the container with this name.
pub(super) fn digest(inspection: &WorkloadInspection, revision: &Revision, container: &str) -> Option<Name> {
    let pinned = template::images(&revision.template)
        .into_iter()
        .find(|(name, _)| *name == container)
        .and_then(|(_, image)| image.split_once('@'))
        .map(|(_, digest)| Clean::line(digest));
    pinned.or_else(|| {
        let hash = revision.hash.as_ref()?;
        inspection
            .pods
            .iter()
            .filter(|pod| pod.hash.as_ref() == Some(hash))
            .flat_map(|pod| pod.containers.iter())
            .find(|running| running.name == container && running.digest.is_some())
            .and_then(|running| running.digest.clone())
    })
}

/// The digests that a revision's image ran under: that of its pods, else those that nodes know its name by.
pub(super) fn known_digests(
    inspection: &WorkloadInspection,
    revision: &Revision,
    container: &str,
    image: &ImageRef,
) -> BTreeSet<Name> {
    match (digest(inspection, revision, container), &inspection.image_nodes) {
        (Some(digest), _) => [digest].into(),
        (None, Ok(nodes)) => nodes.digests_of(image),
        (None, Err(_)) => BTreeSet::new(),
    }
}

/// `myapp:412 @9f2c1e`
pub(super) fn version_words(inspection: &WorkloadInspection, revision: &Revision, beside: &Revision) -> String {
    let Some((container, image)) = template::telling_image(&revision.template, &beside.template) else {
        return "no image".to_owned();
    };
    let name = crate::model::kubernetes::short_image(image);
    match digest(inspection, revision, container) {
        Some(digest) if !image.contains('@') => format!("{name} @{}", short_digest(&digest)),
        _ => name.to_owned(),
    }
}

/// `ran 26h`, or why that is not known.
pub(super) fn ran_words(
    inspection: &WorkloadInspection,
    record: &Record,
    revision: &Revision,
    now: Timestamp,
) -> String {
    if is_left_behind(inspection, record, revision, now) {
        return "rolled away from".to_owned();
    }
    let is_newest = inspection.revisions.iter().all(|other| other.created <= revision.created);
    match ran(inspection, revision, now) {
        Some(seconds) if is_newest => format!("ran at most {}", age(seconds)),
        Some(seconds) => format!("ran {}", age(seconds)),
        None => "age unknown".to_owned(),
    }
}

/// Pods of a revision: those that stay, and those that are ready. `None`: they could not be read.
pub(super) fn pods_of(inspection: &WorkloadInspection, revision: &Revision) -> Option<(usize, usize)> {
    let Some(hash) = &revision.hash else {
        return revision.pods.map(|(ready, all)| (all as usize, ready as usize));
    };
    if inspection.unread.pods.is_some() {
        return None;
    }
    let of: Vec<_> = staying(inspection, hash).collect();
    Some((of.len(), of.iter().filter(|pod| pod.is_ready).count()))
}

/// Pods of each version, the live one's first: `1 on 19, 3 on 18`. `None`: all are of one.
pub(super) fn split(inspection: &WorkloadInspection) -> Option<String> {
    let pods = |revision: &Revision| pods_of(inspection, revision).map_or(0, |(all, _)| all);
    let mut up: Vec<(&Revision, usize)> = inspection.revisions.iter().map(|one| (one, pods(one))).collect();
    up.retain(|(_, pods)| *pods > 0);
    if up.len() < 2 {
        return None;
    }
    up.sort_by_key(|(revision, _)| (!revision.is_live, std::cmp::Reverse(revision.number)));
    let tag = |revision: &Revision| {
        template::images(&revision.template).first().map_or_else(String::new, |(_, image)| tag_of(image).to_owned())
    };
    let tags: BTreeSet<String> = up.iter().map(|(revision, _)| tag(revision)).collect();
    // A restart, or other limits: the tag is that of both.
    let is_told = tags.len() == up.len();
    let name = |revision: &Revision| if is_told { tag(revision) } else { format!("rev {}", revision.number) };
    let words: Vec<String> = up.iter().map(|(revision, pods)| format!("{pods} on {}", name(revision))).collect();
    Some(words.join(", "))
}

/// How many of them only start: nothing is known of them yet.
pub(super) fn starting(inspection: &WorkloadInspection, revision: &Revision) -> usize {
    let starts = |pod: &&Pod| !pod.is_ready && pod.level == Level::Progress;
    revision.hash.as_ref().map_or(0, |hash| staying(inspection, hash).filter(starts).count())
}

fn staying<'a>(inspection: &'a WorkloadInspection, hash: &Name) -> impl Iterator<Item = &'a Pod> {
    inspection.pods.iter().filter(move |pod| pod.hash.as_ref() == Some(hash) && pod.deleting_since.is_none())
}

/// All revisions as choices, newest first.
pub(super) fn choices(
    inspection: &WorkloadInspection,
    live: &Revision,
    evidence: &Evidence,
    now: Timestamp,
) -> Vec<Choice> {
    let bad = evidence.known_bad();
    let mut revisions: Vec<&Revision> = inspection.revisions.iter().collect();
    revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    revisions
        .into_iter()
        .map(|revision| {
            let tag =
                template::telling_image(&revision.template, &live.template).map_or("?", |(_, image)| tag_of(image));
            let mut notes = Vec::new();
            if revision.is_live {
                notes.push("live".to_owned());
            } else {
                notes.push(ran_words(inspection, &evidence.record, revision, now));
                let record = evidence.record.words(inspection, revision, now);
                // Short: several stand in one line. What is meant is said in full of the target (B7).
                notes.extend(record.into_iter().map(|words| words.replace(NO_RECORD, "?? alerts")));
            }
            if bad.contains(&revision.name) {
                notes.push("known bad".to_owned());
            }
            if !revision.is_live && template::differs_by_restart_only(&revision.template, &live.template) {
                notes.push("live but for a restart".to_owned());
            }
            match pods_of(inspection, revision) {
                Some((0, _)) => {}
                Some((up, _)) => notes.push(format!("{} up", counted(up, "pod"))),
                None => notes.push("pods unknown".to_owned()),
            }
            Choice {
                revision: revision.number,
                label: say!("rev {} {tag}", revision.number),
                note: Clean::own(notes.join(", ")),
                is_live: revision.is_live,
            }
        })
        .collect()
}
