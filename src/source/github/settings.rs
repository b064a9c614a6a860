//! Where a GitHub host is, and the limits its client keeps.

use std::time::Duration;

use url::Url;

use crate::{
    config::file::{self, Timeouts},
    model::BackendId,
    secret::mask,
    text::Clean,
};

const GITHUB_REST: &str = "https://api.github.com";

/// What a [`super::Client`] needs to know, besides the token.
#[derive(Clone, Debug)]
pub struct Settings {
    pub backend: BackendId,
    /// REST base, without a slash at the end: `https://api.github.com`, `https://HOST/api/v3`.
    pub rest: String,
    /// `https://api.github.com/graphql`, `https://HOST/api/graphql`.
    pub graphql: String,
    pub connect: Duration,
    /// Without a byte.
    pub idle: Duration,
    /// A whole answer, connecting included.
    pub answer: Duration,
    /// PEM bundle of a private CA, trusted beside the system's.
    pub ca: Option<Vec<u8>>,
    pub insecure: bool,
    /// Most bytes of one answer; a longer one is a failure.
    pub body_cap: usize,
    /// Bytes kept of a job log: its last ones.
    pub log_cap: usize,
    /// Least time between two writes. GitHub asks for a second.
    pub write_gap: Duration,
    /// First wait before a mergeability still being computed is asked for again.
    pub settle: Duration,
}

impl Settings {
    /// Defaults of every limit. An empty `rest` means github.com. Fails on an address that is none, in words.
    pub fn new(backend: &BackendId, rest: &str, graphql: Option<&str>) -> Result<Self, Clean> {
        let rest = match rest.trim().trim_end_matches('/') {
            "" | "https://github.com" | "github.com" => GITHUB_REST.to_owned(),
            given => given.to_owned(),
        };
        check_url(backend, "url", &rest)?;
        let graphql = match graphql {
            Some(given) => given.trim().trim_end_matches('/').to_owned(),
            None => graphql_url(&rest),
        };
        check_url(backend, "graphql", &graphql)?;
        let Timeouts { connect, idle, answer, .. } = Timeouts::default();
        Ok(Self {
            backend: backend.clone(),
            rest,
            graphql,
            connect: seconds(connect),
            idle: seconds(idle),
            answer: seconds(answer),
            ca: None,
            insecure: false,
            body_cap: 32 * 1024 * 1024,
            log_cap: 8 * 1024 * 1024,
            write_gap: Duration::from_secs(1),
            settle: Duration::from_secs(2),
        })
    }

    /// From the configuration file. `ca` is the content of `tls.ca_file`, read by the caller.
    pub fn from_file(config: &file::GitHub, timeouts: &Timeouts, ca: Option<Vec<u8>>) -> Result<Self, Clean> {
        let backend = BackendId::new(&config.name);
        Ok(Self {
            connect: seconds(timeouts.connect),
            idle: seconds(timeouts.idle),
            answer: seconds(timeouts.answer),
            ca,
            insecure: config.tls.insecure,
            ..Self::new(&backend, &config.url, config.graphql.as_deref())?
        })
    }

    /// Scheme, host and port of `url` are those of the REST base: the token may go there.
    pub fn is_own(&self, url: &Url) -> bool {
        [&self.rest, &self.graphql].iter().any(|own| Url::parse(own).is_ok_and(|own| own.origin() == url.origin()))
    }

    /// Requests leave this computer unencrypted.
    pub fn is_in_the_clear(&self) -> bool {
        Url::parse(&self.rest).is_ok_and(|url| {
            let is_local = match url.host() {
                Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
                Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
                Some(url::Host::Domain(name)) => name == "localhost",
                None => false,
            };
            url.scheme() == "http" && !is_local
        })
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count.max(1)))
}

fn check_url(backend: &BackendId, key: &str, text: &str) -> Result<(), Clean> {
    let wrong = |why: &str| {
        Clean::line(&format!(
            "'{key}' of GitHub '{backend}' is '{}': {why}. Write it like '{GITHUB_REST}' or 'https://HOST/api/v3'.",
            mask(text)
        ))
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(wrong("it must begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("credentials belong into 'token', not into the address"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it must end with the path"));
    }
    Ok(())
}

fn graphql_url(rest: &str) -> String {
    match rest.strip_suffix("/api/v3") {
        Some(host) => format!("{host}/api/graphql"),
        None => format!("{rest}/graphql"),
    }
}

/// The REST base of a host that a git remote or `gh` names: `github.com`, `acme.ghe.com`, `git.acme.example`.
pub fn rest_url(host: &str) -> String {
    if host.eq_ignore_ascii_case("github.com") {
        GITHUB_REST.to_owned()
    } else if host.to_ascii_lowercase().ends_with(".ghe.com") {
        format!("https://api.{host}")
    } else {
        format!("https://{host}/api/v3")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rest: &str, graphql: Option<&str>) -> Result<Settings, Clean> {
        Settings::new(&BackendId::new("gh"), rest, graphql)
    }

    #[test]
    fn graphql_is_derived_for_every_kind_of_host() {
        for (rest, graphql) in [
            ("", "https://api.github.com/graphql"),
            ("https://api.github.com/", "https://api.github.com/graphql"),
            ("https://git.acme.example/api/v3", "https://git.acme.example/api/graphql"),
            ("https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
            ("http://127.0.0.1:4711", "http://127.0.0.1:4711/graphql"),
        ] {
            assert_eq!(settings(rest, None).unwrap().graphql, graphql, "{rest}");
        }
        assert_eq!(settings("", Some("https://x.example/g/")).unwrap().graphql, "https://x.example/g");
    }

    #[test]
    fn addresses_that_are_none_are_refused_in_words() {
        for bad in ["ftp://x", "api.github.com", "https://user:pw@host", "https://h/api/v3?x=1"] {
            let says = settings(bad, None).unwrap_err();
            assert!(says.contains("'url' of GitHub 'gh'") && !says.contains(":pw@"), "{says}");
        }
    }

    #[test]
    fn hosts_of_remotes_have_a_rest_base() {
        assert_eq!(rest_url("GitHub.com"), "https://api.github.com");
        assert_eq!(rest_url("acme.ghe.com"), "https://api.acme.ghe.com");
        assert_eq!(rest_url("git.acme.example"), "https://git.acme.example/api/v3");
    }

    #[test]
    fn only_the_own_origin_may_get_the_token() {
        let own = settings("https://git.acme.example/api/v3", None).unwrap();
        assert!(own.is_own(&Url::parse("https://git.acme.example/api/v3/repositories/1?page=2").unwrap()));
        assert!(!own.is_own(&Url::parse("https://git.acme.example:8443/api/v3").unwrap()));
        assert!(!own.is_own(&Url::parse("http://git.acme.example/api/v3").unwrap()));
        assert!(!own.is_in_the_clear());
        assert!(settings("http://git.acme.example/api/v3", None).unwrap().is_in_the_clear());
        assert!(!settings("http://127.0.0.1:1", None).unwrap().is_in_the_clear());
    }
}
