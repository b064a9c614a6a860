//! A plan that stands open while the world moves, and the form below it.

use super::*;

/// Ticks of a second each; the effects that came of them.
fn seconds(desk: &mut Desk, count: u64) -> Vec<Effect> {
    (0..count)
        .flat_map(|_| {
            desk.wait();
            desk.app.update(Msg::Tick, desk.now)
        })
        .collect()
}

#[test]
fn an_open_plan_is_read_again_and_only_what_matters_moves_it() {
    let mut desk = Desk::ask(roll_back(None));
    assert!(seconds(&mut desk, 30).is_empty(), "never twice at a time");
    desk.found(&roll_back(None), inspection());
    desk.wait();
    desk.type_in("1");
    for _ in 0..3 {
        let asked = seconds(&mut desk, 12);
        assert!(matches!(asked.as_slice(), [Effect::Prepare { .. }]), "{asked:?}");
        let mut status = inspection();
        status.workload.ready += 1;
        assert!(desk.found(&roll_back(None), status).is_empty());
        assert!(desk.screen(120, 35).contains("[ 1_ ]"), "a status write leaves what was typed");
    }
    seconds(&mut desk, 12);
    let mut edited = inspection();
    edited.template["spec"]["containers"][0]["image"] = "reg/myapp:413".into();
    edited.changes.insert(0, ("kubectl of bob".into(), desk.now.wall));
    assert!(desk.found(&roll_back(None), edited).is_empty());
    let screen = desk.screen(120, 35);
    assert!(screen.contains("changed while you looked") && screen.contains("bob"), "{screen}");
    assert!(screen.contains("[ _ ]"), "what was typed for the other plan is gone: {screen}");
    desk.key(KeyCode::Esc);
    assert!(seconds(&mut desk, 30).is_empty(), "a dialog that was left asks nobody");
}

#[test]
fn checks_that_cannot_be_read_again_grow_old_in_sight() {
    let mut desk = Desk::ask(roll_back(None));
    desk.found(&roll_back(None), inspection());
    desk.wait();
    desk.type_in("1");
    seconds(&mut desk, 12);
    let error = crate::source::SourceError::new(crate::source::ErrorKind::TimedOut, "'prod-eu1' does not answer");
    let event = ActionEvent::Evidence { ticket: desk.ticket, request: Box::new(roll_back(None)), result: Err(error) };
    assert!(desk.app.update(Msg::Action(Box::new(event)), desk.now).is_empty());
    let screen = desk.screen(120, 35);
    assert!(screen.contains("could not be read again") && screen.contains("[ 1_ ]"), "{screen}");
    seconds(&mut desk, 30);
    assert!(desk.screen(120, 35).contains("checks "), "their age is said");
    desk.found(&roll_back(None), inspection());
    let screen = desk.screen(120, 35);
    assert!(!screen.contains("could not be read again") && screen.contains("[ 1_ ]"), "they were: {screen}");
}

/// Each key stands in the footer once, with what it does next.
#[test]
fn the_keys_of_a_stop_lead_from_its_name_to_its_reason_and_then_to_the_checks() {
    let mut desk = Desk::ask(roll_back(None));
    let mut found = inspection();
    found.workload.managed_by = vec![Manager::ConfigSync];
    desk.found(&roll_back(None), found);
    let footer = |desk: &mut Desk| desk.screen(120, 35).lines().last().expect("a footer").to_owned();
    let shown = footer(&mut desk);
    assert!(shown.contains("name reason enter send") && shown.contains("tab reason"), "{shown}");
    assert_eq!(shown.matches("tab ").count(), 1, "{shown}");
    desk.wait();
    desk.key(KeyCode::Tab);
    assert!(footer(&mut desk).contains("tab checks"), "{}", footer(&mut desk));
}

/// A written comment is lost neither by its plan nor by a refusal, only by being sent.
#[test]
fn a_form_waits_below_its_plan_until_it_was_done() {
    let workload = roll_back(None);
    let Request::RollBack { workload, .. } = workload else { unreachable!() };
    let mut desk = Desk::ask(roll_back(None));
    desk.key(KeyCode::Esc);
    desk.app.overlays.push(crate::ui::overlays::scale(workload.clone(), 5));
    desk.type_in("7");
    let asked = desk.key(KeyCode::Enter);
    let [Effect::Prepare { ticket, request, .. }] = asked.as_slice() else { panic!("{asked:?}") };
    let (ticket, request) = (*ticket, request.clone());
    assert_eq!(request, Request::Scale { workload, replicas: 7 });
    assert!(!desk.screen(120, 35).contains("replicas wanted"), "the plan alone is seen");
    let refused = ActionEvent::Refused { ticket, says: "no rights".into() };
    desk.app.update(Msg::Action(Box::new(refused)), desk.now);
    desk.key(KeyCode::Esc);
    assert_eq!(desk.app.overlays.last().and_then(|form| form.asked()), Some(&request), "the form is there again");
    let mut act = Act {
        number: 1,
        request,
        title: "SCALE".into(),
        place: "prod-eu1".into(),
        actor: "ana".into(),
        started: desk.now.wall,
        ended: None,
        steps: Vec::new(),
        outcome: Outcome::Running,
        switches: Vec::new(),
        away: None,
        left: None,
        unseen: None,
        reason: None,
        can_undo: false,
        cluster_id: None,
        is_mine: true,
    };
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act.clone())))), desk.now);
    assert!(!desk.app.overlays.is_empty(), "on its way: it may still fail");
    act.can_undo = true;
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.now);
    assert!(desk.app.overlays.is_empty(), "done, and watched: nothing is left to write");
}
