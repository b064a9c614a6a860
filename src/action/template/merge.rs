//! What an apply makes of a live template: the three-way merge by which Helm upgrades and rolls back
//! (`strategicpatch.CreateThreeWayMergePatch`).

use serde_json::{Map, Value};

use crate::action::resources;

/// The fields that go by what they name: two lists with such items are merged, others are replaced.
const KEYED: [(&str, &str); 12] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("volumes", "name"),
    ("env", "name"),
    ("imagePullSecrets", "name"),
    ("ports", "containerPort"),
    ("volumeMounts", "mountPath"),
    ("volumeDevices", "devicePath"),
    ("hostAliases", "ip"),
    ("topologySpreadConstraints", "topologyKey"),
    ("resourceClaims", "name"),
    ("schedulingGates", "name"),
];

/// What the server writes into items of lists that have no keys, where nobody said it.
const DEFAULTS: [(&str, &str); 3] = [("expirationSeconds", "3600"), ("apiVersion", "v1"), ("divisor", "0")];

/// The live template once what was rendered `before` is as rendered in `to`: what `to` says is set, what only `before`
/// said goes, and the rest of live stays. `has_keys`: lists of a kind of Kubernetes' own are merged by their keys.
pub fn merged(before: &Value, to: &Value, live: &Value, has_keys: bool) -> Value {
    Merge { has_keys }.value("", before, to, live)
}

struct Merge {
    has_keys: bool,
}

impl Merge {
    fn value(&self, name: &str, before: &Value, to: &Value, live: &Value) -> Value {
        match (to, live) {
            (Value::Object(to), Value::Object(live)) => self.object(before, to, live),
            (Value::Array(to), Value::Array(live)) => match self.key(name) {
                Some(key) => self.list(key, before, to, live),
                // Set anew, it gets the server's defaults anew.
                None if is_list_with_defaults(to, live) => Value::Array(live.clone()),
                None => Value::Array(to.clone()),
            },
            _ if is_same_scalar(name, to, live) => live.clone(),
            _ => without_nulls(to),
        }
    }

    fn object(&self, before: &Value, to: &Map<String, Value>, live: &Map<String, Value>) -> Value {
        let mut all = live.clone();
        for (name, _) in before.as_object().into_iter().flatten() {
            if to.get(name).is_none_or(Value::is_null) {
                all.remove(name);
            }
        }
        for (name, to) in to.iter().filter(|(_, to)| !to.is_null()) {
            let now = live.get(name).unwrap_or(&Value::Null);
            all.insert(name.clone(), self.value(name, before.get(name).unwrap_or(&Value::Null), to, now));
        }
        Value::Object(all)
    }

    fn list(&self, key: &str, before: &Value, to: &[Value], live: &[Value]) -> Value {
        let before: &[Value] = before.as_array().map_or(&[], Vec::as_slice);
        let of = |list: &'_ [Value], item: &Value| list.iter().position(|other| other.get(key) == item.get(key));
        let set = to.iter().map(|item| {
            let now = of(live, item).map_or(&Value::Null, |at| &live[at]);
            self.value("", of(before, item).map_or(&Value::Null, |at| &before[at]), item, now)
        });
        // What neither knows was put there by somebody else: a sidecar, a volume of its own.
        let stays = live.iter().filter(|item| of(to, item).is_none() && of(before, item).is_none()).cloned();
        set.chain(stays).collect()
    }

    fn key(&self, list: &str) -> Option<&'static str> {
        KEYED.iter().find(|(name, _)| self.has_keys && *name == list).map(|(_, key)| *key)
    }
}

/// The items of a list, as they are once the server has written its defaults.
fn is_list_with_defaults(to: &[Value], live: &[Value]) -> bool {
    to.len() == live.len() && to.iter().zip(live).all(|(to, live)| is_with_defaults("", to, live))
}

fn is_with_defaults(name: &str, to: &Value, live: &Value) -> bool {
    match (to, live) {
        (Value::Object(to), Value::Object(live)) => {
            let is_default = |name: &str, value: &Value| {
                scalar(value).is_some_and(|value| DEFAULTS.contains(&(name, value.as_str())))
            };
            let is_there = |(name, to): (&String, &Value)| {
                to.is_null() || live.get(name).is_some_and(|live| is_with_defaults(name, to, live))
            };
            let is_told = |name: &String| to.get(name).is_some_and(|to| !to.is_null());
            to.iter().all(is_there) && live.iter().all(|(name, value)| is_told(name) || is_default(name, value))
        }
        (Value::Array(to), Value::Array(live)) => is_list_with_defaults(to, live),
        _ => to == live || is_same_scalar(name, to, live),
    }
}

