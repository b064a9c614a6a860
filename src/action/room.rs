//! Room for the pods that a new template brings, in the ResourceQuotas of a namespace.

use serde_json::Value;

use super::{
    around::{Quota, QuotaLimit},
    resources::{parse, text_of},
};
use crate::text::{Clean, counted};

/// What a change of template brings at most, before what it replaces is gone.
pub(super) struct Rollout<'a> {
    /// Pods more at once.
    pub surge: u32,
    pub desired: u32,
    pub from: &'a Value,
    pub to: &'a Value,
}

/// What quotas say to it.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// What does not fit.
    pub short: Vec<Clean>,
    /// What does, with its numbers.
    pub fits: Vec<String>,
    /// What cannot be told.
    pub unknown: Vec<Clean>,
}

/// What of a pod a resource of a quota counts.
enum Counted<'a> {
    Pods,
    /// `requests` or `limits`, and of what.
    Of(&'a str, &'a str),
}

impl<'a> Counted<'a> {
    fn of(resource: &'a str) -> Option<Self> {
        match resource {
            "pods" | "count/pods" => Some(Self::Pods),
            "cpu" | "memory" | "ephemeral-storage" => Some(Self::Of("requests", resource)),
            _ => match resource.split_once('.')? {
                (part @ ("requests" | "limits"), of) if of != "storage" => Some(Self::Of(part, of)),
                _ => None,
            },
        }
    }
}

impl Rollout<'_> {
    pub fn room(&self, quotas: &[Quota]) -> Room {
        Self::room_of(std::slice::from_ref(self), quotas)
    }

    /// Of several at once.
    pub fn room_of(all: &[Self], quotas: &[Quota]) -> Room {
        let mut room = Room::default();
        for quota in quotas {
            if quota.is_scoped {
                room.unknown.push(say!("quota '{}' counts some pods only: not evaluated", quota.name));
                continue;
            }
            for limit in &quota.limits {
                if let Some(counted) = Counted::of(&limit.resource) {
                    Self::weigh(all, (quota, limit), &counted, &mut room);
                }
            }
        }
        room
    }

    fn weigh(all: &[Self], (quota, limit): (&Quota, &QuotaLimit), counted_as: &Counted<'_>, room: &mut Room) {
        let (name, resource) = (&quota.name, &limit.resource);
        let of = match counted_as {
            Counted::Pods => "pods",
            Counted::Of(_, of) => of,
        };
        let (Some(hard), Some(used)) = (parse(of, &limit.hard), parse(of, &limit.used)) else {
            room.unknown.push(say!("quota '{name}' does not say how much {resource} is used"));
            return;
        };
        let add = |sum: u64, one: &Self| Some(sum.saturating_add(one.need(counted_as)?));
        let Some(need) = all.iter().try_fold(0, add) else {
            room.unknown.push(say!("quota '{name}' counts {resource}, which the target leaves to defaults"));
            return;
        };
        let left = hard.saturating_sub(used);
        let (need_text, left_text) = (text_of(of, need), text_of(of, left));
        // Above its limit nothing is let in, not even what replaces a pod.
        if need > left || used > hard {
            let surge: u32 = all.iter().map(|one| one.surge).fold(0, u32::saturating_add);
            let pods = counted(surge as usize, "pod");
            let want = if surge == 1 { "wants" } else { "want" };
            room.short.push(say!("quota '{name}' has {left_text} {resource} left, {pods} at once {want} {need_text}"));
        } else {
            room.fits.push(format!("{resource} {need_text} of {left_text}"));
        }
    }

    /// At the most: the surge, and what the pods that are replaced grow by. `None`: a template leaves it to defaults.
    fn need(&self, counted: &Counted<'_>) -> Option<u64> {
        let surge = u64::from(self.surge);
        match counted {
            Counted::Pods => Some(surge),
            Counted::Of(part, resource) => {
                let (from, to) = (of_pod(self.from, part, resource)?, of_pod(self.to, part, resource)?);
                let growth = u64::from(self.desired).saturating_mul(to.saturating_sub(from));
                Some(surge.saturating_mul(to).saturating_add(growth))
            }
        }
    }
}

/// What a pod of the template asks for: its containers and sidecars, or an init container with the sidecars before it if
/// that is more. `None`: a container leaves it to defaults.
fn of_pod(template: &Value, part: &str, resource: &str) -> Option<u64> {
    let spec = template.get("spec")?;
    let own = |of: &Value| of.get("resources").and_then(|resources| amount(resources, part, resource));
    let overhead =
        spec.get("overhead").and_then(|of| of.get(resource)?.as_str()).and_then(|text| parse(resource, text));
    let overhead = overhead.unwrap_or(0);
    if let Some(whole) = own(spec) {
        return Some(whole.saturating_add(overhead));
    }
    let has_defaults = matches!(resource, "cpu" | "memory" | "ephemeral-storage");
    let of = |container: &Value| own(container).or((!has_defaults).then_some(0));
    let list = |name| spec.get(name).and_then(Value::as_array).into_iter().flatten();
    let (mut sidecars, mut peak) = (0_u64, 0_u64);
    for container in list("initContainers") {
        let with_it = sidecars.saturating_add(of(container)?);
        if container["restartPolicy"] == "Always" {
            sidecars = with_it;
        }
        peak = peak.max(with_it);
    }
    let mut all = sidecars;
    for container in list("containers") {
        all = all.saturating_add(of(container)?);
    }
    Some(peak.max(all).saturating_add(overhead))
}

