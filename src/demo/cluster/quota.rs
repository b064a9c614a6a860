//! ResourceQuotas: what of a namespace's pods they count, what they refuse, and the controllers that are refused.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Cluster, Timer,
    events::Occurrence,
    json as js,
    kinds::Resource,
    quantity::{mebibytes, millis},
    store::{Key, Object},
};

/// What is counted of pods here; of anything else a status keeps what it says.
const COUNTED: [&str; 8] =
    ["pods", "count/pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
/// First and longest wait of a controller's queue before it tries again (client-go's default rate limiter).
const RETRY: (SignedDuration, SignedDuration) = (SignedDuration::from_millis(5), SignedDuration::from_secs(1_000));

/// A controller that may not create its pods, and tries again.
#[derive(Debug)]
pub(super) struct Refused {
    /// What the API server said.
    why: String,
    wait: SignedDuration,
    until: Timestamp,
    /// Pods that it had, and that it wanted.
    at: (usize, usize),
    /// Which object it was, and as of which change of its specification.
    of: (String, i64),
}

fn uid_and_generation(object: &Object) -> (String, i64) {
    let value = object.value();
    (js::text(&value, "/metadata/uid").to_owned(), js::int(&value, "/metadata/generation"))
}

/// `requests` or `limits`, and the resource; none of what is counted by the piece.
fn part(counted: &str) -> Option<(&str, &str)> {
    match counted {
        "pods" | "count/pods" => None,
        "cpu" | "memory" => Some(("requests", counted)),
        _ => counted.split_once('.'),
    }
}

/// A quantity as a number: thousandths of a core, MiB, or pieces.
fn amount(counted: &str, quantity: &str) -> f64 {
    match part(counted) {
        Some((_, "cpu")) => millis(quantity),
        Some(_) => mebibytes(quantity),
        None => quantity.parse().unwrap_or(0.0),
    }
}

/// A quantity as text; a manifest may have a plain number.
fn said(quantity: &Value) -> String {
    quantity.as_str().map_or_else(|| quantity.to_string(), str::to_owned)
}

/// The number as a quantity, as the API server writes it.
fn quantity(counted: &str, amount: f64) -> String {
    let units: &[(i64, &str)] = match part(counted) {
        Some((_, "cpu")) => &[(1_000, ""), (1, "m")],
        Some(_) => &[(1_073_741_824, "Gi"), (1_048_576, "Mi"), (1_024, "Ki"), (1, "")],
        None => &[(1, "")],
    };
    let is_memory = part(counted).is_some_and(|(_, what)| what == "memory");
    let scale = if is_memory { 1_048_576.0 } else { 1.0 };
    let whole = (amount * scale).round() as i64;
    let fits = units.iter().find(|(unit, _)| whole % unit == 0).filter(|_| whole != 0);
    fits.map_or_else(|| whole.to_string(), |(unit, name)| format!("{}{name}", whole / unit))
}

/// What a container asks for, with the defaults of its namespace's LimitRange.
fn asked<'a>(container: &'a Value, part: &str, what: &str, defaults: &'a Value) -> Option<&'a str> {
    let own = |part: &str| container["resources"][part][what].as_str();
    let default = defaults["default"][what].as_str();
    if part == "limits" {
        return own("limits").or(default);
    }
    own("requests").or_else(|| own("limits")).or_else(|| defaults["defaultRequest"][what].as_str()).or(default)
}

/// What one pod takes of a quota.
fn taken(counted: &str, pod: &Value, defaults: &Value) -> f64 {
    let Some((part, what)) = part(counted) else { return 1.0 };
    let of = |container: &Value| amount(counted, asked(container, part, what, defaults).unwrap_or_default());
    let all: f64 = js::list(pod, "/spec/containers").iter().map(of).sum();
    // One init container runs at a time, and before the others.
    let largest = js::list(pod, "/spec/initContainers").iter().map(of).fold(0.0, f64::max);
    all.max(largest)
}

/// The containers that do not say how much they need of something that is limited: `limits.cpu for: a,b; …`.
fn unsaid(hard: &Value, pod: &Value, defaults: &Value) -> Option<String> {
    let mut missing = String::new();
    for (counted, _) in js::members(hard) {
        let Some((part, what)) = part(counted).filter(|_| COUNTED.contains(&counted.as_str())) else { continue };
        let all = js::list(pod, "/spec/containers").iter().chain(js::list(pod, "/spec/initContainers"));
        let names: Vec<_> = all
            .filter(|container| asked(container, part, what, defaults).is_none())
            .map(|container| js::text(container, "/name"))
            .collect();
        if !names.is_empty() {
            let comma = if missing.is_empty() { "" } else { "; " };
            let _ = write!(missing, "{comma}{counted} for: {}", names.join(","));
        }
    }
    (!missing.is_empty()).then_some(missing)
}

impl Cluster {
    /// The pods of a namespace changed: its quotas count anew.
    pub(super) fn wake_quotas(&mut self, namespace: &str) {
        let quotas = self.store.list(Resource::ResourceQuotas, Some(namespace), None);
        let keys: Vec<_> = quotas.map(|quota| quota.facts().key()).collect();
        self.dirty.extend(keys.into_iter().map(|key| (Resource::ResourceQuotas, key)));
    }

    /// The quota controller: what is allowed, and what of it is used.
    pub(super) fn sync_quota(&mut self, namespace: &str, name: &str) {
        let quota = self.store.get(Resource::ResourceQuotas, namespace, name).map(Object::value);
        let Some(mut quota) = quota.filter(is_for_all) else { return };
        let before = quota["status"]["used"].clone();
        let mut hard = json!({});
        for (counted, most) in js::members(&quota["spec"]["hard"]) {
            hard[counted] = json!(said(most));
        }
        let pods = self.charged(namespace);
        let defaults = self.container_defaults(namespace);
        let mut used = json!({});
        for (counted, _) in js::members(&hard) {
            let known = COUNTED.contains(&counted.as_str());
            used[counted] = if known {
                json!(quantity(counted, self.used(counted, &pods, &defaults)))
            } else {
                json!(before[counted].as_str().unwrap_or("0"))
            };
        }
        quota["status"] = json!({"hard": hard, "used": used});
        self.write(Resource::ResourceQuotas, quota);
    }

    /// Why a quota of its namespace does not let a pod be created, as the API server words it.
    pub fn over_quota(&self, pod: &Value) -> Option<String> {
        let namespace = js::text(pod, "/metadata/namespace");
        let quotas: Vec<_> = self.store.list(Resource::ResourceQuotas, Some(namespace), None).collect();
        if quotas.is_empty() {
            return None;
        }
        let (pods, defaults) = (self.charged(namespace), self.container_defaults(namespace));
        quotas.into_iter().map(Object::value).filter(is_for_all).find_map(|quota| {
            let (name, hard) = (js::text(&quota, "/metadata/name"), &quota["spec"]["hard"]);
            if let Some(missing) = unsaid(hard, pod, &defaults) {
                return Some(format!("failed quota: {name}: must specify {missing}"));
            }
            let (mut requested, mut used, mut limited) = (Vec::new(), Vec::new(), Vec::new());
            for (counted, most) in js::members(hard).filter(|(counted, _)| COUNTED.contains(&counted.as_str())) {
                let most = amount(counted, &said(most));
                let (more, now) = (taken(counted, pod, &defaults), self.used(counted, &pods, &defaults));
                if more > 0.0 && now + more > most {
                    requested.push(format!("{counted}={}", quantity(counted, more)));
                    used.push(format!("{counted}={}", quantity(counted, now)));
                    limited.push(format!("{counted}={}", quantity(counted, most)));
                }
            }
            (!requested.is_empty()).then(|| {
                let [requested, used, limited] = [requested, used, limited].map(|all: Vec<String>| all.join(","));
                format!("exceeded quota: {name}, requested: {requested}, used: {used}, limited: {limited}")
            })
        })
    }

    /// The pods of a namespace, and whether each counts for more than its object.
    fn charged(&self, namespace: &str) -> Vec<(bool, Value)> {
        let all = self.store.list(Resource::Pods, Some(namespace), None).map(Object::value);
        all.map(|pod| (self.is_charged(&pod), pod)).collect()
    }

    /// Neither what has ended is charged nor what should have been gone long ago (kubernetes `QuotaV1Pod`).
    fn is_charged(&self, pod: &Value) -> bool {
        let grace = SignedDuration::from_secs(js::int(pod, "/metadata/deletionGracePeriodSeconds"));
        let is_overdue = js::time(pod, "/metadata/deletionTimestamp").is_some_and(|end| end + grace < self.now);
        !is_overdue && !matches!(js::text(pod, "/status/phase"), "Succeeded" | "Failed")
    }

    fn used(&self, counted: &str, pods: &[(bool, Value)], defaults: &Value) -> f64 {
        let all = pods.iter().filter(|(is_charged, _)| *is_charged || counted == "count/pods");
        all.map(|(_, pod)| taken(counted, pod, defaults)).sum()
    }

    /// What the namespace's LimitRange gives to containers that say nothing.
    fn container_defaults(&self, namespace: &str) -> Value {
        let ranges = self.store.list(Resource::LimitRanges, Some(namespace), None).map(Object::value);
        let all = ranges.flat_map(|range| js::list(&range, "/spec/limits").to_vec());
        all.into_iter().find(|limit| limit["type"] == "Container").unwrap_or_default()
    }

    /// Whether a controller may ask for pods: not while it waits after a refusal, unless it has or wants others by now, or was
    /// edited, or made anew. What it was told last if not.
    pub(super) fn refusal(&self, now: Timestamp, kind: Resource, key: &Key, at: (usize, usize)) -> Option<String> {
        let refused = self.refused.get(&(kind, key.clone()))?;
        let owner = self.store.get(kind, &key.0, &key.1)?;
        let is_as_then = refused.at == at && refused.of == uid_and_generation(owner);
        (refused.until > now && is_as_then).then(|| refused.why.clone())
    }

    /// A controller was refused a pod: it says so, and tries again later, and ever later. `of.wording` is its own.
    pub(super) fn refuse(&mut self, now: Timestamp, of: Refusal<'_>) {
        let (kind, owner) = (of.kind, of.owner);
        let key = (kind, owner.facts().key());
        let wait = self.refused.get(&key).map_or(RETRY.0, |before| (before.wait * 2).min(RETRY.1));
        let until = now + wait;
        let message = format!("{}: {}", of.wording, of.why);
        self.record(
            now,
            &Occurrence {
                about: owner,
                resource: kind,
                container: None,
                warning: true,
                reason: "FailedCreate",
                message,
                component: of.component,
                host: "",
            },
        );
        self.at(until, Timer::Look(kind, key.1.clone()));
        let refused = Refused { why: of.why, wait, until, at: of.at, of: uid_and_generation(owner) };
        self.refused.insert(key, refused);
    }

    /// A controller has created a pod: a refusal to come is its first.
    pub(super) fn allowed(&mut self, kind: Resource, key: &Key) {
        self.refused.remove(&(kind, key.clone()));
    }
}

/// What the API server refused to a controller.
pub(super) struct Refusal<'a> {
    pub kind: Resource,
    pub owner: &'a Object,
    /// Pods that it has, and that it wants.
    pub at: (usize, usize),
    pub why: String,
    /// What its event says before that.
    pub wording: &'a str,
    pub component: &'a str,
}

/// Quotas with scopes are for some pods only; none is enforced here.
fn is_for_all(quota: &Value) -> bool {
    js::list(quota, "/spec/scopes").is_empty() && js::at(quota, "/spec/scopeSelector").is_null()
}
