//! The demo's world, midwatch on it, and `kubectl` beside.

use std::{process::Stdio, sync::Arc, time::Duration};

use midwatch::{
    config::{file::Config, load::load},
    demo::serve::{Options, Served, start},
    model::{
        BackendId,
        kubernetes::{WorkloadKey, WorkloadKind},
    },
    time::{Clock as _, SystemClock},
};
use serde_json::Value;
use tokio::{process::Command, time::timeout};

/// The cluster that is compared, and its namespace.
pub const CLUSTER: &str = "prod-eu1";
pub const NAMESPACE: &str = "production";

pub struct Desk {
    pub demo: Served,
    home: tempfile::TempDir,
}

/// What a command printed.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Desk {
    /// A world that goes `speed` times as fast as real time; 0: it stands still. `None`, and a line that says so, where
    /// there is no `kubectl`.
    #[expect(clippy::print_stdout, reason = "what was not compared is said")]
    pub async fn open(speed: f64) -> Option<Self> {
        if Command::new("kubectl").args(["version", "--client"]).stdout(Stdio::null()).status().await.is_err() {
            assert_ne!(std::env::var("MIDWATCH_WITNESSES").as_deref(), Ok("required"), "witness absent: kubectl");
            println!("witness absent: kubectl");
            return None;
        }
        let wall = Arc::new(|| SystemClock.now().wall);
        let demo = start(Options { speed, ..Options::new(wall) }).await.unwrap();
        Some(Self { demo, home: tempfile::tempdir().unwrap() })
    }

    pub fn config(&self) -> Config {
        load(Some(&self.demo.config), None).unwrap().config
    }

    pub fn pass(&self, seconds: i64) {
        self.demo.advance(jiff::SignedDuration::from_secs(seconds));
    }

    async fn run(&self, mut command: Command, line: &str) -> Said {
        command.args(line.split_whitespace()).env("KUBECONFIG", &self.demo.kubeconfig).env("HOME", self.home.path());
        command.env("NO_PROXY", "127.0.0.1").stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(Duration::from_mins(2), command.output()).await;
        let output = output.unwrap_or_else(|_| panic!("'{line}' did not end")).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Said { code, out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub async fn kubectl(&self, line: &str) -> Said {
        self.run(Command::new("kubectl"), line).await
    }

    /// What a `kubectl` that must succeed printed.
    pub async fn out(&self, line: &str) -> String {
        let said = self.kubectl(line).await;
        assert_eq!(said.code, 0, "'kubectl {line}': {}", said.err);
        said.out
    }

    /// The same, as JSON.
    pub async fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.out(&format!("{line} -o json")).await).unwrap()
    }

    /// midwatch's own command, on this world.
    pub async fn midwatch(&self, line: &str) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
        command.arg("--config").arg(&self.demo.config);
        self.run(command, line).await
    }

    /// Creates what a manifest says, with `kubectl`.
    pub async fn create(&self, manifest: &str) {
        let path = self.home.path().join("manifest.yaml");
        std::fs::write(&path, manifest).unwrap();
        self.out(&format!("create -f {}", path.display())).await;
    }
}

pub fn cluster() -> BackendId {
    BackendId::new(CLUSTER)
}

pub fn workload(kind: WorkloadKind, namespace: &str, name: &str) -> WorkloadKey {
    WorkloadKey { cluster: cluster(), namespace: namespace.into(), kind, name: name.into() }
}

/// The cells of a line of a table of `kubectl`'s; the last of them takes the rest.
pub fn cells(line: &str, most: usize) -> Vec<&str> {
    let mut cells = Vec::new();
    let mut rest = line.trim();
    while cells.len() + 1 < most
        && let Some((cell, more)) = rest.split_once("  ")
    {
        cells.push(cell);
        rest = more.trim_start();
    }
    cells.push(rest);
    cells
}
