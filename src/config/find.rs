//! What is there without a configuration: the current context of the kubeconfig, a GitHub login, the repository of the
//! working directory, and the addresses that the environment names. Contacts nobody; the only program run is `gh`.

mod pasted;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use super::file::{Alertmanager, Config, GitHub, Grafana, Kubernetes, Prometheus, Token};
use crate::{
    model::BackendId,
    secret::mask,
    source::{
        github::{remote, token},
        kubernetes::{
            self,
            find::{Found as Service, Product},
        },
    },
    text::Clean,
};

pub use pasted::{At, write_with_tokens};

/// Told where there is nothing at all, and no screen.
pub const NOTHING: [&str; 3] = [
    "midwatch looked for a kubeconfig, a GitHub login (GH_TOKEN, GITHUB_TOKEN, gh), GRAFANA_URL, ALERTMANAGER_URL and PROMETHEUS_URL, and found none of them.",
    "`midwatch demo` is a practice world that needs none.",
    "Yours: export one of them and start again, or write a configuration after config.example.toml.",
];

/// Longest that gh may take.
const GH_WITHIN: Duration = Duration::from_secs(5);

/// One line of the first minute: what was looked for, whether it is there, and what mends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// `Kubernetes`, `GitHub`, …
    pub what: &'static str,
    pub is_found: bool,
    pub says: Clean,
    /// The key or command that changes it; empty where nothing is to be done.
    pub fix: Clean,
}

impl Line {
    /// What, whether, and the words with their remedy, for the first minute's screen.
    pub fn shown(&self) -> (Clean, bool, Clean) {
        let gap = if self.fix.is_empty() { "" } else { ": " };
        (self.what.into(), self.is_found, Clean::own(format!("{}{gap}{}", self.says, self.fix)))
    }
}

/// What was found, as a configuration and in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub config: Config,
    pub lines: Vec<Line>,
}

impl Found {
    pub fn is_nothing(&self) -> bool {
        self.config.kubernetes.is_empty()
            && self.config.github.is_empty()
            && self.config.grafana.is_empty()
            && self.config.alertmanager.is_empty()
            && self.config.prometheus.is_empty()
    }

    /// Takes over what a later look found: what was missing until then is not said any more.
    pub fn take(&mut self, later: Self) {
        self.lines.retain(|line| line.is_found || later.lines.iter().all(|new| new.what != line.what));
        self.lines.extend(later.lines);
        self.config = later.config;
    }

    fn say(&mut self, what: &'static str, is_found: bool, says: impl Into<String>, fix: impl Into<String>) {
        self.lines.push(Line { what, is_found, says: Clean::own(says), fix: Clean::own(fix) });
    }

    /// A name that no backend has yet.
    fn free_name(&self, wanted: &str) -> String {
        let config = &self.config;
        let names: BTreeSet<&str> = (config.kubernetes.iter().map(|backend| &backend.name))
            .chain(config.github.iter().map(|backend| &backend.name))
            .chain(config.grafana.iter().map(|backend| &backend.name))
            .chain(config.alertmanager.iter().map(|backend| &backend.name))
            .chain(config.prometheus.iter().map(|backend| &backend.name))
            .map(String::as_str)
            .collect();
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let mut all = std::iter::once(wanted.to_owned()).chain(numbered);
        all.find(|name| !names.contains(name.as_str())).expect("numbers do not end")
    }
}

/// Looks into this process's environment and working directory; `kubeconfig` is read in place of the usual one.
pub async fn find(kubeconfig: Option<PathBuf>) -> Found {
    let contexts = kubernetes::contexts(kubeconfig.as_deref());
    let directory = std::env::current_dir().unwrap_or_default();
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let mut found = Found::default();
    clusters(&mut found, &contexts, env("KUBERNETES_SERVICE_HOST").is_some());
    github(&mut found, &directory, env).await;
    telemetry(&mut found, env);
    found
}

fn clusters(found: &mut Found, (contexts, troubles): &(Vec<kubernetes::ContextInfo>, Vec<Clean>), in_cluster: bool) {
    for trouble in troubles {
        found.say("Kubernetes", false, trouble.to_string(), "mend the file, or set KUBECONFIG");
    }
    let Some(current) = contexts.iter().find(|context| context.current) else {
        if in_cluster && contexts.is_empty() {
            found.config.kubernetes.push(Kubernetes { name: "in-cluster".to_owned(), ..Kubernetes::default() });
            found.say("Kubernetes", true, "the cluster this runs in", "");
        } else if contexts.is_empty() {
            found.say("Kubernetes", false, "no kubeconfig", "set KUBECONFIG, or write ~/.kube/config");
        } else {
            let names = list(contexts.iter().map(|context| context.name.as_str()));
            found.say(
                "Kubernetes",
                false,
                format!("no current context; there are {names}"),
                ":ctx NAME, or --context NAME",
            );
        }
        return;
    };
    let name = current.name.to_string();
    found.config.kubernetes.push(Kubernetes {
        name: name.clone(),
        context: Some(name.clone()),
        ..Kubernetes::default()
    });
    match &current.exec {
        Some(exec) => found.say(
            "Kubernetes",
            true,
            format!("context '{name}'; its login runs '{exec}'"),
            "l allows it and logs in",
        ),
        None => found.say("Kubernetes", true, format!("context '{name}' at {}", host(&current.server)), ""),
    }
    let others: Vec<&str> = contexts.iter().filter(|other| !other.current).map(|other| other.name.as_str()).collect();
    if !others.is_empty() {
        let words = format!("{} not opened: {}", if others.len() == 1 { "context" } else { "contexts" }, list(others));
        found.say("Kubernetes", true, words, ":ctx NAME opens one");
    }
}

