//! Requests and limits of a container: what raising them means for its quality of service, against what is used and allowed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Check, CheckResult, checks::check, plan::Refusal};
use crate::{
    model::Name,
    source::kubernetes::rows::{canonical, parse_bytes, parse_millis},
    text::{Clean, memory_text},
};

/// What one container uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Thousandths of a core.
    pub cpu_millis: u64,
    pub memory_bytes: u64,
}

impl Usage {
    pub(super) fn of(self, resource: &str) -> u64 {
        if resource == "cpu" { self.cpu_millis } else { self.memory_bytes }
    }
}

/// A `LimitRange` of containers.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    pub range: Name,
    /// `memory`, `cpu`
    pub resource: Name,
    /// As written.
    pub max: Option<Name>,
    pub min: Option<Name>,
}

/// What containers use and may have.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceInspection {
    /// By container: the most that any of its pods uses now.
    pub used: Result<BTreeMap<String, Usage>, Clean>,
    pub bounds: Result<Vec<Bound>, Clean>,
}

/// Limits wanted of one container, as quantities; what is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub container: String,
    pub memory: Option<String>,
    pub cpu: Option<String>,
}

impl Limits {
    /// Of a container, and none yet.
    pub fn of(container: &str) -> Self {
        Self { container: container.to_owned(), memory: None, cpu: None }
    }

