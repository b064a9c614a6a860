//! The `scale` subresource (autoscaling/v1).

use axum::{
    http::{Method, StatusCode},
    response::Response,
};
use serde_json::{Value, json};

use super::{
    Server,
    answer::{Failure, json_value},
    list, patch,
    request::Ask,
};
use crate::demo::cluster::{
    fields::{self, Writer},
    json as js,
    store::Object,
};

/// The Scale of a workload.
fn scale_of(object: &Object) -> Value {
    let value = object.value();
    let labels = js::at(&value, "/spec/selector/matchLabels");
    let selector: Vec<_> =
        js::members(labels).map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    let meta = &value["metadata"];
    // As Go writes it (`omitempty`).
    let spec = match js::int(&value, "/spec/replicas") {
        0 => json!({}),
        replicas => json!({ "replicas": replicas }),
    };
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"], "creationTimestamp": meta["creationTimestamp"],
        },
        "spec": spec,
        "status": {"replicas": js::int(&value, "/status/replicas"), "selector": selector.join(",")},
    })
}

pub fn scale(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    let name = ask.object_name();
    if ask.method == Method::GET {
        return Ok(json_value(StatusCode::OK, &scale_of(&list::find(server, ask)?)));
    }
    let resource = ask.kind.resource;
    let mut world = server.lock();
    let now = world.now;
    let cluster = &mut world.clusters[server.cluster];
    let object =
        cluster.store.get(resource, ask.space(), name).cloned().ok_or_else(|| Failure::not_found(ask.kind, name))?;
    let present = scale_of(&object);
    let wanted = match ask.method.as_str() {
        "PUT" => serde_json::from_slice(body).map_err(|e| Failure::bad_request(format!("unreadable Scale: {e}")))?,
        "PATCH" => patch::apply(&ask.content_type, body, &present)?,
        _ => return Err(Failure::method_not_allowed()),
    };
    let version = js::text(&wanted, "/metadata/resourceVersion");
    if !version.is_empty() && version != js::text(&present, "/metadata/resourceVersion") {
        return Err(Failure::modified(ask.kind, name));
    }
    let replicas = js::int(&wanted, "/spec/replicas");
    if replicas < 0 {
        let why = format!("Invalid value: {replicas}: must be greater than or equal to 0");
        return Err(Failure::invalid(ask.kind, name, "spec.replicas", &why));
    }
    let old = object.value();
    let mut new = old.clone();
    js::set(&mut new, "/spec/replicas", json!(replicas));
    fields::record(Some(&old), &mut new, Writer { manager: ask.manager(), subresource: "scale", at: now });
    let done = if ask.dry_run() { Object::new(resource, &new) } else { cluster.write(resource, new) };
    Ok(json_value(StatusCode::OK, &scale_of(&done)))
}
