//! How many log lines a second the reader takes in: a loopback server writes one pod's log as fast as it is read.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use criterion::{Criterion, Throughput};
use midwatch::{
    config::file::{Kubernetes, Timeouts},
    model::{BackendId, kubernetes::ObjectKey},
    query::{Answer, LogQuery, ObjectRef, Query},
    source::{
        AnswerSink, Reader as _,
        kubernetes::{self, ExecPolicy, reader::ClusterReader},
    },
    time::{Clock, SystemClock},
};
use tokio::sync::mpsc;

const LINES: usize = 200_000;
const CLUSTER: &str = "bench";

/// The lines of one container, as the kubelet stamps them: plain, logfmt and JSON in turn.
fn log() -> String {
    let mut log = String::new();
    for number in 0..LINES {
        let (second, nano) = (number / 10_000, number % 10_000 * 100_000);
        let _ = write!(log, "2026-11-21T03:14:{second:02}.{nano:09}Z ");
        let _ = match number % 3 {
            0 => writeln!(log, "GET /api/orders/{number} 200 in 12ms"),
            1 => writeln!(log, "level=info msg=\"served\" path=/api/orders/{number} status=200"),
            _ => writeln!(
                log,
                "{{\"level\":\"info\",\"msg\":\"served\",\"path\":\"/api/orders/{number}\",\"status\":200}}"
            ),
        };
    }
    log
}

/// Answers one request: the list of one pod, a watch on which nothing happens, or the log.
fn answer(mut stream: &TcpStream, log: &str) -> std::io::Result<()> {
    let mut request = BufReader::new(stream).lines();
    let path = request.next().transpose()?.unwrap_or_default();
    while request.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    if path.contains("watch=") {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")?;
        // Held open until the reader goes away.
        return std::io::copy(&mut stream, &mut std::io::sink()).map(drop);
    }
    let pod = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[{"metadata":
        {"name":"app-1","namespace":"shop","uid":"u-1"},"spec":{"containers":[{"name":"app","image":"app:1"}]},"status":
        {"phase":"Running","containerStatuses":[{"name":"app","ready":true,"restartCount":0,"image":"app:1","imageID":"",
        "containerID":"containerd://c-1","state":{"running":{"startedAt":"2026-11-21T03:00:00Z"}}}]}}]}"#;
    let (kind, body) = if path.contains("/log?") { ("text/plain", log) } else { ("application/json", pod) };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body.as_bytes())
}

fn serve(log: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it listens").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // The reader going away is no failure of the server.
            thread::spawn(move || drop(answer(&stream, log)));
        }
    });
    port
}

fn kubeconfig(port: u16, folder: &std::path::Path) -> Kubernetes {
    let path = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {CLUSTER}\nclusters:\n- name: c\n  cluster: {{server: 'http://127.0.0.1:{port}'}}\n\
         users:\n- name: u\n  user: {{}}\ncontexts:\n- name: {CLUSTER}\n  context: {{cluster: c, user: u, namespace: shop}}\n"
    );
    std::fs::write(&path, text).expect("a writable folder");
    Kubernetes { name: CLUSTER.to_owned(), kubeconfig: Some(path), ..Kubernetes::default() }
}

/// Reads the log to its end; gives the number of lines that came.
async fn read(reader: &ClusterReader, query: &LogQuery, clock: &Arc<dyn Clock>) -> usize {
    let (to, mut answers) = mpsc::channel(256);
    let query = Query::Logs(query.clone());
    let sink = AnswerSink { query: query.clone(), generation: 0, clock: clock.clone(), to };
    let mut lines = 0;
    let count = async {
        while let Some(answered) = answers.recv().await {
            if let Ok(Answer::Logs(batch)) = answered.body {
                lines += batch.lines.len();
            }
        }
    };
    tokio::join!(reader.read(&query, sink), count);
    lines
}

pub fn logs(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let port = serve(log().leak());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let reader = runtime.block_on(async {
        let config = kubeconfig(port, folder.path());
        let policy = Arc::new(ExecPolicy::default());
        let opened = kubernetes::open(&config, Timeouts::default(), clock.clone(), policy).await;
        ClusterReader::new(opened.unwrap_or_else(|error| panic!("{error}")))
    });
    let pod = ObjectKey { cluster: BackendId::new(CLUSTER), namespace: "shop".into(), name: "app-1".into() };
    let query = LogQuery { follow: false, ..LogQuery::of(ObjectRef::Pod(pod)) };
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(LINES as u64)).sample_size(10);
    group.bench_function("log-lines", |bencher| {
        bencher.iter(|| assert_eq!(runtime.block_on(read(&reader, &query, &clock)), LINES));
    });
    group.finish();
}
