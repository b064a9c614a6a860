//! Dependencies point one way, and the demo shares no type with the clients: a test greps.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// All source files below a module: `src/NAME.rs` and `src/NAME/**`.
fn files(module: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![root.join(format!("{module}.rs"))];
    let mut folders = vec![root.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The crate's own modules that a file names, in code, tests left out.
fn uses(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut names = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let end = group
                .find(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    depth == 0
                })
                .unwrap_or(group.len());
            let mut depth = 0;
            let mut word = String::new();
            for c in group[..end].chars().chain([',']) {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        let name: String =
                            word.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                        names.push(name);
                        word.clear();
                    }
                    _ => {}
                }
                if c != ',' || depth > 0 {
                    word.push(c);
                }
            }
        } else {
            names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    names
}

fn assert_uses_only(module: &str, allowed: &[&str]) {
    for path in files(module) {
        if path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs") {
            continue;
        }
        for name in uses(&path) {
            assert!(
                name == module || name.is_empty() || allowed.contains(&name.as_str()),
                "{} uses crate::{name}: '{module}' may use only {allowed:?}",
                path.display()
            );
        }
    }
}

#[test]
fn nouns_know_nothing() {
    assert_uses_only("model", &["secret", "text", "time"]);
    assert_uses_only("secret", &[]);
    assert_uses_only("text", &[]);
    assert_uses_only("time", &[]);
}

#[test]
fn sources_know_nothing_of_the_screen() {
    for path in files("source") {
        for name in uses(&path) {
            assert!(
                !["ui", "app", "store", "cli", "wire", "demo", "runtime"].contains(&name.as_str())
                    || path.to_string_lossy().contains("test"),
                "{} uses crate::{name}",
                path.display()
            );
        }
    }
    assert_uses_only("store", &["model", "query", "source", "text", "time"]);
}

#[test]
fn the_demo_shares_no_type_with_the_clients() {
    const FOREIGN: &[&str] = &["octocrab", "kube", "k8s_openapi", "ratatui", "crossterm", "reqwest"];
    for path in files("demo") {
        let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        for name in uses(&path) {
            assert!(name == "demo" || name.is_empty() || is_test, "{} uses crate::{name}", path.display());
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        for name in FOREIGN.iter().filter(|_| !is_test) {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            assert!(
                !code.contains(&format!("use {name}")) && !code.contains(&format!("{name}::")),
                "{} uses {name}",
                path.display()
            );
        }
    }
}

#[test]
fn the_example_configuration_lists_every_key_and_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("config.example.toml")).expect("there");
    let path = Path::new("config.example.toml");
    let config = midwatch::config::load::parse(&text, path).expect("as it is");
    assert_eq!(config, midwatch::config::file::Config::default(), "what is not commented out are the defaults");
    // With every commented key switched on it is still valid: each of them exists.
    let mut all = String::new();
    for line in text.lines() {
        let key = line.strip_prefix("# ").filter(|rest| {
            rest.starts_with("[[")
                || rest
                    .split_once(" = ")
                    .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-'))
        });
        all.push_str(key.unwrap_or(line));
        all.push('\n');
    }
    midwatch::config::load::parse(&all, path).expect("with every key on");
    let known = fs::read_to_string(root.join("src/config/file.rs")).expect("there");
    for line in known.lines().filter_map(|line| line.trim().strip_prefix("pub ")).filter(|line| line.contains(": ")) {
        let key = line.split(':').next().unwrap_or_default();
        if ![
            "kubernetes",
            "github",
            "grafana",
            "alertmanager",
            "prometheus",
            "service",
            "commands",
            "ui",
            "timeouts",
            "severity",
            "keys",
            "preset",
        ]
        .contains(&key)
        {
            assert!(text.contains(key), "config.example.toml does not list '{key}'");
        }
    }
}

/// A file that no `mod` names is not compiled, and its tests do not run.
#[test]
fn every_source_file_is_compiled() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
            if folder == root && ["lib", "main"].contains(&name.as_str()) {
                continue;
            }
            let parent = if folder == root { root.join("lib.rs") } else { folder.with_extension("rs") };
            let text = fs::read_to_string(&parent).unwrap_or_default();
            assert!(
                text.contains(&format!("mod {name};")),
                "{} is named by no `mod` in {}",
                path.display(),
                parent.display()
            );
        }
    }
}
