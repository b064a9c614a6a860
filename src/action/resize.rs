//! The plan of other limits for one running pod (`pods/resize`): its containers go on, or restart where their own policy
//! says so. Its workload's template keeps what it has.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Check, CheckResult, Inspection, Limits, Write,
    audit::PastAct,
    checks::{Place, check},
    equivalent::kubectl,
    object::accepts,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, Watched},
    resources::{self, Changed, ResourceInspection, Usage},
    template, undo,
};
use crate::{
    json::text,
    model::{
        Name,
        kubernetes::{ObjectKey, resource::ResourceKey},
    },
    text::{Clean, quoted},
};

/// A pod as its API server has it now, for a resize in place.
#[derive(Clone, Debug, PartialEq)]
pub struct PodInspection {
    pub key: ObjectKey,
    /// Raw, without managed fields; `Null`: it is gone.
    pub object: Value,
    /// Whether the server has `pods/resize` (discovery); `Err`: why it could not be asked.
    pub serves: Result<bool, Clean>,
    /// Whether it may be patched (SelfSubjectAccessReview).
    pub may: Result<bool, Clean>,
    /// URL and version, asked now.
    pub server: Clean,
    pub cluster_id: Option<Clean>,
    pub resources: ResourceInspection,
    pub room: Result<Room, Clean>,
}

/// What a node has for pods, and what the others on it request.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    pub node: Name,
    pub allocatable: Usage,
    pub others: Usage,
}

/// Other `resources` of a container of a running pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodResize {
    pub pod: ObjectKey,
    pub uid: Name,
    pub container: String,
    /// Index among `spec.containers`.
    pub index: usize,
    /// As read when the plan was made: the guard. `Null`: it had none.
    pub before: Value,
    pub after: Value,
}

/// A resize that is waited for, until the kubelet has done it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResizeFor {
    pub resize: PodResize,
    /// What the pod said of an earlier resize when the plan was made: no word on this one.
    pub earlier: Option<Pending>,
}

/// A pod that was resized, for the undo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptPod {
    pub key: ObjectKey,
    pub uid: Name,
    pub container: String,
}

/// How far the kubelet is with a resize, by the pod's conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    pub state: PendingState,
    pub says: Clean,
    /// Generation of the pod that it is about, where the kubelet tells.
    generation: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingState {
    /// The node can never take it.
    Infeasible,
    /// The node has no room for it now.
    Deferred,
    InProgress,
}

impl Pending {
    /// What the pod's conditions say of a resize that is not done.
    pub fn of(pod: &Value) -> Option<Self> {
        let all = pod.pointer("/status/conditions").and_then(Value::as_array);
        let is_on = |kind: &str| {
            all.into_iter().flatten().find(|condition| condition["type"] == kind && condition["status"] == "True")
        };
        let (condition, is_pending) = match is_on("PodResizePending") {
            Some(pending) => (pending, true),
            None => (is_on("PodResizeInProgress")?, false),
        };
        let (reason, message) = (text(condition, "/reason"), Clean::line(text(condition, "/message")));
        let why = if message.is_empty() { String::new() } else { format!(": {message}") };
        let (state, says) = match (is_pending, reason) {
            (true, "Infeasible") => (PendingState::Infeasible, say!("the node can never take it (Infeasible){why}")),
            (true, _) => (PendingState::Deferred, say!("it waits for room on its node ({}){why}", Clean::line(reason))),
            (false, "Error") => (PendingState::InProgress, say!("the kubelet failed at it and tries again{why}")),
            (false, _) => (PendingState::InProgress, say!("the kubelet is at it{why}")),
        };
        let generation = condition.get("observedGeneration").and_then(Value::as_i64);
        Some(Self { state, says, generation })
    }

    /// Whether it is said of the pod as it is now, and not of an earlier resize.
    pub fn is_of(&self, pod: &Value, earlier: Option<&Self>) -> bool {
        match (self.generation, pod.pointer("/metadata/generation").and_then(Value::as_i64)) {
            (Some(observed), Some(generation)) => observed >= generation,
            _ => earlier != Some(self),
        }
    }
}

