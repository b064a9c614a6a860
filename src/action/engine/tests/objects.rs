//! Acts on objects: what is kept of what goes, and the switches undone.

use futures::{FutureExt as _, future::BoxFuture};
use serde_json::Value;

use super::{responder::Responder, *};
use crate::{
    action::ObjectAct,
    model::kubernetes::{
        ObjectKey,
        resource::{Resource, ResourceKey},
    },
    query::{Answer, PageLine, Query},
    source::{AnswerSink, Reader, kubernetes::table::object_path, kubernetes::tests::on_demo},
};

/// Says of everything that it was read.
struct Told;

impl Reader for Told {
    fn backend(&self) -> &BackendId {
        static ID: std::sync::LazyLock<BackendId> = std::sync::LazyLock::new(cluster);
        &ID
    }

    fn read<'a>(&'a self, _query: &'a Query, out: AnswerSink) -> BoxFuture<'a, ()> {
        async move {
            out.send(Ok(Answer::Page(vec![PageLine::Text("read".into())]))).await;
        }
        .boxed()
    }
}

impl Bench {
    /// Files that step 0 of the act leaves.
    async fn kept(&self, number: u64, is_known: bool, pod: Option<&str>) -> Vec<String> {
        self.engine.add_reader(Arc::new(Told));
        let key = |name: &str| ObjectKey { cluster: cluster(), namespace: "production".into(), name: name.into() };
        self.engine.0.keep_evidence(number, is_known.then(myapp).as_ref(), pod.map(key).as_ref(), &[]).await;
        let files = std::fs::read_dir(self.directory.path().join(format!("evidence/{number:04}"))).expect("kept");
        let mut names: Vec<String> =
            files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn the_logs_of_the_pod_that_goes_are_kept_before_those_of_others() {
    let bench = Bench::new();
    bench.cluster.with(|cluster| cluster.found.pods.push(pod("new-5", "412", false)));
    let of = |pod: &str| ["describe.txt", "log", "previous.log"].map(|what| format!("{pod}.{what}")).to_vec();
    let both = |one: &str, other: &str| {
        let mut all = [of(one), of(other), vec!["describe.txt".to_owned(), "object.yaml".to_owned()]].concat();
        all.sort();
        all
    };
    assert_eq!(bench.kept(1, true, None).await, both("new-4", "new-5"), "those that fail");
    assert_eq!(bench.kept(2, true, Some("old-0")).await, both("old-0", "new-4"), "a healthy one goes");
    assert_eq!(bench.kept(3, true, Some("new-5")).await, both("new-5", "new-4"), "it is not kept twice");
    assert_eq!(bench.kept(4, false, Some("bare")).await, of("bare"), "of no workload that is watched");
}

#[tokio::test]
async fn where_all_pods_are_ready_the_live_versions_are_looked_at() {
    let bench = Bench::new();
    bench.cluster.with(|cluster| {
        cluster.found.pods.retain(|pod| pod.is_ready);
        cluster.found.pods.iter_mut().filter(|pod| pod.key.name == *"new-1").for_each(|pod| pod.restarts = 3);
    });
    assert_eq!(
        bench.kept(1, true, None).await,
        [
            "describe.txt",
            "new-0.describe.txt",
            "new-0.log",
            "new-1.describe.txt",
            "new-1.log",
            "new-1.previous.log",
            "object.yaml",
        ]
    );
}

#[tokio::test]
async fn where_a_webhook_sets_the_images_the_newest_pods_are_looked_at() {
    let bench = Bench::new();
    bench.cluster.with(|cluster| {
        cluster.found.pods.retain(|pod| pod.is_ready);
        for pod in &mut cluster.found.pods {
            let image = pod.containers[0].image.replace("registry.example", "mirror.example");
            pod.containers[0].image = Clean::line(&image);
            let is_new = ["new-2", "new-3"].iter().any(|name| pod.key.name == **name);
            pod.created = Some(crate::action::testing::ago(if is_new { 5 } else { 900 }));
        }
    });
    let kept = bench.kept(1, true, None).await;
    let logs: Vec<&str> = kept.iter().map(String::as_str).filter(|name| name.ends_with("log")).collect();
    assert_eq!(logs, ["new-2.log", "new-3.log"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_undone_and_done_again() {
    let demo = on_demo::served().await;
    let cluster = on_demo::cluster(&demo).await;
    let ana = Responder::new("ana", &cluster);
    let first = async |path: &str| -> Value { cluster.get::<Value>(path).await.expect("it lists")["items"][0].take() };
    let web = first("/apis/apps/v1/namespaces/production/deployments?fieldSelector=metadata.name%3Dcheckout").await;
    let switches = [
        (ObjectAct::Cordon, ("", "nodes", "Node"), first("/api/v1/nodes").await),
        (ObjectAct::Suspend, ("batch", "cronjobs", "CronJob"), first("/apis/batch/v1/cronjobs").await),
        (ObjectAct::Pause, ("apps", "deployments", "Deployment"), web),
    ];
    let mut number = 0;
    for (act, kind, found) in switches {
        let text = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let namespace = Clean::line(&text("/metadata/namespace"));
        let object = ResourceKey {
            cluster: cluster.id().clone(),
            resource: Arc::new(Resource::v1(kind, !namespace.is_empty())),
            namespace,
            name: Clean::line(&text("/metadata/name")),
        };
        let (field, _) = act.switch().expect("a switch");
        let is_on = async || {
            let now: Value = cluster.get(&object_path(&object)).await.expect("it answers");
            crate::action::object::is_on(&now, field)
        };
        assert!(!is_on().await);
        for (request, stands) in [
            (Request::Object { object: object.clone(), act }, true),
            (Request::Undo { act: number + 1 }, false),
            // The undo of an undo is the switch itself.
            (Request::Object { object: object.clone(), act }, true),
        ] {
            let ran = ana.act(request.clone()).await;
            let done = ran.act.unwrap_or_else(|| panic!("{request:?}: {}", ran.says));
            assert_eq!((done.outcome, is_on().await), (Outcome::Done, stands), "{request:?}: {done:?}");
        }
        let undone = ana.act(Request::Undo { act: number + 3 }).await;
        assert_eq!((undone.act.map(|act| act.outcome), is_on().await), (Some(Outcome::Done), false));
        let again = ana.act(Request::Undo { act: number + 1 }).await;
        assert!(again.act.is_none() && again.says.contains("already"), "{}", again.says);
        number += 4;
    }
    demo.stop().await;
}

#[tokio::test]
async fn acts_on_the_object_are_seen_and_those_on_another_cluster_of_the_name_are_not() {
    let mut bench = Bench::new();
    let b5 = |plan: &Plan| plan.checks.iter().find(|check| check.id == "B5").expect("it is checked").result.clone();
    // Somebody paused it, and resumed it.
    bench.act(&roll_back(None)).await.expect("carried out");
    let mut begun = audit::acts(&bench.records())[0].begun.clone();
    begun.request = Request::Object { object: ResourceKey::from(&myapp()), act: ObjectAct::Pause };
    (begun.title, begun.from_revision) = ("PAUSE deployment/myapp".into(), None);
    begun.to_revision = None;
    let number = bench.engine.0.audit.begin(now().wall, |_| begun).expect("written");
    let ended = Entry::Ended { outcome: Outcome::Done };
    bench.engine.0.audit.append(number, now().wall, ended).expect("written");
    bench.cluster.with(|cluster| cluster.found.changes.clear());
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let seen = b5(&plan);
    assert!(matches!(&seen, CheckResult::Look(says) if says.contains("you did 'PAUSE deployment/myapp'")), "{seen:?}");
    assert_eq!(plan.chosen, Some(12), "412 is known bad");

    // Another world with a cluster of this name.
    bench.cluster.with(|cluster| {
        cluster.found = inspection();
        cluster.found.cluster_id = Some("cluster-2".into());
        cluster.found.changes.clear();
    });
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(matches!(b5(&plan), CheckResult::Ok(_)), "{:?}", b5(&plan));
    let says = bench.plan(&Request::Undo { act: 1 }).await.expect_err("refused");
    assert!(says.contains("act 1 was done on another cluster, which had this name then"), "{says}");
}
