//! Pages against a small API server.

mod kinds;
mod server;

use std::sync::Arc;

use serde_json::json;

use self::server::world;
use super::*;
use crate::{
    model::{
        BackendId,
        kubernetes::{
            ObjectKey, Revision, WorkloadKey, WorkloadKind,
            resource::{Resource, ResourceKey},
        },
    },
    source::kubernetes::scripted::{self, Asked},
    time::TestClock,
};

fn key(group: &str, version: &str, plural: &str, kind: &str, name: &str) -> ResourceKey {
    let resource = Resource {
        group: group.into(),
        version: version.into(),
        plural: plural.into(),
        singular: kind.to_lowercase().into(),
        kind: kind.into(),
        short_names: Box::default(),
        is_namespaced: kind != "Node",
    };
    let (cluster, resource) = (BackendId::new("c"), Arc::new(resource));
    ResourceKey { cluster, resource, namespace: "shop".into(), name: name.into() }
}

/// The page of an object of any kind, at 03:10.
async fn any_page(
    answer: impl Fn(&Asked) -> axum::response::Response + Send + Sync + 'static,
    key: &ResourceKey,
) -> Vec<PageLine> {
    let clock = TestClock::at("2026-01-02T03:10:00Z".parse().unwrap());
    let server = scripted::serve_at(answer, Arc::new(clock)).await;
    any::page(&server.cluster, &Rows::new(&BackendId::new("c")), key).await.unwrap()
}

/// Its fields with how bad they are.
async fn fields_of(
    group: &str,
    version: &str,
    plural: &str,
    kind: &str,
    name: &str,
) -> Vec<(String, String, Option<Level>)> {
    let page = any_page(world, &key(group, version, plural, kind, name)).await;
    let field = |line| match line {
        PageLine::Field(name, value, level) => Some((name.to_string(), value.to_string(), level)),
        _ => None,
    };
    page.into_iter().filter_map(field).collect()
}

