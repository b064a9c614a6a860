//! The heartbeat of a cluster: its watches may be silent for minutes, so it is asked every 10 s whether it is there.

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use serde::Deserialize;

use super::{
    client::Cluster,
    failure::{Failure, Reached},
};
use crate::{
    model::{BackendInfo, Ending, Part, SourceId},
    source::{Cadence, ErrorKind, Fact, Source, SourceError},
    text::Clean,
};

/// How often the API server is asked.
pub const BEAT: Duration = Duration::from_secs(10);
/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(3);

/// Asks `/readyz`, and once who and what the cluster is.
pub struct Health {
    cluster: Cluster,
    within: Duration,
    identity: Identity,
    told: Option<BackendInfo>,
}

/// What does not change while the connection is the same.
#[derive(Default)]
struct Identity {
    version: Option<Clean>,
    cluster_id: Option<Clean>,
    user: Option<Clean>,
    server_ends: Option<Ending>,
    /// The way in that it was asked through.
    access: String,
    asked: bool,
}

impl Health {
    pub fn new(cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), within: WITHIN, identity: Identity::default(), told: None }
    }

    async fn beat(&mut self) -> Result<Vec<Fact>, SourceError> {
        self.ping().await?;
        if !self.identity.asked || self.identity.access != self.cluster.access_print() {
            self.identity = Box::pin(identify(&self.cluster)).await;
        }
        let info = self.info();
        let same = self.told.as_ref().is_some_and(|told| is_no_news(told, &info));
        if same {
            return Ok(Vec::new());
        }
        self.told = Some(info.clone());
        Ok(vec![Fact::Info(info)])
    }

    /// Any answer shows that the line is alive; only a good one that the server is well.
    async fn ping(&self) -> Result<(), Failure> {
        let ready = match self.cluster.get_bytes("/readyz", self.within).await {
            // a login page or a proxy's own answers every path
            Ok(body) if body.trim_ascii_start().starts_with(b"<") => {
                let says =
                    format!("Kubernetes '{}' answered with a web page: is its address right?", self.cluster.id());
                Err(Failure::own(ErrorKind::Unexpected, Reached::Answered, says))
            }
            // not for everybody everywhere
            Err(failure) if failure.is(403) || failure.is(404) => {
                self.cluster.get_bytes("/version", self.within).await.map(drop)
            }
            other => other.map(drop),
        };
        self.cluster.pulse().send_modify(|pulse| match &ready {
            Ok(()) => pulse.beats += 1,
            Err(failure) if failure.code.is_some() => pulse.beats += 1,
            // a login that was not allowed to run says nothing about the line
            Err(failure) if failure.reached == Reached::NotSent && failure.error.kind == ErrorKind::Auth => {}
            Err(_) => pulse.misses += 1,
        });
        ready.map_err(|mut failure| {
            if failure.code.is_some_and(|code| code >= 500) {
                let says = format!("Kubernetes '{}' is not ready: {}", self.cluster.id(), failure.message);
                failure.error.says = Clean::line(&says);
            }
            failure
        })
    }

    fn info(&self) -> BackendInfo {
        let learnt = self.cluster.learnt().clone();
        let mut notes: Vec<Clean> = learnt.notes.into_values().collect();
        if self.cluster.is_insecure() {
            notes.push("its certificate is NOT verified (insecure-skip-tls-verify)".into());
        }
        if let Some(user) = self.cluster.impersonates() {
            notes.push(Clean::line(&format!("impersonates '{user}'")));
        }
        BackendInfo {
            version: self.identity.version.clone(),
            identity: self.identity.user.clone(),
            cluster_id: self.identity.cluster_id.clone(),
            clock: learnt.clock.skew(),
            server: Some(self.cluster.server().clone()),
            notes,
            endings: Some(self.cluster.endings().into_iter().chain(self.identity.server_ends.clone()).collect()),
        }
    }
}

fn is_no_news(told: &BackendInfo, now: &BackendInfo) -> bool {
    let is_clock_moved = match (&told.clock, &now.clock) {
        (Some(told), Some(now)) => told.is_moved_by(now),
        (None, Some(_)) => true,
        (_, None) => false,
    };
    !is_clock_moved && *told == BackendInfo { clock: told.clock, ..now.clone() }
}

