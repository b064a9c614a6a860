//! Keys that mean something, but not on what is selected.

use super::*;
use crate::{
    source::Login,
    ui::testing::{cluster, incident},
};

#[test]
fn a_key_of_another_kind_of_row_says_so() {
    let mut desk = Desk::new(incident());
    desk.frame((120, 35));
    let effects = desk.keys("X");
    assert!(effects.is_empty(), "{effects:?}");
    assert!(desk.frame((120, 35)).contains("X (expire) is for a silence; selected: alert"));
}

#[test]
fn a_key_that_means_nothing_anywhere_is_passed_over() {
    let mut desk = Desk::new(incident());
    let before = desk.frame((120, 35));
    desk.press(KeyCode::F(9));
    assert_eq!(desk.frame((120, 35)), before);
}

/// A cluster that nothing could be read from for want of a login.
fn logged_out() -> World {
    let mut world = World::new();
    world.fail(&cluster(), "'aws eks get-token' wants to run: press `l` to allow and log in");
    let login = Login { command: "aws".into(), args: Vec::new(), env: Vec::new() };
    for failure in world.store.sources.values_mut().filter_map(|state| state.pulse.failure.as_mut()) {
        failure.error.login = Some(login.clone());
    }
    world
}

fn logs_in(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::Login(backend)] if *backend == cluster())
}

#[test]
fn the_key_that_empty_panes_name_logs_in() {
    let mut desk = Desk::new(logged_out());
    desk.keys("3");
    let frame = desk.frame((120, 35));
    assert!(frame.contains("press `l` to allow"), "{frame}");
    assert!(!frame.contains("WORKLOADS 0"), "what was not read is not none:\n{frame}");
    assert!(logs_in(&desk.keys("l")));
}

#[test]
fn the_first_minutes_page_logs_in_too() {
    let mut world = logged_out();
    world.settings.is_first_run = true;
    world.settings.found = vec![("Kubernetes".into(), true, "its login runs 'aws': l allows it and logs in".into())];
    let mut desk = Desk::new(world);
    desk.app.show_first_minute();
    desk.frame((120, 35));
    assert!(logs_in(&desk.keys("l")));
}

