use serde_json::{Value, json};

use super::*;
use crate::{
    source::kubernetes::{
        fake::{Answer, Fake},
        kubeconfig,
    },
    time::SystemClock,
};

const TIMEOUTS: Timeouts = Timeouts { connect: 1, idle: 1, answer: 1, list: 1, command: 5 };

/// A kubeconfig file that is written again and again.
struct File(tempfile::TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, server: &str, context: &str, user: &str) -> Loaded {
        let yaml = format!(
            "current-context: {context}\nclusters: [{{name: eu, cluster: {{server: '{server}'}}}}]\n\
             contexts: [{{name: {context}, context: {{cluster: eu, user: ann}}}}]\nusers: [{{name: ann, user: {user}}}]"
        );
        let path = self.0.path().join("config");
        std::fs::write(&path, yaml).unwrap();
        kubeconfig::load(&[path])
    }
}

async fn open(loaded: &Loaded) -> Cluster {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Cluster::open(&Kubernetes::default(), loaded, TIMEOUTS, Arc::default(), Arc::new(SystemClock)).await.unwrap()
}

async fn tells() -> Fake {
    Fake::start(|_| Answer::Json(200, json!({}))).await
}

#[tokio::test]
async fn a_new_token_is_sent_from_the_next_request_on_with_every_clone() {
    let (fake, file) = (tells().await, File::new());
    let cluster = open(&file.write(&fake.url, "eu", "{token: first-token-1}")).await;
    let writer = cluster.writer().unwrap();
    cluster.get::<Value>("/version").await.unwrap();
    let same = file.write(&fake.url, "eu", "{token: first-token-1}");
    assert_eq!(cluster.reload(&same).await, Ok(Reloaded::Same));
    let other = file.write(&fake.url, "eu", "{token: second-token-2}");
    assert_eq!(cluster.reload(&other).await, Ok(Reloaded::Renewed));
    assert_eq!(cluster.reload(&other).await, Ok(Reloaded::Same));
    cluster.get::<Value>("/version").await.unwrap();
    writer.0.get::<Value>("/version").await.unwrap();
    let sent: Vec<String> = fake.calls().into_iter().map(|call| call.authorization).collect();
    assert_eq!(sent, ["Bearer first-token-1", "Bearer second-token-2", "Bearer second-token-2"]);
}

#[tokio::test]
async fn another_server_is_not_followed_and_a_context_that_is_gone_goes_on() {
    let (fake, other, file) = (tells().await, tells().await, File::new());
    let cluster = open(&file.write(&fake.url, "eu", "{token: first-token-1}")).await;
    let moved = file.write(&other.url, "eu", "{token: second-token-2}");
    assert!(matches!(cluster.reload(&moved).await, Ok(Reloaded::Moved(_))));
    let renamed = file.write(&fake.url, "us", "{token: second-token-2}");
    assert_eq!(cluster.reload(&renamed).await, Ok(Reloaded::Gone));
    cluster.get::<Value>("/version").await.unwrap();
    assert_eq!(fake.calls()[0].authorization, "Bearer first-token-1");
    assert!(other.calls().is_empty());
}

#[tokio::test]
async fn a_certificate_file_that_is_written_anew_counts_as_a_change() {
    let (fake, file) = (tells().await, File::new());
    let ca = include_str!("../../../../../tests/fixtures/tls/ca.pem");
    let with_ca = |text: &str| {
        std::fs::write(file.0.path().join("ca.pem"), text).unwrap();
        let server = format!("{}', certificate-authority: 'ca.pem", fake.url);
        file.write(&server, "eu", "{token: first-token-1}")
    };
    let cluster = open(&with_ca(ca)).await;
    assert_eq!(cluster.reload(&with_ca(ca)).await, Ok(Reloaded::Same));
    assert_eq!(cluster.reload(&with_ca(&format!("{ca}\n"))).await, Ok(Reloaded::Renewed));
    let endings = cluster.endings();
    assert_eq!(
        (endings[0].what.as_str(), endings[0].at.to_string().as_str()),
        ("CA certificate", "2126-10-28T23:44:16Z")
    );
}
