//! The scheduler's and the kubelets' part: what becomes of a pod from its creation to its end.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use super::container::{ContainerRun, Ending, Instance, Life, PodRun, Resizing};
use super::{Cluster, Timer, events::Occurrence, ids, json as js, kinds::Resource, store::Object};
use crate::demo::story::{ContainerRef, Crash, Story};

/// What happens to a pod next. `start` is the container's restart count it was meant for: stale acts do nothing.
#[derive(Clone, Debug)]
pub enum Act {
    Schedule,
    Create,
    /// An image could not be pulled: say so once more, or try it again.
    Pull {
        container: usize,
    },
    /// A pull that finds nothing has found that out.
    PullFailed {
        container: usize,
    },
    Start {
        container: usize,
    },
    Ready {
        container: usize,
        start: u32,
    },
    Probe {
        container: usize,
        start: u32,
    },
    End {
        container: usize,
        start: u32,
        code: i32,
        reason: String,
    },
    /// After an ending: restart at once or back off.
    Weigh {
        container: usize,
        start: u32,
    },
    /// The spec asks for other resources than the containers have.
    Resize,
    /// They are given them.
    Resized,
    Gone,
}

pub(super) fn secs(seconds: f64) -> SignedDuration {
    SignedDuration::from_millis((seconds * 1000.0) as i64)
}

impl Cluster {
    /// Hands a new pod to the scheduler.
    pub(super) fn admit(&mut self, at: Timestamp, pod: &Object, workload: &str) {
        let mut run = Self::new_run(&pod.value(), workload);
        run.created = at;
        let uid = run.uid.clone();
        self.runs.insert(uid.clone(), run);
        let wait = secs(0.05 + 0.1 * self.chance(&format!("{uid}/schedule")));
        self.pod_timer(at + wait, &uid, Act::Schedule);
    }

    /// What a kubelet first knows of a pod.
    pub(super) fn new_run(pod: &Value, workload: &str) -> PodRun {
        let text = |path| js::text(pod, path).to_owned();
        let containers = js::list(pod, "/spec/containers").iter().map(|c| ContainerRun {
            name: js::text(c, "/name").to_owned(),
            image: js::text(c, "/image").to_owned(),
            probed: c.get("readinessProbe").is_some(),
            life: Life::Waiting { reason: "", message: None },
            last: None,
            restarts: 0,
            id: String::new(),
            backoff: None,
            pull: None,
            behaviour: None,
            resources: c["resources"].clone(),
        });
        PodRun {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
            workload: workload.to_owned(),
            node: text("/spec/nodeName"),
            node_ip: String::new(),
            ip: String::new(),
            created: js::time(pod, "/metadata/creationTimestamp").unwrap_or_default(),
            scheduled: None,
            initialized: None,
            containers: containers.collect(),
            restarts: !matches!(js::text(pod, "/spec/restartPolicy"), "Never" | "OnFailure"),
            stopping: false,
            resizing: None,
        }
    }

    pub(super) fn pod_timer(&mut self, at: Timestamp, uid: &str, act: Act) {
        self.at(at, Timer::Pod { uid: uid.to_owned(), act });
    }

    /// Carries out one act of a pod's life.
    pub(super) fn pod_act(&mut self, at: Timestamp, uid: &str, act: &Act, story: &Story) {
        let Some(run) = self.runs.get(uid) else { return };
        let same = |container: usize, start: u32| run.containers.get(container).is_some_and(|c| c.restarts == start);
        match act {
            Act::Gone => self.pod_gone(at, uid),
            _ if run.stopping => {}
            Act::Schedule => self.schedule(at, uid),
            Act::Create => self.pull(at, uid),
            Act::Pull { container } => self.pull_again(at, uid, *container),
            Act::PullFailed { container } => self.pull_failed(at, uid, *container),
            Act::Resize => self.consider_resize(at, uid),
            Act::Resized => self.finish_resize(at, uid),
            Act::Start { container } => self.start(at, uid, *container, story),
            Act::Ready { container, start } if same(*container, *start) => self.become_ready(at, uid, *container),
            Act::Probe { container, start } if same(*container, *start) => self.probe(at, uid, *container),
            Act::End { container, start, code, reason } if same(*container, *start) => {
                self.end(at, uid, *container, *code, reason);
            }
            Act::Weigh { container, start } if same(*container, *start) => self.weigh(at, uid, *container),
            _ => {}
        }
    }

