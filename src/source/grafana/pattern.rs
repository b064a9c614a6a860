//! Regular expressions as dashboards write them: JavaScript's, `/pattern/flags` or bare.

use fancy_regex::{Regex, RegexBuilder};

/// Steps back a pattern may take on one text before it is given up: no dashboard holds the cockpit up.
const MOST_STEPS: usize = 100_000;

/// A pattern that looks anywhere in a text unless it says otherwise.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    is_global: bool,
}

impl Pattern {
    /// `/pattern/flags`; a bare pattern must match from the start to the end. `None`: none, or one no browser compiles.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            Some((pattern, flags)) => Self::new(pattern, flags),
            None if text.is_empty() => None,
            None => Self::new(&format!("^{text}$"), ""),
        }
    }

    /// As JavaScript's `new RegExp(pattern, flags)`.
    pub fn new(pattern: &str, flags: &str) -> Option<Self> {
        let regex = RegexBuilder::new(&with_braces_escaped(pattern))
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'))
            .backtrack_limit(MOST_STEPS)
            .build()
            .ok()?;
        Some(Self { regex, is_global: flags.contains('g') })
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text).unwrap_or(false)
    }

    pub fn captures<'t>(&self, text: &'t str) -> Option<fancy_regex::Captures<'t, str>> {
        self.regex.captures(text).ok().flatten()
    }

    /// The first match, or with the flag `g` every one, replaced; `$1`, `$<name>` and `$&` stand for what was caught.
    pub fn replace(&self, text: &str, with: &str) -> String {
        let (mut out, mut end) = (String::new(), 0);
        for caught in self.regex.captures_iter(text).map_while(Result::ok) {
            let Some(whole) = caught.get(0) else { break };
            out.push_str(&text[end..whole.start()]);
            put(&mut out, with, &caught);
            end = whole.end();
            if !self.is_global {
                break;
            }
        }
        out.push_str(&text[end..]);
        out
    }
}

/// One replacement; a `$` that means nothing stays as it is.
fn put(out: &mut String, with: &str, caught: &fancy_regex::Captures<'_, str>) {
    let mut rest = with;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let number = (1..=digits).rev().find_map(|len| {
            let group: usize = rest[..len].parse().ok()?;
            (group > 0 && group < caught.len()).then_some((group, len))
        });
        if let Some((group, len)) = number {
            out.push_str(caught.get(group).map_or("", |part| part.as_str()));
            rest = &rest[len..];
        } else if let Some((name, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            out.push_str(caught.name(name).map_or("", |part| part.as_str()));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('&') {
            out.push_str(caught.get(0).map_or("", |part| part.as_str()));
            rest = after;
        } else {
            out.push('$');
            rest = rest.strip_prefix('$').unwrap_or(rest);
        }
    }
    out.push_str(rest);
}

/// JavaScript takes a brace that counts nothing as itself, and a bracket in a class.
fn with_braces_escaped(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let (mut is_escaped, mut in_class) = (false, false);
    for (at, c) in pattern.char_indices() {
        let before = &pattern[..at];
        let is_itself = match c {
            '[' => in_class,
            '{' => !in_class && !counts(&pattern[at..]) && !is_of_escape(before),
            '}' => !in_class && !closes(before),
            _ => false,
        };
        if is_itself && !is_escaped {
            out.push('\\');
        }
        in_class = if is_escaped { in_class } else { (in_class || c == '[') && c != ']' };
        is_escaped = c == '\\' && !is_escaped;
        out.push(c);
    }
    out
}

/// `{2}`, `{2,}`, `{2,5}`
fn counts(rest: &str) -> bool {
    let Some((inside, _)) = rest[1..].split_once('}') else { return false };
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
    !low.is_empty() && low.bytes().chain(high.bytes()).all(|byte| byte.is_ascii_digit())
}

/// Whether a closing brace ends a count, or a class like `\p{L}`.
fn closes(before: &str) -> bool {
    before.rfind('{').is_some_and(|open| {
        let inside = &before[open..];
        !inside.contains('}') && (counts(&format!("{inside}}}")) || is_of_escape(&before[..open]))
    })
}

/// `\p{L}`, `\u{1f600}`
fn is_of_escape(before: &str) -> bool {
    ["\\p", "\\P", "\\u"].iter().any(|escape| before.ends_with(escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap_or_else(|| panic!("no pattern: {pattern}")).is_match(text)
    }

    #[test]
    fn patterns_mean_what_they_mean_in_a_browser() {
        for (pattern, text, hits) in [
            ("/^api/", "api-7d8b", true),
            ("/^(?!api)/", "api-7d8b", false),
            ("/^(?!api)/", "web", true),
            ("/API/i", "api", true),
            ("api", "api-7d8b", false),
            ("api.*", "api-7d8b", true),
            (r#"/{device="(.*)"}/"#, r#"up{device="sda"}"#, true),
            (r"/^a{2,3}$/", "aaa", true),
            (r"/^a{2,3}$/", "a{2,3}", false),
            (r"/\/dev\//", "/dev/sda", true),
            (r"/\p{Lu}/", "Ä", true),
            ("/[[]/", "[", true),
            ("/^[a[]+$/", "[a", true),
            (r"/^[\]x]$/", "]", true),
            (r"/(a+)+$/", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false),
            (r"/(?=(a+)+$)b/", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false),
        ] {
            assert_eq!(is_match(pattern, text), hits, "{pattern} on {text}");
        }
        assert!(Pattern::parse("/(/").is_none() && Pattern::parse("").is_none());
    }

    #[test]
    fn what_was_caught_is_put_in() {
        let replaced = |pattern: &str, with: &str| Pattern::parse(pattern).expect("a pattern").replace("pod-a-b", with);
        assert_eq!(replaced("/pod-(.)-(.)/", "$2/$1"), "b/a");
        assert_eq!(replaced("/(?<x>pod)/", "[$<x>]"), "[pod]-a-b");
        assert_eq!(replaced("/-/", "_"), "pod_a-b");
        assert_eq!(replaced("/-/g", "_"), "pod_a_b");
        assert_eq!(replaced("/a/", "$&$&"), "pod-aa-b");
        assert_eq!(replaced("/a/", "$1 $$ 5$"), "pod-$1 $ 5$-b");
        assert_eq!(replaced("/(a)/", "$10"), "pod-a0-b");
    }
}
