//! Whether an answer is what was asked for, and if not, why, in words for a woken person.

use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::{Http, Reply};
use crate::{
    secret::mask,
    source::{ErrorKind, SourceError},
};

/// Longest piece of a server's own words that is repeated.
const MAX_SAID: usize = 300;
/// Most bytes of plain text that its first line is looked for in.
const MAX_READ: usize = 16 * 1024;

impl Http {
    /// Refuses everything but a 2xx that is no login page.
    pub fn judge(&self, path: &str, reply: &Reply) -> Result<(), SourceError> {
        let path = bare(path);
        let said = reply.said().map(|said| format!(": {said}")).unwrap_or_default();
        let status = reply.status;
        if reply.is_login_page() {
            return Err(self.error(
                ErrorKind::Auth,
                &format!("sent a login page instead of '{path}' ({}): {}", status.as_u16(), self.remedy),
            ));
        }
        let fail = |kind, what: String| Err(self.error(kind, &what).retry_at(self.retry_at(reply)));
        match status {
            _ if status.is_success() => Ok(()),
            _ if status.is_redirection() => {
                let to = reply.header("location").map_or("elsewhere", bare);
                fail(
                    ErrorKind::Unexpected,
                    format!(
                        "redirects '{path}' to '{}' ({}), which is not followed: is its `url` right?",
                        mask(to),
                        status.as_u16()
                    ),
                )
            }
            StatusCode::UNAUTHORIZED => {
                fail(ErrorKind::Auth, format!("refused who we are (401) for '{path}'{said}: {}", self.remedy))
            }
            StatusCode::FORBIDDEN => {
                fail(ErrorKind::Auth, format!("does not allow '{path}' (403){said}: its token lacks the right"))
            }
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                fail(ErrorKind::Auth, format!("is behind a proxy that wants a login (407) for '{path}'"))
            }
            StatusCode::TOO_MANY_REQUESTS => {
                fail(ErrorKind::Throttled, format!("has been asked too often (429) for '{path}'{said}"))
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
                fail(ErrorKind::TimedOut, format!("ran out of time ({}) for '{path}'{said}", status.as_u16()))
            }
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => fail(
                ErrorKind::Unreachable,
                format!("is not available behind its proxy ({}) for '{path}'{said}", status.as_u16()),
            ),
            StatusCode::NOT_FOUND => {
                fail(ErrorKind::Unexpected, format!("has no '{path}' (404){said}: is its `url` right?"))
            }
            _ => fail(ErrorKind::Unexpected, format!("answered {} for '{path}'{said}", status.as_u16())),
        }
    }

    /// Reads the body as JSON. The error names the path and the place, never the body.
    pub fn decode<T: DeserializeOwned>(&self, path: &str, reply: &Reply) -> Result<T, SourceError> {
        serde_json::from_slice(&reply.body).map_err(|error| {
            let path = bare(path);
            if reply.is_html() {
                return self.error(
                    ErrorKind::Unexpected,
                    &format!("sent a web page instead of JSON for '{path}': is its `url` right?"),
                );
            }
            let place = format!("line {}, column {}", error.line(), error.column());
            let what = match error.classify() {
                serde_json::error::Category::Eof => "was cut off",
                serde_json::error::Category::Data => "has an unexpected shape",
                _ => "is not JSON",
            };
            self.error(ErrorKind::Unexpected, &format!("sent an answer for '{path}' that {what} at {place}"))
        })
    }

    fn retry_at(&self, reply: &Reply) -> Option<Timestamp> {
        let value = reply.header("retry-after")?;
        match value.trim().parse::<i64>() {
            Ok(seconds) => {
                self.clock.now().wall.checked_add(SignedDuration::from_secs(seconds.clamp(0, 24 * 3600))).ok()
            }
            Err(_) => http_date(value),
        }
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn is_html(&self) -> bool {
        let named = self.header(header::CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("html"));
        let start = String::from_utf8_lossy(&self.body[..self.body.len().min(64)]).trim_start().to_ascii_lowercase();
        named && !start.starts_with(['{', '[']) || start.starts_with("<!doctype html") || start.starts_with("<html")
    }

    /// What single sign-on in front of a server does instead of saying 401.
    fn is_login_page(&self) -> bool {
        let words = ["login", "signin", "sign_in", "sign-in", "oauth", "saml", "sso", "authorize", "accounts."];
        if self.status.is_redirection() {
            let to = self.header("location").unwrap_or_default().to_ascii_lowercase();
            return words.iter().any(|word| to.contains(word));
        }
        if !self.status.is_success() || !self.is_html() {
            return false;
        }
        let page = String::from_utf8_lossy(&self.body[..self.body.len().min(64 * 1024)]).to_ascii_lowercase();
        page.contains("type=\"password\"")
            || page.contains("log in")
            || page.contains("sign in")
            || words[..4].iter().any(|word| page.contains(word))
    }

    /// The server's own words about a failure: Grafana's `message`, Prometheus' `error`, Alertmanager's bare JSON
    /// string, a registry's first of its `errors`, or the first line of plain text. Cut and masked.
    pub fn said(&self) -> Option<String> {
        if self.status.is_success() || self.is_html() {
            return None;
        }
        let text = match serde_json::from_slice::<serde_json::Value>(&self.body) {
            Ok(serde_json::Value::String(text)) => text,
            Ok(value) => ["/message", "/error", "/msg", "/errors/0/message"]
                .iter()
                .find_map(|at| value.pointer(at)?.as_str())?
                .to_owned(),
            Err(_) => String::from_utf8_lossy(&self.body[..self.body.len().min(MAX_READ)]).into_owned(),
        };
        let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        // Masked before it is cut: half a token is not known for one.
        Some(mask(line).chars().take(MAX_SAID).collect())
    }
}

/// A path without its query: queries are long, and may hold what nobody wants to read at night.
pub fn bare(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or(path)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}