/// The writes to rehearse of a request.
pub(super) fn draft(found: &PodInspection, limits: &Limits) -> Option<Write> {
    resources::changed(&found.object["spec"], limits).ok().map(|changed| write(found, limits, &changed))
}

/// The same, of an undo.
pub(super) fn draft_back(found: &PodInspection, kept: &Kept) -> Option<Write> {
    let container = &kept.pod.as_ref()?.container;
    let (limits, changed) = resources::restored(&found.object["spec"], container, &kept.before).ok()?;
    Some(write(found, &limits, &changed))
}

fn write(found: &PodInspection, limits: &Limits, changed: &Changed) -> Write {
    Write::ResizePod(PodResize {
        pod: found.key.clone(),
        uid: Clean::line(text(&found.object, "/metadata/uid")),
        container: limits.container.clone(),
        index: changed.index,
        before: changed.before.clone(),
        after: changed.after.clone(),
    })
}

fn inspected<'a>(make: &Make<'a>, key: &ObjectKey) -> Result<&'a PodInspection, Refusal> {
    match &make.evidence.subject {
        Inspection::Pod(found) if found.object.is_null() => Err(Refusal(say!("pod/{} is gone", key.name))),
        Inspection::Pod(found) => Ok(found),
        _ => Err(Refusal(say!("pod/{} was not looked at", key.name))),
    }
}

pub(super) fn plan(make: &Make<'_>, key: &ObjectKey, limits: &Limits) -> Result<Plan, Refusal> {
    let found = inspected(make, key)?;
    refuse(found, &limits.container)?;
    let changed = resources::changed(&found.object["spec"], limits)?;
    of(make, found, limits, &changed)
}

/// Back to what the container had, if it has what the act left.
pub(super) fn undo(make: &Make<'_>, act: &PastAct, kept: &Kept, of_pod: &KeptPod) -> Result<Plan, Refusal> {
    let (key, number) = (&of_pod.key, act.number);
    let found = inspected(make, key)?;
    if text(&found.object, "/metadata/uid") != of_pod.uid.as_str() {
        return Err(Refusal(say!("pod/{} is another one since act {number}: it has its template's limits", key.name)));
    }
    refuse(found, &of_pod.container)?;
    let (limits, changed) = resources::restored(&found.object["spec"], &of_pod.container, &kept.before)?;
    if resources::is_same(&changed.before, &kept.before) {
        return Err(Refusal(say!("pod/{} has the limits from before act {number} already", key.name)));
    }
    if !resources::is_same(&changed.before, &kept.left) {
        let has = resources::limits_of(&changed.before);
        return Err(Refusal(say!(
            "pod/{} is not as act {number} left it: its container '{}' has {has}. Nothing was sent",
            key.name,
            of_pod.container
        )));
    }
    let mut plan = of(make, found, &limits, &changed)?;
    plan.title = undo::title(act, &plan.title);
    plan.facts.splice(0..0, undo::facts(act, make));
    plan.undo = "U again".into();
    Ok(plan)
}

/// What no name and reason make possible.
fn refuse(found: &PodInspection, container: &str) -> Result<(), Refusal> {
    let (pod, name) = (&found.object, &found.key.name);
    let why = if found.serves == Ok(false) {
        let instead = "the limits of its workload's template can be changed instead";
        say!("{} does not serve pods/resize (Kubernetes 1.33 and later do): {instead}", found.server)
    } else if found.may == Ok(false) {
        let namespace = &found.key.namespace;
        say!("you may not patch pods/resize in '{namespace}': ask for `patch pods/resize`")
    } else if pod.pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some() {
        say!("pod/{name} is a static pod: a file on its node says what it has, and the server resizes none")
    } else if text(pod, "/spec/os/name") == "windows" {
        say!("pod/{name} runs on Windows, where nothing is resized in place")
    } else if !text(pod, "/metadata/deletionTimestamp").is_empty() {
        say!("pod/{name} is being deleted")
    } else if matches!(text(pod, "/status/phase"), "Succeeded" | "Failed") {
        say!("pod/{name} has ended")
    } else if let Some(kind) = other_kind(pod, container) {
        say!("'{container}' is {kind}: only main containers are resized from here")
    } else {
        return Ok(());
    };
    Err(Refusal(why))
}

