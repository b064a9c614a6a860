//! A server for tests that answers as told: well, badly, slowly, or not at all.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.split('?').next() == Some(path)
    }
}

/// How the server behaves.
pub enum Behaviour {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Accepts and says nothing, for ever.
    Silent,
    /// Head and half a body, then nothing, for ever.
    SilentInBody,
    /// Head and half a body, then the connection is closed.
    CutOff,
    /// A body without end.
    Endless,
    /// A body said to be this long, of which nothing comes.
    Claims(u64),
    /// Closes at once.
    HangUp,
}

pub fn json(body: &Value) -> Behaviour {
    answer(200, "application/json", &body.to_string())
}

pub fn answer(status: u16, kind: &str, body: &str) -> Behaviour {
    Behaviour::Answer { status, headers: vec![("content-type", kind.to_owned())], body: body.to_owned() }
}

/// Ends when dropped.
pub struct Fake {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// Must be called in a runtime.
    pub async fn start(behave: impl Fn(&Asked) -> Behaviour + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, behave) = (asked.clone(), Arc::new(behave));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (log, behave) = (log.clone(), behave.clone());
                connections.spawn(async move {
                    let _ = serve(stream, &*behave, &log).await;
                });
            }
        });
        Self { url, asked, task }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    behave: &(dyn Fn(&Asked) -> Behaviour + Send + Sync),
    log: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    while let Some(asked) = read(&mut stream).await? {
        let behaviour = behave(&asked);
        let is_head = asked.method == "HEAD";
        log.lock().unwrap().push(asked);
        let head = |length: u64| {
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
        };
        match behaviour {
            Behaviour::Answer { status, headers, body } => {
                let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    text.extend([name, ": ", &value, "\r\n"]);
                }
                let body = if is_head { "" } else { body.as_str() };
                stream.write_all(format!("{text}\r\n{body}").as_bytes()).await?;
            }
            Behaviour::Silent => std::future::pending::<()>().await,
            Behaviour::SilentInBody => {
                stream.write_all(format!("{}[1,", head(100)).as_bytes()).await?;
                std::future::pending::<()>().await;
            }
            Behaviour::CutOff => {
                stream.write_all(format!("{}[1,", head(100)).as_bytes()).await?;
                return Ok(());
            }
            Behaviour::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[").await?;
                let piece = vec![b' '; 64 * 1024];
                loop {
                    stream.write_all(&piece).await?;
                }
            }
            Behaviour::Claims(length) => {
                stream.write_all(head(length).as_bytes()).await?;
                std::future::pending::<()>().await;
            }
            Behaviour::HangUp => return Ok(()),
        }
    }
    Ok(())
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Asked {
        method: first.next().unwrap_or_default().to_owned(),
        path: first.next().unwrap_or_default().to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }))
}
