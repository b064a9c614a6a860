//! Image references: repository, tag, digest.

/// The tag of an image reference, or its short digest: `412`, `9f2c1e`, `latest`.
pub fn tag_of(image: &str) -> &str {
    if let Some((_, digest)) = image.split_once("@sha256:") {
        return digest.get(..6).unwrap_or(digest);
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').map_or("latest", |(_, tag)| tag)
}

/// The last part of an image's name with its tag: `myapp:412`.
pub fn short_image(image: &str) -> &str {
    image.rsplit('/').next().unwrap_or(image)
}

/// Six digits of a digest, `9f2c1e`, however it is written.
pub fn short_digest(digest: &str) -> &str {
    let hex = digest.rsplit_once("sha256:").map_or(digest, |(_, hex)| hex);
    hex.get(..6).unwrap_or(hex)
}

/// Twelve digits of a digest with its algorithm, `sha256:9f2c1e4b7a03`: enough to tell it from others in a registry.
pub fn digest_words(digest: &str) -> String {
    let hex = digest.rsplit_once("sha256:").map_or(digest, |(_, hex)| hex);
    format!("sha256:{}", hex.get(..12).unwrap_or(hex))
}

/// An image without tag and digest. A node writes `docker.io/library/nginx` for `nginx`.
pub fn repository_of(image: &str) -> &str {
    parts(image).0
}

/// The same repository with the same tag, or with the same digest where one has no tag.
pub fn is_same_image(one: &str, other: &str) -> bool {
    let ((repository, tag, digest), (of, its_tag, its_digest)) = (parts(one), parts(other));
    let is_same = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
    repository == of && (is_same(tag, its_tag) || is_same(digest, its_digest))
}

/// As above, where two digests do not say otherwise.
pub fn may_be_image(one: &str, other: &str) -> bool {
    let (digest, its_digest) = (parts(one).2, parts(other).2);
    is_same_image(one, other) && (digest.is_none() || its_digest.is_none() || digest == its_digest)
}

/// Repository, tag, digest; `latest` where there is neither.
fn parts(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => (before, Some(tag), digest),
        _ => (name, digest.is_none().then_some("latest"), digest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_the_same_by_tag_or_digest_of_one_repository() {
        for (one, other, is_same) in [
            ("reg/web:2", "reg/web:2", true),
            ("reg/web:2", "reg/web:2@sha256:aa", true),
            ("reg/web@sha256:aa", "reg/web:2@sha256:aa", true),
            ("nginx", "docker.io/library/nginx:latest", true),
            ("reg:5000/web", "reg:5000/web:latest", true),
            ("reg/web:2", "reg/web:3", false),
            ("reg/web:2", "reg/api:2", false),
            ("reg/web:2", "reg/web@sha256:aa", false),
        ] {
            assert_eq!(is_same_image(one, other), is_same, "{one} {other}");
        }
        assert!(may_be_image("reg/web:2", "reg/web:2@sha256:aa"), "set by its tag alone");
        assert!(!may_be_image("reg/web:2@sha256:bb", "reg/web:2@sha256:aa"), "the tag was moved");
        assert_eq!(repository_of("reg:5000/web:2@sha256:aa"), "reg:5000/web");
    }
}
