//! A Jenkins with the world's jobs, as far as they are looked at, started and followed: the remote API of core, with its
//! silences and its pages of HTML. `tree` only narrows an answer, and every answer here is whole.

pub mod builds;
#[cfg(test)]
mod tests;

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use self::builds::{Build, Item, Jenkins, Job, Values};
use super::world::{Shared, lock};

const VERSION: &str = "2.516.3";
/// What it takes itself for: it stands behind a proxy that nobody told it of.
const ROOT: &str = "http://jenkins.acme.example";
const BUILD_RIGHT: &str = "hudson.model.Item.Build";
const READ_RIGHT: &str = "hudson.model.Hudson.Read";

#[derive(Clone)]
struct Server {
    world: Shared,
    user: String,
    token: String,
}

/// The routes. `user` is who the API token belongs to; everybody else may do nothing.
pub fn router(world: Shared, user: String, token: String) -> Router {
    Router::new().fallback(asked).with_state(Server { world, user, token })
}

async fn asked(State(server): State<Server>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    match server.known(&headers) {
        Login::Refused => return page(StatusCode::UNAUTHORIZED, "Invalid password/token for user"),
        Login::Nobody if uri.path() != "/whoAmI/api/json" => {
            let right = if method == Method::POST { BUILD_RIGHT } else { READ_RIGHT };
            return forbidden(right);
        }
        login => {
            if uri.path() == "/whoAmI/api/json" {
                return server.who_am_i(login == Login::Known);
            }
        }
    }
    let parts: Vec<String> = uri.path().split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts[..] {
        ["queue", "api", "json"] => api(server.queue()),
        ["queue", "item", id, "api", "json"] => server.item(id),
        ["job", ..] => server.job(&method, &parts, &body),
        _ => page(StatusCode::NOT_FOUND, "Not Found"),
    }
}

#[derive(PartialEq, Eq)]
enum Login {
    Known,
    Nobody,
    Refused,
}

/// JSON, with the header that only Jenkins sets.
fn api(value: Value) -> Response {
    ours(Json(value).into_response())
}

fn ours(mut response: Response) -> Response {
    response.headers_mut().insert(HeaderName::from_static("x-jenkins"), HeaderValue::from_static(VERSION));
    response
}

fn page(status: StatusCode, text: &str) -> Response {
    let html =
        format!("<html><head><title>Error {}</title></head><body><h2>{text}</h2></body></html>", status.as_u16());
    (status, Html(html)).into_response()
}

fn forbidden(right: &'static str) -> Response {
    let mut response = ours(page(StatusCode::FORBIDDEN, "Authentication required"));
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-you-are-authenticated-as"), HeaderValue::from_static("anonymous"));
    headers.insert(HeaderName::from_static("x-required-permission"), HeaderValue::from_static(right));
    response
}

