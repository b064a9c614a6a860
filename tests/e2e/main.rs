//! End to end: the real binary in a pseudo-terminal, read through a screen parser, on the demo's servers in a process of
//! their own. Tests wait for text, never for time; a failing one prints the last screen.

mod drift;
mod first;
mod outside;
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

fn quit(mut screen: Terminal) {
    screen.keys("\u{3}");
    screen.ended(0);
    screen.assert_restored();
}

#[test]
fn the_incident_is_on_screen_and_every_screen_opens() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    for (key, text) in [
        ("2", "TIMELINE"),
        ("3", "WORKLOADS"),
        ("4", "PIPELINE RUNS"),
        ("5", "PULL REQUESTS"),
        ("6", "NUMBERS"),
        ("7", "LOGS"),
        ("8", "ACTS"),
    ] {
        screen.keys(key);
        screen.wait(text);
    }
    screen.keys("1");
    screen.wait("HighErrorRate");
    screen.keys("?");
    screen.wait("EVERYWHERE");
    quit(screen);
}

/// The four keys of the default story: `R` `1` `3` Enter. The world mends: new pods, fewer errors, the alert resolves.
#[test]
fn four_keys_roll_the_deploy_back_until_the_alert_resolves() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("deploy 411 -> 412");
    screen.wait("deploy #412");
    assert_eq!(world.revision("myapp"), 14);
    screen.keys("R");
    screen.wait("type 13 or 411");
    assert!(screen.screen().contains("LOOK"), "the pipeline race is said");
    assert_eq!(world.revision("myapp"), 14, "a plan sends nothing");
    screen.type_slowly("13");
    screen.wait("13");
    screen.keys("\r");
    screen.wait("act 1");
    screen.wait("template is replaced");
    world.until("the rollback to be live", |world| world.revision("myapp") == 15);
    for _ in 0..20 {
        world.advance(15);
    }
    screen.keys("\u{1b}");
    world.until("the alert to resolve", |world| !world.is_firing("HighErrorRate"));
    screen.keys("r");
    screen.until("the page to end", |screen| !screen.contains("!!  HighErrorRate"));
    screen.keys("8");
    screen.wait("ROLL BACK deploy/myapp");
    // Step 0 kept what the rollback destroyed.
    let files = screen.files();
    let kept = |end: &str| files.iter().find(|(path, _)| path.contains("evidence/0001/") && path.ends_with(end));
    let (path, log) = kept(".previous.log").expect("a dead container's log");
    assert!(log.contains("no DB connection in 30s"), "{path}: {log}");
    let (path, page) = kept("/describe.txt").expect("the workload's page");
    assert!(page.contains("myapp") && page.contains("412"), "{path}: {page}");
    quit(screen);
}

/// Three lines are typed without a look, a wrong value, and then nothing: nothing was sent.
#[test]
fn typed_ahead_and_wrong_values_send_nothing() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (80, 24), &[]);
    screen.wait("HighErrorRate");
    screen.wait("411 -> 412");
    screen.keys("R13\r13\r");
    screen.wait("type 13 or 411");
    screen.type_slowly("14\r");
    screen.wait("13");
    screen.keys("\u{1b}");
    assert_eq!(world.revision("myapp"), 14);
    quit(screen);
}

#[test]
fn a_log_goes_on_across_a_container_restart() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    screen.keys("3");
    screen.wait("CrashLoopBackOff");
    screen.keys("l");
    screen.wait("LOGS deploy/myapp");
    screen.wait("issuer mismatch");
    // Their back-off ends and they crash again.
    for _ in 0..24 {
        world.advance(20);
    }
    screen.keys("/");
    screen.type_slowly("restarted\r");
    screen.wait("restarted");
    quit(screen);
}