/// A limit alone is its request too.
fn amount(resources: &Value, part: &str, resource: &str) -> Option<u64> {
    let of = |part: &str| {
        let value = resources.get(part)?.get(resource)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        parse(resource, &text)
    };
    of(part).or_else(|| if part == "requests" { of("limits") } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn quota(limits: &[(&str, &str, &str)]) -> Quota {
        let limits = limits.iter().map(|(resource, hard, used)| QuotaLimit {
            resource: (*resource).into(),
            hard: (*hard).into(),
            used: (*used).into(),
        });
        Quota { name: "q".into(), is_scoped: false, limits: limits.collect() }
    }

    fn template(memory: &str) -> Value {
        json!({"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "250m"},
            "limits": {"memory": memory}}}]}})
    }

    fn room(surge: u32, from: &str, to: &str, limits: &[(&str, &str, &str)]) -> Room {
        let (from, to) = (template(from), template(to));
        Rollout { surge, desired: 10, from: &from, to: &to }.room(&[quota(limits)])
    }

    fn words(all: &[Clean]) -> Vec<&str> {
        all.iter().map(Clean::as_str).collect()
    }

    #[test]
    fn the_surge_is_held_against_what_is_left() {
        let tight = [("pods", "40", "36"), ("requests.cpu", "4", "3500m"), ("limits.memory", "10Gi", "4Gi")];
        let found = room(3, "1Gi", "512Mi", &tight);
        assert_eq!(words(&found.short), ["quota 'q' has 500m requests.cpu left, 3 pods at once want 750m"]);
        assert_eq!(found.fits, ["pods 3 of 4", "limits.memory 1.5Gi of 6Gi"]);
        assert_eq!(words(&found.unknown), [""; 0]);
        // A limit is a request where there is none; the other names of requests.
        assert_eq!(room(1, "1Gi", "1Gi", &[("memory", "9Gi", "1Gi"), ("cpu", "1", "0")]).fits.len(), 2);
    }

    #[test]
    fn pods_that_grow_are_counted_without_a_surge() {
        let found = room(0, "1Gi", "2Gi", &[("limits.memory", "20Gi", "15Gi")]);
        assert!(words(&found.short)[0].contains("5Gi limits.memory left"), "{found:?}");
        assert!(room(0, "1Gi", "1Gi", &[("pods", "10", "10")]).short.is_empty(), "a full quota lets a pod be replaced");
        assert_eq!(room(0, "1Gi", "1Gi", &[("pods", "9", "10")]).short.len(), 1, "above it nothing is let in");
    }

    #[test]
    fn what_is_left_to_defaults_or_not_counted_is_unknown() {
        let found = room(1, "1Gi", "1Gi", &[("limits.cpu", "4", "1"), ("pods", "4", ""), ("services", "1", "1")]);
        assert_eq!(found.unknown.len(), 2, "{found:?}");
        assert!(found.short.is_empty() && found.fits.is_empty());
        // A resource without defaults is none where it is not named.
        assert_eq!(room(1, "1Gi", "1Gi", &[("requests.nvidia.com/gpu", "1", "1")]).fits.len(), 1);
        let scoped = Quota { is_scoped: true, ..quota(&[("pods", "1", "1")]) };
        let one = template("1Gi");
        let found = Rollout { surge: 1, desired: 1, from: &one, to: &one }.room(&[scoped]);
        assert!(words(&found.unknown)[0].contains("not evaluated"));
    }

    #[test]
    fn init_containers_count_where_they_are_more_and_sidecars_always() {
        let of = |cpu: &str, policy: &str| json!({"restartPolicy": policy, "resources": {"requests": {"cpu": cpu}}});
        let pod = |init: Vec<Value>, main: Vec<Value>| json!({"spec": {"initContainers": init, "containers": main}});
        let cpu = |template: &Value| of_pod(template, "requests", "cpu");
        assert_eq!(cpu(&pod(vec![of("2", "")], vec![of("500m", ""), of("500m", "")])), Some(2000));
        assert_eq!(cpu(&pod(vec![of("200m", "Always"), of("1", "")], vec![of("500m", "")])), Some(1200));
        assert_eq!(cpu(&pod(vec![of("1", ""), of("200m", "Always")], vec![of("900m", "")])), Some(1100));
        assert_eq!(cpu(&pod(vec![json!({})], vec![of("1", "")])), None);
        let mut whole = pod(vec![], vec![json!({})]);
        whole["spec"]["resources"] = json!({"requests": {"cpu": "3"}});
        whole["spec"]["overhead"] = json!({"cpu": "100m"});
        assert_eq!(cpu(&whole), Some(3100));
    }
}
