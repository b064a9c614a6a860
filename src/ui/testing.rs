//! What the tests of screens and overlays share: a small world, filled by hand, and frames as text.

mod code;
mod kubernetes;

use std::time::Duration;

use jiff::Timestamp;
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Overlay, Screen, View,
    theme::{Background, ColourDepth, GlyphSet, Theme, ThemeChoice},
    widgets::cells::rows_of,
};
use crate::{
    app::{
        acts::Acts,
        settings::{ServiceBinding, Settings},
    },
    keymap::Keymap,
    model::{
        BackendId, BackendKind, Part, SourceId,
        alert::{Alert, AlertKey, AlertState, Priority},
        code::{Need, PullRequest, RepoKey, Run, RunState},
        kubernetes::{Event, Pod, ReplicaSet, Workload, WorkloadKind},
        metric::{Dashboard, DashboardKey, Panel, PanelData, PanelKey, PanelKind, Scale, Series, Threshold, Unit},
    },
    query::{Answer, PanelQuery, Query},
    source::{Answered, Delta, ErrorKind, Fact, SourceError, Update},
    store::{Changes, Store},
    text::Clean,
    time::{Clock, TestClock},
};

pub use self::{
    code::{pull_request, repo, run},
    kubernetes::{deployment, event, object, pod, replica_set, running, workload_key},
};

/// When the worlds of tests are looked at.
pub const NOW: &str = "2026-03-14T03:14:22Z";

/// A time of that day: `02:57`, or with seconds.
pub fn at(time: &str) -> Timestamp {
    let seconds = if time.len() == 5 { ":00" } else { "" };
    format!("2026-03-14T{time}{seconds}Z").parse().expect("a time of day")
}

/// Everything a view borrows.
pub struct World {
    pub store: Store,
    pub settings: Settings,
    pub acts: Acts,
    pub forwards: Vec<crate::model::forward::Forward>,
    pub keymap: Keymap,
    pub theme: Theme,
    pub clock: TestClock,
    pub size: (u16, u16),
    pub zoomed: bool,
}

pub fn cluster() -> BackendId {
    BackendId::new("prod-eu1")
}

pub fn github() -> BackendId {
    BackendId::new("github.com")
}

pub fn alertmanager() -> BackendId {
    BackendId::new("alertmanager")
}

pub fn grafana() -> BackendId {
    BackendId::new("grafana")
}

const KINDS: [(&str, BackendKind, &[Part]); 4] = [
    (
        "prod-eu1",
        BackendKind::Kubernetes,
        &[Part::Deployments, Part::StatefulSets, Part::DaemonSets, Part::ReplicaSets, Part::Pods, Part::Events],
    ),
    ("github.com", BackendKind::GitHub, &[Part::PullRequests, Part::Runs]),
    ("alertmanager", BackendKind::Alertmanager, &[Part::Alerts, Part::Silences]),
    ("grafana", BackendKind::Grafana, &[Part::Dashboards, Part::Annotations]),
];

