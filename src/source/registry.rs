//! Container registries (OCI distribution specification): is an image there, and what does its name mean now. Only ever
//! reads, and asks for no more than to pull.

mod challenge;
mod manifest;
mod session;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Method, StatusCode};

use self::session::Session;
use super::{
    ErrorKind, SourceError,
    http::{Limits, Reply},
};
use crate::{
    action::{self, registry::Registered},
    config::{
        file::{self, Timeouts},
        token,
    },
    model::{
        Name,
        image::{DOCKER_HUB, ImageRef, canonical_host},
    },
    secret::Secret,
    text::Clean,
    time::{Clock, age, seconds_between},
};

/// A plan waits for it: no request takes longer, whatever the configuration allows other backends.
const WITHIN: Duration = Duration::from_secs(5);
/// The largest manifest that a registry must take.
const MAX_MANIFEST: usize = 4 * 1024 * 1024;
/// Docker Hub's images are named for another host than its registry has.
const DOCKER_HUB_API: &str = "https://registry-1.docker.io";

/// One registry, by its configuration. Connects when it is asked.
pub struct Registry {
    host: Name,
    config: file::Registry,
    limits: Limits,
    /// For a command that prints the token.
    command: Duration,
    clock: Arc<dyn Clock>,
}

impl Registry {
    /// Contacts nobody, and reads no token yet.
    pub fn new(config: file::Registry, timeouts: Timeouts, clock: Arc<dyn Clock>) -> Self {
        let Limits { connect, idle, answer, .. } = timeouts.into();
        let limits = Limits {
            connect: connect.min(WITHIN),
            idle: idle.min(WITHIN),
            answer: answer.min(WITHIN),
            body: MAX_MANIFEST,
        };
        let command = Duration::from_secs(u64::from(timeouts.command));
        Self { host: Clean::line(&canonical_host(&config.host)), config, limits, command, clock }
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        match &self.config.url {
            Some(url) => url.clone(),
            None if self.host == DOCKER_HUB => DOCKER_HUB_API.to_owned(),
            None => format!("https://{}", self.host),
        }
    }

    /// Its certificate is not verified.
    pub fn is_insecure(&self) -> bool {
        self.config.tls.insecure
    }

    /// `registry 'ghcr.io'`
    fn who(&self) -> String {
        format!("registry '{}'", self.host)
    }

    fn error(&self, kind: ErrorKind, what: &str) -> SourceError {
        SourceError::new(kind, format!("{} {what}", self.who()))
    }

    fn remedy(&self) -> &'static str {
        if self.config.token.is_some() {
            "check `user` and `token` of its [[registry]] in the configuration"
        } else {
            "give its [[registry]] a `user` and a `token` that may pull"
        }
    }

    /// User and token of the configuration, read anew each time: some are good for hours only.
    async fn login(&self) -> Result<Option<(Option<String>, Secret)>, SourceError> {
        let Some(token) = &self.config.token else { return Ok(None) };
        let fetched = token::fetch(token, &self.who(), self.command).await;
        let token = fetched.map_err(|says| SourceError::new(ErrorKind::Auth, says))?;
        Ok(Some((self.config.user.clone(), token)))
    }

    /// Whether it answers, and takes who we are.
    ///
    /// # Errors
    /// In words: what happened, and what to do.
    pub async fn check(&self) -> Result<Clean, SourceError> {
        const PATH: &str = "/v2/";
        let mut session = Session::new(self)?;
        let first = session.send(Method::GET, PATH).await?;
        if first.status != StatusCode::UNAUTHORIZED {
            session.judge(PATH, &first)?;
            return Ok("answers, and asks nobody who they are".into());
        }
        if self.config.token.is_none() {
            return Ok("answers; without a `token` only what is public can be asked for".into());
        }
        session.log_in(&first, None).await?;
        let second = session.send(Method::GET, PATH).await?;
        session.judge(PATH, &second)?;
        Ok("answers, and takes the token".into())
    }

    async fn find(&self, image: &ImageRef, known: &BTreeSet<Name>) -> Result<Registered, SourceError> {
        let path = format!("/v2/{}/manifests/{}", image.repository, image.reference());
        let mut session = Session::new(self)?;
        let head = session.ask(Method::HEAD, &path, image).await?;
        let told = match head.status {
            StatusCode::OK => self.told_digest(&head)?,
            // A HEAD has no body: whether this is a registry's word is read from a GET.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => None,
            _ => {
                session.judge(&path, &head)?;
                None
            }
        };
        if let Some(digest) = &told
            && (known.is_empty() || known.contains(digest) || !manifest::may_be_index(&head))
        {
            return self.there(image, digest.clone(), BTreeSet::new());
        }
        let whole = session.ask(Method::GET, &path, image).await?;
        if whole.status == StatusCode::NOT_FOUND && manifest::is_word_of_registry(&whole) {
            return Ok(Registered::Gone);
        }
        session.judge(&path, &whole)?;
        let read = (whole.status == StatusCode::OK).then(|| manifest::read(&whole.body)).flatten();
        let Some(parts) = read else {
            let what = format!("sent something for '{path}' that is no manifest: is its `url` right?");
            return Err(self.error(ErrorKind::Unexpected, &what));
        };
        let digest = match self.told_digest(&whole)?.or(told) {
            Some(digest) => digest,
            None => manifest::digest(&whole.body),
        };
        self.there(image, digest, parts)
    }

    fn there(&self, image: &ImageRef, digest: Name, parts: BTreeSet<Name>) -> Result<Registered, SourceError> {
        match &image.digest {
            Some(asked) if *asked != digest => {
                let what = format!("was asked for '{asked}' and answered with '{digest}'");
                Err(self.error(ErrorKind::Unexpected, &what))
            }
            _ => Ok(Registered::There { digest, parts }),
        }
    }

    /// `Docker-Content-Digest`; older registries leave it out.
    fn told_digest(&self, reply: &Reply) -> Result<Option<Name>, SourceError> {
        match reply.headers.get("docker-content-digest").map(|value| value.to_str()) {
            None => Ok(None),
            Some(Ok(digest)) if manifest::is_digest(digest) => Ok(Some(Clean::line(digest))),
            Some(_) => Err(self.error(ErrorKind::Unexpected, "sent a `Docker-Content-Digest` that is no digest")),
        }
    }
}

impl action::Registry for Registry {
    fn host(&self) -> &Name {
        &self.host
    }

    fn look<'a>(&'a self, image: &'a ImageRef, known: &'a BTreeSet<Name>) -> BoxFuture<'a, Result<Registered, Clean>> {
        async move {
            self.find(image, known).await.map_err(|error| match error.retry_at {
                Some(at) => {
                    let wait = age(seconds_between(self.clock.now().wall, at).max(0));
                    Clean::own(format!("{}; it may be asked again in {wait}", error.says))
                }
                None => error.says,
            })
        }
        .boxed()
    }
}
