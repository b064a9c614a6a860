//! The connection to one GitHub host: octocrab's request stack without its redirects, retries and unbounded cache.
//!
//! Requests go one after another (GitHub's best practices ask for it), with ETags, within the request budget.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use octocrab::{
    AuthState, Octocrab, OctocrabBuilder,
    service::middleware::{
        auth_header::AuthHeaderLayer, extra_headers::ExtraHeadersLayer, reqwest_connector::ReqwestConnector,
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

pub use super::limits::Caller;
use super::{
    cache::{Cache, Entry},
    failure::{self, Failure, Reached},
    limits::{Limits, http_date},
    settings::Settings,
};
use crate::{
    model::{BackendId, BackendInfo},
    secret::Secret,
    source::{ErrorKind, Fact, SourceError},
    text::Clean,
    time::Clock,
};

const JSON: &str = "application/vnd.github+json";
const API_VERSION: &str = "2022-11-28";
/// Clock offsets that differ by less are the same: the `Date` header has whole seconds.
const OFFSET_STEP_MS: i64 = 1500;
const MAX_REDIRECTS: u8 = 3;

/// One GitHub host with one token.
pub struct Client {
    settings: Settings,
    api: Octocrab,
    /// Without the token: for signed addresses on other hosts.
    bare: reqwest::Client,
    clock: Arc<dyn Clock>,
    has_token: bool,
    /// Held while a request runs.
    gate: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
}

/// What answers have told so far.
#[derive(Default)]
struct Known {
    cache: Cache,
    limits: Limits,
    last_write: Option<Instant>,
    offset_ms: Option<i64>,
    login: Option<Clean>,
    version: Option<Clean>,
    /// By topic, so that a note can be taken back.
    notes: BTreeMap<String, Clean>,
    checks_unreadable: bool,
}

/// One request.
pub(super) struct Ask<'a> {
    pub method: Method,
    pub url: String,
    pub body: Option<&'a Value>,
    pub etag: Option<HeaderValue>,
    /// For error messages: "the runs of 'acme/api'".
    pub what: &'a str,
    pub caller: Caller,
    /// `core` or `graphql`.
    pub resource: &'a str,
}

