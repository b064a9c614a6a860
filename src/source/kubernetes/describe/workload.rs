//! The page of a Deployment, StatefulSet, DaemonSet or Rollout.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Page, container, events_of, pods, rollout, text};
use crate::{
    model::{
        Level,
        kubernetes::{Pod, Revision, Workload, WorkloadKey, WorkloadKind, digest_words},
    },
    source::{
        ErrorKind,
        kubernetes::{
            client::Cluster,
            failure::{Failure, Reached},
            pods::{Selected, Which},
            revisions::{self, MADE_WITHIN},
            rows::Rows,
            selector::label_selector,
        },
    },
    time::{age_of, seconds_between},
};

/// Most revisions listed; the plan has them all.
const MAX_REVISIONS: usize = 5;

pub async fn describe(
    cluster: &Cluster,
    rows: &Rows,
    key: &WorkloadKey,
    raw: &Value,
    page: &mut Page,
) -> Result<(), Failure> {
    let odd = |error: serde_json::Error| Failure::own(ErrorKind::Unexpected, Reached::Answered, error.to_string());
    let workload = rows.workload(key.kind, raw).map_err(odd)?;
    let own_events = format!("involvedObject.uid={}", workload.uid);
    let (pods, kept, events, warnings) = futures::join!(
        read_pods(cluster, rows, key, raw),
        revisions::read(cluster, key, raw, None),
        events_of(cluster, rows, &key.namespace, &own_events),
        pods::warnings(cluster, rows, &key.namespace),
    );
    page.heading(&key.to_string());
    summary(page, &workload, raw);
    if key.kind == WorkloadKind::Rollout {
        rollout::update(page, raw);
    }
    match &pods {
        Ok(pods) => pods::describe(page, pods),
        Err(failure) => page.missing("pods", failure),
    }
    page.conditions(raw, |kind, status| (status == "True") != is_bad_when_true(kind));
    page.heading("owner");
    if workload.managed_by.is_empty() {
        page.field("managed by", "nobody that left a mark");
    }
    for manager in &workload.managed_by {
        page.field("managed by", &manager.to_string());
    }
    page.heading("revisions");
    match kept {
        Ok(kept) => {
            for revision in kept.iter().take(MAX_REVISIONS) {
                let live = if revision.is_live { ", live" } else { "" };
                let cause = revision.change_cause.as_ref().map_or(String::new(), |cause| format!(", because: {cause}"));
                let made = made(page, revision, &workload);
                let words = format!("{}, {made}{live}{cause}", revision.images.join(", "));
                page.field(&revision.number.to_string(), &words);
            }
        }
        Err(failure) => page.missing("revisions", &failure),
    }
    for spec in raw.pointer("/spec/template/spec/containers").and_then(Value::as_array).into_iter().flatten() {
        page.heading(&format!("container {}", text(spec, "/name")));
        page.field("image", text(spec, "/image"));
        digests(page, pods.as_deref().unwrap_or_default(), text(spec, "/name"), text(spec, "/image"));
        container::of_spec(page, spec, raw.pointer("/spec/template/spec/volumes").unwrap_or(&Value::Null));
    }
    pods::warned(page, pods.as_deref().unwrap_or_default(), warnings);
    page.events(events);
    Ok(())
}

/// `made 3h ago by helm`; whoever went back to it did so later than it was made.
pub(super) fn made(page: &Page, revision: &Revision, workload: &Workload) -> String {
    let made = page.ago(revision.created);
    let Some(by) = &revision.by else { return format!("made {made}") };
    let set = workload.changed_by.as_ref().and_then(|(_, at)| *at).filter(|_| revision.is_live);
    match set.zip(revision.created) {
        Some((set, created)) if seconds_between(created, set) > MADE_WITHIN => {
            format!("made {made}, set again {} by {by}", page.ago(Some(set)))
        }
        _ => format!("made {made} by {by}"),
    }
}

/// `InvalidSpec` and `Paused` are of a Rollout.
fn is_bad_when_true(kind: &str) -> bool {
    matches!(kind, "ReplicaFailure" | "InvalidSpec" | "Paused")
}

fn summary(page: &mut Page, workload: &Workload, raw: &Value) {
    page.levelled("status", &workload.rollout_words(), Some(workload.level));
    if let Some(failure) = &workload.replica_failure {
        page.levelled("no pods appear", failure, Some(Level::Broken));
    }
    if workload.paused {
        page.levelled("paused", "changes of the template do not roll out", Some(Level::Wrong));
    }
    let counts = format!(
        "{}/{} ready, {} of the new version, {} available, {} exist",
        workload.ready, workload.desired, workload.updated, workload.available, workload.replicas
    );
    page.field("replicas", &counts);
    page.field("age", &workload.created.map_or(String::new(), |created| age_of(created, page.now)));
    if let Some(revision) = workload.revision {
        page.field("revision", &revision.to_string());
    }
    page.field("change cause", workload.change_cause.as_deref().unwrap_or_default());
    if let Some((manager, at)) = &workload.changed_by {
        page.field("changed by", &format!("{manager}, {}", page.ago(*at)));
    }
    page.field("strategy", &strategy(workload, raw));
    let selector: Vec<String> = workload.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    page.field("selector", &selector.join(", "));
}

/// How one version takes the place of another. A Rollout's steps are told where it is said how far it is.
fn strategy(workload: &Workload, raw: &Value) -> String {
    if workload.is_on_delete() {
        return "OnDelete: new pods come when the old ones are deleted".to_owned();
    }
    match (workload.recreates, &workload.max_unavailable, workload.key.kind) {
        (true, _, _) => "recreate: all pods go before new ones come".to_owned(),
        (false, Some(limit), _) => format!("rolling, at most {limit} unavailable{}{}", surge(raw), partition(raw)),
        (false, None, WorkloadKind::Rollout) => String::new(),
        (false, None, _) => format!("rolling{}", partition(raw)),
    }
}

