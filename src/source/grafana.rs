//! Grafana: the dashboards one works with, their panels' data, annotations, Grafana-managed alerts.

mod alerts;
mod ask;
mod dashboard;
mod datasource;
mod display;
mod drawing;
mod field_config;
mod frame;
mod interpolate;
mod interval;
mod legacy;
mod load;
mod lookup;
mod mapping;
mod matcher;
mod panel;
mod pattern;
mod reduce;
mod reduced;
mod series;
mod sources;
mod table;
mod tabular;
#[cfg(test)]
mod tests;
mod variable;

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::Semaphore;

use super::{
    AnswerSink, ErrorKind, Reader, Source, SourceError,
    http::{Auth, Direct, Http, Transport},
    severity::Severities,
};
use crate::{
    config::file,
    model::{BackendId, Part},
    query::{Answer, Query},
    secret::Secret,
    text::Clean,
    time::Clock,
};
use dashboard::Loaded;
use datasource::Datasources;

const POLL: Duration = Duration::from_secs(15);
const VARIABLES_EVERY: Duration = Duration::from_mins(1);
/// Requests for data at a time, per Grafana.
const AT_ONCE: usize = 4;

/// One Grafana. Its sources and its reader share this.
pub struct Grafana {
    id: BackendId,
    http: Http,
    clock: Arc<dyn Clock>,
    severities: Severities,
    /// Uids; empty: the starred ones.
    wanted: Vec<String>,
    org_id: Option<u64>,
    takes_alerts: bool,
    /// Asked for by name: that they cannot be read is then a failure.
    must_have_alerts: bool,
    is_insecure: bool,
    poll: Duration,
    loaded: Mutex<BTreeMap<String, Arc<Loaded>>>,
    datasources: tokio::sync::Mutex<Option<(Instant, Arc<Datasources>)>>,
    looked_up: Mutex<HashMap<String, (Instant, Vec<String>)>>,
    shared: Mutex<HashMap<String, Slot>>,
    gate: Semaphore,
    /// Things to know that are no failure, by the part that found them.
    notes: Mutex<BTreeMap<&'static str, Vec<Clean>>>,
}

/// Waited for by everybody who asks the same.
type Slot = Arc<tokio::sync::Mutex<Option<Shared>>>;

/// An answer, for all who ask the same within a moment.
struct Shared {
    at: Instant,
    from: i64,
    to: i64,
    results: Arc<BTreeMap<String, ask::Results>>,
}

impl Grafana {
    /// Contacts nobody. `through`: the transport over a cluster's API server, if the configuration asks for one. Fails
    /// when the URL or CA file is unusable.
    pub fn new(
        config: &file::Grafana,
        token: Option<Secret>,
        severities: Severities,
        timeouts: file::Timeouts,
        clock: Arc<dyn Clock>,
        through: Option<Arc<dyn Transport>>,
    ) -> Result<Arc<Self>, SourceError> {
        let who = format!("Grafana '{}'", config.name);
        let transport = match through {
            Some(transport) => transport,
            None => Arc::new(Direct::new(&who, &config.url, &config.tls, timeouts.into())?),
        };
        // `user:password` is basic authentication of a self-hosted server; a service-account token has no colon.
        let auth = match token {
            Some(token) => match token.expose().split_once(':') {
                Some((user, password)) => Auth::new(Some(user.to_owned()), Some(Secret::new(password))),
                None => Auth::Bearer(token),
            },
            None => Auth::None,
        };
        let mut http = Http::new(&who, transport, &auth, clock.clone())
            .remedy("set the `token` of its [[grafana]] to a service-account token with the Viewer role");
        if let Some(org) = config.org_id {
            http = http.header("x-grafana-org-id", &org.to_string());
        }
        Ok(Arc::new(Self {
            id: BackendId::new(&config.name),
            http,
            clock,
            severities,
            wanted: config.dashboards.clone(),
            org_id: config.org_id,
            takes_alerts: config.alerts.unwrap_or(true),
            must_have_alerts: config.alerts == Some(true),
            is_insecure: config.tls.insecure,
            poll: config.poll_seconds.map_or(POLL, |seconds| Duration::from_secs(u64::from(seconds.max(5)))),
            loaded: Mutex::default(),
            datasources: tokio::sync::Mutex::default(),
            looked_up: Mutex::default(),
            shared: Mutex::default(),
            gate: Semaphore::new(AT_ONCE),
            notes: Mutex::default(),
        }))
    }

    /// Dashboards, annotations, alerts (unless turned off), and health. The reader is the Grafana itself.
    pub fn sources(self: &Arc<Self>) -> Vec<Box<dyn Source>> {
        [Part::Health, Part::Dashboards, Part::Annotations, Part::Alerts]
            .into_iter()
            .filter(|part| *part != Part::Alerts || self.takes_alerts)
            .map(|part| Box::new(sources::Reading { grafana: self.clone(), part }) as Box<dyn Source>)
            .collect()
    }

    pub fn id(&self) -> &BackendId {
        &self.id
    }

    fn note(&self, part: &'static str, notes: Vec<Clean>) {
        self.notes.lock().expect("nobody panics while holding it").insert(part, notes);
    }

    /// How long until a panel is asked again: never faster than its dashboard refreshes itself, and not all in step.
    fn pause(&self, query: &Query) -> Duration {
        let refresh = match query {
            Query::Panel(panel) => {
                let loaded = self.loaded.lock().expect("nobody panics while holding it");
                loaded.get(panel.panel.dashboard.uid.as_str()).and_then(|loaded| loaded.refresh)
            }
            Query::Variables(_) => Some(VARIABLES_EVERY),
            _ => None,
        };
        let mut hasher = DefaultHasher::new();
        query.hash(&mut hasher);
        let jitter = Duration::from_millis(hasher.finish() % 1_000);
        refresh.unwrap_or_default().max(self.poll) + jitter
    }
}

impl Reader for Grafana {
    fn backend(&self) -> &BackendId {
        &self.id
    }

    fn read<'a>(&'a self, query: &'a Query, out: AnswerSink) -> BoxFuture<'a, ()> {
        async move {
            loop {
                let answer = match query {
                    Query::Panel(panel) => self.panel(panel).await.map(|data| Answer::Panel(Box::new(data))),
                    Query::Variables(variables) => {
                        self.variables(variables).await.map(|variables| Answer::Variables(Box::new(variables)))
                    }
                    _ => {
                        out.send(Err(self.http.error(ErrorKind::Bug, "only answers for panels and variables"))).await;
                        return;
                    }
                };
                let mut pause = self.pause(query);
                if let Err(SourceError { retry_at: Some(at), .. }) = &answer {
                    let wait = at.duration_since(self.clock.now().wall);
                    pause = pause.max(Duration::try_from(wait).unwrap_or_default());
                }
                if !out.send(answer).await {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
        }
        .boxed()
    }
}
