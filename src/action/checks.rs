//! The checks of a plan on a workload, B1 to B16 of the docs: what is fine, what must be looked at, what stops. What was
//! not checked is said, never left out.

mod aim;
mod capacity;
mod config;
mod database;
mod deploy;
mod image;
mod logs;
mod others;
mod place;
mod race;
mod rollout;
mod updater;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

pub(super) use deploy::deployed_by;
pub(super) use image::{is_known_bad, left_by};
pub(super) use place::Place;
pub(super) use race::{HANDS, stoppable, stops_production};

use self::logs::Told;
use super::{
    Check, CheckResult, Request, WorkloadInspection,
    equivalent::{argo_rollouts, in_context},
    history,
    plan::{Make, Plan},
    stuck, template,
};
use crate::{
    model::kubernetes::{Manager, Revision, WorkloadKey, WorkloadKind, named},
    text::Clean,
    time::{age_of, passed, seconds_between},
};

/// What was changed this close to a revision's creation, in seconds, is of that revision's own deploy.
pub(super) const SAME_DEPLOY: i64 = 90;

/// Field managers that apply again and again what git says.
const PUTS_BACK: [&str; 3] = ["argocd-controller", "kustomize-controller", "helm-controller"];

/// One of them that has applied nothing for this long, in seconds, has probably left.
const LEFT: i64 = 30 * 24 * 60 * 60;

/// What the checks look at.
pub(super) struct Subject<'a> {
    pub make: &'a Make<'a>,
    pub inspection: &'a WorkloadInspection,
    /// The cluster's own time.
    pub now: Timestamp,
}

pub(super) fn check(id: &str, name: &str, result: CheckResult) -> Check {
    Check { id: id.into(), name: name.into(), result }
}

/// By their numbers; of the same, as they are.
pub(super) fn in_order(checks: &mut [Check]) {
    checks.sort_by_key(|check| check.id.trim_start_matches('B').parse::<u32>().unwrap_or(u32::MAX));
}

/// Who changed the template last, and what is live since.
pub(super) fn last_change(inspection: &WorkloadInspection, now: Timestamp) -> Option<Clean> {
    let who = changed_by(&inspection.changes, now)?;
    let live = inspection.live().map(|live| format!(", live is rev {}", live.number)).unwrap_or_default();
    Some(say!("{who}{live}"))
}

/// Who changed the template last; `changes`: newest first.
pub(super) fn changed_by(changes: &[(Clean, Timestamp)], now: Timestamp) -> Option<Clean> {
    let (manager, at) = changes.first()?;
    Some(say!("'{manager}' changed the template {} ago", passed(*at, now)))
}

/// Gates that no name and reason open: rights, another cluster, a dry run that did not pass.
pub(super) fn gate(subject: &Subject<'_>, plan: &Plan) -> Option<Clean> {
    subject.at().gate(plan)
}

