//! What answers at an address, asked of the address itself: each product has a page of its own that says so. And whether a
//! token is taken there.

use std::{sync::Arc, time::Duration};

use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::{
    SourceError,
    http::{Auth, Direct, Http, Limits, Reply},
};
use crate::{
    config::file::Tls,
    secret::{Secret, mask},
    text::Clean,
    time::Clock,
};

/// Longest that all questions to one address may take.
const WITHIN: Duration = Duration::from_secs(8);
/// A page that says what a product is, is small.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(3),
    idle: Duration::from_secs(3),
    answer: Duration::from_secs(5),
    body: 1024 * 1024,
};
/// Longest path prefix tried: `/team/tools/grafana`.
const DEEPEST: usize = 3;

/// What midwatch knows by sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    Grafana,
    Alertmanager,
    Prometheus,
    Kubernetes,
    GitHubEnterprise,
}

impl Product {
    const ALL: [Self; 5] =
        [Self::Grafana, Self::Alertmanager, Self::Prometheus, Self::Kubernetes, Self::GitHubEnterprise];

    /// The page that tells it, open to anyone on a usual installation.
    const fn page(self) -> &'static str {
        match self {
            Self::Grafana => "/api/health",
            Self::Alertmanager => "/api/v2/status",
            Self::Prometheus => "/api/v1/status/buildinfo",
            Self::Kubernetes => "/version",
            Self::GitHubEnterprise => "/api/v3/meta",
        }
    }

    /// Whether this answer to its page is its own. A refusal in its own words is one too.
    fn wrote(self, reply: &Reply) -> bool {
        let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else { return false };
        let has = |pointer: &str| body.pointer(pointer).is_some_and(|value| !value.is_null());
        match self {
            Self::Grafana => has("/database") && (has("/version") || has("/commit") || reply.status.is_success()),
            Self::Alertmanager => has("/versionInfo") && has("/cluster"),
            Self::Prometheus => body["status"] == "success" && has("/data/version"),
            Self::Kubernetes => has("/gitVersion") || (body["kind"] == "Status" && body["apiVersion"] == "v1"),
            Self::GitHubEnterprise => {
                has("/installed_version") || reply.headers.contains_key("x-github-enterprise-version")
            }
        }
    }
}

/// Asks an address what it is: at its root, then below the prefixes of its path. Returns the product and its base.
pub async fn recognise(address: &Url, clock: &Arc<dyn Clock>) -> Result<(Product, String), Clean> {
    let shown = bare(address);
    match tokio::time::timeout(WITHIN, among(address, &shown, clock)).await {
        Ok(found) => found,
        Err(_) => Err(Clean::own(format!("'{shown}' did not say within {} s what it is", WITHIN.as_secs()))),
    }
}

async fn among(address: &Url, shown: &str, clock: &Arc<dyn Clock>) -> Result<(Product, String), Clean> {
    let mut why_not = None;
    for base in bases(address) {
        match at(&base, clock).await {
            Ok(Asked::Is(product)) => return Ok((product, base)),
            Ok(Asked::IsNot(why)) => why_not = why_not.or(why),
            Err(error) => return Err(error.says),
        }
    }
    let known = "no Grafana, Alertmanager, Prometheus, Kubernetes or GitHub Enterprise that midwatch knows";
    let why = why_not.map_or_else(String::new, |why| format!(": {why}"));
    Err(Clean::own(format!("'{shown}' answers, but it is {known}{why}")))
}

/// What came of the questions to one base.
enum Asked {
    Is(Product),
    /// Its status, where that says more than "not here".
    IsNot(Option<String>),
}

async fn at(base: &str, clock: &Arc<dyn Clock>) -> Result<Asked, SourceError> {
    let http = client(base, &Auth::None, clock)?;
    let replies = Product::ALL.map(|product| http.send(Method::GET, product.page(), None));
    let replies = futures::future::join_all(replies).await;
    let is =
        Product::ALL.into_iter().zip(&replies).find(|(product, reply)| reply.as_ref().is_ok_and(|r| product.wrote(r)));
    if let Some((product, _)) = is {
        return Ok(Asked::Is(product));
    }
    let mut answered = replies.iter().flatten().peekable();
    if answered.peek().is_none() {
        // All failed alike.
        return replies.into_iter().find_map(Result::err).map_or(Ok(Asked::IsNot(None)), Err);
    }
    Ok(Asked::IsNot(answered.find_map(hint)))
}

/// Why a server that answers does not say what it is.
fn hint(reply: &Reply) -> Option<String> {
    let moved = reply.headers.get("location").and_then(|to| to.to_str().ok());
    match reply.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some("it wants a login before it says anything".to_owned()),
        status if status.is_redirection() => {
            moved.map(|to| format!("it leads to '{}'", mask(to.split('?').next().unwrap_or(to))))
        }
        _ => None,
    }
}

/// The login that a GitHub token belongs to. `api`: `https://api.github.com`, `https://HOST/api/v3`. GET /user
pub async fn github_login(api: &str, token: &Secret, clock: &Arc<dyn Clock>) -> Result<Clean, Clean> {
    let user: Value = ask(api, "/user", token, clock).await?;
    match user["login"].as_str() {
        Some(login) => Ok(Clean::line(login)),
        None => Err(Clean::own(format!("'{api}' does not say whose token it is"))),
    }
}

