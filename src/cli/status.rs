//! `midwatch status`: one look at what needs me, in words.
//!
//! Exit codes: 0 nothing needs you, 1 something does, 3 a backend could not be read (3 wins).
//! JSON: as `show now --json`.

use std::{process::ExitCode, sync::Arc};

use clap::Args;
use color_eyre::Result;

use super::{
    Global,
    report::{self, Look},
    rows, setup,
};
use crate::{headless::Reading, time::Clock, ui::screens::needs::needs};

/// Exit code: a backend could not be read.
pub const UNREADABLE: u8 = 3;

#[derive(Clone, Debug, Args)]
pub struct Status {
    /// JSON, as `show now --json`
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    within: setup::Within,
}

pub async fn run(status: Status, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let (_, _wired, mut reading) = setup::reading(&global, &clock, |_| true).await?;
    reading.once(status.within.duration()).await;
    let found = rows::now(&reading);
    if status.json {
        report::print_json(&report::envelope(&reading, "now", &found.json()))?;
    } else {
        report::print(&text(&reading, &found))?;
    }
    let code = code(&reading);
    reading.stop().await;
    Ok(code)
}

/// What the exit code says.
fn code(reading: &Reading) -> ExitCode {
    let needs_me = !needs(&reading.view()).is_empty();
    ExitCode::from(if reading.unreadable().is_empty() { u8::from(needs_me) } else { UNREADABLE })
}

fn text(reading: &Reading, found: &rows::Section) -> String {
    let looks = report::looks(reading);
    let unreadable = looks.iter().filter(|look| !look.errors.is_empty()).count();
    let mut text = match found.rows.len() {
        0 if unreadable > 0 => "nothing known needs you\n".to_owned(),
        0 => "nothing needs you\n".to_owned(),
        1 => "1 thing needs you\n".to_owned(),
        many => format!("{many} things need you\n"),
    };
    text.push_str(&report::columns(&["", "", "", ""], &found.cells()));
    text.push_str("\nbackends\n");
    let cells: Vec<Vec<String>> = looks.iter().map(Look::cells).collect();
    text.push_str(&report::columns(&["", "", "", ""], &cells));
    text
}
