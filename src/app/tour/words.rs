//! A hint's text with the keys in force put in.

use ratatui::text::{Line, Span};

use crate::{
    action::{Risk, plan::Plan},
    command::Command,
    keymap::Keymap,
    ui::theme::Theme,
};

/// Stands for what the plan on screen asks for.
const CONFIRM: &str = "confirm";

/// A `{word}` that is no command.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("there is no command '{word}' for a key{}", near.map(|near| format!(": did you mean '{near}'?")).unwrap_or_default())]
pub struct UnknownWord {
    pub word: String,
    near: Option<&'static str>,
}

/// Whether every `{word}` of a hint is a command, or `{confirm}`.
pub fn check(text: &str) -> Result<(), UnknownWord> {
    for part in parts(text) {
        if let Part::Word(word) = part
            && word != CONFIRM
        {
            Command::by_name(word).map_err(|near| UnknownWord { word: word.to_owned(), near })?;
        }
    }
    Ok(())
}

enum Part<'a> {
    Text(&'a str),
    /// `{word}`
    Word(&'a str),
    /// A shell's line between backticks.
    Shell(&'a str),
}

fn parts(mut text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some(start) = text.find(['{', '`']) {
        let close = if text.as_bytes()[start] == b'{' { '}' } else { '`' };
        let Some(length) = text[start + 1..].find(close) else { break };
        let inside = &text[start + 1..start + 1 + length];
        parts.push(Part::Text(&text[..start]));
        parts.push(if close == '}' { Part::Word(inside) } else { Part::Shell(inside) });
        text = &text[start + length + 2..];
    }
    parts.push(Part::Text(text));
    parts
}

pub(super) fn line(text: &str, keymap: &Keymap, plan: Option<&Plan>, theme: &Theme) -> Line<'static> {
    let spans = parts(text).into_iter().map(|part| match part {
        Part::Text(text) => Span::styled(text.to_owned(), theme.text),
        Part::Shell(line) => Span::styled(line.to_owned(), theme.strong),
        Part::Word(CONFIRM) => Span::styled(plan.map(confirms).unwrap_or_default(), theme.strong),
        Part::Word(name) => Span::styled(key(name, keymap), theme.key),
    });
    spans.collect()
}

/// A command's key; without one, its line of the palette.
fn key(name: &str, keymap: &Keymap) -> String {
    let key = Command::by_name(name).ok().and_then(|command| keymap.shown(command));
    key.unwrap_or_else(|| format!(":{name}"))
}

/// What the plan's dialog takes as a yes.
fn confirms(plan: &Plan) -> String {
    let value = plan.accepts.first().map(crate::text::Clean::as_str).unwrap_or_default();
    match plan.risk {
        Risk::Quiet | Risk::Reversible => "y".to_owned(),
        Risk::Production => format!("type {value} and Enter"),
        Risk::Stopped => format!("type {value}, Tab, why, Enter"),
    }
}
