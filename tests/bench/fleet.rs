//! A fleet of 10,000 pods, as the sources would report it.

use std::{sync::Arc, time::Duration};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use midwatch::{
    app::{App, Msg, look::Look, settings::Settings},
    keymap::Keymap,
    model::{
        BackendId, BackendKind, Level, Part, SourceId,
        alert::{Alert, AlertKey, AlertState, Priority},
        kubernetes::{
            Container, ContainerRole, ContainerState, ObjectKey, Owner, Pod, ReplicaSet, RolloutState, RolloutStatus,
            Workload, WorkloadKey, WorkloadKind,
            resource::{Resource, Resources},
            table::{Bounds, ObjectTable, TableColumn, TableRow},
        },
        log::{LogLevel, LogLine, Origin},
    },
    query::{Answer, LogBatch, LogQuery, ObjectRef, Query},
    source::{Answered, Delta, Fact, Update},
    text::Clean,
    time::{Clock as _, Now, TestClock},
    ui::theme::{Background, ColourDepth, GlyphSet, ThemeChoice},
};

pub const PODS: usize = 10_000;
const PER_WORKLOAD: usize = 10;
const ALERTS: usize = 500;
const LINES: usize = 100_000;

pub fn clock() -> TestClock {
    TestClock::at("2026-11-21T03:14:00Z".parse().expect("a time"))
}

pub fn now(clock: &TestClock) -> Now {
    clock.now()
}

fn cluster() -> BackendId {
    BackendId::new("prod-eu1")
}

fn key(name: String) -> ObjectKey {
    ObjectKey { cluster: cluster(), namespace: "shop".into(), name: name.into() }
}

fn pod(index: usize, turn: usize, at: Timestamp) -> Box<Pod> {
    let app = index / PER_WORKLOAD;
    let is_bad = index.is_multiple_of(200);
    Box::new(Pod {
        bounds: Bounds::default(),
        key: key(format!("app-{app:04}-6d5c9-{index:05}")),
        uid: format!("pod-{index}").into(),
        status: if is_bad { "CrashLoopBackOff".into() } else { "Running".into() },
        ready: u16::from(!is_bad),
        total: 1,
        restarts: if is_bad { turn as u32 + 3 } else { turn as u32 },
        last_restart: is_bad.then_some(at),
        created: Some(at),
        deleting_since: None,
        deleting_by: None,
        finalizers: Box::default(),
        has_failed: false,
        node: Some(format!("node-{}", index % 90).into()),
        owner: Some(Owner {
            kind: "ReplicaSet".into(),
            name: format!("app-{app:04}-6d5c9").into(),
            uid: format!("rs-{app}").into(),
        }),
        hash: Some("6d5c9".into()),
        is_ready: !is_bad,
        ready_since: Some(at),
        reason: None,
        why: if is_bad { "'app' keeps crashing: exit 1".into() } else { Clean::default() },
        level: if is_bad { Level::Broken } else { Level::Ok },
        containers: Box::new([Container {
            name: "app".into(),
            role: ContainerRole::Main,
            image: format!("registry.example/app-{app:04}:412").into(),
            digest: None,
            instance: None,
            ready: !is_bad,
            restarts: 0,
            state: ContainerState::Running { since: Some(at) },
            last: None,
            memory_limit: None,
        }]),
        default_container: None,
        app: Some(format!("app-{app:04}").into()),
    })
}

fn workload(app: usize, at: Timestamp) -> (Box<Workload>, Box<ReplicaSet>) {
    let workload = Workload {
        key: WorkloadKey {
            cluster: cluster(),
            namespace: "shop".into(),
            kind: WorkloadKind::Deployment,
            name: format!("app-{app:04}").into(),
        },
        uid: format!("deploy-{app}").into(),
        created: Some(at),
        desired: PER_WORKLOAD as u32,
        replicas: PER_WORKLOAD as u32,
        ready: PER_WORKLOAD as u32,
        updated: PER_WORKLOAD as u32,
        available: PER_WORKLOAD as u32,
        generation: 1,
        observed_generation: 1,
        paused: false,
        revision: Some(14),
        update_hash: None,
        current_hash: None,
        images: Box::new([format!("registry.example/app-{app:04}:412").into()]),
        rollout: RolloutStatus { words: "deployment successfully rolled out".into(), state: RolloutState::Done },
        progressing: None,
        replica_failure: None,
        progress_deadline: 600,
        max_unavailable: None,
        recreates: false,
        selector: Box::default(),
        managed_by: Vec::new(),
        change_cause: None,
        changed_by: None,
        memory_limit: None,
        level: Level::Ok,
        app: Some(format!("app-{app:04}").into()),
    };
    let set = ReplicaSet {
        key: key(format!("app-{app:04}-6d5c9")),
        uid: format!("rs-{app}").into(),
        owner: Some(Owner { kind: "Deployment".into(), name: workload.key.name.clone(), uid: workload.uid.clone() }),
        revision: Some(14),
        is_reused: false,
        hash: Some("6d5c9".into()),
        desired: PER_WORKLOAD as u32,
        replicas: PER_WORKLOAD as u32,
        ready: PER_WORKLOAD as u32,
        created: Some(at),
        images: workload.images.clone(),
        change_cause: None,
    };
    (Box::new(workload), Box::new(set))
}

