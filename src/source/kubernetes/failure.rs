//! What can go wrong between us and an API server, as code and reason for the program and as a sentence for people.

use std::{error::Error as StdError, io, time::Duration};

use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    source::{ErrorKind, SourceError},
    text::Clean,
};

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Never left us: nothing can have changed.
    NotSent,
    /// Sent, and no whole answer: it may have been carried out.
    Unknown,
    /// The server answered.
    Answered,
}

/// A request without the wanted answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// HTTP status, or the code of a `Status` object inside a watch.
    pub code: Option<u16>,
    /// `metav1.Status.reason`: `Forbidden`, `Expired`, `Conflict`, …; empty if there was none.
    pub reason: Clean,
    /// `metav1.Status.message`, verbatim; of another body its first line.
    pub message: Clean,
    /// `metav1.Status.details.causes[]`: reason and message.
    pub causes: Vec<(Clean, Clean)>,
    pub reached: Reached,
    /// The same for people.
    pub error: SourceError,
}

impl From<Failure> for SourceError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl Failure {
    /// Of our own making: nothing was answered.
    pub fn own(kind: ErrorKind, reached: Reached, says: impl AsRef<str>) -> Self {
        Self {
            code: None,
            reason: Clean::default(),
            message: Clean::default(),
            causes: Vec::new(),
            reached,
            error: SourceError::new(kind, says),
        }
    }

    pub fn is(&self, code: u16) -> bool {
        self.code == Some(code)
    }

    /// History is gone: list again.
    pub fn is_expired(&self) -> bool {
        self.is(410)
    }
}

/// `metav1.Status`, as far as it is used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub message: Option<String>,
    pub reason: Option<String>,
    pub code: Option<u16>,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    causes: Option<Vec<Cause>>,
    retry_after_seconds: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: Option<String>,
    message: Option<String>,
}

/// Whether a body is the API server's own word, not that of something behind it.
pub(super) fn is_status(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Kind {
        kind: String,
        api_version: String,
    }
    serde_json::from_slice::<Kind>(body).is_ok_and(|of| of.kind == "Status" && of.api_version == "v1")
}

