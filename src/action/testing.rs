//! What the tests of actions share: a workload in trouble, a fake cluster and a fake code host that count what is sent.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    ActionError, Done, Evidence, Inspection, Inspector, Operator, Request, RunInspection, WorkloadInspection, Write,
    plan::{Plan, Refusal, plan},
    template,
};
use crate::{
    app::settings::{ServiceBinding, Settings},
    model::{
        BackendId, BackendKind, Level, Name, Part, SourceId,
        code::{RepoKey, Run, RunKey, RunState},
        kubernetes::{
            Container, ContainerRole, ContainerState, ObjectKey, Pod, Revision, RolloutState, RolloutStatus, Workload,
            WorkloadKey, WorkloadKind,
        },
    },
    source::{ErrorKind, Fact, SourceError, Update},
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

pub fn revision(number: i64, tag: &str, minutes: i64, memory: &str, level: &str) -> Revision {
    Revision {
        number,
        name: Clean::line(&format!("myapp-{tag}")),
        hash: Some(Clean::line(&format!("hash{tag}"))),
        created: Some(ago(minutes)),
        change_cause: None,
        images: Box::new([Clean::line(&format!("registry.example/acme/myapp:{tag}"))]),
        ready: 0,
        replicas: 0,
        is_live: false,
        template: template_of(tag, memory, level),
        patch: None,
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
        node: Some("node-5".into()),
        owner: None,
        hash: Some(Clean::line(&format!("hash{tag}"))),
        is_ready,
        ready_since: None,
        reason: None,
        why: if is_ready { Clean::default() } else { "crashes: exit 1".into() },
        level: if is_ready { Level::Ok } else { Level::Broken },
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
        autoscaler: None,
        warnings: Vec::new(),
        changes: vec![("jenkins".into(), ago(17))],
        image_nodes: Ok((BTreeMap::from([(digest_of("411"), 9), (digest_of("412"), 9)]), 9)),
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
    RunInspection { run: run(state), jobs: Vec::new(), may_write: Ok(true), hooks: Ok(Vec::new()) }
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
    let mut evidence = Evidence::of(Inspection::Workload(Box::new(found)), now().wall);
    evidence.writable = [cluster(), host()].into();
    evidence.pod = Some(Ok(Vec::new()));
    let (writes, _) = super::evidence::drafts(request, &evidence, now().wall);
    evidence.rehearsals = writes.into_iter().map(|write| (write, Some(Ok("accepted".into())))).collect();
    evidence
}

pub fn roll_back(to: Option<i64>) -> Request {
    Request::RollBack { workload: myapp(), to }
}

/// The plan of a request on this workload, with everything else in order.
pub fn planned(request: &Request, found: WorkloadInspection) -> Result<Plan, Refusal> {
    plan(request, &evidence(request, found), &store(Vec::new()), &settings(), now())
}

/// What a fake cluster is and does.
pub struct Cluster {
    pub found: WorkloadInspection,
    pub sent: Vec<Write>,
    pub rehearsed: usize,
    pub inspected: usize,
    /// What the next writes are answered; none: they are done.
    pub answers: Vec<ActionError>,
    pub rehearsal: Result<Clean, ActionError>,
    pub panics: bool,
}

/// An API server with one workload: inspector and operator.
#[derive(Clone)]
pub struct FakeCluster(pub Arc<Mutex<Cluster>>);

impl FakeCluster {
    pub fn new(found: WorkloadInspection) -> Self {
        Self(Arc::new(Mutex::new(Cluster {
            found,
            sent: Vec::new(),
            rehearsed: 0,
            inspected: 0,
            answers: Vec::new(),
            rehearsal: Ok("accepted".into()),
            panics: false,
        })))
    }

    pub fn with<R>(&self, change: impl FnOnce(&mut Cluster) -> R) -> R {
        change(&mut self.0.lock().expect("no test panics while holding it"))
    }

    pub fn sent(&self) -> Vec<Write> {
        self.with(|cluster| cluster.sent.clone())
    }
}

impl Cluster {
    fn take(&mut self, write: &Write) -> Result<Done, ActionError> {
        assert!(!self.panics, "a fake that panics");
        self.sent.push(write.clone());
        if !self.answers.is_empty() {
            return Err(self.answers.remove(0));
        }
        match write {
            Write::PatchTemplate { live, target, .. } => {
                if !template::is_same(live, &self.found.template) {
                    return Err(ActionError::Moved("the template moved; nothing was sent".into()));
                }
                self.become_template(target.clone());
            }
            Write::Scale { to, .. } => self.found.workload.desired = *to,
            Write::Restart { at, .. } => {
                let mut template = self.found.template.clone();
                template::mark_restart(&mut template, &at.to_string());
                self.found.template = template;
            }
            Write::DeletePod { pod, .. } => self.found.pods.retain(|other| other.key != *pod),
            _ => {}
        }
        Ok(Done { says: "done by the fake".into(), reference: None })
    }

    /// As after a finished rollout of this template.
    pub fn become_template(&mut self, template: Value) {
        let max = self.found.revisions.iter().map(|revision| revision.number).max().unwrap_or(0);
        let mut hash = None;
        for revision in &mut self.found.revisions {
            revision.is_live = template::is_same(&revision.template, &template);
            if revision.is_live {
                revision.number = max + 1;
                hash = revision.hash.clone();
            }
        }
        let tag = hash.as_ref().map_or("new", |hash| hash.trim_start_matches("hash")).to_owned();
        self.found.pods = (0..self.found.workload.desired).map(|n| pod(&format!("pod-{n}"), &tag, true)).collect();
        self.found.template = template;
        let workload = &mut self.found.workload;
        workload.generation += 1;
        workload.observed_generation = workload.generation;
        (workload.updated, workload.available, workload.ready) = (workload.desired, workload.desired, workload.desired);
        workload.rollout = RolloutStatus { words: "successfully rolled out".into(), state: RolloutState::Done };
    }
}

impl Inspector for FakeCluster {
    fn backend(&self) -> &BackendId {
        static ID: std::sync::LazyLock<BackendId> = std::sync::LazyLock::new(cluster);
        &ID
    }

    fn inspect<'a>(&'a self, _request: &'a Request) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        let found = self.with(|cluster| {
            cluster.inspected += 1;
            cluster.found.clone()
        });
        async move { Ok(Inspection::Workload(Box::new(found))) }.boxed()
    }
}

