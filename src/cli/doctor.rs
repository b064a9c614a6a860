//! `midwatch doctor`: is each backend reachable, safely, by whom, with what budget; and what to do about each failure.
//!
//! JSON: `{schema: 1, as_of, version, config: {path, is_read}, checks: [{about, check, result, says}]}`; `about` is a
//! backend's name or `midwatch`, `result` is `ok`, `look` (works, but know it) or `fail`.
//! Exit codes: 0 nothing fails, 3 something does.

use std::{fmt::Write as _, path::Path, process::ExitCode, sync::Arc};

use clap::Args;
use color_eyre::Result;
use serde_json::{Value, json};

use super::{Global, report, setup, status::UNREADABLE};
use crate::{
    action,
    headless::Reading,
    model::{BackendId, BackendKind, Level, Part},
    secret::mask,
    source::SourceError,
    store::Backend,
    text::{Clean, grouped},
    time::Clock,
    ui::theme::{ColourDepth, GlyphSet, TerminalEnv},
    wire::Wired,
};

/// A clock that is off by more than this shifts what is compared: ages, silences, ranges.
const SKEW_MS: i64 = 5_000;

#[derive(Clone, Debug, Args)]
pub struct Doctor {
    /// JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    within: setup::Within,
}

/// One thing that was looked at.
struct Finding {
    about: String,
    check: &'static str,
    /// `ok`, `look`, `fail`
    result: &'static str,
    says: String,
}

pub async fn run(doctor: Doctor, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let setup = setup::setup(&global).await?;
    let (mut wired, settings, _) = setup.open(&global, true, &clock).await;
    let mut reading = setup::start(&setup, &mut wired, settings, &clock, |_| true)?;
    reading.once(doctor.within.duration()).await;
    let mut findings = own(&setup, &reading);
    for (id, backend) in &reading.store.backends {
        findings.extend(of_backend(&reading, &wired, id, backend));
    }
    findings.extend(registries(&wired).await);
    findings.extend(argocds(&wired).await);
    findings.extend(jenkinses(&wired).await);
    if reading.store.backends.is_empty() {
        findings.push(Finding {
            about: "midwatch".to_owned(),
            check: "backends",
            result: "fail",
            says: setup.nothing(),
        });
    }
    let fails = findings.iter().filter(|finding| finding.result == "fail").count();
    if doctor.json {
        report::print_json(&json(&findings, &setup, &clock))?;
    } else {
        report::print(&text(&findings, fails))?;
    }
    reading.stop().await;
    Ok(ExitCode::from(if fails > 0 { UNREADABLE } else { 0 }))
}

fn json(findings: &[Finding], setup: &setup::Setup, clock: &Arc<dyn Clock>) -> Value {
    let checks: Vec<Value> = findings
        .iter()
        .map(|one| json!({"about": one.about, "check": one.check, "result": one.result, "says": one.says}))
        .collect();
    json!({
        "schema": report::SCHEMA, "as_of": report::time(Some(clock.now().wall)), "version": env!("CARGO_PKG_VERSION"),
        "config": {"path": setup.config_path, "is_read": setup.found.is_none()}, "checks": checks,
    })
}

fn text(findings: &[Finding], fails: usize) -> String {
    let mut text = String::new();
    let mut about = "";
    let widest = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    for finding in findings {
        if finding.about != about {
            about = &finding.about;
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{about}");
        }
        let _ = writeln!(text, "  {:<4}  {:<widest$}  {}", finding.result, finding.check, finding.says);
    }
    let end = match fails {
        0 => "\nnothing fails\n".to_owned(),
        1 => "\n1 check fails\n".to_owned(),
        many => format!("\n{many} checks fail\n"),
    };
    text + &end
}

