//! The confirm step: what is dropped, what confirms, what is sent once.

use super::*;
use crate::{
    action::{
        Check, CheckResult, Request,
        testing::{after, inspection, now, planned, roll_back},
    },
    model::kubernetes::Manager,
};

fn press(code: KeyCode) -> KeyEvent {
    KeyEvent::from(code)
}

/// Types a text, keys 50 ms apart, ending in Enter if `enter`.
fn type_in(confirm: &mut Confirm, text: &str, enter: bool, at: &mut Now) -> Pressed {
    let mut last = Pressed::Taken;
    let keys = text.chars().map(KeyCode::Char).chain(enter.then_some(KeyCode::Enter));
    for code in keys {
        *at = after(*at, 50);
        last = confirm.key(press(code), *at);
    }
    last
}

fn plan_13() -> Plan {
    planned(&roll_back(None), inspection()).expect("a plan")
}

/// A dialog with its plan on screen, and long quiet.
fn open(plan: Plan) -> (Confirm, Now) {
    let mut confirm = Confirm::new(now());
    assert!(confirm.planned(Ok(plan), now()).is_none());
    (confirm, after(now(), 1_000))
}

/// The same plan from evidence asked now.
fn fresh(mut plan: Plan, at: Now) -> Plan {
    plan.made = at.wall;
    plan
}

#[test]
fn production_takes_the_revision_its_tag_or_five_digits_of_its_digest() {
    let digest = crate::action::testing::digest_of("411");
    for value in
        ["13", "411", &digest["sha256:".len()..][..5], &format!("@{}", &digest["sha256:".len()..][..9]), &digest]
    {
        let (mut confirm, mut at) = open(plan_13());
        assert_eq!(type_in(&mut confirm, value, true, &mut at), Pressed::Reread, "{value}");
        let approved = confirm.planned(Ok(fresh(plan_13(), at)), at).expect("approved");
        assert_eq!(approved.plan().chosen, Some(13));
    }
}

#[test]
fn anything_else_says_what_was_expected_and_never_plans_anew() {
    for value in ["12", "14", "412", "4", "", "1313", "3431", "y"] {
        let (mut confirm, mut at) = open(plan_13());
        assert_eq!(type_in(&mut confirm, value, true, &mut at), Pressed::Taken, "{value}");
        assert_eq!(*confirm.phase(), Phase::Asking);
        let said = confirm.said().expect("says why").to_string();
        assert!(said.contains("13 or 411"), "{said}");
        assert_eq!(confirm.value(), "");
    }
}

#[test]
fn keys_typed_ahead_are_dropped_whole_and_said() {
    let mut confirm = Confirm::new(now());
    let mut at = now();
    // The whole burst came before and while the plan came: 13 Enter 13 Enter …
    assert_eq!(type_in(&mut confirm, "13", true, &mut at), Pressed::Taken);
    confirm.planned(Ok(plan_13()), at);
    assert_eq!(type_in(&mut confirm, "1313", true, &mut at), Pressed::Taken);
    assert_eq!(confirm.value(), "");
    assert!(confirm.said().expect("said").contains("dropped"));
    // 0.4 s of quiet later keys count.
    at = after(at, 350);
    assert_eq!(type_in(&mut confirm, "13", true, &mut at), Pressed::Reread);
}

#[test]
fn keys_within_the_quiet_prolong_it() {
    let (mut confirm, _) = open(plan_13());
    for step in 1..6 {
        assert_eq!(confirm.key(press(KeyCode::Char('1')), after(now(), step * 390)), Pressed::Taken);
        assert_eq!(confirm.value(), "");
    }
}

