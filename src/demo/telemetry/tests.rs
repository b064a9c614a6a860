//! Rules of alerts and silences.

use super::*;
use crate::demo::{
    cluster::quantity::mebibytes,
    telemetry::silences::{Matcher, Refused, Silence},
};

fn at(text: &str) -> Timestamp {
    format!("2026-11-21T{text}Z").parse().unwrap()
}

fn telemetry() -> Telemetry {
    Telemetry::new(&Scenario::load("default").unwrap(), 7, at("03:14:00"))
}

fn silence(matcher: &str, from: &str, to: &str) -> Silence {
    Silence {
        id: String::new(),
        matchers: vec![Matcher::parse(matcher).unwrap()],
        starts_at: at(from),
        ends_at: at(to),
        updated_at: at(from),
        created_by: "ana".to_owned(),
        comment: String::new(),
    }
}

#[test]
fn a_rule_is_pending_for_its_time_then_fires_then_resolves() {
    let mut telemetry = telemetry();
    let key = Key { service: 0, metric: Metric::ErrorPercent, part: None };
    let mut states = Vec::new();
    for (time, value) in [("03:00:00", 1.0), ("03:01:00", 9.0), ("03:05:59", 9.0), ("03:06:00", 9.0), ("03:07:00", 2.0)]
    {
        telemetry.series.push(key.clone(), at(time), value);
        telemetry.alerts.evaluate(at(time), &telemetry.series);
        states.push(telemetry.alerts.rules[0].state.as_str());
    }
    assert_eq!(states, ["inactive", "pending", "pending", "firing", "inactive"]);
    let seen: Vec<_> = telemetry.alerts.changes.iter().filter(|c| c.rule == 0).map(|c| c.to).collect();
    assert_eq!(seen, ["pending", "firing", "inactive"]);
}

#[test]
fn once_is_once() {
    let mut rules = telemetry().alerts.rules;
    let rule = rules.iter_mut().find(|rule| rule.spec.name == "PodOOMKilled").unwrap();
    for (value, times) in [(1.0, "once"), (2.0, "2 times"), (21.0, "21 times")] {
        rule.value = value;
        let says = format!("postgres-0 was killed for memory {times} in 15 minutes");
        assert_eq!(rule.annotations()["summary"], says);
    }
}

#[test]
fn silences_are_checked_as_alertmanager_does() {
    let mut silences = telemetry().silences;
    let now = at("03:14:00");
    let mut refused = |silence: Silence| match silences.set(silence, now) {
        Err(Refused::Bad(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(refused(silence(r#"a="b""#, "03:00:00", "03:10:00")).contains("in the past"));
    assert!(refused(silence(r#"a="b""#, "04:00:00", "03:20:00")).contains("before end"));
    assert!(refused(silence(r#"a=~".*""#, "03:14:00", "03:20:00")).contains("empty string"));
    assert!(
        refused(Silence { matchers: Vec::new(), ..silence("a=b", "03:14:00", "03:20:00") }).contains("at least one")
    );
    let gone = silences.set(Silence { id: "nope".to_owned(), ..silence("a=b", "03:14:00", "03:20:00") }, now);
    assert!(matches!(gone, Err(Refused::Unknown(_))));
}

#[test]
fn editing_a_silence_keeps_its_id_only_where_alertmanager_keeps_it() {
    let mut silences = telemetry().silences;
    let now = at("03:14:00");
    let id = silences.set(silence("a=b", "03:00:00", "04:00:00"), now).unwrap();
    assert_eq!(silences.get(&id).unwrap().starts_at, now, "a start in the past becomes now");
    let longer = Silence { id: id.clone(), ..silence("a=b", "03:14:00", "05:00:00") };
    assert_eq!(silences.set(longer, at("03:15:00")).unwrap(), id);
    let other = Silence { id: id.clone(), ..silence("a=c", "03:14:00", "05:00:00") };
    let new = silences.set(other, at("03:16:00")).unwrap();
    assert_ne!(new, id);
    assert_eq!(silences.get(&id).unwrap().state(at("03:16:00")), "expired");
    assert!(silences.expire(&new, at("03:17:00")) && silences.expire(&new, at("03:18:00")));
    assert_eq!(silences.get(&new).unwrap().ends_at, at("03:17:00"));
}

#[test]
fn matchers_are_anchored() {
    let labels = [("pod".to_owned(), "myapp-1".to_owned())].into();
    let hits = ["pod=myapp-1", r#"pod=~"myapp.*""#, r#"pod=~"app""#, r#"pod!="x""#, r#"other="""#, r#"pod!~"my.*""#];
    let hits: Vec<_> = hits.iter().map(|text| Matcher::parse(text).unwrap().matches(&labels)).collect();
    assert_eq!(hits, [true, true, false, true, true, false]);
    assert!(Matcher::parse("nothing").is_err() && Matcher::parse(r#"a=~"(""#).is_err());
}

#[test]
fn quantities() {
    assert_eq!(["512Mi", "2Gi", "1048576"].map(|text| mebibytes(text) as i64), [512, 2048, 1]);
}
