//! Port-forwards: a port on 127.0.0.1, and for each connection to it a WebSocket to a pod (`portforward`), which is looked
//! for anew when the last one is gone.

mod carry;
mod resolve;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(super) use self::{
    carry::{BEAT, Counted, carry, open},
    resolve::{Place, find},
};
use super::{client::Cluster, failure::Failure};
use crate::{
    model::forward::{Forward, ForwardAsk, ForwardState},
    text::Clean,
};

/// Between reports of what went through.
const REPORT: Duration = Duration::from_secs(1);
/// Connections at once: each is one to the API server too.
const MOST: usize = 32;
/// After a connection that could not be taken: what lasts (too many open files) is said again at once.
const REST: Duration = Duration::from_millis(100);
/// Below it only root may listen.
const PRIVILEGED: u16 = 1024;

/// A running port-forward. It ends when this is dropped.
pub struct Forwarding {
    state: watch::Receiver<Forward>,
    _stop: DropGuard,
}

impl Forwarding {
    /// How it goes now.
    pub fn now(&self) -> Forward {
        self.state.borrow().clone()
    }
}

/// Starts a port-forward. `wake` is told whenever its state has changed.
pub fn start(cluster: &Cluster, number: u64, ask: ForwardAsk, wake: Arc<Notify>) -> Forwarding {
    let stop = CancellationToken::new();
    let (to, state) = watch::channel(Forward::new(number, ask.clone()));
    let running = Arc::new(Running {
        cluster: cluster.clone(),
        ask,
        state: to,
        wake,
        place: Mutex::default(),
        counts: Counts::default(),
    });
    let ended = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = ended.cancelled() => {}
            () = running.serve() => {}
        }
    });
    Forwarding { state, _stop: stop.drop_guard() }
}

#[derive(Default)]
struct Counts {
    open: AtomicU32,
    opened: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

struct Running {
    cluster: Cluster,
    ask: ForwardAsk,
    state: watch::Sender<Forward>,
    wake: Arc<Notify>,
    /// Where the last connection went.
    place: Mutex<Option<Place>>,
    counts: Counts,
}

impl Running {
    fn report(&self, change: impl FnOnce(&mut Forward)) {
        let counts = &self.counts;
        let is_news = self.state.send_if_modified(|forward| {
            let before = forward.clone();
            forward.open = counts.open.load(Ordering::Relaxed);
            forward.opened = counts.opened.load(Ordering::Relaxed);
            forward.sent = counts.sent.load(Ordering::Relaxed);
            forward.received = counts.received.load(Ordering::Relaxed);
            change(forward);
            *forward != before
        });
        if is_news {
            self.wake.notify_one();
        }
    }

    fn fail(&self, says: Clean) {
        self.report(|forward| forward.state = ForwardState::Failed(says));
    }

    async fn serve(self: Arc<Self>) {
        let place = match self.find().await {
            Ok(place) => place,
            Err(failure) => return self.fail(failure.error.says),
        };
        let listener = match listen(self.ask.local, place.port).await {
            Ok(listener) => listener,
            Err(says) => return self.fail(says),
        };
        let local = listener.local_addr().map(|address| address.port()).ok();
        self.report(|forward| (forward.local, forward.state) = (local, ForwardState::Listening));
        self.take(|| listener.accept()).await;
    }

    /// Takes connections for as long as it runs.
    async fn take<Accepting>(self: Arc<Self>, accept: impl Fn() -> Accepting)
    where
        Accepting: Future<Output = io::Result<(TcpStream, SocketAddr)>>,
    {
        let mut connections = JoinSet::new();
        let mut tick = interval(REPORT);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                accepted = accept(), if connections.len() < MOST => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(self.clone().connection(stream))),
                    // The next one may do: too many open files, a client that went away.
                    Err(error) => {
                        self.trouble(Clean::own(format!("a connection was not taken: {error}")));
                        sleep(REST).await;
                    }
                },
                Some(_) = connections.join_next() => self.report(|_| {}),
                _ = tick.tick() => self.report(|_| {}),
            }
        }
    }

    fn trouble(&self, says: Clean) {
        self.report(|forward| forward.state = ForwardState::Trouble(says));
    }

    /// One connection, to its end.
    async fn connection(self: Arc<Self>, stream: TcpStream) {
        self.counts.opened.fetch_add(1, Ordering::Relaxed);
        self.counts.open.fetch_add(1, Ordering::Relaxed);
        self.report(|_| {});
        match self.carried(stream).await {
            Ok(()) => self.report(|forward| forward.state = ForwardState::Listening),
            Err(says) => self.trouble(says),
        }
        self.counts.open.fetch_sub(1, Ordering::Relaxed);
    }

    async fn carried(&self, stream: TcpStream) -> Result<(), Clean> {
        let known = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let opened = match known {
            Some(place) => match open(&self.cluster, &place).await {
                Ok(socket) => Ok(socket),
                // That pod is gone, or no longer runs: another one may.
                Err(_) => self.open_anew().await,
            },
            None => self.open_anew().await,
        };
        let socket = opened.map_err(|failure| failure.error.says)?;
        let counted = Counted { sent: &self.counts.sent, received: &self.counts.received };
        let ended = carry(stream, socket, counted, BEAT).await;
        if ended.is_err() {
            // The next connection looks for a pod anew.
            *self.place.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        ended
    }

    async fn open_anew(&self) -> Result<super::client::Socket, Failure> {
        let place = self.find().await?;
        open(&self.cluster, &place).await
    }

    /// Looks for a pod that is ready, and remembers it.
    async fn find(&self) -> Result<Place, Failure> {
        let place = find(&self.cluster, &self.ask).await?;
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place.clone());
        self.report(|forward| forward.pod = Some((place.pod.clone(), place.port)));
        Ok(place)
    }
}

/// Listens on 127.0.0.1 and nowhere else. Without a wish: on the pod's port if that is free and allowed, else on any.
async fn listen(local: Option<u16>, remote: u16) -> Result<TcpListener, Clean> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let wanted = local.or((remote >= PRIVILEGED).then_some(remote)).unwrap_or(0);
    let error = match bind(wanted).await {
        Ok(listener) => return Ok(listener),
        Err(_) if local.is_none() => match bind(0).await {
            Ok(listener) => return Ok(listener),
            Err(error) => error,
        },
        Err(error) => error,
    };
    Err(Clean::own(match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("127.0.0.1:{wanted} is in use by another program: take another local port, as in :{remote} for any")
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "127.0.0.1:{wanted} needs root: take a local port from {PRIVILEGED} on, as in {}:{remote}",
                8000 + u32::from(wanted)
            )
        }
        _ => format!("127.0.0.1:{wanted} cannot be listened on: {error}"),
    }))
}