    fn schedule(&mut self, at: Timestamp, uid: &str) {
        let Some(run) = self.runs.get(uid) else { return };
        let (namespace, name) = (run.namespace.clone(), run.name.clone());
        let node = if run.node.is_empty() { self.emptiest_node(uid) } else { Some(run.node.clone()) };
        let Some(object) = self.store.get(Resource::Pods, &namespace, &name).cloned() else { return };
        let Some(node) = node else {
            let message = format!(
                "0/{0} nodes are available: {0} node(s) were unschedulable. preemption: 0/{0} nodes are available: {0} Preemption is not helpful for scheduling.",
                self.nodes.len()
            );
            self.pod_event(at, &object, None, true, "FailedScheduling", message, "default-scheduler");
            self.pod_timer(at + secs(30.0), uid, Act::Schedule);
            return;
        };
        let mut value = object.value();
        js::set(&mut value, "/spec/nodeName", json!(node));
        self.write(Resource::Pods, value);
        let pause = secs(0.2 + 0.4 * self.chance(&format!("{uid}/create")));
        let (ip, node_ip) = (self.pod_ip(uid, &node), self.node_ip(&node));
        let Some(run) = self.runs.get_mut(uid) else { return };
        (run.node, run.ip, run.node_ip, run.scheduled) = (node.clone(), ip, node_ip, Some(at));
        for container in &mut run.containers {
            container.life = Life::Waiting { reason: "ContainerCreating", message: None };
        }
        let message = format!("Successfully assigned {namespace}/{name} to {node}");
        self.pod_event(at, &object, None, false, "Scheduled", message, "default-scheduler");
        self.report(at, uid);
        self.pod_timer(at + pause, uid, Act::Create);
    }

    /// The schedulable node with the fewest pods; ties go by the pod, so that nodes fill evenly.
    fn emptiest_node(&self, uid: &str) -> Option<String> {
        let mut load: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        for run in self.runs.values().filter(|r| !r.stopping) {
            *load.entry(run.node.as_str()).or_default() += 1;
        }
        let free = self.nodes.iter().filter(|node| {
            let node = self.store.get(Resource::Nodes, "", node).map(Object::value).unwrap_or_default();
            node.pointer("/spec/unschedulable") != Some(&Value::Bool(true))
        });
        let rank = |node: &&String| {
            (load.get(node.as_str()).copied().unwrap_or_default(), ids::mix(self.seed, &format!("{uid}/{node}")))
        };
        free.min_by_key(rank).cloned()
    }

    fn start(&mut self, at: Timestamp, uid: &str, container: usize, story: &Story) {
        let seed = self.seed;
        let Some(run) = self.runs.get_mut(uid) else { return };
        let Some(it) = run.containers.get_mut(container) else { return };
        if let Life::Waiting { reason: "CrashLoopBackOff", .. } = it.life {
            it.restarts += 1;
        } else if let Life::Ended(ending) = &it.life {
            it.last = Some(ending.clone());
            it.restarts += 1;
        }
        it.id = format!("containerd://{}", ids::digest(seed, &format!("{uid}/{}/{}", it.name, it.restarts)));
        it.life = Life::Running { started: at, ready_since: None };
        run.initialized.get_or_insert(at);
        let name = it.name.clone();
        if let Some(object) = self.pod_object(uid) {
            let what = Some(name.as_str());
            self.pod_event(at, &object, what, false, "Created", format!("Created container: {name}"), "kubelet");
            self.pod_event(at, &object, what, false, "Started", format!("Started container {name}"), "kubelet");
        }
        self.foresee(at, uid, container, story);
        self.report(at, uid);
    }

    /// Asks the story how this start will go, and sets the timers for it.
    fn foresee(&mut self, now: Timestamp, uid: &str, container: usize, story: &Story) {
        let cluster = self.name.clone();
        let Some(run) = self.runs.get_mut(uid) else { return };
        let Some(it) = run.containers.get(container) else { return };
        let Life::Running { started, ready_since } = it.life else { return };
        let of = ContainerRef {
            cluster: &cluster,
            namespace: &run.namespace,
            workload: &run.workload,
            pod: &run.name,
            container: &it.name,
            image: &it.image,
            restart: it.restarts,
            started,
        };
        let behaviour = story.behaviour(&of, now);
        let (start, probed) = (it.restarts, it.probed);
        // What is not to be restarted does its work and ends.
        let run_time = (!run.restarts).then(|| 20.0 + (ids::mix(0, uid) % 20) as f64);
        run.containers[container].behaviour = Some(behaviour.clone());
        if let Some(after) = behaviour.ready_after
            && ready_since.is_none()
        {
            self.pod_timer(started + secs(after), uid, Act::Ready { container, start });
        }
        if probed && ready_since.is_none() {
            self.pod_timer(started + secs(10.0), uid, Act::Probe { container, start });
        }
        if let Some(seconds) = run_time {
            let end = Act::End { container, start, code: 0, reason: "Completed".to_owned() };
            self.pod_timer(started + secs(seconds), uid, end);
        }
        if let Some(Crash { after, exit_code, reason }) = behaviour.crash {
            self.pod_timer(started + secs(after), uid, Act::End { container, start, code: exit_code, reason });
        }
    }

