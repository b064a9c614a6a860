//! Against the demo's Grafana, over its real wire.

use std::time::Duration;

use super::*;
use crate::time::{Clock, TestClock, seconds_between};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_of_the_demo_world_has_data() {
    let wall = Arc::new(|| SystemClock.now().wall);
    let demo = crate::demo::serve::start(crate::demo::serve::Options::new(wall)).await.unwrap();
    let config = file::Grafana { name: "main".to_owned(), url: demo.grafana.url.clone(), ..Default::default() };
    let token = Some(Secret::new(&demo.grafana.token));
    let timeouts = file::Timeouts::default();
    let grafana = Grafana::new(&config, token, Severities::default(), timeouts, Arc::new(SystemClock), None).unwrap();
    let dashboards = grafana.dashboards().await.unwrap();
    assert!(!dashboards.is_empty());
    for panel in dashboards.iter().flat_map(|dashboard| &dashboard.panels) {
        let query = PanelQuery { panel: panel.key.clone(), range_seconds: 3_600, points: 180, variables: Vec::new() };
        let data = grafana.panel(&query).await.unwrap();
        assert!(data.failures.is_empty(), "{}: {:?}", panel.title, data.failures);
        if !matches!(panel.kind, PanelKind::Other(_)) {
            assert!(data.series.iter().any(|series| series.last().is_some()), "{}: no data", panel.title);
        }
        let texts: Vec<(&str, &str)> = data
            .series
            .iter()
            .zip(&data.reduced)
            .map(|(series, reduced)| (series.name.as_str(), reduced.text.as_str()))
            .collect();
        match panel.title.as_str() {
            "error rate by service" => {
                let names: Vec<&str> = texts.iter().map(|(name, _)| *name).collect();
                assert_eq!(names, ["checkout", "payments", "web", "myapp"]);
                assert!(texts.iter().all(|(_, text)| text.ends_with('%')), "each has its own: {texts:?}");
            }
            "postgres" => {
                assert_eq!(texts.iter().map(|(_, text)| *text).collect::<Vec<_>>(), ["UP"]);
                assert_eq!(data.reduced[0].color.as_deref(), Some("green"));
            }
            _ => {}
        }
    }
    grafana.annotations().await.unwrap();
    grafana.alerts().await.unwrap();
    let info = grafana.info().await.unwrap();
    assert!(info.notes.is_empty() && info.identity.is_some(), "{info:?}");
    demo.stop().await;
}

/// A client that knows only `Date` headers, on a world sixty times as fast as its own clock, which is then moved on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worlds_time_is_followed_at_any_speed() {
    let clock = Arc::new(TestClock::at("2026-11-21T03:14:00.4Z".parse().unwrap()));
    let wall = clock.clone();
    let mut options = crate::demo::serve::Options::new(Arc::new(move || wall.now().wall));
    options.speed = 60.0;
    let demo = crate::demo::serve::start(options).await.unwrap();
    let config = file::Grafana { name: "main".to_owned(), url: demo.grafana.url.clone(), ..Default::default() };
    let (token, timeouts) = (Some(Secret::new(&demo.grafana.token)), file::Timeouts::default());
    let grafana = Grafana::new(&config, token, Severities::default(), timeouts, clock.clone(), None).unwrap();
    let mut store = crate::store::Store::default();
    let source = crate::model::SourceId::new(grafana.id(), Part::Health);
    store.expect(source.clone(), crate::model::BackendKind::Grafana, Duration::from_secs(30), 0);
    let mut worst = 0;
    for round in 0..12 {
        if round == 8 {
            demo.advance(jiff::SignedDuration::from_mins(10));
        }
        demo.advance(jiff::SignedDuration::ZERO);
        let info = grafana.info().await.unwrap();
        let body = Ok(vec![Fact::Info(info)]);
        let at = clock.now().wall;
        store.apply(crate::source::Update { from: source.clone(), at, generation: 0, body }, clock.now());
        // As its source does: soon while it is not sure, else every half minute.
        let pause = grafana.http.soon().unwrap_or(Duration::from_secs(30)).as_secs();
        for _ in 0..pause {
            clock.advance(Duration::from_secs(1));
            let error = seconds_between(demo.clock.now(), store.time_of(grafana.id(), clock.now())).abs();
            if round > 2 {
                worst = worst.max(error);
            }
        }
    }
    assert!(worst <= 5, "{worst} s");
    demo.stop().await;
}
