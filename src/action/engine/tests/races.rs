//! The guard against everybody who writes at once: two responders with midwatch, a pipeline whose hook undoes without a
//! guard, a colleague with `kubectl edit`, a scale, and a controller's status writes, on the demo's API server, over its wire.
//!
//! What happened is put in order afterwards by `metadata.generation`, which the server raises with every change of the spec.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join;
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{responder::Responder, *};
use crate::{
    action::engine::headless::{Exit, Ran},
    model::kubernetes::{WorkloadKey, WorkloadKind},
    source::kubernetes::{
        Cluster,
        client::Writer,
        inspect::WorkloadInspector,
        revisions::{same_template, workload_path},
        tests::on_demo,
    },
};

/// Rounds; `MIDWATCH_RACES` asks for more.
const ROUNDS: u64 = 40;
/// Lanes that race beside each other, each on a Deployment of its own.
const LANES: [&str; 3] = ["payments", "checkout", "worker"];

/// A seeded stream of decisions.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What the server's template was after a change, by generation.
#[derive(Clone)]
struct Change {
    generation: i64,
    template: Value,
    /// Of ours: the template that the plan was made on.
    seen: Option<Value>,
}

fn generation(object: &Value) -> i64 {
    object.pointer("/metadata/generation").and_then(Value::as_i64).expect("a generation")
}

fn template(object: &Value) -> Value {
    object.pointer("/spec/template").expect("a template").clone()
}

fn with_image(template: &Value, image: &str) -> Value {
    let mut other = template.clone();
    other["spec"]["containers"][0]["image"] = json!(image);
    other
}

/// What a responder's run did, if it wrote.
fn change_of(ran: &Ran) -> Option<Change> {
    let (plan, act) = (ran.plan.as_ref()?, ran.act.as_ref()?);
    let (step, (_, state)) = plan.steps.iter().zip(&act.steps).find_map(|(step, state)| match &step.kind {
        StepKind::Write(Write::PatchTemplate { live, target, .. }) => Some(((live, target), state)),
        _ => None,
    })?;
    let StepState::Done(says) = state else { return None };
    let number = says.split("generation ").nth(1)?.trim_end_matches(')');
    Some(Change { generation: number.parse().expect("a number"), template: step.1.clone(), seen: Some(step.0.clone()) })
}

/// Everything that a responder was told.
fn words(ran: &Ran) -> String {
    let steps = ran.act.iter().flat_map(|act| &act.steps).map(|(_, state)| format!("{state:?}"));
    std::iter::once(ran.says.to_string()).chain(steps).collect::<Vec<_>>().join(" | ")
}

/// One Deployment that is raced on.
struct Lane {
    cluster: Cluster,
    writer: Writer,
    key: WorkloadKey,
    ana: Responder,
    bob: Responder,
    good: Value,
    bad: Value,
}

impl Lane {
    async fn new(cluster: &Cluster, name: &str) -> Self {
        let key = WorkloadKey {
            cluster: cluster.id().clone(),
            namespace: "production".into(),
            kind: WorkloadKind::Deployment,
            name: name.into(),
        };
        let object: Value = cluster.get(&workload_path(&key)).await.expect("it is there");
        let good = template(&object);
        let bad = with_image(&good, &format!("registry.example/acme/{name}:bad"));
        let writer = cluster.writer().expect("not read-only");
        let (ana, bob) = (Responder::new("ana", cluster), Responder::new("bob", cluster));
        Self { cluster: cluster.clone(), writer, key, ana, bob, good, bad }
    }

    async fn read(&self) -> Value {
        self.cluster.get(&workload_path(&self.key)).await.expect("it answers")
    }

    /// Another's write, which is guarded by nothing.
    async fn set(&self, template: &Value, manager: &str) -> Change {
        let path = format!("{}?fieldManager={manager}", workload_path(&self.key));
        let patch = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
        let answer: Value =
            self.writer.send(Method::PATCH, &path, "application/json-patch+json", &patch).await.expect("it is taken");
        Change { generation: generation(&answer), template: template.clone(), seen: None }
    }

