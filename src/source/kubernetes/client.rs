//! One cluster as the program talks to it: kube supplies TLS, proxies and the kubeconfig; deadlines, logins, bounds and
//! words for people are here. Every request goes through `Cluster::send`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::BodyDataStream;
use base64::Engine;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use kube::{
    client::{Body, ClientBuilder},
    config::{AuthInfo, Config, KubeConfigOptions},
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use super::{
    exec::{Credential, ExecLogin, ExecPolicy},
    failure::{self, Failure, Reached},
    kubeconfig::Loaded,
};
use crate::{
    config::file::{Kubernetes, Timeouts},
    model::{BackendId, Name},
    source::{ErrorKind, SourceError},
    text::Clean,
    time::Clock,
};

/// Requests under way at once, watches and log streams not counted.
const MAX_CALLS: usize = 8;
/// Largest answer that is read as a whole: a page of 500 large objects.
pub const MAX_BODY: usize = 64 * 1024 * 1024;

/// A cluster, ready to be asked. Cheap to clone; has no method that changes anything but [`Cluster::writer`].
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    id: BackendId,
    /// Scheme, host and port.
    server: Clean,
    address_hash: String,
    /// Host and port.
    place: String,
    namespace: Option<Name>,
    namespaces: Vec<Name>,
    authority_hash: String,
    insecure: bool,
    impersonates: Option<Clean>,
    config: Config,
    clients: Clients,
    login: Option<ExecLogin>,
    /// Clients with the certificate of a login, and the login they were made of.
    certified: Mutex<Option<(Arc<Credential>, Clients)>>,
    read_only: bool,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
    calls: Semaphore,
    pulse: watch::Sender<Pulse>,
    learnt: Mutex<Learnt>,
}

