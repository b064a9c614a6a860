//! Every screen in every state of its backends and in three sizes, as it is drawn; and at every other size, that it is.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect};

use super::{Screens, audit, logs, now};
use crate::{
    action::{
        Request,
        act::{Act, ActionEvent, Outcome, StepState},
    },
    command::ScreenId,
    model::{
        alert::Priority,
        code::{Need, RunState},
        kubernetes::WorkloadKind,
        log::{LogLevel, LogLine, Origin},
    },
    query::{Answer, LogBatch, LogQuery, ObjectRef, Query},
    source::{Answered, ErrorKind, SourceError},
    store::Changes,
    text::Clean,
    time::Clock as _,
    ui::{
        Screen,
        testing::{
            World, alert, alertmanager, at, cluster, deployment, event, github, grafana, incident, object, pod,
            pull_request, replica_set, run, workload_key,
        },
    },
};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 35), (200, 60)];

/// What the backends say.
#[derive(Clone, Copy, Debug)]
enum State {
    Loading,
    Live,
    Stale,
    Down,
    Empty,
    Full,
}

const STATES: [State; 6] = [State::Loading, State::Live, State::Stale, State::Down, State::Empty, State::Full];

fn log_query() -> LogQuery {
    let target = ObjectRef::Workload(workload_key(WorkloadKind::Deployment, "myapp"));
    LogQuery { since_seconds: Some(900), ..LogQuery::of(target) }
}

fn log_lines(world: &mut World, count: i64) {
    let origin = |pod: &str, version: &str| Arc::new(Origin::new(object(pod), "app".into(), version.into()));
    let origins = [origin("myapp-6d5c9-bbbbb", "412"), origin("myapp-7d8b9-aaaaa", "411")];
    let lines = (0..count).map(|number| LogLine {
        origin: origins[usize::from(number % 3 == 0)].clone(),
        at: at("03:00") + jiff::SignedDuration::from_secs(number),
        level: Some(if number % 3 == 0 { LogLevel::Info } else { LogLevel::Error }),
        text: Clean::own(format!("request {number}: verify failed: issuer mismatch, 日本語 in between, and a tail that is long enough to be cut at the narrow sizes")),
        continues: false,
        is_note: false,
    });
    let batch = LogBatch { lines: lines.collect(), open: 2, wanted: 2, ..LogBatch::default() };
    let now = world.clock.now();
    let query = Query::Logs(log_query());
    world.store.answer(Answered { query, generation: 1, at: now.wall, body: Ok(Answer::Logs(batch)) }, now);
}

fn acts(world: &mut World, count: u64) {
    for number in 1..=count {
        let outcome = if number % 5 == 0 { Outcome::Unknown } else { Outcome::Done };
        let act = Act {
            switches: Vec::new(),
            away: None,
            left: None,
            unseen: None,
            number,
            request: Request::Restart { workload: workload_key(WorkloadKind::Deployment, "myapp") },
            title: "restart deploy/myapp".into(),
            place: "prod-eu1/production".into(),
            actor: "ana".into(),
            started: at("03:00"),
            ended: Some(at("03:02")),
            steps: vec![("template to rev 13".into(), StepState::Done("now rev 15".into()))],
            can_undo: outcome == Outcome::Done,
            outcome,
            reason: Some("12 % of orders fail".into()),
            cluster_id: None,
            is_mine: true,
        };
        world.acts.apply(&ActionEvent::Act(Box::new(act)));
    }
}

/// The story, with logs and acts.
fn live() -> World {
    let mut world = incident();
    world.events([event("myapp-6d5c9-bbbbb", "Pod", "BackOff", 7, "03:10", "back-off restarting failed container")]);
    log_lines(&mut world, 6);
    acts(&mut world, 2);
    world
}

/// More of everything than fits, with names that are long and wide.
fn full() -> World {
    let mut world = live();
    let long = |number: usize| format!("a-service-with-a-name-that-is-rather-long-{number:03}");
    world.workloads(
        (0..80).map(|n| deployment(&long(n), "registry.example.com/team/image:2026.03.14-rc1", 3 + n as u32 % 2, 4)),
    );
    world.replica_sets(
        (0..80).map(|n| replica_set(&long(n), "5c4aa", 3, "02:40", "registry.example.com/team/image:1", (3, 4))),
    );
    world.pods((0..300).map(|n| {
        let trouble =
            (n % 7 == 0).then_some(("CrashLoopBackOff", "a reason: Fehler beim Öffnen — 設定ファイルがありません"));
        pod(&format!("{}-5c4aa", long(n % 80)), &format!("{n:05}"), trouble)
    }));
    let mut alerts = vec![alert("HighErrorRate", "myapp", Priority::P1, "03:04", "31 % of requests to myapp fail")];
    alerts.extend((0..60).map(|n| {
        let summary =
            "メモリ不足: the summary of this alert is longer than any line that has room for it, to be cut with care";
        alert(
            &format!("AlertNumber{n:02}WithALongName"),
            &long(n),
            [Priority::P2, Priority::P3][n % 2],
            "02:30",
            summary,
        )
    }));
    world.alerts(alerts);
    world.runs(
        (0..90)
            .map(|n| {
                let state = if n % 3 == 0 { RunState::Failure } else { RunState::Success };
                run("a-workflow-with-a-long-name", 2000 + n, state, n % 2 == 0, "02:10")
            })
            .collect(),
    );
    world.pull_requests(
        (0..70)
            .map(|n| {
                pull_request(
                    3000 + n,
                    "修正: a title in two scripts, long enough to be cut wherever it stands",
                    (n % 4 == 0).then_some(Need::Review),
                )
            })
            .collect(),
    );
    log_lines(&mut world, 400);
    acts(&mut world, 60);
    world
}

