//! Whether a cluster is production: asked once, beside everything else.

use super::*;
use crate::{model::BackendId, text::Clean, ui::testing::cluster};

/// A cluster that has said its id, about which nobody has said anything.
fn desk() -> Desk {
    desk_of(World::live())
}

fn desk_of(world: World) -> Desk {
    let mut desk = Desk::new(world);
    desk.app.store.backends.get_mut(&cluster()).expect("it is expected").info.cluster_id = Some("uid-1".into());
    desk
}

const QUESTION: &str = "is 'prod-eu1' production?";

fn remembers(effects: &[Effect]) -> Option<(&BackendId, bool)> {
    effects.iter().find_map(|effect| match effect {
        Effect::RememberProduction { cluster, is_production } => Some((cluster, *is_production)),
        _ => None,
    })
}

#[test]
fn the_question_is_a_line_above_the_footer() {
    let mut desk = desk();
    for size in [(120, 35), (80, 24)] {
        let frame = desk.frame(size);
        let rows: Vec<&str> = frame.lines().collect();
        assert!(rows[rows.len() - 2].contains(QUESTION), "{frame}");
    }
}

#[test]
fn yes_no_and_later_answer_it() {
    for (key, known) in [('y', Some(true)), ('n', Some(false))] {
        let mut desk = desk();
        desk.keys("P");
        desk.pass(Duration::from_millis(500));
        let effects = desk.press(KeyCode::Char(key));
        assert_eq!(remembers(&effects).map(|(_, is)| is), known);
        assert_eq!(desk.app.settings.production.get(&cluster()).copied(), known);
        assert!(!desk.frame((120, 35)).contains(QUESTION));
    }
    let mut desk = desk();
    desk.keys("P");
    assert_eq!(remembers(&desk.press(KeyCode::Esc)), None);
    assert!(desk.app.settings.is_production(&cluster()), "unanswered counts as production");
    assert!(!desk.frame((120, 35)).contains(QUESTION), "not asked again in this run");
}

#[test]
fn keys_typed_ahead_are_dropped_until_there_was_quiet() {
    let mut desk = desk();
    assert_eq!(remembers(&desk.keys("Pnnn")), None);
    desk.pass(Duration::from_millis(399));
    assert_eq!(remembers(&desk.keys("n")), None, "each dropped key begins the wait anew");
    desk.pass(Duration::from_millis(400));
    assert!(remembers(&desk.keys("n")).is_some());
}

#[test]
fn an_answer_is_remembered_by_the_clusters_own_id() {
    let mut world = World::live();
    world.settings.remembered_production.insert("uid-1".into(), false);
    let mut desk = desk_of(world);
    desk.app.recall_production();
    assert_eq!(desk.app.settings.production.get(&cluster()), Some(&false));
    assert!(!desk.frame((120, 35)).contains(QUESTION));
}

#[test]
fn a_local_cluster_is_never_asked_about() {
    let mut world = World::live();
    world.settings.local.insert(cluster());
    let mut desk = desk_of(world);
    assert!(!desk.frame((120, 35)).contains(QUESTION));
    desk.keys("P");
    assert!(desk.frame((120, 35)).contains("no cluster is asked about"));
}

#[test]
fn the_palettes_line_changes_an_answer() {
    let mut desk = desk();
    for (word, known) in [("no", false), ("yes", true)] {
        desk.keys(":");
        desk.keys(&format!("production {word} {}", cluster()));
        let effects = desk.press(KeyCode::Enter);
        assert_eq!(remembers(&effects).map(|(_, known)| known), Some(known));
        assert_eq!(desk.app.settings.production.get(&cluster()), Some(&known));
    }
    desk.keys(":");
    desk.keys("production no nowhere");
    desk.press(KeyCode::Enter);
    assert!(desk.frame((120, 35)).contains("no cluster is called 'nowhere'"));
}

#[test]
fn the_questions_key_clashes_with_no_preset() {
    let keymap = crate::keymap::Keymap::new(Some("k9s"), &std::collections::BTreeMap::new()).expect("a preset");
    assert!(keymap.clashes().is_empty(), "{:?}", keymap.clashes());
    let shown: Option<String> = keymap.shown(crate::command::Command::Production);
    assert!(shown.is_some_and(|key| !Clean::own(key).is_empty()));
}
