//! Starting the demo world: every server on its own loopback port, and the files that lead a client to them.

mod control;
mod files;
mod gate;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, io, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::gate::Gate;
use super::{
    alertmanager,
    clock::{Wall, WorldClock},
    founding::MONITORING,
    grafana,
    kubernetes::{Role, proxy::Upstream},
    prometheus,
    registry::{self, Login},
    scenario::{Scenario, ScenarioError},
    story::chance,
    world::{Shared, World, lock},
};

/// How often the world catches up with its clock at real speed; a faster one does so more often, so that its steps stay
/// small.
const TICK: Duration = Duration::from_millis(200);
const SHORTEST_TICK: Duration = Duration::from_millis(20);

/// What to start.
#[derive(Clone)]
pub struct Options {
    /// Name of a built-in scenario, or a file.
    pub scenario: String,
    /// In place of the scenario's own.
    pub seed: Option<u64>,
    /// How many times as fast as real time the world runs.
    pub speed: f64,
    /// What the world's clock shows at the start; `None`: the real time.
    pub at: Option<Timestamp>,
    /// Scale the fleet to so many pods.
    pub pods: Option<usize>,
    /// Whether the control server runs.
    pub control: bool,
    /// The real time.
    pub wall: Wall,
    /// Where the private folder is made; `None`: the system's place for temporary files.
    pub folder: Option<PathBuf>,
}

impl Options {
    /// The default story at real speed from now on.
    pub fn new(wall: Wall) -> Self {
        Self {
            scenario: "default".to_owned(),
            seed: None,
            speed: 1.0,
            at: None,
            pods: None,
            control: false,
            wall,
            folder: None,
        }
    }
}

/// Why the demo could not be started.
#[derive(Debug)]
pub enum DemoError {
    Scenario(ScenarioError),
    /// More pods in the scenario than asked for.
    Pods(usize),
    Bind(io::Error),
    File(PathBuf, io::Error),
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scenario(error) => write!(f, "{error}"),
            Self::Pods(pods) => {
                write!(f, "the scenario has more than {pods} pods already; ask for more, or leave '--pods' out")
            }
            Self::Bind(error) => write!(f, "the demo cannot listen on 127.0.0.1: {error}"),
            Self::File(path, error) => write!(f, "the demo cannot write '{}': {error}", path.display()),
        }
    }
}

impl std::error::Error for DemoError {}

impl From<ScenarioError> for DemoError {
    fn from(error: ScenarioError) -> Self {
        Self::Scenario(error)
    }
}

/// One server: where it is and what it asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    pub url: String,
    pub token: String,
}

/// A running demo world. Dropping it stops the servers and removes the files.
pub struct Served {
    pub world: Shared,
    pub clock: WorldClock,
    pub seed: u64,
    pub started: Timestamp,
    /// Path of the configuration for the cockpit.
    pub config: PathBuf,
    pub kubeconfig: PathBuf,
    /// Name, endpoint, and whether it is production.
    pub clusters: Vec<(String, Endpoint, bool)>,
    /// Those with fewer rights than the administrator: cluster, user and endpoint.
    pub guests: Vec<(String, String, Endpoint)>,
    pub github: Endpoint,
    pub grafana: Endpoint,
    pub alertmanager: Endpoint,
    pub prometheus: Endpoint,
    pub registry: Endpoint,
    pub argocd: Endpoint,
    pub jenkins: Endpoint,
    pub control: Option<Endpoint>,
    login: String,
    hints: Value,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    _folder: files::Folder,
}

