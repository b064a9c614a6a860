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
