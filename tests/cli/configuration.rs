//! Without a configuration, with one that is wrong, and with what is found.

use super::*;

#[test]
fn keys_completions_and_manual_need_no_backend() {
    let home = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = midwatch(home.path()).args(args).output().unwrap();
        assert_eq!(code(&output), 0, "{args:?}: {}", both(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let keys = run(&["keys"]);
    assert!(keys.lines().any(|line| line.starts_with("R ") && line.contains("roll-back")), "{keys}");
    assert!(run(&["keys", "--markdown"]).contains("| `R` | `roll-back` |"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).contains("rollback"), "{shell}");
    }
    assert!(run(&["man"]).starts_with(".ie"), "a page in roff");
    assert!(run(&["man", "logs"]).contains("midwatch\\-logs"));
    assert!(run(&["audit"]).starts_with("| number |"));
}

#[test]
fn a_wrong_configuration_is_told_with_its_line() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config.toml");
    let check =
        || midwatch(home.path()).args(["config", "check", "--config", path.to_str().unwrap()]).output().unwrap();
    std::fs::write(&path, "me = \"ana\"\n[ui]\nthme = \"dark\"\n").unwrap();
    let output = check();
    assert_eq!(code(&output), 2);
    let text = both(&output);
    assert!(text.contains("config.toml:3: unknown key 'thme': did you mean 'theme'?"), "{text}");
    std::fs::write(&path, "me = \"ana\"\n[ui]\ntheme = \"dark\"\nmouse = true\n").unwrap();
    let output = check();
    let text = both(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.contains("config.toml:3  ui.theme = \"dark\"") && text.contains("no problems"), "{text}");
    assert!(!text.contains("ui.mouse"), "a default is not told: {text}");
    let output = midwatch(home.path()).args(["--config", "/nonexistent.toml", "status"]).output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(both(&output).contains("cannot be read"), "{}", both(&output));
}

/// With a configuration nothing is looked for, whatever is exported.
#[test]
fn an_empty_configuration_is_said_to_name_no_backend() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("empty.toml");
    std::fs::write(&path, "").unwrap();
    let path = path.to_str().unwrap();
    let names_none = format!("'{path}' names no backend: see config.example.toml");
    for args in [["doctor", "--config", path], ["status", "--config", path]] {
        let output = midwatch(home.path()).env("KUBECONFIG", "/nonexistent").args(args).output().unwrap();
        let text = both(&output);
        assert!(code(&output) > 0 && text.contains(&names_none) && !text.contains("looked for"), "{args:?}: {text}");
    }
    let found = both(&midwatch(home.path()).arg("doctor").output().unwrap());
    assert!(found.contains("midwatch looked for a kubeconfig"), "{found}");
}

#[test]
fn a_first_run_works_from_what_is_found() {
    let bench = Bench::new();
    // Nothing at all: three lines, and no screen.
    let output = midwatch(bench.home.path()).output().unwrap();
    assert_eq!(code(&output), 2);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 3, "{}", both(&output));
    let kubeconfig = Path::new(&bench.world.config()).with_file_name("kubeconfig");
    let with = |args: &[&str]| midwatch(bench.home.path()).env("KUBECONFIG", &kubeconfig).args(args).output().unwrap();
    let output = with(&["status"]);
    let text = both(&output);
    assert_eq!(code(&output), 1, "{text}");
    assert!(text.contains("deploy/myapp") && !text.contains("staging-eu1"), "the current context only: {text}");
    let output = with(&["rollback", "deploy/myapp", "-n", "production", "--confirm", "13"]);
    assert_eq!(code(&output), 1, "a first run only reads: {}", both(&output));
    let output = with(&["init"]);
    let text = both(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.contains("prod-eu1") && text.contains("written: "), "{text}");
    let again = with(&["init"]);
    assert_eq!(code(&again), 2);
    assert!(both(&again).contains("left as it is"), "{}", both(&again));
    let output = with(&["config", "check"]);
    assert!(both(&output).contains("kubernetes[prod-eu1].context = \"prod-eu1\""), "{}", both(&output));
    assert_eq!(code(&with(&["status"])), 1, "what was written works");
}

/// A Grafana that only the cluster knows, and that wants a token: the API server would keep it, a forward carries it.
#[test]
fn a_grafana_inside_the_cluster_is_read_with_its_token() {
    let bench = Bench::new();
    let kubeconfig = Path::new(&bench.world.config()).with_file_name("kubeconfig");
    let (_, token) = bench.world.grafana();
    let with = |args: &[&str]| {
        let mut command = midwatch(bench.home.path());
        command.env("KUBECONFIG", &kubeconfig).env("GRAFANA_TOKEN", &token).args(args).output().unwrap()
    };
    let text = both(&with(&["init"]));
    assert!(text.contains("in the cluster, at prod-eu1/monitoring/grafana:3000"), "{text}");
    assert!(!text.contains("no GRAFANA_URL"), "found once is enough: {text}");
    let output = with(&["show", "metrics", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", both(&output)));
    let panels = rows(&answer, "panel");
    let rate = panels.iter().find(|row| row["title"] == "request rate").unwrap();
    assert!(rate["series"][0]["value"].as_f64().unwrap() > 0.0, "{answer:#}");
    let output = with(&["show", "metrics", "nosuch"]);
    assert_eq!(code(&output), 2, "{}", both(&output));
    assert!(both(&output).contains("no dashboard 'nosuch' is read: there is 'myapp overview'"), "{}", both(&output));
}
