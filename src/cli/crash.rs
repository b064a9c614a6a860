//! A crash leaves a redacted report: what happened where, in which version; never what was on the screen.

use std::{path::PathBuf, sync::Arc};

use crate::{secret::mask, time::Clock, wire::replace_private};

/// Wraps the panic hook that is installed now: writes `crash-TIME.txt` (0600) into `folder` first.
pub fn install(folder: PathBuf, clock: Arc<dyn Clock>) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let now = clock.now().wall;
        let path = folder.join(format!("crash-{}.txt", now.strftime("%Y%m%dT%H%M%SZ")));
        let report = format!(
            "midwatch {} crashed at {now}\n\n{}\n\n{}\n",
            env!("CARGO_PKG_VERSION"),
            mask(&info.to_string()),
            mask(&std::backtrace::Backtrace::force_capture().to_string()),
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
