//! What of a log is shown: least level, one message, and terms that all must hold. A term looks at a text, a regular
//! expression, a field of the line, or at who wrote it.

mod flags;

use std::ops::Range;

use regex::Regex;

use crate::{
    model::log::{LogLevel, LogLine},
    source::kubernetes::{
        log_field::{Field, expression, named_value},
        log_line::without_level,
    },
    store::logs::signatures::Message,
};

/// Terms told apart; a filter line holds no more.
const MOST_TERMS: usize = 32;

/// A text to look for: without case unless it has a capital.
pub(in super::super) fn needle(text: &str) -> Option<Regex> {
    if text.is_empty() {
        return None;
    }
    expression(&regex::escape(text), text).ok()
}

/// What is let through.
#[derive(Clone, Debug, Default)]
pub(super) struct Sieve {
    /// `None`: every level.
    pub least: Option<LogLevel>,
    /// Only lines of this message.
    pub message: Option<Message>,
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
    Field(Field),
    Pod(Regex),
    Version(String),
    Container(String),
}

impl Sieve {
    /// Terms with blanks between them: `words in a row`, `"exact words"`, `/regular expression/`, `level>=warn`, `ver=…`,
    /// `container=…`; regular expressions for the pod's name (`pod=…`) and for what the value of a field begins with
    /// (`status=5..`); each negated by `!`. `&` separates words from words.
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
            (What::Text(regex.map_err(|_| no_expression(rest))?), false)
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
        self.least.is_some() || self.message.is_some() || !self.terms.is_empty()
    }

    /// The least level, unless a term asks for as much: one of two says less.
    pub(super) fn least_beside_terms(&self) -> Option<LogLevel> {
        let asks = |least: LogLevel| {
            let mut terms = self.terms.iter().filter(|term| !term.is_negated);
            terms.any(|term| matches!(term.what, What::Least(level) if level >= least))
        };
        self.least.filter(|least| !asks(*least))
    }

    /// The conditions beside the least level, in words.
    pub(super) fn chips(&self) -> impl Iterator<Item = String> {
        let message = self.message.iter().map(|message| match message.level {
            Some(level) => format!("message: {} {}", level.name(), without_level(&message.text, level)),
            None => format!("message: {}", message.text),
        });
        self.terms.iter().map(|term| term.typed.clone()).chain(message)
    }

    /// What of a text all terms that look for something found, from left to right.
    pub(super) fn finds(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for term in self.terms.iter().filter(|term| !term.is_negated) {
            match &term.what {
                What::Text(regex) => found.extend(regex.find_iter(text).map(|one| one.range())),
                What::Field(field) => found.extend(field.finds(text)),
                _ => {}
            }
        }
        found.retain(|range| !range.is_empty());
        found.sort_unstable_by_key(|range| range.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for range in found {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        apart
    }

    /// A line that states no level counts as information.
    pub(super) fn lets_level(&self, line: &LogLine) -> bool {
        line.is_note || self.least.is_none_or(|least| line.level_or_info() >= least)
    }

    /// Which terms this line fulfils, a bit for each. A line that goes on adds only to the texts found.
    pub(super) fn hits(&self, line: &LogLine, is_head: bool) -> u32 {
        let origin = &line.origin;
        let holds = |what: &What| match what {
            What::Text(regex) => regex.is_match(&line.text),
            What::Field(field) => field.is_in(&line.text),
            What::Least(least) => is_head && line.level_or_info() >= *least,
            What::Level(wanted) => is_head && line.level_or_info() == *wanted,
            What::Pod(name) => name.is_match(&origin.pod.name),
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
    let Some((key, value)) = named_value(text) else { return Ok(None) };
    Ok(Some(match key {
        "level" => What::Level(level_named(value)?),
        "pod" => What::Pod(expression(value, value).map_err(|_| no_expression(value))?),
        "ver" => What::Version(value.to_owned()),
        "container" => What::Container(value.to_owned()),
        _ => What::Field(Field::new(key, value, text).map_err(|_| no_expression(value))?),
    }))
}

fn no_expression(text: &str) -> String {
    format!("{text} is no regular expression")
}

fn level_named(word: &str) -> Result<LogLevel, String> {
    LogLevel::named(word).ok_or_else(|| format!("'{word}' is no level: trace, debug, info, warn, error or fatal"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{model::log::Origin, ui::testing};

    fn lets(filter: &str, text: &str) -> bool {
        let mut sieve = Sieve::default();
        sieve.set_text(filter);
        let origin = Origin::new(testing::object("myapp-6d5c9-k2x8q"), "app".into(), "412".into());
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
            "status=5.. !status=4..",
            "status=50[13]$ user=b.b",
            "path=/api/.*/7$ pod=^myapp-.*-k2",
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
            "status=5.$",
            // The value ends where the field does.
            "status=5.*bob",
            "path=/api.*bob",
            "pod=^k2x8q",
            "!pod=k2.8q",
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
        for (filter, says) in [
            ("/a(/", "/a(/ is no regular expression"),
            ("level>=loud", "'loud' is no level: trace"),
            ("status=5(", "5( is no regular expression"),
            ("pod=[", "[ is no regular expression"),
        ] {
            let mut sieve = Sieve::default();
            sieve.set_text(filter);
            assert!(sieve.wrong().is_some_and(|wrong| wrong.starts_with(says)), "{:?}", sieve.wrong());
            assert!(!sieve.is_active());
        }
    }

    #[test]
    fn values_end_where_their_fields_do_and_all_terms_are_found() {
        let mut sieve = Sieve::default();
        let mut found = |filter: &str, text: &str| {
            sieve.set_text(filter);
            sieve.finds(text).into_iter().map(|range| text[range].to_owned()).collect::<Vec<_>>()
        };
        let line = r#"{"msg":"slow \"query\", again","took":912,"tags":["a"],"who":"bob"} ids=1,2 who="eve x"#;
        assert_eq!(found("msg=slow", line), [r#"slow \"query\", again"#]);
        assert_eq!(found("took=9.. ids=1", line), ["912", "1,2"]);
        assert_eq!(found("who=bob|eve", line), ["bob", "eve x"]);
        assert_eq!(found("slow & /quer./ took=9 !again pod=x", line), ["slow", "query", "912"]);
        // What overlaps is found once.
        assert_eq!(found("slow & /low .\"q/", line), [r#"slow \"q"#]);
    }

    #[test]
    fn chips_are_the_terms() {
        let mut sieve = Sieve::default();
        sieve.set_text("verify failed !/x y/ pod=a & b");
        assert_eq!(sieve.chips().collect::<Vec<_>>(), ["verify failed", "!/x y/", "pod=a", "b"]);
    }
}
