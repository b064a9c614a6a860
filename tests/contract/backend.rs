//! The kinds of backends under test, and the demo's servers behind them. A new kind is one row of [`KINDS`].

use std::{path::Path, sync::LazyLock};

use midwatch::{
    config::file::{Alertmanager, Config, GitHub, Grafana, Kubernetes, Prometheus, Timeouts, Token},
    demo::{Options, Served, serve::Endpoint},
    model::BackendId,
    store::Store,
    time::{Clock as _, SystemClock},
};

/// One kind of backend.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Of the backend, too.
    pub name: &'static str,
    /// The server in the demo.
    pub upstream: fn(&Served) -> &Endpoint,
    /// Adds it to a configuration: where it is, its token, and a folder for files.
    pub configure: fn(&mut Config, &str, &str, &Path),
    /// What of it is in the store.
    pub rows: fn(&Store, &BackendId) -> usize,
    /// A kind that must not notice when this one is in trouble.
    pub companion: &'static str,
}

pub const KINDS: [Kind; 5] = [
    Kind {
        name: "cluster-1",
        upstream: |world| &world.clusters[0].1,
        configure: kubernetes,
        rows: |store, of| store.kube.pods.values().filter(|pod| pod.key.cluster == *of).count(),
        companion: "alerts-1",
    },
    Kind {
        name: "code-1",
        upstream: |world| &world.github,
        configure: github,
        rows: |store, of| {
            let pulls = store.pull_requests.keys().filter(|key| key.repo.host == *of).count();
            pulls + store.runs.keys().filter(|key| key.repo.host == *of).count()
        },
        companion: "alerts-1",
    },
    Kind {
        name: "charts-1",
        upstream: |world| &world.grafana,
        configure: grafana,
        rows: |store, of| store.dashboards.keys().filter(|key| key.backend == *of).count(),
        companion: "alerts-1",
    },
    Kind {
        name: "alerts-1",
        upstream: |world| &world.alertmanager,
        configure: alertmanager,
        rows: |store, of| store.alerts.keys().filter(|key| key.backend == *of).count(),
        companion: "charts-1",
    },
    Kind {
        name: "rules-1",
        upstream: |world| &world.prometheus,
        configure: prometheus,
        rows: |store, of| {
            store.alerts.values().filter(|alert| alert.rule.as_ref().is_some_and(|rule| rule.backend == *of)).count()
        },
        companion: "charts-1",
    },
];

pub fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).unwrap()
}

impl Kind {
    pub fn id(&self) -> BackendId {
        BackendId::new(self.name)
    }

    pub fn add(&self, config: &mut Config, url: &str, folder: &Path) {
        (self.configure)(config, url, &(self.upstream)(world()).token, folder);
    }
}

/// Short times, so that silence is noticed soon.
pub fn config() -> Config {
    Config { timeouts: Timeouts { connect: 1, idle: 1, answer: 5, list: 5, command: 5 }, ..Config::default() }
}

fn kubernetes(config: &mut Config, url: &str, token: &str, folder: &Path) {
    let path = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster:\n    server: {url}\n\
         users:\n- name: u\n  user:\n    token: {token}\n\
         contexts:\n- name: c\n  context:\n    cluster: c\n    user: u\n    namespace: production\n"
    );
    std::fs::write(&path, text).unwrap();
    let kubeconfig = Some(path);
    config.kubernetes.push(Kubernetes {
        name: "cluster-1".to_owned(),
        kubeconfig,
        production: Some(false),
        ..Kubernetes::default()
    });
}

/// A file of its owner's with a token.
#[allow(clippy::unnecessary_wraps)] // as the configuration has it
pub fn token_file(folder: &Path, name: &str, token: &str) -> Option<Token> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    std::fs::write(&path, token).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    Some(Token::File(path))
}

fn github(config: &mut Config, url: &str, token: &str, folder: &Path) {
    config.github.push(GitHub {
        name: "code-1".to_owned(),
        url: url.to_owned(),
        graphql: Some(format!("{url}/graphql")),
        token: token_file(folder, "code-token", token),
        repositories: vec!["acme/myapp".to_owned()],
        ..GitHub::default()
    });
}

fn grafana(config: &mut Config, url: &str, token: &str, folder: &Path) {
    config.grafana.push(Grafana {
        name: "charts-1".to_owned(),
        url: url.to_owned(),
        token: token_file(folder, "charts-token", token),
        dashboards: vec!["myapp-overview".to_owned()],
        alerts: Some(true),
        ..Grafana::default()
    });
}

fn alertmanager(config: &mut Config, url: &str, token: &str, folder: &Path) {
    let token = if token.is_empty() { None } else { token_file(folder, "alerts-token", token) };
    let (name, url) = ("alerts-1".to_owned(), url.to_owned());
    config.alertmanager.push(Alertmanager { name, url, token, ..Alertmanager::default() });
}

fn prometheus(config: &mut Config, url: &str, token: &str, folder: &Path) {
    let token = if token.is_empty() { None } else { token_file(folder, "rules-token", token) };
    let (name, url) = ("rules-1".to_owned(), url.to_owned());
    config.prometheus.push(Prometheus { name, url, token, ..Prometheus::default() });
}

/// The demo's world, standing still, for all tests of this program.
pub fn world() -> &'static Served {
    static WORLD: LazyLock<Served> = LazyLock::new(|| {
        let (to, from) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async {
                let folder = Some(env!("CARGO_TARGET_TMPDIR").into());
                let options = Options::new(std::sync::Arc::new(|| SystemClock.now().wall));
                let served = midwatch::demo::start(Options { speed: 0.0, folder, ..options }).await.unwrap();
                to.send(served).unwrap();
                std::future::pending::<()>().await;
            });
        });
        from.recv().unwrap()
    });
    &WORLD
}
