//! Workloads that something keeps as git says: how they are rolled back all the same, what is switched off for it, and how
//! it is switched on again. A patch that would be put back is never offered as a rollback.

mod back;

pub(super) use back::{Back, resume, resumes};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Check, CheckResult, Switch, WorkloadInspection, Write,
    checks::{self, Subject},
    equivalent::kubectl,
    plan::{Kept, PlanStep, StepKind},
};
use crate::{
    app::settings::Settings,
    model::{
        gitops::{Git, Owner, OwnerKey, OwnerKind, Synced, revision, short, switch as switch_of},
        kubernetes::{Manager, Revision},
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
        None => format!("`patch {}` in '{}'", resource(&owner.key), owner.key.namespace),
    }
}

fn resource(owner: &OwnerKey) -> String {
    format!("{}.{}", owner.kind.plural(), owner.kind.group())
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
                        say!("owned by {owner}: {why}; {}", checks::instead(subject.make, &workload.key, owner))
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
        allowed("allowed", [*application].into_iter().chain(off.iter().copied()))
    }

    /// B16: what else the application's sync takes back.
    pub(super) fn also(&self, subject: &Subject<'_>) -> Option<Check> {
        let Self::Sync { application, .. } = self else { return None };
        also(application, subject)
    }

    /// `GIT`, beside from and to. `image`: what is live.
    pub(super) fn fact(&self, image: Option<&str>, now: Timestamp) -> Option<(Clean, Clean)> {
        match self {
            Self::Suspend { owner, .. } => {
                // It applied what is live, and git did not move since.
                let is_live = owner.is_active && matches!(owner.git, Git::Differs(_));
                let image = image.filter(|_| is_live && owner.key.kind == OwnerKind::Kustomization);
                let says = image.map(|image| image.rsplit('/').next().unwrap_or(image));
                let says = says.map(|image| say!("git still says {image} ({})", owner.says));
                Some(("GIT".into(), says.unwrap_or_else(|| owner.git.words().clone())))
            }
            Self::Sync { entry, .. } => {
                let age = entry.deployed.map(|at| format!(", synced {} ago", age_of(at, now))).unwrap_or_default();
                Some(("GIT".into(), say!("history {}, revision {}{age}", entry.id, short(&entry.revision))))
            }
            Self::Patch | Self::Closed(_) => None,
        }
    }

    /// The lines that do the same, before the workload's own.
    pub(super) fn equivalent(&self, settings: &Settings) -> Vec<Clean> {
        let mut lines: Vec<Clean> =
            self.off().iter().map(|owner| switch_line(&owner.key, &Switch::Off, settings)).collect();
        if let Self::Sync { application, entry, .. } = self {
            lines.push(rollback_line(&application.key, entry));
        }
        lines
    }
}

fn names(owners: &[&Owner]) -> String {
    owners.iter().map(|owner| format!("'{}'", owner.key)).collect::<Vec<_>>().join(", then ")
}

/// B3 of owners that are written: what one may not do stands first, then what could not be asked.
fn allowed<'a>(name: &str, owners: impl Iterator<Item = &'a Owner>) -> Option<Check> {
    let order = |owner: &&Owner| match owner.may_patch {
        Ok(false) => 0,
        Err(_) => 1,
        Ok(true) => 2,
    };
    owners.min_by_key(order).map(|owner| checks::check("B3", name, may(owner)))
}

/// B16: what else a sync of the application takes back.
fn also(application: &Owner, subject: &Subject<'_>) -> Option<Check> {
    let own = &subject.inspection.workload.key;
    let own = format!("{} {}/{}", own.kind.kind(), own.namespace, own.name);
    let others: Vec<&str> = application.others.iter().map(|other| &**other).filter(|other| *other != own).collect();
    let says = match others[..] {
        [] => return None,
        ref others => say!("the whole application goes back with it: {}", others.join(", ")),
    };
    Some(checks::check("B16", "application", CheckResult::Look(says)))
}

fn switch(owner: &Owner, to: Switch, by: &Clean) -> Write {
    Write::SwitchSync { owner: owner.key.clone(), uid: owner.uid.clone(), spec: owner.spec.clone(), to, by: by.clone() }
}

fn sync(application: &Owner, to: &Value, by: &Clean) -> Write {
    Write::SyncTo { owner: application.key.clone(), uid: application.uid.clone(), sync: to.clone(), by: by.clone() }
}

/// The line that switches an owner.
fn switch_line(owner: &OwnerKey, to: &Switch, settings: &Settings) -> Clean {
    match to {
        Switch::Off if owner.via.is_some() => {
            return say!("argocd app set {} --sync-policy none", quoted(&owner.to_string()));
        }
        Switch::On(setting) if owner.via.is_some() => {
            let is_set = |field: &str| setting.get(field) == Some(&Value::Bool(true));
            let flags = [("prune", " --auto-prune"), ("selfHeal", " --self-heal"), ("allowEmpty", " --allow-empty")];
            let flags: String = flags.iter().filter(|(field, _)| is_set(field)).map(|(_, flag)| *flag).collect();
            return say!("argocd app set {} --sync-policy automated{flags}", quoted(&owner.to_string()));
        }
        _ => {}
    }
    let value = match to {
        Switch::Off if owner.kind.is_flux() => &Value::Bool(true),
        Switch::Off => &Value::Null,
        Switch::On(setting) => setting,
    };
    let fields: Vec<&str> = switch_of(owner.kind).split('/').skip(1).collect();
    let patch = fields.iter().rev().fold(value.clone(), |inner, field| json!({ (*field): inner }));
    let (kubectl, name) = (kubectl(settings, &owner.cluster, &owner.namespace), quoted(&owner.name));
    say!("{kubectl} patch {} {name} --type merge -p {}", resource(owner), quoted(&patch.to_string()))
}

/// The line that syncs an application to an entry of its history.
fn rollback_line(application: &OwnerKey, to: &Synced) -> Clean {
    say!("argocd app rollback {} {}", quoted(&application.to_string()), to.id)
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
            say!("sync {owner} to {}", short(revision(sync)))
        }
        _ => Clean::default(),
    };
    PlanStep { says, kind: StepKind::Write(write) }
}

/// Whether an owner may be switched.
fn may(owner: &Owner) -> CheckResult {
    match &owner.may_patch {
        Ok(true) => CheckResult::Ok(say!("you have {} (asked)", right(owner))),
        Ok(false) => CheckResult::Stop(say!("you have not {}", right(owner))),
        Err(why) => CheckResult::Look(say!("whether you may switch it could not be asked: {why}")),
    }
}
