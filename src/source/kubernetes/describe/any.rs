//! The page of an object of any kind: what the server prints of it, whose it is, its conditions, data, marks, events.

use serde_json::{Map, Value};

use super::{Page, autoscaler, budget, claim, events_of, git, ingress, job, node, range, service, text};
use crate::{
    model::{
        Level,
        kubernetes::{
            resource::ResourceKey,
            table::{CellKind, Judge, age_of_moment},
        },
    },
    query::PageLine,
    secret::mask,
    source::kubernetes::{
        client::Cluster,
        failure::Failure,
        rows::Rows,
        secret_keys::SecretKeys,
        table::{self, object_path},
        yaml,
    },
    time::age_of,
};

/// Most lines of one value of a ConfigMap, and of all.
const MAX_VALUE: usize = 60;
const MAX_DATA: usize = 500;
/// Most labels and annotations.
const MAX_MARKS: usize = 40;
/// Longest annotation; longer ones are data of tools.
const MAX_MARK: usize = 200;

/// Reads the object and what belongs to it. Only the object itself must answer.
pub async fn page(cluster: &Cluster, rows: &Rows, key: &ResourceKey) -> Result<Vec<PageLine>, Failure> {
    let raw = object(cluster, key).await?;
    let selector = match text(&raw, "/metadata/uid") {
        // The kubelet takes a node's name for its uid.
        uid if !uid.is_empty() && key.resource.is_namespaced => format!("involvedObject.uid={uid}"),
        _ => format!("involvedObject.kind={},involvedObject.name={}", key.resource.kind, key.name),
    };
    let namespace = if key.resource.is_namespaced { key.namespace.as_str() } else { "default" };
    let now = cluster.time();
    let (mut page, mut own) = (Page { lines: Vec::new(), now }, Page { lines: Vec::new(), now });
    let (printed, events, ()) = futures::join!(
        table::row(cluster, rows, key),
        events_of(cluster, rows, namespace, &selector),
        of_its_kind(cluster, rows, key, &raw, &mut own),
    );
    page.heading(&key.to_string());
    deletion(&mut page, &raw);
    match printed {
        Ok(Some((table, row))) => {
            let judge = Judge::of(&table.columns);
            let now = cluster.time();
            for (index, (column, cell)) in table.columns.iter().zip(&row.cells).enumerate() {
                if !matches!(column.name.as_str(), "Name" | "Age" | "Created At")
                    && !matches!(cell.as_str(), "" | "<none>")
                {
                    let level = Some(judge.level_of(index, &row, now)).filter(|level| *level < Level::Ok);
                    let is_age = column.kind == CellKind::Since && cell.starts_with(|c: char| c.is_ascii_digit());
                    let age = age_of_moment(cell.as_str(), now);
                    let ago = if is_age || age.is_some() { " ago" } else { "" };
                    let words = format!("{}{ago}", age.as_deref().unwrap_or(cell.as_str()));
                    page.levelled(&column.name.to_lowercase(), &words, level);
                }
            }
        }
        Ok(None) => {}
        Err(failure) => page.missing("what the server prints", &failure),
    }
    let created = text(&raw, "/metadata/creationTimestamp").parse().ok();
    page.field("age", &created.map_or(String::new(), |created| age_of(created, page.now)));
    owners(&mut page, &raw);
    page.lines.append(&mut own.lines);
    conditions(&mut page, &raw);
    data(&mut page, &raw, key);
    marks(&mut page, "labels", raw.pointer("/metadata/labels"));
    marks(&mut page, "annotations", raw.pointer("/metadata/annotations"));
    if key.resource.kind != "Event" {
        page.events(events);
    }
    Ok(page.lines)
}

/// What pages of some kinds tell besides.
async fn of_its_kind(cluster: &Cluster, rows: &Rows, key: &ResourceKey, raw: &Value, page: &mut Page) {
    match (key.resource.group.as_str(), key.resource.plural.as_str()) {
        ("", "nodes") => node::describe(cluster, rows, key, raw, page).await,
        ("", "services") => service::describe(cluster, key, raw, page).await,
        ("", "limitranges") => range::describe(page, raw),
        ("", "persistentvolumeclaims") => claim::describe(cluster, key, raw, page).await,
        ("networking.k8s.io", "ingresses") => ingress::describe(cluster, key, raw, page).await,
        ("autoscaling", "horizontalpodautoscalers") => autoscaler::describe(page, raw),
        ("policy", "poddisruptionbudgets") => budget::describe(cluster, rows, key, raw, page).await,
        ("batch", "jobs") => job::describe(cluster, rows, key, raw, page).await,
        ("batch", "cronjobs") => job::of_schedule(cluster, key, raw, page).await,
        ("argoproj.io", "applications") => git::application(page, raw),
        (group, _) if group.ends_with(".toolkit.fluxcd.io") => git::flux(page, raw),
        _ => {}
    }
}

/// The object in JSON, of a Secret without its values.
async fn object(cluster: &Cluster, key: &ResourceKey) -> Result<Value, Failure> {
    let path = object_path(key);
    if key.resource.is_secret() {
        return Ok(cluster.get::<SecretKeys>(&path).await?.into_value());
    }
    cluster.get(&path).await
}

