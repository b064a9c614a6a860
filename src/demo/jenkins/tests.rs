//! What the demo's jobs do to their deployments, and what the queue forgets.

use super::builds::Jenkins;
use crate::demo::{scenario::Scenario, world::World};

fn world() -> World {
    let mut scenario = Scenario::load("default").expect("the story");
    scenario.history = crate::demo::scenario::Span::seconds(1800.0);
    World::new(scenario, 1, "2026-11-21T03:14:00Z".parse().expect("a time"))
}

#[test]
fn a_job_waits_sets_the_image_and_ends_with_the_rollout() {
    let mut world = world();
    let now = world.now;
    let job = world.jenkins.job("staging/deploy-myapp").expect("it is there");
    let given = [("TAG".to_owned(), "410".to_owned()), ("UNASKED".to_owned(), "x".to_owned())];
    let (item, is_new) = world.jenkins.start(job, &given, "ana", now);
    assert!(is_new && world.jenkins.start(job, &given, "ana", now) == (item, false), "the same is merged");
    let image = |world: &World| world.clusters[1].image("staging", "myapp").expect("a deployment");
    let after = |world: &mut World, seconds: i64| {
        let to = world.now + jiff::SignedDuration::from_secs(seconds);
        world.advance(to);
    };
    after(&mut world, 1);
    assert!(image(&world).ends_with(":411"), "it waits");
    after(&mut world, 4);
    assert!(image(&world).ends_with(":410"));
    let ended = |jenkins: &Jenkins| jenkins.jobs[job].builds[0].ended.map(|(_, result)| result);
    assert_eq!((ended(&world.jenkins), world.jenkins.jobs[job].builds[0].number), (None, 88));
    after(&mut world, 120);
    assert_eq!(ended(&world.jenkins), Some("SUCCESS"));
    assert_eq!(world.jenkins.items.len(), 1);
    after(&mut world, 300);
    assert_eq!(world.jenkins.items.len(), 0, "forgotten five minutes after it left the queue");
}
