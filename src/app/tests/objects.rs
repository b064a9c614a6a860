//! Acts on objects: keys in, the request out.

use super::*;
use crate::{
    action::{ObjectAct, Request},
    ui::testing::{deployment, incident},
};

fn asked(effects: Vec<Effect>) -> Option<(String, ObjectAct)> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Prepare { request: Request::Object { object, act }, .. } => Some((object.to_string(), act)),
        _ => None,
    })
}

fn on_kube() -> Desk {
    let mut desk = Desk::new(incident());
    desk.keys("3");
    desk.frame((120, 35));
    desk
}

#[test]
fn a_deployment_is_paused_or_resumed_and_deleted_by_name() {
    let mut desk = on_kube();
    assert_eq!(asked(desk.line("pause")), Some(("deployment/myapp".to_owned(), ObjectAct::Pause)));
    assert!(desk.frame((120, 35)).contains("PAUSE deploy/myapp"), "a dialog waits for its plan");
    let mut desk = on_kube();
    assert_eq!(asked(desk.line("delete")), Some(("deployment/myapp".to_owned(), ObjectAct::Delete)));

    let mut world = incident();
    let mut paused = deployment("myapp", "myapp:412", 8, 10);
    paused.paused = true;
    world.workloads([paused]);
    let mut desk = Desk::new(world);
    desk.keys("3");
    desk.frame((120, 35));
    assert_eq!(asked(desk.line("pause")), Some(("deployment/myapp".to_owned(), ObjectAct::Resume)));
}

#[test]
fn a_pod_is_evicted_and_what_is_for_another_kind_is_not_offered() {
    let mut desk = on_kube();
    desk.press(KeyCode::Tab);
    desk.frame((120, 35));
    let (object, act) = asked(desk.line("evict")).expect("it is asked for");
    assert!(object.starts_with("pod/myapp-") && act == ObjectAct::Evict, "{object}");
    let mut desk = on_kube();
    desk.press(KeyCode::Tab);
    desk.keys("x");
    let menu = desk.frame((120, 35));
    assert!(menu.contains(":evict") && menu.contains(":delete"), "{menu}");
    assert!(!menu.contains(":cordon") && !menu.contains(":run-now"), "{menu}");
}

/// Its plan could only refuse it.
#[test]
fn a_daemonset_has_no_form_for_another_number() {
    let mut world = World::live();
    let key = crate::ui::testing::workload_key(crate::model::kubernetes::WorkloadKind::DaemonSet, "agent");
    world.workloads([crate::model::kubernetes::Workload { key, ..deployment("agent", "agent:1", 3, 3) }]);
    let mut desk = Desk::new(world);
    desk.keys("3");
    desk.frame((120, 35));
    desk.keys("C");
    let frame = desk.frame((120, 35));
    assert!(!frame.contains("SCALE ds/agent") && frame.contains("a DaemonSet has one pod a node"), "{frame}");
}

#[test]
fn read_only_mode_asks_for_nothing() {
    let mut world = incident();
    world.settings.read_only = Some("read-only by flag".into());
    let mut desk = Desk::new(world);
    desk.keys("3x");
    let menu = desk.frame((120, 35));
    let row = menu.lines().find(|line| line.contains(":delete")).expect("it is shown");
    assert!(row.contains("read-only by flag"), "{row}");
}

#[test]
fn a_limit_is_raised_in_a_form_that_proposes_twice_as_much() {
    use crate::{
        action::Limits,
        ui::testing::{pod, running},
    };
    let mut world = incident();
    let mut killed = pod("myapp-6d5c9", "oomed", None);
    killed.containers =
        vec![crate::model::kubernetes::Container { memory_limit: Some(512 << 20), ..running("app") }].into();
    world.pods([killed]);
    let mut desk = Desk::new(world);
    desk.keys("3");
    desk.frame((120, 35));
    desk.keys("L");
    for size in [(120, 35), (80, 24)] {
        let form = desk.frame(size);
        assert!(form.contains("LIMITS OF deploy/myapp") && form.contains("memory limit 512Mi"), "{form}");
        assert!(form.contains("1Gi"), "{form}");
    }
    let limits = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Prepare { request: Request::Limits { limits, .. }, .. } => Some(limits),
            _ => None,
        })
    };
    desk.keys(" cpu=500m");
    let asked = limits(desk.press(KeyCode::Enter));
    assert_eq!(
        asked,
        Some(Limits { container: "app".to_owned(), memory: Some("1Gi".into()), cpu: Some("500m".into()) })
    );
}

