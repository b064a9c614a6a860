//! Where a GitHub token is found without configuration: the environment, and the gh CLI's login.

use std::{process::Stdio, time::Duration};

use tokio::{io::AsyncReadExt, process::Command};

use crate::{secret::Secret, text::Clean};

/// Most bytes of a program's output that are read.
const OUTPUT_CAP: u64 = 64 * 1024;

/// The variables that may hold a token for `host`, in the gh CLI's order.
pub fn variables(host: &str) -> [&'static str; 2] {
    let host = host.to_ascii_lowercase();
    if host == "github.com" || host == "api.github.com" || host.ends_with(".ghe.com") {
        ["GH_TOKEN", "GITHUB_TOKEN"]
    } else {
        ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"]
    }
}

/// The token of the environment, and the variable it stands in. `env` looks a variable up.
pub fn from_env(host: &str, env: impl Fn(&str) -> Option<String>) -> Option<(Secret, &'static str)> {
    variables(host).into_iter().find_map(|name| {
        let secret = Secret::new(&env(name)?);
        (!secret.is_empty()).then_some((secret, name))
    })
}

/// The token of the gh CLI's login: `gh auth token --hostname HOST`.
///
/// Fails if gh is not there, is not logged in to `host`, or takes longer than `deadline`; in words, without output that
/// could hold a token.
pub async fn from_gh(host: &str, deadline: Duration) -> Result<Secret, Clean> {
    run("gh", host, deadline).await
}

async fn run(program: &str, host: &str, deadline: Duration) -> Result<Secret, Clean> {
    let hostname = format!("--hostname={host}");
    let says = |why: &str| Clean::line(&format!("`gh auth token {hostname}` {why}"));
    let mut child = Command::new(program)
        .args(["auth", "token", &hostname])
        .env("GH_PROMPT_DISABLED", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Clean::line("the gh CLI is not installed"),
            _ => says(&format!("cannot be run: {error}")),
        })?;
    let stdout = child.stdout.take().ok_or_else(|| says("has no output"))?;
    let output = async {
        let mut text = String::new();
        stdout.take(OUTPUT_CAP).read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>((child.wait().await?, text))
    };
    let (status, text) = tokio::time::timeout(deadline, output)
        .await
        .map_err(|_| says(&format!("took longer than {} s", deadline.as_secs())))?
        .map_err(|error| says(&format!("failed: {error}")))?;
    let token = Secret::new(text.lines().next().unwrap_or_default());
    if !status.success() || token.is_empty() {
        return Err(says(&format!("found no login: run `gh auth login {hostname}`")));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_asked_in_ghs_order() {
        let env = |pairs: &'static [(&'static str, &'static str)]| {
            move |name: &str| pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        };
        let found = from_env("github.com", env(&[("GITHUB_TOKEN", "b"), ("GH_TOKEN", "a\n")])).unwrap();
        assert_eq!((found.0.expose(), found.1), ("a", "GH_TOKEN"));
        let found = from_env("github.com", env(&[("GITHUB_TOKEN", "b"), ("GH_TOKEN", " ")])).unwrap();
        assert_eq!(found.1, "GITHUB_TOKEN", "an empty variable holds no token");
        assert!(from_env("git.acme.example", env(&[("GITHUB_TOKEN", "b")])).is_none(), "never to another host");
        let found = from_env("git.acme.example", env(&[("GH_ENTERPRISE_TOKEN", "c")])).unwrap();
        assert_eq!(found.1, "GH_ENTERPRISE_TOKEN");
    }

    #[cfg(unix)]
    fn script(text: &str) -> tempfile::TempPath {
        use std::{io::Write as _, os::unix::fs::PermissionsExt as _};
        let mut file = tempfile::Builder::new().prefix("gh").tempfile().unwrap();
        write!(file, "#!/bin/sh\n{text}\n").unwrap();
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o700)).unwrap();
        file.into_temp_path()
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn gh_is_asked_for_the_host_and_held_to_its_deadline() {
        let long = Duration::from_secs(20);
        let echo = script("echo \"token-of-$3\"; echo noise >&2");
        let token = run(echo.to_str().unwrap(), "git.acme.example", long).await.unwrap();
        assert_eq!(token.expose(), "token-of---hostname=git.acme.example");
        let none = script("echo 'no oauth token found' >&2; exit 1");
        let says = run(none.to_str().unwrap(), "github.com", long).await.unwrap_err();
        assert!(says.contains("run `gh auth login --hostname=github.com`"), "{says}");
        let slow = script("exec sleep 60");
        let says = run(slow.to_str().unwrap(), "github.com", Duration::from_millis(50)).await.unwrap_err();
        assert!(says.contains("took longer"), "{says}");
        let says = run("/no/such/gh", "github.com", long).await.unwrap_err();
        assert!(says.contains("not installed"), "{says}");
    }
}
