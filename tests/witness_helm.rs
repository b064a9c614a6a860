//! Releases rolled back through the real `helm`, in the demo's cluster: what midwatch reads of a release is what Helm reads, what
//! it does is in Helm's own history, and without `helm` nothing is sent.
//!
//! Without `helm` these tests say so and pass, unless `MIDWATCH_WITNESSES=required`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test's own helpers; clippy knows only test functions")]

#[path = "e2e/world.rs"]
#[expect(dead_code, reason = "shared with the tests in a pseudo-terminal, which use all of it")]
mod world;

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use world::World;

/// The folder that has `helm`, and nothing else that matters.
fn with_helm() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|folder| folder.join("helm").is_file());
    if found.is_none() {
        let is_required = std::env::var_os("MIDWATCH_WITNESSES").is_some_and(|word| word == "required");
        assert!(!is_required, "helm is required here and is not in PATH");
        println!("helm is not installed: nothing was compared");
    }
    found
}

struct Bench {
    world: World,
    home: tempfile::TempDir,
    helm: PathBuf,
}

impl Bench {
    fn new() -> Option<Self> {
        let helm = with_helm()?;
        Some(Self { world: World::start(&["--speed", "30"]), home: tempfile::tempdir().unwrap(), helm })
    }

    fn midwatch(&self, path: &std::path::Path, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
        command.env_clear().env("HOME", self.home.path()).env("PATH", path).stdin(Stdio::null());
        command.args(["--config", &self.world.config()]).args(args).output().unwrap()
    }

    fn helm(&self, args: &[&str]) -> String {
        let mut command = Command::new(self.helm.join("helm"));
        command.env_clear().env("HOME", self.home.path()).env("KUBECONFIG", self.world.kubeconfig());
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Numbers and states, oldest first.
    fn history(&self) -> Vec<(i64, String)> {
        let all: Vec<Value> =
            serde_json::from_str(&self.helm(&["-n", "logging", "history", "logs", "-o", "json"])).unwrap();
        all.iter().map(|one| (one["revision"].as_i64().unwrap(), one["status"].as_str().unwrap().to_owned())).collect()
    }
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const ROLLBACK: [&str; 4] = ["rollback", "ds/fluentd", "-n", "logging"];

#[test]
fn a_release_goes_back_through_helm_and_forth_again() {
    let Some(bench) = Bench::new() else { return };
    let before = vec![(3, "superseded".to_owned()), (4, "deployed".to_owned())];
    assert_eq!(bench.history(), before);

    // What is rendered is what Helm has rendered.
    let plan = both(&bench.midwatch(&bench.helm, &[&ROLLBACK[..], &["--dry-run"]].concat()));
    assert!(plan.contains("helm rollback logs 3 (becomes revision 5)"), "{plan}");
    let helms = |revision: &str| bench.helm(&["-n", "logging", "get", "manifest", "logs", "--revision", revision]);
    let (old, new) = (helms("3"), helms("4"));
    let changed = |this: &str, other: &str| -> Vec<String> {
        this.lines().filter(|line| !other.lines().any(|of| of == *line)).map(str::to_owned).collect()
    };
    for (mark, lines) in [('-', changed(&new, &old)), ('+', changed(&old, &new))] {
        assert!(!lines.is_empty());
        for line in lines {
            assert!(plan.lines().any(|shown| shown == format!("{mark}{line}")), "{mark}{line}\n{plan}");
        }
    }
    assert_eq!(bench.history(), before, "a dry run is one");

    // Without `helm` it is refused, and says why.
    let without = bench.midwatch(bench.home.path(), &[&ROLLBACK[..], &["--confirm", "3"]].concat());
    assert_eq!(without.status.code(), Some(1), "{}", both(&without));
    assert!(both(&without).contains("`helm` is not installed here"), "{}", both(&without));
    assert_eq!(bench.history(), before);

    let done = bench.midwatch(&bench.helm, &[&ROLLBACK[..], &["--confirm", "3"]].concat());
    assert_eq!(done.status.code(), Some(0), "{}", both(&done));
    let after = [(3, "superseded"), (4, "superseded"), (5, "deployed")].map(|(n, word)| (n, word.to_owned()));
    assert_eq!(bench.history(), after);
    assert!(helms("5").contains("fluentd:1.15"));

    // Undone through Helm too.
    let undone = bench.midwatch(&bench.helm, &["undo", "1", "--confirm", "4"]);
    assert_eq!(undone.status.code(), Some(0), "{}", both(&undone));
    assert_eq!(bench.history().last(), Some(&(6, "deployed".to_owned())));
    assert!(helms("6").contains("fluentd:1.16"));
}