/// As YAML shows it: nothing secret. `managed`: with who set which field.
pub async fn shown(cluster: &Cluster, key: &ResourceKey, managed: bool) -> Result<Value, Failure> {
    let object = object(cluster, key).await?;
    Ok(if key.resource.is_secret() { object } else { yaml::shown(object, managed) })
}

fn deletion(page: &mut Page, raw: &Value) {
    let Ok(since) = text(raw, "/metadata/deletionTimestamp").parse() else { return };
    let finalizers = raw.pointer("/metadata/finalizers").and_then(Value::as_array);
    let held: Vec<&str> = finalizers.into_iter().flatten().filter_map(Value::as_str).collect();
    let held = if held.is_empty() { String::new() } else { format!(", held by finalizers {}", held.join(", ")) };
    let words = format!("asked for {}{held}", page.ago(Some(since)));
    page.levelled("being deleted", &words, Some(Level::Progress));
}

fn owners(page: &mut Page, raw: &Value) {
    for owner in raw.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten() {
        page.field("owner", &format!("{}/{}", text(owner, "/kind").to_lowercase(), text(owner, "/name")));
    }
}

/// All of them: which are bad when true is known of the usual ones only.
fn conditions(page: &mut Page, raw: &Value) {
    let Some(all) = raw.pointer("/status/conditions").and_then(Value::as_array).filter(|all| !all.is_empty()) else {
        return;
    };
    page.heading("conditions");
    for condition in all {
        let (kind, status, reason) = (text(condition, "/type"), text(condition, "/status"), text(condition, "/reason"));
        let parts = [status, reason, text(condition, "/message")];
        let words: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let since = text(condition, "/lastTransitionTime");
        let since = if since.is_empty() { String::new() } else { format!(" ({})", page.ago_of(since)) };
        page.levelled(kind, &format!("{}{since}", words.join(": ")), condition_level(kind, status, reason));
    }
}

fn condition_level(kind: &str, status: &str, reason: &str) -> Option<Level> {
    // Of an autoscaler: its target is at zero by somebody's wish; it stays at its least as nobody asks for more.
    if matches!(reason, "ScalingDisabled" | "TooFewReplicas") {
        return None;
    }
    let is_good = |word| {
        ["Ready", "Available", "Healthy", "Synced", "Established", "Complete"].contains(word)
            || ["AbleToScale", "ScalingActive", "DisruptionAllowed"].contains(word)
    };
    let is_bad = |word: &&str| {
        ["Failed", "Degraded", "Stalled", "ReplicaFailure", "NetworkUnavailable"].contains(word)
            || word.ends_with("Pressure")
            || word.ends_with("Error")
    };
    match status {
        "False" if is_good(&kind) => Some(Level::Wrong),
        "True" if is_bad(&kind) => Some(Level::Broken),
        "True" if kind == "ScalingLimited" => Some(Level::Wrong),
        "Unknown" => Some(Level::Unknown),
        _ => None,
    }
}

/// What a ConfigMap holds; of a Secret keys and sizes.
fn data(page: &mut Page, raw: &Value, key: &ResourceKey) {
    let is_config = key.resource.group.is_empty() && key.resource.plural == "configmaps";
    if !is_config && !key.resource.is_secret() {
        return;
    }
    let none = Map::new();
    let held = |name: &str| raw.get(name).and_then(Value::as_object).unwrap_or(&none);
    page.heading(if is_config { "data" } else { "keys" });
    if held("data").is_empty() && held("binaryData").is_empty() {
        page.text("none");
    }
    let mut left = MAX_DATA;
    for (name, value) in held("data") {
        let value = mask(value.as_str().unwrap_or_default());
        let count = value.lines().count();
        if count < 2 {
            let shown = if value.is_empty() { "\"\"" } else { value.trim_end() };
            page.field(name, shown);
            continue;
        }
        page.field(name, &format!("{count} lines"));
        let shown = count.min(MAX_VALUE).min(left);
        left -= shown;
        for line in value.lines().take(shown) {
            page.text(&format!("    {line}"));
        }
        if shown < count {
            page.text(&format!("    and {} more: they stand in the YAML", count - shown));
        }
    }
    for (name, value) in held("binaryData") {
        page.field(name, &format!("binary, {} bytes", value.as_str().map_or(0, |text| text.len() * 3 / 4)));
    }
}

fn marks(page: &mut Page, title: &str, marks: Option<&Value>) {
    let Some(marks) = marks.and_then(Value::as_object).filter(|marks| !marks.is_empty()) else { return };
    page.heading(title);
    for (name, value) in marks.iter().take(MAX_MARKS) {
        let value = value.as_str().unwrap_or_default();
        if value.len() > MAX_MARK || name.ends_with("/last-applied-configuration") {
            page.text(&format!("{name}: {} bytes, in the YAML", value.len()));
        } else {
            page.text(&format!("{name}: {}", mask(value)));
        }
    }
    if marks.len() > MAX_MARKS {
        page.text(&format!("and {} more", marks.len() - MAX_MARKS));
    }
}
