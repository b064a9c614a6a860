//! One word of a command line with places for fields: `--context={context}`; `{{` and `}}` are braces.

use std::fmt;

use super::fields::{Field, Values};
use crate::text::Clean;

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Text(String),
    Field(Field),
}

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Errors say what is wrong with the braces.
    pub fn parse(word: &str) -> Result<Self, &'static str> {
        let (mut pieces, mut text) = (Vec::new(), String::new());
        let mut rest = word.chars().peekable();
        while let Some(letter) = rest.next() {
            match letter {
                '{' | '}' if rest.peek() == Some(&letter) => {
                    rest.next();
                    text.push(letter);
                }
                '{' => {
                    let mut is_closed = false;
                    let is_part = |letter: &char| {
                        is_closed = *letter == '}';
                        !is_closed
                    };
                    let name: String = rest.by_ref().take_while(is_part).collect();
                    if !is_closed {
                        return Err("a brace is not closed; write '{{' for a brace");
                    }
                    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
                    if name.is_empty() || !name.chars().all(is_name) {
                        return Err("between braces stands the name of a field; write '{{' for a brace");
                    }
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(Piece::Field(Field::new(&name)));
                }
                '}' => return Err("a brace is closed that was not opened; write '}}' for a brace"),
                letter => text.push(letter),
            }
        }
        if !text.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self(pieces))
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Field(field) => Some(field),
            Piece::Text(_) => None,
        })
    }

    /// The word with the values of a row in it.
    pub fn fill(&self, values: &Values<'_>) -> Result<String, Clean> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Field(field) => filled.push_str(&values.get(field)?),
            }
        }
        Ok(filled)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Field(field) => write!(f, "{{{}}}", field.name())?,
            }
        }
        Ok(())
    }
}

/// Names of the variables with this prefix that a script mentions, `$MIDWATCH_NAME` or `${MIDWATCH_NAME}`.
pub fn variables<'a>(script: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    script.match_indices(prefix).filter_map(move |(at, _)| {
        let before = &script[..at];
        let name = &script[at + prefix.len()..];
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        (before.ends_with('$') || before.ends_with("${")).then_some(&name[..end])
    })
}
