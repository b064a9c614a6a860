//! Secrets that cannot be printed, and the masking of token-looking pieces in foreign text.

use std::{
    borrow::Cow,
    fmt,
    sync::{LazyLock, PoisonError, RwLock},
};

use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

/// A token or password. It prints as `[secret]`, is not serialisable or comparable, and is wiped when dropped.
pub struct Secret(SecretString);

impl Secret {
    /// Surrounding white space is not part of a token: files and commands end in a newline.
    pub fn new(value: &str) -> Self {
        Self(SecretString::from(value.trim()))
    }

    /// As it stands, white space and all: a value that is shown and copied.
    pub fn verbatim(value: String) -> Self {
        Self(SecretString::from(value))
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

/// What this process sends to prove who it is, longest first. A server may say it again in any words, so its shape is no
/// help: only knowing it is.
static SENT: RwLock<Vec<SecretString>> = RwLock::new(Vec::new());

/// Shorter ones are not hidden: they would be found inside ordinary words.
const SHORTEST_HIDDEN: usize = 8;

/// From now on `credential` is hidden wherever somebody else's words are shown. To be called by whoever puts one on a
/// wire, also for those that another library sends.
pub fn sent(credential: &str) {
    let credential = credential.trim();
    let mut known = SENT.write().unwrap_or_else(PoisonError::into_inner);
    if credential.len() >= SHORTEST_HIDDEN && known.iter().all(|other| other.expose_secret() != credential) {
        known.push(SecretString::from(credential));
        known.sort_by_key(|other| std::cmp::Reverse(other.expose_secret().len()));
    }
}

/// Replaces every credential in `text` that this process has sent.
pub fn hide(text: &str) -> Cow<'_, str> {
    let known = SENT.read().unwrap_or_else(PoisonError::into_inner);
    known.iter().fold(Cow::Borrowed(text), |text, secret| {
        if text.contains(secret.expose_secret()) {
            Cow::Owned(text.replace(secret.expose_secret(), MASK))
        } else {
            text
        }
    })
}

/// Replaces everything in `text` that looks like a credential, or is one of ours.
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
    let text = hide(text);
    let text = SHAPES.replace_all(&text, MASK);
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
    fn what_was_sent_is_hidden_in_any_words() {
        let words = "no such user: n0Sh4pe-At-4ll, said twice: n0Sh4pe-At-4ll.";
        assert_eq!(hide(words), words);
        sent("n0Sh4pe-At-4ll\n");
        sent("n0Sh4pe-At");
        sent("user");
        let hidden = "no such user: [masked], said twice: [masked].";
        assert_eq!((&*hide(words), mask(words).as_str()), (hidden, hidden));
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
