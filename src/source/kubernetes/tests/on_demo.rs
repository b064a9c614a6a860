//! The demo's world as a cluster to test against, over its real wire.

use std::{sync::Arc, time::Duration};

use super::super::{Cluster, ExecPolicy, open};
use crate::{
    config::file,
    demo::{self, Served},
    time::{Clock, SystemClock},
};

/// Looks until there is something: the demo's time goes on meanwhile.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut beat = tokio::time::interval(Duration::from_millis(50));
        loop {
            beat.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), looking).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// The default story at 03:14.
pub async fn served() -> Served {
    let at = "2026-11-21T03:14:00Z".parse().unwrap();
    demo::start(demo::Options { at: Some(at), ..demo::Options::new(Arc::new(move || at)) }).await.unwrap()
}

/// The default story, from now on, at several times its speed.
pub async fn hurried(speed: f64) -> Served {
    let wall = Arc::new(|| SystemClock.now().wall);
    demo::start(demo::Options { speed, ..demo::Options::new(wall) }).await.unwrap()
}

/// A story of one's own, from now on, at several times its speed. Its cluster is `prod-eu1`.
pub async fn told(story: &str, speed: f64) -> Served {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), story).unwrap();
    let wall = Arc::new(|| SystemClock.now().wall);
    let scenario = file.path().display().to_string();
    demo::start(demo::Options { scenario, speed, ..demo::Options::new(wall) }).await.unwrap()
}

/// Its cluster `prod-eu1`.
pub async fn cluster(demo: &Served) -> Cluster {
    of_context(demo, "prod-eu1", "prod-eu1").await
}

/// The same, as another user of it.
pub async fn cluster_as(demo: &Served, user: &str) -> Cluster {
    of_context(demo, "prod-eu1", &format!("prod-eu1-{user}")).await
}

/// One of its clusters.
pub async fn cluster_named(demo: &Served, name: &str) -> Cluster {
    of_context(demo, name, name).await
}

async fn of_context(demo: &Served, name: &str, context: &str) -> Cluster {
    let wanted = file::Kubernetes {
        name: name.to_owned(),
        context: Some(context.to_owned()),
        kubeconfig: Some(demo.kubeconfig.clone()),
        ..file::Kubernetes::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    open(&wanted, file::Timeouts::default(), clock, Arc::new(ExecPolicy::default())).await.unwrap()
}
