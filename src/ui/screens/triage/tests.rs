use super::*;
use crate::{
    action::{Request, SilenceDraft},
    model::alert::{Alert, AlertGroup, AlertState, Matcher, Priority, Silence, SilenceKey},
    source::Fact,
    ui::testing::{World, alert, alertmanager, at, incident},
};

fn grouped_by(labels: &[(&str, &str)], receiver: &str, alerts: &[&Alert]) -> AlertGroup {
    AlertGroup {
        backend: alertmanager(),
        labels: labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        receiver: receiver.into(),
        alerts: alerts.iter().map(|alert| alert.key.fingerprint.clone()).collect(),
    }
}

fn silence(id: &str, comment: &str) -> Silence {
    Silence {
        key: SilenceKey { backend: alertmanager(), id: id.into() },
        matchers: vec![Matcher::equal(&"alertname".into(), &"DiskWillFill".into())],
        starts: at("02:00"),
        ends: at("05:00"),
        created_by: "bob".into(),
        comment: comment.into(),
        state: "active".into(),
    }
}

/// One page, three nodes' disks of which one is silenced, one resolved latency.
fn night() -> World {
    let mut world = World::live();
    let page = alert("HighErrorRate", "myapp", Priority::P1, "03:04", "31 % of requests to myapp fail");
    let disks: Vec<Alert> = ["node-1", "node-2", "node-3"]
        .iter()
        .map(|node| alert("DiskWillFill", node, Priority::P3, "01:20", "disk is nearly full"))
        .collect();
    let slow = alert("HighLatency", "search", Priority::P3, "02:05", "p95 is 600 ms");
    let groups = |slow: Option<&Alert>| {
        let disks: Vec<&Alert> = disks.iter().collect();
        let mut groups = vec![
            grouped_by(&[("alertname", "HighErrorRate")], "pagerduty", &[&page]),
            grouped_by(&[("alertname", "HighErrorRate")], "slack", &[&page]),
            grouped_by(&[("alertname", "DiskWillFill")], "slack", &disks),
        ];
        groups.extend(slow.map(|slow| grouped_by(&[("alertname", "HighLatency")], "slack", &[slow])));
        groups
    };
    let mut list = vec![page.clone(), slow.clone()];
    list.extend(disks.iter().cloned());
    world.say(&alertmanager(), Part::Alerts, vec![Fact::Alerts { list: list.clone(), groups: groups(Some(&slow)) }]);
    list.remove(1);
    if let Some(disk) = list.last_mut() {
        (disk.state, disk.silenced_by) = (AlertState::Silenced, Box::new(["s1".into()]));
    }
    world.say(&alertmanager(), Part::Alerts, vec![Fact::Alerts { list, groups: groups(None) }]);
    world.say(&alertmanager(), Part::Silences, vec![Fact::Silences(vec![silence("s1", "known, ticket 12")])]);
    world
}

fn has(rows: &[String], words: &str) -> bool {
    rows.iter().any(|row| row.contains(words))
}

#[test]
fn counts_add_up_and_the_worst_comes_first() {
    let world = night();
    let mut triage = Triage::default();
    let rows = world.drawn(&mut triage);
    assert!(rows[0].contains("5 ALERTS, 3 GROUPS  3 firing  1 silenced  1 resolved"), "{}", rows[0]);
    let order: Vec<usize> = ["1    HighErrorRate myapp", "+ DiskWillFill", "1    HighLatency search", "SILENCES 1"]
        .iter()
        .map(|words| rows.iter().position(|row| row.contains(words)).unwrap_or_else(|| panic!("{words}: {rows:#?}")))
        .collect();
    assert!(order.is_sorted(), "{rows:#?}");
    assert!(has(&rows, "2 firing"), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("zz  1    DiskWillFill") && row.contains("until 05:00")), "{rows:#?}");
    assert!(has(&rows, "goes to    pagerduty") && has(&rows, "31 % of requests to myapp fail"), "{rows:#?}");
}

