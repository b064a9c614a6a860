//! Plans of acts on objects, on evidence made by hand.

use std::sync::Arc;

use super::*;
use crate::{
    action::{
        CheckResult, Evidence, Risk,
        plan::plan as planned,
        testing::{cluster, now, settings, store},
    },
    app::settings::Settings,
    model::kubernetes::{ObjectKey, resource::Resource},
};

fn key(group: &str, plural: &str, kind: &str, name: &str) -> ResourceKey {
    let resource = Resource::v1((group, plural, kind), kind != "Node");
    let namespace = if kind == "Node" { "" } else { "shop" };
    ResourceKey { cluster: cluster(), resource: Arc::new(resource), namespace: namespace.into(), name: name.into() }
}

fn cron_job() -> ResourceKey {
    key("batch", "cronjobs", "CronJob", "report")
}

fn pod() -> ResourceKey {
    ResourceKey::from(&ObjectKey { cluster: cluster(), namespace: "shop".into(), name: "web-1".into() })
}

/// The plan of an act, the server having taken its dry run.
fn plan_of(key: &ResourceKey, act: ObjectAct, object: Value) -> Result<Plan, Refusal> {
    plan_of_owned(key, act, object, Vec::new())
}

fn plan_of_owned(
    key: &ResourceKey,
    act: ObjectAct,
    mut object: Value,
    managed_by: Vec<Manager>,
) -> Result<Plan, Refusal> {
    object["metadata"]["uid"] = json!("u1");
    if object["metadata"]["resourceVersion"].is_null() {
        object["metadata"]["resourceVersion"] = json!("7");
    }
    let found = ObjectInspection {
        key: key.clone(),
        object,
        managed_by,
        may: Ok(true),
        server: "https://k8s v1.33".into(),
        cluster_id: Some("id".into()),
        pods: Some(Ok(12)),
        budgets: None,
    };
    planned_of(found, act, &settings())
}

fn planned_of(found: ObjectInspection, act: ObjectAct, settings: &Settings) -> Result<Plan, Refusal> {
    let key = found.key.clone();
    let request = Request::Object { object: key.clone(), act };
    let write = write(&found, act);
    let mut evidence = Evidence::of(Inspection::Object(Box::new(found)), now().wall);
    evidence.writable = [cluster()].into();
    evidence.rehearsals = vec![(write, Some(Ok("taken".into())))];
    planned(&request, &evidence, &store(Vec::new()), settings, now())
}

fn effect(plan: &Plan) -> &CheckResult {
    &plan.checks.iter().find(|check| check.name == *"effect").expect("it is said").result
}

fn stops(plan: &Plan) -> bool {
    matches!(effect(plan), CheckResult::Stop(_)) && plan.risk == Risk::Stopped
}

#[test]
fn a_switch_that_stands_there_already_is_refused() {
    let node = key("", "nodes", "Node", "node-1");
    let plan = plan_of(&node, ObjectAct::Cordon, json!({})).expect("a plan");
    assert_eq!((plan.title.as_str(), plan.place.as_str()), ("CORDON node/node-1", "prod-eu1"));
    assert_eq!(plan.accepts, ["node-1"]);
    assert_eq!(plan.undo, "U: uncordon it");
    assert!(plan.facts.contains(&("RUNS".into(), "12 pods".into())));
    assert_eq!(plan.blocked, None);
    let refused = plan_of(&node, ObjectAct::Cordon, json!({"spec": {"unschedulable": true}})).expect_err("refused");
    assert_eq!(refused.0, "node/node-1 is cordoned already");
    let refused = plan_of(&node, ObjectAct::Uncordon, json!({"spec": {}})).expect_err("refused");
    assert_eq!(refused.0, "node/node-1 is not cordoned already");
    assert!(plan_of(&node, ObjectAct::Suspend, json!({})).is_err(), "that is for a CronJob");
}