/// A kind by its name, an object's page, its owner, and back; of a Secret its keys.
#[test]
fn any_kind_of_object_is_one_word_away() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    let named = |screen: &mut Terminal, kind: &str| {
        screen.keys(":");
        screen.wait("COMMAND");
        screen.type_slowly(kind);
        screen.keys("\r");
    };
    named(&mut screen, "jobs");
    screen.wait("nightly-report-");
    screen.keys("\r");
    screen.wait("BackoffLimitExceeded");
    screen.keys("J");
    screen.wait("CRONJOBS 3");
    screen.wait("0 3 * * *");
    named(&mut screen, "secrets");
    screen.wait("kubernetes.io/tls");
    screen.keys("/");
    screen.type_slowly("postgres\r");
    screen.wait("SECRETS 1");
    screen.keys("\r");
    screen.wait("password");
    screen.wait("17 bytes");
    screen.keys("\u{1b}");
    screen.wait("SECRETS 1");
    // The filter goes first, then the kind.
    screen.keys("\u{1b}");
    screen.wait("SECRETS 6");
    screen.keys("\u{1b}");
    screen.wait("WORKLOADS");
    quit(screen);
}

#[test]
fn another_context_of_the_configured_kubeconfig_is_opened() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    screen.wait("6/6 up");
    screen.type_slowly(":ctx prod-eu1-rita\r");
    screen.wait("is open beside the others");
    screen.wait("7/7 up");
    quit(screen);
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
    quit(screen);
}

#[test]
fn read_only_shows_itself_and_sends_nothing() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &["--read-only"]);
    screen.wait("READ-ONLY");
    screen.wait("deploy 411 -> 412");
    screen.keys("R");
    screen.wait("ROLL BACK");
    screen.wait("read-only");
    screen.type_slowly("13\r");
    screen.keys("\u{1b}");
    assert_eq!(world.revision("myapp"), 14, "nothing was sent");
    quit(screen);
}

#[test]
fn a_dead_backend_is_said_and_recovers() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    world.backend("grafana", "down");
    screen.keys("r");
    screen.wait("?? graf");
    // The others do not notice.
    screen.keys("3");
    screen.wait("CrashLoopBackOff");
    world.backend("grafana", "up");
    screen.keys("r");
    screen.gone("?? graf");
    quit(screen);
}

#[test]
fn sigterm_and_a_crash_give_the_terminal_back() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    screen.signal(rustix::process::Signal::TERM);
    screen.ended(0);
    screen.assert_restored();
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    screen.keys(":");
    screen.type_slowly("crash\r");
    screen.ended(101);
    screen.assert_restored();
    let written = screen.all_output();
    assert!(written.contains("asked to crash") && written.contains("A report without secrets is in"), "{written}");
}

/// A marker token is in no file, no frame and no crash report.
#[test]
fn a_token_is_nowhere_to_be_read() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    screen.type_slowly("@\u{1b}?\u{1b}3d\u{1b}\u{1b}8");
    screen.wait("nothing was done");
    screen.keys(":");
    screen.type_slowly("crash\r");
    screen.ended(101);
    let written = screen.all_output();
    for secret in world.secrets() {
        assert!(!written.contains(&secret), "a token was on the screen");
        for (path, content) in screen.files() {
            assert!(!content.contains(&secret), "a token is in {path}");
        }
    }
}

/// A token command that hangs keeps nobody waiting: the frame and every other backend are there at once.
#[test]
fn a_token_command_that_hangs_delays_nobody_else() {
    let world = World::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    let text = std::fs::read_to_string(world.config()).expect("readable");
    let slow =
        "\n[[github]]\nname = \"slow\"\nurl = \"http://127.0.0.1:9\"\ntoken = { command = [\"sleep\", \"600\"] }\n";
    // Longer than the test's own patience.
    std::fs::write(&path, format!("timeouts.command = 600\n{text}{slow}")).expect("written");
    let mut screen = Terminal::start(&["--config", &path.display().to_string()], (120, 35));
    screen.wait("slow loading");
    screen.wait("HighErrorRate");
    screen.keys("3");
    screen.wait("CrashLoopBackOff");
    quit(screen);
}
