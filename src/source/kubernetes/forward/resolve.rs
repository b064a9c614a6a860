//! From a pod, workload or service to a pod that is ready and the number of its port.

use serde_json::Value;

use crate::{
    json::text,
    model::{
        Name,
        forward::{ForwardAsk, ForwardTo, Port},
        kubernetes::{ObjectKey, WorkloadKey},
    },
    source::{
        ErrorKind,
        kubernetes::{
            client::{Cluster, segment},
            failure::{Failure, Reached},
            revisions::workload_path,
            selector::{label_selector, query},
        },
    },
    text::Clean,
};

/// A pod's port.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub namespace: Name,
    pub pod: Name,
    pub port: u16,
}

/// Pods that are looked through for one that is ready.
const PAGE: &str = "200";

/// A pod that takes connections now.
pub async fn find(cluster: &Cluster, ask: &ForwardAsk) -> Result<Place, Failure> {
    let namespace = segment(ask.to.namespace());
    match &ask.to {
        ForwardTo::Pod(key) => match (running(cluster, &namespace, key).await, &ask.or) {
            (Ok(pod), _) => place(&pod, key, ask.remote.as_ref()),
            (Err(_), Some(workload)) => of_workload(cluster, &namespace, workload, ask).await,
            (Err(failure), None) => Err(failure),
        },
        ForwardTo::Workload(key) => of_workload(cluster, &namespace, key, ask).await,
        ForwardTo::Service(key) => {
            let path = format!("/api/v1/namespaces/{namespace}/services/{}", segment(&key.name));
            let service: Value = cluster.get(&path).await?;
            let labels = service.pointer("/spec/selector").cloned().unwrap_or_default();
            let selector = label_selector(&serde_json::json!({"matchLabels": labels}));
            let pod = ready(cluster, &namespace, selector, &format!("svc/{}", key.name)).await?;
            let port = target_port(&service, key, ask.remote.as_ref())?;
            place(&pod, &named(&pod, &ask.to), Some(&port))
        }
    }
}

/// That pod, if it runs and stays.
async fn running(cluster: &Cluster, namespace: &str, key: &ObjectKey) -> Result<Value, Failure> {
    let pod: Value = cluster.get(&format!("/api/v1/namespaces/{namespace}/pods/{}", segment(&key.name))).await?;
    match text(&pod, "/status/phase") {
        _ if pod.pointer("/metadata/deletionTimestamp").is_some() => {
            Err(none(&format!("Pod '{}' is being deleted.", key.name)))
        }
        "Running" => Ok(pod),
        phase => Err(none(&format!("Pod '{}' is {phase}, not running.", key.name))),
    }
}

async fn of_workload(
    cluster: &Cluster,
    namespace: &str,
    key: &WorkloadKey,
    ask: &ForwardAsk,
) -> Result<Place, Failure> {
    let object: Value = cluster.get(&workload_path(key)).await?;
    let selector = object.pointer("/spec/selector").and_then(label_selector);
    let pod = ready(cluster, namespace, selector, &key.to_string()).await?;
    place(&pod, &named(&pod, &ask.to), ask.remote.as_ref())
}

fn none(says: &str) -> Failure {
    Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
}

fn named(pod: &Value, to: &ForwardTo) -> ObjectKey {
    ObjectKey {
        cluster: to.cluster().clone(),
        namespace: to.namespace().clone(),
        name: Clean::line(text(pod, "/metadata/name")),
    }
}

/// The first pod that is ready and stays.
async fn ready(cluster: &Cluster, namespace: &str, selector: Option<String>, of: &str) -> Result<Value, Failure> {
    let selector = selector.ok_or_else(|| none(&format!("'{of}' selects no pods.")))?;
    let asked = query([("labelSelector", selector.as_str()), ("limit", PAGE)]);
    let list: Value = cluster.get(&format!("/api/v1/namespaces/{namespace}/pods?{asked}")).await?;
    let pods = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_ready = |pod: &&Value| {
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
        let ready = conditions.into_iter().any(|one| text(one, "/type") == "Ready" && text(one, "/status") == "True");
        ready && pod.pointer("/metadata/deletionTimestamp").is_none()
    };
    match pods.iter().find(is_ready) {
        Some(pod) => Ok(pod.clone()),
        None if pods.is_empty() => Err(none(&format!("'{of}' has no pods."))),
        None => Err(none(&format!("None of the {} pods of '{of}' is ready.", pods.len()))),
    }
}

/// The port of a pod that leads behind the service's port.
fn target_port(service: &Value, key: &ObjectKey, wanted: Option<&Port>) -> Result<Port, Failure> {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_wanted = |port: &&Value| match wanted {
        None => true,
        Some(Port::Number(number)) => port.get("port").and_then(Value::as_u64) == Some(u64::from(*number)),
        Some(Port::Named(name)) => text(port, "/name") == name.as_str(),
    };
    let Some(port) = ports.iter().find(is_wanted) else {
        let known: Vec<String> =
            ports.iter().filter_map(|port| Some(format!("{} {}", port.get("port")?, text(port, "/name")))).collect();
        let known = known.iter().map(|port| port.trim()).collect::<Vec<_>>().join(", ");
        return Err(none(&format!("Service '{}' has no such port: it has {known}.", key.name)));
    };
    let target = match port.get("targetPort") {
        Some(Value::String(name)) => Some(Port::Named(Clean::line(name))),
        Some(target) => number(target).map(Port::Number),
        None => port.get("port").and_then(number).map(Port::Number),
    };
    target.ok_or_else(|| none(&format!("Service '{}' names a port that is none.", key.name)))
}

fn number(port: &Value) -> Option<u16> {
    port.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)
}

/// The wanted port of a pod by its number; the first that its containers name if none is wanted.
fn place(pod: &Value, key: &ObjectKey, wanted: Option<&Port>) -> Result<Place, Failure> {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
    let ports: Vec<&Value> = containers.filter_map(|one| one.get("ports")?.as_array()).flatten().collect();
    let found = match wanted {
        Some(Port::Number(number)) => Some(*number),
        Some(Port::Named(name)) => {
            let port = ports.iter().find(|port| text(port, "/name") == name.as_str());
            port.and_then(|port| number(port.get("containerPort")?))
        }
        None => ports.first().and_then(|port| number(port.get("containerPort")?)),
    };
    let port = found.ok_or_else(|| {
        none(&match wanted {
            Some(wanted) => format!("Pod '{}' has no port called '{wanted}'.", key.name),
            None => format!("Pod '{}' names no port: say which, as in 8080:80.", key.name),
        })
    })?;
    Ok(Place { namespace: key.namespace.clone(), pod: key.name.clone(), port })
}
