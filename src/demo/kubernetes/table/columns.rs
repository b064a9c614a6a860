//! The columns of each kind's table, as the server of 1.33 has them.

use serde_json::{Value, json};

use crate::demo::cluster::{custom, kinds::Resource};

/// Column names; those marked with `+` are only in the wide output, with `#` are integers.
fn names(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Pods => {
            &["Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates"]
        }
        Resource::Deployments => {
            &["Name", "Ready", "#Up-to-date", "#Available", "Age", "+Containers", "+Images", "+Selector"]
        }
        Resource::ReplicaSets => {
            &["Name", "#Desired", "#Current", "#Ready", "Age", "+Containers", "+Images", "+Selector"]
        }
        Resource::StatefulSets => &["Name", "Ready", "Age", "+Containers", "+Images"],
        Resource::DaemonSets => &[
            "Name",
            "#Desired",
            "#Current",
            "#Ready",
            "#Up-to-date",
            "#Available",
            "Node Selector",
            "Age",
            "+Containers",
            "+Images",
            "+Selector",
        ],
        Resource::Events => &[
            "Last Seen",
            "Type",
            "Reason",
            "Object",
            "+Subobject",
            "+Source",
            "Message",
            "+First Seen",
            "+#Count",
            "+Name",
        ],
        Resource::Nodes => &[
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "+Internal-IP",
            "+External-IP",
            "+OS-Image",
            "+Kernel-Version",
            "+Container-Runtime",
        ],
        Resource::Namespaces => &["Name", "Status", "Age"],
        Resource::Services => &["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"],
        Resource::ConfigMaps => &["Name", "#Data", "Age"],
        Resource::Secrets => &["Name", "Type", "#Data", "Age"],
        Resource::ServiceAccounts => &["Name", "#Secrets", "Age"],
        Resource::ControllerRevisions => &["Name", "Controller", "#Revision", "Age"],
        Resource::Jobs => &["Name", "Status", "Completions", "Duration", "Age", "+Containers", "+Images", "+Selector"],
        Resource::CronJobs => {
            &["Name", "Schedule", "Timezone", "Suspend", "#Active", "Last Schedule", "Age", "+Containers", "+Images"]
        }
        Resource::Autoscalers => &["Name", "Reference", "Targets", "MinPods", "MaxPods", "#Replicas", "Age"],
        Resource::DisruptionBudgets => &["Name", "Min Available", "Max Unavailable", "#Allowed Disruptions", "Age"],
        Resource::ResourceQuotas => &["Name", "Request", "Limit", "Age"],
        Resource::VolumeClaims => &[
            "Name",
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            "Age",
            "+VolumeMode",
        ],
        Resource::Volumes => &[
            "Name",
            "Capacity",
            "Access Modes",
            "Reclaim Policy",
            "Status",
            "Claim",
            "StorageClass",
            "VolumeAttributesClass",
            "Reason",
            "Age",
            "+VolumeMode",
        ],
        Resource::LimitRanges => &["Name", "Created At"],
        Resource::Ingresses => &["Name", "Class", "Hosts", "Address", "Ports", "Age"],
        Resource::EndpointSlices => &["Name", "AddressType", "Ports", "Endpoints", "Age"],
        Resource::CustomDefinitions => &["Name", "Created At"],
        // Those of a custom kind are in its definition.
        Resource::Rollouts
        | Resource::Applications
        | Resource::ApplicationSets
        | Resource::Kustomizations
        | Resource::GitRepositories
        | Resource::HelmReleases
        | Resource::ImageUpdateAutomations
        | Resource::Canaries => &["Name"],
    }
}

/// `columnDefinitions` of a kind.
pub fn definitions(resource: Resource) -> Value {
    let define = |marked: &&str| {
        let wide = marked.starts_with('+');
        let number = marked.contains('#');
        let name = marked.trim_start_matches(['+', '#']);
        json!({
            "name": name, "type": if number { "integer" } else { "string" },
            "format": if name == "Name" { "name" } else { "" }, "description": describe(name), "priority": i32::from(wide),
        })
    };
    let mut all: Vec<Value> = names(resource).iter().map(define).collect();
    all.extend(custom::columns(resource).iter().map(|column| {
        json!({
            "name": column.name, "type": column.kind, "format": "", "description": column.description,
            "priority": column.priority,
        })
    }));
    Value::Array(all)
}

fn describe(name: &str) -> &'static str {
    match name {
        "Name" => "Name must be unique within a namespace.",
        "Age" => "CreationTimestamp is a timestamp representing the server time when this object was created.",
        _ => "",
    }
}