    /// Reads a few times: so much later.
    async fn wait(&self, reads: u64) {
        for _ in 0..reads {
            self.read().await;
        }
    }

    /// `kubectl rollout undo`: to whatever comes before what is live when it looks.
    async fn hook(&self, reads: u64) -> Option<Change> {
        self.wait(reads).await;
        let before = self.revisions().await.into_iter().rev().nth(1)?;
        Some(self.set(&before.1, "jenkins").await)
    }

    /// Revisions, oldest first.
    async fn revisions(&self) -> Vec<(i64, Value)> {
        let request = Request::Restart { workload: self.key.clone() };
        let inspector = WorkloadInspector::new(self.cluster.clone());
        let Ok(crate::action::Inspection::Workload(found)) = Inspector::inspect(&inspector, &request).await else {
            panic!("it answers");
        };
        let mut all: Vec<_> = found.revisions.into_iter().map(|one| (one.number, one.template)).collect();
        all.sort_by_key(|(number, _)| *number);
        all
    }

    /// The number of the good revision, once the bad one is live: its controller has seen the deploy.
    async fn good_revision(&self) -> i64 {
        loop {
            let all = self.revisions().await;
            if all.last().is_some_and(|(_, live)| same_template(live, &self.bad)) {
                let (number, _) = all.iter().find(|(_, one)| same_template(one, &self.good)).expect("it is kept");
                return *number;
            }
        }
    }

    /// A bad deploy, and everybody at once.
    async fn round(&self, seed: u64) -> (u64, u64) {
        let mut dice = Dice(seed);
        let start = self.set(&self.bad, "jenkins").await;
        let to = self.good_revision().await;
        let edited = with_image(&self.good, &format!("registry.example/acme/{}:edit-{seed}", self.key.name));
        // In every third round nobody but the responders touches the template.
        let (has_hook, has_edit) = (dice.below(3) == 0, dice.below(3) == 1);
        let (alone, when) = (dice.below(4) == 0, [(); 4].map(|()| dice.below(30)));
        let hook = async { if has_hook { self.hook(when[0]).await } else { None } };
        let edit = async {
            if !has_edit {
                return None;
            }
            self.wait(when[1]).await;
            Some(self.set(&edited, "kubectl-edit").await)
        };
        let scale = async {
            self.wait(when[2]).await;
            let path = format!("{}/scale", workload_path(&self.key));
            let patch = json!({"spec": {"replicas": 3 + seed % 3}});
            self.writer.send(Method::PATCH, &path, "application/merge-patch+json", &patch).await.expect("taken");
        };
        let bob = async {
            if alone {
                return None;
            }
            self.wait(when[3]).await;
            Some(self.bob.roll_back(&self.key, to).await)
        };
        let (ana, bob, ((hook, edit), ())) =
            futures::join!(self.ana.roll_back(&self.key, to), bob, join(join(hook, edit), scale));

        let runs: Vec<(&str, &Ran)> =
            std::iter::once(("ana", &ana)).chain(bob.as_ref().map(|ran| ("bob", ran))).collect();
        let told = || runs.iter().map(|(who, ran)| format!("{who}: {}", words(ran))).collect::<Vec<_>>().join("\n");
        let ours: Vec<Change> = runs.iter().filter_map(|(_, ran)| change_of(ran)).collect();
        let mut all: Vec<Change> = [Some(start), hook.clone(), edit.clone()].into_iter().flatten().collect();
        all.extend(ours.iter().cloned());
        // Whoever sets what is live already changes nothing, and is told the generation of the one who did.
        all.sort_by_key(|change| (change.generation, change.seen.is_none()));
        all.dedup_by_key(|change| change.generation);
        for pair in all.windows(2) {
            let [before, after] = pair else { continue };
            let Some(seen) = &after.seen else { continue };
            assert!(same_template(seen, &before.template), "round {seed}: overwritten unseen\n{}", told());
            assert!(
                same_template(&after.template, &self.good),
                "round {seed}: not the revision that was named\n{}",
                told()
            );
            assert!(!same_template(&before.template, &self.good), "round {seed}: undone twice\n{}", told());
        }
        let is_late = runs.iter().any(|(_, ran)| words(ran).contains("are not fresh"));
        if hook.is_none() && edit.is_none() && !is_late {
            assert_eq!(ours.len(), 1, "round {seed}: one of them, and nothing but a template stops it\n{}", told());
        }
        let last = all.last().expect("the deploy at least");
        assert!(same_template(&template(&self.read().await), &last.template), "round {seed}: the last write stands");
        for (who, ran) in runs.iter().filter(|(_, ran)| change_of(ran).is_none()) {
            self.knows_why(who, ran, seed);
        }
        (ours.len() as u64, runs.len() as u64 - ours.len() as u64)
    }

