//! What stands before a server of the demo: passes everything on, or fails in the way it is told.

use std::{
    net::SocketAddr,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use futures::StreamExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};

/// What is wrong with the server.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Nothing,
    Refused,
    /// Accepts, reads, and says nothing.
    SilentBeforeHeaders,
    /// The same to whoever comes from now on; what is open goes on.
    SilentToNew,
    /// Headers and half an answer, then nothing.
    SilentInBody,
    /// An error, with the server's words in JSON.
    Status(u16),
    /// 429 that names the seconds to wait.
    TooOften(u64),
    /// A page with status 200.
    WebPage,
    /// A whole answer whose JSON ends in the middle.
    HalfJson,
    /// 100 MB of a list that never ends.
    Huge,
    /// JSON whose fields are of other types than promised.
    WrongTypes,
    /// Forgets every version it is asked to watch from.
    Expired,
    /// Right in all but its clock, which is so many seconds ahead.
    Ahead(i64),
    /// The connection is reset once the question is read.
    Reset,
    /// The credential that was sent is said again, in these ways.
    Echo(Said),
    /// Everything has moved to another host.
    Elsewhere(&'static str),
    /// Right in all but its texts.
    Hostile(fn(&str, Vec<u8>) -> Vec<u8>),
}

/// How a credential is said again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// `message` of an answer with this status, with all headers.
    Json(u16),
    /// A Kubernetes `Status` with causes, 403.
    Status,
    /// Plain text, 500.
    Text,
    /// The path of a redirect, here.
    Location,
    /// The title of a web page, 200.
    Title,
}

pub const SAID: [Said; 6] = [Said::Json(401), Said::Json(403), Said::Status, Said::Text, Said::Location, Said::Title];

pub const HUGE: usize = 100_000_000;

/// Listens for as long as it lives.
pub struct Front {
    pub url: String,
    state: Arc<State>,
    fault: watch::Sender<Fault>,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    upstream: String,
    url: String,
    /// Path without its query, when it was asked, and in which fault: a connection that is older than a fault is not in it.
    asked: Mutex<Vec<(String, Instant, Fault)>>,
    /// Most bytes of one answer that somebody took.
    taken: AtomicUsize,
    /// Connections that this side has not seen closed.
    open: AtomicUsize,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Each test has a runtime of its own: a connection must not outlive it.
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy();
    // Redirects are the client's to follow, or not.
    client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
});

impl Front {
    pub async fn of(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let state = Arc::new(State {
            upstream: upstream.to_owned(),
            url: url.clone(),
            asked: Mutex::default(),
            taken: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        let (fault, told) = watch::channel(Fault::Nothing);
        let task = tokio::spawn(listen(listener, address, state.clone(), told));
        Self { url, state, fault, task }
    }

    /// From now on; what is open is cut, but by [`Fault::SilentToNew`].
    pub fn set(&self, fault: Fault) {
        self.state.asked.lock().unwrap().clear();
        self.fault.send_replace(fault);
    }

    /// Since the last change, in such a fault.
    pub fn asked_in(&self, is_in: impl Fn(&Fault) -> bool) -> Vec<(String, Instant)> {
        let asked = self.state.asked.lock().unwrap();
        asked.iter().filter(|(.., fault)| is_in(fault)).map(|(path, at, _)| (path.clone(), *at)).collect()
    }

    pub fn most_taken(&self) -> usize {
        self.state.taken.load(Ordering::Relaxed)
    }

    /// Connections now. Right after a client has closed some and opened others it may say too many.
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::Relaxed)
    }
}

async fn listen(mut listener: TcpListener, address: SocketAddr, state: Arc<State>, mut told: watch::Receiver<Fault>) {
    loop {
        tokio::select! {
            _ = told.changed() => {
                if !matches!(*told.borrow_and_update(), Fault::Refused) {
                    continue;
                }
                drop(listener);
                // Bound and not listening: the port stays ours, and everybody is refused.
                let socket = TcpSocket::new_v4().unwrap();
                socket.set_reuseaddr(true).unwrap();
                socket.bind(address).unwrap();
                let _ = told.wait_for(|fault| !matches!(fault, Fault::Refused)).await;
                listener = socket.listen(128).unwrap();
            }
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let (state, mut told) = (state.clone(), told.clone());
                state.open.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let fault = *told.borrow_and_update();
                    let cut = async {
                        while told.changed().await.is_ok() && matches!(*told.borrow_and_update(), Fault::SilentToNew) {}
                    };
                    tokio::select! {
                        () = cut => {}
                        _ = serve(stream, fault, &state) => {}
                    }
                    state.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        }
    }
}

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// What it proves itself with, without the scheme: a token, or the decoded pair of basic authentication.
    fn credential(&self) -> String {
        use base64::Engine as _;
        let Some((_, value)) = self.headers.iter().find(|(name, _)| name == "authorization") else {
            return "nobody".to_owned();
        };
        let (scheme, credential) = value.split_once(' ').unwrap_or(("", value));
        match base64::engine::general_purpose::STANDARD.decode(credential) {
            Ok(pair) if scheme == "Basic" => {
                String::from_utf8(pair).unwrap().split_once(':').map_or("", |(_, password)| password).to_owned()
            }
            _ => credential.to_owned(),
        }
    }
}

