//! Images of the world: their manifests, whose hashes are the digests that kubelets and the registry tell.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ring::digest::{SHA256, digest as sha256};

use super::cluster::ids;

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The host of the company's own registry; what others have is not known here.
pub const HOST: &str = "registry.acme.example";

/// The images of the company's registry, by their full names. Every clone is the same registry.
#[derive(Clone, Debug, Default)]
pub struct Pushed(Arc<Mutex<BTreeSet<String>>>);

impl Pushed {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody pushes an image; those of other hosts go elsewhere.
    pub fn push(&self, image: &str) {
        if is_ours(image) && !image.contains('@') {
            let (name, tag) = split(image);
            self.lock().insert(format!("{name}:{tag}"));
        }
    }

    /// Every image, with its tag.
    pub fn all(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    /// Whether the registry knows the image's repository and has no such tag or digest in it.
    pub fn lacks(&self, image: &str) -> bool {
        if !is_ours(image) {
            return false;
        }
        let (named, pinned) = image.split_once('@').map_or((image, None), |(named, digest)| (named, Some(digest)));
        let (repository, tag) = split(named);
        let known = self.lock();
        let mut tags = known.iter().filter(|one| split(one).0 == repository).peekable();
        let is_this = |one: &String| pinned.map_or_else(|| split(one).1 == tag, |pinned| digest(one) == pinned);
        tags.peek().is_some() && !tags.any(is_this)
    }
}

fn is_ours(image: &str) -> bool {
    image.split_once('/').is_some_and(|(host, _)| host == HOST)
}

/// Name without tag, and tag.
pub fn split(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

/// The manifest of an image, byte for byte (OCI image specification). The config and layer it names are nowhere: nobody
/// pulls here.
pub fn manifest(image: &str) -> String {
    let blob = |what: &str| ids::digest(0, &format!("{what}/{image}"));
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:{}","size":7023}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:{}","size":182452736}}]}}"#,
        blob("config"),
        blob("layer")
    )
}

/// `sha256:…` of the manifest.
pub fn digest(image: &str) -> String {
    let mut text = "sha256:".to_owned();
    for byte in sha256(&SHA256, manifest(image).as_bytes()).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_lacks_what_was_not_pushed_to_a_repository_that_it_knows() {
        let registry = Pushed::default();
        let image = |reference: &str| format!("{HOST}/myapp{reference}");
        assert!(!registry.lacks(&image(":413")), "a repository that it does not know");
        registry.push(&image(":411"));
        registry.push("docker.io/library/redis:7");
        let pinned = digest(&image(":411"));
        for there in [":411", &format!("@{pinned}"), &format!(":413@{pinned}")] {
            assert!(!registry.lacks(&image(there)), "{there}");
        }
        for gone in [":413", "", &format!("@sha256:{}", "0".repeat(64))] {
            assert!(registry.lacks(&image(gone)), "{gone}");
        }
        assert!(!registry.lacks("docker.io/library/redis:8"), "another host");
    }
}
