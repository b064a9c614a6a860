//! What ends soon of what we log in with is said wherever one looks, and on the page of what fails.

use super::*;
use crate::{
    model::{BackendId, BackendInfo, BackendKind, Ending, Part},
    source::Fact,
    ui::testing::{at, cluster, incident},
};

/// A certificate that ends in two days, a token that has ended, and a CA that lasts.
fn world() -> World {
    let ending = |what: &str, day: &str| Ending {
        what: what.into(),
        at: format!("2026-03-{day}").parse().unwrap(),
        notice: Duration::from_hours(7 * 24),
    };
    let endings = vec![
        ending("client certificate", "16T06:00:00Z"),
        ending("token", "14T03:00:00Z"),
        ending("CA certificate", "30T00:00:00Z"),
    ];
    assert!(endings[1].at < at("03:14"));
    let mut world = incident();
    let info = BackendInfo { endings: Some(endings), ..BackendInfo::default() };
    world.say(&cluster(), Part::Pods, vec![Fact::Info(info)]);
    world
}

#[test]
fn the_header_says_what_ends_soon_and_what_has_ended() {
    let mut desk = Desk::new(world());
    let frame = desk.frame((200, 45));
    let header = frame.lines().next().unwrap();
    assert!(header.contains("prod-eu1: client certificate ends in 2d2h"), "{header}");
    assert!(header.contains("prod-eu1: token ended 14m ago"), "{header}");
    assert!(!header.contains("CA certificate"), "there is time: {header}");
}

/// Of a cluster beside others, too: what ends is worth more than their names.
#[test]
fn a_narrow_header_says_in_few_words_what_ends_and_when() {
    let mut world = world();
    let other = BackendId::new("staging-eu1");
    world.settings.production.insert(other.clone(), false);
    world.settings.backends.insert(other, BackendKind::Kubernetes);
    let mut desk = Desk::new(world);
    let frame = desk.frame((80, 24));
    let header = frame.lines().next().unwrap();
    assert!(header.contains("PROD  prod-eu1  +1"), "{header}");
    assert!(header.contains("prod-eu1: cert 2d2h, token ended "), "{header}");
}

#[test]
fn the_page_of_what_fails_says_it_beside_the_backend() {
    let mut desk = Desk::new(world());
    desk.frame((120, 45));
    desk.keys("@");
    let frame = desk.frame((120, 45));
    let below = |text: &str| frame.lines().skip(1).any(|line| line.contains(text) && !line.contains("prod-eu1"));
    assert!(below("client certificate ends in 2d2h") && below("token ended 14m ago"), "{frame}");
    assert!(!frame.contains("CA certificate"), "{frame}");
}
