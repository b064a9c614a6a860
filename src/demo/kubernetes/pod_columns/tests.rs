//! The 45 rows that decide whether STATUS is right.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cells;

fn now() -> Timestamp {
    "2026-01-02T03:14:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> String {
    (now() - SignedDuration::from_secs(seconds)).to_string()
}

/// One container in the notation of the table: `a run+`, `a W(X) r3@20`, `a T(137,OOMKilled)`, `s* run started ready`.
fn status(text: &str) -> Value {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap().trim_end_matches('*').to_owned();
    let mut it = json!({"name": name, "ready": false, "restartCount": 0, "state": {}, "lastState": {}});
    for word in words {
        match word {
            "run+" => {
                it["state"] = json!({"running": {}});
                it["ready"] = json!(true);
            }
            "run-" | "run" => it["state"] = json!({"running": {}}),
            "started" => it["started"] = json!(true),
            "started=false" => it["started"] = json!(false),
            "ready" => it["ready"] = json!(true),
            "last=OOMKilled" => it["lastState"]["terminated"]["reason"] = json!("OOMKilled"),
            w if w.starts_with("W(") => it["state"] = json!({"waiting": {"reason": &w[2..w.len() - 1]}}),
            w if w.starts_with("T(") => {
                let inner = &w[2..w.len() - 1];
                let (code, why) = inner.split_once(',').unwrap_or((inner, ""));
                let mut state = json!({"exitCode": code.parse::<i64>().unwrap()});
                if let Some(signal) = why.strip_prefix("sig") {
                    state["signal"] = json!(signal.parse::<i64>().unwrap());
                } else if !why.is_empty() {
                    state["reason"] = json!(why);
                }
                it["state"] = json!({"terminated": state});
            }
            w => {
                let w = w.strip_prefix('r').expect("a restart count");
                let (count, last) = w.split_once('@').map_or((w, None), |(c, l)| (c, Some(l)));
                it["restartCount"] = json!(count.parse::<i64>().unwrap());
                if let Some(last) = last {
                    it["lastState"]["terminated"]["finishedAt"] = json!(ago(last.parse().unwrap()));
                }
            }
        }
    }
    it
}

/// Flags: phase first, then `I`, `Rdy`, `NotRdy`, `del`, `reason=X`, `sched=X`. Statuses by `;`, init ones after `init:`.
fn pod(flags: &str, statuses: &str) -> Value {
    let mut words = flags.split_whitespace();
    let mut pod = json!({"metadata": {}, "spec": {}, "status": {"phase": words.next().unwrap()}});
    let mut conditions = Vec::new();
    for word in words {
        match word {
            "I" => conditions.push(json!({"type": "Initialized", "status": "True"})),
            "Rdy" => conditions.push(json!({"type": "Ready", "status": "True"})),
            "NotRdy" => conditions.push(json!({"type": "Ready", "status": "False"})),
            "del" => pod["metadata"]["deletionTimestamp"] = json!(ago(1)),
            w => match w.split_once('=').unwrap() {
                ("reason", why) => pod["status"]["reason"] = json!(why),
                (_, why) => conditions.push(json!({"type": "PodScheduled", "status": "False", "reason": why})),
            },
        }
    }
    pod["status"]["conditions"] = json!(conditions);
    let (mut main, mut init, mut main_specs, mut init_specs) = (vec![], vec![], vec![], vec![]);
    for part in statuses.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        let word = part.split_whitespace().next().unwrap();
        let name = word.trim_end_matches('*');
        let mut spec = json!({"name": name});
        if word.ends_with('*') {
            spec["restartPolicy"] = json!("Always");
        }
        let known = part.contains(' ');
        if matches!(name, "i" | "j" | "s") {
            init_specs.push(spec);
            init.push(status(part));
        } else {
            main_specs.push(spec);
            if known {
                main.push(status(part));
            }
        }
    }
    pod["spec"] = json!({"containers": main_specs, "initContainers": init_specs});
    pod["status"]["containerStatuses"] = json!(main);
    pod["status"]["initContainerStatuses"] = json!(init);
    pod
}

