//! A plain canary, a Deployment beside another, taken away and brought back on the demo's API server.

use serde_json::Value;

use super::{
    responder::{Responder, in_production},
    *,
};
use crate::{
    model::kubernetes::WorkloadKind,
    source::kubernetes::{revisions::workload_path, tests::on_demo},
};

const STORY: &str = r#"
name = "canary"
viewer = "ana"
history = "1m"

[[cluster]]
name = "prod-eu1"
production = true
nodes = 2
namespaces = ["production"]

[[service]]
name = "shop"
cluster = "prod-eu1"
namespace = "production"
replicas = 3
image = "registry.acme.example/shop"
version = [{ tag = "1" }]

[[service]]
name = "shop-canary"
cluster = "prod-eu1"
namespace = "production"
replicas = 2
image = "registry.acme.example/shop"
version = [{ tag = "2" }]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_taken_away_and_brought_back() {
    let demo = on_demo::told(STORY, 20.0).await;
    let cluster = on_demo::cluster(&demo).await;
    let ana = Responder::new("ana", &cluster);
    let (canary, stable) =
        (in_production(WorkloadKind::Deployment, "shop-canary"), in_production(WorkloadKind::Deployment, "shop"));
    let replicas =
        async |key| cluster.get::<Value>(&workload_path(key)).await.expect("it answers")["spec"]["replicas"].clone();

    let ran = ana.act(Request::RollBack { workload: canary.clone(), to: None, alert: None }).await;
    let act = ran.act.unwrap_or_else(|| panic!("{}", ran.says));
    assert_eq!((act.title.as_str(), act.outcome), ("TAKE CANARY deploy/shop-canary AWAY 2 -> 0", Outcome::Done));
    assert!(act.steps[0].0.starts_with("keep evidence"), "once: {:?}", act.steps);
    assert_eq!((act.steps.len(), replicas(&canary).await, replicas(&stable).await), (2, 0.into(), 3.into()));

    let undone = ana.act(Request::Undo { act: 1 }).await;
    let act = undone.act.unwrap_or_else(|| panic!("{}", undone.says));
    assert_eq!((act.outcome, replicas(&canary).await), (Outcome::Done, 2.into()));
    demo.stop().await;
}
