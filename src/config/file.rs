//! The shapes of `config.toml` (serde). Unknown keys are errors.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use toml::Spanned;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who I am, for "needs me" and the audit; else the GitHub login, else user@host.
    pub me: Option<String>,
    pub team: Vec<String>,
    /// No backend is ever written to.
    pub read_only: bool,
    pub ui: Ui,
    pub timeouts: Timeouts,
    pub act: Act,
    /// Severity label value to P1..P4.
    pub severity: BTreeMap<String, String>,
    /// `default` or `k9s`, and single commands by name: `keys.rollback = ["R"]`; an empty list unbinds.
    pub keys: Keys,
    pub kubernetes: Vec<Kubernetes>,
    pub github: Vec<GitHub>,
    pub grafana: Vec<Grafana>,
    pub alertmanager: Vec<Alertmanager>,
    pub prometheus: Vec<Prometheus>,
    pub registry: Vec<Registry>,
    pub argocd: Vec<ArgoCd>,
    pub jenkins: Vec<Jenkins>,
    pub service: Vec<Service>,
    pub command: Vec<Command>,
    pub link: Vec<Link>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ui {
    /// `auto`, `dark`, `light`, `colourblind`, `none`.
    pub theme: String,
    pub ascii: bool,
    pub mouse: bool,
    /// On a new page-worthy alert: `bell`, `osc9`, `none`.
    pub notify: String,
    /// Bytes of log lines kept per open log.
    pub log_bytes: usize,
    /// Fields of structured log lines that are shown, in this order; none: those that midwatch takes for the telling ones.
    pub log_fields: Vec<String>,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: "auto".to_owned(),
            ascii: false,
            mouse: true,
            notify: "bell".to_owned(),
            log_bytes: 32 * 1024 * 1024,
            log_fields: Vec::new(),
        }
    }
}

/// What an act does beside what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Act {
    /// An Event on the workload that was changed, for whoever describes it.
    pub event: bool,
}

impl Default for Act {
    fn default() -> Self {
        Self { event: true }
    }
}

/// Seconds. None can be infinite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    pub connect: u32,
    /// Without a byte.
    pub idle: u32,
    /// A whole answer.
    pub answer: u32,
    /// A whole Kubernetes LIST.
    pub list: u32,
    /// A credential command or exec plugin.
    pub command: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: 5, idle: 5, answer: 30, list: 60, command: 30 }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keys {
    pub preset: Option<String>,
    #[serde(flatten)]
    pub commands: BTreeMap<String, Vec<String>>,
}

/// Where a token comes from: exactly one of the three.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Token {
    /// Name of an environment variable.
    Env(String),
    /// A file that only its owner may read (0600).
    File(PathBuf),
    /// A program and its arguments, no shell; its first line of output is the token.
    Command(Vec<String>),
}

