//! `midwatch show SCREEN`: the rows of a screen, read once.
//!
//! JSON: `{schema: 1, screen, as_of, backends: [{name, kind, fresh, as_of, error, version}], rows: [...]}`. `fresh` is
//! `live`, `stale`, `partial` (some parts could not be read) or `down`; the rows' keys stand in `rows.rs`. Exit 3: a
//! backend could not be read; what could is printed all the same.

use std::{collections::BTreeMap, fmt::Write as _, process::ExitCode, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use color_eyre::{Result, eyre::eyre};
use futures::future::join_all;
use serde_json::{Value, json};

use super::{
    Global, objects,
    report::{self, time},
    rows::{self, Row, Section},
    setup,
    status::UNREADABLE,
};
use crate::{
    action::audit::{self, Audit, PastAct},
    headless::{Reading, ask},
    model::{
        BackendId, Name, Part, SourceId,
        kubernetes::WorkloadKind,
        metric::{Dashboard, Panel, PanelKind, Setting, Variable},
    },
    query::{Answer, PanelQuery, Query, VariablesQuery},
    source::Reader,
    text::Clean,
    time::Clock,
    ui::filter::Filter,
};

#[derive(Clone, Debug, Args)]
pub struct Show {
    screen: ScreenName,
    /// What to keep: a dashboard (metrics), a repository (prs, pipelines), or a filter as `/` takes it
    #[arg(value_name = "ARG")]
    only: Option<String>,
    /// A template variable of the dashboard (metrics); several times: several variables, or several values of one
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    var: Vec<(String, String)>,
    /// Objects of this kind instead of the workloads and pods (kube): plural, short name or kind, `.group` where needed
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// JSON, with stable keys
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    within: setup::Within,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=').filter(|(name, _)| !name.trim().is_empty()) {
        Some((name, value)) => Ok((name.trim().trim_start_matches("var-").to_owned(), value.to_owned())),
        None => Err("write NAME=VALUE, for example 'service=web'; 'service=All' means every one".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScreenName {
    Now,
    Triage,
    Kube,
    Pipelines,
    Prs,
    Metrics,
    Audit,
}

impl ScreenName {
    fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Triage => "triage",
            Self::Kube => "kube",
            Self::Pipelines => "pipelines",
            Self::Prs => "prs",
            Self::Metrics => "metrics",
            Self::Audit => "audit",
        }
    }

    /// Whether the screen has rows from this source. Timelines and needs draw on all.
    fn reads(self, source: &SourceId) -> bool {
        match self {
            Self::Now | Self::Triage => true,
            Self::Audit => false,
            Self::Pipelines => source.part == Part::Runs,
            Self::Prs => source.part == Part::PullRequests,
            Self::Metrics => source.part == Part::Dashboards,
            Self::Kube => {
                matches!(source.part, Part::Pods | Part::ReplicaSets)
                    || WorkloadKind::ALL.iter().any(|kind| kind.part() == source.part)
            }
        }
    }
}

pub async fn run(show: Show, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let screen = show.screen;
    if screen != ScreenName::Metrics && !show.var.is_empty() {
        return Err(eyre!(
            "--var sets a dashboard's variable: it goes with 'show metrics', not with 'show {}'",
            screen.name()
        ));
    }
    if screen != ScreenName::Kube && show.kind.is_some() {
        return Err(eyre!(
            "--kind names a kind of Kubernetes object: it goes with 'show kube', not with 'show {}'",
            screen.name()
        ));
    }
    if screen == ScreenName::Audit {
        return audit(&show, &global, &clock);
    }
    if let Some(kind) = &show.kind {
        return objects(kind, &show, &global, &clock).await;
    }
    // A backend that could not be opened says so as its health; of other kinds of backends nobody asked.
    let kinds = |source: &SourceId| screen.reads(source) || source.part == Part::Health;
    let (_, wired, mut reading) = setup::reading(&global, &clock, kinds).await?;
    reading.once(show.within.duration()).await;
    let sections = match screen {
        ScreenName::Now => vec![rows::now(&reading)],
        ScreenName::Triage => rows::triage(&reading),
        ScreenName::Kube => rows::kube(&reading),
        ScreenName::Pipelines => rows::pipelines(&reading),
        ScreenName::Prs => rows::pull_requests(&reading),
        ScreenName::Metrics => {
            let asked = Metrics { only: show.only.as_deref(), variables: &show.var, within: show.within.duration() };
            vec![metrics(&reading, &wired.readers, asked, &clock).await?]
        }
        ScreenName::Audit => Vec::new(),
    };
    let filter = show.only.as_deref().filter(|_| screen != ScreenName::Metrics);
    print(&reading, screen, sections, filter, show.json)?;
    let is_unreadable = reading.store.sources.keys().any(|id| screen.reads(id) && reading.trouble(id).is_some())
        || reading.unreadable().iter().any(|id| concerns(&reading, screen, id));
    reading.stop().await;
    Ok(if is_unreadable { ExitCode::from(UNREADABLE) } else { ExitCode::SUCCESS })
}

/// The objects of one kind, in the envelope of every screen.
async fn objects(kind: &str, show: &Show, global: &Global, clock: &Arc<dyn Clock>) -> Result<ExitCode> {
    let (_, wired, mut reading) = setup::reading(global, clock, |source| source.part == Part::Health).await?;
    reading.once(show.within.duration()).await;
    let mut found = objects::read(kind, &wired, clock, show.within.duration()).await?;
    if let Some(filter) = &show.only {
        let filter = Filter::parse(filter);
        found.rows.retain(|row| row.keeps(&filter));
    }
    for says in found.failures.iter().chain(&found.notes) {
        report::aside(says);
    }
    if show.json {
        let rows: Vec<Value> = found.rows.iter().map(|row| row.json.clone()).collect();
        report::print_json(&report::envelope(&reading, "kube", &rows))?;
    } else {
        let heads: Vec<&str> = found.heads.iter().map(String::as_str).collect();
        let cells: Vec<Vec<String>> = found.rows.into_iter().map(|row| row.cells).collect();
        if !cells.is_empty() {
            report::print(&report::columns(&heads, &cells))?;
        }
    }
    let is_unreadable =
        !found.failures.is_empty() || reading.unreadable().iter().any(|id| concerns(&reading, ScreenName::Kube, id));
    reading.stop().await;
    Ok(if is_unreadable { ExitCode::from(UNREADABLE) } else { ExitCode::SUCCESS })
}

/// A backend of which only the health is known, and that is bad: it could not be opened. Whether the screen would have
/// read it shows in its kind.
fn concerns(reading: &Reading, screen: ScreenName, id: &BackendId) -> bool {
    use crate::model::BackendKind::{Alertmanager, GitHub, Grafana, Kubernetes, Prometheus};
    let kinds: &[_] = match screen {
        ScreenName::Now | ScreenName::Triage => &[Kubernetes, GitHub, Grafana, Alertmanager, Prometheus],
        ScreenName::Kube => &[Kubernetes],
        ScreenName::Pipelines | ScreenName::Prs => &[GitHub],
        ScreenName::Metrics => &[Grafana],
        ScreenName::Audit => &[],
    };
    reading.store.backends.get(id).is_some_and(|backend| kinds.contains(&backend.kind))
}

fn print(
    reading: &Reading,
    screen: ScreenName,
    mut sections: Vec<Section>,
    filter: Option<&str>,
    as_json: bool,
) -> std::io::Result<()> {
    if let Some(filter) = filter {
        let filter = Filter::parse(filter);
        for section in &mut sections {
            section.keep(&filter);
        }
    }
    if as_json {
        let rows: Vec<Value> = sections.iter().flat_map(Section::json).collect();
        return report::print_json(&report::envelope(reading, screen.name(), &rows));
    }
    for look in report::looks(reading) {
        if let Some(error) = look.error().filter(|_| concerns(reading, screen, look.id)) {
            report::aside(&format!("'{}' could not be read: {error}", look.id));
        }
    }
    report::print(&text(&sections))
}

/// Each section that has rows, under its heading where there are several.
pub fn text(sections: &[Section]) -> String {
    let many = sections.len() > 1;
    let mut text = String::new();
    for section in sections {
        let cells = section.cells();
        if cells.is_empty() {
            continue;
        }
        if many {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{}", section.title);
        }
        text.push_str(&report::columns(section.heads, &cells));
    }
    text
}

/// The audit needs no backend.
fn audit(show: &Show, global: &Global, clock: &Arc<dyn Clock>) -> Result<ExitCode> {
    crate::config::load::load(global.config.as_deref(), Some(&setup::paths().config))?;
    let acts = past_acts(&setup::paths().audit())?;
    let mut sections = rows::audit(acts.iter());
    if let Some(filter) = &show.only {
        for section in &mut sections {
            section.keep(&Filter::parse(filter));
        }
    }
    if show.json {
        report::print_json(&audit_json(&sections, clock))?;
    } else {
        report::print(&text(&sections))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The audit's rows in the envelope of every screen.
pub fn audit_json(sections: &[Section], clock: &Arc<dyn Clock>) -> Value {
    let rows: Vec<Value> = sections.iter().flat_map(Section::json).collect();
    json!({
        "schema": report::SCHEMA, "screen": "audit", "as_of": time(Some(clock.now().wall)), "backends": [],
        "rows": rows,
    })
}

/// The acts of an audit file, newest first.
pub fn past_acts(path: &std::path::Path) -> Result<Vec<crate::action::act::Act>> {
    let records =
        Audit::new(path).read().map_err(|error| eyre!("the audit '{}' cannot be read: {error}", path.display()))?;
    Ok(audit::acts(&records).iter().map(PastAct::shown).collect())
}

/// What is asked of Grafana.
#[derive(Clone, Copy)]
struct Metrics<'a> {
    /// A dashboard's uid, or a part of its title.
    only: Option<&'a str>,
    variables: &'a [(String, String)],
    within: Duration,
}

/// Every panel that Grafana draws as numbers, read once over the dashboard's own range. Fails where a variable is unknown
/// or does not offer the value: other numbers than those asked for would be worse than none.
async fn metrics(
    reading: &Reading,
    readers: &[Arc<dyn Reader>],
    asked: Metrics<'_>,
    clock: &Arc<dyn Clock>,
) -> Result<Section> {
    let within = asked.within;
    let readers: BTreeMap<&BackendId, &Arc<dyn Reader>> =
        readers.iter().map(|reader| (reader.backend(), reader)).collect();
    let wanted = |dashboard: &&Dashboard| {
        asked.only.is_none_or(|only| {
            dashboard.key.uid == *only || dashboard.title.to_lowercase().contains(&only.to_lowercase())
        })
    };
    let dashboards: Vec<&Dashboard> = reading.store.dashboards.values().filter(wanted).collect();
    if let (Some(only), true, false) = (asked.only, dashboards.is_empty(), reading.store.dashboards.is_empty()) {
        let known: Vec<String> = reading.store.dashboards.values().map(|one| format!("'{}'", one.title)).collect();
        return Err(eyre!(
            "no dashboard '{only}' is read: there is {}; others are read when they are starred or named in `dashboards`",
            known.join(", ")
        ));
    }
    let set: Vec<(Name, Clean)> =
        asked.variables.iter().map(|(name, value)| (Clean::line(name), Clean::line(value))).collect();
    if !set.is_empty() {
        for dashboard in &dashboards {
            let Some(reader) = readers.get(&dashboard.key.backend) else { continue };
            let query = Query::Variables(VariablesQuery {
                dashboard: dashboard.key.clone(),
                range_seconds: dashboard.range_seconds,
                variables: set.clone(),
            });
            if let Ok(Answer::Variables(found)) = ask(&***reader, &query, clock, within).await {
                takes(dashboard, &found.list, &set)?;
            }
        }
    }
    let set = &set;
    let asked = dashboards.into_iter().flat_map(|dashboard| {
        let drawn = |panel: &&Panel| !panel.is_collapsed && !matches!(panel.kind, PanelKind::Other(_));
        dashboard.panels.iter().filter(drawn).map(move |panel| (dashboard, panel))
    });
    let rows = asked.map(|(dashboard, panel)| {
        let reader = readers.get(&dashboard.key.backend).copied();
        async move {
            let query = Query::Panel(PanelQuery {
                panel: panel.key.clone(),
                range_seconds: dashboard.range_seconds,
                points: 200,
                variables: set.clone(),
            });
            let answer = match reader {
                Some(reader) => ask(&**reader, &query, clock, within).await.map_err(|error| error.says.to_string()),
                None => Err(format!("'{}' could not be opened", dashboard.key.backend)),
            };
            panel_row(dashboard, panel, answer)
        }
    });
    let rows = join_all(rows).await;
    Ok(Section { title: "panels", heads: &["DASHBOARD", "PANEL", "NOW", "LIMIT", "SAYS"], rows })
}

/// Whether the dashboard has these variables and their values, as far as it says which.
fn takes(dashboard: &Dashboard, known: &[Variable], set: &[(Name, Clean)]) -> Result<()> {
    let named =
        |list: Vec<&str>| list.into_iter().take(20).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    for (name, value) in set {
        let Some(variable) = known.iter().find(|variable| variable.name == *name) else {
            let names = named(known.iter().map(|variable| variable.name.as_str()).collect());
            let there = if names.is_empty() { "it has none".to_owned() } else { format!("there are {names}") };
            return Err(eyre!("dashboard '{}' has no variable '{name}': {there}", dashboard.title));
        };
        let is_offered = |(text, of): &(Clean, Clean)| text == value || of == value;
        let is_free =
            variable.setting == Setting::Text || variable.options.is_empty() || variable.chosen.contains(value);
        if variable.setting == Setting::Fixed {
            return Err(eyre!("variable '{name}' of dashboard '{}' is fixed by its author", dashboard.title));
        }
        if !is_free && !variable.options.iter().any(is_offered) {
            let values = named(variable.options.iter().map(|(text, _)| text.as_str()).collect());
            return Err(eyre!("variable '{name}' of dashboard '{}' offers no '{value}': {values}", dashboard.title));
        }
    }
    Ok(())
}

fn panel_row(dashboard: &Dashboard, panel: &Panel, answer: Result<Answer, String>) -> Row {
    let (data, error) = match answer {
        Ok(Answer::Panel(data)) => {
            let failures: Vec<String> = data.failures.iter().map(ToString::to_string).collect();
            (Some(data), failures.join("; "))
        }
        Ok(_) => (None, "it answered with something else".to_owned()),
        Err(error) => (None, error),
    };
    let stamp = |millis: i64| time(jiff::Timestamp::from_millisecond(millis).ok());
    let series: Vec<Value> = data
        .iter()
        .flat_map(|data| &data.series)
        .map(|series| {
            let last = series.last();
            json!({"name": series.name, "at": last.map(|(at, _)| stamp(at)), "value": last.map(|(_, value)| value)})
        })
        .collect();
    let value = data.as_ref().and_then(|data| data.value);
    let text = data.as_ref().map(|data| data.text.clone());
    let title =
        data.as_ref().map(|data| &data.title).filter(|title| !title.is_empty()).unwrap_or(&panel.title).to_string();
    let json = json!({
        "kind": "panel", "backend": dashboard.key.backend, "dashboard": dashboard.key.uid,
        "dashboard_title": dashboard.title, "id": panel.key.id, "title": title, "unit": panel.unit.id,
        "value": value, "text": text, "limit": panel.limit(), "series": series,
        "error": Some(&error).filter(|error| !error.is_empty()),
    });
    let lines = data.iter().flat_map(|data| &data.series).filter_map(|series| {
        let (_, value) = series.last()?;
        Some(format!("{} {}", series.name, crate::units::format(&panel.unit, value)))
    });
    let now = match (&data, value) {
        (Some(data), Some(_)) if data.series.len() < 2 => data.text.to_string(),
        (Some(_), _) => lines.take(4).collect::<Vec<_>>().join(", "),
        (None, _) => String::new(),
    };
    let now = if now.is_empty() { "no data".to_owned() } else { now };
    let limit = panel.limit().map(|limit| crate::units::format(&panel.unit, limit)).unwrap_or_default();
    Row { json, cells: vec![dashboard.title.to_string(), title, now, limit, error], is_quiet: false }
}
