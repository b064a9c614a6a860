//! The custom kinds: their definitions, and the printer columns that the definitions ask the server for.

use jiff::Timestamp;
use serde_json::json;

use super::{Cluster, ids, json as js, kinds::Resource};

/// One of `additionalPrinterColumns`.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    /// `string`, `integer`, `date`.
    pub kind: &'static str,
    /// A JSONPath: dotted names, and `[?(@.type=="X")]` to choose a list's item.
    pub path: &'static str,
    pub priority: u8,
    pub description: &'static str,
}

const fn column(name: &'static str, kind: &'static str, path: &'static str) -> Column {
    Column { name, kind, path, priority: 0, description: "" }
}

const AGE: Column = column("Age", "date", ".metadata.creationTimestamp");

const ROLLOUT: &[Column] = &[
    column("Desired", "integer", ".spec.replicas"),
    column("Current", "integer", ".status.replicas"),
    column("Up-to-date", "integer", ".status.updatedReplicas"),
    column("Available", "integer", ".status.availableReplicas"),
    AGE,
];

const APPLICATION: &[Column] = &[
    column("Sync Status", "string", ".status.sync.status"),
    column("Health Status", "string", ".status.health.status"),
    Column { priority: 10, ..column("Revision", "string", ".status.sync.revision") },
    Column { priority: 10, ..column("Project", "string", ".spec.project") },
];

/// The API server's own: the definition asks for none.
const APPLICATION_SET: &[Column] = &[AGE];

const KUSTOMIZATION: &[Column] = &[
    AGE,
    column("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
    column("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
];

const GIT_REPOSITORY: &[Column] = &[
    column("URL", "string", ".spec.url"),
    AGE,
    column("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
    column("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
];

const IMAGE_UPDATE_AUTOMATION: &[Column] = &[
    column("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
    column("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
    Column { priority: 1, ..column("Last run", "string", ".status.lastAutomationRunTime") },
    AGE,
];

const CANARY: &[Column] = &[
    column("Status", "string", ".status.phase"),
    column("Weight", "string", ".status.canaryWeight"),
    Column { priority: 1, ..column("FailedChecks", "string", ".status.failedChecks") },
    Column { priority: 1, ..column("Interval", "string", ".spec.analysis.interval") },
    Column { priority: 1, ..column("StepWeight", "string", ".spec.analysis.stepWeight") },
    Column { priority: 1, ..column("MaxWeight", "string", ".spec.analysis.maxWeight") },
    column("LastTransitionTime", "string", ".status.lastTransitionTime"),
];

/// The columns of a custom kind after its name; none for all others.
pub fn columns(resource: Resource) -> &'static [Column] {
    match resource {
        Resource::Rollouts => ROLLOUT,
        Resource::Applications => APPLICATION,
        Resource::ApplicationSets => APPLICATION_SET,
        // Flux prints both alike.
        Resource::Kustomizations | Resource::HelmReleases => KUSTOMIZATION,
        Resource::GitRepositories => GIT_REPOSITORY,
        Resource::ImageUpdateAutomations => IMAGE_UPDATE_AUTOMATION,
        Resource::Canaries => CANARY,
        _ => &[],
    }
}

impl Cluster {
    /// The CustomResourceDefinitions of the custom kinds.
    pub(super) fn found_definitions(&mut self, now: Timestamp) {
        for kind in super::kinds::KINDS.iter().filter(|kind| kind.resource.is_custom()) {
            let name = kind.qualified();
            let printed: Vec<_> = columns(kind.resource)
                .iter()
                .map(|c| json!({"name": c.name, "type": c.kind, "jsonPath": c.path, "priority": c.priority}))
                .collect();
            let names = json!({
                "plural": kind.plural, "singular": kind.singular(), "kind": kind.kind, "shortNames": kind.short,
                "listKind": format!("{}List", kind.kind),
            });
            let condition = |of: &str, reason: &str| json!({"type": of, "status": "True", "reason": reason, "message": "", "lastTransitionTime": js::stamp(now)});
            let value = json!({
                "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1",
                "metadata": {
                    "name": name, "uid": ids::uid(self.seed, &format!("crd/{name}")), "creationTimestamp": js::stamp(now), "generation": 1,
                },
                "spec": {
                    "group": kind.group, "names": names, "scope": "Namespaced", "conversion": {"strategy": "None"},
                    "versions": [{
                        "name": kind.version, "served": true, "storage": true, "additionalPrinterColumns": printed,
                        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                    }],
                },
                "status": {
                    "acceptedNames": names, "storedVersions": [kind.version],
                    "conditions": [
                        condition("NamesAccepted", "NoConflicts"),
                        condition("Established", "InitialNamesAccepted"),
                    ],
                },
            });
            self.write(Resource::CustomDefinitions, value);
        }
    }
}
