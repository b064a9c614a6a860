//! How a cluster is reached and as whom: what a kubeconfig may change while the program runs.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderValue, header};
use kube::config::{Config, NamedAuthInfo, NamedCluster};

use super::{
    Cluster, USER_AGENT,
    connection::{self, Clients, from_kubeconfig, refuse_auth_provider, unusable},
    in_cluster::InCluster,
    sha256,
};
use crate::{
    config::file::{Kubernetes, Timeouts},
    model::{BackendId, Ending, Name},
    source::{
        ErrorKind, SourceError,
        kubernetes::{
            ending,
            exec::{Credential, ExecLogin, ExecPolicy},
            kubeconfig::Loaded,
        },
    },
    text::Clean,
    time::Clock,
};

/// The way in, made anew when the kubeconfig changes.
pub(super) struct Access {
    pub config: Config,
    pub clients: Clients,
    pub login: Option<ExecLogin>,
    /// Clients with the certificate of a login, and the login they were made of.
    pub certified: Mutex<Option<(Arc<Credential>, Clients)>>,
    /// Of all that the kubeconfig and the files it names say of it; empty in the cluster itself.
    print: String,
}

/// What an access is made with, whatever the kubeconfig says.
#[derive(Clone)]
pub(super) struct With {
    pub wanted: Kubernetes,
    pub timeouts: Timeouts,
    pub policy: Arc<ExecPolicy>,
    pub clock: Arc<dyn Clock>,
    /// Where there is no kubeconfig.
    pub within: Option<InCluster>,
}

/// A context, found and ready to be used.
pub(super) struct Found {
    pub name: String,
    pub namespace: Option<Name>,
    pub access: Access,
}

/// What a changed kubeconfig means to an open cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// Nothing of it has changed.
    Same,
    /// The next request goes with what the kubeconfig says now.
    Renewed,
    /// The context names another server now, which is not followed: what is on the screen is of the old one.
    Moved(Clean),
    /// The context is gone; what is known of it goes on being used.
    Gone,
}

/// A context of the kubeconfig, or the cluster this program runs in if there is no kubeconfig. Contacts nobody and runs
/// nothing.
pub(super) async fn find(with: &With, loaded: &Loaded) -> Result<Found, SourceError> {
    let wanted = &with.wanted;
    let nothing_found = loaded.files.is_empty() && loaded.troubles.is_empty() && wanted.context.is_none();
    let within = with.within.as_ref().filter(|_| nothing_found);
    let (name, namespace, mut config, print) = if let Some(within) = within {
        let (namespace, config) = within.config().map_err(|why| {
            SourceError::new(ErrorKind::Unexpected, format!("The cluster we run in cannot be used: {why}."))
        })?;
        ("in-cluster".to_owned(), namespace, config, String::new())
    } else {
        let (name, namespace, config) = from_kubeconfig(wanted, loaded).await?;
        let print = print(&name, loaded);
        (name, namespace, config, print)
    };
    let id = id_of(wanted, &name);
    refuse_auth_provider(&name, &mut config.auth_info)?;
    connection::note_sent(&config.auth_info);
    let login = match config.auth_info.exec.take() {
        Some(exec) => {
            let deadline = Duration::from_secs(with.timeouts.command.into());
            let (policy, clock) = (with.policy.clone(), with.clock.clone());
            Some(ExecLogin::new(&exec, &name, &wanted.allow_exec, policy, deadline, clock)?)
        }
        None => None,
    };
    config.connect_timeout = Some(Duration::from_secs(with.timeouts.connect.into()));
    config.default_retry = false;
    config.headers.push((header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));
    let clients = Clients::new(&config).map_err(|error| unusable(&id, &error))?;
    let access = Access { config, clients, login, certified: Mutex::default(), print };
    Ok(Found { name, namespace, access })
}

/// How a cluster is called: as the configuration says, else as its context.
pub(super) fn id_of(wanted: &Kubernetes, context: &str) -> BackendId {
    BackendId::new(if wanted.name.is_empty() { context } else { &wanted.name })
}