fn alert(index: usize, at: Timestamp) -> Alert {
    Alert {
        key: AlertKey { backend: BackendId::new("alertmanager"), fingerprint: format!("{index:016x}").into() },
        name: format!("Alert{}", index % 40).into(),
        state: AlertState::Firing,
        priority: if index.is_multiple_of(50) { Priority::P1 } else { Priority::P3 },
        labels: Box::new([("service".into(), format!("app-{:04}", index % 1000).into())]),
        annotations: Box::new([("summary".into(), "something is above its limit".into())]),
        starts: Some(at),
        active_since: None,
        receivers: Box::new(["slack".into()]),
        silenced_by: Box::default(),
        generator_url: None,
        value: None,
        rule: None,
        is_watchdog: false,
    }
}

fn update(backend: &BackendId, part: Part, facts: Vec<Fact>, now: Now) -> Update {
    Update { from: SourceId::new(backend, part), at: now.wall, generation: 0, body: Ok(facts) }
}

/// The cockpit with everything synced: `PODS` pods.
pub fn app(clock: &TestClock) -> App {
    app_of(clock, PODS)
}

pub fn app_of(clock: &TestClock, pods: usize) -> App {
    let now = clock.now();
    let mut settings = Settings::default();
    settings.backends.insert(cluster(), BackendKind::Kubernetes);
    let look = Look {
        choice: ThemeChoice::Dark,
        background: Background::Dark,
        depth: ColourDepth::True,
        glyphs: GlyphSet::Unicode,
    };
    settings.ui.log_bytes = 64 * 1024 * 1024;
    let mut app = App::new(settings, Keymap::default(), look);
    let alertmanager = BackendId::new("alertmanager");
    for (backend, kind, part) in [
        (cluster(), BackendKind::Kubernetes, Part::Pods),
        (cluster(), BackendKind::Kubernetes, Part::Deployments),
        (cluster(), BackendKind::Kubernetes, Part::ReplicaSets),
        (alertmanager.clone(), BackendKind::Alertmanager, Part::Alerts),
    ] {
        app.store.expect(SourceId::new(&backend, part), kind, Duration::from_secs(20), 0);
    }
    let at = now.wall;
    let rows: Vec<_> = (0..pods / PER_WORKLOAD).map(|index| workload(index, at)).collect();
    let (workloads, sets): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let mut feed = |backend: &BackendId, part, facts: Vec<Fact>| {
        for chunk in facts.chunks(500) {
            app.update(Msg::Update(Box::new(update(backend, part, chunk.to_vec(), now))), now);
        }
    };
    feed(
        &cluster(),
        Part::Deployments,
        workloads
            .into_iter()
            .map(|row| Fact::Workload(Delta::Put(row)))
            .chain([Fact::Workload(Delta::Synced)])
            .collect(),
    );
    feed(
        &cluster(),
        Part::ReplicaSets,
        sets.into_iter()
            .map(|row| Fact::ReplicaSet(Delta::Put(row)))
            .chain([Fact::ReplicaSet(Delta::Synced)])
            .collect(),
    );
    feed(
        &cluster(),
        Part::Pods,
        (0..pods).map(|index| Fact::Pod(Delta::Put(pod(index, 0, at)))).chain([Fact::Pod(Delta::Synced)]).collect(),
    );
    feed(
        &alertmanager,
        Part::Alerts,
        vec![Fact::Alerts { list: (0..ALERTS).map(|index| alert(index, at)).collect(), groups: Vec::new() }],
    );
    app
}

