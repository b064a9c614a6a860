//! The command line: clap definitions, and one file per subcommand.

mod audit;
mod cockpit;
mod completions;
mod config;
mod crash;
mod demo;
mod doctor;
mod follow;
mod init;
mod keys;
mod logs;
mod man;
mod objects;
mod pipe;
mod report;
mod rollback;
mod rows;
mod setup;
mod show;
mod status;
mod target;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, Parser, Subcommand};

use crate::{
    secret::hide,
    text::Clean,
    time::{Clock, SystemClock},
};

/// The on-call engineer's cockpit in a terminal.
#[derive(Debug, Parser)]
#[command(name = "midwatch", version, about, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags that every subcommand takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Configuration file [default: the XDG folder's midwatch/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The kubeconfig to read, in place of KUBECONFIG and of what the configuration names: its current context, or --context
    #[arg(long, global = true, value_name = "FILE", value_parser = setup::kubeconfig_file)]
    pub kubeconfig: Option<PathBuf>,
    /// Open this context of the kubeconfig only
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Watch this namespace only
    #[arg(short = 'n', long, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Watch all namespaces
    #[arg(short = 'A', long, global = true, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Never write to any backend
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Plain ASCII in place of lines and Braille
    #[arg(long, global = true)]
    pub ascii: bool,
    /// auto, dark, light, colourblind or none
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// A practice world with an incident in it: no account, no network, no configuration
    Demo(demo::Demo),
    /// One look at what needs you. Exit 0: nothing does, 1: something does, 3: a backend could not be read
    Status(status::Status),
    /// What needs you, alerts and rollouts as they change, one event a line
    Follow(follow::Follow),
    /// The rows of a screen, read once
    Show(show::Show),
    /// Every backend: reachable, safe, as whom, with what budget; and what to do about what is not
    Doctor(doctor::Doctor),
    /// Logs of many pods, merged
    Logs(Box<logs::Logs>),
    /// Roll a workload back: the plan, its checks, and with --confirm the act. Exit 0 done, 1 refused, 2 usage,
    /// 3 unreadable, 4 unknown
    Rollback(rollback::Rollback),
    /// Undo an act by its number in the audit, with the same plan and gates
    Undo(rollback::Undo),
    /// What was done with midwatch
    Audit(audit::Audit),
    /// Write a configuration from what is found, never over one
    Init,
    /// The configuration
    Config(config::ConfigCommand),
    /// Every command and its keys
    Keys(keys::Keys),
    /// A completion script for a shell
    Completions(completions::Completions),
    /// The manual page
    Man(man::Man),
}

/// Parses the arguments and runs; the exit code is the subcommand's.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // A second provider (a test's) is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Err(error) = crash::word() {
        return complain(&error.into());
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&color_eyre::eyre::eyre!("midwatch cannot start: {error}")),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ended = runtime.block_on(async { Box::pin(run(cli.command, cli.global, clock)).await });
    // A blocked reader of the terminal must not hold the end.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(error) => complain(&error),
    }
}

async fn run(command: Option<Command>, global: Global, clock: Arc<dyn Clock>) -> color_eyre::Result<ExitCode> {
    match command {
        None => Box::pin(cockpit::run(global, clock)).await,
        Some(Command::Demo(demo)) => Box::pin(demo::run(demo, global, clock)).await,
        Some(Command::Status(status)) => status::run(status, global, clock).await,
        Some(Command::Follow(follow)) => follow::run(follow, global, clock).await,
        Some(Command::Show(show)) => Box::pin(show::run(show, global, clock)).await,
        Some(Command::Doctor(doctor)) => doctor::run(doctor, global, clock).await,
        Some(Command::Logs(logs)) => logs::run(*logs, global, clock).await,
        Some(Command::Rollback(rollback)) => Box::pin(rollback::rollback(rollback, global, clock)).await,
        Some(Command::Undo(undo)) => Box::pin(rollback::undo(undo, global, clock)).await,
        Some(Command::Audit(audit)) => audit::run(&audit, &clock),
        Some(Command::Init) => init::run(global, clock).await,
        Some(Command::Config(config)) => config::run(&config, &global),
        Some(Command::Keys(keys)) => keys::run(keys, &global),
        Some(Command::Completions(completions)) => completions::run(completions),
        Some(Command::Man(man)) => man::run(&man),
    }
}

/// One line on stderr, and exit code 2. A closed pipe is no error.
#[allow(clippy::print_stderr)] // the one place where errors are told
fn complain(error: &color_eyre::Report) -> ExitCode {
    let is_closed_pipe =
        error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe);
    if is_closed_pipe {
        return ExitCode::SUCCESS;
    }
    eprintln!("midwatch: {}", Clean::block(&hide(&format!("{error:#}"))));
    ExitCode::from(2)
}
