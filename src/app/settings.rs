//! What the configuration and the command line decided, as the App needs it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    action::executor::Executor,
    config::file::{Jenkins, Service, Ui},
    custom::{OwnCommand, OwnLink},
    model::{
        BackendId, BackendKind, Name,
        alert::Alert,
        kubernetes::{Workload, WorkloadKey},
        metric::PanelKey,
    },
    store::{Backend, Store},
    text::Clean,
};

/// Labels of an alert that name a workload or service, the most telling first.
pub const SUBJECTS: [&str; 6] = ["deployment", "statefulset", "daemonset", "service", "app", "job"];

/// Settings in force. Changed only by commands (`:ns`, theme, `W`).
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub version: &'static str,
    /// Login or name: "needs me", audit actor, silences' author.
    pub me: Clean,
    /// Why nothing may be written, in words; `None`: writing is on.
    pub read_only: Option<Clean>,
    /// Backends that are read-only on their own, and why.
    pub read_only_backends: BTreeMap<BackendId, Clean>,
    pub backends: BTreeMap<BackendId, BackendKind>,
    /// By configuration or answer; what is not here is judged by its name.
    pub production: BTreeMap<BackendId, bool>,
    /// Answers of this run and of earlier ones, by the cluster's own id.
    pub remembered_production: BTreeMap<Clean, bool>,
    /// Of which cluster an answer in `production` is, where the configuration says nothing of the name.
    pub answered: BTreeMap<BackendId, Clean>,
    /// Not to be asked about again in this run.
    pub production_later: BTreeSet<BackendId>,
    /// kind, k3d, minikube, docker-desktop, colima and loopback servers.
    pub local: BTreeSet<BackendId>,
    /// Which cluster each name leads to: several contexts may be of one.
    pub cluster_ids: BTreeMap<BackendId, Clean>,
    /// Namespaces watched per cluster; empty: all.
    pub namespaces: BTreeMap<BackendId, Vec<Name>>,
    pub services: Vec<ServiceBinding>,
    /// The configuration's own commands and links.
    pub commands: Vec<OwnCommand>,
    pub links: Vec<OwnLink>,
    /// How other programs find a cluster: context and kubeconfig.
    pub contexts_of: BTreeMap<BackendId, ContextOf>,
    pub ui: Ui,
    pub is_demo: bool,
    /// The demo world's own hints.
    pub hints: Vec<super::tour::Hint>,
    /// Started without a config file.
    pub is_first_run: bool,
    /// Read-only only until it is asked for: a first run that no flag keeps from writing.
    pub may_enable_writing: bool,
    /// What a first run looked for, whether it is there, and its words: `:found`. Empty: it still looks.
    pub found: Vec<(Clean, bool, Clean)>,
    /// What came of the last paste, until it is open.
    pub pasted: Option<Clean>,
    /// All that is shown while what the cockpit needs is still made.
    pub curtain: Option<Clean>,
    /// Contexts known from the kubeconfig, never contacted unless opened.
    pub contexts: Vec<Clean>,
    pub home: Option<std::path::PathBuf>,
    /// Whom one works as, on a cluster, where the kubeconfig has an `as`.
    pub impersonated: BTreeMap<BackendId, Clean>,
    /// Backends whose certificates are not verified.
    pub insecure: BTreeSet<BackendId>,
    /// Over ssh, addresses are copied instead of opened.
    pub over_ssh: bool,
    /// The shell of the person, for `:sh`.
    pub shell: Option<String>,
    /// Where the audit and the configuration stand, for help.
    pub audit_path: Clean,
    pub config_path: Clean,
    /// Time zone of the person, for the second clock in the header.
    pub time_zone: Option<jiff::tz::TimeZone>,
}

/// A cluster as `kubectl` is told of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContextOf {
    pub context: Clean,
    /// `None`: the usual files.
    pub kubeconfig: Option<std::path::PathBuf>,
}

