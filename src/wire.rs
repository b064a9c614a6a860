//! Composition root: a configuration becomes sources, readers, inspectors and operators. The one list of backends.

mod failed;
mod opening;
mod remembered;
mod settings;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    action::{Inspector, Operator},
    config::{
        file::{self, Config},
        token,
    },
    model::{BackendId, BackendKind},
    operator::{
        alertmanager::AlertmanagerOperator, argocd::ArgoCdOperator, github::GitHubOperator, jenkins::JenkinsOperator,
        kubernetes::ClusterOperator,
    },
    secret::Secret,
    source::{
        ErrorKind, Reader, Source, SourceError,
        alertmanager::Alertmanager,
        argocd::ArgoCd,
        github::{
            Client, DeployRule, GitHubInspector, GitHubReader, PullRequestsSource, RunsSource,
            Settings as GitHubSettings,
        },
        http::Transport,
        jenkins::Jenkins,
        kubernetes::{self, Cluster, ExecPolicy, find::Place, through},
        prometheus::Prometheus,
        registry::Registry,
        severity::Severities,
    },
    text::Clean,
    time::Clock,
};

pub use self::opening::Opening;
pub use self::remembered::{Remembered, replace_private};
use self::{failed::Failed, opening::Wanted};

/// Everything that talks to backends, ready to be started.
pub struct Wired {
    pub clock: Arc<dyn Clock>,
    pub config: Config,
    pub kinds: BTreeMap<BackendId, BackendKind>,
    pub clusters: BTreeMap<BackendId, Cluster>,
    pub sources: Vec<Box<dyn Source>>,
    pub readers: Vec<Arc<dyn Reader>>,
    pub inspectors: Vec<Arc<dyn Inspector>>,
    /// Empty in read-only mode: there is nothing that could write.
    pub operators: Vec<Arc<dyn Operator>>,
    pub policy: Arc<ExecPolicy>,
    /// What plans ask about images.
    pub registries: Vec<Arc<Registry>>,
    /// What plans ask about applications.
    pub argocds: Vec<Arc<ArgoCd>>,
    /// What plans ask about jobs.
    pub jenkinses: Vec<Arc<Jenkins>>,
    /// Why a backend may not be written to, where only it is read-only.
    pub read_only_backends: BTreeMap<BackendId, Clean>,
    /// Tokens that were pasted, by their backend's name: they win over where its configuration takes one from.
    pub held: BTreeMap<String, Arc<Secret>>,
    /// Namespaces that somebody chose by hand, by the cluster's address.
    pub chosen: BTreeMap<String, Vec<String>>,
}

impl Wired {
    /// Every backend of the configuration by name; none is open yet.
    pub fn closed(config: Config, remembered: &Remembered, clock: Arc<dyn Clock>) -> Self {
        let policy = Arc::new(ExecPolicy::remembering(remembered.allowed_plugins.iter().cloned()));
        let mut wired = Self::empty(config, policy, clock);
        wired.chosen.clone_from(&remembered.namespaces);
        for one in wired.named() {
            wired.note(&one);
        }
        wired.name_registries();
        wired
    }

    /// A registry is connected to when it is asked, and never else.
    fn name_registries(&mut self) {
        let Config { registry, timeouts, .. } = &self.config;
        let named = registry.iter().map(|one| Arc::new(Registry::new(one.clone(), *timeouts, self.clock.clone())));
        self.registries = named.collect();
    }

    /// Argo CD's server is connected to when a plan asks it, and while an application of it is switched off.
    fn name_argocd(&mut self, config: &file::ArgoCd, is_read_only: bool) {
        let server = Arc::new(ArgoCd::new(config.clone(), self.config.timeouts, self.clock.clone()));
        self.readers.push(server.clone());
        if !is_read_only && !config.read_only {
            self.operators.push(Arc::new(ArgoCdOperator::new(server.clone())));
        }
        self.argocds.push(server);
    }

