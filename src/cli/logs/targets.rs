//! What `midwatch logs` is told to read: names of any kind that has pods, and labels.

use std::sync::Arc;

use super::{super::objects, Logs};
use crate::{
    cli::{
        Global,
        target::{self, NoTarget},
    },
    headless::Reading,
    model::{BackendKind, kubernetes::WorkloadKind},
    query::{LabelKey, LogTarget},
    text::Clean,
    time::Clock,
    wire::Wired,
};

/// All of them, each once.
pub(super) async fn resolve(
    logs: &Logs,
    reading: &Reading,
    wired: &Wired,
    global: &Global,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<LogTarget>, NoTarget> {
    let mut targets: Vec<LogTarget> = Vec::new();
    for text in &logs.targets {
        let target = match text.split_once('/') {
            Some((kind, name)) if !is_watched(kind) => any(kind, name, wired, clock, logs).await?,
            _ => target::resolve(reading, text, global)?.into(),
        };
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    if let Some(selector) = &logs.selector {
        targets.extend(labelled(selector, wired)?);
    }
    Ok(targets)
}

fn is_watched(kind: &str) -> bool {
    matches!(kind.to_ascii_lowercase().as_str(), "pod" | "pods" | "po") || WorkloadKind::parse(kind).is_some()
}

fn usage(says: String) -> NoTarget {
    NoTarget { says, is_unreadable: false }
}

/// The one object of that kind and name, in the clusters and namespaces that are read.
async fn any(
    kind: &str,
    name: &str,
    wired: &Wired,
    clock: &Arc<dyn Clock>,
    logs: &Logs,
) -> Result<LogTarget, NoTarget> {
    let read = objects::named(kind, name, wired, clock, logs.within.duration()).await;
    let (mut found, failures) = read.map_err(|error| usage(error.to_string()))?;
    match (found.len(), failures.first()) {
        (1, _) => Ok(LogTarget::Object(found.remove(0))),
        (0, Some(failure)) => Err(NoTarget {
            says: format!("'{kind}/{name}' was not found, but not all could be read: {failure}"),
            is_unreadable: true,
        }),
        (0, None) => Err(usage(format!("there is no '{kind}/{name}' in the namespaces that were read"))),
        _ => {
            let places: Vec<String> = found.iter().map(|key| format!("{}/{}", key.cluster, key.namespace)).collect();
            Err(usage(format!("'{kind}/{name}' is several: {}. Say which by --context or -n", places.join(", "))))
        }
    }
}

/// The labelled pods of every cluster and namespace that is read.
fn labelled(selector: &str, wired: &Wired) -> Result<Vec<LogTarget>, NoTarget> {
    let clusters: Vec<_> = (wired.readers.iter().map(|reader| reader.backend()))
        .filter(|id| wired.kinds.get(id) == Some(&BackendKind::Kubernetes))
        .collect();
    if clusters.is_empty() {
        return Err(NoTarget { says: "no cluster is open: no pod can be read".to_owned(), is_unreadable: true });
    }
    let selector = Clean::line(selector);
    Ok(clusters
        .into_iter()
        .flat_map(|id| {
            let namespaces = wired.clusters.get(id).map(|cluster| cluster.namespaces().to_vec()).unwrap_or_default();
            let namespaces = if namespaces.is_empty() { vec![Clean::default()] } else { namespaces };
            namespaces.into_iter().map(|namespace| {
                LogTarget::Labels(LabelKey { cluster: id.clone(), namespace, selector: selector.clone() })
            })
        })
        .collect())
}
