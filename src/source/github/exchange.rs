//! One request and its answer: sent alone, within the budget and the deadlines, and read with a cap.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::{
    client::{Caller, Client},
    failure::{self, Failure, Reached},
    limits::http_date,
};
use crate::text::Clean;

/// Redirects that are followed.
pub(super) const MAX_REDIRECTS: u8 = 3;

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

impl Client {
    /// Follows the one redirect that leaves the host on purpose: a signed log address, valid for a minute. It gets no
    /// token, and is neither kept nor told to anybody.
    pub(super) async fn get_signed(&self, path: &str, what: &str) -> Result<reqwest::Response, Failure> {
        let host = self.backend();
        let ask = |url: String| Ask {
            method: Method::GET,
            url,
            body: None,
            etag: None,
            what,
            caller: Caller::Person,
            resource: "core",
        };
        let mut response = self.begin(&ask(self.address(path))).await?;
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
            let is_renamed = matches!(status.as_u16(), 301 | 307 | 308);
            if is_own_word && is_renamed && self.settings.is_own(&target) {
                response = self.begin(&ask(target.into())).await?;
                continue;
            }
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
    pub(super) async fn exchange(&self, ask: &Ask<'_>) -> Result<Received, Failure> {
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
            let offset = known.offset_ms(now);
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
        let now = self.clock.now();
        let mut known = self.known();
        known.limits.note(headers);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(date) = text("date").and_then(http_date) {
            known.clock.note(date, now);
        }
        if let Some(version) = text("x-github-enterprise-version") {
            known.version = Some(Clean::line(version));
        }
        if text("x-github-sso").is_some_and(|sso| sso.contains("partial-results")) {
            known.notes.insert("sso".into(), "lists lack organisations the token is not authorised for (SSO)".into());
        }
    }

    pub(super) fn expect_success(&self, received: &Received, what: &str) -> Result<(), Failure> {
        if received.status.is_success() {
            self.known().limits.relax();
            return Ok(());
        }
        Err(self.refusal(received, what, "core"))
    }

    /// Success, and JSON as far as can be seen from outside.
    pub(super) fn expect_data(&self, received: &Received, what: &str) -> Result<(), Failure> {
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
            let offset = known.offset_ms(now);
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
