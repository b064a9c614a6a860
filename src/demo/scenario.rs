//! Scenario files: the TOML in which anyone can write a company, its services and what happens to them.
//!
//! Every time in a scenario is relative to the *start*: the moment the servers open. `-17m` is seventeen minutes before
//! it (played while the world makes its history), `3m` three minutes after it. An age is a positive length: `26h`.
//! Unknown keys are errors that name the line. `assets/demo/default.toml` is the story that `midwatch demo` plays and
//! the commented example of the format.

pub mod code;
pub mod fleet;
mod hint;
pub mod objects;
pub mod signals;
mod span;
mod verify;

use std::{fmt, path::Path};

use serde::Deserialize;

pub use code::{
    CheckSpec, CommentSpec, CommitSpec, FileSpec, JenkinsJobSpec, JobSpec, PullRequestSpec, RepositorySpec, ReviewSpec,
    RunSpec, StepSpec, UserSpec, WorkflowSpec,
};
pub use fleet::{
    ClusterSpec, CrashSpec, DependencySpec, DeployedSpec, Kind, LogSpec, LogStyle, LogWhen, ServiceSpec, VersionSpec,
};
pub use hint::{HintSpec, HintWhen};
pub use objects::ObjectSpec;
pub use signals::{
    AlertSpec, AnnotationSpec, DashboardSpec, EventSpec, EventVerb, Metric, PanelSpec, QuerySpec, ReceiverSpec,
    SilenceSpec, VariableSpec, VariableTable,
};
pub use span::Span;

/// A whole scenario file. Tables are written in the singular: `[[service]]`, `[[alert]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Short name, as `--scenario` takes it.
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub title: String,
    /// The seed unless `--seed` gives another.
    #[serde(default)]
    pub seed: u64,
    /// Login of the one who looks: "me" on the code host, in silences and in the printed configuration.
    pub viewer: String,
    /// How much history is played before the start.
    #[serde(default = "hour")]
    pub history: Span,
    #[serde(default)]
    pub cluster: Vec<ClusterSpec>,
    #[serde(default)]
    pub service: Vec<ServiceSpec>,
    #[serde(default)]
    pub object: Vec<ObjectSpec>,
    #[serde(default)]
    pub dependency: Vec<DependencySpec>,
    #[serde(default)]
    pub user: Vec<UserSpec>,
    #[serde(default)]
    pub repository: Vec<RepositorySpec>,
    #[serde(default)]
    pub pull_request: Vec<PullRequestSpec>,
    #[serde(default)]
    pub workflow: Vec<WorkflowSpec>,
    #[serde(default)]
    pub run: Vec<RunSpec>,
    #[serde(default)]
    pub jenkins_job: Vec<JenkinsJobSpec>,
    #[serde(default)]
    pub alert: Vec<AlertSpec>,
    #[serde(default)]
    pub receiver: Vec<ReceiverSpec>,
    #[serde(default)]
    pub dashboard: Vec<DashboardSpec>,
    #[serde(default)]
    pub annotation: Vec<AnnotationSpec>,
    #[serde(default)]
    pub silence: Vec<SilenceSpec>,
    #[serde(default)]
    pub event: Vec<EventSpec>,
    #[serde(default)]
    pub hint: Vec<HintSpec>,
}

fn hour() -> Span {
    Span::seconds(3600.0)
}

/// The scenarios that are built in, by name.
pub const BUILT_IN: &[(&str, &str)] = &[("default", include_str!("../../assets/demo/default.toml"))];

/// Why a scenario cannot be played. Its text names the file, the line and the key.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioError {
    /// File name, or `built-in NAME`.
    pub origin: String,
    /// Line in it, from 1; `None` if the trouble has no place.
    pub line: Option<usize>,
    pub message: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "scenario '{}', line {line}: {}", self.origin, self.message),
            None => write!(f, "scenario '{}': {}", self.origin, self.message),
        }
    }
}

