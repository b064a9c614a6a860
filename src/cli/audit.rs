//! `midwatch audit`: what was done with midwatch, as a Markdown table or JSON (`show audit --json`). Needs no backend.

use std::{fmt::Write as _, process::ExitCode, sync::Arc};

use clap::Args;
use color_eyre::Result;

use super::{report, rows, setup, show};
use crate::time::Clock;

#[derive(Clone, Debug, Args)]
pub struct Audit {
    /// JSON, as `show audit --json`
    #[arg(long)]
    json: bool,
}

pub fn run(audit: &Audit, clock: &Arc<dyn Clock>) -> Result<ExitCode> {
    let acts = show::past_acts(&setup::paths().audit(), clock)?;
    let sections = rows::audit(acts.iter());
    if audit.json {
        report::print_json(&show::audit_json(&sections, clock))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text =
        String::from("| number | at | outcome | who | what | where | why |\n|---|---|---|---|---|---|---|\n");
    for cells in sections.iter().flat_map(rows::Section::cells) {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    report::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
