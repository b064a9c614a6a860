//! `midwatch show SCREEN`: the rows of a screen, read once.
//!
//! JSON: `{schema: 1, screen, as_of, backends: [{name, kind, fresh, as_of, error, note, version}], rows: [...]}`. `fresh`
//! is `live`, `stale`, `partial` (some parts could not be read, or `note` says of what all is) or `down`; the rows' keys
//! stand in `rows.rs`. Exit 3: a backend could not be read; what could is printed all the same.

mod metrics;

use std::{fmt::Write as _, process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};
use color_eyre::{Result, eyre::eyre};
use serde_json::{Value, json};

use super::{
    Global, objects,
    report::{self, time},
    rows::{self, Section},
    setup,
    status::UNREADABLE,
};
use crate::{
    action::audit::{self, Audit},
    headless::Reading,
    model::{BackendId, Part, SourceId, kubernetes::WorkloadKind},
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
            let asked =
                metrics::Asked { only: show.only.as_deref(), variables: &show.var, within: show.within.duration() };
            vec![metrics::read(&reading, &wired.readers, asked, &clock).await?]
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
        } else if found.failures.is_empty() {
            report::aside(&match &show.only {
                Some(filter) => format!("no '{kind}' matches '{filter}'"),
                None => format!("no '{kind}' in what was read"),
            });
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
        if let Some(note) = look.note().filter(|_| concerns(reading, screen, look.id)) {
            report::aside(&format!("'{}': {note}", look.id));
        }
    }
    let text = text(&sections);
    if text.is_empty()
        && let Some(nothing) = nothing(reading, screen, filter)
    {
        report::aside(&nothing);
    }
    report::print(&text)
}

/// That there is nothing, and where it was looked for: an answer without a word looks like a broken pipe. `None`: nothing
/// was read, which was said.
fn nothing(reading: &Reading, screen: ScreenName, filter: Option<&str>) -> Option<String> {
    let looks = report::looks(reading);
    let read: Vec<_> = looks.iter().filter(|look| look.fresh != "down" && concerns(reading, screen, look.id)).collect();
    if read.is_empty() {
        return None;
    }
    Some(match (filter, screen) {
        (Some(filter), _) => format!("nothing on '{}' matches '{filter}'", screen.name()),
        (None, ScreenName::Kube) => {
            let places = read.iter().map(|look| match reading.settings.namespaces.get(look.id) {
                Some(names) if !names.is_empty() => format!("'{}' of '{}'", names.join("', '"), look.id),
                _ => format!("'{}'", look.id),
            });
            format!("no workloads in {}", places.collect::<Vec<_>>().join(", "))
        }
        (None, _) => format!("nothing on '{}'", screen.name()),
    })
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
    let acts = past_acts(&setup::paths().audit(), clock)?;
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
pub fn past_acts(path: &std::path::Path, clock: &Arc<dyn Clock>) -> Result<Vec<crate::action::act::Act>> {
    let records =
        Audit::new(path).read().map_err(|error| eyre!("the audit '{}' cannot be read: {error}", path.display()))?;
    let login = Clean::own(setup::user_at_host());
    let now = clock.now().wall;
    Ok(audit::acts(&records).iter().map(|act| act.shown(&login, now)).collect())
}
