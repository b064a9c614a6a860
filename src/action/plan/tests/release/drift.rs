//! A live object that is not what the deployed revision of its release rendered.

use std::time::Duration;

use super::*;
use crate::action::testing::revision;

/// Revision 8 was rolled out so many minutes ago; six seconds ago somebody set this template by hand.
fn by_hand(minutes: i64, tag: &str, memory: &str, level: &str) -> (WorkloadInspection, WorkloadInspection) {
    let mut release = release();
    body(&mut release, 8).updated = Some(ago(minutes));
    let (mut found, mut store) = (of_release(release), the_store());
    let template = template_of(tag, memory, level);
    (found.revisions[0].is_live, found.revisions[0].created) = (false, Some(ago(minutes)));
    if let Some(again) = found.revisions.iter().position(|one| one.template == template) {
        found.revisions[again].is_live = true;
    } else {
        let mut live = revision(15, tag, 0, memory, level);
        (live.is_live, live.created) = (true, Some(six_seconds_ago()));
        found.revisions.insert(0, live);
    }
    found.template = template;
    let by_helm = ("helm".into(), ago(minutes));
    found.changes = vec![("kubectl-set".into(), six_seconds_ago()), by_helm.clone()];
    store.changes = vec![by_helm];
    (found, store)
}

fn six_seconds_ago() -> Timestamp {
    now().wall - Duration::from_secs(6)
}

fn planned_to(to: Option<i64>, (found, store): (WorkloadInspection, WorkloadInspection)) -> Plan {
    plan_to(to, found, Ok(store))
}

const SAYS: &str = "live is myapp:nope, not what revision 8 rendered; 'kubectl-set' changed it 6s ago";

#[test]
fn what_was_set_by_hand_goes_back_to_the_deployed_revision_itself() {
    let plan = planned_to(None, by_hand(120, "nope", "1Gi", "warn"));
    assert_eq!(plan.chosen, Some(8));
    assert_eq!(plan.title, "ROLL BACK deploy/myapp: release shop 8 (changed by hand) -> 8");
    assert_eq!(plan.facts[0].1, SAYS);
    assert_eq!(named(&plan, "B5", "live"), &CheckResult::Look(Clean::line(&format!("deploy/myapp: {SAYS}"))));
    let hands = says(named(&plan, "B5", "other hands"));
    assert!(hands.contains("Look(\"deploy/myapp: 'kubectl-set' changed the template 6s ago"), "{hands}");
    let diff = plan.diff.as_deref().expect("they differ");
    let lines: Vec<&str> = diff.lines().filter(|line| line.contains("image:")).map(str::trim_end).collect();
    assert!(lines[0].starts_with('-') && lines[0].ends_with("myapp:nope"), "{diff}");
    assert!(lines[1].starts_with('+') && lines[1].ends_with("myapp:412"), "{diff}");
    assert!(!diff.contains("of 41"), "the manifests are the same: {diff}");
    assert_eq!(plan.equivalent[0], *"helm --kube-context prod-eu1 -n production rollback shop 8");
    assert!(says(named(&plan, "B8", "objects")).contains("NotChecked(\"revision 8 is applied once more"));
    let is_sent = |step: &PlanStep| matches!(step.kind, StepKind::Write(Write::HelmRollback { from: 8, to: 8, .. }));
    assert!(plan.steps.iter().any(is_sent), "{:?}", plan.steps);
    assert_eq!(plan.blocked, None);
}

#[test]
fn an_older_revision_than_is_needed_is_gone_to_where_it_is_named_only() {
    let plan = planned_to(Some(7), by_hand(120, "nope", "1Gi", "warn"));
    assert_eq!(plan.chosen, Some(7));
    let found = says(named(&plan, "B5", "live"));
    assert!(found.contains(SAYS) && found.contains("Revision 8 applied once more would do"), "{found}");
    let diff = plan.diff.as_deref().expect("they differ");
    assert!(diff.contains("myapp:nope") && !diff.contains("myapp:412"), "{diff}");
    // The store goes back from what was rendered.
    assert!(diff.contains("-of 412") && diff.contains("+of 411"), "{diff}");
}

