//! Reading `config.toml`: one clear error with file, line and remedy.

use std::path::{Path, PathBuf};

use super::file::Config;
use crate::{
    command::nearest,
    custom,
    keymap::Keymap,
    model::image::{canonical_host, is_host},
    secret::mask,
};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{says}")]
pub struct ConfigError {
    pub says: String,
}

/// A configuration and where it came from.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub config: Config,
    /// `None`: there is no file; defaults and what is found apply.
    pub path: Option<PathBuf>,
}

/// Reads the named file, or the usual one if it exists.
pub fn load(named: Option<&Path>, usual: Option<&Path>) -> Result<Loaded, ConfigError> {
    let (path, must_exist) = match (named, usual) {
        (Some(path), _) => (path, true),
        (None, Some(path)) => (path, false),
        (None, None) => return Ok(Loaded::default()),
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Loaded { config: parse(&text, path)?, path: Some(path.to_owned()) }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(Loaded::default()),
        Err(error) => Err(ConfigError {
            says: format!("the configuration '{}' cannot be read: {error}. Give another with --config", path.display()),
        }),
    }
}

/// Parses and checks a configuration's text. `path` is only for words.
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let config: Config = toml::from_str(text).map_err(|error| ConfigError { says: explain(&error, text, path) })?;
    let problems = check(&config, text);
    if problems.is_empty() {
        return Ok(config);
    }
    Err(ConfigError { says: format!("'{}': {}", path.display(), problems.join("; ")) })
}

/// `config.toml:12: unknown key 'dashbords' in [[grafana]]: did you mean 'dashboards'?`
fn explain(error: &toml::de::Error, text: &str, path: &Path) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let message = error.message();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let what = match (message.starts_with("unknown field"), quoted.split_first()) {
        (true, Some((unknown, known))) => {
            let near = nearest(unknown, known.iter().copied()).map(|near| format!(": did you mean '{near}'?"));
            let known = if near.is_none() { format!(". Keys here: {}", known.join(", ")) } else { String::new() };
            format!("unknown key '{unknown}'{}{known}", near.unwrap_or_default())
        }
        _ => message.replace('`', "'"),
    };
    format!("{}:{line}: {what}", path.display())
}