/// The same to the server, which writes quantities in one way only: `1` and `1000m` of cpu.
fn is_same_scalar(name: &str, to: &Value, live: &Value) -> bool {
    let (Some(to), Some(live)) = (scalar(to), scalar(live)) else { return false };
    let is_amount = matches!(name, "cpu" | "memory" | "ephemeral-storage" | "sizeLimit");
    to == live || is_amount && resources::parse(name, &to).is_some_and(|to| resources::parse(name, &live) == Some(to))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        _ => None,
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered(image: &str, env: Value) -> Value {
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
            {"name": "app", "image": image, "env": env, "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}}}]}})
    }

    /// With the server's defaults, a sidecar of a webhook's, a restart mark.
    fn live(image: &str, env: Value) -> Value {
        json!({"metadata": {"labels": {"app": "web"}, "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01"}},
            "spec": {"restartPolicy": "Always", "containers": [
                {"name": "app", "image": image, "env": env, "imagePullPolicy": "IfNotPresent",
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}},
                {"name": "proxy", "image": "mesh:1"}]}})
    }

    #[test]
    fn what_the_server_and_others_added_stays_and_what_was_rendered_goes_back() {
        let (one, two) =
            (json!([{"name": "A", "value": "1"}]), json!([{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]));
        let found = merged(&rendered("web:2", two.clone()), &rendered("web:1", one.clone()), &live("web:2", two), true);
        assert_eq!(found, live("web:1", one));
    }

    #[test]
    fn an_edit_by_hand_is_overwritten_where_the_target_says_something_and_stays_elsewhere() {
        let env = json!([{"name": "A", "value": "1"}]);
        let edited = json!([{"name": "A", "value": "by hand"}, {"name": "OWN", "value": "3"}]);
        let found = merged(&rendered("web:2", env.clone()), &rendered("web:1", env), &live("web:2", edited), true);
        let kept = json!([{"name": "A", "value": "1"}, {"name": "OWN", "value": "3"}]);
        assert_eq!(found, live("web:1", kept));
    }

    #[test]
    fn lists_without_keys_and_those_of_other_kinds_are_replaced() {
        let args = |args: Value| json!({"spec": {"containers": [{"name": "app", "args": args}]}});
        let found = merged(&args(json!(["a", "b"])), &args(json!(["c"])), &args(json!(["a", "b"])), true);
        assert_eq!(found, args(json!(["c"])));
        let (before, to) = (rendered("web:2", Value::Null), rendered("web:1", Value::Null));
        let found = merged(&before, &to, &live("web:2", Value::Null), false);
        assert_eq!(found["spec"]["containers"].as_array().map(Vec::len), Some(1));
        assert_eq!(found["spec"]["restartPolicy"], "Always");
    }

    #[test]
    fn what_the_server_adds_in_lists_without_keys_is_no_other_list() {
        let volumes = |expires: Value, field: Value, size: &str| {
            json!({"spec": {"volumes": [
                {"name": "token", "projected": {"sources": [
                    {"serviceAccountToken": {"path": "token", "expirationSeconds": expires}},
                    {"downwardAPI": {"items": [{"path": "labels", "fieldRef": field}]}}]}},
                {"name": "cache", "emptyDir": {"sizeLimit": size}}]}})
        };
        let labels = "metadata.labels";
        let rendered = volumes(Value::Null, json!({"fieldPath": labels}), "1024Mi");
        let live = volumes(json!(3600), json!({"apiVersion": "v1", "fieldPath": labels}), "1Gi");
        assert_eq!(merged(&rendered, &rendered, &live, true), live);
        // What nobody's default is was set by hand, and is gone once it is applied.
        for by_hand in [
            volumes(json!(7200), json!({"apiVersion": "v1", "fieldPath": labels}), "1Gi"),
            volumes(json!(3600), json!({"apiVersion": "v1", "fieldPath": "metadata.name"}), "1Gi"),
            volumes(json!(3600), json!({"apiVersion": "v1", "fieldPath": labels}), "2Gi"),
        ] {
            assert_ne!(merged(&rendered, &rendered, &by_hand, true), by_hand);
        }
    }
}
