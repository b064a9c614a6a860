//! The command line: clap definitions, and one file per subcommand.

mod cockpit;
mod demo;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, Parser, Subcommand};

use crate::time::{Clock, SystemClock};

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
}

/// Parses the arguments and runs; the exit code is the subcommand's.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // A second provider (a test's) is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Err(error) = color_eyre::config::HookBuilder::default().display_env_section(false).install() {
        return complain(&error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&color_eyre::eyre::eyre!("midwatch cannot start: {error}")),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ended = runtime.block_on(async {
        match cli.command {
            None => cockpit::run(cli.global, clock).await,
            Some(Command::Demo(demo)) => demo::run(demo, cli.global, clock).await,
        }
    });
    // A blocked reader of the terminal must not hold the end.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(error) => complain(&error),
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
    eprintln!("midwatch: {error:#}");
    ExitCode::from(2)
}
