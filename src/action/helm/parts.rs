//! The workloads of a release: each is looked at as if its kept revisions were those of the release, so that every check of a
//! workload's rollback holds for it.

use jiff::Timestamp;
use serde_json::Value;

use super::{Drift, drift::revisions, live};
use crate::{
    action::{
        Check, CheckResult, Evidence, Inspection, WorkloadInspection, canary,
        checks::{Subject, check},
        digests,
        plan::{Make, Plan, PlanStep, SEVERITIES, WatchFor, severity},
        rollback::{self, OF_WORKLOAD},
        room::Rollout,
        stuck, template,
    },
    app::settings::Settings,
    model::{
        helm::{Release, ReleaseBody, ReleaseRevision, Rendered},
        kubernetes::{Revision, WorkloadKey, tag_of},
    },
    text::Clean,
};

/// Most workloads of a release that are read beside the one that was asked for.
const MAX_MEMBERS: usize = 8;
/// Most that are named in one check.
const NAMED: usize = 3;

/// A workload of the release that is there.
pub(in crate::action) struct Part<'a> {
    pub key: WorkloadKey,
    evidence: &'a Evidence,
    /// As the cluster has it: with every revision that its pods may be of.
    found: &'a WorkloadInspection,
    /// As the release has it.
    seen: WorkloadInspection,
    live: Revision,
    /// `None`: the target revision has it not, or was not read.
    pub target: Option<Revision>,
    /// As the target revision has it.
    rendered: Option<&'a Rendered>,
    /// Somebody set by hand what is live.
    drift: Option<Drift<'a>>,
}

/// All that the target revision holds.
pub(in crate::action) struct Parts<'a> {
    release: &'a Release,
    target: &'a ReleaseRevision,
    pub there: Vec<Part<'a>>,
    /// What could not be looked at, and why.
    absent: Vec<(WorkloadKey, &'a Rendered, Clean)>,
    /// Why the target revision could not be read.
    unread: Option<Clean>,
}

/// The workloads of a body, as keys of the release's cluster.
fn workloads<'a>(release: &'a Release, body: &'a ReleaseBody) -> impl Iterator<Item = (WorkloadKey, &'a Rendered)> {
    let cluster = &release.key.cluster;
    body.objects.iter().filter_map(move |object| {
        let (cluster, namespace, name) = (cluster.clone(), object.namespace.clone(), object.name.clone());
        Some((WorkloadKey { cluster, namespace, kind: object.workload()?, name }, object))
    })
}

/// Whether Helm makes it anew.
fn is_new(release: &Release, key: &WorkloadKey) -> bool {
    live(release).and_then(|live| live.body.as_ref().ok()).is_some_and(|body| body.rendered(key).is_none())
}

/// The workloads that go back beside `own`, and that must be looked at for it.
pub(in crate::action) fn members(release: &Release, target: &ReleaseRevision, own: &WorkloadKey) -> Vec<WorkloadKey> {
    let Ok(body) = &target.body else { return Vec::new() };
    let others = workloads(release, body).map(|(key, _)| key).filter(|key| key != own && !is_new(release, key));
    others.take(MAX_MEMBERS).collect()
}

/// The revision of that number.
pub(in crate::action) fn revision<'a>(seen: &'a WorkloadInspection, of: &ReleaseRevision) -> Option<&'a Revision> {
    seen.revisions.iter().find(|revision| revision.number == of.number)
}

