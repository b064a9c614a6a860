//! Whether a resize in place has arrived: the kubelet tells what the container has in the pod's status, or why not.

use serde_json::Value;

use super::watch::{Seen, Stage};
use crate::{
    action::{
        resize::{Pending, PendingState, PodInspection, ResizeFor},
        resources,
    },
    text::Clean,
};

pub(super) fn judge(wanted: &ResizeFor, found: &PodInspection) -> Seen {
    let (pod, resize) = (&found.object, &wanted.resize);
    let at = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
    if pod.is_null() || at("/metadata/deletionTimestamp").is_some() {
        return never("the pod is gone: the next one has its template's limits".into());
    }
    if at("/metadata/uid") != Some(resize.uid.as_str()) {
        return never("the pod is another one by now, with its template's limits".into());
    }
    let specs = pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
    let asked = specs.clone().find(|spec| spec["name"] == *resize.container);
    if !asked.is_some_and(|spec| resources::covers(&spec["resources"], &resize.after)) {
        return never("somebody asked for other limits since".into());
    }
    let all = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let status = all.into_iter().flatten().find(|status| status["name"] == *resize.container);
    let has = status.map_or(&Value::Null, |status| &status["resources"]);
    let pending = Pending::of(pod).filter(|pending| pending.is_of(pod, wanted.earlier.as_ref()));
    match pending {
        Some(Pending { state: PendingState::Infeasible, says, .. }) => never(says),
        Some(pending) => Seen::new(pending.says, Stage::Going),
        None if !resources::covers(has, &resize.after) => {
            let has = resources::limits_of(has);
            Seen::new(say!("the kubelet has not done it yet: it has {has}"), Stage::Going)
        }
        None if status.is_none_or(|status| status.pointer("/state/running").is_none()) => {
            Seen::new(say!("it has {}, and starts again", resources::limits_of(has)), Stage::Going)
        }
        None => Seen::new(say!("it has {} in force", resources::limits_of(has)), Stage::Met),
    }
}

fn never(says: Clean) -> Seen {
    Seen::new(says, Stage::Never)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::action::{resize::PodResize, testing::pod_inspection};

    fn pod(spec: &str, has: &str, conditions: &Value) -> Value {
        json!({
            "metadata": {"uid": "uid-web-1", "generation": 2},
            "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": spec}}}]},
            "status": {"conditions": conditions, "containerStatuses": [
                {"name": "app", "state": {"running": {}}, "resources": {"limits": {"memory": has}}}]},
        })
    }

    fn seen(object: Value, earlier: Option<Pending>) -> (Stage, String) {
        let found = PodInspection { object, ..pod_inspection() };
        let resize = PodResize {
            pod: found.key.clone(),
            uid: "uid-web-1".into(),
            container: "app".into(),
            index: 0,
            before: json!({"limits": {"memory": "512Mi"}}),
            after: json!({"limits": {"memory": "1024Mi"}}),
        };
        let seen = judge(&ResizeFor { resize, earlier }, &found);
        (seen.stage, seen.says.to_string())
    }

    fn pending(reason: &str, observed: Option<i64>) -> Value {
        let mut condition =
            json!({"type": "PodResizePending", "status": "True", "reason": reason, "message": "no room"});
        if let Some(observed) = observed {
            condition["observedGeneration"] = json!(observed);
        }
        json!([condition])
    }

    #[test]
    fn the_status_decides_and_not_the_spec() {
        let (stage, says) = seen(pod("1Gi", "512Mi", &json!([])), None);
        assert_eq!((stage, says.as_str()), (Stage::Going, "the kubelet has not done it yet: it has memory 512Mi"));
        let (stage, says) = seen(pod("1Gi", "1Gi", &json!([])), None);
        assert_eq!((stage, says.as_str()), (Stage::Met, "it has memory 1Gi in force"));
        let mut restarting = pod("1Gi", "1Gi", &json!([]));
        restarting["status"]["containerStatuses"][0]["state"] = json!({"waiting": {}});
        assert_eq!(seen(restarting, None).0, Stage::Going);
        let progress =
            json!([{"type": "PodResizeInProgress", "status": "True", "reason": "Error", "message": "cgroup"}]);
        let (stage, says) = seen(pod("1Gi", "1Gi", &progress), None);
        assert_eq!((stage, says.as_str()), (Stage::Going, "the kubelet failed at it and tries again: cgroup"));
    }

    #[test]
    fn what_the_kubelet_refuses_is_said_in_its_words_and_ends_the_watch() {
        let (stage, says) = seen(pod("1Gi", "512Mi", &pending("Deferred", None)), None);
        assert_eq!((stage, says.as_str()), (Stage::Going, "it waits for room on its node (Deferred): no room"));
        let (stage, says) = seen(pod("1Gi", "512Mi", &pending("Infeasible", Some(2))), None);
        assert_eq!((stage, says.as_str()), (Stage::Never, "the node can never take it (Infeasible): no room"));
    }

    #[test]
    fn the_word_on_an_earlier_resize_is_no_word_on_this_one() {
        let old = pod("1Gi", "512Mi", &pending("Infeasible", Some(1)));
        assert_eq!(seen(old, None).0, Stage::Going, "it is of generation 1");
        let old = pod("1Gi", "512Mi", &pending("Infeasible", None));
        assert_eq!(seen(old.clone(), Pending::of(&old)).0, Stage::Going, "it stood there before");
    }

    #[test]
    fn another_pod_or_other_limits_end_it() {
        for (object, words) in [
            (Value::Null, "is gone"),
            (json!({"metadata": {"uid": "other"}}), "another one"),
            (pod("2Gi", "512Mi", &json!([])), "somebody asked for other limits"),
        ] {
            let (stage, says) = seen(object, None);
            assert!(stage == Stage::Never && says.contains(words), "{says}");
        }
    }
}
