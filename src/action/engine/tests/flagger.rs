//! Rollbacks of what Flagger tries, on the demo's API server with its controller.

use super::{responder::Responder, *};
use crate::{
    action::{CheckResult, engine::headless::Exit},
    model::kubernetes::{WorkloadKey, WorkloadKind},
    source::kubernetes::{Cluster, revisions::workload_path, tests::on_demo},
};

/// The story's time goes on so fast.
const SPEED: f64 = 10.0;

fn deployment(cluster: &Cluster, name: &str) -> WorkloadKey {
    WorkloadKey {
        cluster: cluster.id().clone(),
        namespace: "staging".into(),
        kind: WorkloadKind::Deployment,
        name: name.into(),
    }
}

fn check(plan: &Plan, name: &str) -> String {
    let check = plan.checks.iter().find(|check| check.id == *"B4" && check.name == *name);
    format!("{:?}", check.unwrap_or_else(|| panic!("no {name}: {:?}", plan.checks)).result)
}

#[tokio::test]
async fn what_flagger_tries_is_rolled_back_at_its_target_and_never_at_what_serves() {
    let demo = on_demo::hurried(SPEED).await;
    let cluster = on_demo::cluster_named(&demo, "staging-eu1").await;
    let ana = Responder::new("ana", &cluster).watching(&cluster, Duration::from_mins(1));
    let cart = deployment(&cluster, "cart");
    let asked = ana.ask(Request::RollBack { workload: cart.clone(), to: None, alert: None }, Given::default()).await;
    let plan = asked.plan.unwrap_or_else(|| panic!("no plan: {}", asked.says));
    let says = check(&plan, "canary");
    assert!(says.contains("deploy/cart-primary serves these images: Flagger's canary 'cart'"), "{says}");
    assert!(says.contains("(WaitingPromotion, 50 % of the traffic)"), "{says}");

    // What serves is a copy.
    let primary = deployment(&cluster, "cart-primary");
    let limits = crate::action::Limits { memory: Some("1Gi".into()), ..crate::action::Limits::of("cart-primary") };
    let asked = ana.ask(Request::Limits { workload: primary, limits }, Given::default()).await;
    let owner = check(&asked.plan.unwrap_or_else(|| panic!("no plan: {}", asked.says)), "owner");
    assert!(owner.contains("Flagger copies it from the Deployment that canary 'cart' watches"), "{owner}");

    let ran = ana.roll_back(&cart, plan.chosen.expect("a revision")).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    let act = ran.act.expect("an act");
    let StepState::Done(watched) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert!(watched.contains("deploy/cart-primary: 31 1/1 ready"), "what serves runs it: {watched}");
    assert!(watched.contains("deploy/cart: 31 1/1 ready"), "and what was tried: {watched}");
    let primary = "watch until 1 of 1 of deploy/cart-primary is ready on 31, no old pod of deploy/cart left";
    assert_eq!(act.steps.last().expect("it is watched").0, primary);
    // What serves ran it before: that alone is no arrival, as long as a pod of 32 has a part of the traffic.
    let pods: serde_json::Value = cluster.get("/api/v1/namespaces/staging/pods").await.expect("it answers");
    let is_tried = |pod: &&serde_json::Value| {
        pod["metadata"]["deletionTimestamp"].is_null()
            && pod["spec"]["containers"][0]["image"] == "registry.acme.example/cart:32"
    };
    assert_eq!(pods["items"].as_array().expect("a list").iter().filter(is_tried).count(), 0, "{watched}");
    let object: serde_json::Value = cluster.get(&workload_path(&cart)).await.expect("it is there");
    assert_eq!(object["spec"]["template"]["spec"]["containers"][0]["image"], "registry.acme.example/cart:31");
    assert!(plan.checks.iter().all(|check| !matches!(check.result, CheckResult::Stop(_))), "{:?}", plan.checks);
}