#[test]
fn enter_opens_a_group_and_marks_reach_its_alerts() {
    let mut world = night();
    let mut triage = Triage::default();
    world.drawn(&mut triage);
    triage.run(Command::Down, &world.view());
    assert_eq!(triage.marked().len(), 2, "a group stands for its alerts that fire");
    triage.run(Command::Enter, &world.view());
    let rows = world.drawn(&mut triage);
    assert!(has(&rows, "- DiskWillFill") && has(&rows, "DiskWillFill node-3"), "{rows:#?}");
    assert!(has(&rows, "until 05:00"), "{rows:#?}");
    triage.run(Command::Down, &world.view());
    triage.run(Command::Mark, &world.view());
    triage.run(Command::Down, &world.view());
    triage.run(Command::Mark, &world.view());
    assert_eq!(triage.marked().len(), 2);
    assert!(has(&world.drawn(&mut triage), "2 marked"));
    triage.run(Command::Mark, &world.view());
    assert_eq!(triage.marked().len(), 1);
    triage.run(Command::UndoLocal, &world.view());
    assert_eq!(triage.marked().len(), 2, "the mark is back");
    let gone = triage.marked.first().cloned().expect("marked");
    assert!(matches!(triage.run(Command::Back, &world.view()), Reply::Done));
    assert!(triage.marked().is_empty() || triage.marked.is_empty());
    triage.run(Command::Bottom, &world.view());
    assert!(matches!(triage.selected(&world.view()), Some(Target::Silence(_))));
    assert!(has(&world.drawn(&mut triage), "known, ticket 12"));
    // What is gone meanwhile is not marked again.
    world.store.alerts.remove(&gone);
    triage.run(Command::UndoLocal, &world.view());
    assert_eq!(triage.marked.len(), 1);
    assert!(!triage.marked.contains(&gone));
}

/// It may be sent on another screen, for an alert that is not marked.
#[test]
fn a_silence_takes_only_the_marks_that_it_is_for() {
    let world = night();
    let mut triage = Triage::default();
    world.drawn(&mut triage);
    triage.run(Command::Down, &world.view());
    triage.run(Command::Mark, &world.view());
    let marked = triage.marked.clone();
    let draft = |key: &AlertKey| SilenceDraft::of(&world.store.alerts[key], "ana");
    let other = world.store.alerts.keys().find(|key| !marked.contains(key)).expect("one is not marked");
    triage.sent(&Request::Silence(draft(other)), &world.store.alerts);
    assert_eq!(triage.marked, marked);
    let first = marked.first().expect("it is marked");
    triage.sent(&Request::Silence(draft(first)), &world.store.alerts);
    assert_eq!(triage.marked.len(), marked.len() - 1);
    triage.sent(&Request::Silences(marked.iter().map(draft).collect()), &world.store.alerts);
    assert!(triage.marked.is_empty());
}

#[test]
fn an_acknowledgement_is_a_silence_and_called_that() {
    let mut world = night();
    world.say(
        &alertmanager(),
        Part::Silences,
        vec![Fact::Silences(vec![silence("s1", "acknowledged by ana with midwatch")])],
    );
    let mut triage = Triage::default();
    world.drawn(&mut triage);
    triage.run(Command::Down, &world.view());
    triage.run(Command::Enter, &world.view());
    let rows = world.drawn(&mut triage);
    assert!(
        rows.iter().any(|row| row.contains("ac ") && row.contains("node-3") && row.contains("until 05:00")),
        "{rows:#?}"
    );
}

#[test]
fn the_timeline_leads_to_its_objects() {
    let world = incident();
    let mut triage = Triage::default();
    let rows = world.drawn(&mut triage);
    assert!(has(&rows, "02:57  !!  deploy  myapp 411 -> 412 (rev 14)"), "{rows:#?}");
    triage.run(Command::NextPane, &world.view());
    triage.run(Command::Top, &world.view());
    assert!(matches!(triage.run(Command::Enter, &world.view()), Reply::Go(ScreenId::Triage, Some(Target::Alert(_)))));
    for _ in 0..3 {
        triage.run(Command::Down, &world.view());
    }
    assert!(matches!(triage.selected(&world.view()), Some(Target::Workload(_))));
    let reply = triage.run(Command::Enter, &world.view());
    assert!(matches!(reply, Reply::RunOn(Command::Enter, Target::Workload(_))));
}

