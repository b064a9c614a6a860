//! Witness: a real Prometheus and Alertmanager (Debian's packages) judge our sources and operator. Absent binaries are
//! said in one line; with `MIDWATCH_WITNESSES=required` they are a failure.

// `clippy.toml` allows these in functions marked as tests; what helps them here is not marked.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod servers;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use midwatch::{
    action::{ActionError, Done, Inspection, Inspector, Operator, Request, Write},
    config::file,
    model::{
        BackendId, BackendKind, Part,
        alert::{Alert, AlertState, Matcher, Priority, Silence, SilenceKey},
    },
    operator::alertmanager::AlertmanagerOperator,
    source::{
        Fact, Source, Update,
        alertmanager::{Alertmanager, preview},
        prometheus::Prometheus,
        severity::Severities,
    },
    store::Store,
    text::Clean,
    time::{Clock as _, SystemClock},
};
use servers::{Lab, lab};

/// Longest wait for anything the real servers do; they need a few seconds.
const PATIENCE: Duration = Duration::from_mins(1);

fn client(url: &str) -> Arc<Alertmanager> {
    let config = file::Alertmanager { name: "lab".to_owned(), url: url.to_owned(), ..Default::default() };
    let severities = Severities::new(&BTreeMap::new());
    Alertmanager::new(&config, None, severities, file::Timeouts::default(), Arc::new(SystemClock), None).unwrap()
}

fn source(client: &Arc<Alertmanager>, part: Part) -> Box<dyn Source> {
    client.sources().into_iter().find(|source| source.id().part == part).unwrap()
}

/// Asks again and again until `found` finds what it wants.
async fn until<T>(what: &str, source: &mut dyn Source, mut found: impl FnMut(&[Fact]) -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let mut last = None;
    let asking = async {
        loop {
            ticks.tick().await;
            let answer = source.next().await;
            if let Ok(facts) = &answer
                && let Some(found) = found(facts)
            {
                return found;
            }
            last = Some(answer);
        }
    };
    let found = tokio::time::timeout(PATIENCE, asking).await.ok();
    found.unwrap_or_else(|| panic!("{what}: not within {PATIENCE:?}; last answer: {last:?}"))
}

fn alert<'a>(facts: &'a [Fact], name: &str) -> Option<&'a Alert> {
    facts.iter().find_map(|fact| match fact {
        Fact::Alerts { list, .. } => list.iter().find(|alert| alert.name == name),
        _ => None,
    })
}

fn silence(facts: &[Fact], id: &str) -> Option<Silence> {
    facts.iter().find_map(|fact| match fact {
        Fact::Silences(list) => list.iter().find(|silence| silence.key.id == id).cloned(),
        _ => None,
    })
}

