//! What somebody pastes on a first run: an address or a token. It is asked what it is, and opened for this session.

use std::sync::Arc;

use tokio::sync::{Notify, oneshot};
use url::Url;

use crate::{
    config::find::{At, github_url},
    secret::Secret,
    source::recognise::{Product, github_login, grafana_opens, recognise},
    text::Clean,
    time::Clock,
};

/// What a paste led to.
pub enum Outcome {
    Opens {
        at: At,
        token: Option<Secret>,
        says: Clean,
    },
    /// One half of a backend: the other is asked for.
    Waits(Half, Clean),
    /// It is nothing that can be opened, in words.
    Not(Clean),
}

/// Half of a backend, kept for this session.
pub enum Half {
    GrafanaToken(Secret),
    /// A Grafana that wants a token, by its base.
    Grafana(String),
    /// A GitHub that wants a token, by its host.
    GitHub(String),
}

/// Pastes of this session.
#[derive(Default)]
pub struct Pasted {
    waits: Option<Half>,
    asked: Option<oneshot::Receiver<Outcome>>,
}

impl Pasted {
    /// Asks what it is, beside the loop. Returns what to say meanwhile; it never repeats a token.
    pub fn take(&mut self, text: Secret, clock: &Arc<dyn Clock>, wake: &Arc<Notify>) -> Clean {
        if self.asked.is_some() {
            return "still asking about the last one: paste this again in a moment".into();
        }
        let kind = Kind::of(&text);
        let says = kind.says(&text);
        let (to, asked) = oneshot::channel();
        let (half, clock, wake) = (self.waits.take(), clock.clone(), wake.clone());
        tokio::spawn(async move {
            // At the end nobody listens.
            let _ = to.send(what_is(kind, text, half, &clock).await);
            wake.notify_one();
        });
        self.asked = Some(asked);
        says
    }

    /// Once, when it is known.
    pub fn outcome(&mut self) -> Option<Outcome> {
        let outcome = self.asked.as_mut()?.try_recv();
        if matches!(outcome, Err(oneshot::error::TryRecvError::Empty)) {
            return None;
        }
        self.asked = None;
        outcome.ok()
    }

    /// Keeps a half until the other one is pasted.
    pub fn wait(&mut self, half: Half) {
        self.waits = Some(half);
    }
}

/// What a paste looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    GitHubToken,
    GrafanaToken,
    Address,
    Other,
}

impl Kind {
    fn of(text: &Secret) -> Self {
        let text = text.expose();
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix));
        if text.chars().any(char::is_whitespace) {
            Self::Other
        } else if begins(&["ghp_", "gho_", "github_pat_"]) {
            Self::GitHubToken
        } else if begins(&["glsa_"]) {
            Self::GrafanaToken
        } else if begins(&["http://", "https://"]) {
            Self::Address
        } else {
            Self::Other
        }
    }

    fn says(self, text: &Secret) -> Clean {
        match self {
            Self::GitHubToken => "asking GitHub whose token it is".into(),
            Self::GrafanaToken => "a Grafana token".into(),
            Self::Address => {
                let host = Url::parse(text.expose()).ok().and_then(|url| url.host_str().map(str::to_owned));
                Clean::own(format!("asking {} what it is", host.as_deref().unwrap_or("it")))
            }
            Self::Other => Clean::default(),
        }
    }
}

async fn what_is(kind: Kind, text: Secret, half: Option<Half>, clock: &Arc<dyn Clock>) -> Outcome {
    match (kind, half) {
        (Kind::GitHubToken, Some(Half::GitHub(host))) => github(host, text, clock).await,
        (Kind::GitHubToken, _) => github("github.com".to_owned(), text, clock).await,
        (Kind::GrafanaToken, Some(Half::Grafana(base))) => grafana(base, Some(text), clock).await,
        (Kind::GrafanaToken, _) => {
            Outcome::Waits(Half::GrafanaToken(text), "a Grafana token: now paste the address of its Grafana".into())
        }
        (Kind::Address, half) => address(&text, half, clock).await,
        (Kind::Other, _) => Outcome::Not(
            "that is no address (https://...) and no token midwatch knows (ghp_, github_pat_, gho_, glsa_)".into(),
        ),
    }
}

