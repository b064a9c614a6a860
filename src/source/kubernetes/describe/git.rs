//! The pages of what applies git: Argo CD's Applications and the objects of Flux.

use serde_json::Value;

use super::{Page, text};
use crate::{
    model::{Level, gitops::short},
    source::argocd::application,
};

/// Most syncs, and most objects that are not as they should be, that are shown.
const MAX_SYNCS: usize = 5;
const MAX_OBJECTS: usize = 10;

/// An Application (argo-cd `pkg/apis/application/v1alpha1/types.go`).
pub fn application(page: &mut Page, raw: &Value) {
    page.heading("sync");
    let several = raw.pointer("/spec/sources").and_then(Value::as_array).into_iter().flatten();
    for source in raw.pointer("/spec/source").into_iter().chain(several) {
        page.field("source", &argo_source(source));
    }
    let to = ["/spec/destination/name", "/spec/destination/server"].map(|field| text(raw, field));
    let to = to.into_iter().find(|to| !to.is_empty()).unwrap_or_default();
    page.field("destination", &joined([text(raw, "/spec/destination/namespace"), to], " on "));
    policy(page, raw);
    if let Some(busy) = application::busy(raw) {
        page.levelled("goes on", &busy, Some(Level::Progress));
    }
    last_sync(page, raw);
    for sync in application::history(raw).iter().take(MAX_SYNCS) {
        let at = page.ago(sync.deployed.or(sync.started));
        page.field(&format!("sync {}", sync.id), &format!("{}, {at}", short(&sync.revision)));
    }
    objects(page, raw);
}

/// `https://git.example/deploy.git web/prod at main`
fn argo_source(source: &Value) -> String {
    let at = Some(text(source, "/targetRevision")).filter(|at| !at.is_empty()).unwrap_or("HEAD");
    let place = joined([text(source, "/repoURL"), text(source, "/chart"), text(source, "/path")], " ");
    format!("{place} at {at}")
}

fn policy(page: &mut Page, raw: &Value) {
    if !application::is_active(raw) {
        return page.field("policy", "synced by hand");
    }
    let is = |field: &str| raw.pointer(&format!("/spec/syncPolicy/automated/{field}")) == Some(&Value::Bool(true));
    let heals = if is("selfHeal") { "with self-heal" } else { "without self-heal" };
    let prunes = if is("prune") { "deletes what git lost" } else { "" };
    page.field("policy", &joined([&format!("auto-sync {heals}"), prunes], ", "));
}

fn last_sync(page: &mut Page, raw: &Value) {
    let Some(last) = raw.pointer("/status/operationState").filter(|last| last.is_object()) else { return };
    let phase = text(last, "/phase");
    let level = match phase {
        "Failed" | "Error" => Level::Broken,
        "Running" | "Terminating" => Level::Progress,
        _ => Level::Ok,
    };
    let at = [text(last, "/finishedAt"), text(last, "/startedAt")].into_iter().find(|at| !at.is_empty());
    let revision = [text(last, "/syncResult/revision"), text(last, "/operation/sync/revision")];
    let revision = short(revision.into_iter().find(|revision| !revision.is_empty()).unwrap_or_default());
    let by = Some(text(last, "/operation/initiatedBy/username")).filter(|by| !by.is_empty());
    let by = by.map_or(String::new(), |by| format!("by {by}"));
    let words = joined([phase, revision, &page.ago_of(at.unwrap_or_default()), &by], ", ");
    page.levelled("last sync", &joined([&words, text(last, "/message")], ": "), Some(level));
}

/// Those that are not as git says, or not well.
fn objects(page: &mut Page, raw: &Value) {
    let all = raw.pointer("/status/resources").and_then(Value::as_array).into_iter().flatten();
    let is_odd = |one: &&Value| {
        !matches!(text(one, "/status"), "" | "Synced") || !matches!(text(one, "/health/status"), "" | "Healthy")
    };
    let odd: Vec<&Value> = all.filter(is_odd).collect();
    for one in odd.iter().take(MAX_OBJECTS) {
        let who = joined([text(one, "/namespace"), text(one, "/name")], "/");
        let health = joined([text(one, "/health/status"), text(one, "/health/message")], ": ");
        let how = joined([text(one, "/status"), &health], ", ");
        let is_well = matches!(text(one, "/health/status"), "" | "Healthy" | "Progressing");
        let level = if is_well { Level::Wrong } else { Level::Broken };
        page.levelled("not well", &format!("{} {who} {how}", text(one, "/kind").to_lowercase()), Some(level));
    }
    if odd.len() > MAX_OBJECTS {
        page.text(&format!("and {} more", odd.len() - MAX_OBJECTS));
    }
}

/// An object of Flux: a source, or what applies one (fluxcd `kustomize-controller`, `helm-controller`, `source-controller`).
pub fn flux(page: &mut Page, raw: &Value) {
    page.heading("sync");
    if raw.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        page.levelled("suspended", "it applies nothing", Some(Level::Wrong));
    }
    page.field("source", &flux_source(raw));
    page.field("destination", text(raw, "/spec/targetNamespace"));
    page.field("every", text(raw, "/spec/interval"));
    let (applied, attempted) = (text(raw, "/status/lastAppliedRevision"), text(raw, "/status/lastAttemptedRevision"));
    page.field("applied", applied);
    if attempted != applied {
        page.levelled("attempted", attempted, Some(Level::Wrong));
    }
    let (revision, at) = (text(raw, "/status/artifact/revision"), text(raw, "/status/artifact/lastUpdateTime"));
    if !revision.is_empty() {
        page.field("fetched", &format!("{revision}, {}", page.ago_of(at)));
    }
}

/// `gitrepository/deploy ./web/prod`, `helmrepository/charts redis 18.x`, `https://git.example/deploy.git at main`
fn flux_source(raw: &Value) -> String {
    let chart = raw.pointer("/spec/chart/spec").unwrap_or(&Value::Null);
    let reference = [raw.pointer("/spec/sourceRef"), chart.get("sourceRef"), raw.pointer("/spec/chartRef")];
    let Some(reference) = reference.into_iter().flatten().next() else {
        let at = ["/spec/ref/commit", "/spec/ref/semver", "/spec/ref/tag", "/spec/ref/branch"].map(|at| text(raw, at));
        let at = at.into_iter().find(|at| !at.is_empty()).unwrap_or_default();
        return joined([text(raw, "/spec/url"), at], " at ");
    };
    let who = format!("{}/{}", text(reference, "/kind").to_lowercase(), text(reference, "/name"));
    joined([&who, text(raw, "/spec/path"), text(chart, "/chart"), text(chart, "/version")], " ")
}

/// What is said of these.
fn joined<const N: usize>(parts: [&str; N], with: &str) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(with)
}
