//! One question to a registry: who we are is said only when asked, to whom the registry names, and to nobody by a redirect.

use std::sync::Arc;

use http::{Method, StatusCode, header};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::{
    Registry,
    challenge::{self, Challenge},
    manifest::ACCEPT,
};
use crate::{
    config::file::Tls,
    model::image::ImageRef,
    secret::{Secret, mask},
    source::{
        ErrorKind, SourceError,
        http::{Auth, Direct, Http, Reply, Transport, is_loopback},
    },
};

/// Most redirects of one request.
const MAX_HOPS: usize = 3;

pub(super) struct Session<'a> {
    registry: &'a Registry,
    transport: Arc<dyn Transport>,
    base: Url,
    http: Http,
    /// We have said who we are, or that we are nobody.
    is_known: bool,
}

/// What a token server sends; which of the two depends on its age.
#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'a> Session<'a> {
    /// Reads the CA file; connects to nothing.
    pub fn new(registry: &'a Registry) -> Result<Self, SourceError> {
        let url = registry.url();
        let direct = Direct::new(&registry.who(), &url, &registry.config.tls, registry.limits)?;
        let base = Url::parse(direct.server())
            .map_err(|error| registry.error(ErrorKind::Unreachable, &format!("has an unusable `url`: {error}")))?;
        let transport: Arc<dyn Transport> = Arc::new(direct);
        let http = http(registry, transport.clone(), &Auth::None);
        Ok(Self { registry, transport, base, http, is_known: false })
    }

    pub fn judge(&self, path: &str, reply: &Reply) -> Result<(), SourceError> {
        self.http.judge(path, reply)
    }

    /// Asks about an image, and once more with who we are if that is wanted.
    pub async fn ask(&mut self, method: Method, path: &str, image: &ImageRef) -> Result<Reply, SourceError> {
        let reply = self.send(method.clone(), path).await?;
        if self.is_known {
            return Ok(reply);
        }
        match reply.status {
            StatusCode::UNAUTHORIZED => self.log_in(&reply, Some(&image.repository)).await?,
            // Some registries deny to strangers that anything is there, and ask nobody who they are.
            StatusCode::NOT_FOUND if self.registry.config.token.is_some() => {
                let (user, token) = self.registry.login().await?.unzip();
                self.know(&Auth::new(user.flatten(), token));
            }
            _ => return Ok(reply),
        }
        self.send(method, path).await
    }

    /// Sends, and follows redirects; to another host nothing of who we are goes along.
    pub async fn send(&self, method: Method, path: &str) -> Result<Reply, SourceError> {
        let mut reply = self.http.send(method.clone(), path, None).await?;
        let mut at = self.base.clone();
        for _ in 0..MAX_HOPS {
            let Some(next) = followed(&at, &reply) else { return Ok(reply) };
            at = next;
            self.may_be_asked(&at, "redirects")?;
            let below = at[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
            let elsewhere;
            let http = if at.origin() == self.base.origin() && self.base.path() == "/" {
                &self.http
            } else {
                elsewhere = http(self.registry, self.direct(&self.registry.who(), &at)?, &Auth::None);
                &elsewhere
            };
            reply = http.send(method.clone(), &below, None).await?;
            // A login is owed to the registry, not to whom it sends us.
            if reply.status == StatusCode::UNAUTHORIZED && at.origin() != self.base.origin() {
                let what = format!("redirects to '{}', which refuses strangers", at.host_str().unwrap_or_default());
                return Err(self.registry.error(ErrorKind::Auth, &what));
            }
        }
        Ok(reply)
    }

    /// Answers a 401, or says why that cannot be done.
    pub async fn log_in(&mut self, refused: &Reply, repository: Option<&str>) -> Result<(), SourceError> {
        let challenges = challenge::read(&refused.headers);
        let of = |scheme: &str| challenges.iter().find(|one| one.scheme == scheme);
        let bearer = of("bearer").filter(|one| one.get("realm").is_some());
        let auth = match (bearer, of("basic"), self.registry.login().await?) {
            (Some(bearer), _, Some((Some(user), password))) => {
                self.token(bearer, repository, Auth::Basic { user, password }).await?
            }
            (Some(bearer), _, None) => self.token(bearer, repository, Auth::None).await?,
            (None, Some(_), None) => return Err(self.refused("asks for a user and a password")),
            (None, None, None) => return Err(self.refused("refuses strangers (401)")),
            (_, _, Some((user, token))) => Auth::new(user, Some(token)),
        };
        self.know(&auth);
        Ok(())
    }

    fn know(&mut self, auth: &Auth) {
        self.http = http(self.registry, self.transport.clone(), auth);
        self.is_known = true;
    }

    /// Asks the server that the registry names for a token that may pull.
    async fn token(&self, bearer: &Challenge, repository: Option<&str>, who: Auth) -> Result<Auth, SourceError> {
        let realm = bearer.get("realm").unwrap_or_default();
        let at = Url::parse(realm).ok().filter(Url::has_host).ok_or_else(|| {
            let what = format!("sends for a token to '{}', which is no address", mask(realm));
            self.registry.error(ErrorKind::Unexpected, &what)
        })?;
        self.may_be_asked(&at, "sends for a token")?;
        let name = format!("the token server of {}", self.registry.who());
        let http = Http::new(&name, self.direct(&name, &at)?, &who, self.registry.clock.clone())
            .remedy(self.registry.remedy());
        let granted: Granted = http.get_json(&wanted(&at, bearer, repository)).await?;
        let token = granted.token.or(granted.access_token).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| http.error(ErrorKind::Unexpected, "sent no token"))?;
        Ok(Auth::Bearer(Secret::new(&token)))
    }

    /// Another server may be asked by TLS; without it only where the registry itself is, as configured.
    pub(super) fn may_be_asked(&self, at: &Url, how: &str) -> Result<(), SourceError> {
        let both_here = is_loopback(at) && is_loopback(&self.base);
        let is_as_configured = self.base.scheme() == "http" && (both_here || at.host() == self.base.host());
        if at.scheme() == "https" || (at.scheme() == "http" && is_as_configured) {
            return Ok(());
        }
        let what = format!(
            "{how} to '{}://{}', which is not asked: anybody between could read and change it",
            at.scheme(),
            at.host_str().unwrap_or_default()
        );
        Err(self.registry.error(ErrorKind::Unexpected, &what))
    }

    /// The server of an address. That certificates are not verified was said of the registry's own host alone.
    fn direct(&self, who: &str, at: &Url) -> Result<Arc<dyn Transport>, SourceError> {
        let own = &self.registry.config.tls;
        let tls = Tls { insecure: own.insecure && at.host() == self.base.host(), ..own.clone() };
        Ok(Arc::new(Direct::new(who, &at.origin().ascii_serialization(), &tls, self.registry.limits)?))
    }

    fn refused(&self, what: &str) -> SourceError {
        self.registry.error(ErrorKind::Auth, &format!("{what}: {}", self.registry.remedy()))
    }
}

fn http(registry: &Registry, transport: Arc<dyn Transport>, auth: &Auth) -> Http {
    Http::new(&registry.who(), transport, auth, registry.clock.clone())
        .remedy(registry.remedy())
        .header("accept", ACCEPT)
}

/// Path and query of what a token server is asked for.
fn wanted(realm: &Url, bearer: &Challenge, repository: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(realm.query_pairs());
    query.extend_pairs(bearer.get("service").map(|service| ("service", service)));
    query.extend_pairs(challenge::scope(bearer.get("scope"), repository).map(|scope| ("scope", scope)));
    format!("{}?{}", realm.path(), query.finish())
}

/// Where an answer sends us.
fn followed(at: &Url, reply: &Reply) -> Option<Url> {
    let is_moved = matches!(reply.status.as_u16(), 301 | 302 | 307 | 308);
    let to = reply.headers.get(header::LOCATION).filter(|_| is_moved)?.to_str().ok()?;
    at.join(to).ok().filter(Url::has_host)
}
