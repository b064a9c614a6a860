//! From a pod, as it comes from the server, to what of it matters to its logs.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{api::core::v1 as core, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use super::{Container, Instance, LogPod, Selection};
use crate::{
    model::{
        Name,
        kubernetes::{ObjectKey, tag_of},
        log::PodDetails,
    },
    query::{ContainerSort, ContainerState, WantedDetails},
    text::Clean,
};

/// What of a pod matters.
pub(super) fn reduced(selection: &Selection, pod: core::Pod) -> LogPod {
    let meta = pod.metadata;
    let spec = pod.spec.unwrap_or_default();
    let status = pod.status.unwrap_or_default();
    let details = Arc::new(details(&meta, &spec, selection.details));
    let mut containers = Vec::new();
    let mut add = |sort, name: &str, image: Option<&str>, statuses: &Option<Vec<core::ContainerStatus>>| {
        let status = statuses.iter().flatten().find(|status| status.name == name);
        let instance = instance(status, image.unwrap_or_default(), details.clone());
        containers.push(Container { name: Clean::line(name), sort, instance });
    };
    for one in &spec.containers {
        add(ContainerSort::Main, &one.name, one.image.as_deref(), &status.container_statuses);
    }
    for one in spec.init_containers.iter().flatten() {
        add(ContainerSort::Init, &one.name, one.image.as_deref(), &status.init_container_statuses);
    }
    for one in spec.ephemeral_containers.iter().flatten() {
        add(ContainerSort::Ephemeral, &one.name, one.image.as_deref(), &status.ephemeral_container_statuses);
    }
    let annotated = meta.annotations.as_ref().and_then(|all| all.get("kubectl.kubernetes.io/default-container"));
    let default_container = annotated
        .map(|name| Clean::line(name))
        .filter(|name| containers.iter().any(|container| container.name == *name))
        .or_else(|| containers.first().map(|container| container.name.clone()));
    let conditions: Vec<(Name, Name)> = (status.conditions.iter().flatten())
        .map(|condition| (Clean::line(&condition.type_), Clean::line(&condition.status)))
        .collect();
    let is = |kind: &str, word: &str| conditions.iter().any(|(name, status)| *name == *kind && *status == *word);
    LogPod {
        key: ObjectKey {
            cluster: selection.cluster.clone(),
            namespace: Clean::line(meta.namespace.as_deref().unwrap_or_default()),
            name: Clean::line(meta.name.as_deref().unwrap_or_default()),
        },
        uid: Clean::line(meta.uid.as_deref().unwrap_or_default()),
        is_ready: is("Ready", "True"),
        is_initializing: is("Initialized", "False"),
        created: meta.creation_timestamp.map_or(0, |time| time.0.as_second()),
        default_container,
        conditions,
        containers,
    }
}

fn details(meta: &ObjectMeta, spec: &core::PodSpec, wanted: WantedDetails) -> PodDetails {
    let all = |map: &Option<BTreeMap<String, String>>| -> BTreeMap<Name, Clean> {
        map.iter().flatten().map(|(key, value)| (Clean::line(key), Clean::block(value))).collect()
    };
    let mut details = PodDetails::default();
    if wanted.node {
        details.node = Clean::line(spec.node_name.as_deref().unwrap_or_default());
    }
    if wanted.labels {
        details.labels = all(&meta.labels);
    }
    if wanted.annotations {
        details.annotations = all(&meta.annotations);
    }
    details
}

fn instance(status: Option<&core::ContainerStatus>, image: &str, details: Arc<PodDetails>) -> Instance {
    let state = status.and_then(|status| status.state.as_ref());
    let last = status.and_then(|status| status.last_state.as_ref()).and_then(|state| state.terminated.as_ref());
    let waiting = match (status, state) {
        (None, _) => Some("no status yet".to_owned()),
        (_, state) => state
            .and_then(|state| state.waiting.as_ref())
            .map(|waiting| waiting.reason.clone().unwrap_or_else(|| "waiting".to_owned())),
    };
    Instance {
        id: status.and_then(|status| status.container_id.clone()).filter(|id| !id.is_empty()),
        running: state.is_some_and(|state| state.running.is_some()),
        state: state.and_then(|state| {
            let states = [
                (state.running.is_some(), ContainerState::Running),
                (state.waiting.is_some(), ContainerState::Waiting),
                (state.terminated.is_some(), ContainerState::Terminated),
            ];
            states.into_iter().find(|(is, _)| *is).map(|(_, state)| state)
        }),
        waiting,
        last_end: last.map(|end| match (&end.reason, end.signal) {
            (Some(reason), _) => format!("exit {} {reason}", end.exit_code),
            (None, Some(signal)) => format!("exit {} signal {signal}", end.exit_code),
            (None, None) => format!("exit {}", end.exit_code),
        }),
        version: Clean::line(tag_of(image)),
        details,
    }
}
