//! Secrets that cannot be printed, and the masking of token-looking pieces in foreign text.

use std::{fmt, sync::LazyLock};

use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

/// A token or password. It prints as `[secret]`, is not serialisable or comparable, and is wiped when dropped.
pub struct Secret(SecretString);

impl Secret {
    /// Surrounding white space is not part of a token: files and commands end in a newline.
    pub fn new(value: &str) -> Self {
        Self(SecretString::from(value.trim()))
    }

    /// The value itself, for the one place that puts it on the wire.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// What stands in the place of a masked piece.
pub const MASK: &str = "[masked]";

/// Replaces everything in `text` that looks like a credential.
pub fn mask(text: &str) -> String {
    static SHAPES: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}|gls[ac]_[A-Za-z0-9_]{16,}",
            r"|xox[abprs]-[A-Za-z0-9-]{10,}|A(?:KIA|SIA)[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+",
            r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
        ))
        .expect("the pattern is a constant, tested")
    });
    static NAMED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#"(?i)((?:password|passwd|secret|token|api[_-]?key|authorization)["']?\s*[:=]\s*["']?(?:bearer\s+|basic\s+)?)([^\s"',;&]{6,})"#,
        )
        .expect("the pattern is a constant, tested")
    });
    static IN_URL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(://[^\s/:@]+:)([^\s/@]+)@").expect("the pattern is a constant, tested"));
    let text = SHAPES.replace_all(text, MASK);
    let text = IN_URL.replace_all(&text, format!("${{1}}{MASK}@"));
    NAMED.replace_all(&text, format!("${{1}}{MASK}")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_a_word() {
        assert_eq!(format!("{:?}", Secret::new("hunter2\n")), "[secret]");
        assert_eq!(Secret::new(" hunter2\n").expose(), "hunter2");
    }

    #[test]
    fn credentials_are_masked_and_prose_is_not() {
        assert_eq!(mask("got ghp_abcdefghijklmnop1234"), "got [masked]");
        assert_eq!(mask("password=hunter22 user=bob"), "password=[masked] user=bob");
        assert_eq!(mask("postgres://app:s3cr3t@db/x"), "postgres://app:[masked]@db/x");
        assert_eq!(mask("Authorization: Bearer abcdefgh"), "Authorization: Bearer [masked]");
        assert_eq!(mask("the token expired"), "the token expired");
    }
}
