//! The registry is asked with the rest of the evidence, and only the one of the image's host.

use std::collections::BTreeSet;

use super::*;
use crate::{
    action::{
        registry::Registered,
        testing::{FakeRegistry, digest_of, of_release, release},
    },
    time::SystemClock,
    wire::{Remembered, Wired},
};

fn b11(plan: &Plan) -> &CheckResult {
    &plan.checks.iter().find(|check| check.id == "B11").expect("checked").result
}

#[tokio::test]
async fn the_targets_image_is_asked_for_once_with_what_is_known_of_it() {
    let mut bench = Bench::new();
    let answer = Registered::There { digest: digest_of("411"), parts: BTreeSet::new() };
    let registry = FakeRegistry::new(Some(Ok(answer)));
    bench.engine.add_registry(registry.clone());
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(matches!(b11(&plan), CheckResult::Ok(says) if says.contains("in the registry")), "{:?}", b11(&plan));
    let asked = registry.asked.lock().expect("unpoisoned").clone();
    assert_eq!(asked, [("registry.example/acme/myapp:411".to_owned(), [digest_of("411")].into())]);
    // What needs no image asks no registry.
    bench.plan(&Request::Restart { workload: myapp() }).await.expect("a plan");
    assert_eq!(registry.asked.lock().expect("unpoisoned").len(), 1);
}

/// Of a release whose revision 7 is 410, where the ReplicaSets' is 411: a workflow goes by the ReplicaSets.
#[tokio::test]
async fn the_images_of_every_executor_are_asked_for() {
    let mut of_410 = release();
    of_410.revisions[1].body = of_410.revisions[2].body.clone();
    let mut bench = Bench::with(FakeCluster::new(of_release(of_410)), "audit.jsonl");
    let registry = FakeRegistry::new(Some(Ok(Registered::Gone)));
    bench.engine.add_registry(registry.clone());
    bench.engine.add_operator(Arc::new(FakeHost::new(run_inspection(RunState::Running), || ())));
    let workflow = crate::action::executor::Executor::parse("workflow:rollback.yml").expect("one");
    bench.settings.services[0].rollback = vec![workflow];
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let asked: Vec<String> =
        registry.asked.lock().expect("unpoisoned").iter().map(|(image, _)| image.clone()).collect();
    assert!(asked.iter().any(|image| image.ends_with(":411")), "{asked:?}");
    let says = format!("{:?}", b11(&plan));
    assert!(says.contains("myapp:411' is gone from the registry"), "{says}");
}

#[tokio::test]
async fn a_silent_registry_holds_up_no_plan() {
    let mut bench = Bench::new();
    bench.engine.add_registry(FakeRegistry::new(None));
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(matches!(b11(&plan), CheckResult::Look(says) if says.contains("said nothing")), "{:?}", b11(&plan));
}

#[tokio::test]
async fn a_registry_of_another_host_is_not_asked() {
    let mut bench = Bench::new();
    let other = FakeRegistry { host: "ghcr.io".into(), answer: Some(Ok(Registered::Gone)), asked: Mutex::default() };
    let other = Arc::new(other);
    bench.engine.add_registry(other.clone());
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(matches!(b11(&plan), CheckResult::Ok(_)), "{:?}", b11(&plan));
    assert!(other.asked.lock().expect("unpoisoned").is_empty());
}

/// On the demo's cluster, kubelets and registry.
#[tokio::test]
async fn the_demos_registry_has_what_its_pods_run() {
    let options = crate::demo::Options::new(Arc::new(|| SystemClock.now().wall));
    let served = crate::demo::start(options).await.expect("a world");
    let loaded = crate::config::load::load(Some(&served.config), None).expect("its configuration");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut wired = Wired::closed(loaded.config, &Remembered::default(), clock.clone());
    let opening = wired.opening(true);
    wired.open(opening).await;
    let directory = tempfile::tempdir().expect("a directory");
    let (to, mut news) = mpsc::channel(100);
    let audit = Audit::new(directory.path().join("audit.jsonl"));
    let engine = RealEngine::new(audit, clock, Arc::new(to), Identity::default(), Pace::default());
    wired.inspectors.drain(..).for_each(|inspector| engine.add_inspector(inspector));
    wired.registries.drain(..).for_each(|registry| engine.add_registry(registry));
    let request = roll_back(None);
    engine.prepare(1, request.clone(), Beside::default());
    let Some(ActionEvent::Evidence { result, .. }) = news.recv().await else { panic!("no evidence") };
    let evidence = result.expect("all is answered");
    let plan = plan(&request, &evidence, &store(Vec::new()), &settings(), SystemClock.now()).expect("a plan");
    assert!(matches!(b11(&plan), CheckResult::Ok(says) if says.contains("in the registry")), "{:?}", b11(&plan));
    served.stop().await;
}