fn decoded(part: &str) -> String {
    let plain = part.replace('+', "%2B");
    form_urlencoded::parse(plain.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}

impl Server {
    fn known(&self, headers: &HeaderMap) -> Login {
        let Some(said) = headers.get(header::AUTHORIZATION) else { return Login::Nobody };
        let pair = format!("{}:{}", self.user, self.token);
        let expected = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        if said.to_str().is_ok_and(|said| said == expected) { Login::Known } else { Login::Refused }
    }

    fn who_am_i(&self, is_known: bool) -> Response {
        let name = if is_known { self.user.as_str() } else { "anonymous" };
        api(json!({"_class": "hudson.security.WhoAmI", "anonymous": !is_known, "authenticated": is_known,
            "authorities": ["authenticated"], "name": name}))
    }

    fn queue(&self) -> Value {
        let world = lock(&self.world);
        let waiting = world.jenkins.items.iter().filter(|item| item.left.is_none());
        json!({"_class": "hudson.model.Queue",
            "items": waiting.map(|item| item_json(&world.jenkins, item)).collect::<Vec<_>>()})
    }

    fn item(&self, id: &str) -> Response {
        let world = lock(&self.world);
        let found = world.jenkins.items.iter().find(|item| item.id.to_string() == id);
        found
            .map_or_else(|| ours(page(StatusCode::NOT_FOUND, "Not Found")), |item| api(item_json(&world.jenkins, item)))
    }

    /// `/job/FOLDER/job/NAME/...`
    fn job(&self, method: &Method, parts: &[&str], body: &Bytes) -> Response {
        let mut names = Vec::new();
        let mut rest = parts;
        while let ["job", name, more @ ..] = rest {
            names.push(*name);
            rest = more;
        }
        let name = names.join("/");
        let mut world = lock(&self.world);
        let now = world.now;
        let Some(index) = world.jenkins.job(&name) else {
            return ours(page(StatusCode::NOT_FOUND, "Not Found"));
        };
        let job = &world.jenkins.jobs[index];
        match (rest, method) {
            (["api", "json"], _) => api(job_json(&world.jenkins, job, index)),
            ([number, "api", "json"], _) => {
                let build = job.builds.iter().find(|build| build.number.to_string() == *number);
                let found = build.map(|build| api(build_json(job, build)));
                found.unwrap_or_else(|| ours(page(StatusCode::NOT_FOUND, "Not Found")))
            }
            (["build" | "buildWithParameters"], method) if method != Method::POST => {
                ours(page(StatusCode::METHOD_NOT_ALLOWED, "This URL requires POST"))
            }
            (["buildWithParameters"], _) => {
                let given: Values = form_urlencoded::parse(body).into_owned().collect();
                let (id, is_new) = world.jenkins.start(index, &given, &self.user, now);
                started(id, is_new)
            }
            // Its form is asked for: the job has parameters.
            (["build"], _) => ours(page(StatusCode::BAD_REQUEST, "This page expects a form submission")),
            _ => ours(page(StatusCode::NOT_FOUND, "Not Found")),
        }
    }
}

fn started(id: u64, is_new: bool) -> Response {
    let status = if is_new { StatusCode::CREATED } else { StatusCode::SEE_OTHER };
    let mut response = status.into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("{ROOT}/queue/item/{id}/")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn url_of(job: &Job) -> String {
    let path: String = job.spec.name.split('/').map(|part| format!("/job/{part}")).collect();
    format!("{ROOT}{path}/")
}

fn actions(user: &str, values: &[(String, String)]) -> Value {
    let values: Vec<Value> = values
        .iter()
        .map(|(name, value)| json!({"_class": "hudson.model.StringParameterValue", "name": name, "value": value}))
        .collect();
    json!([
        {"_class": "hudson.model.CauseAction", "causes": [{"_class": "hudson.model.Cause$UserIdCause",
            "shortDescription": format!("Started by user {user}"), "userId": user, "userName": user}]},
        {},
        {"_class": "hudson.model.ParametersAction", "parameters": values},
    ])
}

fn item_json(jenkins: &Jenkins, item: &Item) -> Value {
    let job = &jenkins.jobs[item.job];
    let mut found = json!({
        "_class": "hudson.model.Queue$WaitingItem", "id": item.id, "inQueueSince": item.since.as_millisecond(),
        "actions": actions(&item.user, &item.values), "blocked": false, "buildable": false, "stuck": false,
        "url": format!("queue/item/{}/", item.id), "why": "Waiting for next available executor",
        "task": {"name": short_name(job), "url": url_of(job), "color": "blue"},
    });
    if let Some((number, _)) = item.left {
        found["_class"] = json!("hudson.model.Queue$LeftItem");
        found["why"] = Value::Null;
        found["cancelled"] = json!(false);
        found["executable"] = json!({"number": number, "url": format!("{}{number}/", url_of(job))});
    }
    found
}

fn short_name(job: &Job) -> &str {
    job.spec.name.rsplit('/').next().unwrap_or(&job.spec.name)
}

fn job_json(jenkins: &Jenkins, job: &Job, index: usize) -> Value {
    let builds: Vec<Value> = job.builds.iter().rev().map(|build| build_json(job, build)).collect();
    let waiting = jenkins.items.iter().find(|item| item.job == index && item.left.is_none());
    let definition = if job.spec.choices.is_empty() {
        json!({"_class": "hudson.model.StringParameterDefinition", "name": job.spec.parameter,
            "type": "StringParameterDefinition"})
    } else {
        json!({"_class": "hudson.model.ChoiceParameterDefinition", "name": job.spec.parameter,
            "type": "ChoiceParameterDefinition", "choices": job.spec.choices})
    };
    json!({
        "_class": "org.jenkinsci.plugins.workflow.job.WorkflowJob", "name": short_name(job), "fullName": job.spec.name,
        "url": url_of(job), "buildable": job.spec.buildable, "inQueue": waiting.is_some(),
        "queueItem": waiting.map(|item| item_json(jenkins, item)),
        "property": [{}, {"_class": "hudson.model.ParametersDefinitionProperty", "parameterDefinitions": [definition]}],
        "lastBuild": builds.first(), "builds": builds,
    })
}

/// While it is built its result is null and its duration 0.
fn build_json(job: &Job, build: &Build) -> Value {
    let millis = |from: Timestamp, to: Timestamp| to.as_millisecond() - from.as_millisecond();
    let is_building = build.ended.is_none();
    json!({
        "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun", "number": build.number, "queueId": build.item,
        "displayName": format!("#{}", build.number), "url": format!("{}{}/", url_of(job), build.number),
        "building": is_building, "inProgress": is_building, "result": build.ended.map(|(_, result)| result),
        "timestamp": build.started.as_millisecond(),
        "duration": build.ended.map_or(0, |(at, _)| millis(build.started, at)),
        "estimatedDuration": (job.spec.takes.as_secs() * 1000.0) as i64,
        "actions": actions(&build.user, &build.values),
    })
}
