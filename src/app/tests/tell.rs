//! `w`: what one asked to be told of, by name, also when it is gone.

use super::*;
use crate::{
    model::alert::Priority,
    ui::testing::{World, alert},
};

#[test]
fn what_is_watched_has_a_name_even_when_it_is_gone() {
    let mut world = World::live();
    world.alerts(vec![alert("HighErrorRate", "myapp", Priority::P1, "03:10", "30 % fail")]);
    let mut desk = Desk::new(world);
    desk.frame((120, 35));
    desk.keys("2");
    desk.frame((120, 35));
    desk.keys("w");
    let frame = desk.frame((120, 35));
    assert!(frame.contains("you will be told when alert HighErrorRate myapp changes (now: firing)"), "{frame}");
    desk.app.store.alerts.clear();
    let now = desk.clock.now();
    let told = desk.app.update(Msg::Tick, now);
    assert!(
        matches!(&told[..], [Effect::Notify(text)] if **text == *"alert HighErrorRate myapp: firing -> gone"),
        "{told:?}"
    );
}
