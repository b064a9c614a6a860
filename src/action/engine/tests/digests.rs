//! A3: whether the pods run what was asked for is told by digests, from wherever they are known.

use std::collections::BTreeSet;

use super::*;
use crate::{
    action::{
        WorkloadInspection,
        registry::Registered,
        testing::{FakeRegistry, digest_of, image_of, nodes},
    },
    model::image::{ImageRef, NodeImages},
};

/// The end of a rollback to 411, of which no pod is up any more, on a cluster that is so and with this registry.
async fn end(change: fn(&mut WorkloadInspection), registry: Option<Registered>) -> StepState {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| {
        cluster.found.pods.retain(|pod| pod.hash.as_deref() != Some("hash411"));
        change(&mut cluster.found);
    });
    if let Some(registered) = registry {
        bench.engine.add_registry(FakeRegistry::new(Some(Ok(registered))));
    }
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    act.steps.last().expect("it is watched").1.clone()
}

fn runs_411() -> String {
    format!("every pod runs @{}", crate::model::kubernetes::short_digest(&digest_of("411")))
}

fn unread(found: &mut WorkloadInspection) {
    found.image_nodes = Err("nodes is forbidden".into());
}

#[tokio::test]
async fn nodes_know_the_digest_of_what_no_pod_runs_any_more() {
    let state = end(|_| (), None).await;
    assert!(matches!(&state, StepState::Done(says) if says.contains(&runs_411())), "{state:?}");
    // Their tag 411 is another image than the one that comes up.
    let state = end(
        |found| {
            let mut held = NodeImages::default();
            held.add_node(&[vec![image_of("411"), ImageRef { digest: Some(digest_of("999")), ..image_of("411") }]]);
            found.image_nodes = Ok(held);
        },
        None,
    )
    .await;
    assert!(matches!(&state, StepState::Unknown(says) if says.contains("10 run another image than it")), "{state:?}");
}

#[tokio::test]
async fn a_registry_knows_it_by_the_index_or_by_a_part_of_it() {
    let index = |parts: BTreeSet<Name>| Some(Registered::There { digest: digest_of("777"), parts });
    let state = end(unread, index([digest_of("411"), digest_of("412")].into())).await;
    assert!(matches!(&state, StepState::Done(says) if says.contains(&runs_411())), "{state:?}");
    let state = end(unread, index([digest_of("999")].into())).await;
    assert!(matches!(&state, StepState::Unknown(says) if says.contains("10 run another image than it")), "{state:?}");
}

#[tokio::test]
async fn what_nobody_knows_is_said_not_to_be_checked() {
    let state = end(unread, None).await;
    assert!(matches!(&state, StepState::Done(says) if says.ends_with("ready, digest not checked")), "{state:?}");
    // A tag that was moved: which of both ran is not known.
    let state = end(
        |found| {
            let mut held = nodes(1, &["411"]);
            held.add_node(&[vec![image_of("411"), ImageRef { digest: Some(digest_of("999")), ..image_of("411") }]]);
            found.image_nodes = Ok(held);
        },
        None,
    )
    .await;
    assert!(matches!(&state, StepState::Done(says) if says.ends_with("digest not checked")), "{state:?}");
}

/// Both containers change; nobody knows the digest of the second.
#[tokio::test]
async fn each_container_that_changes_is_checked() {
    fn with_sidecar(found: &mut WorkloadInspection) {
        for (revision, tag) in [(0, "8"), (1, "7")] {
            let containers = &mut found.revisions[revision].template["spec"]["containers"];
            let sidecar = serde_json::json!({"name": "proxy", "image": format!("registry.example/acme/proxy:{tag}")});
            containers.as_array_mut().expect("a list").push(sidecar);
        }
        found.template = found.revisions[0].template.clone();
    }
    let state = end(with_sidecar, None).await;
    let says = format!("{}, digest not checked of proxy", runs_411());
    assert!(matches!(&state, StepState::Done(end) if end.contains(&says)), "{state:?}");
}
