//! What `kubectl get pods` prints, row by row: pods made by a small notation, columns expected word for word.
//!
//! `a b` main containers, `i j` init containers, `s` a sidecar. `run+` running and ready, `run-` not ready; `W(X)` waiting;
//! `T(code,reason)` or `T(code,sigN)` ended; `r3@20` restarts and seconds since the last end; `-` no status.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Rows, restarts_text};
use crate::model::{BackendId, Level, kubernetes::Pod};

const NOW: &str = "2026-01-02T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn row(phase: &str, statuses: &str) -> Pod {
    Rows::new(&BackendId::new("eu")).pod(&object(phase, statuses)).unwrap()
}

/// `phase` holds flags after it: `I`, `Rdy`, `unready`, `del`, `gated`, `unschedulable`, `reason=X`.
fn object(phase: &str, statuses: &str) -> Value {
    let mut words = phase.split_whitespace();
    let mut pod = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": [], "initContainers": []},
        "status": {"phase": words.next(), "conditions": [], "containerStatuses": [], "initContainerStatuses": []}});
    for flag in words {
        let condition = match flag {
            "I" => json!({"type": "Initialized", "status": "True"}),
            "Rdy" => json!({"type": "Ready", "status": "True"}),
            "unready" => json!({"type": "Ready", "status": "False"}),
            "gated" => json!({"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}),
            "unschedulable" => json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "0/12 nodes are available: 12 Insufficient cpu."}),
            "del" => {
                pod["metadata"]["deletionTimestamp"] = json!(NOW);
                continue;
            }
            reason => {
                pod["status"]["reason"] = json!(reason.strip_prefix("reason=").unwrap());
                continue;
            }
        };
        pod["status"]["conditions"].as_array_mut().unwrap().push(condition);
    }
    for container in statuses.split(", ").filter(|text| !text.is_empty()) {
        add(&mut pod, container);
    }
    pod
}

fn add(pod: &mut Value, notation: &str) {
    let mut words = notation.split_whitespace();
    let name = words.next().unwrap();
    let (specs, list) = if matches!(name, "i" | "j" | "s") {
        ("initContainers", "initContainerStatuses")
    } else {
        ("containers", "containerStatuses")
    };
    let mut spec =
        json!({"name": name, "image": format!("reg/{name}:1"), "resources": {"limits": {"memory": "512Mi"}}});
    if name == "s" {
        spec["restartPolicy"] = json!("Always");
    }
    pod["spec"][specs].as_array_mut().unwrap().push(spec);
    let mut status = json!({"name": name, "ready": false, "restartCount": 0, "state": {}});
    for word in words {
        match word {
            "-" => return,
            "{}" => {}
            "run" => status["state"] = json!({"running": {}}),
            "run+" => {
                status["state"] = json!({"running": {}});
                status["ready"] = json!(true);
                status["started"] = json!(true);
            }
            "run-" => {
                status["state"] = json!({"running": {}});
                status["started"] = json!(true);
            }
            "notstarted" => status["started"] = json!(false),
            "lastOOM" => {
                status["lastState"]["terminated"]["reason"] = json!("OOMKilled");
                status["lastState"]["terminated"]["exitCode"] = json!(137);
            }
            word if word.starts_with("W(") => status["state"] = json!({"waiting": {"reason": inside(word)}}),
            word if word.starts_with("T(") => status["state"] = json!({"terminated": end(inside(word))}),
            word => {
                let (count, ago) = word[1..].split_once('@').unwrap_or((&word[1..], ""));
                status["restartCount"] = json!(count.parse::<u32>().unwrap());
                if let Ok(seconds) = ago.parse() {
                    let finished = now() - SignedDuration::from_secs(seconds);
                    status["lastState"]["terminated"]["finishedAt"] = json!(finished);
                }
            }
        }
    }
    pod["status"][list].as_array_mut().unwrap().push(status);
}

fn inside(word: &str) -> &str {
    &word[2..word.len() - 1]
}

fn end(text: &str) -> Value {
    let (code, rest) = text.split_once(',').unwrap_or((text, ""));
    let mut end = json!({"exitCode": code.parse::<i32>().unwrap()});
    match rest.strip_prefix("sig") {
        Some(signal) => end["signal"] = json!(signal.parse::<i32>().unwrap()),
        None if !rest.is_empty() => end["reason"] = json!(rest),
        None => {}
    }
    end
}