/// Host and port of a server.
fn host(server: &str) -> String {
    let url = url::Url::parse(server).ok();
    let at = url.as_ref().and_then(|url| Some((url.host_str()?, url.port())));
    match at {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => format!("'{}', which is no address", mask(server)),
    }
}

/// At most six names.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let more = names.len().saturating_sub(6);
    let shown = names.iter().take(6).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

async fn github(found: &mut Found, directory: &Path, env: impl Fn(&str) -> Option<String>) {
    let here = remote::find(directory).filter(remote::Remote::is_github);
    let host = here.as_ref().map_or_else(|| "github.com".to_owned(), |remote| remote.host.to_string());
    let login = match token::from_env(&host, &env) {
        Some((_, variable)) => Ok((Token::Env(variable.to_owned()), format!("${variable}"))),
        None => token::from_gh(&host, GH_WITHIN).await.map(|_| {
            let words = ["gh", "auth", "token", "--hostname", &host].map(str::to_owned).to_vec();
            (Token::Command(words), "the gh CLI's login".to_owned())
        }),
    };
    // Which of gh and the variables is missing does not matter: either mends it.
    let Ok((token, from)) = login else {
        let [one, _] = token::variables(&host);
        let fix = format!("export {one}, or run `gh auth login --hostname={host}`");
        found.say("GitHub", false, format!("no login for {host}"), fix);
        return;
    };
    let name = found.free_name(if host == "github.com" { "github" } else { &host });
    let repositories: Vec<String> = here.iter().map(|remote| remote.name.to_string()).collect();
    let what = match repositories.first() {
        Some(repository) => format!("{host} by {from}; repository {repository}"),
        None => format!("{host} by {from}; pull requests that are yours or ask for your review"),
    };
    let fix =
        if repositories.is_empty() { "start in a checkout, or list repositories in the configuration" } else { "" };
    found.say("GitHub", true, what, fix);
    found.config.github.push(GitHub {
        name,
        url: github_url(&host),
        token: Some(token),
        repositories,
        ..GitHub::default()
    });
}

/// The REST base of a GitHub host.
pub fn github_url(host: &str) -> String {
    match host {
        "github.com" => "https://api.github.com".to_owned(),
        host if host.ends_with(".ghe.com") => format!("https://api.{host}"),
        host => format!("https://{host}/api/v3"),
    }
}

/// The variables that may hold Grafana's token, as its own tools name them.
const GRAFANA_TOKENS: [&str; 3] = ["GRAFANA_TOKEN", "GRAFANA_SERVICE_ACCOUNT_TOKEN", "GRAFANA_API_KEY"];

fn telemetry(found: &mut Found, env: impl Fn(&str) -> Option<String>) {
    if let Some(url) = address(found, "Grafana", "GRAFANA_URL", "export GRAFANA_URL and GRAFANA_TOKEN", &env) {
        let variable = GRAFANA_TOKENS.into_iter().find(|name| env(name).is_some());
        let name = found.free_name("grafana");
        let fix = if variable.is_none() { "export GRAFANA_TOKEN: without it only what is public is seen" } else { "" };
        found.say("Grafana", true, format!("at {url}"), fix);
        let token = variable.map(|name| Token::Env(name.to_owned()));
        found.config.grafana.push(Grafana { name, url, token, ..Grafana::default() });
    }
    if let Some(url) = address(found, "Alertmanager", "ALERTMANAGER_URL", "export ALERTMANAGER_URL", &env) {
        let name = found.free_name("alertmanager");
        found.say("Alertmanager", true, format!("at {url}"), "");
        let token = env("ALERTMANAGER_TOKEN").map(|_| Token::Env("ALERTMANAGER_TOKEN".to_owned()));
        found.config.alertmanager.push(Alertmanager { name, url, token, ..Alertmanager::default() });
    }
    if let Some(url) = address(found, "Prometheus", "PROMETHEUS_URL", "export PROMETHEUS_URL", &env) {
        let name = found.free_name("prometheus");
        found.say("Prometheus", true, format!("at {url}"), "");
        let token = env("PROMETHEUS_TOKEN").map(|_| Token::Env("PROMETHEUS_TOKEN".to_owned()));
        found.config.prometheus.push(Prometheus { name, url, token, ..Prometheus::default() });
    }
}

