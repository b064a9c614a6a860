//! The same client against the demo's Prometheus, directly and through the demo's API server.

use std::sync::Arc;

use super::*;
use crate::{
    config::find::within_cluster,
    demo::{self, Served},
    source::{
        alertmanager::Alertmanager,
        http::Transport,
        kubernetes::{self, Cluster, ExecPolicy, find::Place, through::transport},
    },
    time::Clock,
};
use jiff::Timestamp;

const START: &str = "2026-11-21T03:14:00Z";

/// The default story, standing still.
async fn served() -> Served {
    served_of("default").await
}

async fn served_of(scenario: &str) -> Served {
    let at: Timestamp = START.parse().unwrap();
    let scenario = scenario.to_owned();
    let options = demo::Options { at: Some(at), scenario, ..demo::Options::new(Arc::new(move || at)) };
    demo::start(options).await.unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(TestClock::at(START.parse().unwrap()))
}

async fn cluster(demo: &Served) -> Cluster {
    let wanted = file::Kubernetes {
        name: "prod-eu1".to_owned(),
        kubeconfig: Some(demo.kubeconfig.clone()),
        ..file::Kubernetes::default()
    };
    kubernetes::open(&wanted, file::Timeouts::default(), clock(), Arc::new(ExecPolicy::default())).await.unwrap()
}

fn through(cluster: &Cluster, place: &str, may_write: bool) -> Arc<dyn Transport> {
    transport(cluster, &Place::parse(place).unwrap(), "", may_write, false).unwrap()
}

fn behind(cluster: &Cluster) -> Arc<Prometheus> {
    let config = file::Prometheus { name: "prom".to_owned(), ..file::Prometheus::default() };
    let transport = through(cluster, "monitoring/prometheus:9090", false);
    let token = Some(Secret::new("not-passed-on"));
    Prometheus::new(&config, token, Severities::default(), file::Timeouts::default(), clock(), Some(transport)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_the_demo_directly_and_through_its_api_server() {
    let demo = served().await;
    let direct = client(&demo.prometheus.url, None);
    assert_eq!(direct.info().await.unwrap().version.as_deref(), Some("3.8.1"));
    let alerts = direct.alerts(&direct.sent_labels().await.unwrap()).await.unwrap().data;
    let high = named(&alerts, "HighErrorRate");
    assert_eq!(high.state, AlertState::Firing);
    assert!(high.expression().unwrap().contains('>') && high.value.as_ref().unwrap().parse::<f64>().unwrap() > 5.0);
    assert!(high.rule.as_ref().unwrap().hold_seconds > 0 && high.active_since < high.starts);

    // Alertmanager lists what fires under the same name, and nothing that Prometheus does not know.
    let config = file::Alertmanager { name: "am".to_owned(), url: demo.alertmanager.url.clone(), ..Default::default() };
    let severities = Severities::default();
    let alertmanager = Alertmanager::new(&config, None, severities, file::Timeouts::default(), clock(), None).unwrap();
    let listed = alertmanager.alerts().await.unwrap();
    assert!(listed.len() > 3);
    for alert in &listed {
        let twin = alerts.iter().find(|own| own.key.fingerprint == alert.key.fingerprint);
        let twin = twin.unwrap_or_else(|| panic!("Prometheus has no {alert:?}"));
        assert_eq!((&twin.labels, twin.expression()), (&alert.labels, alert.expression()));
    }

    let cluster = cluster(&demo).await;
    let behind = behind(&cluster);
    assert_eq!(behind.info().await.unwrap().server.unwrap(), "prod-eu1/monitoring/prometheus:9090");
    let same = behind.alerts(&SentLabels::default()).await.unwrap().data;
    assert_eq!(
        same.iter().map(|alert| &alert.key).collect::<Vec<_>>(),
        alerts.iter().map(|alert| &alert.key).collect::<Vec<_>>()
    );
    assert_eq!(same[0].generator_url, None, "no browser gets there");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_alert_fires_when_its_time_is_over() {
    // True since the history of an hour began, for seventy minutes to be.
    let scenario = include_str!("../../../../assets/demo/default.toml").to_owned()
        + "\n[[alert]]\nname = \"SlowBurn\"\nmetric = \"always\"\nfor = \"70m\"\nseverity = \"critical\"\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slow.toml");
    std::fs::write(&path, scenario).unwrap();
    let demo = served_of(path.to_str().unwrap()).await;
    let client = client(&demo.prometheus.url, None);
    let burning = async || {
        let list = client.alerts(&SentLabels::default()).await.unwrap().data;
        named(&list, "SlowBurn").clone()
    };
    let pending = burning().await;
    assert_eq!((&pending.state, pending.starts), (&AlertState::Pending, None));
    assert_eq!(pending.rule.as_ref().unwrap().hold_seconds, 70 * 60);
    let fires = pending.fires().unwrap();
    demo.advance(fires.duration_since(START.parse().unwrap()) - jiff::SignedDuration::from_secs(10));
    assert_eq!(burning().await.state, AlertState::Pending, "its time is not over");
    demo.advance(jiff::SignedDuration::from_secs(20));
    let firing = burning().await;
    assert_eq!((&firing.state, &firing.key), (&AlertState::Firing, &pending.key));
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_proxy_refuses_as_the_real_one_does() {
    let demo = served().await;
    let cluster = cluster(&demo).await;
    let ask = async |place: &str| {
        let config = file::Prometheus { name: "prom".to_owned(), ..file::Prometheus::default() };
        let transport = through(&cluster, place, false);
        let prometheus =
            Prometheus::new(&config, None, Severities::default(), file::Timeouts::default(), clock(), Some(transport));
        prometheus.unwrap().info().await.unwrap_err()
    };
    let missing = ask("monitoring/thanos:9090").await;
    assert!(missing.says.contains("is not there: services \"thanos\" not found"), "{missing}");
    let port = ask("monitoring/prometheus:1").await;
    assert!(port.says.contains("no service port \"1\" found"), "{port}");
    let empty = ask("production/myapp:8080").await;
    assert!(empty.kind == ErrorKind::Unreachable && empty.says.contains("no endpoints available"), "{empty}");
    let tls = ask("monitoring/https:prometheus:9090").await;
    assert!(tls.says.contains("TLS handshake"), "{tls}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_are_found_inside_the_cluster() {
    let demo = served().await;
    let cluster = cluster(&demo).await;
    let services = kubernetes::find::find(&cluster).await.unwrap();
    let found = within_cluster(&file::Config::default(), cluster.id(), &services, |_| None);
    assert_eq!(found.config.alertmanager[0].through.as_deref(), Some("prod-eu1/monitoring/alertmanager:9093"));
    assert_eq!(found.config.prometheus[0].through.as_deref(), Some("prod-eu1/monitoring/prometheus:9090"));
    demo.stop().await;
}
