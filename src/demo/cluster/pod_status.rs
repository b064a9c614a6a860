//! The status a kubelet reports of a pod.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Cluster, json as js,
    kinds::Resource,
    kubelet::{ContainerRun, Ending, Life, PodRun, Resizing},
};
use crate::demo::image;

impl Cluster {
    /// Writes what is known of a pod to its status, if it changed.
    pub(super) fn report(&mut self, at: Timestamp, uid: &str) {
        let Some(run) = self.runs.get(uid) else { return };
        let Some(object) = self.store.get(Resource::Pods, &run.namespace, &run.name) else { return };
        let mut value = object.value();
        let status = pod_status(run, at, &value);
        value["status"] = status;
        self.write(Resource::Pods, value);
    }
}

/// The whole status, keeping the transition times of conditions that did not change.
pub fn pod_status(run: &PodRun, at: Timestamp, pod: &Value) -> Value {
    let started = run.initialized.is_some();
    let ready = started && run.containers.iter().all(ContainerRun::ready);
    let waiting: Vec<_> = run.containers.iter().filter(|c| !c.ready()).map(|c| c.name.as_str()).collect();
    let not_ready =
        (!ready).then(|| ("ContainersNotReady", format!("containers with unready status: [{}]", waiting.join(" "))));
    let mut conditions = Vec::new();
    let mut push = |kind: &str, is: bool, why: Option<(&str, String)>| {
        let status = if is { "True" } else { "False" };
        let old = js::condition(pod, kind).filter(|c| js::text(c, "/status") == status);
        let since = old.map_or_else(|| js::stamp(at), |c| js::text(c, "/lastTransitionTime").to_owned());
        let mut condition = json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": since});
        if let Some((reason, message)) = why {
            condition["reason"] = json!(reason);
            condition["message"] = json!(message);
        }
        conditions.push(condition);
    };
    if run.scheduled.is_some() {
        push("PodReadyToStartContainers", started, None);
        push("Initialized", true, None);
        push("Ready", ready, not_ready.clone());
        push("ContainersReady", ready, not_ready);
        push("PodScheduled", true, None);
    } else {
        push("PodScheduled", false, Some(("Unschedulable", "no node is schedulable".to_owned())));
    }
    match &run.resizing {
        Some(Resizing::Pending(reason, message)) => push("PodResizePending", true, Some((*reason, message.clone()))),
        Some(Resizing::InProgress) => push("PodResizeInProgress", true, None),
        None => {}
    }
    let mut status = json!({
        "phase": phase(run), "conditions": conditions,
        "qosClass": js::text(pod, "/status/qosClass"),
    });
    if run.scheduled.is_some() {
        status["hostIP"] = json!(run.node_ip);
        status["hostIPs"] = json!([{"ip": run.node_ip}]);
        status["startTime"] = json!(js::stamp(run.scheduled.unwrap_or(at)));
        status["containerStatuses"] = run.containers.iter().map(container_status).collect();
    }
    if started {
        status["podIP"] = json!(run.ip);
        status["podIPs"] = json!([{"ip": run.ip}]);
    }
    status
}

fn phase(run: &PodRun) -> &'static str {
    let never_ran = |it: &ContainerRun| matches!(it.life, Life::Waiting { .. }) && it.last.is_none();
    if run.initialized.is_none() || run.containers.iter().any(never_ran) {
        return "Pending";
    }
    let ended: Vec<_> =
        run.containers.iter().filter_map(|c| if let Life::Ended(e) = &c.life { Some(e.code) } else { None }).collect();
    if (run.restarts && !run.stopping) || ended.len() < run.containers.len() {
        "Running"
    } else if ended.iter().all(|code| *code == 0) {
        "Succeeded"
    } else {
        "Failed"
    }
}

fn container_status(it: &ContainerRun) -> Value {
    let state = match &it.life {
        Life::Waiting { reason, message } => {
            let mut waiting = json!({"reason": reason});
            if let Some(message) = message {
                waiting["message"] = json!(message);
            }
            json!({"waiting": waiting})
        }
        Life::Running { started, .. } => json!({"running": {"startedAt": js::stamp(*started)}}),
        Life::Ended(ending) => json!({"terminated": terminated(ending)}),
    };
    let last = it.last.as_ref().map_or_else(|| json!({}), |ending| json!({"terminated": terminated(ending)}));
    let image_id = if it.id.is_empty() { String::new() } else { image_id(&it.image) };
    let mut status = json!({
        "name": it.name, "state": state, "lastState": last, "ready": it.ready(), "restartCount": it.restarts,
        "image": it.image, "imageID": image_id, "containerID": it.id,
        "started": matches!(it.life, Life::Running { .. }),
    });
    if matches!(it.life, Life::Running { .. }) && it.resources.as_object().is_some_and(|given| !given.is_empty()) {
        status["resources"] = it.resources.clone();
        status["allocatedResources"] = it.resources["requests"].clone();
    }
    status
}

/// `registry/name@sha256:…`: the digest is the image's own, whatever cluster runs it.
pub(super) fn image_id(image: &str) -> String {
    format!("{}@{}", image::split(image).0, image::digest(image))
}

fn terminated(ending: &Ending) -> Value {
    json!({
        "exitCode": ending.code, "reason": ending.reason, "startedAt": js::stamp(ending.started),
        "finishedAt": js::stamp(ending.finished), "containerID": ending.id,
    })
}