/// A `[[service]]` with its names resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceBinding {
    pub name: Clean,
    pub workload: Option<WorkloadKey>,
    pub repository: Option<Name>,
    pub workflows: Vec<String>,
    pub panels: Vec<PanelKey>,
    /// Who rolls it back, the first that can.
    pub rollback: Vec<Executor>,
}

impl Settings {
    /// Unknown counts as production, and so does every other name of a cluster that counts as it.
    pub fn is_production(&self, cluster: &BackendId) -> bool {
        let by_itself = |name: &BackendId| match self.production.get(name) {
            Some(known) => *known,
            None => !self.local.contains(name),
        };
        let own = self.cluster_ids.get(cluster);
        // A local address may be a tunnel to anywhere, until the cluster has said which it is.
        let is_it = |id: &Clean| own.map_or(!self.production.contains_key(cluster), |own| own == id);
        by_itself(cluster) || self.cluster_ids.iter().any(|(name, id)| is_it(id) && by_itself(name))
    }

    /// Takes up which clusters have said their id by now, and what was answered about them in earlier runs.
    pub fn recall_production(&mut self, store: &Store) {
        let own_id = |(id, backend): (&BackendId, &Backend)| Some((id.clone(), backend.info.cluster_id.clone()?));
        self.cluster_ids = store.backends.iter().filter_map(own_id).collect();
        self.recall();
    }

    fn recall(&mut self) {
        for (name, cluster_id) in &self.cluster_ids {
            // The name leads to another cluster than it did: of that one nothing was said.
            if self.answered.get(name).is_some_and(|about| about != cluster_id) {
                self.answered.remove(name);
                self.production.remove(name);
            }
            if let Some(known) = self.remembered_production.get(cluster_id)
                && !self.production.contains_key(name)
            {
                self.production.insert(name.clone(), *known);
                self.answered.insert(name.clone(), cluster_id.clone());
            }
        }
    }

    /// Takes up what somebody answered about a cluster, by all of its names.
    pub fn note_production(&mut self, cluster: &BackendId, is_production: bool) {
        let about = self.cluster_ids.get(cluster).cloned();
        for name in self.names_of(cluster) {
            let is_configured = self.production.contains_key(&name) && !self.answered.contains_key(&name);
            if let (Some(about), false) = (&about, is_configured) {
                self.answered.insert(name.clone(), about.clone());
            }
            self.production.insert(name, is_production);
        }
        if let Some(id) = about {
            self.remembered_production.insert(id, is_production);
        }
    }

    /// With the id that a cluster told just now, where it was not known: `None`, where it was.
    pub fn knowing(&self, cluster: &BackendId, id: &Clean) -> Option<Self> {
        if self.cluster_ids.contains_key(cluster) {
            return None;
        }
        let mut known = self.clone();
        known.cluster_ids.insert(cluster.clone(), id.clone());
        known.recall();
        Some(known)
    }

    /// All names of the cluster that this one leads to.
    pub fn names_of(&self, cluster: &BackendId) -> Vec<BackendId> {
        let own = self.cluster_ids.get(cluster);
        let others = self.cluster_ids.iter().filter(|(name, id)| Some(*id) == own && *name != cluster);
        std::iter::once(cluster).chain(others.map(|(name, _)| name)).cloned().collect()
    }

    /// The name of a cluster's context in the kubeconfig, which need not be its name here.
    pub fn context_of<'a>(&'a self, cluster: &'a BackendId) -> &'a Clean {
        self.contexts_of.get(cluster).map_or(&cluster.0, |known| &known.context)
    }

    /// Why this backend may not be written to, if so.
    pub fn read_only_reason(&self, backend: &BackendId) -> Option<&Clean> {
        self.read_only.as_ref().or_else(|| self.read_only_backends.get(backend))
    }

    /// The service that a workload belongs to, by configuration.
    pub fn service_of(&self, workload: &WorkloadKey) -> Option<&ServiceBinding> {
        self.services.iter().find(|service| service.workload.as_ref() == Some(workload))
    }

