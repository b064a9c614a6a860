//! `kubectl logs` and `midwatch logs`: the same lines of the same containers, with the same times.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::desk::{Desk, NAMESPACE, cells};

/// When, and what.
type Line = (Timestamp, String);

fn stamped(line: &str) -> Line {
    let (at, text) = line.split_once(' ').unwrap_or((line, ""));
    (at.parse().unwrap_or_else(|error| panic!("{error}: {line}")), text.to_owned())
}

/// Pod and line of each line that midwatch wrote.
async fn ours(desk: &Desk, line: &str) -> Vec<(String, Line)> {
    let said = desk.midwatch(&format!("logs -n {NAMESPACE} -o json --unmasked {line}")).await;
    assert_eq!(said.code, 0, "{line}: {}", said.err);
    let lines = said.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines.map(|line| (text(&line["pod"]), (text(&line["at"]).parse().unwrap(), text(&line["text"])))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_the_lines_that_kubectl_prints() {
    let Some(desk) = Desk::open(0.0).await else { return };
    let pods = desk.out(&format!("get pods -n {NAMESPACE} --no-headers")).await;
    let named = |word: &str| cells(pods.lines().find(|line| line.contains(word)).unwrap(), 2)[0].to_owned();
    let (crashed, served) = (named("CrashLoopBackOff"), named("web-"));
    for (pod, how) in [
        ("postgres-0", "--tail=200"),
        (&served, "--tail=40"),
        (&served, "--tail=-1 --since-time=2020-01-01T00:00:00Z"),
        (&crashed, "--tail=30"),
        (&crashed, "--tail=30 --previous"),
        (&crashed, "--tail=1"),
    ] {
        let theirs = desk.out(&format!("logs {pod} -n {NAMESPACE} --timestamps {how}")).await;
        let theirs: Vec<Line> = theirs.lines().map(stamped).collect();
        let ours: Vec<Line> =
            ours(&desk, &format!("pod/{pod} {how}")).await.into_iter().map(|(_, line)| line).collect();
        assert!(!theirs.is_empty(), "{pod} {how}: nothing was logged");
        assert_eq!(ours, theirs, "{pod} {how}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_of_many_pods_are_the_lines_that_kubectl_prints() {
    let Some(desk) = Desk::open(0.0).await else { return };
    for (theirs, line) in [
        ("deployment/web --all-pods --tail=5", "deploy/web --tail=5"),
        ("-l app=payments --tail=7", "-l app=payments --tail=7"),
    ] {
        let theirs = format!("logs -n {NAMESPACE} --timestamps --prefix --max-log-requests=40 {theirs}");
        let printed = desk.out(&theirs).await;
        // `[pod/web-1/web] 2026-11-29T03:14:00Z text`
        let theirs: BTreeSet<(String, Line)> = (printed.lines())
            .map(|line| {
                let (from, line) = line.strip_prefix("[pod/").and_then(|rest| rest.split_once("] ")).unwrap();
                (from.split('/').next().unwrap_or_default().to_owned(), stamped(line))
            })
            .collect();
        let written = ours(&desk, line).await;
        assert_eq!(written.iter().cloned().collect::<BTreeSet<_>>(), theirs, "{line}");
        assert!(written.is_sorted_by_key(|(_, (at, _))| *at), "merged in their order: {line}");
        assert!(theirs.iter().map(|(pod, _)| pod).collect::<BTreeSet<_>>().len() > 3, "{theirs:?}");
    }
}
