use super::*;
use crate::{
    model::alert::Priority,
    source::{Fact, Update},
    time::{Clock, TestClock},
};

const ALERTMANAGER: &str = "am";

struct Desk {
    store: Store,
    clock: TestClock,
}

impl Desk {
    fn new(backends: &[(&str, BackendKind)]) -> Self {
        let clock = TestClock::at("2026-11-21T03:00:00Z".parse().expect("valid"));
        let mut desk = Self { store: Store::default(), clock };
        for (name, kind) in backends {
            let source = SourceId::new(&BackendId::new(name), Part::Alerts);
            desk.store.expect(source, *kind, Duration::from_secs(15), 0);
        }
        desk
    }

    /// A pair as they usually come.
    fn pair() -> Self {
        Self::new(&[(ALERTMANAGER, BackendKind::Alertmanager), ("prom", BackendKind::Prometheus)])
    }

    /// A backend's list, a second after what came before.
    fn say(&mut self, backend: &str, list: &[Alert]) -> Changes {
        self.clock.advance(Duration::from_secs(1));
        let from = SourceId::new(&BackendId::new(backend), Part::Alerts);
        let list = list.iter().map(|alert| Alert { key: own(backend, alert), ..alert.clone() }).collect();
        let body = Ok(vec![Fact::Alerts { list, groups: Vec::new() }]);
        self.store.apply(Update { from, at: self.clock.now().wall, generation: 0, body }, self.clock.now())
    }

    fn rows(&self) -> Vec<String> {
        let row = |alert: &Alert| {
            let state = match &alert.state {
                AlertState::Resolved(_) => "Resolved".to_owned(),
                other => format!("{other:?}"),
            };
            let alone = if alert.is_alone() { " alone" } else { "" };
            format!("{}/{} {state}{alone}", alert.key.backend, alert.key.fingerprint)
        };
        self.store.alerts.values().map(row).collect()
    }
}

fn own(backend: &str, alert: &Alert) -> AlertKey {
    AlertKey { backend: BackendId::new(backend), fingerprint: alert.key.fingerprint.clone() }
}

/// As Alertmanager lists it. Its fingerprint: its labels.
fn listed(labels: &[(&str, &str)]) -> Alert {
    let labels: Box<[(Name, Clean)]> = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let name = labels.iter().find(|(name, _)| name == "alertname").expect("named").1.clone();
    let fingerprint = labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",");
    Alert {
        key: AlertKey { backend: BackendId::new(ALERTMANAGER), fingerprint: Clean::own(fingerprint) },
        state: AlertState::Firing,
        priority: Priority::P1,
        labels,
        annotations: Box::default(),
        starts: Some("2026-11-21T02:50:00Z".parse().expect("valid")),
        active_since: None,
        receivers: Box::new(["pager".into()]),
        silenced_by: Box::default(),
        generator_url: None,
        value: None,
        rule: None,
        is_watchdog: name == "Watchdog",
        name,
    }
}

/// As Prometheus has it.
fn evaluated(labels: &[(&str, &str)], state: AlertState) -> Alert {
    let rule = Rule {
        backend: BackendId::new("prom"),
        expression: Some("rate(errors[1m]) > 5".into()),
        hold_seconds: 300,
        is_alone: true,
    };
    Alert {
        state,
        receivers: Box::default(),
        active_since: Some("2026-11-21T02:45:00Z".parse().expect("valid")),
        value: Some("31".into()),
        rule: Some(rule),
        ..listed(labels)
    }
}

const HIGH: &[(&str, &str)] = &[("alertname", "High"), ("service", "api")];

