//! Creating, changing and deleting objects.

use axum::{http::StatusCode, response::Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Server,
    answer::{self, Failure, json_value},
    list, patch as patches,
    protobuf::decode,
    request::Ask,
    selector::Selector,
};
use crate::demo::cluster::{
    self, Cluster,
    fields::{self, Writer},
    ids, json as js,
    kinds::{Kind, Resource},
    replicas::qos_class,
    store::Object,
};

pub fn create(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    let mut value = decode(body)?;
    if js::text(&value, "/kind") != ask.kind.kind {
        return Err(Failure::bad_request(format!(
            "the object provided is a {}, not a {}",
            js::text(&value, "/kind"),
            ask.kind.kind
        )));
    }
    let resource = ask.kind.resource;
    let object = server.with(|cluster, now| {
        let mut name = js::text(&value, "/metadata/name").to_owned();
        if name.is_empty() {
            let stem = js::text(&value, "/metadata/generateName").to_owned();
            name = format!("{stem}{}", ids::suffix(cluster.store.version(), &stem));
        }
        if ask.kind.namespaced && cluster.store.get(Resource::Namespaces, "", ask.space()).is_none() {
            return Err(Failure::not_found(Resource::Namespaces.kind(), ask.space()));
        }
        if cluster.store.get(resource, ask.space(), &name).is_some() {
            return Err(Failure::already_exists(ask.kind, &name));
        }
        js::set(&mut value, "/metadata/name", json!(name));
        if ask.kind.namespaced {
            js::set(&mut value, "/metadata/namespace", json!(ask.space()));
        }
        js::set(&mut value, "/metadata/uid", json!(cluster.uid(ask.kind.plural, &name)));
        js::set(&mut value, "/metadata/creationTimestamp", json!(js::stamp(now)));
        defaults(resource, &mut value);
        validate(ask.kind, &name, &value)?;
        fields::record(None, &mut value, Writer { manager: ask.manager(), subresource: "", at: now });
        // A dry run is held to quotas, too, and uses nothing of them.
        if resource == Resource::Pods
            && let Some(why) = cluster.over_quota(&value)
        {
            return Err(Failure::forbidden(ask.kind, &name, &why));
        }
        if ask.dry_run() {
            return Ok(Object::new(resource, &value));
        }
        let object = cluster.write(resource, value);
        if resource == Resource::Pods {
            cluster.admit_bare(now, &object);
        }
        if resource == Resource::Namespaces {
            cluster.add_namespace(now, &name);
        }
        if resource == Resource::Events {
            cluster.keep_event(now, object.facts().key());
        }
        Ok(object)
    })?;
    list::one(server, ask, StatusCode::CREATED, &object)
}

