//! Containers of a page: state, last end, image and digest, resources, probes, where the environment comes from.

use serde_json::Value;

use super::{Page, text};
use crate::{
    model::{
        Level,
        kubernetes::{Container, ContainerRole, ContainerState, Termination, short_digest, table::Amount, told},
    },
    secret::mask,
    source::kubernetes::{rows::parse_bytes, yaml::names_a_secret},
    time,
};

pub fn describe(page: &mut Page, container: &Container, spec: Option<&Value>, volumes: &Value, used: Option<&Amount>) {
    let role = match container.role {
        ContainerRole::Main => "",
        ContainerRole::Init => " (init)",
        ContainerRole::Sidecar => " (sidecar)",
        ContainerRole::Ephemeral => " (ephemeral)",
    };
    page.heading(&format!("container {}{role}", container.name));
    page.field("looks into", spec.map_or("", |spec| text(spec, "/targetContainerName")));
    state(page, container);
    if let Some(last) = &container.last {
        ending(page, "last state", last);
    }
    page.levelled("restarts", &container.restarts.to_string(), (container.restarts > 0).then_some(Level::Wrong));
    page.field("image", &container.image);
    if let Some(digest) = &container.digest {
        page.field("runs", &format!("sha256:{}", short_digest(digest)));
    }
    if let Some(used) = used {
        let limit = spec.map_or("", |spec| text(spec, "/resources/limits/memory"));
        page.field("uses", &format!("cpu {}, memory {}", used.cpu(), used.memory_of(parse_bytes(limit))));
    }
    if let Some(spec) = spec {
        of_spec(page, spec, volumes);
    }
}

/// What a template says of a container; `volumes` are its pod's.
pub fn of_spec(page: &mut Page, spec: &Value, volumes: &Value) {
    page.field("resources", &resources(spec));
    for (probe, name) in [("livenessProbe", "liveness"), ("readinessProbe", "readiness"), ("startupProbe", "startup")] {
        if let Some(probe) = spec.get(probe) {
            page.field(name, &probe_line(probe));
        }
    }
    environment(page, spec);
    mounts(page, spec, volumes);
}

fn state(page: &mut Page, container: &Container) {
    match &container.state {
        ContainerState::Waiting { reason, message } => {
            let level = if matches!(&**reason, "ContainerCreating" | "PodInitializing") {
                Level::Progress
            } else {
                Level::Broken
            };
            let more = if message.is_empty() { String::new() } else { format!(": {}", told::without_pod(message)) };
            page.levelled("state", &format!("waiting, {reason}{more}"), Some(level));
        }
        ContainerState::Running { since } => {
            let (ready, level) = match (container.role, container.ready) {
                // It has no probes: it is never called ready.
                (ContainerRole::Ephemeral, _) => ("", Level::Ok),
                (_, true) => (", ready", Level::Ok),
                (_, false) => (", not ready", Level::Wrong),
            };
            let since = since.map_or(String::new(), |since| format!(" for {}", time::age_of(since, page.now)));
            page.levelled("state", &format!("running{since}{ready}"), Some(level));
        }
        ContainerState::Terminated(end) => ending(page, "state", end),
        ContainerState::Unknown => page.levelled("state", "not reported", Some(Level::Unknown)),
    }
}

fn ending(page: &mut Page, name: &str, end: &Termination) {
    let mut words = vec![end.reason.to_string(), format!("exit {}", end.exit_code)];
    if let Some(signal) = end.signal.filter(|signal| *signal != 0) {
        words.push(format!("signal {signal}"));
    }
    if let Some((started, finished)) = end.started.zip(end.finished) {
        words.push(format!("after {}", time::age_of(started, finished)));
    }
    words.push(page.ago(end.finished));
    let level = if end.exit_code == 0 { Level::Ok } else { Level::Broken };
    page.levelled(name, &words.join(", "), Some(level));
    if let Some(message) = &end.message {
        page.field("its last words", message);
    }
}

fn resources(spec: &Value) -> String {
    let part = |kind: &str| {
        let all = spec.get("resources")?.get(kind)?.as_object()?;
        let words: Vec<String> = all
            .iter()
            .map(|(name, amount)| {
                format!("{name} {}", amount.as_str().map_or_else(|| amount.to_string(), str::to_owned))
            })
            .collect();
        (!words.is_empty()).then(|| format!("{kind}: {}", words.join(", ")))
    };
    let parts: Vec<String> = ["requests", "limits"].into_iter().filter_map(part).collect();
    if parts.is_empty() { "no requests, no limits".to_owned() } else { parts.join("; ") }
}

