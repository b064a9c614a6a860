//! Secrets that cannot be printed, and the masking of token-looking pieces in foreign text.

mod mask;

use std::{
    borrow::Cow,
    fmt,
    sync::{PoisonError, RwLock},
};

use secrecy::{ExposeSecret, SecretString};

pub use self::mask::mask;

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
}