/// What serde cannot see: names that are missing, doubled or point nowhere.
fn check(config: &Config, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let tables: [(&str, Vec<(&str, &str)>); 7] = [
        ("kubernetes", config.kubernetes.iter().map(|b| (b.name.as_str(), "-")).collect()),
        ("github", config.github.iter().map(|b| (b.name.as_str(), b.url.as_str())).collect()),
        ("grafana", config.grafana.iter().map(|b| (b.name.as_str(), b.url.as_str())).collect()),
        ("alertmanager", config.alertmanager.iter().map(|b| (b.name.as_str(), b.url.as_str())).collect()),
        ("prometheus", config.prometheus.iter().map(|b| (b.name.as_str(), b.url.as_str())).collect()),
        ("argocd", config.argocd.iter().map(|b| (b.name.as_str(), b.url.as_str())).collect()),
        ("jenkins", config.jenkins.iter().map(|b| (b.name.as_str(), b.url.as_str())).collect()),
    ];
    for (table, backends) in &tables {
        for (index, (name, url)) in backends.iter().enumerate() {
            if name.is_empty() {
                problems.push(format!("[[{table}]] number {} has no name: give it one, `name = \"…\"`", index + 1));
            } else if names.contains(name) {
                problems.push(format!("two backends are called '{name}': every backend needs a name of its own"));
            }
            names.push(name);
            let through = match *table {
                "grafana" => config.grafana[index].through.is_some(),
                "alertmanager" => config.alertmanager[index].through.is_some(),
                "prometheus" => config.prometheus[index].through.is_some(),
                _ => false,
            };
            if *url != "-" && !through && url::Url::parse(url).is_err() {
                problems.push(format!("[[{table}]] '{name}': url '{url}' is no address: write 'https://HOST'"));
            }
        }
    }
    check_registries(config, &mut problems);
    for argocd in &config.argocd {
        let named = |name: &String| config.kubernetes.iter().all(|cluster| cluster.name != *name);
        if let Some(cluster) = argocd.cluster.as_ref().filter(|name| named(name)) {
            problems.push(format!("[[argocd]] '{}': no [[kubernetes]] is called '{cluster}'", argocd.name));
        }
    }
    for jenkins in &config.jenkins {
        let missing = match (&jenkins.user, &jenkins.token) {
            (Some(_), Some(_)) => continue,
            (None, Some(_)) => "no `user`: an API token is good only with the name of its user",
            (_, None) => "no `token`: make an API token under that user's name, Security",
        };
        problems.push(format!("[[jenkins]] '{}' has {missing}", jenkins.name));
    }
    for (severity, priority) in &config.severity {
        if !["P1", "P2", "P3", "P4"].contains(&priority.as_str()) {
            problems.push(format!("[severity] {severity} = '{priority}': take P1, P2, P3 or P4"));
        }
    }
    if config.ui.theme.parse::<crate::ui::theme::ThemeChoice>().is_err() {
        problems.push(format!("[ui] theme '{}': take auto, dark, light, colourblind or none", config.ui.theme));
    }
    if !["bell", "osc9", "none"].contains(&config.ui.notify.as_str()) {
        problems.push(format!("[ui] notify '{}': take bell, osc9 or none", config.ui.notify));
    }
    let timeouts = &config.timeouts;
    for (name, seconds) in [
        ("connect", timeouts.connect),
        ("idle", timeouts.idle),
        ("answer", timeouts.answer),
        ("list", timeouts.list),
        ("command", timeouts.command),
    ] {
        if seconds == 0 || seconds > 600 {
            problems.push(format!("[timeouts] {name} = {seconds}: take 1 to 600 seconds"));
        }
    }
    let own = custom::commands(&config.command, text).unwrap_or_else(|errors| {
        problems.extend(errors);
        Vec::new()
    });
    problems.extend(custom::links(&config.link, text).err().unwrap_or_default());
    let keymap = Keymap::new(config.keys.preset.as_deref(), &config.keys.commands);
    problems.extend(keymap.and_then(|keymap| keymap.with_own(&own)).err().unwrap_or_default());
    if let Err(errors) = crate::app::settings::bind_services(&config.service, &config.jenkins) {
        problems.extend(errors);
    }
    problems
}

