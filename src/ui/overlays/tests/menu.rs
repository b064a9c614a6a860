//! The menu of an object's verbs: what its keys mean, and what of it is seen.

use super::*;
use crate::ui::testing::object;

#[test]
fn a_key_that_the_screen_has_taken_is_the_objects_in_its_menu_alone() {
    let mut world = incident();
    world.size = (120, 60);
    let pod = Target::Pod(object("myapp-6d5c9-bbbbb"));
    let mut menu = actions(ScreenId::Logs, pod.clone());
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
    let world = incident();
    let mut menu = actions(ScreenId::Kube, Target::Workload(myapp()));
    let frame = text(&world, &mut *menu);
    assert!(!frame.contains("copy what is selected") && frame.contains("(y copies it)"), "{frame}");
    let replies = command(&world, &mut *menu, Command::Copy);
    let [Reply::Do(crate::app::Effect::Copy(line))] = replies.as_slice() else { panic!("it copies nothing") };
    assert!(line.starts_with("kubectl "), "{line}");
}