#[rustfmt::skip]
const TABLE: [(&str, &str, &str, &str, &str); 45] = [
    ("Pending", "a -", "0/1", "Pending", "0"),
    ("Pending gated", "a -", "0/1", "SchedulingGated", "0"),
    ("Pending unschedulable", "a -", "0/1", "Pending", "0"),
    ("Pending", "a W(ContainerCreating)", "0/1", "ContainerCreating", "0"),
    ("Running I Rdy", "a run+, b run+", "2/2", "Running", "0"),
    ("Running I", "a run+, b run-", "1/2", "Running", "0"),
    ("Running I", "a W(CrashLoopBackOff) r7@300", "0/1", "CrashLoopBackOff", "7 (5m ago)"),
    ("Running", "a W(ImagePullBackOff), b W(CrashLoopBackOff) r2@90", "0/2", "ImagePullBackOff", "2 (90s ago)"),
    ("Running I", "a run+, b W(CrashLoopBackOff) r3@61", "1/2", "CrashLoopBackOff", "3 (61s ago)"),
    ("Running", "a T(137,OOMKilled) r1@45", "0/1", "OOMKilled", "1 (45s ago)"),
    ("Running Rdy", "a run+ r1@600 lastOOM", "1/1", "Running", "1 (10m ago)"),
    ("Succeeded", "a T(0,Completed)", "0/1", "Completed", "0"),
    ("Failed", "a T(1,Error)", "0/1", "Error", "0"),
    ("Failed", "a T(3)", "0/1", "ExitCode:3", "0"),
    ("Failed", "a T(137,sig9)", "0/1", "Signal:9", "0"),
    ("Running Rdy", "a T(0,Completed), b run+", "1/2", "Running", "0"),
    ("Running unready", "a T(0,Completed), b run+", "1/2", "NotReady", "0"),
    ("Failed", "a T(0,Completed), b T(2,Error)", "0/2", "Error", "0"),
    ("Failed", "a T(2,Error), b T(0,Completed)", "0/2", "Error", "0"),
    ("Running unready", "a T(0,Completed), b T(2,Error), c run+", "1/3", "Error", "0"),
    ("Pending", "i run, j W(PodInitializing), a W(PodInitializing)", "0/1", "Init:0/2", "0"),
    ("Pending", "i T(0), j W(PodInitializing), a W(PodInitializing)", "0/1", "Init:1/2", "0"),
    ("Pending I", "i T(0), a W(PodInitializing)", "0/1", "PodInitializing", "0"),
    ("Pending", "i W(CrashLoopBackOff) r4@130, a W(PodInitializing)", "0/1", "Init:CrashLoopBackOff", "4 (2m10s ago)"),
    ("Pending", "i T(1,Error), a W(PodInitializing)", "0/1", "Init:Error", "0"),
    ("Pending", "i T(9), a W(PodInitializing)", "0/1", "Init:ExitCode:9", "0"),
    ("Pending", "i T(143,sig15), a W(PodInitializing)", "0/1", "Init:Signal:15", "0"),
    ("Pending", "i W(ImagePullBackOff), j W(PodInitializing), a W(PodInitializing)", "0/1", "Init:ImagePullBackOff", "0"),
    ("Running I Rdy", "s run+, a run+", "2/2", "Running", "0"),
    ("Pending", "s run notstarted, i W(PodInitializing), a W(PodInitializing)", "0/2", "Init:0/2", "0"),
    ("Running I", "s W(CrashLoopBackOff) r3@20, a run+ r1@500", "1/2", "Init:CrashLoopBackOff", "4 (20s ago)"),
    ("Running I Rdy", "i T(0) r5@900, a run+", "1/1", "Running", "0"),
    ("Running I Rdy", "s run+ r2@3600, a run+ r1@7200", "2/2", "Running", "3 (60m ago)"),
    ("Running Rdy del", "a run+", "1/1", "Terminating", "0"),
    ("Running del reason=NodeLost", "a run+", "1/1", "Unknown", "0"),
    ("Failed del", "a T(1,Error)", "0/1", "Error", "0"),
    ("Failed reason=Evicted", "a -", "0/1", "Evicted", "0"),
    ("Failed reason=Evicted", "a T(137,Error)", "0/1", "Error", "0"),
    ("Running Rdy", "a run+ r2", "1/1", "Running", "2"),
    ("Failed", "a T(137,ContainerStatusUnknown)", "0/1", "ContainerStatusUnknown", "0"),
    ("Failed reason=UnexpectedAdmissionError", "a -", "0/1", "UnexpectedAdmissionError", "0"),
    ("Pending", "a W(CreateContainerConfigError)", "0/1", "CreateContainerConfigError", "0"),
    ("Running", "a {}", "0/1", "Running", "0"),
    ("Succeeded I", "s T(0,Completed), a T(0,Completed)", "0/2", "Completed", "0"),
    ("Succeeded I", "s T(143,Error), a T(0,Completed)", "0/2", "Completed", "0"),
];

