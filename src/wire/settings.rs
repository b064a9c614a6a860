//! What the App is told of the backends that are named and open.

use super::Wired;
use crate::{
    app::settings::{ContextOf, Settings, bind_services},
    custom,
    model::{
        BackendId,
        place::{PRODUCTION, has_part},
    },
    text::Clean,
    wire::Remembered,
};

impl Wired {
    /// The settings that follow from the configuration and what was opened.
    pub fn settings(&self, remembered: &Remembered) -> Settings {
        let config = &self.config;
        let mut settings = Settings {
            version: env!("CARGO_PKG_VERSION"),
            me: Clean::line(config.me.as_deref().unwrap_or("")),
            // Checked when the file was read.
            services: bind_services(&config.service, &config.jenkins).unwrap_or_default(),
            commands: custom::commands(&config.command, "").unwrap_or_default(),
            links: custom::links(&config.link, "").unwrap_or_default(),
            remembered_production: remembered.production.iter().map(|(id, is)| (Clean::line(id), *is)).collect(),
            ui: config.ui.clone(),
            ..Settings::default()
        };
        self.note_named(&mut settings);
        self.note_clusters(&mut settings);
        settings
    }

    /// What the configuration says of the backends it names. What was said since (`:ns`, `:production`) stays.
    pub fn note_named(&self, settings: &mut Settings) {
        let config = &self.config;
        settings.backends.clone_from(&self.kinds);
        settings.read_only_backends.clone_from(&self.read_only_backends);
        for cluster in &config.kubernetes {
            let id = BackendId::new(&cluster.name);
            let names: Vec<Clean> = cluster.namespaces.iter().map(|name| Clean::line(name)).collect();
            settings.namespaces.entry(id.clone()).or_insert(names);
            if let Some(production) = cluster.production {
                settings.production.entry(id.clone()).or_insert(production);
            }
            if is_local(&id, "", "") {
                settings.local.insert(id);
            }
        }
        let insecure = config.github.iter().map(|b| (&b.name, b.tls.insecure));
        let insecure = insecure.chain(config.grafana.iter().map(|b| (&b.name, b.tls.insecure)));
        let insecure = insecure.chain(config.alertmanager.iter().map(|b| (&b.name, b.tls.insecure)));
        let insecure = insecure.chain(config.prometheus.iter().map(|b| (&b.name, b.tls.insecure)));
        let insecure = insecure.chain(config.registry.iter().map(|b| (&b.host, b.tls.insecure)));
        let insecure = insecure.chain(config.argocd.iter().map(|b| (&b.name, b.tls.insecure)));
        let insecure = insecure.chain(config.jenkins.iter().map(|b| (&b.name, b.tls.insecure)));
        settings.insecure.extend(insecure.filter(|(_, on)| *on).map(|(name, _)| BackendId::new(name)));
    }

    /// What is known of clusters once they are open: whether they are local, and safe.
    pub fn note_clusters(&self, settings: &mut Settings) {
        for (id, cluster) in &self.clusters {
            if is_local(id, cluster.context(), cluster.host()) {
                settings.local.insert(id.clone());
            }
            let wanted = self.config.kubernetes.iter().find(|wanted| **id == *wanted.name);
            let known = ContextOf {
                context: cluster.context().clone(),
                kubeconfig: wanted.and_then(|wanted| wanted.kubeconfig.clone()),
            };
            settings.contexts_of.insert(id.clone(), known);
            if cluster.is_insecure() {
                settings.insecure.insert(id.clone());
            }
            match cluster.impersonates() {
                Some(user) => settings.impersonated.insert(id.clone(), user),
                None => settings.impersonated.remove(id),
            };
        }
    }
}

/// kind, k3d, minikube, docker-desktop, colima and loopback servers. What is called production and answers on loopback is
/// production behind a tunnel.
fn is_local(id: &BackendId, context: &str, host: &str) -> bool {
    let by_name = ["kind-", "k3d-", "minikube", "docker-desktop", "colima", "rancher-desktop", "orbstack"];
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]");
    by_name.iter().any(|name| id.starts_with(name))
        || (is_here && ![&**id, context].iter().any(|name| has_part(name, &PRODUCTION)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_to_production_is_not_local() {
        let is_local = |name: &str, host: &str| is_local(&BackendId::new(name), name, host);
        assert!(
            is_local("here", "127.0.0.1") && is_local("kind-prod", "127.0.0.1") && is_local("product-a", "localhost")
        );
        assert!(!is_local("prod-eu1-rita", "127.0.0.1") && !is_local("eu-production", "[::1]"));
        assert!(!is_local("here", "10.0.0.1"));
        assert!(!super::is_local(&BackendId::new("eu1"), "prod-eu1", "127.0.0.1"), "by its context");
    }
}
