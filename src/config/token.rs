//! Where tokens come from: the environment, a file only its owner may read, or a command.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::process::Command;

use super::file::Token;
use crate::{
    secret::{Secret, mask},
    text::Clean,
};

/// Fetches a token. Errors name the setting, never the value.
pub async fn fetch(token: &Token, for_what: &str, within: Duration) -> Result<Secret, String> {
    let secret = match token {
        Token::Env(name) => match std::env::var(name) {
            Ok(value) => Secret::new(&value),
            Err(_) => return Err(format!("'{for_what}' takes its token from ${name}, which is not set: export it")),
        },
        Token::File(path) => from_file(path, for_what)?,
        Token::Command(words) => from_command(words, for_what, within).await?,
    };
    if secret.is_empty() {
        return Err(format!("the token of '{for_what}' is empty: {}", place(token)));
    }
    Ok(secret)
}

fn place(token: &Token) -> String {
    match token {
        Token::Env(name) => format!("look at ${name}"),
        Token::File(path) => format!("look into '{}'", path.display()),
        Token::Command(words) => format!("look at what '{}' prints", words.join(" ")),
    }
}

fn from_file(path: &Path, for_what: &str) -> Result<Secret, String> {
    let metadata = std::fs::metadata(path)
        .map_err(|error| format!("the token file '{}' of '{for_what}' cannot be read: {error}", path.display()))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!(
                "the token file '{}' of '{for_what}' can be read by others (mode {mode:o}): run `chmod 600 {}`",
                path.display(),
                path.display()
            ));
        }
    }
    if metadata.len() > 64 * 1024 {
        return Err(format!("'{}' of '{for_what}' is no token file: it is larger than 64 KiB", path.display()));
    }
    std::fs::read_to_string(path)
        .map(|text| Secret::new(text.lines().next().unwrap_or("")))
        .map_err(|error| format!("the token file '{}' of '{for_what}' cannot be read: {error}", path.display()))
}

/// Runs a program without a shell, without our terminal, for at most `within`.
async fn from_command(words: &[String], for_what: &str, within: Duration) -> Result<Secret, String> {
    let Some((program, args)) = words.split_first() else {
        return Err(format!("the token command of '{for_what}' is empty"));
    };
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(within, output).await {
        Err(_) => {
            Err(format!("the token command '{program}' of '{for_what}' did not end within {} s", within.as_secs()))
        }
        Ok(Err(error)) => Err(format!("the token command '{program}' of '{for_what}' cannot be started: {error}")),
        Ok(Ok(output)) if output.status.success() => {
            Ok(Secret::new(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("")))
        }
        Ok(Ok(output)) => {
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            let last = Clean::line(&mask(stderr.lines().last().unwrap_or("it said nothing")));
            Err(format!("the token command '{program}' of '{for_what}' failed: {last}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "s3cret\n").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        let error = fetch(&Token::File(path.clone()), "github", SOON).await.expect_err("too open");
        assert!(error.contains("chmod 600") && !error.contains("s3cret"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        assert_eq!(fetch(&Token::File(path), "github", SOON).await.expect("read").expose(), "s3cret");
    }

    #[tokio::test]
    async fn a_command_gives_its_first_line_or_its_complaint() {
        let words = |words: &[&str]| Token::Command(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(fetch(&words(&["echo", "tok"]), "g", SOON).await.expect("printed").expose(), "tok");
        let error = fetch(&words(&["sh", "-c", "echo locked >&2; exit 3"]), "g", SOON).await.expect_err("failed");
        assert!(error.contains("locked"), "{error}");
        let error = fetch(&words(&["/nonexistent/op"]), "g", SOON).await.expect_err("absent");
        assert!(error.contains("cannot be started"), "{error}");
        let error = fetch(&words(&["sleep", "100"]), "g", Duration::from_millis(20)).await.expect_err("hangs");
        assert!(error.contains("did not end"), "{error}");
    }
}
