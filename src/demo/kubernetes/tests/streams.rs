//! Streams into pods, spoken to with frames made by hand, and the faults for drills.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Served, serve, status};

/// A WebSocket as its client writes it.
struct Socket(TcpStream);

impl Socket {
    async fn open(served: &Served, path: &str) -> Self {
        let address = served.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101") && head.contains("v4.channel.k8s.io"), "{head}");
        Self(stream)
    }

    /// One binary message, masked with zeros.
    async fn send(&mut self, payload: &[u8]) {
        let mut frame = vec![0x82, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        frame.extend(payload);
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next message: its channel and the rest; `None` when the server closes.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let kind = self.0.read_u8().await.ok()? & 0x0f;
        let length = match self.0.read_u8().await.ok()? {
            126 => usize::from(self.0.read_u16().await.ok()?),
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await.ok()?;
        (kind == 2).then(|| (payload[0], payload[1..].to_vec()))
    }
}

async fn a_pod(served: &Served) -> String {
    let list = served.get("/api/v1/namespaces/production/pods?labelSelector=app%3Dmyapp&limit=1").await;
    list.body["items"][0]["metadata"]["name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_port_is_forwarded_to_the_pods_http_server() {
    let served = serve().await;
    let pod = a_pod(&served).await;
    let path = format!("/api/v1/namespaces/production/pods/{pod}/portforward?ports=8080&ports=9");
    let mut socket = Socket::open(&served, &path).await;
    for (channel, port) in [(0, [144, 31]), (1, [144, 31]), (2, [9, 0]), (3, [9, 0])] {
        assert_eq!(socket.next().await, Some((channel, port.to_vec())), "each channel begins with its port");
    }
    socket.send(b"\0GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let (channel, answer) = socket.next().await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(channel == 0 && answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
    socket.send(b"\0GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let (_, answer) = socket.next().await.unwrap();
    assert!(String::from_utf8(answer).unwrap().contains("process_resident_memory_bytes "));
    socket.send(b"\x02GET / HTTP/1.1\r\n\r\n").await;
    let (channel, why) = socket.next().await.unwrap();
    assert_eq!(channel, 3);
    assert!(String::from_utf8(why).unwrap().contains("connection refused"));
    assert_eq!(socket.next().await, None);
}

#[tokio::test]
async fn a_shell_is_talked_to_and_its_exit_code_told() {
    let served = serve().await;
    let pod = a_pod(&served).await;
    let path = format!("/api/v1/namespaces/production/pods/{pod}/exec?command=sh&stdin=true&stdout=true&tty=true");
    let mut socket = Socket::open(&served, &path).await;
    socket.send(b"\x04{\"Width\":80,\"Height\":24}").await;
    socket.send(b"\0hostname\rexit 3\r").await;
    let (mut said, mut end) = (String::new(), None);
    while let Some((channel, bytes)) = socket.next().await {
        match channel {
            1 => said.push_str(std::str::from_utf8(&bytes).unwrap()),
            3 => end = serde_json::from_slice::<serde_json::Value>(&bytes).ok(),
            other => panic!("channel {other}"),
        }
    }
    assert!(said.contains(&format!("/ $ hostname\r\n{pod}\r\n/ $ exit 3\r\n")), "{said:?}");
    let end = end.expect("a status");
    assert_eq!((&end["reason"], &end["details"]["causes"][0]["message"]), (&"NonZeroExitCode".into(), &"3".into()));
}

#[tokio::test]
async fn faults_are_switched_on() {
    let served = serve().await;
    served.cluster(|cluster, _| cluster.faults.throttle = 1);
    let refused = served.get("/api/v1/namespaces").await;
    assert_eq!(status(&refused).0, 429);
    assert_eq!(refused.body["details"]["retryAfterSeconds"], 1);
    assert_eq!(served.get("/api/v1/namespaces").await.code, 200, "once is once");
    let slow = std::time::Duration::from_millis(300);
    served.cluster(|cluster, _| cluster.faults.slow = Some(slow));
    let begun = std::time::Instant::now();
    served.get("/api/v1/namespaces").await;
    assert!(begun.elapsed() >= slow);
}
