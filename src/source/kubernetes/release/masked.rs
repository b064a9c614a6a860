//! A manifest as it may be shown: the values of Secrets, of names that look secret, and what looks like a token are masked.

use crate::secret;

/// Most bytes of a manifest that is shown.
const MAX_MANIFEST: usize = 1024 * 1024;

/// A manifest whose secrets are masked: all values of a Secret, those of names that look secret, and what looks like a
/// token anywhere.
pub(super) fn manifest(manifest: &str) -> String {
    let mut shown = String::new();
    for document in manifest.split("\n---") {
        if shown.len() > MAX_MANIFEST {
            shown.push_str("\n# the rest is not shown: too long");
            break;
        }
        if !shown.is_empty() {
            shown.push_str("\n---");
        }
        let lines: Vec<&str> = document.lines().collect();
        if lines.iter().any(|line| names_secret(line)) && is_flow(&lines) {
            shown.push_str("\n# a Secret as JSON: [masked]");
            continue;
        }
        let parts: Vec<String> = parts(&lines).into_iter().map(part).collect();
        shown.push_str(&parts.join("\n"));
    }
    shown
}

/// A document that is one object, or one item of a list.
fn part(lines: &[&str]) -> String {
    if !lines.iter().any(|line| names_secret(line)) {
        return without_secrets(lines.iter().copied());
    }
    if is_flow(lines) {
        let before = " ".repeat(lines.first().map_or(0, |line| indent(line)));
        return format!("{before}# a Secret as JSON: [masked]");
    }
    // It may be another object that only refers to a Secret.
    without_secrets(without_values(lines).iter().map(String::as_str))
}

