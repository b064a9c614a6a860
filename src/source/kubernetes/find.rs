//! Backends that run inside the cluster, found by their Services. How they are read: [`through`](super::through).

use serde::Deserialize;

use super::{
    client::{Cluster, segment},
    failure::Failure,
};
use crate::{model::Name, text::Clean};

/// What a found Service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    Alertmanager,
    Prometheus,
    Grafana,
    Loki,
}

impl Product {
    const ALL: [Self; 4] = [Self::Alertmanager, Self::Prometheus, Self::Grafana, Self::Loki];

    fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Prometheus => "prometheus",
            Self::Grafana => "grafana",
            Self::Loki => "loki",
        }
    }

    /// Ports it listens on unless told otherwise.
    fn ports(self) -> &'static [u16] {
        match self {
            Self::Alertmanager => &[9093],
            Self::Prometheus => &[9090],
            Self::Grafana => &[3000],
            Self::Loki => &[3100],
        }
    }
}

/// A Service that seems to be one of the [`Product`]s. It was not asked yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub product: Product,
    pub place: Place,
}

/// A Service's port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub namespace: Name,
    pub service: Name,
    /// Its name or number.
    pub port: Name,
    pub https: bool,
}

impl Place {
    /// `NAMESPACE/SERVICE:PORT`, with `https:` before the service if it speaks TLS: what stands after `CLUSTER/` in the
    /// config's `through`.
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, rest) = text.split_once('/')?;
        let (https, rest) = match rest.strip_prefix("https:") {
            Some(rest) => (true, rest),
            None => (false, rest.strip_prefix("http:").unwrap_or(rest)),
        };
        let (service, port) = rest.split_once(':')?;
        let is_name = |text: &str| {
            let dns = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.');
            !text.is_empty() && text.bytes().all(dns) && !text.starts_with('.')
        };
        [namespace, service, port].into_iter().all(is_name).then(|| Self {
            namespace: namespace.into(),
            service: service.into(),
            port: port.into(),
            https,
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.https { "https:" } else { "" };
        write!(f, "{}/{scheme}{}:{}", self.namespace, self.service, self.port)
    }
}

/// Looks through the Services that may be listed: of the whole cluster, else of the configured and the own namespace.
/// The likeliest of each product comes first.
pub async fn find(cluster: &Cluster) -> Result<Vec<Found>, Failure> {
    let services = match list(cluster, None).await {
        Err(failure) if failure.is(403) => {
            let mut services = Vec::new();
            let mut readable = false;
            for namespace in cluster.namespaces().iter().chain(cluster.own_namespace()) {
                if let Ok(listed) = list(cluster, Some(namespace)).await {
                    readable = true;
                    services.extend(listed);
                }
            }
            if !readable {
                return Err(failure);
            }
            services
        }
        other => other?,
    };
    let mut found: Vec<(u8, Found)> = services.iter().filter_map(judge).collect();
    found.sort();
    let mut found: Vec<Found> = found.into_iter().map(|(_, found)| found).collect();
    found.sort_by_key(|found| found.product);
    found.dedup();
    Ok(found)
}

async fn list(cluster: &Cluster, namespace: Option<&Name>) -> Result<Vec<Service>, Failure> {
    let base = match namespace {
        None => "/api/v1/services".to_owned(),
        Some(namespace) => format!("/api/v1/namespaces/{}/services", segment(namespace)),
    };
    let (mut services, mut next) = (Vec::new(), String::new());
    loop {
        let page: Page = cluster.get(&format!("{base}?limit=500{next}")).await?;
        services.extend(page.items.into_iter().flatten());
        match page.metadata.and_then(|metadata| metadata.continues).filter(|token| !token.is_empty()) {
            Some(token) => {
                "&continue=".clone_into(&mut next);
                next.extend(url::form_urlencoded::byte_serialize(token.as_bytes()));
            }
            None => return Ok(services),
        }
    }
}

/// How likely it is (less is likelier), and what.
fn judge(service: &Service) -> Option<(u8, Found)> {
    let name = service.metadata.name.as_str();
    let labels = service.metadata.labels.as_ref();
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).map_or("", String::as_str);
    let (product, likelihood) = Product::ALL.into_iter().find_map(|product| {
        let is = product.name();
        if label("app.kubernetes.io/name") == is {
            return Some((product, 0));
        }
        let app = label("app");
        let by_app = app == is || app.strip_suffix(is).is_some_and(|rest| rest.ends_with('-'));
        let by_name = name == is || name == format!("{is}-server") || name == format!("{is}-operated");
        (by_app || by_name).then_some((product, 1))
    })?;
    // the operator's own headless Service answers too, but is the last choice
    let headless = service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()) == Some("None");
    let (port, https) = port(product, service.spec.as_ref()?)?;
    let place = Place { namespace: Clean::line(&service.metadata.namespace), service: Clean::line(name), port, https };
    Some((likelihood + 2 * u8::from(headless), Found { product, place }))
}

/// The product's own port, else one named as web ports are, else the only one.
fn port(product: Product, spec: &Spec) -> Option<(Name, bool)> {
    let ports: Vec<&Port> = spec.ports.iter().flatten().filter(|port| port.number.is_some()).collect();
    let own = |port: &&&Port| port.number.is_some_and(|number| product.ports().contains(&number));
    let web = |port: &&&Port| {
        let name = port.name.as_deref().unwrap_or_default();
        matches!(name, "web" | "http" | "https" | "service" | "http-web" | "http-metrics") || name == product.name()
    };
    let chosen = ports
        .iter()
        .find(own)
        .or_else(|| ports.iter().find(web))
        .or_else(|| ports.first().filter(|_| ports.len() == 1))?;
    let number = chosen.number?;
    let https = chosen.name.as_deref() == Some("https")
        || chosen.app_protocol.as_deref() == Some("https")
        || matches!(number, 443 | 8443);
    Some((Clean::line(&number.to_string()), https))
}

#[derive(Deserialize)]
struct Page {
    metadata: Option<PageMeta>,
    items: Option<Vec<Service>>,
}

#[derive(Deserialize)]
struct PageMeta {
    #[serde(rename = "continue")]
    continues: Option<String>,
}

#[derive(Deserialize)]
struct Service {
    metadata: Metadata,
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    labels: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    ports: Option<Vec<Port>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    name: Option<String>,
    #[serde(rename = "port")]
    number: Option<u16>,
    app_protocol: Option<String>,
}

#[cfg(test)]
mod tests;
