//! The pages of Jobs, with their runs and pods, and of CronJobs, with the jobs that they made and their next run.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::Value;

use super::{Page, items, pods, text};
use crate::{
    model::{
        Level,
        kubernetes::{Pod, resource::ResourceKey, table::due},
    },
    source::kubernetes::{
        client::{Cluster, segment},
        failure::Failure,
        revisions::number,
        rows::Rows,
        selector::{label_selector, query},
    },
    time::age_of,
};

/// Pods of a Job, and Jobs of a namespace, are read in one page.
const MAX_PODS: &str = "100";
const MAX_JOBS: &str = "500";
/// Most jobs of a CronJob that are named.
const MAX_NAMED: usize = 5;

pub async fn describe(cluster: &Cluster, rows: &Rows, key: &ResourceKey, raw: &Value, page: &mut Page) {
    page.heading("runs");
    counts(page, raw);
    let Some(selector) = raw.pointer("/spec/selector").and_then(label_selector) else { return };
    match read(cluster, rows, &key.namespace, &selector).await {
        Ok(pods) if pods.is_empty() => page.text("no pod of it is left, nor its logs"),
        Ok(pods) => pods::describe(page, &pods),
        Err(failure) => page.missing("pods", &failure),
    }
}

/// `3 failed, 1 active; back-off limit 2`
fn counts(page: &mut Page, raw: &Value) {
    let count = |field: &str| number(raw, &format!("/status/{field}")).unwrap_or_default();
    let all = ["failed", "active", "succeeded"].map(|field| (field, count(field)));
    let words: Vec<String> =
        all.iter().filter(|(_, count)| *count > 0).map(|(field, count)| format!("{count} {field}")).collect();
    let words = if words.is_empty() { "none yet".to_owned() } else { words.join(", ") };
    let limit = number(raw, "/spec/backoffLimit").map_or(String::new(), |limit| format!("; back-off limit {limit}"));
    page.levelled("pods so far", &format!("{words}{limit}"), (count("failed") > 0).then_some(Level::Wrong));
    if let Some(seconds) = number(raw, "/spec/activeDeadlineSeconds") {
        page.field("deadline", &format!("{seconds} s after its start"));
    }
    if is_true(raw, "/spec/suspend") {
        page.levelled("suspended", "it starts no pod", Some(Level::Wrong));
    }
}

async fn read(cluster: &Cluster, rows: &Rows, namespace: &str, selector: &str) -> Result<Vec<Pod>, Failure> {
    let asked = query([("labelSelector", selector), ("limit", MAX_PODS)]);
    let list: Value = cluster.get(&format!("/api/v1/namespaces/{}/pods?{asked}", segment(namespace))).await?;
    Ok(items(&list).filter_map(|pod| rows.pod(pod).ok()).collect())
}

/// The page of a CronJob.
pub async fn of_schedule(cluster: &Cluster, key: &ResourceKey, raw: &Value, page: &mut Page) {
    page.heading("runs");
    next_run(page, raw);
    let path = format!("/apis/batch/v1/namespaces/{}/jobs?{}", segment(&key.namespace), query([("limit", MAX_JOBS)]));
    let list: Value = match cluster.get(&path).await {
        Ok(list) => list,
        Err(failure) => return page.missing("jobs", &failure),
    };
    let uid = text(raw, "/metadata/uid");
    let mut jobs: Vec<&Value> = items(&list).filter(|job| is_owned_by(job, uid)).collect();
    jobs.sort_by_key(|job| Reverse(made(job)));
    if jobs.is_empty() {
        page.text("no job of it is kept");
    }
    for job in jobs.iter().take(MAX_NAMED) {
        let (words, level) = outcome(job);
        let words = format!("{} {words}, made {}", text(job, "/metadata/name"), page.ago(made(job)));
        page.levelled("job", &words, Some(level));
    }
    if jobs.len() > MAX_NAMED {
        page.text(&format!("and {} more", jobs.len() - MAX_NAMED));
    }
}

fn next_run(page: &mut Page, raw: &Value) {
    if is_true(raw, "/spec/suspend") {
        return page.levelled("next run", "none: it is suspended", Some(Level::Wrong));
    }
    let zone = Some(text(raw, "/spec/timeZone")).filter(|zone| !zone.is_empty());
    match due(text(raw, "/spec/schedule"), zone, page.now) {
        Some(at) if zone.is_some() => page.field("next run", &format!("in {}", age_of(page.now, at))),
        // Nobody tells the zone of the controller: it is the latest of all.
        Some(at) => page.field("next run", &format!("within {}", age_of(page.now, at))),
        None => page.levelled("next run", "not known: its schedule cannot be read", Some(Level::Unknown)),
    }
}

fn outcome(job: &Value) -> (String, Level) {
    let all = || job.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let is = |kind: &str| all().find(|one| text(one, "/type") == kind && text(one, "/status") == "True");
    if let Some(failed) = is("Failed") {
        return (format!("Failed: {}", text(failed, "/reason")), Level::Broken);
    }
    match (is("Complete"), is_true(job, "/spec/suspend")) {
        (Some(_), _) => ("Complete".to_owned(), Level::Ok),
        (None, true) => ("Suspended".to_owned(), Level::Wrong),
        (None, false) => ("Running".to_owned(), Level::Progress),
    }
}

fn made(object: &Value) -> Option<Timestamp> {
    text(object, "/metadata/creationTimestamp").parse().ok()
}

fn is_owned_by(object: &Value, uid: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| text(owner, "/uid") == uid)
}

fn is_true(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer) == Some(&Value::Bool(true))
}
