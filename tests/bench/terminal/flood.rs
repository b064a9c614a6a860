//! A cluster of one Deployment whose pods log or change without a pause: just as much of the API as a cockpit and
//! `kubectl logs` ask for.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::measure::now;

const NAMESPACE: &str = "shop";
const SINCE: &str = "2026-11-21T03:00:00Z";

/// What the cluster does.
#[derive(Clone, Copy, Default)]
pub struct Load {
    pub pods: usize,
    /// Lines a second, of each pod.
    pub lines: usize,
    /// Changes of pods a second, of all together.
    pub changes: usize,
}

pub struct Cluster {
    pub at: SocketAddr,
    folder: tempfile::TempDir,
}

impl Cluster {
    pub fn start(load: Load) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let at = listener.local_addr().expect("it listens");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // The cockpit going away is no failure of the server.
                thread::spawn(move || drop(serve(&stream, load)));
            }
        });
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: flood\nclusters:\n- name: c\n  cluster: {{server: 'http://{at}'}}\n\
             users:\n- name: u\n  user: {{}}\ncontexts:\n- name: flood\n  context: {{cluster: c, user: u, namespace: {NAMESPACE}}}\n"
        );
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, kubeconfig).expect("a writable folder");
        let config =
            format!("[[kubernetes]]\nname = \"flood\"\nkubeconfig = \"{}\"\nproduction = false\n", path.display());
        std::fs::write(folder.path().join("config.toml"), config).expect("a writable folder");
        Self { at, folder }
    }

    pub fn config(&self) -> String {
        self.file("config.toml")
    }

    pub fn kubeconfig(&self) -> String {
        self.file("kubeconfig")
    }

    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// Requests of one connection, one after another.
fn serve(stream: &TcpStream, load: Load) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while let Some(first) = lines.next().transpose()? {
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
            let head = line.to_ascii_lowercase();
            length = head.strip_prefix("content-length:").and_then(|text| text.trim().parse().ok()).unwrap_or(length);
        }
        if length > 0 {
            // Nobody here needs what is posted, and the next request begins after it: give the connection up.
            return answer(stream, "404 Not Found", &json!({"kind": "Status", "code": 404}));
        }
        if path.contains("/log?") {
            begin(stream)?;
            return log(stream, load.lines);
        }
        if path.contains("watch=") {
            begin(stream)?;
            if path.contains("/pods?") && load.changes > 0 {
                return change(stream, load);
            }
            loop {
                thread::sleep(Duration::from_mins(1));
            }
        }
        match objects(&path, load.pods) {
            Some(body) => answer(stream, "200 OK", &body)?,
            None => answer(stream, "404 Not Found", &json!({"kind": "Status", "status": "Failure", "code": 404}))?,
        }
    }
    Ok(())
}

fn begin(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n")
}