/// A pod in trouble is selected, of a server of this version.
fn on_pod(version: &str) -> Desk {
    use crate::ui::testing::{pod, running};
    let mut world = incident();
    let mut killed = pod("myapp-6d5c9", "oomed", Some(("OOMKilled", "out of memory")));
    killed.containers =
        vec![crate::model::kubernetes::Container { memory_limit: Some(512 << 20), ..running("app") }].into();
    world.pods([killed]);
    for backend in world.store.backends.values_mut() {
        backend.info.version = Some(version.into());
    }
    let mut desk = Desk::new(world);
    desk.keys("3");
    desk.frame((120, 35));
    desk.press(KeyCode::Tab);
    desk.frame((120, 35));
    desk.press(KeyCode::Down);
    desk.frame((120, 35));
    desk
}

fn prepared(effects: Vec<Effect>) -> Option<Request> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Prepare { request, .. } => Some(request),
        _ => None,
    })
}

#[test]
fn on_a_pod_it_is_that_pod_in_place_and_a_key_turns_to_the_template() {
    let mut desk = on_pod("v1.33.5-eks-1");
    desk.keys("L");
    for size in [(120, 35), (80, 24)] {
        let form = desk.frame(size);
        assert!(form.contains("LIMITS OF pod/myapp-6d5c9-oomed"), "{form}");
        assert!(form.contains("this pod, in place: no other is touched"), "{form}");
        assert!(form.contains("ctrl-t the template") && form.contains("memory limit 512Mi"), "{form}");
        assert!(form.contains("memory=2Gi cpu=500m"), "what may be written is said: {form}");
    }
    let narrow = desk.frame((60, 16));
    assert!(narrow.contains("-oomed = "), "its end tells pods apart: {narrow}");
    let Some(Request::Resize { pod, limits }) = prepared(desk.press(KeyCode::Enter)) else { panic!("of the pod") };
    assert_eq!((pod.name.as_str(), limits.memory.as_deref()), ("myapp-6d5c9-oomed", Some("1Gi")));
    assert!(desk.frame((120, 35)).contains("RESIZE pod/myapp-6d5c9-oomed"), "a dialog waits for its plan");

    let mut desk = on_pod("v1.33.5-eks-1");
    desk.keys("L");
    let turn = KeyEvent::new(KeyCode::Char('t'), KeyModifiers::CONTROL);
    desk.app.update(Msg::Key(turn), desk.clock.now());
    let form = desk.frame((120, 35));
    assert!(form.contains("LIMITS OF deploy/myapp") && form.contains("the template: every pod is replaced"), "{form}");
    assert!(form.contains("ctrl-t this pod alone"), "{form}");
    assert!(matches!(prepared(desk.press(KeyCode::Enter)), Some(Request::Limits { .. })));
}

#[test]
fn a_server_that_is_known_to_be_too_old_is_not_offered_it() {
    let mut desk = on_pod("v1.32.9");
    desk.keys("L");
    let form = desk.frame((120, 35));
    assert!(form.contains("LIMITS OF deploy/myapp") && !form.contains("ctrl-t"), "{form}");
    assert!(matches!(prepared(desk.press(KeyCode::Enter)), Some(Request::Limits { .. })));
}

/// As `a` does, and as help says of a mark.
#[test]
fn all_that_is_marked_is_silenced() {
    let silenced = |desk: &mut Desk, keys: &str| -> Vec<String> {
        let request = desk.keys(keys).into_iter().find_map(|effect| match effect {
            Effect::Prepare { request, .. } => Some(request),
            _ => None,
        });
        let drafts = match request {
            Some(Request::Silence(draft)) => vec![draft],
            Some(Request::Silences(drafts)) => drafts,
            other => panic!("a silence: {other:?}"),
        };
        drafts.iter().map(|draft| draft.matchers[0].value.to_string()).collect()
    };
    let mut desk = Desk::new(incident());
    desk.keys("2");
    desk.frame((120, 35));
    assert_eq!(silenced(&mut desk, "s"), ["HighErrorRate"], "nothing is marked: the row");
    desk.press(KeyCode::Esc);
    desk.keys(" j s");
    desk.press(KeyCode::Esc);
    assert!(desk.frame((120, 35)).contains("2 marked"));
    assert_eq!(silenced(&mut desk, "s"), ["HighErrorRate", "PodOOMKilled"]);
    desk.press(KeyCode::Esc);
    desk.keys(" ");
    assert_eq!(silenced(&mut desk, "s"), ["HighErrorRate"], "the one that is marked, not the row");
    desk.press(KeyCode::Esc);
    desk.app.store.alerts.retain(|_, alert| alert.name != *"HighErrorRate");
    for key in ["s", "a"] {
        let effects = desk.keys(key);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Prepare { .. })), "{key}: {effects:?}");
    }
    assert!(desk.frame((120, 35)).contains("what is marked is gone"));
}