#[test]
fn one_alert_is_one_row_from_pending_to_resolved() {
    let mut desk = Desk::pair();
    desk.say(ALERTMANAGER, &[]);
    desk.say("prom", &[evaluated(HIGH, AlertState::Pending)]);
    let row = "am/alertname=High,service=api";
    assert_eq!(desk.rows(), [format!("{row} Pending alone")]);
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing)]);
    assert_eq!(desk.rows(), [format!("{row} Firing alone")]);
    desk.say(ALERTMANAGER, &[listed(HIGH)]);
    assert_eq!(desk.rows(), [format!("{row} Firing")]);
    let joined = desk.store.alerts.values().next().expect("a row");
    assert_eq!(joined.value.as_deref(), Some("31"));
    assert!(joined.active_since < joined.starts && joined.expression().is_some());
    let silenced = Alert { state: AlertState::Silenced, ..listed(HIGH) };
    desk.say(ALERTMANAGER, std::slice::from_ref(&silenced));
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing)]);
    assert_eq!(desk.rows(), [format!("{row} Silenced")]);
    assert_eq!(desk.say(ALERTMANAGER, &[silenced]), Changes::NONE, "the same again is no news");
    // Alertmanager drops it before Prometheus is asked again: that does not bring it back.
    desk.say(ALERTMANAGER, &[]);
    assert_eq!(desk.rows(), [format!("{row} Resolved")]);
    desk.say("prom", &[]);
    assert_eq!(desk.rows(), [format!("{row} Resolved")]);
    // It fires again, and the old value does not stand beside it.
    desk.say(ALERTMANAGER, &[listed(HIGH)]);
    assert_eq!(desk.store.alerts.values().next().and_then(|row| row.value.clone()), None);
}

#[test]
fn what_alertmanager_lost_fires_on() {
    let mut desk = Desk::pair();
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing)]);
    desk.say(ALERTMANAGER, &[listed(HIGH)]);
    desk.say(ALERTMANAGER, &[]);
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing)]);
    assert_eq!(desk.rows(), ["am/alertname=High,service=api Firing alone"]);
    desk.say("prom", &[]);
    assert_eq!(desk.rows(), ["am/alertname=High,service=api Resolved alone"]);
}

#[test]
fn while_alertmanager_is_down_prometheus_ends_what_it_listed() {
    let mut desk = Desk::pair();
    desk.say(ALERTMANAGER, &[listed(HIGH)]);
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing)]);
    desk.say("prom", &[]);
    assert_eq!(desk.rows(), ["am/alertname=High,service=api Firing"], "it answers: its own word counts");
    desk.clock.advance(Duration::from_mins(5));
    desk.say("prom", &[]);
    assert_eq!(desk.rows(), ["am/alertname=High,service=api Resolved"]);
}

#[test]
fn a_pending_alert_that_goes_away_never_was() {
    let mut desk = Desk::pair();
    desk.say("prom", &[evaluated(HIGH, AlertState::Pending)]);
    desk.say(ALERTMANAGER, &[]);
    assert_eq!(desk.rows().len(), 1, "Alertmanager knows nothing of pending ones");
    desk.say("prom", &[]);
    assert!(desk.rows().is_empty());
}

#[test]
fn external_labels_and_replicas_make_no_second_alert() {
    let sent = &[("alertname", "High"), ("cluster", "eu"), ("service", "api")];
    let mut desk = Desk::pair();
    // Known before Alertmanager has it, under a label set that lacks what is added on the way.
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing)]);
    desk.say(ALERTMANAGER, &[listed(sent)]);
    assert_eq!(desk.rows(), ["am/alertname=High,cluster=eu,service=api Firing"]);
    let replica = &[("alertname", "High"), ("cluster", "eu"), ("prometheus_replica", "0"), ("service", "api")];
    desk.say("prom", &[evaluated(replica, AlertState::Firing)]);
    assert_eq!(desk.rows(), ["am/alertname=High,cluster=eu,service=api Firing"]);
}

