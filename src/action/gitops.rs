//! Workloads that something keeps as git says: how they are rolled back all the same, what is switched off for it, and how
//! it is switched on again. A patch that would be put back is never offered as a rollback.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Check, CheckResult, Switch, WorkloadInspection, Write,
    checks::{self, Subject},
    equivalent::kubectl,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind},
    rollback, template,
};
use crate::{
    app::settings::Settings,
    model::{
        gitops::{Git, Owner, OwnerKind, Synced},
        kubernetes::{Manager, Revision, WorkloadKey},
    },
    text::{Clean, quoted},
    time::age_of,
};

/// A sync may be told to have begun after what it made: clocks of two computers.
const SLACK: SignedDuration = SignedDuration::from_secs(60);

/// Of a HelmRelease: its template is patched, and its release stays what it is.
const UNKNOWN_TO_HELM: &str = "; Helm's history knows nothing of the patch, and resuming it brings its release back";

/// How a workload goes back, by what owns it.
#[derive(Debug)]
pub(super) enum Route<'a> {
    /// Its template is patched; nothing puts it back.
    Patch,
    /// Flux: its owners are suspended first (the topmost first), then it is patched.
    Suspend { owner: &'a Owner, off: Vec<&'a Owner> },
    /// Argo CD: auto-sync is switched off, then the application is synced to an entry of its history.
    Sync { application: &'a Owner, off: Vec<&'a Owner>, entry: &'a Synced, live: Option<&'a Synced> },
    /// It would be put back, or cannot be asked: a patch would be no rollback.
    Closed(Clean),
}

/// The way to `target`.
pub(super) fn route<'a>(inspection: &'a WorkloadInspection, target: &Revision) -> Route<'a> {
    let is_of_git = inspection.workload.managed_by.first().is_some_and(Manager::is_of_git);
    if let Some(Err(why)) = &inspection.release {
        return Route::Closed(say!("its release could not be read: {why}"));
    }
    let owners = match &inspection.owners {
        Ok(owners) if owners.is_empty() && !is_of_git => return Route::Patch,
        Ok(owners) => owners,
        Err(why) => return Route::Closed(say!("its owner could not be read, so it cannot be suspended: {why}")),
    };
    let Some(owner) = owners.first() else { return Route::Closed("its owner is gone or was not read".into()) };
    if let Some(barrier) = owners.iter().find_map(|owner| owner.barrier.as_ref()) {
        return Route::Closed(barrier.clone());
    }
    let off: Vec<&Owner> = owners.iter().rev().filter(|owner| owner.is_active).collect();
    if let Some(closed) = off.iter().find(|owner| owner.may_patch == Ok(false)) {
        return Route::Closed(say!("you may not suspend it: ask for {}", right(closed)));
    }
    if owner.key.kind.is_flux() {
        return Route::Suspend { owner, off };
    }
    if let Some(busy) = &owner.busy {
        return Route::Closed(say!("{busy}: wait for its end"));
    }
    let live = owner.history.first();
    match entry_of(owner, target) {
        Some(entry) if live.is_none_or(|live| live.id != entry.id) => {
            Route::Sync { application: owner, off, entry, live }
        }
        Some(entry) => Route::Closed(say!(
            "history {} of application '{}', which made rev {}, is what is synced: revert in git",
            entry.id,
            owner.key,
            target.number
        )),
        None => Route::Closed(say!(
            "the history of application '{}' does not reach back to rev {}: revert in git",
            owner.key,
            target.number
        )),
    }
}

/// The sync that made a revision: the newest that had begun when the revision was made.
fn entry_of<'a>(application: &'a Owner, target: &Revision) -> Option<&'a Synced> {
    let made = target.created?.checked_add(SLACK).ok()?;
    application.history.iter().find(|entry| entry.started.or(entry.deployed).is_some_and(|begun| begun <= made))
}

/// What lets one switch it.
fn right(owner: &Owner) -> String {
    match &owner.key.via {
        Some(server) => format!("`applications, update` and `sync` of '{}' in Argo CD '{server}'", owner.key),
        None => format!("`patch {}` in '{}'", resource(owner), owner.key.namespace),
    }
}

fn resource(owner: &Owner) -> String {
    format!("{}.{}", owner.key.kind.plural(), owner.key.kind.group())
}

