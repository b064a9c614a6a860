//! How earlier versions did decides which one is gone back to, and is said.

use std::time::Duration;

use super::*;
use crate::{
    action::{
        audit::Begun,
        testing::{ago, succeeded_by_413, workload},
    },
    model::{
        BackendKind, Part, SourceId,
        alert::{Alert, AlertKey, AlertState, Priority},
        kubernetes::Revision,
    },
    source::{Delta, Fact, Update},
    time::Now,
};

fn high(from: i64, state: AlertState, priority: Priority) -> Alert {
    Alert {
        key: AlertKey { backend: BackendId::new("am"), fingerprint: "f1".into() },
        name: "High".into(),
        state,
        priority,
        labels: Box::new([("service".into(), "myapp".into())]),
        annotations: Box::default(),
        starts: Some(ago(from)),
        active_since: None,
        receivers: Box::default(),
        silenced_by: Box::default(),
        generator_url: None,
        value: None,
        rule: None,
        is_watchdog: false,
    }
}

/// A store that knows the workload, and its alerts since so many minutes ago.
fn known(since: i64, alerts: Vec<Alert>) -> Store {
    let mut known = store(Vec::new());
    let mut say = |backend: &BackendId, kind, part, fact| {
        let source = SourceId::new(backend, part);
        known.expect(source.clone(), kind, Duration::from_secs(30), 0);
        let at = Now { mono: now().mono, wall: ago(since) };
        known.apply(Update { from: source, at: at.wall, generation: 0, body: Ok(vec![fact]) }, at);
    };
    let there = Fact::Workload(Delta::Put(Box::new(workload(myapp()))));
    say(&cluster(), BackendKind::Kubernetes, Part::Deployments, there);
    let fired = Fact::Alerts { list: alerts, groups: Vec::new() };
    say(&BackendId::new("am"), BackendKind::Alertmanager, Part::Alerts, fired);
    known
}

async fn planned(store: Store) -> Plan {
    let mut bench = Bench::new();
    bench.store = store;
    bench.plan(&roll_back(None)).await.expect("a plan")
}

fn b7(plan: &Plan) -> String {
    let found = plan.checks.iter().find(|check| check.id == "B7").expect("checked");
    format!("{:?}", found.result)
}

fn note(plan: &Plan, revision: i64) -> String {
    plan.choices.iter().find(|choice| choice.revision == revision).expect("kept").note.to_string()
}

#[tokio::test]
async fn a_long_run_that_called_people_is_passed_over_and_said_why() {
    let ended = AlertState::Resolved(ago(2 * 60));
    let plan = planned(known(10, vec![high(20 * 60, ended.clone(), Priority::P1)])).await;
    assert_eq!((plan.chosen, &plan.blocked), (Some(12), &None), "what is rehearsed is that one");
    assert!(b7(&plan).contains("Look(\"rev 13 was passed over: High fired 18h of it"), "{}", b7(&plan));
    assert!(note(&plan, 13).contains("High fired 18h of it"), "{}", note(&plan, 13));
    // Nobody was called, or hardly before 412 came: clocks differ.
    let calm = planned(known(10, vec![high(20 * 60, ended, Priority::P3)])).await;
    assert_eq!(calm.chosen, Some(13));
    assert!(note(&calm, 13).contains("High fired 18h of it"), "{}", note(&calm, 13));
    let since = planned(known(10, vec![high(19, AlertState::Firing, Priority::P1)])).await;
    assert_eq!(since.chosen, Some(13), "{}", note(&since, 13));
}

/// 412 was left for 411 a day ago: that is why it is not gone to, whatever fired while 411 ran again.
#[tokio::test]
async fn what_somebody_rolled_away_from_is_not_said_to_be_passed_over_for_its_alerts() {
    let mut bench = Bench::new();
    bench.store = known(10, vec![high(20 * 60, AlertState::Resolved(ago(2 * 60)), Priority::P1)]);
    bench.cluster.with(|cluster| succeeded_by_413(&mut cluster.found));
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert_eq!(plan.chosen, Some(15));
    assert!(!b7(&plan).contains("passed over"), "{}", b7(&plan));
}

