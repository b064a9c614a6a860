//! The page of an Ingress: which paths lead to which Service, and whether anything stands behind it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Page,
    service::{self, Endpoints},
    text,
};
use crate::{model::kubernetes::resource::ResourceKey, source::kubernetes::client::Cluster};

/// Most paths that are shown, and whose Services are asked for.
const MAX_ROUTES: usize = 50;

pub async fn describe(cluster: &Cluster, key: &ResourceKey, raw: &Value, page: &mut Page) {
    let all = routes(raw);
    let shown = &all[..all.len().min(MAX_ROUTES)];
    page.heading("rules");
    if shown.is_empty() {
        page.text("none: it leads nowhere");
    }
    let names: BTreeSet<&str> =
        shown.iter().map(|(_, to)| text(to, "/service/name")).filter(|name| !name.is_empty()).collect();
    let read = if names.is_empty() {
        Ok(BTreeMap::new())
    } else {
        service::of_services(cluster, &key.namespace, &names).await
    };
    let nothing = Endpoints::default();
    for (from, to) in shown {
        let name = text(to, "/service/name");
        let behind = read.as_ref().ok().filter(|_| !name.is_empty());
        let behind = behind.map(|read| read.get(name).unwrap_or(&nothing).words());
        let (words, level) =
            behind.map_or((String::new(), None), |(words, level)| (format!("   {words}"), Some(level)));
        page.levelled("rule", &format!("{from} -> {}{words}", backend(to)), level);
    }
    if all.len() > shown.len() {
        page.text(&format!("and {} more: they stand in the YAML", all.len() - shown.len()));
    }
    if let Err(failure) = &read {
        page.missing("endpoints", failure);
    }
    for tls in raw.pointer("/spec/tls").and_then(Value::as_array).into_iter().flatten() {
        let hosts = tls.get("hosts").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let hosts = hosts.collect::<Vec<_>>().join(", ");
        let by = match text(tls, "/secretName") {
            "" => "the controller's own certificate".to_owned(),
            secret => format!("secret/{secret}"),
        };
        page.field("tls", &format!("{} by {by}", if hosts.is_empty() { "*" } else { &hosts }));
    }
}

/// `shop.example/api`, and what it leads to.
fn routes(raw: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for rule in raw.pointer("/spec/rules").and_then(Value::as_array).into_iter().flatten() {
        let host = Some(text(rule, "/host")).filter(|host| !host.is_empty()).unwrap_or("*");
        for path in rule.pointer("/http/paths").and_then(Value::as_array).into_iter().flatten() {
            if let Some(to) = path.get("backend") {
                found.push((format!("{host}{}", text(path, "/path")), to));
            }
        }
    }
    if let Some(to) = raw.pointer("/spec/defaultBackend") {
        found.push(("all else".to_owned(), to));
    }
    found
}

/// `service/web:8080`
fn backend(to: &Value) -> String {
    let Some(service) = to.get("service") else {
        return format!("{}/{}", text(to, "/resource/kind").to_lowercase(), text(to, "/resource/name"));
    };
    let port = service.pointer("/port/number").or_else(|| service.pointer("/port/name"));
    let port = port.map_or(String::new(), |port| format!(":{}", port.to_string().trim_matches('"')));
    format!("service/{}{port}", text(service, "/name"))
}
