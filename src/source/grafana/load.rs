//! The reads behind the sources: dashboards and what they need, annotations, alerts, health.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    AT_ONCE, Grafana, alerts,
    dashboard::{self, Loaded},
    datasource::Datasources,
    interpolate::Dialect,
};
use crate::{
    model::{
        BackendInfo,
        alert::Alert,
        metric::{Annotation, Dashboard},
    },
    source::{ErrorKind, SourceError},
    text::Clean,
};

/// Most dashboards read when none are named.
const MAX_STARRED: usize = 20;
/// How far back annotations are read, seconds.
const ANNOTATIONS_SINCE: i64 = 6 * 3600;
const DATASOURCES_FRESH: Duration = Duration::from_mins(5);

#[derive(Deserialize, Default)]
#[serde(default)]
struct Found {
    uid: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct WireAnnotation {
    id: Option<i64>,
    time: Option<i64>,
    time_end: Option<i64>,
    text: Option<String>,
    tags: Option<Vec<String>>,
    #[serde(rename = "dashboardUID")]
    dashboard_uid: Option<String>,
    alert_name: Option<String>,
    new_state: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Health {
    version: Option<String>,
    database: Option<String>,
}

/// A dashboard's uid, and what came of reading it.
type LoadedOrNot<'u> = (&'u str, Result<Arc<Loaded>, SourceError>);

impl Grafana {
    /// The dashboards named in the configuration, or the starred ones, with their variables bound.
    pub async fn dashboards(&self) -> Result<Vec<Dashboard>, SourceError> {
        let mut notes = Vec::new();
        let uids = if self.wanted.is_empty() { self.starred(&mut notes).await? } else { self.wanted.clone() };
        // Beside each other, and no longer than until the first says that Grafana is out.
        let datasources = async { Ok(self.datasources().await) };
        let (datasources, loaded) = tokio::try_join!(datasources, self.load_all(&uids))?;
        let (mut dashboards, mut first_failure) = (Vec::new(), None);
        for (uid, result) in loaded {
            let loaded = match result {
                Ok(loaded) => loaded,
                Err(error) => {
                    notes.push(Clean::line(&format!("dashboard '{uid}': {}", error.says)));
                    first_failure.get_or_insert(error);
                    continue;
                }
            };
            let bound = self.bind(&loaded, &datasources, &[], loaded.model.range_seconds).await;
            notes.extend(bound.notes.iter().map(|note| Clean::line(&format!("dashboard '{uid}': {note}"))));
            let mut model = loaded.model.clone();
            for panel in &mut model.panels {
                panel.title = Clean::line(&bound.scope.expand(&panel.title, Dialect::Text));
                panel.row = panel.row.as_ref().map(|row| Clean::line(&bound.scope.expand(row, Dialect::Text)));
            }
            model.variables = bound.variables;
            dashboards.push(model);
        }
        self.note("dashboards", notes);
        match first_failure {
            // None to be had is not the same as none there.
            Some(error) if dashboards.is_empty() => Err(error),
            _ => Ok(dashboards),
        }
    }