impl Subject<'_> {
    fn at(&self) -> Place<'_> {
        let WorkloadInspection { workload, server, cluster_id, .. } = self.inspection;
        let (cluster, namespace) = (&workload.key.cluster, workload.key.namespace.as_str());
        Place { make: self.make, cluster, namespace, server, cluster_id: cluster_id.as_ref() }
    }

    /// B1
    pub fn place(&self) -> Check {
        self.at().check()
    }

    /// B2: no score is computed, but the split by version is a fact: of readiness, else of the errors in the logs.
    pub fn suspect(&self, live: &Revision, target: &Revision) -> CheckResult {
        match (self.by_readiness(live, target), self.told_by_logs(live, target)) {
            (result @ (CheckResult::Ok(_) | CheckResult::Stop(_)), _) | (result, None) => result,
            (_, Some(Told::Alike(errors))) => CheckResult::Stop(say!("both versions fail alike: {errors}")),
            (_, Some(Told::Own(errors))) => CheckResult::Ok(say!("the trouble is the live version's: {errors}")),
            (result, Some(Told::New(error))) => {
                let says = result.words().map(|says| format!("{says}; ")).unwrap_or_default();
                CheckResult::Look(say!("{says}{error}"))
            }
        }
    }

    fn by_readiness(&self, live: &Revision, target: &Revision) -> CheckResult {
        let pods_of = |revision| history::pods_of(self.inspection, revision);
        let (Some((all, ready)), Some((old, old_ready))) = (pods_of(live), pods_of(target)) else {
            return CheckResult::NotChecked("whether this version is the cause: its pods could not be read".into());
        };
        let split = if old > 0 { format!("; the target's: {old_ready} of {old}") } else { String::new() };
        let starting = |revision| history::starting(self.inspection, revision);
        match (ready, old_ready) {
            (0, 0) if all > 0 && old > 0 && starting(live) + starting(target) == 0 => CheckResult::Stop(say!(
                "both versions fail alike: none of the live one's {all} pods is ready, none of the target's {old}"
            )),
            (ready, up) if ready + starting(live) < all && old > 0 && up == old => {
                CheckResult::Ok(say!("the trouble is the live version's: {ready} of its {all} pods are ready{split}"))
            }
            (ready, _) if ready == all && ready >= self.inspection.workload.desired as usize => {
                CheckResult::Look(say!("all its pods are ready ({ready} of {all}){split}: is it the cause?"))
            }
            _ => CheckResult::NotChecked(say!(
                "whether this version is the cause is not scored: {ready} of its {all} pods are ready{split}"
            )),
        }
    }

    /// B3
    pub fn allowed(&self, may: &Result<bool, Clean>, verb: &str) -> Check {
        let key = &self.inspection.workload.key;
        let result = match may {
            Ok(true) => CheckResult::Ok(say!("you may {verb} {key} (asked)")),
            Ok(false) => CheckResult::Stop(say!(
                "you may not {verb} {} in '{}': ask for `{verb} {}`",
                key.kind.plural(),
                key.namespace,
                key.kind.plural()
            )),
            Err(why) => CheckResult::Look(say!("whether you may {verb} it could not be asked: {why}")),
        };
        check("B3", "allowed", result)
    }

    /// B4: what puts the template back, or owns its history.
    pub fn owner(&self) -> Check {
        let key = &self.inspection.workload.key;
        let result = match self.inspection.workload.managed_by.first() {
            None => self.unmarked(),
            Some(manager) => match self.switched_off() {
                Some(says) => CheckResult::Look(says),
                None => CheckResult::Stop(say!("owned by {manager}: {}", instead(self.make, key, manager))),
            },
        };
        check("B4", "owner", result)
    }

    /// Of one whose owners of git are all off already: nothing puts it back until somebody switches them on.
    fn switched_off(&self) -> Option<Clean> {
        let owners = self.inspection.owners.as_deref().ok()?;
        let owner = owners.first()?;
        let are_off = owners.iter().all(|owner| !owner.is_active && owner.barrier.is_none());
        let (kind, is) =
            (owner.key.kind.title(), if owner.key.kind.is_flux() { "suspended" } else { "not synced by itself" });
        are_off.then(|| {
            say!(
                "{kind} '{}' is {is}: whoever resumes or syncs it brings back what git says. Change it in git too",
                owner.key
            )
        })
    }

    /// No mark says whose it is; who applied its template may.
    fn unmarked(&self) -> CheckResult {
        let changes = &self.inspection.changes;
        let by = |managers: &[&str]| changes.iter().find(|(manager, _)| managers.contains(&manager.as_str()));
        if let Some(change) = by(&PUTS_BACK) {
            let (manager, at) = change;
            // An entry of its fields stays for as long as nobody else sets them: it may be of an owner who left long ago.
            if changes.first() != Some(change) && seconds_between(*at, self.now) >= LEFT {
                let age = age_of(*at, self.now);
                return CheckResult::Look(say!(
                    "'{manager}' applied some of the template {age} ago, and no mark names it"
                ));
            }
            let act = in_git(goes_back(self.make));
            return CheckResult::Stop(say!(
                "'{manager}' applied the template, though no mark says what it is of: it may put back what git says. Instead: {act} in the config repository"
            ));
        }
        if let Some((manager, _)) = by(&["helm"]) {
            return CheckResult::Look(say!(
                "'{manager}' applied the template, though no mark names its release: the next upgrade brings it back"
            ));
        }
        let by = changes.first().map_or("nobody known", |(manager, _)| manager);
        CheckResult::Ok(say!("set by {by}; not Argo, Flux or Helm"))
    }

    /// B7
    pub fn history(&self, target: &Revision) -> Check {
        let record = &self.make.evidence.record;
        let paged = |revision: &Revision| record.paged(self.inspection, revision, self.now);
        let number = target.number;
        let result = if let Some(paged) = paged(target) {
            CheckResult::Look(say!("rev {number} called people too: {paged}"))
        } else if let Some((passed, paged)) = self.passed_over(target) {
            CheckResult::Look(say!("rev {passed} was passed over: {paged}"))
        } else {
            let kept = self.inspection.revisions.len();
            let mut words = vec![format!("rev {number} is kept ({kept} revisions); not paused")];
            words.extend(record.words(self.inspection, target, self.now));
            CheckResult::Ok(say!("{}", words.join("; ")))
        };
        check("B7", "history", result)
    }

    /// The newest version between what is live and the target that was not chosen for what it did.
    fn passed_over(&self, target: &Revision) -> Option<(i64, String)> {
        if !matches!(self.make.request, Request::RollBack { to: None, .. }) {
            return None;
        }
        let record = &self.make.evidence.record;
        let is_left = |other: &Revision| history::is_left_behind(self.inspection, record, other, self.now);
        let between = |other: &&Revision| !other.is_live && other.created > target.created && !is_left(other);
        let newest = self.inspection.revisions.iter().filter(between).max_by_key(|other| other.created)?;
        Some((newest.number, record.paged(self.inspection, newest, self.now)?))
    }

    /// B8: a rollback restores the whole template.
    pub fn also_undone(live: &Revision, target: &Revision) -> Check {
        let all = template::differences(&live.template, &target.template);
        let others: Vec<String> =
            all.iter().filter(|difference| !difference.is_image).map(ToString::to_string).collect();
        let result = if template::differs_by_restart_only(&live.template, &target.template) {
            CheckResult::Look("only the restart mark differs: this is a restart, not another version".into())
        } else if others.is_empty() {
            CheckResult::Ok("only the image differs".into())
        } else {
            let more = if others.len() > 4 { format!(" and {} more", others.len() - 4) } else { String::new() };
            CheckResult::Look(say!("{}{more}", others[..others.len().min(4)].join(", ")))
        };
        check("B8", "also undone", result)
    }

    /// B13: pods that block others, and those that no controller replaces (`OnDelete`, or below a partition).
    pub fn stuck(&self, target: &Value, plan: &Plan) -> Check {
        let stuck = stuck::check(self.make.settings, self.inspection, target, plan);
        let kept = self.inspection.partition;
        let result = if self.is_on_delete() {
            CheckResult::Look(
                "OnDelete: its controller replaces no pod: once the template is set, delete those of others one by one (:delete)"
                    .into(),
            )
        } else if kept > 0 && matches!(stuck, CheckResult::Ok(_)) {
            CheckResult::Look(say!(
                "a partition: pods below number {kept} keep what they run, whatever the template says"
            ))
        } else {
            stuck
        };
        check("B13", "stuck pods", result)
    }

    /// B14
    pub fn fresh(&self, plan: &Plan) -> Check {
        self.at().fresh(plan)
    }

    /// B15
    pub fn will_run(&self, target: &Revision) -> Check {
        let rehearsed = self.make.evidence.pod_of(&target.template);
        let named = named::references(&target.template);
        let gone = self.gone(&named);
        let result = if !gone.is_empty() {
            CheckResult::Stop(say!("the target names what is gone: {}", gone.join(", ")))
        } else if let Some(Err(error)) = rehearsed {
            match error {
                // Refused by admission (quota, Pod Security, a webhook) and refused by RBAC are both 403; only the words of
                // the authorizer tell them apart.
                super::ActionError::Refused(why) if why.contains("cannot create resource") => {
                    CheckResult::NotChecked("you may not create pods, so a pod of it was not rehearsed".into())
                }
                super::ActionError::Refused(why) if !place::cannot_rehearse(error) => {
                    CheckResult::Stop(say!("a pod of it would be refused: {why}"))
                }
                other => CheckResult::Look(say!("a pod of it could not be rehearsed: {other}")),
            }
        } else if let looks @ [_, ..] = &*self.looks_at_running(&target.template, rehearsed) {
            CheckResult::Look(say!("{}", looks.join("; ")))
        } else if rehearsed.is_none() {
            CheckResult::NotChecked("what it names exists; a pod of it was not rehearsed".into())
        } else {
            CheckResult::Ok("what it names exists; a pod of it passed the dry run".into())
        };
        check("B15", "will it run", result)
    }

    fn gone<'a>(&self, named: &'a BTreeSet<String>) -> Vec<&'a str> {
        let is_gone = |name: &&String| self.inspection.references.get(*name) == Some(&Ok(false));
        named.iter().filter(is_gone).map(String::as_str).collect()
    }

    /// What does not keep it from running, and should be known.
    fn looks_at_running(
        &self,
        template: &Value,
        rehearsed: Option<&Result<Vec<Clean>, super::ActionError>>,
    ) -> Vec<String> {
        let workload = &self.inspection.workload;
        let mut looks = Vec::new();
        let pulls = named::pull_secrets(template);
        let gone = self.gone(&pulls);
        if !gone.is_empty() {
            looks.push(format!(
                "imagePullSecrets names what is gone: {}: images are pulled without it",
                gone.join(", ")
            ));
        }
        if workload.recreates {
            looks.push("strategy Recreate: downtime while pods are replaced".to_owned());
        } else if workload.desired == 1 {
            looks.push("one replica: a moment of downtime, or of two versions".to_owned());
        }
        if let Some(Ok(said)) = rehearsed {
            looks.extend(said.iter().map(Clean::to_string));
        }
        let is_unknown = |name: &&String| self.inspection.references.get(*name).is_none_or(Result::is_err);
        let named: BTreeSet<String> = named::references(template).into_iter().chain(pulls).collect();
        let unknown: Vec<&str> = named.iter().filter(is_unknown).map(String::as_str).collect();
        if !unknown.is_empty() {
            looks.push(format!("not asked: whether these still exist: {}", unknown.join(", ")));
        }
        looks
    }

    /// Other things the inspection met.
    pub fn warnings(&self) -> Vec<Check> {
        let unread = self.inspection.unread.words();
        let unread = unread.map(|says| check("B14", "unread", CheckResult::Look(say!("not checked: {says}"))));
        // What a restart writes stands in no file: an apply leaves it there.
        let is_restart = matches!(self.make.request, Request::Restart { .. });
        let marks = self.inspection.warnings.iter().filter_map(|warning| {
            if warning.starts_with("it is being deleted") {
                return Some(check("B7", "deleted", CheckResult::Stop(warning.clone())));
            }
            (!is_restart).then(|| check("B4", "applied", CheckResult::Look(warning.clone())))
        });
        marks.chain(unread).collect()
    }
}

