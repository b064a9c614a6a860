//! The containers of a pod, as `why` shows them.

use super::*;
use crate::{
    model::kubernetes::{Container, ContainerState, Pod, Termination},
    ui::testing::{object, pod, running},
};

#[test]
fn one_that_has_done_its_work_is_well() {
    let ended = |name: &str, exit_code| Container {
        ready: false,
        state: ContainerState::Terminated(Termination {
            reason: "Completed".into(),
            exit_code,
            signal: None,
            message: None,
            started: None,
            finished: None,
        }),
        ..running(name)
    };
    let mut world = incident();
    world.size = (120, 70);
    world.pods([Pod {
        containers: Box::new([ended("backup", 0), ended("upload", 3)]),
        ..pod("myapp-6d5c9", "done", None)
    }]);
    let frame = text(&world, &mut *why(Target::Pod(object("myapp-6d5c9-done"))));
    for (name, mark) in [("backup", "ok"), ("upload", "!")] {
        let line = frame.lines().find(|line| line.contains(&format!("{name}   ended: "))).expect(name);
        let head = line.split(name).next().unwrap_or_default().trim_end();
        assert!(head.ends_with(mark), "{name}:\n{frame}");
    }
}

/// As with `kubectl exec`: what runs beside it may come first in the list.
#[test]
fn a_shell_is_offered_in_the_annotated_container_first() {
    let mut world = incident();
    world.pods([Pod {
        containers: Box::new([running("mesh"), running("app")]),
        default_container: Some("app".into()),
        ..pod("myapp-6d5c9", "two", None)
    }]);
    let key = object("myapp-6d5c9-two");
    let line = equivalent::line(Command::Shell, &Target::Pod(key.clone()), &world.view()).expect("it has a line");
    assert!(line.ends_with("exec -it pod/myapp-6d5c9-two -c app -- sh"), "{line}");
    let frame = text(&world, &mut *choose_container(key));
    let place = |image: &str| frame.find(image).unwrap_or_else(|| panic!("no '{image}' in\n{frame}"));
    assert!(place("app:412") < place("mesh:412"), "{frame}");
}