/// An HTTP answer that is no success.
pub(super) fn refused(
    cluster: &str,
    what: &str,
    code: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Failure {
    let status: Option<Status> = serde_json::from_slice(body).ok().filter(|status: &Status| status.message.is_some());
    let mut failure = from_status(cluster, what, code, status, body);
    let header = headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    if let Some(at) = header.and_then(|value| retry_after(value, now)) {
        failure.error.retry_at = Some(at);
    } else if let Some(seconds) = failure.error.retry_at.take() {
        // `from_status` has no clock: it counts from the epoch
        failure.error.retry_at = now.checked_add(seconds.duration_since(Timestamp::UNIX_EPOCH)).ok();
    }
    failure
}

/// A `Status` object inside a watch.
pub(super) fn in_watch(cluster: &str, what: &str, status: Status) -> Failure {
    let code = status.code.unwrap_or(500);
    let mut failure = from_status(cluster, what, code, Some(status), b"");
    failure.error.retry_at = None;
    failure
}

fn from_status(cluster: &str, what: &str, code: u16, status: Option<Status>, body: &[u8]) -> Failure {
    let is_kubernetes = status.is_some();
    let status = status.unwrap_or_else(|| Status { message: Some(first_line(body)), ..Status::default() });
    let details = status.details.unwrap_or_default();
    let message = Clean::line(&crate::secret::mask(status.message.as_deref().unwrap_or_default()));
    let of = |kind, says: String| SourceError::new(kind, says);
    let text = if message.is_empty() { String::new() } else { format!(": {message}") };
    let mut error = match code {
        401 => of(ErrorKind::Auth, format!("Kubernetes '{cluster}' does not accept the login (401): log in again.")),
        403 if is_kubernetes => of(ErrorKind::Auth, format!("Kubernetes '{cluster}' forbids it (403){text}")),
        403 => of(ErrorKind::Auth, format!("Something before Kubernetes '{cluster}' refused {what} (403){text}")),
        404 => of(ErrorKind::Unexpected, format!("Kubernetes '{cluster}' has no {what} (404){text}")),
        429 => of(ErrorKind::Throttled, format!("Kubernetes '{cluster}' asks to slow down (429){text}")),
        410 => of(ErrorKind::Unexpected, format!("Kubernetes '{cluster}': the history of {what} is gone (410).")),
        500..=599 => of(ErrorKind::Unexpected, format!("Kubernetes '{cluster}' failed on {what} ({code}){text}")),
        _ => of(ErrorKind::Unexpected, format!("Kubernetes '{cluster}' refused {what} ({code}){text}")),
    };
    // relative; `refused` makes it a time
    error.retry_at = details.retry_after_seconds.filter(|s| *s > 0).and_then(|s| Timestamp::from_second(s).ok());
    let clean = |text: Option<String>| Clean::line(&text.unwrap_or_default());
    Failure {
        code: Some(code),
        reason: clean(status.reason),
        message,
        causes: details.causes.into_iter().flatten().map(|c| (clean(c.reason), clean(c.message))).collect(),
        reached: Reached::Answered,
        error,
    }
}

/// No whole answer: the real cause lies deep in the chain of sources. `proxy`: the one on the way.
pub(super) fn broken(cluster: &str, place: &str, proxy: Option<&str>, error: &(dyn StdError + 'static)) -> Failure {
    let mut chain = Vec::new();
    let mut next = Some(error);
    let mut timed_out = false;
    while let Some(link) = next {
        timed_out |= link.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::TimedOut);
        chain.push(link.to_string());
        next = link.source();
    }
    let connecting = chain.iter().any(|text| text.contains("(Connect)"));
    let reached = if connecting { Reached::NotSent } else { Reached::Unknown };
    if timed_out {
        return Failure::own(
            ErrorKind::TimedOut,
            reached,
            format!("Kubernetes '{cluster}' cannot be reached in time ({place}): is the VPN up?"),
        );
    }
    let cause = chain.last().map(|text| readable(text)).unwrap_or_default();
    if let Some(proxy) = proxy.filter(|_| chain.iter().any(|text| text.contains(NO_PROXY))) {
        // A SOCKS error names no source: what it was stands only in its own form.
        let why = if cause.contains(NO_PROXY) { hidden(&format!("{error:?}")).to_owned() } else { cause };
        let says = format!("Kubernetes '{cluster}' is not reached: the proxy {proxy} does not answer: {why}.");
        return Failure::own(ErrorKind::Unreachable, reached, says);
    }
    let says = if cause.contains("certificate") {
        format!("The certificate of Kubernetes '{cluster}' is not trusted: {cause} ({place}).")
    } else {
        format!("Kubernetes '{cluster}' does not answer: {cause} ({place}).")
    };
    Failure::own(ErrorKind::Unreachable, reached, says)
}

/// What hyper-util says where no connection to a proxy stands.
const NO_PROXY: &str = "failed to create underlying connection";

/// The cause that an error's own form names.
fn hidden(form: &str) -> &'static str {
    let known = [
        ("ConnectionRefused", "connection refused"),
        ("HostUnreachable", "no route to the host"),
        ("NetworkUnreachable", "the network is unreachable"),
        ("TimedOut", "no answer in time"),
        ("dns error", "its name cannot be resolved"),
    ];
    known.into_iter().find(|(word, _)| form.contains(word)).map_or("no connection to it", |(_, says)| says)
}

/// `Connection refused (os error 111)` → `connection refused`; `SOCKS error` stays.
fn readable(text: &str) -> String {
    let text = text.split(" (os error").next().unwrap_or(text).trim_end_matches('.');
    if text.chars().nth(1).is_some_and(char::is_uppercase) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    let first = letters.next().map(char::to_lowercase).into_iter().flatten();
    first.chain(letters).collect()
}

fn first_line(body: &[u8]) -> String {
    const SHOWN: usize = 200;
    const READ: usize = 16 * 1024;
    let text = String::from_utf8_lossy(&body[..body.len().min(READ)]);
    if text.trim_start().starts_with('<') {
        return "a web page, not the API".to_owned();
    }
    // masked before it is cut: half a token is not known for one
    crate::text::truncate(&crate::secret::mask(text.lines().next().unwrap_or_default()), SHOWN, "…")
}

/// `Retry-After` in seconds or as an HTTP date.
fn retry_after(value: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(seconds) = value.trim().parse::<u32>() {
        return now.checked_add(Duration::from_secs(seconds.into())).ok();
    }
    http_date(value)
}

/// An HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(value: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(value.trim()).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_begins_small_unless_with_an_acronym() {
        for (text, expected) in [
            ("Connection refused (os error 111)", "connection refused"),
            ("SOCKS error: host unreachable", "SOCKS error: host unreachable"),
            ("", ""),
        ] {
            assert_eq!(readable(text), expected);
        }
    }
}