#[test]
fn reveal_opens_the_group_that_holds_an_alert() {
    let world = night();
    let mut triage = Triage::default();
    world.drawn(&mut triage);
    let target = Target::Alert(alert("DiskWillFill", "node-2", Priority::P3, "01:20", "").key);
    assert!(triage.reveal(&target, &world.view()));
    assert_eq!(triage.selected(&world.view()), Some(target));
}

#[test]
fn an_alert_stays_selected_when_a_filter_makes_it_a_row_of_its_own_and_when_that_is_cleared() {
    let world = night();
    let mut triage = Triage::default();
    world.drawn(&mut triage);
    let selected = |triage: &Triage| triage.selected(&world.view());
    let disk = Target::Alert(alert("DiskWillFill", "node-2", Priority::P3, "01:20", "").key);
    triage.set_filter("node-2", &world.view());
    assert_eq!(selected(&triage), Some(disk.clone()));
    triage.set_filter("node-2 and nothing else", &world.view());
    assert_eq!(selected(&triage), None);
    triage.set_filter("", &world.view());
    assert_eq!(selected(&triage), Some(disk.clone()), "its group was closed");
    // And a group that the filter leaves with one alert: the cursor is on that.
    while !matches!(triage.rows.selected(), Some(Row::Group(_))) {
        triage.run(Command::Up, &world.view());
    }
    triage.set_filter("e", &world.view());
    assert!(matches!(triage.rows.selected(), Some(Row::Group(_))));
    triage.set_filter("-l service=node-2", &world.view());
    assert_eq!(selected(&triage), Some(disk));
}

