//! The proxy on the way to a cluster, chosen as kubectl does: the one that the kubeconfig names, always; else the one that
//! the environment names for this server. The kube crate holds `NO_PROXY` against the proxy's own address, which leaves out
//! a `proxy-url` on this computer (a bastion by `ssh -D`), and goes to a server that is to be reached directly.

use http::{Uri, uri::InvalidUri};
use hyper_util::client::proxy::matcher::Matcher;

/// What the environment says of proxies.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    http: String,
    https: String,
    /// Hosts that are reached directly.
    no: String,
}

impl Environment {
    pub fn here() -> Self {
        let first = |names: [&str; 2]| {
            let mut set = names.into_iter().filter_map(|name| std::env::var(name).ok());
            set.find(|value| !value.is_empty()).unwrap_or_default()
        };
        Self {
            http: first(["HTTP_PROXY", "http_proxy"]),
            https: first(["HTTPS_PROXY", "https_proxy"]),
            no: first(["NO_PROXY", "no_proxy"]),
        }
    }

    fn of(&self, server: &Uri) -> Option<&str> {
        let named = if server.scheme_str() == Some("http") { &self.http } else { &self.https };
        // What runs on this computer (kind, a tunnel, the demo) is behind no proxy but one that the kubeconfig names.
        let is_here = server.host().is_some_and(is_loopback);
        (!named.is_empty() && !is_here && !self.spares(server)).then_some(named.as_str())
    }

    fn spares(&self, server: &Uri) -> bool {
        Matcher::builder().all("http://any").no(&self.no).build().intercept(server).is_none()
    }
}

/// The proxy to a server; `named`: by the kubeconfig.
pub(super) fn to(server: &Uri, named: Option<&str>, environment: &Environment) -> Result<Option<Uri>, InvalidUri> {
    let Some(proxy) = named.filter(|named| !named.is_empty()).or_else(|| environment.of(server)) else {
        return Ok(None);
    };
    // `proxy:3128` in the environment is an http one, by custom
    let whole = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    whole.parse().map(Some)
}

/// `socks5://127.0.0.1:1080`: without who we are there.
pub(super) fn words(proxy: &Uri) -> String {
    let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", proxy.scheme_str().unwrap_or("http"), proxy.host().unwrap_or_default())
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
