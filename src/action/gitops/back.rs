//! What an act did to a workload's owners is taken back: by its undo, and by `:resume-sync`.

use serde_json::Value;

use super::{allowed, also, names, rollback_line, switch, switch_line, sync};
use crate::{
    action::{
        Check, CheckResult, Switch, WorkloadInspection, Write,
        checks::{self, Subject},
        plan::{Kept, Make, Plan, Refusal},
        rollback, template,
    },
    app::settings::Settings,
    model::{
        gitops::{Git, Owner, OwnerKind, Synced, is_on, revisions, short, sources},
        kubernetes::{WorkloadKey, short_image},
    },
    text::Clean,
};

/// The owners, as they were read.
fn owners(inspection: &WorkloadInspection) -> Result<&[Owner], Refusal> {
    let key = &inspection.workload.key;
    inspection.owners.as_deref().map_err(|why| Refusal(say!("the owner of {key} could not be read: {why}")))
}

/// How an owner was set before an act.
fn setting<'a>(kept: &'a Kept, owner: &Owner) -> Option<&'a Value> {
    kept.owners.iter().find(|(key, _)| key.is_same(&owner.key)).map(|(_, setting)| setting)
}

/// What an undo does to the owners: each gets as it was before the act.
#[derive(Default)]
pub(in crate::action) struct Back<'a> {
    /// The workload's own.
    own: Option<&'a Owner>,
    /// Switched off before all else, the topmost first: what is undone had switched them on.
    off: Vec<&'a Owner>,
    /// What the application is synced to.
    to: Option<(&'a Owner, &'a Value)>,
    /// Switched on when all else is done, the workload's own first, each as it was set.
    on: Vec<(&'a Owner, &'a Value)>,
}

impl<'a> Back<'a> {
    /// Refused where an act did something to owners that cannot be read now: a patch alone would leave them as they are.
    pub fn of(inspection: &'a WorkloadInspection, kept: &'a Kept) -> Result<Self, Refusal> {
        if kept.owners.is_empty() && kept.synced.is_none() {
            return Ok(Self::default());
        }
        let owners = owners(inspection)?;
        let own = owners.first();
        let mut back = Self { own, to: own.zip(kept.synced.as_ref()), ..Self::default() };
        for owner in owners {
            let Some(setting) = setting(kept, owner) else { continue };
            match (owner.is_active, is_on(owner.key.kind, Some(setting))) {
                (true, false) => back.off.insert(0, owner),
                (false, true) => back.on.push((owner, setting)),
                _ => {}
            }
        }
        Ok(back)
    }

    /// Nothing but switches.
    pub fn without_sync(self) -> Self {
        Self { to: None, ..self }
    }

    /// It goes back by a sync, and no template is patched.
    pub fn syncs(&self) -> bool {
        self.to.is_some()
    }

    /// What is sent before the template is patched, or in its place.
    pub fn before(&self, by: &Clean) -> Vec<Write> {
        let mut writes: Vec<Write> = self.off.iter().map(|owner| switch(owner, Switch::Off, by)).collect();
        writes.extend(self.to.map(|(application, to)| sync(application, to, by)));
        writes
    }

    /// What is sent when all else is done.
    pub fn after(&self, by: &Clean) -> Vec<Write> {
        self.on.iter().map(|(owner, setting)| switch(owner, Switch::On((*setting).clone()), by)).collect()
    }

