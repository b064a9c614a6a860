//! A version that was rolled away from, and that somebody else's pipeline sets again minutes later.

use super::{cockpit, quit};
use crate::world::World;

const STORY: &str = include_str!("../../assets/demo/default.toml");
/// The whole template of 412 (image, environment, limit), ten minutes after the start.
const AGAIN: &str = r#"
[[event]]
at = "10m"
do = "set_image"
service = "prod-eu1/production/myapp"
tag = "412"
by = "jenkins"
"#;

#[test]
fn what_a_pipeline_brings_back_after_a_rollback_is_told_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let story = folder.path().join("again.toml");
    std::fs::write(&story, format!("{STORY}{AGAIN}")).expect("written");
    let world = World::start(&["--scenario", &story.display().to_string()]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("deploy 411 -> 412");
    screen.wait("deploy #412");
    screen.keys("R");
    screen.wait("type 13 or 411");
    screen.type_slowly("13");
    screen.keys("\r");
    screen.wait("template is replaced");
    world.until("the rollback to be live", |world| world.revision("myapp") == 15);
    for _ in 0..12 {
        world.advance(15);
    }
    screen.wait("411 10/10 ready");
    screen.keys("\u{1b}");
    assert!(!screen.screen().contains("IS BACK"), "411 runs");
    assert_eq!(world.revision("myapp"), 15, "and nobody else came");

    world.until("jenkins to set 412 again", |world| world.revision("myapp") == 16);
    screen.wait("deploy/myapp is back on 412, which act 1 rolled away from: set by 'jenkins'");
    screen.wait("myapp IS BACK on what was rolled away from");
    quit(screen);
}
