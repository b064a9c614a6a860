//! Who may do what, and the reviews by which clients ask about it.

use axum::{
    http::{Method, StatusCode},
    response::Response,
};
use serde_json::{Value, json};

use super::{
    Server,
    answer::{Failure, json_value},
    protobuf,
    request::Ask,
};
use crate::demo::cluster::{
    json as js,
    kinds::{KINDS, Resource},
};

/// What the bearer of a token may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub user: String,
    /// May change anything.
    pub writes: bool,
    /// May read namespaced kinds across all namespaces.
    pub everywhere: bool,
    /// The one namespace it may see at all, and nothing of the cluster's own.
    pub only: Option<String>,
}

/// Subresources through which one acts inside a pod.
const INSIDE: [&str; 3] = ["exec", "attach", "portforward"];

impl Role {
    pub fn admin(user: &str) -> Self {
        Self { user: user.to_owned(), writes: true, everywhere: true, only: None }
    }

    /// Reads, one namespace at a time; changes nothing.
    pub fn viewer(user: &str) -> Self {
        Self { user: user.to_owned(), writes: false, everywhere: false, only: None }
    }

    /// Reads everything but Secrets; changes nothing.
    pub fn reader(user: &str) -> Self {
        Self { user: user.to_owned(), writes: false, everywhere: true, only: None }
    }

    /// Reads and changes one namespace.
    pub fn confined(user: &str, namespace: &str) -> Self {
        Self { user: user.to_owned(), writes: true, everywhere: false, only: Some(namespace.to_owned()) }
    }

    fn allows(&self, verb: &str, group: &str, resource: &str, namespaced: bool, namespace: &str) -> bool {
        if self.writes && self.everywhere {
            return true;
        }
        if group == "authorization.k8s.io" || group == "authentication.k8s.io" {
            return true;
        }
        if let Some(only) = &self.only {
            return namespaced && namespace == only;
        }
        let reads = matches!(verb, "get" | "list" | "watch");
        // The role "view" of a real cluster grants neither.
        let closed = matches!(resource, "secrets" | "services/proxy") && !self.writes;
        let scope = self.everywhere || !namespaced || !namespace.is_empty();
        (reads && !closed && scope) || (self.writes && scope)
    }

    /// The rules in a namespace, as a SelfSubjectRulesReview lists them.
    fn rules(&self, namespace: &str) -> Value {
        let reviews = json!({
            "verbs": ["create"], "apiGroups": ["authorization.k8s.io", "authentication.k8s.io"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"],
        });
        let rule = |verbs: Value, resources: Value| json!({"verbs": verbs, "apiGroups": ["*"], "resources": resources});
        if self.only.as_deref().is_some_and(|only| only != namespace) {
            return json!([reviews]);
        }
        if self.writes {
            return json!([rule(json!(["*"]), json!(["*"])), reviews]);
        }
        // There is no rule that takes something away: what may be read is named, kind by kind.
        let readable: Vec<_> = KINDS
            .iter()
            .filter(|k| k.resource != Resource::Secrets)
            .map(|kind| kind.plural)
            .chain(["pods/log"])
            .collect();
        json!([rule(json!(["get", "list", "watch"]), json!(readable)), reviews])
    }
}

/// 403 with the words of a real API server if the role does not allow the request.
pub fn check(role: &Role, ask: &Ask) -> Result<(), Failure> {
    let namespace = ask.space();
    // A WebSocket is opened with GET; what it does is a creation.
    let verb = if INSIDE.contains(&ask.sub.as_str()) { "create" } else { ask.verb() };
    if role.allows(verb, ask.kind.group, ask.kind.plural, ask.kind.namespaced, namespace) {
        return Ok(());
    }
    let sub = if ask.sub.is_empty() { String::new() } else { format!("/{}", ask.sub) };
    let which = ask.name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let message = format!(
        "{}{which} is forbidden: User \"{}\" cannot {} resource \"{}{sub}\" in API group \"{}\" {place}",
        ask.kind.qualified(),
        role.user,
        verb,
        ask.kind.plural,
        ask.kind.group,
    );
    let mut details = json!({"kind": ask.kind.plural});
    if let Some(name) = &ask.name {
        details["name"] = json!(name);
    }
    if !ask.kind.group.is_empty() {
        details["group"] = json!(ask.kind.group);
    }
    Err(Failure::new(StatusCode::FORBIDDEN, "Forbidden", message, details))
}

/// The same for a request through the service proxy; `named` as it stands in the path.
pub fn check_proxy(role: &Role, method: &Method, namespace: &str, named: &str) -> Result<(), Failure> {
    let verb = match method.as_str() {
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        _ => "delete",
    };
    if role.allows(verb, "", "services/proxy", true, namespace) {
        return Ok(());
    }
    let message = format!(
        "services \"{named}\" is forbidden: User \"{}\" cannot {verb} resource \"services/proxy\" in API group \"\" in the namespace \"{namespace}\"",
        role.user,
    );
    Err(Failure::new(StatusCode::FORBIDDEN, "Forbidden", message, json!({"name": named, "kind": "services"})))
}

/// Answers a review: access, rules, or who one is.
pub fn review(server: &Server, role: &Role, kind: &str, body: &[u8]) -> Result<Response, Failure> {
    let mut value = protobuf::decode(body)?;
    let now = server.with(|_, now| now);
    match kind {
        "selfsubjectaccessreviews" => {
            let of = js::at(&value, "/spec/resourceAttributes");
            let (resource, subresource) = (js::text(of, "/resource"), js::text(of, "/subresource"));
            let namespaced = KINDS.iter().find(|kind| kind.plural == resource).is_none_or(|kind| kind.namespaced);
            // What needs two verbs is decided by the narrower one.
            let verb = if INSIDE.contains(&subresource) { "create" } else { js::text(of, "/verb") };
            let resource = if subresource == "proxy" { format!("{resource}/proxy") } else { resource.to_owned() };
            let allowed = role.allows(verb, js::text(of, "/group"), &resource, namespaced, js::text(of, "/namespace"));
            value["status"] = json!({"allowed": allowed});
            let why = if allowed { "RBAC: allowed by ClusterRoleBinding \"on-call\"" } else { "" };
            if !why.is_empty() {
                value["status"]["reason"] = json!(why);
            }
        }
        "selfsubjectrulesreviews" => {
            let rules = role.rules(js::text(&value, "/spec/namespace"));
            value["status"] = json!({
                "incomplete": false,
                "resourceRules": rules,
                "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version"]}],
            });
        }
        "selfsubjectreviews" => {
            js::set(&mut value, "/metadata/creationTimestamp", json!(js::stamp(now)));
            value["status"] =
                json!({"userInfo": {"username": role.user, "groups": ["on-call", "system:authenticated"]}});
        }
        _ => return Err(Failure::path_not_found()),
    }
    Ok(json_value(StatusCode::CREATED, &value))
}
