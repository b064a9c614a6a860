//! The containers of a page: image, state and last end, resources, probes, environment, mounts.

use std::sync::LazyLock;

use jiff::Timestamp;
use midwatch::time::age_of;
use regex::{Captures, Regex};

use crate::page::{Facts, Node, Section};

macro_rules! pattern {
    ($text:literal) => {{
        static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).unwrap());
        &*PATTERN
    }};
}

const PROBES: [(&str, &str); 3] = [("Liveness", "liveness"), ("Readiness", "readiness"), ("Startup", "startup")];
/// Fields of midwatch's that are put into words as they are.
const AS_THEY_ARE: [&str; 8] = ["image", "restarts", "resources", "liveness", "readiness", "startup", "env", "mount"];

/// `is_live`: of a pod, not of a template.
pub fn of_kubectl(facts: &mut Facts, containers: &Node, volumes: &Node, is_live: bool) {
    for node in &containers.under {
        let mut add = |what: &str, says: &str| {
            facts.insert(format!("{}/{what}: {says}", node.name()));
        };
        add("image", node.value("Image"));
        // Of a template, and of a pod that waits for a node, there is no state.
        if is_live && !node.value("State").is_empty() {
            let ready = if node.value("Ready") == "True" { "ready" } else { "not ready" };
            add("state", &state(node.at("State"), ready));
            if !node.value("Last State").is_empty() {
                add("last state", &state(node.at("Last State"), ready));
            }
            add("restarts", node.value("Restart Count"));
        }
        add("resources", &resources(node));
        for (name, what) in PROBES {
            if !node.value(name).is_empty() {
                add(what, &probe(node.value(name)));
            }
        }
        for from in &node.at("Environment Variables from").under {
            add("env", &all_of(&from.line));
        }
        for variable in &node.at("Environment").under {
            add("env", &one(variable));
        }
        for mount in &node.at("Mounts").under {
            add("mount", &mounted(&mount.line, volumes));
        }
    }
}

pub fn of_midwatch(facts: &mut Facts, page: &[Section], is_live: bool) {
    for section in page {
        let Some(name) = section.title.strip_prefix("container ") else { continue };
        let is_live = is_live && section.value("state") != "not reported";
        for (field, value, _) in &section.fields {
            let says = match field.as_str() {
                // `running for 17m, ready`, `waiting, CrashLoopBackOff: back-off 5m0s`
                "state" if value.starts_with("running") => {
                    value.rsplit_once(", ").map(|(_, so)| format!("running, {so}"))
                }
                "state" if value.starts_with("waiting") => value.split(": ").next().map(str::to_owned),
                // `OOMKilled, exit 137, after 6m54s, 3m ago`
                "state" if !is_live => None,
                "state" | "last state" => value.rsplit_once(", ").map(|(says, _)| says.to_owned()),
                field => AS_THEY_ARE.contains(&field).then(|| value.clone()),
            };
            if let Some(says) = says.filter(|_| is_live || field != "restarts") {
                facts.insert(format!("{name}/{field}: {says}"));
            }
        }
    }
}

fn state(node: &Node, ready: &str) -> String {
    let at = |name: &str| -> Timestamp { jiff::fmt::rfc2822::parse(node.value(name)).unwrap().timestamp() };
    match node.own() {
        "Running" => format!("running, {ready}"),
        "Waiting" => format!("waiting, {}", node.value("Reason")),
        "Terminated" => {
            let signal = Some(node.value("Signal")).filter(|signal| !signal.is_empty());
            let signal = signal.map_or_else(String::new, |signal| format!(", signal {signal}"));
            let lasted = age_of(at("Started"), at("Finished"));
            format!("{}, exit {}{signal}, after {lasted}", node.value("Reason"), node.value("Exit Code"))
        }
        other => panic!("no state: {other}"),
    }
}

fn resources(node: &Node) -> String {
    let part = |name: &str| {
        let all: Vec<String> = node.at(name).under.iter().map(|one| format!("{} {}", one.name(), one.own())).collect();
        (!all.is_empty()).then(|| format!("{}: {}", name.to_lowercase(), all.join(", ")))
    };
    let parts: Vec<String> = ["Requests", "Limits"].into_iter().filter_map(part).collect();
    if parts.is_empty() { "no requests, no limits".to_owned() } else { parts.join("; ") }
}

/// `http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3`
fn probe(text: &str) -> String {
    let text = text.replace("http-get http://", "http-get ").replace("grpc <pod>:", "grpc :");
    let text = pattern!(r" #success=\d+").replace(&text, "");
    pattern!(r"^exec \[(.*)\] ").replace(&text, "exec $1 ").into_owned()
}

/// `myapp-settings  ConfigMap with prefix 'X_'  Optional: false`
fn all_of(line: &str) -> String {
    let parts = pattern!(r"^(\S+) +(ConfigMap|Secret)(?: with prefix '(.*)')? +Optional").captures(line);
    let parts = parts.unwrap_or_else(|| panic!("no source of variables: {line}"));
    let prefix = parts.get(3).map_or_else(String::new, |prefix| format!(", each as {}...", prefix.as_str()));
    format!("all of {} {}{prefix}", parts[2].to_lowercase(), &parts[1])
}

fn one(variable: &Node) -> String {
    let (name, value) = (variable.name(), variable.own());
    let key = pattern!(r"^<set to the key '(.*)' (?:in|of) (secret|config map) '(.*)'>");
    if let Some(parts) = key.captures(value) {
        return format!("{name} from {} {}/{}", parts[2].replace(' ', ""), &parts[3], &parts[1]);
    }
    match pattern!(r"^\S* ?\(v1:(.*)\)$").captures(value) {
        Some(parts) => format!("{name} from field {}", &parts[1]),
        None => format!("{name}={value}"),
    }
}

/// `/tmp from scratch (rw,path="a")`
fn mounted(line: &str, volumes: &Node) -> String {
    let parts = pattern!(r#"^(\S+) from (\S+) \((rw|ro)(?:,path="(.*)")?\)$"#).captures(line);
    let parts: Captures<'_> = parts.unwrap_or_else(|| panic!("no mount: {line}"));
    let volume = volumes.at(&parts[2]);
    let named = |name: &str| volume.value(name);
    let what = match named("Type").split(' ').next().unwrap_or_default() {
        "ConfigMap" => format!("configmap {}", named("Name")),
        "Secret" => format!("secret {}", named("SecretName")),
        "PersistentVolumeClaim" => format!("claim {}", named("ClaimName")),
        "HostPath" => format!("path of the node {}", named("Path")),
        "EmptyDir" if named("Medium") == "Memory" => "memory, gone with the pod".to_owned(),
        "EmptyDir" => "an empty directory, gone with the pod".to_owned(),
        other => panic!("an unknown kind of volume: {other}"),
    };
    let sub = parts.get(4).map_or_else(String::new, |sub| format!("/{}", sub.as_str()));
    let read_only = if &parts[3] == "ro" { ", read-only" } else { "" };
    format!("{} from {what}{sub}{read_only}", &parts[1])
}