    /// The service of a name: an alert's `service` label, a repository's name.
    pub fn service_named(&self, name: &str) -> Option<&ServiceBinding> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The workload that a service name means: by configuration (and then no other, also while that one is not listed),
    /// else the only one of that name, production first.
    pub fn workload_named<'a>(&self, name: &str, store: &'a Store) -> Option<&'a Workload> {
        if let Some(key) = self.service_named(name).and_then(|service| service.workload.as_ref()) {
            return self.bound(key, store);
        }
        let found = store.kube.workloads_named(name);
        found.min_by_key(|workload| (!self.is_production(&workload.key.cluster), workload.key.name != name))
    }

    /// A workload as the configuration names it. Its cluster may be open by another of its names: by its own id, or, where
    /// the name in the configuration is not open at all, as the only cluster that has it.
    fn bound<'a>(&self, key: &WorkloadKey, store: &'a Store) -> Option<&'a Workload> {
        let at = |cluster: BackendId| store.kube.workloads.get(&WorkloadKey { cluster, ..key.clone() });
        if let Some(found) = self.names_of(&key.cluster).into_iter().find_map(at) {
            return Some(found);
        }
        if self.is_open(&key.cluster) {
            return None;
        }
        let is_it = |found: &&Workload| {
            let own = &found.key;
            (&own.name, &own.namespace, own.kind) == (&key.name, &key.namespace, key.kind)
        };
        self.of_one_cluster(store.kube.workloads_named(&key.name).filter(is_it))
    }

    /// The first of these, where no other cluster has one too.
    fn of_one_cluster<'a>(&self, mut found: impl Iterator<Item = &'a Workload>) -> Option<&'a Workload> {
        let first = found.next()?;
        let names = self.names_of(&first.key.cluster);
        found.all(|other| names.contains(&other.key.cluster)).then_some(first)
    }

    fn is_open(&self, cluster: &BackendId) -> bool {
        self.backends.get(cluster) == Some(&BackendKind::Kubernetes)
    }

    /// The workload that an alert's labels name: by configuration, by name within its namespace, or through its pod.
    pub fn workload_of_alert<'a>(&self, alert: &Alert, store: &'a Store) -> Option<&'a Workload> {
        let namespace = alert.label("namespace");
        let is_its_cluster = |workload: &&Workload| self.is_in_its_cluster(alert, workload);
        // Its label is no name that is open: which of the open ones is meant, only what they have tells.
        let leads_elsewhere = alert.label("cluster").is_some_and(|label| !self.is_open(&BackendId(label.clone())));
        for name in SUBJECTS.iter().filter_map(|label| alert.label(label)) {
            if self.service_named(name).is_some_and(|service| service.workload.is_some()) {
                return self.workload_named(name, store);
            }
            let within = namespace.and_then(|namespace| {
                let named = store.kube.workloads_named(name).filter(|workload| workload.key.name == *name);
                let mut within = named.filter(is_its_cluster).filter(|found| found.key.namespace == *namespace);
                if leads_elsewhere { self.of_one_cluster(within) } else { within.next() }
            });
            let by_name = || {
                if leads_elsewhere {
                    let mut named: Vec<&Workload> = store.kube.workloads_named(name).collect();
                    // The one of this name is meant before those that only carry it as their app.
                    named.sort_by_key(|workload| workload.key.name != *name);
                    return self.of_one_cluster(named.into_iter());
                }
                self.workload_named(name, store).filter(is_its_cluster)
            };
            if let Some(workload) = within.or_else(by_name) {
                return Some(workload);
            }
        }
        let pod = alert.label("pod")?;
        store.kube.workload_of(store.kube.pod_named(namespace, pod)?)
    }

    /// Whether an alert whose labels have a name of this workload is about it: what is called the same in another cluster or
    /// namespace is another workload.
    pub fn is_about(&self, alert: &Alert, workload: &Workload, store: &Store) -> bool {
        let key = &workload.key;
        if !self.is_in_its_cluster(alert, workload) {
            return false;
        }
        let found = self.workload_of_alert(alert, store).map(|found| &found.key);
        let is_beside = |other: &WorkloadKey| {
            other.namespace == key.namespace && self.names_of(&other.cluster).contains(&key.cluster)
        };
        if found.is_some_and(is_beside) {
            return true;
        }
        let namespace = alert.label("namespace");
        // What measured it may be found first (`job="kube-state-metrics"`): the namespace is of what was measured.
        if namespace.map_or(found.is_some(), |namespace| *namespace != key.namespace) {
            return false;
        }
        let is_called_so = |other: &&Workload| {
            other.key.name == key.name && namespace.is_none_or(|namespace| *namespace == other.key.namespace)
        };
        let says_cluster = alert.label("cluster").is_some_and(|label| self.is_open(&BackendId(label.clone())));
        says_cluster || self.of_one_cluster(store.kube.workloads_named(&key.name).filter(is_called_so)).is_some()
    }

    /// Label `cluster`, where it names a cluster that is open, leaves no choice but by which of its names: the same name
    /// elsewhere is another workload.
    fn is_in_its_cluster(&self, alert: &Alert, workload: &Workload) -> bool {
        let Some(label) = alert.label("cluster").map(|label| BackendId(label.clone())) else { return true };
        !self.is_open(&label) || self.names_of(&label).contains(&workload.key.cluster)
    }
}