#[test]
fn enter_twice_sends_once() {
    let (mut confirm, mut at) = open(plan_13());
    assert_eq!(type_in(&mut confirm, "13", true, &mut at), Pressed::Reread);
    assert_eq!(confirm.key(press(KeyCode::Enter), at), Pressed::Taken);
    assert!(confirm.planned(Ok(fresh(plan_13(), at)), at).is_some());
    assert_eq!(confirm.key(press(KeyCode::Enter), at), Pressed::Taken);
    assert!(confirm.planned(Ok(fresh(plan_13(), at)), at).is_none());
    assert_eq!(*confirm.phase(), Phase::Sent);
}

#[test]
fn evidence_from_before_enter_does_not_count() {
    let (mut confirm, mut at) = open(plan_13());
    type_in(&mut confirm, "13", true, &mut at);
    assert!(confirm.planned(Ok(plan_13()), at).is_none());
    assert_eq!(*confirm.phase(), Phase::Rereading);
}

#[test]
fn a_paste_is_not_taken() {
    let (mut confirm, at) = open(plan_13());
    confirm.paste();
    assert_eq!(confirm.value(), "");
    assert!(confirm.said().expect("said").contains("paste"));
    assert_eq!(confirm.key(press(KeyCode::Enter), at), Pressed::Taken);
}

#[test]
fn enter_is_dead_while_a_check_is_pending() {
    let mut plan = plan_13();
    plan.checks.push(Check { id: "B15".into(), name: "will it run".into(), result: CheckResult::Pending });
    let (mut confirm, mut at) = open(plan);
    assert_eq!(type_in(&mut confirm, "13", true, &mut at), Pressed::Taken);
    assert!(confirm.said().expect("said").contains("pending"));
    // The check comes in: quiet is counted anew, because the burst went on.
    confirm.again(at);
    confirm.planned(Ok(plan_13()), at);
    assert_eq!(confirm.key(press(KeyCode::Char('1')), after(at, 100)), Pressed::Taken);
    assert_eq!(confirm.value(), "");
}

#[test]
fn a_stop_takes_the_full_name_and_a_reason() {
    let mut found = inspection();
    found.workload.managed_by = vec![Manager::ArgoCd { application: "shop".into() }];
    let stopped = planned(&roll_back(None), found).expect("a plan");
    assert_eq!(stopped.risk, Risk::Stopped);
    let (mut confirm, mut at) = open(stopped.clone());
    assert_eq!(type_in(&mut confirm, "13", true, &mut at), Pressed::Taken, "a number is not enough");
    assert_eq!(type_in(&mut confirm, "myapp", true, &mut at), Pressed::Taken, "nor is the name alone");
    assert_eq!(confirm.field(), Field::Reason);
    assert_eq!(type_in(&mut confirm, "x", true, &mut at), Pressed::Taken, "nor a letter as reason");
    assert_eq!(type_in(&mut confirm, " Argo is paused", true, &mut at), Pressed::Reread);
    let approved = confirm.planned(Ok(fresh(stopped, at)), at).expect("approved");
    assert_eq!(approved.reason(), Some("x Argo is paused"));
}

#[test]
fn what_is_reversible_takes_y_and_nothing_else() {
    let mut plan = plan_13();
    plan.weigh(false, Vec::new(), "myapp");
    for code in [KeyCode::Enter, KeyCode::Char('Y'), KeyCode::Char('n'), KeyCode::Char(' ')] {
        let (mut confirm, at) = open(plan.clone());
        assert_eq!(confirm.key(press(code), at), Pressed::Taken);
    }
    let (mut confirm, at) = open(plan);
    assert_eq!(confirm.key(press(KeyCode::Char('y')), at), Pressed::Reread);
}

#[test]
fn a_blocked_plan_takes_nothing() {
    let mut plan = plan_13();
    plan.blocked = Some("read-only".into());
    let (mut confirm, mut at) = open(plan.clone());
    assert_eq!(type_in(&mut confirm, "13", true, &mut at), Pressed::Taken);
    assert_eq!(*confirm.phase(), Phase::Asking);
    assert!(at_once(plan.clone()).is_err());
    assert!(given(plan, &Given { confirm: Some("13".to_owned()), ..Given::default() }).is_err());
}

