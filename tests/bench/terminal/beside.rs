//! kubectl beside midwatch, where both do the same work: every pod of a cluster, read through a proxy that counts.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    driver::Terminal,
    flood::{Cluster, Load},
    measure::{Effort, Process, Row, now},
    world::World,
};

/// What went over the wire.
#[derive(Default)]
pub struct Wire {
    requests: AtomicUsize,
    /// From the server.
    bytes: AtomicUsize,
    connections: AtomicUsize,
    /// Pods are watched: before that, all of them were listed.
    watches_pods: AtomicBool,
}

impl Wire {
    /// So far, and counts anew.
    pub fn take(&self) -> String {
        self.watches_pods.store(false, Ordering::SeqCst);
        let [requests, bytes, connections] =
            [&self.requests, &self.bytes, &self.connections].map(|count| count.swap(0, Ordering::SeqCst));
        format!("{requests} requests, {:.1} MB, {connections} connections", bytes as f64 / 1e6)
    }
}

/// Passes everything on to `to`, and counts it.
fn proxy(to: SocketAddr) -> (SocketAddr, Arc<Wire>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (at, wire) = (listener.local_addr().expect("bound"), Arc::new(Wire::default()));
    let counts = wire.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(to) else { continue };
            counts.connections.fetch_add(1, Ordering::SeqCst);
            let (from, into) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
            let (up, down) = (counts.clone(), counts.clone());
            // A request's first line ends so; bodies of these clients never hold it.
            let times = |piece: &[u8], text: &[u8]| piece.windows(text.len()).filter(|bytes| *bytes == text).count();
            std::thread::spawn(move || {
                pass(from, into, |piece| {
                    up.requests.fetch_add(times(piece, b" HTTP/1.1\r\n"), Ordering::SeqCst);
                    up.watches_pods.fetch_or(times(piece, b"/api/v1/pods?&watch=true") > 0, Ordering::SeqCst);
                });
            });
            std::thread::spawn(move || {
                pass(server, client, |piece| {
                    down.bytes.fetch_add(piece.len(), Ordering::SeqCst);
                });
            });
        }
    });
    (at, wire)
}

fn pass(mut from: TcpStream, mut into: TcpStream, note: impl Fn(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        note(&buffer[..read]);
        if into.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = into.shutdown(std::net::Shutdown::Both);
}

/// The world's cluster behind the counting proxy.
pub struct Counted {
    folder: tempfile::TempDir,
    pub wire: Arc<Wire>,
}

impl Counted {
    /// The cluster alone.
    fn new(world: &World) -> Self {
        let (_, token) = world.cluster();
        let (at, wire) = proxy(address(world));
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: \"http://{at}/as/{token}\"}}}}]\n\
             users: [{{name: u, user: {{token: {token}}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
        );
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig).expect("written");
        let config =
            format!("[[kubernetes]]\nname = \"c\"\nkubeconfig = \"{}\"\n", folder.path().join("kubeconfig").display());
        std::fs::write(folder.path().join("config.toml"), config).expect("written");
        Self { folder, wire }
    }

    /// All backends of the world, its first cluster counted.
    pub fn among_all(world: &World) -> Self {
        Self::of(address(world), &world.kubeconfig(), &world.config())
    }

    /// A cluster that is flooded.
    pub fn flooded(cluster: &Cluster) -> Self {
        Self::of(cluster.at, &cluster.kubeconfig(), &cluster.config())
    }

    /// A configuration whose kubeconfig names this server, which is counted.
    fn of(server: SocketAddr, kubeconfig: &str, config: &str) -> Self {
        let (at, wire) = proxy(server);
        let folder = tempfile::tempdir().expect("a folder");
        let read = |path: &str| std::fs::read_to_string(path).expect("it was written");
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, read(kubeconfig).replace(&server.to_string(), &at.to_string())).expect("written");
        let config = read(config).replace(kubeconfig, &path.display().to_string());
        std::fs::write(folder.path().join("config.toml"), config).expect("written");
        Self { folder, wire }
    }

    pub fn config(&self) -> String {
        self.path("config.toml")
    }

    /// The cockpit has listed every pod, and shows them: what that took since it was started, and on the wire.
    pub fn until_all_is_read(&self, what: &str, begun: Instant, screen: &Terminal) -> [Row; 2] {
        while !self.wire.watches_pods.load(Ordering::SeqCst) {
            assert!(now() - begun < Duration::from_mins(5), "the pods are not all listed");
            std::thread::sleep(Duration::from_millis(1));
        }
        // The log below is another thing to load.
        let tables = |text: &str| text.split("LAST LOG LINES").next().unwrap_or_default().to_owned();
        screen.until("all is read", |text| text.contains("WORKLOADS") && !tables(text).contains("loading"));
        let (passed, cpu) = (now() - begun, Process::of(screen).cpu());
        let took = format!("{:.0} ms, {cpu:.2} s of CPU", passed.as_secs_f64() * 1e3);
        [Row::text(what, took), Row::text("  on the wire of the cluster", self.wire.take())]
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs a command to its end, and says what it cost.
    fn run(&self, what: &str, command: &mut Command) -> Vec<Row> {
        self.wire.take();
        let begun = now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
        let (cpu, most) = watched(&mut child);
        let passed = now() - begun;
        vec![
            Row::text(what, format!("{:.0} ms, {cpu:.2} s of CPU, {most:.0} MiB", passed.as_secs_f64() * 1e3)),
            Row::text("  on the wire", self.wire.take()),
        ]
    }
}

