//! Fields of log lines, of JSON or logfmt: how they are asked for, and where their values stand.

use std::ops::Range;

use regex::Regex;

/// An expression, without case unless what was typed has a capital.
pub fn expression(pattern: &str, typed: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).case_insensitive(!typed.chars().any(char::is_uppercase)).build()
}

/// `NAME=VALUE`, taken apart; `None`: it is none.
pub fn named_value(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '@')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@'));
    (is_name && !value.is_empty()).then_some((name, value))
}

/// A field of a line, and what its value begins with.
#[derive(Clone, Debug)]
pub struct Field {
    /// Captures the value: in quotes or bare, of either form.
    find: Regex,
    value: Regex,
}

impl Field {
    /// `value` is an expression; `typed`: with what was typed around it.
    pub fn new(name: &str, value: &str, typed: &str) -> Result<Self, regex::Error> {
        let name = regex::escape(name);
        let quoted = r#""((?:[^"\\]|\\.)*)"?"#;
        let find = format!(r#""{name}"\s*:\s*(?:{quoted}|([^\s",}}\]]+))|(?:^|[^\w.-]){name}=(?:{quoted}|([^\s"]+))"#);
        Ok(Self { find: expression(&find, typed)?, value: expression(&format!("^(?:{value})"), typed)? })
    }

    /// The values that match, where they stand.
    pub fn finds(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        let values = self.find.captures_iter(text).filter_map(|found| (1..=4).find_map(|group| found.get(group)));
        values.filter(|value| self.value.is_match(value.as_str())).map(|value| value.range())
    }

    /// The line has the field with such a value.
    pub fn is_in(&self, text: &str) -> bool {
        self.finds(text).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_json_and_in_logfmt() {
        let is_in = |asked: &str, text: &str| {
            let (name, value) = named_value(asked).expect("a field");
            Field::new(name, value, asked).unwrap().is_in(text)
        };
        for text in [r#"{"status":500,"a":1}"#, "GET / status=500 took=3", r#"{"status":"500"}"#] {
            assert!(is_in("status=500", text) && is_in("status=5..", text) && !is_in("status=4", text), "{text}");
        }
        assert!(!is_in("status=500", "substatus=500"));
        for no_field in ["status", "=500", "status=", "5xx=1", "/a=b/"] {
            assert_eq!(named_value(no_field), None);
        }
    }
}