#[test]
fn all_45_rows() {
    let rows: [(&str, &str, &str, &str, &str); 45] = [
        ("Pending", "a", "0/1", "Pending", "0"),
        ("Pending sched=SchedulingGated", "a", "0/1", "SchedulingGated", "0"),
        ("Pending sched=Unschedulable", "a", "0/1", "Pending", "0"),
        ("Pending", "a W(ContainerCreating)", "0/1", "ContainerCreating", "0"),
        ("Running I Rdy", "a run+; b run+", "2/2", "Running", "0"),
        ("Running I", "a run+; b run-", "1/2", "Running", "0"),
        ("Running I", "a W(CrashLoopBackOff) r7@300", "0/1", "CrashLoopBackOff", "7 (5m ago)"),
        ("Running", "a W(ImagePullBackOff); b W(CrashLoopBackOff) r2@90", "0/2", "ImagePullBackOff", "2 (90s ago)"),
        ("Running I", "a run+; b W(CrashLoopBackOff) r3@61", "1/2", "CrashLoopBackOff", "3 (61s ago)"),
        ("Running", "a T(137,OOMKilled) r1@45", "0/1", "OOMKilled", "1 (45s ago)"),
        ("Running Rdy", "a run+ r1@600 last=OOMKilled", "1/1", "Running", "1 (10m ago)"),
        ("Succeeded", "a T(0,Completed)", "0/1", "Completed", "0"),
        ("Failed", "a T(1,Error)", "0/1", "Error", "0"),
        ("Failed", "a T(3)", "0/1", "ExitCode:3", "0"),
        ("Failed", "a T(137,sig9)", "0/1", "Signal:9", "0"),
        ("Running Rdy", "a T(0,Completed); b run+", "1/2", "Running", "0"),
        ("Running NotRdy", "a T(0,Completed); b run+", "1/2", "NotReady", "0"),
        ("Failed", "a T(0,Completed); b T(2,Error)", "0/2", "Error", "0"),
        ("Failed", "a T(2,Error); b T(0,Completed)", "0/2", "Error", "0"),
        ("Running NotRdy", "a T(0,Completed); b T(2,Error); c run+", "1/3", "Error", "0"),
        ("Pending", "i run; j W(PodInitializing); a W(PodInitializing)", "0/1", "Init:0/2", "0"),
        ("Pending", "i T(0); j W(PodInitializing); a", "0/1", "Init:1/2", "0"),
        ("Pending I", "i T(0); a W(PodInitializing)", "0/1", "PodInitializing", "0"),
        ("Pending", "i W(CrashLoopBackOff) r4@130; a", "0/1", "Init:CrashLoopBackOff", "4 (2m10s ago)"),
        ("Pending", "i T(1,Error); a", "0/1", "Init:Error", "0"),
        ("Pending", "i T(9); a", "0/1", "Init:ExitCode:9", "0"),
        ("Pending", "i T(143,sig15); a", "0/1", "Init:Signal:15", "0"),
        ("Pending", "i W(ImagePullBackOff); j W(PodInitializing); a", "0/1", "Init:ImagePullBackOff", "0"),
        ("Running I Rdy", "s* run started ready; a run+", "2/2", "Running", "0"),
        ("Pending", "s* run started=false; i W(PodInitializing); a", "0/2", "Init:0/2", "0"),
        ("Running I", "s* W(CrashLoopBackOff) r3@20; a run+ r1@500", "1/2", "Init:CrashLoopBackOff", "4 (20s ago)"),
        ("Running I Rdy", "i T(0) r5@900; a run+", "1/1", "Running", "0"),
        ("Running I Rdy", "s* run started ready r2@3600; a run+ r1@7200", "2/2", "Running", "3 (60m ago)"),
        ("Running Rdy del", "a run+", "1/1", "Terminating", "0"),
        ("Running reason=NodeLost del", "a run+", "1/1", "Unknown", "0"),
        ("Failed del", "a T(1,Error)", "0/1", "Error", "0"),
        ("Failed reason=Evicted", "a", "0/1", "Evicted", "0"),
        ("Failed reason=Evicted", "a T(137,Error)", "0/1", "Error", "0"),
        ("Running Rdy", "a run+ r2", "1/1", "Running", "2"),
        ("Failed", "a T(137,ContainerStatusUnknown)", "0/1", "ContainerStatusUnknown", "0"),
        ("Failed reason=UnexpectedAdmissionError", "a", "0/1", "UnexpectedAdmissionError", "0"),
        ("Pending", "a W(CreateContainerConfigError)", "0/1", "CreateContainerConfigError", "0"),
        ("Running", "a r0", "0/1", "Running", "0"),
        ("Succeeded I", "s* T(0,Completed); a T(0,Completed)", "0/2", "Completed", "0"),
        ("Succeeded I", "s* T(143,Error); a T(0,Completed)", "0/2", "Completed", "0"),
    ];
    for (index, (flags, statuses, ready, words, restarts)) in rows.into_iter().enumerate() {
        let got = cells(&pod(flags, statuses), now());
        assert_eq!(
            (got.ready.as_str(), got.status.as_str(), got.restarts.as_str()),
            (ready, words, restarts),
            "row {}",
            index + 1
        );
    }
}