impl Operator for FakeCluster {
    fn backend(&self) -> &BackendId {
        Inspector::backend(self)
    }

    fn rehearse<'a>(&'a self, _write: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        let said = self.with(|cluster| {
            cluster.rehearsed += 1;
            cluster.rehearsal.clone()
        });
        async move { Some(said) }.boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move { self.with(|cluster| cluster.take(write)) }.boxed()
    }

    fn rehearse_pod<'a>(
        &'a self,
        _workload: &'a WorkloadKey,
        _template: &'a Value,
    ) -> BoxFuture<'a, Option<Result<Vec<Clean>, ActionError>>> {
        async { Some(Ok(Vec::new())) }.boxed()
    }
}

/// A code host with one run. Cancelling it may run a hook on the cluster.
#[derive(Clone)]
pub struct FakeHost {
    pub run: Arc<Mutex<RunInspection>>,
    pub sent: Arc<Mutex<Vec<Write>>>,
    pub hook: Arc<dyn Fn() + Send + Sync>,
}

impl FakeHost {
    pub fn new(run: RunInspection, hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self { run: Arc::new(Mutex::new(run)), sent: Arc::default(), hook: Arc::new(hook) }
    }
}

impl Inspector for FakeHost {
    fn backend(&self) -> &BackendId {
        static ID: std::sync::LazyLock<BackendId> = std::sync::LazyLock::new(host);
        &ID
    }

    fn inspect<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        async move {
            match request {
                Request::Cancel { .. } | Request::Rerun { .. } => {
                    Ok(Inspection::Run(Box::new(self.run.lock().expect("unpoisoned").clone())))
                }
                _ => Err(SourceError::new(ErrorKind::Bug, "not of this fake")),
            }
        }
        .boxed()
    }
}

impl Operator for FakeHost {
    fn backend(&self) -> &BackendId {
        Inspector::backend(self)
    }

    fn rehearse<'a>(&'a self, _write: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        async { None }.boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move {
            self.sent.lock().expect("unpoisoned").push(write.clone());
            if matches!(write, Write::CancelRun { .. }) {
                self.run.lock().expect("unpoisoned").run.state = RunState::Cancelled;
                (self.hook)();
            }
            Ok(Done { says: "done by the fake".into(), reference: Some("silence-1".into()) })
        }
        .boxed()
    }
}
