//! Which namespaces an answer is of, where that is not the whole cluster.

use super::*;

impl Bench {
    /// With a configuration of its own: the world's first cluster, as somebody.
    fn as_user(&self, context: &str, namespaces: &[&str], args: &[&str]) -> Output {
        let path = self.home.path().join("own.toml");
        let (kubeconfig, namespaces) = (self.world.kubeconfig(), format!("{namespaces:?}"));
        let text = format!(
            "[[kubernetes]]\nname = \"c\"\nkubeconfig = \"{kubeconfig}\"\ncontext = \"{context}\"\nnamespaces = {namespaces}\n"
        );
        std::fs::write(&path, text).unwrap();
        midwatch(self.home.path()).arg("--config").arg(&path).args(args).output().unwrap()
    }
}

fn cluster_of(output: &Output) -> Value {
    let answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", both(output)));
    answer["backends"][0].clone()
}

#[test]
fn whoever_may_read_one_namespace_is_told_that_it_is_one() {
    let bench = Bench::still();
    let narrow = "narrow rights: only of 'production'";
    let nils = |args: &[&str]| bench.as_user("prod-eu1-nils", &[], args);
    let output = nils(&["show", "kube"]);
    assert_eq!(code(&output), 0, "it is all that may be read: {}", both(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("'c': {narrow}")), "{}", both(&output));
    let cluster = cluster_of(&nils(&["show", "kube", "--json"]));
    assert!(cluster["fresh"] == "partial" && cluster["note"].as_str().unwrap().contains(narrow), "{cluster:#}");
    assert!(both(&nils(&["status"])).contains(narrow));
    let doctor = both(&nils(&["doctor"]));
    assert!(doctor.contains(narrow) && !doctor.contains("all that is watched may be read"), "{doctor}");
}

#[test]
fn no_configured_namespace_is_left_out_without_a_word() {
    let bench = Bench::still();
    let mut names: Vec<String> = (0..21).map(|nth| format!("other-{nth:02}")).collect();
    names.push("production".to_owned());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // All may be read: so all are.
    let output = bench.as_user("prod-eu1", &names, &["show", "kube", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let deployments = rows(&answer, "deployment");
    assert!(deployments.iter().any(|row| row["name"] == "myapp"), "{answer:#}");
    assert!(deployments.iter().all(|row| row["namespace"] == "production"), "{answer:#}");
    assert_eq!((code(&output), answer["backends"][0]["fresh"].as_str()), (0, Some("live")));
    // Only one may be: it is found, and what is left out is said.
    let output = bench.as_user("prod-eu1-nils", &names, &["show", "kube"]);
    let text = both(&output);
    assert!(code(&output) == 3 && text.contains("'c' could not be read: 1 of 22 namespaces, not 'other-00'"), "{text}");
    assert!(text.contains("myapp"), "{text}");
    let cluster = cluster_of(&bench.as_user("prod-eu1-nils", &["production", "logging"], &["show", "kube", "--json"]));
    assert_eq!(cluster["fresh"], "partial", "{cluster:#}");
    assert_eq!(cluster["error"], "1 of 2 namespaces, not 'logging': forbidden (403)");
}

#[test]
fn nothing_is_said_in_words() {
    let bench = Bench::still();
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let output = bench.as_user("prod-eu1", &["nosuch"], &["show", "kube"]);
    assert_eq!((code(&output), output.stdout.len()), (0, 0), "{}", both(&output));
    assert!(said(&output).contains("no workloads in 'nosuch' of 'c'"), "{}", both(&output));
    let output = bench.as_user("prod-eu1", &[], &["show", "kube", "no-such-name"]);
    assert!(said(&output).contains("nothing on 'kube' matches 'no-such-name'"), "{}", both(&output));
    let output = bench.as_user("prod-eu1", &["nosuch"], &["show", "kube", "--kind", "jobs"]);
    assert!(said(&output).contains("no 'jobs' in what was read"), "{}", both(&output));
}
