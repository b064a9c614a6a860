//! Kinds of object as an API server serves them, and one object of any kind.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{ObjectKey, WorkloadKey, WorkloadKind};
use crate::{
    model::{BackendId, Name},
    text::Clean,
};

/// One kind of object: what discovery says of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// Empty: the core group.
    pub group: Name,
    pub version: Name,
    /// As in paths: `services`.
    pub plural: Name,
    pub singular: Name,
    /// As in manifests: `Service`.
    pub kind: Name,
    pub short_names: Box<[Name]>,
    pub is_namespaced: bool,
}

impl Resource {
    /// A resource of version `v1` for tests: group, plural and kind.
    #[cfg(test)]
    pub fn v1((group, plural, kind): (&str, &str, &str), is_namespaced: bool) -> Self {
        Self {
            group: group.into(),
            version: "v1".into(),
            plural: plural.into(),
            singular: Clean::line(&kind.to_lowercase()),
            kind: kind.into(),
            short_names: Box::default(),
            is_namespaced,
        }
    }

    /// `services`, `jobs.batch`: a name that means no other kind.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_string() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Whether its objects' data is secret: then only names, types and sizes are kept.
    pub fn is_secret(&self) -> bool {
        self.group.is_empty() && self.plural == "secrets"
    }

    /// Kinds that every cluster has, or that Flux and Argo CD bring, and that never have pods of their own. Of others only
    /// the object can tell.
    pub fn is_without_pods(&self) -> bool {
        const OF_ARGO_CD: [&str; 3] = ["applications", "applicationsets", "appprojects"];
        let is_of_git = match self.group.as_str() {
            "argoproj.io" => OF_ARGO_CD.contains(&self.plural.as_str()),
            group => group.ends_with(".toolkit.fluxcd.io"),
        };
        const NAMES: [&str; 14] = [
            "configmaps",
            "customresourcedefinitions",
            "endpointslices",
            "events",
            "horizontalpodautoscalers",
            "ingresses",
            "limitranges",
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "persistentvolumes",
            "resourcequotas",
            "secrets",
            "serviceaccounts",
        ];
        is_of_git || NAMES.contains(&self.plural.as_str())
    }

    /// Whether it is this kind, whatever its version.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == *group && self.kind == *kind
    }

    /// HorizontalPodAutoscalers, as every server since 1.23 has them.
    pub fn autoscalers() -> Arc<Self> {
        Self::everywhere("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
    }

    /// A kind that every server that has it has in this version, named without asking.
    fn everywhere(group: &str, version: &str, plural: &str, kind: &str) -> Arc<Self> {
        Arc::new(Self {
            group: group.into(),
            version: version.into(),
            plural: plural.into(),
            singular: Clean::line(&kind.to_ascii_lowercase()),
            kind: kind.into(),
            short_names: Box::default(),
            is_namespaced: true,
        })
    }

    fn is_named(&self, word: &str) -> bool {
        [&self.plural, &self.singular, &self.kind].into_iter().any(|name| name.eq_ignore_ascii_case(word))
    }

    fn is_short(&self, word: &str) -> bool {
        self.short_names.iter().any(|name| name.eq_ignore_ascii_case(word))
    }
}

/// Why a word names no kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// Several have this name: these.
    Ambiguous(Vec<String>),
    Unknown,
}

/// The kinds that a cluster serves and that can be listed, in the server's order of preference; each once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    pub list: Vec<Arc<Resource>>,
    /// Groups that could not be read, in words: what they serve is not in the list.
    pub troubles: Vec<Clean>,
}

impl Resources {
    /// The kind that a word means: plural, singular, short name or kind in any case, with `.group` where needed. The core
    /// group wins over others; short names come after names, as in kubectl.
    pub fn resolve(&self, word: &str) -> Result<&Arc<Resource>, Unresolved> {
        let (name, group) = word.split_once('.').map_or((word, None), |(name, group)| (name, Some(group)));
        let is_group = |resource: &Resource| {
            group.is_none_or(|group| {
                let versioned = group.strip_prefix(resource.version.as_str()).and_then(|rest| rest.strip_prefix('.'));
                resource.group.eq_ignore_ascii_case(group)
                    || versioned.is_some_and(|group| resource.group.eq_ignore_ascii_case(group))
            })
        };
        let of_group = || self.list.iter().filter(|resource| is_group(resource));
        let mut found: Vec<&Arc<Resource>> = of_group().filter(|resource| resource.is_named(name)).collect();
        if found.is_empty() {
            found = of_group().filter(|resource| resource.is_short(name)).collect();
        }
        match found.as_slice() {
            [] => Err(Unresolved::Unknown),
            [only] => Ok(only),
            several => several
                .iter()
                .find(|resource| resource.group.is_empty())
                .copied()
                .ok_or_else(|| Unresolved::Ambiguous(several.iter().map(|resource| resource.qualified()).collect())),
        }
    }

    /// The kind that an owner reference means.
    pub fn of_kind(&self, group: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.list.iter().find(|resource| resource.group == *group && resource.kind == *kind)
    }

    /// Every name a kind can be called by.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().flat_map(|resource| {
            [&resource.plural, &resource.singular].into_iter().chain(&resource.short_names).map(Clean::as_str)
        })
    }
}

/// One object of any kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceKey {
    pub cluster: BackendId,
    pub resource: Arc<Resource>,
    /// Empty: an object of the whole cluster.
    pub namespace: Name,
    pub name: Name,
}

impl ResourceKey {
    pub fn service(key: &ObjectKey) -> Self {
        let ObjectKey { cluster, namespace, name } = key.clone();
        Self { cluster, resource: Resource::everywhere("", "v1", "services", "Service"), namespace, name }
    }

