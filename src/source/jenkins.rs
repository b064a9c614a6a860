//! Jenkins (core's own remote API, as of 2.5xx): the jobs that roll services back, asked by plans before they are started
//! and followed afterwards. Nothing of it is polled.

mod refused;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

pub use self::wire::item;
use self::{
    refused::lacks_crumb,
    wire::{BuildShape, BuildsShape, ItemShape, JobShape, Login, QueueShape},
};
use super::{
    ErrorKind, SourceError,
    http::{Auth, Direct, Http, Reply},
    kubernetes::client::segment,
};
use crate::{
    action::{
        self,
        jobs::{Build, BuildStage, JobInspection},
    },
    config::{
        file::{self, Timeouts},
        token,
    },
    model::BackendId,
    text::Clean,
    time::Clock,
};

const LOGIN: &str = "/whoAmI/api/json";
const CRUMB: &str = "/crumbIssuer/api/json";
const JOB: &str = "buildable,inQueue,queueItem[id,why],property[parameterDefinitions[name,type,choices]],\
    lastBuild[number,building,timestamp]";
const ITEM: &str = "id,why,cancelled,executable[number]";
const BUILD: &str = "number,queueId,building,inProgress,result,timestamp,estimatedDuration,\
    actions[causes[userId],parameters[name,value]]";
const QUEUE: &str = "items[id,task[url],actions[causes[userId],parameters[name,value]]]";
/// Builds that are looked through for the one of a queue item that is gone.
const NEWEST: usize = 50;

/// One server, by its configuration. Connects when it is asked, and reads its token anew each time, except while a build is
/// followed.
pub struct Jenkins {
    id: BackendId,
    config: file::Jenkins,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
    /// With the token as it was read last. What tells it may ask its owner: not at each look at a build.
    ready: Mutex<Option<Arc<Http>>>,
}

/// What came of a start: a queue item, or a build that has left the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Started {
    /// By which its build is known, too.
    pub item: u64,
    /// `None`: it waits.
    pub build: Option<u64>,
    pub parameters: Vec<(String, String)>,
    /// Users that caused it; none: not told.
    pub users: Vec<String>,
}

impl Jenkins {
    /// Contacts nobody, and reads no token yet.
    pub fn new(config: file::Jenkins, timeouts: Timeouts, clock: Arc<dyn Clock>) -> Self {
        Self { id: BackendId::new(&config.name), config, timeouts, clock, ready: Mutex::default() }
    }

    pub fn id(&self) -> &BackendId {
        &self.id
    }

    pub fn url(&self) -> &str {
        &self.config.url
    }

    /// Whose token it is.
    pub fn user(&self) -> &str {
        self.config.user.as_deref().unwrap_or_default()
    }

    /// Its certificate is not verified.
    pub fn is_insecure(&self) -> bool {
        self.config.tls.insecure
    }

    /// `Jenkins 'main'`
    fn who(&self) -> String {
        format!("Jenkins '{}'", self.id)
    }

    /// Ready to ask, with the token as it is now. Who asks is said at once: unasked, Jenkins answers anybody with less.
    pub async fn http(&self) -> Result<Arc<Http>, SourceError> {
        let transport = Direct::new(&self.who(), &self.config.url, &self.config.tls, self.timeouts.into())?;
        let token = match &self.config.token {
            None => None,
            Some(token) => {
                let within = Duration::from_secs(u64::from(self.timeouts.command));
                let fetched = token::fetch(token, &self.who(), within).await;
                Some(fetched.map_err(|says| SourceError::new(ErrorKind::Auth, says))?)
            }
        };
        let auth = Auth::new(self.config.user.clone(), token);
        let http = Http::new(&self.who(), Arc::new(transport), &auth, self.clock.clone());
        let remedy = "check `user` and `token` of its [[jenkins]] in the configuration: an API token of that user";
        let http = Arc::new(http.remedy(remedy));
        *self.ready() = Some(http.clone());
        Ok(http)
    }

    fn ready(&self) -> MutexGuard<'_, Option<Arc<Http>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it answers, and takes who we are.
    ///
    /// # Errors
    /// In words: what happened, and what to do.
    pub async fn check(&self) -> Result<Clean, SourceError> {
        let http = self.http().await?;
        let reply = http.send(Method::GET, LOGIN, None).await?;
        self.judge(&http, LOGIN, &reply)?;
        let login: Login = http.decode(LOGIN, &reply)?;
        if login.anonymous || !login.authenticated {
            let what = "answers, and takes us for nobody: give its [[jenkins]] a `user` and an API `token`";
            return Err(http.error(ErrorKind::Auth, what));
        }
        let version = reply.header("x-jenkins").unwrap_or("of an unknown version");
        Ok(Clean::line(&format!("{version}, as '{}'", login.name)))
    }

    /// The answer to a GET; `None`: there is no such thing, or it may not be seen.
    async fn read<T: DeserializeOwned>(&self, http: &Http, path: &str, tree: &str) -> Result<Option<T>, SourceError> {
        let path = format!("{path}/api/json?tree={}", segment(tree));
        let reply = http.send(Method::GET, &path, None).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.judge(http, &path, &reply)?;
        http.decode(&path, &reply).map(Some)
    }

    /// Refuses everything but an answer of Jenkins' own that says yes.
    pub fn judge(&self, http: &Http, path: &str, reply: &Reply) -> Result<(), SourceError> {
        refused::judge(http, self.user(), path, reply)
    }

