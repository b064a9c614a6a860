//! Why a request to GitHub has no answer, in words for people. A 403 is one of four things: its headers say which.

use std::error::Error;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::limits::Wait;
use crate::{
    model::BackendId,
    secret,
    source::{ErrorKind, SourceError, http::cause::cause},
};

/// How far a request came, which decides whether a write may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Never left this computer, or no connection was made.
    Nothing,
    /// Sent, and no usable answer came back.
    Unknown,
    /// The server answered.
    Answer,
}

/// A request that failed, with what a write must know beside the words.
#[derive(Clone, Debug)]
pub struct Failure {
    pub error: Box<SourceError>,
    pub status: Option<u16>,
    /// The server's own words, cleaned.
    pub message: String,
    pub reached: Reached,
}

impl Failure {
    pub fn new(kind: ErrorKind, says: impl AsRef<str>) -> Self {
        Self {
            error: Box::new(SourceError::new(kind, says)),
            status: None,
            message: String::new(),
            reached: Reached::Answer,
        }
    }

    #[must_use]
    pub fn reached(self, reached: Reached) -> Self {
        Self { reached, ..self }
    }

    pub fn into_error(self) -> SourceError {
        *self.error
    }

    /// Other repositories of the host would fail alike: asking on is of no use.
    pub fn is_host_wide(&self) -> bool {
        self.status == Some(401)
            || matches!(self.error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut | ErrorKind::Throttled)
    }

    pub fn waiting(host: &BackendId, wait: &Wait) -> Self {
        let mut failure =
            Self::new(ErrorKind::Throttled, format!("GitHub '{host}': {}", wait.why)).reached(Reached::Nothing);
        failure.error.retry_at = Some(wait.until);
        failure
    }

    pub fn timed_out(host: &BackendId, what: &str, seconds: u64) -> Self {
        Self::new(ErrorKind::TimedOut, format!("GitHub '{host}' did not answer for {what} within {seconds} s"))
            .reached(Reached::Unknown)
    }

    /// No answer, or it broke off.
    pub fn transport(host: &BackendId, what: &str, error: &(dyn Error + 'static)) -> Self {
        let (cause, http) = root(error);
        let is_connect = http.is_some_and(reqwest::Error::is_connect);
        let reached = if is_connect { Reached::Nothing } else { Reached::Unknown };
        let (kind, says) = if http.is_some_and(reqwest::Error::is_timeout) {
            let doing = if is_connect { "could not be connected to in time" } else { "went silent" };
            (ErrorKind::TimedOut, format!("GitHub '{host}' {doing} ({what})"))
        } else if http.is_some_and(|error| error.is_body() || error.is_decode()) {
            (
                ErrorKind::Unexpected,
                format!("GitHub '{host}' broke off in the middle of its answer for {what}: {cause}"),
            )
        } else {
            (ErrorKind::Unreachable, format!("GitHub '{host}' does not answer: {cause}"))
        };
        Self::new(kind, says).reached(reached)
    }

    /// It answered, but not with what the API promises.
    pub fn unreadable(host: &BackendId, what: &str, why: &str) -> Self {
        Self::new(ErrorKind::Unexpected, format!("GitHub '{host}' sent for {what} what cannot be read: {why}"))
    }

    pub fn web_page(host: &BackendId, rest: &str, status: StatusCode) -> Self {
        let (kind, why) = if status.is_server_error() {
            (ErrorKind::Unexpected, "it is probably failing; it is asked again")
        } else {
            (ErrorKind::Auth, "a proxy or a login page stands before it, or 'url' is not the API")
        };
        let code = status.as_u16();
        // Whether what stands before GitHub let a write pass is not known.
        let reached = if status.is_client_error() { Reached::Answer } else { Reached::Unknown };
        Self {
            status: Some(code),
            reached,
            ..Self::new(
                kind,
                format!("GitHub '{host}' answered with a web page (HTTP {code}) instead of data: {why} ('{rest}')"),
            )
        }
    }
}

/// The cause in words, and the HTTP client's error on the way to it.
fn root<'e>(error: &'e (dyn Error + 'static)) -> (String, Option<&'e reqwest::Error>) {
    let mut http = None;
    let mut at = error;
    loop {
        http = http.or_else(|| at.downcast_ref::<reqwest::Error>());
        match at.source() {
            Some(deeper) => at = deeper,
            None => return (secret::mask(&cause(error).1), http),
        }
    }
}

/// GitHub's error body: `errors` holds strings or objects, or is a string itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    message: Option<String>,
    errors: serde_json::Value,
}

/// The server's own words of an error answer: message and what stands in `errors`.
pub fn message(body: &[u8]) -> String {
    let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let errors = match body.errors {
        serde_json::Value::Array(errors) => errors,
        error => vec![error],
    };
    let details = errors.iter().filter_map(|error| match error {
        serde_json::Value::String(text) => Some(text.clone()),
        other => other.get("message").or_else(|| other.get("code")).and_then(|text| text.as_str()).map(str::to_owned),
    });
    let parts: Vec<String> = body.message.into_iter().chain(details).collect();
    crate::text::Clean::line(&secret::mask(&parts.join(": "))).to_string()
}

/// A limit was hit, as headers and words tell: 429, or 403 with one of their signs.
pub fn is_limit(status: StatusCode, headers: &HeaderMap, message: &str) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::FORBIDDEN
            && (headers.contains_key(http::header::RETRY_AFTER)
                || headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0")
                || message.to_ascii_lowercase().contains("rate limit"))
}