/// The defaults that the API fills in, as far as the controllers and clients look at them.
fn defaults(resource: Resource, value: &mut Value) {
    let fill = |value: &mut Value, path: &str, to: Value| {
        let here = js::at(value, path);
        if here.is_null() || here == &json!({}) {
            js::set(value, path, to);
        }
    };
    match resource {
        Resource::Deployments => {
            fill(value, "/spec/replicas", json!(1));
            fill(value, "/spec/revisionHistoryLimit", json!(10));
            fill(value, "/spec/progressDeadlineSeconds", json!(600));
            let rolling =
                json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
            fill(value, "/spec/strategy", rolling);
        }
        Resource::StatefulSets => {
            fill(value, "/spec/replicas", json!(1));
            fill(value, "/spec/revisionHistoryLimit", json!(10));
            fill(value, "/spec/podManagementPolicy", json!("OrderedReady"));
            fill(value, "/spec/updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}));
        }
        Resource::DaemonSets => {
            let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
            fill(value, "/spec/updateStrategy", rolling);
        }
        Resource::Pods => {
            fill(value, "/spec/restartPolicy", json!("Always"));
            fill(value, "/spec/terminationGracePeriodSeconds", json!(30));
            let qos = qos_class(&value["spec"]);
            value["status"] = json!({"phase": "Pending", "qosClass": qos});
        }
        Resource::Namespaces => value["status"] = json!({"phase": "Active"}),
        Resource::Jobs => cluster::complete_job(value),
        _ => {}
    }
    if resource.has_generation() {
        fill(value, "/status", json!({}));
        let path = "/spec/template/spec";
        fill(value, &format!("{path}/restartPolicy"), json!("Always"));
        fill(value, &format!("{path}/terminationGracePeriodSeconds"), json!(30));
    }
}

/// The few rules that a mistaken client is most likely to break.
fn validate(kind: &Kind, name: &str, value: &Value) -> Result<(), Failure> {
    let path = if kind.resource == Resource::Pods { "/spec/containers" } else { "/spec/template/spec/containers" };
    if kind.resource != Resource::Pods && !kind.resource.has_generation() {
        return Ok(());
    }
    let containers = js::list(value, path);
    let field = path[1..].replace('/', ".");
    if containers.is_empty() {
        return Err(Failure::invalid(kind, name, &field, "Required value"));
    }
    for (index, container) in containers.iter().enumerate() {
        if js::text(container, "/image").is_empty() {
            return Err(Failure::invalid(kind, name, &format!("{field}[{index}].image"), "Required value"));
        }
    }
    if js::int(value, "/spec/replicas") < 0 {
        return Err(Failure::invalid(kind, name, "spec.replicas", "Invalid value: must be greater than or equal to 0"));
    }
    if kind.resource.has_generation() {
        let labels = js::at(value, "/spec/template/metadata/labels");
        let fits = js::members(js::at(value, "/spec/selector/matchLabels")).all(|(k, v)| labels.get(k) == Some(v));
        if !fits {
            let why = "Invalid value: `selector` does not match template `labels`";
            return Err(Failure::invalid(kind, name, "spec.template.metadata.labels", why));
        }
    }
    Ok(())
}

/// Checks what a write may not change, and that it is based on the present version if it names one.
pub(super) fn check_meta(kind: &Kind, old: &Value, new: &Value, sent_version: &str) -> Result<(), Failure> {
    let name = js::text(old, "/metadata/name");
    if !sent_version.is_empty() && sent_version != js::text(old, "/metadata/resourceVersion") {
        return Err(Failure::modified(kind, name));
    }
    let (was, is) = (js::text(old, "/metadata/uid"), js::text(new, "/metadata/uid"));
    if is != was {
        let why = format!("Precondition failed: UID in precondition: {is}, UID in object meta: {was}");
        return Err(Failure::conflict(kind, name, &why));
    }
    if js::text(new, "/metadata/name") != name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({name})",
            js::text(new, "/metadata/name")
        )));
    }
    let selector = "/spec/selector";
    if kind.resource.has_generation() && js::at(old, selector) != js::at(new, selector) {
        return Err(Failure::invalid(kind, name, "spec.selector", "Invalid value: field is immutable"));
    }
    validate(kind, name, new)
}

/// Of the metadata.
const SYSTEM_FIELDS: [&str; 6] =
    ["uid", "creationTimestamp", "resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"];

/// What only the system writes is taken from the old version.
fn keep_system_fields(old: &Value, new: &mut Value) {
    for field in SYSTEM_FIELDS {
        let path = format!("/metadata/{field}");
        if let Some(value) = old.pointer(&path) {
            js::set(new, &path, value.clone());
        }
    }
    match old.get("status") {
        Some(status) => new["status"] = status.clone(),
        None => {
            js::remove(new, "/status");
        }
    }
}

pub(super) fn store(cluster: &mut Cluster, ask: &Ask, now: Timestamp, old: &Value, mut new: Value) -> Object {
    keep_system_fields(old, &mut new);
    if new != *old {
        fields::record(Some(old), &mut new, Writer { manager: ask.manager(), subresource: "", at: now });
    }
    if ask.dry_run() { Object::new(ask.kind.resource, &new) } else { cluster.write(ask.kind.resource, new) }
}

