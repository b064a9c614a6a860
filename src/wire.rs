//! Composition root: a configuration becomes sources, readers, inspectors and operators. The one list of backends.

mod failed;
mod opening;
mod remembered;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    action::{Inspector, Operator},
    app::settings::{Settings, bind_services},
    config::{
        file::{self, Config},
        token,
    },
    model::{BackendId, BackendKind},
    operator::{alertmanager::AlertmanagerOperator, github::GitHubOperator, kubernetes::ClusterOperator},
    secret::Secret,
    source::{
        ErrorKind, Reader, Source, SourceError,
        alertmanager::Alertmanager,
        github::{
            Client, DeployRule, GitHubInspector, GitHubReader, PullRequestsSource, RunsSource,
            Settings as GitHubSettings,
        },
        http::Transport,
        kubernetes::{
            self, Cluster, ExecPolicy,
            find::{Place, ServiceProxy},
        },
        prometheus::Prometheus,
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
    /// Why a backend may not be written to, where only it is read-only.
    pub read_only_backends: BTreeMap<BackendId, Clean>,
}

impl Wired {
    /// Every backend of the configuration by name; none is open yet.
    pub fn closed(config: Config, remembered: &Remembered, clock: Arc<dyn Clock>) -> Self {
        let policy = Arc::new(ExecPolicy::remembering(remembered.allowed_plugins.iter().cloned()));
        let mut wired = Self::empty(config, policy, clock);
        for one in wired.named() {
            let (name, kind, is_read_only) = one.about();
            wired.kinds.insert(BackendId::new(name), kind);
            wired.note_read_only(name, is_read_only);
        }
        wired
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
            policy,
            read_only_backends: BTreeMap::new(),
        }
    }

    /// The work of opening what is named here, to be done elsewhere.
    pub fn opening(&self, is_read_only: bool) -> Opening {
        let part = Self::empty(self.config.clone(), self.policy.clone(), self.clock.clone());
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
            .collect()
    }

    pub(in crate::wire) async fn open_one(&mut self, wanted: &Wanted, is_read_only: bool) {
        let opened = match wanted {
            Wanted::Kubernetes(cluster) => return self.open_cluster(cluster, is_read_only).await,
            Wanted::GitHub(host) => self.open_github(host, is_read_only).await,
            Wanted::Grafana(grafana) => self.open_grafana(grafana).await,
            Wanted::Alertmanager(alertmanager) => self.open_alertmanager(alertmanager, is_read_only).await,
            Wanted::Prometheus(prometheus) => self.open_prometheus(prometheus).await,
        };
        let (name, kind, _) = wanted.about();
        self.or_failed(name, kind, opened);
    }

    /// Opens the Grafanas, Alertmanagers and Prometheus servers of `config` that are not open yet: found inside a cluster.
    pub async fn open_found(&mut self, config: &Config, is_read_only: bool) {
        self.config.clone_from(config);
        let is_new = |kinds: &BTreeMap<BackendId, BackendKind>, name: &str| !kinds.contains_key(&BackendId::new(name));
        for grafana in &config.grafana {
            if is_new(&self.kinds, &grafana.name) {
                let opened = self.open_grafana(grafana).await;
                self.or_failed(&grafana.name, BackendKind::Grafana, opened);
            }
        }
        for one in &config.alertmanager {
            if is_new(&self.kinds, &one.name) {
                let opened = self.open_alertmanager(one, is_read_only).await;
                self.or_failed(&one.name, BackendKind::Alertmanager, opened);
            }
        }
        for one in &config.prometheus {
            if is_new(&self.kinds, &one.name) {
                let opened = self.open_prometheus(one).await;
                self.or_failed(&one.name, BackendKind::Prometheus, opened);
            }
        }
    }

    fn note_read_only(&mut self, name: &str, is_read_only: bool) {
        if is_read_only {
            let why = format!("'{name}' is read-only by configuration");
            self.read_only_backends.insert(BackendId::new(name), Clean::own(why));
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
                self.sources.extend(kubernetes::sources(&cluster, &kubernetes::first_scope(&cluster)));
                self.readers.push(Arc::new(kubernetes::reader::ClusterReader::new(cluster.clone())));
                self.inspectors.push(Arc::new(kubernetes::inspect::WorkloadInspector::new(cluster.clone())));
                if !is_read_only
                    && !wanted.read_only
                    && let Some(writer) = cluster.writer()
                {
                    self.operators.push(Arc::new(ClusterOperator::new(writer)));
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
        async move {
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
        Ok(Some(Arc::new(ServiceProxy::new(cluster, &place, prefix, may_write))))
    }

    async fn open_grafana(&mut self, config: &file::Grafana) -> Result<(), SourceError> {
        let token = self.token(config.token.as_ref(), &config.name).await?;
        let through = self.through(&config.name, config.through.as_deref(), &path_of(&config.url), false)?;
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
        let through = self.through(&config.name, config.through.as_deref(), &path_of(&config.url), false)?;
        let severities = Severities::new(&self.config.severity);
        let prometheus = Prometheus::new(config, token, severities, self.config.timeouts, self.clock.clone(), through)?;
        self.sources.extend(prometheus.sources());
        Ok(())
    }

    /// The settings that follow from the configuration and what was opened.
    pub fn settings(&self, remembered: &Remembered) -> Settings {
        let config = &self.config;
        let mut settings = Settings {
            version: env!("CARGO_PKG_VERSION"),
            me: Clean::line(config.me.as_deref().unwrap_or("")),
            backends: self.kinds.clone(),
            read_only_backends: self.read_only_backends.clone(),
            // Checked when the file was read.
            services: bind_services(&config.service).unwrap_or_default(),
            remembered_production: remembered.production.iter().map(|(id, is)| (Clean::line(id), *is)).collect(),
            ui: config.ui.clone(),
            ..Settings::default()
        };
        for cluster in &config.kubernetes {
            let id = BackendId::new(&cluster.name);
            let names: Vec<Clean> = cluster.namespaces.iter().map(|name| Clean::line(name)).collect();
            settings.namespaces.insert(id.clone(), names);
            if let Some(production) = cluster.production {
                settings.production.insert(id.clone(), production);
            }
            if is_local(&id, "") {
                settings.local.insert(id);
            }
        }
        self.note_clusters(&mut settings);
        let insecure = config.github.iter().map(|b| (&b.name, b.tls.insecure));
        let insecure = insecure.chain(config.grafana.iter().map(|b| (&b.name, b.tls.insecure)));
        let insecure = insecure.chain(config.alertmanager.iter().map(|b| (&b.name, b.tls.insecure)));
        let insecure = insecure.chain(config.prometheus.iter().map(|b| (&b.name, b.tls.insecure)));
        settings.insecure.extend(insecure.filter(|(_, on)| *on).map(|(name, _)| BackendId::new(name)));
        settings
    }

    /// What is known of clusters once they are open: whether they are local, and safe.
    pub fn note_clusters(&self, settings: &mut Settings) {
        for (id, cluster) in &self.clusters {
            if is_local(id, cluster.host()) {
                settings.local.insert(id.clone());
            }
            if cluster.is_insecure() {
                settings.insecure.insert(id.clone());
            }
        }
    }
}

/// The path of a `url` that is read through a cluster: what the server itself is under.
fn path_of(url: &str) -> String {
    url::Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default()
}

/// kind, k3d, minikube, docker-desktop, colima and loopback servers.
fn is_local(id: &BackendId, host: &str) -> bool {
    let by_name = ["kind-", "k3d-", "minikube", "docker-desktop", "colima", "rancher-desktop", "orbstack"];
    by_name.iter().any(|name| id.starts_with(name)) || matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
}
