//! The program: arguments, hooks, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    midwatch::cli::main()
}
