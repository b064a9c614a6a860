//! `portforward` over WebSocket (`v4.channel.k8s.io`): two channels for each asked port, data and error, each begun by the
//! port's number in two bytes, low one first. Behind the port is the pod's simulated HTTP server, or the demo's own server
//! that the pod stands for.

use std::net::SocketAddr;

use axum::{
    extract::ws::{Message, WebSocket},
    http::StatusCode,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Server, answer::Failure, list, metrics, request::Ask, stream};
use crate::demo::cluster::json as js;

/// The pod and the ports that a client wants to reach.
pub struct Target {
    server: Server,
    namespace: String,
    pod: String,
    ports: Vec<u16>,
    /// Those that something listens on.
    listening: Vec<u16>,
    /// The real server that this pod stands for.
    behind: Option<SocketAddr>,
}

impl Target {
    pub fn of(server: &Server, ask: &Ask, pod: &Value) -> Result<Self, Failure> {
        let ports = ask
            .query
            .all("ports")
            .iter()
            .flat_map(|list| list.split(','))
            .map(str::parse)
            .collect::<Result<Vec<_>, _>>();
        let ports = ports.ok().filter(|ports| !ports.is_empty() && !ports.contains(&0)).ok_or_else(|| {
            Failure::bad_request("query parameter \"ports\" is required and must be a list of ports from 1 to 65535")
        })?;
        if js::text(pod, "/status/phase") != "Running" {
            let message = format!(
                "unable to forward port because pod is not running. Current status={}",
                js::text(pod, "/status/phase")
            );
            return Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "BadRequest",
                message,
                json!({"name": ask.object_name()}),
            ));
        }
        let listening = js::list(pod, "/spec/containers")
            .iter()
            .flat_map(|container| js::list(container, "/ports"))
            .map(|port| js::int(port, "/containerPort") as u16)
            .collect();
        let (namespace, name) = (ask.space().to_owned(), ask.object_name().to_owned());
        let app = &pod["metadata"]["labels"]["app.kubernetes.io/name"];
        let behind = server
            .upstreams
            .iter()
            .find(|one| one.namespace == namespace && *app == json!(one.service))
            .map(|upstream| upstream.address);
        Ok(Self { server: server.clone(), namespace, pod: name, ports, listening, behind })
    }

    pub async fn serve(self, mut socket: WebSocket) {
        // The client that went away has no use for an answer.
        let _ = match self.behind {
            Some(address) if self.ports.iter().all(|port| self.listening.contains(port)) => {
                self.relay(&mut socket, address).await
            }
            _ => self.talk(&mut socket).await,
        };
    }

    async fn greet(&self, socket: &mut WebSocket) -> Option<()> {
        for (index, port) in self.ports.iter().enumerate() {
            for channel in [2 * index as u8, 2 * index as u8 + 1] {
                send(socket, channel, &port.to_le_bytes()).await?;
            }
        }
        Some(())
    }

    /// Bytes of the first port to and from a real server, until either ends it.
    async fn relay(&self, socket: &mut WebSocket, address: SocketAddr) -> Option<()> {
        self.greet(socket).await?;
        let Ok(mut upstream) = TcpStream::connect(address).await else {
            send(socket, 1, b"failed to connect: connection refused").await?;
            return stream::close(socket).await;
        };
        let mut buffer = vec![0; 16 * 1024];
        loop {
            tokio::select! {
                count = upstream.read(&mut buffer) => match count {
                    Ok(count) if count > 0 => send(socket, 0, &buffer[..count]).await?,
                    _ => return stream::close(socket).await,
                },
                message = socket.recv() => match message?.ok()? {
                    Message::Binary(bytes) if bytes.first() == Some(&0) => upstream.write_all(&bytes[1..]).await.ok()?,
                    Message::Close(_) => return None,
                    _ => {}
                },
            }
        }
    }

    async fn talk(&self, socket: &mut WebSocket) -> Option<()> {
        let mut requests = vec![Vec::new(); self.ports.len()];
        self.greet(socket).await?;
        loop {
            let bytes = match socket.recv().await?.ok()? {
                Message::Binary(bytes) => bytes,
                Message::Close(_) => return None,
                _ => continue,
            };
            let Some((&channel, data)) = bytes.split_first() else { continue };
            let index = usize::from(channel) / 2;
            let (Some(request), Some(port)) = (requests.get_mut(index), self.ports.get(index)) else { continue };
            if channel % 2 == 1 {
                continue;
            }
            if !self.listening.contains(port) {
                let why = format!(
                    "an error occurred forwarding {port} -> {port}: error forwarding port {port} to pod {}: failed to connect to localhost:{port} inside namespace: connect: connection refused",
                    self.pod
                );
                send(socket, channel + 1, why.as_bytes()).await?;
                return stream::close(socket).await;
            }
            request.extend_from_slice(data);
            while let Some(end) = request.windows(4).position(|w| w == b"\r\n\r\n") {
                let head: Vec<u8> = request.drain(..end + 4).collect();
                let (answer, close) = self.answer(&String::from_utf8_lossy(&head));
                send(socket, channel, answer.as_bytes()).await?;
                if close {
                    return stream::close(socket).await;
                }
            }
        }
    }

    /// An HTTP answer, and whether the connection ends with it.
    fn answer(&self, head: &str) -> (String, bool) {
        let path = head.split_whitespace().nth(1).unwrap_or_default();
        let close = head.lines().any(|line| line.to_ascii_lowercase().replace(' ', "") == "connection:close");
        let (code, body) = self.page(path.split('?').next().unwrap_or_default());
        let reason = StatusCode::from_u16(code).ok().and_then(|c| c.canonical_reason()).unwrap_or_default();
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {code} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        (text, close)
    }

    /// `/healthz` follows the pod's readiness, `/metrics` what it uses.
    fn page(&self, path: &str) -> (u16, String) {
        let world = self.server.lock();
        let cluster = &world.clusters[self.server.cluster];
        let Some(object) = list::stored(cluster, &self.namespace, &self.pod) else { return (503, "gone\n".to_owned()) };
        match path {
            "/healthz" | "/readyz" if object.facts().ready() => (200, "ok\n".to_owned()),
            "/healthz" | "/readyz" => (503, "not ready\n".to_owned()),
            "/metrics" => {
                let (cpu, memory) = metrics::used(cluster, &world.story, world.now, &object);
                (
                    200,
                    format!(
                        "# TYPE process_cpu_cores gauge\nprocess_cpu_cores {:.3}\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {}\n",
                        cpu / 1000.0,
                        (memory * 1_048_576.0) as u64
                    ),
                )
            }
            _ => (404, "404 page not found\n".to_owned()),
        }
    }
}

async fn send(socket: &mut WebSocket, channel: u8, bytes: &[u8]) -> Option<()> {
    let framed: Vec<u8> = std::iter::once(channel).chain(bytes.iter().copied()).collect();
    socket.send(Message::Binary(framed.into())).await.ok()
}
