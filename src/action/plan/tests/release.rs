//! The rollback of a Helm release: every check of each of its workloads, and those of the release.

mod drift;
mod members;

use super::*;
use crate::{
    action::{
        WorkloadInspection,
        around::{Change, Job, JobState, Other, Quota, QuotaLimit},
        rollback::OF_WORKLOAD,
        testing::{of_release, release, rendered, store_key, the_store},
    },
    model::helm::{Hook, Release, ReleaseBody},
};

/// Evidence of a rollback of the release to a revision, with the other workload as given.
fn evidence_of(to: Option<i64>, found: WorkloadInspection, store: Result<WorkloadInspection, Clean>) -> Evidence {
    let request = roll_back(to);
    let mut evidence = evidence(&request, found);
    let member = store.map(|found| {
        let pods = found.revisions.iter().map(|revision| (revision.template.clone(), Ok(Vec::new()))).collect();
        let mut member = Evidence::of(Inspection::Workload(Box::new(found)), now().wall);
        member.pods = pods;
        Box::new(member)
    });
    evidence.members = vec![(store_key(), member)];
    let (writes, _) = crate::action::evidence::drafts(&request, &evidence, &Beside::default(), now().wall);
    evidence.rehearsals = writes.into_iter().map(|write| (write, Some(Ok("accepted".into())))).collect();
    evidence
}

fn plan_to(to: Option<i64>, found: WorkloadInspection, of_store: Result<WorkloadInspection, Clean>) -> Plan {
    let evidence = evidence_of(to, found, of_store);
    plan(&roll_back(to), &evidence, &store(Vec::new()), &settings(), now()).expect("a plan")
}

/// The plan, with the release changed.
fn with_release(change: impl FnOnce(&mut Release)) -> Plan {
    let mut release = release();
    change(&mut release);
    plan_to(None, of_release(release), Ok(the_store()))
}

fn body(release: &mut Release, number: i64) -> &mut ReleaseBody {
    let revision = release.revisions.iter_mut().find(|one| one.number == number).expect("it is kept");
    revision.body.as_mut().expect("it is readable")
}

/// The check of that id and name.
fn named<'a>(plan: &'a Plan, id: &str, name: &str) -> &'a CheckResult {
    let found = plan.checks.iter().find(|check| check.id == *id && check.name == *name);
    &found.unwrap_or_else(|| panic!("{id} {name} is left out: {:?}", plan.checks)).result
}

fn says(result: &CheckResult) -> String {
    format!("{result:?}")
}

#[test]
fn all_sixteen_checks_stand_in_the_rollback_of_a_release() {
    let plan = with_release(|_| ());
    for id in 1..=16 {
        result(&plan, &format!("B{id}"));
    }
    let order: Vec<u8> = plan.checks.iter().map(|check| severity(&check.result)).collect();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!((plan.chosen, plan.blocked.as_ref()), (Some(7), None));
    assert_eq!(plan.equivalent[0], *"helm --kube-context prod-eu1 -n production rollback shop 7");
    // The same words for both are said once.
    assert_eq!(look(&plan, "B8"), "deploy/myapp, sts/store: LOG_LEVEL warn -> info, limits.memory 1Gi -> 512Mi");
    assert!(
        says(named(&plan, "B11", "image")).contains("deploy/myapp: @343131 runs now in 4 ready pods"),
        "{:?}",
        plan.checks
    );
    assert!(says(named(&plan, "B12", "capacity")).contains("3 pods more at once"));
}