/// The workload as the release has it: with the release's revisions, and without what goes back with it.
pub(in crate::action) fn seen(
    inspection: &WorkloadInspection,
    release: &Release,
    target: &ReleaseRevision,
) -> WorkloadInspection {
    let key = &inspection.workload.key;
    let mut seen = WorkloadInspection { revisions: revisions(inspection, release), ..inspection.clone() };
    let Ok(body) = &target.body else { return seen };
    let goes_back =
        |name: &str| body.objects.iter().any(|object| object.namespace == key.namespace && object.to_string() == name);
    for (name, exists) in &mut seen.references {
        if goes_back(name) {
            *exists = Ok(true);
        }
    }
    if let Some(around) = &mut seen.around {
        for (name, changed) in &mut around.config {
            if goes_back(name) {
                *changed = Ok(None);
            }
        }
        around.services.found.retain(|(name, _)| !goes_back(&format!("service/{name}")));
        around.others.found.retain(|other| !goes_back(&other.name));
    }
    if let Ok(Some(scaler)) = &mut seen.autoscaler
        && goes_back(&format!("horizontalpodautoscaler/{}", scaler.name))
    {
        scaler.changed = None;
    }
    seen
}

impl<'a> Parts<'a> {
    pub fn of(
        evidence: &'a Evidence,
        found: &'a WorkloadInspection,
        release: &'a Release,
        target: &'a ReleaseRevision,
    ) -> Self {
        let own = &found.workload.key;
        let body = target.body.as_ref();
        let part = |key: &WorkloadKey, evidence: &'a Evidence, found: &'a WorkloadInspection| {
            let seen = seen(found, release, target);
            Some(Part {
                key: key.clone(),
                evidence,
                found,
                live: seen.live()?.clone(),
                target: revision(&seen, target).cloned(),
                rendered: body.ok().and_then(|body| body.rendered(key)),
                drift: Drift::of(found, release),
                seen,
            })
        };
        let mut there: Vec<Part<'a>> = part(own, evidence, found).into_iter().collect();
        let mut absent = Vec::new();
        for (key, rendered) in body.into_iter().flat_map(|body| workloads(release, body)).filter(|(key, _)| key != own)
        {
            let member = evidence.members.iter().find(|(member, _)| *member == key).map(|(_, found)| found);
            let why = match member {
                Some(Ok(evidence)) => match &evidence.subject {
                    Inspection::Workload(found) => {
                        there.extend(part(&key, evidence, found));
                        continue;
                    }
                    _ => "its cluster answered something else".into(),
                },
                Some(Err(why)) => why.clone(),
                None if is_new(release, &key) => "it is not there yet".into(),
                None => say!("only {MAX_MEMBERS} of the release's workloads are read"),
            };
            absent.push((key, rendered, why));
        }
        let unread = body.err().map(|why| say!("revision {} could not be read: {why}", target.number));
        Self { release, target, there, absent, unread }
    }