/// Title, limit, and the value at a minute before now.
pub type Curve<'a> = (&'a str, Option<f64>, &'a dyn Fn(i64) -> f64);

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Four backends that have not answered yet.
    pub fn new() -> Self {
        let mut world = Self {
            store: Store { log_bytes: 1 << 20, ..Store::default() },
            settings: Settings { me: "ana".into(), ..Settings::default() },
            acts: Acts::default(),
            forwards: Vec::new(),
            keymap: Keymap::default(),
            theme: Theme::new(ThemeChoice::None, Background::Dark, ColourDepth::None, GlyphSet::Ascii),
            clock: TestClock::at(NOW.parse().expect("a time")),
            size: (120, 35),
            zoomed: false,
        };
        for (name, kind, parts) in KINDS {
            let id = BackendId::new(name);
            for part in parts {
                world.store.expect(SourceId::new(&id, *part), kind, Duration::from_secs(15), 1);
            }
            world.settings.backends.insert(id, kind);
        }
        world
    }

    /// Four backends that answered and have nothing.
    pub fn live() -> Self {
        let mut world = Self::new();
        world.beat();
        world
    }

    /// Every source answers now.
    pub fn beat(&mut self) {
        for (name, _, parts) in KINDS {
            for part in parts {
                let facts = match part {
                    Part::Pods => vec![Fact::Pod(Delta::Synced)],
                    Part::ReplicaSets => vec![Fact::ReplicaSet(Delta::Synced)],
                    Part::Events => vec![Fact::Event(Delta::Synced)],
                    Part::Deployments | Part::StatefulSets | Part::DaemonSets => vec![Fact::Workload(Delta::Synced)],
                    Part::PullRequests => vec![Fact::PullRequests { repo: None, list: Vec::new() }],
                    Part::Alerts if self.store.alerts.is_empty() => {
                        vec![Fact::Alerts { list: Vec::new(), groups: Vec::new() }]
                    }
                    Part::Silences if self.store.silences.is_empty() => vec![Fact::Silences(Vec::new())],
                    Part::Dashboards if self.store.dashboards.is_empty() => vec![Fact::Dashboards(Vec::new())],
                    Part::Runs => vec![Fact::Runs {
                        repo: RepoKey { host: github(), name: "acme/none".into() },
                        list: Vec::new(),
                    }],
                    _ => Vec::new(),
                };
                self.say(&BackendId::new(name), *part, facts);
            }
        }
    }

    /// A source reports facts.
    pub fn say(&mut self, backend: &BackendId, part: Part, facts: Vec<Fact>) -> Changes {
        self.tell(backend, part, Ok(facts))
    }

    /// Every source of a backend fails.
    pub fn fail(&mut self, backend: &BackendId, says: &str) {
        let sources: Vec<SourceId> = self.store.sources.keys().filter(|id| id.backend == *backend).cloned().collect();
        for source in sources {
            self.tell(&source.backend, source.part, Err(SourceError::new(ErrorKind::Unreachable, says)));
        }
    }

    /// A source that may not be read, and never was.
    pub fn refuse(&mut self, backend: &BackendId, part: Part, says: &str) {
        let source = SourceId::new(backend, part);
        self.store.sources.remove(&source);
        self.store.expect(source, self.settings.backends[backend], Duration::from_secs(15), 1);
        self.tell(backend, part, Err(SourceError::new(ErrorKind::Auth, says)));
    }

    fn tell(&mut self, backend: &BackendId, part: Part, body: Result<Vec<Fact>, SourceError>) -> Changes {
        let now = self.clock.now();
        let update = Update { from: SourceId::new(backend, part), at: now.wall, generation: 1, body };
        self.store.apply(update, now)
    }

    pub fn workloads(&mut self, list: impl IntoIterator<Item = Workload>) {
        for workload in list {
            let part = workload.key.kind.part();
            self.say(&workload.key.cluster.clone(), part, vec![Fact::Workload(Delta::Put(Box::new(workload)))]);
        }
    }

    pub fn replica_sets(&mut self, list: impl IntoIterator<Item = ReplicaSet>) {
        let facts = list.into_iter().map(|set| Fact::ReplicaSet(Delta::Put(Box::new(set)))).collect();
        self.say(&cluster(), Part::ReplicaSets, facts);
    }

    pub fn pods(&mut self, list: impl IntoIterator<Item = Pod>) {
        let facts = list.into_iter().map(|pod| Fact::Pod(Delta::Put(Box::new(pod)))).collect();
        self.say(&cluster(), Part::Pods, facts);
    }

    pub fn events(&mut self, list: impl IntoIterator<Item = Event>) {
        let facts = list.into_iter().map(|event| Fact::Event(Delta::Put(Box::new(event)))).collect();
        self.say(&cluster(), Part::Events, facts);
    }

    pub fn alerts(&mut self, list: Vec<Alert>) {
        self.say(&alertmanager(), Part::Alerts, vec![Fact::Alerts { list, groups: Vec::new() }]);
    }

    pub fn runs(&mut self, list: Vec<Run>) {
        let repo = list.first().expect("a run").key.repo.clone();
        self.say(&github(), Part::Runs, vec![Fact::Runs { repo, list }]);
    }

    pub fn pull_requests(&mut self, list: Vec<PullRequest>) {
        self.say(&github(), Part::PullRequests, vec![Fact::PullRequests { repo: None, list }]);
    }

    /// Binds a service to its Deployment, with a panel of these titles, limits and values (one a minute, up to now).
    pub fn service(&mut self, name: &str, panels: &[Curve<'_>]) {
        let key = DashboardKey { backend: grafana(), uid: Clean::own(format!("board-{name}")) };
        let panel_key = |id: usize| PanelKey { dashboard: key.clone(), id: id as i64 + 1 };
        let dashboard = Dashboard {
            key: key.clone(),
            title: name.into(),
            url: "https://grafana/d/x".into(),
            panels: panels
                .iter()
                .enumerate()
                .map(|(id, (title, limit, _))| Panel {
                    key: panel_key(id),
                    title: (*title).into(),
                    kind: PanelKind::TimeSeries,
                    scale: Scale {
                        unit: Unit {
                            id: if title.contains('%') { "percent" } else { "short" }.into(),
                            decimals: Some(1),
                        },
                        thresholds: limit
                            .map(|limit| Threshold { value: Some(limit), color: "red".into() })
                            .into_iter()
                            .collect(),
                        ..Scale::default()
                    },
                    row: None,
                    is_collapsed: false,
                    notes: Vec::new(),
                })
                .collect(),
            range_seconds: 3600,
            variables: Vec::new(),
        };
        let mut boards: Vec<Dashboard> = self.store.dashboards.values().cloned().collect();
        boards.push(dashboard);
        self.say(&grafana(), Part::Dashboards, vec![Fact::Dashboards(boards)]);
        let now = self.clock.now();
        let end = now.wall.as_millisecond();
        for (id, (_, _, value)) in panels.iter().enumerate() {
            let points: Vec<(i64, Option<f64>)> =
                (-60..=0).map(|minute| (end + minute * 60_000, Some(value(minute)))).collect();
            let data = PanelData {
                key: panel_key(id),
                title: panels[id].0.into(),
                from: end - 3_600_000,
                to: end,
                series: vec![Series { name: name.into(), points, ..Series::default() }],
                more_series: 0,
                reduced: Vec::new(),
                table: None,
                failures: Vec::new(),
                notices: Vec::new(),
            };
            for width in [self.size.0, 60, 80, 120] {
                let query = Query::Panel(PanelQuery {
                    panel: panel_key(id),
                    range_seconds: 3600,
                    points: width,
                    variables: Vec::new(),
                });
                let body = Ok(Answer::Panel(Box::new(data.clone())));
                self.store.answer(Answered { query, generation: 1, at: now.wall, body }, now);
            }
        }
        self.settings.services.push(ServiceBinding {
            name: name.into(),
            workload: Some(workload_key(WorkloadKind::Deployment, name)),
            panels: (0..panels.len()).map(panel_key).collect(),
            ..ServiceBinding::default()
        });
    }

    pub fn view(&self) -> View<'_> {
        View {
            store: &self.store,
            settings: &self.settings,
            acts: &self.acts,
            forwards: &self.forwards,
            keymap: &self.keymap,
            theme: &self.theme,
            now: self.clock.now(),
            size: self.size,
            zoomed: self.zoomed,
        }
    }

    /// The area between tabs and footer.
    pub fn area(&self) -> Rect {
        Rect::new(0, 0, self.size.0, self.size.1.saturating_sub(3))
    }

    /// Syncs and draws a screen; its rows as text. Also draws it where there is no room, which must not fail.
    /// The whole frame, overlay only.
    pub fn overlay(&self, overlay: &mut dyn Overlay) -> Vec<String> {
        overlay.sync(&self.view(), Changes::ALL);
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buf = Buffer::empty(area);
        overlay.render(&self.view(), area, &mut buf);
        rows_of(&buf)
    }

    pub fn drawn(&self, screen: &mut dyn Screen) -> Vec<String> {
        let view = self.view();
        screen.sync(&view, Changes::ALL);
        for (width, height) in [(1, 1), (3, 40), (40, 3), (12, 12)] {
            let area = Rect::new(0, 0, width, height);
            screen.render(&view, area, &mut Buffer::empty(area));
        }
        let mut buf = Buffer::empty(self.area());
        screen.render(&view, self.area(), &mut buf);
        rows_of(&buf)
    }
}