/// Words a refusal that is no limit.
pub fn refused(
    host: &BackendId,
    what: &str,
    has_token: bool,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Failure {
    let message = message(body);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let quoted = if message.is_empty() { String::new() } else { format!(" ('{message}')") };
    let (kind, says) = match status.as_u16() {
        401 if has_token => (
            ErrorKind::Auth,
            format!(
                "GitHub '{host}' refused the token (401) for {what}: it is wrong, revoked or expired. \
                 Run `gh auth login`, or set a new GITHUB_TOKEN"
            ),
        ),
        401 => (
            ErrorKind::Auth,
            format!("GitHub '{host}' wants a token (401) for {what}: run `gh auth login`, or set GITHUB_TOKEN"),
        ),
        403 if header("x-github-sso").contains("required") => {
            let url = header("x-github-sso").split("url=").nth(1).unwrap_or_default();
            (
                ErrorKind::Auth,
                format!("GitHub '{host}' wants the token authorised for single sign-on (403) for {what}: open {url}"),
            )
        }
        403 => {
            let needs =
                rights(&header("x-accepted-github-permissions").replace('=', ":"), header("x-accepted-oauth-scopes"));
            (ErrorKind::Auth, format!("GitHub '{host}' refused {what} (403){quoted}: the token lacks a right{needs}"))
        }
        404 => {
            let token = if has_token {
                "it is gone, or the token may not see it"
            } else {
                "it is gone, or private: set GITHUB_TOKEN"
            };
            (ErrorKind::Unexpected, format!("GitHub '{host}' does not find {what} (404): {token}"))
        }
        410 => (ErrorKind::Unexpected, format!("GitHub '{host}' no longer has {what} (410): expired or switched off")),
        451 => (ErrorKind::Unexpected, format!("GitHub '{host}' may not show {what} for legal reasons (451)")),
        code if status.is_server_error() => {
            (ErrorKind::Unexpected, format!("GitHub '{host}' failed ({code}) at {what}{quoted}; it is asked again"))
        }
        code => (ErrorKind::Unexpected, format!("GitHub '{host}' refused {what} ({code}){quoted}")),
    };
    let reached = if status.is_server_error() { Reached::Unknown } else { Reached::Answer };
    Failure { error: Box::new(SourceError::new(kind, says)), status: Some(status.as_u16()), message, reached }
}

fn rights(permissions: &str, scopes: &str) -> String {
    match (permissions, scopes) {
        ("", "") => String::new(),
        ("", scopes) => format!("; it needs the scope `{scopes}`"),
        (permissions, _) => format!("; it needs `{permissions}`"),
    }
}

/// A log that is not there: the run still goes on, or the log is gone.
pub fn no_log(host: &BackendId, what: &str, status: StatusCode) -> Failure {
    let code = status.as_u16();
    let why = match code {
        410 => "it has expired or was deleted",
        404 => "it has expired, was deleted, or the job still runs (a log can be read when its job is finished)",
        500 => "the job still runs or has only just finished; try again in a moment",
        403 => "the link to it was refused; try again",
        _ => "the store of logs refused it; try again",
    };
    Failure {
        status: Some(code),
        ..Failure::new(ErrorKind::Unexpected, format!("GitHub '{host}' has no {what} ({code}): {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(status: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        let headers =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        let status = StatusCode::from_u16(status).unwrap();
        refused(&BackendId::new("gh"), "'acme/api'", true, status, &headers, body.as_bytes())
    }

    #[test]
    fn each_forbidden_is_worded_from_its_headers() {
        let sso = words(403, &[("x-github-sso", "required; url=https://github.com/orgs/acme/sso?x=1")], "{}");
        assert!(sso.error.says.contains("single sign-on"), "{}", sso.error.says);
        assert!(sso.error.says.contains("https://github.com/orgs/acme/sso?x=1"));
        let right = words(
            403,
            &[("x-accepted-github-permissions", "actions=write")],
            r#"{"message":"Resource not accessible by personal access token"}"#,
        );
        assert!(right.error.says.contains("it needs `actions:write`"), "{}", right.error.says);
        assert_eq!(right.error.kind, ErrorKind::Auth);
        let scope = words(403, &[("x-accepted-oauth-scopes", "repo")], "{}");
        assert!(scope.error.says.contains("the scope `repo`"), "{}", scope.error.says);
        assert!(words(401, &[], "{}").error.says.contains("set a new GITHUB_TOKEN"));
        assert!(words(404, &[], "{}").error.says.contains("may not see it"));
    }

    #[test]
    fn limits_are_told_from_missing_rights() {
        let status = StatusCode::FORBIDDEN;
        let none = HeaderMap::new();
        assert!(is_limit(status, &none, "You have exceeded a secondary rate limit."));
        assert!(!is_limit(status, &none, "Must have admin rights"));
        assert!(is_limit(StatusCode::TOO_MANY_REQUESTS, &none, ""));
        assert!(!is_limit(StatusCode::NOT_FOUND, &none, "rate limit"));
    }

    #[test]
    fn errors_may_be_strings_or_objects_and_are_masked() {
        let text = message(
            br#"{"message":"Unprocessable Entity","errors":["Can not approve your own pull request",{"code":"custom","message":"token=ghp_abcdefghijklmnop1234"},7]}"#,
        );
        assert_eq!(text, "Unprocessable Entity: Can not approve your own pull request: token=[masked]");
        assert_eq!(
            message(br#"{"message":"Validation Failed","errors":"the head moved"}"#),
            "Validation Failed: the head moved"
        );
        assert_eq!(message(br#"{"message":"Not Found","errors":null}"#), "Not Found");
        assert_eq!(message(b"<html>"), "");
        assert_eq!(message(br#"{"message":"a\u001b[2Jb"}"#), "ab");
    }
}