/// A hash of a context with its cluster and user entry, and of the files that these name.
fn print(context: &str, loaded: &Loaded) -> String {
    let config = &loaded.config;
    let own = config.contexts.iter().find(|named| named.name == context).and_then(|named| named.context.as_ref());
    let cluster = own.and_then(|own| config.clusters.iter().find(|named| named.name == own.cluster));
    let user = own.and_then(|own| config.auth_infos.iter().find(|named| Some(&named.name) == own.user.as_ref()));
    let mut all = serde_json::to_vec(&(own, cluster, user)).unwrap_or_default();
    for path in cluster.map(of_cluster).into_iter().chain(user.map(of_user)).flatten() {
        all.extend(std::fs::read(path).unwrap_or_default());
    }
    sha256(&all)
}

fn of_cluster(named: &NamedCluster) -> Vec<&Path> {
    let ca = named.cluster.as_ref().and_then(|cluster| cluster.certificate_authority.as_deref());
    ca.map(Path::new).into_iter().collect()
}

/// A token file is not among them: kube reads it again by itself.
fn of_user(named: &NamedAuthInfo) -> Vec<&Path> {
    let user = named.auth_info.as_ref();
    let files = user.into_iter().flat_map(|user| [user.client_certificate.as_deref(), user.client_key.as_deref()]);
    files.flatten().map(Path::new).collect()
}

/// Certificates and keys that a kubeconfig names, of all its contexts.
pub(in crate::source::kubernetes) fn named_files(loaded: &Loaded) -> Vec<&Path> {
    let config = &loaded.config;
    config.clusters.iter().flat_map(of_cluster).chain(config.auth_infos.iter().flat_map(of_user)).collect()
}

impl Cluster {
    pub(super) fn access(&self) -> Arc<Access> {
        self.0.access.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over what a changed kubeconfig says. Watches go on; requests under way end as they began. Reads files only.
    pub async fn reload(&self, loaded: &Loaded) -> Result<Reloaded, SourceError> {
        let known = self.access();
        let context = self.context().as_str();
        if known.print.is_empty() {
            return Ok(Reloaded::Same);
        }
        if !loaded.config.contexts.iter().any(|named| named.name == context) {
            return Ok(Reloaded::Gone);
        }
        if known.print == print(context, loaded) {
            return Ok(Reloaded::Same);
        }
        let mut with = self.0.with.clone();
        // whatever is current by now
        with.wanted.context = Some(context.to_owned());
        let found = find(&with, loaded).await?;
        if found.access.config.cluster_url != known.config.cluster_url {
            return Ok(Reloaded::Moved(Clean::line(found.access.config.cluster_url.host().unwrap_or_default())));
        }
        *self.0.access.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found.access);
        Ok(Reloaded::Renewed)
    }

    /// When what it is reached with ends, as far as that can be read.
    pub(in crate::source::kubernetes) fn endings(&self) -> Vec<Ending> {
        let access = self.access();
        let mut all = ending::of_config(&access.config);
        if let Some(login) = &access.login {
            all.extend(login.ending());
        }
        all
    }

    /// When the certificate that the server shows ends. Not through a proxy.
    pub(in crate::source::kubernetes) async fn server_ending(&self) -> Option<Ending> {
        let access = self.access();
        let uri = &access.config.cluster_url;
        if uri.scheme_str() != Some("https") || access.config.proxy_url.is_some() {
            return None;
        }
        let name = access.config.tls_server_name.clone().unwrap_or_else(|| self.host().to_owned());
        let (place, within) = (self.0.place.clone(), Duration::from_secs(self.0.timeouts.connect.into()));
        let look = tokio::task::spawn_blocking(move || ending::server::ends(&place, &name, within));
        let at = look.await.ok()??;
        Some(Ending { what: "server certificate".into(), at, notice: ending::OF_CERTIFICATE })
    }

    /// Changes when the kubeconfig's way in was taken over anew.
    pub(in crate::source::kubernetes) fn access_print(&self) -> String {
        self.access().print.clone()
    }
}

#[cfg(test)]
mod tests;
