//! What of a log is shown: least level, one message, and terms that all must hold. A term looks at a text, a regular
//! expression, a field of the line, or at who wrote it.

use std::sync::Arc;

use regex::Regex;

use crate::model::log::{LogLevel, LogLine};

/// Terms told apart; a filter line holds no more.
const MOST_TERMS: usize = 32;

/// A text to look for: without case unless it has a capital.
pub(in super::super) fn needle(text: &str) -> Option<Regex> {
    if text.is_empty() {
        return None;
    }
    expression(&regex::escape(text), text).ok()
}

fn expression(pattern: &str, typed: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).case_insensitive(!typed.chars().any(char::is_uppercase)).build()
}

/// What is let through.
#[derive(Clone, Debug, Default)]
pub(super) struct Sieve {
    /// `None`: every level.
    pub least: Option<LogLevel>,
    /// Only lines of this signature.
    pub signature: Option<Arc<str>>,
    /// Repeats are written out.
    pub is_unfolded: bool,
    text: String,
    terms: Vec<Term>,
    wrong: Option<String>,
}

/// One condition.
#[derive(Clone, Debug)]
struct Term {
    typed: String,
    is_negated: bool,
    what: What,
    /// Words that more words may join.
    is_open: bool,
}

#[derive(Clone, Debug)]
enum What {
    Text(Regex),
    Least(LogLevel),
    Level(LogLevel),
    Pod(String),
    Version(String),
    Container(String),
}

impl Sieve {
    /// Terms with blanks between them: `words in a row`, `"exact words"`, `/regular expression/`, `level>=warn`, `pod=…`,
    /// `ver=…`, `container=…`, `field=beginning of its value`; each negated by `!`. `&` separates words from words.
    pub(super) fn set_text(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.terms.clear();
        self.wrong = None;
        for token in tokens(text) {
            if let Err(wrong) = self.add(token) {
                self.wrong = Some(wrong);
            }
        }
        self.terms.truncate(MOST_TERMS);
    }

    fn add(&mut self, token: &str) -> Result<(), String> {
        if token == "&" {
            if let Some(last) = self.terms.last_mut() {
                last.is_open = false;
            }
            return Ok(());
        }
        let (is_negated, rest) = match token.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, token),
        };
        if rest.is_empty() {
            return Ok(());
        }
        let (what, is_open) = if let Some(pattern) = enclosed(rest, '/') {
            let regex = expression(pattern, pattern);
            (What::Text(regex.map_err(|_| format!("{rest} is no regular expression"))?), false)
        } else if let Some(words) = enclosed(rest, '"') {
            (What::Text(literal(words)?), false)
        } else if let Some(what) = field(rest)? {
            (what, false)
        } else {
            match self.terms.last_mut() {
                // "!slow query" leaves out these two words in a row.
                Some(last) if last.is_open && !is_negated => {
                    last.typed = format!("{} {rest}", last.typed);
                    last.what = What::Text(literal(last.typed.trim_start_matches('!'))?);
                    return Ok(());
                }
                _ => (What::Text(literal(rest)?), true),
            }
        };
        self.terms.push(Term { typed: token.to_owned(), is_negated, what, is_open });
        Ok(())
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with what was typed.
    pub(super) fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    /// Something may be left out.
    pub(super) fn is_active(&self) -> bool {
        self.least.is_some() || self.signature.is_some() || !self.terms.is_empty()
    }

    /// The conditions beside the least level, in words.
    pub(super) fn chips(&self) -> impl Iterator<Item = String> {
        let signature = self.signature.iter().map(|text| format!("message: {text}"));
        self.terms.iter().map(|term| term.typed.clone()).chain(signature)
    }

    /// What of a line the filter found: the first text looked for.
    pub(super) fn highlight(&self) -> Option<&Regex> {
        self.terms.iter().filter(|term| !term.is_negated).find_map(|term| match &term.what {
            What::Text(regex) => Some(regex),
            _ => None,
        })
    }

    /// A line that states no level counts as information.
    pub(super) fn lets_level(&self, line: &LogLine) -> bool {
        line.is_note || self.least.is_none_or(|least| level(line) >= least)
    }

    /// Which terms this line fulfils, a bit for each. A line that goes on adds only to the texts found.
    pub(super) fn hits(&self, line: &LogLine, is_head: bool) -> u32 {
        let origin = &line.origin;
        let holds = |what: &What| match what {
            What::Text(regex) => regex.is_match(&line.text),
            What::Least(least) => is_head && level(line) >= *least,
            What::Level(wanted) => is_head && level(line) == *wanted,
            What::Pod(part) => origin.pod.name.contains(part.as_str()),
            What::Version(tag) => *origin.version == **tag,
            What::Container(name) => *origin.container == **name,
        };
        self.terms.iter().enumerate().fold(0, |hits, (at, term)| hits | u32::from(holds(&term.what)) << at)
    }

    /// Whether a head with the lines that continue it is shown.
    pub(super) fn lets(&self, hits: u32) -> bool {
        self.terms.iter().enumerate().all(|(at, term)| (hits >> at & 1 == 1) != term.is_negated)
    }
}

