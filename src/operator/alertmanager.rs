//! Makes and expires silences.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    action::{ActionError, Done, MAX_SILENCE_MINUTES, Operator, Write},
    model::{
        BackendId,
        alert::{Matcher, SilenceKey},
    },
    source::{
        alertmanager::Alertmanager,
        http::{Http, Reply},
    },
    text::Clean,
};

/// How far a server's clock may be from what its `Date` says, with room.
const DATE_LEAVES_OPEN: SignedDuration = SignedDuration::from_secs(5);

/// Writes to one Alertmanager.
pub struct AlertmanagerOperator(Arc<Alertmanager>);

/// `postableSilence` of `api/v2/openapi.yaml`. `isEqual` is always sent: older servers and proxies disagree on its
/// default.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostableSilence<'a> {
    matchers: Vec<PostableMatcher<'a>>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    created_by: &'a str,
    comment: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostableMatcher<'a> {
    name: &'a str,
    value: &'a str,
    is_regex: bool,
    is_equal: bool,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "silenceID")]
    silence_id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Existing {
    status: ExistingStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExistingStatus {
    state: Option<String>,
}

impl AlertmanagerOperator {
    pub fn new(alertmanager: Arc<Alertmanager>) -> Self {
        Self(alertmanager)
    }

    fn http(&self) -> &Http {
        self.0.http()
    }

    /// Asks for the server's status first: that proves it can be reached, and tells its time, so that a failure after
    /// it is known to be a failure of the write itself.
    async fn reach(&self) -> Result<(), ActionError> {
        self.0.info().await.map(drop).map_err(|error| ActionError::NotSent(error.says))
    }

    async fn create(
        &self,
        matchers: &[Matcher],
        (starts, ends): (Timestamp, Timestamp),
        comment: &str,
        created_by: &str,
    ) -> Result<Done, ActionError> {
        const PATH: &str = "/api/v2/silences";
        let not_sent = |why: &str| Err(ActionError::NotSent(Clean::own(why)));
        if matchers.is_empty() {
            return not_sent("a silence without matchers is not sent: it would mean everything");
        }
        if comment.trim().is_empty() {
            return not_sent("a silence without a comment is not sent");
        }
        if ends.duration_since(starts) > SignedDuration::from_mins(i64::from(MAX_SILENCE_MINUTES)) {
            return not_sent("a silence longer than 24 hours is not sent");
        }
        self.reach().await?;
        // Both ends by the server's clock, the end as it was confirmed. A start in the past becomes its now; one in its
        // future, and `Date` leaves a second open, would let the alert fire on until then.
        let server_now = self.http().server_now();
        let ahead = self.http().ahead_ms();
        let shift = SignedDuration::from_millis(ahead);
        let (starts_at, ends_at) = ((starts + shift).min(server_now - DATE_LEAVES_OPEN), ends + shift);
        if ends_at <= server_now {
            return not_sent("a silence that would already be over is not sent");
        }
        let silence = PostableSilence {
            matchers: matchers
                .iter()
                .map(|matcher| PostableMatcher {
                    name: &matcher.name,
                    value: &matcher.value,
                    is_regex: matcher.is_regex,
                    is_equal: matcher.is_equal,
                })
                .collect(),
            starts_at,
            ends_at,
            created_by,
            comment,
        };
        let body = self.http().encode(&silence).map_err(|error| ActionError::NotSent(error.says))?;
        let reply = self.write(Method::POST, PATH, Some(body), "list its silences").await?;
        self.accepted(PATH, &reply)?;
        let created: Created = self
            .http()
            .decode(PATH, &reply)
            .map_err(|error| ActionError::Unknown(Clean::own(format!("{}; list its silences", error.says))))?;
        let id = Clean::line(&created.silence_id);
        Ok(Done { says: Clean::own(format!("silence {id} until {}", to_second(ends_at))), reference: Some(id) })
    }

    async fn expire(&self, silence: &SilenceKey) -> Result<Done, ActionError> {
        if silence.id.is_empty() || !silence.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(ActionError::NotSent(Clean::own(format!("'{}' is no silence id", silence.id))));
        }
        let path = format!("/api/v2/silence/{}", silence.id);
        self.reach().await?;
        let reply = self.write(Method::DELETE, &path, None, "look whether it is still active").await?;
        let done = |how: &str| Ok(Done { says: Clean::own(format!("silence {} {how}", silence.id)), reference: None });
        if reply.status.is_success() && !reply.is_html() {
            return done("is expired");
        }
        // Servers before 0.28 refuse to expire twice, with a 500: over is over.
        if (reply.status == StatusCode::NOT_FOUND || reply.status.is_server_error())
            && self.is_over(&path).await == Some(true)
        {
            return done("was already over");
        }
        self.accepted(&path, &reply)?;
        done("is expired")
    }

    /// `None`: could not be found out.
    async fn is_over(&self, path: &str) -> Option<bool> {
        let reply = self.http().send(Method::GET, path, None).await.ok()?;
        if reply.status == StatusCode::NOT_FOUND && !reply.is_html() {
            // A bare or empty answer is the server's own; anything else may be a proxy's.
            return Some(reply.body.is_empty() || serde_json::from_slice::<String>(&reply.body).is_ok());
        }
        let existing: Existing = serde_json::from_slice(&reply.body).ok().filter(|_| reply.status.is_success())?;
        Some(existing.status.state.as_deref() == Some("expired"))
    }

    async fn write(&self, method: Method, path: &str, body: Option<Bytes>, look: &str) -> Result<Reply, ActionError> {
        self.http()
            .send(method, path, body)
            .await
            .map_err(|error| ActionError::Unknown(Clean::own(format!("{}: it may have happened; {look}", error.says))))
    }

    fn accepted(&self, path: &str, reply: &Reply) -> Result<(), ActionError> {
        let Err(error) = self.http().judge(path, reply) else { return Ok(()) };
        if reply.status.is_server_error() {
            let says = format!("{}: it may have happened; list its silences", error.says);
            return Err(ActionError::Unknown(Clean::own(says)));
        }
        Err(ActionError::Refused(error.says))
    }
}

impl Operator for AlertmanagerOperator {
    fn backend(&self) -> &BackendId {
        self.0.id()
    }

    /// Alertmanager has no dry run; the preview is made from its alerts.
    fn rehearse<'a>(&'a self, _: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        async { None }.boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move {
            match write {
                Write::CreateSilence { matchers, starts, ends, comment, created_by, .. } => {
                    self.create(matchers, (*starts, *ends), comment, created_by).await
                }
                Write::ExpireSilence { silence } => self.expire(silence).await,
                _ => Err(ActionError::NotSent(Clean::own("an Alertmanager only knows silences"))),
            }
        }
        .boxed()
    }
}

/// `2026-11-21T02:25:00Z`
fn to_second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).map_or_else(|_| time.to_string(), |time| time.to_string())
}
