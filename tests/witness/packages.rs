//! The packages of other people that tests are held to: those of `tests/witness/package.json`.

use std::{path::PathBuf, process::Command};

/// The folder with the packages, if it has this one. With `MIDWATCH_WITNESSES=required` it has to.
#[expect(clippy::print_stderr, reason = "says why nothing was tested")]
pub fn with(package: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("MIDWATCH_NPM_WITNESS").map(PathBuf::from);
    let missing = match &folder {
        None => Some("MIDWATCH_NPM_WITNESS is not set".to_owned()),
        Some(folder) if !folder.join("node_modules").join(package).is_dir() => {
            Some(format!("no '{package}' in '{}'", folder.display()))
        }
        Some(_) if Command::new("node").arg("--version").output().is_err() => Some("no 'node' in PATH".to_owned()),
        Some(_) => None,
    };
    let Some(missing) = missing else { return folder };
    let required = std::env::var("MIDWATCH_WITNESSES").is_ok_and(|v| v == "required");
    assert!(!required, "witness absent: {missing}");
    eprintln!("witness absent: {missing}");
    None
}
