//! A Prometheus and an Alertmanager of the test's own: their rules, their routes, their processes.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use midwatch::time::{Clock as _, SystemClock};

const RULES: &str = r"
groups:
- name: shop
  interval: 1s
  rules:
  - alert: AlwaysBroken
    expr: vector(42)
    labels: {severity: critical, service: checkout}
    annotations: {summary: 'checkout is broken, value {{ $value }}'}
  - alert: AlsoSlow
    expr: vector(1)
    labels: {severity: warning, service: checkout}
  - alert: Watchdog
    expr: vector(1)
    labels: {severity: none}
  - alert: Late
    expr: (vector(time()) > FROM) < UNTIL
    for: 4s
    labels: {severity: critical, service: late}
    annotations: {summary: 'for a while'}
  - alert: Blind
    expr: vector(1) * on() (vector(1) or label_replace(vector(2), 'a', 'b', '', ''))
    labels: {severity: warning}
";

/// `Late` is true from so many seconds after the start until so many.
const LATE: (i64, i64) = (3, 20);

const ROUTES: &str = r#"
route:
  receiver: nobody
  group_by: [alertname, service]
  group_wait: 1s
  group_interval: 1s
  routes: [{receiver: quiet, matchers: ['severity="none"']}]
inhibit_rules: [{source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [service]}]
receivers: [{name: nobody}, {name: quiet}]
"#;

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Lab {
    pub url: String,
    pub prometheus_url: String,
    _prometheus: Process,
    _alertmanager: Process,
    _files: tempfile::TempDir,
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(program: &Path, args: &[String]) -> Process {
    let child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start '{}': {error}", program.display()));
    Process(child)
}

/// `None`, after saying so: not installed.
pub fn lab() -> Option<Lab> {
    let (Some(prometheus), Some(alertmanager)) = (on_path("prometheus"), on_path("prometheus-alertmanager")) else {
        println!("witness absent: prometheus");
        assert_ne!(
            std::env::var("MIDWATCH_WITNESSES").as_deref(),
            Ok("required"),
            "'prometheus' and 'prometheus-alertmanager' must be on PATH"
        );
        return None;
    };
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (am_port, prom_port) = (free_port(), free_port());
    let began = SystemClock.now().wall.as_second();
    let [from, until] = [LATE.0, LATE.1].map(|after| (began + after).to_string());
    let rules = file("rules.yml", &RULES.replace("FROM", &from).replace("UNTIL", &until));
    let routes = file("alertmanager.yml", ROUTES);
    let config = file(
        "prometheus.yml",
        &format!(
            "global: {{evaluation_interval: 1s, external_labels: {{cluster: eu-1, replica: '0'}}}}\n\
             rule_files: ['{rules}']\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{am_port}']}}]}}], \
             alert_relabel_configs: [{{regex: replica, action: labeldrop}}]}}\n"
        ),
    );
    let folder = |name: &str| files.path().join(name).display().to_string();
    let alertmanager = start(
        &alertmanager,
        &[
            format!("--config.file={routes}"),
            format!("--storage.path={}", folder("am")),
            format!("--web.listen-address=127.0.0.1:{am_port}"),
            "--cluster.listen-address=".to_owned(),
        ],
    );
    let prometheus = start(
        &prometheus,
        &[
            format!("--config.file={config}"),
            format!("--storage.tsdb.path={}", folder("prom")),
            format!("--web.listen-address=127.0.0.1:{prom_port}"),
            // Else an alert that fired before Prometheus had found the Alertmanager is sent a minute later.
            "--rules.alert.resend-delay=1s".to_owned(),
        ],
    );
    let url = format!("http://127.0.0.1:{am_port}");
    let prometheus_url = format!("http://127.0.0.1:{prom_port}");
    Some(Lab { url, prometheus_url, _prometheus: prometheus, _alertmanager: alertmanager, _files: files })
}
