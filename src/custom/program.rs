//! A command line with everything filled in.

use super::fields::Values;
use crate::{
    model::BackendId,
    text::{Clean, quoted},
};

/// Where a program's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// It has the terminal until it ends.
    Screen,
    /// It is shown as a page when the program has ended.
    Page,
    /// Only how it ended is said.
    Nowhere,
}

/// A program with its arguments, ready to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The command's name.
    pub name: Clean,
    /// What it is run on: `pod myapp-1`.
    pub on: Clean,
    /// The object's own name, which a person must have read.
    pub object: Clean,
    /// `prod-eu1/shop`
    pub place: Clean,
    pub backend: Option<BackendId>,
    /// What it is run on is production.
    pub production: bool,
    pub writes: bool,
    pub asks: bool,
    pub output: Output,
    pub argv: Vec<String>,
    /// Over the environment of midwatch.
    pub env: Vec<(String, String)>,
    /// The context that the program finds as the current one.
    pub context: Option<Clean>,
}

impl Program {
    /// One that runs nothing yet, on the row of these values.
    pub fn new(name: Clean, values: &Values<'_>) -> Self {
        let backend = values.target.backend().cloned();
        Self {
            name,
            on: Clean::own(values.target.to_string()),
            object: values.name().unwrap_or_default(),
            place: values.place(),
            production: backend.as_ref().is_some_and(|backend| values.is_production(backend)),
            writes: true,
            asks: true,
            output: Output::Screen,
            argv: Vec::new(),
            env: values.environment(),
            context: None,
            backend,
        }
    }

    /// The same, to be pasted into a shell.
    pub fn line(&self) -> Clean {
        let words: Vec<String> = self.argv.iter().map(|word| quoted(word)).collect();
        Clean::own(words.join(" "))
    }
}