/// Of its first cluster.
fn address(world: &World) -> SocketAddr {
    world.cluster().0.trim_start_matches("http://").parse().expect("an address")
}

/// CPU seconds and the most memory in MiB of a process, as seen until it ended.
fn watched(child: &mut Child) -> (f64, f64) {
    let process = Process::numbered(child.id());
    let (mut cpu, mut most) = (0.0_f64, 0.0_f64);
    while matches!(child.try_wait(), Ok(None)) {
        cpu = cpu.max(process.cpu());
        most = most.max(process.most_memory());
        std::thread::sleep(Duration::from_millis(1));
    }
    (cpu, most)
}

fn kubectl() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join("kubectl")).find(|file| file.is_file())
}

/// Every pod of a cluster: kubectl's table, midwatch's, and the cockpit from exec until it has them all.
pub fn kubectl_beside(effort: Effort, pods: usize) -> Vec<Row> {
    let pods = if effort.is_measuring { pods } else { 60 };
    let world = World::start(&["--pods", &pods.to_string()]);
    let counted = Counted::new(&world);
    let kubeconfig = counted.path("kubeconfig");
    let mut rows = Vec::new();
    match kubectl() {
        None => rows.push(Row::text("kubectl get pods -A", "there is no kubectl")),
        Some(kubectl) => {
            let mut get = Command::new(kubectl);
            // Discovery is cached on disk by kubectl: in a folder of its own it is read as on a first day.
            get.args(["--kubeconfig", &kubeconfig, "--cache-dir", &counted.path("cache"), "get", "pods", "-A"]);
            rows.extend(counted.run("kubectl get pods -A", &mut get));
            rows.extend(counted.run("kubectl get pods -A, again", &mut get));
        }
    }
    let mut show = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    show.args(["--config", &counted.config(), "show", "kube", "-A"]);
    rows.extend(counted.run("midwatch show kube -A", &mut show));
    counted.wire.take();
    let begun = now();
    let mut screen = Terminal::start(&["--config", &counted.config()], super::SIZE);
    screen.keys("3");
    screen.wait("myapp");
    rows.push(Row::time("cockpit, exec to the first workload", now() - begun));
    rows.extend(counted.until_all_is_read("cockpit, exec to all pods", begun, &screen));
    rows.push(Process::of(&screen).memory());
    rows
}

/// A pod's log as it comes, 200,000 lines a second offered: kubectl's lines and midwatch's, into a pipe that is read.
pub fn logs_beside(effort: Effort) -> Vec<Row> {
    let lines = if effort.is_measuring { 200_000 } else { 1_000 };
    let cluster = Cluster::start(Load { pods: 1, lines, ..Load::default() });
    let mut rows = Vec::new();
    match kubectl() {
        None => rows.push(Row::text("kubectl logs -f", "there is no kubectl")),
        Some(kubectl) => {
            let mut follow = Command::new(kubectl);
            follow.args(["--kubeconfig", &cluster.kubeconfig(), "--cache-dir", &cluster.file("cache")]);
            follow.args(["logs", "-f", "app-6d5c9-00000"]);
            rows.push(followed("kubectl logs -f", &mut follow, effort));
        }
    }
    let mut follow = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    follow.args(["--config", &cluster.config(), "logs", "-f", "-n", "shop", "pod/app-6d5c9-00000"]);
    rows.push(followed("midwatch logs -f", &mut follow, effort));
    rows
}

/// Lines a second from the first one on, and what they cost.
fn followed(what: &str, command: &mut Command, effort: Effort) -> Row {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut from = child.stdout.take().expect("piped");
    let mut buffer = vec![0; 64 * 1024];
    let mut read = || {
        let read = from.read(&mut buffer).expect("it is read");
        assert!(read > 0, "{what} ended");
        buffer[..read].split(|byte| *byte == b'\n').count() - 1
    };
    read();
    let process = Process::numbered(child.id());
    let (begun, before, mut lines) = (now(), process.cpu(), 0);
    while now() - begun < effort.idle {
        lines += read();
    }
    let passed = (now() - begun).as_secs_f64();
    let text = format!(
        "{:.0} lines/s, {:.0} % of a core, {:.0} MiB",
        lines as f64 / passed,
        (process.cpu() - before) / passed * 100.0,
        process.most_memory()
    );
    let _ = child.kill();
    let _ = child.wait();
    Row::text(what, text)
}
