//! Other limits of one running pod.

use serde_json::{Value, json};

use super::*;
use crate::action::{Inspection, Limits, resize::PodInspection, testing::pod_inspection};

fn limits(memory: Option<&str>, cpu: Option<&str>) -> Limits {
    Limits { memory: memory.map(Into::into), cpu: cpu.map(Into::into), ..Limits::of("app") }
}

fn made(limits: Limits, found: PodInspection) -> Result<Plan, Refusal> {
    let request = Request::Resize { pod: found.key.clone(), limits };
    let mut evidence = Evidence::of(Inspection::Pod(Box::new(found)), now().wall);
    evidence.writable = [cluster()].into();
    let (writes, _) = crate::action::evidence::drafts(&request, &evidence, &Beside::default(), now().wall);
    evidence.rehearsals = writes.into_iter().map(|write| (write, Some(Ok("accepted".into())))).collect();
    plan(&request, &evidence, &store(Vec::new()), &settings(), now())
}

/// As [`pod_inspection`], changed.
fn with(change: impl FnOnce(&mut Value)) -> PodInspection {
    let mut found = pod_inspection();
    change(&mut found.object);
    found
}

fn of<'a>(plan: &'a Plan, name: &str) -> &'a CheckResult {
    &plan.checks.iter().find(|check| check.name == *name).unwrap_or_else(|| panic!("no '{name}'")).result
}

