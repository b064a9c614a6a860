//! Discovery's two shapes on the wire: aggregated (apidiscovery.k8s.io) and the list of one group and version.

use serde::Deserialize;

use crate::{model::kubernetes::resource::Resource, text::Clean};

/// The answer of `/api` or `/apis`, whichever shape it has.
#[derive(Debug, Deserialize)]
pub struct Root {
    pub kind: String,
    /// `APIGroupDiscoveryList`
    pub items: Option<Vec<GroupDiscovery>>,
    /// `APIVersions`
    versions: Option<Vec<String>>,
    /// `APIGroupList`
    groups: Option<Vec<Group>>,
}

pub struct GroupVersion {
    pub group: String,
    pub version: String,
}

impl Root {
    /// What must be asked for one by one, the preferred version of a group first.
    pub fn group_versions(self) -> Vec<GroupVersion> {
        let core = self.versions.into_iter().flatten().map(|version| GroupVersion { group: String::new(), version });
        let groups = self.groups.into_iter().flatten().flat_map(|mut group| {
            let preferred = group.preferred_version.map(|preferred| preferred.version);
            group.versions.sort_by_key(|version| Some(&version.version) != preferred.as_ref());
            let name = group.name;
            group.versions.into_iter().map(move |one| GroupVersion { group: name.clone(), version: one.version })
        });
        core.chain(groups).collect()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    #[serde(default)]
    versions: Vec<Version>,
    preferred_version: Option<Version>,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: String,
}

/// `APIGroupDiscovery`: versions stand in the server's order of preference.
#[derive(Debug, Deserialize)]
pub struct GroupDiscovery {
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    pub versions: Vec<VersionDiscovery>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Metadata {
    pub name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct VersionDiscovery {
    pub version: String,
    pub resources: Option<Vec<ResourceDiscovery>>,
    /// `Current` or `Stale`
    pub freshness: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDiscovery {
    resource: String,
    response_kind: Option<ResponseKind>,
    scope: Option<String>,
    singular_resource: Option<String>,
    verbs: Option<Vec<String>>,
    short_names: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct ResponseKind {
    kind: Option<String>,
}

/// `APIResourceList` of one group and version.
#[derive(Debug, Deserialize)]
pub struct ResourceList {
    pub resources: Option<Vec<Entry>>,
}

/// `APIResource`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    name: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    kind: String,
    verbs: Option<Vec<String>>,
    short_names: Option<Vec<String>>,
}

impl From<ResourceDiscovery> for Entry {
    fn from(of: ResourceDiscovery) -> Self {
        Self {
            name: of.resource,
            singular_name: of.singular_resource.unwrap_or_default(),
            namespaced: of.scope.as_deref() == Some("Namespaced"),
            kind: of.response_kind.and_then(|kind| kind.kind).unwrap_or_default(),
            verbs: of.verbs,
            short_names: of.short_names,
        }
    }
}

impl Entry {
    pub fn is(&self, plural: &str) -> bool {
        self.name == plural
    }

    /// Whether it is this resource or subresource (`pods/resize`) and takes this verb.
    pub fn takes(&self, name: &str, verb: &str) -> bool {
        self.name == name && self.verbs.iter().flatten().any(|known| known == verb)
    }

    /// The kind, if it is no subresource and can be listed.
    pub fn resource(self, group: &str, version: &str) -> Option<Resource> {
        let is_listed = self.verbs.iter().flatten().any(|verb| verb == "list");
        if self.name.is_empty() || self.name.contains('/') || !is_listed {
            return None;
        }
        let kind = if self.kind.is_empty() { &self.name } else { &self.kind };
        let singular = if self.singular_name.is_empty() { kind.to_lowercase() } else { self.singular_name };
        Some(Resource {
            group: Clean::line(group),
            version: Clean::line(version),
            kind: Clean::line(kind),
            plural: Clean::line(&self.name),
            singular: Clean::line(&singular),
            short_names: self.short_names.iter().flatten().map(|name| Clean::line(name)).collect(),
            is_namespaced: self.namespaced,
        })
    }
}