/// One whole answer.
pub(super) struct Received {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The answer to a GET.
pub struct Page {
    pub body: Bytes,
    /// Address of the next page.
    pub next: Option<String>,
    /// False: the server said that it is what we have already.
    pub is_new: bool,
}

impl Client {
    /// Connects to nothing yet. Must be called inside a Tokio runtime. Fails if the token cannot stand in a header, or
    /// the system has no CA certificates.
    pub fn new(settings: Settings, token: Option<&Secret>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, SourceError> {
        let host = &settings.backend;
        let no_client = |why: &str| {
            SourceError::new(ErrorKind::Auth, format!("The connection to GitHub '{host}' cannot be made: {why}"))
        };
        let http = |settings: &Settings| {
            let mut builder = reqwest::Client::builder()
                .connect_timeout(settings.connect)
                .read_timeout(settings.idle)
                .redirect(reqwest::redirect::Policy::none())
                .tls_danger_accept_invalid_certs(settings.insecure);
            if let Some(pem) = &settings.ca {
                let bundle = reqwest::Certificate::from_pem_bundle(pem)
                    .map_err(|error| no_client(&format!("its CA file is unreadable: {error}")))?;
                builder = builder.tls_certs_merge(bundle);
            }
            builder.build().map_err(|error| no_client(&Failure::transport(host, "", &error).error.says))
        };
        let token = token.filter(|token| !token.is_empty());
        let authorization = token
            .map(|token| {
                let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                    .map_err(|_| no_client("its token holds characters that no token has"))?;
                value.set_sensitive(true);
                Ok::<_, SourceError>(value)
            })
            .transpose()?;
        let base: http::Uri = settings.rest.parse().map_err(|_| no_client("its 'url' is none"))?;
        let graphql: http::Uri = settings.graphql.parse().map_err(|_| no_client("its 'graphql' is no address"))?;
        let own_headers = vec![
            (header::USER_AGENT, HeaderValue::from_static(concat!("midwatch/", env!("CARGO_PKG_VERSION")))),
            (header::ACCEPT, HeaderValue::from_static(JSON)),
            (header::HeaderName::from_static("x-github-api-version"), HeaderValue::from_static(API_VERSION)),
        ];
        // octocrab's own builders add a layer that follows redirects, and one that traces addresses: signed ones too.
        let api = OctocrabBuilder::new_empty()
            .with_service(ReqwestConnector::new(http(&settings)?))
            .with_layer(&ExtraHeadersLayer::new(Arc::new(own_headers)))
            .with_layer(&AuthHeaderLayer::new(authorization, base, graphql))
            .with_auth(AuthState::None)
            .build()
            .map_err(|never| match never {})?;
        let bare = http(&settings)?;
        let mut known = Known::default();
        if settings.is_in_the_clear() && token.is_some() {
            known.notes.insert("clear".into(), "the token is sent unencrypted: 'url' begins with http://".into());
        }
        Ok(Arc::new(Self {
            api,
            bare,
            clock,
            has_token: token.is_some(),
            gate: tokio::sync::Mutex::new(()),
            known: Mutex::new(known),
            settings,
        }))
    }

    pub fn backend(&self) -> &BackendId {
        &self.settings.backend
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The server's time now, as far as its `Date` headers told.
    pub(super) fn server_now(&self) -> jiff::Timestamp {
        let now = self.clock.now().wall;
        let offset = jiff::SignedDuration::from_millis(self.known().offset_ms.unwrap_or_default());
        now.checked_add(offset).unwrap_or(now)
    }

    /// What the host is, and the budget left: the facts that end every batch.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let known = self.known();
        let info = BackendInfo {
            version: known.version.clone(),
            identity: known.login.clone(),
            cluster_id: None,
            clock_offset_ms: known.offset_ms,
            server: Url::parse(&self.settings.rest).ok().and_then(|url| url.host_str().map(Clean::line)),
            notes: known.notes.values().cloned().collect(),
        };
        std::iter::once(Fact::Info(info)).chain(known.limits.quotas().cloned().map(Fact::Quota)).collect()
    }

    /// Sets or takes back what is to be known of `topic`.
    pub(super) fn note(&self, topic: &str, text: Option<&str>) {
        let notes = &mut self.known().notes;
        match text {
            Some(text) => drop(notes.insert(topic.to_owned(), Clean::line(text))),
            None => drop(notes.remove(topic)),
        }
    }

    pub(super) fn learn_login(&self, login: &str) {
        self.known().login = Some(Clean::line(login));
    }

    /// Whose token it is, once an answer told.
    pub fn login(&self) -> Option<Clean> {
        self.known().login.clone()
    }

    pub(super) fn checks_unreadable(&self) -> bool {
        self.known().checks_unreadable
    }

    pub(super) fn lose_checks(&self) {
        self.known().checks_unreadable = true;
        self.note("checks", Some("checks unreadable with this token: fine-grained tokens have no such right"));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("nothing panics while holding it")
    }

    /// GET of a path like `/repos/o/n/pulls`, or of a whole address of this host (a next page).
    pub async fn get(&self, path: &str, what: &str, caller: Caller) -> Result<Page, Failure> {
        let url = self.address(path);
        let kept = self.known().cache.get(&url);
        let mut at = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let ask = Ask {
                method: Method::GET,
                url: at,
                body: None,
                etag: kept.as_ref().map(|entry| entry.etag.clone()),
                what,
                caller,
                resource: "core",
            };
            let received = self.exchange(&ask).await?;
            if received.status == StatusCode::NOT_MODIFIED
                && let Some(entry) = kept
            {
                return Ok(Page { body: entry.body, next: entry.next, is_new: false });
            }
            if received.status.is_redirection() && received.status != StatusCode::NOT_MODIFIED {
                at = self.redirect(&received, what)?;
                continue;
            }
            self.expect_data(&received, what)?;
            return Ok(self.keep(url, received));
        }
        Err(Failure::unreadable(self.backend(), what, "it redirects in a circle"))
    }