/// Whether git has what the act goes to; other limits are news there.
const fn goes_back(make: &Make<'_>) -> bool {
    !matches!(make.request, Request::Limits { .. })
}

/// What is done in git instead.
const fn in_git(goes_back: bool) -> &'static str {
    if goes_back { "revert" } else { "change it" }
}

/// Why a patch of what somebody else sets is no mending, and what is.
pub(super) fn instead(make: &Make<'_>, key: &WorkloadKey, manager: &Manager) -> String {
    let (settings, goes_back) = (make.settings, goes_back(make));
    let act = in_git(goes_back);
    let context = |flag| in_context(flag, settings, &key.cluster);
    match manager {
        Manager::ArgoCd { .. } if !goes_back => {
            format!("self-heal puts back what git says. Instead: {act} in the config repository")
        }
        Manager::ArgoCd { application } => format!(
            "self-heal puts back what git says. Instead: `argocd app rollback {}`, or revert in the config repository",
            application.replacen('_', "/", 1)
        ),
        Manager::FluxKustomization { name, namespace } => format!(
            "it is applied again at each interval. Instead: `flux suspend kustomization {name} -n {namespace}{}` first, then {act} in git",
            context("--context")
        ),
        Manager::FluxHelmRelease { name, namespace } => format!(
            "it is upgraded again at each interval. Instead: `flux suspend helmrelease {name} -n {namespace}{}` first, then {}",
            context("--context"),
            if goes_back { "`helm rollback`" } else { "change its values in git" }
        ),
        Manager::Helm { release, namespace } => format!(
            "the next upgrade brings it back, and Helm's history will not know. Instead: `helm{} -n {namespace} rollback {release}`",
            context("--kube-context")
        ),
        Manager::ConfigSync => format!("it is applied again from git. Instead: {act} in the config repository"),
        Manager::Controller { kind, name } if kind.as_str() == "Rollout" && goes_back => {
            let rollout = WorkloadKey { kind: WorkloadKind::Rollout, name: name.clone(), ..key.clone() };
            let abort = argo_rollouts(settings, &rollout, "abort", "");
            format!("Argo Rollouts owns it. Instead: `{abort}`, then `undo {name}`")
        }
        Manager::Controller { kind, name } if kind.as_str() == "Canary" => {
            let that_one = if goes_back { "roll that one back" } else { "change that one" };
            format!("Flagger copies it from the Deployment that canary '{name}' watches. Instead: {that_one}")
        }
        Manager::Controller { kind, name } => {
            format!("its owner sets it again. Instead: act on {kind} '{name}'")
        }
    }
}
