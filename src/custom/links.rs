//! Addresses that follow from a row: from what a regular expression finds in its text, or from its fields and the time that
//! is looked at (a log store, a dashboard).

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::{
    Report,
    fields::Values,
    template::{Piece, Template},
};
use crate::{command::Kind, config::file, text::Clean};

/// Most links of one template that a row is searched for.
const MOST: usize = 9;
/// Fields that every row has: the time that is looked at, in milliseconds since 1970.
const TIMES: [&str; 2] = ["from", "to"];
/// Looked at before now, where no line is chosen; around one that is.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
const AROUND: SignedDuration = SignedDuration::from_mins(15);

/// The time that a link is to show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Window {
    /// Around a moment, else what was last.
    pub fn new(moment: Option<Timestamp>, now: Timestamp) -> Self {
        let clamped = |moment: Timestamp, by: SignedDuration| moment.saturating_add(by).unwrap_or(moment);
        match moment {
            Some(moment) => Self { from: clamped(moment, -AROUND), to: clamped(moment, AROUND) },
            None => Self { from: clamped(now, -BEFORE), to: now },
        }
    }
}

/// A `[[link]]`, checked.
#[derive(Clone, Debug)]
pub struct OwnLink {
    pub name: Clean,
    /// Empty: rows of every kind.
    pub on: Vec<Kind>,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Text(Regex, Vec<Part>),
    Fields(Template),
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Group(usize),
}

/// The links of a configuration. `text`: the file, for the lines of errors.
pub fn links(tables: &[file::Link], text: &str) -> Result<Vec<OwnLink>, Vec<String>> {
    let mut errors = Vec::new();
    let mut made = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let what = if table.name.is_empty() {
            format!("[[link]] number {}", index + 1)
        } else {
            format!("[[link]] '{}'", table.name)
        };
        let mut report = Report { text, what, errors: &mut errors };
        if table.name.is_empty() {
            report.say(None, "has no name: give it one, `name = \"…\"`");
        }
        let on = report.kinds(&table.on);
        let source = match &table.pattern {
            Some(pattern) => report.found(pattern, &table.url),
            None => report.filled(&table.url, &on),
        };
        made.extend(source.map(|source| OwnLink { name: Clean::line(&table.name), on, source }));
    }
    if errors.is_empty() { Ok(made) } else { Err(errors) }
}

impl Report<'_> {
    fn found(&mut self, pattern: &toml::Spanned<String>, url: &toml::Spanned<String>) -> Option<Source> {
        let regex = match Regex::new(pattern.get_ref()) {
            Ok(regex) if regex.is_match("") => {
                self.say(Some(pattern.span()), "matches an empty text, and so everything: make it narrower");
                return None;
            }
            Ok(regex) => regex,
            Err(error) => {
                let says = error.to_string();
                let last = says.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let says = format!("has a pattern that is no regular expression: {last}");
                self.say(Some(pattern.span()), &says);
                return None;
            }
        };
        let address = parse(url.get_ref(), &regex).map_err(|says| self.say(Some(url.span()), &says)).ok()?;
        Some(Source::Text(regex, address))
    }

    fn filled(&mut self, url: &toml::Spanned<String>, on: &[Kind]) -> Option<Source> {
        let before = self.errors.len();
        if on.is_empty() {
            self.say(None, "has no pattern, and is on nothing: name the kinds of rows, `on = [\"pod\"]`");
        }
        let template = match Template::parse(url.get_ref()) {
            Ok(template) => template,
            Err(says) => {
                self.say(Some(url.span()), &format!("has '{}' as its address: {says}", url.get_ref()));
                return None;
            }
        };
        for field in template.fields().filter(|field| !TIMES.contains(&field.name())) {
            self.check_field(field.name(), on, url.span());
        }
        let text = |piece: &Piece| if let Piece::Text(text) = piece { text.clone() } else { "x".to_owned() };
        if !is_web(&template.pieces().iter().map(text).collect::<String>()) {
            self.say(Some(url.span()), &format!("has '{}' as its address, which is none", url.get_ref()));
        }
        (self.errors.len() == before).then_some(Source::Fields(template))
    }
}

fn is_web(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|parsed| matches!(parsed.scheme(), "http" | "https"))
}

/// As one piece of an address, whatever it holds.
fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).map(|piece| piece.replace('+', "%20")).collect()
}

/// `$1`, `${1}`, `${name}` and `$$`.
fn parse(url: &str, regex: &Regex) -> Result<Vec<Part>, String> {
    let (mut parts, mut text) = (Vec::new(), String::new());
    let mut rest = url;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            text.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match rest.strip_prefix('{') {
            Some(inner) => inner.split_once('}').ok_or("has an address with a brace that is not closed")?,
            None => rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())),
        };
        let group = match name.parse::<usize>() {
            Ok(number) => Some(number).filter(|number| *number < regex.captures_len()),
            Err(_) => regex.capture_names().position(|known| known == Some(name)),
        };
        let group =
            group.ok_or_else(|| format!("has an address with '${name}', a group that its pattern does not have"))?;
        parts.push(Part::Text(std::mem::take(&mut text)));
        parts.push(Part::Group(group));
        rest = after;
    }
    parts.push(Part::Text(text + rest));
    let filled =
        parts.iter().map(|part| if let Part::Text(text) = part { text.as_str() } else { "x" }).collect::<String>();
    if is_web(&filled) {
        Ok(parts)
    } else {
        Err(format!("has '{url}' as its address, which is none: write 'https://HOST/$1'"))
    }
}

impl OwnLink {
    /// The addresses of a row, each with the text it was found in. `texts`: what is looked through.
    pub fn of(&self, values: &Values<'_>, texts: &[Clean], window: Window) -> Vec<(Clean, Clean)> {
        match &self.source {
            Source::Text(regex, address) => found(regex, address, texts),
            Source::Fields(template) => {
                filled(template, values, window).map(|address| vec![(Clean::default(), address)]).unwrap_or_default()
            }
        }
    }
}

/// `None`: this row lacks a field.
fn filled(template: &Template, values: &Values<'_>, window: Window) -> Option<Clean> {
    let mut address = String::new();
    for piece in template.pieces() {
        match piece {
            Piece::Text(text) => address.push_str(text),
            Piece::Field(field) => match field.name() {
                "from" => address.push_str(&window.from.as_millisecond().to_string()),
                "to" => address.push_str(&window.to.as_millisecond().to_string()),
                _ => address.push_str(&encoded(&values.get(field).ok()?)),
            },
        }
    }
    // Quotes and spaces as an address has them.
    url::Url::parse(&address).ok().map(|address| Clean::own(address.to_string()))
}

fn found(regex: &Regex, address: &[Part], texts: &[Clean]) -> Vec<(Clean, Clean)> {
    let mut all: Vec<(Clean, Clean)> = Vec::new();
    for hit in texts.iter().flat_map(|text| regex.captures_iter(text)) {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Group(group) => encoded(hit.get(*group).map_or("", |value| value.as_str())),
        };
        let address = Clean::own(address.iter().map(part).collect::<String>());
        if !all.iter().any(|(_, known)| *known == address) {
            all.push((Clean::line(&hit[0]), address));
        }
        if all.len() == MOST {
            break;
        }
    }
    all
}
