//! A crash leaves a redacted report: what happened where, in which version; never what was on the screen.

use std::{path::PathBuf, sync::Arc};

use color_eyre::{config::HookBuilder, eyre::InstallError};

use crate::{secret::mask, text::Clean, time::Clock, wire::replace_private};

/// Errors and panics are told as color-eyre words them; a panic's own words may repeat what a server said.
#[allow(clippy::print_stderr)] // it is what a panic hook is for
pub fn word() -> Result<(), InstallError> {
    let (panics, errors) = HookBuilder::default().display_env_section(false).into_hooks();
    errors.install()?;
    std::panic::set_hook(Box::new(move |info| eprintln!("{}", told(&panics.panic_report(info).to_string()))));
    Ok(())
}

/// Without secrets, and without what a terminal would obey.
fn told(words: &str) -> Clean {
    Clean::block(&mask(words))
}

/// Wraps the panic hook that is installed now: writes `crash-TIME.txt` (0600) into `folder` first.
pub fn install(folder: PathBuf, clock: Arc<dyn Clock>) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let now = clock.now().wall;
        let path = folder.join(format!("crash-{}.txt", now.strftime("%Y%m%dT%H%M%SZ")));
        let report = format!(
            "midwatch {} crashed at {now}\n\n{}\n\n{}\n",
            env!("CARGO_PKG_VERSION"),
            told(&info.to_string()),
            told(&std::backtrace::Backtrace::force_capture().to_string()),
        );
        if replace_private(&path, report.as_bytes()).is_ok() {
            tell(&path);
        }
        before(info);
    }));
}

#[allow(clippy::print_stderr)] // the terminal was given back, and nobody else is left to tell
fn tell(path: &std::path::Path) {
    eprintln!("midwatch crashed. A report without secrets is in '{}'.", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_tells_no_secret_and_draws_nothing() {
        crate::secret::sent("n0Sh4pe-In-Crash");
        let words = "byte index 3 of 'said n0Sh4pe-In-Crash\u{1b}]52;c;aGk=\u{7}\u{9b}2J'\nat src/x.rs";
        assert_eq!(told(words), "byte index 3 of 'said [masked]2J'\nat src/x.rs");
    }
}