pub fn update(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    let mut new = decode(body)?;
    let name = ask.object_name();
    let object = server.with(|cluster, now| {
        let old = cluster.store.get(ask.kind.resource, ask.space(), name).map(Object::value);
        let old = old.ok_or_else(|| Failure::not_found(ask.kind, name))?;
        if js::text(&new, "/metadata/uid").is_empty() {
            js::set(&mut new, "/metadata/uid", old["metadata"]["uid"].clone());
        }
        // The URL says which, as for any object sent without it.
        if ask.kind.namespaced && js::text(&new, "/metadata/namespace").is_empty() {
            js::set(&mut new, "/metadata/namespace", old["metadata"]["namespace"].clone());
        }
        let version = js::text(&new, "/metadata/resourceVersion").to_owned();
        check_meta(ask.kind, &old, &new, &version)?;
        Ok::<_, Failure>(store(cluster, ask, now, &old, new))
    })?;
    list::one(server, ask, StatusCode::OK, &object)
}

pub fn patch(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    let name = ask.object_name();
    let object = server.with(|cluster, now| {
        let old = cluster.store.get(ask.kind.resource, ask.space(), name).map(Object::value);
        let old = old.ok_or_else(|| Failure::not_found(ask.kind, name))?;
        if ask.kind.resource.is_custom() && ask.content_type == "application/strategic-merge-patch+json" {
            return Err(Failure::unsupported_media_type("application/json-patch+json, application/merge-patch+json"));
        }
        let new = patches::apply(&ask.content_type, body, &old)?;
        // A version inside the patch is a precondition; otherwise it is that of the old object.
        let version = js::text(&new, "/metadata/resourceVersion").to_owned();
        check_meta(ask.kind, &old, &new, &version)?;
        Ok::<_, Failure>(store(cluster, ask, now, &old, new))
    })?;
    list::one(server, ask, StatusCode::OK, &object)
}

/// PATCH `KIND/NAME/status`: what controllers report; anything else in it is passed over.
pub fn patch_status(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    let name = ask.object_name();
    let object = server.with(|cluster, now| {
        let old = cluster.store.get(ask.kind.resource, ask.space(), name).map(Object::value);
        let old = old.ok_or_else(|| Failure::not_found(ask.kind, name))?;
        let asked = patches::apply(&ask.content_type, body, &old)?;
        check_meta(ask.kind, &old, &asked, js::text(&asked, "/metadata/resourceVersion"))?;
        let mut new = old.clone();
        new["status"] = asked["status"].clone();
        fields::record(Some(&old), &mut new, Writer { manager: ask.manager(), subresource: "status", at: now });
        Ok::<_, Failure>(if ask.dry_run() {
            Object::new(ask.kind.resource, &new)
        } else {
            cluster.write(ask.kind.resource, new)
        })
    })?;
    list::one(server, ask, StatusCode::OK, &object)
}

/// `DeleteOptions`, from the body or the query.
struct DeleteOptions {
    grace: Option<i64>,
    uid: Option<String>,
    version: Option<String>,
    dry_run: bool,
}

impl DeleteOptions {
    fn read(ask: &Ask, options: &Value) -> Result<Self, Failure> {
        let own = |path: &str| Some(js::text(options, path).to_owned()).filter(|t| !t.is_empty());
        let grace = options.get("gracePeriodSeconds").and_then(Value::as_i64);
        Ok(Self {
            grace: grace.or(ask.query.number("gracePeriodSeconds")?),
            uid: own("/preconditions/uid"),
            version: own("/preconditions/resourceVersion"),
            dry_run: ask.dry_run() || js::list(options, "/dryRun").iter().any(|d| d == "All"),
        })
    }