fn check_registries(config: &Config, problems: &mut Vec<String>) {
    let mut hosts = Vec::new();
    for (index, registry) in config.registry.iter().enumerate() {
        let host = canonical_host(&registry.host);
        if host.is_empty() {
            problems.push(format!("[[registry]] number {} has no host: `host = \"ghcr.io\"`", index + 1));
            continue;
        }
        if !is_host(&host) {
            problems.push(format!(
                "[[registry]] host '{}' is no host as images name it: write 'ghcr.io', and an address into `url`",
                mask(&registry.host)
            ));
        } else if hosts.contains(&host) {
            problems.push(format!("two registries have the host '{host}': only one is asked"));
        }
        let is_address = |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if let Some(url) = registry.url.as_ref().filter(|url| !url::Url::parse(url).is_ok_and(|url| is_address(&url))) {
            problems.push(format!("[[registry]] '{host}': url '{}' is no address: write 'https://HOST'", mask(url)));
        }
        if registry.user.is_some() && registry.token.is_none() {
            problems.push(format!("[[registry]] '{host}' has a `user` and no `token`, which is the user's password"));
        }
        hosts.push(host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, Path::new("config.toml")).expect_err("it is wrong").says
    }

    #[test]
    fn an_unknown_key_names_line_and_nearest() {
        let says = error("me = \"ana\"\n[[grafana]]\nname = \"g\"\nurl = \"https://g\"\ndashbords = []\n");
        assert_eq!(says, "config.toml:5: unknown key 'dashbords': did you mean 'dashboards'?");
    }

    #[test]
    fn what_serde_cannot_see_is_checked() {
        assert!(error("[[kubernetes]]\n").contains("has no name"));
        let two = "[[kubernetes]]\nname = \"a\"\n[[github]]\nname = \"a\"\nurl = \"https://api.github.com\"\n";
        assert!(error(two).contains("two backends are called 'a'"));
        assert!(error("[[grafana]]\nname = \"g\"\nurl = \"nowhere\"\n").contains("is no address"));
        assert!(error("[[registry]]\nhost = \"https://ghcr.io\"\n").contains("is no host as images name it"));
        let argocd = error("[[argocd]]\nname = \"main\"\nurl = \"https://cd.example.com\"\ncluster = \"prod\"\n");
        assert!(argocd.contains("no [[kubernetes]] is called 'prod'"), "{argocd}");
        assert!(error("[[argocd]]\nname = \"main\"\nurl = \"cd\"\n").contains("is no address"));
        let ci = "[[jenkins]]\nname = \"ci\"\nurl = \"https://ci\"\n";
        assert!(error(ci).contains("[[jenkins]] 'ci' has no `token`"), "{}", error(ci));
        assert!(error(&format!("{ci}token = {{ env = \"T\" }}\n")).contains("[[jenkins]] 'ci' has no `user`"));
        let hub = "[[registry]]\nhost = \"docker.io\"\n[[registry]]\nhost = \"index.docker.io\"\n";
        assert!(error(hub).contains("two registries have the host 'docker.io'"));
        assert!(error("[[registry]]\nhost = \"h\"\nurl = \"ftp://h\"\nuser = \"u\"\n").contains("no address"));
        assert!(error("[[registry]]\nhost = \"h\"\nuser = \"u\"\n").contains("no `token`"));
        assert!(error("[timeouts]\nconnect = 0\n").contains("1 to 600 seconds"));
        assert!(error("[keys]\nzoom = [\"j\"]\n").contains("'down' and 'zoom'"));
        assert!(error("[severity]\ncritical = \"P9\"\n").contains("P1, P2, P3 or P4"));
    }

    /// A job is started on the one Jenkins there is, or on the one that it names.
    #[test]
    fn a_job_needs_its_jenkins() {
        let of = |servers: &[&str], job: &str| {
            let servers = servers.iter().map(|name| {
                let login = "user = \"ana\"\ntoken = { env = \"T\" }";
                format!("[[jenkins]]\nname = \"{name}\"\nurl = \"https://{name}\"\n{login}\n")
            });
            format!("{}[[service]]\nname = \"api\"\nrollback = [\"{job}\"]\n", servers.collect::<String>())
        };
        let none = error(&of(&[], "job:deploy?TAG={tag}"));
        assert!(none.contains("[[service]] 'api': rollback: ") && none.contains("add a [[jenkins]]"), "{none}");
        let two = error(&of(&["ci", "old"], "job:deploy"));
        assert!(two.contains("there are several [[jenkins]] (ci, old): write 'job:deploy@ci'"), "{two}");
        let other = error(&of(&["ci"], "job:deploy@cd"));
        assert!(other.contains("no [[jenkins]] is called 'cd'"), "{other}");
        for (servers, job) in [(vec!["ci"], "job:team/deploy?TAG={tag}"), (vec!["ci", "old"], "job:deploy@old")] {
            parse(&of(&servers, job), Path::new("config.toml")).expect("as it should be");
        }
    }

    #[test]
    fn no_file_is_no_error_unless_it_was_named() {
        let nowhere = Path::new("/nonexistent/config.toml");
        assert!(load(None, Some(nowhere)).expect("defaults").path.is_none());
        assert!(load(Some(nowhere), None).expect_err("named").says.contains("cannot be read"));
    }
}
