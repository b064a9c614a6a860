//! Prometheus' HTTP API (also Mimir's, Cortex' and Thanos'): its alerting rules with the alerts that are pending or fire,
//! and whether it lives.
//!
//! Alertmanager knows only what fires. Prometheus knows it earlier (pending), knows the expression and its value, and still
//! knows when no Alertmanager answers. Both speak of the same alert under the same labels: those that [`sent`] works out.

pub mod sent;
mod sources;
#[cfg(test)]
mod tests;
mod wire;

use std::{sync::Arc, time::Duration};

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use self::{
    sent::SentLabels,
    wire::{Alerts, Answer, BuildInfo, Config, Envelope, Rules},
};
use super::{
    ErrorKind, Source, SourceError,
    http::{Auth, Direct, Http, Reply, Transport},
    severity::Severities,
};
use crate::{
    config::file,
    model::{BackendId, BackendInfo, alert::Alert},
    secret::Secret,
    text::Clean,
    time::Clock,
};

const RULES_EVERY: Duration = Duration::from_secs(15);
const HEALTH_EVERY: Duration = Duration::from_secs(30);

/// One Prometheus. Its sources share this.
pub struct Prometheus {
    id: BackendId,
    http: Http,
    severities: Severities,
    poll: Duration,
    is_insecure: bool,
}

impl Prometheus {
    /// Contacts nobody. `through`: the transport over a cluster's API server, if the configuration asks for one; the
    /// path prefix is then the transport's. Fails when the URL or CA file is unusable.
    pub fn new(
        config: &file::Prometheus,
        token: Option<Secret>,
        severities: Severities,
        timeouts: file::Timeouts,
        clock: Arc<dyn Clock>,
        through: Option<Arc<dyn Transport>>,
    ) -> Result<Arc<Self>, SourceError> {
        let who = format!("Prometheus '{}'", config.name);
        let transport = match through {
            Some(transport) => transport,
            None => Arc::new(Direct::new(&who, &config.url, &config.tls, timeouts.into())?),
        };
        let auth = Auth::new(config.user.clone(), token);
        let mut http = Http::new(&who, transport, &auth, clock)
            .remedy("check `user`, `token` and `tenant` of its [[prometheus]] in the configuration");
        if let Some(tenant) = &config.tenant {
            http = http.header("x-scope-orgid", tenant);
        }
        Ok(Arc::new(Self {
            id: BackendId::new(&config.name),
            http,
            severities,
            poll: config.poll_seconds.map_or(RULES_EVERY, |seconds| Duration::from_secs(u64::from(seconds.max(1)))),
            is_insecure: config.tls.insecure,
        }))
    }

    /// Rules with their alerts, and health.
    pub fn sources(self: &Arc<Self>) -> Vec<Box<dyn Source>> {
        vec![Box::new(sources::RuleAlerts::new(self.clone())), Box::new(sources::Health(self.clone()))]
    }

    pub fn id(&self) -> &BackendId {
        &self.id
    }

    /// `GET /api/v1/rules?type=alert`: what is pending or fires, and rules that cannot be evaluated. From a server without
    /// that path `GET /api/v1/alerts`, which tells neither expressions nor failing rules.
    pub async fn alerts(&self, sent: &SentLabels) -> Result<Answer<Vec<Alert>>, SourceError> {
        const RULES: &str = "/api/v1/rules?type=alert";
        const ALERTS: &str = "/api/v1/alerts";
        let reader = wire::Reader {
            backend: &self.id,
            severities: &self.severities,
            sent,
            // Through a cluster there is no address that a browser could open.
            server: Some(self.http.server()).filter(|server| server.starts_with("http")),
        };
        let reply = self.http.send(Method::GET, RULES, None).await?;
        if !matches!(reply.status, StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED) {
            return Ok(self.open::<Rules>(RULES, &reply)?.map(|rules| reader.of_rules(rules)));
        }
        let fallback = self.http.send(Method::GET, ALERTS, None).await?;
        if fallback.status == StatusCode::NOT_FOUND {
            self.http.judge(RULES, &reply)?;
        }
        Ok(self.open::<Alerts>(ALERTS, &fallback)?.map(|alerts| reader.of_alerts(alerts)))
    }

    /// How it relabels what it sends to Alertmanager, of `GET /api/v1/status/config`; nothing where no such path is open
    /// (Mimir, Thanos).
    pub async fn sent_labels(&self) -> Result<SentLabels, SourceError> {
        match self.get::<Config>("/api/v1/status/config").await {
            Ok(answer) => Ok(SentLabels::of_config(&answer.data.yaml)),
            Err(error) if matches!(error.kind, ErrorKind::Auth | ErrorKind::Unexpected) => Ok(SentLabels::default()),
            Err(error) => Err(error),
        }
    }

    /// `GET /api/v1/status/buildinfo`; a server without it need only be healthy.
    pub async fn info(&self) -> Result<BackendInfo, SourceError> {
        const BUILD: &str = "/api/v1/status/buildinfo";
        const HEALTHY: &str = "/-/healthy";
        let reply = self.http.send(Method::GET, BUILD, None).await?;
        let version = if reply.status == StatusCode::NOT_FOUND {
            let healthy = self.http.send(Method::GET, HEALTHY, None).await?;
            self.http.judge(HEALTHY, &healthy)?;
            None
        } else {
            self.open::<BuildInfo>(BUILD, &reply)?.data.version
        };
        let insecure = self.is_insecure.then(|| Clean::own("its certificate is not verified (`tls.insecure`)"));
        Ok(BackendInfo {
            version: version.map(Clean::from),
            clock: self.http.skew(),
            server: Some(Clean::line(self.http.server())),
            notes: insecure.into_iter().collect(),
            ..BackendInfo::default()
        })
    }

    /// What an endpoint answers, out of its envelope.
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, SourceError> {
        let reply = self.http.send(Method::GET, path, None).await?;
        self.open(path, &reply)
    }

    /// A reply's `data` and `warnings`; its `error` is a failure, whatever the status.
    fn open<T: DeserializeOwned>(&self, path: &str, reply: &Reply) -> Result<Answer<T>, SourceError> {
        self.http.judge(path, reply)?;
        let envelope: Envelope<T> = self.http.decode(path, reply)?;
        let path = path.split('?').next().unwrap_or(path);
        if let Some(error) = envelope.error {
            let says = format!("could not answer '{path}': {}", crate::secret::mask(&error));
            return Err(self.http.error(ErrorKind::Unexpected, &says));
        }
        let Some(data) = envelope.data else {
            let says = format!("sent an answer for '{path}' without `data`: is its `url` right?");
            return Err(self.http.error(ErrorKind::Unexpected, &says));
        };
        Ok(Answer { data, warnings: envelope.warnings.unwrap_or_default() })
    }
}
