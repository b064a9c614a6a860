//! The menu of an object's verbs: what its keys mean, and what of it is seen.

use ratatui::style::Modifier;

use super::*;
use crate::ui::testing::object;

#[test]
fn a_key_that_the_screen_has_taken_is_the_objects_in_its_menu_alone() {
    let mut world = incident();
    world.size = (120, 60);
    let pod = Target::Pod(object("myapp-6d5c9-bbbbb"));
    let mut menu = actions(ScreenId::Logs, pod.clone(), None);
    let frame = text(&world, &mut *menu);
    assert!(frame.contains("what changed between its revisions"), "{frame}");
    let replies = command(&world, &mut *menu, Command::CompareVersions);
    assert!(matches!(replies.as_slice(), [Reply::Close, Reply::RunOn(Command::DiffRevisions, _)]), "=");
    let replies = command(&world, &mut *menu, Command::Wrap);
    assert!(matches!(replies.as_slice(), [Reply::Close, Reply::RunOn(Command::Watch, _)]), "w");
    let replies = command(&world, &mut *menu, Command::Follow);
    assert!(matches!(replies.as_slice(), [Reply::Ignored]), "no verb has that key");

    for size in [(120, 60), (80, 80)] {
        world.size = size;
        let frame = text(&world, &mut *help(ScreenId::Logs, Some(pod.clone())));
        assert!(frame.contains("wrap long lines") && !frame.contains("tell me when"), "{frame}");
        assert!(frame.contains("the rest of it: w = s"), "{frame}");
        let frame = text(&world, &mut *help(ScreenId::Kube, Some(pod.clone())));
        assert!(frame.contains("tell me when") && !frame.contains("the rest of it"), "{frame}");
    }
}

#[test]
fn in_the_menu_the_copy_key_means_the_line_alone() {
    let mut world = incident();
    world.runs(vec![run("deploy", 412, RunState::Success, true, "02:51")]);
    let mut menu = actions(ScreenId::Kube, Target::Workload(myapp()), None);
    let frame = text(&world, &mut *menu);
    assert!(!frame.contains("copy what is selected") && frame.contains("(y copies it)"), "{frame}");
    let replies = command(&world, &mut *menu, Command::Copy);
    let [Reply::Do(crate::app::Effect::Copy(line))] = replies.as_slice() else { panic!("it copies nothing") };
    assert!(line.starts_with("kubectl "), "{line}");
}

/// The menu of a workload at 80x24, where nothing is written for this reason.
fn read_only(why: &str) -> (World, Box<dyn Overlay>) {
    let mut world = incident();
    world.size = (80, 24);
    world.settings.read_only = Some(why.into());
    (world, actions(ScreenId::Kube, Target::Workload(myapp()), None))
}

#[test]
fn verbs_out_of_sight_are_counted_and_reasons_are_read_to_their_end() {
    let (mut world, mut menu) = read_only("a first run only reads; W enables writing");
    let frame = text(&world, &mut *menu);
    let more = |frame: &str, way: &str| {
        let row = frame.lines().find(|line| line.contains(&format!(" more {way}")));
        row.unwrap_or_else(|| panic!("no more {way} in\n{frame}")).to_owned()
    };
    assert!(!more(&frame, "v").contains("more ^"), "{frame}");
    let row = frame.lines().find(|line| line.contains(":edit")).expect("in sight");
    assert!(row.contains("edit         read-only: a first run only reads; W enables wri"), "{frame}");
    let row = frame.lines().find(|line| line.contains(":resume-sync")).expect("in sight");
    assert!(row.contains("neither Flux nor Argo CD owns it"), "writing would not help: {frame}");
    command(&world, &mut *menu, Command::Bottom);
    let frame = text(&world, &mut *menu);
    assert!(frame.contains(" o             browser"), "{frame}");
    assert!(!more(&frame, "^").contains("more v"), "{frame}");
    // Upwards, the rows stay until the cursor is on the first of them.
    command(&world, &mut *menu, Command::Up);
    assert!(!more(&text(&world, &mut *menu), "^").contains("more v"));
    world.size = (120, 45);
    assert!(!text(&world, &mut *menu).contains(" more "), "all are in sight");
}

#[test]
fn that_read_only_mode_shows_a_plan_is_read_to_its_end() {
    let (world, mut menu) = read_only("started with --read-only");
    let frame = text(&world, &mut *menu);
    let row = frame.lines().find(|line| line.contains("roll back")).expect("in sight");
    assert!(row.contains("plan only: started with --read-only"), "{frame}");
    // Struck out is what opens nothing.
    let mut buf = Buffer::empty(Rect::new(0, 0, 80, 24));
    menu.render(&world.view(), buf.area, &mut buf);
    let is_struck = |words: &str| {
        let rows = (0..24).map(|y| (y, (0..80).map(|x| buf[(x, y)].symbol()).collect::<String>()));
        let (y, row) = rows.into_iter().find(|(_, row)| row.contains(words)).expect("in sight");
        let at = row[..row.find(words).expect("found")].chars().count() as u16;
        buf[(at, y)].modifier.contains(Modifier::CROSSED_OUT)
    };
    assert!(!is_struck("roll back") && is_struck("resume sync"), "{frame}");
}
