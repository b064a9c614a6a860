//! What was rolled away from is known bad until it is gone back to, whoever carried it out.

use std::collections::BTreeSet;

use super::*;
use crate::{
    action::{
        executor::Executor,
        history::known_bad,
        testing::{of_release, release},
    },
    model::{
        Name,
        kubernetes::{WorkloadKey, WorkloadKind, canary::Canary},
    },
};

fn bad(bench: &Bench) -> BTreeSet<Name> {
    known_bad(&audit::acts(&bench.records()))
}

#[tokio::test]
async fn by_a_workflow() {
    let mut bench = Bench::new();
    bench.settings.services[0].rollback = vec![Executor::parse("workflow:rollback.yml?tag={tag}").expect("one")];
    let host = FakeHost::new(run_inspection(RunState::Success), || {});
    bench.engine.add_inspector(Arc::new(host.clone()));
    bench.engine.add_operator(Arc::new(host.clone()));
    let arrives = |bench: &Bench, template| bench.cluster.with(|cluster| cluster.become_template(template));
    assert_eq!(bench.act(&roll_back(None)).await.expect("carried out").outcome, Outcome::Done);
    arrives(&bench, template_of("411", "512Mi", "info"));
    assert_eq!(bad(&bench), ["myapp-412".into()].into());
    assert_eq!(bench.act(&roll_back(Some(14))).await.expect("carried out").outcome, Outcome::Done);
    arrives(&bench, template_of("412", "1Gi", "warn"));
    assert_eq!(bad(&bench), ["myapp-411".into()].into(), "what runs again is not");
    let sent = host.sent.lock().expect("unpoisoned").clone();
    assert!(matches!(sent[..], [Write::DispatchWorkflow { .. }, Write::DispatchWorkflow { .. }]), "{sent:?}");
}

#[tokio::test]
async fn by_helm() {
    let mut bench = Bench::with(FakeCluster::new(of_release(release())), "audit.jsonl");
    bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!(bad(&bench), ["myapp-412".into()].into());
    let undo = Request::Undo { act: 1 };
    assert_eq!(bench.act(&undo).await.expect("carried out").outcome, Outcome::Done);
    assert_eq!(bad(&bench), ["myapp-411".into()].into());
}

#[tokio::test]
async fn a_canary_that_was_taken_away_until_it_is_back() {
    let mut bench = Bench::new();
    let stable = WorkloadKey { kind: WorkloadKind::Deployment, name: "myapp-stable".into(), ..myapp() };
    bench.cluster.with(|cluster| {
        cluster.found.canary = Ok(Some(Canary::Beside { stable, desired: 3, ready: 3 }));
    });
    let away = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!((away.outcome, away.away.as_deref()), (Outcome::Done, Some("myapp-412")));
    assert_eq!(bad(&bench), ["myapp-412".into()].into());
    let back = bench.act(&Request::Undo { act: 1 }).await.expect("carried out");
    assert_eq!((back.outcome, back.away), (Outcome::Done, None), "nothing is rolled away from");
    assert_eq!(bad(&bench), BTreeSet::new());
    let again = bench.act(&Request::Undo { act: 2 }).await.expect("carried out");
    assert_eq!((again.outcome, again.away.as_deref()), (Outcome::Done, Some("myapp-412")));
}
