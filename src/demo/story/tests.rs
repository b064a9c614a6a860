//! Behaviours and log lines are functions of the story and the container, whoever asks and however often.

use super::*;

fn story() -> Story {
    let start: Timestamp = "2026-11-21T03:14:00Z".parse().unwrap();
    Story::new(Arc::new(Scenario::load("default").unwrap()), 7, start)
}

fn container<'a>(pod: &'a str, image: &'a str, started: Timestamp) -> ContainerRef<'a> {
    ContainerRef {
        cluster: "prod-eu1",
        namespace: "production",
        workload: "myapp",
        pod,
        container: "myapp",
        image,
        restart: 0,
        started,
    }
}

const BAD: &str = "registry.acme.example/myapp:412";

#[test]
fn of_many_pods_of_412_about_half_crash_and_the_same_ones_each_time() {
    let story = story();
    let names: Vec<_> = (0..400).map(|n| format!("myapp-6d5c9-{n}")).collect();
    let crash = |name: &String| story.behaviour(&container(name, BAD, story.start), story.start).crash.is_some();
    let crashing = names.iter().filter(|name| crash(name)).count();
    assert!((218..=222).contains(&crashing), "{crashing}");
    assert_eq!(crashing, names.iter().filter(|name| crash(name)).count());
}

#[test]
fn a_window_of_a_log_is_a_part_of_the_whole() {
    let story = story();
    let started = "2026-11-21T03:00:00Z".parse().unwrap();
    let names: Vec<_> = (0..20).map(|n| format!("myapp-6d5c9-{n}")).collect();
    let mut seen = String::new();
    for name in &names {
        let of = container(name, BAD, started);
        let at = |minute: i64| started.saturating_add(SignedDuration::from_mins(minute)).unwrap();
        let whole = story.log_lines(&of, None, at(0), at(10));
        assert!(whole.is_sorted_by_key(|(at, _)| *at));
        let parts: Vec<_> = (0..10).flat_map(|m| story.log_lines(&of, None, at(m), at(m + 1))).collect();
        assert_eq!(whole, parts);
        seen.extend(whole.into_iter().map(|(_, line)| line + "\n"));
    }
    for wanted in [
        "verify failed: issuer mismatch",
        "FATAL startup: no DB connection in 30s, exiting",
        "\t/src/auth/middleware.go:88 +0x1f3",
        "status=500",
    ] {
        assert!(seen.contains(wanted), "no '{wanted}'");
    }
}

#[test]
fn errors_grow_after_their_delay() {
    let story = story();
    let version = story.scenario.service("myapp").and_then(|s| s.version_of_image(BAD)).unwrap();
    let at = |seconds| errors_of(version, seconds).round() as i64;
    assert_eq!([at(0.0), at(209.0), at(270.0), at(900.0)], [0, 0, 31, 62]);
}

use jiff::SignedDuration;
