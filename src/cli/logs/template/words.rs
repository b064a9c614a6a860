//! The words of one `{{...}}`.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// `parseJSON`, `with`
    Name(String),
    /// `.`, or the fields of `.a.b`; glued to what is before it, they are its fields.
    Fields {
        fields: Vec<String>,
        is_glued: bool,
    },
    /// `$d`; `$` has no name.
    Variable(String),
    Text(String),
    /// As JSON has them.
    Number(serde_json::Number),
    Open,
    Close,
    Pipe,
    Declare,
}

/// What stands between two braces.
pub(super) struct Action<'a> {
    pub words: Vec<Word>,
    /// It ends in ` -}}`.
    pub trims: bool,
    /// What stands behind it.
    pub rest: &'a str,
}

/// Reads an action whose braces are open already.
pub(super) fn of_action(text: &str) -> Result<Action<'_>, String> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    let mut is_glued = false;
    loop {
        let rest = rest_of(text, &letters);
        let trimmed = rest.strip_prefix("-}}").filter(|_| !is_glued);
        if let Some(rest) = trimmed.or_else(|| rest.strip_prefix("}}")) {
            return Ok(Action { words, trims: trimmed.is_some(), rest });
        }
        let Some(letter) = letters.next() else { return Err("a '{{' is not closed".to_owned()) };
        let was_glued = std::mem::replace(&mut is_glued, !letter.is_whitespace());
        words.push(match letter {
            letter if letter.is_whitespace() => continue,
            '(' => Word::Open,
            ')' => Word::Close,
            '|' => Word::Pipe,
            ':' if letters.next_if_eq(&'=').is_some() => Word::Declare,
            '"' => Word::Text(quoted(&mut letters)?),
            '`' => Word::Text(raw(&mut letters)?),
            '.' => {
                let mut fields = vec![name(&mut letters)];
                while letters.next_if_eq(&'.').is_some() {
                    fields.push(name(&mut letters));
                }
                if fields.len() == 1 {
                    fields.retain(|field| !field.is_empty());
                } else if fields.iter().any(String::is_empty) {
                    return Err("a field has no name".to_owned());
                }
                Word::Fields { fields, is_glued: was_glued }
            }
            '$' => Word::Variable(name(&mut letters)),
            letter if letter.is_alphabetic() || letter == '_' => Word::Name(format!("{letter}{}", name(&mut letters))),
            letter if letter.is_ascii_digit() || matches!(letter, '-' | '+') => {
                let mut number = String::from(letter);
                while let Some(next) = letters.next_if(|next| next.is_ascii_alphanumeric() || *next == '.') {
                    number.push(next);
                }
                let read = serde_json::from_str(number.trim_start_matches('+'));
                Word::Number(read.map_err(|_| format!("'{number}' is no number"))?)
            }
            other => return Err(format!("'{other}' is not known")),
        });
    }
}

fn rest_of<'a>(text: &'a str, letters: &Peekable<Chars<'_>>) -> &'a str {
    let left: usize = letters.clone().map(char::len_utf8).sum();
    &text[text.len() - left..]
}

fn name(letters: &mut Peekable<Chars<'_>>) -> String {
    std::iter::from_fn(|| letters.next_if(|letter| letter.is_alphanumeric() || *letter == '_')).collect()
}

fn quoted(letters: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match letters.next() {
            Some('"') => return Ok(text),
            Some('\\') => text.push(match letters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(same @ ('"' | '\\' | '\'')) => same,
                Some(other) => return Err(format!("'\\{other}' is not known")),
                None => return Err("a '\"' is not closed".to_owned()),
            }),
            Some(letter) => text.push(letter),
            None => return Err("a '\"' is not closed".to_owned()),
        }
    }
}

fn raw(letters: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let text: String = std::iter::from_fn(|| letters.next_if(|letter| *letter != '`')).collect();
    letters.next().map(|_| text).ok_or_else(|| "a '`' is not closed".to_owned())
}