    /// `memory 2Gi, cpu 500m`
    pub fn words(&self) -> String {
        let parts = self.each().map(|(resource, value)| format!("{resource} {value}"));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Which of them is no amount, in words.
    pub fn misread(&self) -> Option<Clean> {
        self.each().find_map(|(resource, wanted)| {
            // Thousandths of a byte are meant for CPU.
            let is_amount = !(resource == "memory" && wanted.ends_with('m'))
                && parse(resource, wanted).is_some_and(|amount| amount > 0);
            let how = if resource == "cpu" { "500m or 2" } else { "512Mi or 2Gi" };
            (!is_amount).then(|| say!("'{wanted}' is no amount of {resource}: write it as {how}"))
        })
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (&'static str, &String)> {
        [("memory", self.memory.as_ref()), ("cpu", self.cpu.as_ref())]
            .into_iter()
            .filter_map(|(resource, value)| Some((resource, value?)))
    }
}

/// Twice as much memory, for a first proposal: `512Mi` to `1Gi`.
pub fn doubled(bytes: u64) -> String {
    const MEBI: u64 = 1 << 20;
    let wanted = bytes.saturating_mul(2).div_ceil(MEBI) * MEBI;
    if wanted.is_multiple_of(1 << 30) { memory_text(wanted) } else { format!("{}Mi", wanted / MEBI) }
}

/// In thousandths of a core, or bytes.
pub(super) fn parse(resource: &str, quantity: &str) -> Option<u64> {
    if resource == "cpu" { parse_millis(quantity) } else { parse_bytes(quantity) }
}

pub(super) fn text_of(resource: &str, amount: u64) -> String {
    if resource == "cpu" { format!("{amount}m") } else { memory_text(amount) }
}

/// A pod's spec with other limits, and where its container is in it.
pub(super) struct Changed {
    /// Index among `spec.containers`.
    pub index: usize,
    /// The container's `resources`, as they are; `Null`: it has none.
    pub before: Value,
    pub after: Value,
    /// `memory 1Gi -> 2Gi`
    pub words: Vec<String>,
    pub qos: (&'static str, &'static str),
}

/// Works out the container's `resources`. A request that equals its limit stays equal to it: so a Guaranteed pod remains
/// one.
pub(super) fn changed(spec: &Value, limits: &Limits) -> Result<Changed, Refusal> {
    let (index, before) = container(spec, &limits.container)?;
    if let Some(why) = limits.misread() {
        return Err(Refusal(why));
    }
    let mut after = before.clone();
    if !after.is_object() {
        after = json!({});
    }
    let mut words = Vec::new();
    for (resource, wanted) in limits.each() {
        let amount = parse(resource, wanted).unwrap_or_default();
        let (limit, request) = (quantity(&before, "limits", resource), quantity(&before, "requests", resource));
        let is_tied =
            limit.is_some() && request.and_then(|r| parse(resource, r)) == limit.and_then(|l| parse(resource, l));
        if limit.and_then(|limit| parse(resource, limit)) == Some(amount) {
            return Err(Refusal(say!("its {resource} limit is {wanted} already")));
        }
        if let Some(request) = request.filter(|_| !is_tied)
            && parse(resource, request).is_some_and(|request| request > amount)
        {
            return Err(Refusal(say!("it requests {} of {resource}, more than {wanted}", Clean::line(request))));
        }
        words.push(format!("{resource} {} -> {wanted}", Clean::line(limit.unwrap_or("unlimited"))));
        // As it will be read again: what is compared with it later is the server's own form.
        let stored = canonical(wanted).unwrap_or_else(|| wanted.clone());
        set(&mut after, "limits", resource, &stored);
        if is_tied {
            set(&mut after, "requests", resource, &stored);
            words.push(format!("its {resource} request with it"));
        }
    }
    if words.is_empty() {
        return Err(Refusal("no other limit was given".into()));
    }
    let qos = (quality(spec), quality(&with(spec, index, &after)));
    Ok(Changed { index, before, after, words, qos })
}

/// Back to `resources` that the container had, with the limits that this moves.
pub(super) fn restored(spec: &Value, name: &str, resources: &Value) -> Result<(Limits, Changed), Refusal> {
    let (index, before) = container(spec, name)?;
    let mut limits = Limits::of(name);
    let mut words = Vec::new();
    for (resource, limit) in [("memory", &mut limits.memory), ("cpu", &mut limits.cpu)] {
        let (is, was) = (quantity(&before, "limits", resource), quantity(resources, "limits", resource));
        if let (Some(is), Some(was)) = (is, was)
            && parse(resource, is) != parse(resource, was)
        {
            words.push(format!("{resource} {} -> {}", Clean::line(is), Clean::line(was)));
            *limit = Some(was.to_owned());
        }
    }
    let qos = (quality(spec), quality(&with(spec, index, resources)));
    Ok((limits, Changed { index, before, after: resources.clone(), words, qos }))
}

/// Where a container is among `spec.containers`, and its `resources`.
fn container(spec: &Value, name: &str) -> Result<(usize, Value), Refusal> {
    let containers = spec.get("containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(index) = containers.iter().position(|container| container["name"] == name) else {
        let names: Vec<&str> = containers.iter().filter_map(|container| container["name"].as_str()).collect();
        return Err(Refusal(say!("it has no container '{name}': it has {}", Clean::line(&names.join(", ")))));
    };
    Ok((index, containers[index]["resources"].clone()))
}

/// A pod's spec with other `resources` of one container.
pub(super) fn with(spec: &Value, index: usize, resources: &Value) -> Value {
    let mut left = spec.clone();
    left["containers"][index]["resources"] = resources.clone();
    left
}

fn quantity<'a>(resources: &'a Value, part: &str, resource: &str) -> Option<&'a str> {
    resources.get(part)?.get(resource)?.as_str()
}

/// Quantities of cpu and memory in some `resources`: `("limits", "memory", 1073741824)`.
fn amounts(resources: &Value) -> BTreeMap<(&'static str, &'static str), Option<u64>> {
    let all = ["limits", "requests"].into_iter().flat_map(|part| ["cpu", "memory"].map(|resource| (part, resource)));
    all.filter_map(|(part, resource)| Some(((part, resource), parse(resource, quantity(resources, part, resource)?))))
        .collect()
}

/// Whether two `resources` give the same, however they write it: the server stores `1Gi` for `1024Mi`.
pub fn is_same(one: &Value, other: &Value) -> bool {
    amounts(one) == amounts(other)
}

/// Whether `given` has all that is `wanted`; a runtime may tell of more.
pub fn covers(given: &Value, wanted: &Value) -> bool {
    let given = amounts(given);
    amounts(wanted).iter().all(|(of, amount)| given.get(of) == Some(amount))
}

