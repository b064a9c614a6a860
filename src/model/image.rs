//! Names of container images as nodes and registries understand them (distribution `reference`), and who holds which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::Name;
use crate::text::Clean;

/// The host that a name without one means.
pub const DOCKER_HUB: &str = "docker.io";

/// An image by its full name: `docker.io/library/nginx:1.27`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageRef {
    /// `ghcr.io`, `registry.example.com:5000`.
    pub host: Name,
    /// `acme/api`
    pub repository: Name,
    pub tag: Option<Name>,
    /// `sha256:…`
    pub digest: Option<Name>,
}

impl ImageRef {
    /// `None`: no registry knows such a name. What is parsed can stand in an address as it is.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (canonical_host(host), path),
            _ => (DOCKER_HUB.to_owned(), name),
        };
        let repository = match path {
            path if host == DOCKER_HUB && !path.contains('/') => format!("library/{path}"),
            path => path.to_owned(),
        };
        let is_whole = is_host(&host)
            && repository.len() <= 255
            && repository.split('/').all(is_component)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        is_whole.then(|| Self {
            host: Clean::line(&host),
            repository: Clean::line(&repository),
            tag: tag.map(Clean::line),
            digest: digest.map(Clean::line),
        })
    }

    /// What a registry is asked for: the digest, else the tag.
    pub fn reference(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// Its name with its tag and no digest.
    fn tagged(&self) -> Name {
        Clean::own(format!("{}/{}:{}", self.host, self.repository, self.tag.as_deref().unwrap_or("latest")))
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.digest.is_some() { '@' } else { ':' };
        write!(f, "{}/{}{at}{}", self.host, self.repository, self.reference())
    }
}

/// A registry's host as names have it: Docker Hub's goes by several.
pub fn canonical_host(host: &str) -> String {
    match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => DOCKER_HUB.to_owned(),
        other => other.to_owned(),
    }
}

/// A host, with its port if it has one; no scheme, no path.
pub fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
}

fn is_component(part: &str) -> bool {
    let is_end = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    is_end(part.bytes().next())
        && is_end(part.bytes().last())
        && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128 && tag.bytes().next().is_some_and(is_word) && tag.bytes().all(|b| is_word(b) || b".-".contains(&b))
}

fn is_digest(digest: &str) -> bool {
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+._-".contains(&b));
    digest.len() <= 256 && digest.split_once(':').is_some_and(|(kind, hex)| is_word(kind) && is_word(hex))
}

/// How many images a node lists at most, unless its kubelet is told otherwise (`nodeStatusMaxImages`): the largest of them.
pub const MOST_LISTED: usize = 50;

/// The images on a cluster's nodes (`node.status.images`), as far as nodes list them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeImages {
    /// How many nodes there are.
    pub nodes: u32,
    /// How many of them list so many that what else they hold is not known.
    pub cut: u32,
    /// How many hold each, by digest, and by name with tag.
    held: BTreeMap<Name, u32>,
    /// The digests that nodes know a name with tag by.
    digests: BTreeMap<Name, BTreeSet<Name>>,
}

impl NodeImages {
    /// One more node: for each image the names it goes by there.
    pub fn add_node(&mut self, images: &[Vec<ImageRef>]) {
        self.nodes += 1;
        let mut here = BTreeSet::new();
        for names in images {
            let digests: BTreeSet<Name> = names.iter().filter_map(|name| name.digest.clone()).collect();
            for name in names.iter().filter(|name| name.tag.is_some()) {
                self.digests.entry(name.tagged()).or_default().extend(digests.iter().cloned());
                here.insert(name.tagged());
            }
            here.extend(digests);
        }
        for name in here {
            *self.held.entry(name).or_default() += 1;
        }
    }

    /// No node lists any image that was looked for.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// How many nodes hold it, under its name or one of these digests.
    pub fn holding(&self, image: &ImageRef, digests: &BTreeSet<Name>) -> u32 {
        let by_name = image.digest.is_none().then(|| image.tagged());
        let names = digests.iter().chain(&image.digest).chain(&by_name);
        names.filter_map(|name| self.held.get(name)).copied().max().unwrap_or(0)
    }

    /// The digests that nodes know it by.
    pub fn digests_of(&self, image: &ImageRef) -> BTreeSet<Name> {
        match &image.digest {
            Some(digest) => [digest.clone()].into(),
            None => self.digests.get(&image.tagged()).cloned().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(text: &str) -> String {
        ImageRef::parse(text).map_or_else(|| "none".to_owned(), |image| image.to_string())
    }

    #[test]
    fn names_are_completed_as_nodes_and_registries_do() {
        for (text, whole) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("acme/api:1", "docker.io/acme/api:1"),
            ("docker.io/nginx:1.27", "docker.io/library/nginx:1.27"),
            ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
            ("localhost/api:1", "localhost/api:1"),
            ("localhost:5000/api", "localhost:5000/api:latest"),
            ("GHCR.io/acme/api:V1", "ghcr.io/acme/api:V1"),
            ("ghcr.io/acme/api:1@sha256:ab12", "ghcr.io/acme/api@sha256:ab12"),
            ("reg.example:5000/a/b/c@sha256:ab12", "reg.example:5000/a/b/c@sha256:ab12"),
        ] {
            assert_eq!(full(text), whole);
        }
    }

    #[test]
    fn what_could_not_stand_in_an_address_is_no_name() {
        for text in [
            "",
            "ghcr.io/../admin:1",
            "ghcr.io/a//b:1",
            "ghcr.io/a?x=1",
            "ghcr.io/a:b c",
            "ghcr.io/a:\u{9b}1",
            "ghcr.io/A/B",
            "user@evil/a:1",
            "ghcr.io/a@sha256:",
            "ghcr.io/a@sha256:../x",
            "ghcr.io/.a",
        ] {
            assert_eq!(full(text), "none", "{text:?}");
        }
    }

    #[test]
    fn nodes_know_a_tag_by_its_digests() {
        let of = |names: &[&str]| names.iter().filter_map(|name| ImageRef::parse(name)).collect::<Vec<_>>();
        let mut nodes = NodeImages::default();
        nodes.add_node(&[of(&["docker.io/library/nginx@sha256:aa", "docker.io/library/nginx:1"])]);
        nodes.add_node(&[of(&["nginx@sha256:bb", "nginx:1"]), of(&["nginx@sha256:aa"])]);
        let image = ImageRef::parse("nginx:1").expect("a name");
        assert_eq!(nodes.digests_of(&image), ["sha256:aa".into(), "sha256:bb".into()].into());
        assert_eq!(nodes.holding(&image, &BTreeSet::new()), 2);
        let other = ImageRef::parse("nginx:2").expect("a name");
        assert_eq!((nodes.holding(&other, &BTreeSet::new()), nodes.digests_of(&other).len()), (0, 0));
        assert_eq!(nodes.holding(&other, &["sha256:aa".into()].into()), 2);
    }
}