/// The address that a variable holds, without the user and password in it: they are never sent, and what is found here
/// is shown and written into a file. Says so where there is none.
fn address(
    found: &mut Found,
    what: &'static str,
    variable: &str,
    fix: &str,
    env: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let Some(text) = env(variable) else {
        found.say(what, false, format!("no {variable}"), fix);
        return None;
    };
    match url::Url::parse(text.trim()) {
        Ok(mut url) if url.has_host() => {
            let is_bare = url.username().is_empty() && url.password().is_none();
            let _ = url.set_username("");
            let _ = url.set_password(None);
            Some(if is_bare { text.trim().to_owned() } else { url.to_string() })
        }
        _ => {
            let says = format!("'{}' in {variable} is no address", mask(&text));
            found.say(what, false, says, "write it like https://HOST");
            None
        }
    }
}

/// What the Services of a cluster add to what is found: backends that are read through its API server, and lines.
/// An Alertmanager and a Prometheus are taken if none is known; a Grafana if none is known and a token for one is exported.
pub fn within_cluster(
    config: &Config,
    cluster: &BackendId,
    services: &[Service],
    env: impl Fn(&str) -> Option<String>,
) -> Found {
    let mut found = Found { config: config.clone(), lines: Vec::new() };
    let mut seen = BTreeSet::new();
    // The likeliest of each product comes first.
    for service in services.iter().filter(|service| seen.insert(service.product)) {
        let place = format!("{cluster}/{}", service.place);
        match service.product {
            Product::Alertmanager if found.config.alertmanager.is_empty() => {
                let name = found.free_name("alertmanager");
                found.say("Alertmanager", true, format!("in the cluster, at {place}"), "");
                let through = Some(place);
                found.config.alertmanager.push(Alertmanager { name, through, ..Alertmanager::default() });
            }
            Product::Grafana if found.config.grafana.is_empty() => {
                let token = GRAFANA_TOKENS.into_iter().find(|name| env(name).is_some());
                let Some(token) = token else {
                    let says = format!("in the cluster, not read: {place}");
                    let fix =
                        "it wants a token: export GRAFANA_TOKEN, and it is read by a port-forward of midwatch's own";
                    found.say("Grafana", false, says, fix);
                    continue;
                };
                let name = found.free_name("grafana");
                found.say("Grafana", true, format!("in the cluster, at {place}"), "");
                let (token, through) = (Some(Token::Env(token.to_owned())), Some(place));
                found.config.grafana.push(Grafana { name, token, through, ..Grafana::default() });
            }
            Product::Prometheus if found.config.prometheus.is_empty() => {
                let name = found.free_name("prometheus");
                found.say("Prometheus", true, format!("in the cluster, at {place}"), "");
                let through = Some(place);
                found.config.prometheus.push(Prometheus { name, through, ..Prometheus::default() });
            }
            Product::Loki => {
                found.say("Loki", true, format!("in the cluster, at {place}"), "logs are read from the pods");
            }
            Product::Alertmanager | Product::Prometheus | Product::Grafana => {}
        }
    }
    found
}

/// The text of a configuration file: what differs from the defaults.
pub fn to_toml(config: &Config) -> String {
    let pruned = |value: toml::Table, default: toml::Table| -> toml::Table {
        value.into_iter().filter(|(key, value)| default.get(key) != Some(value)).collect()
    };
    let mut whole = pruned(table(config), table(&Config::default()));
    for (key, default) in [
        ("kubernetes", table(&Kubernetes::default())),
        ("github", table(&GitHub::default())),
        ("grafana", table(&Grafana::default())),
        ("alertmanager", table(&Alertmanager::default())),
        ("prometheus", table(&Prometheus::default())),
    ] {
        let Some(toml::Value::Array(backends)) = whole.get_mut(key) else { continue };
        for backend in backends {
            if let toml::Value::Table(own) = backend {
                *own = pruned(std::mem::take(own), default.clone());
            }
        }
    }
    // A table after a plain key: TOML wants plain keys first, and the writer puts them so.
    let body = toml::to_string(&whole).expect("what was read from TOML types is TOML");
    format!("# midwatch, as it was found. Every key and its default stands in config.example.toml.\n\n{body}")
}

fn table(value: &impl serde::Serialize) -> toml::Table {
    toml::Table::try_from(value).expect("configuration types are tables with text keys")
}

/// Writes a configuration that is not there yet, for its owner alone; never over one.
pub fn write_new(path: &Path, config: &Config) -> Result<(), String> {
    use std::io::Write as _;
    let says = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            format!("'{}' exists already and was left as it is: remove it first, or edit it", path.display())
        }
        _ => format!("'{}' cannot be written: {error}", path.display()),
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(says)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(says)?;
    file.write_all(to_toml(config).as_bytes()).map_err(says)
}

#[cfg(test)]
mod tests;