/// Reads and writes have connections of their own.
#[derive(Clone)]
struct Clients {
    read: kube::Client,
    write: kube::Client,
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
    pub clock_offset_ms: Option<i64>,
    /// By what they concern: limits of rights, objects that could not be read.
    pub notes: std::collections::BTreeMap<String, Clean>,
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
        let nothing_found = loaded.files.is_empty() && loaded.troubles.is_empty() && wanted.context.is_none();
        let (name, own_namespace, mut config) =
            if nothing_found && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
                let config = Config::incluster().map_err(|error| {
                    SourceError::new(ErrorKind::Unexpected, format!("The cluster we run in cannot be used: {error}."))
                })?;
                ("in-cluster".to_owned(), Some(Clean::line(&config.default_namespace)), config)
            } else {
                from_kubeconfig(wanted, loaded).await?
            };
        let id = BackendId::new(if wanted.name.is_empty() { &name } else { &wanted.name });
        refuse_auth_provider(&name, &mut config.auth_info)?;
        let login = match config.auth_info.exec.take() {
            Some(exec) => {
                let deadline = Duration::from_secs(timeouts.command.into());
                Some(ExecLogin::new(&exec, &name, &wanted.allow_exec, policy, deadline, clock.clone())?)
            }
            None => None,
        };
        config.connect_timeout = Some(Duration::from_secs(timeouts.connect.into()));
        config.default_retry = false;
        config.headers.push((header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));
        let clients = Clients::new(&config).map_err(|error| unusable(&id, &error))?;
        let uri = &config.cluster_url;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        Ok(Self(Arc::new(Inner {
            server: Clean::own(format!(
                "{}://{}:{port}",
                uri.scheme_str().unwrap_or("https"),
                uri.host().unwrap_or_default()
            )),
            address_hash: sha256(uri.to_string().trim_end_matches('/').as_bytes()),
            place: format!("{}:{port}", uri.host().unwrap_or_default()),
            namespace: own_namespace,
            namespaces: wanted.namespaces.iter().map(|name| Clean::line(name)).collect(),
            authority_hash: sha256(&config.root_cert.iter().flatten().flatten().copied().collect::<Vec<_>>()),
            insecure: config.accept_invalid_certs,
            impersonates: config.auth_info.impersonate.as_deref().map(Clean::line),
            clients,
            login,
            certified: Mutex::default(),
            read_only: wanted.read_only,
            config,
            id,
            timeouts,
            clock,
            calls: Semaphore::new(MAX_CALLS),
            pulse: watch::Sender::default(),
            learnt: Mutex::default(),
        })))
    }

    pub fn id(&self) -> &BackendId {
        &self.0.id
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
        self.0.config.cluster_url.host().unwrap_or_default()
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
        self.0.insecure
    }

    /// Whom requests impersonate (`as` in the kubeconfig).
    pub fn impersonates(&self) -> Option<&Clean> {
        self.0.impersonates.as_ref()
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
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

    /// The client that can change things; `None` if the backend is read-only.
    pub fn writer(&self) -> Option<Writer> {
        (!self.0.read_only).then(|| Writer(self.clone()))
    }

    /// Reads a JSON answer whole, within the deadlines. `path` begins with `/` and holds its own query.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.get_bytes(path, self.answer_within()).await?;
        self.parse(path, &answer)
    }

    /// As [`Cluster::get`], `None` if there is no such thing (404).
    pub async fn get_opt<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Failure> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is(404) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether there is such an object. Asks for its metadata alone, so that the data of a Secret never leaves the server.
    pub async fn exists(&self, path: &str) -> Result<bool, Failure> {
        let mut request = self.request(Method::GET, path, None)?;
        let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(metadata));
        match self.whole(false, request, self.answer_within()).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is(404) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Reads an answer whole, of at most [`MAX_BODY`] bytes, `within` a time.
    pub async fn get_bytes(&self, path: &str, within: Duration) -> Result<Bytes, Failure> {
        let request = self.request(Method::GET, path, None)?;
        Ok(self.whole(false, request, within).await?.1)
    }

    /// Asks a question that is put as a POST but keeps nothing: an access or subject review (`authorization.k8s.io`,
    /// `authentication.k8s.io`). Anything else is a mistake of ours.
    pub async fn review<T: DeserializeOwned>(&self, path: &str, body: &serde_json::Value) -> Result<T, Failure> {
        let asks = ["/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/"];
        assert!(asks.iter().any(|api| path.starts_with(api)), "only reviews are posted by a reader, not to {path}");
        let request = self.request(Method::POST, path, Some(body))?;
        let (_, answer) = self.whole(false, request, self.answer_within()).await?;
        self.parse(path, &answer)
    }

    /// Opens a stream: the head has arrived, the body is read by the caller, who guards its silence.
    pub async fn open_stream(&self, path: &str, within: Duration) -> Result<Opened, Failure> {
        let mut request = self.request(Method::GET, path, None)?;
        // compressed streams arrive in lumps
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        self.send(false, request, within).await
    }

    /// Sends one request and waits `within` a time for the answer's head. An answer that is no success is a failure.
    async fn send(&self, write: bool, request: Request<Vec<u8>>, within: Duration) -> Result<Opened, Failure> {
        let what = resource(request.uri().path());
        let asked = self.logged_in(|credential| {
            let asked = self.send_with(write, credential, request.clone());
            async { timeout(within, asked).await.map_err(|_| self.too_slow(&what, within))? }
        });
        // the future is large, and many of them are awaited together
        Box::pin(asked).await
    }

    /// Sends one request and takes its whole answer, both `within` a time.
    async fn whole(
        &self,
        write: bool,
        request: Request<Vec<u8>>,
        within: Duration,
    ) -> Result<(HeaderMap, Bytes), Failure> {
        let _permit = self.0.calls.acquire().await.expect("never closed");
        let what = resource(request.uri().path());
        let asked = self.logged_in(|credential| {
            let asked = self.send_with(write, credential, request.clone());
            let answer = async {
                let mut opened = asked.await?;
                let body = opened.collect(MAX_BODY, self.idle()).await?;
                Ok((opened.headers, body))
            };
            let what = &what;
            async move { timeout(within, answer).await.map_err(|_| self.too_slow(what, within))? }
        });
        Box::pin(asked).await
    }

    /// Asks with the login, and once more with a new login if that is not accepted (401). A program that logs in has its
    /// own deadline, so it is waited for outside of the question's.
    async fn logged_in<T, Asked: Future<Output = Result<T, Failure>>>(
        &self,
        ask: impl Fn(Option<Arc<Credential>>) -> Asked,
    ) -> Result<T, Failure> {
        let Some(login) = &self.0.login else { return ask(None).await };
        let not_sent = |error: SourceError| Failure { error, ..Failure::own(ErrorKind::Auth, Reached::NotSent, "") };
        let credential = login.current().await.map_err(not_sent)?;
        match ask(Some(credential.clone())).await {
            Err(failure) if failure.is(401) => ask(Some(login.renew(&credential).await.map_err(not_sent)?)).await,
            answer => answer,
        }
    }

    async fn send_with(
        &self,
        write: bool,
        credential: Option<Arc<Credential>>,
        request: Request<Vec<u8>>,
    ) -> Result<Opened, Failure> {
        let what = resource(request.uri().path());
        let mut opened = self.ask_with(write, credential, request).await?;
        if opened.status.is_success() {
            return Ok(opened);
        }
        // a refusal with half a body is still a refusal
        let body = opened.collect(MAX_REFUSAL, self.idle()).await.unwrap_or_default();
        let now = self.0.clock.now().wall;
        Err(failure::refused(&self.0.id, &what, opened.status.as_u16(), &opened.headers, &body, now))
    }

    /// One request on the wire, with the login; any answer will do.
    async fn ask_with(
        &self,
        write: bool,
        credential: Option<Arc<Credential>>,
        mut request: Request<Vec<u8>>,
    ) -> Result<Opened, Failure> {
        let mut clients = self.0.clients.clone();
        if let Some(credential) = &credential {
            if let Some(bearer) = &credential.bearer {
                request.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
            }
            clients = self.clients_for(credential).map_err(|error| Failure {
                error: unusable(&self.0.id, &error),
                ..Failure::own(ErrorKind::Auth, Reached::NotSent, "")
            })?;
        }
        let client = if write { clients.write } else { clients.read };
        let answer = client.send(request.map(Body::from)).await.map_err(|error| self.broken(&error))?;
        let (head, body) = answer.into_parts();
        self.note_time(&head.headers);
        let body = axum::body::Body::new(body).into_data_stream();
        Ok(Opened { cluster: self.clone(), status: head.status, headers: head.headers, body })
    }

    fn parse<T: DeserializeOwned>(&self, path: &str, answer: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(answer).map_err(|error| self.unexpected(path, &error))
    }

    pub(super) fn unexpected(&self, path: &str, error: &serde_json::Error) -> Failure {
        let path = path.split('?').next().unwrap_or(path);
        let says = format!("Kubernetes '{}' answered '{path}' with what is not its API: {error}.", self.0.id);
        Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Request<Vec<u8>>, Failure> {
        let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| serde_json::to_vec(body).expect("a Value is always JSON")).unwrap_or_default();
        request.body(body).map_err(|_| {
            let says = format!("'{path}' is not a path that Kubernetes '{}' can be asked.", self.0.id);
            Failure::own(ErrorKind::Unexpected, Reached::NotSent, says)
        })
    }

    /// Clients with the login's certificate, made once per login.
    fn clients_for(&self, credential: &Arc<Credential>) -> Result<Clients, kube::Error> {
        let Some((certificate, key)) = &credential.certificate else { return Ok(self.0.clients.clone()) };
        let mut certified = self.0.certified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, clients)) = &*certified
            && Arc::ptr_eq(of, credential)
        {
            return Ok(clients.clone());
        }
        let base64 = |pem: &str| base64::engine::general_purpose::STANDARD.encode(pem);
        let mut config = self.0.config.clone();
        config.auth_info.client_certificate_data = Some(base64(certificate));
        config.auth_info.client_key_data = Some(secrecy::SecretString::from(base64(key.expose())));
        let clients = Clients::new(&config)?;
        *certified = Some((credential.clone(), clients.clone()));
        Ok(clients)
    }

    fn note_time(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok()).and_then(failure::http_date);
        if let Some(date) = date {
            let ours = self.0.clock.now().wall;
            // the header has whole seconds: its middle is the best guess
            self.learnt().clock_offset_ms = Some(date.as_millisecond() + 500 - ours.as_millisecond());
        }
    }

    pub(super) fn too_slow(&self, what: &str, within: Duration) -> Failure {
        let says = format!("Kubernetes '{}' did not answer for {what} within {} s.", self.0.id, within.as_secs_f32());
        Failure::own(ErrorKind::TimedOut, Reached::Unknown, says)
    }

    fn broken(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        failure::broken(&self.0.id, &self.0.place, error)
    }

    pub(super) fn idle(&self) -> Duration {
        Duration::from_secs(self.0.timeouts.idle.into())
    }

    pub(super) fn answer_within(&self) -> Duration {
        Duration::from_secs(self.0.timeouts.answer.into())
    }

    pub(super) fn list_within(&self) -> Duration {
        Duration::from_secs(self.0.timeouts.list.into())
    }
}

