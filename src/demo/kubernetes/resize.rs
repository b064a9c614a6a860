//! PATCH or PUT `pods/NAME/resize`: new requests and limits for running containers. Nothing else may change.

use axum::{http::StatusCode, response::Response};
use serde_json::Value;

use super::{
    Server,
    answer::Failure,
    list, patch as patches,
    protobuf::decode,
    request::Ask,
    write::{check_meta, store},
};
use crate::demo::cluster::{
    json as js,
    quantity::{mebibytes, millis},
    replicas::qos_class,
    store::Object,
};

pub fn write(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    let name = ask.object_name();
    let object = server.with(|cluster, now| {
        let old = cluster.store.get(ask.kind.resource, ask.space(), name).map(Object::value);
        let old = old.ok_or_else(|| Failure::not_found(ask.kind, name))?;
        let asked = if ask.method == "PUT" { decode(body)? } else { patches::apply(&ask.content_type, body, &old)? };
        check_meta(ask.kind, &old, &asked, js::text(&asked, "/metadata/resourceVersion"))?;
        let new = resized(&old, &asked).map_err(|(field, why)| Failure::invalid(ask.kind, name, &field, &why))?;
        let object = store(cluster, ask, now, &old, new);
        if !ask.dry_run() {
            cluster.resize(now, &object);
        }
        Ok::<_, Failure>(object)
    })?;
    list::one(server, ask, StatusCode::OK, &object)
}

/// The old pod with the resources asked for; else the field that is wrong, and why.
fn resized(old: &Value, asked: &Value) -> Result<Value, (String, String)> {
    let refuse = |field: &str, why: &str| Err((field.to_owned(), why.to_owned()));
    if old.pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some() {
        return refuse("metadata", "Forbidden: static pods cannot be resized");
    }
    let mut new = old.clone();
    let wanted = js::list(asked, "/spec/containers");
    for (container, wanted) in new["spec"]["containers"].as_array_mut().into_iter().flatten().zip(wanted) {
        if container.get("resources") != wanted.get("resources") {
            container["resources"] = wanted["resources"].clone();
        }
    }
    if asked["spec"] != new["spec"] {
        return refuse("spec", "Forbidden: only cpu and memory resources are mutable");
    }
    for (index, container) in js::list(&new, "/spec/containers").iter().enumerate() {
        let before = &old["spec"]["containers"][index]["resources"];
        check(&format!("spec.containers[{index}].resources"), before, &container["resources"])?;
    }
    if qos_class(&new["spec"]) != qos_class(&old["spec"]) {
        return refuse("spec", "Invalid value: Pod QOS Class may not change as a result of resizing");
    }
    Ok(new)
}

fn check(field: &str, before: &Value, after: &Value) -> Result<(), (String, String)> {
    for part in ["limits", "requests"] {
        for (resource, _) in js::members(&before[part]) {
            if after[part].get(resource).is_none() {
                return Err((format!("{field}.{part}"), format!("Forbidden: resource {part} cannot be removed")));
            }
        }
    }
    let others = |resources: &Value| -> Vec<(String, Value)> {
        let all = ["limits", "requests"].into_iter().flat_map(|part| js::members(&resources[part]));
        let others = all.filter(|(resource, _)| !matches!(resource.as_str(), "cpu" | "memory"));
        others.map(|(resource, quantity)| (resource.clone(), quantity.clone())).collect()
    };
    if others(before) != others(after) {
        return Err((field.to_owned(), "Forbidden: only cpu and memory resources are mutable".to_owned()));
    }
    for (resource, amount) in [("cpu", millis as fn(&str) -> f64), ("memory", mebibytes)] {
        let text = |part: &str| js::text(after, &format!("/{part}/{resource}"));
        let (request, limit) = (text("requests"), text("limits"));
        if !limit.is_empty() && amount(request) > amount(limit) {
            let why =
                format!("Invalid value: \"{request}\": must be less than or equal to {resource} limit of {limit}");
            return Err((format!("{field}.requests"), why));
        }
    }
    Ok(())
}
