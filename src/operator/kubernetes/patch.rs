//! The bodies that are sent: JSON patches (RFC 6902) whose `test` operations are the guard, and the pod of a rehearsal.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::model::kubernetes::{ACTOR, RESTARTED_AT};

/// A key as one step of a JSON pointer.
pub fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn guard(uid: &str, live: &Value) -> Vec<Value> {
    vec![
        json!({"op": "test", "path": "/metadata/uid", "value": uid}),
        json!({"op": "test", "path": "/spec/template", "value": live}),
    ]
}

/// Sets the template and some annotations of the object, if uid and live template are as seen. Other annotations stay:
/// an owner's mark set since then must not be lost.
pub fn template(
    uid: &str,
    live: &Value,
    target: &Value,
    object: &Value,
    annotations: &BTreeMap<String, String>,
) -> Value {
    let mut operations = guard(uid, live);
    operations.push(json!({"op": "replace", "path": "/spec/template", "value": target}));
    operations.extend(annotate(object, annotations));
    Value::Array(operations)
}

/// Adds to the annotations that the object has. Where it had none, those that somebody sets since the look would go with
/// the whole map, so that none must be there still: to the server, what is not there is null.
fn annotate(object: &Value, annotations: &BTreeMap<String, String>) -> Vec<Value> {
    let has_some = object.pointer("/metadata/annotations").is_some_and(Value::is_object);
    if !has_some && !annotations.is_empty() {
        return vec![
            json!({"op": "test", "path": "/metadata/annotations", "value": null}),
            json!({"op": "add", "path": "/metadata/annotations", "value": annotations}),
        ];
    }
    let path = |key: &str| format!("/metadata/annotations/{}", step(key));
    annotations.iter().map(|(key, value)| json!({"op": "add", "path": path(key), "value": value})).collect()
}

/// Who changed it last: our field manager is the same for every responder.
fn actor(object: &Value, by: &str) -> Vec<Value> {
    annotate(object, &BTreeMap::from([(ACTOR.to_owned(), by.to_owned())]))
}

/// As kubectl writes a time.
pub fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Sets the restart mark in the template, if uid and template are as seen.
pub fn restart(uid: &str, live: &Value, at: Timestamp, object: &Value, by: &str) -> Value {
    let at = whole_seconds(at).to_string();
    let mut operations = guard(uid, live);
    let is_map = |pointer: &str| live.pointer(pointer).is_some_and(Value::is_object);
    operations.push(if is_map("/metadata/annotations") {
        let path = format!("/spec/template/metadata/annotations/{}", step(RESTARTED_AT));
        json!({"op": "add", "path": path, "value": at})
    } else if is_map("/metadata") {
        json!({"op": "add", "path": "/spec/template/metadata/annotations", "value": {RESTARTED_AT: at}})
    } else {
        json!({"op": "add", "path": "/spec/template/metadata", "value": {"annotations": {RESTARTED_AT: at}}})
    });
    operations.extend(actor(object, by));
    Value::Array(operations)
}

/// Sets the time after which pods of an Argo Rollout are made anew (`spec.restartAt`), if uid and template are as seen.
pub fn restart_at(uid: &str, live: &Value, at: Timestamp, object: &Value, by: &str) -> Value {
    let at = whole_seconds(at).to_string();
    let mut operations = guard(uid, live);
    operations.push(json!({"op": "add", "path": "/spec/restartAt", "value": at}));
    operations.extend(actor(object, by));
    Value::Array(operations)
}

/// Sets the replicas on the scale subresource, if uid and number are as seen.
pub fn scale(uid: &str, from: u32, to: u32) -> Value {
    // A Scale of no replicas has no such field.
    let seen = match from {
        0 => json!({"op": "test", "path": "/spec", "value": {}}),
        from => json!({"op": "test", "path": "/spec/replicas", "value": from}),
    };
    json!([
        {"op": "test", "path": "/metadata/uid", "value": uid},
        seen,
        {"op": "add", "path": "/spec/replicas", "value": to},
    ])
}

/// A pod as a controller would make it of the template, under a name of its own.
pub fn pod(template: &Value) -> Value {
    let mut meta: Map<String, Value> = Map::new();
    meta.insert("generateName".to_owned(), json!("midwatch-rehearsal-"));
    for part in ["labels", "annotations"] {
        if let Some(map) = template.pointer(&format!("/metadata/{part}")).filter(|map| map.is_object()) {
            meta.insert(part.to_owned(), map.clone());
        }
    }
    let mut spec = template.get("spec").cloned().unwrap_or_default();
    add_claimed_volumes(&mut spec);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
}

/// A StatefulSet's template mounts volumes that only its claims define: an empty one stands in for each.
fn add_claimed_volumes(spec: &mut Value) {
    let names = |spec: &Value, list: &str| -> Vec<String> {
        let list = spec.get(list).and_then(Value::as_array);
        let names = list.into_iter().flatten().filter_map(|item| item.get("name")?.as_str());
        names.map(str::to_owned).collect()
    };
    let known: BTreeSet<String> = names(spec, "volumes").into_iter().collect();
    let mut missing = BTreeSet::new();
    for list in ["containers", "initContainers"] {
        for container in spec.get(list).and_then(Value::as_array).into_iter().flatten() {
            missing.extend(names(container, "volumeMounts").into_iter().filter(|name| !known.contains(name)));
        }
    }
    let Some(spec) = spec.as_object_mut().filter(|_| !missing.is_empty()) else { return };
    let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
    if let Some(volumes) = volumes.as_array_mut() {
        volumes.extend(missing.into_iter().map(|name| json!({"name": name, "emptyDir": {}})));
    }
}

