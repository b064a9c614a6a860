//! The kubelet's part of a resize in place: whether the node has room, then the containers' new resources, with a restart
//! where their policy wants one.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Cluster, json as js,
    kinds::Resource,
    kubelet::{Act, Life, Resizing, secs},
    quantity::{mebibytes, millis},
    store::Object,
};

/// What containers request of a node: CPU in thousandths of a core, memory in MiB.
#[derive(Clone, Copy, Default)]
struct Share {
    cpu: f64,
    memory: f64,
}

impl Share {
    fn of(quantities: &Value) -> Self {
        Self { cpu: millis(js::text(quantities, "/cpu")), memory: mebibytes(js::text(quantities, "/memory")) }
    }

    fn and(self, other: Self) -> Self {
        Self { cpu: self.cpu + other.cpu, memory: self.memory + other.memory }
    }

    fn is_within(self, other: Self) -> bool {
        self.cpu <= other.cpu && self.memory <= other.memory
    }
}

impl Cluster {
    /// Somebody wrote other resources to a pod's spec.
    pub fn resize(&mut self, at: Timestamp, pod: &Object) {
        let uid = pod.facts().uid.clone();
        self.pod_timer(at + secs(0.4), &uid, Act::Resize);
        self.wake_quotas(&pod.facts().namespace);
    }

    pub(super) fn consider_resize(&mut self, at: Timestamp, uid: &str) {
        let Some(pod) = self.pod_object(uid).map(|object| object.value()) else { return };
        let specs = js::list(&pod, "/spec/containers");
        let Some(run) = self.runs.get(uid) else { return };
        let is_done = run.containers.iter().zip(specs).all(|(it, spec)| it.resources == spec["resources"]);
        let resizing = if is_done { None } else { Some(self.fits(uid, &run.node, specs)) };
        match resizing {
            Some(Resizing::InProgress) => self.pod_timer(at + secs(0.8), uid, Act::Resized),
            Some(Resizing::Pending("Deferred", _)) => self.pod_timer(at + secs(10.0), uid, Act::Resize),
            _ => {}
        }
        if let Some(run) = self.runs.get_mut(uid) {
            run.resizing = resizing;
        }
        self.report(at, uid);
    }

    /// Whether the node can ever take it, and whether it can now.
    fn fits(&self, uid: &str, node: &str, specs: &[Value]) -> Resizing {
        let requests = |resources: &Value| Share::of(&resources["requests"]);
        let wanted = specs.iter().map(|spec| requests(&spec["resources"])).fold(Share::default(), Share::and);
        let object = self.store.get(Resource::Nodes, "", node).map(Object::value).unwrap_or_default();
        let all = Share::of(&object["status"]["allocatable"]);
        let others = self.runs.iter().filter(|(other, run)| *other != uid && run.node == node);
        let taken = others
            .flat_map(|(_, run)| &run.containers)
            .map(|it| requests(&it.resources))
            .fold(Share::default(), Share::and);
        if !wanted.is_within(all) {
            let (what, wanted, all) = if wanted.memory > all.memory {
                ("memory", wanted.memory * 1_048_576.0, all.memory * 1_048_576.0)
            } else {
                ("cpu", wanted.cpu, all.cpu)
            };
            let why = format!("Node didn't have enough capacity: {what}, requested: {wanted:.0}, capacity: {all:.0}");
            return Resizing::Pending("Infeasible", why);
        }
        if !wanted.and(taken).is_within(all) {
            return Resizing::Pending("Deferred", "Node didn't have enough resource".to_owned());
        }
        Resizing::InProgress
    }

    pub(super) fn finish_resize(&mut self, at: Timestamp, uid: &str) {
        let Some(pod) = self.pod_object(uid).map(|object| object.value()) else { return };
        // What was asked for since is weighed first.
        let Some(run) = self.runs.get_mut(uid).filter(|run| run.resizing == Some(Resizing::InProgress)) else { return };
        let mut restarts = Vec::new();
        for (index, (it, spec)) in run.containers.iter_mut().zip(js::list(&pod, "/spec/containers")).enumerate() {
            if wants_restart(spec, &it.resources) && matches!(it.life, Life::Running { .. }) {
                restarts.push(index);
            }
            it.resources = spec["resources"].clone();
        }
        run.resizing = None;
        for index in restarts {
            self.end(at, uid, index, 143, "Error");
        }
        self.report(at, uid);
    }
}

/// Whether a resource whose policy is RestartContainer is another than the container has.
fn wants_restart(spec: &Value, had: &Value) -> bool {
    js::list(spec, "/resizePolicy").iter().any(|policy| {
        let resource = js::text(policy, "/resourceName");
        let is_other = |part: &str| spec["resources"][part][resource] != had[part][resource];
        policy["restartPolicy"] == "RestartContainer" && (is_other("limits") || is_other("requests"))
    })
}