    /// Jenkins likewise: when a plan asks it, and while a job of it is followed.
    fn name_jenkins(&mut self, config: &file::Jenkins, is_read_only: bool) {
        let server = Arc::new(Jenkins::new(config.clone(), self.config.timeouts, self.clock.clone()));
        if !is_read_only && !config.read_only {
            self.operators.push(Arc::new(JenkinsOperator::new(server.clone())));
        }
        self.jenkinses.push(server);
    }

    fn note(&mut self, one: &Wanted) {
        let (name, is_read_only) = one.about();
        if let Some(kind) = one.kind() {
            self.kinds.insert(BackendId::new(name), kind);
        }
        if is_read_only {
            let why = format!("'{name}' is read-only by configuration");
            self.read_only_backends.insert(BackendId::new(name), Clean::own(why));
        }
    }

    /// Takes over a configuration that grew while the cockpit runs. Returns the work of opening what is new in it.
    pub fn grow(&mut self, config: Config, is_read_only: bool) -> Opening {
        self.config = config;
        let is_known = |id: &BackendId| {
            self.kinds.contains_key(id)
                || self.argocds.iter().any(|one| one.id() == id)
                || self.jenkinses.iter().any(|one| one.id() == id)
        };
        let is_new = |one: &Wanted| !is_known(&BackendId::new(one.about().0));
        let wanted: Vec<Wanted> = self.named().into_iter().filter(is_new).collect();
        for one in &wanted {
            self.note(one);
        }
        self.name_registries();
        let mut known = Self::empty(self.config.clone(), self.policy.clone(), self.clock.clone());
        known.clusters.clone_from(&self.clusters);
        known.held.clone_from(&self.held);
        known.chosen.clone_from(&self.chosen);
        Opening { wanted, known, is_read_only }
    }

