//! What is acted on stays in sight, and under the cursor.

use super::*;
use crate::{
    action::{
        Request,
        act::{Act, ActionEvent, Outcome, Unseen},
    },
    model::kubernetes::WorkloadKey,
    store::Changes,
};

fn tell(desk: &mut Desk, workload: WorkloadKey, outcome: Outcome) {
    let act = act(workload, outcome);
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.clock.now());
}

fn act(workload: WorkloadKey, outcome: Outcome) -> Act {
    Act {
        number: 7,
        request: Request::RollBack { workload, to: Some(13), alert: None },
        title: "ROLL BACK".into(),
        place: "prod-eu1/production".into(),
        actor: "ana".into(),
        started: at("03:14"),
        ended: (outcome != Outcome::Running).then(|| at("03:16")),
        steps: Vec::new(),
        outcome,
        reason: None,
        switches: Vec::new(),
        away: None,
        left: None,
        unseen: None,
        can_undo: true,
        cluster_id: None,
        is_mine: true,
    }
}

/// A write that was taken, and whose watch saw it fail.
#[test]
fn an_act_that_was_sent_and_did_not_arrive_is_not_told_as_done() {
    let mut desk = on_kube(incident());
    let act = act(workload_key(WorkloadKind::Deployment, "myapp"), Outcome::Done);
    let failed = Act { unseen: Some(Unseen::NotThere), ..act };
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(failed)))), desk.clock.now());
    let frame = desk.frame((120, 35));
    assert!(frame.contains("ROLL BACK: sent, and not there, see @"), "{frame}");
}

/// The workloads of the world, another than before.
fn becomes(desk: &mut Desk, list: Vec<Workload>) {
    let mut world = World::live();
    world.workloads(list);
    desk.app.store = world.store;
    desk.app.changed(Changes::ALL);
}

#[test]
fn a_workload_that_is_acted_on_stays_marked_and_under_the_cursor_until_the_act_ends() {
    let mut desk = on_kube(incident());
    let myapp = workload_key(WorkloadKind::Deployment, "myapp");
    let selected = |desk: &Desk| desk.app.selected(desk.clock.now());
    // The cursor was never moved, and the act was asked for elsewhere.
    assert_eq!(selected(&desk), Some(Target::Workload(myapp.clone())));
    tell(&mut desk, myapp.clone(), Outcome::Running);
    desk.frame((120, 35));
    let fine = |name: &str| deployment(name, "a:1", 1, 1);
    let mut list = vec![deployment("myapp", "myapp:411", 10, 10), deployment("zzz-broken", "z:1", 0, 30)];
    list.extend(["aa", "ab", "ac", "ad", "ae", "af", "ag", "ah", "ai", "aj"].map(fine));
    becomes(&mut desk, list.clone());
    let frame = desk.frame((120, 35));
    let row = row_with(&frame, "deploy  myapp");
    assert!(row.contains('>') && row.contains(" ~ "), "{frame}");
    in_order(&frame, &["WORKLOADS 12   2 not ok", "deploy  myapp", "zzz-broken"]);
    tell(&mut desk, myapp.clone(), Outcome::Done);
    list[1].ready = 2;
    becomes(&mut desk, list);
    let frame = desk.frame((120, 35));
    assert!(frame.contains("WORKLOADS 12   1 not ok"), "{frame}");
    assert_eq!(selected(&desk), Some(Target::Workload(myapp)), "the next key means it, not what is worst\n{frame}");
}

#[test]
fn who_looks_at_pods_keeps_their_workload() {
    let mut desk = on_kube(incident());
    desk.press(KeyCode::Tab);
    desk.keys("j");
    let mut worse = incident();
    worse.workloads([deployment("zzz-broken", "z:1", 0, 30)]);
    desk.app.store = worse.store;
    desk.app.changed(Changes::ALL);
    let frame = desk.frame((120, 35));
    assert!(frame.contains("PODS of deploy/myapp"), "{frame}");
}

/// Rows that are all well may hide the one that is not.
#[test]
fn rows_out_of_sight_are_counted_on_the_border() {
    let mut world = World::live();
    world.workloads((0..20).map(|number| deployment(&format!("web-{number:02}"), "a:1", 1, 1)));
    let mut desk = on_kube(world);
    let frame = desk.frame((120, 35));
    assert!(frame.contains(" more v ") && !frame.contains(" more ^"), "{frame}");
    desk.keys("G");
    let frame = desk.frame((120, 35));
    assert!(frame.contains(" more ^ ") && !frame.contains(" more v"), "{frame}");
}
