//! What was rolled away from is known bad until it is gone back to, whoever carried it out.

use std::collections::BTreeSet;

use super::*;
use crate::{
    action::{
        audit::Begun,
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

/// One cluster by two contexts, as two users of it: what was sent by the one counts for the other.
#[tokio::test]
async fn by_another_name_of_the_cluster() {
    let mut first = Bench::new();
    first.act(&roll_back(None)).await.expect("carried out");
    let begun = audit::acts(&first.records())[0].begun.clone();
    let nils = WorkloadKey { cluster: BackendId::new("prod-eu1-nils"), ..myapp() };
    let staging = WorkloadKey { namespace: "staging".into(), ..nils.clone() };
    for (workload, id, is_seen) in [
        (nils.clone(), Some("cluster-1"), true),
        (staging, Some("cluster-1"), false),
        (nils.clone(), Some("cluster-2"), false),
        (nils, None, false),
    ] {
        let mut bench = Bench::new();
        bench.cluster.with(|cluster| cluster.found.changes.clear());
        let begun = Begun {
            request: Request::RollBack { workload, to: None, alert: None },
            cluster_id: id.map(Clean::from),
            from_revision: Some("myapp-411".into()),
            to_revision: None,
            ..begun.clone()
        };
        let number = bench.engine.0.audit.begin(now().wall, |_| begun).expect("written");
        let ended = Entry::Ended { outcome: Outcome::Done };
        bench.engine.0.audit.append(number, now().wall, ended).expect("written");
        let plan = bench.plan(&roll_back(None)).await.expect("a plan");
        let b5 = &plan.checks.iter().find(|check| check.id == "B5").expect("it is checked").result;
        assert_eq!(matches!(b5, CheckResult::Look(says) if says.contains("you did")), is_seen, "{b5:?}");
        assert_eq!(plan.chosen, Some(if is_seen { 12 } else { 13 }), "{id:?}");
    }
}
