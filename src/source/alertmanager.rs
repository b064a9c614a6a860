//! Alertmanager v2 (also Mimir's and Cortex'): its alerts and groups, its silences, and whether it lives.

mod sources;
mod wire;

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use http::StatusCode;

use super::{
    ErrorKind, Source, SourceError,
    http::{Auth, Direct, Http, Transport},
    severity::Severities,
};
use crate::{
    action::{Inspection, Inspector, Request},
    config::file,
    model::{
        BackendId, BackendInfo,
        alert::{Alert, AlertGroup, Matcher, Silence},
    },
    secret::Secret,
    text::Clean,
    time::Clock,
};

const ALERTS_EVERY: Duration = Duration::from_secs(15);
const SILENCES_EVERY: Duration = Duration::from_secs(30);

/// One Alertmanager. Its sources, inspector and operator share this.
pub struct Alertmanager {
    id: BackendId,
    http: Http,
    severities: Severities,
    poll: Duration,
    is_insecure: bool,
}

impl Alertmanager {
    /// Contacts nobody. `through`: the transport over a cluster's API server, if the configuration asks for one; the
    /// path prefix is then the transport's. Fails when the URL or CA file is unusable.
    pub fn new(
        config: &file::Alertmanager,
        token: Option<Secret>,
        severities: Severities,
        timeouts: file::Timeouts,
        clock: Arc<dyn Clock>,
        through: Option<Arc<dyn Transport>>,
    ) -> Result<Arc<Self>, SourceError> {
        let who = format!("Alertmanager '{}'", config.name);
        let transport = match through {
            Some(transport) => transport,
            None => Arc::new(Direct::new(&who, &config.url, &config.tls, timeouts.into())?),
        };
        let auth = Auth::new(config.user.clone(), token);
        let mut http = Http::new(&who, transport, &auth, clock)
            .remedy("check `user` and `token` of its [[alertmanager]] in the configuration");
        if let Some(tenant) = &config.tenant {
            http = http.header("x-scope-orgid", tenant);
        }
        Ok(Arc::new(Self {
            id: BackendId::new(&config.name),
            http,
            severities,
            poll: config.poll_seconds.map_or(ALERTS_EVERY, |seconds| Duration::from_secs(u64::from(seconds.max(1)))),
            is_insecure: config.tls.insecure,
        }))
    }

    /// Alerts with their groups, silences, and health.
    pub fn sources(self: &Arc<Self>) -> Vec<Box<dyn Source>> {
        vec![
            Box::new(sources::Alerts(self.clone())),
            Box::new(sources::Silences(self.clone())),
            Box::new(sources::Health(self.clone())),
        ]
    }

    pub fn id(&self) -> &BackendId {
        &self.id
    }

    /// The client, for the operator.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// `GET /api/v2/alerts` as it is now: everything that is not resolved, whatever holds it back.
    pub async fn alerts(&self) -> Result<Vec<Alert>, SourceError> {
        let list: Vec<wire::Alert> = self.http.get_json("/api/v2/alerts").await?;
        let mut alerts: Vec<Alert> =
            list.into_iter().map(|alert| alert.into_model(&self.id, &self.severities)).collect();
        alerts.sort_by(|a, b| a.key.cmp(&b.key));
        alerts.dedup_by(|a, b| a.key == b.key);
        Ok(alerts)
    }

    /// `GET /api/v2/alerts/groups`; none where the server has no such path.
    pub async fn groups(&self) -> Result<Vec<AlertGroup>, SourceError> {
        const PATH: &str = "/api/v2/alerts/groups";
        let reply = self.http.send(http::Method::GET, PATH, None).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        self.http.judge(PATH, &reply)?;
        let groups: Vec<wire::Group> = self.http.decode(PATH, &reply)?;
        Ok(groups.into_iter().map(|group| group.into_model(&self.id)).collect())
    }

    /// `GET /api/v2/silences`: active and pending, and those that ended within a day.
    pub async fn silences(&self) -> Result<Vec<Silence>, SourceError> {
        let list: Vec<wire::Silence> = self.http.get_json("/api/v2/silences").await?;
        let day_ago = self.http.server_now() - jiff::SignedDuration::from_hours(24);
        let mut silences: Vec<Silence> = list
            .into_iter()
            .filter_map(|silence| silence.into_model(&self.id))
            .filter(|silence| silence.state != "expired" || silence.ends >= day_ago)
            .collect();
        silences.sort_by(|a, b| (a.ends, &a.key).cmp(&(b.ends, &b.key)));
        Ok(silences)
    }

    /// `GET /api/v2/status`.
    pub async fn info(&self) -> Result<BackendInfo, SourceError> {
        let status: wire::Status = self.http.get_json("/api/v2/status").await?;
        let mut notes = Vec::new();
        if self.is_insecure {
            notes.push(Clean::own("its certificate is not verified (`tls.insecure`)"));
        }
        let cluster = status.cluster.and_then(|cluster| cluster.status);
        if let Some(state) = cluster.filter(|state| !matches!(state.as_str(), "ready" | "disabled")) {
            notes.push(Clean::line(&format!("its cluster of peers is '{state}'")));
        }
        Ok(BackendInfo {
            version: status.version_info.and_then(|info| info.version).map(Clean::from),
            clock: self.http.skew(),
            server: Some(Clean::line(self.http.server())),
            notes,
            ..BackendInfo::default()
        })
    }
}

impl Inspector for Alertmanager {
    fn backend(&self) -> &BackendId {
        &self.id
    }

    fn inspect<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        async move {
            match request {
                Request::Acknowledge { .. }
                | Request::Silence(_)
                | Request::Silences(_)
                | Request::ExpireSilence { .. }
                | Request::Undo { .. } => {
                    let (alerts, silences) = tokio::try_join!(self.alerts(), self.silences())?;
                    Ok(Inspection::Alerts { alerts, silences })
                }
                _ => Err(self.http.error(ErrorKind::Bug, "only knows alerts and silences")),
            }
        }
        .boxed()
    }
}

/// Which of these alerts a silence with these matchers would hold back, as Alertmanager matches: all matchers must hit.
pub fn preview<'a>(matchers: &[Matcher], alerts: &'a [Alert]) -> Vec<&'a Alert> {
    if matchers.is_empty() {
        return Vec::new();
    }
    alerts.iter().filter(|alert| matchers.iter().all(|matcher| matcher.matches(&alert.labels))).collect()
}