#[test]
fn status_may_move_between_plan_and_enter() {
    let (mut confirm, mut at) = open(plan_13());
    type_in(&mut confirm, "13", true, &mut at);
    let mut found = inspection();
    // Fifty status writes later: other counts, other generation observed, one more pod.
    found.workload.observed_generation += 50;
    found.workload.generation += 50;
    (found.workload.ready, found.workload.available) = (6, 6);
    found.pods.truncate(6);
    let plan = planned(&roll_back(None), found).expect("a plan");
    assert!(confirm.planned(Ok(fresh(plan, at)), at).is_some());
}

#[test]
fn another_template_is_refused_with_who_and_when() {
    let (mut confirm, mut at) = open(plan_13());
    type_in(&mut confirm, "13", true, &mut at);
    let mut found = inspection();
    // bob sets an environment variable 4 s before Enter; the target stays.
    found.template["spec"]["containers"][0]["env"][0]["value"] = "debug".into();
    found.revisions[0].template = found.template.clone();
    found.changes.insert(0, ("bob-kubectl".into(), now().wall - jiff::SignedDuration::from_secs(4)));
    let plan = planned(&roll_back(None), found).expect("a plan");
    assert!(confirm.planned(Ok(fresh(plan, at)), at).is_none());
    assert_eq!(*confirm.phase(), Phase::Asking);
    assert_eq!(confirm.value(), "", "the prompt is empty again");
    let said = confirm.said().expect("said").to_string();
    assert!(said.contains("'bob-kubectl' changed the template 4s ago") && said.contains("Nothing was sent"), "{said}");
}

#[test]
fn a_new_stop_is_shown_before_anything_is_sent() {
    let (mut confirm, mut at) = open(plan_13());
    type_in(&mut confirm, "13", true, &mut at);
    let mut found = inspection();
    found.references.insert("configmap/myapp-config".to_owned(), Ok(false));
    let plan = planned(&roll_back(None), found).expect("a plan");
    assert!(confirm.planned(Ok(fresh(plan, at)), at).is_none());
    assert_eq!(confirm.plan().expect("the new one").risk, Risk::Stopped);
    let said = confirm.said().expect("said").to_string();
    assert!(said.contains("has news since you looked: ") && said.contains("myapp-config"), "which, and what: {said}");
}

#[test]
fn a_refusal_after_enter_sends_nothing() {
    let (mut confirm, mut at) = open(plan_13());
    type_in(&mut confirm, "13", true, &mut at);
    assert!(confirm.planned(Err(Refusal("gone".into())), at).is_none());
    assert_eq!(*confirm.phase(), Phase::Refused("gone".into()));
}

#[test]
fn the_command_line_has_the_same_gates() {
    let give = |confirm: &str| Given { confirm: Some(confirm.to_owned()), ..Given::default() };
    assert!(given(plan_13(), &give("13")).is_ok());
    assert!(given(plan_13(), &give("411")).is_ok());
    assert!(given(plan_13(), &give("y")).is_err());
    assert!(given(plan_13(), &Given::default()).is_err());
    let mut found = inspection();
    found.workload.managed_by = vec![Manager::Helm { release: "myapp".into(), namespace: "production".into() }];
    let stopped = planned(&roll_back(None), found).expect("a plan");
    assert!(given(stopped.clone(), &give("13")).is_err());
    let named = Given { confirm: None, name: Some("myapp".to_owned()), reason: Some("helm is down".to_owned()) };
    assert!(given(stopped.clone(), &named).is_ok());
    assert!(given(stopped, &Given { reason: None, ..named }).is_err());
}

#[test]
fn only_what_is_quiet_is_sent_at_once() {
    let refused = at_once(plan_13()).expect_err("production is never sent at once");
    assert!(refused.0.contains("must be confirmed"));
    assert!(matches!(roll_back(None), Request::RollBack { .. }));
}
