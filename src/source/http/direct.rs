//! The transport over the network: reqwest with deadlines, a bounded body, a private CA, and no redirects to elsewhere.

use std::{error::Error as _, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use url::{Host, Url};

use super::{MAX_BODY, Transport, cause, judge};
use crate::{
    config::file::{Timeouts, Tls},
    secret::mask,
    source::{ErrorKind, SourceError},
};

/// Most redirects followed on one host.
const MAX_HOPS: usize = 5;

/// How long and how much. None is infinite.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// Without a byte: between two pieces of a body, and before a GET's first.
    pub idle: Duration,
    /// A whole answer; also before a POST's first byte, which makes the server work.
    pub answer: Duration,
    /// Bytes of a body, after decompression.
    pub body: usize,
}

impl From<Timeouts> for Limits {
    fn from(timeouts: Timeouts) -> Self {
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds.max(1)));
        Self {
            connect: seconds(timeouts.connect),
            idle: seconds(timeouts.idle),
            answer: seconds(timeouts.answer),
            body: MAX_BODY,
        }
    }
}

/// A server reached over the network (or a proxy that the environment names; never for loopback).
pub struct Direct {
    who: String,
    base: Url,
    server: String,
    client: reqwest::Client,
    limits: Limits,
}

impl Direct {
    /// Reads the CA file; connects to nothing. Fails with words when the URL, the CA file or the TLS set-up is unusable.
    pub fn new(who: &str, url: &str, tls: &Tls, limits: Limits) -> Result<Self, SourceError> {
        let fail = |what: String| SourceError::new(ErrorKind::Unreachable, format!("{who} {what}"));
        let mut base =
            Url::parse(url).map_err(|error| fail(format!("has an unusable `url` '{}': {error}", mask(url))))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(fail(format!("has an unusable `url` '{}': it must begin with http:// or https://", mask(url))));
        }
        // Who we are is said by headers; a password in the URL would end up in error messages.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        base.set_query(None);
        base.set_fragment(None);
        let server = base.as_str().trim_end_matches('/').to_owned();

        // No provider is set by a library; an earlier one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // Writes go this way, too: no layer below sends one again.
            .retry(reqwest::retry::never())
            .connect_timeout(limits.connect)
            .timeout(limits.answer)
            .pool_idle_timeout(Duration::from_mins(1))
            .tls_danger_accept_invalid_certs(tls.insecure);
        if is_loopback(&base) {
            client = client.no_proxy();
        }
        if let Some(path) = &tls.ca_file {
            let shown = path.display();
            let pem =
                std::fs::read(path).map_err(|error| fail(format!("cannot use its `ca_file` '{shown}': {error}")))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| fail(format!("cannot use its `ca_file` '{shown}': {error}")))?;
            if authorities.is_empty() {
                return Err(fail(format!("cannot use its `ca_file` '{shown}': no certificate in it")));
            }
            client = client.tls_certs_merge(authorities);
        }
        let client = client.build().map_err(|error| {
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            fail(format!("has no usable HTTP client: {why}"))
        })?;
        Ok(Self { who: who.to_owned(), base, server, client, limits })
    }

    fn error(&self, kind: ErrorKind, what: &str) -> SourceError {
        SourceError::new(kind, format!("{} {what}", self.who))
    }

    /// Base and path joined; the base's own path stays.
    fn target(&self, path: &http::Uri) -> Result<Url, SourceError> {
        let below = path.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        Url::parse(&format!("{}{below}", self.server))
            .map_err(|_| self.error(ErrorKind::Bug, &format!("has no address for '{}'", judge::bare(below))))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, SourceError> {
        let (head, body) = request.into_parts();
        let mut target = self.target(&head.uri)?;
        let path = judge::bare(head.uri.path()).to_owned();
        let patience = if head.method == Method::GET { self.limits.idle } else { self.limits.answer };
        for hop in 0.. {
            let sending = self
                .client
                .request(head.method.clone(), target.clone())
                .headers(head.headers.clone())
                .body(body.clone())
                .send();
            let answer = tokio::time::timeout(self.limits.connect + patience, sending)
                .await
                .map_err(|_| self.silent(&path, patience))?
                .map_err(|error| self.unreached(&error, &path))?;
            match self.followed(&head.method, &answer) {
                Some(next) if hop < MAX_HOPS => target = next,
                _ => return self.read(answer, &path).await,
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// Where a redirect leads, if it may be followed: a GET, on the same origin, and not to a login page.
    fn followed(&self, method: &Method, answer: &reqwest::Response) -> Option<Url> {
        let moved = matches!(
            answer.status(),
            StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT
        );
        if !moved || method != Method::GET {
            return None;
        }
        let next = answer.url().join(answer.headers().get(header::LOCATION)?.to_str().ok()?).ok()?;
        (next.origin() == self.base.origin() && !next.path().contains("login")).then_some(next)
    }

    async fn read(&self, mut answer: reqwest::Response, path: &str) -> Result<Response<Bytes>, SourceError> {
        let limit = self.limits.body;
        let too_big = || {
            self.error(
                ErrorKind::Unexpected,
                &format!("sent more than {} MiB for '{path}': given up", limit.div_ceil(1024 * 1024)),
            )
        };
        if answer.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_big());
        }
        let mut body = BytesMut::new();
        loop {
            let piece = tokio::time::timeout(self.limits.idle, answer.chunk())
                .await
                .map_err(|_| {
                    let seconds = self.limits.idle.as_secs_f32();
                    self.error(
                        ErrorKind::TimedOut,
                        &format!("stopped in the middle of its answer for '{path}' ({seconds} s without a byte)"),
                    )
                })?
                .map_err(|error| self.broken(&error, path))?;
            let Some(piece) = piece else { break };
            if body.len() + piece.len() > limit {
                return Err(too_big());
            }
            body.extend_from_slice(&piece);
        }
        let mut whole = Response::new(body.freeze());
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(whole)
    }

    fn silent(&self, path: &str, patience: Duration) -> SourceError {
        let seconds = patience.as_secs_f32();
        self.error(ErrorKind::TimedOut, &format!("did not answer '{path}' within {seconds} s ({})", self.server))
    }

    fn unreached(&self, error: &reqwest::Error, path: &str) -> SourceError {
        let (kind, why) = cause::cause(error);
        if kind == ErrorKind::TimedOut && !error.is_connect() {
            return self.silent(path, self.limits.answer);
        }
        self.error(kind, &format!("does not answer: {why} ({})", self.server))
    }

    fn broken(&self, error: &reqwest::Error, path: &str) -> SourceError {
        if error.is_timeout() {
            let seconds = self.limits.answer.as_secs_f32();
            return self.error(ErrorKind::TimedOut, &format!("took more than {seconds} s to answer '{path}'"));
        }
        let (kind, why) = cause::cause(error);
        self.error(kind, &format!("broke off its answer for '{path}': {why}"))
    }
}

impl Transport for Direct {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, SourceError>> {
        Box::pin(self.exchange(request))
    }

    fn server(&self) -> &str {
        &self.server
    }
}

/// On this computer.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
