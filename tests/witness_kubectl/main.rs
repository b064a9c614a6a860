//! The demo's clusters seen by `kubectl`: if an unmodified `kubectl` can work with them, so can any other client.
//!
//! Without `kubectl` these tests say so and pass, unless `MIDWATCH_WITNESSES=required`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test's own helpers; clippy knows only test functions")]

mod sets;

use std::{
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use midwatch::demo::{
    cluster::{Cluster, kinds::Resource},
    kubernetes::{Role, router_with_roles},
    scenario::Scenario,
    world::{Shared, World},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A calm myapp whose 412 crash-loops and whose 413 is fine, a database, an agent on each node.
const SCENARIO: &str = r#"
name = "test"
viewer = "ana"
history = "1s"

[[cluster]]
name = "prod-eu1"
production = true
namespaces = ["production", "logging"]

[[service]]
name = "myapp"
cluster = "prod-eu1"
namespace = "production"
replicas = 10
image = "registry.acme.example/myapp"
progress_deadline = "3m"
revision = 13
deployed = [{ version = "410", age = "4d" }, { version = "411", age = "26h" }]
[[service.version]]
tag = "410"
[[service.version]]
tag = "411"
[[service.version]]
tag = "412"
crash = { share = 1.0, after = "20s", exit_code = 1, log = "FATAL startup: no DB connection" }
[[service.version]]
tag = "413"

[[service]]
name = "postgres"
cluster = "prod-eu1"
namespace = "production"
kind = "StatefulSet"
image = "registry.acme.example/postgres"
[[service.version]]
tag = "16.1"

[[service]]
name = "fluentd"
cluster = "prod-eu1"
namespace = "logging"
kind = "DaemonSet"
image = "registry.acme.example/fluentd"
[[service.version]]
tag = "1.17"
"#;

/// A served cluster, whose time goes on by itself, and the `kubectl` that looks at it.
struct Witness {
    world: Shared,
    home: tempfile::TempDir,
    kubeconfig: PathBuf,
    /// Seconds of the world in a tenth of a second.
    speed: Arc<AtomicI64>,
}

/// What a command printed.
struct Said {
    ok: bool,
    out: String,
    err: String,
}

impl Witness {
    /// `None`, and a line that says so, where there is no `kubectl`. `speed`: seconds of the world in a tenth of a second.
    async fn call(speed: i64) -> Option<Self> {
        if Command::new("kubectl").args(["version", "--client"]).stdout(Stdio::null()).status().await.is_err() {
            assert_ne!(std::env::var("MIDWATCH_WITNESSES").as_deref(), Ok("required"), "witness absent: kubectl");
            println!("witness absent: kubectl");
            return None;
        }
        let start: Timestamp = "2026-07-01T03:14:00Z".parse().unwrap();
        let world: Shared = Arc::new(Mutex::new(World::new(Scenario::parse("test", SCENARIO).unwrap(), 7, start)));
        let tokens = vec![("t".to_owned(), Role::admin("ana")), ("v".to_owned(), Role::viewer("vera"))];
        let app = router_with_roles(world.clone(), 0, tokens);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let ticking = Arc::downgrade(&world);
        let speed = Arc::new(AtomicI64::new(speed));
        let seconds = speed.clone();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(100));
            loop {
                tick.tick().await;
                let Some(world) = ticking.upgrade() else { return };
                let mut world = world.lock().unwrap();
                for _ in 0..seconds.load(Ordering::Relaxed) {
                    let next = world.now + SignedDuration::from_secs(1);
                    let World { now, story, clusters, .. } = &mut *world;
                    *now = next;
                    clusters[0].step(next, story);
                }
            }
        });
        let home = tempfile::tempdir().unwrap();
        let kubeconfig = home.path().join("config");
        let entry = |name: &str| {
            (
                format!("- {{name: {name}, cluster: {{server: 'http://{address}/as/{name}'}}}}\n"),
                format!("- {{name: {name}, context: {{cluster: {name}, user: '', namespace: production}}}}\n"),
            )
        };
        let (admin, viewer) = (entry("t"), entry("v"));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters:\n{}{}contexts:\n{}{}",
            admin.0, viewer.0, admin.1, viewer.1
        );
        std::fs::write(&kubeconfig, text).unwrap();
        Some(Self { world, home, kubeconfig, speed })
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("kubectl");
        command
            .args(line.split_whitespace())
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.home.path())
            .env("KUBECACHEDIR", self.home.path())
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, line: &str) -> Said {
        let output = timeout(Duration::from_mins(1), self.command(line).output()).await;
        let output = output.unwrap_or_else(|_| panic!("'kubectl {line}' did not end")).unwrap();
        Said {
            ok: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What a command that must succeed printed.
    async fn out(&self, line: &str) -> String {
        let said = self.run(line).await;
        assert!(said.ok, "'kubectl {line}': {}", said.err);
        said.out
    }

    fn cluster<T>(&self, act: impl FnOnce(&mut Cluster, Timestamp) -> T) -> T {
        let mut world = self.world.lock().unwrap();
        let now = world.now;
        act(&mut world.clusters[0], now)
    }

    /// Lets the world go on by so many seconds at once.
    fn pass(&self, seconds: i64) {
        let mut world = self.world.lock().unwrap();
        for _ in 0..seconds {
            let next = world.now + SignedDuration::from_secs(1);
            let World { now, story, clusters, .. } = &mut *world;
            *now = next;
            clusters[0].step(next, story);
        }
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[tokio::test]
async fn it_lists_and_describes() {
    let Some(witness) = Witness::call(0).await else { return };
    let table = witness.out("get deploy,rs,sts -o wide").await;
    assert!(table.lines().any(|l| words(l).starts_with(&["deployment.apps/myapp", "10/10", "10", "10"])), "{table}");
    assert!(table.lines().any(|l| words(l).starts_with(&["statefulset.apps/postgres", "1/1"])), "{table}");
    let pods = witness.out("get pods -A --no-headers").await;
    assert_eq!(pods.lines().count(), 20, "{pods}");
    for line in pods.lines() {
        assert_eq!(&words(line)[2..5], ["1/1", "Running", "0"]);
    }
    let described = witness.out("describe deploy myapp").await;
    assert!(described.contains("10 desired | 10 updated | 10 total | 10 available | 0 unavailable"), "{described}");
    assert!(witness.out("describe pod postgres-0").await.contains("Controlled By:  StatefulSet/postgres"));
    assert!(witness.out("describe node node-1").await.contains("Kubelet Version:            v1.33"));
    assert_eq!(witness.out("get pod postgres-0 -o jsonpath={.status.phase}").await, "Running");
    assert_eq!(witness.out("get pods -l app=myapp --chunk-size=3 -o name").await.lines().count(), 10);
    assert!(witness.out("get ds,controllerrevisions,nodes,ns,svc,events -A").await.contains("daemonset.apps/fluentd"));
    assert!(witness.out("top pods").await.contains("postgres-0"));
    assert!(witness.out("version").await.contains("Server Version: v1.33"));
}

#[tokio::test]
async fn it_is_told_what_it_may() {
    let Some(witness) = Witness::call(0).await else { return };
    assert_eq!(witness.out("auth can-i patch deployments").await.trim(), "yes");
    let no = witness.run("--context v auth can-i patch deployments").await;
    assert_eq!((no.ok, no.out.trim()), (false, "no"));
    assert!(witness.out("auth whoami").await.contains("ana"));
    let refused = witness.run("--context v get pods -A").await;
    let why = "Error from server (Forbidden): pods is forbidden: User \"vera\" cannot list resource \"pods\" in API group \"\" at the cluster scope";
    assert_eq!(refused.err.trim(), why);
    assert_eq!(
        witness.run("get pod nobody").await.err.trim(),
        "Error from server (NotFound): pods \"nobody\" not found"
    );
}

#[tokio::test]
async fn it_rolls_out_and_back() {
    let Some(witness) = Witness::call(0).await else { return };
    witness.out("set image deploy/myapp myapp=registry.acme.example/myapp:413").await;
    witness.pass(1);
    let mut child = witness.command("rollout status deploy/myapp").spawn().unwrap();
    let mut lines = Vec::new();
    until(&mut child, &mut lines, "5 out of 10 new replicas have been updated...").await;
    witness.speed.store(2, Ordering::Relaxed);
    until(&mut child, &mut lines, "deployment \"myapp\" successfully rolled out").await;
    assert!(child.wait().await.unwrap().success());
    let managers = "get deploy myapp --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}";
    assert!(witness.out(managers).await.contains("kubectl-set"));
    let history = |text: String| {
        text.lines().skip(2).filter_map(|l| words(l).first().map(|w| (*w).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(history(witness.out("rollout history deploy/myapp").await), ["12", "13", "14"]);
    assert_eq!(witness.out("rollout undo deploy/myapp").await.trim(), "deployment.apps/myapp rolled back");
    assert!(witness.out("rollout status deploy/myapp").await.ends_with("successfully rolled out\n"));
    assert_eq!(history(witness.out("rollout history deploy/myapp").await), ["12", "14", "15"]);
    let image = "get deploy myapp -o jsonpath={.spec.template.spec.containers[0].image}";
    assert_eq!(witness.out(image).await, "registry.acme.example/myapp:411");
    let skipped = witness.out("rollout undo deploy/myapp --to-revision=15").await;
    assert!(skipped.contains("skipped rollback (current template already matches revision 15)"), "{skipped}");
    let unknown = witness.run("rollout undo deploy/myapp --to-revision=99").await;
    assert!(unknown.err.contains("unable to find specified revision 99 in history"), "{}", unknown.err);
    witness.out("rollout pause deploy/myapp").await;
    assert!(witness.run("rollout undo deploy/myapp").await.err.contains("you cannot rollback a paused deployment"));
    witness.out("rollout resume deploy/myapp").await;
    witness.out("rollout restart deploy/myapp sts/postgres").await;
    assert!(witness.out("rollout status deploy/myapp").await.ends_with("successfully rolled out\n"));
    assert!(witness.out("rollout status sts/postgres").await.contains("partitioned roll out complete: 1 new pods"));
    witness.out("rollout undo sts/postgres").await;
    assert!(witness.out("rollout status sts/postgres").await.contains("partitioned roll out complete: 1 new pods"));
    witness.out("-n logging rollout restart ds/fluentd").await;
    let status = witness.out("-n logging rollout status ds/fluentd").await;
    assert!(status.ends_with("daemon set \"fluentd\" successfully rolled out\n"), "{status}");
}

#[tokio::test]
async fn it_sees_a_rollout_fail() {
    let Some(witness) = Witness::call(0).await else { return };
    witness.out("set image deploy/myapp myapp=registry.acme.example/myapp:412").await;
    witness.pass(120);
    let pods = witness.out("get pods -l app=myapp --no-headers").await;
    assert!(pods.contains("CrashLoopBackOff") || pods.contains("Error"), "{pods}");
    assert!(pods.contains("ago)"), "{pods}");
    let events = witness.out("get events").await;
    for reason in
        ["ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Pulled", "Created", "Started", "BackOff", "Killing"]
    {
        assert!(events.contains(reason), "{reason}: {events}");
    }
    let one = pods.lines().find(|l| l.contains("CrashLoopBackOff") || l.contains("Error")).unwrap();
    let name = words(one)[0].to_owned();
    assert!(witness.out(&format!("logs {name}")).await.contains("FATAL startup: no DB connection"));
    assert!(witness.out(&format!("logs {name} --previous --tail=1")).await.contains("FATAL"));
    assert!(witness.out(&format!("describe pod {name}")).await.contains("Back-off restarting failed container"));
    witness.pass(120);
    let status = witness.run("rollout status deploy/myapp").await;
    assert!(!status.ok);
    assert_eq!(status.err.trim(), "error: deployment \"myapp\" exceeded its progress deadline");
}

#[tokio::test]
async fn it_scales_deletes_and_drains() {
    let Some(witness) = Witness::call(2).await else { return };
    witness.out("scale deploy/myapp --replicas=4").await;
    witness.out("rollout status deploy/myapp").await;
    assert_eq!(witness.cluster(|c, _| c.rollout("production", "myapp")).unwrap().desired, 4);
    let wrong = witness.run("scale deploy/myapp --replicas=5 --current-replicas=9").await;
    assert!(!wrong.ok, "a precondition that does not hold");
    let uid = "get pod postgres-0 -o jsonpath={.metadata.uid}";
    let before = witness.out(uid).await;
    witness.out("delete pod postgres-0").await;
    witness.out("rollout status sts/postgres").await;
    assert_ne!(witness.out(uid).await, before);
    witness.out("drain node-2 --ignore-daemonsets --delete-emptydir-data").await;
    assert!(witness.out("get node node-2").await.contains("Ready,SchedulingDisabled"));
    witness.out("run probe --image=busybox --dry-run=server").await;
    let audit =
        witness.cluster(|c, _| c.audit.iter().map(|l| format!("{} {}", l.verb, l.resource)).collect::<Vec<_>>());
    assert!(audit.contains(&"create pods/eviction".to_owned()), "{audit:?}");
}

/// Reads lines until one holds `wanted`; a byte at a time, so that nothing is lost in between.
async fn until(child: &mut Child, lines: &mut Vec<String>, wanted: &str) {
    let out = child.stdout.as_mut().expect("it is piped");
    let search = async {
        let mut line = Vec::new();
        while let Ok(byte) = out.read_u8().await {
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            lines.push(String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned());
            if lines.last().is_some_and(|l| l.contains(wanted)) {
                return;
            }
        }
        panic!("the stream ended without '{wanted}': {lines:?}");
    };
    let found = timeout(Duration::from_secs(30), search).await;
    assert!(found.is_ok(), "'{wanted}' never came: {lines:?}");
}

#[tokio::test]
async fn it_watches() {
    let Some(witness) = Witness::call(0).await else { return };
    let mut child = witness.command("get configmaps -w").spawn().unwrap();
    let set = |name: &str, key: &str| witness.cluster(|c, now| c.set_config(now, "production", name, key, "1", "x"));
    set("first", "a");
    let mut lines = Vec::new();
    until(&mut child, &mut lines, "first").await;
    assert!(lines[0].starts_with("NAME"), "{lines:?}");
    set("second", "a");
    until(&mut child, &mut lines, "second").await;
    child.kill().await.unwrap();
    // A client that lists again after 410 sees everything.
    witness.cluster(|c, _| c.store.compact());
    let all = witness.out("get configmaps").await;
    assert!(all.contains("first") && all.contains("second"), "{all}");
    assert_eq!(witness.cluster(|c, _| c.store.list(Resource::ConfigMaps, None, None).count()), 2);
}

#[tokio::test]
async fn it_follows_a_log_to_its_end() {
    let Some(witness) = Witness::call(0).await else { return };
    witness.out("set image deploy/myapp myapp=registry.acme.example/myapp:412").await;
    witness.pass(10);
    let pods = witness.out("get pods -l app=myapp --no-headers").await;
    let young = pods.lines().find(|l| words(l)[1] == "0/1" && words(l)[2] == "Running").expect("one is starting");
    let mut child = witness.command(&format!("logs -f {}", words(young)[0])).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            all.push(line);
        }
        all
    });
    let mut ended = None;
    for _ in 0..200 {
        witness.pass(1);
        if let Ok(status) = timeout(Duration::from_millis(100), child.wait()).await {
            ended = Some(status.unwrap());
            break;
        }
    }
    let ended = ended.expect("it ends with its container");
    assert!(ended.success());
    assert!(reading.await.unwrap().last().unwrap().contains("FATAL startup: no DB connection"));
}
