//! Backends that somebody pasted, as a configuration: an address, and a token that gets a file of its own.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use super::{Found, github_url, write_new};
use crate::{
    config::file::{Alertmanager, Config, GitHub, Grafana, Prometheus, Token},
    secret::Secret,
};

/// A backend at an address that has said what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The host: `github.com`.
    GitHub(String),
    Grafana(String),
    Alertmanager(String),
    Prometheus(String),
}

impl At {
    /// As the lines of what was found call it.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::GitHub(_) => "GitHub",
            Self::Grafana(_) => "Grafana",
            Self::Alertmanager(_) => "Alertmanager",
            Self::Prometheus(_) => "Prometheus",
        }
    }

    fn is_in(&self, config: &Config) -> bool {
        let same = |one: &str, other: &str| one.trim_end_matches('/') == other.trim_end_matches('/');
        match self {
            Self::GitHub(host) => config.github.iter().any(|known| same(&known.url, &github_url(host))),
            Self::Grafana(url) => config.grafana.iter().any(|known| same(&known.url, url)),
            Self::Alertmanager(url) => config.alertmanager.iter().any(|known| same(&known.url, url)),
            Self::Prometheus(url) => config.prometheus.iter().any(|known| same(&known.url, url)),
        }
    }
}

impl Found {
    /// Adds what was pasted; `None`: it is known already. Returns its name, and with a token the file in `folder` that
    /// will hold it.
    pub fn add(&mut self, at: &At, has_token: bool, folder: &Path, repositories: Vec<String>) -> Option<String> {
        if at.is_in(&self.config) {
            return None;
        }
        let name = match at {
            At::GitHub(host) if host != "github.com" => self.free_name(host),
            other => self.free_name(&other.what().to_lowercase()),
        };
        let token = has_token.then(|| Token::File(folder.join(format!("{name}.token"))));
        let named = name.clone();
        let (config, url) = (&mut self.config, String::clone);
        let place = match at {
            At::GitHub(host) => {
                let url = github_url(host);
                config.github.push(GitHub { name, url, token, repositories, ..GitHub::default() });
                host
            }
            At::Grafana(at) => {
                config.grafana.push(Grafana { name, url: url(at), token, ..Grafana::default() });
                at
            }
            At::Alertmanager(at) => {
                config.alertmanager.push(Alertmanager { name, url: url(at), token, ..Alertmanager::default() });
                at
            }
            At::Prometheus(at) => {
                config.prometheus.push(Prometheus { name, url: url(at), token, ..Prometheus::default() });
                at
            }
        };
        let what = at.what();
        self.lines.retain(|line| line.what != what || line.is_found);
        self.say(what, true, format!("{place}, pasted: open for this session"), "w keeps it");
        Some(named)
    }
}

/// Writes pasted tokens, each into the file that the configuration names, and then the configuration; all for their
/// owner alone, none over a file that exists.
pub fn write_with_tokens<'a>(
    path: &Path,
    config: &Config,
    held: impl IntoIterator<Item = (&'a str, &'a Secret)>,
) -> Result<(), String> {
    if path.exists() {
        // In the words of the one that refuses it.
        return write_new(path, config);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("'{}' cannot be made: {error}", folder.display()))?;
    }
    let mut written = Vec::new();
    for (name, token) in held {
        let Some(file) = token_file(config, name) else { continue };
        if let Err(error) = write_token(&file, token) {
            remove(&written);
            return Err(format!("the token file '{}' cannot be written: {error}; nothing was kept", file.display()));
        }
        written.push(file);
    }
    write_new(path, config).inspect_err(|_| remove(&written))
}

/// A token without its configuration is of no use to anybody but a thief.
fn remove(files: &[PathBuf]) {
    for file in files {
        let _ = std::fs::remove_file(file);
    }
}

fn token_file(config: &Config, name: &str) -> Option<PathBuf> {
    let github = config.github.iter().map(|one| (&one.name, &one.token));
    let grafana = config.grafana.iter().map(|one| (&one.name, &one.token));
    github.chain(grafana).find_map(|(known, token)| match token {
        Some(Token::File(path)) if known == name => Some(path.clone()),
        _ => None,
    })
}

fn write_token(path: &Path, token: &Secret) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(token.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_pasted_token_is_kept_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/config.toml");
        let mut found = Found::default();
        found.say("GitHub", false, "no login for github.com", "");
        let name = found.add(&At::GitHub("github.com".into()), true, path.parent().expect("it has one"), Vec::new());
        assert_eq!(name.as_deref(), Some("github"));
        assert!(found.lines.iter().all(|line| line.is_found), "it is not missing any more");
        assert_eq!(found.add(&At::GitHub("github.com".into()), true, folder.path(), Vec::new()), None, "known already");
        let token = Secret::new("ghp_marker");
        write_with_tokens(&path, &found.config, [("github", &token)]).expect("written");
        let text = std::fs::read_to_string(&path).expect("there");
        assert!(!text.contains("ghp_marker") && text.contains("github.token"), "{text}");
        let file = folder.path().join("deep/github.token");
        assert_eq!(std::fs::read_to_string(&file).expect("there"), "ghp_marker\n");
        for file in [&file, &path] {
            assert_eq!(std::fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600);
        }
        let config = crate::config::load::load(Some(&path), None).expect("it reads again").config;
        assert_eq!(config, found.config);
    }

    #[test]
    fn nothing_is_written_over_and_no_token_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        let mut found = Found::default();
        found.add(&At::Grafana("https://g.example".into()), true, folder.path(), Vec::new());
        let token = Secret::new("glsa_marker");
        std::fs::write(folder.path().join("grafana.token"), "somebody else's\n").expect("written");
        let says = write_with_tokens(&path, &found.config, [("grafana", &token)]).expect_err("it exists");
        assert!(says.contains("grafana.token") && !path.exists(), "{says}");
        std::fs::remove_file(folder.path().join("grafana.token")).expect("removed");
        std::fs::write(&path, "# mine\n").expect("written");
        let says = write_with_tokens(&path, &found.config, [("grafana", &token)]).expect_err("it exists");
        assert!(says.contains("exists already") && !folder.path().join("grafana.token").exists(), "{says}");
    }
}
