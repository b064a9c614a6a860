//! A version that was rolled away from and comes back.

use super::*;
use crate::{
    action::{
        Request,
        act::{Act, ActionEvent, Outcome},
    },
    model::kubernetes::WorkloadKind,
    ui::testing::{at, incident, pod, running, workload_key},
};

/// ana rolled myapp back at 03:10, from the version of these pods.
fn rolled_back(number: u64, request: Request) -> Act {
    Act {
        number,
        request,
        title: "ROLL BACK".into(),
        place: "prod-eu1".into(),
        actor: "ana".into(),
        started: at("03:08"),
        ended: Some(at("03:10")),
        steps: Vec::new(),
        outcome: Outcome::Done,
        reason: None,
        switches: Vec::new(),
        away: Some("myapp-6d5c9".into()),
        can_undo: true,
        is_mine: true,
    }
}

fn roll_back() -> Request {
    Request::RollBack { workload: workload_key(WorkloadKind::Deployment, "myapp"), to: None }
}

/// A pod of the bad version, made at a time.
fn desk(made: &str) -> Desk {
    let mut world = incident();
    let mut bad = pod("myapp-6d5c9", "again", None);
    (bad.created, bad.containers) = (Some(at(made)), vec![running("myapp")].into());
    world.pods([bad]);
    Desk::new(world)
}

fn acted(desk: &mut Desk, act: Act) {
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.clock.now());
}

fn told(desk: &mut Desk) -> Vec<String> {
    let effects = desk.app.update(Msg::Tick, desk.clock.now());
    let notes = effects.into_iter().filter_map(|effect| match effect {
        Effect::Notify(text) => Some(text.to_string()),
        _ => None,
    });
    notes.collect()
}

#[test]
fn the_bad_version_that_comes_back_is_told_once_and_is_red() {
    let mut desk = desk("03:12");
    assert!(told(&mut desk).is_empty(), "nobody rolled it back");
    acted(&mut desk, rolled_back(4, roll_back()));
    let notes = told(&mut desk);
    assert_eq!(notes, ["deploy/myapp is back on 412, which act 4 rolled away from: d says by whom"]);
    assert!(told(&mut desk).is_empty(), "once");
    for (size, words) in [((120, 35), " myapp IS BACK on what was rolled away from "), ((80, 24), " myapp IS BACK  ")] {
        let frame = desk.frame(size);
        let header = frame.lines().next().unwrap_or_default();
        assert!(header.contains(words) && !header.contains('\u{2026}'), "{header}");
    }
    // Whoever takes the act back wants it.
    acted(&mut desk, Act { away: None, ..rolled_back(5, Request::Undo { act: 4 }) });
    assert!(!desk.frame((120, 35)).contains("IS BACK"));
}

#[test]
fn pods_from_before_half_an_hour_later_and_other_versions_are_no_drift() {
    let mut before = desk("03:01");
    acted(&mut before, rolled_back(4, roll_back()));
    assert!(told(&mut before).is_empty(), "they end");
    let mut other = desk("03:12");
    acted(&mut other, Act { away: Some("myapp-7d8b9".into()), ..rolled_back(4, roll_back()) });
    assert!(told(&mut other).is_empty());
    let mut late = desk("03:12");
    acted(&mut late, Act { ended: Some(at("02:40")), ..rolled_back(4, roll_back()) });
    assert!(told(&mut late).is_empty());
    let mut failed = desk("03:12");
    acted(&mut failed, Act { outcome: Outcome::Unknown, ..rolled_back(4, roll_back()) });
    assert!(told(&mut failed).is_empty());
}
