//! Runs programs: with the terminal, which they have to themselves, or beside it with their output taken in.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

use crate::{custom::Program, text::Clean};

/// Most of a program's output that is kept.
const MOST: usize = 1024 * 1024;
/// How long a program without a terminal may take.
const LONGEST: Duration = Duration::from_mins(10);

/// The program, ready to be started.
pub fn command(program: &Program) -> Command {
    let mut command = Command::new(&program.argv[0]);
    command.args(&program.argv[1..]).envs(program.env.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
    command
}

/// Why a program could not be started, for people.
pub fn not_started(program: &str, error: &io::Error) -> Clean {
    Clean::own(match error.kind() {
        io::ErrorKind::NotFound => format!("'{program}' is not installed, or not in PATH"),
        _ => format!("'{program}' could not be started: {error}"),
    })
}

/// Runs it with the terminal. Signals of the terminal reach both: ctrl-c and ctrl-\ are left to the child.
pub async fn with_terminal(mut command: Command) -> io::Result<ExitStatus> {
    #[cfg(unix)]
    let _quit = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::quit())?;
    let mut child = command.spawn()?;
    child.wait().await
}

/// Runs it without a terminal. What it wrote, on both streams, in the order it came.
pub async fn beside(mut command: Command) -> io::Result<(Option<ExitStatus>, Clean)> {
    // Keys of the terminal are not its own: neither ctrl-c nor what is typed for something else.
    #[cfg(unix)]
    command.process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (mut text, mut dropped) = (Vec::new(), 0);
    let all = async {
        take_in(out, err, &mut text, &mut dropped).await?;
        child.wait().await
    };
    let status = match tokio::time::timeout(LONGEST, all).await {
        Ok(status) => Some(status?),
        // Dropped, it is killed.
        Err(_) => None,
    };
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if dropped > 0 {
        text.extend(["\n… ", &dropped.to_string(), " bytes more"]);
    }
    Ok((status, Clean::block(text.trim_end())))
}

async fn take_in(
    mut out: impl AsyncRead + Unpin,
    mut err: impl AsyncRead + Unpin,
    text: &mut Vec<u8>,
    dropped: &mut usize,
) -> io::Result<()> {
    let (mut first, mut second) = (vec![0; 8192], vec![0; 8192]);
    let (mut has_out, mut has_err) = (true, true);
    while has_out || has_err {
        let bytes = tokio::select! {
            count = out.read(&mut first), if has_out => {
                let count = count?;
                has_out = count > 0;
                &first[..count]
            }
            count = err.read(&mut second), if has_err => {
                let count = count?;
                has_err = count > 0;
                &second[..count]
            }
        };
        let room = MOST.saturating_sub(text.len()).min(bytes.len());
        text.extend_from_slice(&bytes[..room]);
        *dropped += bytes.len() - room;
    }
    Ok(())
}

/// `exit status 1`, `signal 9 (SIGKILL)`
pub fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => status.to_string(),
    }
}