#[test]
fn whether_somebody_makes_it_anew_decides_a_deletion() {
    let owned = |kind: &str| json!({"metadata": {"ownerReferences": [{"kind": kind, "name": "web"}]}});
    let of_pod = |object| plan_of(&pod(), ObjectAct::Delete, object).expect("a plan");
    assert!(stops(&of_pod(json!({}))), "a bare pod is gone for good");
    assert_eq!(effect(&of_pod(owned("ReplicaSet"))), &CheckResult::Ok("ReplicaSet web makes another".into()));
    assert!(matches!(effect(&of_pod(owned("StatefulSet"))), CheckResult::Look(says) if says.contains("its volume")));
    for (group, plural, kind) in [
        ("", "namespaces", "Namespace"),
        ("", "persistentvolumeclaims", "PersistentVolumeClaim"),
        ("", "nodes", "Node"),
        ("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition"),
        ("", "services", "Service"),
    ] {
        let plan = plan_of(&key(group, plural, kind, "x"), ObjectAct::Delete, json!({})).expect("a plan");
        assert!(stops(&plan), "{kind} in production");
        assert_eq!(plan.undo, "a deletion is not undone");
    }
    let held = json!({"metadata": {"finalizers": ["acme/lock"], "ownerReferences": [{"kind": "Job", "name": "j"}]}});
    let plan = plan_of(&key("", "configmaps", "ConfigMap", "x"), ObjectAct::Delete, held).expect("a plan");
    assert!(
        plan.checks.iter().any(|check| matches!(&check.result, CheckResult::Look(says) if says.contains("acme/lock")))
    );
}

/// The way round a budget is not to look safer than the way that asks it.
#[test]
fn a_deletion_names_the_budget_that_it_goes_round() {
    let budget = |name: &str, allowed| Budget { name: name.into(), healthy: 1, needed: 1, allowed };
    let deleted = |is_ready: bool, budgets, is_production: bool| {
        let status = if is_ready { "True" } else { "False" };
        let object = json!({
            "metadata": {"uid": "u1", "ownerReferences": [{"kind": "ReplicaSet", "name": "web"}]},
            "status": {"conditions": [{"type": "Ready", "status": status}]},
        });
        let found = ObjectInspection {
            key: pod(),
            object,
            managed_by: Vec::new(),
            may: Ok(true),
            server: "https://k8s v1.33".into(),
            cluster_id: Some("id".into()),
            pods: None,
            budgets: Some(budgets),
        };
        let mut settings = settings();
        settings.production.insert(cluster(), is_production);
        let plan = planned_of(found, ObjectAct::Delete, &settings).expect("a plan");
        let check = plan.checks.iter().find(|check| check.name == *"budget").expect("it is said").result.clone();
        (check, plan.risk)
    };
    let none_left = || Ok(vec![budget("roomy", 2), budget("pg", 0)]);
    let says = "disruption budget 'pg' needs 1 healthy and has 1: it allows none, and a deletion goes round it (:evict asks it)";
    assert_eq!(deleted(true, none_left(), true), (CheckResult::Stop(says.into()), Risk::Stopped));
    assert_eq!(deleted(true, none_left(), false), (CheckResult::Look(says.into()), Risk::Reversible));
    let (check, risk) = deleted(false, none_left(), true);
    assert!(matches!(&check, CheckResult::Look(says) if says.contains("not ready and not counted")), "{check:?}");
    assert_eq!(risk, Risk::Production);
    let some = "disruption budget 'pg' allows 1: a deletion goes round it (:evict asks it)";
    assert_eq!(deleted(true, Ok(vec![budget("pg", 1)]), true), (CheckResult::Look(some.into()), Risk::Production));
    assert!(matches!(deleted(true, Ok(Vec::new()), true).0, CheckResult::Ok(_)));
    assert!(matches!(deleted(true, Err("forbidden".into()), true).0, CheckResult::NotChecked(_)));
}

