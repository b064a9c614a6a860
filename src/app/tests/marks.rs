//! Marks on Triage: they go with what was sent for them, and with their alerts.

use super::*;
use crate::{
    action::{Evidence, Inspection, Request, act::ActionEvent},
    model::alert::AlertState,
    store::Changes,
    ui::testing::{alertmanager, incident},
};

/// Both alerts are marked.
fn marked() -> Desk {
    let mut desk = Desk::new(incident());
    desk.keys("2");
    desk.frame((120, 35));
    desk.keys(" j ");
    assert!(desk.frame((120, 35)).contains("2 marked"));
    desk
}

fn end(desk: &mut Desk, name: &str) {
    let time = desk.clock.now().wall;
    for alert in desk.app.store.alerts.values_mut().filter(|alert| alert.name == *name) {
        alert.state = AlertState::Resolved(time);
    }
    desk.app.note_changes(Changes::ALERTS);
    desk.frame((120, 35));
}

fn acknowledged(effects: Vec<Effect>) -> Option<(u64, Request)> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Prepare { ticket, request, .. } => Some((ticket, request)),
        _ => None,
    })
}

#[test]
fn they_go_with_what_is_sent_for_them() {
    let mut desk = marked();
    let (ticket, request) = acknowledged(desk.keys("a")).expect("it is asked for");
    assert!(matches!(&request, Request::Acknowledge { alerts } if alerts.len() == 2), "{request:?}");
    assert!(desk.frame((120, 35)).contains("2 marked"), "nothing is sent yet");
    let alerts = desk.app.store.alerts.values().cloned().collect();
    let now = desk.clock.now();
    let mut evidence = Evidence::of(Inspection::Alerts { alerts, silences: Vec::new() }, now.wall);
    evidence.writable = [alertmanager()].into();
    let event = ActionEvent::Evidence { ticket, request: Box::new(request), result: Ok(Box::new(evidence)) };
    let sent = desk.app.update(Msg::Action(Box::new(event)), now);
    assert!(matches!(sent.as_slice(), [Effect::Execute { .. }]), "{sent:?}");
    assert!(!desk.frame((120, 35)).contains("marked"));
}

#[test]
fn one_goes_with_its_alert_and_the_next_act_means_the_row() {
    let mut desk = marked();
    end(&mut desk, "HighErrorRate");
    assert!(desk.frame((120, 35)).contains("1 marked"));
    end(&mut desk, "PodOOMKilled");
    assert!(!desk.frame((120, 35)).contains("2 marked"));

    let mut desk = marked();
    desk.press(KeyCode::Esc);
    desk.keys("k j");
    end(&mut desk, "HighErrorRate");
    let frame = desk.frame((120, 35));
    assert!(!frame.contains("marked") && frame.contains("1 resolved"), "{frame}");
    // Sent at once, it would be sent for a row that was not meant.
    assert!(acknowledged(desk.keys("a")).is_none());
    let frame = desk.frame((120, 35));
    assert!(frame.contains("what was marked has ended: HighErrorRate myapp"), "{frame}");
    let Some((_, Request::Acknowledge { alerts })) = acknowledged(desk.keys("a")) else { panic!("the row") };
    assert_eq!(alerts.iter().map(|key| key.fingerprint.as_str()).collect::<Vec<_>>(), ["PodOOMKilled-postgres"]);
}

#[test]
fn what_has_ended_is_not_marked() {
    let mut desk = Desk::new(incident());
    desk.keys("2");
    end(&mut desk, "HighErrorRate");
    desk.keys("G ");
    let frame = desk.frame((120, 35));
    assert!(frame.contains("it has ended") && !frame.contains("1 marked"), "{frame}");
}
