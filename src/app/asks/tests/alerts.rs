//! Alerts: acknowledged at once, silenced after one look.

use super::*;
use crate::{
    action::{Inspection, SilenceDraft},
    model::{
        Name,
        alert::{Alert, AlertKey, AlertState, Priority},
    },
};

fn alert(name: &str, state: AlertState) -> Alert {
    let key = AlertKey { backend: BackendId::new("am"), fingerprint: Name::from(name) };
    Alert {
        key,
        name: name.into(),
        state,
        priority: Priority::P1,
        labels: Box::new([("alertname".into(), name.into()), ("service".into(), "myapp".into())]),
        annotations: Box::new([]),
        starts: None,
        active_since: None,
        receivers: Box::new([]),
        silenced_by: Box::new([]),
        generator_url: None,
        value: None,
        rule: None,
        is_watchdog: false,
    }
}

#[test]
fn an_acknowledgement_is_sent_at_once() {
    let high = alert("HighErrorRate", AlertState::Firing);
    let request = Request::Acknowledge { alerts: vec![high.key.clone()] };
    let mut desk = Desk::ask(request.clone());
    assert!(!desk.screen(80, 24).contains("ACK"), "no dialog");
    let mut evidence = Evidence::of(Inspection::Alerts { alerts: vec![high], silences: Vec::new() }, now().wall);
    evidence.writable = [BackendId::new("am")].into();
    let sent = desk.evidence(&request, evidence);
    let [Effect::Execute { approved, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(approved.plan().steps.len(), 1);
    // Nothing is shown, so nothing is said to be.
    let mut evidence = Evidence::of(
        Inspection::Alerts { alerts: vec![alert("HighErrorRate", AlertState::Firing)], silences: Vec::new() },
        now().wall,
    );
    evidence.writable = [BackendId::new("am")].into();
    desk.app.settings.read_only = Some("started with --read-only".into());
    assert!(desk.evidence(&request, evidence).is_empty());
    let screen = desk.screen(120, 35);
    assert!(screen.contains("read-only: started with --read-only") && !screen.contains("would be done"), "{screen}");
    desk.app.settings.read_only = None;
    // Resolved meanwhile: said, not sent.
    let evidence = Evidence::of(Inspection::Alerts { alerts: Vec::new(), silences: Vec::new() }, now().wall);
    assert!(desk.evidence(&request, evidence).is_empty());
    assert!(desk.screen(120, 35).contains("nothing to acknowledge"));
}

#[test]
fn a_silence_is_read_once_and_sent_by_one_y() {
    let high = alert("HighErrorRate", AlertState::Firing);
    let request = Request::Silence(SilenceDraft::of(&high, "ana"));
    let evidence = || {
        let mut found =
            Evidence::of(Inspection::Alerts { alerts: vec![high.clone()], silences: Vec::new() }, now().wall);
        found.writable = [BackendId::new("am")].into();
        found
    };
    let mut desk = Desk::ask(request.clone());
    desk.evidence(&request, evidence());
    let screen = desk.screen(120, 35);
    for words in
        [r#"alertname="HighErrorRate" service="myapp""#, "60 min", "HighErrorRate is being worked on by ana", "e edit"]
    {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    // The form takes the plan's place, and asks for a plan of what it says.
    desk.key(KeyCode::Char('e'));
    assert!(desk.screen(120, 35).contains("EDIT THE SILENCE"));
    desk.key(KeyCode::Tab);
    desk.key(KeyCode::Right);
    let asked = desk.key(KeyCode::Char('y'));
    let [Effect::Prepare { ticket, request, .. }] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(matches!(request, Request::Silence(draft) if draft.minutes == 240), "{request:?}");
    let request = request.clone();
    desk.ticket = *ticket;
    desk.evidence(&request, evidence());
    assert!(desk.screen(120, 35).contains("240 min"));
    desk.wait();
    let reread = desk.key(KeyCode::Char('y'));
    assert!(matches!(reread.as_slice(), [Effect::Prepare { .. }]), "read again, then sent: {reread:?}");
    let sent = desk.evidence(&request, evidence());
    assert!(matches!(sent.as_slice(), [Effect::Execute { .. }]), "{sent:?}");
}
