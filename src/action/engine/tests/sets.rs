//! Rollbacks of what is no Deployment, whole: planned, confirmed, written, watched to the end, in the audit and undone, on
//! the demo's API server and its controllers, over the wire.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::{
    lost::Broken,
    responder::{Responder, STORY, in_production},
    *,
};
use crate::{
    action::{Inspection, WorkloadInspection, engine::headless::Ran},
    demo::Served,
    model::kubernetes::{Pod, WorkloadKey, WorkloadKind},
    operator::kubernetes::ClusterOperator,
    source::kubernetes::{Cluster, inspect::WorkloadInspector, revisions::workload_path, tests::on_demo},
};

const SPEED: f64 = 40.0;
const PATIENCE: Duration = Duration::from_mins(1);

/// One workload of the demo's, who acts on it, and a colleague's deploys.
struct Scene {
    demo: Served,
    cluster: Cluster,
    key: WorkloadKey,
    ana: Responder,
    /// She with another screen, who does not wait for what will not come.
    brief: Responder,
}

impl Scene {
    async fn of(demo: Served, kind: WorkloadKind, name: &str) -> Self {
        let cluster = on_demo::cluster(&demo).await;
        let brief = Responder::new("ana", &cluster);
        let ana = brief.watching(&cluster, PATIENCE);
        Self { demo, cluster, key: in_production(kind, name), ana, brief }
    }

    async fn object(&self) -> Value {
        self.cluster.get(&workload_path(&self.key)).await.expect("it answers")
    }

    async fn found(&self) -> WorkloadInspection {
        let inspector = WorkloadInspector::new(self.cluster.clone());
        match inspector.inspect(&Request::Restart { workload: self.key.clone() }).await.expect("it answers") {
            Inspection::Workload(found) => *found,
            other => panic!("{other:?}"),
        }
    }

    async fn until(&self, what: &str, holds: impl Fn(&WorkloadInspection) -> bool) -> WorkloadInspection {
        on_demo::until(what, async || Some(self.found().await).filter(&holds)).await
    }

    /// A colleague's deploy, with a field that is newer than any type of ours. Gives the whole template.
    async fn deploy(&self, tag: &str) -> Value {
        let mut template = self.object().await["spec"]["template"].take();
        let container = &mut template["spec"]["containers"][0];
        container["image"] = json!(format!("registry.acme.example/{}:{tag}", self.key.name));
        container["restartPolicyRules"] = json!([{"action": "Restart", "why": tag, "exitCodes": {"values": [137]}}]);
        self.patch(&json!([{"op": "replace", "path": "/spec/template", "value": template}])).await;
        template
    }

    async fn patch(&self, patch: &Value) {
        let path = format!("{}?fieldManager=jenkins", workload_path(&self.key));
        let writer = self.cluster.writer().expect("not read-only");
        let _: Value = writer.send(Method::PATCH, &path, "application/json-patch+json", patch).await.expect("taken");
    }

    async fn settled(&self, tag: &str) -> WorkloadInspection {
        let ends = format!(":{tag}");
        self.until(&format!("all run {tag}"), |found| {
            found.pods.len() == found.workload.desired as usize
                && found.pods.iter().all(|pod| pod.is_ready && runs(pod, &ends))
                && found.revisions.iter().any(|one| one.is_live && one.images[0].ends_with(&ends))
        })
        .await
    }

    /// The pod of this version that does not get ready.
    async fn broken(&self, tag: &str) -> WorkloadInspection {
        let ends = format!(":{tag}");
        self.until(&format!("{tag} fails"), |found| {
            let is_broken = |pod: &Pod| runs(pod, &ends) && !pod.is_ready && !pod.why.is_empty();
            found.pods.iter().filter(|pod| is_broken(pod)).count() == 1
                && found.pods.iter().filter(|pod| pod.is_ready).count() == 2
        })
        .await
    }