impl Route<'_> {
    /// Owners that are switched off, the topmost first.
    fn off(&self) -> &[&Owner] {
        match self {
            Self::Suspend { off, .. } | Self::Sync { off, .. } => off,
            Self::Patch | Self::Closed(_) => &[],
        }
    }

    /// What is sent before the template is patched, or in its place.
    pub(super) fn writes(&self, by: &Clean) -> Vec<Write> {
        let mut writes: Vec<Write> = self.off().iter().map(|owner| switch(owner, Switch::Off, by)).collect();
        if let Self::Sync { application, entry, .. } = self {
            writes.push(sync(application, &entry.sync, by));
        }
        writes
    }

    pub(super) fn patches(&self) -> bool {
        !matches!(self, Self::Sync { .. })
    }

    /// What the undo must know.
    pub(super) fn keep(&self, kept: &mut Kept) {
        kept.owners = (self.off().iter())
            .map(|owner| (owner.key.clone(), owner.setting().cloned().unwrap_or_default()))
            .collect();
        if let Self::Sync { live, .. } = self {
            kept.synced = live.map(|live| live.sync.clone());
        }
    }

    /// B4 of a rollback: what will be done about the owner, or why nothing will.
    pub(super) fn check(&self, subject: &Subject<'_>) -> Check {
        let says = match self {
            Self::Patch => return subject.owner(),
            Self::Closed(why) => {
                let workload = &subject.inspection.workload;
                let says = match workload.managed_by.first() {
                    Some(owner) => {
                        say!(
                            "owned by {owner}: {why}; {}",
                            checks::instead(subject.make.settings, &workload.key, owner)
                        )
                    }
                    None => why.clone(),
                };
                return checks::check("B4", "owner", CheckResult::Stop(says));
            }
            Self::Suspend { owner, off } => {
                let kind = owner.key.kind.title();
                match names(off) {
                    names if names.is_empty() => say!(
                        "{kind} '{}' is suspended already: whoever resumes it brings back what git says then",
                        owner.key
                    ),
                    names => say!(
                        "{kind} '{}' ({}) would put it back: {names} is suspended first and STAYS so{}. Revert in git, then \
                         :resume-sync",
                        owner.key,
                        owner.says,
                        if owner.key.kind == OwnerKind::HelmRelease { UNKNOWN_TO_HELM } else { "" }
                    ),
                }
            }
            Self::Sync { application, off, entry, .. } => {
                let first = match names(off) {
                    names if names.is_empty() => "auto-sync is off already".to_owned(),
                    names => format!("auto-sync of {names} is switched off and STAYS so"),
                };
                say!(
                    "application '{}' ({}): {first}; then it is synced to history {}. Revert in git, then :resume-sync",
                    application.key,
                    application.says,
                    entry.id
                )
            }
        };
        checks::check("B4", "owner", CheckResult::Look(says))
    }

    /// B3, where it is not the workload that is written.
    pub(super) fn allowed(&self) -> Option<Check> {
        let Self::Sync { application, off, .. } = self else { return None };
        let all = off.iter().copied().chain([*application]);
        let asked = all.into_iter().find(|owner| owner.may_patch != Ok(true)).unwrap_or(application);
        Some(checks::check("B3", "allowed", may(asked)))
    }

    /// What else the application's sync takes back.
    pub(super) fn also(&self, subject: &Subject<'_>) -> Option<Check> {
        let Self::Sync { application, .. } = self else { return None };
        let own = &subject.inspection.workload.key;
        let own = format!("{} {}/{}", own.kind.kind(), own.namespace, own.name);
        let others: Vec<&str> = application.others.iter().map(|other| &**other).filter(|other| *other != own).collect();
        let says = match others[..] {
            [] => return None,
            ref others => say!("the whole application goes back with it: {}", others.join(", ")),
        };
        Some(checks::check("B16", "application", CheckResult::Look(says)))
    }

    /// `GIT`, beside from and to.
    pub(super) fn fact(&self, now: Timestamp) -> Option<(Clean, Clean)> {
        match self {
            Self::Suspend { owner, .. } => Some(("GIT".into(), owner.git.words().clone())),
            Self::Sync { entry, .. } => {
                let age = entry.deployed.map(|at| format!(", synced {} ago", age_of(at, now))).unwrap_or_default();
                Some(("GIT".into(), say!("history {}, revision {}{age}", entry.id, short(&entry.revision))))
            }
            Self::Patch | Self::Closed(_) => None,
        }
    }

    /// The lines that do the same, before the workload's own.
    pub(super) fn equivalent(&self, settings: &Settings) -> Vec<Clean> {
        let mut lines: Vec<Clean> = self.off().iter().map(|owner| switch_line(owner, false, settings)).collect();
        if let Self::Sync { application, entry, .. } = self {
            lines.push(say!("argocd app rollback {} {}", quoted(&application.key.name), entry.id));
        }
        lines
    }
}

