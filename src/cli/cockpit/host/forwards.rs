//! The port-forwards of this session. They end with it.

use super::CockpitHost;
use crate::{
    app::App,
    model::{
        BackendId,
        forward::{ForwardAsk, ForwardState},
    },
    source::kubernetes::forward::{self, Forwarding},
    text::Clean,
};

/// Those that were started and not stopped, the newest last.
#[derive(Default)]
pub struct Forwards {
    running: Vec<Forwarding>,
    started: u64,
}

impl Forwards {
    pub fn stop(&mut self, number: u64) {
        self.running.retain(|one| one.now().number != number);
    }

    /// Those into a cluster.
    pub fn stop_to(&mut self, cluster: &BackendId) {
        self.running.retain(|one| one.now().ask.to.cluster() != cluster);
    }

    /// Lets the App know how they go.
    pub fn show(&self, app: &mut App) {
        let now: Vec<_> = self.running.iter().map(Forwarding::now).collect();
        if now != app.forwards {
            app.forwards = now;
            app.dirty = true;
        }
    }
}

impl CockpitHost {
    pub(super) fn forward(&mut self, ask: ForwardAsk, app: &mut App) -> Clean {
        let Some(cluster) = self.wired.clusters.get(ask.to.cluster()) else {
            return Clean::own(format!("'{}' is not open", ask.to.cluster()));
        };
        let forwards = &mut self.forwards;
        // One that failed is done with when its like is tried anew.
        forwards.running.retain(|one| {
            let now = one.now();
            now.ask.to != ask.to || !matches!(now.state, ForwardState::Failed(_))
        });
        forwards.started += 1;
        let to = ask.to.clone();
        forwards.running.push(forward::start(cluster, forwards.started, ask, self.wake.clone()));
        forwards.show(app);
        Clean::own(format!("forwarding to {to}: `:forwards` shows how it goes"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::*;
    use crate::{
        model::{forward::ForwardTo, kubernetes::ObjectKey},
        source::kubernetes::scripted,
        time::SystemClock,
    };

    #[tokio::test]
    async fn a_cluster_that_is_closed_takes_its_forwards_with_it() {
        let cluster = scripted::cluster(1, Arc::new(SystemClock)).await;
        let mut forwards = Forwards::default();
        for (number, to) in [(1, "eu"), (2, "us"), (3, "eu")] {
            let pod = ObjectKey { cluster: BackendId::new(to), namespace: "shop".into(), name: "web-1".into() };
            let ask = ForwardAsk::parse(ForwardTo::Pod(pod), ":80").expect("ports");
            forwards.running.push(forward::start(&cluster, number, ask, Arc::new(Notify::new())));
        }
        forwards.stop_to(&BackendId::new("eu"));
        let left: Vec<u64> = forwards.running.iter().map(|one| one.now().number).collect();
        assert_eq!(left, [2]);
    }
}
