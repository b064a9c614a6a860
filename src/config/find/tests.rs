use super::*;
use crate::{
    config::load,
    source::kubernetes::{ContextInfo, find::Place},
};

fn env(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    move |name| pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
}

fn context(name: &str, current: bool) -> ContextInfo {
    ContextInfo { name: name.into(), server: "https://10.0.0.1".into(), namespace: None, exec: None, current }
}

fn words(found: &Found) -> String {
    let line = |line: &Line| format!("{} {} {} [{}]", line.what, line.is_found, line.says, line.fix);
    found.lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_the_current_context_is_opened() {
    let mut found = Found::default();
    clusters(&mut found, &(vec![context("eu", false), context("us", true)], Vec::new()), false);
    assert_eq!(found.config.kubernetes.len(), 1);
    assert_eq!(found.config.kubernetes[0].context.as_deref(), Some("us"));
    let words = words(&found);
    assert!(words.contains("Kubernetes true context 'us' at 10.0.0.1"), "{words}");
    assert!(words.contains("context not opened: 'eu' [:ctx NAME opens one]"), "{words}");
}

#[test]
fn without_a_current_context_none_is_guessed() {
    let mut found = Found::default();
    clusters(&mut found, &(vec![context("eu", false)], vec!["'/x' line 3: bad".into()]), true);
    assert!(found.is_nothing());
    assert!(words(&found).contains("--context NAME"), "{}", words(&found));
    let mut found = Found::default();
    clusters(&mut found, &(Vec::new(), Vec::new()), true);
    assert_eq!(found.config.kubernetes[0].name, "in-cluster");
}

#[test]
fn the_environment_names_grafana_alertmanager_and_prometheus() {
    let mut found = Found::default();
    let vars = env(&[
        ("GRAFANA_URL", "https://ana:s3cret@grafana.example/sub"),
        ("GRAFANA_SERVICE_ACCOUNT_TOKEN", "glsa_x"),
        ("ALERTMANAGER_URL", "http://am:9093"),
        ("PROMETHEUS_URL", "http://prom:9090/prometheus"),
        ("PROMETHEUS_TOKEN", "secret-marker"),
    ]);
    telemetry(&mut found, vars);
    assert_eq!(found.config.grafana[0].token, Some(Token::Env("GRAFANA_SERVICE_ACCOUNT_TOKEN".to_owned())));
    assert_eq!(found.config.alertmanager[0].url, "http://am:9093");
    let words = words(&found) + &to_toml(&found.config);
    assert!(!words.contains("s3cret") && words.contains("Prometheus true at http://prom:9090/prometheus"), "{words}");
    assert_eq!(found.config.prometheus[0].url, "http://prom:9090/prometheus");
    assert_eq!(found.config.prometheus[0].token, Some(Token::Env("PROMETHEUS_TOKEN".to_owned())));
    assert!(!format!("{found:?}").contains("secret-marker"), "the token itself is never kept");
}

#[test]
fn an_address_that_is_none_is_not_taken_and_tells_no_password() {
    let mut found = Found::default();
    telemetry(
        &mut found,
        env(&[("GRAFANA_URL", "https://ana:s3cret@graf ana"), ("PROMETHEUS_URL", "\u{1b}[2Jprom:9090")]),
    );
    assert!(found.is_nothing());
    let words = words(&found);
    assert!(words.contains("Grafana false 'https://ana:[masked]@graf ana' in GRAFANA_URL is no address"), "{words}");
    assert!(!words.contains('\u{1b}'), "{words}");
}

#[tokio::test]
async fn the_remote_of_the_directory_is_the_repository() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(root.path().join(".git")).expect("made");
    let remote = "[remote \"origin\"]\n\turl = git@github.com:acme/api.git\n";
    std::fs::write(root.path().join(".git/config"), remote).expect("written");
    let mut found = Found::default();
    github(&mut found, root.path(), env(&[("GITHUB_TOKEN", "ghp_marker")])).await;
    assert_eq!(found.config.github[0].repositories, ["acme/api"]);
    assert_eq!(found.config.github[0].url, "https://api.github.com");
    assert!(!format!("{found:?}{}", to_toml(&found.config)).contains("ghp_marker"), "the token itself is never kept");
}

#[test]
fn services_of_the_cluster_are_read_through_it() {
    let cluster = BackendId::new("eu");
    let service = |product, place: &str| Service { product, place: Place::parse(place).expect("a place") };
    let services = [
        service(Product::Alertmanager, "monitoring/alertmanager:9093"),
        service(Product::Alertmanager, "monitoring/alertmanager-operated:9093"),
        service(Product::Prometheus, "monitoring/prometheus:9090"),
        service(Product::Grafana, "monitoring/grafana:3000"),
    ];
    let found = within_cluster(&Config::default(), &cluster, &services, env(&[]));
    assert_eq!(found.config.alertmanager.len(), 1);
    assert_eq!(found.config.alertmanager[0].through.as_deref(), Some("eu/monitoring/alertmanager:9093"));
    assert_eq!(found.config.prometheus[0].through.as_deref(), Some("eu/monitoring/prometheus:9090"));
    assert!(found.config.grafana.is_empty(), "without a token it is only offered");
    assert!(words(&found).contains("it wants a token: export GRAFANA_TOKEN"));
    let found = within_cluster(&Config::default(), &cluster, &services, env(&[("GRAFANA_TOKEN", "x")]));
    assert_eq!(found.config.grafana[0].through.as_deref(), Some("eu/monitoring/grafana:3000"));

    let mut all = Found::default();
    all.say("Grafana", false, "no GRAFANA_URL", "");
    all.say("GitHub", false, "no login", "");
    all.take(found);
    let words = words(&all);
    assert!(words.contains("no login") && !words.contains("no GRAFANA_URL"), "said once: {words}");
    assert_eq!(all.config.grafana.len(), 1);
}

#[test]
fn what_is_written_reads_back_and_nothing_is_written_over() {
    let mut config = Config::default();
    config.kubernetes.push(Kubernetes { name: "eu".to_owned(), context: Some("eu".to_owned()), ..Default::default() });
    config.github.push(GitHub {
        name: "github".to_owned(),
        url: "https://api.github.com".to_owned(),
        token: Some(Token::Command(["gh", "auth", "token"].map(str::to_owned).to_vec())),
        ..GitHub::default()
    });
    config.alertmanager.push(Alertmanager {
        name: "am".to_owned(),
        through: Some("eu/monitoring/alertmanager:9093".to_owned()),
        ..Alertmanager::default()
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/config.toml");
    write_new(&path, &config).expect("written");
    assert_eq!(load::load(Some(&path), None).expect("it reads back").config, config);
    let text = std::fs::read_to_string(&path).expect("there");
    assert!(!text.contains("read_only") && !text.contains("[ui]"), "only what differs: {text}");
    assert!(write_new(&path, &Config::default()).expect_err("exists").contains("left as it is"));
    assert_eq!(std::fs::read_to_string(&path).expect("there"), text);
}
