//! What runs: clusters, services, how each version of a service behaves, and who calls whom.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Span;

/// `[[cluster]]`: one Kubernetes cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    pub name: String,
    #[serde(default)]
    pub production: bool,
    /// Number of nodes, called `node-1`, `node-2`, ...
    #[serde(default = "six")]
    pub nodes: u32,
    /// Namespaces; `default` and `kube-system` are always there as well. The kubeconfig's context has the first.
    pub namespaces: Vec<String>,
    /// What `/version` says.
    #[serde(default = "version")]
    pub version: String,
    /// Nodes that report MemoryPressure.
    #[serde(default)]
    pub pressed: Vec<String>,
}

fn six() -> u32 {
    6
}

fn version() -> String {
    "v1.33.5".to_owned()
}

/// The kind of a service's workload.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }
}

/// `[[service]]`: a workload, its Kubernetes Service, and how its versions behave.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    pub name: String,
    pub cluster: String,
    pub namespace: String,
    #[serde(default)]
    pub kind: Kind,
    #[serde(default = "one")]
    pub replicas: u32,
    /// Image without its tag; a version's tag is appended.
    pub image: String,
    /// Name of the container; the service's name if left out.
    #[serde(default)]
    pub container: Option<String>,
    #[serde(default = "port")]
    pub port: u16,
    /// Field manager of the first apply: `kubectl-client-side-apply`, `helm`, `argocd-controller`...
    #[serde(default = "manager")]
    pub manager: String,
    /// Labels of the workload besides `app`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Environment of the container, before a version's own.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// ConfigMaps that the container takes its environment from.
    #[serde(default)]
    pub config: Vec<String>,
    #[serde(default = "cpu_request")]
    pub cpu_request: String,
    #[serde(default)]
    pub cpu_limit: Option<String>,
    #[serde(default = "memory_request")]
    pub memory_request: String,
    #[serde(default = "memory_limit")]
    pub memory_limit: String,
    #[serde(default = "quarter")]
    pub max_surge: String,
    #[serde(default = "quarter")]
    pub max_unavailable: String,
    #[serde(default = "ten_minutes")]
    pub progress_deadline: Span,
    /// Revision number of the last entry of `deployed`.
    #[serde(default = "one")]
    pub revision: u32,
    /// What was deployed before the history begins, oldest first; the last one runs. Empty: the first version, 45 days ago.
    #[serde(default)]
    pub deployed: Vec<DeployedSpec>,
    /// Requests per second to the whole service; 0: it serves none, and no request series are recorded.
    #[serde(default)]
    pub requests: f64,
    /// Most connections it accepts from the services that depend on it; its series `connections` is recorded if set.
    #[serde(default)]
    pub max_connections: Option<u32>,
    /// While its connections stand at their ceiling its memory grows this fast; at the limit it is `OOMKilled`.
    #[serde(default)]
    pub strain_mib_per_minute: f64,
    /// How its ordinary lines look.
    #[serde(default)]
    pub log_style: LogStyle,
    /// Who rolls it back, for the cockpit's `[[service]]`: `job:NAME?TAG={tag}`.
    #[serde(default)]
    pub rollback: Vec<String>,
    #[serde(default)]
    pub version: Vec<VersionSpec>,
}

fn one() -> u32 {
    1
}
fn port() -> u16 {
    8080
}
fn manager() -> String {
    "kubectl-client-side-apply".to_owned()
}
fn cpu_request() -> String {
    "100m".to_owned()
}
fn memory_request() -> String {
    "128Mi".to_owned()
}
fn memory_limit() -> String {
    "512Mi".to_owned()
}
fn quarter() -> String {
    "25%".to_owned()
}
fn ten_minutes() -> Span {
    Span::seconds(600.0)
}

impl ServiceSpec {
    /// True for its name, `cluster/name`, and `cluster/namespace/name`.
    pub fn answers_to(&self, path: &str) -> bool {
        let parts: Vec<_> = path.split('/').collect();
        match parts[..] {
            [name] => self.name == name,
            [cluster, name] => self.cluster == cluster && self.name == name,
            [cluster, namespace, name] => self.cluster == cluster && self.namespace == namespace && self.name == name,
            _ => false,
        }
    }

    pub fn container(&self) -> &str {
        self.container.as_deref().unwrap_or(&self.name)
    }

    /// The image with this tag.
    pub fn image_of(&self, tag: &str) -> String {
        format!("{}:{tag}", self.image)
    }

    /// What the scenario says of an image of this service; `None` for an image it does not know.
    pub fn version_of_image(&self, image: &str) -> Option<&VersionSpec> {
        let image = image.split('@').next().unwrap_or(image);
        let tag = image.strip_prefix(&self.image)?.strip_prefix(':')?;
        self.version.iter().find(|version| version.tag == tag)
    }

    /// What was deployed, oldest first; never empty for a service that passed the checks.
    pub fn deployments(&self) -> Vec<DeployedSpec> {
        if !self.deployed.is_empty() {
            return self.deployed.clone();
        }
        let first = self.version.first().map(|version| version.tag.clone()).unwrap_or_default();
        vec![DeployedSpec { version: first, age: Span::seconds(45.0 * 86_400.0), cause: None }]
    }