#[tokio::test]
async fn conditions_that_hold_up_a_scaling_or_a_drain_are_marked() {
    for (group, version, plural, kind, name, expected) in [
        (
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            "web",
            vec![("AbleToScale", true), ("ScalingActive", true), ("ScalingLimited", true)],
        ),
        (
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            "idle",
            vec![("AbleToScale", false), ("ScalingActive", false), ("ScalingLimited", false)],
        ),
        ("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "web", vec![("DisruptionAllowed", true)]),
    ] {
        let fields = fields_of(group, version, plural, kind, name).await;
        for (condition, is_marked) in expected {
            let (_, words, level) = fields.iter().find(|(field, ..)| field == condition).expect(condition);
            assert_eq!(*level, is_marked.then_some(Level::Wrong), "{name}: {condition}: {words}");
        }
    }
}

#[tokio::test]
async fn a_node_says_what_is_requested_of_it_and_which_of_its_pods_fail() {
    let fields = fields_of("", "v1", "nodes", "Node", "node-9").await;
    let of = |name: &str| -> Vec<(&str, Option<Level>)> {
        let all = fields.iter().filter(|(field, ..)| field == name);
        all.map(|(_, words, level)| (words.as_str(), *level)).collect()
    };
    assert_eq!(of("requested"), [("cpu 1500m (37 %), memory 3Gi (37 %)", None)]);
    assert_eq!(of("pods"), [("3 of 110", None)], "what has ended takes no room");
    let failing = of("fails on it");
    assert_eq!(failing.len(), 2, "{failing:?}");
    assert_eq!(failing[0], ("shop/crashes CrashLoopBackOff: keeps ending", Some(Level::Broken)));
    // A pod on it names its neighbours, not itself.
    let text = text_of(pod("on-nine")).await;
    assert!(text.contains("requested: cpu 1500m (37 %)") && text.contains("fails on it: shop/crashes"), "{text}");
    assert!(!text.contains("fails on it: shop/on-nine"), "{text}");
    // The node's own page has it in the same words.
    assert!(text.lines().any(|line| line == "allocatable: cpu 4, memory 8Gi"), "{text}");
    assert!(of("memory").iter().any(|(words, _)| words.ends_with("8Gi")), "{fields:?}");
}

async fn text_of(object: ObjectRef) -> String {
    let clock = TestClock::at("2026-01-02T03:10:00Z".parse().unwrap());
    text_from(&scripted::serve_at(world, Arc::new(clock)).await, object).await
}

async fn text_from(server: &scripted::Fake, object: ObjectRef) -> String {
    let lines = lines_from(server, object).await;
    let lines = lines.iter().map(|line| match line {
        PageLine::Heading(text) => format!("# {text}"),
        PageLine::Field(name, value, _) => format!("{name}: {value}"),
        PageLine::Text(text) => text.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

async fn lines_from(server: &scripted::Fake, object: ObjectRef) -> Vec<PageLine> {
    page(&server.cluster, &Rows::new(&BackendId::new("c")), &object).await.unwrap()
}

fn pod(name: &str) -> ObjectRef {
    ObjectRef::Pod(ObjectKey { cluster: BackendId::new("c"), namespace: "shop".into(), name: name.into() })
}

fn workload(kind: WorkloadKind, name: &str) -> ObjectRef {
    let (cluster, namespace) = (BackendId::new("c"), "shop".into());
    ObjectRef::Workload(WorkloadKey { cluster, namespace, kind, name: name.into() })
}

#[tokio::test]
async fn a_pods_page_begins_with_what_is_wrong_and_shows_no_secret() {
    let text = text_of(pod("checkout-x")).await;
    for line in [
        "status: CrashLoopBackOff",
        "restarts: 4",
        "state: waiting, CrashLoopBackOff: back-off 1m20s",
        "last state: OOMKilled, exit 137, after 41s, 19s ago",
        "its last words: heap full",
        "image: reg/checkout:v42",
        "runs: sha256:aabbccdd00112233445566778899aabbccddeeff00112233445566778899aabb",
        "resources: limits: memory 512Mi",
        "readiness: http-get :8080/ready delay=0s timeout=1s period=10s #failure=3",
        "env: DB_PASSWORD set in the template, masked",
        "env: LOG_LEVEL=debug",
        "env: TOKEN from secret db/token",
        "env: POD_IP from field status.podIP",
        "env: all of configmap web, each as WEB_...",
        "mount: /etc/web from configmap web, read-only",
        "mount: /data from claim data/cache",
        "mount: /tmp from an empty directory, gone with the pod",
        "Ready: False: ContainersNotReady (19s ago)",
        "PodResizePending: True: Deferred: no room now",
        "replicaset: checkout-6c, revision 8, made 7m ago, because: v42",
        "deployment: checkout",
        "10s ago BackOff x14: pod/checkout-x: Back-off restarting",
        "60s ago FailedCreate: replicaset/checkout-6c: exceeded quota",
        "2m ago ScalingReplicaSet: deployment/checkout: to 2",
    ] {
        assert!(text.lines().any(|shown| shown == line), "'{line}' is not in\n{text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("PodScheduled"), "{text}");
    assert!(text.contains("node-7: not known: "), "{text}");
    assert!(text.find("BackOff x14").unwrap() < text.find("Pulled").unwrap(), "warnings first\n{text}");
}

#[tokio::test]
async fn a_pods_page_tells_its_failing_probe_and_its_ephemeral_containers() {
    let text = text_of(pod("slow-x")).await;
    for line in [
        "why: readiness: HTTP 503",
        "ready: 0/1",
        "# container debugger (ephemeral)",
        "looks into: app",
        "state: running for 5m",
        "# container old (ephemeral)",
        "state: Completed, exit 0, 6m ago",
    ] {
        assert!(text.lines().any(|shown| shown == line), "'{line}' is not in\n{text}");
    }
    assert_eq!(text.matches("image: busybox:1").count(), 2, "{text}");
}

#[tokio::test]
async fn a_workloads_page_has_its_rollout_revisions_and_conditions() {
    let text = text_of(workload(WorkloadKind::Deployment, "checkout")).await;
    for part in [
        "# deploy/checkout",
        "rollout to finish: 0 of 2 updated replicas are available...",
        "replicas: 0/2 ready, 2 of the new version, 0 available, 2 exist",
        "Available: False: MinimumReplicasUnavailable",
        "8: reg/checkout:v42, made at an unknown time, live",
        "runs: sha256:aaaaaa111111 in 2 pods, sha256:bbbbbb222222 in 1 pod: pods of one template differ",
        "# warnings of its pods\n10s ago BackOff x7: 2 pods: Back-off restarting\n2m ago Unhealthy: pod/a: Readiness probe failed",
    ] {
        assert!(text.contains(part), "'{part}' is not in\n{text}");
    }
    assert!(!text.contains("FailedMount"), "of a pod that is not its: {text}");
}

#[test]
fn a_version_that_was_gone_back_to_says_who_set_it_again_and_when() {
    let page = Page { lines: Vec::new(), now: "2026-01-02T03:10:00Z".parse().unwrap() };
    let fields = json!({"manager": "kubectl-rollout", "time": "2026-01-02T02:41:00Z",
        "fieldsV1": {"f:spec": {"f:template": {}}}});
    let object = json!({"metadata": {"name": "web", "namespace": "shop", "managedFields": [fields]}});
    let deployment = Rows::new(&BackendId::new("c")).workload(WorkloadKind::Deployment, &object).unwrap();
    let made = |created: &str, is_live| {
        let revision = Revision {
            number: 16,
            name: "web-h".into(),
            hash: None,
            created: created.parse().ok(),
            change_cause: None,
            by: Some("kubectl-rollout".into()),
            images: Box::default(),
            pods: None,
            wanted: None,
            is_live,
            template: json!({}),
        };
        workload::made(&page, &revision, &deployment)
    };
    let hour = "2026-01-02T02:00:00Z";
    assert_eq!(made(hour, true), "made 70m ago, set again 29m ago by kubectl-rollout");
    assert_eq!(made(hour, false), "made 70m ago by kubectl-rollout");
    assert_eq!(made("2026-01-02T02:41:02Z", true), "made 28m ago by kubectl-rollout");
}

#[test]
fn a_page_tells_pods_that_run_from_those_that_serve_and_what_ails_them() {
    let rows = Rows::new(&BackendId::new("c"));
    let pod = |name: &str, is_ready: bool, restarts: u32, last: Value| {
        let object = json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": [{"name": "app"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": if is_ready { "True" } else { "False" }}],
                "containerStatuses": [{"name": "app", "ready": is_ready, "restartCount": restarts, "started": true,
                    "state": {"running": {"startedAt": "2026-01-02T03:06:00Z"}}, "lastState": last}]}});
        rows.pod(&object).unwrap()
    };
    let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-02T03:05:00Z"}});
    let pods = [
        pod("a", true, 0, json!({})),
        pod("b", true, 3, killed),
        pod("c", false, 0, json!({})),
        pod("d", false, 0, json!({})),
    ];
    let mut page = Page { lines: Vec::new(), now: "2026-01-02T03:10:00Z".parse().unwrap() };
    pods::describe(&mut page, &pods);
    let shown: Vec<String> = page.lines.iter().map(|line| format!("{line:?}")).collect();
    let has = |words: &str| assert!(shown.iter().any(|line| line.contains(words)), "'{words}' is not in {shown:#?}");
    has("3, the last 5m ago");
    has("was OOMKilled before (b)");
    has("\"2 Running, not ready\"");
    assert_eq!(pod::tally(&pods).iter().map(|(_, _, count)| count).sum::<usize>(), 4);
}

#[tokio::test]
async fn a_pod_that_has_done_its_work_is_not_in_trouble() {
    let clock = TestClock::at("2026-01-02T03:10:00Z".parse().unwrap());
    let server = scripted::serve_at(world, Arc::new(clock)).await;
    let lines = lines_from(&server, pod("done-x")).await;
    let is_bad = |line: &&PageLine| matches!(line, PageLine::Field(.., Some(level)) if *level < Level::Ok);
    assert_eq!(lines.iter().filter(is_bad).collect::<Vec<_>>(), [] as [&PageLine; 0]);
}

#[tokio::test]
async fn conditions_of_a_rollout_that_are_bad_when_true_are_read_so() {
    let text = text_of(workload(WorkloadKind::Rollout, "checkout")).await;
    assert!(text.contains("InvalidSpec: True: InvalidSpec: spec.strategy: required"), "{text}");
    assert!(!text.contains("RolloutResumed"), "{text}");
}

#[tokio::test]
async fn ages_are_by_the_clusters_own_clock() {
    let clock = TestClock::at("2026-01-02T03:05:00Z".parse().unwrap());
    let ahead = |asked: &Asked| {
        let mut answer = world(asked);
        answer.headers_mut().insert("date", scripted::date("2026-01-02T03:10:00Z".parse().unwrap()));
        answer
    };
    let server = scripted::serve_at(ahead, Arc::new(clock)).await;
    let text = text_from(&server, pod("checkout-x")).await;
    for line in ["age: 10m", "last state: OOMKilled, exit 137, after 41s, 19s ago"] {
        assert!(text.lines().any(|shown| shown == line), "'{line}' is not in\n{text}");
    }
    assert!(text.contains("replicaset: checkout-6c, revision 8, made 7m ago"), "{text}");
}
