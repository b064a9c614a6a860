//! Acts on one object of a cluster other than a rollout: switches (pause, cordon, suspend), deletion and eviction, and a run of
//! a CronJob now. What speaks for and against each stands in `checks`.

mod checks;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    CheckResult, Inspection, Request, Write,
    checks::{Place, check},
    equivalent::{kubectl, kubectl_in},
    plan::{Make, Plan, PlanStep, Refusal, StepKind},
};
use crate::{
    json::text,
    model::{
        Name,
        kubernetes::{Manager, resource::ResourceKey},
    },
    text::{Clean, quoted},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectAct {
    /// Of a Deployment: its template may change, nothing rolls.
    Pause,
    Resume,
    /// Of a node: nothing new is scheduled on it.
    Cordon,
    Uncordon,
    /// Of a CronJob: no run is started.
    Suspend,
    Unsuspend,
    /// Of a CronJob: one run, as `kubectl create job --from=cronjob/NAME`.
    RunNow,
    Delete,
    /// Of a pod: deleted, if its disruption budgets allow it.
    Evict,
}

/// A write to one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectWrite {
    pub object: ResourceKey,
    pub uid: Name,
    /// Deletions: what was looked at.
    pub version: Option<Version>,
    pub act: ObjectAct,
    /// The Job of a run now.
    pub job: Option<Value>,
}

/// How far an object was when it was looked at. Of one whose status moves by itself it is the version of its wishes, or it
/// could never be confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Version {
    /// `metadata.generation`
    Wishes(i64),
    /// `metadata.resourceVersion`
    All(Name),
}

impl Version {
    /// `None`: its server counts no wishes, and its status moves: the uid is all that stays.
    pub fn of(object: &Value) -> Option<Self> {
        let wishes = object.pointer("/metadata/generation").and_then(Value::as_i64).map(Self::Wishes);
        let all = || Some(Self::All(Clean::line(text(object, "/metadata/resourceVersion"))));
        wishes.or_else(|| if object.get("status").is_some() { None } else { all() })
    }
}

/// An object as its API server has it now.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectInspection {
    pub key: ResourceKey,
    /// Raw, without managed fields; of a Secret its metadata only.
    pub object: Value,
    /// What owns it, by its marks.
    pub managed_by: Vec<Manager>,
    /// Whether the act is allowed (SelfSubjectAccessReview); `Err`: why it could not be asked.
    pub may: Result<bool, Clean>,
    /// URL and version, asked now.
    pub server: Clean,
    pub cluster_id: Option<Clean>,
    /// Pods on a node, if it is one.
    pub pods: Option<Result<usize, Clean>>,
    /// Of a pod that is to be deleted: the disruption budgets that cover it.
    pub budgets: Option<Result<Vec<Budget>, Clean>>,
}

/// A disruption budget, as its controller counted last.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    pub name: Name,
    /// Pods that are ready, and how many must be.
    pub healthy: i64,
    pub needed: i64,
    /// Pods that may go now.
    pub allowed: i64,
}

impl ObjectAct {
    pub fn verb(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
            Self::Suspend => "suspend",
            Self::Unsuspend => "unsuspend",
            Self::RunNow => "run",
            Self::Delete => "delete",
            Self::Evict => "evict",
        }
    }

    /// The act that takes it back.
    fn inverse(self) -> Option<Self> {
        Some(match self {
            Self::Pause => Self::Resume,
            Self::Resume => Self::Pause,
            Self::Cordon => Self::Uncordon,
            Self::Uncordon => Self::Cordon,
            Self::Suspend => Self::Unsuspend,
            Self::Unsuspend => Self::Suspend,
            Self::RunNow | Self::Delete | Self::Evict => return None,
        })
    }

    /// The field that it switches (a JSON pointer), and where to.
    pub fn switch(self) -> Option<(&'static str, bool)> {
        Some(match self {
            Self::Pause => ("/spec/paused", true),
            Self::Resume => ("/spec/paused", false),
            Self::Cordon => ("/spec/unschedulable", true),
            Self::Uncordon => ("/spec/unschedulable", false),
            Self::Suspend => ("/spec/suspend", true),
            Self::Unsuspend => ("/spec/suspend", false),
            Self::RunNow | Self::Delete | Self::Evict => return None,
        })
    }

    /// The right it needs: verb, group, resource and subresource; empty: the object's own.
    pub fn right(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::RunNow => ("create", "batch", "jobs", ""),
            Self::Delete => ("delete", "", "", ""),
            Self::Evict => ("create", "", "", "eviction"),
            _ => ("patch", "", "", ""),
        }
    }

    /// The kind it is for: group and kind; `None`: any.
    fn kind(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Pause | Self::Resume => ("apps", "Deployment"),
            Self::Cordon | Self::Uncordon => ("", "Node"),
            Self::Suspend | Self::Unsuspend | Self::RunNow => ("batch", "CronJob"),
            Self::Evict => ("", "Pod"),
            Self::Delete => return None,
        })
    }

    /// Whether it can be done to an object of this kind at all.
    pub fn is_for(self, object: &ResourceKey) -> bool {
        self.kind().is_none_or(|(group, kind)| object.resource.is(group, kind))
    }

    /// What the object is with it.
    fn state(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "not paused",
            Self::Cordon => "cordoned",
            Self::Uncordon => "not cordoned",
            Self::Suspend => "suspended",
            Self::Unsuspend => "not suspended",
            Self::RunNow => "run",
            Self::Delete => "deleted",
            Self::Evict => "evicted",
        }
    }
}

