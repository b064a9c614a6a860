//! The guard against everybody who writes at once: two responders with midwatch, a pipeline whose hook undoes without a
//! guard, a colleague with `kubectl edit` or `kubectl rollout restart`, an autoscaler, marks of a GitOps tool, and a
//! controller's status writes, on the demo's API server, over its wire.
//!
//! What happened is put in order afterwards by `metadata.generation`, which the server raises with every change of the spec.

mod seat;

use http::Method;
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use self::seat::Seat;
use super::{
    responder::{Responder, STORY, in_production},
    *,
};
use crate::{
    action::{
        engine::headless::{Exit, Ran},
        is_same_template,
    },
    model::kubernetes::{WorkloadKey, WorkloadKind},
    source::kubernetes::{
        Cluster, client::Writer, inspect::WorkloadInspector, revisions::workload_path, tests::on_demo,
    },
    time::{Clock as _, SystemClock},
};

/// Rounds; `MIDWATCH_RACES` asks for more.
const ROUNDS: u64 = 40;
/// Lanes that race beside each other, each on a workload of its own.
const LANES: [(WorkloadKind, &str); 4] = [
    (WorkloadKind::Deployment, "payments"),
    (WorkloadKind::StatefulSet, "ledger"),
    (WorkloadKind::DaemonSet, "agent"),
    (WorkloadKind::Deployment, "checkout"),
];
/// Between status writes of one lane, so that none takes the whole machine.
const BEAT: Duration = Duration::from_millis(2);
/// Reasons of a machine that is late: its runs are too old to rely on, or the server's answer came too late.
const LATE: [&str; 2] = ["are not fresh", "could not be read"];
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";

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

/// One workload that is raced on.
struct Lane {
    cluster: Cluster,
    writer: Writer,
    key: WorkloadKey,
    ana: Responder,
    bob: Responder,
    /// Status writes of its controller.
    beats: watch::Receiver<usize>,
    good: Value,
    bad: Value,
}

impl Lane {
    async fn new(cluster: &Cluster, (kind, name): (WorkloadKind, &str), beats: watch::Receiver<usize>) -> Self {
        let key = in_production(kind, name);
        let object: Value = cluster.get(&workload_path(&key)).await.expect("it is there");
        let good = template(&object);
        let bad = with_image(&good, &format!("registry.example/acme/{name}:bad"));
        let writer = cluster.writer().expect("not read-only");
        let [ana, bob] = ["ana", "bob"].map(|name| {
            let responder = Responder::new(name, cluster);
            Seat::under(&responder, cluster, &beats);
            responder
        });
        Self { cluster: cluster.clone(), writer, key, ana, bob, beats, good, bad }
    }

    async fn read(&self) -> Value {
        self.cluster.get(&workload_path(&self.key)).await.expect("it answers")
    }

    /// Another's write, which is guarded by nothing.
    async fn write(&self, below: &str, manager: &str, media: &'static str, patch: &Value) -> Value {
        let path = format!("{}{below}?fieldManager={manager}", workload_path(&self.key));
        self.writer.send(Method::PATCH, &path, media, patch).await.expect("it is taken")
    }

    async fn set(&self, template: &Value, manager: &str) -> Change {
        let patch = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
        let answer = self.write("", manager, JSON_PATCH, &patch).await;
        Change { generation: generation(&answer), template: template.clone(), seen: None }
    }

    /// So many status writes later.
    async fn wait(&self, beats: u64) {
        let until = *self.beats.borrow() + beats as usize;
        self.beats.clone().wait_for(|count| *count >= until).await.expect("its controller lives");
    }

    /// `kubectl rollout undo`: to whatever comes before what is live when it looks.
    async fn hook(&self, beats: u64) -> Option<Change> {
        self.wait(beats).await;
        let before = self.revisions().await.into_iter().rev().nth(1)?;
        Some(self.set(&before.1, "jenkins").await)
    }

