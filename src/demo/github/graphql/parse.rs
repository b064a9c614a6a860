//! The GraphQL query language: a document to its operations and fragments.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A whole document.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub operations: Vec<Operation>,
    pub fragments: BTreeMap<String, Fragment>,
}

/// A query or mutation.
#[derive(Debug)]
pub(super) struct Operation {
    pub kind: String,
    pub name: Option<String>,
    /// Name, type as written, default.
    pub variables: Vec<(String, String, Option<Value>)>,
    pub selections: Vec<Selection>,
}

/// A named fragment.
#[derive(Debug)]
pub(super) struct Fragment {
    pub on: String,
    pub selections: Vec<Selection>,
}

/// One member of a selection set.
#[derive(Debug)]
pub(super) enum Selection {
    Field(Field),
    Spread(String),
    Inline { on: Option<String>, selections: Vec<Selection> },
}

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    pub alias: Option<String>,
    pub name: String,
    pub arguments: Vec<(String, Argument)>,
    pub selections: Vec<Selection>,
    /// Line and column, from 1.
    pub at: (usize, usize),
}

/// The value of an argument.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    Variable(String),
    List(Vec<Argument>),
    Object(Vec<(String, Argument)>),
    Plain(Value),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Sign(char),
    Spread,
    Name(String),
    Text(String),
    Number(String),
}

/// Why a document cannot be read.
#[derive(Debug)]
pub(super) struct SyntaxError(pub String);

type Read<T> = Result<T, SyntaxError>;

/// Reads a document.
pub(super) fn parse(text: &str) -> Read<Document> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens, next: 0 };
    let mut document = Document::default();
    while let Some(token) = reader.peek().cloned() {
        match token {
            Token::Sign('{') => document.operations.push(Operation {
                kind: "query".into(),
                name: None,
                variables: Vec::new(),
                selections: reader.selections()?,
            }),
            Token::Name(word) if word == "fragment" => {
                reader.next += 1;
                let name = reader.name()?;
                reader.word("on")?;
                let on = reader.name()?;
                let selections = reader.selections()?;
                document.fragments.insert(name, Fragment { on, selections });
            }
            Token::Name(kind) if kind == "query" || kind == "mutation" => {
                reader.next += 1;
                let name = if matches!(reader.peek(), Some(Token::Name(_))) { Some(reader.name()?) } else { None };
                let variables = reader.variables()?;
                let selections = reader.selections()?;
                document.operations.push(Operation { kind, name, variables, selections });
            }
            other => return Err(unexpected(Some(&other))),
        }
    }
    Ok(document)
}

fn unexpected(token: Option<&Token>) -> SyntaxError {
    SyntaxError(match token {
        None => "Unexpected end of document".to_owned(),
        Some(Token::Sign(c)) => format!("Parse error on \"{c}\""),
        Some(Token::Spread) => "Parse error on \"...\" (ELLIPSIS)".to_owned(),
        Some(Token::Name(n)) => format!("Parse error on \"{n}\" (IDENTIFIER)"),
        Some(Token::Text(t)) => format!("Parse error on \"{t}\" (STRING)"),
        Some(Token::Number(n)) => format!("Parse error on \"{n}\" (INT)"),
    })
}

fn tokens(text: &str) -> Read<Vec<(Token, (usize, usize))>> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let chars: Vec<char> = line.chars().collect();
        let mut n = 0;
        while n < chars.len() {
            let at = (index + 1, n + 1);
            let run = |from: usize, keep: fn(char) -> bool| {
                chars[from..].iter().take_while(|c| keep(**c)).collect::<String>()
            };
            match chars[n] {
                '#' => break,
                c if c.is_whitespace() || c == ',' || c == '\u{feff}' => n += 1,
                '{' | '}' | '(' | ')' | '[' | ']' | ':' | '!' | '=' | '$' | '@' | '|' | '&' => {
                    found.push((Token::Sign(chars[n]), at));
                    n += 1;
                }
                '.' if chars[n..].starts_with(&['.', '.', '.']) => {
                    found.push((Token::Spread, at));
                    n += 3;
                }
                '"' => {
                    let (text, length) = string(&chars[n..])?;
                    found.push((Token::Text(text), at));
                    n += length;
                }
                c if c.is_ascii_alphabetic() || c == '_' => {
                    let name = run(n, |c| c.is_ascii_alphanumeric() || c == '_');
                    n += name.chars().count();
                    found.push((Token::Name(name), at));
                }
                c if c.is_ascii_digit() || c == '-' => {
                    let number = run(n, |c| c.is_ascii_digit() || "+-.eE".contains(c));
                    n += number.len();
                    found.push((Token::Number(number), at));
                }
                c => return Err(SyntaxError(format!("Parse error on \"{c}\" (error)"))),
            }
        }
    }
    Ok(found)
}

/// A string on one line, and how many characters it is.
fn string(chars: &[char]) -> Read<(String, usize)> {
    let mut n = 1;
    while n < chars.len() {
        match chars[n] {
            '\\' => n += 2,
            '"' => {
                let raw: String = chars[..=n].iter().collect();
                let text = serde_json::from_str(&raw).map_err(|_| SyntaxError("Bad string".into()))?;
                return Ok((text, n + 1));
            }
            _ => n += 1,
        }
    }
    Err(SyntaxError("Unterminated string".into()))
}