/// Changes things. Sends once, whatever happens; only a refused login (401, nothing done) is renewed once.
#[derive(Clone)]
pub struct Writer(Cluster);

impl Writer {
    pub fn cluster(&self) -> &Cluster {
        &self.0
    }

    /// Sends a change and gives the answered object. `kind` is the media type of the body, `application/json` or one of
    /// the patch types; `path` holds its own query (`fieldManager=midwatch`, `dryRun=All`).
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, Failure> {
        let (_, answer) = self.send_and_listen(method, path, kind, body).await?;
        self.0.parse(path, &answer)
    }

    /// As [`Writer::send`], with the answer's headers: `Warning` says what the server only mentions.
    pub async fn send_and_listen(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: &serde_json::Value,
    ) -> Result<(HeaderMap, Bytes), Failure> {
        let mut request = self.0.request(method, path, Some(body))?;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        self.0.whole(true, request, self.0.answer_within()).await
    }
}

impl Cluster {
    /// Passes a prepared request on, for the service proxy: any answer that is not the API server's own refusal is an
    /// answer. The caller says what may be sent.
    pub(super) async fn pass(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, Failure> {
        let _permit = self.0.calls.acquire().await.expect("never closed");
        let (what, within) = (resource(request.uri().path()), self.answer_within());
        self.logged_in(|credential| {
            let asked = self.ask_with(request.method() != Method::GET, credential, request.clone());
            let answer = async {
                let mut opened = asked.await?;
                let body = opened.collect(MAX_BODY, self.idle()).await?;
                let code = opened.status.as_u16();
                if !opened.status.is_success() && failure::is_status(&body) {
                    let now = self.0.clock.now().wall;
                    return Err(failure::refused(&self.0.id, &what, code, &opened.headers, &body, now));
                }
                let mut answer = Response::new(body);
                (*answer.status_mut(), *answer.headers_mut()) = (opened.status, opened.headers);
                Ok(answer)
            };
            async { timeout(within, answer).await.map_err(|_| self.too_slow(&what, within))? }
        })
        .await
    }
}

/// An answer whose head has arrived.
pub struct Opened {
    cluster: Cluster,
    status: StatusCode,
    pub headers: HeaderMap,
    body: BodyDataStream,
}

impl Opened {
    /// The next piece of the body; `None` at its end. May be dropped while it waits, nothing is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        match self.body.next().await {
            Some(Ok(bytes)) => Ok(Some(bytes)),
            Some(Err(error)) => Err(self.cluster.broken(&error)),
            None => Ok(None),
        }
    }

    /// The whole body. Silence longer than `idle`, or more than `most` bytes, is a failure.
    pub async fn collect(&mut self, most: usize, idle: Duration) -> Result<Bytes, Failure> {
        let mut whole = BytesMut::new();
        loop {
            let chunk = timeout(idle, self.chunk()).await;
            let Some(chunk) = chunk.map_err(|_| self.cluster.too_slow("the rest of an answer", idle))?? else {
                return Ok(whole.freeze());
            };
            if whole.len() + chunk.len() > most {
                let says = format!("Kubernetes '{}' sent more than {most} bytes in one answer.", self.cluster.0.id);
                return Err(Failure {
                    reason: Clean::line(TOO_LARGE),
                    ..Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
                });
            }
            whole.extend_from_slice(&chunk);
        }
    }
}

