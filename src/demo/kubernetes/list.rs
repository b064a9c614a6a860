//! GET of one object and LIST of many, in JSON, as a Table or as metadata only.

use std::fmt::Write as _;

use axum::{http::StatusCode, response::Response};
use base64::Engine as _;
use serde_json::{Value, json};

use super::{
    Server,
    answer::{Failure, json_text, json_value},
    request::{Ask, Form},
    selector::Selector,
    table::{self, Include},
};
use crate::demo::cluster::{
    Cluster,
    kinds::Resource,
    store::{Key, Object},
};

/// The object, or 404.
pub fn find(server: &Server, ask: &Ask) -> Result<Object, Failure> {
    let name = ask.object_name();
    server
        .with(|cluster, _| cluster.store.get(ask.kind.resource, ask.space(), name).cloned())
        .ok_or_else(|| Failure::not_found(ask.kind, name))
}

/// A pod as it is stored.
pub fn stored(cluster: &Cluster, namespace: &str, pod: &str) -> Option<Object> {
    cluster.store.get(Resource::Pods, namespace, pod).cloned()
}

pub fn get(server: &Server, ask: &Ask) -> Result<Response, Failure> {
    let object = find(server, ask)?;
    one(server, ask, StatusCode::OK, &object)
}

/// One object in the form that was asked for.
pub fn one(server: &Server, ask: &Ask, code: StatusCode, object: &Object) -> Result<Response, Failure> {
    Ok(match ask.form {
        Form::Json => json_text(code, object.full()),
        Form::Partial => json_value(code, &partial(object)),
        Form::Table => {
            let now = server.with(|_, now| now);
            let row = table::row(ask.kind.resource, object, now, Include::parse(&ask.query)?);
            let meta = json!({"resourceVersion": object.facts().version.to_string()});
            json_value(code, &table::table(ask.kind.resource, &[row], &meta, true))
        }
    })
}

/// `PartialObjectMetadata` of an object.
pub fn partial(object: &Object) -> Value {
    let mut value = object.value();
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": value["metadata"].take()})
}

/// Where a paged LIST goes on.
struct Continue {
    version: u64,
    after: Key,
}

impl Continue {
    fn encode(&self) -> String {
        let text =
            json!({"v": "meta.k8s.io/v1", "rv": self.version, "start": [self.after.0, self.after.1]}).to_string();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    }

    fn decode(token: &str) -> Result<Self, Failure> {
        let broken = || Failure::bad_request("continue key is not valid: it was not made by this server");
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).map_err(|_| broken())?;
        let value: Value = serde_json::from_slice(&text).map_err(|_| broken())?;
        let part = |index: usize| value["start"][index].as_str().map(str::to_owned).ok_or_else(broken);
        Ok(Self { version: value["rv"].as_u64().ok_or_else(broken)?, after: (part(0)?, part(1)?) })
    }
}

/// 504 as a real server gives it, after waiting, for a version from the future.
fn too_large(asked: u64, current: u64) -> Failure {
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    let details = json!({
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    });
    Failure::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message, details)
}

pub fn list(server: &Server, ask: &Ask) -> Result<Response, Failure> {
    let query = &ask.query;
    let text = |name| query.get(name).unwrap_or_default();
    let selector = Selector::parse(ask.kind.resource, text("labelSelector"), text("fieldSelector"))?;
    let include = Include::parse(query)?;
    let asked = query.number("resourceVersion")?;
    // The watch cache answers version 0, and does not page.
    let limit = if asked == Some(0) { None } else { query.number("limit")?.filter(|l| *l > 0) };
    let from = query.get("continue").filter(|t| !t.is_empty()).map(Continue::decode).transpose()?;
    let world = server.lock();
    let store = &world.clusters[server.cluster].store;
    let now = world.now;
    if let Some(asked) = asked.filter(|v| *v > store.version() as i64) {
        return Err(too_large(asked as u64, store.version()));
    }
    let exact = query.get("resourceVersionMatch") == Some("Exact");
    let pinned = from.as_ref().map(|f| f.version).or(asked.filter(|_| exact).map(|v| v as u64));
    if let Some(version) = pinned
        && store.changes(ask.kind.resource, version).is_err()
    {
        return Err(Failure::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        ));
    }
    let version = from.as_ref().map_or(store.version(), |f| f.version);
    let after = from.as_ref().map(|f| &f.after);
    let all = store.list(ask.kind.resource, ask.namespace.as_deref(), after);
    let mut objects: Vec<Object> = all.filter(|object| selector.matches(object)).cloned().collect();
    drop(world);
    let total = objects.len();
    objects.truncate(limit.map_or(usize::MAX, |l| l as usize));
    let rest = total - objects.len();
    let mut meta = json!({"resourceVersion": version.to_string()});
    if let (true, Some(last)) = (rest > 0, objects.last()) {
        meta["continue"] = json!(Continue { version, after: last.facts().key() }.encode());
        if selector == Selector::default() {
            meta["remainingItemCount"] = json!(rest);
        }
    }
    Ok(match ask.form {
        Form::Json => {
            let size = objects.iter().map(|o| o.item().len() + 1).sum::<usize>();
            let mut body = String::with_capacity(size + 200);
            let (kind, api_version) = (ask.kind.kind, ask.kind.api_version());
            write!(body, "{{\"kind\":\"{kind}List\",\"apiVersion\":\"{api_version}\",\"metadata\":{meta},\"items\":[")
                .expect("a String takes every text");
            for (index, object) in objects.iter().enumerate() {
                if index > 0 {
                    body.push(',');
                }
                body.push_str(object.item());
            }
            body.push_str("]}\n");
            json_text(StatusCode::OK, body)
        }
        Form::Partial => {
            let items: Vec<_> = objects.iter().map(partial).collect();
            let kind = "PartialObjectMetadataList";
            let list = json!({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": meta, "items": items});
            json_value(StatusCode::OK, &list)
        }
        Form::Table => {
            let rows: Vec<_> = objects.iter().map(|o| table::row(ask.kind.resource, o, now, include)).collect();
            json_value(StatusCode::OK, &table::table(ask.kind.resource, &rows, &meta, true))
        }
    })
}
