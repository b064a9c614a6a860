//! Shapes of Jenkins' remote API, as far as they are read. What is absent, `{}` or null in its lists is passed over.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::Started;
use crate::{
    action::jobs::{Build, BuildStage, JobInspection, Parameter},
    source::http::Reply,
    text::Clean,
    time::{age, age_of},
};

/// How many times its usual length a build may take before that is said.
const LONG: i64 = 3;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Login {
    pub name: String,
    pub anonymous: bool,
    pub authenticated: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CrumbShape {
    crumb: String,
    crumb_request_field: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct JobShape {
    /// A folder has none.
    buildable: Option<bool>,
    in_queue: Option<bool>,
    queue_item: Option<ItemShape>,
    property: Vec<Option<PropertyShape>>,
    last_build: Option<BuildShape>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PropertyShape {
    parameter_definitions: Vec<ParameterShape>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ParameterShape {
    name: String,
    choices: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ItemShape {
    id: u64,
    pub why: Option<String>,
    pub cancelled: Option<bool>,
    pub executable: Option<ExecutableShape>,
    task: Option<TaskShape>,
    actions: Vec<Option<ActionShape>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ExecutableShape {
    pub number: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TaskShape {
    url: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct QueueShape {
    items: Vec<ItemShape>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct BuildsShape {
    pub builds: Vec<BuildShape>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct BuildShape {
    number: u64,
    pub queue_id: Option<i64>,
    building: bool,
    /// Also after it was built, while it tidies up. Older ones do not say.
    in_progress: Option<bool>,
    /// Null while it is built, and may be set before it has ended.
    result: Option<String>,
    /// Milliseconds.
    timestamp: i64,
    estimated_duration: i64,
    actions: Vec<Option<ActionShape>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ActionShape {
    causes: Vec<Option<CauseShape>>,
    parameters: Vec<ValueShape>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CauseShape {
    user_id: Option<String>,
}

/// A password's value is not told.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ValueShape {
    name: String,
    value: Value,
}

impl JobShape {
    pub fn into_inspection(self, url: Clean, user: Clean, now: Timestamp) -> JobInspection {
        let asked = self.property.into_iter().flatten().flat_map(|property| property.parameter_definitions);
        let parameters = asked.map(|parameter| Parameter {
            name: Clean::line(&parameter.name),
            choices: parameter.choices.unwrap_or_default().iter().map(|choice| Clean::line(choice)).collect(),
        });
        let waits = self.queue_item.map(|item| {
            let why = item.why.map(|why| format!(" ({why})")).unwrap_or_default();
            format!("a build of it waits in the queue{why}")
        });
        let waits =
            waits.or_else(|| (self.in_queue == Some(true)).then(|| "a build of it waits in the queue".to_owned()));
        let runs = self.last_build.filter(|build| build.building).map(|build| {
            let since = build.began().map(|began| format!(" for {}", age_of(began, now))).unwrap_or_default();
            format!("its build #{} runs{since}", build.number)
        });
        let busy: Vec<String> = runs.into_iter().chain(waits).collect();
        JobInspection {
            url,
            user,
            is_buildable: self.buildable == Some(true),
            parameters: parameters.collect(),
            busy: (!busy.is_empty()).then(|| Clean::line(&busy.join(", "))),
        }
    }
}

impl QueueShape {
    /// Those of one job.
    pub fn into_started(self, name: &str) -> Vec<Started> {
        let is_its = |item: &ItemShape| item.task.as_ref().is_some_and(|task| is_of(&task.url, name));
        let its = self.items.into_iter().filter(is_its);
        its.map(|item| Started {
            item: item.id,
            build: None,
            users: users(&item.actions),
            parameters: parameters(&item.actions),
        })
        .collect()
    }
}

impl BuildShape {
    pub fn into_started(self) -> Option<Started> {
        Some(Started {
            item: u64::try_from(self.queue_id?).ok()?,
            build: Some(self.number),
            users: users(&self.actions),
            parameters: parameters(&self.actions),
        })
    }

    fn began(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.timestamp).ok().filter(|_| self.timestamp > 0)
    }

    /// How it stands. It has ended once nothing of it goes on, whatever its result says before.
    pub fn into_build(self, now: Timestamp) -> Build {
        let number = self.number;
        let goes_on = self.building || self.in_progress == Some(true);
        let (says, stage) = match self.result.as_deref() {
            _ if goes_on => {
                let seconds = self.began().map(|began| now.duration_since(began).as_secs());
                let since = seconds.map(|seconds| format!(" for {}", age(seconds.max(0)))).unwrap_or_default();
                let usual = self.estimated_duration / 1000;
                let is_long = usual > 0 && seconds.is_some_and(|seconds| seconds > usual * LONG);
                let usually = if is_long { format!(" (usually {})", age(usual)) } else { String::new() };
                (format!("build #{number} runs{since}{usually}"), BuildStage::Running)
            }
            Some("SUCCESS") => (format!("build #{number} ended: SUCCESS"), BuildStage::Passed),
            // Its steps went on to the end: a test or a rule of its own is not content.
            Some("UNSTABLE") => (format!("build #{number} ended: UNSTABLE"), BuildStage::Passed),
            Some(result) => (format!("build #{number} ended: {result}"), BuildStage::Failed),
            None => (format!("build #{number} has no result yet"), BuildStage::Running),
        };
        Build { says: Clean::line(&says), stage }
    }
}

fn users(actions: &[Option<ActionShape>]) -> Vec<String> {
    let causes = actions.iter().flatten().flat_map(|action| action.causes.iter().flatten());
    causes.filter_map(|cause| cause.user_id.clone()).collect()
}

fn parameters(actions: &[Option<ActionShape>]) -> Vec<(String, String)> {
    let given = actions.iter().flatten().flat_map(|action| &action.parameters);
    given
        .map(|given| {
            let value = given.value.as_str().map_or_else(|| given.value.to_string(), str::to_owned);
            (given.name.clone(), value)
        })
        .collect()
}

impl Started {
    /// Whether a start with these parameters by this user made it. Jenkins takes user names in any case.
    pub fn is_by(&self, user: &str, parameters: &BTreeMap<String, String>) -> bool {
        let is_given =
            |(name, value): (&String, &String)| self.parameters.iter().any(|(of, given)| of == name && given == value);
        let is_ours = self.users.is_empty() || self.users.iter().any(|other| other.eq_ignore_ascii_case(user));
        is_ours && parameters.iter().all(is_given)
    }
}

/// Whether an address is that of the job: its host may be any that Jenkins takes itself for, and a path may stand before it.
fn is_of(url: &str, name: &str) -> bool {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let wanted: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).flat_map(|part| ["job", part]).collect();
    // The folder of another folder's job ends alike.
    let Some(at) = parts.len().checked_sub(wanted.len()) else { return false };
    parts[at..].iter().eq(wanted.iter()) && !(at >= 2 && parts[at - 2] == "job")
}

fn decoded(part: &str) -> String {
    let plain = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(plain.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}

/// The headers that carry a crumb, which is good only with the session that it was given to. `None`: there is none.
pub fn crumb(reply: &Reply) -> Option<HeaderMap> {
    let crumb: CrumbShape = serde_json::from_slice(&reply.body).ok().filter(|_| reply.status.is_success())?;
    let field = if crumb.crumb_request_field.is_empty() { "Jenkins-Crumb" } else { crumb.crumb_request_field.as_str() };
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_bytes(field.as_bytes()).ok()?, HeaderValue::from_str(&crumb.crumb).ok()?);
    let cookies = reply.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies: Vec<&str> = cookies.map(|cookie| cookie.split(';').next().unwrap_or(cookie)).collect();
    if !cookies.is_empty() {
        headers.insert(header::COOKIE, HeaderValue::from_str(&cookies.join("; ")).ok()?);
    }
    Some(headers)
}

/// The queue item that a start made, by `Location`: of an address that may be wrong its end alone counts.
pub fn item(reply: &Reply) -> Option<u64> {
    let (_, rest) = reply.header("location")?.split_once("/queue/item/")?;
    rest.split('/').next()?.parse().ok()
}