/// `, partition 2: pods below number 2 keep their version`, which only a StatefulSet has; nothing where none is kept.
fn partition(raw: &Value) -> String {
    let number = raw.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_u64);
    number.filter(|number| *number > 0).map_or_else(String::new, |number| {
        format!(", partition {number}: pods below number {number} keep their version")
    })
}

/// `, 25% max surge`, as kubectl calls it; nothing where the kind has none.
fn surge(raw: &Value) -> String {
    let fields = [
        "/spec/strategy/rollingUpdate/maxSurge",
        "/spec/updateStrategy/rollingUpdate/maxSurge",
        "/spec/strategy/canary/maxSurge",
    ];
    let stated = fields.into_iter().find_map(|field| raw.pointer(field));
    let amount = stated.map(|amount| amount.as_str().map_or_else(|| amount.to_string(), str::to_owned));
    amount.map_or_else(String::new, |amount| format!(", {amount} max surge"))
}

/// What really runs of an image: its tag may mean another by now, and then pods of one template differ.
fn digests(page: &mut Page, pods: &[Pod], container: &str, image: &str) {
    let mut templates: BTreeMap<Option<&str>, BTreeSet<&str>> = BTreeMap::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in pods {
        let of_it = pod.containers.iter().filter(|own| own.name == *container && own.image == *image);
        for digest in of_it.filter_map(|own| own.digest.as_deref()) {
            templates.entry(pod.hash.as_deref()).or_default().insert(digest);
            *counts.entry(digest).or_default() += 1;
        }
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let is_only = counts.len() == 1;
    let words: Vec<String> = counts
        .iter()
        .map(|(digest, count)| {
            // One alone has room to be copied whole.
            let digest = if is_only { (*digest).to_owned() } else { digest_words(digest) };
            format!("{digest} in {count} pod{}", if *count == 1 { "" } else { "s" })
        })
        .collect();
    let differ = templates.values().any(|digests| digests.len() > 1);
    let why = if differ { ": pods of one template differ" } else { "" };
    page.levelled("runs", &format!("{}{why}", words.join(", ")), differ.then_some(Level::Wrong));
}

async fn read_pods(cluster: &Cluster, rows: &Rows, key: &WorkloadKey, raw: &Value) -> Result<Vec<Pod>, Failure> {
    let selector = raw.pointer("/spec/selector").and_then(label_selector).ok_or_else(|| {
        Failure::own(ErrorKind::Unexpected, Reached::Answered, "it has no pod selector that midwatch can read")
    })?;
    Selected { cluster, rows, namespace: &key.namespace, selector: &selector, which: Which::All }.read().await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::BackendId;

    /// The summary of a set of 3 pods, 1 of them updated, by its strategy.
    fn summary_of(kind: WorkloadKind, strategy: &Value) -> Vec<String> {
        let set = json!({"metadata": {"name": "db", "namespace": "shop", "generation": 2},
            "spec": {"replicas": 3, "updateStrategy": strategy},
            "status": {"observedGeneration": 2, "replicas": 3, "readyReplicas": 3, "updatedReplicas": 1,
                "currentNumberScheduled": 3, "desiredNumberScheduled": 3, "numberAvailable": 3, "numberReady": 3,
                "updatedNumberScheduled": 1}});
        let workload = Rows::new(&BackendId::new("c")).workload(kind, &set).unwrap();
        let mut page = Page { lines: Vec::new(), now: "2026-01-02T03:10:00Z".parse().unwrap() };
        summary(&mut page, &workload, &set);
        page.lines.iter().map(|line| format!("{line:?}")).collect()
    }

    #[test]
    fn a_set_says_by_what_its_pods_are_replaced() {
        for kind in [WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
            let page = summary_of(kind, &json!({"type": "OnDelete"}));
            let has = |words: &str| assert!(page.iter().any(|line| line.contains(words)), "{words}: {page:#?}");
            has("OnDelete: 2 old pods wait to be deleted");
            has("OnDelete: new pods come when the old ones are deleted");
            assert!(!page.iter().any(|line| line.contains("only available")), "{page:#?}");
        }
        let said_of = |strategy: &Value| {
            let page = summary_of(WorkloadKind::StatefulSet, strategy);
            page.into_iter().find(|line| line.contains("\"strategy\"")).unwrap_or_default()
        };
        let kept = said_of(&json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}));
        assert!(kept.contains("\"rolling, partition 2: pods below number 2 keep their version\""), "{kept}");
        let both = said_of(&json!({"rollingUpdate": {"partition": 1, "maxUnavailable": 2}}));
        assert!(both.contains("rolling, at most 2 unavailable, partition 1: pods below"), "{both}");
        for whole in [json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}), json!({})] {
            assert!(said_of(&whole).contains("\"rolling\""), "{whole}");
        }
    }

    #[test]
    fn how_many_may_be_more_is_said_where_it_is_stated() {
        let of = |field: &str, amount: Value| surge(&json!({"spec": {field: {"rollingUpdate": {"maxSurge": amount}}}}));
        assert_eq!(of("strategy", json!("25%")), ", 25% max surge");
        assert_eq!(of("updateStrategy", json!(1)), ", 1 max surge");
        assert_eq!(surge(&json!({"spec": {"updateStrategy": {"type": "OnDelete"}}})), "");
    }
}
