//! The connection to one GitHub host: octocrab's request stack without its redirects, retries and unbounded cache.
//!
//! Requests go one after another (GitHub's best practices ask for it), with ETags, within the request budget.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use bytes::Bytes;
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
    exchange::{Ask, MAX_REDIRECTS, Received},
    failure::Failure,
    limits::Limits,
    settings::Settings,
};
use crate::{
    model::{BackendId, BackendInfo},
    secret::{self, Secret},
    source::{ErrorKind, Fact, SourceError},
    text::Clean,
    time::{Clock, Now, SkewMeter},
};

const JSON: &str = "application/vnd.github+json";
const API_VERSION: &str = "2022-11-28";

/// One GitHub host with one token.
pub struct Client {
    pub(super) settings: Settings,
    pub(super) api: Octocrab,
    /// Without the token: for signed addresses on other hosts.
    pub(super) bare: reqwest::Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) has_token: bool,
    /// Held while a request runs.
    pub(super) gate: tokio::sync::Mutex<()>,
    pub(super) known: Mutex<Known>,
}

/// What answers have told so far.
#[derive(Default)]
pub(super) struct Known {
    pub cache: Cache,
    pub limits: Limits,
    pub last_write: Option<Instant>,
    pub clock: SkewMeter,
    pub login: Option<Clean>,
    pub version: Option<Clean>,
    /// By topic, so that a note can be taken back.
    pub notes: BTreeMap<String, Clean>,
    pub checks_unreadable: bool,
}

impl Known {
    /// The server's time minus ours.
    pub fn offset_ms(&self, now: Now) -> i64 {
        self.clock.skew().map_or(0, |skew| skew.offset_ms(now))
    }
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
            // What runs on this computer is not behind a proxy: the demo.
            let place = Url::parse(&settings.rest).ok().and_then(|url| url.host_str().map(str::to_owned));
            if matches!(place.as_deref(), Some("localhost" | "127.0.0.1" | "[::1]")) {
                builder = builder.no_proxy();
            }
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
                secret::sent(token.expose());
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
        let built = OctocrabBuilder::new_empty()
            .with_service(ReqwestConnector::new(http(&settings)?))
            .with_layer(&ExtraHeadersLayer::new(Arc::new(own_headers)))
            .with_layer(&AuthHeaderLayer::new(authorization, base, graphql))
            .with_auth(AuthState::None)
            .build();
        let api = match built {
            Ok(api) => api,
            Err(never) => match never {},
        };
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
        let now = self.clock.now();
        self.known().clock.skew().map_or(now.wall, |skew| skew.time(now))
    }

    /// What the host is, and the budget left: the facts that end every batch.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let known = self.known();
        let info = BackendInfo {
            version: known.version.clone(),
            identity: known.login.clone(),
            cluster_id: None,
            clock: known.clock.skew(),
            server: Url::parse(&self.settings.rest).ok().and_then(|url| url.host_str().map(Clean::line)),
            notes: known.notes.values().cloned().collect(),
            endings: None,
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

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
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
            self.note("moved", Some(&format!("{what}: the repository was renamed, set its new name")));
        }
        Ok(target.into())
    }

    /// One write, after at least [`Settings::write_gap`] since the last. Never sent twice.
    pub async fn write(&self, method: Method, path: &str, body: &Value, what: &str) -> Result<Bytes, Failure> {
        let ask = Ask {
            method,
            url: self.address(path),
            body: Some(body).filter(|body| !body.is_null()),
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
        let offset = known.offset_ms(now);
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
