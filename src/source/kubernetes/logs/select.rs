//! From what is asked for to pods and containers.

use regex::Regex;
use serde_json::Value;

use super::pods::{Container, LogPod, Selection};
use crate::{
    model::kubernetes::resource::ResourceKey,
    query::{ContainerSort, Containers, LogQuery, LogTarget, PodFilter},
    source::{
        ErrorKind,
        kubernetes::{
            client::{Cluster, segment},
            failure::{Failure, Reached},
            revisions::workload_path,
            selector::{label_selector, service_selector},
            table::object_path,
        },
    },
};

impl Selection {
    /// The pods of a target; the selector of what has one is read from it.
    pub async fn of(cluster: &Cluster, query: &LogQuery) -> Result<Self, Failure> {
        let target = &query.target;
        let of = |name: Option<String>, labels: Option<String>| Self {
            cluster: target.cluster().clone(),
            namespace: target.namespace().to_string(),
            name,
            labels,
            fields: query.pods.fields.as_ref().map(ToString::to_string),
            details: query.details,
        };
        Ok(match target {
            LogTarget::Pod(pod) => of(Some(pod.name.to_string()), None),
            LogTarget::Object(key) if key.resource.group.is_empty() && key.resource.plural == "pods" => {
                of(Some(key.name.to_string()), None)
            }
            LogTarget::Labels(labels) => of(None, Some(labels.selector.to_string())),
            LogTarget::Workload(workload) => {
                of(None, Some(selector_of(target, &cluster.get(&workload_path(workload)).await?)?))
            }
            LogTarget::Object(key) => {
                let mut object: Value = cluster.get(&object_path(key)).await?;
                if key.resource.group == *"batch" && key.resource.plural == "cronjobs" {
                    object = newest_job(cluster, key, &object).await?;
                }
                of(None, Some(selector_of(target, &object)?))
            }
        })
    }
}

fn selector_of(target: &LogTarget, object: &Value) -> Result<String, Failure> {
    let selector = object.pointer("/spec/selector").unwrap_or(&Value::Null);
    label_selector(selector).or_else(|| service_selector(selector)).ok_or_else(|| {
        let says = format!("'{target}' has no pods that midwatch can find: its spec has no pod selector.");
        Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
    })
}

/// The Job that a CronJob made last: what one opens its log for.
async fn newest_job(cluster: &Cluster, cron: &ResourceKey, object: &Value) -> Result<Value, Failure> {
    let uid = object.pointer("/metadata/uid");
    let path = format!(
        "/apis/{}/{}/namespaces/{}/jobs",
        segment(&cron.resource.group),
        segment(&cron.resource.version),
        segment(&cron.namespace)
    );
    let mut list: Value = cluster.get(&path).await?;
    let is_its = |job: &Value| {
        let owners = job.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        owners.into_iter().flatten().any(|owner| uid.is_some() && owner.get("uid") == uid)
    };
    let made = |job: &Value| job.pointer("/metadata/creationTimestamp").and_then(Value::as_str).map(str::to_owned);
    let jobs = list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    jobs.into_iter().filter(is_its).max_by_key(made).ok_or_else(|| {
        let says = format!("'{cron}' has no Job: it has not run yet, or its Jobs were cleared away.");
        Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
    })
}

/// [`PodFilter`] and [`Containers`], ready to be held against pods.
pub struct Choice {
    pods: PodFilter,
    /// `None`: any name, or what is asked for is no expression.
    pod_name: Option<Regex>,
    pod_not_names: Vec<Regex>,
    asked: Containers,
    /// `None`: nothing is named, or what is named is no expression.
    names: Option<Regex>,
    /// The target is one pod: its default container is enough.
    is_one: bool,
}

impl Choice {
    pub fn new(query: &LogQuery) -> Self {
        let expression = |text: &crate::model::Name| Regex::new(text).ok();
        Self {
            pod_name: query.pods.name.as_ref().and_then(expression),
            pod_not_names: query.pods.not_names.iter().filter_map(expression).collect(),
            pods: query.pods.clone(),
            names: query.containers.named.as_ref().and_then(expression),
            asked: query.containers.clone(),
            is_one: matches!(query.target, LogTarget::Pod(_)),
        }
    }

    /// Its fields were looked at by the server.
    pub fn is_of(&self, pod: &LogPod) -> bool {
        self.pod_name.as_ref().is_none_or(|name| name.is_match(&pod.key.name))
            && !self.pod_not_names.iter().any(|name| name.is_match(&pod.key.name))
            && self.pods.condition.as_ref().is_none_or(|condition| pod.conditions.contains(condition))
    }

    /// Whether a container that was not read yet is.
    pub fn is_in_state(&self, container: &Container) -> bool {
        let states = &self.pods.states;
        states.is_empty() || container.instance.state.is_some_and(|state| states.contains(&state))
    }

    pub fn of<'a>(&self, pod: &'a LogPod) -> Vec<&'a Container> {
        let all = || pod.containers.iter();
        if let Some(name) = &self.asked.named {
            let exactly: Vec<&Container> = all().filter(|container| container.name == *name).collect();
            if !exactly.is_empty() {
                return exactly;
            }
            let names = self.names.as_ref();
            return all().filter(|container| names.is_some_and(|names| names.is_match(&container.name))).collect();
        }
        let is_main = !self.is_one || self.asked.main;
        let at = if pod.is_initializing { at_initialization(pod) } else { None };
        all()
            .filter(|container| match container.sort {
                ContainerSort::Main => is_main || Some(&container.name) == pod.default_container.as_ref(),
                ContainerSort::Init => self.asked.init || at == Some(&container.name),
                ContainerSort::Ephemeral => self.asked.ephemeral,
            })
            .collect()
    }
}

/// The init container that runs, or whose failure holds the pod up: they start one after another.
fn at_initialization(pod: &LogPod) -> Option<&crate::model::Name> {
    let mut init = pod.containers.iter().filter(|container| container.sort == ContainerSort::Init);
    init.rfind(|container| container.instance.id.is_some()).map(|container| &container.name)
}