/// midwatch itself: files and terminal, and what was found without a configuration.
fn own(setup: &setup::Setup, reading: &Reading) -> Vec<Finding> {
    let finding = |check, result, says: String| Finding { about: "midwatch".to_owned(), check, result, says };
    let path = setup.config_path.display();
    let config = match &setup.found {
        None => finding("config", "ok", path.to_string()),
        Some(_) => finding("config", "look", format!("none at '{path}'; backends are what was found: `midwatch init`")),
    };
    let audit = setup.paths.audit();
    let audit = match may_write(&audit) {
        Ok(()) => finding("audit", "ok", audit.display().to_string()),
        Err(why) => {
            let says = format!("'{}' cannot be written ({why}): no action will be sent until it can", audit.display());
            finding("audit", "fail", says)
        }
    };
    let mut found = vec![finding("version", "ok", env!("CARGO_PKG_VERSION").to_owned()), config, audit];
    if let Some(why) = &reading.settings.read_only {
        found.push(finding("writing", "look", why.to_string()));
    }
    found.push(terminal(setup));
    let missing = setup.found.iter().flat_map(|found| &found.lines).filter(|line| !line.is_found);
    found.extend(missing.map(|line| {
        let (what, _, says) = line.shown();
        finding("looked for", "look", format!("{what}: {says}"))
    }));
    found
}

fn terminal(setup: &setup::Setup) -> Finding {
    let env = TerminalEnv::from_process();
    let depth = match env.depth() {
        ColourDepth::None => "no colour",
        ColourDepth::Ansi16 => "16 colours",
        ColourDepth::Ansi256 => "256 colours",
        ColourDepth::True => "true colour",
    };
    let glyphs = match env.glyphs(setup.config.ui.ascii) {
        GlyphSet::Unicode => "lines and Braille",
        GlyphSet::Console => "lines, no Braille",
        GlyphSet::Ascii => "ASCII",
    };
    let name = std::env::var("TERM").unwrap_or_else(|_| "not set".to_owned());
    let mut says = format!("TERM {name}, {depth}, {glyphs}");
    if let Ok((width, height)) = crossterm::terminal::size() {
        let _ = write!(says, ", {width}x{height}");
    }
    for (variable, word) in [("SSH_CONNECTION", "over ssh"), ("TMUX", "in tmux"), ("STY", "in screen")] {
        if std::env::var_os(variable).is_some() {
            let _ = write!(says, ", {word}");
        }
    }
    Finding { about: "midwatch".to_owned(), check: "terminal", result: "ok", says: Clean::line(&says).to_string() }
}

/// Whether a file could be appended to, without making it.
fn may_write(path: &Path) -> Result<(), String> {
    if path.exists() {
        return std::fs::OpenOptions::new().append(true).open(path).map(drop).map_err(|error| error.to_string());
    }
    let folder = path.ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(Path::new("."));
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)
        .map_err(|error| format!("'{}': {}", folder.display(), std::io::Error::from(error)))
}

