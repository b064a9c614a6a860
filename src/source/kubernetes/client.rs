//! One cluster as the program talks to it: kube supplies TLS, proxies and the kubeconfig; deadlines, logins, bounds and
//! words for people are here. Each has one file below.

mod access;
mod answer;
mod connection;
mod in_cluster;
mod path;
mod proxy;
mod requests;
mod upgrade;
mod writer;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};

pub use self::{access::Reloaded, answer::Opened, path::segment, writer::Writer};
pub(super) use self::{access::named_files, answer::TOO_LARGE, upgrade::Socket};
use self::{
    access::{Access, Found, With},
    in_cluster::InCluster,
};
use super::{
    exec::ExecPolicy,
    kubeconfig::Loaded,
    watch::{MAX_NAMESPACES, Survey},
};
use crate::{
    config::file::{Kubernetes, Timeouts},
    model::{BackendId, Name},
    source::SourceError,
    text::Clean,
    time::{Clock, SkewMeter},
};

const USER_AGENT: &str = concat!("midwatch/", env!("CARGO_PKG_VERSION"));
/// Requests under way at once. HTTP/1.1 has a connection for each; beside them seven watches (as many for each of twenty
/// namespaces at most that are watched by themselves), the table on the screen, the log streams there (fifty at most), shells
/// and forwards have one each.
const MAX_CALLS: usize = 8;

/// A cluster, ready to be asked. Cheap to clone; has no method that changes anything but [`Cluster::writer`].
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    id: BackendId,
    context: Clean,
    kubeconfig: Option<std::path::PathBuf>,
    /// Scheme, host and port.
    server: Clean,
    address_hash: String,
    host: String,
    /// Host and port.
    place: String,
    namespace: Option<Name>,
    namespaces: Vec<Name>,
    authority_hash: String,
    with: With,
    access: RwLock<Arc<Access>>,
    read_only: bool,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
    calls: Semaphore,
    pulse: watch::Sender<Pulse>,
    learnt: Mutex<Learnt>,
    survey: tokio::sync::Mutex<Survey>,
}

/// How the cluster's heartbeat goes: the health source beats, watches listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pulse {
    pub beats: u64,
    /// Missed beats so far. When it has risen, connections from before are not to be trusted.
    pub misses: u64,
}

/// What was learnt on the way, for the health source to report.
#[derive(Clone, Debug, Default)]
pub(super) struct Learnt {
    pub clock: SkewMeter,
    /// By what they concern: objects that could not be read.
    pub notes: std::collections::BTreeMap<String, Clean>,
    /// Namespaces that somebody chose by hand, the newest first.
    pub chosen: Vec<Name>,
}

impl Cluster {
    /// A context of the kubeconfig, or the cluster this program runs in if there is no kubeconfig. Contacts nobody and
    /// runs nothing yet.
    pub async fn open(
        wanted: &Kubernetes,
        loaded: &Loaded,
        timeouts: Timeouts,
        policy: Arc<ExecPolicy>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let within = InCluster::here();
        Self::open_with(With { wanted: wanted.clone(), timeouts, policy, clock, within }, loaded).await
    }

    async fn open_with(with: With, loaded: &Loaded) -> Result<Self, SourceError> {
        let Found { name, namespace, access } = access::find(&with, loaded).await?;
        let (wanted, timeouts, clock) = (with.wanted.clone(), with.timeouts, with.clock.clone());
        let id = access::id_of(&wanted, &name);
        let config = &access.config;
        let uri = &config.cluster_url;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        Ok(Self(Arc::new(Inner {
            context: Clean::line(&name),
            kubeconfig: wanted.kubeconfig,
            server: Clean::own(format!(
                "{}://{}:{port}",
                uri.scheme_str().unwrap_or("https"),
                uri.host().unwrap_or_default()
            )),
            address_hash: sha256(uri.to_string().trim_end_matches('/').as_bytes()),
            place: format!("{}:{port}", uri.host().unwrap_or_default()),
            host: uri.host().unwrap_or_default().to_owned(),
            namespace,
            namespaces: wanted.namespaces.iter().map(|name| Clean::line(name)).collect(),
            authority_hash: sha256(&config.root_cert.iter().flatten().flatten().copied().collect::<Vec<_>>()),
            read_only: wanted.read_only,
            with,
            access: RwLock::new(Arc::new(access)),
            id,
            timeouts,
            clock,
            calls: Semaphore::new(MAX_CALLS),
            pulse: watch::Sender::default(),
            learnt: Mutex::default(),
            survey: tokio::sync::Mutex::default(),
        })))
    }

