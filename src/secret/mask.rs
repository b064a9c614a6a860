//! Masking of what looks like a credential in foreign text. The expressions never backtrack, and each begins with words that
//! are looked for first, so that text without them costs little.

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use regex::{Captures, Regex};

use super::{MASK, hide};

/// Tokens that are known by their form, and private keys in one piece.
static SHAPES: LazyLock<Regex> = LazyLock::new(|| {
    expression(concat!(
        r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}|gls[ac]_[A-Za-z0-9_]{16,}",
        r"|(?-u:\b)gl(?:pat|ptt|dt|rt|cbt|ft|soat|oas|agent)-[A-Za-z0-9_-]{20,}",
        r"|xox[abprs]-[A-Za-z0-9-]{10,}|A(?:KIA|SIA)[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+",
        r"|(?-u:\b)[rs]k_(?:live|test)_[A-Za-z0-9]{10,}|(?-u:\b)npm_[A-Za-z0-9]{30,}",
        r"|(?-u:\b)hv[sbr]\.[A-Za-z0-9_-]{20,}|(?-u:\b)AIza[A-Za-z0-9_-]{30,}",
        r"|-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)?",
    ))
});

/// A secret's name and, in its one group that takes part, its value: in quotes, in quotes inside of quotes, or bare.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let name = concat!(
        r"password|passwd|passphrase|secret(?:[_-](?:access[_-])?key(?:[_-]base)?|accesskey)?|token|authorization",
        r"|(?:api|private|signing|encryption|account|sharedaccess)[_-]?key",
    );
    let scheme = r"(?:(?i-u:bearer|basic|token|apikey)\s+)?";
    let values = [
        format!(r#""{scheme}((?:[^"\\\r\n]|\\[^\r\n]){{6,}})""#),
        format!(r"'{scheme}([^'\r\n]{{6,}})'"),
        format!(r#"\\+"{scheme}([^"\\\r\n]{{6,}})\\+""#),
        format!(r#"(?:\\*["'])?{scheme}((?:[^\s"',;&\\]|\\[^\s"']){{6,}})"#),
    ];
    expression(&format!(r#"(?i-u:{name})(?:\\*["'])?\s*[:=]\s*(?:{})"#, values.join("|")))
});

/// `Cookie: a=b; c=d`
static COOKIES: LazyLock<Regex> = LazyLock::new(|| {
    let name = r#"[^\s;"'\\,=\[\]]+"#;
    let value = r#"[^\s;"'\\,\]]"#;
    expression(&format!(
        r#"(?i-u:cookie)(?:\\*["'])?\s*[:=]\s*(?:\\*["']|\[)?({name}={value}+(?:;\s*{name}(?:={value}*)?)*)"#
    ))
});

/// What is said of a credential rather than being one.
const WORDS: &[&str] = &[
    "accepted",
    "authentication",
    "authorization",
    "cannot",
    "changed",
    "denied",
    "expired",
    "expires",
    "failed",
    "incorrect",
    "invalid",
    "loaded",
    "malformed",
    "mismatch",
    "missing",
    "provided",
    "refreshed",
    "rejected",
    "renewed",
    "required",
    "revoked",
    "rotated",
    "signature",
    "unauthorized",
    "undefined",
    "unexpected",
    "unknown",
    "updated",
    "verification",
    "verified",
];

fn expression(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant, tested")
}

/// Replaces everything in `text` that looks like a credential, or is one of ours.
pub fn mask(text: &str) -> String {
    let text = hide(text);
    let text = SHAPES.replace_all(&text, MASK);
    let text = in_addresses(&text);
    let text = COOKIES.replace_all(&text, without_value);
    NAMED.replace_all(&text, without_value).into_owned()
}

/// The match with the value, its one group that takes part, masked.
fn without_value(found: &Captures<'_>) -> String {
    let (whole, from) = (&found[0], found.get(0).map_or(0, |whole| whole.start()));
    match found.iter().skip(1).flatten().next() {
        Some(value) if !is_harmless(value.as_str()) => {
            format!("{}{MASK}{}", &whole[..value.start() - from], &whole[value.end() - from..])
        }
        _ => whole.to_owned(),
    }
}

/// A word about a credential (`token: expired`), where it is kept (`/etc/tls/key.pem`, `${TOKEN}`), or stars for it.
fn is_harmless(value: &str) -> bool {
    let word = value.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let rest = &value[word.len()..];
    let is_word = !word.is_empty() && (rest.is_empty() || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
    let is_prose =
        is_word && !rest.contains(|c: char| c.is_ascii_digit()) && WORDS.iter().any(|it| word.eq_ignore_ascii_case(it));
    let is_path = ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start))
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/._-~".contains(&byte));
    let is_named = [("${", '}'), ("$(", ')'), ("{{", '}')];
    is_prose
        || is_path
        || is_named.iter().any(|(start, end)| value.starts_with(start) && value.ends_with(*end))
        || value.bytes().all(|byte| byte == b'*')
}

/// Passwords in addresses: `redis://:password@host`.
fn in_addresses(text: &str) -> Cow<'_, str> {
    let (mut masked, mut done) = (String::new(), 0);
    for (at, sign) in text.match_indices("://") {
        let start = at + sign.len();
        if let Some(range) = password(&text[start..]) {
            masked.push_str(&text[done..start + range.start]);
            masked.push_str(MASK);
            done = start + range.end;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}

/// Where the password stands in `user:password@host/path`. It may hold what should have been escaped: `@` and `/`.
fn password(address: &str) -> Option<Range<usize>> {
    let is_behind = |(at, c): &(usize, char)| {
        c.is_whitespace() || matches!(*c, '"' | '`' | '<' | '>') || address[*at..].starts_with("://")
    };
    let end = address.char_indices().find(is_behind).map_or(address.len(), |(at, _)| at);
    let (user, rest) = address[..end].split_once(':')?;
    if user.contains(['/', '?', '#', '@', '[']) {
        return None;
    }
    let stop = |from: usize| rest[from..].find(['/', '?', '#']).map_or(rest.len(), |at| from + at);
    let first = rest.find('@')?;
    // A host's port, and an `@` in the path: `reg:5000/app@sha256:…`
    if stop(0) < first && rest[..stop(0)].bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let last = first + rest[first..stop(first)].rfind('@')?;
    let start = user.len() + 1;
    (last > 0).then_some(start..start + last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_masked_and_what_is_around_them_is_not() {
        for (text, masked) in [
            ("got ghp_abcdefghijklmnop1234", "got [masked]"),
            ("password=hunter22 user=bob", "password=[masked] user=bob"),
            ("Authorization: Bearer abcdefgh", "Authorization: Bearer [masked]"),
            (
                "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCY region=eu",
                "AWS_SECRET_ACCESS_KEY=[masked] region=eu",
            ),
            ("AWS_SECRET_ACCESS_KEY=/JalrXUtnFEMI/K7MDENG", "AWS_SECRET_ACCESS_KEY=[masked]"),
            ("secretAccessKey: 'wJalrXUt nFEMI' x", "secretAccessKey: '[masked]' x"),
            ("private_key=MIIEvQIBADANBg user=bob", "private_key=[masked] user=bob"),
            (r#"{"password":"my pass word","user":"bob"}"#, r#"{"password":"[masked]","user":"bob"}"#),
            (r#"{"password":"a\"b c d e","user":"bob"}"#, r#"{"password":"[masked]","user":"bob"}"#),
            (r#"body {\"token\":\"abc def ghi\",\"a\":1}"#, r#"body {\"token\":\"[masked]\",\"a\":1}"#),
            (r#"{"token":"abcdefghij"#, r#"{"token":"[masked]"#),
            ("Cookie: session=abc; theme=dark", "Cookie: [masked]"),
            ("set-cookie=sid=abc path=/x status=200", "set-cookie=[masked] path=/x status=200"),
            (r#"{"cookie":"sid=abc; b","status":200}"#, r#"{"cookie":"[masked]","status":200}"#),
            ("map[Cookie:[sid=abc] Host:[x]]", "map[Cookie:[[masked]] Host:[x]]"),
            ("sk_live_4eC39HqLyjWDarjtT1zdp7dc!", "[masked]!"),
            ("use glpat-abcdEFGH1234ijklMNOP now", "use [masked] now"),
            ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "[masked]"),
            ("vault hvs.CAESIJabcdefghijklmnop", "vault [masked]"),
            ("?key=AIzaSyA1234567890abcdefghijklmnopqrstu&x=1", "?key=[masked]&x=1"),
            (
                r#""private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n", "a""#,
                r#""private_key": "[masked]", "a""#,
            ),
        ] {
            assert_eq!(mask(text), masked);
            assert_eq!(mask(masked), masked, "once more");
        }
    }

    #[test]
    fn passwords_in_addresses_are_masked_whole() {
        for (text, masked) in [
            ("postgres://app:s3cr3t@db/x", "postgres://app:[masked]@db/x"),
            ("redis://:pass@host", "redis://:[masked]@host"),
            ("to amqp://u:p@ss@h:5672/v, then x@y", "to amqp://u:[masked]@h:5672/v, then x@y"),
            ("db://app:pa/ss@h/db", "db://app:[masked]@h/db"),
            ("mongodb://u:p@h1:1,h2:2/db?tag=a@b", "mongodb://u:[masked]@h1:1,h2:2/db?tag=a@b"),
            ("http://a:80/x,redis://u:p1@h", "http://a:80/x,redis://u:[masked]@h"),
            ("https://u:p@h/logo@2x.png", "https://u:[masked]@h/logo@2x.png"),
            (r#"{"a":"redis://u:p@h","mail":"b@c"}"#, r#"{"a":"redis://u:[masked]@h","mail":"b@c"}"#),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn harmless_text_stays_as_it_is() {
        for text in [
            "the token expired",
            "invalid token: expired at 3",
            "password: required",
            r#"{"token":"missing or malformed"}"#,
            "private_key=/etc/tls/private.pem loaded",
            "password=${DB_PASSWORD} token={{.Token}} secret=********",
            "max_tokens=100000 secrets: 12345678",
            "references non-existent secret key: DB_PASSWORD",
            "http://npm:4873/@scope/pkg@1.0",
            "oci://reg:5000/app@sha256:0123",
            "https://host/a:b@c https://[::1]:80/x@y ssh://git@host:22/x",
            "http://a:http \"x@y\"",
            "cookie: disabled, Cookie consent given: yes",
            "npm_config_registry=https://registry.npmjs.org",
            "global-configuration-of-the-whole-service",
            "task_live_abcdefghijklmnop",
            "-----BEGIN CERTIFICATE-----",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe(pieces in prop::collection::vec("(://|:|@|/|token=|\"|\\\\|cookie: a=|é| |.{0,4})", 0..40)) {
            let text: String = pieces.concat();
            prop_assert!(mask(&text).len() <= text.len() * MASK.len() + MASK.len());
        }
    }
}
