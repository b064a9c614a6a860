//! `midwatch man [COMMAND]`: a manual page in roff, from the command line's own definition.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use color_eyre::{Result, eyre::eyre};

use super::{Cli, report};

#[derive(Clone, Debug, Args)]
pub struct Man {
    /// The page of this command
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub fn run(man: &Man) -> Result<ExitCode> {
    let mut whole = Cli::command();
    whole.build();
    let command = match &man.command {
        None => whole,
        Some(name) => {
            let found = whole.find_subcommand(name).cloned();
            let found = found.ok_or_else(|| eyre!("there is no command '{name}'; `midwatch --help` lists them"))?;
            let page = format!("midwatch-{name}");
            found.name(page)
        }
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    report::print(&String::from_utf8_lossy(&page))?;
    Ok(ExitCode::SUCCESS)
}
