//! Silences: made, for an acknowledgement too, and ended.

use super::*;

pub(super) fn alert(name: &str, state: AlertState, silenced_by: &[&str]) -> Alert {
    Alert {
        key: AlertKey { backend: BackendId::new("am"), fingerprint: name.into() },
        name: name.into(),
        state,
        priority: Priority::P1,
        labels: Box::new([("alertname".into(), name.into()), ("service".into(), "myapp".into())]),
        annotations: Box::new([]),
        starts: None,
        active_since: None,
        receivers: Box::new([]),
        silenced_by: silenced_by.iter().map(|id| Clean::from(*id)).collect(),
        generator_url: None,
        value: None,
        rule: None,
        is_watchdog: name == "Watchdog",
    }
}

/// Pending in Prometheus: what Alertmanager will get is held before it comes.
#[test]
fn an_alert_that_alertmanager_has_not_got_is_silenced_ahead() {
    let pending = alert("High", AlertState::Pending, &[]);
    let request = Request::Silence(SilenceDraft::acknowledging(&pending, "ana"));
    let plan = asked(&request, alerts(Vec::new())).expect("a plan");
    assert_eq!(plan.risk, Risk::Reversible, "read, then `y`");
    assert!(look(&plan, "S1").contains("no alert now"));
    let StepKind::Write(Write::CreateSilence { matchers, comment, .. }) = &plan.steps[0].kind else {
        panic!("{:?}", plan.steps)
    };
    assert_eq!(matchers.len(), pending.labels.len());
    assert!(matchers.iter().all(|matcher| matcher.matches(&pending.labels)));
    assert!(comment.starts_with("acknowledged by ana"));
}

fn alerts(all: Vec<Alert>) -> Inspection {
    let silence = Silence {
        key: SilenceKey { backend: BackendId::new("am"), id: "s1".into() },
        matchers: vec![Matcher::equal(&"service".into(), &"myapp".into())],
        starts: ago(10),
        ends: ago(-50),
        created_by: "bob".into(),
        comment: "on it".into(),
        state: "active".into(),
    };
    Inspection::Alerts { alerts: all, silences: vec![silence] }
}

#[test]
fn an_acknowledgement_silences_exactly_these_alerts_for_a_quarter_of_an_hour() {
    let (high, slow) = (alert("High", AlertState::Firing, &[]), alert("Slow", AlertState::Silenced, &["s1"]));
    let request = Request::Acknowledge { alerts: vec![high.key.clone(), slow.key.clone()] };
    let plan = asked(&request, alerts(vec![high.clone(), slow.clone()])).expect("a plan");
    assert_eq!(plan.risk, Risk::Quiet);
    let [
        PlanStep {
            kind: StepKind::Write(Write::CreateSilence { matchers, starts, ends, comment, created_by, .. }),
            ..
        },
    ] = plan.steps.as_slice()
    else {
        panic!("{:?}", plan.steps)
    };
    assert_eq!(matchers.len(), 2);
    assert_eq!(ends.as_second() - starts.as_second(), 15 * 60);
    assert_eq!((comment.as_str(), created_by.as_str()), ("acknowledged by ana with midwatch", "ana"));
    assert!(plan.facts[0].1.contains("silenced by bob"), "{:?}", plan.facts);
    let only = Request::Acknowledge { alerts: vec![slow.key.clone()] };
    assert!(refusal(asked(&only, alerts(vec![slow]))).contains("silenced by bob until 04:04 UTC: on it"));
}

/// A fingerprint says nothing to anybody.
#[test]
fn a_refusal_names_the_alert() {
    let mut high = alert("High", AlertState::Resolved(ago(1)), &[]);
    high.key.fingerprint = "1cd45647b0a6d1e0".into();
    let request = Request::Acknowledge { alerts: vec![high.key.clone()] };
    let mut known = store(Vec::new());
    known.alerts.insert(high.key.clone(), high);
    let mut evidence = Evidence::of(alerts(Vec::new()), now().wall);
    evidence.writable = [BackendId::new("am")].into();
    let says = refusal(plan(&request, &evidence, &known, &settings(), now()));
    assert_eq!(says, "nothing to acknowledge: High myapp is not listed by 'am' (any more): nothing to hold");
}

