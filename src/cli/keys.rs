//! `midwatch keys`: every command with its keys as they are bound now, those of the configuration (`[[command]]`) after
//! midwatch's own.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;
use color_eyre::{Result, eyre::eyre};

use super::{Global, report, setup};
use crate::{
    command::{COMMANDS, Kind, Scope},
    config::load,
    custom::{self, OwnCommand},
    keymap::{Key, Keymap},
    text::Clean,
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
    let own = custom::commands(&config.command, "").map_err(|errors| eyre!("{}", errors.join("; ")))?;
    let all = all(&keymap, &own);
    let text = if keys.markdown { markdown(&all) } else { table(&all) };
    report::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A command as it is listed.
struct Listed {
    keys: Vec<String>,
    name: String,
    place: String,
    help: String,
}

fn all(keymap: &Keymap, own: &[OwnCommand]) -> Vec<Listed> {
    let built_in = COMMANDS.iter().map(|spec| Listed {
        keys: keymap.keys(spec.id).iter().map(Key::to_string).collect(),
        name: spec.name.to_owned(),
        place: place(spec.scope),
        help: help(spec.help, spec.writes),
    });
    let own = own.iter().map(|command| Listed {
        keys: command.key.iter().map(Key::to_string).collect(),
        name: command.name.to_string(),
        place: place_of(command),
        help: help(&command.help, command.writes),
    });
    built_in.chain(own).collect()
}

fn place(scope: Scope) -> String {
    match scope {
        Scope::Everywhere => "everywhere".to_owned(),
        Scope::Screen(screen) => format!("screen {}", screen.title()),
        Scope::On(kinds) => words(kinds),
    }
}

/// `pod, nodes`
fn place_of(command: &OwnCommand) -> String {
    let named = command.on.iter().filter(|kind| **kind != Kind::Object || command.kinds.is_empty());
    let words = named.map(|kind| kind.word()).chain(command.kinds.iter().map(Clean::as_str));
    words.collect::<Vec<_>>().join(", ")
}

fn words(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ")
}

fn help(says: &str, writes: bool) -> String {
    if writes { format!("{says} (writes)") } else { says.to_owned() }
}

fn table(all: &[Listed]) -> String {
    let row = |one: &Listed| {
        let keys = if one.keys.is_empty() { "-".to_owned() } else { one.keys.join(" ") };
        vec![keys, one.name.clone(), one.place.clone(), one.help.clone()]
    };
    report::columns(&["KEYS", "COMMAND", "WHERE", "WHAT"], &all.iter().map(row).collect::<Vec<_>>())
}

/// The table of the README.
fn markdown(all: &[Listed]) -> String {
    let mut text = String::from("| Keys | Command | On | What |\n|---|---|---|---|\n");
    let cell = |text: &str| text.replace('|', "\\|");
    for one in all {
        let keys: Vec<String> = one.keys.iter().map(|key| format!("`{key}`")).collect();
        let (keys, name, help) = (cell(&keys.join(" ")), cell(&one.name), cell(&one.help));
        let _ = writeln!(text, "| {keys} | `{name}` | {} | {help} |", one.place);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const OWN: &str = r#"
[[command]]
name = "attach"
key = "f9"
on = ["pod", "workload"]
help = "a shell | a log"
run = ["true"]
writes = true

[[command]]
name = "board"
on = ["alert"]
run = ["open-board"]
writes = false
"#;

    fn listed() -> Vec<Listed> {
        let config = load::parse(OWN, Path::new("config.toml")).expect("well written");
        all(&Keymap::default(), &custom::commands(&config.command, OWN).expect("checked"))
    }

    #[test]
    fn commands_of_the_configuration_stand_after_midwatchs_own() {
        let table = table(&listed());
        let words: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words.len(), 1 + COMMANDS.len() + 2, "{table}");
        let [.., attach, board] = words.as_slice() else { panic!("{table}") };
        assert_eq!(attach.join(" "), "f9 attach pod, workload a shell | a log (writes)");
        assert_eq!(board.join(" "), "- board alert open-board");
    }

    #[test]
    fn what_the_configuration_says_is_one_cell_of_markdown() {
        let table = markdown(&listed());
        let row = "| `f9` | `attach` | pod, workload | a shell \\| a log (writes) |";
        assert!(table.lines().any(|line| line == row), "{table}");
    }
}