    async fn shape(&self, http: &Http, name: &str) -> Result<JobShape, SourceError> {
        self.read(http, &job_path(name), JOB).await?.ok_or_else(|| {
            let user = self.user();
            http.error(ErrorKind::Unexpected, &format!("has no job '{name}', or '{user}' may not see it (Job/Read)"))
        })
    }

    /// The job of this name.
    pub async fn inspected(&self, http: &Http, name: &str) -> Result<JobInspection, SourceError> {
        let shape = self.shape(http, name).await?;
        let url = format!("{}{}", http.server(), job_path(name));
        Ok(shape.into_inspection(Clean::line(&url), Clean::line(self.user()), http.server_now()))
    }

    /// Posts a form, or nothing; the answer whatever its status. It is sent once; where a crumb is asked for, which is a
    /// refusal, once more with it.
    pub async fn post(&self, http: &Http, path: &str, form: &[(String, String)]) -> Result<Reply, SourceError> {
        let body = Bytes::from(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form);
        let reply = http.send_with(Method::POST, path, Some(body.clone()), headers.clone()).await?;
        if !lacks_crumb(&reply) {
            return Ok(reply);
        }
        // Without one the refusal stands, which says what to do.
        let Ok(crumb) = http.send(Method::GET, CRUMB, None).await else { return Ok(reply) };
        match wire::crumb(&crumb) {
            Some(crumb) => {
                headers.extend(crumb);
                http.send_with(Method::POST, path, Some(body), headers).await
            }
            None => Ok(reply),
        }
    }

    /// What of the job waits or was built last, the newest first.
    pub async fn started(&self, http: &Http, name: &str) -> Result<Vec<Started>, SourceError> {
        // In this order: what leaves the queue meanwhile is among the builds.
        let queue: QueueShape = self.read(http, "/queue", QUEUE).await?.unwrap_or_default();
        let builds = self.builds(http, name, NEWEST).await?;
        let built = builds.builds.into_iter().filter_map(BuildShape::into_started);
        let mut all: Vec<Started> = queue.into_started(name).into_iter().chain(built).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.item));
        all.dedup_by_key(|one| one.item);
        Ok(all)
    }

    async fn builds(&self, http: &Http, name: &str, most: usize) -> Result<BuildsShape, SourceError> {
        let tree = format!("builds[{BUILD}]{{0,{most}}}");
        Ok(self.read(http, &job_path(name), &tree).await?.unwrap_or_default())
    }

    /// What became of a queue item. Its number tells the build, and nothing else does: builds start side by side.
    async fn followed(&self, name: &str, item: &str) -> Result<Build, SourceError> {
        let ready = self.ready().clone();
        let http = match ready {
            Some(http) => http,
            None => self.http().await?,
        };
        let Ok(id) = item.parse::<u64>() else {
            return Err(http.error(ErrorKind::Bug, &format!("has no queue item '{item}'")));
        };
        let found: Option<ItemShape> = self.read(&http, &format!("/queue/item/{id}"), ITEM).await?;
        let number = match found {
            Some(item) if item.cancelled == Some(true) => {
                let says = Clean::own(format!("cancelled in the queue (item {id}): it never ran"));
                return Ok(Build { says, stage: BuildStage::Failed });
            }
            Some(ItemShape { executable: Some(build), .. }) => build.number,
            Some(item) => {
                let why = item.why.unwrap_or_else(|| "not yet said why".to_owned());
                return Ok(Build { says: Clean::line(&format!("queued: {why}")), stage: BuildStage::Queued });
            }
            // Jenkins forgets it five minutes after it has left the queue.
            None => {
                let builds = self.builds(&http, name, NEWEST).await?.builds;
                let its = builds.into_iter().find(|build| build.queue_id == i64::try_from(id).ok());
                return its.map(|build| build.into_build(http.server_now())).ok_or_else(|| {
                    let what = format!("knows no queue item {id} any more, and none of the newest builds came of it");
                    http.error(ErrorKind::Unexpected, &what)
                });
            }
        };
        let path = format!("{}/{number}", job_path(name));
        let build: Option<BuildShape> = self.read(&http, &path, BUILD).await?;
        build.map(|build| build.into_build(http.server_now())).ok_or_else(|| {
            http.error(ErrorKind::Unexpected, &format!("has no build #{number} of '{name}' any more: it was deleted"))
        })
    }
}

/// `team/deploy` is `/job/team/job/deploy`; a branch's name is encoded once more than Jenkins has encoded it.
pub fn job_path(name: &str) -> String {
    name.split('/').filter(|part| !part.is_empty()).map(|part| format!("/job/{}", segment(part))).collect()
}

impl action::Jobs for Jenkins {
    fn backend(&self) -> &BackendId {
        &self.id
    }

    fn job<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<JobInspection, Clean>> {
        async move {
            let http = self.http().await.map_err(|error| error.says)?;
            self.inspected(&http, name).await.map_err(|error| error.says)
        }
        .boxed()
    }

    fn build<'a>(&'a self, name: &'a str, item: &'a str) -> BoxFuture<'a, Result<Build, Clean>> {
        async move {
            let build = self.followed(name, item).await;
            // There may be another token by now: the next look reads it.
            if build.as_ref().is_err_and(|error| error.kind == ErrorKind::Auth) {
                *self.ready() = None;
            }
            build.map_err(|error| error.says)
        }
        .boxed()
    }
}