#[test]
fn alerts_that_only_look_alike_stay_two() {
    let pod = &[("alertname", "High"), ("pod", "api-1"), ("service", "api")];
    let mut desk = Desk::pair();
    // The one with more labels is listed, and is its own in Prometheus: the other is not it.
    desk.say(ALERTMANAGER, &[listed(pod)]);
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing), evaluated(pod, AlertState::Firing)]);
    assert_eq!(
        desk.rows(),
        ["am/alertname=High,pod=api-1,service=api Firing", "am/alertname=High,service=api Firing alone"]
    );
    // Another expression is another rule.
    let mut desk = Desk::pair();
    let link = Some("http://prom/graph?g0.expr=up+%3D%3D+0&g0.tab=1".into());
    desk.say(ALERTMANAGER, &[Alert { generator_url: link, ..listed(pod) }]);
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing)]);
    assert_eq!(desk.rows().len(), 2, "{:?}", desk.rows());
    // Another cluster's.
    let (eu, us) = (&[("alertname", "High"), ("cluster", "eu")], &[("alertname", "High"), ("cluster", "us")]);
    let mut desk = Desk::pair();
    desk.say(ALERTMANAGER, &[listed(eu)]);
    desk.say("prom", &[evaluated(us, AlertState::Pending)]);
    assert_eq!(desk.rows(), ["am/alertname=High,cluster=eu Firing", "am/alertname=High,cluster=us Pending alone"]);
}

#[test]
fn without_one_alertmanager_it_is_prometheus_own() {
    let mut desk = Desk::new(&[("prom", BackendKind::Prometheus)]);
    let watchdog = evaluated(&[("alertname", "Watchdog")], AlertState::Firing);
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing), watchdog.clone()]);
    assert_eq!(desk.rows(), ["prom/alertname=High,service=api Firing alone", "prom/alertname=Watchdog Firing alone"]);
    // An Alertmanager is found: the same rows go over to it, but a watchdog must arrive there by itself.
    let source = SourceId::new(&BackendId::new(ALERTMANAGER), Part::Alerts);
    desk.store.expect(source, BackendKind::Alertmanager, Duration::from_secs(15), 0);
    desk.say("prom", &[evaluated(HIGH, AlertState::Firing)]);
    assert_eq!(desk.rows()[0], "am/alertname=High,service=api Firing alone");
    assert!(!desk.rows().iter().any(|row| row.starts_with("prom/alertname=High")), "{:?}", desk.rows());
    // Of two it is not known which.
    let mut desk = Desk::new(&[
        (ALERTMANAGER, BackendKind::Alertmanager),
        ("am-2", BackendKind::Alertmanager),
        ("prom", BackendKind::Prometheus),
    ]);
    desk.say("prom", &[evaluated(HIGH, AlertState::Pending)]);
    assert_eq!(desk.rows(), ["prom/alertname=High,service=api Pending alone"]);
    desk.say("am-2", &[listed(HIGH)]);
    assert_eq!(desk.rows(), ["am-2/alertname=High,service=api Firing"]);
}

#[test]
fn two_replicas_of_prometheus_know_one_alert() {
    let mut desk = Desk::new(&[("prom", BackendKind::Prometheus), ("prom-2", BackendKind::Prometheus)]);
    let home = "am";
    let source = SourceId::new(&BackendId::new(home), Part::Alerts);
    desk.store.expect(source, BackendKind::Alertmanager, Duration::from_secs(15), 0);
    desk.say("prom", &[evaluated(HIGH, AlertState::Pending)]);
    desk.say("prom-2", &[evaluated(HIGH, AlertState::Firing)]);
    assert_eq!(desk.rows(), ["am/alertname=High,service=api Firing alone"]);
}

#[test]
fn a_failing_rule_is_told_and_is_nobodys_alert() {
    let mut desk = Desk::pair();
    let failing = evaluated(HIGH, AlertState::Other("rule fails".into()));
    desk.say(ALERTMANAGER, &[listed(HIGH)]);
    desk.say("prom", &[failing]);
    let rows = desk.rows();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[1].starts_with("prom/") && rows[1].contains("rule fails"), "{rows:?}");
}
