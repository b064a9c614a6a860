//! Logs: what is answered, and when a follower's stream ends.

use serde_json::json;

use super::{Served, serve, status};
use crate::demo::cluster::tests as company;

fn path(pod: &str, query: &str) -> String {
    format!("/api/v1/namespaces/production/pods/{pod}/log?{query}")
}

/// Makes all new pods crash, and returns one of them.
fn crashing(served: &Served, image: &str) -> String {
    served.cluster(|c, now| c.set_image(now, "production", "myapp", image, "x"));
    served.with(|world| company::run(world, 1));
    served.cluster(|c, _| {
        let pods = company::pods_of(c, "myapp");
        pods.iter()
            .find(|p| p.full().contains(image) && p.full().contains("ContainerCreating"))
            .unwrap()
            .facts()
            .name
            .clone()
    })
}

const BAD: &str = "registry.acme.example/myapp:412";

#[tokio::test]
async fn errors_have_the_kubelets_words() {
    let served = serve().await;
    let words = async |pod: &str, query: &str| {
        let answer = served.get(&path(pod, query)).await;
        let (code, _, message) = status(&answer);
        (code, message.to_owned())
    };
    assert_eq!(words("nobody", "").await, (404, "pods \"nobody\" not found".to_owned()));
    assert_eq!(
        words("postgres-0", "container=x").await,
        (400, "container x is not valid for pod postgres-0".to_owned())
    );
    assert_eq!(
        words("postgres-0", "previous=true").await,
        (400, "previous terminated container \"postgres\" in pod \"postgres-0\" not found".to_owned())
    );
    assert_eq!(words("postgres-0", "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z").await.0, 422);
    let young = crashing(&served, BAD);
    assert_eq!(
        words(&young, "").await,
        (400, format!("container \"myapp\" in pod \"{young}\" is waiting to start: ContainerCreating"))
    );
}

#[tokio::test]
async fn two_containers_must_be_told_apart() {
    let served = serve().await;
    let pod = json!({"kind": "Pod", "metadata": {"name": "two"},
        "spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]}});
    served.send("POST", "/api/v1/namespaces/production/pods", "application/json", &pod).await;
    served.run(20);
    let answer = served.get(&path("two", "")).await;
    assert_eq!(status(&answer).2, "a container name must be specified for pod two, choose one of: [a b]");
    assert_eq!(served.get(&path("two", "container=b")).await.code, 200);
}

#[tokio::test]
async fn in_its_back_off_the_dead_containers_log_is_served() {
    let served = serve().await;
    let pod = crashing(&served, BAD);
    served.with(|world| {
        company::run_until(world, "back-off", |c| {
            c.store
                .get(crate::demo::cluster::kinds::Resource::Pods, "production", &pod)
                .unwrap()
                .full()
                .contains("back-off 10s")
        });
    });
    let plain = served.get(&path(&pod, "")).await;
    assert_eq!(plain.code, 200);
    assert!(plain.text.trim_end().ends_with("FATAL startup: no DB connection"), "{}", plain.text);
    assert_eq!(served.get(&path(&pod, "previous=true")).await.text, plain.text);
    let last = served.get(&path(&pod, "tailLines=1&timestamps=true")).await.text;
    let (stamp, line) = last.trim_end().split_once(' ').unwrap();
    assert_eq!(line.contains("FATAL"), last.lines().count() == 1);
    assert_eq!(stamp.len(), "2026-07-01T03:14:00.123456789Z".len());
    assert!(stamp.parse::<jiff::Timestamp>().is_ok());
    assert_eq!(served.get(&path(&pod, "tailLines=1&limitBytes=5")).await.text.len(), 5);
    assert_eq!(served.get(&path(&pod, "sinceTime=2099-01-01T00:00:00Z")).await.text, "");
}

#[tokio::test]
async fn a_follower_is_told_the_end_when_the_container_stops() {
    let served = serve().await;
    let pod = crashing(&served, BAD);
    served.run(8);
    let response = served.request("GET", &path(&pod, "follow=true")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    served.run(25);
    let text = response.text().await.unwrap();
    assert!(text.trim_end().ends_with("FATAL startup: no DB connection"), "{text}");
}