/// The whole; of a list each item by itself, and what stands before them: what is beside a Secret is none.
fn parts<'a, 'l>(lines: &'a [&'l str]) -> Vec<&'a [&'l str]> {
    let begins = |line: &str| line.strip_prefix("items:").is_some_and(|rest| is_blank(rest.trim_start()));
    let first = lines.iter().position(|line| begins(line)).and_then(|items| {
        let after = lines.iter().skip(items + 1).position(|line| !is_blank(line.trim_start()))?;
        Some(items + 1 + after)
    });
    let Some(first) = first.filter(|first| is_item(lines[*first])) else { return vec![lines] };
    // The items of such a list do not say what they are.
    if lines.iter().any(|line| names(line, "SecretList")) {
        return vec![lines];
    }
    let at = indent(lines[first]);
    let is_start = |line: &str| is_item(line) && indent(line) == at;
    let starts = (first..lines.len()).filter(|index| is_start(lines[*index]));
    let ends = starts.clone().skip(1).chain([lines.len()]);
    [&lines[..first]].into_iter().chain(starts.zip(ends).map(|(start, end)| &lines[start..end])).collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Nothing, or a comment.
fn is_blank(bare: &str) -> bool {
    bare.is_empty() || bare.starts_with('#')
}

fn is_item(line: &str) -> bool {
    let bare = line.trim();
    bare == "-" || bare.starts_with("- ")
}

/// JSON, or YAML that is written like it.
fn is_flow(lines: &[&str]) -> bool {
    let bare = |line: &&str| line.trim_start_matches([' ', '-']).to_owned();
    let first = lines.iter().map(bare).find(|line| !is_blank(line));
    first.is_some_and(|line| line.starts_with(['{', '[']))
}

fn names_secret(line: &str) -> bool {
    names(line, "Secret") || names(line, "SecretList")
}

/// `kind: Secret`, quoted, commented, in a list or as JSON.
fn names(line: &str, kind: &str) -> bool {
    let bare: String = line.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
    let wanted = format!("kind:{kind}");
    bare.match_indices(&wanted).any(|(at, _)| {
        let (before, after) = (bare[..at].chars().next_back(), bare[at + wanted.len()..].chars().next());
        before.is_none_or(|c| matches!(c, '-' | '{' | ',')) && after.is_none_or(|c| matches!(c, ',' | '}' | '#'))
    })
}

/// The `data` and `stringData` of a Secret, keys only.
fn without_values(part: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    // Where `data` stands, and its keys.
    let (mut within, mut keys_at) = (None, None);
    for line in part {
        // In a list a key stands behind its dash.
        let at = line.len() - line.trim_start_matches([' ', '-']).len();
        if within.is_none_or(|data| at <= data && !line.trim().is_empty()) {
            let key = line.trim_start_matches([' ', '-']).split(':').next().unwrap_or_default();
            let is_data = matches!(key.trim_matches(['"', '\'']), "data" | "stringData");
            (within, keys_at) = (is_data.then_some(at), None);
            // `data: {a: b}` on one line.
            lines.push(if is_data {
                line.split(':').next().unwrap_or_default().to_owned() + ":"
            } else {
                (*line).to_owned()
            });
            continue;
        }
        let keys_at = *keys_at.get_or_insert(at);
        // A value of several lines stands deeper than its key.
        if at == keys_at
            && let Some((key, _)) = line.split_once(':')
        {
            lines.push(format!("{key}: [masked]"));
        }
    }
    lines
}

/// `password: x`, and the `value` of `- name: DB_PASSWORD`.
fn without_secrets<'a>(part: impl Iterator<Item = &'a str>) -> String {
    let mut names_secret = false;
    // Lines deeper than this belong to a masked value.
    let mut below: Option<usize> = None;
    let mut lines = Vec::new();
    for line in part {
        if below.is_some_and(|at| indent(line) > at || line.trim().is_empty()) {
            continue;
        }
        below = None;
        let bare = line.trim_start().trim_start_matches("- ");
        let Some((key, value)) = bare.split_once(':') else {
            lines.push(secret::mask(line));
            continue;
        };
        let (key, value) = (key.trim().trim_matches(['"', '\'']), value.trim());
        if key == "name" {
            names_secret = looks_secret(value.trim_matches(['"', '\'']));
        }
        let is_reference = value.is_empty() || key.ends_with("Name") || key.ends_with("Ref") || key == "name";
        if !is_reference && ((key == "value" && names_secret) || looks_secret(key)) {
            let before = &line[..line.len() - line.split_once(':').map_or(0, |(_, rest)| rest.len())];
            lines.push(format!("{before} [masked]"));
            below = Some(indent(line));
        } else {
            lines.push(secret::mask(line));
        }
    }
    lines.join("\n")
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "credential", "apikey", "api_key", "api-key", "private", "dsn"]
        .iter()
        .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_however_it_is_written() {
        for secret in [
            "kind: \"Secret\"\ndata:\n  tls.key: aHVudGVyMjI=",
            "kind: Secret # of the shop\ndata:\n  tls.key: aHVudGVyMjI=",
            "kind: List\nitems:\n- kind: Secret\n  data:\n    tls.key: aHVudGVyMjI=\n  type: Opaque",
            "kind: List\nitems:\n- data:\n    tls.key: aHVudGVyMjI=\n  kind: Secret\n  type: Opaque",
            "kind: List\nitems: # two\n\n  - {kind: Secret, data: {tls.key: aHVudGVyMjI=}}\n  - type: Opaque",
            "kind: SecretList\nitems:\n- data:\n    tls.key: aHVudGVyMjI=\n  type: Opaque",
            "kind: 'Secret'\n\"data\": {tls.key: aHVudGVyMjI=}",
            r#"{"kind": "Secret", "data": {"tls.key": "aHVudGVyMjI="}}"#,
            "# Source: shop\n{kind: Secret, data: {tls.key: aHVudGVyMjI=}}",
        ] {
            let shown = manifest(secret);
            assert!(!shown.contains("aHVudGVyMjI"), "{shown}");
            assert!(
                shown.contains("Secret") && (!secret.contains("Opaque") || shown.contains("type: Opaque")),
                "{shown}"
            );
        }
        for other in ["kind: ConfigMap\ndata:\n  mode: fast", "kind: SecretStore\ndata:\n  mode: fast"] {
            assert_eq!(manifest(other), other);
        }
    }

    #[test]
    fn what_stands_beside_a_secret_in_a_list_is_shown_and_masked_as_by_itself() {
        let map = "- kind: ConfigMap\n  data:\n    mode: fast\n    list: |\n      - a: 1\n    password: hunter22";
        let secret = "- kind: Secret\n  data:\n    tls.key: aHVudGVyMjI=";
        let shown_map = map.replace("hunter22", "[masked]");
        let shown_secret = secret.replace("aHVudGVyMjI=", "[masked]");
        for (list, wanted) in [
            (format!("{map}\n{secret}"), format!("{shown_map}\n{shown_secret}")),
            (format!("{secret}\n{map}"), format!("{shown_secret}\n{shown_map}")),
        ] {
            let whole = |items: &str| format!("apiVersion: v1\nkind: List\nitems:\n{items}");
            assert_eq!(manifest(&whole(&list)), whole(&wanted));
        }
    }

    #[test]
    fn what_only_refers_to_a_secret_has_secrets_of_its_own() {
        let release = "kind: HelmRelease\nspec:\n  valuesFrom:\n  - kind: Secret\n    name: pg\n  values:\n    password: hunter22";
        assert_eq!(manifest(release), release.replace("hunter22", "[masked]"));
    }
}