/// A template that somebody set by hand is in no revision of the release: its broken pod is in the way all the same.
/// Whether or not its own template changes, or can be read.
#[test]
fn what_the_release_itself_brings_back_is_neither_gone_nor_left_behind() {
    let mut found = release();
    let mut config = rendered(&myapp(), serde_json::Value::Null);
    (config.group, config.kind, config.name, config.template) =
        ("".into(), "ConfigMap".into(), "myapp-config".into(), None);
    body(&mut found, 7).objects.push(config.clone());
    config.sum += 1;
    body(&mut found, 8).objects.push(config);
    let mut of_app = of_release(found.clone());
    of_app.references.insert("configmap/myapp-config".to_owned(), Ok(false));
    let around = of_app.around.as_mut().expect("read");
    around
        .config
        .insert("configmap/myapp-config".to_owned(), Ok(Some(Change { by: "kubectl-edit".into(), at: ago(3) })));
    let other = Other { name: "sts/store".into(), images: of_app.revisions[0].images.clone(), is_kin: true };
    around.others.found = vec![other];
    let plan = plan_to(None, of_app, Ok(the_store()));
    assert!(matches!(named(&plan, "B15", "will it run"), CheckResult::Ok(_)), "{:?}", plan.checks);
    assert!(matches!(named(&plan, "B9", "not undone"), CheckResult::Ok(_)), "{:?}", plan.checks);
    assert!(says(named(&plan, "B8", "objects")).contains("Look(\"Helm also takes back configmap/myapp-config"));
    assert!(!says(named(&plan, "B16", "also on it")).contains("sts/store run"), "it goes back with it");
}

#[test]
fn what_helm_deletes_and_makes_is_named_and_data_stops() {
    let plan = with_release(|release| body(release, 7).objects.retain(|one| one.name != *"store"));
    assert!(says(named(&plan, "B8", "objects")).contains("Stop(\"Helm deletes sts/store"), "{:?}", plan.checks);
    let keeps = with_release(|release| {
        body(release, 7).objects.retain(|one| one.name != *"store");
        body(release, 8).objects.iter_mut().for_each(|one| one.is_kept = true);
    });
    assert!(!says(named(&keeps, "B8", "objects")).contains("deletes"), "helm.sh/resource-policy: keep");
    let makes = with_release(|release| body(release, 8).objects.retain(|one| one.name != *"store"));
    assert!(says(named(&makes, "B8", "objects")).contains("Look(\"Helm makes sts/store"), "{:?}", makes.checks);
    let own = with_release(|release| body(release, 7).objects.retain(|one| one.name != *"myapp"));
    assert!(says(named(&own, "B8", "objects")).contains("Stop(\"Helm deletes deploy/myapp"), "{:?}", own.checks);
}

#[test]
fn hooks_that_ran_and_that_will_run_are_named() {
    let hook = |name: &str, event: &str, migrates| Hook {
        kind: "Job".into(),
        name: name.into(),
        events: Box::new([event.into()]),
        migrates,
    };
    let plan = with_release(|release| {
        body(release, 8).hooks = vec![hook("shop-up", "pre-upgrade", true), hook("shop-test", "test", true)];
        body(release, 7).hooks = vec![hook("shop-down", "pre-rollback", false)];
    });
    assert_eq!(
        named(&plan, "B10", "hooks"),
        &CheckResult::Look(
            "job/shop-down of revision 7 runs with it; what job/shop-up did for revision 8 stays done; the schema may be \
             ahead of revision 7"
                .into()
        )
    );
    assert!(matches!(named(&with_release(|_| ()), "B10", "hooks"), CheckResult::Ok(_)));
}

#[test]
fn who_may_not_keep_helms_history_may_not_roll_back() {
    let plan = with_release(|release| release.may_keep = Ok(false));
    assert!(stop(&plan, "B3").contains("ask for `create secrets`"));
    let plan = with_release(|release| release.may_keep = Err("no answer".into()));
    assert!(look(&plan, "B3").contains("no answer"));
}

/// As after a rollback of Helm's from 8 to 7, so many minutes ago.
fn rolled_back(release: &mut Release, minutes: i64) {
    let mut again = release.revisions[1].clone();
    again.number = 9;
    again.status = "deployed".into();
    body(release, 8).updated = Some(ago(minutes + 60));
    release.revisions[0].status = "superseded".into();
    let of = again.body.as_mut().expect("readable");
    (of.description, of.updated) = ("Rollback to 7".into(), Some(ago(minutes)));
    release.revisions.insert(0, again);
}

/// As it is since such a rollback, 90 minutes ago.
fn on_411(mut found: WorkloadInspection) -> WorkloadInspection {
    (found.revisions[0].is_live, found.revisions[1].is_live) = (false, true);
    (found.revisions[0].created, found.changes) = (Some(ago(150)), vec![("helm".into(), ago(90))]);
    found.template = found.revisions[1].template.clone();
    found
}