    fn check(&self, kind: &Kind, object: &Object) -> Result<(), Failure> {
        let facts = object.facts();
        let differs = |what: &str, wanted: &Option<String>, is: &str| match wanted {
            Some(wanted) if wanted != is => {
                let why = format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {is}");
                Err(Failure::conflict(kind, &facts.name, &why))
            }
            _ => Ok(()),
        };
        differs("UID", &self.uid, &facts.uid)?;
        differs("ResourceVersion", &self.version, &facts.version.to_string())
    }
}

fn body_options(body: &[u8]) -> Result<Value, Failure> {
    if body.is_empty() { Ok(Value::Null) } else { decode(body) }
}

/// Deletes one object; pods gracefully. Returns what is left of it, if it is still there.
fn remove(
    cluster: &mut Cluster,
    now: Timestamp,
    kind: &Kind,
    object: &Object,
    options: &DeleteOptions,
) -> Option<Object> {
    if kind.resource == Resource::Pods {
        cluster.terminate(now, object, options.grace);
        let facts = object.facts();
        return cluster.store.get(Resource::Pods, &facts.namespace, &facts.name).cloned().or(Some(object.clone()));
    }
    cluster.erase(kind.resource, &object.facts().key());
    None
}

pub fn delete(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    let name = ask.object_name();
    let options = DeleteOptions::read(ask, &body_options(body)?)?;
    let object = list::find(server, ask)?;
    options.check(ask.kind, &object)?;
    let left = if options.dry_run {
        (ask.kind.resource == Resource::Pods).then(|| object.clone())
    } else {
        server.with(|cluster, now| remove(cluster, now, ask.kind, &object, &options))
    };
    if let Some(left) = left {
        return list::one(server, ask, StatusCode::OK, &left);
    }
    let mut details = answer::details(ask.kind, name);
    details["uid"] = json!(object.facts().uid);
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
    Ok(json_value(StatusCode::OK, &status))
}

pub fn delete_all(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    let text = |name| ask.query.get(name).unwrap_or_default();
    let selector = Selector::parse(ask.kind.resource, text("labelSelector"), text("fieldSelector"))?;
    let options = DeleteOptions::read(ask, &body_options(body)?)?;
    server.with(|cluster, now| {
        let all = cluster.store.list(ask.kind.resource, ask.namespace.as_deref(), None);
        let chosen: Vec<_> = all.filter(|object| selector.matches(object)).cloned().collect();
        for object in chosen.iter().filter(|_| !options.dry_run) {
            remove(cluster, now, ask.kind, object, &options);
        }
    });
    Ok(json_value(StatusCode::OK, &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})))
}

/// POST `pods/NAME/eviction`: a deletion that asks the disruption budgets first.
pub fn evict(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    let eviction = decode(body)?;
    let options = DeleteOptions::read(ask, &eviction["deleteOptions"])?;
    let object = list::find(server, ask)?;
    options.check(ask.kind, &object)?;
    server.with(|cluster, now| {
        let budgets = cluster.store.list(Resource::DisruptionBudgets, ask.namespace.as_deref(), None);
        for budget in budgets.map(Object::value) {
            if cluster::covers(&budget, object.facts()) && js::int(&budget, "/status/disruptionsAllowed") == 0 {
                return Err(over_budget(&budget));
            }
        }
        if !options.dry_run {
            cluster.terminate(now, &object, options.grace);
        }
        Ok(())
    })?;
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(json_value(StatusCode::CREATED, &status))
}

fn over_budget(budget: &Value) -> Failure {
    let message = format!(
        "The disruption budget {} needs {} healthy pods and has {} currently",
        js::text(budget, "/metadata/name"),
        js::int(budget, "/status/desiredHealthy"),
        js::int(budget, "/status/currentHealthy")
    );
    Failure::new(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
        json!({"causes": [{"reason": "DisruptionBudget", "message": message}]}),
    )
}