    /// Every owner that is written.
    fn written(&self) -> impl Iterator<Item = &'a Owner> {
        let application = self.to.map(|(application, _)| application);
        application.into_iter().chain(self.off.iter().copied()).chain(self.on.iter().map(|(owner, _)| *owner))
    }

    /// B4 of an undo.
    pub fn check(&self, subject: &Subject<'_>) -> Check {
        let busy = self.to.and_then(|(application, _)| Some((application, application.busy.as_ref()?)));
        let closed = match (busy, self.off.iter().find_map(|owner| owner.barrier.as_ref())) {
            (Some((application, busy)), _) => Some(say!("application '{}': {busy}: wait for its end", application.key)),
            (None, barrier) => barrier.cloned(),
        };
        if let Some(why) = closed {
            return checks::check("B4", "owner", CheckResult::Stop(why));
        }
        let mut does = Vec::new();
        if !self.off.is_empty() {
            does.push(format!("GitOps is switched off first and STAYS so: {}", names(&self.off)));
        }
        if let Some((application, _)) = self.to {
            does.push(format!("application '{}' is synced back", application.key));
        }
        if !self.on.is_empty() {
            let on: Vec<String> = self.on.iter().map(|(owner, _)| format!("'{}'", owner.key)).collect();
            does.push(format!("GitOps is switched on again afterwards: {}", on.join(", ")));
            // Flux knows that git did not move: it says what was live while it was on.
            if let Some(Owner { key, git: Git::Differs(words), .. }) = self.own
                && key.kind == OwnerKind::Kustomization
            {
                does.push(format!("{words}: it keeps this version"));
            }
        }
        // One that somebody switched on meanwhile puts back what git says.
        let is_open = self.own.is_some_and(|own| !own.is_active || self.off.iter().any(|off| off.key == own.key));
        if !is_open || does.is_empty() {
            return subject.owner();
        }
        checks::check("B4", "owner", CheckResult::Look(say!("{}", does.join("; "))))
    }

    /// B4 where the workload's own owner is switched on again and live is not as before: what git says by then comes at
    /// once, whatever was synced or patched.
    pub fn stays(&self, inspection: &WorkloadInspection) -> Option<Check> {
        let own = self.own.filter(|own| self.on.iter().any(|(on, _)| on.key == own.key))?;
        let result = match &own.git {
            Git::Equal(words) => {
                let images = template::images(&inspection.template);
                let live = images.first().map_or("the template", |(_, image)| short_image(image));
                CheckResult::Stop(say!(
                    "git says {live}, which is live ({words}): switched on again, it brings that back at once. Change it in \
                     git instead"
                ))
            }
            // Of the owner it is said that it keeps this version.
            Git::Differs(_) if own.key.kind.is_flux() => return None,
            Git::Differs(_) if self.to.is_some_and(|(_, to)| is_at(own, to)) => {
                let at: Vec<&str> = own.revisions.iter().map(|one| short(one)).collect();
                CheckResult::Ok(say!("git is at {} still: it keeps this version", at.join(", ")))
            }
            Git::Differs(words) | Git::Unknown(words) => CheckResult::Look(say!(
                "{words}. Switched on again, it brings what git says now, which may be another version"
            )),
        };
        Some(checks::check("B4", "git", result))
    }

    /// B3 of what is done to the owners.
    pub fn allowed(&self) -> Option<Check> {
        allowed(if self.syncs() { "allowed" } else { "owner allowed" }, self.written())
    }

    /// B16: what else the application's sync takes back.
    pub fn also(&self, subject: &Subject<'_>) -> Option<Check> {
        also(self.to?.0, subject)
    }

    /// What an undo of the undo must know.
    pub fn keep(&self, kept: &mut Kept) {
        let switched = self.off.iter().copied().chain(self.on.iter().map(|(owner, _)| *owner));
        kept.owners = switched.map(|owner| (owner.key.clone(), owner.setting().cloned().unwrap_or_default())).collect();
        let live = self.to.and_then(|(application, _)| application.history.first());
        kept.synced = live.map(|live| live.sync.clone());
    }

    /// The entry of the application's history that it is synced to, where that is kept.
    fn entry(&self) -> Option<(&'a Owner, &'a Synced)> {
        let (application, to) = self.to?;
        Some((application, application.history.iter().find(|entry| entry.sync == *to)?))
    }

    /// The lines that switch owners off.
    pub fn lines_off(&self, settings: &Settings) -> Vec<Clean> {
        self.off.iter().map(|owner| switch_line(&owner.key, &Switch::Off, settings)).collect()
    }

    /// The line that syncs the application back.
    pub fn line(&self) -> Option<Clean> {
        self.entry().map(|(application, entry)| rollback_line(&application.key, entry))
    }

    /// The lines that switch owners on again.
    pub fn lines_on(&self, settings: &Settings) -> Vec<Clean> {
        let on = self.on.iter().map(|(owner, setting)| (owner, Switch::On((*setting).clone())));
        on.map(|(owner, to)| switch_line(&owner.key, &to, settings)).collect()
    }

    /// B4 where nothing but owners are switched on.
    pub fn against_git(&self, inspection: &WorkloadInspection, kept: &Kept) -> Option<Check> {
        let own = self.own.filter(|_| !self.on.is_empty())?;
        Some(checks::check("B4", "live = git", against_git(inspection, own, Some(kept))))
    }
}