    /// One that is gone, or may not be seen while others may, does not take the others along; anything else does.
    async fn load_all<'u>(&self, uids: &'u [String]) -> Result<Vec<LoadedOrNot<'u>>, SourceError> {
        let mut loads = Vec::new();
        for uid in uids {
            loads.push(async move { (uid.as_str(), self.load(uid).await) }.boxed());
        }
        let mut loads = futures::stream::iter(loads).buffered(AT_ONCE);
        let mut loaded = Vec::new();
        let mut refused = 0;
        while let Some((uid, result)) = loads.next().await {
            match result {
                Err(error) if error.kind == ErrorKind::Auth => {
                    refused += 1;
                    if refused == uids.len() {
                        return Err(error);
                    }
                    loaded.push((uid, Err(error)));
                }
                Err(error) if error.kind != ErrorKind::Unexpected => return Err(error),
                result => loaded.push((uid, result)),
            }
        }
        Ok(loaded)
    }

    async fn starred(&self, notes: &mut Vec<Clean>) -> Result<Vec<String>, SourceError> {
        let path = format!("/api/search?type=dash-db&starred=true&limit={}", MAX_STARRED + 1);
        let found: Vec<Found> = self.http.get_json(&path).await?;
        let mut uids: Vec<String> = found.into_iter().filter_map(|found| found.uid).collect();
        if uids.is_empty() {
            notes.push(Clean::own("no dashboards: none is starred; name some in `dashboards` of its [[grafana]]"));
        }
        if uids.len() > MAX_STARRED {
            notes.push(Clean::own(format!("only {MAX_STARRED} of the starred dashboards are read")));
            uids.truncate(MAX_STARRED);
        }
        Ok(uids)
    }

    /// A dashboard read before, or read now.
    pub(super) async fn dashboard(&self, uid: &str) -> Result<Arc<Loaded>, SourceError> {
        let known = self.loaded.lock().expect("nobody panics while holding it").get(uid).cloned();
        match known {
            Some(loaded) => Ok(loaded),
            None => self.load(uid).await,
        }
    }

    async fn load(&self, uid: &str) -> Result<Arc<Loaded>, SourceError> {
        let encoded: String = url::form_urlencoded::byte_serialize(uid.as_bytes()).collect();
        let path = format!("/api/dashboards/uid/{encoded}");
        let reply = self.http.send(Method::GET, &path, None).await?;
        let json = match reply.status {
            StatusCode::NOT_ACCEPTABLE => self.converted(&encoded).await?,
            StatusCode::NOT_FOUND => {
                let what = format!("has no dashboard '{uid}' (404), or its token may not see it");
                return Err(self.http.error(ErrorKind::Unexpected, &what));
            }
            _ => {
                self.http.judge(&path, &reply)?;
                self.http.decode::<Value>(&path, &reply)?["dashboard"].take()
            }
        };
        if !json.is_object() {
            return Err(self.http.error(ErrorKind::Unexpected, &format!("sent no dashboard for '{uid}'")));
        }
        let mut loaded = dashboard::parse(&json, uid, &self.id, self.http.server());
        for (id, library) in std::mem::take(&mut loaded.libraries) {
            let encoded: String = url::form_urlencoded::byte_serialize(library.as_bytes()).collect();
            match self.http.get_json::<Value>(&format!("/api/library-elements/{encoded}")).await {
                Ok(element) if element["result"]["model"].is_object() => {
                    loaded.set_library(id, &element["result"]["model"]);
                }
                Ok(_) => loaded.note(id, &format!("library panel '{library}' has no model")),
                Err(error) => loaded.note(id, &format!("library panel '{library}' is not readable: {}", error.says)),
            }
        }
        let loaded = Arc::new(loaded);
        self.loaded.lock().expect("nobody panics while holding it").insert(uid.to_owned(), loaded.clone());
        Ok(loaded)
    }

    /// A dashboard kept in the new schema (v2), asked for in the classic one.
    async fn converted(&self, uid: &str) -> Result<Value, SourceError> {
        let namespace = match self.org_id {
            None | Some(1) => "default".to_owned(),
            Some(org) => format!("org-{org}"),
        };
        let path = format!("/apis/dashboard.grafana.app/v1beta1/namespaces/{namespace}/dashboards/{uid}");
        let mut json: Value = self.http.get_json(&path).await.map_err(|_| self.is_new(uid))?;
        let is_failed = json["status"]["conversion"]["failed"].as_bool().unwrap_or(false);
        if is_failed || !json["spec"]["panels"].is_array() {
            return Err(self.is_new(uid));
        }
        Ok(json["spec"].take())
    }

    fn is_new(&self, uid: &str) -> SourceError {
        let what = format!("keeps dashboard '{uid}' in schema v2, which is not read yet: open it in the browser");
        self.http.error(ErrorKind::Unexpected, &what)
    }

    /// What the token may see of the datasources; nothing, if it may not: references that say enough still work.
    pub(super) async fn datasources(&self) -> Arc<Datasources> {
        let now = self.clock.now();
        let mut kept = self.datasources.lock().await;
        if let Some((at, datasources)) = kept.as_ref()
            && now.since(*at) < DATASOURCES_FRESH
        {
            return datasources.clone();
        }
        let mut found = self.http.get_json::<Value>("/api/datasources").await;
        if found.is_err() {
            found = self.http.get_json::<Value>("/api/frontend/settings").await;
        }
        match found {
            Ok(body) => {
                let datasources = Arc::new(Datasources::parse(&body));
                *kept = Some((now.mono, datasources.clone()));
                datasources
            }
            // Asked again next time; until then the old ones, if any.
            Err(_) => kept.as_ref().map(|(_, datasources)| datasources.clone()).unwrap_or_default(),
        }
    }

    /// `GET /api/annotations` of the last six hours, at most 500.
    pub async fn annotations(&self) -> Result<Vec<Annotation>, SourceError> {
        let to = self.http.server_now().as_millisecond();
        let from = to - ANNOTATIONS_SINCE * 1_000;
        let path = format!("/api/annotations?from={from}&to={to}&limit=500");
        let list: Vec<WireAnnotation> = self.http.get_json(&path).await?;
        let time = |ms: Option<i64>| Timestamp::from_millisecond(ms.filter(|ms| *ms > 0)?).ok();
        let mut annotations: Vec<Annotation> = list
            .into_iter()
            .filter_map(|wire| {
                let at = time(wire.time)?;
                let said = wire.text.filter(|text| !text.trim().is_empty());
                let text = said.or_else(|| {
                    Some(format!("{}: {}", wire.alert_name?, wire.new_state.unwrap_or_default().to_lowercase()))
                });
                Some(Annotation {
                    backend: self.id.clone(),
                    id: wire.id.unwrap_or_default(),
                    time: at,
                    end: time(wire.time_end).filter(|end| *end > at),
                    text: Clean::block(&text.unwrap_or_default()),
                    tags: wire.tags.into_iter().flatten().map(Clean::from).collect(),
                    dashboard: wire.dashboard_uid.filter(|uid| !uid.is_empty()).map(Clean::from),
                })
            })
            .collect();
        annotations.sort_by_key(|annotation| (annotation.time, annotation.id));
        Ok(annotations)
    }

    /// Grafana-managed alerts; where they may not be read or do not exist: none, and a note, unless the configuration
    /// asks for them.
    pub async fn alerts(&self) -> Result<Vec<Alert>, SourceError> {
        const PATH: &str = "/api/prometheus/grafana/api/v1/rules";
        let reply = self.http.send(Method::GET, PATH, None).await?;
        if !self.must_have_alerts && matches!(reply.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
            let why =
                if reply.status == StatusCode::FORBIDDEN { "its token may not (403)" } else { "it has none (404)" };
            self.note("alerts", vec![Clean::own(format!("Grafana-managed alerts are not read: {why}"))]);
            return Ok(Vec::new());
        }
        self.http.judge(PATH, &reply)?;
        let rules: alerts::Rules = self.http.decode(PATH, &reply)?;
        self.note("alerts", Vec::new());
        Ok(rules.alerts(&self.id, &self.severities, self.http.server()))
    }

    /// `GET /api/health` for the version, `/api/user` or `/api/org` for who the token is: health alone needs none.
    pub async fn info(&self) -> Result<BackendInfo, SourceError> {
        let health: Health = self.http.get_json("/api/health").await?;
        let identity = match self.http.get_json::<Value>("/api/user").await {
            Ok(user) => user["login"].as_str().map(Clean::line),
            Err(error) => {
                let org = self.http.get_json::<Value>("/api/org").await.map_err(|_| error)?;
                org["name"].as_str().map(|name| Clean::line(&format!("org {name}")))
            }
        };
        let mut notes: Vec<Clean> =
            self.notes.lock().expect("nobody panics while holding it").values().flatten().cloned().collect();
        if self.is_insecure {
            notes.push(Clean::own("its certificate is not verified (`tls.insecure`)"));
        }
        if let Some(database) = health.database.filter(|database| database != "ok") {
            notes.push(Clean::line(&format!("its database is '{database}'")));
        }
        Ok(BackendInfo {
            version: health.version.map(Clean::from),
            identity,
            clock: self.http.skew(),
            server: Some(Clean::line(self.http.server())),
            notes,
            ..BackendInfo::default()
        })
    }
}