#[test]
fn messages_stand_where_the_keys_do_and_hide_nothing_that_is_read() {
    for size in [(120, 35), (80, 24)] {
        let mut desk = Desk::new(World::live());
        let before = desk.frame(size);
        let (now, lines) = (desk.clock.now(), usize::from(size.1));
        desk.app.toasts.say("saved /tmp/myapp.log".into(), now);
        let after = desk.frame(size);
        let body = |frame: &str| frame.lines().take(lines - 1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(body(&after), body(&before));
        let footer = after.lines().next_back().unwrap().to_owned();
        assert!(footer.trim_end().ends_with("saved /tmp/myapp.log"), "{footer}");
        let key = before.lines().next_back().unwrap().split_whitespace().next().unwrap().to_owned();
        assert!(footer.trim_start().starts_with(&key), "the keys that fit stay: {footer}");
        // The newest alone, and of a longer one as much as there is room for.
        desk.app.toasts.say("pod myapp-1 has no address".into(), now);
        let footer = desk.frame(size).lines().next_back().unwrap().to_owned();
        assert!(!footer.contains("saved /tmp/myapp.log") && footer.contains("has no address"), "{footer}");
        desk.app.toasts.say("x".repeat(300).as_str().into(), now);
        let frame = desk.frame(size);
        assert!(body(&frame) == body(&before) && frame.lines().next_back().unwrap().contains("xxxx~"), "{frame}");
        // Somebody who types sees what.
        desk.keys("/abc");
        let footer = desk.frame(size).lines().next_back().unwrap().to_owned();
        assert!(footer.starts_with(" /abc") && footer.contains("xxx"), "{footer}");
    }
}

/// Answers to keys go with what they were pressed on; news stays.
#[test]
fn an_old_answer_takes_no_room_from_the_keys_of_a_dialog() {
    for opens in ["K", "x", ":"] {
        let mut desk = Desk::new(incident());
        desk.keys("3");
        desk.frame((80, 24));
        desk.keys("U");
        assert!(desk.frame((80, 24)).contains("nothing to undo"));
        desk.keys(opens);
        let frame = desk.frame((80, 24));
        assert!(frame.contains("esc leave") && !frame.contains("nothing to undo"), "{opens}: {frame}");
    }
    let mut desk = Desk::new(incident());
    desk.frame((80, 24));
    let now = desk.clock.now();
    desk.app.update(Msg::Said("saved /tmp/myapp.log".into()), now);
    desk.keys("?");
    assert!(desk.frame((80, 24)).contains("saved /tmp/myapp.log"));
}

/// The verb of a command line stands behind its cluster and its namespace.
#[test]
fn what_was_copied_is_said_as_far_as_there_is_room() {
    let line = "kubectl --context prod-eu1 -n production rollout undo deployment/myapp --to-revision=13";
    for (size, expected) in [((80, 24), "-n production rollout undo"), ((200, 50), line)] {
        let mut desk = Desk::new(World::live());
        let now = desk.clock.now();
        desk.app.toasts.say(crate::app::copied(&line.into()), now);
        let footer = desk.frame(size).lines().next_back().unwrap().to_owned();
        assert!(footer.contains("copied: kubectl") && footer.contains(expected), "{footer}");
    }
}

#[test]
fn below_the_least_size_no_key_means_a_row_that_is_not_seen() {
    let mut desk = Desk::new(incident());
    desk.keys("3");
    assert!(desk.frame((60, 16)).contains("WORKLOADS"));
    let size = (40, 12);
    let list = desk.frame(size);
    assert!(list.lines().next().is_some_and(|first| first.ends_with(" PROD")), "{list}");
    for key in ["R", "l", "d"] {
        assert!(desk.keys(key).is_empty());
        assert!(desk.frame(size).contains("too small: rows need 60x16"), "{key}: {}", desk.frame(size));
        desk.press(KeyCode::Esc);
    }
    assert!(desk.keys("x").is_empty());
    assert!(desk.frame(size).contains("nothing is selected"));
    assert!(desk.line("roll-back").is_empty());
    desk.press(KeyCode::Esc);
    desk.frame((60, 16));
    desk.keys("R");
    let frame = desk.frame((60, 16));
    assert!(!frame.contains("too small"), "where the row is seen it is meant\n{frame}");
}

#[test]
fn a_key_without_a_row_says_what_to_select() {
    let mut desk = Desk::new(World::live());
    desk.frame((120, 35));
    desk.keys("L");
    assert!(desk.frame((120, 35)).contains("select a workload or pod first"));
}

#[test]
fn each_cluster_stands_by_its_own_badge() {
    let mut world = World::live();
    let staging = crate::model::BackendId::new("staging-eu1");
    world.settings.backends.insert(staging.clone(), crate::model::BackendKind::Kubernetes);
    world.settings.production.insert(staging, false);
    let header = Desk::new(world).frame((120, 35));
    assert!(header.starts_with(" midwatch   PROD  prod-eu1   staging-eu1 "), "{header}");
}

#[test]
fn another_filter_is_typed_in_the_place_of_the_one_before() {
    let mut desk = Desk::new(incident());
    desk.keys("3");
    desk.frame((120, 35));
    desk.keys("/myapp");
    desk.press(KeyCode::Enter);
    desk.keys("/pay");
    desk.press(KeyCode::Enter);
    assert!(desk.frame((120, 35)).contains("filter pay "), "{}", desk.frame((120, 35)));
    desk.keys("/");
    desk.press(KeyCode::End);
    desk.keys("m");
    assert!(desk.frame((120, 35)).contains("filter paym"));
}