fn answer(mut stream: &TcpStream, status: &str, body: &Value) -> std::io::Result<()> {
    let body = body.to_string();
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Lines of a log, stamped with the time that passes.
fn log(stream: &TcpStream, rate: usize) -> std::io::Result<()> {
    stream_at(stream, rate, |passed, number, text| {
        let at = SINCE.parse::<jiff::Timestamp>().expect("a time") + passed;
        let _ =
            writeln_to(text, format_args!("{at:.9} level=info msg=\"served\" path=/api/orders/{number} status=200"));
    })
}

/// Pods restart, one after another.
fn change(stream: &TcpStream, load: Load) -> std::io::Result<()> {
    stream_at(stream, load.changes, |_, number, text| {
        let mut object = pod(number % load.pods);
        object["metadata"]["resourceVersion"] = json!((number + 8).to_string());
        object["status"]["containerStatuses"][0]["restartCount"] = json!(number / load.pods + 1);
        let _ = writeln_to(text, format_args!("{}", json!({"type": "MODIFIED", "object": object})));
    })
}

fn writeln_to(text: &mut String, line: std::fmt::Arguments<'_>) -> std::fmt::Result {
    std::fmt::Write::write_fmt(text, format_args!("{line}\n"))
}

/// Without an end, a fiftieth of a second's pieces at a time: each is told the time and its number.
fn stream_at(mut stream: &TcpStream, rate: usize, piece: impl Fn(Duration, usize, &mut String)) -> std::io::Result<()> {
    let (begun, part) = (now(), (rate / 50).max(1));
    for turn in 0.. {
        let passed = Duration::from_millis(turn as u64 * 20);
        thread::sleep(passed.saturating_sub(now() - begun));
        let mut text = String::new();
        for number in 0..part {
            let within = Duration::from_micros(number as u64 * 20_000 / part as u64);
            piece(passed + within, turn * part + number, &mut text);
        }
        write!(stream, "{:x}\r\n{text}\r\n", text.len())?;
    }
    Ok(())
}

fn objects(path: &str, pods: usize) -> Option<Value> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let kind = path.rsplit('/').next().unwrap_or_default();
    let items = match kind {
        // It measures nothing: a list of pods is no answer to who asks what they use.
        _ if path.starts_with("/apis/metrics.k8s.io/") => return None,
        "version" => return Some(json!({"major": "1", "minor": "33", "gitVersion": "v1.33.5"})),
        "api" => return Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
        "apis" => return Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": []})),
        "v1" if path == "/api/v1" => return Some(core()),
        "app" => return Some(deployment(pods)),
        name if name.starts_with("app-") => return Some(pod(name.rsplit('-').next()?.parse().ok()?)),
        // Who reads a log asks for its one pod.
        "pods" if query.contains("metadata.name%3Dapp-") => {
            let name = query.split("metadata.name%3D").nth(1)?.split('&').next()?;
            vec![pod(name.rsplit('-').next()?.parse().ok()?)]
        }
        "pods" => (0..pods).map(pod).collect(),
        "deployments" => vec![deployment(pods)],
        "replicasets" => vec![replica_set(pods)],
        "statefulsets" | "daemonsets" | "events" | "services" => Vec::new(),
        _ => return None,
    };
    Some(json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items}))
}

fn core() -> Value {
    json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        {"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "shortNames": ["po"], "verbs": ["get", "list", "watch"]},
        {"name": "pods/log", "singularName": "", "namespaced": true, "kind": "Pod", "verbs": ["get"]},
    ]})
}

fn template() -> Value {
    json!({"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [{"name": "app", "image": "app:412"}]}})
}

fn deployment(pods: usize) -> Value {
    json!({
        "metadata": {"name": "app", "namespace": NAMESPACE, "uid": "d-1", "generation": 1, "creationTimestamp": SINCE,
            "annotations": {"deployment.kubernetes.io/revision": "14"}},
        "spec": {"replicas": pods, "selector": {"matchLabels": {"app": "app"}}, "template": template()},
        "status": {"observedGeneration": 1, "replicas": pods, "updatedReplicas": pods, "readyReplicas": pods,
            "availableReplicas": pods},
    })
}

fn replica_set(pods: usize) -> Value {
    json!({
        "metadata": {"name": "app-6d5c9", "namespace": NAMESPACE, "uid": "r-1", "creationTimestamp": SINCE,
            "labels": {"app": "app", "pod-template-hash": "6d5c9"}, "annotations": {"deployment.kubernetes.io/revision": "14"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "uid": "d-1", "controller": true}]},
        "spec": {"replicas": pods, "template": template()},
        "status": {"replicas": pods, "readyReplicas": pods},
    })
}

fn pod(index: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("app-6d5c9-{index:05}"), "namespace": NAMESPACE, "uid": format!("p-{index}"),
            "creationTimestamp": SINCE, "labels": {"app": "app", "pod-template-hash": "6d5c9"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-6d5c9", "uid": "r-1", "controller": true}]},
        "spec": {"containers": [{"name": "app", "image": "app:412"}], "nodeName": "node-1"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "app", "ready": true, "started": true, "restartCount": 0, "image": "app:412",
                "imageID": "", "containerID": format!("containerd://c-{index}"), "state": {"running": {"startedAt": SINCE}}}]},
    })
}