/// As kubectl writes it: `http-get :8080/ready delay=0s timeout=1s period=10s #failure=3`.
pub fn probe_line(probe: &Value) -> String {
    let port = |of: &Value| of.get("port").map_or(String::new(), |port| port.to_string().trim_matches('"').to_owned());
    let what = if let Some(get) = probe.get("httpGet") {
        format!("http-get {}:{}{}", text(get, "/host"), port(get), text(get, "/path"))
    } else if let Some(socket) = probe.get("tcpSocket") {
        format!("tcp-socket {}:{}", text(socket, "/host"), port(socket))
    } else if let Some(exec) = probe.get("exec") {
        let words = exec.get("command").and_then(Value::as_array);
        let words: Vec<&str> = words.into_iter().flatten().filter_map(Value::as_str).collect();
        format!("exec {}", words.join(" "))
    } else if let Some(grpc) = probe.get("grpc") {
        format!("grpc :{} {}", port(grpc), text(grpc, "/service")).trim_end().to_owned()
    } else {
        "unknown".to_owned()
    };
    let number = |name: &str, default: i64| probe.get(name).and_then(Value::as_i64).unwrap_or(default);
    format!(
        "{what} delay={}s timeout={}s period={}s #failure={}",
        number("initialDelaySeconds", 0),
        number("timeoutSeconds", 1),
        number("periodSeconds", 10),
        number("failureThreshold", 3)
    )
}

/// Each variable and where it comes from. Of those that the template sets itself the value stands there, unless its name
/// or its look says that it is secret; values from elsewhere are nobody's business here.
fn environment(page: &mut Page, spec: &Value) {
    let list = |key: &str| spec.get(key).and_then(Value::as_array).into_iter().flatten();
    for from in list("envFrom") {
        for (kind, key) in [("configmap", "configMapRef"), ("secret", "secretRef")] {
            if let Some(source) = from.get(key) {
                let prefix = text(from, "/prefix");
                let named = if prefix.is_empty() { String::new() } else { format!(", each as {prefix}...") };
                page.field("env", &format!("all of {kind} {}{named}", text(source, "/name")));
            }
        }
    }
    for env in list("env") {
        let name = text(env, "/name");
        let words = match (env.get("valueFrom"), env.get("value").and_then(Value::as_str)) {
            (Some(from), _) => format!("{name} from {}", source(from)),
            (None, Some(_)) if names_a_secret(name) => format!("{name} set in the template, masked"),
            (None, value) => format!("{name}={}", mask(value.unwrap_or_default())),
        };
        page.field("env", &words);
    }
}

/// `secret db/password`, `field status.podIP`
fn source(from: &Value) -> String {
    for (kind, key) in [("configmap", "configMapKeyRef"), ("secret", "secretKeyRef")] {
        if let Some(of) = from.get(key) {
            let optional = if of.get("optional") == Some(&Value::Bool(true)) { ", if there is one" } else { "" };
            return format!("{kind} {}/{}{optional}", text(of, "/name"), text(of, "/key"));
        }
    }
    match (from.get("fieldRef"), from.get("resourceFieldRef")) {
        (Some(field), _) => format!("field {}", text(field, "/fieldPath")),
        (_, Some(resource)) => format!("its own {}", text(resource, "/resource")),
        _ => "elsewhere".to_owned(),
    }
}

/// What is mounted where: `/etc/app  configmap app-config, read-only`.
fn mounts(page: &mut Page, spec: &Value, volumes: &Value) {
    for mount in spec.get("volumeMounts").and_then(Value::as_array).into_iter().flatten() {
        let name = text(mount, "/name");
        let volume = volumes.as_array().into_iter().flatten().find(|volume| text(volume, "/name") == name);
        // of no use on call, and in every pod
        if name.starts_with("kube-api-access-") {
            continue;
        }
        let sub = text(mount, "/subPath");
        let sub = if sub.is_empty() { String::new() } else { format!("/{sub}") };
        let read_only = if mount.get("readOnly") == Some(&Value::Bool(true)) { ", read-only" } else { "" };
        let what = volume.map_or_else(|| format!("volume {name}"), volume_words);
        page.field("mount", &format!("{} from {what}{sub}{read_only}", text(mount, "/mountPath")));
    }
}

fn volume_words(volume: &Value) -> String {
    let of = |kind: &str, pointer: &str| Some((kind.to_owned(), volume.pointer(pointer)?.as_str()?.to_owned()));
    let named = of("configmap", "/configMap/name")
        .or_else(|| of("secret", "/secret/secretName"))
        .or_else(|| of("claim", "/persistentVolumeClaim/claimName"))
        .or_else(|| of("path of the node", "/hostPath/path"))
        .or_else(|| of("driver", "/csi/driver"));
    if let Some((kind, name)) = named {
        return format!("{kind} {name}");
    }
    match volume.get("emptyDir") {
        Some(empty) if text(empty, "/medium") == "Memory" => "memory, gone with the pod".to_owned(),
        Some(_) => "an empty directory, gone with the pod".to_owned(),
        None => {
            let kind = volume.as_object().into_iter().flatten().map(|(key, _)| key).find(|key| *key != "name");
            format!("{} {}", kind.map_or("volume", String::as_str), text(volume, "/name"))
        }
    }
}