/// Each answer may be refused by itself. Asked again next time if the cluster could not be asked at all.
async fn identify(cluster: &Cluster) -> Identity {
    let review = serde_json::json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let access = cluster.access_print();
    let (version, user, id, server_ends) = futures::join!(
        cluster.get::<Version>("/version"),
        cluster.review::<Review>("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review),
        cluster_id(cluster),
        cluster.server_ending(),
    );
    let unanswered = |failure: &Failure| failure.code.is_none();
    let asked = !version.as_ref().is_err_and(unanswered) && !user.as_ref().is_err_and(unanswered) && id.is_ok();
    let clean = |text: Option<String>| text.filter(|text| !text.is_empty()).map(|text| Clean::line(&text));
    Identity {
        version: version.ok().and_then(|version| clean(version.git_version)),
        user: user.ok().and_then(|review| clean(review.status?.user_info?.username)),
        cluster_id: id.ok(),
        server_ends,
        access,
        asked,
    }
}

/// What tells one cluster from another, whatever contexts are called: the UID of namespace `kube-system`; where that may
/// not be read, the server's URL with the hash of its CA. A server that is too slow or too busy to say has not told.
pub async fn cluster_id(cluster: &Cluster) -> Result<Clean, Failure> {
    match cluster.get::<Namespace>("/api/v1/namespaces/kube-system").await {
        Ok(Namespace { metadata: Metadata { uid: Some(uid) } }) if !uid.is_empty() => Ok(Clean::line(&uid)),
        Err(failure) if !failure.is(403) && !failure.is(404) => Err(failure),
        _ => Ok(cluster.fallback_id()),
    }
}

impl Source for Health {
    fn id(&self) -> SourceId {
        SourceId::new(self.cluster.id(), Part::Health)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(BEAT)
    }

    fn soon(&self) -> Option<Duration> {
        self.cluster.learnt().clock.soon()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        self.beat().boxed()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: Option<String>,
}

#[derive(Deserialize)]
struct Namespace {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: Option<String>,
}

#[derive(Deserialize)]
struct Review {
    status: Option<ReviewStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewStatus {
    user_info: Option<UserInfo>,
}

#[derive(Deserialize)]
struct UserInfo {
    username: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::kubernetes::fake::{Answer, Fake, gather, refusal};
    use crate::time::{Clock as _, SystemClock};

    #[tokio::test]
    async fn the_first_beat_tells_who_and_what_it_is_and_the_next_only_that_it_is_there() {
        let fake = Fake::start(|call| match call.path.as_str() {
            "/readyz" => Answer::Text(200, "ok"),
            "/version" => Answer::Json(200, json!({"gitVersion": "v1.33.1"})),
            "/api/v1/namespaces/kube-system" => Answer::Json(200, json!({"metadata": {"uid": "77-88"}})),
            path if path.ends_with("selfsubjectreviews") => {
                Answer::Json(201, json!({"status": {"userInfo": {"username": "jo@example.org"}}}))
            }
            other => panic!("{other}"),
        })
        .await;
        let cluster = fake.cluster("{}").await;
        let mut health = Health::new(&cluster);
        let first = health.next().await.unwrap();
        let [Fact::Info(info)] = first.as_slice() else { panic!("{first:?}") };
        assert_eq!(info.version.as_ref().unwrap(), "v1.33.1");
        assert_eq!(info.identity.as_ref().unwrap(), "jo@example.org");
        assert_eq!(info.cluster_id.as_ref().unwrap(), "77-88");
        assert!(info.clock.unwrap().offset_ms(SystemClock.now()).abs() < 2000, "{info:?}");
        assert_eq!(health.next().await, Ok(vec![]));
        assert_eq!(cluster.pulse().borrow().beats, 2);
    }

    #[tokio::test]
    async fn a_server_that_is_not_ready_beats_and_one_that_hangs_misses() {
        let fake = Fake::start(|call| match call.nth {
            0 => Answer::Text(500, "[-]etcd failed: reason withheld"),
            _ => Answer::Hang,
        })
        .await;
        let cluster = fake.cluster("{}").await;
        let mut health = Health::new(&cluster);
        health.within = Duration::from_millis(200);
        let (_, errors) = gather(&mut health, |_, errors| errors.len() == 2).await;
        assert!(errors[0].says.contains("not ready: [-]etcd failed"), "{}", errors[0]);
        assert_eq!(errors[1].kind, ErrorKind::TimedOut);
        let pulse = *cluster.pulse().borrow();
        assert_eq!((pulse.beats, pulse.misses), (1, 1));
    }

    #[tokio::test]
    async fn a_server_that_is_too_busy_to_say_which_cluster_it_is_is_asked_again() {
        let fake = Fake::start(|call| match (call.path.as_str(), call.nth) {
            ("/readyz", _) => Answer::Text(200, "ok"),
            ("/api/v1/namespaces/kube-system", 0) => refusal(503, "ServiceUnavailable", "overloaded"),
            ("/api/v1/namespaces/kube-system", 1) => refusal(429, "TooManyRequests", "throttled"),
            ("/api/v1/namespaces/kube-system", _) => Answer::Json(200, json!({"metadata": {"uid": "77-88"}})),
            _ => Answer::Json(200, json!({})),
        })
        .await;
        let cluster = fake.cluster("{}").await;
        let mut health = Health::new(&cluster);
        let mut told = Vec::new();
        for _ in 0..3 {
            for fact in health.next().await.unwrap() {
                let Fact::Info(info) = fact else { panic!("{fact:?}") };
                told.push(info.cluster_id.map(|id| id.to_string()));
            }
        }
        assert_eq!(told, [None, Some("77-88".to_owned())]);
    }

    #[tokio::test]
    async fn what_may_not_be_read_is_left_out() {
        let fake = Fake::start(|call| match call.path.as_str() {
            "/version" => Answer::Json(200, json!({})),
            _ => refusal(403, "Forbidden", "no"),
        })
        .await;
        let cluster = fake.cluster("{}").await;
        let facts = Health::new(&cluster).next().await.unwrap();
        let [Fact::Info(info)] = facts.as_slice() else { panic!("{facts:?}") };
        let id = info.cluster_id.clone().unwrap();
        assert!(id.starts_with(&fake.url) && id.contains(" ca:"), "{id}");
        assert_eq!((&info.version, &info.identity), (&None, &None));
    }
}