    fn keep(&self, url: String, received: Received) -> Page {
        let next = next_link(&received.headers);
        let cache = &mut self.known().cache;
        match received.headers.get(header::ETAG) {
            Some(etag) => {
                let entry = Entry { etag: etag.clone(), body: received.body.clone(), next: next.clone() };
                cache.put(url, entry);
            }
            None => cache.remove(&url),
        }
        Page { body: received.body, next, is_new: true }
    }

    /// GET and decode.
    pub async fn read<T: DeserializeOwned>(&self, path: &str, what: &str, caller: Caller) -> Result<T, Failure> {
        let page = self.get(path, what, caller).await?;
        self.decode(&page.body, what)
    }

    pub(super) fn decode<T: DeserializeOwned>(&self, body: &[u8], what: &str) -> Result<T, Failure> {
        serde_json::from_slice(body).map_err(|error| {
            let why = if error.is_eof() { "it is cut off".to_owned() } else { error.to_string() };
            Failure::unreadable(self.backend(), what, &why)
        })
    }

    /// Where a moved repository is now. The token goes to no other host.
    fn redirect(&self, received: &Received, what: &str) -> Result<String, Failure> {
        let target = received.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let target = Url::parse(&self.settings.rest)
            .and_then(|base| base.join(target))
            .map_err(|_| Failure::unreadable(self.backend(), what, "it redirects to no address"))?;
        if !self.settings.is_own(&target) {
            let host = target.host_str().unwrap_or("?");
            return Err(Failure::new(
                ErrorKind::Auth,
                format!(
                    "GitHub '{}' redirects {what} to '{host}': a login page stands before it, or 'url' is wrong ('{}')",
                    self.backend(),
                    self.settings.rest
                ),
            ));
        }
        if received.status == StatusCode::MOVED_PERMANENTLY || received.status == StatusCode::PERMANENT_REDIRECT {
            self.note(&format!("moved {what}"), Some(&format!("{what}: the repository was renamed, set its new name")));
        }
        Ok(target.into())
    }

    /// One write, after at least [`Settings::write_gap`] since the last. Never sent twice.
    pub async fn write(&self, method: Method, path: &str, body: &Value, what: &str) -> Result<Bytes, Failure> {
        let ask = Ask {
            method,
            url: self.address(path),
            body: Some(body),
            etag: None,
            what,
            caller: Caller::Person,
            resource: "core",
        };
        let received = self.exchange(&ask).await?;
        if received.status.is_redirection() {
            let says = format!(
                "GitHub '{}': the repository of {what} was renamed; nothing was sent on. Set its new name",
                self.backend()
            );
            return Err(Failure {
                status: Some(received.status.as_u16()),
                ..Failure::new(ErrorKind::Unexpected, says)
            });
        }
        self.expect_data(&received, what)?;
        Ok(received.body)
    }

    /// A POST that only reads: GraphQL.
    pub(super) async fn post(&self, url: &str, body: &Value, what: &str, caller: Caller) -> Result<Bytes, Failure> {
        let ask = Ask {
            method: Method::POST,
            url: url.to_owned(),
            body: Some(body),
            etag: None,
            what,
            caller,
            resource: "graphql",
        };
        let received = self.exchange(&ask).await?;
        if received.status.is_redirection() {
            self.redirect(&received, what)?;
            return Err(Failure::unreadable(self.backend(), what, "it redirects; is 'graphql' right?"));
        }
        self.expect_data(&received, what)?;
        Ok(received.body)
    }

    /// A limit that came as 200 (GraphQL).
    pub(super) fn limited(&self, resource: &str) -> Failure {
        let now = self.clock.now();
        let mut known = self.known();
        let offset = known.offset_ms.unwrap_or_default();
        let wait = known.limits.refused(&HeaderMap::new(), resource, now, offset);
        Failure::waiting(self.backend(), &wait)
    }

    /// The token may go to this address.
    pub(super) fn is_own_address(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| self.settings.is_own(&url))
    }

