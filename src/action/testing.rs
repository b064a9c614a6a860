//! What the tests of actions share: a workload in trouble, a fake cluster and a fake code host that count what is sent.

mod fakes;
mod owners;
mod release;

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use fakes::{FakeCluster, FakeHost, FakeJenkins, FakeRegistry, deploy};
pub use owners::{application, kustomization};
pub use release::{of_release, release, rendered, store_key, the_store};

use super::{
    Evidence, Inspection, Request, RunInspection, Unread, WorkloadInspection,
    around::{Around, Change},
    plan::{Plan, Refusal, plan},
    resize::{PodInspection, Room},
    resources::{ResourceInspection, Usage},
};
use crate::{
    app::settings::{ServiceBinding, Settings},
    model::{
        BackendId, BackendKind, Level, Name, Part, SourceId,
        code::{RepoKey, Run, RunKey, RunState},
        image::{ImageRef, NodeImages},
        kubernetes::{
            Container, ContainerRole, ContainerState, ObjectKey, Pod, Revision, RolloutState, RolloutStatus, Workload,
            WorkloadKey, WorkloadKind,
        },
    },
    source::{Fact, Update},
    store::Store,
    text::Clean,
    time::Clock as _,
    time::{Now, SystemClock},
};

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

/// 03:14:22 of the night.
pub fn now() -> Now {
    Now { mono: SystemClock.now().mono, wall: at("2026-01-10T03:14:22Z") }
}

pub fn ago(minutes: i64) -> Timestamp {
    now().wall.checked_sub(SignedDuration::from_mins(minutes)).expect("in range")
}

pub fn after(now: Now, milliseconds: u64) -> Now {
    let by = Duration::from_millis(milliseconds);
    Now { mono: now.mono + by, wall: now.wall + by }
}

pub fn cluster() -> BackendId {
    BackendId::new("prod-eu1")
}

pub fn host() -> BackendId {
    BackendId::new("github.com")
}

pub fn myapp() -> WorkloadKey {
    WorkloadKey {
        cluster: cluster(),
        namespace: "production".into(),
        kind: WorkloadKind::Deployment,
        name: "myapp".into(),
    }
}

pub fn template_of(tag: &str, memory: &str, level: &str) -> Value {
    json!({"metadata": {"labels": {"app": "myapp"}}, "spec": {"containers": [{
        "name": "app", "image": format!("registry.example/acme/myapp:{tag}"),
        "env": [{"name": "LOG_LEVEL", "value": level}, {"name": "DB_PASSWORD", "value": "hunter22"}],
        "envFrom": [{"configMapRef": {"name": "myapp-config"}}],
        "resources": {"limits": {"memory": memory}}}]}})
}

pub fn digest_of(tag: &str) -> Name {
    let digits = tag.bytes().cycle().take(8).fold(0_u64, |digits, byte| digits << 8 | u64::from(byte));
    Clean::line(&format!("sha256:{digits:016x}"))
}

pub fn image_of(tag: &str) -> ImageRef {
    ImageRef::parse(&format!("registry.example/acme/myapp:{tag}")).expect("a name")
}

/// So many nodes, each of which holds the images with these tags.
pub fn nodes(count: usize, tags: &[&str]) -> NodeImages {
    let held: Vec<Vec<ImageRef>> = tags
        .iter()
        .map(|tag| vec![image_of(tag), ImageRef { tag: None, digest: Some(digest_of(tag)), ..image_of(tag) }])
        .collect();
    let mut nodes = NodeImages::default();
    (0..count).for_each(|_| nodes.add_node(&held));
    nodes
}

pub fn revision(number: i64, tag: &str, minutes: i64, memory: &str, level: &str) -> Revision {
    Revision {
        number,
        name: Clean::line(&format!("myapp-{tag}")),
        hash: Some(Clean::line(&format!("hash{tag}"))),
        created: Some(ago(minutes)),
        change_cause: None,
        by: None,
        images: Box::new([Clean::line(&format!("registry.example/acme/myapp:{tag}"))]),
        pods: Some((0, 0)),
        wanted: None,
        is_live: false,
        template: template_of(tag, memory, level),
    }
}