fn names(owners: &[&Owner]) -> String {
    owners.iter().map(|owner| format!("'{}'", owner.key)).collect::<Vec<_>>().join(", then ")
}

fn short(revision: &str) -> &str {
    if revision.len() > 10 && revision.is_ascii() { &revision[..7] } else { revision }
}

fn switch(owner: &Owner, to: Switch, by: &Clean) -> Write {
    Write::SwitchSync { owner: owner.key.clone(), uid: owner.uid.clone(), spec: owner.spec.clone(), to, by: by.clone() }
}

fn sync(application: &Owner, to: &Value, by: &Clean) -> Write {
    Write::SyncTo { owner: application.key.clone(), uid: application.uid.clone(), sync: to.clone(), by: by.clone() }
}

fn switch_line(owner: &Owner, is_on: bool, settings: &Settings) -> Clean {
    let key = &owner.key;
    let kubectl = kubectl(settings, &key.cluster, &key.namespace);
    let (kind, name) = (resource(owner), quoted(&key.name));
    if !is_on && key.via.is_some() {
        return say!("argocd app set {name} --sync-policy none");
    }
    let patch = match (key.kind.is_flux(), is_on) {
        (true, is_on) => format!(r#"{{"spec":{{"suspend":{}}}}}"#, !is_on),
        (false, false) => r#"{"spec":{"syncPolicy":{"automated":null}}}"#.to_owned(),
        (false, true) => return say!("argocd app set {name} --sync-policy automated"),
    };
    say!("{kubectl} patch {kind} {name} --type merge -p '{patch}'")
}

/// What a step that sends this write says.
pub(super) fn step(write: Write) -> PlanStep {
    let says = match &write {
        Write::SwitchSync { owner, to, .. } => {
            let (kind, is_flux) = (owner.kind.title(), owner.kind.is_flux());
            match to {
                Switch::Off if is_flux => say!("suspend {kind} {owner}"),
                Switch::Off => say!("auto-sync of {owner} off"),
                Switch::On(_) if is_flux => say!("resume {kind} {owner}"),
                Switch::On(_) => say!("auto-sync of {owner} on again"),
            }
        }
        Write::SyncTo { owner, sync, .. } => {
            let revision = sync.get("revision").or_else(|| sync.pointer("/revisions/0")).and_then(Value::as_str);
            say!("sync {owner} to {}", short(revision.unwrap_or_default()))
        }
        _ => Clean::default(),
    };
    PlanStep { says, kind: StepKind::Write(write) }
}

/// Switches on again what an act switched off: those that are still off, the workload's own first.
pub(super) fn back_on(inspection: &WorkloadInspection, kept: &Kept, by: &Clean) -> Vec<Write> {
    let owners = inspection.owners.as_deref().unwrap_or_default();
    (owners.iter())
        .filter(|owner| !owner.is_active)
        .filter_map(|owner| {
            let (_, setting) = kept.owners.iter().find(|(key, _)| key.is_same(&owner.key))?;
            Some(switch(owner, Switch::On(setting.clone()), by))
        })
        .collect()
}

/// Syncs the application back to what it was synced to before an act.
pub(super) fn sync_back(inspection: &WorkloadInspection, kept: &Kept, by: &Clean) -> Option<Write> {
    let application = inspection.owners.as_deref().unwrap_or_default().first()?;
    Some(sync(application, kept.synced.as_ref()?, by))
}

/// The lines that do the same as an undo's writes to the owners: the sync back, and the switching on that follows all else.
pub(super) fn lines_back(
    inspection: &WorkloadInspection,
    kept: &Kept,
    settings: &Settings,
) -> (Option<Clean>, Vec<Clean>) {
    let owners = inspection.owners.as_deref().unwrap_or_default();
    let entry = owners.first().and_then(|application| {
        let entry = application.history.iter().find(|entry| Some(&entry.sync) == kept.synced.as_ref())?;
        Some(say!("argocd app rollback {} {}", quoted(&application.key.name), entry.id))
    });
    let is_kept = |owner: &&Owner| kept.owners.iter().any(|(key, _)| key.is_same(&owner.key));
    let off = owners.iter().filter(|owner| !owner.is_active).filter(is_kept);
    (entry, off.map(|owner| switch_line(owner, true, settings)).collect())
}

/// The owners of a workload that are off, and how each was set: by what the act that switched it off kept, else as Flux
/// has it by default. What Argo CD's was cannot be guessed.
pub(super) fn resumes(inspection: &WorkloadInspection, kept: Option<&Kept>, by: &Clean) -> Vec<Write> {
    let owners = inspection.owners.as_deref().unwrap_or_default();
    (owners.iter())
        .filter(|owner| !owner.is_active)
        .filter_map(|owner| {
            let known = kept.and_then(|kept| kept.owners.iter().find(|(key, _)| key.is_same(&owner.key)));
            let setting = match known {
                Some((_, setting)) => setting.clone(),
                None if owner.key.kind.is_flux() => Value::Null,
                None => return None,
            };
            // It was found suspended: there is a setting to take away.
            Some(switch(owner, Switch::On(setting), by))
        })
        .collect()
}

/// The plan that switches the owner on again. While live is not what git says, that brings back what was rolled away from.
pub(super) fn resume(make: &Make<'_>, key: &WorkloadKey) -> Result<Plan, Refusal> {
    let inspection = rollback::inspected(make, key)?;
    let owners =
        inspection.owners.as_ref().map_err(|why| Refusal(say!("the owner of {key} could not be read: {why}")))?;
    let Some(owner) = owners.first() else { return Err(Refusal(say!("no GitOps owner of {key} is known"))) };
    let kept = make.evidence.undoing.as_ref().and_then(|undoing| undoing.kept.as_ref());
    let writes = resumes(inspection, kept, &make.settings.me);
    if writes.is_empty() {
        let why = if owner.is_active {
            "is not suspended"
        } else {
            "has no auto-sync, and not because of an act of midwatch: what it was set to is not known"
        };
        return Err(Refusal(say!("{} '{}' {why}", owner.key.kind.title(), owner.key)));
    }
    let now = make.store.time_of(&key.cluster, make.now);
    let mut plan = make.empty(say!("RESUME GITOPS OF {key}"), say!("{}/{}", key.cluster, key.namespace));
    plan.facts = vec![
        ("OWNER".into(), say!("{} '{}': {}", owner.key.kind.title(), owner.key, owner.says)),
        ("GIT".into(), owner.git.words().clone()),
    ];
    plan.steps = writes.into_iter().map(step).collect();
    let subject = Subject { make, inspection, now };
    let rights = owners.iter().find(|owner| !owner.is_active && owner.may_patch != Ok(true)).unwrap_or(owner);
    plan.checks = vec![
        subject.place(),
        checks::check("B3", "allowed", may(rights)),
        checks::check("B4", "live = git", against_git(inspection, owner, kept)),
        subject.fresh(&plan),
    ];
    plan.blocked = checks::gate(&subject, &plan);
    plan.undo = "R on the workload suspends it again".into();
    plan.equivalent = owners
        .iter()
        .filter(|owner| !owner.is_active)
        .map(|owner| switch_line(owner, true, make.settings))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    plan.weigh(make.settings.is_production(&key.cluster), vec![owner.key.name.clone()], &key.name);
    Ok(plan)
}

/// Whether an owner may be switched.
fn may(owner: &Owner) -> CheckResult {
    match &owner.may_patch {
        Ok(true) => CheckResult::Ok(say!("you have {} (asked)", right(owner))),
        Ok(false) => CheckResult::Stop(say!("you have not {}", right(owner))),
        Err(why) => CheckResult::Look(say!("whether you may switch it could not be asked: {why}")),
    }
}

/// Whether what is resumed leaves live as it is.
fn against_git(inspection: &WorkloadInspection, owner: &Owner, kept: Option<&Kept>) -> CheckResult {
    let is_as_before = kept.is_some_and(|kept| template::is_same(&kept.before, &inspection.template));
    match &owner.git {
        Git::Equal(words) => CheckResult::Ok(words.clone()),
        Git::Differs(words) if is_as_before => {
            CheckResult::Ok(say!("live is as it was before it was suspended, and {words}"))
        }
        Git::Differs(words) => CheckResult::Stop(say!(
            "live differs from git ({words}): resumed now, it brings back what was rolled away from. Revert in git first"
        )),
        Git::Unknown(words) => CheckResult::Look(words.clone()),
    }
}