#[test]
fn one_pod_gets_more_and_the_template_is_said_to_keep_the_old() {
    let plan = made(limits(Some("2Gi"), None), pod_inspection()).expect("a plan");
    assert_eq!((plan.title.as_str(), &plan.blocked), ("RESIZE pod/web-1", &None));
    let [sent, watch] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    let StepKind::Write(Write::ResizePod(resize)) = &sent.kind else { panic!("{sent:?}") };
    assert_eq!((resize.uid.as_str(), resize.index), ("uid-web-1", 0));
    // The request was its limit and stays that; the other request is left alone.
    let after = json!({"limits": {"memory": "2Gi"}, "requests": {"memory": "2Gi", "cpu": "100m"}});
    assert_eq!(resize.after, after);
    assert_eq!(watch.says.as_str(), "watch until its node gives it memory 2Gi");
    let CheckResult::Look(says) = of(&plan, "template") else { panic!("always looked at") };
    assert_eq!(says.as_str(), "that of ReplicaSet web keeps its limits: the next pod has those again");
    assert!(matches!(of(&plan, "restart"), CheckResult::Ok(says) if says.contains("nothing restarts")));
    assert!(matches!(of(&plan, "node"), CheckResult::Ok(_)));
    assert!(matches!(of(&plan, "quality"), CheckResult::Ok(_)));
    let kept = plan.keeps.as_ref().expect("it can be undone");
    assert_eq!((&kept.before, &kept.left, &kept.workload), (&resize.before, &resize.after, &None));
    assert_eq!((plan.risk, plan.accepts[0].as_str()), (Risk::Production, "2Gi"));
    assert_eq!(
        plan.equivalent[0],
        "kubectl --context prod-eu1 -n production patch pod web-1 --subresource resize --patch \
         '{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":{\"limits\":{\"memory\":\"2Gi\"},\
         \"requests\":{\"cpu\":\"100m\",\"memory\":\"2Gi\"}}}]}}'"
    );
    let diff = plan.diff.expect("it is shown");
    assert!(diff.contains('+') && diff.contains("2Gi"), "{diff}");
}

#[test]
fn what_cannot_be_done_in_place_is_refused_in_words() {
    let spec = |path: &str, value: Value| with(|pod| *pod.pointer_mut(path).expect("it is there") = value);
    let other =
        |list: &str, restart: Value| with(|pod| pod["spec"][list] = json!([{"name": "app", "restartPolicy": restart}]));
    let guaranteed = json!({"limits": {"memory": "1Gi", "cpu": "1"}, "requests": {"memory": "1Gi", "cpu": "1"}});
    let cases = [
        (
            limits(Some("2Gi"), None),
            PodInspection { serves: Ok(false), ..pod_inspection() },
            "Kubernetes 1.33 and later",
        ),
        (
            limits(Some("2Gi"), None),
            PodInspection { may: Ok(false), ..pod_inspection() },
            "ask for `patch pods/resize`",
        ),
        (limits(Some("200Mi"), None), pod_inspection(), "would be killed"),
        (limits(None, Some("50m")), pod_inspection(), "it requests 100m of cpu, more than 50m"),
        (limits(Some("512Mi"), None), pod_inspection(), "is 512Mi already"),
        (limits(Some("lots"), None), pod_inspection(), "is no amount of memory"),
        (
            limits(Some("2Gi"), None),
            spec("/spec/containers/0/resources", json!({})),
            "its class would become Burstable, and a pod keeps the one that it started with (BestEffort)",
        ),
        // From half to whole is another class as well.
        (limits(None, Some("100m")), pod_inspection(), "its class would become Guaranteed"),
        (limits(Some("2Gi"), None), other("initContainers", json!(null)), "is an init container"),
        (limits(Some("2Gi"), None), other("initContainers", json!("Always")), "is a sidecar"),
        (limits(Some("2Gi"), None), other("ephemeralContainers", json!(null)), "is an ephemeral container"),
        (
            limits(Some("2Gi"), None),
            spec("/metadata", json!({"annotations": {"kubernetes.io/config.mirror": "x"}})),
            "static pod",
        ),
        (limits(Some("2Gi"), None), spec("/spec/os", json!({"name": "windows"})), "runs on Windows"),
        (
            limits(Some("2Gi"), None),
            spec("/metadata", json!({"deletionTimestamp": "2026-01-10T03:14:00Z"})),
            "being deleted",
        ),
        (limits(Some("2Gi"), None), spec("/status/phase", json!("Succeeded")), "has ended"),
        (limits(Some("2Gi"), None), spec("", Value::Null), "is gone"),
    ];
    for (limits, found, says) in cases {
        let refusal = made(limits, found).expect_err(says).0;
        assert!(refusal.contains(says), "{says}: {refusal}");
    }
    let plan = made(limits(Some("2Gi"), None), spec("/spec/containers/0/resources", guaranteed)).expect("a plan");
    assert!(matches!(of(&plan, "quality"), CheckResult::Ok(says) if says.contains("stays Guaranteed")));
}

#[test]
fn a_policy_that_restarts_is_said() {
    let policy = json!([{"resourceName": "memory", "restartPolicy": "RestartContainer"},
        {"resourceName": "cpu", "restartPolicy": "NotRequired"}]);
    let found = with(|pod| pod["spec"]["containers"][0]["resizePolicy"] = policy);
    let plan = made(limits(Some("2Gi"), None), found.clone()).expect("a plan");
    assert!(matches!(of(&plan, "restart"), CheckResult::Look(says) if says.contains("'app' restarts")));
    let plan = made(limits(None, Some("1")), found).expect("a plan");
    assert!(matches!(of(&plan, "restart"), CheckResult::Ok(_)), "cpu alone restarts nothing");
}

#[test]
fn the_room_of_its_node_is_said_beforehand() {
    let node = |memory: &str| made(limits(Some(memory), None), pod_inspection()).expect("a plan");
    let plan = node("5Gi");
    assert!(
        matches!(of(&plan, "node"), CheckResult::Look(says) if says.contains("4Gi are not spoken for") && says.contains("Deferred"))
    );
    let plan = node("9Gi");
    assert!(
        matches!(of(&plan, "node"), CheckResult::Stop(says) if says.contains("8Gi in all") && says.contains("Infeasible"))
    );
    assert_eq!((plan.risk, plan.accepts[0].as_str()), (Risk::Stopped, "web-1"));
    // More of a limit alone needs no room.
    let loose = with(|pod| pod["spec"]["containers"][0]["resources"]["requests"]["memory"] = json!("256Mi"));
    let plan = made(limits(Some("9Gi"), None), loose).expect("a plan");
    assert!(matches!(of(&plan, "node"), CheckResult::Ok(_)));
    let unknown = PodInspection { room: Err("nodes are forbidden".into()), ..pod_inspection() };
    let plan = made(limits(Some("2Gi"), None), unknown).expect("a plan");
    assert!(matches!(of(&plan, "node"), CheckResult::NotChecked(says) if says.contains("forbidden")));
}

#[test]
fn less_memory_an_earlier_resize_and_what_was_not_asked_are_looked_at() {
    let found = PodInspection {
        serves: Err("no answer".into()),
        ..with(|pod| {
            pod["status"]["conditions"] = json!([{"type": "PodResizePending", "status": "True", "reason": "Deferred",
                "message": "bad\u{1b}[31mwords"}]);
        })
    };
    let plan = made(limits(Some("400Mi"), None), found).expect("a plan");
    assert!(matches!(of(&plan, "less"), CheckResult::Look(_)));
    let CheckResult::Look(says) = of(&plan, "under way") else { panic!("it is said") };
    assert!(says.contains("(Deferred)") && !says.contains('\u{1b}'), "{says}");
    assert!(matches!(of(&plan, "allowed"), CheckResult::Look(says) if says.contains("no answer")));
}

#[test]
fn a_limit_where_none_was_cannot_be_taken_away_again() {
    let plan = made(limits(None, Some("1")), pod_inspection()).expect("a plan");
    assert_eq!((plan.keeps, plan.undo.as_str()), (None, "none: a limit cannot be removed from a running pod"));
}