/// The next is older, and its schema may be, too.
#[tokio::test]
async fn a_blip_in_a_long_run_is_said_and_passes_nothing_over() {
    let ended = AlertState::Resolved(ago(5 * 60 - 6));
    let plan = planned(known(10, vec![high(5 * 60, ended, Priority::P1)])).await;
    assert_eq!(plan.chosen, Some(13));
    assert!(b7(&plan).starts_with("Ok(") && b7(&plan).contains("High fired 6m of it"), "{}", b7(&plan));
    assert!(note(&plan, 13).contains("High fired 6m of it"), "{}", note(&plan, 13));
}

#[tokio::test]
async fn where_every_long_run_called_people_the_newest_is_taken_and_it_is_said() {
    let plan = planned(known(10, vec![high(4 * 24 * 60, AlertState::Firing, Priority::P2)])).await;
    assert_eq!(plan.chosen, Some(13));
    assert!(b7(&plan).contains("Look(\"rev 13 called people too: High fired"), "{}", b7(&plan));
}

#[tokio::test]
async fn what_is_not_known_of_a_run_is_not_taken_for_quiet() {
    let plan = planned(known(10, Vec::new())).await;
    assert!(b7(&plan).contains("not paused; no record of alerts"), "{}", b7(&plan));
    assert!(note(&plan, 12).ends_with(", ?? alerts"), "{}", note(&plan, 12));
    let of_10_hours = |found: &mut crate::action::WorkloadInspection| found.revisions[1].created = Some(ago(10 * 60));
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| of_10_hours(&mut cluster.found));
    bench.store = known(11 * 60, Vec::new());
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(b7(&plan).contains("not paused; no alerts"), "{}", b7(&plan));
    // Nobody sends alerts: nothing is said of them.
    assert!(!b7(&planned(store(Vec::new())).await).contains("alerts"));
}

#[tokio::test]
async fn pods_that_were_killed_while_a_version_ran_are_counted() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| {
        let old = cluster.found.pods.iter_mut().filter(|pod| pod.hash.as_deref() == Some("hash411"));
        for (pod, minutes) in old.zip([60, 10]) {
            pod.containers[0].last = Some(crate::model::kubernetes::Termination {
                reason: "OOMKilled".into(),
                exit_code: 137,
                signal: None,
                message: None,
                started: None,
                finished: Some(ago(minutes)),
            });
        }
    });
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(note(&plan, 13).contains("1 pod OOMKilled"), "the other one since 412: {}", note(&plan, 13));
}