#[test]
fn a_silence_ends_says_why_and_does_not_hit_everything() {
    let draft = |value: &str, is_regex, minutes, comment: &str| SilenceDraft {
        backend: BackendId::new("am"),
        matchers: vec![Matcher { name: "alertname".into(), value: value.into(), is_regex, is_equal: true }],
        minutes,
        comment: comment.to_owned(),
    };
    let ask = |draft| {
        let all = vec![alert("High", AlertState::Firing, &[]), alert("Watchdog", AlertState::Firing, &[])];
        asked(&Request::Silence(draft), alerts(all))
    };
    let plan = ask(draft("High", false, 60, "known")).expect("a plan");
    assert_eq!(plan.risk, Risk::Reversible);
    assert!(plan.facts.iter().any(|(name, hits)| name == "HITS NOW" && hits.contains("High myapp")));
    assert!(look(&ask(draft("None", false, 60, "known")).expect("a plan"), "S1").contains("no alert"));
    assert!(stop(&ask(draft(".+", true, 60, "known")).expect("a plan"), "S3").contains("watchdog"));
    assert!(refusal(ask(draft("High", false, 60, " "))).contains("comment"));
    assert!(refusal(ask(draft("High", false, 0, "x"))).contains("24 hours"));
    assert!(refusal(ask(draft("High", false, 1441, "x"))).contains("24 hours"));
    assert!(refusal(ask(draft(".*", true, 60, "x"))).contains("everything"));
    assert!(refusal(ask(draft("(", true, 60, "x"))).contains("no valid expression"));
}

/// Each has its own matchers, none hits what was not marked.
#[test]
fn several_alerts_are_silenced_in_one_plan_each_by_its_own_silence() {
    let (high, slow) = (alert("High", AlertState::Firing, &[]), alert("Slow", AlertState::Firing, &[]));
    let drafts = || vec![SilenceDraft::of(&high, "ana"), SilenceDraft::of(&slow, "ana")];
    let plan = asked(&Request::Silences(drafts()), alerts(vec![high.clone(), slow.clone()])).expect("a plan");
    assert_eq!((plan.title.as_str(), plan.risk), ("SILENCE 2 alerts", Risk::Reversible));
    assert_eq!((plan.steps.len(), plan.equivalent.len()), (2, 2));
    for (step, alert) in plan.steps.iter().zip([&high, &slow]) {
        let StepKind::Write(Write::CreateSilence { matchers, comment, .. }) = &step.kind else { panic!("{step:?}") };
        assert!(matchers.len() == alert.labels.len() && matchers.iter().all(|it| it.matches(&alert.labels)));
        assert!(comment.starts_with(alert.name.as_str()), "{comment}");
        assert!(step.says.contains(&format!("alertname=\"{}\" service=\"myapp\" until", alert.name)), "{}", step.says);
    }
    assert!(plan.facts.iter().any(|(name, hits)| name == "HITS NOW" && hits.as_str() == "High myapp, Slow myapp"));
    let said = |plan: &Plan, name: &str| plan.facts.iter().find(|(other, _)| other == name).expect(name).1.to_string();
    assert_eq!(said(&plan, "COMMENT"), "each is being worked on by ana");
    let mut turned = drafts();
    turned.reverse();
    turned[0].comment = "ticket 12".into();
    let turned = asked(&Request::Silences(turned), alerts(vec![high.clone(), slow.clone()])).expect("a plan");
    assert!(turned.steps[0].says.contains("High"), "in the order of HITS NOW: {}", turned.steps[0].says);
    assert_eq!(said(&turned, "COMMENT"), "High is being worked on by ana, ticket 12");
    assert!(look(&plan, "S2").contains("2 of them page"));
    let later = asked(&Request::Silences(drafts()), alerts(vec![high.clone()])).expect("a plan");
    let scope = later.checks.iter().find(|check| check.id == "S1").map(|check| &check.result);
    assert_eq!(scope, Some(&CheckResult::Ok("they match 1 now; no alert matches: Slow".into())));
    assert_eq!(plan.moved_to(&later), None, "one of them has ended while one looked");
    let none = asked(&Request::Silences(drafts()), alerts(Vec::new())).expect("a plan");
    assert!(look(&none, "S1").contains("no alert now"));
    assert!(plan.moved_to(&none).is_some());
    let watchdog = alert("Watchdog", AlertState::Firing, &[]);
    let request = Request::Silences(vec![SilenceDraft::of(&high, "ana"), SilenceDraft::of(&watchdog, "ana")]);
    assert!(stop(&asked(&request, alerts(vec![high, watchdog])).expect("a plan"), "S3").contains("watchdog"));
}

#[test]
fn expiring_somebody_elses_silence_says_whose() {
    let key = SilenceKey { backend: BackendId::new("am"), id: "s1".into() };
    let held = alert("High", AlertState::Silenced, &["s1"]);
    let plan = asked(&Request::ExpireSilence { silence: key.clone() }, alerts(vec![held])).expect("a plan");
    assert!(look(&plan, "S2").contains("bob"));
    assert!(look(&plan, "S1").contains("page again"));
    let other = SilenceKey { id: "s9".into(), ..key };
    assert!(refusal(asked(&Request::ExpireSilence { silence: other }, alerts(Vec::new()))).contains("ended already"));
}
