//! One connection: bytes between a local end and a pod's port. Channel 0 is data, 1 the pod's trouble; each begins with
//! the port in two bytes.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{interval, sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::resolve::Place;
use crate::{
    source::kubernetes::{
        client::{Cluster, Socket, segment},
        failure::Failure,
    },
    text::Clean,
};

const PROTOCOLS: &[&str] = &["v4.channel.k8s.io"];
const DATA: u8 = 0;
const TROUBLE: u8 = 1;
/// Bytes of the port before a channel's first data.
const HEAD: usize = 2;
/// Between signs of life.
pub const BEAT: Duration = Duration::from_secs(15);
/// Signs of life that may stay unanswered.
const MISSED: u8 = 2;
/// How long one message may take to leave.
const SEND: Duration = Duration::from_secs(20);
/// Silence after which a connection that the local program closed for sending is over.
const LINGER: Duration = Duration::from_secs(5);

/// Where bytes are counted.
pub struct Counted<'a> {
    pub sent: &'a AtomicU64,
    pub received: &'a AtomicU64,
}

pub async fn open(cluster: &Cluster, place: &Place) -> Result<Socket, Failure> {
    let (namespace, pod) = (segment(&place.namespace), segment(&place.pod));
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={}", place.port);
    Ok(cluster.upgrade(false, &path, PROTOCOLS).await?.0)
}

/// Until either side ends it. `beat`: between signs of life. `Err`: what the pod or the way to it said.
pub async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    mut local: impl AsyncRead + AsyncWrite + Unpin,
    mut socket: WebSocketStream<S>,
    counted: Counted<'_>,
    beat: Duration,
) -> Result<(), Clean> {
    let mut buffer = vec![0; 32 * 1024];
    let mut beat = interval(beat);
    let (mut missed, mut has_local) = (0, true);
    // Bytes of the port that have not come yet, by channel.
    let mut heads = [HEAD; 2];
    let broken = |error: tokio_tungstenite::tungstenite::Error| Clean::line(&error.to_string());
    loop {
        tokio::select! {
            count = local.read(&mut buffer), if has_local => {
                // An end of what is sent cannot be told in this protocol: the answer is still waited for.
                let count = count.unwrap_or(0);
                has_local = count > 0;
                if has_local {
                    let framed: Vec<u8> = std::iter::once(DATA).chain(buffer[..count].iter().copied()).collect();
                    send(&mut socket, Message::Binary(framed.into())).await?;
                    counted.sent.fetch_add(count as u64, Ordering::Relaxed);
                }
            }
            message = socket.next() => {
                missed = 0;
                let Some(message) = message else { return Ok(()) };
                let bytes = match message.map_err(broken)? {
                    Message::Binary(bytes) => bytes,
                    Message::Close(_) => return Ok(()),
                    _ => continue,
                };
                let Some((&channel @ (DATA | TROUBLE), data)) = bytes.split_first() else { continue };
                let head = &mut heads[usize::from(channel)];
                let data = &data[(*head).min(data.len())..];
                *head = head.saturating_sub(bytes.len() - 1);
                if channel == TROUBLE && !data.is_empty() {
                    return Err(Clean::line(&String::from_utf8_lossy(data)));
                }
                if local.write_all(data).await.is_err() {
                    // The local program went away.
                    return Ok(());
                }
                counted.received.fetch_add(data.len() as u64, Ordering::Relaxed);
            }
            // Nobody asks any more, and nothing is answered.
            () = sleep(LINGER), if !has_local => return Ok(()),
            _ = beat.tick() => {
                if missed >= MISSED {
                    return Err("the connection to the cluster gives no sign of life".into());
                }
                missed += 1;
                send(&mut socket, Message::Ping(Bytes::new())).await?;
            }
        }
    }
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    message: Message,
) -> Result<(), Clean> {
    match timeout(SEND, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Clean::line(&error.to_string())),
        Err(_) => Err("nothing can be sent to the cluster any more".into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    /// A laptop that slept, a connection that a firewall forgot: nothing comes, not even an end.
    #[tokio::test]
    async fn a_silent_way_is_given_up() {
        let (near, _silent) = tokio::io::duplex(64 * 1024);
        let socket = WebSocketStream::from_raw_socket(near, Role::Client, None).await;
        let (_program, local) = tokio::io::duplex(1024);
        let counted = Counted { sent: &AtomicU64::new(0), received: &AtomicU64::new(0) };
        let ended = carry(local, socket, counted, Duration::from_millis(5)).await;
        assert_eq!(ended, Err("the connection to the cluster gives no sign of life".into()));
    }
}
