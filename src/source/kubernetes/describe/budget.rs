//! The page of a PodDisruptionBudget: how many of which pods may be evicted now, and which of them hold it up.

use serde_json::Value;

use super::{Page, items, text};
use crate::{
    model::{
        Level,
        kubernetes::{Pod, resource::ResourceKey},
    },
    source::kubernetes::{
        client::{Cluster, segment},
        failure::Failure,
        rows::Rows,
        selector::{label_selector, query},
    },
};

/// Pods are read in one page.
const MAX_PODS: &str = "500";
/// Most pods that are named.
const MAX_NAMED: usize = 10;

pub async fn describe(cluster: &Cluster, rows: &Rows, key: &ResourceKey, raw: &Value, page: &mut Page) {
    let count = |field: &str| raw.pointer(&format!("/status/{field}")).and_then(Value::as_i64).unwrap_or(0);
    page.heading("disruptions");
    let allowed = count("disruptionsAllowed");
    page.levelled("allowed", &allowed.to_string(), (allowed == 0).then_some(Level::Wrong));
    let (current, desired) = (count("currentHealthy"), count("desiredHealthy"));
    let words = format!("{current} current, {desired} desired, {} total", count("expectedPods"));
    page.levelled("healthy", &words, (current < desired).then_some(Level::Broken));
    let generation = |pointer: &str| raw.pointer(pointer).and_then(Value::as_i64);
    if generation("/status/observedGeneration") < generation("/metadata/generation") {
        page.levelled("not observed", "its controller has yet to see the last change", Some(Level::Progress));
    }
    let selector = match chosen(raw) {
        Chosen::None => return page.levelled("selector", "none: it covers no pod", Some(Level::Wrong)),
        Chosen::Unknown => return page.levelled("selector", "in words that are not known", Some(Level::Unknown)),
        Chosen::All => String::new(),
        Chosen::Labels(labels) => labels,
    };
    page.field("selector", if selector.is_empty() { "every pod of its namespace" } else { &selector });
    match unhealthy(cluster, rows, key, &selector).await {
        Ok(pods) => {
            for pod in pods.iter().take(MAX_NAMED) {
                let why = if pod.why.is_empty() { String::new() } else { format!(": {}", pod.why) };
                let words = format!("pod/{} {}{why}", pod.key.name, pod.status);
                page.levelled("not healthy", &words, Some(pod.level.min(Level::Wrong)));
            }
            if pods.len() > MAX_NAMED {
                page.text(&format!("and {} more", pods.len() - MAX_NAMED));
            }
        }
        Err(failure) => page.missing("its pods", &failure),
    }
}

/// Which pods it covers.
enum Chosen {
    /// Without a selector.
    None,
    /// By an empty one (policy/v1).
    All,
    Labels(String),
    /// By an operator of tomorrow.
    Unknown,
}

fn chosen(raw: &Value) -> Chosen {
    let Some(selector) = raw.pointer("/spec/selector").filter(|selector| !selector.is_null()) else {
        return Chosen::None;
    };
    let is_empty = ["/matchLabels", "/matchExpressions"].into_iter().all(|field| match selector.pointer(field) {
        Some(Value::Object(labels)) => labels.is_empty(),
        Some(Value::Array(expressions)) => expressions.is_empty(),
        _ => true,
    });
    if is_empty {
        return Chosen::All;
    }
    label_selector(selector).map_or(Chosen::Unknown, Chosen::Labels)
}

/// Covered pods that its controller does not count as healthy: not ready, or on their way out. The worst first.
async fn unhealthy(cluster: &Cluster, rows: &Rows, key: &ResourceKey, selector: &str) -> Result<Vec<Pod>, Failure> {
    let mut asked = vec![("limit", MAX_PODS)];
    if !selector.is_empty() {
        asked.push(("labelSelector", selector));
    }
    let path = format!("/api/v1/namespaces/{}/pods?{}", segment(&key.namespace), query(asked));
    let list: Value = cluster.get(&path).await?;
    // what has ended is no longer expected
    let counts = |pod: &&Value| !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    let pods = items(&list).filter(counts).filter_map(|pod| rows.pod(pod).ok());
    let mut pods: Vec<Pod> = pods.filter(|pod| !pod.is_ready || pod.deleting_since.is_some()).collect();
    pods.sort_by(|one, other| (one.level, &one.key).cmp(&(other.level, &other.key)));
    Ok(pods)
}
