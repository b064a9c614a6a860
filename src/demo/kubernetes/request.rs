//! What a request asks for: path, query and the form of answer it accepts.

use axum::http::{Method, StatusCode, header, request::Parts};

use super::{answer::Failure, discovery, openapi};
use crate::demo::cluster::kinds::{self, Kind};

/// Where a request goes.
#[derive(Debug)]
pub enum Route {
    Version,
    Healthy,
    /// A discovery document and its content type.
    Discovery(String, &'static str),
    /// POST of a review: its kind.
    Review(String),
    /// Under `metrics.k8s.io/v1beta1`.
    Metrics(Vec<String>),
    Object(Box<Ask>),
}

/// In what form objects are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Table,
    Partial,
}

/// A request about a kind of object.
#[derive(Debug)]
pub struct Ask {
    pub method: Method,
    pub kind: &'static Kind,
    pub namespace: Option<String>,
    pub name: Option<String>,
    /// `log`, `scale`... or "".
    pub sub: String,
    pub query: Query,
    pub form: Form,
    pub content_type: String,
    pub user_agent: String,
}

impl Ask {
    pub fn watches(&self) -> bool {
        matches!(self.query.get("watch"), Some("true" | "1"))
    }

    /// Whether it is to be answered by an open stream.
    pub fn streams(&self) -> bool {
        matches!(self.sub.as_str(), "exec" | "attach" | "portforward")
    }

    /// The verb as authorisation and audit name it.
    pub fn verb(&self) -> &'static str {
        match self.method.as_str() {
            "GET" if self.watches() => "watch",
            "GET" if self.name.is_some() => "get",
            "GET" => "list",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" if self.name.is_some() => "delete",
            _ => "deletecollection",
        }
    }

    pub fn dry_run(&self) -> bool {
        self.query.get("dryRun") == Some("All")
    }

    /// The field manager: as asked for, else the user agent up to its slash.
    pub fn manager(&self) -> &str {
        let agent = self.user_agent.split('/').next().unwrap_or_default();
        self.query.get("fieldManager").filter(|m| !m.is_empty()).unwrap_or(agent)
    }

    /// The object's namespace, "" for cluster-wide kinds.
    pub fn space(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    pub fn object_name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// The query string, decoded.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn of(parts: &Parts) -> Self {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        Self(pairs.map(|q| q.0).unwrap_or_default())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    /// Every value of a parameter that may be given more than once.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }

    /// A number; 400 if it is not one.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.get(name).filter(|t| !t.is_empty()) else { return Ok(None) };
        let number = text
            .parse()
            .map_err(|_| Failure::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")))?;
        Ok(Some(number))
    }
}

fn header_text(parts: &Parts, name: header::HeaderName) -> String {
    parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

/// The first form in the Accept header that is served.
fn form(accept: &str) -> Result<Form, Failure> {
    if accept.trim().is_empty() {
        return Ok(Form::Json);
    }
    for choice in accept.split(',') {
        let mut parts = choice.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        if !matches!(media, "application/json" | "*/*" | "application/*") {
            continue;
        }
        let kind = parts.find_map(|p| p.strip_prefix("as=")).unwrap_or_default();
        match kind {
            "" => return Ok(Form::Json),
            "Table" if !choice.contains("v=v1beta1") => return Ok(Form::Table),
            "PartialObjectMetadata" | "PartialObjectMetadataList" => return Ok(Form::Partial),
            _ => {}
        }
    }
    Err(Failure::new(
        StatusCode::NOT_ACCEPTABLE,
        "NotAcceptable",
        "only the following media types are accepted: application/json",
        serde_json::json!({}),
    ))
}

/// Reads path, query and headers.
pub fn parse(parts: &Parts) -> Result<Route, Failure> {
    let path = parts.uri.path().trim_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let accept = header_text(parts, header::ACCEPT);
    match segments.as_slice() {
        ["version"] => return Ok(Route::Version),
        ["healthz" | "readyz" | "livez", ..] => return Ok(Route::Healthy),
        ["api"] => return Ok(discovery::core_versions(&accept)),
        ["apis"] => return Ok(discovery::groups(&accept)),
        ["api", "v1"] => return Ok(discovery::resources("", "v1").expect("the core group is served")),
        ["apis", group] => return discovery::group(group).ok_or_else(Failure::path_not_found),
        ["apis", group, version] => {
            return discovery::resources(group, version).ok_or_else(Failure::path_not_found);
        }
        ["openapi", "v3"] => return Ok(Route::Discovery(openapi::index(), "application/json")),
        ["openapi", "v3", rest @ ..] => {
            let document = openapi::document(&rest.join("/")).ok_or_else(Failure::path_not_found)?;
            return Ok(Route::Discovery(document, "application/json"));
        }
        ["apis", "metrics.k8s.io", "v1beta1", rest @ ..] => {
            return Ok(Route::Metrics(rest.iter().map(|s| (*s).to_owned()).collect()));
        }
        ["apis", "authorization.k8s.io" | "authentication.k8s.io", "v1", kind] if parts.method == Method::POST => {
            return Ok(Route::Review((*kind).to_owned()));
        }
        _ => {}
    }
    let (group, version, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return Err(Failure::path_not_found()),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() && !matches!(rest, ["status" | "finalize"]) => {
            (Some((*namespace).to_owned()), rest)
        }
        rest => (None, rest),
    };
    let [plural, rest @ ..] = rest else { return Err(Failure::path_not_found()) };
    let kind = kinds::find(group, version, plural).ok_or_else(Failure::path_not_found)?;
    if namespace.is_some() && !kind.namespaced {
        return Err(Failure::path_not_found());
    }
    let (name, sub) = match rest {
        [] => (None, String::new()),
        [name] => (Some((*name).to_owned()), String::new()),
        [name, sub] if kind.subresources.contains(sub) => (Some((*name).to_owned()), (*sub).to_owned()),
        _ => return Err(Failure::path_not_found()),
    };
    if name.is_some() && kind.namespaced && namespace.is_none() {
        return Err(Failure::path_not_found());
    }
    let content_type = header_text(parts, header::CONTENT_TYPE);
    Ok(Route::Object(Box::new(Ask {
        method: parts.method.clone(),
        kind,
        namespace,
        name,
        sub,
        query: Query::of(parts),
        form: form(&accept)?,
        content_type: content_type.split(';').next().unwrap_or_default().trim().to_owned(),
        user_agent: header_text(parts, header::USER_AGENT),
    })))
}
