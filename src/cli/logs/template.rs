//! `--template`: a line's form, in stern's words. Of Go's templates what lines of logs are written with is known: fields,
//! variables, functions and pipes, `if` and `with`; all else is an error, so that nothing is left out in silence.

mod functions;
mod layout;
mod parse;
mod value;
mod words;

use std::str::FromStr;

use self::{
    parse::{Base, Command, Node, Operand, Pipeline},
    value::Value,
};

pub(super) use self::value::Line;
use crate::query::WantedDetails;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    nodes: Vec<Node>,
    details: WantedDetails,
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse::parse(text).map(|(nodes, details)| Self { nodes, details })
    }
}

impl Template {
    /// What it needs to know of the pods.
    pub(super) fn details(&self) -> WantedDetails {
        self.details
    }

    /// What stands in the place of a line, without the line break at its end; or why it does not fit the template.
    pub(super) fn line(&self, line: &Line<'_>) -> Result<String, String> {
        let mut writing = Writing { line, variables: Vec::new(), out: String::new() };
        writing.nodes(&self.nodes, &Value::Line)?;
        let mut out = writing.out;
        out.truncate(out.trim_end_matches('\n').len());
        Ok(out)
    }
}

/// A line on its way through a template.
struct Writing<'a> {
    line: &'a Line<'a>,
    variables: Vec<(&'a str, Value)>,
    out: String,
}

impl<'a> Writing<'a> {
    fn nodes(&mut self, nodes: &'a [Node], dot: &Value) -> Result<(), String> {
        for node in nodes {
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Show(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    // `{{$d := .Message}}` writes nothing.
                    if pipeline.declares.is_none() {
                        self.out.push_str(&self.line.shown(&value));
                    }
                }
                Node::Branch { is_with, on, then, other } => {
                    let outside = self.variables.len();
                    let value = self.pipeline(on, dot)?;
                    match (value.is_true(self.line), is_with) {
                        (true, true) => self.nodes(then, &value)?,
                        (true, false) => self.nodes(then, dot)?,
                        (false, _) => self.nodes(other, dot)?,
                    }
                    self.variables.truncate(outside);
                }
            }
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, dot: &Value) -> Result<Value, String> {
        let mut piped = None;
        for command in &pipeline.commands {
            piped = Some(match command {
                Command::Operand(operand) => self.operand(operand, dot)?,
                Command::Call(function, arguments) => {
                    let given: Result<Vec<Value>, String> =
                        arguments.iter().map(|argument| self.operand(argument, dot)).collect();
                    // What is piped comes last, as in Go.
                    let values: Vec<Value> = given?.into_iter().chain(piped).collect();
                    functions::call(*function, &values, self.line)?
                }
            });
        }
        let value = piped.unwrap_or(Value::Nil);
        if let Some(name) = &pipeline.declares {
            self.variables.push((name, value.clone()));
        }
        Ok(value)
    }

    fn operand(&mut self, operand: &'a Operand, dot: &Value) -> Result<Value, String> {
        let base = match &operand.base {
            Base::Dot => dot.clone(),
            Base::Line => Value::Line,
            Base::Variable(name) => {
                let newest = self.variables.iter().rev().find(|(known, _)| known == name);
                newest.map_or(Value::Nil, |(_, value)| value.clone())
            }
            Base::Value(value) => value.clone(),
            Base::Group(pipeline) => {
                let outside = self.variables.len();
                let value = self.pipeline(pipeline, dot)?;
                self.variables.truncate(outside);
                value
            }
        };
        operand.fields.iter().try_fold(base, |value, field| value.field(field, self.line))
    }
}

#[cfg(test)]
mod tests;