    fn empty(config: Config, policy: Arc<ExecPolicy>, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            config,
            kinds: BTreeMap::new(),
            clusters: BTreeMap::new(),
            sources: Vec::new(),
            readers: Vec::new(),
            inspectors: Vec::new(),
            operators: Vec::new(),
            registries: Vec::new(),
            argocds: Vec::new(),
            jenkinses: Vec::new(),
            policy,
            read_only_backends: BTreeMap::new(),
            held: BTreeMap::new(),
            chosen: BTreeMap::new(),
        }
    }

    /// The work of opening what is named here, to be done elsewhere.
    pub fn opening(&self, is_read_only: bool) -> Opening {
        let mut part = Self::empty(self.config.clone(), self.policy.clone(), self.clock.clone());
        part.chosen.clone_from(&self.chosen);
        Opening { wanted: self.named(), known: part, is_read_only }
    }

    /// Opens all that is named here, and waits for it.
    pub async fn open(&mut self, opening: Opening) {
        let mut parts = Vec::new();
        opening.run(|part| parts.push(part)).await;
        for part in parts {
            self.absorb(part);
        }
    }

    /// Takes over what a part has opened.
    pub fn absorb(&mut self, part: Self) {
        self.kinds.extend(part.kinds);
        self.clusters.extend(part.clusters);
        self.sources.extend(part.sources);
        self.readers.extend(part.readers);
        self.inspectors.extend(part.inspectors);
        self.operators.extend(part.operators);
        self.argocds.extend(part.argocds);
        self.jenkinses.extend(part.jenkinses);
        self.read_only_backends.extend(part.read_only_backends);
    }

    fn named(&self) -> Vec<Wanted> {
        let config = &self.config;
        let clusters = config.kubernetes.iter().filter(|cluster| cluster.enabled != Some(false));
        (clusters.cloned().map(Wanted::Kubernetes))
            .chain(config.github.iter().cloned().map(Wanted::GitHub))
            .chain(config.grafana.iter().cloned().map(Wanted::Grafana))
            .chain(config.alertmanager.iter().cloned().map(Wanted::Alertmanager))
            .chain(config.prometheus.iter().cloned().map(Wanted::Prometheus))
            .chain(config.argocd.iter().cloned().map(Wanted::ArgoCd))
            .chain(config.jenkins.iter().cloned().map(Wanted::Jenkins))
            .collect()
    }

    pub(in crate::wire) async fn open_one(&mut self, wanted: &Wanted, is_read_only: bool) {
        let opened = match wanted {
            Wanted::Kubernetes(cluster) => return self.open_cluster(cluster, is_read_only).await,
            Wanted::GitHub(host) => self.open_github(host, is_read_only).await,
            Wanted::Grafana(grafana) => self.open_grafana(grafana).await,
            Wanted::Alertmanager(alertmanager) => self.open_alertmanager(alertmanager, is_read_only).await,
            Wanted::Prometheus(prometheus) => self.open_prometheus(prometheus).await,
            Wanted::ArgoCd(argocd) => {
                self.name_argocd(argocd, is_read_only);
                return;
            }
            Wanted::Jenkins(jenkins) => {
                self.name_jenkins(jenkins, is_read_only);
                return;
            }
        };
        if let Some(kind) = wanted.kind() {
            self.or_failed(wanted.about().0, kind, opened);
        }
    }

    fn or_failed(&mut self, name: &str, kind: BackendKind, opened: Result<(), SourceError>) {
        self.kinds.insert(BackendId::new(name), kind);
        if let Err(error) = opened {
            self.sources.push(Box::new(Failed::new(BackendId::new(name), error)));
        }
    }

    /// Opens one context and adds its sources; also for `:ctx`.
    pub async fn open_cluster(&mut self, wanted: &file::Kubernetes, is_read_only: bool) {
        let id = BackendId::new(&wanted.name);
        self.kinds.insert(id.clone(), BackendKind::Kubernetes);
        let opened = kubernetes::open(wanted, self.config.timeouts, self.clock.clone(), self.policy.clone()).await;
        match opened {
            Ok(cluster) => {
                if let Some(names) = self.chosen.get(&cluster.address_key()) {
                    cluster.recall(names);
                }
                self.sources.extend(kubernetes::sources(&cluster, &kubernetes::first_scope(&cluster)));
                self.readers.push(Arc::new(kubernetes::reader::ClusterReader::new(cluster.clone())));
                self.inspectors.push(Arc::new(kubernetes::inspect::WorkloadInspector::new(cluster.clone())));
                if !is_read_only
                    && !wanted.read_only
                    && let Some(writer) = cluster.writer()
                {
                    let operator = ClusterOperator::new(writer).with_events(self.config.act.event);
                    self.operators.push(Arc::new(operator));
                }
                self.clusters.insert(id, cluster);
            }
            Err(error) => self.sources.push(Box::new(Failed::new(id, error))),
        }
    }

    /// Borrows nothing of `self` while it waits, so that a part can be opened on any thread.
    fn token<'a>(
        &self,
        token: Option<&'a file::Token>,
        name: &'a str,
    ) -> impl Future<Output = Result<Option<Secret>, SourceError>> + use<'a> {
        let within = Duration::from_secs(u64::from(self.config.timeouts.command));
        let held = self.held.get(name).cloned();
        async move {
            if let Some(held) = held {
                return Ok(Some(Secret::new(held.expose())));
            }
            let Some(token) = token else { return Ok(None) };
            let fetched = token::fetch(token, name, within).await;
            fetched.map(Some).map_err(|says| SourceError::new(ErrorKind::Auth, says))
        }
    }

    async fn open_github(&mut self, host: &file::GitHub, is_read_only: bool) -> Result<(), SourceError> {
        let ca = match &host.tls.ca_file {
            None => None,
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                let says = format!("the CA file '{}' of '{}' cannot be read: {error}", path.display(), host.name);
                SourceError::new(ErrorKind::Unreachable, says)
            })?),
        };
        let token = self.token(host.token.as_ref(), &host.name).await?;
        let settings = GitHubSettings::from_file(host, &self.config.timeouts, ca)
            .map_err(|says| SourceError::new(ErrorKind::Unexpected, says.as_str()))?;
        let client = Client::new(settings, token.as_ref(), self.clock.clone())?;
        let deploys: Vec<&str> = host
            .deploy_workflows
            .iter()
            .map(String::as_str)
            .chain(self.config.service.iter().flat_map(|service| service.workflows.iter().map(String::as_str)))
            .collect();
        let deploys = Arc::new(DeployRule::new(deploys));
        let poll = host.poll_seconds.map(|seconds| Duration::from_secs(u64::from(seconds.max(5))));
        self.sources.push(Box::new(PullRequestsSource::new(client.clone(), &host.repositories, poll)));
        if !host.repositories.is_empty() {
            self.sources.push(Box::new(RunsSource::new(client.clone(), &host.repositories, deploys.clone(), poll)));
        }
        self.readers.push(Arc::new(GitHubReader::new(client.clone())));
        self.inspectors.push(Arc::new(GitHubInspector::new(client.clone(), deploys)));
        if !is_read_only && !host.read_only {
            self.operators.push(Arc::new(GitHubOperator::new(client)));
        }
        Ok(())
    }

    /// The transport of `through = "CLUSTER/NAMESPACE/SERVICE:PORT"`.
    fn through(
        &self,
        name: &str,
        through: Option<&str>,
        prefix: &str,
        may_write: bool,
        has_token: bool,
    ) -> Result<Option<Arc<dyn Transport>>, SourceError> {
        let Some(text) = through else { return Ok(None) };
        let wrong = |what: &str| {
            let says = format!("`through` of '{name}', '{text}', {what}: write 'CLUSTER/NAMESPACE/SERVICE:PORT'");
            SourceError::new(ErrorKind::Unexpected, says)
        };
        let (cluster, service) = text.split_once('/').ok_or_else(|| wrong("is no service of a cluster"))?;
        let cluster = self.clusters.get(&BackendId::new(cluster)).ok_or_else(|| {
            wrong(&format!("names the cluster '{cluster}', which is not configured or could not be opened"))
        })?;
        let place = Place::parse(service).ok_or_else(|| wrong("is no service of a cluster"))?;
        through::transport(cluster, &place, prefix, may_write, has_token).map(Some)
    }

    async fn open_grafana(&mut self, config: &file::Grafana) -> Result<(), SourceError> {
        let token = self.token(config.token.as_ref(), &config.name).await?;
        let through =
            self.through(&config.name, config.through.as_deref(), &path_of(&config.url), false, token.is_some())?;
        let grafana = crate::source::grafana::Grafana::new(
            config,
            token,
            Severities::new(&self.config.severity),
            self.config.timeouts,
            self.clock.clone(),
            through,
        )?;
        self.sources.extend(grafana.sources());
        self.readers.push(grafana);
        Ok(())
    }

    async fn open_alertmanager(&mut self, config: &file::Alertmanager, is_read_only: bool) -> Result<(), SourceError> {
        let token = self.token(config.token.as_ref(), &config.name).await?;
        let through = self.through(
            &config.name,
            config.through.as_deref(),
            &path_of(&config.url),
            !is_read_only && !config.read_only,
            token.is_some(),
        )?;
        let severities = Severities::new(&self.config.severity);
        let alertmanager =
            Alertmanager::new(config, token, severities, self.config.timeouts, self.clock.clone(), through)?;
        self.sources.extend(alertmanager.sources());
        self.inspectors.push(alertmanager.clone());
        if !is_read_only && !config.read_only {
            self.operators.push(Arc::new(AlertmanagerOperator::new(alertmanager)));
        }
        Ok(())
    }

    async fn open_prometheus(&mut self, config: &file::Prometheus) -> Result<(), SourceError> {
        let token = self.token(config.token.as_ref(), &config.name).await?;
        let through =
            self.through(&config.name, config.through.as_deref(), &path_of(&config.url), false, token.is_some())?;
        let severities = Severities::new(&self.config.severity);
        let prometheus = Prometheus::new(config, token, severities, self.config.timeouts, self.clock.clone(), through)?;
        self.sources.extend(prometheus.sources());
        Ok(())
    }
}

/// The path of a `url` that is read through a cluster: what the server itself is under.
fn path_of(url: &str) -> String {
    url::Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default()
}
