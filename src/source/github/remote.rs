//! The repository of the working directory: which host and `owner/name` its git remote names. Reads files, runs nothing.

use std::path::{Path, PathBuf};

use crate::text::Clean;

/// Longest git configuration that is read.
const CONFIG_CAP: u64 = 1024 * 1024;

/// Where a git remote points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// `github.com`
    pub host: Clean,
    /// `owner/name`
    pub name: Clean,
}

impl Remote {
    /// The host is github.com or by its name a GitHub of one's own. Others may be anything.
    pub fn is_github(&self) -> bool {
        let host = self.host.to_ascii_lowercase();
        host == "github.com"
            || host.ends_with(".ghe.com")
            || host.split(['.', '-']).any(|part| part == "github" || part == "ghe")
    }
}

/// The remote of the git repository that `directory` lies in: `upstream` if there is one, else `origin`, else the first.
pub fn find(directory: &Path) -> Option<Remote> {
    let git = directory.ancestors().map(|parent| parent.join(".git")).find(|git| git.exists())?;
    let config = common(&git)?.join("config");
    let is_readable = config.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= CONFIG_CAP);
    let text = is_readable.then(|| std::fs::read_to_string(&config).ok())??;
    from_config(&text)
}

/// The folder that holds `config`: of a linked worktree or a submodule, `.git` is a file that names its own folder, and
/// in there `commondir` names the shared one.
fn common(git: &Path) -> Option<PathBuf> {
    let mut folder = git.to_owned();
    if git.is_file() {
        let text = std::fs::read_to_string(git).ok()?;
        folder = git.parent()?.join(text.trim().strip_prefix("gitdir:")?.trim());
    }
    match std::fs::read_to_string(folder.join("commondir")) {
        Ok(shared) => Some(folder.join(shared.trim())),
        Err(_) => Some(folder),
    }
}

fn from_config(text: &str) -> Option<Remote> {
    let mut remotes: Vec<(String, Remote)> = Vec::new();
    let mut section = None;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let name = header.strip_prefix("remote \"").and_then(|rest| rest.split('"').next());
            section = name.map(str::to_owned);
        } else if let Some(name) = &section
            && let Some((key, url)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
            && let Some(remote) = parse(url.trim().trim_matches('"'))
        {
            remotes.push((name.clone(), remote));
        }
    }
    let named = |wanted: &str| remotes.iter().find(|(name, _)| name == wanted);
    named("upstream").or_else(|| named("origin")).or_else(|| remotes.first()).map(|(_, remote)| remote.clone())
}

/// `git@HOST:owner/name.git`, `ssh://git@HOST:22/owner/name`, `https://HOST/owner/name.git`.
fn parse(url: &str) -> Option<Remote> {
    let whole = url::Url::parse(url).ok();
    let (host, path) = match whole.as_ref().and_then(|url| Some((url.host_str()?, url.path()))) {
        Some(both) => both,
        // scp's form: what stands before the colon is no scheme.
        None if url.contains("://") => return None,
        None => {
            let (host, path) = url.split_once(':')?;
            (host.rsplit('@').next()?, path)
        }
    };
    let host = if host.eq_ignore_ascii_case("ssh.github.com") || host.eq_ignore_ascii_case("www.github.com") {
        "github.com".to_owned()
    } else {
        host.to_ascii_lowercase()
    };
    let path = path.trim_matches('/');
    let (owner, name) = path.strip_suffix(".git").unwrap_or(path).split_once('/')?;
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let is_whole = is_name(owner) && is_name(name) && !host.is_empty() && !host.contains('/');
    is_whole.then(|| Remote { host: Clean::line(&host), name: Clean::line(&format!("{owner}/{name}")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(url: &str) -> Option<String> {
        parse(url).map(|remote| format!("{} {}", remote.host, remote.name))
    }

    #[test]
    fn every_form_of_a_remote_is_read() {
        for url in [
            "git@github.com:acme/api.git",
            "github.com:acme/api",
            "ssh://git@github.com:22/acme/api.git",
            "ssh://git@ssh.github.com:443/acme/api.git",
            "https://github.com/acme/api.git",
            "https://x-access-token:secret@GitHub.com/acme/api/",
            "git://github.com/acme/api",
        ] {
            assert_eq!(words(url).as_deref(), Some("github.com acme/api"), "{url}");
        }
        assert_eq!(words("git@git.acme.example:team/web.site.git").as_deref(), Some("git.acme.example team/web.site"));
        for none in ["/srv/git/api.git", "../api", "https://gitlab.example/a/b/c", "file:///srv/api", "", "C:\\x\\y"] {
            assert_eq!(words(none), None, "{none}");
        }
    }

    #[test]
    fn only_hosts_named_so_are_taken_for_github() {
        let remote = |host: &str| Remote { host: host.into(), name: "a/b".into() };
        assert!(remote("github.com").is_github() && remote("github.acme.example").is_github());
        assert!(remote("acme.ghe.com").is_github());
        assert!(!remote("gitlab.com").is_github() && !remote("notgithub.example").is_github());
    }

    #[test]
    fn it_is_found_from_below_and_in_worktrees() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("main/.git/worktrees/side")).unwrap();
        std::fs::create_dir_all(at("main/src/deep")).unwrap();
        std::fs::create_dir_all(at("side")).unwrap();
        let config = "[core]\n\turl = git@github.com:no/no\n[remote \"origin\"]\n\turl = git@github.com:me/api.git\n\
                      \tfetch = +refs/heads/*\n[remote \"upstream\"]\n\tURL = https://github.com/acme/api\n[branch \"x\"]\n";
        std::fs::write(at("main/.git/config"), config).unwrap();
        std::fs::write(at("main/.git/worktrees/side/commondir"), "../..\n").unwrap();
        std::fs::write(at("side/.git"), format!("gitdir: {}\n", at("main/.git/worktrees/side").display())).unwrap();
        for directory in ["main", "main/src/deep", "side"] {
            assert_eq!(find(&at(directory)).unwrap().name, "acme/api", "{directory}");
        }
    }
}
