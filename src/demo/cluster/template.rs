//! Writing pod templates, with the defaults an API server fills in.

use serde_json::{Value, json};

use super::json as js;

/// A pod template with one container.
#[derive(Clone, Debug)]
pub struct PodTemplate {
    value: Value,
}

impl PodTemplate {
    /// Labels `app=APP`, one container named after the app.
    pub fn new(app: &str, image: &str) -> Self {
        let value = json!({
            "metadata": {"labels": {"app": app}},
            "spec": {
                "containers": [{
                    "name": app, "image": image, "imagePullPolicy": "IfNotPresent", "resources": {},
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                }],
                "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                "securityContext": {}, "schedulerName": "default-scheduler",
            },
        });
        Self { value }
    }

    #[must_use]
    pub fn container_name(self, name: &str) -> Self {
        self.container("name", json!(name))
    }

    #[must_use]
    pub fn label(mut self, key: &str, to: &str) -> Self {
        self.value["metadata"]["labels"][key] = json!(to);
        self
    }

    #[must_use]
    pub fn annotation(mut self, key: &str, to: &str) -> Self {
        js::set_annotation(&mut self.value, key, to);
        self
    }

    /// Memory request and limit as quantities (`512Mi`).
    #[must_use]
    pub fn memory(self, request: &str, limit: &str) -> Self {
        self.resource("requests", "memory", request).resource("limits", "memory", limit)
    }

    /// CPU request as a quantity (`200m`).
    #[must_use]
    pub fn cpu(self, request: &str) -> Self {
        self.resource("requests", "cpu", request)
    }

    #[must_use]
    fn resource(mut self, part: &str, what: &str, quantity: &str) -> Self {
        js::set(&mut self.value["spec"]["containers"][0], &format!("/resources/{part}/{what}"), json!(quantity));
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, to: &str) -> Self {
        set_env(&mut self.value["spec"]["containers"][0], json!({"name": name, "value": to}));
        self
    }

    /// An environment variable that reads a ConfigMap's key.
    #[must_use]
    pub fn env_from_config(mut self, name: &str, config: &str, key: &str) -> Self {
        let entry = json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": config, "key": key}}});
        set_env(&mut self.value["spec"]["containers"][0], entry);
        self
    }

    /// All keys of a ConfigMap as environment variables.
    #[must_use]
    pub fn env_from(mut self, config: &str) -> Self {
        let container = &mut self.value["spec"]["containers"][0];
        if !container["envFrom"].is_array() {
            container["envFrom"] = json!([]);
        }
        if let Some(sources) = container["envFrom"].as_array_mut() {
            sources.push(json!({"configMapRef": {"name": config}}));
        }
        self
    }

    #[must_use]
    pub fn port(self, port: u16) -> Self {
        self.named_port("http", port)
    }

    #[must_use]
    pub fn named_port(self, name: &str, port: u16) -> Self {
        self.container("ports", json!([{"name": name, "containerPort": port, "protocol": "TCP"}]))
    }

    /// An HTTP readiness probe; without one a container is ready as the story says, but no probe failures are told.
    #[must_use]
    pub fn readiness(self, path: &str, port: u16) -> Self {
        let probe = json!({
            "httpGet": {"path": path, "port": port, "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10,
            "successThreshold": 1, "failureThreshold": 3,
        });
        self.container("readinessProbe", probe)
    }

    #[must_use]
    fn container(mut self, field: &str, to: Value) -> Self {
        self.value["spec"]["containers"][0][field] = to;
        self
    }

    /// A second container beside the first.
    #[must_use]
    pub fn with_container(mut self, name: &str, image: &str) -> Self {
        if let Some(containers) = self.value["spec"]["containers"].as_array_mut() {
            containers.push(json!({
                "name": name, "image": image, "imagePullPolicy": "IfNotPresent", "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            }));
        }
        self
    }

    pub fn build(self) -> Value {
        self.value
    }
}

/// Sets or adds an environment variable of a container.
pub fn set_env(container: &mut Value, entry: Value) {
    if !container["env"].is_array() {
        container["env"] = json!([]);
    }
    let Some(env) = container["env"].as_array_mut() else { return };
    match env.iter_mut().find(|e| e["name"] == entry["name"]) {
        Some(old) => *old = entry,
        None => env.push(entry),
    }
}
