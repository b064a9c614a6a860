//! Manifests and indices, as far as digests are concerned, and a registry's errors.

use std::{collections::BTreeSet, fmt::Write as _};

use ring::digest::{SHA256, digest as sha256};
use serde::Deserialize;

use crate::{model::Name, source::http::Reply, text::Clean};

/// All kinds of manifest. A registry that may not send what it has converts it or denies that it is there, and either way
/// the digest is not the one that nodes have pulled.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";
/// Of an index; there is none with as many platforms.
const MAX_PARTS: usize = 1000;

/// `sha256:` and 64 digits, or `sha512:` and 128.
pub(super) fn is_digest(text: &str) -> bool {
    let is_hex = |hex: &str, length| hex.len() == length && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match text.split_once(':') {
        Some(("sha256", hex)) => is_hex(hex, 64),
        Some(("sha512", hex)) => is_hex(hex, 128),
        _ => false,
    }
}

/// The digest of exactly these bytes.
pub(super) fn digest(bytes: &[u8]) -> Name {
    let mut text = "sha256:".to_owned();
    for byte in sha256(&SHA256, bytes).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    Clean::line(&text)
}

/// Its type does not rule it out.
pub(super) fn may_be_index(reply: &Reply) -> bool {
    reply.header("content-type").is_none_or(|kind| !kind.contains("manifest.v"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: u32,
    config: Option<serde::de::IgnoredAny>,
    manifests: Option<Vec<Part>>,
}

#[derive(Deserialize)]
struct Part {
    digest: String,
}

/// The digests of an index' images, none of a manifest of one image. `None`: it is neither.
pub(super) fn read(body: &[u8]) -> Option<BTreeSet<Name>> {
    let wire: Wire = serde_json::from_slice(body).ok()?;
    if wire.schema_version != 2 || (wire.config.is_none() && wire.manifests.is_none()) {
        return None;
    }
    let parts = wire.manifests.into_iter().flatten().take(MAX_PARTS);
    Some(parts.filter(|part| is_digest(&part.digest)).map(|part| Clean::line(&part.digest)).collect())
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Error>,
}

#[derive(Deserialize)]
struct Error {
    code: String,
}

/// A 404 that a registry means, not one of whatever else answers at that address.
pub(super) fn is_word_of_registry(reply: &Reply) -> bool {
    let errors = serde_json::from_slice::<Errors>(&reply.body).map(|all| all.errors).unwrap_or_default();
    let is_about_rights = |error: &Error| matches!(error.code.as_str(), "UNAUTHORIZED" | "DENIED" | "UNSUPPORTED");
    errors.first().is_some_and(|first| !first.code.is_empty()) && !errors.iter().any(is_about_rights)
}
