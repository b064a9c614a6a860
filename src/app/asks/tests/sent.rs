//! The dialog after it was confirmed: its keys.

use super::*;

#[test]
fn who_confirms_twice_still_sees_what_was_sent() {
    let runs = StepState::Running("411 8/10 ready".into());
    let (mut desk, mut act) = sent(vec![("watch until 10 of 10 are ready on 411".into(), runs)]);
    for _ in 0..2 {
        desk.key(KeyCode::Enter);
    }
    assert!(desk.dialog(80, 24).contains("411 8/10 ready"));
    desk.type_in("13");
    let screen = desk.screen(80, 24);
    assert!(screen.contains("411 8/10 ready"), "a number typed twice leads nowhere: {screen}");
    assert!(screen.contains("esc leaves this first: what was sent goes on"), "{screen}");
    act.outcome = Outcome::Done;
    act.ended = Some(desk.now.wall);
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.now);
    assert!(desk.screen(80, 24).contains("error rate not verified: 6 shows it"));
    desk.type_in("6");
    assert!(!desk.screen(80, 24).contains("+= ROLL BACK"), "the key that it names leads there");
}

#[test]
fn what_is_to_be_left_first_is_not_said_any_more_when_it_was_left() {
    let runs = StepState::Running("411 8/10 ready".into());
    let (mut desk, _) = sent(vec![("watch until 10 of 10 are ready on 411".into(), runs)]);
    desk.type_in("3");
    assert!(desk.screen(80, 24).contains("esc leaves this first"));
    desk.key(KeyCode::Esc);
    let screen = desk.screen(80, 24);
    assert!(!screen.contains("esc leaves this first") && !screen.contains("+= ROLL BACK"), "{screen}");
}

#[test]
fn a_refusal_says_why_and_asks_again_on_r() {
    let mut desk = Desk::ask(roll_back(Some(9)));
    desk.found(&roll_back(Some(9)), inspection());
    let screen = desk.screen(80, 24);
    assert!(screen.contains("unable to find revision 9"), "{screen}");
    assert!(screen.contains("prod-eu1/production  PRODUCTION"), "{screen}");
    desk.key(KeyCode::Enter);
    assert!(desk.screen(80, 24).contains("unable to find revision 9"), "a key that came late hides no reason");
    assert!(matches!(desk.key(KeyCode::Char('r')).as_slice(), [Effect::Prepare { .. }]));
}

#[test]
fn an_audit_that_cannot_be_read_is_said() {
    let runs = StepState::Running("411 8/10 ready".into());
    let (mut desk, _) = sent(vec![("watch until 10 of 10 are ready on 411".into(), runs)]);
    let says = "the audit could not be read: denied";
    desk.app.update(Msg::Action(Box::new(ActionEvent::Unread(says.into()))), desk.now);
    let screen = desk.screen(120, 40);
    assert!(screen.contains(says), "{screen}");
}

/// Else what it has stopped goes on for as long as nobody asks.
#[test]
fn code_hosts_are_asked_anew_when_a_step_of_a_rollback_is_done() {
    let stops = |state| vec![("cancel deploy #412".into(), state), ("watch".into(), StepState::Waiting)];
    let (mut desk, act) = sent(stops(StepState::Running("in Deploy".into())));
    let mut tell = |steps| {
        let act = Act { steps, ..act.clone() };
        desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.now)
    };
    let done = || stops(StepState::Done("it ended: cancelled".into()));
    let asked = tell(done());
    assert!(matches!(asked.as_slice(), [Effect::Refresh(hosts)] if hosts.len() == 1), "GitHub");
    assert!(tell(done()).is_empty(), "once");
}