/// What every HTTP backend may have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM bundle of a private CA, trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Certificates are not verified. Shown in words on every screen.
    pub insecure: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kubernetes {
    pub name: String,
    /// Else `KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// Else the current context.
    pub context: Option<String>,
    /// Empty: all namespaces if they may be listed, else the context's own.
    pub namespaces: Vec<String>,
    /// Unset: by name, else asked once per cluster id; unanswered counts as production.
    pub production: Option<bool>,
    pub read_only: bool,
    /// Exec plugins that may run without asking: `command` as the kubeconfig names it.
    pub allow_exec: Vec<String>,
    pub enabled: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GitHub {
    pub name: String,
    /// REST base: `https://api.github.com`, `https://HOST/api/v3`.
    pub url: String,
    /// Else derived from `url`.
    pub graphql: Option<String>,
    pub token: Option<Token>,
    /// `owner/name`
    pub repositories: Vec<String>,
    pub poll_seconds: Option<u32>,
    /// Workflow files or names that deploy, over what their names tell.
    pub deploy_workflows: Vec<String>,
    pub read_only: bool,
    pub tls: Tls,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grafana {
    pub name: String,
    /// With its sub-path, if it has one.
    pub url: String,
    pub token: Option<Token>,
    pub org_id: Option<u64>,
    /// Uids. Empty: the starred ones.
    pub dashboards: Vec<String>,
    pub poll_seconds: Option<u32>,
    /// Take Grafana-managed alerts too: unset where they can be read, `true` else a failure, `false` never.
    pub alerts: Option<bool>,
    /// Read through this cluster instead, `CLUSTER/NAMESPACE/SERVICE:PORT`: by its API server's proxy, or with a `token`
    /// by a port-forward.
    pub through: Option<String>,
    pub read_only: bool,
    pub tls: Tls,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alertmanager {
    pub name: String,
    /// With its path prefix, without `/api/v2`.
    pub url: String,
    pub token: Option<Token>,
    pub user: Option<String>,
    /// Mimir and Cortex: `X-Scope-OrgID`.
    pub tenant: Option<String>,
    pub poll_seconds: Option<u32>,
    pub through: Option<String>,
    pub read_only: bool,
    pub tls: Tls,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prometheus {
    pub name: String,
    /// With its path prefix (Mimir: `/prometheus`), without `/api/v1`.
    pub url: String,
    pub token: Option<Token>,
    pub user: Option<String>,
    /// Mimir and Cortex: `X-Scope-OrgID`.
    pub tenant: Option<String>,
    pub poll_seconds: Option<u32>,
    pub through: Option<String>,
    pub tls: Tls,
}

/// A container registry, asked by plans whether an image is still there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    /// As images name it: `ghcr.io`, `registry.example.com:5000`, `docker.io`.
    pub host: String,
    /// Else `https://HOST`.
    pub url: Option<String>,
    /// Where `user` is set its password, else a bearer token that the registry itself takes.
    pub token: Option<Token>,
    pub user: Option<String>,
    pub tls: Tls,
}

/// Argo CD's own server, asked by plans about the applications of workloads, and told to switch and sync them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArgoCd {
    pub name: String,
    pub url: String,
    pub token: Option<Token>,
    /// The cluster it runs in, by its name here: its applications call that one `https://kubernetes.default.svc`.
    pub cluster: Option<String>,
    pub read_only: bool,
    pub tls: Tls,
}

/// Jenkins, whose jobs carry out the rollbacks of the services that name them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jenkins {
    pub name: String,
    /// With its path prefix, if it has one.
    pub url: String,
    /// Whose API token it is.
    pub user: Option<String>,
    pub token: Option<Token>,
    pub read_only: bool,
    pub tls: Tls,
}

/// What belongs together, over what is inferred from labels and names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    pub name: String,
    /// `CLUSTER/NAMESPACE/KIND/NAME`
    pub workload: Option<String>,
    /// `owner/name`
    pub repository: Option<String>,
    /// Workflow files that deploy it.
    pub workflows: Vec<String>,
    /// `GRAFANA/DASHBOARD/PANEL`, the most telling first.
    pub panels: Vec<String>,
    /// Who rolls it back, the first that can: `argo`, `flux`, `helm`, `patch`, `workflow:FILE?INPUT={tag}`,
    /// `job:NAME?PARAMETER={tag}`. Empty: what owns it, else a patch.
    pub rollback: Vec<String>,
}

/// A command of your own over the fields of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Command {
    pub name: String,
    /// One line for help and menus; else the line it runs.
    pub help: Option<String>,
    pub key: Option<Spanned<String>>,
    /// Kinds of rows: `pod`, `workload`, `run`, …
    pub on: Vec<Spanned<String>>,
    /// Kinds of Kubernetes objects: plural, short name or kind, `.group` where needed.
    pub kinds: Vec<Spanned<String>>,
    /// A program and its arguments with fields in braces, no shell; with `shell` one script.
    pub run: Vec<Spanned<String>>,
    /// `run` is a script for `sh`; the fields are its variables: `$MIDWATCH_NAME`.
    pub shell: bool,
    /// It may change what runs: blocked in read-only mode.
    pub writes: bool,
    /// Unset: as `writes`. What writes always asks in production.
    pub confirm: Option<bool>,
    /// It gets no terminal, and its output is not shown.
    pub background: bool,
    /// `screen`: it has the terminal; `page`: its output is shown when it has ended.
    pub output: Option<Spanned<String>>,
}

impl Default for Command {
    fn default() -> Self {
        Self {
            name: String::new(),
            help: None,
            key: None,
            on: Vec::new(),
            kinds: Vec::new(),
            run: Vec::new(),
            shell: false,
            writes: true,
            confirm: None,
            background: false,
            output: None,
        }
    }
}

/// An address that follows from a row: from its text by a pattern, else from its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    #[serde(default)]
    pub name: String,
    /// Kinds of rows; empty: all.
    #[serde(default)]
    pub on: Vec<Spanned<String>>,
    /// A regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Spanned<String>>,
    /// With `$1` or `${name}` for the pattern's groups; without a pattern with fields in braces.
    pub url: Spanned<String>,
}
