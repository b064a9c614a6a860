//! The first minute's page.

use super::*;
use crate::ui::testing::incident;

/// A first run on a world: its page stands.
fn desk(mut world: World) -> Desk {
    world.settings.is_first_run = true;
    world.settings.may_enable_writing = true;
    world.settings.read_only = Some("a first run only reads".into());
    let mut desk = Desk::new(world);
    desk.app.show_first_minute();
    desk
}

/// Nothing was found at all.
fn nothing() -> Desk {
    let mut world = World::new();
    world.settings.backends.clear();
    world.store = crate::store::Store::default();
    world.settings.found = vec![("Kubernetes".into(), false, "no kubeconfig".into())];
    desk(world)
}

fn connects(effects: &[Effect]) -> Option<&str> {
    match effects {
        [Effect::Connect(text)] => Some(text.expose()),
        _ => None,
    }
}

#[test]
fn nothing_found_is_three_lines_that_lead_on() {
    for size in [(120, 35), (80, 24), (60, 16)] {
        let frame = nothing().frame(size);
        for words in ["Looked for a kubeconfig", "found none of them", "starts the demo", "Paste any URL or token"] {
            assert!(frame.replace('\n', " ").contains(words), "{words}, {size:?}:\n{frame}");
        }
    }
    assert!(matches!(nothing().keys("d").as_slice(), [Effect::StartDemo]));
}

#[test]
fn a_paste_is_asked_what_it_is_and_never_shown() {
    let mut desk = nothing();
    let effects = desk.app.update(Msg::Paste("ghp_marker\n".into()), desk.clock.now());
    assert_eq!(connects(&effects), Some("ghp_marker"));
    assert!(!format!("{effects:?}").contains("marker"));
    assert!(!desk.frame((120, 35)).contains("marker"));
}

#[test]
fn a_typed_token_is_masked_and_an_address_is_not() {
    let mut desk = nothing();
    desk.press(KeyCode::Tab);
    assert!(desk.keys("ghp_qdw").is_empty(), "letters are text there");
    let frame = desk.frame((120, 35));
    assert!(!frame.contains("qdw") && frame.contains("*******"), "{frame}");
    assert_eq!(connects(&desk.press(KeyCode::Enter)), Some("ghp_qdw"));
    desk.press(KeyCode::Tab);
    desk.keys("https://grafana.example");
    assert!(desk.frame((120, 35)).contains("> https://grafana.example"));
    assert_eq!(connects(&desk.press(KeyCode::Enter)), Some("https://grafana.example"));
}

#[test]
fn the_page_stands_until_the_first_row_of_trouble() {
    let mut world = World::live();
    world.settings.found = vec![("Kubernetes".into(), true, "context 'prod-eu1'".into())];
    let mut desk = desk(world);
    assert!(desk.frame((120, 35)).contains("WHAT WAS FOUND"));
    let mut troubled = desk_with_found(incident());
    let frame = troubled.frame((120, 35));
    assert!(!troubled.frame((120, 35)).contains("WHAT WAS FOUND"), "{frame}");
}

#[test]
fn the_page_stays_while_somebody_types_and_when_it_was_asked_for() {
    let mut desk = desk_with_found(incident());
    desk.press(KeyCode::Tab);
    desk.frame((120, 35));
    assert!(desk.frame((120, 35)).contains("WHAT WAS FOUND"));
}

fn desk_with_found(mut world: World) -> Desk {
    world.settings.found = vec![("Kubernetes".into(), true, "context 'prod-eu1'".into())];
    desk(world)
}

/// Writing the configuration is not leaving read-only mode; the key for that still works after it.
#[test]
fn writing_is_enabled_by_its_key_also_after_the_configuration_was_written() {
    let mut desk = desk_with_found(World::live());
    assert!(matches!(desk.keys("w").as_slice(), [Effect::WriteConfig]));
    assert!(desk.app.settings.read_only.is_some());
    desk.keys("W");
    assert!(desk.app.settings.read_only.is_none());
}

#[test]
fn a_flag_for_reading_only_wins_on_a_first_run_too() {
    let mut desk = desk_with_found(World::live());
    desk.app.settings.may_enable_writing = false;
    desk.app.settings.read_only = Some("started with --read-only".into());
    desk.keys("W");
    assert!(desk.app.settings.read_only.is_some());
}

#[test]
fn a_curtain_is_a_header_and_one_line() {
    let mut world = World::new();
    world.settings.is_demo = true;
    world.settings.curtain = Some("starting the practice world".into());
    let frame = Desk::new(world).frame((80, 24));
    assert!(frame.contains("DEMO") && frame.contains("starting the practice world"), "{frame}");
    assert!(!frame.contains("Triage"), "{frame}");
}
