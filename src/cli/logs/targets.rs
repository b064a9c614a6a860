//! What `midwatch logs` is told to read: names of any kind that has pods, expressions for names, and labels.

use std::sync::Arc;

use regex::Regex;

use super::{super::objects, Logs};
use crate::{
    cli::{
        Global,
        target::{self, NoTarget},
    },
    headless::Reading,
    model::{
        BackendKind, Name,
        kubernetes::{WorkloadKind, tag_of},
    },
    query::{LabelKey, LogTarget},
    text::Clean,
    time::Clock,
    wire::Wired,
};

/// What is read, and what the names of its pods match.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub of: LogTarget,
    pub name: Option<Name>,
}

impl From<LogTarget> for Target {
    fn from(of: LogTarget) -> Self {
        Self { of, name: None }
    }
}

/// Tags that the workloads among them are to run.
pub(super) fn new_tags(targets: &[Target], reading: &Reading) -> Vec<String> {
    let images = targets.iter().filter_map(|target| match &target.of {
        LogTarget::Workload(key) => Some(&reading.store.kube.workloads.get(key)?.images),
        _ => None,
    });
    images.flatten().map(|image| tag_of(image).to_owned()).collect()
}

/// All of them, each once.
pub(super) async fn resolve(
    logs: &Logs,
    reading: &Reading,
    wired: &Wired,
    global: &Global,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Target>, NoTarget> {
    let mut targets: Vec<Target> = Vec::new();
    let selector = logs.selector.as_deref().unwrap_or_default();
    for text in &logs.targets {
        let found: Vec<Target> = match text.split_once('/') {
            Some((kind, name)) if !is_watched(kind) => vec![any(kind, name, wired, clock, logs).await?.into()],
            None if is_pod_query(text, reading, logs.follow) => {
                let name = Some(Clean::line(text));
                labelled(selector, wired)?.into_iter().map(|of| Target { of, name: name.clone() }).collect()
            }
            _ => vec![LogTarget::from(target::resolve(reading, text, global)?).into()],
        };
        for target in found {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
    }
    // An expression for names has used the labels already.
    let is_used = targets.iter().any(|target| target.name.is_some());
    if (!selector.is_empty() && !is_used) || (targets.is_empty() && logs.is_of_fields()) {
        targets.extend(labelled(selector, wired)?.into_iter().map(Target::from));
    }
    Ok(targets)
}

/// Nothing is called so, but it is an expression that names of pods match, or may come to match.
fn is_pod_query(text: &str, reading: &Reading, is_followed: bool) -> bool {
    let kube = &reading.store.kube;
    let pods = || kube.pods.iter().map(|(key, _)| &key.name);
    let is_name = kube.workloads.iter().any(|(key, _)| key.name == *text) || pods().any(|name| *name == *text);
    let Some(regex) = Regex::new(text).ok().filter(|_| !is_name) else { return false };
    let is_written_as_one = regex::escape(text).len() > text.len() + text.matches(['-', '.']).count();
    pods().any(|name| regex.is_match(name)) || is_followed && is_written_as_one
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

/// The labelled pods of every cluster and namespace that is read; without labels, all.
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
