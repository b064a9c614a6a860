//! Objects as the command line names them: `deploy/NAME`, `pod/NAME`, `NAME`.

use super::Global;
use crate::{
    command::nearest,
    headless::Reading,
    model::{
        Part, SourceId,
        kubernetes::{WorkloadKey, WorkloadKind},
    },
    query::ObjectRef,
};

/// Why a name means nothing, or too much.
#[derive(Debug)]
pub struct NoTarget {
    pub says: String,
    /// Something could not be read: it may exist all the same.
    pub is_unreadable: bool,
}

/// Sources that say which objects there are, and that a cluster could not be opened.
pub fn is_object(source: &SourceId) -> bool {
    matches!(source.part, Part::Health | Part::Pods | Part::ReplicaSets)
        || WorkloadKind::ALL.iter().any(|kind| kind.part() == source.part)
}

/// What a name may be of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Any,
    Pod,
    Workload(WorkloadKind),
}

/// Splits `deploy/NAME`. A kind that does not exist is an error that names the kinds.
fn split(text: &str) -> Result<(Wanted, &str), NoTarget> {
    let usage = |says: String| NoTarget { says, is_unreadable: false };
    let Some((kind, name)) = text.split_once('/') else { return Ok((Wanted::Any, text)) };
    if matches!(kind.to_ascii_lowercase().as_str(), "pod" | "pods" | "po") {
        return Ok((Wanted::Pod, name));
    }
    match WorkloadKind::parse(kind) {
        Some(kind) => Ok((Wanted::Workload(kind), name)),
        None => Err(usage(format!("'{kind}' in '{text}' is no kind: write deploy, sts, ds or pod"))),
    }
}

/// The one object of that name, in the clusters and namespaces that were read.
pub fn resolve(reading: &Reading, text: &str, global: &Global) -> Result<ObjectRef, NoTarget> {
    let (wanted, name) = split(text)?;
    let kube = &reading.store.kube;
    let workloads = kube
        .workloads
        .iter()
        .map(|(key, _)| key)
        .filter(|key| key.name == *name && (wanted == Wanted::Any || wanted == Wanted::Workload(key.kind)));
    let mut found: Vec<ObjectRef> = workloads.cloned().map(ObjectRef::Workload).collect();
    // A bare name is a workload's first: pods of that very name are rare.
    if found.is_empty() && !matches!(wanted, Wanted::Workload(_)) {
        found.extend(kube.pods.iter().map(|(key, _)| key).filter(|key| key.name == *name).cloned().map(ObjectRef::Pod));
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(missing(reading, text, name)),
        _ => {
            let places: Vec<String> = found.iter().map(place).collect();
            let flags = if global.namespace.is_none() { "--context, -n or the kind" } else { "--context or the kind" };
            let says = format!("'{text}' is several: {}. Say which by {flags}", places.join(", "));
            Err(NoTarget { says, is_unreadable: false })
        }
    }
}

/// As [`resolve`], for what must be a workload.
pub fn workload(reading: &Reading, text: &str, global: &Global) -> Result<WorkloadKey, NoTarget> {
    match resolve(reading, text, global)? {
        ObjectRef::Workload(key) => Ok(key),
        ObjectRef::Pod(pod) => {
            let says = format!("'{}' is a pod: write deploy/NAME, sts/NAME or ds/NAME", pod.name);
            Err(NoTarget { says, is_unreadable: false })
        }
    }
}

fn place(object: &ObjectRef) -> String {
    let what = match object {
        ObjectRef::Workload(key) => key.to_string(),
        ObjectRef::Pod(key) => format!("pod/{}", key.name),
    };
    format!("{what} in {}/{}", object.cluster(), object.namespace())
}

fn missing(reading: &Reading, text: &str, name: &str) -> NoTarget {
    let troubles: Vec<String> = reading
        .store
        .sources
        .keys()
        .filter_map(|id| Some(format!("'{}': {}", id.backend, reading.trouble(id)?)))
        .collect();
    if let Some(first) = troubles.first() {
        return NoTarget {
            says: format!("'{text}' was not found, but not all could be read: {first}"),
            is_unreadable: true,
        };
    }
    let names = reading.store.kube.workloads.iter().map(|(key, _)| key.name.as_str());
    let near = nearest(name, names).map(|near| format!(": did you mean '{near}'?")).unwrap_or_default();
    NoTarget { says: format!("there is no '{text}' in the namespaces that were read{near}"), is_unreadable: false }
}
