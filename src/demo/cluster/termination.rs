//! How containers end and start again, and how pods are deleted.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Cluster, json as js,
    kinds::Resource,
    kubelet::{Act, Ending, Life, secs},
    pod_status::pod_status,
    store::{Key, Object},
};

/// Longest back-off of a crash-looping container, seconds.
const LONGEST_BACKOFF: i64 = 300;

const FINALIZERS: &str = "/metadata/finalizers";
const GRACE: &str = "/metadata/deletionGracePeriodSeconds";

/// `1m20s`, as Go prints durations.
pub fn go_duration(seconds: i64) -> String {
    if seconds >= 60 { format!("{}m{}s", seconds / 60, seconds % 60) } else { format!("{seconds}s") }
}

impl Cluster {
    /// A container's process has ended.
    pub(super) fn end(&mut self, at: Timestamp, uid: &str, container: usize, code: i32, reason: &str) {
        let Some(it) = self.runs.get_mut(uid).and_then(|run| run.containers.get_mut(container)) else { return };
        let Life::Running { started, .. } = it.life else { return };
        if at.duration_since(started) >= SignedDuration::from_mins(10) {
            it.backoff = None;
        }
        let (start, id) = (it.restarts, it.id.clone());
        it.life = Life::Ended(Ending { code, reason: reason.to_owned(), started, finished: at, id });
        self.report(at, uid);
        self.pod_timer(at + secs(1.0), uid, Act::Weigh { container, start });
    }

    /// The first crash restarts at once; later ones wait 10 s, 20 s... 300 s.
    pub(super) fn weigh(&mut self, at: Timestamp, uid: &str, container: usize) {
        let Some(run) = self.runs.get_mut(uid) else { return };
        if !run.restarts {
            return;
        }
        let whole = format!("{}_{}({})", run.name, run.namespace, run.uid);
        let Some(it) = run.containers.get_mut(container) else { return };
        let Life::Ended(ending) = it.life.clone() else { return };
        let name = it.name.clone();
        let image = it.image.clone();
        let wait = it.backoff;
        it.backoff = Some(wait.map_or(10, |w| (w * 2).min(LONGEST_BACKOFF)));
        if let Some(wait) = wait {
            let message = format!("back-off {} restarting failed container={name} pod={whole}", go_duration(wait));
            it.last = Some(ending.clone());
            it.life = Life::Waiting { reason: "CrashLoopBackOff", message: Some(message) };
            if let Some(object) = self.pod_object(uid) {
                let message = format!("Back-off restarting failed container {name} in pod {whole}");
                self.pod_event(at, &object, Some(&name), true, "BackOff", message, "kubelet");
            }
            self.report(at, uid);
            let due = ending.finished + SignedDuration::from_secs(wait);
            self.pod_timer(due.max(at + secs(1.0)), uid, Act::Start { container });
            return;
        }
        if let Some(object) = self.pod_object(uid) {
            let message = format!("Container image \"{image}\" already present on machine");
            self.pod_event(at, &object, Some(&name), false, "Pulled", message, "kubelet");
        }
        self.pod_timer(at + secs(0.3), uid, Act::Start { container });
    }

    /// Begins a graceful deletion (`grace` seconds, 30 if not said); with 0 the kubelet is not waited for.
    pub fn terminate(&mut self, at: Timestamp, pod: &Object, grace: Option<i64>) {
        let mut value = pod.value();
        let uid = pod.facts().uid.clone();
        let own = value.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
        let grace = grace.or(own).unwrap_or(30);
        let placed = self.runs.get(&uid).is_some_and(|run| run.scheduled.is_some());
        if grace == 0 || !placed {
            self.leave(at, &pod.facts().key());
            return;
        }
        if pod.facts().deleting {
            return;
        }
        let end = at + SignedDuration::from_secs(grace);
        js::set(&mut value, "/metadata/deletionTimestamp", json!(js::stamp(end)));
        js::set(&mut value, GRACE, json!(grace));
        let object = self.write(Resource::Pods, value);
        let names: Vec<_> = self.runs.get_mut(&uid).map_or_else(Vec::new, |run| {
            run.stopping = true;
            run.containers.iter().filter(|c| matches!(c.life, Life::Running { .. })).map(|c| c.name.clone()).collect()
        });
        for name in &names {
            let message = format!("Stopping container {name}");
            self.pod_event(at, &object, Some(name), false, "Killing", message, "kubelet");
        }
        let needed = if names.is_empty() { 1.0 } else { 4.0 + 5.0 * self.chance(&format!("{uid}/stop")) };
        self.pod_timer(at + secs(needed.min(grace as f64)), &uid, Act::Gone);
    }

    /// The kubelet has stopped all of a pod.
    pub(super) fn pod_gone(&mut self, at: Timestamp, uid: &str) {
        let Some(run) = self.runs.get(uid) else { return };
        let key = (run.namespace.clone(), run.name.clone());
        self.leave(at, &key);
    }

    /// Nothing runs of a pod any more: its object goes, or stays for as long as it has finalizers.
    fn leave(&mut self, at: Timestamp, key: &Key) {
        let Some(object) = self.store.get(Resource::Pods, &key.0, &key.1) else { return };
        let mut value = object.value();
        let uid = object.facts().uid.clone();
        if js::list(&value, FINALIZERS).is_empty() {
            self.erase(Resource::Pods, key);
            return;
        }
        // No grace is left: what was its end goes back by as much (kubernetes `rest.BeforeDelete`).
        let grace = SignedDuration::from_secs(js::int(&value, GRACE));
        let asked = js::time(&value, "/metadata/deletionTimestamp").filter(|_| object.facts().deleting);
        js::set(&mut value, "/metadata/deletionTimestamp", json!(js::stamp(asked.map_or(at, |end| end - grace))));
        js::set(&mut value, GRACE, json!(0));
        if let Some(run) = self.runs.get_mut(&uid) {
            run.stopping = true;
            for it in &mut run.containers {
                if let Life::Running { started, .. } = it.life {
                    let (reason, id) = ("Completed".to_owned(), it.id.clone());
                    it.life = Life::Ended(Ending { code: 0, reason, started, finished: at, id });
                }
            }
            let status = pod_status(run, at, &value);
            value["status"] = status;
        }
        self.write(Resource::Pods, value);
    }

    /// The last finalizer of a pod whose deletion only waited for it was taken away: it goes.
    pub(super) fn release(&mut self, pod: &Object) {
        let value = pod.value();
        let is_stopped = value.pointer(GRACE).and_then(Value::as_i64) == Some(0);
        if is_stopped && js::list(&value, FINALIZERS).is_empty() {
            self.erase(Resource::Pods, &pod.facts().key());
        }
    }
}