/// What was set by hand may have been meant to mend it.
#[test]
fn a_deployed_revision_that_ran_for_minutes_is_passed_over() {
    let plan = planned_to(None, by_hand(17, "nope", "1Gi", "warn"));
    assert_eq!(plan.chosen, Some(7));
    let found = says(named(&plan, "B5", "live"));
    assert!(found.contains(SAYS) && !found.contains("would do"), "{found}");
    assert_eq!(planned_to(Some(8), by_hand(17, "nope", "1Gi", "warn")).chosen, Some(8), "it may be named");
}

/// What was set first ended its run, whoever set something later.
#[test]
fn a_deployed_revision_ran_until_the_first_hand() {
    let (mut found, store) = by_hand(50, "nope", "1Gi", "warn");
    found.changes = vec![
        ("k9s".into(), six_seconds_ago()),
        ("kubectl-set".into(), ago(45)),
        ("kubectl-edit".into(), ago(49)),
        ("helm".into(), ago(50)),
    ];
    let plan = planned_to(None, (found.clone(), store.clone()));
    assert_eq!(plan.chosen, Some(7), "5 minutes are no good run");
    found.changes.remove(1);
    assert_eq!(planned_to(None, (found.clone(), store.clone())).chosen, Some(8), "49m ago the deploy itself went on");
    // By one hand there is one time only: its first version tells the rest.
    found.revisions[0].created = Some(ago(45));
    assert_eq!(planned_to(None, (found, store)).chosen, Some(7));
}

#[test]
fn a_restart_is_no_hand() {
    let restarted = |tag: &str, memory: &str, by: &[(&str, i64)]| {
        let (mut found, store) = by_hand(120, tag, memory, "warn");
        let mark = serde_json::json!({"kubectl.kubernetes.io/restartedAt": six_seconds_ago().to_string()});
        found.template["metadata"]["annotations"] = mark;
        found.revisions[0].template = found.template.clone();
        found.changes = vec![("kubectl-rollout".into(), six_seconds_ago())];
        found.changes.extend(by.iter().map(|(by, minutes)| (Clean::line(by), ago(*minutes))));
        found.changes.push(("helm".into(), ago(120)));
        planned_to(None, (found, store))
    };
    let plan = restarted("412", "2Gi", &[]);
    assert_eq!(plan.title, "ROLL BACK deploy/myapp: release shop 8 -> 7", "what a server added is no change by hand");
    let plan = restarted("nope", "1Gi", &[("kubectl-set", 60)]);
    let says = &plan.facts[0].1;
    assert!(says.contains("'kubectl-set' changed it"), "not who restarted it: {says}");
    assert_eq!(plan.chosen, Some(8));
}

#[test]
fn who_went_back_by_hand_rolled_away_from_what_is_deployed() {
    let plan = planned_to(None, by_hand(120, "411", "512Mi", "info"));
    assert_eq!(plan.chosen, Some(6), "7 is what runs, 8 was rolled away from");
    let again = stop(&plan, "B5");
    assert!(again.contains("'kubectl-set' left rev 8 (412) for rev 7 (411) 6s ago"), "{again}");
    assert!(plan.facts[0].1.contains("not what revision 8 rendered but what revision 7 did"), "{}", plan.facts[0].1);
}

/// An apply leaves alone what it does not name; a hand was there all the same.
#[test]
fn what_the_release_does_not_set_is_no_other_version() {
    let (mut found, store) = by_hand(120, "412", "1Gi", "warn");
    let env = found.template["spec"]["containers"][0]["env"].as_array_mut().expect("a list");
    env.push(serde_json::json!({"name": "OWN", "value": "1"}));
    (found.revisions[0].template, found.revisions[0].created) = (found.template.clone(), Some(six_seconds_ago()));
    let plan = planned_to(None, (found, store));
    assert_eq!(plan.chosen, Some(7));
    assert!(plan.checks.iter().all(|check| check.name != "live"), "{:?}", plan.checks);
    let hands = says(named(&plan, "B5", "other hands"));
    assert!(hands.contains("'kubectl-set' changed the template 6s ago"), "{hands}");
}