/// Parses `[[service]]` tables; errors say which table and key. `jenkins`: where their jobs may be.
pub fn bind_services(services: &[Service], jenkins: &[Jenkins]) -> Result<Vec<ServiceBinding>, Vec<String>> {
    let servers: Vec<&str> = jenkins.iter().map(|server| server.name.as_str()).collect();
    let mut errors = Vec::new();
    let mut bound = Vec::new();
    for service in services {
        let mut binding = ServiceBinding {
            name: Clean::line(&service.name),
            repository: service.repository.as_deref().map(Clean::line),
            workflows: service.workflows.clone(),
            ..ServiceBinding::default()
        };
        if let Some(text) = &service.workload {
            match parse_workload(text) {
                Some(key) => binding.workload = Some(key),
                None => errors.push(format!(
                    "[[service]] '{}': workload '{text}' is not CLUSTER/NAMESPACE/KIND/NAME, for example 'prod/shop/deployment/api'",
                    service.name
                )),
            }
        }
        for text in &service.panels {
            match parse_panel(text) {
                Some(key) => binding.panels.push(key),
                None => errors.push(format!(
                    "[[service]] '{}': panel '{text}' is not GRAFANA/DASHBOARD/PANEL, for example 'grafana/abc123/4'",
                    service.name
                )),
            }
        }
        for text in &service.rollback {
            match Executor::parse_among(text, &servers) {
                Ok(executor) => binding.rollback.push(executor),
                Err(why) => errors.push(format!("[[service]] '{}': rollback: {why}", service.name)),
            }
        }
        bound.push(binding);
    }
    if errors.is_empty() { Ok(bound) } else { Err(errors) }
}

/// `CLUSTER/NAMESPACE/KIND/NAME`
pub fn parse_workload(text: &str) -> Option<WorkloadKey> {
    let [cluster, namespace, kind, name] = text.split('/').collect::<Vec<_>>().try_into().ok()?;
    Some(WorkloadKey {
        cluster: BackendId::new(cluster),
        namespace: Clean::line(namespace),
        kind: crate::model::kubernetes::WorkloadKind::parse(kind)?,
        name: Clean::line(name),
    })
}

fn parse_panel(text: &str) -> Option<PanelKey> {
    let [grafana, dashboard, panel] = text.split('/').collect::<Vec<_>>().try_into().ok()?;
    Some(PanelKey {
        dashboard: crate::model::metric::DashboardKey { backend: BackendId::new(grafana), uid: Clean::line(dashboard) },
        id: panel.parse().ok()?,
    })
}
