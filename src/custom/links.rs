//! Links that are found in the text of a row: a regular expression and the address that follows from it.

use regex::Regex;

use super::Report;
use crate::{command::Kind, config::file, text::Clean};

/// Most links of one template that a row is searched for.
const MOST: usize = 9;

/// A `[[link]]`, checked.
#[derive(Clone, Debug)]
pub struct OwnLink {
    pub name: Clean,
    /// Empty: rows of every kind.
    pub on: Vec<Kind>,
    regex: Regex,
    address: Vec<Part>,
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
        let regex = match Regex::new(table.pattern.get_ref()) {
            Ok(regex) if regex.is_match("") => {
                report.say(Some(table.pattern.span()), "matches an empty text, and so everything: make it narrower");
                continue;
            }
            Ok(regex) => regex,
            Err(error) => {
                let says = error.to_string();
                let last = says.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let says = format!("has a pattern that is no regular expression: {last}");
                report.say(Some(table.pattern.span()), &says);
                continue;
            }
        };
        match parse(table.url.get_ref(), &regex) {
            Ok(address) => made.push(OwnLink { name: Clean::line(&table.name), on, regex, address }),
            Err(says) => report.say(Some(table.url.span()), &says),
        }
    }
    if errors.is_empty() { Ok(made) } else { Err(errors) }
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
    match url::Url::parse(&filled) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok(parts),
        _ => Err(format!("has '{url}' as its address, which is none: write 'https://HOST/$1'")),
    }
}

impl OwnLink {
    /// The addresses that follow from these texts, each with the text it was found in.
    pub fn find(&self, texts: &[Clean]) -> Vec<(Clean, Clean)> {
        let mut found: Vec<(Clean, Clean)> = Vec::new();
        for hit in texts.iter().flat_map(|text| self.regex.captures_iter(text)) {
            let mut address = String::new();
            for part in &self.address {
                match part {
                    Part::Text(text) => address.push_str(text),
                    Part::Group(group) => {
                        let value = hit.get(*group).map_or("", |value| value.as_str());
                        // what was found stays one piece of the address, whatever it holds
                        address.extend(
                            url::form_urlencoded::byte_serialize(value.as_bytes())
                                .map(|piece| piece.replace('+', "%20")),
                        );
                    }
                }
            }
            let address = Clean::own(address);
            if !found.iter().any(|(_, known)| *known == address) {
                found.push((Clean::line(&hit[0]), address));
            }
            if found.len() == MOST {
                break;
            }
        }
        found
    }
}