/// The object of a request, and the act that takes it back, if there is one.
pub(super) fn inverse(request: &Request) -> Option<(&ResourceKey, ObjectAct)> {
    let Request::Object { object, act } = request else { return None };
    Some((object, act.inverse()?))
}

/// Whether a switch stands on.
pub fn is_on(object: &Value, field: &str) -> bool {
    object.pointer(field) == Some(&Value::Bool(true))
}

/// What is sent for an act.
pub fn write(found: &ObjectInspection, act: ObjectAct) -> Write {
    // Of a pod the uid is enough: what it is hardly changes.
    let is_guarded = act == ObjectAct::Delete && !found.key.resource.is("", "Pod");
    let version = if is_guarded { Version::of(&found.object) } else { None };
    Write::Object(ObjectWrite {
        object: found.key.clone(),
        uid: Clean::line(text(&found.object, "/metadata/uid")),
        version,
        act,
        job: (act == ObjectAct::RunNow).then(|| job_of(&found.object)),
    })
}

/// The Job that kubectl makes of a CronJob; the server completes its name.
fn job_of(cron_job: &Value) -> Value {
    let name = text(cron_job, "/metadata/name");
    let template = &cron_job["spec"]["jobTemplate"];
    let mut annotations = template.pointer("/metadata/annotations").cloned().unwrap_or_else(|| json!({}));
    annotations["cronjob.kubernetes.io/instantiate"] = json!("manual");
    // A Job's name ends in its pods' labels, which hold 63 characters; the server adds five.
    let stem: String = name.chars().take(63 - 5 - "-manual-".len()).collect();
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "generateName": format!("{stem}-manual-"),
            "namespace": text(cron_job, "/metadata/namespace"),
            "labels": template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({})),
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": text(cron_job, "/metadata/uid"),
                "controller": true,
            }],
        },
        "spec": template["spec"],
    })
}

/// The plan of an act on an object.
pub(super) fn plan(make: &Make<'_>, key: &ResourceKey, act: ObjectAct) -> Result<Plan, Refusal> {
    let Inspection::Object(found) = &make.evidence.subject else {
        return Err(Refusal(say!("{key} was not looked at")));
    };
    if !act.is_for(key) {
        return Err(Refusal(say!("{key} cannot be {}", act.state())));
    }
    if let Some((field, to)) = act.switch()
        && is_on(&found.object, field) == to
    {
        return Err(Refusal(say!("{key} is {} already", act.state())));
    }
    let place = Place {
        make,
        cluster: &key.cluster,
        namespace: &key.namespace,
        server: &found.server,
        cluster_id: found.cluster_id.as_ref(),
    };
    let mut plan = make.empty(say!("{} {}", act.verb().to_uppercase(), key.words()), place.words());
    let now = make.store.time_of(&key.cluster, make.now);
    plan.facts = checks::facts(found, act, now);
    plan.steps = steps(make, found, act);
    plan.checks = vec![place.check(), allowed(found, act)];
    plan.checks.extend(checks::checks(found, act, place.is_production(), now));
    // It is read before it is done, also where nothing speaks against it.
    let effect = plan.checks.iter().find(|check| check.name == *"effect").map(|check| check.result.clone());
    if let Some(CheckResult::Ok(says)) = effect {
        plan.facts.push(("THEN".into(), says));
    }
    plan.checks.push(place.fresh(&plan));
    plan.blocked = place.gate(&plan);
    plan.undo = match (act, act.inverse()) {
        (_, Some(back)) => say!("U: {} it", back.verb()),
        (ObjectAct::RunNow, _) => {
            let kubectl = kubectl(make.settings, &key.cluster, &key.namespace);
            say!("by hand, not by U: `{kubectl} delete job NAME`, of the one it makes")
        }
        (ObjectAct::Evict, _) => "an eviction is not undone".into(),
        _ => "a deletion is not undone".into(),
    };
    plan.equivalent = vec![Clean::own(line(make.settings, key, act))];
    plan.weigh(place.is_production(), accepts(key), &key.name);
    Ok(plan)
}