type Named = fn() -> crate::model::BackendId;

const REASONS: [(Named, &str); 4] = [
    (cluster, "Kubernetes 'prod-eu1' does not answer: connection refused (https://10.0.0.1:6443)."),
    (github, "GitHub 'github.com' refused the token (401): run `gh auth login`"),
    (alertmanager, "Alertmanager 'alertmanager' does not answer: connection refused (http://127.0.0.1:9093)"),
    (grafana, "Grafana 'grafana' did not answer '/api/search' within 5 s (http://127.0.0.1:3000)"),
];

/// Everything fails from now on; what was read is so much older.
fn failing(mut world: World, age: Duration) -> World {
    world.clock.advance(age);
    for (backend, says) in REASONS {
        world.fail(&backend(), says);
    }
    let now = world.clock.now();
    let mut queries: Vec<Query> = world.store.answers.keys().cloned().collect();
    queries.push(Query::Logs(log_query()));
    for query in queries {
        let says =
            REASONS.iter().find(|(backend, _)| backend() == *query.backend()).map_or("no answer", |(_, says)| says);
        let body = Err(SourceError::new(ErrorKind::Unreachable, says));
        world.store.answer(Answered { query, generation: 1, at: now.wall, body }, now);
    }
    world
}

fn world_in(state: State) -> World {
    match state {
        State::Loading => World::new(),
        State::Live => live(),
        State::Stale => failing(live(), Duration::from_secs(40)),
        State::Down => failing(live(), Duration::from_mins(10)),
        State::Empty => World::live(),
        State::Full => full(),
    }
}

/// Rows, with what repeats said once.
fn folded(rows: &[String]) -> String {
    let mut text = String::new();
    for same in rows.chunk_by(|a, b| a == b) {
        text.push_str(same[0].trim_end());
        text.push('\n');
        if same.len() > 1 {
            let _ = writeln!(text, "  ({} more like it)", same.len() - 1);
        }
    }
    text
}

fn check(name: &str, screen: impl Fn() -> Box<dyn Screen>, prepare: impl Fn(&mut World)) {
    for state in STATES {
        let mut world = world_in(state);
        prepare(&mut world);
        let mut text = String::new();
        for size in SIZES {
            world.size = size;
            let rows = world.drawn(&mut *screen());
            let _ = write!(text, "--- {}x{}\n{}", size.0, size.1, folded(&rows));
        }
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(format!("{name}_{}", format!("{state:?}").to_lowercase()), text);
        });
    }
}

#[test]
fn now_quiet() {
    check("now_quiet", || Box::<now::Now>::default(), |world| world.store.alerts.clear());
}

#[test]
fn now_paging() {
    check("now_paging", || Box::<now::Now>::default(), |_| {});
}

#[test]
fn triage() {
    check("triage", || Box::<super::triage::Triage>::default(), |_| {});
}

#[test]
fn kube() {
    check("kube", || Box::<super::kube::Kube>::default(), |_| {});
}

#[test]
fn pipelines() {
    check("pipelines", || Box::<super::pipelines::Pipelines>::default(), |_| {});
}

#[test]
fn pull_requests() {
    check("prs", || Box::<super::prs::PullRequests>::default(), |_| {});
}

#[test]
fn metrics() {
    check("metrics", || Box::<super::metrics::Metrics>::default(), |_| {});
}

#[test]
fn logs() {
    let opened = || {
        let mut logs = logs::Logs::default();
        logs.open(log_query());
        Box::new(logs) as Box<dyn Screen>
    };
    check("logs", opened, |_| {});
}

#[test]
fn audit() {
    check("audit", || Box::<audit::Audit>::default(), |_| {});
}

const SCREENS: [ScreenId; 8] = [
    ScreenId::Now,
    ScreenId::Triage,
    ScreenId::Kube,
    ScreenId::Pipelines,
    ScreenId::PullRequests,
    ScreenId::Metrics,
    ScreenId::Logs,
    ScreenId::Audit,
];

/// A frame that is larger than its area shows what is drawn outside.
fn draws_inside(world: &mut World, screens: &mut Screens, (width, height): (u16, u16)) {
    const EDGE: u16 = 2;
    world.size = (width, height);
    let area = Rect::new(EDGE, EDGE, width, height);
    for id in SCREENS {
        let view = world.view();
        let screen = screens.get_mut(id);
        screen.sync(&view, Changes::ALL);
        let mut buf = Buffer::empty(Rect::new(0, 0, width + 2 * EDGE, height + 2 * EDGE));
        screen.render(&view, area, &mut buf);
        for (index, cell) in buf.content.iter().enumerate() {
            let (x, y) = buf.pos_of(index);
            assert!(
                cell.symbol() == " " || area.contains((x, y).into()),
                "{id:?} at {width}x{height} draws at {x},{y}"
            );
        }
    }
}

fn opened() -> Screens {
    let mut screens = Screens::default();
    screens.logs.open(log_query());
    screens
}

#[test]
fn no_room_is_no_harm() {
    let (mut world, mut screens) = (full(), opened());
    for size in [(1, 1), (10, 3), (59, 15), (60, 16), (250, 1), (1, 80), (250, 80)] {
        draws_inside(&mut world, &mut screens, size);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_size_is_drawn_inside_its_area(width in 1u16..=250, height in 1u16..=80) {
        draws_inside(&mut full(), &mut opened(), (width, height));
    }
}
