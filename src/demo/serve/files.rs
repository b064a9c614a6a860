//! The private folder with the files that lead a client to the servers.

use std::{
    collections::BTreeSet,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use toml::{Table, Value, toml};

use super::{DemoError, Endpoint};
use crate::demo::scenario::{DashboardSpec, Kind, Metric, Scenario, ServiceSpec};

/// A folder that only its owner can read (0700, files 0600), removed with all in it when dropped. While it is held, its
/// `lock` is locked: one whose lock is free was left by a process that was killed, and the next start removes it.
pub(super) struct Folder {
    path: PathBuf,
    _lock: fs::File,
}

static MADE: AtomicU32 = AtomicU32::new(0);
const PREFIX: &str = "midwatch-demo-";
const LOCK: &str = "lock";

impl Folder {
    pub(super) fn create(within: Option<&Path>) -> Result<Self, DemoError> {
        let within = within.map_or_else(std::env::temp_dir, Path::to_owned);
        sweep(&within);
        loop {
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let path = within.join(format!("{PREFIX}{}-{number}", std::process::id()));
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            match builder.create(&path) {
                Ok(()) => {
                    let lock = private(&path.join(LOCK)).map_err(|error| DemoError::File(path.join(LOCK), error))?;
                    // Where files cannot be locked, nothing is swept either.
                    drop(lock.try_lock());
                    return Ok(Self { path, _lock: lock });
                }
                // Left by another process that had our number: never reuse a folder we did not make.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(DemoError::File(path, error)),
            }
        }
    }

    /// Writes a new file.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, DemoError> {
        let path = self.path.join(name);
        let written = private(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map(|()| path.clone()).map_err(|error| DemoError::File(path, error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing more can be done about it at the end.
        drop(fs::remove_dir_all(&self.path));
    }
}

/// A new file that only its owner can read.
fn private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes what killed demos left. What is not ours, still held, or of another kind stays.
fn sweep(within: &Path) {
    for entry in fs::read_dir(within).into_iter().flatten().flatten() {
        let is_one = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Not through a link: that would lead elsewhere.
        if !is_one || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let lock = fs::OpenOptions::new().write(true).open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            // Somebody else may be doing the same.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// A kubeconfig with one context for each cluster, the first one current, and one for each of the others who may less. It is JSON, which YAML readers read.
pub(super) fn kubeconfig(
    scenario: &Scenario,
    clusters: &[(String, Endpoint, bool)],
    guests: &[(String, String, Endpoint)],
) -> String {
    use std::fmt::Write as _;
    let namespace = |name: &str| {
        let spec = scenario.cluster.iter().find(|cluster| cluster.name == name);
        spec.and_then(|cluster| cluster.namespaces.first()).map_or("default", String::as_str)
    };
    // Context, cluster, user and where.
    let own = clusters.iter().map(|(name, at, _)| (name.clone(), name, &scenario.viewer, at));
    let others = guests.iter().map(|(name, user, at)| (format!("{name}-{user}"), name, user, at));
    let (mut servers, mut users, mut contexts) = (String::new(), String::new(), String::new());
    for (context, name, user, at) in own.chain(others) {
        let written = write!(servers, "- name: {context}\n  cluster:\n    server: {}/as/{}\n", at.url, at.token)
            .and_then(|()| write!(users, "- name: {user}@{name}\n  user:\n    token: {}\n", at.token))
            .and_then(|()| {
                let namespace = namespace(name);
                write!(
                    contexts,
                    "- name: {context}\n  context:\n    cluster: {context}\n    user: {user}@{name}\n    namespace: {namespace}\n"
                )
            });
        written.expect("a String takes every text");
    }
    let current = clusters.first().map_or("", |(name, ..)| name);
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {current}\npreferences: {{}}\nclusters:\n{servers}users:\n{users}contexts:\n{contexts}"
    )
}

/// The files that the configuration names.
pub(super) struct Paths<'a> {
    pub kubeconfig: &'a Path,
    pub github_token: &'a Path,
    pub grafana_token: &'a Path,
    pub registry_token: &'a Path,
    pub argocd_token: &'a Path,
    pub jenkins_token: &'a Path,
}

fn text(path: &Path) -> Value {
    Value::String(path.to_string_lossy().into_owned())
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::Array(values.collect())
}

/// The cockpit's configuration for this world.
pub(super) fn config(
    scenario: &Scenario,
    paths: &Paths<'_>,
    [github, grafana, alertmanager, prometheus, registry, argocd, jenkins]: [&str; 7],
) -> String {
    let mut root = Table::new();
    root.insert("me".into(), scenario.viewer.clone().into());
    let kubernetes = scenario.cluster.iter().map(|cluster| {
        let mut table = Table::new();
        table.insert("name".into(), cluster.name.clone().into());
        table.insert("kubeconfig".into(), text(paths.kubeconfig));
        table.insert("context".into(), cluster.name.clone().into());
        table.insert("namespaces".into(), Value::Array(Vec::new()));
        table.insert("production".into(), cluster.production.into());
        Value::Table(table)
    });
    root.insert("kubernetes".into(), list(kubernetes));
    let mut host = toml! { name = "github" };
    host.insert("url".into(), github.into());
    host.insert("graphql".into(), format!("{github}/graphql").into());
    host.insert("token".into(), Table::from_iter([("file".to_owned(), text(paths.github_token))]).into());
    let repositories = list(scenario.repository.iter().map(|r| r.name.clone().into()));
    host.insert("repositories".into(), repositories);
    root.insert("github".into(), Value::Array(vec![host.into()]));
    let mut charts = toml! { name = "grafana" };
    charts.insert("url".into(), grafana.into());
    charts.insert("token".into(), Table::from_iter([("file".to_owned(), text(paths.grafana_token))]).into());
    charts.insert("dashboards".into(), list(scenario.dashboard.iter().map(|d| d.uid.clone().into())));
    root.insert("grafana".into(), Value::Array(vec![charts.into()]));
    let mut alerts = toml! { name = "alertmanager" };
    alerts.insert("url".into(), alertmanager.into());
    root.insert("alertmanager".into(), Value::Array(vec![alerts.into()]));
    let mut rules = toml! { name = "prometheus" };
    rules.insert("url".into(), prometheus.into());
    root.insert("prometheus".into(), Value::Array(vec![rules.into()]));
    // One server stands for all hosts that the world's images name.
    let hosts: BTreeSet<&str> =
        scenario.service.iter().filter_map(|s| s.image.split_once('/')).map(|(host, _)| host).collect();
    let registries = hosts.into_iter().filter(|host| host.contains(['.', ':'])).map(|host| {
        let mut table = Table::new();
        table.insert("host".into(), host.into());
        table.insert("url".into(), registry.into());
        table.insert("user".into(), scenario.viewer.clone().into());
        table.insert("token".into(), Table::from_iter([("file".to_owned(), text(paths.registry_token))]).into());
        Value::Table(table)
    });
    root.insert("registry".into(), list(registries));
    let mut applications = toml! { name = "argocd" };
    applications.insert("url".into(), argocd.into());
    applications.insert("token".into(), Table::from_iter([("file".to_owned(), text(paths.argocd_token))]).into());
    root.insert("argocd".into(), Value::Array(vec![applications.into()]));
    let mut jobs = toml! { name = "jenkins" };
    jobs.insert("url".into(), jenkins.into());
    jobs.insert("user".into(), scenario.viewer.clone().into());
    jobs.insert("token".into(), Table::from_iter([("file".to_owned(), text(paths.jenkins_token))]).into());
    root.insert("jenkins".into(), Value::Array(vec![jobs.into()]));
    root.insert("service".into(), list(scenario.service.iter().filter_map(|s| service(scenario, s))));
    toml::to_string(&root).expect("a table of texts and lists is always TOML")
}

fn workload(service: &ServiceSpec) -> String {
    let kind = match service.kind {
        Kind::Deployment => "deployment",
        Kind::StatefulSet => "statefulset",
        Kind::DaemonSet => "daemonset",
    };
    format!("{}/{}/{kind}/{}", service.cluster, service.namespace, service.name)
}

/// The story's hints, each with its service as `CLUSTER/NAMESPACE/KIND/NAME`.
pub(super) fn hints(scenario: &Scenario) -> serde_json::Value {
    let hints = scenario.hint.iter().filter_map(|hint| {
        let workload = workload(scenario.service(&hint.service)?);
        Some(serde_json::json!({"when": hint.when, "alert": hint.alert, "workload": workload, "text": hint.text}))
    });
    hints.collect()
}

/// `[[service]]` for one that has panels (error rate first, then latency, requests, the rest) or names who rolls it back.
fn service(scenario: &Scenario, service: &ServiceSpec) -> Option<Value> {
    let found = |path: &str| scenario.service(path).is_some_and(|s| std::ptr::eq(s, service));
    let mut panels: Vec<(Metric, String)> = Vec::new();
    let own = |d: &&DashboardSpec| d.service.as_deref().is_some_and(found);
    let (owned, others): (Vec<_>, Vec<_>) = scenario.dashboard.iter().partition(own);
    // Its own dashboard, or else single panels on others that show nothing but it.
    let has_own = !owned.is_empty();
    for dashboard in if has_own { owned } else { others } {
        for panel in &dashboard.panel {
            let [query] = &panel.query[..] else { continue };
            if query.by.is_none() && (has_own || found(&query.service)) {
                panels.push((query.metric, format!("grafana/{}/{}", dashboard.uid, panel.id)));
            }
        }
    }
    let golden = panels.iter().any(|(metric, _)| matches!(metric, Metric::ErrorPercent | Metric::Connections));
    if !golden && service.rollback.is_empty() {
        return None;
    }
    if !golden {
        panels.clear();
    }
    let order = [Metric::ErrorPercent, Metric::P95Ms, Metric::Requests];
    panels.sort_by_key(|(metric, _)| order.iter().position(|m| m == metric).unwrap_or(order.len()));
    let mut table = Table::new();
    let is_namesake = scenario.service(&service.name).is_some_and(|first| !std::ptr::eq(first, service));
    let name = if is_namesake { format!("{}-{}", service.name, service.namespace) } else { service.name.clone() };
    table.insert("name".into(), name.into());
    table.insert("workload".into(), workload(service).into());
    let repository = scenario.repository.iter().find(|r| r.name.ends_with(&format!("/{}", service.name)));
    if let Some(repository) = repository.filter(|_| !is_namesake) {
        table.insert("repository".into(), repository.name.clone().into());
    }
    table.insert("panels".into(), list(panels.into_iter().map(|(_, panel)| panel.into())));
    if !service.rollback.is_empty() {
        table.insert("rollback".into(), list(service.rollback.iter().map(|executor| executor.clone().into())));
    }
    Some(table.into())
}
