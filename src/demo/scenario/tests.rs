//! The default story parses, and mistakes are named with their line.

use super::*;

#[test]
fn the_default_story_parses() {
    let story = Scenario::load("default").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(story.viewer, "ana");
    let pods: usize = story.service.iter().map(|s| story.pods_of(s)).sum();
    assert!((38..=50).contains(&pods), "{pods}");
    assert_eq!(story.service("myapp").map(|s| s.cluster.as_str()), Some("prod-eu1"));
}

#[test]
fn a_wrong_key_is_named_with_its_line() {
    let error = Scenario::parse("x.toml", "name = \"x\"\nviewer = \"ana\"\nclutser = 3\n").unwrap_err();
    assert_eq!(error.line, Some(3));
    let text = error.to_string();
    assert!(text.starts_with("scenario 'x.toml', line 3: unknown field 'clutser'"), "{text}");
}

#[test]
fn a_wrong_time_is_named_with_its_line() {
    let text = "name = \"x\"\nviewer = \"a\"\n[[event]]\nat = \"soon\"\ndo = \"scale\"\nservice = \"x\"\n";
    let error = Scenario::parse("x.toml", text).unwrap_err();
    assert_eq!(error.line, Some(4), "{error}");
    assert!(error.message.contains("'soon' is no length of time"), "{error}");
}

#[test]
fn a_name_that_leads_nowhere_is_named_with_its_table() {
    let text = "name = \"x\"\nviewer = \"a\"\n[[cluster]]\nname = \"c\"\nnamespaces = [\"n\"]\n\n[[event]]\nat = \"1m\"\n\
                do = \"oom_kill\"\nservice = \"ghost\"\n";
    let error = Scenario::parse("x.toml", text).unwrap_err();
    assert_eq!((error.line, error.message.starts_with("no service 'ghost'")), (Some(7), true), "{error}");
}

#[test]
fn an_unknown_scenario_names_those_there_are() {
    let error = Scenario::load("/nowhere/at/all.toml").unwrap_err();
    assert!(error.to_string().contains("built in are 'default'"), "{error}");
}

#[test]
fn spans_are_read_and_written() {
    for (text, seconds) in [("17m", 1020.0), ("-1h30m", -5400.0), ("0.5s", 0.5), ("45d", 3_888_000.0), ("0", 0.0)] {
        assert_eq!(Span::parse(text).map(Span::as_secs), Ok(seconds), "{text}");
    }
    for text in ["", "-", "5", "m", "5x", "1h-3m"] {
        assert!(Span::parse(text).is_err(), "{text}");
    }
    assert_eq!(Span::seconds(5400.0).to_string(), "1h30m");
}

#[test]
fn the_fleet_scales() {
    let mut story = Scenario::load("default").unwrap();
    assert!(story.scale_to(1000));
    let pods: usize = story.service.iter().map(|s| story.pods_of(s)).sum();
    assert!((1000..1010).contains(&pods), "{pods}");
}
