//! `midwatch completions SHELL`: a completion script, from the command line's own definition.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use color_eyre::Result;

use super::{Cli, report};

#[derive(Clone, Copy, Debug, Args)]
pub struct Completions {
    shell: Shell,
}

pub fn run(completions: Completions) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Cli::command(), "midwatch", &mut script);
    report::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
