//! FROM: since when the live version is live.

use std::time::Duration;

use super::*;
use crate::{
    model::{
        BackendKind, Part, SourceId,
        kubernetes::{ObjectKey, Owner, ReplicaSet},
    },
    source::{Delta, Fact, Update},
};

/// 412 was made 17 minutes ago, and Helm set something 5 minutes ago.
fn from(is_reused: bool) -> String {
    let live = ReplicaSet {
        key: ObjectKey { cluster: cluster(), namespace: "production".into(), name: "myapp-412".into() },
        uid: "uid-myapp-412".into(),
        owner: Some(Owner { kind: "Deployment".into(), name: "myapp".into(), uid: "uid-myapp".into() }),
        revision: Some(14),
        is_reused,
        hash: Some("hash412".into()),
        desired: 5,
        replicas: 5,
        ready: 4,
        created: Some(ago(17)),
        images: Box::new(["registry.example/acme/myapp:412".into()]),
        change_cause: None,
    };
    let source = SourceId::new(&cluster(), Part::ReplicaSets);
    let mut known = store(Vec::new());
    known.expect(source.clone(), BackendKind::Kubernetes, Duration::from_secs(30), 0);
    let fact = Fact::ReplicaSet(Delta::Put(Box::new(live)));
    known.apply(Update { from: source, at: now().wall, generation: 0, body: Ok(vec![fact]) }, now());
    let mut found = inspection();
    found.changes = vec![("helm".into(), ago(5))];
    let evidence = evidence(&roll_back(None), found);
    let plan = plan(&roll_back(None), &evidence, &known, &settings(), now()).expect("a plan");
    plan.facts.iter().find(|(name, _)| name == "FROM").expect("it is said").1.to_string()
}

/// The manager of the template moves its one time whenever it sets replicas or a label.
#[test]
fn a_version_is_live_since_it_was_made_unless_it_was_set_again() {
    assert!(from(false).contains("   live 17m   "), "{}", from(false));
    assert!(from(true).contains("   live 5m   "), "{}", from(true));
}