    /// The one that was asked for.
    pub fn own(&self, key: &WorkloadKey) -> Option<&Part<'a>> {
        self.there.iter().find(|part| part.key == *key)
    }

    /// From what is live to the target, of those that somebody set by hand: what was rendered is not what is there.
    pub fn by_hand(&self) -> Vec<(&WorkloadKey, Option<Clean>)> {
        let diff = |part: &Part<'a>| {
            let (key, number) = (&part.key, self.target.number);
            let names = (format!("{key} (live)"), format!("{key} of revision {number}"));
            template::diff(&part.live.template, &part.target.as_ref()?.template, &names.0, &names.1)
        };
        self.there.iter().filter(|part| part.drift.is_some()).map(|part| (&part.key, diff(part))).collect()
    }

    /// Broken pods that an ordered rollout waits for.
    pub fn delete_unready(&self) -> Vec<PlanStep> {
        self.changed().filter_map(|(found, target)| stuck::step(found, target)).collect()
    }

    /// The lines that do the same.
    pub fn lines(&self, settings: &Settings) -> Vec<Clean> {
        self.changed().filter_map(|(found, target)| stuck::line(settings, found, target)).collect()
    }

    /// Workloads whose template changes, as the cluster has them, and what it becomes.
    fn changed(&self) -> impl Iterator<Item = (&WorkloadInspection, &Value)> {
        self.there.iter().filter_map(|part| {
            let target = part.target.as_ref().filter(|target| part.is_changed(target))?;
            Some((part.found, &target.template))
        })
    }

    /// What the pods of all of them are in the end.
    pub fn wanted(&self, now: Timestamp) -> Vec<WatchFor> {
        let there = self.there.iter().filter_map(|part| {
            let wanted = match (&part.target, &self.unread) {
                (Some(target), _) => rollback::wanted(part.evidence, &part.seen, (&part.live, target), now),
                // What it will be is not known; that its rollout ends can be seen.
                (None, Some(_)) => WatchFor::of(&part.key, part.seen.workload.desired, "its pods"),
                (None, None) => return None,
            };
            Some(WatchFor { desired: part.replicas().unwrap_or(wanted.desired), ..wanted })
        });
        let absent = self.absent.iter().map(|(key, rendered, _)| {
            let images = rendered.template.as_ref().map(template::images).unwrap_or_default();
            let image = images.first().map_or("", |(_, image)| image);
            let wanted = WatchFor::of(key, rendered.replicas.unwrap_or(1), tag_of(image));
            WatchFor {
                image: (!image.is_empty()).then(|| Clean::line(image)),
                images: rendered.template.as_ref().map(digests::pinned).unwrap_or_default(),
                ..wanted
            }
        });
        there.chain(absent).take(MAX_MEMBERS + 1).collect()
    }

    /// The checks of each, put together.
    pub fn checks(&self, subject: &Subject<'_>, plan: &Plan) -> Vec<Check> {
        let make = subject.make;
        let mut each: Vec<(&WorkloadKey, Vec<Check>)> = Vec::new();
        for part in &self.there {
            let own = Make { evidence: part.evidence, ..*make };
            let subject = Subject { make: &own, inspection: &part.seen, now: subject.now };
            let mut checks = part.checks(&subject, self.unread.as_ref(), plan);
            checks.extend(part.drift.as_ref().map(|drift| drift.check(&subject, self.release, self.target)));
            each.push((&part.key, checks));
        }
        for (key, _, why) in &self.absent {
            each.push((key, all(&CheckResult::NotChecked(why.clone()))));
        }
        let mut all = together(&each);
        all.extend(self.capacity());
        all
    }

    /// B12 of all that are replaced at once, where it is several: what fits alone may not fit together.
    fn capacity(&self) -> Option<Check> {
        let first = self.there.first()?;
        let rollouts: Vec<Rollout<'_>> = (self.there.iter())
            .filter(|part| part.key.namespace == first.key.namespace)
            .filter_map(|part| {
                let to = part.target.as_ref().filter(|target| part.is_changed(target))?;
                let WorkloadInspection { surge, workload, template: from, .. } = &part.seen;
                Some(Rollout { surge: *surge, desired: workload.desired, from, to: &to.template })
            })
            .collect();
        // Unread quotas are said of each.
        let room = Rollout::room_of(&rollouts, first.seen.quotas.as_ref().ok()?);
        if rollouts.len() < 2 {
            return None;
        }
        let result = match (room.short.first(), room.unknown.first()) {
            (Some(short), _) => CheckResult::Look(say!("{short}: not all may come up")),
            (None, Some(unknown)) => CheckResult::NotChecked(unknown.clone()),
            (None, None) => CheckResult::Ok(say!("{} workloads at once fit what quotas have left", rollouts.len())),
        };
        Some(check("B12", "all at once", result))
    }
}