/// Whether what an application syncs to by itself is what a sync was of: the same revision of each source, and the
/// sources set as they were. Parameters and the like stand in these.
fn is_at(application: &Owner, sync: &Value) -> bool {
    let (revisions, sources_then) = (revisions(sync), sources(sync));
    let is_set_so = sources_then.is_some() && sources_then == sources(&application.spec);
    is_set_so && !revisions.is_empty() && application.revisions == revisions
}

/// The owners of a workload that are switched on again, and how each is set: those that an act switched off and that are off
/// still, as it kept them, and none that somebody else switched off. Without such a one, of Flux, the workload's own, as it
/// is by default: what Argo CD's was cannot be guessed.
fn resumed<'a>(inspection: &'a WorkloadInspection, kept: Option<&Kept>) -> Vec<(&'a Owner, Value)> {
    let owners = inspection.owners.as_deref().unwrap_or_default();
    let was = |owner: &Owner| kept.and_then(|kept| setting(kept, owner)).cloned();
    let of_act: Vec<(&Owner, Value)> =
        owners.iter().filter(|owner| !owner.is_active).filter_map(|owner| Some((owner, was(owner)?))).collect();
    if !of_act.is_empty() {
        return of_act;
    }
    let own = owners.first().filter(|own| !own.is_active && own.key.kind.is_flux());
    // It was found suspended: there is a setting to take away.
    own.map(|own| (own, Value::Null)).into_iter().collect()
}

pub(in crate::action) fn resumes(inspection: &WorkloadInspection, kept: Option<&Kept>, by: &Clean) -> Vec<Write> {
    let owners = resumed(inspection, kept).into_iter();
    owners.map(|(owner, setting)| switch(owner, Switch::On(setting), by)).collect()
}

/// The plan that switches the owner on again. While live is not what git says, that brings back what was rolled away from.
pub(in crate::action) fn resume(make: &Make<'_>, key: &WorkloadKey) -> Result<Plan, Refusal> {
    let inspection = rollback::inspected(make, key)?;
    let owners = owners(inspection)?;
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
        ("OF".into(), say!("{} '{}': {}", owner.key.kind.title(), owner.key, owner.says)),
        ("GIT".into(), owner.git.words().clone()),
    ];
    plan.equivalent = writes
        .iter()
        .filter_map(|write| match write {
            Write::SwitchSync { owner, to, .. } => Some(switch_line(owner, to, make.settings)),
            _ => None,
        })
        .collect();
    plan.steps = writes.into_iter().map(super::step).collect();
    let subject = Subject { make, inspection, now };
    plan.checks = vec![subject.place()];
    plan.checks.extend(allowed("allowed", resumed(inspection, kept).into_iter().map(|(owner, _)| owner)));
    plan.checks.extend([checks::check("B4", "live = git", against_git(inspection, owner, kept)), subject.fresh(&plan)]);
    plan.blocked = checks::gate(&subject, &plan);
    plan.undo = "R on the workload suspends it again".into();
    plan.weigh(make.settings.is_production(&key.cluster), vec![owner.key.name.clone()], &key.name);
    Ok(plan)
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
        // Why it is not known stands beside GIT.
        Git::Unknown(_) => {
            let left = kept.filter(|_| !is_as_before).map(|kept| template::images(&kept.before));
            let left = left.and_then(|images| images.first().map(|(_, image)| short_image(image).to_owned()));
            let comes = left.map_or_else(
                || "another version may run at once".to_owned(),
                |image| format!("{image}, which was rolled away from, may be back at once"),
            );
            CheckResult::Look(say!("it is not known to be what git says: resumed, {comes}"))
        }
    }
}