/// 500 pods whose restart count moved.
pub fn changed_pods(turn: usize, now: Now) -> Update {
    let first = turn * 500 % PODS;
    let facts = (first..first + 500).map(|index| Fact::Pod(Delta::Put(pod(index % PODS, turn, now.wall)))).collect();
    update(&cluster(), Part::Pods, facts, now)
}

/// One pod whose restart count moved.
pub fn changed_pod(turn: usize, now: Now) -> Update {
    update(&cluster(), Part::Pods, vec![Fact::Pod(Delta::Put(pod(turn % PODS, turn, now.wall)))], now)
}

fn log_query() -> LogQuery {
    let target = ObjectRef::Pod(key("app-0000-6d5c9-00000".to_owned()));
    LogQuery { since_seconds: Some(900), ..LogQuery::of(target) }
}

fn lines(count: usize, now: Now) -> Answered {
    let origin = Arc::new(Origin::new(key("app-0000-6d5c9-00000".to_owned()), "app".into(), "412".into()));
    let line = |index: usize| LogLine {
        origin: origin.clone(),
        at: now.wall,
        level: Some(if index.is_multiple_of(17) { LogLevel::Error } else { LogLevel::Info }),
        text: Clean::own(format!("level=info msg=\"request served\" path=/api/users/{index} status=200 took=12ms")),
        continues: false,
        is_note: false,
    };
    let batch = LogBatch { lines: (0..count).map(line).collect(), open: 1, wanted: 1, ..LogBatch::default() };
    Answered { query: Query::Logs(log_query()), generation: 1, at: now.wall, body: Ok(Answer::Logs(batch)) }
}

/// Opens a log of 100,000 lines.
pub fn open_log(app: &mut App, now: Now) {
    app.open_log(log_query());
    for _ in 0..LINES / 500 {
        app.update(Msg::Answer(Box::new(lines(500, now))), now);
    }
}

pub fn more_lines(app: &mut App, now: Now) {
    app.update(Msg::Answer(Box::new(lines(500, now))), now);
}

/// Opens the table of pods, with so many rows.
pub fn open_table(app: &mut App, rows: usize, now: Now) {
    let pods = Resource {
        group: "".into(),
        version: "v1".into(),
        plural: "pods".into(),
        singular: "pod".into(),
        kind: "Pod".into(),
        short_names: Box::new(["po".into()]),
        is_namespaced: true,
    };
    let served = Resources { list: vec![Arc::new(pods)], troubles: Vec::new() };
    let answer = |app: &mut App, query, body| {
        let answered = Answered { query, generation: 1, at: now.wall, body: Ok(body) };
        app.update(Msg::Answer(Box::new(answered)), now);
    };
    answer(app, Query::Resources(cluster()), Answer::Resources(Arc::new(served)));
    let line = ":kind pods".chars().map(KeyCode::Char).chain([KeyCode::Enter]);
    for key in line {
        app.update(Msg::Key(KeyEvent::new(key, KeyModifiers::NONE)), now);
    }
    let asked = app.wanted(now).into_iter().find(|query| matches!(query, Query::Table(_)));
    let table = Answer::Table(Arc::new(table(rows, now.wall)));
    answer(app, asked.expect("the table is looked at"), table);
}

fn table(rows: usize, at: Timestamp) -> ObjectTable {
    let column = |name: &&str| TableColumn { name: (*name).into(), ..TableColumn::default() };
    let row = |index: usize| {
        let status = if index.is_multiple_of(997) { "CrashLoopBackOff" } else { "Running" };
        let name = format!("app-{:05}-6d5c9-{index:06}", index / PER_WORKLOAD);
        let cells = [name.as_str(), "1/1", status, "4 (3h ago)", "5d", "10.0.1.7", "node-3"];
        Arc::new(TableRow {
            namespace: "production".into(),
            name: name.as_str().into(),
            created: Some(at),
            labels: Box::new([("app".into(), "app".into())]),
            cells: cells.map(Clean::from).into(),
            printed: Some(at),
            ..TableRow::default()
        })
    };
    ObjectTable {
        columns: ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node"].iter().map(column).collect(),
        rows: (0..rows).map(row).collect(),
        is_complete: true,
        every: Duration::from_secs(20),
        ..ObjectTable::default()
    }
}