impl std::error::Error for ScenarioError {}

impl Scenario {
    /// The scenario of that built-in name, or in that file.
    pub fn load(name_or_file: &str) -> Result<Self, ScenarioError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_file) {
            return Self::parse(&format!("built-in {name}"), text);
        }
        let text = std::fs::read_to_string(Path::new(name_or_file)).map_err(|error| {
            let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| format!("'{name}'")).collect();
            ScenarioError {
                origin: name_or_file.to_owned(),
                line: None,
                message: format!("cannot be read ({error}); built in are {}", names.join(", ")),
            }
        })?;
        Self::parse(name_or_file, &text)
    }

    /// Reads a scenario from its text. `origin` is named in errors.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text).map_err(|error| ScenarioError {
            origin: origin.to_owned(),
            line: error.span().map(|span| line_at(text, span.start)),
            message: plain(error.message()),
        })?;
        verify::verify(&scenario).map_err(|fault| ScenarioError {
            origin: origin.to_owned(),
            line: line_of_table(text, fault.table, fault.index),
            message: fault.message,
        })?;
        Ok(scenario)
    }

    /// The service that a `cluster/namespace/name` path, or a bare name that only one service has, means.
    pub fn service(&self, path: &str) -> Option<&ServiceSpec> {
        let mut found = self.service.iter().filter(|service| service.answers_to(path));
        let first = found.next()?;
        if path.contains('/') || found.next().is_none() { Some(first) } else { self.production(path) }
    }

    fn production(&self, name: &str) -> Option<&ServiceSpec> {
        self.service.iter().find(|service| {
            service.name == name && self.cluster.iter().any(|c| c.name == service.cluster && c.production)
        })
    }

    /// The service that owns this workload.
    pub fn workload(&self, cluster: &str, namespace: &str, name: &str) -> Option<&ServiceSpec> {
        self.service.iter().find(|s| s.name == name && s.namespace == namespace && s.cluster == cluster)
    }

    /// Adds calm services in namespaces `load-0`, `load-1`, ... until the fleet has `pods` pods; `false` if it has more.
    pub fn scale_to(&mut self, pods: usize) -> bool {
        let mut have: usize = self.service.iter().map(|service| self.pods_of(service)).sum();
        if have > pods {
            return false;
        }
        let Some(cluster) = self.cluster.iter_mut().find(|cluster| cluster.production) else { return false };
        let (mut number, name) = (0, cluster.name.clone());
        let mut extra = Vec::new();
        while have < pods {
            let replicas = (pods - have).min(25);
            let namespace = format!("load-{}", number / 20);
            if !cluster.namespaces.contains(&namespace) {
                cluster.namespaces.push(namespace.clone());
            }
            extra.push(ServiceSpec::calm(&format!("fill-{number:03}"), &name, &namespace, replicas as u32));
            have += replicas;
            number += 1;
        }
        cluster.nodes = cluster.nodes.max((pods as u32).div_ceil(100));
        self.service.extend(extra);
        true
    }

    /// How many pods a service asks for: a DaemonSet has one on each node.
    pub fn pods_of(&self, service: &ServiceSpec) -> usize {
        match service.kind {
            Kind::DaemonSet => self.cluster.iter().find(|c| c.name == service.cluster).map_or(0, |c| c.nodes as usize),
            Kind::Deployment | Kind::StatefulSet => service.replicas as usize,
        }
    }
}

/// serde's words, with our quotes.
fn plain(message: &str) -> String {
    message.replace('`', "'")
}

/// The line, from 1, that a byte of the text is on.
fn line_at(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count() + 1
}

/// The line of the `index`-th `[[table]]` header.
fn line_of_table(text: &str, table: &str, index: usize) -> Option<usize> {
    let header = format!("[[{table}]]");
    let mut lines = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with(&header));
    lines.nth(index).map(|(number, _)| number + 1)
}

#[cfg(test)]
mod tests;