#[test]
fn what_was_rolled_back_already_stops_and_goes_not_forth_again() {
    let mut found = release();
    rolled_back(&mut found, 4);
    let target = crate::action::helm::target(&found, &inspection(), None).expect("one");
    assert_eq!(target.number, 6, "7 is what runs, 8 was rolled away from");
    let plan = plan_to(None, of_release(found), Ok(the_store()));
    assert!(stop(&plan, "B5").contains("revision 9 went back to 7 4m ago"), "{}", stop(&plan, "B5"));
    let upgrading = with_release(|release| {
        rolled_back(release, 4);
        let mut pending = release.revisions[0].clone();
        (pending.number, pending.status) = (10, "pending-upgrade".into());
        pending.body.as_mut().expect("readable").description = "Preparing upgrade".into();
        release.revisions.insert(0, pending);
    });
    assert!(stop(&upgrading, "B7").contains("revision 10 is pending-upgrade"));
    assert!(upgrading.stops().all(|check| check.id != *"B5"), "somebody goes forth by now: {:?}", upgrading.checks);
    let mut found = release();
    rolled_back(&mut found, 90);
    let later = plan_to(None, on_411(of_release(found)), Ok(on_411(the_store())));
    assert!(later.checks.iter().all(|check| check.id != *"B5" || !matches!(check.result, CheckResult::Stop(_))));
}

#[test]
fn where_none_is_left_to_go_to_the_refusal_says_why_and_one_may_be_named() {
    let mut found = release();
    found.revisions.pop();
    rolled_back(&mut found, 90);
    let says = refusal(crate::action::helm::target(&found, &on_411(inspection()), None));
    assert_eq!(
        says,
        "no revision to roll deploy/myapp back to: each of 9, 8, 7 of release 'production/shop' is the live one, or one that \
         was rolled away from: name one to go there (--to REV)"
    );
    assert_eq!(crate::action::helm::target(&found, &on_411(inspection()), Some(8)).expect("named").number, 8);
    found.revisions.truncate(1);
    let says = refusal(crate::action::helm::target(&found, &on_411(inspection()), None));
    assert_eq!(says, "no revision to roll deploy/myapp back to: only revision 9 of release 'production/shop' is kept");
}

#[test]
fn another_value_of_a_secret_is_another_manifest() {
    let plan = with_release(|release| {
        let live = release.revisions[0].body.clone().expect("readable");
        *body(release, 7) = ReleaseBody { updated: Some(ago(26 * 60)), sum: live.sum + 1, ..live };
    });
    assert_eq!(plan.chosen, Some(7), "masked, the two render the same");
    assert!(!says(named(&plan, "B8", "objects")).contains("the two render the same"), "{:?}", plan.checks);
    let same = with_release(|release| {
        let live = release.revisions[0].body.clone().expect("readable");
        *body(release, 7) = ReleaseBody { updated: Some(ago(26 * 60)), ..live };
    });
    assert_eq!(same.chosen, Some(6), "7 is what runs");
}

#[test]
fn after_a_failed_upgrade_it_goes_back_to_what_was_deployed() {
    let failed = |release: &mut Release, status: &str| {
        let mut again = release.revisions[0].clone();
        (again.number, again.status) = (9, status.into());
        again.body.as_mut().expect("readable").sum = 413;
        body(release, 8).updated = Some(ago(120));
        release.revisions.insert(0, again);
    };
    let mut found = release();
    failed(&mut found, "failed");
    assert_eq!(crate::action::helm::target(&found, &inspection(), None).expect("one").number, 8);
    // What is under way has not become what runs.
    let plan = with_release(|release| failed(release, "pending-upgrade"));
    assert_eq!(plan.chosen, Some(7));
    assert!(stop(&plan, "B7").contains("pending-upgrade"));
}

#[test]
fn a_revision_that_ran_for_minutes_is_no_target_while_there_is_a_better_one() {
    let plan = with_release(|release| body(release, 7).updated = Some(ago(20)));
    assert_eq!(plan.chosen, Some(6), "7 ran for three minutes");
}