#[test]
fn columns_are_what_the_server_prints() {
    for (number, (phase, statuses, ready, status, restarts)) in TABLE.iter().enumerate() {
        let pod = row(phase, statuses);
        let printed = (format!("{}/{}", pod.ready, pod.total), pod.status.as_str(), restarts_text(&pod, now()));
        assert_eq!(
            printed,
            ((*ready).to_owned(), *status, (*restarts).to_owned()),
            "row {}: {phase}: {statuses}",
            number + 1
        );
    }
}

#[test]
fn why_names_the_worst_container_and_its_last_end() {
    for (phase, statuses, level, why) in [
        ("Running I Rdy", "a run+", Level::Ok, ""),
        (
            "Running I",
            "a run+, b W(CrashLoopBackOff) r3@61 lastOOM",
            Level::Broken,
            "'b' OOMKilled at its limit of 512Mi (exit 137)",
        ),
        ("Running Rdy", "a run+ r1@600 lastOOM", Level::Ok, "'a' was OOMKilled at its limit of 512Mi before"),
        ("Running I", "a run+, b run-", Level::Wrong, "'b' runs but is not ready"),
        ("Running I", "a run-", Level::Wrong, "runs but is not ready"),
        ("Running I", "a run- r2@61 lastOOM", Level::Wrong, "'a' was OOMKilled at its limit of 512Mi before"),
        ("Running I unready", "a run+", Level::Wrong, "its containers are ready, it is not: is its node lost?"),
        ("Running I", "a run notstarted", Level::Progress, "'a' has not passed its startup probe"),
        ("Pending unschedulable", "a -", Level::Broken, "0 of 12 nodes take it: 12 Insufficient cpu"),
        ("Pending", "a W(ImagePullBackOff)", Level::Broken, "image 'reg/a:1' cannot be pulled"),
        ("Pending", "a W(ContainerCreating)", Level::Progress, ""),
        ("Pending", "i run, a W(PodInitializing)", Level::Progress, "init container 'i' runs"),
        ("Failed reason=Evicted", "a T(137,Error)", Level::Broken, "Evicted"),
        ("Running", "a T(127)", Level::Broken, "'a' ended: exit 127, command not found"),
        ("Succeeded", "a T(0,Completed)", Level::Ok, ""),
        ("Running Rdy del", "a run+", Level::Progress, ""),
        ("Running del reason=NodeLost", "a run+", Level::Unknown, "its node does not report"),
    ] {
        let pod = row(phase, statuses);
        assert_eq!((pod.why.as_str(), pod.level), (why, level), "{phase}: {statuses}");
    }
}