/// What must be typed: the name; of a pod the part that no other pod of its controller has is enough.
pub(super) fn accepts(key: &ResourceKey) -> Vec<Clean> {
    let suffix = key.name.rsplit('-').next().filter(|part| part.len() >= 4 && key.resource.is("", "Pod"));
    suffix.map(Clean::line).into_iter().chain([key.name.clone()]).collect()
}

fn steps(make: &Make<'_>, found: &ObjectInspection, act: ObjectAct) -> Vec<PlanStep> {
    let says = match (act, act.switch()) {
        (ObjectAct::RunNow, _) => "create a Job of its template".into(),
        (ObjectAct::Evict, _) => "ask for its eviction".into(),
        (_, Some((field, to))) => say!("{} -> {to}", field.trim_start_matches('/').replace('/', ".")),
        _ => say!("delete {}", found.key),
    };
    let write = PlanStep { says, kind: StepKind::Write(write(found, act)) };
    let is_removal = matches!(act, ObjectAct::Delete | ObjectAct::Evict);
    let keep = is_removal.then(|| keep_evidence(make, &found.key)).flatten();
    keep.into_iter().chain([write]).collect()
}

/// A pod takes its logs with it, a workload those of all its pods.
fn keep_evidence(make: &Make<'_>, key: &ResourceKey) -> Option<PlanStep> {
    let Some(pod) = key.pod() else { return key.workload().map(|workload| PlanStep::keep_evidence(&workload)) };
    let kube = &make.store.kube;
    let workload = kube.pods.get(&pod).and_then(|pod| kube.workload_of(pod)).map(|workload| workload.key.clone());
    Some(PlanStep::keep_evidence_of(pod, workload))
}

/// B3
fn allowed(found: &ObjectInspection, act: ObjectAct) -> super::Check {
    let (verb, group, resource, subresource) = act.right();
    let own = found.key.resource.qualified();
    let resource = if resource.is_empty() { own } else { format!("{resource}.{group}") };
    let what = if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") };
    let result = match &found.may {
        Ok(true) => CheckResult::Ok(say!("you may {verb} {what} (asked)")),
        Ok(false) => CheckResult::Stop(say!("you may not {verb} {what}: ask for `{verb} {what}`")),
        Err(why) => CheckResult::Look(say!("whether you may {verb} {what} could not be asked: {why}")),
    };
    check("B3", "allowed", result)
}

/// The same with kubectl.
pub fn line(settings: &crate::app::settings::Settings, key: &ResourceKey, act: ObjectAct) -> String {
    let resource = &key.resource;
    let kubectl = if resource.is_namespaced {
        kubectl(settings, &key.cluster, &key.namespace)
    } else {
        kubectl_in(settings, &key.cluster)
    };
    let (kind, name) = (quoted(&resource.qualified()), quoted(&key.name));
    match act {
        ObjectAct::Pause | ObjectAct::Resume => format!("{kubectl} rollout {} deployment {name}", act.verb()),
        ObjectAct::Cordon | ObjectAct::Uncordon => format!("{kubectl} {} {name}", act.verb()),
        ObjectAct::Suspend | ObjectAct::Unsuspend => {
            format!(r#"{kubectl} patch cronjob {name} -p '{{"spec":{{"suspend":{}}}}}'"#, act == ObjectAct::Suspend)
        }
        ObjectAct::RunNow => {
            let job = quoted(&format!("{}-manual", key.name));
            format!("{kubectl} create job {job} --from={}", quoted(&format!("cronjob/{}", key.name)))
        }
        ObjectAct::Delete => format!("{kubectl} delete {kind} {name}"),
        ObjectAct::Evict => {
            let path = format!("/api/v1/namespaces/{}/pods/{}/eviction", key.namespace, key.name);
            let body = json!({"apiVersion": "policy/v1", "kind": "Eviction",
                "metadata": {"name": key.name.as_str(), "namespace": key.namespace.as_str()}});
            format!("echo {} | {kubectl} create --raw {} -f -", quoted(&body.to_string()), quoted(&path))
        }
    }
}
