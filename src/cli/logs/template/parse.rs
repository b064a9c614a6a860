//! A template read once, so that what is wrong with it is said before the first line.

use std::collections::VecDeque;

use super::{
    functions::{self, Function},
    value::{self, Value},
    words::{self, Word},
};
use crate::query::WantedDetails;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    Show(Pipeline),
    /// `if`, or `with`, in which `.` is what was asked about.
    Branch {
        is_with: bool,
        on: Pipeline,
        then: Vec<Node>,
        other: Vec<Node>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pipeline {
    /// `$name := `
    pub declares: Option<String>,
    pub commands: Vec<Command>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    Operand(Operand),
    Call(Function, Vec<Operand>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operand {
    pub base: Base,
    pub fields: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Base {
    Dot,
    /// `$`
    Line,
    Variable(String),
    Value(Value),
    Group(Pipeline),
}

/// And which details of pods it uses.
pub(super) fn parse(template: &str) -> Result<(Vec<Node>, WantedDetails), String> {
    // Each line here ends by itself.
    let mut parser = Parser {
        rest: template.trim_end_matches("\\n"),
        trims: false,
        declared: Vec::new(),
        is_line: true,
        details: WantedDetails::default(),
    };
    match parser.nodes()? {
        (nodes, Stop::Over) => Ok((nodes, parser.details)),
        _ => Err("an {{end}} or {{else}} has no {{if}} or {{with}}".to_owned()),
    }
}

/// What ended a list of nodes.
enum Stop {
    Over,
    End,
    /// And what stands behind the word.
    Else(Words),
}

struct Parser<'a> {
    rest: &'a str,
    /// `-}}` was the last: white space behind it goes.
    trims: bool,
    declared: Vec<String>,
    /// `.` is the line: its fields are known.
    is_line: bool,
    details: WantedDetails,
}

impl<'a> Parser<'a> {
    fn nodes(&mut self) -> Result<(Vec<Node>, Stop), String> {
        let mut nodes = Vec::new();
        loop {
            let (text, action) = match self.rest.split_once("{{") {
                Some((text, action)) => (text, Some(action)),
                None => (self.rest, None),
            };
            let trims_before = action.is_some_and(|action| action.starts_with("- "));
            let text = if std::mem::take(&mut self.trims) { text.trim_start() } else { text };
            let text = if trims_before { text.trim_end() } else { text };
            if !text.is_empty() {
                nodes.push(Node::Text(text.replace("\\t", "\t")));
            }
            let Some(action) = action else { return Ok((nodes, Stop::Over)) };
            let mut words = self.action(action.strip_prefix('-').filter(|_| trims_before).unwrap_or(action))?;
            match words.first_name() {
                _ if words.is_over() => {}
                Some("if" | "with") => nodes.push(self.branch(words)?),
                Some("end") => return Ok((nodes, Stop::End)),
                Some("else") => {
                    words.next();
                    return Ok((nodes, Stop::Else(words)));
                }
                Some(name @ ("range" | "define" | "template" | "block" | "break" | "continue")) => {
                    return Err(format!(
                        "'{{{{{name}}}}}' is not known: of Go's words there are if, with, else and end"
                    ));
                }
                _ => nodes.push(Node::Show(self.whole(&mut words)?)),
            }
        }
    }

    /// The words of an action whose braces are open already; none of a comment.
    fn action(&mut self, text: &'a str) -> Result<Words, String> {
        if text.trim_start().starts_with("/*") {
            let (_, behind) = text.split_once("*/").ok_or("a '/*' is not closed")?;
            let (before, rest) = behind.split_once("}}").ok_or("a '{{' is not closed")?;
            (self.trims, self.rest) = (before.ends_with('-'), rest);
            return Ok(Words::default());
        }
        let action = words::of_action(text)?;
        (self.trims, self.rest) = (action.trims, action.rest);
        let said = &text[..text.len() - action.rest.len()];
        let said = said.trim_end_matches("}}").trim_end_matches('-').trim().to_owned();
        Ok(Words { list: action.words.into(), said })
    }

    fn branch(&mut self, mut words: Words) -> Result<Node, String> {
        let is_with = words.next() == Some(Word::Name("with".to_owned()));
        let (declared, was_line) = (self.declared.len(), self.is_line);
        let on = self.whole(&mut words)?;
        self.is_line &= !is_with;
        let (then, stop) = self.nodes()?;
        self.is_line = was_line;
        let no_end = || format!("'{{{{{}}}}}' has no {{{{end}}}}", words.said);
        let other = match stop {
            Stop::Over => return Err(no_end()),
            Stop::End => Vec::new(),
            Stop::Else(words) if words.is_over() => match self.nodes()? {
                (other, Stop::End) => other,
                _ => return Err(no_end()),
            },
            Stop::Else(words) if matches!(words.first_name(), Some("if" | "with")) => vec![self.branch(words)?],
            Stop::Else(words) => return Err(words.wrong("behind else stands nothing, if or with")),
        };
        self.declared.truncate(declared);
        Ok(Node::Branch { is_with, on, then, other })
    }

    /// A pipeline, and nothing behind it.
    fn whole(&mut self, words: &mut Words) -> Result<Pipeline, String> {
        let pipeline = self.pipeline(words)?;
        if words.is_over() { Ok(pipeline) } else { Err(words.wrong("more stands in it than can be read")) }
    }

    fn pipeline(&mut self, words: &mut Words) -> Result<Pipeline, String> {
        let declares = match (words.list.front(), words.list.get(1)) {
            (Some(Word::Variable(name)), Some(Word::Declare)) => Some(name.clone()),
            _ => None,
        };
        if declares.is_some() {
            words.list.drain(..2);
        }
        let mut commands = vec![self.command(words, false)?];
        while words.list.front() == Some(&Word::Pipe) {
            words.next();
            commands.push(self.command(words, true)?);
        }
        self.declared.extend(declares.clone());
        Ok(Pipeline { declares, commands })
    }

    fn command(&mut self, words: &mut Words, is_piped: bool) -> Result<Command, String> {
        let Some(name) =
            words.first_name().filter(|name| !matches!(*name, "true" | "false" | "nil")).map(str::to_owned)
        else {
            let operand = self.operand(words)?;
            let stands_alone = !is_piped && matches!(words.list.front(), None | Some(Word::Pipe | Word::Close));
            return if stands_alone {
                Ok(Command::Operand(operand))
            } else {
                Err(words.wrong("a function is missing"))
            };
        };
        words.next();
        let function = functions::named(&name).ok_or_else(|| {
            words.wrong(&format!("there is no function '{name}': there are {}", functions::names().join(" ")))
        })?;
        let mut arguments = Vec::new();
        while !matches!(words.list.front(), None | Some(Word::Pipe | Word::Close)) {
            arguments.push(self.operand(words)?);
        }
        let given = arguments.len() + usize::from(is_piped);
        let takes = functions::takes(function);
        if !takes.contains(&given) {
            let least = takes.start();
            return Err(words.wrong(&format!(
                "'{name}' takes {}{least}, not {given}",
                if takes.end() > least { "at least " } else { "" }
            )));
        }
        Ok(Command::Call(function, arguments))
    }

    fn operand(&mut self, words: &mut Words) -> Result<Operand, String> {
        let wrong = |words: &Words, why: &str| Err(words.wrong(why));
        let (base, own) = match words.next() {
            Some(Word::Fields { fields, .. }) => (Base::Dot, fields),
            Some(Word::Variable(name)) if name.is_empty() => (Base::Line, Vec::new()),
            Some(Word::Variable(name)) if self.declared.contains(&name) => (Base::Variable(name), Vec::new()),
            Some(Word::Variable(name)) => return wrong(words, &format!("there is no variable '${name}'")),
            Some(Word::Text(text)) => (Base::Value(Value::Text(text)), Vec::new()),
            Some(Word::Number(number)) => (Base::Value(Value::Json(number.into())), Vec::new()),
            Some(Word::Name(name)) => match name.as_str() {
                "true" => (Base::Value(Value::Json(true.into())), Vec::new()),
                "false" => (Base::Value(Value::Json(false.into())), Vec::new()),
                "nil" => (Base::Value(Value::Nil), Vec::new()),
                // `print now`: in Go a function without arguments; there is none.
                _ => return wrong(words, &format!("'{name}' is no argument: put a call into brackets")),
            },
            Some(Word::Open) => {
                let outside = self.declared.len();
                let group = self.pipeline(words)?;
                self.declared.truncate(outside);
                if words.next() != Some(Word::Close) {
                    return wrong(words, "a bracket is not closed");
                }
                (Base::Group(group), Vec::new())
            }
            Some(Word::Close | Word::Pipe | Word::Declare) | None => return wrong(words, "a value is missing"),
        };
        let mut fields = own;
        if base != Base::Dot
            && let Some(Word::Fields { fields: glued, is_glued: true }) = words.list.front()
        {
            fields.clone_from(glued);
            words.next();
        }
        if base == Base::Line || base == Base::Dot && self.is_line {
            match fields.first().map(String::as_str) {
                // The whole line, whatever becomes of it.
                None => self.details = WantedDetails::ALL,
                Some("NodeName") => self.details.node = true,
                Some("Labels") => self.details.labels = true,
                Some("Annotations") => self.details.annotations = true,
                Some(first) if !value::is_field(first) => {
                    return wrong(words, &format!("'.{first}' is not known: write one of {}", value::fields()));
                }
                Some(_) => {}
            }
        }
        Ok(Operand { base, fields })
    }
}

/// The words of an action that are still to be read.
#[derive(Default)]
struct Words {
    list: VecDeque<Word>,
    /// All of it as it was written.
    said: String,
}

impl Words {
    fn next(&mut self) -> Option<Word> {
        self.list.pop_front()
    }

    fn is_over(&self) -> bool {
        self.list.is_empty()
    }

    fn first_name(&self) -> Option<&str> {
        match self.list.front() {
            Some(Word::Name(name)) => Some(name),
            _ => None,
        }
    }

    fn wrong(&self, why: &str) -> String {
        format!("'{{{{{}}}}}': {why}", self.said)
    }
}