#[test]
fn a_pod_that_waits_says_for_what() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut object = object("Pending unschedulable", "a -");
        change(&mut object);
        let pod = Rows::new(&BackendId::new("eu")).pod(&object).unwrap();
        (pod.level, pod.why.to_string())
    };
    let unschedulable = |message: &str| with(&|pod| pod["status"]["conditions"][0]["message"] = json!(message));
    for (message, why) in [
        (
            "0/12 nodes are available: 3 node(s) had untolerated taint {gpu: }, 9 Insufficient cpu. \
             preemption: 0/12 nodes are available: 12 No preemption victims found for incoming pod.",
            "0 of 12 nodes take it: 3 had untolerated taint {gpu: }, 9 Insufficient cpu",
        ),
        (
            "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes",
            "0 of 3 nodes take it: pod has unbound immediate PersistentVolumeClaims",
        ),
        ("persistentvolumeclaim \"data\" not found", "no node takes it: persistentvolumeclaim \"data\" not found"),
        ("", "no node takes it"),
    ] {
        assert_eq!(unschedulable(message), (Level::Broken, why.to_owned()));
    }
    let failed = with(&|pod| {
        pod["status"]["conditions"][0]["reason"] = json!("SchedulerError");
        pod["status"]["conditions"][0]["message"] = json!("binding volumes: timed out");
    });
    assert_eq!(failed, (Level::Wrong, "no node yet: binding volumes: timed out".to_owned()));
    let gated = with(&|pod| {
        pod["status"]["conditions"][0]["reason"] = json!("SchedulingGated");
        pod["spec"]["schedulingGates"] = json!([{"name": "kueue.x-k8s.io/admission"}]);
    });
    assert_eq!(gated, (Level::Progress, "held back by scheduling gate 'kueue.x-k8s.io/admission'".to_owned()));
}

