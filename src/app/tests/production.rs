//! Whether a cluster is production: asked once, beside everything else.

use super::*;
use crate::{
    model::{BackendId, BackendKind, Part, SourceId},
    text::Clean,
    ui::testing::cluster,
};

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

/// The same address may lead elsewhere after a while: another network, a cluster made anew.
#[test]
fn an_answer_is_not_about_another_cluster_that_has_the_name_by_now() {
    let moves = |desk: &mut Desk, id: &str| {
        desk.app.store.backends.get_mut(&cluster()).expect("it is expected").info.cluster_id = Some(id.into());
        desk.app.recall_production();
        desk.app.settings.is_production(&cluster())
    };
    let mut desk = desk();
    desk.app.recall_production();
    desk.line(&format!("production no {}", cluster()));
    assert!(!moves(&mut desk, "uid-1"));
    assert!(moves(&mut desk, "uid-2"), "nobody has said anything of that one");
    assert!(!moves(&mut desk, "uid-1"), "and it is remembered");
    // What the configuration says is about the name.
    let mut desk = self::desk();
    desk.app.settings.production.insert(cluster(), false);
    assert!(!moves(&mut desk, "uid-1") && !moves(&mut desk, "uid-2"));
}

/// A second context of the cluster, through a tunnel: its address is local.
fn beside() -> BackendId {
    BackendId::new("prod-eu1-nils")
}

/// Both open; what the second says its id is.
fn desk_of_two(id: Option<&str>) -> Desk {
    let mut world = World::live();
    world.settings.backends.insert(beside(), BackendKind::Kubernetes);
    world.settings.local.insert(beside());
    let health = SourceId::new(&beside(), Part::Health);
    world.store.expect(health, BackendKind::Kubernetes, Duration::from_secs(15), 1);
    let mut desk = desk_of(world);
    let known = desk.app.store.backends.get_mut(&beside()).expect("it is expected");
    known.info.cluster_id = id.map(Clean::from);
    desk.app.recall_production();
    desk
}

#[test]
fn under_another_name_production_is_production() {
    let other = desk_of_two(Some("uid-2"));
    assert!(!other.app.settings.is_production(&beside()), "another cluster, at a local address");
    let unsaid = desk_of_two(None);
    assert!(unsaid.app.settings.is_production(&beside()), "it may be any, until it says which");

    let mut desk = desk_of_two(Some("uid-1"));
    assert!(desk.app.settings.is_production(&beside()));
    assert!(desk.frame((120, 35)).contains(" PROD  prod-eu1-nils "), "{}", desk.frame((120, 35)));
    // An answer is about the cluster, whichever of its names it was given by.
    desk.line("production no prod-eu1");
    assert!(!desk.app.settings.is_production(&beside()) && !desk.app.settings.is_production(&cluster()));
    desk.line("production yes prod-eu1-nils");
    assert!(desk.app.settings.is_production(&beside()) && desk.app.settings.is_production(&cluster()));
    // What the configuration says of one of them is not undone by the other's address.
    let mut desk = desk_of_two(Some("uid-1"));
    desk.app.settings.production.insert(cluster(), true);
    assert!(desk.app.settings.is_production(&beside()));
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

#[test]
fn the_header_says_whom_one_works_as() {
    let mut world = World::live();
    world.settings.namespaces.insert(cluster(), vec!["production".into()]);
    world.settings.impersonated.insert(cluster(), "break-glass".into());
    let mut desk = Desk::new(world);
    for size in [(120, 35), (80, 24), (60, 16)] {
        let frame = desk.frame(size);
        assert!(frame.lines().next().unwrap().contains("prod-eu1/production as b"), "{frame}");
    }
}

#[test]
fn a_cluster_that_is_open_by_two_contexts_is_said_once() {
    let words =
        "'prod-eu1-nils' is the cluster of 'prod-eu1': its rows are listed twice until `:ctx close prod-eu1-nils`";
    let told = |id: &str| {
        let mut desk = desk_of_two(None);
        let known = desk.app.store.backends.get_mut(&beside()).expect("it is expected");
        known.info.cluster_id = Some(id.into());
        desk.app.recall_clusters(desk.clock.now());
        let first = desk.frame((120, 35)).contains(words);
        desk.pass(Duration::from_secs(10));
        desk.app.update(Msg::Tick, desk.clock.now());
        desk.app.recall_clusters(desk.clock.now());
        (first, desk.frame((120, 35)).contains(words))
    };
    assert_eq!(told("uid-1"), (true, false));
    assert_eq!(told("uid-2"), (false, false), "another cluster");
}