    /// The loser knows who did what, and that nothing was done.
    fn knows_why(&self, who: &str, ran: &Ran, seed: u64) {
        let words = words(ran);
        assert_ne!(ran.exit, Exit::Unknown, "round {seed}: {who} is left in doubt: {words}");
        // On a machine that is late the runs may be too old to rely on, which is as good a reason.
        let names_somebody = ["ana with midwatch", "bob with midwatch", "jenkins", "kubectl-edit", "are not fresh"];
        assert!(names_somebody.iter().any(|name| words.contains(name)), "round {seed}: {who} is not told who: {words}");
        assert!(words.to_lowercase().contains("nothing was"), "round {seed}: {who} is not told what was done: {words}");
    }
}

/// A hundred status writes a second, until told to stop; they are counted.
async fn report_status(cluster: Cluster, name: &str, stop: &AtomicBool, count: &AtomicUsize) {
    let writer = cluster.writer().expect("not read-only");
    let path = format!("/apis/apps/v1/namespaces/production/deployments/{name}/status?fieldManager=controller");
    let mut beat = tokio::time::interval(Duration::from_millis(10));
    while !stop.load(Ordering::SeqCst) {
        beat.tick().await;
        let number = count.fetch_add(1, Ordering::SeqCst);
        let patch = json!({"status": {"collisionCount": number}});
        writer.send(Method::PATCH, &path, "application/merge-patch+json", &patch).await.expect("taken");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_end_with_one_undo_and_no_lost_change() {
    let rounds = std::env::var("MIDWATCH_RACES").map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    let demo = on_demo::hurried(20.0).await;
    let cluster = on_demo::cluster(&demo).await;
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (mut lanes, mut controllers) = (JoinSet::new(), JoinSet::new());
    for (index, name) in LANES.into_iter().enumerate() {
        let (own, stop, count) = (cluster.clone(), stop.clone(), count.clone());
        controllers.spawn(async move { report_status(own, name, &stop, &count).await });
        let own = cluster.clone();
        lanes.spawn(async move {
            let lane = Lane::new(&own, name).await;
            let (mut won, mut lost) = (0, 0);
            for seed in (index as u64..rounds).step_by(LANES.len()) {
                let (more_won, more_lost) = Box::pin(lane.round(seed)).await;
                won += more_won;
                lost += more_lost;
            }
            (won, lost)
        });
    }
    let results = lanes.join_all().await;
    stop.store(true, Ordering::SeqCst);
    controllers.join_all().await;
    let (won, lost) = results.into_iter().fold((0, 0), |(w, l), (won, lost)| (w + won, l + lost));
    let writes = count.load(Ordering::SeqCst) as u64;
    println!("{rounds} races: {won} won, {lost} lost, beside {writes} status writes");
    assert!(won > rounds / 2 && lost > rounds / 4, "it was raced: {won} won, {lost} lost");
    assert!(writes > rounds * 10, "only {writes} status writes beside them");
    demo.stop().await;
}