/// What a container is, if it is no main one.
fn other_kind(pod: &Value, name: &str) -> Option<&'static str> {
    let find =
        |list: &str| pod["spec"][list].as_array().into_iter().flatten().find(|container| container["name"] == name);
    match (find("initContainers"), find("ephemeralContainers")) {
        (Some(init), _) if init["restartPolicy"] == "Always" => Some("a sidecar"),
        (Some(_), _) => Some("an init container"),
        (None, Some(_)) => Some("an ephemeral container"),
        (None, None) => None,
    }
}

fn of(make: &Make<'_>, found: &PodInspection, limits: &Limits, changed: &Changed) -> Result<Plan, Refusal> {
    let key = &found.key;
    let (before, after) = changed.qos;
    if before != after {
        return Err(Refusal(say!(
            "its class would become {after}, and a pod keeps the one that it started with ({before})"
        )));
    }
    let place = Place {
        make,
        cluster: &key.cluster,
        namespace: &key.namespace,
        server: &found.server,
        cluster_id: found.cluster_id.as_ref(),
    };
    let words = changed.words.join(", ");
    let mut plan = make.empty(say!("RESIZE pod/{}", key.name), place.words());
    plan.facts = vec![
        ("NOW".into(), say!("container '{}', {}", limits.container, resources::limits_of(&changed.before))),
        ("THEN".into(), say!("{words}; in this pod alone, in place")),
    ];
    plan.diff = template::diff(&changed.before, &changed.after, "live", "resized");
    plan.steps = steps(found, limits, changed, &words);
    plan.checks = vec![place.check(), allowed(found), the_template(found)];
    plan.checks.extend(resources::checks(limits, changed, &found.resources)?);
    plan.checks.extend([
        check("B12", "node", node(found, changed)),
        check("B15", "restart", restart(&found.object, limits, changed)),
        place.fresh(&plan),
    ]);
    if is_less(changed, "memory") {
        let says = "less memory is given only while less is used; servers before 1.34 refuse it";
        plan.checks.push(check("B7", "less", CheckResult::Look(says.into())));
    }
    if let Some(earlier) = Pending::of(&found.object) {
        plan.checks.push(check("B7", "under way", CheckResult::Look(say!("an earlier resize: {}", earlier.says))));
    }
    plan.blocked = place.gate(&plan);
    keep(found, limits, changed, &mut plan);
    plan.equivalent = vec![line(make, key, limits, changed)];
    let values = limits.each().map(|(_, value)| Clean::line(value)).collect::<Vec<_>>();
    let names = accepts(&ResourceKey::from(key));
    plan.weigh(place.is_production(), if values.is_empty() { names } else { values }, &key.name);
    Ok(plan)
}

/// A limit that was not there cannot be taken away again: the server lets none be removed.
fn keep(found: &PodInspection, limits: &Limits, changed: &Changed, plan: &mut Plan) {
    let had = |(resource, _): (&str, &String)| changed.before.pointer(&format!("/limits/{resource}")).is_some();
    if !limits.each().all(had) {
        plan.undo = "none: a limit cannot be removed from a running pod".into();
        return;
    }
    plan.undo = "U: back to the limits before".into();
    plan.keeps = Some(Kept {
        workload: None,
        pod: Some(KeptPod {
            key: found.key.clone(),
            uid: Clean::line(text(&found.object, "/metadata/uid")),
            container: limits.container.clone(),
        }),
        ..Kept::states(changed.before.clone(), changed.after.clone())
    });
}

fn steps(found: &PodInspection, limits: &Limits, changed: &Changed, words: &str) -> Vec<PlanStep> {
    let write = write(found, limits, changed);
    let mut steps =
        vec![PlanStep { says: say!("{}: {words}", limits.container), kind: StepKind::Write(write.clone()) }];
    if let Write::ResizePod(resize) = write {
        let says = say!("watch until its node gives it {}", resources::limits_of(&resize.after));
        let wanted = ResizeFor { resize, earlier: Pending::of(&found.object) };
        steps.push(PlanStep { says, kind: StepKind::Watch(Box::new(Watched::Resize(wanted))) });
    }
    steps
}

