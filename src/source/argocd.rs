//! Argo CD's own server (`/api/v1`, as of 3.x): the Application that keeps a workload as git says, for those who have rights
//! in Argo CD and none on its objects in the cluster, and where Argo CD runs in another cluster.

pub mod application;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use self::application::Above;
use super::{
    AnswerSink, ErrorKind, Reader, SourceError,
    http::{Auth, Direct, Http, Reply},
    kubernetes::{
        client::segment,
        owners::{LOOK, MAX_CHAIN},
    },
};
use crate::{
    action::{self, WorkloadInspection},
    config::{
        file::{self, Timeouts},
        token,
    },
    json::text,
    model::{
        BackendId,
        gitops::{Owner, OwnerKey, OwnerKind, Standing},
        kubernetes::Manager,
    },
    query::{Answer, Query},
    text::Clean,
    time::Clock,
};

/// What applications call the cluster that Argo CD runs in.
const IN_CLUSTER: &str = "https://kubernetes.default.svc";

/// One server, by its configuration. Connects when it is asked, and reads its token anew each time.
pub struct ArgoCd {
    id: BackendId,
    config: file::ArgoCd,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "Version")]
    version: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct UserInfo {
    logged_in: bool,
    username: String,
}

#[derive(Deserialize)]
struct CanI {
    value: String,
}

impl ArgoCd {
    /// Contacts nobody, and reads no token yet.
    pub fn new(config: file::ArgoCd, timeouts: Timeouts, clock: Arc<dyn Clock>) -> Self {
        Self { id: BackendId::new(&config.name), config, timeouts, clock }
    }

    pub fn id(&self) -> &BackendId {
        &self.id
    }

    pub fn url(&self) -> &str {
        &self.config.url
    }

    /// Its certificate is not verified.
    pub fn is_insecure(&self) -> bool {
        self.config.tls.insecure
    }

    /// `Argo CD 'main'`
    fn who(&self) -> String {
        format!("Argo CD '{}'", self.id)
    }

    /// Ready to ask, with the token as it is now.
    pub async fn http(&self) -> Result<Http, SourceError> {
        let transport = Direct::new(&self.who(), &self.config.url, &self.config.tls, self.timeouts.into())?;
        let token = match &self.config.token {
            None => None,
            Some(token) => {
                let within = Duration::from_secs(u64::from(self.timeouts.command));
                let fetched = token::fetch(token, &self.who(), within).await;
                Some(fetched.map_err(|says| SourceError::new(ErrorKind::Auth, says))?)
            }
        };
        let http = Http::new(&self.who(), Arc::new(transport), &Auth::new(None, token), self.clock.clone());
        Ok(http.remedy("check `token` of its [[argocd]] in the configuration: `argocd account generate-token`"))
    }

    /// Whether it answers, and takes who we are.
    ///
    /// # Errors
    /// In words: what happened, and what to do.
    pub async fn check(&self) -> Result<Clean, SourceError> {
        let http = self.http().await?;
        let version: Version = http.get_json("/api/version").await?;
        let user: UserInfo = http.get_json("/api/v1/session/userinfo").await?;
        if !user.logged_in {
            let what = "answers, and does not know who we are: give its [[argocd]] a `token`";
            return Err(http.error(ErrorKind::Auth, what));
        }
        Ok(Clean::own(format!("{}, as '{}'", version.version, user.username)))
    }

    /// `GET /api/v1/applications/{name}`. `None`: there is none, or it may not be seen (Argo CD says 403 for both).
    pub async fn application(
        &self,
        http: &Http,
        (namespace, name): (Option<&str>, &str),
    ) -> Result<Option<Value>, SourceError> {
        let path = path_of(namespace, name, "");
        let reply = http.send(Method::GET, &path, None).await?;
        if matches!(reply.status.as_u16(), 403 | 404) && !reply.is_html() {
            return Ok(None);
        }
        http.judge(&path, &reply)?;
        http.decode(&path, &reply).map(Some)
    }

    /// Changes an application; the answer whatever its status.
    pub async fn write(
        &self,
        http: &Http,
        method: Method,
        (namespace, name): (&str, &str),
        verb: &str,
        body: &Value,
    ) -> Result<Reply, SourceError> {
        http.send(method, &path_of(Some(namespace), name, verb), Some(Bytes::from(body.to_string()))).await
    }