    pub fn id(&self) -> &BackendId {
        &self.0.id
    }

    /// The name of its context in the kubeconfig.
    pub fn context(&self) -> &Clean {
        &self.0.context
    }

    /// The kubeconfig that its configuration names; else the usual one, for programs too.
    pub fn kubeconfig(&self) -> Option<&std::path::Path> {
        self.0.kubeconfig.as_deref()
    }

    /// Scheme, host and port of the API server. A proxy's path is left out: it may hold a token.
    pub fn server(&self) -> &Clean {
        &self.0.server
    }

    /// What answers about this cluster are remembered by: host and a hash of the whole address.
    pub fn address_key(&self) -> String {
        format!("{} {}", self.0.server, &self.0.address_hash[..16])
    }

    /// Host of the API server, to tell a local cluster.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The context's own namespace, if it sets one: never an implied `default`.
    pub fn own_namespace(&self) -> Option<&Name> {
        self.0.namespace.as_ref()
    }

    /// Namespaces of the configuration; empty: all.
    pub fn namespaces(&self) -> &[Name] {
        &self.0.namespaces
    }

    /// Certificates are not verified: to be said in words on every screen.
    pub fn is_insecure(&self) -> bool {
        self.access().config.accept_invalid_certs
    }

    /// Whom requests impersonate (`as` in the kubeconfig).
    pub fn impersonates(&self) -> Option<Clean> {
        self.access().config.auth_info.impersonate.as_deref().map(Clean::line)
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The cluster's own time, by the `Date` of its answers: what its objects' times are held against.
    pub fn time(&self) -> Timestamp {
        let now = self.clock().now();
        now.by(self.learnt().clock.skew())
    }

    pub fn timeouts(&self) -> &Timeouts {
        &self.0.timeouts
    }

    /// Identity of the cluster where `kube-system` may not be read: server URL and hash of its CA.
    pub fn fallback_id(&self) -> Clean {
        Clean::line(&format!("{} ca:{}", self.address_key(), &self.0.authority_hash[..16]))
    }

    pub(super) fn pulse(&self) -> &watch::Sender<Pulse> {
        &self.0.pulse
    }

    pub(super) fn learnt(&self) -> std::sync::MutexGuard<'_, Learnt> {
        self.0.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Namespaces that somebody chose by hand, the newest first.
    pub fn chosen(&self) -> Vec<Name> {
        self.learnt().chosen.clone()
    }

    /// Takes up what was chosen in earlier runs.
    pub fn recall(&self, chosen: &[String]) {
        self.learnt().chosen = chosen.iter().map(|name| Clean::line(name)).take(MAX_NAMESPACES).collect();
    }

    /// Somebody chose these by hand: where the whole cluster may not be read they are tried first from now on.
    pub fn chose(&self, names: &[Name]) {
        let mut learnt = self.learnt();
        let known = std::mem::take(&mut learnt.chosen);
        learnt.chosen = names.iter().cloned().chain(known.into_iter().filter(|name| !names.contains(name))).collect();
        learnt.chosen.truncate(MAX_NAMESPACES);
    }

    /// What may be read where, once that was asked; held by whoever asks.
    pub(super) fn survey(&self) -> &tokio::sync::Mutex<Survey> {
        &self.0.survey
    }

    /// The client that can change things; `None` if the backend is read-only.
    pub fn writer(&self) -> Option<Writer> {
        (!self.0.read_only).then(|| Writer(self.clone()))
    }
}

/// SHA-256 in hex.
pub(super) fn sha256(data: &[u8]) -> String {
    use rustls::{SupportedCipherSuite, crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256 as SUITE};
    let SupportedCipherSuite::Tls13(suite) = SUITE else { unreachable!("it is named TLS13") };
    let digest = suite.common.hash_provider.hash(data);
    digest.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests;