pub fn pod(name: &str, tag: &str, is_ready: bool) -> Pod {
    Pod {
        key: ObjectKey { cluster: cluster(), namespace: "production".into(), name: name.into() },
        uid: Clean::line(&format!("uid-{name}")),
        status: if is_ready { "Running".into() } else { "CrashLoopBackOff".into() },
        ready: u16::from(is_ready),
        total: 1,
        restarts: 0,
        last_restart: None,
        created: Some(ago(17)),
        deleting_since: None,
        deleting_by: None,
        finalizers: Box::default(),
        has_failed: false,
        node: Some("node-5".into()),
        owner: None,
        hash: Some(Clean::line(&format!("hash{tag}"))),
        is_ready,
        ready_since: None,
        reason: None,
        why: if is_ready { Clean::default() } else { "crashes: exit 1".into() },
        level: if is_ready { Level::Ok } else { Level::Broken },
        bounds: crate::model::kubernetes::table::Bounds::default(),
        containers: Box::new([Container {
            name: "app".into(),
            role: ContainerRole::Main,
            image: Clean::line(&format!("registry.example/acme/myapp:{tag}")),
            digest: Some(digest_of(tag)),
            instance: None,
            ready: is_ready,
            restarts: 0,
            state: ContainerState::Unknown,
            last: None,
            memory_limit: None,
        }]),
        default_container: None,
        app: Some("myapp".into()),
    }
}

pub fn workload(key: WorkloadKey) -> Workload {
    Workload {
        key,
        uid: "uid-myapp".into(),
        created: Some(ago(100_000)),
        desired: 10,
        replicas: 10,
        ready: 8,
        updated: 5,
        available: 8,
        generation: 14,
        observed_generation: 14,
        paused: false,
        revision: Some(14),
        update_hash: None,
        current_hash: None,
        images: Box::new(["registry.example/acme/myapp:412".into()]),
        rollout: RolloutStatus {
            words: "deployment \"myapp\" exceeded its progress deadline".into(),
            state: RolloutState::Failed,
        },
        progressing: None,
        replica_failure: None,
        progress_deadline: 600,
        max_unavailable: None,
        recreates: false,
        selector: Box::new([]),
        managed_by: Vec::new(),
        change_cause: None,
        changed_by: None,
        memory_limit: None,
        level: Level::Broken,
        app: Some("myapp".into()),
    }
}

/// A quiet namespace: the one ConfigMap that templates read is older than them, and nothing else was found.
pub fn around() -> Around {
    let change = Change { by: "helm".into(), at: ago(90 * 24 * 60) };
    Around { config: BTreeMap::from([("configmap/myapp-config".to_owned(), Ok(Some(change)))]), ..Around::default() }
}

/// 412 was bad and 411 was brought back, as revision 15; 413 came a day later.
pub fn succeeded_by_413(found: &mut WorkloadInspection) {
    (found.revisions[0].is_live, found.revisions[0].created) = (false, Some(ago(25 * 60)));
    found.revisions[1].number = 15;
    let mut live = found.revisions[0].clone();
    (live.number, live.name, live.created, live.is_live) = (16, "myapp-413".into(), Some(ago(17)), true);
    live.hash = Some("hash413".into());
    live.template["spec"]["containers"][0]["image"] = "registry.acme.example/myapp:413".into();
    found.template = live.template.clone();
    found.revisions.insert(0, live);
}

/// 412 runs for 17 minutes and fails; 411 ran for 26 hours before, and four of its pods are up.
pub fn inspection() -> WorkloadInspection {
    let mut live = revision(14, "412", 17, "1Gi", "warn");
    live.is_live = true;
    let mut pods: Vec<Pod> = (0..4).map(|n| pod(&format!("old-{n}"), "411", true)).collect();
    pods.extend((0..4).map(|n| pod(&format!("new-{n}"), "412", true)));
    pods.push(pod("new-4", "412", false));
    WorkloadInspection {
        workload: workload(myapp()),
        template: live.template.clone(),
        annotations: BTreeMap::new(),
        revisions: vec![
            live,
            revision(13, "411", 26 * 60, "512Mi", "info"),
            revision(12, "410", 3 * 24 * 60, "512Mi", "info"),
        ],
        pods,
        server: "https://10.0.0.1 v1.33.1".into(),
        cluster_id: Some("cluster-1".into()),
        may_patch: Ok(true),
        may_scale: Ok(true),
        may_delete_pods: Ok(true),
        references: BTreeMap::from([("configmap/myapp-config".to_owned(), Ok(true))]),
        autoscaler: Ok(None),
        surge: 3,
        is_ordered: false,
        partition: 0,
        quotas: Ok(Vec::new()),
        around: Some(Box::new(around())),
        unread: Unread::default(),
        warnings: Vec::new(),
        changes: vec![("jenkins".into(), ago(17))],
        owners: Ok(Vec::new()),
        release: None,
        canary: Ok(None),
        resources: None,
        image_nodes: Ok(nodes(9, &["411", "412"])),
        updater: None,
    }
}