fn of_backend(reading: &Reading, wired: &Wired, id: &BackendId, backend: &Backend) -> Vec<Finding> {
    let about = format!("{id} ({})", backend.kind.title());
    let finding = |check, result, says: String| Finding { about: about.clone(), check, result, says };
    let mut found = reached(reading, id, &finding);
    let is_up = found.iter().any(|one| one.result == "ok");
    let reads_all = found.iter().all(|one| one.result == "ok");
    let (result, says) = safety(wired, id, backend.kind);
    found.push(finding("TLS", result, says));
    if !is_up {
        return found;
    }
    let info = &backend.info;
    match info.clock.map(|clock| clock.offset_ms(reading.view().now)) {
        Some(offset) if offset.abs() > SKEW_MS => {
            let way = if offset > 0 { "ahead of" } else { "behind" };
            let says = format!("its clock is {} s {way} ours: check both with NTP", offset.abs() / 1000);
            found.push(finding("clock", "look", says));
        }
        Some(_) => found.push(finding("clock", "ok", "agrees with ours".to_owned())),
        None => {}
    }
    match &info.identity {
        Some(identity) => found.push(finding("identity", "ok", identity.to_string())),
        None if has_token(wired, id, backend.kind) => {}
        None => found.push(finding("identity", "look", "no token: what is public is all there is".to_owned())),
    }
    if let Some(version) = &info.version {
        found.push(finding("version", "ok", version.to_string()));
    }
    let now = reading.view().now.wall;
    for ending in info.endings.iter().flatten() {
        let result = match ending.level(now) {
            None => "ok",
            Some(Level::Broken) => "fail",
            Some(_) => "look",
        };
        let date = ending.at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC");
        found.push(finding("expiry", result, format!("{} ({date})", ending.words(now))));
    }
    for quota in backend.quotas.values().filter(|quota| quota.limit > 0) {
        let minutes = crate::time::seconds_between(now, quota.resets).max(0) / 60;
        let is_low = quota.remaining < quota.limit / 10;
        let (left, all) = (grouped(quota.remaining.into()), grouped(quota.limit.into()));
        let says = format!("{}: {left} of {all} left, full again in {minutes}m", quota.resource);
        let low = " (below a tenth midwatch waits)";
        found.push(finding("quota", if is_low { "look" } else { "ok" }, says + if is_low { low } else { "" }));
    }
    found.extend(info.notes.iter().map(|note| finding("rights", "look", note.to_string())));
    let coverages = reading.store.coverages(id);
    let narrow = coverages.iter().filter(|(coverage, _)| !coverage.is_failure);
    found.extend(narrow.map(|(coverage, parts)| finding("rights", "look", report::in_part(coverage, parts))));
    if backend.kind == BackendKind::Kubernetes && reads_all && info.notes.is_empty() && coverages.is_empty() {
        let says = "all that is watched may be read; what may be changed, each plan asks";
        found.push(finding("rights", "ok", says.to_owned()));
    }
    if let Some(why) = reading.settings.read_only_backends.get(id) {
        found.push(finding("writing", "look", why.to_string()));
    }
    found
}

/// Registries are asked by plans only, so nothing is known of them yet.
async fn registries(wired: &Wired) -> Vec<Finding> {
    let asked = wired.registries.iter().map(async |registry| {
        let about = format!("{} (registry)", action::Registry::host(&**registry));
        asked_now(about, registry.check().await, &registry.url(), registry.is_insecure())
    });
    futures::future::join_all(asked).await.into_iter().flatten().collect()
}

/// Argo CD's servers and Jenkins likewise.
async fn argocds(wired: &Wired) -> Vec<Finding> {
    let asked = wired.argocds.iter().map(async |server| {
        let about = format!("{} (Argo CD)", server.id());
        asked_now(about, server.check().await, server.url(), server.is_insecure())
    });
    futures::future::join_all(asked).await.into_iter().flatten().collect()
}

async fn jenkinses(wired: &Wired) -> Vec<Finding> {
    let asked = wired.jenkinses.iter().map(async |server| {
        let about = format!("{} (Jenkins)", server.id());
        asked_now(about, server.check().await, server.url(), server.is_insecure())
    });
    futures::future::join_all(asked).await.into_iter().flatten().collect()
}

fn asked_now(about: String, said: Result<Clean, SourceError>, url: &str, is_insecure: bool) -> [Finding; 2] {
    let (result, says) = match said {
        Ok(says) => ("ok", says.to_string()),
        Err(error) => ("fail", error.says.to_string()),
    };
    let reached = Finding { about: about.clone(), check: "reachable", result, says };
    let (result, says) = protection(url, is_insecure);
    [reached, Finding { about, check: "TLS", result, says: mask(&says) }]
}

