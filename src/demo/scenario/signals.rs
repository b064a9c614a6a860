//! What is measured and said of it: alert rules, receivers, silences, dashboards, annotations; and the script's events.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Span;

/// What can be measured of a service. Each is recorded every five seconds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Requests per second.
    Requests,
    /// Percent of requests answered with 5xx, over a window of one minute.
    ErrorPercent,
    /// 95th percentile in ms.
    P95Ms,
    /// CPU in percent of what was requested.
    CpuPercent,
    /// Mean working set in percent of its limit.
    MemoryPercent,
    /// Mean working set in MiB.
    MemoryMib,
    /// Connections held by the services that depend on it.
    Connections,
    /// Pods ready.
    Ready,
    /// Pods wanted.
    Wanted,
    /// Container restarts so far.
    Restarts,
    /// Containers killed for memory in the last fifteen minutes.
    OomKills,
    /// Disk used, percent: a quiet sawtooth.
    DiskPercent,
    /// Always 1.
    Always,
}

impl Metric {
    /// Every metric, with the name under which Prometheus has its series.
    pub const NAMES: [(Self, &str); 13] = [
        (Self::Requests, "service:requests:rate1m"),
        (Self::ErrorPercent, "service:errors:percent"),
        (Self::P95Ms, "service:latency:p95_ms"),
        (Self::CpuPercent, "service:cpu:percent"),
        (Self::MemoryPercent, "service:memory:percent"),
        (Self::MemoryMib, "service:memory:mib"),
        (Self::Connections, "pg_stat_activity_count"),
        (Self::Ready, "kube_deployment_status_replicas_ready"),
        (Self::Wanted, "kube_deployment_spec_replicas"),
        (Self::Restarts, "kube_pod_container_status_restarts_total"),
        (Self::OomKills, "service:oom_kills:increase15m"),
        (Self::DiskPercent, "node:disk:percent"),
        (Self::Always, "up"),
    ];

    pub fn series_name(self) -> &'static str {
        Self::NAMES.iter().find(|(metric, _)| *metric == self).map_or("up", |(_, name)| name)
    }
}

/// `[[alert]]`: an alerting rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSpec {
    pub name: String,
    /// The service it watches; may be left out for `always`.
    #[serde(default)]
    pub service: Option<String>,
    pub metric: Metric,
    /// Fires above this, or below that; one of the two.
    #[serde(default)]
    pub above: Option<f64>,
    #[serde(default)]
    pub below: Option<f64>,
    /// How long the condition must hold.
    #[serde(default, rename = "for")]
    pub hold: Span,
    /// Label `severity`.
    pub severity: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `{value}` becomes the number.
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub runbook: String,
    /// The expression as the rules API shows it; made from the metric if left out.
    #[serde(default)]
    pub expr: Option<String>,
    /// One that is already firing when the world begins: for how long before the start.
    #[serde(default)]
    pub active_since: Option<Span>,
    /// A Grafana-managed rule: Grafana shows it, Prometheus and Alertmanager do not know it.
    #[serde(default)]
    pub grafana: bool,
    /// Rule group.
    #[serde(default = "group")]
    pub group: String,
}

fn group() -> String {
    "services".to_owned()
}

/// `[[receiver]]`: where Alertmanager sends what; the first whose severities hold the alert's takes it, else the last.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSpec {
    pub name: String,
    #[serde(default)]
    pub severities: Vec<String>,
}

/// `[[silence]]`: one that exists when the world begins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilenceSpec {
    /// Matchers in Alertmanager's own writing: `alertname="X"`, `pod=~"a.*"`.
    pub matchers: Vec<String>,
    /// From and to, relative to the start.
    pub from: Span,
    pub to: Span,
    pub by: String,
    pub comment: String,
}

