//! Silences, with Alertmanager's rules for making, editing and expiring them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use crate::demo::{scenario::Scenario, story::chance};

/// How long an expired silence is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(120);

/// One matcher. Regular expressions are anchored at both ends.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub name: String,
    pub value: String,
    pub is_regex: bool,
    pub is_equal: bool,
    regex: Option<Regex>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.value, self.is_regex, self.is_equal)
            == (&other.name, &other.value, other.is_regex, other.is_equal)
    }
}

impl Matcher {
    pub fn new(name: String, value: String, is_regex: bool, is_equal: bool) -> Result<Self, String> {
        let regex = is_regex
            .then(|| Regex::new(&format!("^(?:{value})$")))
            .transpose()
            .map_err(|error| format!("error parsing regexp: {}", error.to_string().replace('\n', " ")))?;
        Ok(Self { name, value, is_regex, is_equal, regex })
    }

    /// Reads `name="value"`, with `=`, `!=`, `=~` or `!~`; quotes may be left out.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("bad matcher format: {text}");
        let place = text.find(['=', '!']).ok_or_else(wrong)?;
        let (name, rest) = text.split_at(place);
        let (is_equal, is_regex, value) = match rest.as_bytes() {
            [b'=', b'~', ..] => (true, true, &rest[2..]),
            [b'!', b'~', ..] => (false, true, &rest[2..]),
            [b'!', b'=', ..] => (false, false, &rest[2..]),
            [b'=', ..] => (true, false, &rest[1..]),
            _ => return Err(wrong()),
        };
        let unquoted = |part: &str| {
            let part = part.trim();
            let inner = part.strip_prefix('"').and_then(|p| p.strip_suffix('"'));
            inner.map_or_else(|| part.to_owned(), |inner| inner.replace("\\\"", "\"").replace("\\\\", "\\"))
        };
        let name = unquoted(name);
        if name.is_empty() {
            return Err(wrong());
        }
        Self::new(name, unquoted(value), is_regex, is_equal)
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.accepts(labels.get(&self.name).map_or("", String::as_str))
    }

    fn accepts(&self, value: &str) -> bool {
        let hit = self.regex.as_ref().map_or(self.value == value, |regex| regex.is_match(value));
        hit == self.is_equal
    }
}

/// One silence.
#[derive(Clone, Debug)]
pub struct Silence {
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: String,
    pub comment: String,
}

impl Silence {
    /// `active`, `pending` or `expired`.
    pub fn state(&self, now: Timestamp) -> &'static str {
        if now >= self.ends_at {
            "expired"
        } else if now < self.starts_at {
            "pending"
        } else {
            "active"
        }
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }
}

/// Why a silence is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// 400, with Alertmanager's words.
    Bad(String),
    /// 404.
    Unknown(String),
}

/// All silences, also the expired ones, until they are forgotten.
#[derive(Debug)]
pub struct Silences {
    pub list: Vec<Silence>,
    seed: u64,
    made: u64,
}

impl Silences {
    pub(super) fn new(scenario: &Scenario, seed: u64, start: Timestamp) -> Self {
        let mut silences = Self { list: Vec::new(), seed, made: 0 };
        for spec in &scenario.silence {
            let matchers = spec.matchers.iter().filter_map(|text| Matcher::parse(text).ok()).collect();
            let id = silences.next_id();
            let (from, to) = (spec.from.after(start), spec.to.after(start));
            silences.list.push(Silence {
                id,
                matchers,
                starts_at: from,
                ends_at: to,
                updated_at: from,
                created_by: spec.by.clone(),
                comment: spec.comment.clone(),
            });
        }
        silences
    }

    fn next_id(&mut self) -> String {
        self.made += 1;
        chance::uuid(self.seed, &["silence", &self.made.to_string()])
    }

    pub(super) fn step(&mut self, now: Timestamp) {
        self.list.retain(|silence| now.duration_since(silence.ends_at) < KEPT);
    }

    pub fn get(&self, id: &str) -> Option<&Silence> {
        self.list.iter().find(|silence| silence.id == id)
    }

    /// Ids of the active silences that hold an alert back.
    pub fn silencing(&self, labels: &BTreeMap<String, String>, now: Timestamp) -> Vec<String> {
        let active = self.list.iter().filter(|silence| silence.state(now) == "active");
        active.filter(|silence| silence.matches(labels)).map(|silence| silence.id.clone()).collect()
    }

    /// Makes a silence, or edits the one whose id is given. The id returned is new unless it could be edited in place.
    pub fn set(&mut self, mut silence: Silence, now: Timestamp) -> Result<String, Refused> {
        check(&silence, now)?;
        let old = match silence.id.as_str() {
            "" => None,
            id => {
                let place = self.list.iter().position(|s| s.id == id);
                Some(place.ok_or_else(|| Refused::Unknown(format!("silence {id} not found")))?)
            }
        };
        silence.updated_at = now;
        if let Some(place) = old {
            let present = &mut self.list[place];
            let same = present.matchers == silence.matchers;
            let in_place = match present.state(now) {
                "active" => same && present.starts_at == silence.starts_at,
                "pending" => same && silence.starts_at > now,
                _ => false,
            };
            if in_place {
                *present = silence;
                return Ok(present.id.clone());
            }
            present.expire(now);
        }
        silence.starts_at = silence.starts_at.max(now);
        silence.id = self.next_id();
        let id = silence.id.clone();
        self.list.push(silence);
        Ok(id)
    }

    /// Ends a silence. Ending an ended one is fine; `false` if there is none.
    pub fn expire(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(silence) = self.list.iter_mut().find(|silence| silence.id == id) else { return false };
        silence.expire(now);
        true
    }
}

impl Silence {
    fn expire(&mut self, now: Timestamp) {
        if self.state(now) == "expired" {
            return;
        }
        self.starts_at = self.starts_at.min(now);
        self.ends_at = now;
        self.updated_at = now;
    }
}

fn check(silence: &Silence, now: Timestamp) -> Result<(), Refused> {
    let bad = |text: &str| Err(Refused::Bad(text.to_owned()));
    if silence.matchers.is_empty() {
        return bad("invalid silence: at least one matcher required");
    }
    if silence.matchers.iter().all(|matcher| matcher.accepts("")) {
        return bad("invalid silence: at least one matcher must not match the empty string");
    }
    if silence.ends_at <= silence.starts_at {
        return bad("failed to create silence: start time must be before end time");
    }
    if silence.ends_at <= now {
        return bad("failed to create silence: end time can't be in the past");
    }
    Ok(())
}