    async fn image(&self) -> String {
        let object = self.object().await;
        object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("an image").to_owned()
    }

    fn roll_back(&self, to: Option<i64>) -> Request {
        Request::RollBack { workload: self.key.clone(), to, alert: None }
    }
}

fn runs(pod: &Pod, ends: &str) -> bool {
    pod.containers[0].image.ends_with(ends)
}

fn number(found: &WorkloadInspection, tag: &str) -> i64 {
    let of = found.revisions.iter().find(|one| one.images[0].ends_with(&format!(":{tag}")));
    of.unwrap_or_else(|| panic!("no revision of {tag}")).number
}

fn uids(found: &WorkloadInspection) -> BTreeMap<String, String> {
    found.pods.iter().map(|pod| (pod.key.name.to_string(), pod.uid.to_string())).collect()
}

/// The act, once it has arrived; A1 to A3 in words.
fn arrived(ran: &Ran, says: &str) -> Act {
    let act = ran.act.clone().unwrap_or_else(|| panic!("{}", ran.says));
    let StepState::Done(words) = &act.steps.last().expect("steps").1 else { panic!("{act:?}") };
    assert!(words.contains(says), "{words}");
    assert_eq!((act.outcome, act.can_undo), (Outcome::Done, true));
    act
}

fn deletes(ran: &Ran) -> usize {
    let steps = &ran.plan.as_ref().expect("a plan").steps;
    steps.iter().filter(|step| matches!(step.kind, StepKind::Write(Write::DeleteUnready { .. }))).count()
}