impl Served {
    /// The line that `--serve` prints: one JSON object whose keys are a contract.
    ///
    /// `schema` 1; `config` and `kubeconfig` paths; `clusters[]` with `name`, `url`, `token`, `production`; `github` with
    /// `url`, `graphql`, `token`, `login`; `grafana` with `url`, `token`; `alertmanager` and `prometheus` with `url`;
    /// `registry` with `url`, `user`, `token`; `argocd` with `url`, `token`; `jenkins` with `url`, `user`,
    /// `token`; `control` with `url` and `token`, or null; `users[]` with `cluster`, `user`, `context`, `token`: `rita` reads
    /// everything but Secrets, `nils` has the cluster's first namespace and nothing else; `hints[]` with `when`, `alert`,
    /// `workload`, `text`; `started` (the world's time); `seed`; `speed`.
    pub fn to_json(&self) -> Value {
        let clusters: Vec<_> = self
            .clusters
            .iter()
            .map(|(name, at, production)| {
                json!({"name": name, "url": at.url, "token": at.token, "production": production})
            })
            .collect();
        let users: Vec<_> = self
            .guests
            .iter()
            .map(|(cluster, user, at)| {
                json!({"cluster": cluster, "user": user, "context": format!("{cluster}-{user}"), "token": at.token})
            })
            .collect();
        json!({
            "schema": 1, "users": users, "config": self.config, "kubeconfig": self.kubeconfig, "clusters": clusters,
            "github": {
                "url": self.github.url, "graphql": format!("{}/graphql", self.github.url), "token": self.github.token,
                "login": self.login,
            },
            "grafana": {"url": self.grafana.url, "token": self.grafana.token},
            "alertmanager": {"url": self.alertmanager.url},
            "prometheus": {"url": self.prometheus.url},
            "registry": {"url": self.registry.url, "user": self.login, "token": self.registry.token},
            "argocd": {"url": self.argocd.url, "token": self.argocd.token},
            "jenkins": {"url": self.jenkins.url, "user": self.login, "token": self.jenkins.token},
            "control": self.control.as_ref().map(|at| json!({"url": at.url, "token": at.token})),
            "hints": self.hints, "started": self.started.to_string(), "seed": self.seed, "speed": self.clock.speed(),
        })
    }

    /// Moves the world forward, as the control server does.
    pub fn advance(&self, by: jiff::SignedDuration) {
        self.clock.advance(by);
        lock(&self.world).advance(self.clock.now());
    }