/// The operations without those that the server passes and that the crate of the tests, which finds no such path, does not.
#[cfg(test)]
pub fn without_tests_of_nothing(object: &Value, operations: &Value) -> Value {
    let is_of_nothing = |one: &Value| {
        let path = one["path"].as_str().unwrap_or_default();
        one["op"] == "test" && one["value"].is_null() && object.pointer(path).is_none()
    };
    operations.as_array().into_iter().flatten().filter(|one| !is_of_nothing(one)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(object: &Value, operations: &Value) -> Result<Value, json_patch::PatchError> {
        let mut object = object.clone();
        let operations = without_tests_of_nothing(&object, operations);
        let operations: json_patch::Patch = serde_json::from_value(operations).unwrap();
        json_patch::patch(&mut object, &operations)?;
        Ok(object)
    }

    #[test]
    fn a_restart_works_whatever_the_template_has_and_spares_other_annotations() {
        let at = "2026-01-02T03:04:05.678Z".parse().unwrap();
        for template in [
            json!({"spec": {}}),
            json!({"metadata": {}, "spec": {}}),
            json!({"metadata": {"annotations": null}, "spec": {}}),
            json!({"metadata": {"annotations": {"a": "b", RESTARTED_AT: "old"}}, "spec": {}}),
        ] {
            let object = json!({"metadata": {"uid": "u"}, "spec": {"template": template}});
            let restarted = apply(&object, &restart("u", &template, at, &object, "bob")).unwrap();
            assert_eq!(restarted["metadata"]["annotations"][ACTOR], "bob");
            let annotations = restarted.pointer("/spec/template/metadata/annotations").unwrap();
            assert_eq!(annotations[RESTARTED_AT], "2026-01-02T03:04:05Z");
            assert_eq!(annotations.get("a"), template.pointer("/metadata/annotations/a"));
        }
    }

    #[test]
    fn a_template_patch_adds_annotations_to_those_that_are_there() {
        let (live, target) = (json!({"spec": 1}), json!({"spec": 2}));
        let wanted = BTreeMap::from([
            ("kubernetes.io/change-cause".to_owned(), "why".to_owned()),
            ("x~y".to_owned(), "z".to_owned()),
        ]);
        for (before, after) in [
            (
                json!({"uid": "u"}),
                json!({"uid": "u", "annotations": {"kubernetes.io/change-cause": "why", "x~y": "z"}}),
            ),
            (
                json!({"uid": "u", "annotations": {"argocd.argoproj.io/tracking-id": "t"}}),
                json!({"uid": "u", "annotations": {"argocd.argoproj.io/tracking-id": "t", "kubernetes.io/change-cause": "why", "x~y": "z"}}),
            ),
        ] {
            let object = json!({"metadata": before, "spec": {"template": live}});
            let patched = apply(&object, &template("u", &live, &target, &object, &wanted)).unwrap();
            assert_eq!(patched, json!({"metadata": after, "spec": {"template": target}}));
        }
        let other = json!({"metadata": {"uid": "other"}, "spec": {"template": live}});
        assert!(apply(&other, &template("u", &live, &target, &other, &wanted)).is_err());
    }

    #[test]
    fn annotations_set_since_the_look_are_not_replaced() {
        let (live, target) = (json!({"spec": 1}), json!({"spec": 2}));
        let seen = json!({"metadata": {"uid": "u"}, "spec": {"template": live}});
        let mut since = seen.clone();
        since["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "t"});
        let wanted = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        for operations in [
            template("u", &live, &target, &seen, &wanted),
            restart("u", &live, "2026-01-02T03:04:05Z".parse().unwrap(), &seen, "bob"),
        ] {
            assert!(apply(&seen, &operations).is_ok(), "{operations}");
            assert!(apply(&since, &operations).is_err(), "{operations}");
        }
    }

    #[test]
    fn scaling_from_none_finds_no_field() {
        let none = json!({"metadata": {"uid": "u"}, "spec": {}});
        assert_eq!(apply(&none, &scale("u", 0, 3)).unwrap().pointer("/spec/replicas"), Some(&json!(3)));
        let two = json!({"metadata": {"uid": "u"}, "spec": {"replicas": 2}});
        assert!(apply(&two, &scale("u", 0, 3)).is_err());
        assert!(apply(&two, &scale("u", 1, 3)).is_err());
        assert_eq!(apply(&two, &scale("u", 2, 0)).unwrap().pointer("/spec/replicas"), Some(&json!(0)));
    }

    #[test]
    fn a_rehearsed_pod_has_the_volumes_that_claims_would_give() {
        let template = json!({"metadata": {"labels": {"app": "db"}}, "spec": {"volumes": [{"name": "cfg", "emptyDir": {}}],
            "containers": [{"name": "db", "volumeMounts": [{"name": "cfg"}, {"name": "data"}]}]}});
        let pod = pod(&template);
        assert_eq!(pod.pointer("/spec/volumes/1"), Some(&json!({"name": "data", "emptyDir": {}})));
        assert_eq!(pod.pointer("/metadata/labels/app"), Some(&json!("db")));
        assert_eq!(pod.pointer("/metadata/name"), None);
    }
}