/// `[[dashboard]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardSpec {
    pub uid: String,
    pub title: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub starred: bool,
    #[serde(default)]
    pub folder: Option<String>,
    /// Shown by `[[service]]` in the printed configuration: this service's panels are here.
    #[serde(default)]
    pub service: Option<String>,
    /// Template variables by name. Written `$name` in expressions.
    #[serde(default)]
    pub variables: BTreeMap<String, VariableSpec>,
    #[serde(default)]
    pub panel: Vec<PanelSpec>,
}

/// A template variable: the values it offers, the first of them chosen; or a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum VariableSpec {
    Values(Vec<String>),
    Table(VariableTable),
}

/// A template variable that says more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableTable {
    /// Chosen at first.
    pub value: String,
    /// Asked of Prometheus: `label_values(up{namespace="$namespace"}, service)`.
    pub query: String,
    /// Several may be chosen, and all.
    #[serde(default)]
    pub multi: bool,
}

/// `[[dashboard.panel]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelSpec {
    pub id: u64,
    pub title: String,
    /// `timeseries`, `stat`, `gauge`, `row`, `text`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Grafana unit id.
    #[serde(default)]
    pub unit: Option<String>,
    #[serde(default)]
    pub decimals: Option<u8>,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
    /// `[x, y, w, h]` on the grid of 24 columns.
    pub grid: [u32; 4],
    /// The base colour, then `[value, colour]` steps.
    #[serde(default = "green")]
    pub base_color: String,
    #[serde(default)]
    pub thresholds: Vec<(f64, String)>,
    /// What stands for a number.
    #[serde(default)]
    pub mappings: Vec<MappingSpec>,
    #[serde(default)]
    pub query: Vec<QuerySpec>,
}

/// `mappings = [{ ... }]` of a panel: `text` in `color` for every value of a range.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingSpec {
    pub from: f64,
    pub to: f64,
    pub text: String,
    pub color: String,
}

fn green() -> String {
    "green".to_owned()
}

/// `query = [{ ... }]` of a panel: the expression as shown, and the series that answers it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySpec {
    pub expr: String,
    /// The service measured; `$name` means the variable's value in the expression.
    pub service: String,
    pub metric: Metric,
    /// One series per `version`, or per `pod`, instead of one.
    #[serde(default)]
    pub by: Option<String>,
    #[serde(default)]
    pub legend: Option<String>,
    /// Asked as an instant query.
    #[serde(default)]
    pub instant: bool,
}

/// `[[annotation]]`: a Grafana annotation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationSpec {
    pub at: Span,
    pub text: String,
    #[serde(default)]
    pub tags: Vec<String>,
}

/// `[[event]]`: something that happens at a time, besides what merges and runs do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSpec {
    /// Relative to the start.
    pub at: Span,
    #[serde(rename = "do")]
    pub verb: EventVerb,
    /// The service it happens to.
    pub service: String,
    /// `set_image`: the tag.
    #[serde(default)]
    pub tag: Option<String>,
    /// `set_image`, `scale`, `set_config`: field manager.
    #[serde(default = "kubectl")]
    pub by: String,
    /// `scale`: how many.
    #[serde(default)]
    pub replicas: Option<u32>,
    /// `disturb`: how long, and by what its requests, errors (percent points) and latency change.
    #[serde(default, rename = "for")]
    pub lasts: Span,
    #[serde(default = "unit")]
    pub requests_times: f64,
    #[serde(default)]
    pub errors_plus: f64,
    #[serde(default = "unit")]
    pub latency_times: f64,
    /// `set_config`: a ConfigMap of the service's namespace, the key that is set in it, and to what.
    #[serde(default)]
    pub config: String,
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub value: String,
}

fn kubectl() -> String {
    "kubectl".to_owned()
}
fn unit() -> f64 {
    1.0
}

/// What an event does.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum EventVerb {
    /// Sets the image tag of the service's workload.
    SetImage,
    /// Scales it.
    Scale,
    /// Kills one running container of it for memory (`OOMKilled`, exit 137).
    OomKill,
    /// Changes its traffic for a while.
    Disturb,
    /// Edits a ConfigMap.
    SetConfig,
}
