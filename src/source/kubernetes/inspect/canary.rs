//! Whether a workload is or has a canary: of Argo Rollouts, of Flagger, or a plain Deployment beside another.

use serde_json::Value;

use super::{WorkloadInspector, answered};
use crate::{
    json::text,
    model::kubernetes::{
        WorkloadKey, WorkloadKind,
        canary::{Canary, Flagger},
    },
    source::kubernetes::{
        client::segment,
        discovery,
        revisions::{images, items, number, workload_path},
        selector::query,
    },
    text::Clean,
};

const FLAGGER: &str = "/apis/flagger.app/v1beta1";
/// Labels by which people tell a canary from the stable version, with what they call it.
const TRACKS: [&str; 4] = ["track", "role", "release", "version"];
const SUFFIX: &str = "-canary";

impl WorkloadInspector {
    pub(super) async fn canary(&self, key: &WorkloadKey, object: &Value) -> Result<Option<Canary>, Clean> {
        match key.kind {
            WorkloadKind::Rollout => Ok(self.of_rollout(key, object).await),
            WorkloadKind::Deployment => match self.of_flagger(key).await? {
                Some(flagger) => Ok(Some(Canary::Flagger(flagger))),
                None => self.beside(key, object).await,
            },
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => Ok(None),
        }
    }

    async fn of_rollout(&self, key: &WorkloadKey, object: &Value) -> Option<Canary> {
        let elsewhere = object.pointer("/spec/workloadRef").filter(|to| to.is_object());
        if let Some(to) = elsewhere {
            let (kind, name) = (Clean::line(text(to, "/kind")), Clean::line(text(to, "/name")));
            return Some(Canary::Elsewhere { kind, name });
        }
        let hash = |field: &str| Some(text(object, field)).filter(|hash| !hash.is_empty()).map(Clean::line);
        let (stable, current) = (hash("/status/stableRS")?, hash("/status/currentPodHash")?);
        if stable == current {
            return None;
        }
        let name = (&*key.namespace, &*key.name);
        let may_abort = self.may("patch", key.kind.group(), key.kind.plural(), "status", name).await;
        let is_aborted = object.pointer("/status/abort") == Some(&Value::Bool(true));
        Some(Canary::Rollout { stable, current, at: place(object), is_aborted, may_abort })
    }

    /// The Canary of Flagger that tries this Deployment. Where Flagger is not installed nothing more is asked.
    async fn of_flagger(&self, key: &WorkloadKey) -> Result<Option<Flagger>, Clean> {
        if !answered(discovery::is_served(&self.cluster, FLAGGER, "canaries")).await? {
            return Ok(None);
        }
        let path = format!("{FLAGGER}/namespaces/{}/canaries", segment(&key.namespace));
        let list: Value = answered(self.cluster.get(&path)).await?;
        let is_of = |canary: &&Value| {
            text(canary, "/spec/targetRef/kind") == key.kind.kind()
                && text(canary, "/spec/targetRef/name") == key.name.as_str()
        };
        let Some(canary) = items(&list).find(is_of) else { return Ok(None) };
        let is = |field: &str| canary.pointer(field) == Some(&Value::Bool(true));
        let primary = WorkloadKey { name: Clean::line(&format!("{}-primary", key.name)), ..key.clone() };
        let serving: Option<Value> = answered(self.cluster.get_opt(&workload_path(&primary))).await?;
        let desired = serving.as_ref().map_or(0, |serving| number(serving, "/spec/replicas").unwrap_or(1));
        Ok(Some(Flagger {
            name: Clean::line(text(canary, "/metadata/name")),
            phase: Clean::line(text(canary, "/status/phase")),
            weight: number(canary, "/status/canaryWeight").unwrap_or_default(),
            skips_analysis: is("/spec/skipAnalysis"),
            is_suspended: is("/spec/suspend"),
            primary,
            primary_desired: desired,
            serves: serving
                .as_ref()
                .and_then(|serving| serving.pointer("/spec/template"))
                .map(images)
                .unwrap_or_default(),
        }))
    }

    /// A Deployment that by its name or its labels is a canary, where the one that it is of is there too.
    async fn beside(&self, key: &WorkloadKey, object: &Value) -> Result<Option<Canary>, Clean> {
        let labels = object.pointer("/spec/template/metadata/labels");
        let label = |labels: Option<&Value>, name: &str| -> Option<String> {
            labels.and_then(|all| all.get(name)?.as_str()).map(str::to_owned)
        };
        if let Some(stem) = key.name.strip_suffix(SUFFIX).filter(|stem| !stem.is_empty()) {
            for name in [stem.to_owned(), format!("{stem}-stable")] {
                let stable = WorkloadKey { name: Clean::line(&name), ..key.clone() };
                if let Some(found) = answered(self.cluster.get_opt::<Value>(&workload_path(&stable))).await? {
                    return Ok(Some(standing(stable, &found)));
                }
            }
        }
        let is_canary =
            |labels: Option<&Value>| TRACKS.iter().any(|track| label(labels, track).as_deref() == Some("canary"));
        let app = ["app.kubernetes.io/name", "app"].into_iter().find_map(|name| Some((name, label(labels, name)?)));
        let Some((name, app)) = app.filter(|_| is_canary(labels)) else { return Ok(None) };
        let selector = format!("{name}={app}");
        let path = format!(
            "{}/namespaces/{}/{}?{}",
            key.kind.api(),
            segment(&key.namespace),
            key.kind.plural(),
            query([("labelSelector", selector.as_str())])
        );
        let list: Value = answered(self.cluster.get(&path)).await?;
        let is_stable = |other: &&Value| {
            text(other, "/metadata/name") != key.name.as_str()
                && !is_canary(other.pointer("/spec/template/metadata/labels"))
        };
        let found = items(&list).filter(is_stable).max_by_key(|other| number(other, "/status/readyReplicas"));
        Ok(found.map(|found| {
            standing(WorkloadKey { name: Clean::line(text(found, "/metadata/name")), ..key.clone() }, found)
        }))
    }
}

fn standing(stable: WorkloadKey, found: &Value) -> Canary {
    let desired = number(found, "/spec/replicas").unwrap_or(1);
    Canary::Beside { stable, desired, ready: number(found, "/status/readyReplicas").unwrap_or_default() }
}

/// How far an update is: its step, and the weight that was set last.
pub fn place(rollout: &Value) -> Clean {
    let Some(steps) = rollout.pointer("/spec/strategy/canary/steps").and_then(Value::as_array) else {
        let is_blue_green = rollout.pointer("/spec/strategy/blueGreen").is_some();
        return if is_blue_green { "in preview (blue-green)".into() } else { Clean::default() };
    };
    let done = number(rollout, "/status/currentStepIndex").unwrap_or_default() as usize;
    let weight = number(rollout, "/status/canary/weights/canary/weight")
        .map(u64::from)
        .or_else(|| steps.iter().take(done + 1).rev().find_map(|step| step.get("setWeight")?.as_u64()));
    let weight = weight.map(|weight| format!(", weight {weight} %")).unwrap_or_default();
    Clean::own(format!("step {} of {}{weight}", (done + 1).min(steps.len()), steps.len()))
}

#[cfg(test)]
mod tests;
