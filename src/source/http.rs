//! The one HTTP client of the JSON backends: what is asked, by which transport, and how answers are judged. Kubernetes
//! and GitHub have clients of their own and share only [`cause`].

pub mod cause;
mod direct;
#[cfg(test)]
pub mod fake;
mod judge;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::Engine as _;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use super::{ErrorKind, SourceError};
use crate::{
    secret::{self, Secret},
    time::{Clock, Skew, SkewMeter},
};

pub use direct::{Direct, Limits, is_loopback};
pub use judge::bare;

/// Largest body taken, in bytes.
pub const MAX_BODY: usize = 32 * 1024 * 1024;

/// Carries one request to a server and brings its whole answer, bounded in size and time. Failing statuses are answers,
/// not errors. Redirects across hosts are not followed.
pub trait Transport: Send + Sync {
    /// The request's URI is a path and query (`/api/v2/alerts?active=true`) below the server's base.
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, SourceError>>;
    /// Where it goes, for people: `http://127.0.0.1:9093`, `prod-eu1/monitoring/alertmanager:9093`.
    fn server(&self) -> &str;
}

/// How a client proves who it is.
#[derive(Debug)]
pub enum Auth {
    None,
    Bearer(Secret),
    Basic { user: String, password: Secret },
}

impl Auth {
    /// A token alone is a bearer token; with a user it is that user's password.
    pub fn new(user: Option<String>, token: Option<Secret>) -> Self {
        match (user, token) {
            (Some(user), Some(password)) => Self::Basic { user, password },
            (None, Some(token)) => Self::Bearer(token),
            (_, None) => Self::None,
        }
    }

    fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::None => return None,
            Self::Bearer(token) => {
                secret::sent(token.expose());
                format!("Bearer {}", token.expose())
            }
            Self::Basic { user, password } => {
                let pair = format!("{user}:{}", password.expose());
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                secret::sent(password.expose());
                secret::sent(&encoded);
                format!("Basic {encoded}")
            }
        };
        // A token with a line break or the like cannot be sent at all; the server then says 401.
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A JSON API over some transport: identity, headers, judgement of answers, and the server's clock.
pub struct Http {
    /// `Grafana 'main'`
    who: String,
    /// What to do about a refused token: "set `token` of this `[[grafana]]`".
    remedy: String,
    transport: Arc<dyn Transport>,
    headers: HeaderMap,
    clock: Arc<dyn Clock>,
    meter: Mutex<SkewMeter>,
}

impl Http {
    pub fn new(who: &str, transport: Arc<dyn Transport>, auth: &Auth, clock: Arc<dyn Clock>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("midwatch/", env!("CARGO_PKG_VERSION"))));
        if let Some(value) = auth.header() {
            headers.insert(header::AUTHORIZATION, value);
        }
        Self {
            who: who.to_owned(),
            remedy: "check its `token` in the configuration".to_owned(),
            transport,
            headers,
            clock,
            meter: Mutex::default(),
        }
    }

    /// What a person should do when the token is refused.
    #[must_use]
    pub fn remedy(mut self, remedy: &str) -> Self {
        remedy.clone_into(&mut self.remedy);
        self
    }

    /// A header sent with every request. A value that no header can hold is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// `Grafana 'main'`
    pub fn who(&self) -> &str {
        &self.who
    }

    pub fn server(&self) -> &str {
        self.transport.server()
    }

    /// The server's clock beside ours; `None` before the first answer.
    pub fn skew(&self) -> Option<Skew> {
        self.meter().skew()
    }

    /// Its clock should be read again so soon.
    pub fn soon(&self) -> Option<Duration> {
        self.meter().soon()
    }

    fn meter(&self) -> MutexGuard<'_, SkewMeter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's clock minus ours in milliseconds, ±0.5 s; 0 as long as it is not known to differ.
    pub fn ahead_ms(&self) -> i64 {
        let now = self.clock.now();
        // Up to a second's difference is the header's own rounding.
        self.skew().map(|skew| skew.offset_ms(now)).filter(|offset| offset.abs() > 1000).unwrap_or(0)
    }

    /// Now, by the server's clock as far as it is known.
    pub fn server_now(&self) -> Timestamp {
        let now = self.clock.now().wall;
        now.checked_add(SignedDuration::from_millis(self.ahead_ms())).unwrap_or(now)
    }

    /// Sends and brings the answer whatever its status. `path` may carry a query.
    pub async fn send(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Reply, SourceError> {
        self.send_with(method, path, body, HeaderMap::new()).await
    }

    /// As [`Self::send`], with headers of this request alone, which win over those of all.
    pub async fn send_with(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        headers: HeaderMap,
    ) -> Result<Reply, SourceError> {
        let has_body = body.is_some();
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .body(body.unwrap_or_default())
            .map_err(|_| self.error(ErrorKind::Bug, &format!("cannot be asked for '{path}': not a valid path")))?;
        *request.headers_mut() = self.headers.clone();
        if has_body {
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request.headers_mut().extend(headers);
        let (head, body) = self.transport.send(request).await?.into_parts();
        let reply = Reply { status: head.status, headers: head.headers, body };
        self.note_clock(&reply);
        Ok(reply)
    }

    /// The answer of a GET, which must be 2xx and JSON.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, SourceError> {
        let reply = self.send(Method::GET, path, None).await?;
        self.judge(path, &reply)?;
        self.decode(path, &reply)
    }

    /// The answer of a POST, which must be 2xx and JSON.
    pub async fn post_json<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, SourceError> {
        let reply = self.send(Method::POST, path, Some(self.encode(body)?)).await?;
        self.judge(path, &reply)?;
        self.decode(path, &reply)
    }

    pub fn encode(&self, body: &impl Serialize) -> Result<Bytes, SourceError> {
        serde_json::to_vec(body).map(Bytes::from).map_err(|error| self.error(ErrorKind::Bug, &error.to_string()))
    }

    /// An error that begins with who it is about.
    pub fn error(&self, kind: ErrorKind, what: &str) -> SourceError {
        SourceError::new(kind, format!("{} {what}", self.who))
    }

    fn note_clock(&self, reply: &Reply) {
        let Some(theirs) = reply.headers.get(header::DATE).and_then(|date| judge::http_date(date.to_str().ok()?))
        else {
            return;
        };
        self.meter().note(theirs, self.clock.now());
    }
}
