//! The page of a Service: where its ports lead, and what stands behind it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Page, items, text};
use crate::{
    model::{Level, kubernetes::resource::ResourceKey},
    source::kubernetes::{
        client::{Cluster, segment},
        failure::Failure,
        selector::query,
    },
};

/// Whose endpoints a slice holds.
const SERVICE: &str = "kubernetes.io/service-name";
/// Slices are read in one page; each holds a hundred endpoints.
const MAX_SLICES: &str = "100";
/// Most endpoints that are named.
const MAX_NAMED: usize = 10;

pub async fn describe(cluster: &Cluster, key: &ResourceKey, raw: &Value, page: &mut Page) {
    ports(page, raw);
    // It is a name for another one: nothing stands behind it here.
    if text(raw, "/spec/type") == "ExternalName" {
        return;
    }
    page.heading("endpoints");
    let mut read = match of_services(cluster, &key.namespace, &BTreeSet::from([key.name.as_str()])).await {
        Ok(read) => read,
        Err(failure) => return page.missing("behind it", &failure),
    };
    let endpoints = read.remove(key.name.as_str()).unwrap_or_default();
    let (words, level) = endpoints.words();
    page.levelled("behind it", &words, Some(level));
    endpoints.list(page);
    if endpoints.all.is_empty() {
        let chooses = raw.pointer("/spec/selector").and_then(Value::as_object).is_some_and(|labels| !labels.is_empty());
        page.text(if chooses {
            "no pod that its selector chooses has an address"
        } else {
            "it has no selector: somebody else writes its endpoints"
        });
    }
}

/// `http  80/TCP -> 8080, node port 30080`
fn ports(page: &mut Page, raw: &Value) {
    let all = raw.pointer("/spec/ports").and_then(Value::as_array).filter(|all| !all.is_empty());
    let Some(all) = all else { return };
    page.heading("ports");
    for port in all {
        let shown = |field: &str| port.get(field).map(|value| value.to_string().trim_matches('"').to_owned());
        let name = Some(text(port, "/name")).filter(|name| !name.is_empty()).unwrap_or("port");
        let protocol = Some(text(port, "/protocol")).filter(|protocol| !protocol.is_empty()).unwrap_or("TCP");
        let target = shown("targetPort").map_or(String::new(), |target| format!(" -> {target}"));
        let node = shown("nodePort").map_or(String::new(), |node| format!(", node port {node}"));
        page.field(name, &format!("{}/{protocol}{target}{node}", shown("port").unwrap_or_default()));
    }
}

/// What stands behind one Service, by its pod, else by its address: a pod may have one of each family.
#[derive(Default)]
pub struct Endpoints {
    all: BTreeMap<String, Endpoint>,
    /// Not all were read.
    is_cut: bool,
}

#[derive(Default)]
struct Endpoint {
    is_ready: bool,
    addresses: Vec<String>,
}

/// Those of some Services of a namespace, by name. One that is not there has no endpoints, or does not exist.
pub async fn of_services(
    cluster: &Cluster,
    namespace: &str,
    names: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Endpoints>, Failure> {
    let names: Vec<&str> = names.iter().copied().collect();
    let selector = format!("{SERVICE} in ({})", names.join(","));
    let path = format!(
        "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices?{}",
        segment(namespace),
        query([("labelSelector", &*selector), ("limit", MAX_SLICES)])
    );
    let list: Value = cluster.get(&path).await?;
    let mut found: BTreeMap<String, Endpoints> = BTreeMap::new();
    for slice in items(&list) {
        let service = slice.pointer("/metadata/labels").and_then(|labels| labels.get(SERVICE)?.as_str());
        found.entry(service.unwrap_or_default().to_owned()).or_default().take(slice);
    }
    let is_cut = !text(&list, "/metadata/continue").is_empty();
    for endpoints in found.values_mut() {
        endpoints.is_cut = is_cut;
    }
    Ok(found)
}

impl Endpoints {
    /// As `kubectl describe` counts: without a word on it, an endpoint is ready.
    fn take(&mut self, slice: &Value) {
        for endpoint in slice.get("endpoints").and_then(Value::as_array).into_iter().flatten() {
            let is = |condition: &str| endpoint.pointer(&format!("/conditions/{condition}")).and_then(Value::as_bool);
            let is_ready = is("ready") != Some(false);
            // One that goes is not expected to serve.
            if !is_ready && is("terminating") == Some(true) {
                continue;
            }
            let address = text(endpoint, "/addresses/0");
            match (text(endpoint, "/targetRef/kind"), text(endpoint, "/targetRef/name")) {
                (_, "") => self.all.entry(address.to_owned()).or_default().is_ready |= is_ready,
                (kind, name) => {
                    let known = self.all.entry(format!("{}/{name}", kind.to_lowercase())).or_default();
                    known.is_ready |= is_ready;
                    known.addresses.push(address.to_owned());
                }
            }
        }
    }

    /// `8 of 13 ready`
    pub fn words(&self) -> (String, Level) {
        let ready = self.all.values().filter(|endpoint| endpoint.is_ready).count();
        let cut = if self.is_cut { ", and more that were not read" } else { "" };
        let (words, level) = match (ready, self.all.len()) {
            (_, 0) => ("no endpoints".to_owned(), Level::Wrong),
            (0, all) => (format!("0 of {all} ready"), Level::Broken),
            (ready, all) if ready < all => (format!("{ready} of {all} ready"), Level::Wrong),
            (ready, _) => (format!("{ready} ready"), Level::Ok),
        };
        (words + cut, level)
    }

    /// Those that are not ready first.
    fn list(&self, page: &mut Page) {
        let mut all: Vec<(&String, &Endpoint)> = self.all.iter().collect();
        all.sort_by_key(|(_, endpoint)| endpoint.is_ready);
        for (who, endpoint) in all.iter().take(MAX_NAMED) {
            let (name, level) = if endpoint.is_ready { ("ready", None) } else { ("not ready", Some(Level::Wrong)) };
            page.levelled(name, format!("{who} {}", endpoint.addresses.join(", ")).trim_end(), level);
        }
        if all.len() > MAX_NAMED {
            page.text(&format!("and {} more", all.len() - MAX_NAMED));
        }
    }
}
