//! Answers: status, headers, body; paging and entity tags.

use serde_json::{Value, json};

use super::Call;
use crate::demo::code::{Refusal, seed};

/// Where errors point to.
const DOCS: &str = "https://docs.github.com/rest";

/// An answer before its common headers.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub content: Content,
}

/// The body of an answer.
pub(crate) enum Content {
    Empty,
    Json(Value),
    /// Content type and text.
    Text(&'static str, String),
}

impl Reply {
    pub fn json(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(value) }
    }

    pub fn text(status: u16, kind: &'static str, text: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), content: Content::Text(kind, text.into()) }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: Content::Empty }
    }

    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, json!({ "message": message, "documentation_url": DOCS, "status": status.to_string() }))
    }

    pub fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    /// 422 for a field that is missing or wrong.
    pub fn invalid(resource: &str, field: &str, code: &str) -> Self {
        let error = json!({ "resource": resource, "field": field, "code": code });
        Self::json(
            422,
            json!({ "message": "Validation Failed", "errors": [error], "documentation_url": DOCS, "status": "422" }),
        )
    }

    /// 422 for a body that does not fit the schema.
    pub fn unfit(message: &str) -> Self {
        Self::error(422, &format!("Invalid request.\n\n{message}"))
    }

    pub fn refused(refusal: &Refusal) -> Self {
        let mut body = json!({
            "message": refusal.message, "documentation_url": DOCS, "status": refusal.status.to_string(),
        });
        if !refusal.errors.is_empty() {
            body["errors"] = json!(refusal.errors);
        }
        Self::json(refusal.status, body)
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The weak tag of a 200 to a GET; it differs with what was asked for.
    pub fn etag(&self, call: &Call<'_>) -> Option<String> {
        if call.method != "GET" || self.status != 200 {
            return None;
        }
        let body = match &self.content {
            Content::Json(value) => value.to_string(),
            Content::Text(_, text) => text.clone(),
            Content::Empty => return None,
        };
        let sum = seed::mix(0, &format!("{}\n{body}", call.accept));
        let more = seed::mix(sum, &call.uri);
        Some(format!("W/\"{sum:016x}{more:016x}\""))
    }
}

/// One page of a list, and the `Link` header that leads to the others.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub total: usize,
    link: Option<String>,
}

impl<T> Page<T> {
    pub fn of(all: Vec<T>, call: &Call<'_>) -> Self {
        let number = |name: &str| call.param(name).and_then(|v| v.parse::<usize>().ok());
        let size = number("per_page").unwrap_or(30).clamp(1, 100);
        let page = number("page").unwrap_or(1).max(1);
        let total = all.len();
        let last = total.div_ceil(size).max(1);
        let items = all.into_iter().skip((page - 1) * size).take(size).collect();
        let mut links = Vec::new();
        let mut add = |rel: &str, to: usize| links.push(format!("<{}>; rel=\"{rel}\"", address(call, to)));
        if page > 1 {
            add("prev", page - 1);
        }
        if page < last {
            add("next", page + 1);
            add("last", last);
        }
        if page > 1 {
            add("first", 1);
        }
        Self { items, total, link: (!links.is_empty()).then(|| links.join(", ")) }
    }

    /// The answer with this body.
    pub fn reply(&self, body: Value) -> Reply {
        let reply = Reply::json(200, body);
        match &self.link {
            Some(link) => reply.with("link", link.clone()),
            None => reply,
        }
    }
}

impl Page<Value> {
    /// The items as a plain array.
    pub fn array(mut self) -> Reply {
        let items = std::mem::take(&mut self.items);
        self.reply(Value::Array(items))
    }

    /// The items under a name, with the total.
    pub fn counted(mut self, name: &str) -> Reply {
        let items = std::mem::take(&mut self.items);
        self.reply(json!({ "total_count": self.total, name: items }))
    }
}

fn address(call: &Call<'_>, page: usize) -> String {
    let (path, query) = call.uri.split_once('?').unwrap_or((&call.uri, ""));
    let kept = query.split('&').filter(|p| !p.is_empty() && !p.starts_with("page="));
    let pairs: Vec<String> = kept.map(str::to_owned).chain([format!("page={page}")]).collect();
    format!("{}{path}?{}", call.base, pairs.join("&"))
}
