//! Paths of the API: safe segments in, words for people out.

/// What a path is about, in a word: its resource.
pub(super) fn resource(path: &str) -> String {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let rest = match parts.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        other => other,
    };
    match rest {
        ["namespaces", namespace, kind, name, ..] => format!("{kind} '{namespace}/{name}'"),
        ["namespaces", namespace, kind] => format!("{kind} in '{namespace}'"),
        [kind, name, ..] => format!("{kind} '{name}'"),
        [] | [""] => "the API".to_owned(),
        [kind] => (*kind).to_owned(),
    }
}

/// A name as one segment of a path: names that come from elsewhere cannot leave it.
pub fn segment(name: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    match encoded.replace('+', "%20").as_str() {
        "." | ".." | "" => "%2E".to_owned(),
        safe => safe.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_by_its_resource() {
        for (path, words) in [
            ("/api/v1/namespaces/shop/pods/a/log", "pods 'shop/a'"),
            ("/apis/apps/v1/namespaces/shop/deployments", "deployments in 'shop'"),
            ("/api/v1/nodes/n1", "nodes 'n1'"),
            ("/api/v1/pods", "pods"),
            ("/", "the API"),
        ] {
            assert_eq!(resource(path), words, "{path}");
        }
    }

    #[test]
    fn a_foreign_name_stays_one_segment() {
        for (name, safe) in [("web-1", "web-1"), ("a/../b", "a%2F..%2Fb"), ("a b?c#d", "a%20b%3Fc%23d"), ("..", "%2E")]
        {
            assert_eq!(segment(name), safe, "{name}");
        }
    }
}