#[test]
fn at_80x24_groups_over_the_timeline() {
    let mut world = night();
    world.size = (80, 24);
    insta::assert_snapshot!(world.drawn(&mut Triage::default()).join("\n"), @r"
    += 5 ALERTS, 3 GROUPS  3 firing  1 silenced  1 resolved =======================+
    |        n    alert                                      since  state          |
    | >  !!  1    HighErrorRate myapp                        03:04  firing         |
    |    !   3  + DiskWillFill                               01:20  2 firing       |
    |    ok  1    HighLatency search                         02:05  resolved 03:14 |
    | -- SILENCES 1 -------------------------------------------------------------- |
    |    zz  1    DiskWillFill                               02:00  until 05:00    |
    |    goes to pagerduty   31 % of requests to myapp fail                        |
    +==============================================================================+
    +- TIMELINE   6 in 12h, newest first ------------------------------------------+
    | >  03:14  ok  alert   HighLatency search resolved                            |
    |    03:04  !!  alert   HighErrorRate myapp firing                             |
    |    02:05  !   alert   HighLatency search firing                              |
    |    01:20  !   alert   DiskWillFill node-1 firing                             |
    |    01:20  !   alert   DiskWillFill node-2 firing                             |
    |    01:20  !   alert   DiskWillFill node-3 firing                             |
    |                                                                              |
    |                                                                              |
    |                                                                              |
    |                                                                              |
    +------------------------------------------------------------------------------+
    ");
}

/// As many are out of sight as there is no room for.
#[test]
fn a_timeline_that_is_cut_says_how_much_more_there_is() {
    let mut world = night();
    world.size = (80, 14);
    let rows = world.drawn(&mut Triage::default());
    let shown = rows.iter().filter(|row| row.contains("  alert   ") && row.contains(':')).count();
    assert!(shown < 6 && has(&rows, &format!(" {} more v ", 6 - shown)), "{rows:#?}");
}

#[test]
fn the_detail_says_who_silenced_it_until_when() {
    let world = night();
    let mut triage = Triage::default();
    world.drawn(&mut triage);
    assert!(
        triage.reveal(&Target::Alert(alert("DiskWillFill", "node-3", Priority::P3, "01:20", "").key), &world.view())
    );
    let rows = world.drawn(&mut triage);
    assert!(has(&rows, "silenced   by bob until 05:00: known, ticket 12"), "{rows:#?}");
}

/// What it is about is looked for first: the name has the columns that need none.
#[test]
fn a_name_is_not_cut_beside_blanks() {
    let mut world = World::live();
    let long = alert("ConnectionsExhausted", "postgres", Priority::P2, "03:04", "50 of 50 are taken");
    world.alerts(vec![long, alert("CertExpiresSoon", "web", Priority::P3, "01:00", "in 6 days")]);
    world.say(&alertmanager(), Part::Silences, vec![Fact::Silences(vec![silence("s1", "known")])]);
    let rows = world.drawn(&mut Triage::default());
    assert!(has(&rows, " >  !!  ConnectionsExhausted postgres "), "{rows:#?}");
    assert!(!rows[1].contains(" n "), "each is one alert: {}", rows[1]);
    assert!(has(&night().drawn(&mut Triage::default()), "!   3  + DiskWillFill"), "a group has its count");
}

#[test]
fn an_error_is_never_an_empty_list() {
    let mut world = World::new();
    assert!(has(&world.drawn(&mut Triage::default()), "loading"));
    world.fail(&alertmanager(), "Alertmanager does not answer: connection refused");
    assert!(has(&world.drawn(&mut Triage::default()), "?? Alertmanager does not answer"));
    assert!(has(&World::live().drawn(&mut Triage::default()), "no alert fired in the last 12 hours"));
    let world = night();
    let mut triage = Triage::default();
    world.drawn(&mut triage);
    triage.set_filter("zebra", &world.view());
    assert!(has(&world.drawn(&mut triage), "nothing matches 'zebra'"));
    triage.set_filter("-l service=node-2", &world.view());
    assert!(has(&world.drawn(&mut triage), "1 ALERT, 1 GROUP"));
}

#[test]
fn a_silence_of_yesterday_does_not_seem_to_be_of_today() {
    let mut world = night();
    let long = Silence { starts: "2026-03-12T02:00:00Z".parse().expect("a time"), ..silence("s1", "long known") };
    world.say(&alertmanager(), Part::Silences, vec![Fact::Silences(vec![long])]);
    let rows = world.drawn(&mut Triage::default());
    let row = rows.iter().find(|row| row.contains("until 05:00") && row.contains("zz")).expect("listed");
    assert!(row.contains("2d1h"), "{row}");
    let mut triage = Triage::default();
    world.drawn(&mut triage);
    triage.run(Command::Bottom, &world.view());
    let rows = world.drawn(&mut triage);
    assert!(has(&rows, "holds from 12 Mar 02:00 until 14 Mar 05:00"), "{rows:#?}");
}

#[test]
fn a_number_is_said_once() {
    let mut world = night();
    let shown = |world: &World, words: &str| has(&world.drawn(&mut Triage::default()), words);
    let mut told = alert("HighLatency", "myapp", Priority::P1, "03:04", "p95 of myapp is 918 ms");
    told.value = Some("922.1".into());
    world.alerts(vec![told.clone()]);
    assert!(shown(&world, "p95 of myapp is 918 ms") && !shown(&world, "922.1"));
    for summary in ["p95 of myapp is high", "5xx above the limit of 5 %", "2 replicas lag", "401 errors rise"] {
        told.annotations = Box::new([("summary".into(), summary.into())]);
        world.alerts(vec![told.clone()]);
        assert!(shown(&world, &format!("{summary}   value 922.1")), "its number is another: {summary}");
    }
    told.value = Some("0.3105".into());
    told.annotations = Box::new([("summary".into(), "31 % of requests fail".into())]);
    world.alerts(vec![told]);
    assert!(shown(&world, "31 % of requests fail") && !shown(&world, "0.3105"));
}