async fn address(text: &Secret, half: Option<Half>, clock: &Arc<dyn Clock>) -> Outcome {
    let url = match Url::parse(text.expose()) {
        Ok(url) if url.has_host() => url,
        _ => return Outcome::Not("that is no address: it must name a host, as https://grafana.example does".into()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Outcome::Not("there is a user or password in that address: paste it without".into());
    }
    if matches!(url.host_str(), Some("github.com" | "api.github.com" | "www.github.com")) {
        let says = "github.com: now paste a token (ghp_... or github_pat_...), or run `gh auth login`";
        return Outcome::Waits(Half::GitHub("github.com".to_owned()), says.into());
    }
    let (product, base) = match recognise(&url, clock).await {
        Ok(known) => known,
        Err(says) => return Outcome::Not(says),
    };
    let opens = |at: At| {
        let says = Clean::own(format!("a {} at {base}: open for this session", at.what()));
        Outcome::Opens { at, token: None, says }
    };
    match product {
        Product::Grafana => match half {
            Some(Half::GrafanaToken(token)) => grafana(base, Some(token), clock).await,
            _ => grafana(base, None, clock).await,
        },
        Product::Alertmanager => opens(At::Alertmanager(base.clone())),
        Product::Prometheus => opens(At::Prometheus(base.clone())),
        Product::Kubernetes => Outcome::Not(Clean::own(format!(
            "a Kubernetes API server at {base}: who you are stands in a kubeconfig. Set KUBECONFIG and start again"
        ))),
        Product::GitHubEnterprise => {
            let host = url.host_str().unwrap_or_default().to_owned();
            let says = Clean::own(format!("a GitHub Enterprise at {host}: now paste a token for it (ghp_...)"));
            Outcome::Waits(Half::GitHub(host), says)
        }
    }
}

async fn github(host: String, token: Secret, clock: &Arc<dyn Clock>) -> Outcome {
    match github_login(&github_url(&host), &token, clock).await {
        Ok(login) => {
            let says = Clean::own(format!("{host} as {login}: open for this session"));
            Outcome::Opens { at: At::GitHub(host), token: Some(token), says }
        }
        Err(says) => Outcome::Not(says),
    }
}

/// Opens it if it may be read; without a token, one is asked for.
async fn grafana(base: String, token: Option<Secret>, clock: &Arc<dyn Clock>) -> Outcome {
    match grafana_opens(&base, token.as_ref(), clock).await {
        Ok(()) => {
            let says = Clean::own(format!("a Grafana at {base}: open for this session"));
            Outcome::Opens { at: At::Grafana(base), token, says }
        }
        Err(_) if token.is_none() => {
            let says = Clean::own(format!("a Grafana at {base}: now paste a token for it (glsa_...)"));
            Outcome::Waits(Half::Grafana(base), says)
        }
        Err(says) => Outcome::Waits(Half::Grafana(base), says),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        source::http::fake::{Asked, Fake, answer, json},
        time::SystemClock,
    };
    use serde_json::json;

    async fn paste(text: &str, half: Option<Half>) -> Outcome {
        let text = Secret::new(text);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        what_is(Kind::of(&text), text, half, &clock).await
    }

    fn words(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Opens { says, .. } | Outcome::Waits(_, says) | Outcome::Not(says) => says.to_string(),
        }
    }

    /// A Grafana that only its token opens.
    async fn a_grafana() -> Fake {
        Fake::start(|asked: &Asked| {
            let is_known = asked.header("authorization") == Some("Bearer glsa_marker");
            match asked.path.split('?').next() {
                Some("/api/health") => json(&json!({"database": "ok", "version": "12"})),
                Some("/api/search") if is_known => json(&json!([])),
                Some("/api/search") => answer(401, "application/json", r#"{"message": "Unauthorized"}"#),
                _ => answer(404, "application/json", "{}"),
            }
        })
        .await
    }

    #[tokio::test]
    async fn a_grafana_opens_with_address_and_token_in_either_order() {
        let fake = a_grafana().await;
        let Outcome::Waits(half, says) = paste("glsa_marker", None).await else {
            panic!("a token alone opens nothing")
        };
        assert!(says.contains("address") && !says.contains("marker"), "{says}");
        let opened = paste(&format!("{}/d/abc", fake.url), Some(half)).await;
        assert!(matches!(&opened, Outcome::Opens { at: At::Grafana(base), token: Some(_), .. } if *base == fake.url));

        let Outcome::Waits(half, says) = paste(&fake.url, None).await else { panic!("it wants a token") };
        assert!(says.contains("glsa_"), "{says}");
        let Outcome::Waits(half, says) = paste("glsa_wrong", Some(half)).await else { panic!("it is refused") };
        assert!(says.contains("401") && !says.contains("glsa_wrong"), "{says}");
        let opened = paste("glsa_marker", Some(half)).await;
        assert!(matches!(opened, Outcome::Opens { .. }), "{}", words(&opened));
    }

    #[tokio::test]
    async fn an_alertmanager_and_a_prometheus_open_at_once() {
        let fake = Fake::start(|asked: &Asked| match asked.path.as_str() {
            "/am/api/v2/status" => json(&json!({"cluster": {}, "versionInfo": {}})),
            "/api/v1/status/buildinfo" => json(&json!({"status": "success", "data": {"version": "3"}})),
            _ => answer(404, "text/plain", "404"),
        })
        .await;
        let root = fake.url.clone();
        let opened = paste(&root, None).await;
        assert!(matches!(&opened, Outcome::Opens { at: At::Prometheus(base), token: None, .. } if *base == root));
    }

    #[tokio::test]
    async fn what_cannot_be_opened_is_said_without_repeating_it() {
        for (text, says) in [
            ("hunter2 hunter2", "no address"),
            ("xoxb-marker", "no address"),
            ("https://ana:marker@grafana.example", "without"),
            ("https://", "no address"),
            ("https://github.com/acme/shop", "paste a token"),
        ] {
            let said = words(&paste(text, None).await);
            assert!(said.contains(says) && !said.contains("marker") && !said.contains("hunter2"), "{text}: {said}");
        }
    }
}