fn says(act: &Act, part: &str) -> bool {
    act.steps.iter().any(|(_, state)| matches!(state, StepState::Done(says) if says.contains(part)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_stateful_set_goes_back_with_its_broken_pod_and_so_does_the_undo_of_an_undo() {
    let scene = Scene::of(on_demo::told(STORY, SPEED).await, WorkloadKind::StatefulSet, "ledger").await;
    let good = scene.deploy("3").await;
    let found = scene.settled("3").await;
    let (to, before) = (number(&found, "3"), uids(&found));
    let bad = scene.deploy("bad").await;
    scene.broken("bad").await;

    let ran = scene.ana.act(scene.roll_back(Some(to))).await;
    let act = arrived(&ran, "3 3/3 ready, every pod runs @");
    assert_eq!(deletes(&ran), 1);
    assert!(says(&act, "pod ledger-2 is being deleted"), "{act:?}");
    assert_eq!(scene.ana.audited(1), ["begun", "step", "intended", "done", "intended", "done", "ended", "arrived"]);
    let object = scene.object().await;
    assert_eq!(object["spec"]["template"], good, "field by field, those that nobody here knows too");
    let cause = &object["metadata"]["annotations"]["kubernetes.io/change-cause"];
    assert_eq!(cause, &json!(format!("midwatch: rolled back to revision {to} by ana")));
    let after = scene.settled("3").await;
    let ran_on = uids(&after).into_iter().filter(|(name, uid)| before[name] == *uid).count();
    assert_eq!(ran_on, 2, "only the broken pod was touched");
    assert_eq!((number(&after, "bad"), number(&after, "3")), (to + 1, to + 2), "the old revision is the newest");

    // U: back to what was, which breaks again; and U again: its broken pod must go too.
    let undone = scene.brief.act(Request::Undo { act: 1 }).await;
    assert_eq!(undone.act.as_ref().map(|act| act.outcome), Some(Outcome::Done), "{}", undone.says);
    assert_eq!(scene.object().await["spec"]["template"], bad);
    // Nobody watches it.
    assert_eq!(scene.brief.audited(2).last(), Some(&"ended"));
    scene.broken("bad").await;
    let again = scene.ana.act(Request::Undo { act: 2 }).await;
    let act = arrived(&again, "3 3/3 ready");
    assert!(deletes(&again) == 1 && says(&act, "pod ledger-2 is being deleted"), "{act:?}");
    assert_eq!(scene.object().await["spec"]["template"], good);
    scene.demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_of_blocking_pods_whose_answers_are_lost_are_looked_at() {
    let scene = Scene::of(on_demo::told(STORY, SPEED).await, WorkloadKind::StatefulSet, "ledger").await;
    let breaks = |responder: &Responder, arrives| {
        let operator = ClusterOperator::new(scene.cluster.writer().expect("not read-only"));
        responder.engine.add_operator(Arc::new(Broken { operator, arrives }));
    };
    scene.deploy("bad").await;
    scene.broken("bad").await;
    breaks(&scene.brief, |write| matches!(write, Write::PatchTemplate { .. }));
    let act = scene.brief.act(scene.roll_back(None)).await.act.expect("carried out");
    // The first step keeps evidence.
    let unknown = act.steps.iter().skip(1).find_map(|(_, state)| match state {
        StepState::Unknown(says) => Some(says.as_str()),
        _ => None,
    });
    let unknown = unknown.unwrap_or_else(|| panic!("{act:?}"));
    assert!(unknown.contains("Read again just now: not being deleted: ledger-2 (uid "), "{unknown}");
    assert_eq!(act.outcome, Outcome::Unknown);

    scene.deploy("bad").await;
    breaks(&scene.ana, |_| true);
    let act = arrived(&scene.ana.act(scene.roll_back(None)).await, "2 3/3 ready");
    assert!(says(&act, "no answer came, but no pod blocks its order any more"), "{act:?}");
    scene.demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn below_a_partition_pods_keep_what_they_run_and_it_arrives_without_them() {
    let scene = Scene::of(on_demo::told(STORY, SPEED).await, WorkloadKind::StatefulSet, "ledger").await;
    scene.patch(&json!([{"op": "replace", "path": "/spec/updateStrategy/rollingUpdate/partition", "value": 2}])).await;
    let has = |found: &WorkloadInspection, name: &str, ends: &str| {
        found.pods.iter().any(|pod| pod.key.name == *name && pod.is_ready && runs(pod, ends))
    };
    scene.deploy("3").await;
    let found = scene.until("ledger-2 runs 3", |found| has(found, "ledger-2", ":3")).await;
    let to = number(&found, "3");
    scene.deploy("bad").await;
    scene.broken("bad").await;
    let words = "3 1/1 ready, partitioned roll out complete: 1 new pods have been updated...";
    arrived(&scene.ana.act(scene.roll_back(Some(to))).await, words);
    let found = scene.found().await;
    assert!(
        has(&found, "ledger-2", ":3") && has(&found, "ledger-1", ":2") && has(&found, "ledger-0", ":2"),
        "{found:?}"
    );
    let before = uids(&found);
    let restarted = scene.ana.act(Request::Restart { workload: scene.key.clone() }).await;
    let act = restarted.act.unwrap_or_else(|| panic!("{}", restarted.says));
    assert!(says(&act, "3 1/1 ready, partitioned roll out"), "{act:?}");
    let after = uids(&scene.found().await);
    let kept: Vec<&String> = after.keys().filter(|name| before[*name] == after[*name]).collect();
    assert_eq!(kept, ["ledger-0", "ledger-1"]);
    scene.demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_never_gets_ready_is_left_for_the_last_good_one_and_a_calm_rollback_is_undone() {
    let scene = Scene::of(on_demo::told(STORY, SPEED).await, WorkloadKind::StatefulSet, "ledger").await;
    scene.deploy("slow").await;
    scene.broken("slow").await;
    // It runs, and no container of it ever failed.
    let ran = scene.ana.act(scene.roll_back(None)).await;
    let act = arrived(&ran, "2 3/3 ready, every pod runs @");
    assert!(says(&act, "pod ledger-2 is being deleted"), "{act:?}");

    let to = number(&scene.settled("2").await, "1");
    let ran = scene.ana.act(scene.roll_back(Some(to))).await;
    arrived(&ran, "1 3/3 ready");
    assert_eq!(deletes(&ran), 0, "no pod blocks");
    assert_eq!(scene.ana.audited(2), ["begun", "step", "intended", "done", "ended", "arrived"]);
    let undone = scene.ana.act(Request::Undo { act: 2 }).await;
    arrived(&undone, "2 3/3 ready");
    assert!(scene.image().await.ends_with(":2"));
    let late = scene.ana.act(Request::Undo { act: 2 }).await;
    assert!(late.act.is_none() && late.says.contains("not as act 2 left it"), "{}", late.says);
    scene.demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_set_goes_back_node_by_node_and_is_undone() {
    let scene = Scene::of(on_demo::told(STORY, SPEED).await, WorkloadKind::DaemonSet, "agent").await;
    let good = scene.deploy("3").await;
    let found = scene.settled("3").await;
    let (to, before) = (number(&found, "3"), uids(&found));
    let bad = scene.deploy("bad").await;
    scene.broken("bad").await;

    let ran = scene.ana.act(scene.roll_back(Some(to))).await;
    arrived(&ran, "3 3/3 ready, every pod runs @");
    assert_eq!(deletes(&ran), 0, "its controller replaces the broken pod by itself");
    assert_eq!(scene.ana.audited(1), ["begun", "step", "intended", "done", "ended", "arrived"]);
    assert_eq!(scene.object().await["spec"]["template"], good);
    let after = uids(&scene.settled("3").await);
    assert_eq!(after.iter().filter(|(name, _)| before.contains_key(*name)).count(), 2, "the other nodes' ran on");

    let undone = scene.brief.act(Request::Undo { act: 1 }).await;
    assert_eq!(undone.act.as_ref().map(|act| act.outcome), Some(Outcome::Done), "{}", undone.says);
    assert_eq!(scene.object().await["spec"]["template"], bad);
    scene.broken("bad").await;
    arrived(&scene.ana.act(Request::Undo { act: 2 }).await, "3 3/3 ready");
    assert_eq!(scene.object().await["spec"]["template"], good);
    scene.demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argo_rollouts_update_is_aborted_taken_back_and_brought_again_by_its_steps() {
    let scene = Scene::of(on_demo::hurried(SPEED).await, WorkloadKind::Rollout, "recommendations").await;
    let tried = scene.deploy("19").await;
    scene.until("it waits at its pause", |found| found.workload.rollout.words == "Paused - CanaryPauseStep").await;
    let stable = scene.found().await.revisions.into_iter().find(|one| one.images[0].ends_with(":18")).expect("kept");

    let ran = scene.ana.act(scene.roll_back(None)).await;
    let act = arrived(&ran, "18 4/4 ready");
    let done: Vec<bool> = act.steps.iter().map(|(_, state)| matches!(state, StepState::Done(_))).collect();
    assert_eq!(done, [false, true, true, true], "no evidence is read here; abort, template, watch: {act:?}");
    assert!(says(&act, "the update is aborted"), "{act:?}");
    assert_eq!(scene.ana.audited(1), ["begun", "step", "intended", "done", "intended", "done", "ended", "arrived"]);
    assert_eq!(scene.object().await["spec"]["template"], stable.template);

    // The undo is an update like any: it goes out by its steps, and the watch says where it waits.
    let undone = scene.brief.act(Request::Undo { act: 1 }).await;
    assert_eq!(undone.act.as_ref().map(|act| act.outcome), Some(Outcome::Done), "{}", undone.says);
    assert_eq!(scene.object().await["spec"]["template"], tried, "field by field");
    scene.until("it waits again", |found| found.workload.rollout.words == "Paused - CanaryPauseStep").await;
    arrived(&scene.ana.act(Request::Undo { act: 2 }).await, "18 4/4 ready");
    assert_eq!(scene.object().await["spec"]["template"], stable.template);
    scene.demo.stop().await;
}