#[test]
fn what_goes_is_seen_before_it_goes() {
    let fact = |plan: &Plan, name: &str| {
        let mut facts = plan.facts.iter();
        facts.find(|(other, _)| other == name).map(|(_, says)| says.to_string()).unwrap_or_default()
    };
    let crashing = json!({
        "metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "web"}]},
        "spec": {"nodeName": "node-3", "containers": [{"name": "app", "image": "acme/web:412"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"ready": false, "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
        ]},
    });
    let mut going = crashing.clone();
    going["metadata"]["deletionTimestamp"] = json!("2026-01-10T03:14:48Z");
    let plan = plan_of(&pod(), ObjectAct::Evict, going).expect("a plan");
    assert_eq!(fact(&plan, "NOW"), "0/1 Terminating, node-3, 412");
    let says = CheckResult::Stop("it is being deleted: its grace ends in 26s".into());
    assert!(plan.checks.iter().any(|check| check.id == *"B7" && check.result == says), "{:?}", plan.checks);
    for act in [ObjectAct::Delete, ObjectAct::Evict] {
        let plan = plan_of(&pod(), act, crashing.clone()).expect("a plan");
        assert_eq!(fact(&plan, "NOW"), "0/1 CrashLoopBackOff, node-3, 412");
        assert_eq!(fact(&plan, "THEN"), "ReplicaSet web makes another", "though nothing speaks against it");
        assert_eq!(
            plan.undo,
            if act == ObjectAct::Evict { "an eviction is not undone" } else { "a deletion is not undone" }
        );
    }
    let web = key("apps", "deployments", "Deployment", "web");
    let object = json!({"spec": {"replicas": 10}, "status": {"replicas": 13, "readyReplicas": 8}});
    let plan = plan_of(&web, ObjectAct::Delete, object).expect("a plan");
    assert_eq!(fact(&plan, "NOW"), "10 wanted, 8 ready, 13 pods");
    let weekly = json!({"spec": {"schedule": "30 1 * * 0"}});
    let plan = plan_of(&cron_job(), ObjectAct::Suspend, weekly).expect("a plan");
    assert_eq!(fact(&plan, "WHEN"), "30 1 * * 0   no Job of it runs now");
}

#[test]
fn what_goes_with_it_is_kept_first() {
    let owned = || json!({"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "web"}]}});
    let first = |key: &ResourceKey, act| {
        let plan = plan_of(key, act, owned()).expect("a plan");
        plan.steps.into_iter().next().expect("steps").kind
    };
    for act in [ObjectAct::Delete, ObjectAct::Evict] {
        // No workload of it is watched.
        let kept = StepKind::KeepEvidence { workload: None, pod: pod().pod(), panels: Vec::new() };
        assert_eq!(first(&pod(), act), kept, "{act:?}");
    }
    let myapp = crate::action::testing::myapp();
    let kept = StepKind::KeepEvidence { workload: Some(myapp.clone()), pod: None, panels: Vec::new() };
    assert_eq!(first(&ResourceKey::from(&myapp), ObjectAct::Delete), kept);
    assert!(matches!(first(&ResourceKey::from(&myapp), ObjectAct::Pause), StepKind::Write(_)), "nothing goes");
    assert!(matches!(first(&cron_job(), ObjectAct::Delete), StepKind::Write(_)), "it has no pods of its own");
}

#[test]
fn what_git_owns_is_made_anew_and_what_helm_owns_is_not() {
    let deployment = ResourceKey::from(&crate::action::testing::myapp());
    let deleted = |owner: Manager| {
        let plan = plan_of_owned(&deployment, ObjectAct::Delete, json!({}), vec![owner]).expect("a plan");
        (stops(&plan), effect(&plan).clone())
    };
    let argo = Manager::ArgoCd { application: "shop".into() };
    let says = "owned by Argo CD application 'shop', which makes it anew while git has it";
    assert_eq!(deleted(argo), (false, CheckResult::Look(says.into())));
    let helm = Manager::Helm { release: "shop".into(), namespace: "production".into() };
    let (stops, says) = deleted(helm);
    assert!(stops && matches!(&says, CheckResult::Stop(says) if says.contains("at its next upgrade")), "{says:?}");
}

#[test]
fn a_pod_is_named_by_what_tells_it_from_its_siblings() {
    let named = |name: &str| {
        let pod = ObjectKey { cluster: cluster(), namespace: "shop".into(), name: name.into() };
        accepts(&ResourceKey::from(&pod))
    };
    assert_eq!(named("web-7b9cb458b5-tk6gt"), ["tk6gt", "web-7b9cb458b5-tk6gt"]);
    assert_eq!(named("postgres-0"), ["postgres-0"]);
    assert_eq!(accepts(&cron_job()), ["report"]);
}

#[test]
fn only_other_objects_than_pods_are_deleted_at_a_version() {
    let versions = |key: &ResourceKey, object: Value| {
        let plan = plan_of(key, ObjectAct::Delete, object).expect("a plan");
        plan.steps.iter().find_map(|step| match &step.kind {
            StepKind::Write(Write::Object(write)) => Some(write.version.clone()),
            _ => None,
        })
    };
    let (config, node) = (key("", "configmaps", "ConfigMap", "x"), key("", "nodes", "Node", "n"));
    assert_eq!(versions(&pod(), json!({"metadata": {"generation": 1}})), Some(None), "its status moves all the time");
    assert_eq!(versions(&cron_job(), json!({"metadata": {"generation": 3}})), Some(Some(Version::Wishes(3))));
    assert_eq!(versions(&config, json!({})), Some(Some(Version::All("7".into()))));
    assert_eq!(versions(&node, json!({"status": {}})), Some(None), "it has nothing but a status that moves");
}

#[test]
fn a_status_that_moves_is_no_other_deletion_and_what_is_wished_is() {
    let plan = |key: &ResourceKey, generation: Option<i64>, version: &str| {
        let status = generation.map(|_| json!({"restarts": version}));
        let object = json!({"metadata": {"generation": generation, "resourceVersion": version}, "status": status});
        plan_of(key, ObjectAct::Delete, without_nulls(object)).expect("a plan")
    };
    let (set, config) = (key("apps", "replicasets", "ReplicaSet", "x"), key("", "configmaps", "ConfigMap", "x"));
    let shown = plan(&set, Some(3), "7");
    assert_eq!(shown.moved_to(&plan(&set, Some(3), "8")), None);
    assert!(shown.moved_to(&plan(&set, Some(4), "8")).is_some());
    assert!(plan(&config, None, "7").moved_to(&plan(&config, None, "8")).is_some(), "it is all that it holds");
}

fn without_nulls(mut object: Value) -> Value {
    object.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    object
}

#[test]
fn two_runs_that_must_not_be_beside_each_other_stop() {
    let run = |spec: Value, active: usize| {
        let object = json!({"spec": spec, "status": {"active": vec![json!({}); active]}});
        plan_of(&cron_job(), ObjectAct::RunNow, object).expect("a plan")
    };
    assert!(stops(&run(json!({"concurrencyPolicy": "Forbid"}), 1)));
    assert!(matches!(effect(&run(json!({"concurrencyPolicy": "Allow"}), 1)), CheckResult::Look(_)));
    assert!(matches!(effect(&run(json!({"suspend": true}), 0)), CheckResult::Look(says) if says.contains("suspended")));
    let calm = run(json!({}), 0);
    assert!(matches!(effect(&calm), CheckResult::Ok(_)));
    let undo = "by hand, not by U: `kubectl --context prod-eu1 -n shop delete job NAME`, of the one it makes";
    assert_eq!(calm.undo, undo);
}

/// It is 03:14:22, by the clock of the cluster.
#[test]
fn whether_a_missed_run_starts_at_once_is_told_before_it_is_unsuspended() {
    let told = |spec: Value, last: &str, active: usize| {
        let status = json!({"lastScheduleTime": last, "active": vec![json!({}); active]});
        let mut object = json!({"spec": spec, "status": status});
        object["spec"]["suspend"] = json!(true);
        let plan = plan_of(&cron_job(), ObjectAct::Unsuspend, object).expect("a plan");
        effect(&plan).clone()
    };
    let nightly = |deadline: Value, policy: &str| {
        json!({"schedule": "0 3 * * *", "timeZone": "UTC", "startingDeadlineSeconds": deadline,
            "concurrencyPolicy": policy})
    };
    let (yesterday, today) = ("2026-01-09T03:00:00Z", "2026-01-10T03:00:00Z");
    let look = |says: &str| CheckResult::Look(says.into());
    assert_eq!(told(nightly(Value::Null, "Allow"), yesterday, 0), look("a run was missed: it would start one at once"));
    let none = CheckResult::Ok("no run was missed: it would not start one at once".into());
    assert_eq!(told(nightly(Value::Null, "Allow"), today, 0), none);
    let late = CheckResult::Ok("no run was missed in its last 600 s: it would not start one at once".into());
    assert_eq!(told(nightly(json!(600), "Allow"), yesterday, 0), late);
    assert_eq!(told(nightly(json!(900), "Allow"), yesterday, 0), look("a run was missed: it would start one at once"));
    let waits = told(nightly(Value::Null, "Forbid"), yesterday, 1);
    assert!(matches!(&waits, CheckResult::Look(says) if says.contains("when what runs has ended")), "{waits:?}");
    let replaces = told(nightly(Value::Null, "Replace"), yesterday, 1);
    assert!(matches!(&replaces, CheckResult::Look(says) if says.contains("in place of what runs")), "{replaces:?}");
    let odd = told(json!({"schedule": "@reboot"}), yesterday, 0);
    let unknown = "whether it would start a missed run at once is not known: its schedule cannot be read";
    assert_eq!(odd, look(unknown));
}

#[test]
fn a_run_now_is_the_job_that_kubectl_makes() {
    let name = "n".repeat(60);
    let cron_job = json!({
        "metadata": {"name": name, "namespace": "shop", "uid": "u1"},
        "spec": {"jobTemplate": {
            "metadata": {"labels": {"app": "report"}, "annotations": {"a": "b"}},
            "spec": {"backoffLimit": 2, "template": {"spec": {"restartPolicy": "Never"}}}}}});
    let job = job_of(&cron_job);
    assert_eq!(job["spec"], cron_job["spec"]["jobTemplate"]["spec"]);
    assert_eq!(job["metadata"]["annotations"], json!({"a": "b", "cronjob.kubernetes.io/instantiate": "manual"}));
    assert_eq!(job["metadata"]["labels"], json!({"app": "report"}));
    let owner = &job["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["uid"], &owner["controller"]), (&json!("CronJob"), &json!("u1"), &json!(true)));
    let stem = job["metadata"]["generateName"].as_str().expect("a stem");
    assert!(stem.ends_with("-manual-") && stem.len() + 5 <= 63, "{stem}");
}

#[test]
fn no_right_stops_and_no_answer_is_looked_at() {
    let mut found = ObjectInspection {
        key: pod(),
        object: json!({"metadata": {"uid": "u1"}}),
        managed_by: Vec::new(),
        may: Ok(false),
        server: Clean::default(),
        cluster_id: None,
        pods: None,
        budgets: None,
    };
    assert!(
        matches!(allowed(&found, ObjectAct::Evict).result, CheckResult::Stop(says) if says.contains("create pods/eviction"))
    );
    found.may = Err("no answer".into());
    assert!(
        matches!(allowed(&found, ObjectAct::Delete).result, CheckResult::Look(says) if says.contains("delete pods"))
    );
}

#[test]
fn every_act_has_its_line_for_kubectl() {
    let line = |key: &ResourceKey, act| line(&settings(), key, act);
    let deployment = ResourceKey::from(&crate::action::testing::myapp());
    assert_eq!(
        line(&deployment, ObjectAct::Pause),
        "kubectl --context prod-eu1 -n production rollout pause deployment myapp"
    );
    assert_eq!(
        line(&cron_job(), ObjectAct::Suspend),
        r#"kubectl --context prod-eu1 -n shop patch cronjob report -p '{"spec":{"suspend":true}}'"#
    );
    assert_eq!(
        line(&cron_job(), ObjectAct::RunNow),
        "kubectl --context prod-eu1 -n shop create job report-manual --from=cronjob/report"
    );
    assert_eq!(line(&key("", "nodes", "Node", "n1"), ObjectAct::Cordon), "kubectl --context prod-eu1 cordon n1");
    assert_eq!(
        line(&deployment, ObjectAct::Delete),
        "kubectl --context prod-eu1 -n production delete deployments.apps myapp"
    );
    assert!(line(&pod(), ObjectAct::Evict).contains("create --raw /api/v1/namespaces/shop/pods/web-1/eviction -f -"));
}