struct Reader {
    tokens: Vec<(Token, (usize, usize))>,
    next: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(t, _)| t)
    }

    fn take(&mut self, sign: char) -> bool {
        let is = self.peek() == Some(&Token::Sign(sign));
        self.next += usize::from(is);
        is
    }

    fn need(&mut self, sign: char) -> Read<()> {
        if self.take(sign) { Ok(()) } else { Err(unexpected(self.peek())) }
    }

    fn name(&mut self) -> Read<String> {
        match self.peek().cloned() {
            Some(Token::Name(name)) => {
                self.next += 1;
                Ok(name)
            }
            other => Err(unexpected(other.as_ref())),
        }
    }

    fn word(&mut self, word: &str) -> Read<()> {
        if self.name()? == word { Ok(()) } else { Err(SyntaxError(format!("Expected \"{word}\""))) }
    }

    fn variables(&mut self) -> Read<Vec<(String, String, Option<Value>)>> {
        let mut all = Vec::new();
        if !self.take('(') {
            return Ok(all);
        }
        while !self.take(')') {
            self.need('$')?;
            let name = self.name()?;
            self.need(':')?;
            let kind = self.kind()?;
            let default = if self.take('=') { Some(plain(&self.value()?)) } else { None };
            all.push((name, kind, default));
        }
        Ok(all)
    }

    fn kind(&mut self) -> Read<String> {
        let mut text = if self.take('[') {
            let inner = self.kind()?;
            self.need(']')?;
            format!("[{inner}]")
        } else {
            self.name()?
        };
        if self.take('!') {
            text.push('!');
        }
        Ok(text)
    }

    fn selections(&mut self) -> Read<Vec<Selection>> {
        self.need('{')?;
        let mut all = Vec::new();
        while !self.take('}') {
            all.push(self.selection()?);
        }
        if all.is_empty() { Err(unexpected(Some(&Token::Sign('}')))) } else { Ok(all) }
    }

    fn selection(&mut self) -> Read<Selection> {
        if self.peek() == Some(&Token::Spread) {
            self.next += 1;
            let on = match self.peek() {
                Some(Token::Sign('{')) => None,
                Some(Token::Name(word)) if word == "on" => {
                    self.next += 1;
                    Some(self.name()?)
                }
                _ => return Ok(Selection::Spread(self.name()?)),
            };
            return Ok(Selection::Inline { on, selections: self.selections()? });
        }
        let at = self.tokens.get(self.next).map_or((1, 1), |(_, at)| *at);
        let first = self.name()?;
        let (alias, name) = if self.take(':') { (Some(first), self.name()?) } else { (None, first) };
        let mut arguments = Vec::new();
        if self.take('(') {
            while !self.take(')') {
                let key = self.name()?;
                self.need(':')?;
                arguments.push((key, self.value()?));
            }
        }
        let more = self.peek() == Some(&Token::Sign('{'));
        let selections = if more { self.selections()? } else { Vec::new() };
        Ok(Selection::Field(Field { alias, name, arguments, selections, at }))
    }

    fn value(&mut self) -> Read<Argument> {
        let Some(token) = self.peek().cloned() else { return Err(unexpected(None)) };
        self.next += 1;
        Ok(match token {
            Token::Sign('$') => Argument::Variable(self.name()?),
            Token::Sign('[') => {
                let mut all = Vec::new();
                while !self.take(']') {
                    all.push(self.value()?);
                }
                Argument::List(all)
            }
            Token::Sign('{') => {
                let mut all = Vec::new();
                while !self.take('}') {
                    let key = self.name()?;
                    self.need(':')?;
                    all.push((key, self.value()?));
                }
                Argument::Object(all)
            }
            Token::Text(text) => Argument::Plain(json!(text)),
            Token::Number(text) => {
                Argument::Plain(serde_json::from_str(&text).map_err(|_| SyntaxError("Bad number".into()))?)
            }
            Token::Name(word) => Argument::Plain(match word.as_str() {
                "true" => json!(true),
                "false" => json!(false),
                "null" => Value::Null,
                _ => json!(word),
            }),
            other => return Err(unexpected(Some(&other))),
        })
    }
}

fn plain(value: &Argument) -> Value {
    match value {
        Argument::Plain(value) => value.clone(),
        Argument::List(all) => all.iter().map(plain).collect(),
        Argument::Object(all) => Value::Object(all.iter().map(|(k, v)| (k.clone(), plain(v))).collect()),
        Argument::Variable(_) => Value::Null,
    }
}

impl Argument {
    /// The value, with variables put in.
    pub fn resolve(&self, variables: &serde_json::Map<String, Value>) -> Value {
        match self {
            Self::Variable(name) => variables.get(name).cloned().unwrap_or(Value::Null),
            Self::List(all) => all.iter().map(|v| v.resolve(variables)).collect(),
            Self::Object(all) => Value::Object(all.iter().map(|(k, v)| (k.clone(), v.resolve(variables))).collect()),
            Self::Plain(value) => value.clone(),
        }
    }
}