/// `R` a second time while the first still waits for its pipeline to stop: both would write.
#[cfg(unix)]
#[tokio::test]
async fn an_act_that_is_not_wholly_sent_is_not_sent_again() {
    let mut bench = Bench::new();
    let begun = Begun {
        actor: "bob".into(),
        login: "bob@laptop".into(),
        process: std::os::unix::process::parent_id(),
        version: "0.1.0".into(),
        request: roll_back(Some(13)),
        title: "ROLL BACK deploy/myapp 412 -> 411".into(),
        place: "prod-eu1/production".into(),
        cluster_id: None,
        production: true,
        risk: Risk::Production,
        reason: None,
        steps: vec!["stop deploy #412".into(), "template -> rev 13".into()],
        warnings: Vec::new(),
        kept: None,
        from_revision: None,
        to_revision: None,
        can_undo: true,
    };
    let audit = bench.engine.0.audit.clone();
    let act = audit.begin(now().wall, |_| begun.clone()).expect("written");
    let b5 = |plan: &Plan| plan.checks.iter().find(|check| check.id == "B5").expect("checked").result.clone();
    let result = b5(&bench.plan(&roll_back(None)).await.expect("a plan"));
    let CheckResult::Stop(says) = &result else { panic!("{result:?}") };
    assert!(says.contains("bob sent 'ROLL BACK deploy/myapp 412 -> 411'"), "{says}");
    assert!(says.contains("(act 1), and not all of it is written yet"), "{says}");
    let Request::RollBack { workload, .. } = roll_back(None) else { unreachable!() };
    let restart = bench.plan(&Request::Restart { workload }).await.expect("a plan");
    let then = restart.facts.iter().find(|(name, _)| name == "THEN").expect("it is said").1.to_string();
    assert!(then.starts_with("411 once act 1 has written it, "), "not what is live still: {then}");
    // Another one came and ended meanwhile.
    let newer = audit.begin(now().wall, |_| begun).expect("written");
    audit.append(newer, now().wall, Entry::Ended { outcome: Outcome::Done }).expect("written");
    let result = b5(&bench.plan(&roll_back(None)).await.expect("a plan"));
    assert!(matches!(&result, CheckResult::Stop(says) if says.contains("(act 1)")), "{result:?}");
    audit.append(act, now().wall, Entry::Ended { outcome: Outcome::Done }).expect("written");
    let result = b5(&bench.plan(&roll_back(None)).await.expect("a plan"));
    assert!(matches!(&result, CheckResult::Look(says) if says.contains("bob did")), "{result:?}");
}

/// A mend by hand: 411's image with 412's other fields, a new version.
fn mended(number: i64, minutes: i64) -> Revision {
    let (bad, good) = (inspection().revisions[0].clone(), inspection().revisions[1].clone());
    let mut mend = Revision { images: good.images.clone(), created: Some(ago(minutes)), is_live: false, ..bad };
    (mend.number, mend.name, mend.hash) = (number, "myapp-mend".into(), Some("mend".into()));
    mend.template["spec"]["containers"][0]["image"] = good.images[0].as_str().into();
    mend
}

fn b5(plan: &Plan) -> &CheckResult {
    &plan.checks.iter().find(|check| check.id == "B5").expect("checked").result
}

#[tokio::test]
async fn an_undo_that_brought_the_bad_version_back_is_no_rollback() {
    // A pipeline's hook undid the mend.
    let mut found = inspection();
    found.revisions[0].number = 16;
    found.revisions.insert(1, mended(15, 2));
    found.changes.insert(0, ("kubectl-rollout".into(), ago(1)));
    let mut bench = Bench::with(FakeCluster::new(found), "audit.jsonl");
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let CheckResult::Stop(says) = b5(&plan) else { panic!("{:?}", b5(&plan)) };
    assert!(says.starts_with("it was rolled back already: 'kubectl-rollout' left rev 15 (411)"), "{says}");
    assert!(note(&plan, 15).starts_with("rolled away from"), "{}", note(&plan, 15));
    bench.store = known(3 * 24 * 60, vec![high(15, AlertState::Firing, Priority::P1)]);
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(note(&plan, 15).starts_with("ran "), "{}", note(&plan, 15));
    let mend = bench.plan(&roll_back(Some(15))).await.expect("a plan");
    let b11 = &mend.checks.iter().find(|check| check.id == "B11").expect("checked").result;
    assert!(!format!("{b11:?}").contains("rolled away from"), "{b11:?}");
    let CheckResult::Look(says) = b5(&plan) else { panic!("{:?}", b5(&plan)) };
    assert_eq!(
        says.as_str(),
        "'kubectl-rollout' left rev 15 (411) 60s ago and brought rev 16 (412) back, which had been left as bad: High fired 13m of it"
    );
    // It had ended long before 411 was set.
    bench.store = known(3 * 24 * 60, vec![high(15, AlertState::Resolved(ago(3)), Priority::P1)]);
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(matches!(b5(&plan), CheckResult::Stop(_)), "{:?}", b5(&plan));
}