    /// Address of a path below the REST base; a whole address stays.
    pub(super) fn address(&self, path: &str) -> String {
        if path.starts_with("https://") || path.starts_with("http://") {
            return path.to_owned();
        }
        format!("{}{path}", self.settings.rest)
    }

    /// Follows the one redirect that leaves the host on purpose: a signed log address, valid for a minute. It gets no
    /// token, and is neither kept nor told to anybody.
    pub(super) async fn get_signed(&self, path: &str, what: &str) -> Result<reqwest::Response, Failure> {
        let host = self.backend();
        let ask = Ask {
            method: Method::GET,
            url: self.address(path),
            body: None,
            etag: None,
            what,
            caller: Caller::Person,
            resource: "core",
        };
        let mut response = self.begin(&ask).await?;
        let mut is_own_word = true;
        for _ in 0..=MAX_REDIRECTS {
            let status = response.status();
            if !status.is_redirection() {
                break;
            }
            let target = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let base = Url::parse(&self.settings.rest).ok();
            let target = target
                .and_then(|target| base?.join(target).ok())
                .filter(|target| matches!(target.scheme(), "https" | "http"))
                .ok_or_else(|| Failure::unreadable(host, what, "it redirects to no address"))?;
            let sent = tokio::time::timeout(self.settings.answer, self.bare.get(target).send()).await;
            response = sent
                .map_err(|_| Failure::timed_out(host, what, self.settings.answer.as_secs()))?
                .map_err(|error| Failure::transport(host, what, &error.without_url()))?;
            is_own_word = false;
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if !is_own_word || !matches!(status.as_u16(), 401 | 403 | 429) {
            return Err(failure::no_log(host, what, status));
        }
        let headers = response.headers().clone();
        let body = self.body(response, what).await.unwrap_or_default();
        Err(self.refusal(&Received { status, headers, body }, what, "core"))
    }

    /// Sends and takes the whole answer, whatever its status.
    async fn exchange(&self, ask: &Ask<'_>) -> Result<Received, Failure> {
        let _alone = self.gate.lock().await;
        self.wait_before_write(ask).await;
        let whole = async {
            let response = self.send(ask).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = self.body(response, ask.what).await?;
            Ok(Received { status, headers, body })
        };
        let received: Received = match tokio::time::timeout(self.settings.answer, whole).await {
            Ok(received) => received?,
            Err(_) => return Err(Failure::timed_out(self.backend(), ask.what, self.settings.answer.as_secs())),
        };
        self.take_in(&received.headers);
        Ok(received)
    }

    /// As [`Self::exchange`], but only to the end of the headers.
    async fn begin(&self, ask: &Ask<'_>) -> Result<reqwest::Response, Failure> {
        let _alone = self.gate.lock().await;
        let response = match tokio::time::timeout(self.settings.answer, self.send(ask)).await {
            Ok(response) => response?,
            Err(_) => return Err(Failure::timed_out(self.backend(), ask.what, self.settings.answer.as_secs())),
        };
        self.take_in(response.headers());
        Ok(response)
    }

    async fn wait_before_write(&self, ask: &Ask<'_>) {
        if ask.method == Method::GET || ask.resource == "graphql" {
            return;
        }
        let since = self.known().last_write.map(|last| self.clock.now().since(last));
        let gap = since.and_then(|since| self.settings.write_gap.checked_sub(since)).unwrap_or(Duration::ZERO);
        tokio::time::sleep(gap).await;
        self.known().last_write = Some(self.clock.now().mono);
    }

    async fn send(&self, ask: &Ask<'_>) -> Result<reqwest::Response, Failure> {
        let host = self.backend();
        let now = self.clock.now();
        {
            let known = self.known();
            let offset = known.offset_ms.unwrap_or_default();
            known.limits.check(ask.resource, ask.caller, now, offset).map_err(|wait| Failure::waiting(host, &wait))?;
        }
        let mut request = http::Request::builder().method(ask.method.clone()).uri(&ask.url);
        if let Some(etag) = &ask.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let body = match ask.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                body.to_string()
            }
            None => String::new(),
        };
        let unsendable = |why: String| Failure::unreadable(host, ask.what, &why).reached(Reached::Nothing);
        let request = request.body(body).map_err(|error| unsendable(error.to_string()))?;
        let response = self.api.execute(request).await.map_err(|error| Failure::transport(host, ask.what, &error))?;
        Ok(reqwest::Response::from(response.map(reqwest::Body::wrap)))
    }

    async fn body(&self, mut response: reqwest::Response, what: &str) -> Result<Bytes, Failure> {
        let host = self.backend();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| Failure::transport(host, what, &error))? {
            if body.len() + chunk.len() > self.settings.body_cap {
                let mib = self.settings.body_cap / 1024 / 1024;
                return Err(
                    Failure::unreadable(host, what, &format!("it is longer than {mib} MiB")).reached(Reached::Unknown)
                );
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// What every answer tells: budget, clock, version.
    fn take_in(&self, headers: &HeaderMap) {
        let now = self.clock.now().wall;
        let mut known = self.known();
        known.limits.note(headers);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(date) = text("date").and_then(http_date) {
            let offset = date.duration_since(now).as_millis();
            let offset = i64::try_from(offset).unwrap_or_default();
            if known.offset_ms.is_none_or(|old| (old - offset).abs() >= OFFSET_STEP_MS) {
                known.offset_ms = Some(offset);
            }
        }
        if let Some(version) = text("x-github-enterprise-version") {
            known.version = Some(Clean::line(version));
        }
        if text("x-github-sso").is_some_and(|sso| sso.contains("partial-results")) {
            known.notes.insert("sso".into(), "lists lack organisations the token is not authorised for (SSO)".into());
        }
    }

    fn expect_success(&self, received: &Received, what: &str) -> Result<(), Failure> {
        if received.status.is_success() {
            self.known().limits.relax();
            return Ok(());
        }
        Err(self.refusal(received, what, "core"))
    }

    /// Success, and JSON as far as can be seen from outside.
    fn expect_data(&self, received: &Received, what: &str) -> Result<(), Failure> {
        if is_web_page(received) {
            return Err(Failure::web_page(self.backend(), &self.settings.rest, received.status));
        }
        self.expect_success(received, what)
    }

    fn refusal(&self, received: &Received, what: &str, resource: &str) -> Failure {
        let Received { status, headers, body } = received;
        let message = failure::message(body);
        if failure::is_limit(*status, headers, &message) {
            let now = self.clock.now();
            let mut known = self.known();
            let offset = known.offset_ms.unwrap_or_default();
            let resource = headers.get("x-ratelimit-resource").and_then(|name| name.to_str().ok()).unwrap_or(resource);
            let wait = known.limits.refused(headers, resource, now, offset);
            let failure = Failure::waiting(self.backend(), &wait).reached(Reached::Answer);
            return Failure { status: Some(status.as_u16()), message, ..failure };
        }
        if is_web_page(received) {
            return Failure::web_page(self.backend(), &self.settings.rest, *status);
        }
        failure::refused(self.backend(), what, self.has_token, *status, headers, body)
    }
}

fn is_web_page(received: &Received) -> bool {
    let kind = received.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.contains("text/html") || received.body.trim_ascii_start().starts_with(b"<")
}

/// The `rel="next"` address of a `Link` header.
fn next_link(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|links| links.split(','))
        .find_map(|link| {
            let (address, rest) = link.split_once('>')?;
            let is_next =
                rest.split(';').any(|part| part.trim().trim_start_matches("rel=").trim_matches('"') == "next");
            is_next.then(|| address.trim().trim_start_matches('<').to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_any_link_header() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::LINK,
            HeaderValue::from_static("<https://h/a?page=1>; rel=\"prev\", <https://h/a?page=3>; rel=\"next\""),
        );
        assert_eq!(next_link(&headers).as_deref(), Some("https://h/a?page=3"));
        headers.insert(header::LINK, HeaderValue::from_static("<https://h/a?page=1>; rel=\"last\""));
        assert_eq!(next_link(&headers), None);
    }
}