/// Whether a Grafana may be read as who we are; without a token: by anybody. GET /api/search
pub async fn grafana_opens(base: &str, token: Option<&Secret>, clock: &Arc<dyn Clock>) -> Result<(), Clean> {
    let none = Secret::new("");
    let _: Value = ask(base, "/api/search?limit=1", token.unwrap_or(&none), clock).await?;
    Ok(())
}

async fn ask(base: &str, path: &str, token: &Secret, clock: &Arc<dyn Clock>) -> Result<Value, Clean> {
    let auth = if token.is_empty() { Auth::None } else { Auth::Bearer(Secret::new(token.expose())) };
    let http = client(base, &auth, clock).map_err(|error| error.says)?;
    match tokio::time::timeout(WITHIN, http.get_json(path)).await {
        Ok(answer) => answer.map_err(|error| error.says),
        Err(_) => Err(Clean::own(format!("'{base}' did not answer within {} s", WITHIN.as_secs()))),
    }
}

fn client(base: &str, auth: &Auth, clock: &Arc<dyn Clock>) -> Result<Http, SourceError> {
    let who = format!("'{base}'");
    let transport = Direct::new(&who, base, &Tls::default(), LIMITS)?;
    Ok(Http::new(&who, Arc::new(transport), auth, clock.clone()).remedy("is the token whole, and not expired?"))
}

/// The root, then each prefix of the path.
fn bases(address: &Url) -> Vec<String> {
    let root = address.origin().ascii_serialization();
    let pieces = address.path_segments().into_iter().flatten().filter(|piece| !piece.is_empty());
    let below = pieces.take(DEEPEST).scan(root.clone(), |base, piece| {
        base.push('/');
        base.push_str(piece);
        Some(base.clone())
    });
    std::iter::once(root.clone()).chain(below).collect()
}

/// An address without what may be secret in it.
fn bare(address: &Url) -> String {
    format!("{}{}", address.origin().ascii_serialization(), address.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        source::http::fake::{Asked, Behaviour, Fake, answer, json},
        time::SystemClock,
    };
    use serde_json::json;

    fn clock() -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    async fn found(fake: &Fake, path: &str) -> Result<(Product, String), Clean> {
        recognise(&Url::parse(&format!("{}{path}", fake.url)).unwrap(), &clock()).await
    }

    /// Answers one page, and everything else as a server that does not have it.
    async fn only(path: &'static str, body: Value) -> Fake {
        Fake::start(
            move |asked: &Asked| {
                if asked.is("GET", path) { json(&body) } else { answer(404, "text/html", "<html>not here</html>") }
            },
        )
        .await
    }

    #[tokio::test]
    async fn each_product_is_known_by_its_own_page() {
        for (path, body, product) in [
            ("/api/health", json!({"database": "ok", "version": "12.0.0"}), Product::Grafana),
            ("/api/v2/status", json!({"cluster": {}, "versionInfo": {"version": "0.28"}}), Product::Alertmanager),
            ("/api/v1/status/buildinfo", json!({"status": "success", "data": {"version": "3.4"}}), Product::Prometheus),
            ("/version", json!({"gitVersion": "v1.33.1"}), Product::Kubernetes),
            ("/api/v3/meta", json!({"installed_version": "3.17.0"}), Product::GitHubEnterprise),
        ] {
            let fake = only(path, body).await;
            assert_eq!(found(&fake, "/some/page?token=x").await.unwrap(), (product, fake.url.clone()));
        }
    }

    #[tokio::test]
    async fn a_grafana_below_a_path_is_found_from_one_of_its_dashboards() {
        let fake = only("/tools/grafana/api/health", json!({"database": "ok", "version": "12"})).await;
        let (product, base) = found(&fake, "/tools/grafana/d/abc/shop").await.unwrap();
        assert_eq!((product, base), (Product::Grafana, format!("{}/tools/grafana", fake.url)));
    }

    #[tokio::test]
    async fn what_is_none_of_them_is_said_in_words() {
        let fake = Fake::start(|_: &Asked| answer(200, "text/html", "<html>a shop</html>")).await;
        let says = found(&fake, "/cart?session=s3cret").await.unwrap_err();
        assert!(says.contains("answers, but it is no Grafana") && !says.contains("s3cret"), "{says}");
        let fake = Fake::start(|_: &Asked| answer(401, "text/plain", "who?")).await;
        assert!(found(&fake, "").await.unwrap_err().contains("wants a login"));
        let fake = Fake::start(|_: &Asked| Behaviour::HangUp).await;
        let says = found(&fake, "").await.unwrap_err();
        assert!(says.contains("does not answer"), "{says}");
    }

    #[tokio::test]
    async fn a_silent_address_has_a_deadline() {
        let fake = Fake::start(|_: &Asked| Behaviour::Silent).await;
        let says = found(&fake, "").await.unwrap_err();
        assert!(says.contains("did not"), "{says}");
    }

    #[tokio::test]
    async fn a_token_is_tried_and_never_repeated() {
        let fake = Fake::start(|asked: &Asked| match asked.header("authorization") {
            Some("Bearer ghp_right") => json(&json!({"login": "ana"})),
            _ => answer(401, "application/json", r#"{"message": "Bad credentials"}"#),
        })
        .await;
        assert_eq!(github_login(&fake.url, &Secret::new("ghp_right"), &clock()).await.unwrap(), "ana");
        let says = github_login(&fake.url, &Secret::new("ghp_wrong"), &clock()).await.unwrap_err();
        assert!(says.contains("401") && !says.contains("ghp_wrong"), "{says}");
    }
}
