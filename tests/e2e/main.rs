//! End to end: the real binary in a pseudo-terminal, read through a screen parser, on the demo's servers in a process of
//! their own. Tests wait for text, never for time; a failing one prints the last screen.

mod terminal;
mod world;

use terminal::Terminal;
use world::World;

/// The cockpit on the world's own configuration.
fn cockpit(world: &World, size: (u16, u16), args: &[&str]) -> Terminal {
    let config = world.config();
    let mut all = vec!["--config", config.as_str()];
    all.extend(args);
    Terminal::start(&all, size)
}

#[test]
fn the_incident_is_on_screen_and_every_screen_opens() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    for (key, text) in [
        ("2", "TIMELINE"),
        ("3", "WORKLOADS"),
        ("4", "RUNS"),
        ("5", "PULL REQUESTS"),
        ("6", "error rate"),
        ("7", "LOGS"),
        ("8", "AUDIT"),
    ] {
        screen.keys(key);
        screen.wait(text);
    }
    screen.keys("1");
    screen.wait("HighErrorRate");
    screen.keys(":q\r");
    screen.ended(0);
    screen.assert_restored();
}

#[test]
fn a_narrow_terminal_and_one_of_one_cell_are_survived() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (80, 24), &["--ascii"]);
    screen.wait("HighErrorRate");
    screen.keys("3");
    screen.wait("WORKLOADS");
    screen.resize((1, 1));
    screen.resize((50, 12));
    screen.wait("HighErrorRate");
    screen.resize((120, 35));
    screen.wait("PODS of");
    screen.keys(":q\r");
    screen.ended(0);
}

#[test]
fn read_only_shows_itself_and_sends_nothing() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &["--read-only"]);
    screen.wait("READ-ONLY");
    screen.keys("3");
    screen.wait("myapp");
    screen.keys("R");
    screen.wait("read-only");
    screen.keys("411\r");
    screen.keys("\u{1b}");
    assert_eq!(world.revision("myapp"), 14, "nothing was sent");
    screen.keys(":q\r");
    screen.ended(0);
}

#[test]
fn a_dead_backend_is_said_and_recovers() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    world.backend("grafana", "down");
    screen.keys("r");
    screen.wait("?? graf");
    screen.keys("3");
    screen.wait("WORKLOADS");
    screen.wait("myapp");
    world.backend("grafana", "up");
    screen.keys("r");
    screen.gone("?? graf");
    screen.keys(":q\r");
    screen.ended(0);
}

#[test]
fn sigterm_restores_the_terminal() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    screen.signal(rustix::process::Signal::TERM);
    screen.ended(0);
    screen.assert_restored();
}