/// A limit, in thousandths of a core or bytes.
pub(super) fn limit(resources: &Value, resource: &str) -> Option<u64> {
    parse(resource, quantity(resources, "limits", resource)?)
}

/// `memory 2Gi, cpu 500m`
pub fn limits_of(resources: &Value) -> Clean {
    let limit = |resource| Some(format!("{resource} {}", Clean::line(quantity(resources, "limits", resource)?)));
    let words: Vec<String> = ["memory", "cpu"].into_iter().filter_map(limit).collect();
    if words.is_empty() { "no limit".into() } else { Clean::own(words.join(", ")) }
}

/// What the containers of a pod that run all the time request of its node.
pub fn requested(spec: &Value) -> Usage {
    let list = |list: &str| spec.get(list).and_then(Value::as_array).into_iter().flatten();
    let sidecars = list("initContainers").filter(|container| container["restartPolicy"] == "Always");
    list("containers").chain(sidecars).fold(Usage::default(), |all, container| {
        let of = |resource| {
            container
                .get("resources")
                .and_then(|all| parse(resource, quantity(all, "requests", resource)?))
                .unwrap_or(0)
        };
        Usage {
            cpu_millis: all.cpu_millis.saturating_add(of("cpu")),
            memory_bytes: all.memory_bytes.saturating_add(of("memory")),
        }
    })
}

fn set(resources: &mut Value, part: &str, resource: &str, wanted: &str) {
    if !resources[part].is_object() {
        resources[part] = Value::Object(Map::new());
    }
    resources[part][resource] = json!(wanted);
}