    /// Whether an application may be switched and synced with this token. `is_home`: it is in Argo CD's own namespace.
    async fn may_change(&self, http: &Http, key: &OwnerKey, object: &Value, is_home: bool) -> Result<bool, Clean> {
        let project = match text(object, "/spec/project") {
            "" => "default",
            project => project,
        };
        let app =
            if is_home { segment(&key.name) } else { format!("{}/{}", segment(&key.namespace), segment(&key.name)) };
        for action in ["update", "sync"] {
            let path = format!("/api/v1/account/can-i/applications/{action}/{}/{app}", segment(project));
            let answer: CanI = http.get_json(&path).await.map_err(|error| error.says)?;
            if answer.value != "yes" {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn key(&self, found: &WorkloadInspection, object: &Value) -> OwnerKey {
        OwnerKey {
            cluster: found.workload.key.cluster.clone(),
            kind: OwnerKind::Application,
            version: "v1alpha1".into(),
            namespace: Clean::line(text(object, "/metadata/namespace")),
            name: Clean::line(text(object, "/metadata/name")),
            via: Some(self.id.clone()),
        }
    }

    /// The application of the workload and what stands above it, as this server has them; `None`: it is not this one's.
    async fn chain(&self, found: &WorkloadInspection) -> Result<Option<Vec<Owner>>, Clean> {
        let Some(Manager::ArgoCd { application: mark }) = found.workload.managed_by.first() else { return Ok(None) };
        let http = self.http().await.map_err(|error| error.says)?;
        let of = place(mark);
        let Some(object) = self.application(&http, of).await.map_err(|error| error.says)? else {
            return Ok(None);
        };
        if !self.is_its(found, &object) {
            return Ok(None);
        }
        let mut chain: Vec<Owner> = Vec::new();
        let mut next = Some((object, of.0.is_none()));
        while let Some((object, is_home)) = next.take() {
            if chain.len() == MAX_CHAIN {
                return Err(Clean::own(format!("more than {MAX_CHAIN} applications stand above each other")));
            }
            let key = self.key(found, &object);
            let may = self.may_change(&http, &key, &object, is_home).await;
            let mut owner = application::owner(key, &object, may);
            owner.says = Clean::own(format!("{}, through {}", owner.says, self.who()));
            match application::above(&owner.key, &object) {
                Above::Nothing => {}
                Above::Set(name) => owner.barrier = self.set(&http, &owner.key, &name).await,
                Above::Application(mark) => {
                    let of = place(&mark);
                    let is_known = |object: &Value| {
                        let key = self.key(found, object);
                        chain.iter().chain([&owner]).any(|known| known.key == key)
                    };
                    match self.application(&http, of).await {
                        // A root application is of itself.
                        Ok(Some(object)) if is_known(&object) => {}
                        Ok(Some(object)) => next = Some((object, of.0.is_none())),
                        Ok(None) => {
                            owner.barrier =
                                Some(Clean::own(format!("its parent application '{mark}' may not be seen")));
                        }
                        Err(error) => {
                            owner.barrier = Some(Clean::own(format!(
                                "its parent application '{mark}' could not be read: {}",
                                error.says
                            )));
                        }
                    }
                }
            }
            chain.push(owner);
        }
        Ok(Some(chain))
    }

    /// Whether the application is the workload's: the very object that the cluster has, or one that deploys it there.
    fn is_its(&self, found: &WorkloadInspection, object: &Value) -> bool {
        if let Ok([first, ..]) = found.owners.as_deref() {
            return *first.uid == *text(object, "/metadata/uid");
        }
        let key = &found.workload.key;
        let own = format!("{} {}/{}", key.kind.kind(), key.namespace, key.name);
        let deploys_it = application::workloads(object).iter().any(|one| **one == *own);
        let to = text(object, "/spec/destination/server");
        let is_there = if to == IN_CLUSTER {
            self.config.cluster.as_deref() == Some(&*key.cluster)
        } else {
            is_same_server(to, found.server.split(' ').next().unwrap_or_default())
        };
        deploys_it && is_there
    }

    /// Why the ApplicationSet would switch auto-sync on again.
    async fn set(&self, http: &Http, of: &OwnerKey, name: &str) -> Option<Clean> {
        let namespace = &of.namespace;
        let path = format!("/api/v1/applicationsets/{}?appsetNamespace={}", segment(name), segment(namespace));
        match http.get_json::<Value>(&path).await {
            Ok(set) => application::switches_on(&set, (namespace, name), &of.name),
            Err(error) => {
                Some(Clean::own(format!("ApplicationSet '{name}' writes it, and could not be read: {}", error.says)))
            }
        }
    }

    async fn standing(&self, key: &OwnerKey) -> Result<Standing, SourceError> {
        let http = self.http().await?;
        let Some(object) = self.application(&http, (Some(&key.namespace), &key.name)).await? else {
            return Err(http.error(ErrorKind::Unexpected, &format!("has no application '{key}', or does not show it")));
        };
        Ok(Standing { is_active: application::is_active(&object), git: application::git(&object) })
    }
}

/// Without a namespace it is looked for where Argo CD itself is.
fn path_of(namespace: Option<&str>, name: &str, verb: &str) -> String {
    let of = namespace.map(|namespace| format!("?appNamespace={}", segment(namespace))).unwrap_or_default();
    format!("/api/v1/applications/{}{verb}{of}", segment(name))
}

/// Namespace and name of what a tracking mark names: `app` is in Argo CD's own namespace, wherever that is.
fn place(mark: &str) -> (Option<&str>, &str) {
    mark.split_once('_').map_or((None, mark), |(namespace, name)| (Some(namespace), name))
}

fn is_same_server(one: &str, other: &str) -> bool {
    let place =
        |url: &str| Url::parse(url).ok().map(|url| (url.host_str().map(str::to_owned), url.port_or_known_default()));
    place(one).is_some_and(|one| Some(one) == place(other))
}

impl action::Applications for ArgoCd {
    fn backend(&self) -> &BackendId {
        &self.id
    }

    fn owners<'a>(&'a self, found: &'a WorkloadInspection) -> BoxFuture<'a, Result<Option<Vec<Owner>>, Clean>> {
        self.chain(found).boxed()
    }
}

impl Reader for ArgoCd {
    fn backend(&self) -> &BackendId {
        &self.id
    }

    fn read<'a>(&'a self, query: &'a Query, out: AnswerSink) -> BoxFuture<'a, ()> {
        async move {
            let Query::Standing(key) = query else { return };
            while out.send(self.standing(key).await.map(Answer::Standing)).await {
                tokio::time::sleep(LOOK).await;
            }
        }
        .boxed()
    }
}
