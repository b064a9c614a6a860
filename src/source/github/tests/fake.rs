//! A scripted HTTP server on loopback: one answer per connection, every request kept.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub method: String,
    /// With its query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// What to send back.
#[derive(Clone, Debug)]
pub struct Reply {
    bytes: Vec<u8>,
    hangs: bool,
}

impl Reply {
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            head.push_str("content-type: application/json\r\n");
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        Self { bytes: [head.as_bytes(), body].concat(), hangs: false }
    }

    pub fn json(body: &Value) -> Self {
        Self::new(200, &[], body.to_string())
    }

    /// Says nothing and stays open.
    pub fn hang() -> Self {
        Self { bytes: Vec::new(), hangs: true }
    }

    /// Only the first `keep` bytes; then it stays open, or closes.
    pub fn cut(self, keep: usize, hangs: bool) -> Self {
        Self { bytes: self.bytes[..keep.min(self.bytes.len())].to_vec(), hangs }
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

type Script = dyn Fn(&Seen) -> Reply + Send + Sync;

pub struct Fake {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Requests being answered now, and the most there were.
    busy: Arc<Mutex<(usize, usize)>>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let busy = Arc::new(Mutex::new((0, 0)));
        let counted = busy.clone();
        let (kept, script): (_, Arc<Script>) = (seen.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone(), script.clone(), counted.clone()));
            }
        });
        Self { url, seen, busy, task }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn most_at_once(&self) -> usize {
        self.busy.lock().unwrap().1
    }

    pub fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }
}

async fn serve(stream: TcpStream, kept: Arc<Mutex<Vec<Seen>>>, script: Arc<Script>, busy: Arc<Mutex<(usize, usize)>>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut seen =
        Seen { method: words.next().unwrap_or_default(), path: words.next().unwrap_or_default(), ..Seen::default() };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        seen.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    seen.body = String::from_utf8_lossy(&body).into_owned();
    kept.lock().unwrap().push(seen.clone());
    let reply = script(&seen);
    {
        let mut busy = busy.lock().unwrap();
        *busy = (busy.0 + 1, busy.1.max(busy.0 + 1));
    }
    // Others that are on their way get the chance to be counted.
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    busy.lock().unwrap().0 -= 1;
    let _ = stream.write_all(&reply.bytes).await;
    let _ = stream.flush().await;
    if reply.hangs {
        // Until the client gives up.
        let _ = stream.read(&mut [0; 1]).await;
    }
}