/// A running pod `web-1` of the server's newest kind, whose container `app` may have 512Mi and uses 300.
pub fn pod_inspection() -> PodInspection {
    let usage = Usage { cpu_millis: 100, memory_bytes: 300 << 20 };
    let object = json!({
        "metadata": {"name": "web-1", "namespace": "production", "uid": "uid-web-1", "generation": 1,
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": true}]},
        "spec": {"nodeName": "node-5", "os": null, "containers": [{"name": "app", "image": "web:1", "resources":
            {"limits": {"memory": "512Mi"}, "requests": {"memory": "512Mi", "cpu": "100m"}}}]},
        "status": {"phase": "Running", "qosClass": "Burstable"},
    });
    PodInspection {
        key: ObjectKey { cluster: cluster(), namespace: "production".into(), name: "web-1".into() },
        object,
        serves: Ok(true),
        may: Ok(true),
        server: "https://10.0.0.1 v1.34.1".into(),
        cluster_id: Some("cluster-1".into()),
        resources: ResourceInspection { used: Ok(BTreeMap::from([("app".to_owned(), usage)])), bounds: Ok(Vec::new()) },
        room: Ok(Room {
            node: "node-5".into(),
            allocatable: Usage { cpu_millis: 8_000, memory_bytes: 8 << 30 },
            others: Usage { cpu_millis: 1_000, memory_bytes: 4 << 30 },
        }),
    }
}

pub fn settings() -> Settings {
    Settings {
        me: "ana".into(),
        backends: BTreeMap::from([(cluster(), BackendKind::Kubernetes), (host(), BackendKind::GitHub)]),
        services: vec![ServiceBinding {
            name: "myapp".into(),
            workload: Some(myapp()),
            repository: Some("acme/myapp".into()),
            workflows: Vec::new(),
            panels: Vec::new(),
            rollback: Vec::new(),
        }],
        ..Settings::default()
    }
}

pub fn run_key() -> RunKey {
    RunKey { repo: RepoKey { host: host(), name: "acme/myapp".into() }, id: 9412 }
}

pub fn run(state: RunState) -> Run {
    Run {
        key: run_key(),
        workflow: "deploy".into(),
        path: ".github/workflows/deploy.yml".into(),
        title: "JWT login".into(),
        number: 412,
        attempt: 1,
        event: "push".into(),
        state,
        branch: Some("main".into()),
        head_sha: "9f2c1e77aa".into(),
        actor: "alice".into(),
        created: Some(ago(20)),
        started: Some(ago(20)),
        updated: Some(ago(1)),
        url: "https://github.com/acme/myapp/actions/runs/9412".into(),
        deploys: true,
        pull_requests: vec![1487],
        stage: Some("Deploy".into()),
        jobs_done: 2,
        jobs_total: 3,
    }
}

pub fn run_inspection(state: RunState) -> RunInspection {
    RunInspection { run: run(state), jobs: Vec::new(), may_write: Ok(true), hooks: Ok(Vec::new()), aims: Vec::new() }
}

/// A store whose runs are fresh and as given.
pub fn store(runs: Vec<Run>) -> Store {
    let mut store = Store::default();
    let source = SourceId::scoped(&host(), Part::Runs, "acme/myapp");
    store.expect(source.clone(), BackendKind::GitHub, Duration::from_secs(30), 0);
    let fact = Fact::Runs { repo: run_key().repo, list: runs };
    store.apply(Update { from: source, at: now().wall, generation: 0, body: Ok(vec![fact]) }, now());
    store
}

/// Evidence of a workload, all of it in order, with rehearsals that passed.
pub fn evidence(request: &Request, found: WorkloadInspection) -> Evidence {
    evidence_for(request, found, &settings())
}

/// As [`evidence`], with other settings.
pub fn evidence_for(request: &Request, found: WorkloadInspection, settings: &Settings) -> Evidence {
    let mut evidence = Evidence::of(Inspection::Workload(Box::new(found)), now().wall);
    evidence.writable = [cluster(), host()].into();
    let beside = super::beside(request, None, &store(Vec::new()), settings);
    let (writes, pods) = super::evidence::drafts(request, &evidence, &beside, now().wall);
    evidence.pods = pods.into_iter().map(|(_, template)| (template, Ok(Vec::new()))).collect();
    evidence.rehearsals = writes.into_iter().map(|write| (write, Some(Ok("accepted".into())))).collect();
    evidence
}

pub fn roll_back(to: Option<i64>) -> Request {
    Request::RollBack { workload: myapp(), to, alert: None }
}

/// The plan of a request on this workload, with everything else in order.
pub fn planned(request: &Request, found: WorkloadInspection) -> Result<Plan, Refusal> {
    plan(request, &evidence(request, found), &store(Vec::new()), &settings(), now())
}