#[test]
fn a_pod_that_is_not_ready_says_how_it_ended_before() {
    let why = |statuses: &str| {
        let mut object = object("Running I", statuses);
        object["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] = json!(1);
        Rows::new(&BackendId::new("eu")).pod(&object).unwrap().why.to_string()
    };
    assert_eq!(why("a run- r8@300"), "ended before: exit 1");
    assert_eq!(why("a run- r8@300, b run+"), "'a' runs but is not ready; ended before: exit 1");
}

/// Its containers are ready: only its own condition says that no service sends it anything.
#[test]
fn a_pod_that_is_held_back_says_by_what() {
    let held = |conditions: Value| {
        let mut object = object("Running I unready", "a run+");
        object["spec"]["readinessGates"] = json!([{"conditionType": "target-health.elbv2.k8s.aws/web"}]);
        let all = object["status"]["conditions"].as_array_mut().unwrap();
        all.extend(conditions.as_array().unwrap().iter().cloned());
        let pod = Rows::new(&BackendId::new("eu")).pod(&object).unwrap();
        (pod.level, pod.why.to_string())
    };
    let gate = (Level::Wrong, "waits for readiness gate 'target-health.elbv2.k8s.aws/web'".to_owned());
    assert_eq!(held(json!([])), gate, "nobody has said anything about it yet");
    assert_eq!(held(json!([{"type": "target-health.elbv2.k8s.aws/web", "status": "False"}])), gate);
    let lost = (Level::Wrong, "its containers are ready, it is not: is its node lost?".to_owned());
    assert_eq!(held(json!([{"type": "target-health.elbv2.k8s.aws/web", "status": "True"}])), lost);
    let mut object = object("Running I unready", "a run+");
    object["status"]["conditions"][1]["reason"] = json!("KubeletNotReady");
    object["status"]["conditions"][1]["message"] = json!("network is down");
    let pod = Rows::new(&BackendId::new("eu")).pod(&object).unwrap();
    assert_eq!(pod.why.as_str(), "its containers are ready, it is not: KubeletNotReady: network is down");
}

#[test]
fn what_a_container_lacks_is_named() {
    let mut object = object("Pending", "a W(CreateContainerConfigError)");
    object["status"]["containerStatuses"][0]["state"]["waiting"]["message"] =
        json!("configmap \"app-config\" not found");
    let pod = Rows::new(&BackendId::new("eu")).pod(&object).unwrap();
    assert_eq!((pod.why.as_str(), pod.level), ("'a' cannot start: configmap \"app-config\" not found", Level::Broken));
}

#[test]
fn what_a_pod_requests_and_may_use_is_that_of_all_that_goes_on() {
    let mut object = object("Running", "a run+, s run+, i T(0,Completed)");
    object["spec"]["containers"][0]["resources"]["requests"] = json!({"cpu": "100m", "memory": "64Mi"});
    let pod = Rows::new(&BackendId::new("eu")).pod(&object).unwrap();
    let words = (pod.bounds.requests.words(), pod.bounds.limits.words());
    assert_eq!(words, ("100m 64Mi".to_owned(), "1024Mi".to_owned()), "the init container is over");
}

#[test]
fn an_eviction_says_why() {
    let mut object = object("Failed reason=Evicted", "a T(137,Error)");
    object["status"]["message"] = json!("The node was low on resource: memory. ");
    let pod = Rows::new(&BackendId::new("eu")).pod(&object).unwrap();
    assert_eq!(pod.why.as_str(), "Evicted: The node was low on resource: memory.");
}

#[test]
fn credentials_in_foreign_words_are_masked() {
    const SAID: &str = "dial postgres://app:hunter2@db: refused";
    let mut evicted = object("Failed reason=Evicted", "a T(137,Error)");
    evicted["status"]["message"] = json!(SAID);
    let mut stuck = object("Pending", "a W(CreateContainerError)");
    stuck["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = json!(SAID);
    let mut ends = object("Running", "a W(CrashLoopBackOff) r3@20");
    let last = json!({"exitCode": 2, "reason": "Error", "message": format!("starting\n{SAID}\n")});
    ends["status"]["containerStatuses"][0]["lastState"]["terminated"] = last;
    for object in [evicted, stuck, ends] {
        let pod = Rows::new(&BackendId::new("eu")).pod(&object).unwrap();
        assert!(pod.why.contains("dial postgres://app:[masked]@db"), "{}", pod.why);
        assert!(!format!("{pod:?}").contains("hunter2"), "{pod:?}");
    }
}

#[test]
fn an_object_with_nothing_in_it_is_a_row_too() {
    for object in
        [json!({}), json!({"metadata": {"name": "p"}, "spec": {"containers": null}, "status": {"conditions": null}})]
    {
        let pod = Rows::new(&BackendId::new("eu")).pod(&object).unwrap();
        assert_eq!((pod.ready, pod.total, pod.status.as_str()), (0, 0, ""));
    }
}

#[test]
fn foreign_names_cannot_reach_the_terminal() {
    let object = json!({"metadata": {"name": "p\u{1b}[31m"}, "spec": {"nodeName": "n\u{202e}"}, "status": {"phase": "Run\u{7}"}});
    let pod = Rows::new(&BackendId::new("eu")).pod(&object).unwrap();
    assert_eq!((pod.key.name.as_str(), pod.node.unwrap().as_str(), pod.status.as_str()), ("p", "n", "Run^G"));
}

/// As with `kubectl`: the annotation, else the first of the main ones; what runs beside them is meant last.
#[test]
fn the_container_that_is_meant_comes_first() {
    let statuses = |names: &[&str]| -> Vec<Value> {
        names
            .iter()
            .map(|name| json!({"name": name, "ready": true, "started": true, "state": {"running": {}}}))
            .collect()
    };
    let mut object = json!({"metadata": {"name": "p", "namespace": "n"},
        "spec": {"initContainers": [{"name": "mesh", "image": "mesh:1", "restartPolicy": "Always"}],
            "containers": [{"name": "log", "image": "log:1"}, {"name": "app", "image": "app:1"}]},
        "status": {"phase": "Running", "initContainerStatuses": statuses(&["mesh"]),
            "containerStatuses": statuses(&["log", "app"])}});
    let meant = |object: &Value| -> Vec<String> {
        let pod = Rows::new(&BackendId::new("eu")).pod(object).unwrap();
        pod.running_containers().iter().map(|one| one.name.to_string()).collect()
    };
    assert_eq!(meant(&object), ["log", "app", "mesh"]);
    object["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/default-container": "app", "other": "x"});
    assert_eq!(meant(&object), ["app", "log", "mesh"]);
    object["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/default-container": "gone"});
    assert_eq!(meant(&object), ["log", "app", "mesh"], "a container that is not there is not meant");
}

#[test]
fn what_holds_a_pod_after_its_deletion_is_kept() {
    let mut held = object("Running I Rdy del", "a run+");
    held["metadata"]["finalizers"] = json!(["acme.example/hold", "acme.example/backup"]);
    let pod = Rows::new(&BackendId::new("eu")).pod(&held).unwrap();
    assert_eq!(pod.held_by().as_deref(), Some("acme.example/hold, acme.example/backup"));
    assert_eq!(pod.why, "waits for finalizers: acme.example/hold, acme.example/backup");
    assert_eq!(row("Running I Rdy del", "a run+").held_by(), None);
}