fn level(line: &LogLine) -> LogLevel {
    line.level.unwrap_or(LogLevel::Info)
}

fn literal(text: &str) -> Result<Regex, String> {
    needle(text).ok_or_else(|| format!("'{text}' cannot be looked for"))
}

/// Splits at blanks, except inside `/…/` and `"…"`.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let sign = usize::from(rest.starts_with('!'));
        let end = rest[sign..].chars().next().filter(|c| matches!(c, '/' | '"')).and_then(|mark| {
            // The closing mark is one that a blank or the end follows: `/api/users` is a path.
            let inside = sign + 1;
            rest[inside..]
                .match_indices(mark)
                .map(|(at, _)| inside + at + 1)
                .find(|end| rest[*end..].chars().next().is_none_or(char::is_whitespace))
        });
        let end = end.unwrap_or_else(|| rest.find(char::is_whitespace).unwrap_or(rest.len()));
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

fn enclosed(text: &str, mark: char) -> Option<&str> {
    text.strip_prefix(mark)?.strip_suffix(mark).filter(|inside| !inside.is_empty())
}

/// `level>=warn`, `pod=abc`, `path=/api`; `None`: it is no condition on a field.
fn field(text: &str) -> Result<Option<What>, String> {
    if let Some(word) = text.strip_prefix("level>=") {
        return Ok(Some(What::Least(level_named(word)?)));
    }
    let Some((key, value)) = text.split_once('=') else { return Ok(None) };
    let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '@')
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@'));
    if !is_key || value.is_empty() {
        return Ok(None);
    }
    Ok(Some(match key {
        "level" => What::Level(level_named(value)?),
        "pod" => What::Pod(value.to_owned()),
        "ver" => What::Version(value.to_owned()),
        "container" => What::Container(value.to_owned()),
        _ => {
            let (name, begins) = (regex::escape(key), regex::escape(value));
            let pattern = format!(r#"(?:"{name}"\s*:\s*"?|(?:^|[^\w.-]){name}="?){begins}"#);
            What::Text(expression(&pattern, text).map_err(|_| format!("'{text}' cannot be looked for"))?)
        }
    }))
}

fn level_named(word: &str) -> Result<LogLevel, String> {
    use LogLevel::{Debug, Error, Fatal, Info, Trace, Warn};
    let upper = word.to_ascii_uppercase();
    [Trace, Debug, Info, Warn, Error, Fatal]
        .into_iter()
        .find(|level| upper.starts_with(level.name()) || (upper.len() >= 3 && level.name().starts_with(&upper)))
        .ok_or_else(|| format!("'{word}' is no level: trace, debug, info, warn, error or fatal"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::log::Origin, ui::testing};

    fn lets(filter: &str, text: &str) -> bool {
        let mut sieve = Sieve::default();
        sieve.set_text(filter);
        let origin =
            Origin { pod: testing::object("myapp-6d5c9-k2x8q"), container: "app".into(), version: "412".into() };
        let line = LogLine {
            origin: Arc::new(origin),
            at: testing::at("03:00"),
            level: text.starts_with("ERROR").then_some(LogLevel::Error),
            text: text.into(),
            continues: false,
            is_note: false,
        };
        sieve.lets(sieve.hits(&line, true))
    }

    #[test]
    fn terms_all_must_hold() {
        let line = r#"ERROR verify failed: issuer path=/api/users/7 {"status":503,"user":"bob"}"#;
        for yes in [
            "",
            "verify failed",
            "issuer & verify",
            "!slow query",
            "/fail(ed|ing)/",
            "/verify failed/ status=5 !user=eve",
            "path=/api level>=warn level=error",
            "pod=k2x8q ver=412 container=app",
            "\"failed: issuer\" user=bob",
            "VERIFY & nothing".trim_end_matches(" & nothing").to_lowercase().as_str(),
            "/api/users",
        ] {
            assert!(lets(yes, line), "{yes}");
        }
        for no in [
            "failed verify",
            "!verify failed",
            "issuer & nothing",
            "Verify",
            "status=4",
            "atus=5",
            "ver=411",
            "level=warn",
            "!/is+uer/",
            "\"issuer verify\"",
        ] {
            assert!(!lets(no, line), "{no}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_said_and_leaves_nothing_out() {
        for (filter, says) in [("/a(/", "/a(/ is no regular expression"), ("level>=loud", "'loud' is no level: trace")]
        {
            let mut sieve = Sieve::default();
            sieve.set_text(filter);
            assert!(sieve.wrong().is_some_and(|wrong| wrong.starts_with(says)), "{:?}", sieve.wrong());
            assert!(!sieve.is_active());
        }
    }

    #[test]
    fn chips_are_the_terms() {
        let mut sieve = Sieve::default();
        sieve.set_text("verify failed !/x y/ pod=a & b");
        assert_eq!(sieve.chips().collect::<Vec<_>>(), ["verify failed", "!/x y/", "pod=a", "b"]);
    }
}