async fn make_silence(operator: &AlertmanagerOperator, alert: &Alert, minutes: i64) -> Result<Done, ActionError> {
    let now = SystemClock.now().wall;
    let write = Write::CreateSilence {
        backend: BackendId::new("lab"),
        matchers: alert.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect(),
        starts: now,
        ends: now + jiff::SignedDuration::from_mins(minutes),
        comment: "looked at by the witness".to_owned(),
        created_by: "anna".to_owned(),
    };
    operator.execute(&write).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alertmanager_is_read_silenced_and_heard_again() {
    let Some(lab) = lab() else { return };
    let client = client(&lab.url);
    let mut alerts = source(&client, Part::Alerts);
    let operator = AlertmanagerOperator::new(client.clone());

    // Fires, with what its rule says.
    let firing = until("firing", &mut *alerts, |facts| {
        alert(facts, "AlsoSlow").filter(|alert| alert.state == AlertState::Inhibited)?;
        alert(facts, "Watchdog")?;
        alert(facts, "AlwaysBroken").cloned()
    })
    .await;
    assert_eq!(firing.state, AlertState::Firing);
    assert_eq!(firing.priority, Priority::P1);
    assert_eq!(firing.summary().unwrap().as_str(), "checkout is broken, value 42");
    assert_eq!(&*firing.receivers, &[Clean::line("nobody")]);
    assert!(firing.starts.unwrap() <= SystemClock.now().wall);
    assert!(firing.generator_url.is_some() && !firing.is_watchdog);

    // Grouped as its routes say; the watchdog is one, elsewhere.
    let facts = alerts.next().await.unwrap();
    let Some(Fact::Alerts { list, groups }) = facts.first() else { panic!("{facts:?}") };
    let watchdog = alert(&facts, "Watchdog").unwrap();
    assert!(watchdog.is_watchdog);
    assert_eq!((watchdog.priority, &*watchdog.receivers), (Priority::P4, &[Clean::line("quiet")][..]));
    let group = groups.iter().find(|group| group.alerts.contains(&firing.key.fingerprint)).unwrap();
    assert_eq!(group.receiver, "nobody");
    assert_eq!(group.labels.len(), 2);

    // What is previewed is what a silence then holds back.
    let exact: Vec<Matcher> = firing.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
    assert_eq!(preview(&exact, list).iter().map(|alert| &alert.key).collect::<Vec<_>>(), [&firing.key]);
    let Done { reference: Some(id), .. } = make_silence(&operator, &firing, 15).await.unwrap() else {
        panic!("no silence id")
    };
    let silenced = until("silenced", &mut *alerts, |facts| {
        alert(facts, "AlwaysBroken").filter(|alert| alert.state == AlertState::Silenced).cloned()
    })
    .await;
    assert_eq!(&*silenced.silenced_by, std::slice::from_ref(&id));

    let kept = silence(&source(&client, Part::Silences).next().await.unwrap(), &id).unwrap();
    assert_eq!((kept.state.as_str(), kept.created_by.as_str()), ("active", "anna"));
    assert!(kept.matchers.iter().all(|matcher| matcher.is_equal && !matcher.is_regex));
    let minutes = kept.ends.duration_since(kept.starts).as_mins();
    assert!((14..=15).contains(&minutes), "{minutes}");

    let key = SilenceKey { backend: BackendId::new("lab"), id };
    let Inspection::Alerts { silences, .. } =
        client.inspect(&Request::ExpireSilence { silence: key.clone() }).await.unwrap()
    else {
        panic!("alerts and silences are inspected")
    };
    assert!(silences.iter().any(|silence| silence.key == key));

    // Expired: heard again. Once more is no failure.
    operator.execute(&Write::ExpireSilence { silence: key.clone() }).await.unwrap();
    until("firing again", &mut *alerts, |facts| {
        alert(facts, "AlwaysBroken").filter(|alert| alert.state == AlertState::Firing).map(drop)
    })
    .await;
    let again = operator.execute(&Write::ExpireSilence { silence: key.clone() }).await.unwrap();
    assert!(again.says.contains("over") || again.says.contains("expired"), "{again:?}");
    let gone = SilenceKey { id: Clean::line("00000000-0000-0000-0000-000000000000"), ..key };
    let _ = operator.execute(&Write::ExpireSilence { silence: gone }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alertmanager_says_no_in_words() {
    let Some(lab) = lab() else { return };
    let client = client(&lab.url);
    let operator = AlertmanagerOperator::new(client.clone());
    let info = until("health", &mut *source(&client, Part::Health), |facts| match facts {
        [Fact::Info(info)] => Some(info.clone()),
        _ => None,
    })
    .await;
    assert!(info.version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit())));
    assert!(info.clock.is_some_and(|clock| clock.offset_ms(SystemClock.now()).abs() <= 1500), "{:?}", info.clock);

    // A matcher that also matches the empty string is refused by the server, in its own words.
    let now = SystemClock.now().wall;
    let matcher = Matcher { name: Clean::line("x"), value: Clean::line(".*"), is_regex: true, is_equal: true };
    let write = Write::CreateSilence {
        backend: BackendId::new("lab"),
        matchers: vec![matcher],
        starts: now,
        ends: now + jiff::SignedDuration::from_mins(5),
        comment: "all".to_owned(),
        created_by: "anna".to_owned(),
    };
    let refused = operator.execute(&write).await.unwrap_err();
    assert!(matches!(&refused, ActionError::Refused(says) if says.contains("matcher")), "{refused:?}");
}

/// What a Prometheus' rules and an Alertmanager's list together make of the alert `name`: at most one row, at any time.
struct Watched {
    store: Store,
    sources: [Box<dyn Source>; 2],
}

impl Watched {
    fn new(lab: &Lab) -> Self {
        let rules = prometheus(lab).sources().into_iter().find(|source| source.id().part == Part::Alerts).unwrap();
        let sources = [rules, source(&client(&lab.url), Part::Alerts)];
        let mut store = Store::default();
        for (source, kind) in sources.iter().zip([BackendKind::Prometheus, BackendKind::Alertmanager]) {
            store.expect(source.id(), kind, source.cadence().expected(), 0);
        }
        Self { store, sources }
    }

    /// Asks both once; who does not answer yet is asked again next time.
    async fn look(&mut self) {
        for source in &mut self.sources {
            if let Ok(facts) = source.next().await {
                let now = SystemClock.now();
                let update = Update { from: source.id(), at: now.wall, generation: 0, body: Ok(facts) };
                self.store.apply(update, now);
            }
        }
    }

    fn row(&self, name: &str) -> Option<Alert> {
        let rows: Vec<&Alert> = self.store.alerts.values().filter(|alert| alert.name == name).collect();
        assert!(rows.len() <= 1, "'{name}' stands there twice: {rows:#?}");
        rows.first().map(|row| (*row).clone())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_rule_pends_fires_and_resolves_in_one_row() {
    let Some(lab) = lab() else { return };
    let mut watched = Watched::new(&lab);
    let (mut seen, mut listed): (Vec<String>, Option<Alert>) = (Vec::new(), None);
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let watching = async {
        loop {
            ticks.tick().await;
            watched.look().await;
            watched.row("AlwaysBroken");
            let Some(row) = watched.row("Late") else { continue };
            let state = match &row.state {
                AlertState::Resolved(_) => "Resolved".to_owned(),
                other => format!("{other:?}"),
            };
            if seen.last() != Some(&state) {
                seen.push(state);
            }
            match &row.state {
                AlertState::Firing if !row.is_alone() => listed = Some(row),
                AlertState::Resolved(_) if listed.is_some() => break,
                _ => {}
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, watching).await;
    assert!(ended.is_ok() && seen == ["Pending", "Firing", "Resolved"], "{seen:?}");

    // What is joined is what each of them knows, under the name that Alertmanager itself gave it.
    let listed = listed.unwrap();
    let rule = listed.rule.as_ref().unwrap();
    assert_eq!((&*listed.key.backend, &*rule.backend, rule.hold_seconds), ("lab", "rules", 4));
    assert!(rule.expression.as_ref().unwrap().contains("time()"), "{rule:?}");
    assert_eq!(listed.expression(), rule.expression, "the rule's words are those of Alertmanager's link");
    assert!(listed.active_since.unwrap() < listed.starts.unwrap());
    assert_eq!((listed.label("cluster").map(Clean::as_str), listed.label("replica")), (Some("eu-1"), None));
    let Fact::Alerts { list: rules, .. } = watched.sources[0].next().await.unwrap().remove(0) else {
        panic!("alerts come first")
    };
    let Fact::Alerts { list: sent, .. } = watched.sources[1].next().await.unwrap().remove(0) else {
        panic!("alerts come first")
    };
    for alert in &sent {
        let twin = rules.iter().find(|rule| rule.key.fingerprint == alert.key.fingerprint);
        let twin = twin.unwrap_or_else(|| panic!("no rule has the name of {alert:?}: {rules:#?}"));
        assert_eq!(twin.labels, alert.labels);
    }

    // A rule that cannot be evaluated is told; a watchdog is there, and counts as none.
    let blind = watched.row("Blind").unwrap();
    assert!(matches!(blind.state, AlertState::Other(_)), "{blind:?}");
    assert!(
        blind.summary().unwrap().contains("cannot be evaluated: ") && blind.summary().unwrap().contains("many-to-many")
    );
    let watchdog = watched.row("Watchdog").unwrap();
    assert!(watchdog.is_watchdog && !watchdog.is_alone());
    let version = prometheus(&lab).info().await.unwrap().version;
    assert!(version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit())));
}

fn prometheus(lab: &Lab) -> Arc<Prometheus> {
    let url = lab.prometheus_url.clone();
    let config = file::Prometheus { name: "rules".to_owned(), url, ..file::Prometheus::default() };
    let (severities, clock) = (Severities::new(&BTreeMap::new()), Arc::new(SystemClock));
    Prometheus::new(&config, None, severities, file::Timeouts::default(), clock, None).unwrap()
}