    /// A calm service to fill a fleet with.
    pub(super) fn calm(name: &str, cluster: &str, namespace: &str, replicas: u32) -> Self {
        Self {
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            namespace: namespace.to_owned(),
            kind: Kind::Deployment,
            replicas,
            image: format!("registry.acme.example/{name}"),
            container: None,
            port: port(),
            manager: manager(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            env: BTreeMap::new(),
            config: Vec::new(),
            cpu_request: cpu_request(),
            cpu_limit: None,
            memory_request: memory_request(),
            memory_limit: memory_limit(),
            max_surge: quarter(),
            max_unavailable: quarter(),
            progress_deadline: ten_minutes(),
            revision: 1,
            deployed: Vec::new(),
            requests: 0.0,
            max_connections: None,
            strain_mib_per_minute: 0.0,
            log_style: LogStyle::Logfmt,
            rollback: Vec::new(),
            version: vec![VersionSpec { tag: "1".to_owned(), ..VersionSpec::default() }],
        }
    }
}

/// One earlier deploy of a service.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct DeployedSpec {
    /// Tag of a `[[service.version]]`.
    pub version: String,
    /// How long before the start its pods began.
    pub age: Span,
    /// `kubernetes.io/change-cause`, if it was written.
    #[serde(default)]
    pub cause: Option<String>,
}

/// How ordinary lines of a service look.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogStyle {
    #[default]
    Logfmt,
    Json,
    /// `2026-11-21 03:04:12.113 UTC [71] LOG:  checkpoint starting: time`
    Postgres,
    /// Combined access log of a web server.
    Access,
    /// Level in ANSI colours, then text.
    Colour,
}

/// `[[service.version]]`: what pods of one image tag do. The template's own changes (`env`, `memory_limit`) belong to
/// the deploy of this version: whoever sets the tag (a workflow's deploy job, a `set_image` event) sets them too.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VersionSpec {
    pub tag: String,
    /// Start of the container to passing its readiness probe.
    pub ready_after: Span,
    /// How some containers end by themselves.
    pub crash: Option<CrashSpec>,
    /// Percent of requests answered with 5xx by a ready pod.
    pub error_percent: f64,
    /// Errors begin this long after a pod became ready, and grow to `error_percent` over `error_ramp`.
    pub error_after: Span,
    pub error_ramp: Span,
    /// 95th percentile of a ready pod, in ms; errors' growth moves it the same way from the calm 0.1 of it.
    pub latency_ms: f64,
    /// Working set in MiB.
    pub memory_mib: f64,
    /// Growth of the working set in MiB per hour of life.
    pub leak_mib_per_hour: f64,
    pub cpu_millis: f64,
    /// Connections one pod holds to each service it depends on.
    pub connections: f64,
    /// Environment that this version's template has besides the service's.
    pub env: BTreeMap<String, String>,
    /// This version's template's limit, if it is not the service's.
    pub memory_limit: Option<String>,
    /// Extra log lines.
    pub log: Vec<LogSpec>,
}

impl Default for VersionSpec {
    fn default() -> Self {
        Self {
            tag: String::new(),
            ready_after: Span::seconds(8.0),
            crash: None,
            error_percent: 0.02,
            error_after: Span::default(),
            error_ramp: Span::default(),
            latency_ms: 90.0,
            memory_mib: 180.0,
            leak_mib_per_hour: 0.0,
            cpu_millis: 80.0,
            connections: 3.0,
            env: BTreeMap::new(),
            memory_limit: None,
            log: Vec::new(),
        }
    }
}

/// `crash = { ... }` of a version.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CrashSpec {
    /// Which part of the pods crash, 0 to 1, spread evenly in the order of their starts; such a pod never gets ready.
    #[serde(default = "all")]
    pub share: f64,
    /// Container start to its end.
    pub after: Span,
    #[serde(default = "failure")]
    pub exit_code: i32,
    #[serde(default = "error")]
    pub reason: String,
    /// Its last line.
    #[serde(default)]
    pub log: String,
    /// Lines before, each this many seconds after the start.
    #[serde(default)]
    pub lead: Vec<LeadSpec>,
}

/// A line between a container's start and its crash.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct LeadSpec {
    pub after: Span,
    pub line: String,
}

fn all() -> f64 {
    1.0
}
fn failure() -> i32 {
    1
}
fn error() -> String {
    "Error".to_owned()
}

/// `log = [{ ... }]` of a version: a line that comes again and again.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct LogSpec {
    /// `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL`, or what the program says (`LOG`).
    #[serde(default = "info")]
    pub level: String,
    /// `{n}` becomes a number, `{id}` a request id, `{user}` a user number.
    pub text: String,
    /// Lines that follow as part of it (a stack trace).
    #[serde(default)]
    pub more: Vec<String>,
    /// Mean time between two.
    pub every: Span,
    #[serde(default)]
    pub when: LogWhen,
}

fn info() -> String {
    "INFO".to_owned()
}

/// When a repeated line is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogWhen {
    /// While the container runs and is ready.
    #[default]
    Ready,
    /// While it answers requests with errors.
    Failing,
    /// While a service it depends on has no connection left.
    Starved,
}

/// `[[dependency]]`: pods of `from` hold connections to `to`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DependencySpec {
    /// Service, as `name` or `cluster/namespace/name`.
    pub from: String,
    pub to: String,
}