impl Part<'_> {
    fn is_changed(&self, target: &Revision) -> bool {
        !template::is_same(&self.live.template, &target.template)
    }

    /// As many as the manifest says: Helm sets them, whoever scaled it since.
    fn replicas(&self) -> Option<u32> {
        self.rendered?.replicas
    }

    fn checks(&self, subject: &Subject<'_>, unread: Option<&Clean>, plan: &Plan) -> Vec<Check> {
        let changes = self.target.as_ref().filter(|target| self.is_changed(target));
        let mut checks = match (changes, &self.target, unread) {
            (Some(target), ..) => {
                let mut checks = rollback::of_workload(subject, (&self.live, target), plan);
                checks.extend(canary::check(subject, target, plan));
                checks
            }
            (None, Some(_), _) => {
                let mut checks = all(&CheckResult::Ok("its template stays as it is".into()));
                // Labels of the object name the chart's version: it is patched all the same.
                checks.retain(|check| check.id != *"B3");
                checks.push(subject.allowed(&self.seen.may_patch, "patch"));
                checks
            }
            (None, None, Some(why)) => all(&CheckResult::NotChecked(why.clone())),
            (None, None, None) if self.rendered.is_some() => {
                all(&CheckResult::NotChecked("the manifest has no pod template of it".into()))
            }
            (None, None, None) => all(&CheckResult::NotChecked("the target has it not: Helm deletes it".into())),
        };
        let images: Vec<&str> = template::images(&self.live.template).into_iter().map(|(_, image)| image).collect();
        // The release goes back around it, whatever becomes of its template.
        if changes.is_none()
            && let Some(runs) = subject.migration(&self.live, &images)
        {
            checks.retain(|check| check.id != *"B10");
            checks.push(check("B10", "database", runs));
        }
        checks.extend(subject.updater());
        let workload = &self.seen.workload;
        if workload.paused {
            let says = CheckResult::Look("it is paused: no pod is replaced until it is resumed".into());
            checks.push(check("B7", "paused", says));
        }
        let now = workload.desired;
        match self.replicas().filter(|replicas| *replicas != now) {
            Some(0) => {
                checks.push(check("B12", "replicas", CheckResult::Stop(say!("Helm sets 0 replicas, {now} run"))));
            }
            Some(to) => {
                let says = say!("Helm sets {to} replicas, as the chart has it; {now} are wanted now");
                checks.push(check("B12", "replicas", CheckResult::Look(says)));
            }
            None => {}
        }
        checks.extend(subject.warnings());
        checks
    }
}

/// Every check of a workload, with one answer.
fn all(result: &CheckResult) -> Vec<Check> {
    OF_WORKLOAD.iter().map(|(id, name)| check(id, name, result.clone())).collect()
}

/// One line for what several workloads answer to the same check: what is fine is said only where nothing else is.
fn together(each: &[(&WorkloadKey, Vec<Check>)]) -> Vec<Check> {
    let answers = || each.iter().flat_map(|(key, checks)| checks.iter().map(move |check| (*key, check)));
    let mut names: Vec<(&Clean, &Clean)> = Vec::new();
    for (_, check) in answers() {
        if !names.contains(&(&check.id, &check.name)) {
            names.push((&check.id, &check.name));
        }
    }
    let mut found = Vec::new();
    for (id, name) in names {
        let mut kinds: Vec<Vec<(&WorkloadKey, &CheckResult)>> = vec![Vec::new(); SEVERITIES];
        for (key, check) in answers().filter(|(_, check)| check.id == *id && check.name == *name) {
            kinds[severity(&check.result) as usize].push((key, &check.result));
        }
        let ok = kinds.pop().unwrap_or_default();
        kinds.retain(|kind| !kind.is_empty());
        if kinds.is_empty() {
            kinds.push(ok);
        }
        found.extend(kinds.iter().map(|said| check(id, name, joined(said, each.len() > 1))));
    }
    found
}

/// `deploy/web: ...; sts/db: ...`, all of one kind.
fn joined(said: &[(&WorkloadKey, &CheckResult)], are_several: bool) -> CheckResult {
    let (_, first) = said[0];
    if !are_several {
        return first.clone();
    }
    let mut words: Vec<(String, &Clean)> = Vec::new();
    for (key, says) in said.iter().filter_map(|(key, result)| Some((key, result.words()?))) {
        match words.iter_mut().find(|(_, other)| *other == says) {
            Some((keys, _)) => keys.extend([", ".to_owned(), key.to_string()]),
            None => words.push((key.to_string(), says)),
        }
    }
    let more = if words.len() > NAMED { format!("; and {} more", words.len() - NAMED) } else { String::new() };
    let words: Vec<String> = words.iter().take(NAMED).map(|(keys, says)| format!("{keys}: {says}")).collect();
    first.with_words(say!("{}{more}", words.join("; ")))
}
