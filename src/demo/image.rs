//! Images of the world: their manifests, whose hashes are the digests that kubelets and the registry tell.

use std::fmt::Write as _;

use ring::digest::{SHA256, digest as sha256};

use super::cluster::ids;

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

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