/// A pod's class: Guaranteed where every container's requests are its limits of both, BestEffort where there are none.
fn quality(spec: &Value) -> &'static str {
    let all = ["containers", "initContainers"].into_iter().filter_map(|list| spec.get(list)?.as_array()).flatten();
    let (mut has_any, mut is_guaranteed) = (false, true);
    for container in all {
        for resource in ["cpu", "memory"] {
            let amount = |part: &str| {
                let text = quantity(container.get("resources")?, part, resource)?;
                parse(resource, text).filter(|amount| *amount > 0)
            };
            let (limit, request) = (amount("limits"), amount("requests"));
            has_any |= limit.is_some() || request.is_some();
            // A limit alone is its request too.
            is_guaranteed &= limit.is_some() && request.is_none_or(|request| Some(request) == limit);
        }
    }
    match (has_any, is_guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// Against what is used now and what LimitRanges allow; and the class. `Err`: it would be killed or refused.
pub(super) fn checks(limits: &Limits, changed: &Changed, asked: &ResourceInspection) -> Result<Vec<Check>, Refusal> {
    let mut found = Vec::new();
    for (resource, wanted) in limits.each() {
        let amount = parse(resource, wanted).unwrap_or_default();
        if let Ok(used) = &asked.used
            && let Some(usage) = used.get(&limits.container)
        {
            let used = usage.of(resource);
            let words = text_of(resource, used);
            // Too little memory kills it; too little CPU only slows it.
            if used >= amount && resource == "memory" {
                return Err(Refusal(say!(
                    "it uses {words} of memory now: with a limit of {wanted} it would be killed"
                )));
            }
            found.push(check(
                "B12",
                "use",
                if used >= amount {
                    CheckResult::Look(say!("it uses {words} of {resource} now: it would be slowed down"))
                } else {
                    CheckResult::Ok(say!("it uses {words} of {resource} now"))
                },
            ));
        }
        for bound in asked.bounds.iter().flatten().filter(|bound| bound.resource == *resource) {
            let outside = |of: &Option<Clean>, is_out: fn(u64, u64) -> bool| {
                of.clone().filter(|of| parse(resource, of).is_some_and(|of| is_out(amount, of)))
            };
            if let Some(max) = outside(&bound.max, |amount, max| amount > max) {
                let range = &bound.range;
                return Err(Refusal(say!("LimitRange '{range}' allows a container at most {max} of {resource}")));
            }
            if let Some(min) = outside(&bound.min, |amount, min| amount < min) {
                let range = &bound.range;
                return Err(Refusal(say!(
                    "LimitRange '{range}' wants a container to have {min} of {resource} at least"
                )));
            }
        }
    }
    if asked.used.as_ref().is_ok_and(|used| !used.contains_key(&limits.container)) {
        found.push(check("B12", "use", CheckResult::NotChecked("what it uses now is not measured".into())));
    }
    if let Err(why) = &asked.used {
        found.push(check("B12", "use", CheckResult::NotChecked(say!("what it uses now could not be read: {why}"))));
    }
    if let Err(why) = &asked.bounds {
        found.push(check("B12", "range", CheckResult::NotChecked(say!("LimitRanges could not be read: {why}"))));
    }
    let (before, after) = changed.qos;
    found.push(check(
        "B8",
        "quality",
        if before == after {
            CheckResult::Ok(say!("its class stays {before}"))
        } else {
            CheckResult::Look(say!(
                "its class becomes {after}, it was {before}: that moves its turn when memory is short"
            ))
        },
    ));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(resources: &Value) -> Value {
        json!({"containers": [{"name": "side"}, {"name": "db", "resources": resources}]})
    }

    fn memory(wanted: &str) -> Limits {
        Limits { container: "db".into(), memory: Some(wanted.into()), cpu: None }
    }

    #[test]
    fn a_request_that_is_the_limit_goes_with_it() {
        let tied = json!({"limits": {"memory": "1Gi", "cpu": "1"}, "requests": {"memory": "1024Mi", "cpu": "1"}});
        let done = changed(&json!({"containers": [{"name": "db", "resources": tied}]}), &memory("2Gi")).unwrap();
        assert_eq!(done.after["requests"]["memory"], "2Gi");
        assert_eq!(done.qos, ("Guaranteed", "Guaranteed"));
        let loose = json!({"limits": {"memory": "1Gi"}, "requests": {"memory": "512Mi"}});
        let done = changed(&spec(&loose), &memory("2Gi")).unwrap();
        assert_eq!((done.index, &done.after["requests"]["memory"]), (1, &json!("512Mi")));
        assert_eq!(done.words, ["memory 1Gi -> 2Gi"]);
        assert_eq!(changed(&spec(&json!(null)), &memory("1Gi")).unwrap().qos, ("BestEffort", "Burstable"));
    }

    #[test]
    fn an_amount_is_sent_as_the_server_stores_it_and_said_as_it_was_typed() {
        let has = json!({"limits": {"memory": "1Gi", "cpu": "1"}});
        let limits = Limits { cpu: Some("0.5".into()), ..memory("1.5Gi") };
        let done = changed(&spec(&has), &limits).unwrap();
        assert_eq!(done.after["limits"], json!({"memory": "1536Mi", "cpu": "500m"}));
        assert_eq!(done.words, ["memory 1Gi -> 1.5Gi", "cpu 1 -> 0.5"]);
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        let has = json!({"limits": {"memory": "1Gi"}, "requests": {"memory": "512Mi"}});
        for (limits, says) in [
            (memory("lots"), "is no amount of memory"),
            (memory("0"), "is no amount of memory"),
            (memory("1024Mi"), "is 1024Mi already"),
            (memory("256Mi"), "it requests 512Mi"),
            (Limits { container: "web".into(), ..memory("2Gi") }, "it has side, db"),
            (Limits { memory: None, ..memory("") }, "no other limit"),
        ] {
            let refusal = changed(&spec(&has), &limits).err().expect(says).0;
            assert!(refusal.contains(says), "{refusal}");
        }
    }

    #[test]
    fn a_first_proposal_is_twice_as_much() {
        assert_eq!(doubled(512 << 20), "1Gi");
        assert_eq!(doubled(600 << 20), "1200Mi");
        assert_eq!(doubled(1_000_000), "2Mi");
    }
}
