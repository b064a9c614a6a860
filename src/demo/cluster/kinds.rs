//! The kinds of object the simulated API server knows, as discovery describes them.

/// A kind of stored object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    Pods,
    Nodes,
    Namespaces,
    Services,
    ConfigMaps,
    Secrets,
    ServiceAccounts,
    Events,
    Deployments,
    ReplicaSets,
    StatefulSets,
    DaemonSets,
    ControllerRevisions,
    Jobs,
    CronJobs,
    Autoscalers,
    DisruptionBudgets,
    ResourceQuotas,
    VolumeClaims,
    Volumes,
    LimitRanges,
    Ingresses,
    EndpointSlices,
    CustomDefinitions,
    Rollouts,
    Applications,
    ApplicationSets,
    Kustomizations,
    GitRepositories,
    HelmReleases,
    ImageUpdateAutomations,
    Canaries,
}

/// What discovery says of one kind.
#[derive(Debug)]
pub struct Kind {
    pub resource: Resource,
    /// "" for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
    pub short: &'static [&'static str],
    pub all: bool,
    pub subresources: &'static [&'static str],
}

impl Kind {
    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `pods`, `deployments.apps`: as error messages name it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    pub fn singular(&self) -> String {
        self.kind.to_lowercase()
    }
}

impl Resource {
    pub fn kind(self) -> &'static Kind {
        KINDS.iter().find(|k| k.resource == self).expect("every resource has its row")
    }

    /// Whether `metadata.generation` counts its spec changes.
    pub fn has_generation(self) -> bool {
        matches!(self, Self::Deployments | Self::ReplicaSets | Self::StatefulSets | Self::DaemonSets | Self::Rollouts)
    }

    /// Defined by a CustomResourceDefinition: stored as it comes.
    pub fn is_custom(self) -> bool {
        matches!(
            self,
            Self::Rollouts
                | Self::Applications
                | Self::ApplicationSets
                | Self::Kustomizations
                | Self::GitRepositories
                | Self::HelmReleases
                | Self::ImageUpdateAutomations
                | Self::Canaries
        )
    }
}

/// Finds a kind by where its collection lives.
pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.group == group && k.version == version && k.plural == plural)
}

/// Finds a kind by what a manifest says of it.
pub fn named(api_version: &str, kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.kind == kind && k.api_version() == api_version)
}

const PODS: &[&str] = &["log", "status", "eviction", "exec", "attach", "portforward", "resize"];

const fn row(
    resource: Resource,
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Kind {
    let version = "v1";
    Kind { resource, group, version, plural, kind, namespaced: true, short, all: false, subresources: &[] }
}

pub static KINDS: &[Kind] = &[
    Kind { namespaced: false, ..row(Resource::Namespaces, "", "namespaces", "Namespace", &["ns"]) },
    Kind { namespaced: false, ..row(Resource::Nodes, "", "nodes", "Node", &["no"]) },
    Kind { all: true, subresources: PODS, ..row(Resource::Pods, "", "pods", "Pod", &["po"]) },
    Kind { all: true, ..row(Resource::Services, "", "services", "Service", &["svc"]) },
    row(Resource::ConfigMaps, "", "configmaps", "ConfigMap", &["cm"]),
    row(Resource::Secrets, "", "secrets", "Secret", &[]),
    row(Resource::ServiceAccounts, "", "serviceaccounts", "ServiceAccount", &["sa"]),
    row(Resource::Events, "", "events", "Event", &["ev"]),
    Kind {
        all: true,
        subresources: &["scale", "status"],
        ..row(Resource::Deployments, "apps", "deployments", "Deployment", &["deploy"])
    },
    Kind {
        all: true,
        subresources: &["scale", "status"],
        ..row(Resource::ReplicaSets, "apps", "replicasets", "ReplicaSet", &["rs"])
    },
    Kind {
        all: true,
        subresources: &["scale", "status"],
        ..row(Resource::StatefulSets, "apps", "statefulsets", "StatefulSet", &["sts"])
    },
    Kind {
        all: true,
        subresources: &["status"],
        ..row(Resource::DaemonSets, "apps", "daemonsets", "DaemonSet", &["ds"])
    },
    row(Resource::ControllerRevisions, "apps", "controllerrevisions", "ControllerRevision", &[]),
    Kind { all: true, ..row(Resource::Jobs, "batch", "jobs", "Job", &[]) },
    Kind { all: true, ..row(Resource::CronJobs, "batch", "cronjobs", "CronJob", &["cj"]) },
    Kind {
        all: true,
        version: "v2",
        ..row(Resource::Autoscalers, "autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler", &["hpa"])
    },
    row(Resource::DisruptionBudgets, "policy", "poddisruptionbudgets", "PodDisruptionBudget", &["pdb"]),
    row(Resource::ResourceQuotas, "", "resourcequotas", "ResourceQuota", &["quota"]),
    row(Resource::VolumeClaims, "", "persistentvolumeclaims", "PersistentVolumeClaim", &["pvc"]),
    Kind { namespaced: false, ..row(Resource::Volumes, "", "persistentvolumes", "PersistentVolume", &["pv"]) },
    row(Resource::LimitRanges, "", "limitranges", "LimitRange", &["limits"]),
    row(Resource::Ingresses, "networking.k8s.io", "ingresses", "Ingress", &["ing"]),
    row(Resource::EndpointSlices, "discovery.k8s.io", "endpointslices", "EndpointSlice", &[]),
    Kind {
        namespaced: false,
        ..row(
            Resource::CustomDefinitions,
            "apiextensions.k8s.io",
            "customresourcedefinitions",
            "CustomResourceDefinition",
            &["crd", "crds"],
        )
    },
    Kind {
        version: "v1alpha1",
        subresources: &["scale", "status"],
        ..row(Resource::Rollouts, "argoproj.io", "rollouts", "Rollout", &["ro"])
    },
    Kind {
        version: "v1alpha1",
        ..row(Resource::Applications, "argoproj.io", "applications", "Application", &["app", "apps"])
    },
    Kind {
        version: "v1alpha1",
        ..row(Resource::ApplicationSets, "argoproj.io", "applicationsets", "ApplicationSet", &["appset", "appsets"])
    },
    row(Resource::Kustomizations, "kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization", &["ks"]),
    row(Resource::GitRepositories, "source.toolkit.fluxcd.io", "gitrepositories", "GitRepository", &["gitrepo"]),
    Kind {
        version: "v2",
        ..row(Resource::HelmReleases, "helm.toolkit.fluxcd.io", "helmreleases", "HelmRelease", &["hr"])
    },
    row(
        Resource::ImageUpdateAutomations,
        "image.toolkit.fluxcd.io",
        "imageupdateautomations",
        "ImageUpdateAutomation",
        &["iua", "imgupd", "imgauto"],
    ),
    Kind { version: "v1beta1", ..row(Resource::Canaries, "flagger.app", "canaries", "Canary", &[]) },
];