/// One answer for each connection.
#[allow(clippy::disallowed_methods)] // when a client really asked
async fn serve(mut stream: TcpStream, fault: Fault, state: &State) -> std::io::Result<()> {
    let Some(request) = read(&mut stream).await? else { return Ok(()) };
    let bare = request.path.split('?').next().unwrap_or_default().to_owned();
    state.asked.lock().unwrap().push((bare, Instant::now(), fault));
    match fault {
        Fault::Nothing | Fault::Refused | Fault::Ahead(_) | Fault::Hostile(_) => {
            return pass(stream, request, fault, state).await;
        }
        Fault::Expired if !request.path.contains("watch=true") => return pass(stream, request, fault, state).await,
        // Until the client has gone.
        Fault::SilentBeforeHeaders | Fault::SilentToNew => while stream.read(&mut [0; 64]).await? > 0 {},
        Fault::SilentInBody => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n[{")
                .await?;
            std::future::pending::<()>().await;
        }
        Fault::Reset => stream.set_zero_linger()?,
        Fault::Huge => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[")
                .await?;
            let piece = vec![b' '; 64 * 1024];
            let mut taken = 0;
            while taken < HUGE {
                stream.write_all(&piece).await?;
                taken += piece.len();
                state.taken.fetch_max(taken, Ordering::Relaxed);
            }
        }
        _ => {
            let (status, kind, body) = said(fault, &request);
            let wait = match fault {
                Fault::TooOften(seconds) => format!("retry-after: {seconds}\r\n"),
                Fault::Echo(Said::Location) => {
                    format!("location: /{}/{}\r\n", request.credential(), request.path.len())
                }
                Fault::Elsewhere(to) => format!("location: {to}{}\r\n", request.path),
                _ => String::new(),
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{wait}content-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
        }
    }
    Ok(())
}

fn said(fault: Fault, request: &Request) -> (u16, &'static str, String) {
    const JSON: &str = "application/json";
    match fault {
        Fault::WebPage => (200, "text/html", "<!DOCTYPE html><html><body>It works!</body></html>".to_owned()),
        Fault::HalfJson => (200, JSON, r#"{"data": {"search": {"#.to_owned()),
        Fault::WrongTypes => {
            let fields = ["items", "metadata", "data", "workflow_runs", "database", "versionInfo", "errors"];
            let fields: Vec<String> = fields.iter().map(|field| format!("\"{field}\": 7")).collect();
            (200, JSON, format!("{{{}}}", fields.join(", ")))
        }
        Fault::Expired => (
            410,
            JSON,
            r#"{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired","message":"too old"}"#.to_owned(),
        ),
        Fault::Status(status) => (status, JSON, r#"{"message": "so says the server"}"#.to_owned()),
        Fault::TooOften(_) => (429, JSON, r#"{"message": "slow down"}"#.to_owned()),
        Fault::Echo(said) => {
            let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            let words = format!("nobody is called {} ({})", request.credential(), headers.join(" "));
            match said {
                Said::Json(status) => (status, JSON, serde_json::json!({"message": words, "error": words}).to_string()),
                Said::Status => {
                    let cause = serde_json::json!({"reason": words, "message": words});
                    let status = serde_json::json!({"kind": "Status", "apiVersion": "v1", "code": 403, "reason": "Forbidden",
                        "message": words, "details": {"causes": [cause]}});
                    (403, JSON, status.to_string())
                }
                Said::Text => (500, "text/plain", words),
                Said::Location => (302, "text/plain", String::new()),
                Said::Title => (200, "text/html", format!("<html><title>{words}</title>{words}</html>")),
            }
        }
        Fault::Elsewhere(_) => (307, "text/plain", String::new()),
        _ => (500, JSON, String::new()),
    }
}

/// The true server's answer, as it comes.
async fn pass(mut stream: TcpStream, request: Request, fault: Fault, state: &State) -> std::io::Result<()> {
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap();
    let mut ask = CLIENT.request(method, format!("{}{}", state.upstream, request.path)).body(request.body);
    for (name, value) in &request.headers {
        if !["host", "connection", "content-length", "accept-encoding"].contains(&name.as_str()) {
            ask = ask.header(name, value);
        }
    }
    let Ok(answer) = ask.send().await else { return Ok(()) };
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status().as_u16());
    for (name, value) in answer.headers() {
        let mut value = value.to_str().unwrap_or_default().replace(&state.upstream, &state.url);
        match (name.as_str(), fault) {
            ("connection" | "content-length" | "transfer-encoding", _) => continue,
            ("date", Fault::Ahead(by)) => {
                let date = jiff::fmt::rfc2822::parse(&value).unwrap().timestamp() + jiff::SignedDuration::from_secs(by);
                value = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            }
            _ => {}
        }
        head.extend([name.as_str(), ": ", &value, "\r\n"]);
    }
    if let Fault::Hostile(_) = fault {
        // C1 in UTF-8 and as a byte; clients must refuse the others themselves.
        stream.write_all(head.as_bytes()).await?;
        stream
            .write_all(b"x-github-enterprise-version: 3\xc2\x9b31m\x9b\r\nx-ratelimit-resource: c\xc2\x9b1m\r\n")
            .await?;
        stream.write_all(b"retry-after: \xc2\x9d52;c;aGk=\r\nserver: \xe2\x80\xae\x9b\r\n").await?;
        head.clear();
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    if let Fault::Hostile(rewrite) = fault
        && !request.path.contains("watch=true")
    {
        let body = answer.bytes().await.unwrap_or_default().to_vec();
        return stream.write_all(&rewrite(&request.path, body)).await;
    }
    let mut pieces = answer.bytes_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        stream.write_all(&piece).await?;
    }
    Ok(())
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Request {
        method: first.next().unwrap_or_default(),
        path: first.next().unwrap_or_default(),
        headers,
        body,
    }))
}