/// Reason of the failure when an answer is over its bound.
pub(super) const TOO_LARGE: &str = "TooLarge";
const MAX_REFUSAL: usize = 64 * 1024;
const USER_AGENT: &str = concat!("midwatch/", env!("CARGO_PKG_VERSION"));

impl Clients {
    fn new(config: &Config) -> Result<Self, kube::Error> {
        let one = || Ok::<_, kube::Error>(ClientBuilder::try_from(config.clone())?.build());
        Ok(Self { read: one()?, write: one()? })
    }
}

/// Name, own namespace and configuration of the wanted context.
async fn from_kubeconfig(wanted: &Kubernetes, loaded: &Loaded) -> Result<(String, Option<Name>, Config), SourceError> {
    let name = loaded.context(wanted.context.as_deref())?;
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(loaded.config.clone(), &options).await.map_err(|error| {
        SourceError::new(ErrorKind::Unexpected, format!("Context '{name}' of the kubeconfig cannot be used: {error}."))
    })?;
    let context = loaded.config.contexts.iter().find(|context| context.name == name);
    let namespace = context.and_then(|context| context.context.as_ref()?.namespace.as_deref());
    Ok((name, namespace.filter(|name| !name.is_empty()).map(Clean::line), config))
}

/// kube would run what an `auth-provider` names, unasked. Its ID token is used if it holds one.
fn refuse_auth_provider(context: &str, auth: &mut AuthInfo) -> Result<(), SourceError> {
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

fn unusable(id: &BackendId, error: &kube::Error) -> SourceError {
    let says = match error {
        kube::Error::ProxyProtocolUnsupported { proxy_url } | kube::Error::ProxyProtocolDisabled { proxy_url, .. } => {
            let scheme = proxy_url.scheme_str().unwrap_or("?");
            format!("Kubernetes '{id}' is behind a '{scheme}' proxy; only http and https proxies are known.")
        }
        other => format!("Kubernetes '{id}' cannot be set up: {}.", crate::secret::mask(&other.to_string())),
    };
    SourceError::new(ErrorKind::Unexpected, says)
}

/// What a path is about, in a word: its resource.
fn resource(path: &str) -> String {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let rest = match parts.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        other => other,
    };
    match rest {
        ["namespaces", namespace, kind, name, ..] => format!("{kind} '{namespace}/{name}'"),
        ["namespaces", namespace, kind] => format!("{kind} in '{namespace}'"),
        [kind, name, ..] => format!("{kind} '{name}'"),
        [kind] => (*kind).to_owned(),
        [] => "the API".to_owned(),
    }
}

/// A name as one segment of a path: names that come from elsewhere cannot leave it.
pub fn segment(name: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    match encoded.replace('+', "%20").as_str() {
        "." | ".." | "" => "%2E".to_owned(),
        safe => safe.to_owned(),
    }
}

/// SHA-256 in hex.
pub(super) fn sha256(data: &[u8]) -> String {
    use rustls::{SupportedCipherSuite, crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256 as SUITE};
    let SupportedCipherSuite::Tls13(suite) = SUITE else { unreachable!("it is named TLS13") };
    let digest = suite.common.hash_provider.hash(data);
    digest.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