    /// The pod that it is, if it is one.
    pub fn pod(&self) -> Option<ObjectKey> {
        let Self { cluster, resource, namespace, name } = self.clone();
        resource.is("", "Pod").then_some(ObjectKey { cluster, namespace, name })
    }

    /// The workload that it is, if it is one.
    pub fn workload(&self) -> Option<WorkloadKey> {
        let kind = WorkloadKind::ALL.into_iter().find(|kind| self.resource.is(kind.group(), kind.kind()))?;
        let Self { cluster, namespace, name, .. } = self.clone();
        Some(WorkloadKey { cluster, namespace, kind, name })
    }

    /// It keeps a template of its owner's: a ReplicaSet, a ControllerRevision.
    pub fn is_revision(&self) -> bool {
        self.resource.is("apps", "ReplicaSet") || self.resource.is("apps", "ControllerRevision")
    }

    /// As it is called beside workloads: `deploy/web`.
    pub fn words(&self) -> String {
        self.workload().map_or_else(|| self.to_string(), |workload| workload.to_string())
    }
}

impl From<&ObjectKey> for ResourceKey {
    /// Of a pod.
    fn from(pod: &ObjectKey) -> Self {
        let ObjectKey { cluster, namespace, name } = pod.clone();
        Self { cluster, resource: Resource::everywhere("", "v1", "pods", "Pod"), namespace, name }
    }
}

impl From<&WorkloadKey> for ResourceKey {
    fn from(workload: &WorkloadKey) -> Self {
        let WorkloadKey { cluster, namespace, kind, name } = workload.clone();
        let version = kind.api().rsplit('/').next().unwrap_or_default();
        let resource = Resource::everywhere(kind.group(), version, kind.plural(), kind.kind());
        Self { cluster, resource, namespace, name }
    }
}

impl fmt::Display for ResourceKey {
    /// `service/web`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.resource.singular, self.name))
    }
}

/// Whose object it is, as its metadata says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerReference {
    /// Empty: the core group.
    pub group: Name,
    pub kind: Name,
    pub name: Name,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kubernetes::WorkloadKind;

    fn resource(group: &str, plural: &str, kind: &str, short: &[&str]) -> Arc<Resource> {
        Arc::new(Resource {
            group: group.into(),
            version: "v1".into(),
            plural: plural.into(),
            singular: kind.to_lowercase().into(),
            kind: kind.into(),
            short_names: short.iter().map(|name| Clean::from(*name)).collect(),
            is_namespaced: true,
        })
    }

    fn served() -> Resources {
        let list = vec![
            resource("", "pods", "Pod", &["po"]),
            resource("", "services", "Service", &["svc"]),
            resource("apps", "deployments", "Deployment", &["deploy"]),
            resource("metrics.k8s.io", "pods", "PodMetrics", &[]),
            resource("argoproj.io", "applications", "Application", &["app", "apps"]),
            resource("velero.io", "backups", "Backup", &[]),
            resource("cnpg.io", "backups", "Backup", &[]),
            resource("example.org", "svc", "Svc", &[]),
        ];
        Resources { list, troubles: Vec::new() }
    }

    #[test]
    fn a_workload_is_an_object_of_its_own_group() {
        let key =
            |kind| WorkloadKey { cluster: BackendId::new("c"), namespace: "shop".into(), kind, name: "web".into() };
        for (kind, group, version) in
            [(WorkloadKind::Deployment, "apps", "v1"), (WorkloadKind::Rollout, "argoproj.io", "v1alpha1")]
        {
            let resource = ResourceKey::from(&key(kind)).resource;
            assert_eq!((resource.group.as_str(), resource.version.as_str()), (group, version));
        }
    }

    #[test]
    fn what_git_is_followed_by_has_no_pods_and_a_rollout_has() {
        for (group, plural, is_without) in [
            ("source.toolkit.fluxcd.io", "gitrepositories", true),
            ("kustomize.toolkit.fluxcd.io", "kustomizations", true),
            ("argoproj.io", "applications", true),
            ("argoproj.io", "rollouts", false),
            ("", "services", false),
            ("", "secrets", true),
        ] {
            assert_eq!(resource(group, plural, "", &[]).is_without_pods(), is_without, "{plural}");
        }
    }

    #[test]
    fn every_name_of_a_kind_means_it() {
        let served = served();
        for word in ["deployments", "Deployment", "DEPLOY", "deployments.apps", "deploy.apps", "deployments.v1.apps"] {
            assert_eq!(served.resolve(word).unwrap().qualified(), "deployments.apps", "{word}");
        }
        for (word, qualified) in
            [("pods", "pods"), ("pods.metrics.k8s.io", "pods.metrics.k8s.io"), ("app", "applications.argoproj.io")]
        {
            assert_eq!(served.resolve(word).unwrap().qualified(), qualified, "{word}");
        }
        assert_eq!(served.resolve("svc").unwrap().qualified(), "svc.example.org", "a name before a short name");
    }

    #[test]
    fn an_ambiguous_name_says_which_groups_have_it() {
        let served = served();
        let both = vec!["backups.velero.io".to_owned(), "backups.cnpg.io".to_owned()];
        assert_eq!(served.resolve("backups"), Err(Unresolved::Ambiguous(both)));
        assert_eq!(served.resolve("backup.cnpg.io").unwrap().qualified(), "backups.cnpg.io");
        assert_eq!(served.resolve("deployments.batch"), Err(Unresolved::Unknown));
        assert_eq!(served.resolve(""), Err(Unresolved::Unknown));
    }
}