/// `kubectl patch pod NAME --subresource resize`
fn line(make: &Make<'_>, key: &ObjectKey, limits: &Limits, changed: &Changed) -> Clean {
    let mut wanted = json!({});
    for part in ["limits", "requests"].into_iter().filter(|part| changed.after.get(part).is_some()) {
        wanted[part] = changed.after[part].clone();
    }
    let patch = json!({"spec": {"containers": [{"name": limits.container, "resources": wanted}]}}).to_string();
    let kubectl = kubectl(make.settings, &key.cluster, &key.namespace);
    say!("{kubectl} patch pod {} --subresource resize --patch {}", quoted(&key.name), quoted(&patch))
}

/// B3
fn allowed(found: &PodInspection) -> Check {
    let result = match (&found.may, &found.serves) {
        (Err(why), _) => CheckResult::Look(say!("whether you may patch pods/resize could not be asked: {why}")),
        (_, Err(why)) => CheckResult::Look(say!("whether the server has pods/resize could not be asked: {why}")),
        _ => CheckResult::Ok("you may patch pods/resize (asked)".into()),
    };
    check("B3", "allowed", result)
}

/// B4: whoever makes the next pod knows nothing of this.
fn the_template(found: &PodInspection) -> Check {
    let owners = found.object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let owner = owners.into_iter().flatten().find(|owner| owner["controller"] == true);
    let says = match owner {
        Some(owner) => {
            let (kind, name) = (Clean::line(text(owner, "/kind")), Clean::line(text(owner, "/name")));
            say!("that of {kind} {name} keeps its limits: the next pod has those again")
        }
        None => "nobody controls it: a pod made anew by hand has the old limits".into(),
    };
    check("B4", "template", CheckResult::Look(says))
}

/// Whether its node has room for what it requests then.
fn node(found: &PodInspection, changed: &Changed) -> CheckResult {
    let spec = &found.object["spec"];
    let now = resources::requested(spec);
    let then = resources::requested(&resources::with(spec, changed.index, &changed.after));
    let more = ["memory", "cpu"].into_iter().filter(|resource| then.of(resource) > now.of(resource));
    let room = match &found.room {
        _ if more.clone().next().is_none() => {
            return CheckResult::Ok("it requests no more of its node than now".into());
        }
        Ok(room) => room,
        Err(why) => return CheckResult::NotChecked(say!("whether its node has room could not be asked: {why}")),
    };
    let node = &room.node;
    let mut found = CheckResult::Ok(say!("{node} has room for what it requests"));
    for resource in more {
        let (wanted, all) = (then.of(resource), room.allocatable.of(resource));
        let free = all.saturating_sub(room.others.of(resource));
        let words = |amount| resources::text_of(resource, amount);
        if wanted > all {
            let (wanted, all) = (words(wanted), words(all));
            return CheckResult::Stop(say!(
                "it would request {wanted} of {resource}, and {node} has {all} in all: the kubelet never does it (Infeasible)"
            ));
        }
        if wanted > free {
            let (wanted, free) = (words(wanted), words(free));
            found = CheckResult::Look(say!(
                "it would request {wanted} of {resource}, and {free} are not spoken for on {node}: it waits until others leave (Deferred)"
            ));
        }
    }
    found
}

/// By the container's own `resizePolicy`, of what is resized.
fn restart(pod: &Value, limits: &Limits, changed: &Changed) -> CheckResult {
    let policies = pod["spec"]["containers"][changed.index]["resizePolicy"].as_array();
    let restarts = |resource: &str| {
        let of = |policy: &&Value| policy["resourceName"] == resource && policy["restartPolicy"] == "RestartContainer";
        policies.into_iter().flatten().find(of).is_some()
    };
    let by: Vec<&str> = limits.each().map(|(resource, _)| resource).filter(|resource| restarts(resource)).collect();
    if by.is_empty() {
        return CheckResult::Ok("nothing restarts: what sized itself at its start (a heap) stays at that".into());
    }
    let container = &limits.container;
    CheckResult::Look(say!("container '{container}' restarts (its resizePolicy of {})", by.join(" and ")))
}

fn is_less(changed: &Changed, resource: &str) -> bool {
    let of = |resources: &Value| resources::limit(resources, resource);
    of(&changed.after).zip(of(&changed.before)).is_some_and(|(then, now)| then < now)
}