/// 412 was left for the mend, came back, was left again and is back once more: both have had other numbers meanwhile.
#[tokio::test]
async fn a_mend_is_no_bad_version_though_what_came_after_it_has_another_number() {
    let mut found = inspection();
    found.revisions[0].number = 18;
    found.revisions[1].number = 17;
    found.revisions.insert(1, mended(15, 9));
    found.changes.insert(0, ("kubectl-rollout".into(), ago(1)));
    let mut bench = Bench::with(FakeCluster::new(found), "audit.jsonl");
    bench.store = known(3 * 24 * 60, vec![high(15, AlertState::Firing, Priority::P1)]);
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(note(&plan, 15).starts_with("ran "), "{}", note(&plan, 15));
}

/// Whose act went away from what is back is no reason to call the act a rollback of somebody else.
#[tokio::test]
async fn who_brings_back_what_an_act_left_is_another_hand() {
    let mut bench = Bench::new();
    bench.act(&roll_back(Some(13))).await.expect("carried out");
    let live = bench.cluster.with(|cluster| cluster.found.revisions.clone());
    bench.cluster.with(|cluster| {
        let found = &mut cluster.found;
        let newest = found.revisions.iter().map(|revision| revision.number).max().unwrap_or(0);
        for revision in &mut found.revisions {
            revision.is_live = revision.name == live[0].name;
            if revision.is_live {
                revision.number = newest + 1;
                found.template = revision.template.clone();
            }
        }
        found.changes.insert(0, ("kubectl-rollout".into(), now().wall));
    });
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let CheckResult::Look(says) = b5(&plan) else { panic!("{:?}", b5(&plan)) };
    assert!(says.starts_with("'kubectl-rollout' left rev "), "{says}");
    assert!(says.contains(" (412) back, which ") && says.ends_with(" (act 1) had rolled away from"), "{says}");
}

/// A pipeline's hook undid the deploy of 6 minutes ago; the alert of 2 hours ago is of neither version.
#[tokio::test]
async fn an_alert_that_began_long_after_the_live_version_does_not_make_it_the_bad_one() {
    let mut found = inspection();
    (found.revisions[0].number, found.revisions[0].created) = (16, Some(ago(14 * 24 * 60)));
    for (older, days) in found.revisions[1..].iter_mut().zip([20, 21]) {
        older.created = Some(ago(days * 24 * 60));
    }
    found.revisions.insert(1, mended(15, 6));
    found.changes.insert(0, ("kubectl-rollout".into(), ago(2)));
    let mut bench = Bench::with(FakeCluster::new(found), "audit.jsonl");
    bench.store = known(3 * 24 * 60, vec![high(2 * 60, AlertState::Firing, Priority::P1)]);
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let CheckResult::Stop(says) = b5(&plan) else { panic!("{:?}", b5(&plan)) };
    assert!(
        says.starts_with("it was rolled back already: 'kubectl-rollout' left rev 15 (411) for rev 16 (412) 2m ago"),
        "{says}"
    );
}

#[tokio::test]
async fn an_older_image_under_a_new_template_is_somebodys_rollback() {
    let mut found = inspection();
    found.revisions[0].is_live = false;
    found.revisions.insert(0, Revision { is_live: true, ..mended(15, 1) });
    found.template = found.revisions[0].template.clone();
    found.changes.insert(0, ("kubectl-set".into(), ago(1)));
    let mut bench = Bench::with(FakeCluster::new(found.clone()), "audit.jsonl");
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let says = "'kubectl-set' went from rev 14 (412) back to the images of rev 13 (411) 60s ago, as rev 15";
    assert_eq!(b5(&plan), &CheckResult::Look(says.into()));
    // A restart, or other limits, of what was live.
    found.revisions[1].template = found.template.clone();
    found.revisions[1].template["spec"]["terminationGracePeriodSeconds"] = 5.into();
    let mut bench = Bench::with(FakeCluster::new(found), "audit.jsonl");
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(matches!(b5(&plan), CheckResult::Ok(_)), "{:?}", b5(&plan));
}