    /// Stops every server and removes the files.
    pub async fn stop(mut self) {
        self.stop.cancel();
        for task in std::mem::take(&mut self.tasks) {
            // A task that panicked has ended as well.
            drop(task.await);
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The servers as they are put up one after another.
struct Harbour {
    world: Shared,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    gates: BTreeMap<String, Gate>,
}

impl Harbour {
    /// Binds a port for the backend and serves it. The URL is returned.
    async fn open(&mut self, name: &str, router: Router) -> Result<String, DemoError> {
        let gate = Gate::bind().await.map_err(DemoError::Bind)?;
        let url = format!("http://{}", gate.address());
        let router = dated(router, self.world.clone());
        self.tasks.push(tokio::spawn(gate.clone().serve(router, self.stop.clone())));
        self.gates.insert(name.to_owned(), gate);
        Ok(url)
    }

    /// The servers that are open so far and that a Service of the same name leads to.
    fn upstreams(&self) -> Vec<Upstream> {
        let upstream = |(name, gate): (&String, &Gate)| Upstream {
            namespace: MONITORING.to_owned(),
            service: name.clone(),
            address: gate.address(),
        };
        self.gates.iter().map(upstream).collect()
    }
}

/// Every answer carries the world's time in `Date`.
pub fn dated(router: Router, world: Shared) -> Router {
    router.layer(middleware::from_fn_with_state(world, stamp))
}

async fn stamp(State(world): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let now = lock(&world).now;
    if let Ok(date) = HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// Starts the world and its servers.
pub async fn start(options: Options) -> Result<Served, DemoError> {
    let mut scenario = Scenario::load(&options.scenario)?;
    if let Some(pods) = options.pods
        && !scenario.scale_to(pods)
    {
        return Err(DemoError::Pods(pods));
    }
    let seed = options.seed.unwrap_or(scenario.seed);
    let started = options.at.unwrap_or_else(|| (options.wall)());
    // From here on: what the building takes, the world catches up with.
    let clock = WorldClock::new(options.wall.clone(), started, options.speed);
    let built = tokio::task::spawn_blocking(move || World::new(scenario, seed, started));
    let world: Shared = Arc::new(std::sync::Mutex::new(built.await.expect("building a world does not panic")));
    let scenario = lock(&world).story.scenario.clone();
    let token = |prefix: &str, of: &str| format!("{prefix}{}", chance::hex(seed, &["token", of], 36));
    let mut harbour =
        Harbour { world: world.clone(), stop: CancellationToken::new(), tasks: Vec::new(), gates: BTreeMap::new() };
    let github = token("ghp_", "github");
    let router = super::github::router(world.clone(), github.clone());
    let github = Endpoint { url: harbour.open("github", router).await?, token: github };
    let service_account = token("glsa_", "grafana");
    let router = grafana::router(world.clone(), &service_account);
    let grafana = Endpoint { url: harbour.open("grafana", router).await?, token: service_account };
    let router = alertmanager::router(world.clone());
    let alertmanager = Endpoint { url: harbour.open("alertmanager", router).await?, token: String::new() };
    let router = prometheus::router(world.clone());
    let prometheus = Endpoint { url: harbour.open("prometheus", router).await?, token: String::new() };
    let (mut clusters, mut guests) = (Vec::new(), Vec::new());
    for (index, cluster) in scenario.cluster.iter().enumerate() {
        let token = token("", &cluster.name);
        let first = cluster.namespaces.first().map_or("default", String::as_str);
        let others = [Role::reader("rita"), Role::confined("nils", first)]
            .map(|role| (chance::hex(seed, &["token", &cluster.name, &role.user], 36), role));
        let named: Vec<_> = others.iter().map(|(token, role)| (role.user.clone(), token.clone())).collect();
        let mut roles = vec![(token.clone(), Role::admin(&scenario.viewer))];
        roles.extend(others);
        // Only the first cluster has the monitoring in it.
        let upstreams = if index == 0 { harbour.upstreams() } else { Vec::new() };
        let router = super::kubernetes::router_with_upstreams(world.clone(), index, roles, upstreams);
        let url = harbour.open(&cluster.name, router).await?;
        let guest = |(user, token)| (cluster.name.clone(), user, Endpoint { url: url.clone(), token });
        guests.extend(named.into_iter().map(guest));
        clusters.push((cluster.name.clone(), Endpoint { url, token }, cluster.production));
    }
    let login = Login { user: scenario.viewer.clone(), password: token("reg_", "registry") };
    let router = registry::router(world.clone(), login.clone(), seed);
    let registry = Endpoint { url: harbour.open("registry", router).await?, token: login.password };
    let session = token("argocd_", "argocd");
    let router = super::argocd::router(world.clone(), scenario.viewer.clone(), session.clone());
    let argocd = Endpoint { url: harbour.open("argocd", router).await?, token: session };
    let api_token = token("11", "jenkins");
    let router = super::jenkins::router(world.clone(), scenario.viewer.clone(), api_token.clone());
    let jenkins = Endpoint { url: harbour.open("jenkins", router).await?, token: api_token };
    let control = if options.control { Some(token("", "control")) } else { None };
    let control = match control {
        None => None,
        Some(token) => {
            let router = control::router(world.clone(), clock.clone(), harbour.gates.clone(), &token);
            Some(Endpoint { url: harbour.open("control", router).await?, token })
        }
    };
    harbour.tasks.push(tokio::spawn(tick(world.clone(), clock.clone(), harbour.stop.clone())));
    let folder = files::Folder::create(options.folder.as_deref())?;
    let kubeconfig = folder.write("kubeconfig", &files::kubeconfig(&scenario, &clusters, &guests))?;
    let paths = files::Paths {
        kubeconfig: &kubeconfig,
        github_token: &folder.write("github-token", &github.token)?,
        grafana_token: &folder.write("grafana-token", &grafana.token)?,
        registry_token: &folder.write("registry-token", &registry.token)?,
        argocd_token: &folder.write("argocd-token", &argocd.token)?,
        jenkins_token: &folder.write("jenkins-token", &jenkins.token)?,
    };
    let urls =
        [&github.url, &grafana.url, &alertmanager.url, &prometheus.url, &registry.url, &argocd.url, &jenkins.url];
    let urls = urls.map(String::as_str);
    let text = files::config(&scenario, &paths, urls);
    let config = folder.write("config.toml", &text)?;
    Ok(Served {
        world,
        clock,
        seed,
        started,
        config,
        kubeconfig,
        clusters,
        guests,
        github,
        grafana,
        alertmanager,
        prometheus,
        registry,
        argocd,
        jenkins,
        control,
        login: scenario.viewer.clone(),
        hints: files::hints(&scenario),
        stop: harbour.stop,
        tasks: harbour.tasks,
        _folder: folder,
    })
}

/// Lets the world follow its clock.
async fn tick(world: Shared, clock: WorldClock, stop: CancellationToken) {
    loop {
        let pause = TICK.div_f64(clock.speed().max(1.0)).max(SHORTEST_TICK);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        // In slices, so that servers get the lock between them when the world runs fast.
        for _ in 0..20 {
            let behind = {
                let mut world = lock(&world);
                let now = clock.now();
                let next = world.now.saturating_add(jiff::SignedDuration::from_secs(15)).unwrap_or(now).min(now);
                world.advance(next);
                world.now < now
            };
            if !behind {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}