    /// The pods that ran before the first step: the story is asked about them now.
    pub(super) fn ask_about_the_founded(&mut self, story: &Story) {
        for uid in std::mem::take(&mut self.unasked) {
            let count = self.runs.get(&uid).map_or(0, |run| run.containers.len());
            for container in 0..count {
                self.foresee(self.now, &uid, container, story);
            }
        }
    }

    fn become_ready(&mut self, at: Timestamp, uid: &str, container: usize) {
        let Some(it) = self.runs.get_mut(uid).and_then(|run| run.containers.get_mut(container)) else { return };
        let Life::Running { ready_since, .. } = &mut it.life else { return };
        *ready_since = Some(at);
        self.report(at, uid);
    }

    /// Kills a running container of the workload for memory: `OOMKilled`, exit code 137. False if none runs.
    pub fn oom_kill(&mut self, at: Timestamp, namespace: &str, workload: &str) -> bool {
        let running = |it: &ContainerRun| matches!(it.life, Life::Running { .. });
        let mut pods: Vec<_> = self
            .runs
            .iter()
            .filter(|(_, run)| run.namespace == namespace && run.workload == workload && !run.stopping)
            .filter(|(_, run)| run.containers.first().is_some_and(running))
            .map(|(uid, run)| (run.name.clone(), uid.clone()))
            .collect();
        pods.sort();
        let Some((_, uid)) = pods.first() else { return false };
        self.end(at, uid, 0, 137, "OOMKilled");
        true
    }

    /// A readiness probe that fails, every ten seconds.
    fn probe(&mut self, at: Timestamp, uid: &str, container: usize) {
        let Some(it) = self.runs.get(uid).and_then(|run| run.containers.get(container)) else { return };
        let Life::Running { ready_since: None, .. } = it.life else { return };
        let (name, start) = (it.name.clone(), it.restarts);
        if let Some(object) = self.pod_object(uid) {
            let message = "Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned();
            self.pod_event(at, &object, Some(&name), true, "Unhealthy", message, "kubelet");
        }
        self.pod_timer(at + secs(10.0), uid, Act::Probe { container, start });
    }

    /// Ends a running container now, as the kernel's OOM killer or a signal would.
    pub fn kill_container(&mut self, now: Timestamp, namespace: &str, pod: &str, exit_code: i32, reason: &str) -> bool {
        let Some(object) = self.store.get(Resource::Pods, namespace, pod) else { return false };
        let uid = object.facts().uid.clone();
        let runs = self.runs.get(&uid).and_then(|run| run.containers.first());
        let running = runs.is_some_and(|c| matches!(c.life, Life::Running { .. }));
        if running {
            self.end(now, &uid, 0, exit_code, reason);
        }
        running
    }

    /// Hands a pod that nobody controls to the scheduler.
    pub fn admit_bare(&mut self, at: Timestamp, pod: &Object) {
        let name = pod.facts().name.clone();
        self.admit(at, pod, &name);
    }

    /// Everything the kubelets run.
    pub fn runs(&self) -> impl Iterator<Item = &PodRun> {
        self.runs.values()
    }

    /// What the kubelet runs for a pod.
    pub fn run(&self, uid: &str) -> Option<&PodRun> {
        self.runs.get(uid)
    }

    pub(super) fn pod_object(&self, uid: &str) -> Option<Object> {
        let run = self.runs.get(uid)?;
        self.store.get(Resource::Pods, &run.namespace, &run.name).cloned()
    }

    #[expect(clippy::too_many_arguments, reason = "one line of `kubectl describe`, told once per caller")]
    pub(super) fn pod_event(
        &mut self,
        at: Timestamp,
        pod: &Object,
        container: Option<&str>,
        warning: bool,
        reason: &str,
        message: String,
        component: &str,
    ) {
        let run = self.runs.get(&pod.facts().uid);
        let host = if component == "kubelet" { run.map(|r| r.node.clone()).unwrap_or_default() } else { String::new() };
        let resource = Resource::Pods;
        self.record(
            at,
            &Occurrence { about: pod, resource, container, warning, reason, message, component, host: &host },
        );
    }

    pub(super) fn node_ip(&self, node: &str) -> String {
        let index = self.nodes.iter().position(|n| n == node).unwrap_or_default();
        format!("10.20.0.{}", 11 + index)
    }

    pub(super) fn pod_ip(&self, uid: &str, node: &str) -> String {
        let index = self.nodes.iter().position(|n| n == node).unwrap_or_default();
        let hash = ids::mix(self.seed, uid);
        format!("10.42.{}.{}", index * 8 + (hash >> 8) as usize % 8, 2 + hash % 250)
    }
}