/// What answered and what failed; equal failures of several parts are one finding.
fn reached(
    reading: &Reading,
    id: &BackendId,
    finding: &impl Fn(&'static str, &'static str, String) -> Finding,
) -> Vec<Finding> {
    let mut good: Vec<&str> = Vec::new();
    let mut bad: Vec<(String, Vec<&str>)> = Vec::new();
    for (source, state) in reading.store.sources.iter().filter(|(source, _)| source.backend == *id) {
        let part = if source.part == Part::Health { "health" } else { source.part.title() };
        let Some(mut says) = reading.trouble(source) else {
            good.push(part);
            continue;
        };
        let login = state.pulse.failure.as_ref().and_then(|failure| failure.error.login.as_ref());
        if let Some(login) = login {
            let _ = write!(says, " (`l` in midwatch runs '{}')", login.words());
        }
        match bad.iter_mut().find(|(known, _)| *known == says) {
            Some((_, parts)) => parts.push(part),
            None => bad.push((says, vec![part])),
        }
    }
    let mut found = Vec::new();
    if !good.is_empty() {
        found.push(finding("reachable", "ok", good.join(", ")));
    }
    let told =
        bad.into_iter().map(|(says, parts)| finding("reachable", "fail", format!("{}: {says}", parts.join(", "))));
    found.extend(told);
    found
}

/// How the connection is protected.
fn safety(wired: &Wired, id: &BackendId, kind: BackendKind) -> (&'static str, String) {
    let config = &wired.config;
    let (url, is_insecure, through) = match kind {
        BackendKind::Kubernetes => match wired.clusters.get(id) {
            Some(cluster) => (cluster.server().to_string(), cluster.is_insecure(), None),
            None => return ("look", "not known: it could not be opened".to_owned()),
        },
        BackendKind::GitHub => match config.github.iter().find(|one| *one.name == **id) {
            Some(one) => (one.url.clone(), one.tls.insecure, None),
            None => return ("look", "not known".to_owned()),
        },
        BackendKind::Grafana => match config.grafana.iter().find(|one| *one.name == **id) {
            Some(one) => (one.url.clone(), one.tls.insecure, one.through.clone()),
            None => return ("look", "not known".to_owned()),
        },
        BackendKind::Alertmanager => match config.alertmanager.iter().find(|one| *one.name == **id) {
            Some(one) => (one.url.clone(), one.tls.insecure, one.through.clone()),
            None => return ("look", "not known".to_owned()),
        },
        BackendKind::Prometheus => match config.prometheus.iter().find(|one| *one.name == **id) {
            Some(one) => (one.url.clone(), one.tls.insecure, one.through.clone()),
            None => return ("look", "not known".to_owned()),
        },
    };
    if let Some(through) = through {
        return ("ok", format!("through the cluster, as '{through}'"));
    }
    protection(&url, is_insecure)
}

/// What an address tells of how it is protected.
fn protection(url: &str, is_insecure: bool) -> (&'static str, String) {
    let parsed = url::Url::parse(url).ok();
    let scheme = parsed.as_ref().map_or("", url::Url::scheme);
    let host = parsed.as_ref().and_then(url::Url::host_str).unwrap_or("");
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match (scheme, is_insecure) {
        ("https", false) => ("ok", format!("certificates are verified, {host}")),
        ("https", true) => ("look", format!("{host}: the certificate is NOT verified (insecure): give its ca_file")),
        ("http", _) if is_local => ("ok", "none, on this computer".to_owned()),
        ("http", _) => ("look", format!("{host} is asked without TLS: everybody between can read the token")),
        _ => ("look", "not known".to_owned()),
    }
}

fn has_token(wired: &Wired, id: &BackendId, kind: BackendKind) -> bool {
    let config = &wired.config;
    match kind {
        BackendKind::GitHub => config.github.iter().any(|one| *one.name == **id && one.token.is_some()),
        BackendKind::Grafana => config.grafana.iter().any(|one| *one.name == **id && one.token.is_some()),
        // A kubeconfig has its own ways; most Alertmanagers and Prometheus servers ask for none.
        BackendKind::Kubernetes | BackendKind::Alertmanager | BackendKind::Prometheus => true,
    }
}
