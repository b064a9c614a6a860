//! Who may do what, and the reviews by which clients ask about it.

use axum::{
    http::{Method, StatusCode},
    response::Response,
};
use serde_json::json;

use super::{
    Server,
    answer::{Failure, json_value},
    protobuf,
    request::Ask,
};
use crate::demo::cluster::json as js;

/// What the bearer of a token may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub user: String,
    /// May change anything.
    pub writes: bool,
    /// May read namespaced kinds across all namespaces.
    pub everywhere: bool,
}

impl Role {
    pub fn admin(user: &str) -> Self {
        Self { user: user.to_owned(), writes: true, everywhere: true }
    }

    /// Reads, one namespace at a time; changes nothing.
    pub fn viewer(user: &str) -> Self {
        Self { user: user.to_owned(), writes: false, everywhere: false }
    }

    fn allows(&self, verb: &str, group: &str, resource: &str, namespaced: bool, namespace: &str) -> bool {
        if self.writes && self.everywhere {
            return true;
        }
        if group == "authorization.k8s.io" || group == "authentication.k8s.io" {
            return true;
        }
        let reads = matches!(verb, "get" | "list" | "watch");
        // The role "view" of a real cluster grants neither.
        let closed = matches!(resource, "secrets" | "services/proxy") && !self.writes;
        let scope = self.everywhere || !namespaced || !namespace.is_empty();
        (reads && !closed && scope) || (self.writes && scope)
    }
}

/// 403 with the words of a real API server if the role does not allow the request.
pub fn check(role: &Role, ask: &Ask) -> Result<(), Failure> {
    let namespace = ask.space();
    if role.allows(ask.verb(), ask.kind.group, ask.kind.plural, ask.kind.namespaced, namespace) {
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
        ask.verb(),
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
            let namespaced = !matches!(js::text(of, "/resource"), "nodes" | "namespaces");
            let resource = match (js::text(of, "/resource"), js::text(of, "/subresource")) {
                (resource, "proxy") => format!("{resource}/proxy"),
                (resource, _) => resource.to_owned(),
            };
            let allowed = role.allows(
                js::text(of, "/verb"),
                js::text(of, "/group"),
                &resource,
                namespaced,
                js::text(of, "/namespace"),
            );
            value["status"] = json!({"allowed": allowed});
            let why = if allowed { "RBAC: allowed by ClusterRoleBinding \"on-call\"" } else { "" };
            if !why.is_empty() {
                value["status"]["reason"] = json!(why);
            }
        }
        "selfsubjectrulesreviews" => {
            let verbs = if role.writes { json!(["*"]) } else { json!(["get", "list", "watch"]) };
            value["status"] = json!({
                "incomplete": false,
                "resourceRules": [{"verbs": verbs, "apiGroups": ["*"], "resources": ["*"]}],
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
