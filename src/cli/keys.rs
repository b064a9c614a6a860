//! `midwatch keys`: every command, its keys as they are bound now, from the one table of commands.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;
use color_eyre::{Result, eyre::eyre};

use super::{Global, report, setup};
use crate::{
    command::{COMMANDS, CommandSpec, Scope},
    config::load,
    keymap::Keymap,
};

#[derive(Clone, Copy, Debug, Args)]
pub struct Keys {
    /// A Markdown table
    #[arg(long)]
    markdown: bool,
}

pub fn run(keys: Keys, global: &Global) -> Result<ExitCode> {
    let config = load::load(global.config.as_deref(), Some(&setup::paths().config))?.config;
    let keymap = Keymap::new(config.keys.preset.as_deref(), &config.keys.commands)
        .map_err(|errors| eyre!("{}", errors.join("; ")))?;
    let text = if keys.markdown {
        markdown(&keymap)
    } else {
        report::columns(&["KEYS", "COMMAND", "WHERE", "WHAT"], &rows(&keymap))
    };
    report::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn bound(keymap: &Keymap, spec: &CommandSpec, join: &str, quote: &str) -> String {
    let keys: Vec<String> = keymap.keys(spec.id).iter().map(|key| format!("{quote}{key}{quote}")).collect();
    keys.join(join)
}

fn place(scope: Scope) -> String {
    match scope {
        Scope::Everywhere => "everywhere".to_owned(),
        Scope::Screen(screen) => format!("screen {}", screen.title()),
        Scope::On(kinds) => kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", "),
    }
}

fn help(spec: &CommandSpec) -> String {
    if spec.writes { format!("{} (writes)", spec.help) } else { spec.help.to_owned() }
}

fn rows(keymap: &Keymap) -> Vec<Vec<String>> {
    let row = |spec: &CommandSpec| {
        let keys = bound(keymap, spec, " ", "");
        vec![if keys.is_empty() { "-".to_owned() } else { keys }, spec.name.to_owned(), place(spec.scope), help(spec)]
    };
    COMMANDS.iter().map(row).collect()
}

/// The table of the README.
pub fn markdown(keymap: &Keymap) -> String {
    let mut text = String::from("| Keys | Command | On | What |\n|---|---|---|---|\n");
    for spec in COMMANDS {
        let keys = bound(keymap, spec, " ", "`").replace('|', "\\|");
        let _ = writeln!(text, "| {keys} | `{}` | {} | {} |", spec.name, place(spec.scope), help(spec));
    }
    text
}