/// A firing alert with label `service`.
pub fn alert(name: &str, service: &str, priority: Priority, starts: &str, summary: &str) -> Alert {
    Alert {
        key: AlertKey { backend: alertmanager(), fingerprint: Clean::own(format!("{name}-{service}")) },
        name: name.into(),
        state: AlertState::Firing,
        priority,
        labels: Box::new([("alertname".into(), name.into()), ("service".into(), service.into())]),
        annotations: Box::new([("summary".into(), summary.into())]),
        starts: Some(at(starts)),
        active_since: None,
        receivers: Box::new(["pagerduty".into()]),
        silenced_by: Box::new([]),
        generator_url: None,
        value: None,
        rule: None,
        is_watchdog: false,
    }
}

/// The story: `myapp` 412 broke at 02:59; a nightly failed; a pull request waits for me.
pub fn incident() -> World {
    let mut world = World::live();
    world.workloads([
        deployment("myapp", "ghcr.io/acme/myapp:412", 8, 10),
        deployment("payments", "ghcr.io/acme/payments:88", 4, 4),
    ]);
    world.replica_sets([
        replica_set("myapp", "7d8b9", 13, "01:00", "ghcr.io/acme/myapp:411", (4, 4)),
        replica_set("myapp", "6d5c9", 14, "02:57", "ghcr.io/acme/myapp:412", (4, 6)),
        replica_set("payments", "5c4aa", 88, "02:40", "ghcr.io/acme/payments:88", (4, 4)),
    ]);
    world.pods([
        pod("myapp-7d8b9", "aaaaa", None),
        pod("myapp-6d5c9", "bbbbb", Some(("CrashLoopBackOff", "verify failed: issuer mismatch"))),
    ]);
    let mut first = alert("HighErrorRate", "myapp", Priority::P1, "03:04", "31 % of requests to myapp fail");
    first.active_since = Some(at("02:59"));
    world.alerts(vec![
        first,
        alert("PodOOMKilled", "postgres", Priority::P3, "03:04", "postgres-0 was killed for memory 2 times"),
    ]);
    world.runs(vec![
        run("deploy", 412, RunState::Running, true, "02:51"),
        run("nightly-e2e", 1190, RunState::Failure, false, "01:02"),
    ]);
    if let Some(nightly) = world.store.runs.values_mut().find(|run| run.number == 1190) {
        nightly.event = "schedule".into();
    }
    world.service(
        "myapp",
        &[
            ("5xx %", Some(5.0), &|minute| {
                if minute < -14 { 0.1 } else { f64::from(minute as i32 + 15).min(9.0) * 3.4 }
            }),
            ("req/s", None, &|minute| 1480.0 + (minute * 7 % 11) as f64),
            ("p95 ms", Some(500.0), &|minute| if minute < -14 { 140.0 } else { 910.0 }),
        ],
    );
    world.service(
        "payments",
        &[
            ("5xx %", Some(5.0), &|minute| 0.02 + (minute % 3) as f64 * 0.01),
            ("req/s", None, &|_| 310.0),
            ("p95 ms", Some(500.0), &|_| 88.0),
        ],
    );
    world.pull_requests(vec![pull_request(1490, "fix: pool size", Some(Need::Review))]);
    world
}
