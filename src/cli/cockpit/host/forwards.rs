//! The port-forwards of this session. They end with it.

use super::CockpitHost;
use crate::{
    app::App,
    model::{
        BackendId,
        forward::{Forward, ForwardAsk},
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

    /// Lets the App know how they go; one that failed or listens since is said.
    pub fn show(&self, app: &mut App) -> Option<Clean> {
        let now: Vec<_> = self.running.iter().map(Forwarding::now).collect();
        if now == app.forwards {
            return None;
        }
        app.dirty = true;
        let before = std::mem::replace(&mut app.forwards, now);
        news(&before, &app.forwards)
    }
}

/// What is said of the newest that has failed since, else of the newest that listens since.
fn news(before: &[Forward], now: &[Forward]) -> Option<Clean> {
    let was = |number, is_so: fn(&Forward) -> bool| before.iter().any(|one| one.number == number && is_so(one));
    let mut failed = now.iter().rev().filter(|one| !was(one.number, |one| one.failure().is_some()));
    let mut listens = now.iter().rev().filter(|one| !was(one.number, |one| one.address().is_some()));
    let failed = failed.find_map(|one| Some(format!("no forward to {}: {}", one.ask.to, one.failure()?)));
    failed
        .or_else(|| listens.find_map(|one| Some(format!("{} leads to {}", one.address()?, one.ask.to))))
        .map(Clean::own)
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
            now.ask.to != ask.to || now.failure().is_none()
        });
        forwards.started += 1;
        let to = ask.to.clone();
        forwards.running.push(forward::start(cluster, forwards.started, ask, self.wake.clone()));
        let news = forwards.show(app);
        news.unwrap_or_else(|| Clean::own(format!("a forward to {to} starts: :forwards lists it")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::*;
    use crate::{
        model::{
            forward::{ForwardState, ForwardTo},
            kubernetes::ObjectKey,
        },
        source::kubernetes::scripted,
        time::SystemClock,
    };

    #[test]
    fn a_forward_that_fails_or_listens_is_said_once() {
        let pod = ObjectKey { cluster: BackendId::new("prod"), namespace: "shop".into(), name: "web-1".into() };
        let ask = ForwardAsk { to: ForwardTo::Pod(pod), or: None, local: Some(8080), remote: None };
        let going = Forward::new(1, ask);
        let failed = Forward { state: ForwardState::Failed("port 8080 is taken".into()), ..going.clone() };
        let says = |before: &Forward, now: &Forward| {
            news(std::slice::from_ref(before), std::slice::from_ref(now)).map(|says| says.to_string())
        };
        assert_eq!(says(&going, &failed).as_deref(), Some("no forward to pod/web-1: port 8080 is taken"));
        assert_eq!(news(&[], std::slice::from_ref(&failed)).map(|says| says.to_string()), says(&going, &failed));
        assert_eq!(says(&failed, &failed), None);
        let listens = Forward { state: ForwardState::Listening, local: Some(8080), ..going.clone() };
        assert_eq!(says(&going, &listens).as_deref(), Some("127.0.0.1:8080 leads to pod/web-1"));
        assert_eq!(says(&listens, &listens), None);
        assert_eq!(says(&going, &going), None);
    }

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