    /// `kubectl rollout restart` of whatever is live.
    async fn restart(&self, seed: u64) -> Change {
        let at = format!("2026-01-02T{:02}:{:02}:00Z", seed / 60 % 24, seed % 60);
        let mark = json!({"annotations": {"kubectl.kubernetes.io/restartedAt": at}});
        let patch = json!({"spec": {"template": {"metadata": mark}}});
        let answer = self.write("", "kubectl-rollout", MERGE_PATCH, &patch).await;
        Change { generation: generation(&answer), template: template(&answer), seen: None }
    }

    /// An autoscaler's way of writing: the spec, but never the template. Gives what it wants in the end.
    async fn scale(&self, seed: u64, mut beats: [u64; 3]) -> Option<u64> {
        if self.key.kind == WorkloadKind::DaemonSet {
            return None;
        }
        beats.sort_unstable();
        let mut wanted = 0;
        for (nth, beats) in (0..).zip(beats) {
            self.wait(beats).await;
            wanted = 2 + (seed + nth) % 3;
            self.write("/scale", "kube-controller-manager", MERGE_PATCH, &json!({"spec": {"replicas": wanted}})).await;
        }
        Some(wanted)
    }

    /// A tool's mark on the object, which is not ours to lose.
    async fn mark(&self, seed: u64, beats: u64) {
        self.wait(beats).await;
        let patch = json!({"metadata": {"annotations": {"example.org/synced": seed.to_string()}}});
        self.write("", "policy-controller", MERGE_PATCH, &patch).await;
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
            if all.last().is_some_and(|(_, live)| is_same_template(live, &self.bad)) {
                let (number, _) = all.iter().find(|(_, one)| is_same_template(one, &self.good)).expect("it is kept");
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
        // In every fourth round nobody but the responders touches the template.
        let other = dice.below(4);
        let (alone, when) = (dice.below(4) == 0, [(); 4].map(|()| dice.below(300)));
        let scales = [(); 3].map(|()| dice.below(100));
        let stranger = async {
            match other {
                0 => self.hook(when[0]).await,
                1 => {
                    self.wait(when[0]).await;
                    Some(self.set(&edited, "kubectl-edit").await)
                }
                2 => {
                    self.wait(when[0]).await;
                    Some(self.restart(seed).await)
                }
                _ => None,
            }
        };
        let bob = async {
            if alone {
                return None;
            }
            self.wait(when[1]).await;
            Some(self.bob.roll_back(&self.key, to).await)
        };
        let ana = self.ana.roll_back(&self.key, to);
        let (ana, bob, stranger, scaled, ()) =
            futures::join!(ana, bob, stranger, self.scale(seed, scales), self.mark(seed, when[2]));

        let runs: Vec<(&str, &Ran)> =
            std::iter::once(("ana", &ana)).chain(bob.as_ref().map(|ran| ("bob", ran))).collect();
        let told = || runs.iter().map(|(who, ran)| format!("{who}: {}", words(ran))).collect::<Vec<_>>().join("\n");
        let ours: Vec<Change> = runs.iter().filter_map(|(_, ran)| change_of(ran)).collect();
        let mut all: Vec<Change> = [Some(start), stranger.clone()].into_iter().flatten().collect();
        all.extend(ours.iter().cloned());
        // Whoever sets what is live already changes nothing, and is told the generation of the one who did.
        all.sort_by_key(|change| (change.generation, change.seen.is_none()));
        all.dedup_by_key(|change| change.generation);
        for pair in all.windows(2) {
            let [before, after] = pair else { continue };
            let Some(seen) = &after.seen else { continue };
            assert!(is_same_template(seen, &before.template), "round {seed}: overwritten unseen\n{}", told());
            assert!(
                is_same_template(&after.template, &self.good),
                "round {seed}: not the revision that was named\n{}",
                told()
            );
            assert!(!is_same_template(&before.template, &self.good), "round {seed}: undone twice\n{}", told());
        }
        let is_late = runs.iter().any(|(_, ran)| LATE.iter().any(|word| words(ran).contains(word)));
        if stranger.is_none() && !is_late {
            assert_eq!(ours.len(), 1, "round {seed}: one of them, and nothing but a template stops it\n{}", told());
        }
        let last = all.last().expect("the deploy at least");
        let now = self.read().await;
        assert!(is_same_template(&template(&now), &last.template), "round {seed}: the last write stands");
        assert_eq!(
            now["metadata"]["annotations"]["example.org/synced"],
            json!(seed.to_string()),
            "round {seed}: it stays"
        );
        let replicas = now.pointer("/spec/replicas").and_then(Value::as_u64);
        assert_eq!(replicas, scaled, "round {seed}: a rollback is no scale");
        for (who, ran) in runs.iter().filter(|(_, ran)| change_of(ran).is_none()) {
            self.knows_why(who, ran, seed);
        }
        (ours.len() as u64, runs.len() as u64 - ours.len() as u64)
    }

    /// The loser knows who did what, and that nothing was done.
    fn knows_why(&self, who: &str, ran: &Ran, seed: u64) {
        let words = words(ran);
        assert_ne!(ran.exit, Exit::Unknown, "round {seed}: {who} is left in doubt: {words}");
        let somebody = ["ana with midwatch", "bob with midwatch", "jenkins", "kubectl-edit", "kubectl-rollout"];
        assert!(
            somebody.iter().chain(&LATE).any(|name| words.contains(name)),
            "round {seed}: {who} is not told who: {words}"
        );
        assert!(words.to_lowercase().contains("nothing was"), "round {seed}: {who} is not told what was done: {words}");
    }
}

/// Status writes one after another, as long as somebody looks; they are counted.
async fn report_status(cluster: Cluster, key: WorkloadKey, beats: watch::Sender<usize>) {
    let writer = cluster.writer().expect("not read-only");
    let path = format!("{}/status?fieldManager=controller", workload_path(&key));
    let mut beat = tokio::time::interval(BEAT);
    while beats.receiver_count() > 0 {
        beat.tick().await;
        let patch = json!({"status": {"collisionCount": *beats.borrow() + 1}});
        writer.send(Method::PATCH, &path, MERGE_PATCH, &patch).await.expect("taken");
        beats.send_modify(|count| *count += 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_end_with_one_undo_and_no_lost_change() {
    let asked = std::env::var("MIDWATCH_RACES").ok().map(|text| text.parse().expect("a number of rounds"));
    let rounds = asked.unwrap_or(ROUNDS);
    let demo = on_demo::told(STORY, 20.0).await;
    let cluster = on_demo::cluster(&demo).await;
    let (mut lanes, mut controllers) = (JoinSet::new(), JoinSet::new());
    for (index, of) in LANES.into_iter().enumerate() {
        let (to, beats) = watch::channel(0);
        controllers.spawn(report_status(cluster.clone(), in_production(of.0, of.1), to));
        let own = cluster.clone();
        lanes.spawn(async move {
            let lane = Lane::new(&own, of, beats).await;
            let (mut won, mut lost) = (0, 0);
            let (begun, before) = (SystemClock.now().mono, *lane.beats.borrow());
            for seed in (index as u64..rounds).step_by(LANES.len()) {
                let (more_won, more_lost) = Box::pin(lane.round(seed)).await;
                won += more_won;
                lost += more_lost;
            }
            let writes = (*lane.beats.borrow() - before) as u64;
            (won, lost, writes, writes as f64 / SystemClock.now().since(begun).as_secs_f64())
        });
    }
    let results = lanes.join_all().await;
    controllers.join_all().await;
    let slowest = results.iter().map(|(.., a_second)| *a_second).fold(f64::INFINITY, f64::min);
    let (won, lost, writes) = results.into_iter().fold((0, 0, 0), |(w, l, s), (won, lost, writes, _)| {
        // Each lane has winners, whatever its kind.
        assert!(won > 0 && writes > seat::BETWEEN as u64 * won, "{won} won beside {writes} status writes");
        (w + won, l + lost, s + writes)
    });
    println!(
        "{rounds} races: {won} won, {lost} lost, beside {writes} status writes, {slowest:.0}/s in the slowest lane"
    );
    assert!(won > rounds / 2 && lost > rounds / 4, "it was raced: {won} won, {lost} lost");
    demo.stop().await;
}
