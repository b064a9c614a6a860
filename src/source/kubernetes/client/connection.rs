//! How a cluster is reached: its context, its certificates, and the clients made of them.

use std::sync::{Arc, PoisonError};

use base64::Engine;
use kube::{
    client::ClientBuilder,
    config::{AuthInfo, Config, KubeConfigOptions},
};

use super::{access::Access, proxy};
use crate::{
    config::file::Kubernetes,
    model::{BackendId, Name},
    secret,
    source::{
        ErrorKind, SourceError,
        kubernetes::{exec::Credential, kubeconfig::Loaded},
    },
    text::Clean,
};

/// Reads and writes have connections of their own.
#[derive(Clone)]
pub(super) struct Clients {
    pub read: kube::Client,
    pub write: kube::Client,
}

impl Clients {
    pub fn new(config: &Config) -> Result<Self, kube::Error> {
        let one = || Ok::<_, kube::Error>(ClientBuilder::try_from(config.clone())?.build());
        Ok(Self { read: one()?, write: one()? })
    }
}

impl Access {
    /// Clients with the login's certificate, made once per login.
    pub(super) fn clients_for(&self, credential: &Arc<Credential>) -> Result<Clients, kube::Error> {
        let Some((certificate, key)) = &credential.certificate else { return Ok(self.clients.clone()) };
        let mut certified = self.certified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, clients)) = &*certified
            && Arc::ptr_eq(of, credential)
        {
            return Ok(clients.clone());
        }
        let base64 = |pem: &str| base64::engine::general_purpose::STANDARD.encode(pem);
        let mut config = self.config.clone();
        config.auth_info.client_certificate_data = Some(base64(certificate));
        config.auth_info.client_key_data = Some(secrecy::SecretString::from(base64(key.expose())));
        let clients = Clients::new(&config)?;
        *certified = Some((credential.clone(), clients.clone()));
        Ok(clients)
    }
}

/// Name, own namespace and configuration of the wanted context.
pub(super) async fn from_kubeconfig(
    wanted: &Kubernetes,
    loaded: &Loaded,
) -> Result<(String, Option<Name>, Config), SourceError> {
    let name = loaded.context(wanted.context.as_deref())?;
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    let bad = |why: &dyn std::fmt::Display| {
        SourceError::new(ErrorKind::Unexpected, format!("Context '{name}' of the kubeconfig cannot be used: {why}."))
    };
    let read = Config::from_custom_kubeconfig(loaded.config.clone(), &options).await;
    let mut config = read.map_err(|error| bad(&error))?;
    let context = loaded.config.contexts.iter().find(|context| context.name == name);
    let context = context.and_then(|context| context.context.as_ref());
    let mut clusters = loaded.config.clusters.iter();
    let cluster = context.and_then(|context| clusters.find(|named| named.name == context.cluster)?.cluster.as_ref());
    let named = cluster.and_then(|cluster| cluster.proxy_url.as_deref());
    config.proxy_url = proxy::to(&config.cluster_url, named, &proxy::Environment::here())
        .map_err(|error| bad(&format!("its proxy: {error}")))?;
    let namespace = context.and_then(|context| context.namespace.as_deref());
    Ok((name, namespace.filter(|name| !name.is_empty()).map(Clean::line), config))
}

/// kube would run what an `auth-provider` names, unasked. Its ID token is used if it holds one.
pub(super) fn refuse_auth_provider(context: &str, auth: &mut AuthInfo) -> Result<(), SourceError> {
    let Some(provider) = auth.auth_provider.take() else { return Ok(()) };
    match provider.config.get("id-token").filter(|token| !token.is_empty()) {
        Some(token) => {
            auth.token = Some(secrecy::SecretString::from(token.clone()));
            Ok(())
        }
        None => Err(SourceError::new(
            ErrorKind::Auth,
            format!(
                "Context '{context}' logs in with the auth-provider '{}', which Kubernetes has removed: let its vendor's \
                 tool write the kubeconfig anew.",
                provider.name
            ),
        )),
    }
}

/// What kube will send is hidden where the server says it again. Of a token file it is what stands in it now.
pub(super) fn note_sent(auth: &AuthInfo) {
    use secrecy::ExposeSecret as _;
    if let Some(token) = &auth.token {
        secret::sent(token.expose_secret());
    }
    if let Some(text) = auth.token_file.as_ref().and_then(|path| std::fs::read_to_string(path).ok()) {
        secret::sent(&text);
    }
    if let Some(password) = &auth.password {
        let pair = format!("{}:{}", auth.username.as_deref().unwrap_or_default(), password.expose_secret());
        secret::sent(password.expose_secret());
        secret::sent(&base64::engine::general_purpose::STANDARD.encode(pair));
    }
}

pub(super) fn unusable(id: &BackendId, error: &kube::Error) -> SourceError {
    let says = match error {
        kube::Error::ProxyProtocolUnsupported { proxy_url } | kube::Error::ProxyProtocolDisabled { proxy_url, .. } => {
            let scheme = proxy_url.scheme_str().unwrap_or("?");
            format!("Kubernetes '{id}' is behind a '{scheme}' proxy; only http, https and socks5 proxies are known.")
        }
        other => format!("Kubernetes '{id}' cannot be set up: {}.", secret::mask(&other.to_string())),
    };
    SourceError::new(ErrorKind::Unexpected, says)
}
