//! The cockpit itself: opens the backends, takes the terminal, runs the loop.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use color_eyre::Result;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    Global, report,
    setup::{self, Setup},
};
use crate::{
    action::{
        audit::Audit,
        engine::{Identity, Pace, RealEngine},
    },
    app::{App, Effect, Msg, look::Look, settings::Settings},
    config::{
        file,
        find::{self, Found},
        paths::Paths,
    },
    effects::{Channels, Work},
    model::{BackendId, BackendKind, Part},
    runtime::{self, Host, Inputs},
    source::{Source, kubernetes},
    store::{Changes, snapshot::Snapshot},
    terminal::{LateReply, Modes, Session, install_panic_hook, mark_ui_thread, query},
    text::Clean,
    time::{Clock, Now},
    ui::theme::{Background, TerminalEnv, ThemeChoice},
    wire::{Remembered, Wired, replace_private},
};

/// What kind of start it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Configured,
    /// No configuration: from what is found; read-only until `W`.
    FirstRun,
    Demo,
}

/// `midwatch` without a subcommand.
pub async fn run(global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let setup = setup::setup(&global).await?;
    if setup.found.is_some() && setup::names_no_backend(&setup.config) {
        report::print(&format!("{}\n", find::NOTHING.join("\n")))?;
        return Ok(ExitCode::from(2));
    }
    run_with(setup, global, clock).await
}

/// Resolves when the program is asked to end from outside: SIGINT, SIGTERM, SIGHUP.
pub async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut hup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = hup.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}

/// Runs the cockpit on a configuration.
pub async fn run_with(setup: Setup, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let mode = setup.mode;
    let keymap = setup.keymap()?;
    let (mut wired, mut settings, remembered) = setup.open(&global, false, &clock).await;
    settings.over_ssh = std::env::var_os("SSH_CONNECTION").is_some() || std::env::var_os("SSH_TTY").is_some();
    settings.time_zone = Some(jiff::tz::TimeZone::system());
    // The demo's kubeconfig has the demo's contexts: the user's own are none of its business.
    let kubeconfig = setup.config.kubernetes.iter().find_map(|cluster| cluster.kubeconfig.clone());
    settings.contexts = kubernetes::contexts(kubeconfig.as_deref()).0.into_iter().map(|context| context.name).collect();

    mark_ui_thread();
    super::crash::install(setup.paths.state.clone(), clock.clone());
    install_panic_hook(|_| {});
    let terminal = TerminalEnv::from_process();
    let choice = settings.ui.theme.parse::<ThemeChoice>().unwrap_or_default();
    let (mut session, gone) = Session::enter(Modes { mouse: settings.ui.mouse }, terminal.understands_osc())?;
    let (background, late, typed) = background(&session, &terminal, choice, &clock);
    let choice = if terminal.no_color.is_some() && choice == ThemeChoice::Auto { ThemeChoice::None } else { choice };
    let look = Look { choice, background, depth: terminal.depth(), glyphs: terminal.glyphs(settings.ui.ascii) };
    settings.found = setup.found.iter().flat_map(|found| found.lines.iter().map(find::Line::shown)).collect();
    let mut app = App::new(settings, keymap, look);

    let (updates_to, updates) = mpsc::channel(256);
    let (answers_to, answers) = mpsc::channel(256);
    let (news_to, news) = mpsc::channel(64);
    let channels = Channels { updates: updates_to, answers: answers_to, news: news_to };
    let engine = engine(&setup, &app.settings, channels.news.clone(), &clock);
    let directory = std::env::current_dir().unwrap_or_default();
    let deadline = Duration::from_secs(u64::from(wired.config.timeouts.answer) + 5);
    let mut work = Work::new(channels, clock.clone(), deadline, directory, app.settings.over_ssh);
    work.set_engine(Arc::new(engine.clone()));
    engine.tell_history();
    let found = setup.found.clone().map(|found| Findings::start(found, &wired, &setup));
    let mut host = CockpitHost {
        wired: &mut wired,
        remembered,
        paths: setup.paths,
        config_path: setup.config_path,
        generations: BTreeMap::new(),
        keeps: mode != Mode::Demo,
        found,
        engine,
    };
    host.start_all(&mut app, &mut work);
    if let Some(snapshot) = std::fs::read(host.paths.snapshot()).ok().and_then(|bytes| Snapshot::from_bytes(&bytes)) {
        app.store.restore(snapshot, clock.now());
    }
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            stopped().await;
            stop.cancel();
        }
    });
    if app.settings.is_first_run {
        let says = "a first run: :found tells what was found, W enables writing";
        app.update(Msg::Said(says.into()), clock.now());
    }
    ask_for_production(&mut app, clock.now());
    for key in typed {
        app.update(Msg::Key(key), clock.now());
    }
    let inputs = Inputs { updates, answers, news, gone, stop };
    let ended = runtime::run(&mut app, &mut session, &mut work, &mut host, inputs, late, clock).await;
    session.leave();
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// Clusters of which nobody said whether they are production: asked once, and counted as production until then.
fn ask_for_production(app: &mut App, now: Now) {
    let settings = &app.settings;
    let unknown = settings.backends.iter().filter(|(id, kind)| {
        **kind == BackendKind::Kubernetes && !settings.production.contains_key(id) && !settings.local.contains(id)
    });
    let asked: Vec<Clean> = unknown
        .map(|(id, _)| {
            Clean::own(format!(
                "is '{id}' production? `:production yes` or `:production no`; until then it counts as production"
            ))
        })
        .collect();
    for question in asked {
        app.update(Msg::Said(question), now);
    }
}

/// The terminal's background: asked for at most 100 ms; a late answer is swallowed.
fn background(
    session: &Session,
    terminal: &TerminalEnv,
    choice: ThemeChoice,
    clock: &Arc<dyn Clock>,
) -> (Background, LateReply, Vec<crossterm::event::KeyEvent>) {
    let known = terminal.background();
    let is_asked = matches!(choice, ThemeChoice::Auto | ThemeChoice::Colourblind) && terminal.understands_osc();
    if !is_asked {
        return (known.unwrap_or_default(), LateReply::disarmed(), Vec::new());
    }
    let writer = Asking(session);
    match query::ask_background(std::io::stdin(), writer, || clock.now().mono) {
        Ok(answer) => {
            let late = if answer.complete { LateReply::disarmed() } else { LateReply::armed() };
            (answer.background.or(known).unwrap_or_default(), late, answer.typed)
        }
        Err(_) => (known.unwrap_or_default(), LateReply::armed(), Vec::new()),
    }
}

/// Writes a question directly to the terminal.
struct Asking<'a>(&'a Session);

impl std::io::Write for Asking<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.ask(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What carries out actions; without a folder to audit in, it refuses all of them.
fn engine(setup: &Setup, settings: &Settings, news: mpsc::Sender<Msg>, clock: &Arc<dyn Clock>) -> RealEngine {
    let identity = Identity { me: settings.me.clone(), login: Clean::own(setup::user_at_host()) };
    RealEngine::new(Audit::new(setup.paths.audit()), clock.clone(), Arc::new(news), identity, Pace::default())
}

/// The cluster and its Services, or why they cannot be listed.
type Services = (BackendId, Result<Vec<kubernetes::find::Found>, Clean>);

/// A first run's findings. The Services of the cluster are looked through while the screen is already shown.
struct Findings {
    found: Found,
    services: Option<oneshot::Receiver<Services>>,
}

impl Findings {
    fn start(mut found: Found, wired: &Wired, setup: &Setup) -> Self {
        // With the flags over it.
        found.config = setup.config.clone();
        let services = wired.clusters.iter().next().map(|(id, cluster)| {
            let (to, services) = oneshot::channel();
            let (id, cluster) = (id.clone(), cluster.clone());
            tokio::spawn(async move {
                let looked = kubernetes::find::find(&cluster).await.map_err(|failure| failure.error.says);
                let _ = to.send((id, looked));
            });
            services
        });
        Self { found, services }
    }

    /// Once, when the look is over.
    fn services(&mut self) -> Option<Services> {
        let looked = self.services.as_mut()?.try_recv();
        match looked {
            Ok(services) => {
                self.services = None;
                Some(services)
            }
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => {
                self.services = None;
                None
            }
        }
    }
}

/// What the loop asks of the composition root.
struct CockpitHost<'a> {
    wired: &'a mut Wired,
    remembered: Remembered,
    paths: Paths,
    config_path: PathBuf,
    generations: BTreeMap<BackendId, u64>,
    /// The demo's world is gone with it.
    keeps: bool,
    /// A first run: what was found, and the look through the cluster's Services.
    found: Option<Findings>,
    engine: RealEngine,
}

impl CockpitHost<'_> {
    fn start_all(&mut self, app: &mut App, work: &mut Work) {
        super::rollback::equip(&self.engine, self.wired);
        for reader in self.wired.readers.drain(..) {
            work.add_reader(reader);
        }
        let sources = std::mem::take(&mut self.wired.sources);
        self.start(sources, app, work);
    }

    fn start(&mut self, sources: Vec<Box<dyn Source>>, app: &mut App, work: &mut Work) {
        for source in sources {
            let id = source.id();
            let kind = self.wired.kinds.get(&id.backend).copied().unwrap_or(BackendKind::Kubernetes);
            let generation = self.generations.get(&id.backend).copied().unwrap_or_default();
            app.store.expect(id, kind, source.cadence().expected(), generation);
            work.start_source(source, generation);
        }
    }

    /// Other namespaces: the watches are made anew, what they brought is forgotten.
    fn watch_namespaces(&mut self, id: &BackendId, namespaces: Vec<Clean>, app: &mut App, work: &mut Work) {
        let Some(cluster) = self.wired.clusters.get(id) else { return };
        let scope =
            if namespaces.is_empty() { kubernetes::Scope::All } else { kubernetes::Scope::Namespaces(namespaces) };
        let sources = kubernetes::sources(cluster, &scope);
        *self.generations.entry(id.clone()).or_default() += 1;
        work.stop_sources(|source| source.backend == *id);
        let changes = app.store.forget(|source| source.backend == *id && source.part != Part::Health);
        app.note_changes(changes | Changes::KUBE);
        self.start(sources, app, work);
    }

    fn open_context(&mut self, name: &Clean, app: &mut App, work: &mut Work) -> Clean {
        let id = BackendId(name.clone());
        if self.wired.kinds.contains_key(&id) {
            return Clean::own(format!("'{name}' is open already"));
        }
        let wanted =
            file::Kubernetes { name: name.to_string(), context: Some(name.to_string()), ..file::Kubernetes::default() };
        let never_writes = app.settings.read_only.is_some() && !app.settings.is_first_run;
        // Opening reads files only.
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(self.wired.open_cluster(&wanted, never_writes));
        });
        app.settings.backends.insert(id, BackendKind::Kubernetes);
        self.start_all(app, work);
        Clean::own(format!("context '{name}' is open beside the others"))
    }
}

impl Host for CockpitHost<'_> {
    fn carry_out(&mut self, effect: Effect, app: &mut App, work: &mut Work) -> Option<Clean> {
        match effect {
            Effect::SetNamespaces { cluster, namespaces } => {
                self.watch_namespaces(&cluster, namespaces, app, work);
                None
            }
            Effect::OpenContext(name) => Some(self.open_context(&name, app, work)),
            Effect::RememberProduction { cluster, is_production } => {
                let server = self.wired.clusters.get(&cluster)?.address_key();
                self.remembered.production.insert(server, is_production);
                self.write_remembered()
            }
            Effect::Login(backend) => {
                let login = login_of(app, &backend)?;
                let print = self.wired.policy.allow(&login);
                self.remembered.allowed_plugins.insert(print);
                work.start(Effect::Refresh(vec![backend]));
                self.write_remembered()
            }
            Effect::WriteConfig => Some(self.write_config(app)),
            _ => None,
        }
    }

    fn poll(&mut self, app: &mut App, work: &mut Work) -> Option<Clean> {
        let services = self.found.as_mut()?.services()?;
        self.add_services(&services, app, work)
    }

    fn login(&mut self, effect: &Effect, app: &App) -> Option<std::process::Command> {
        let Effect::Login(backend) = effect else { return None };
        let login = login_of(app, backend)?;
        let mut command = std::process::Command::new(&login.command);
        command.args(&login.args).envs(login.env.iter().map(|(name, value)| (name, value)));
        // What it prints is a credential: it belongs to nobody's screen.
        command.stdout(std::process::Stdio::null());
        Some(command)
    }

    fn keep(&mut self, app: &App, is_end: bool) {
        if !self.keeps {
            return;
        }
        let bytes = Snapshot::take(&app.store, self.wired.clock.now()).to_bytes();
        let path = self.paths.snapshot();
        // Losing a snapshot costs a faster first paint, nothing else.
        if is_end {
            drop(replace_private(&path, &bytes));
        } else {
            tokio::task::spawn_blocking(move || drop(replace_private(&path, &bytes)));
        }
    }
}

impl CockpitHost<'_> {
    /// Opens what runs inside the cluster that was found, read through its API server.
    fn add_services(&mut self, (cluster, services): &Services, app: &mut App, work: &mut Work) -> Option<Clean> {
        let services = match services {
            Ok(services) => services,
            Err(says) => {
                return Some(Clean::own(format!("the Services of '{cluster}' cannot be looked through: {says}")));
            }
        };
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let more = find::within_cluster(&self.wired.config, cluster, services, env);
        let never_writes = app.settings.read_only.is_some() && !app.settings.is_first_run;
        // Opening reads files only.
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(self.wired.open_found(&more.config, never_writes));
        });
        app.settings.backends.clone_from(&self.wired.kinds);
        self.start_all(app, work);
        let words: Vec<String> = more.lines.iter().map(|line| format!("{} {}", line.what, line.says)).collect();
        if words.is_empty() {
            let says = format!("no Alertmanager, Prometheus or Grafana among the Services of '{cluster}'");
            app.settings.found.push(("Services".into(), false, Clean::own(says)));
        }
        app.settings.found.extend(more.lines.iter().map(find::Line::shown));
        if let Some(found) = &mut self.found {
            found.found.lines.extend(more.lines);
            found.found.config = more.config;
        }
        (!words.is_empty()).then(|| Clean::own(words.join("; ")))
    }

    /// Writes what was found, as `midwatch init` does; writing is then on, behind plans.
    fn write_config(&mut self, app: &mut App) -> Clean {
        let Some(found) = &self.found else {
            return Clean::own(format!("'{}' is the configuration already", self.config_path.display()));
        };
        match find::write_new(&self.config_path, &found.found.config) {
            Ok(()) => {
                app.settings.is_first_run = false;
                Clean::own(format!("written: {}", self.config_path.display()))
            }
            Err(says) => Clean::own(says),
        }
    }

    fn write_remembered(&self) -> Option<Clean> {
        let path = self.paths.remembered();
        self.remembered
            .write(&path)
            .err()
            .map(|error| Clean::own(format!("it could not be remembered in '{}': {error}", path.display())))
    }
}

fn login_of(app: &App, backend: &BackendId) -> Option<crate::source::Login> {
    app.store
        .sources
        .iter()
        .filter(|(id, _)| id.backend == *backend)
        .find_map(|(_, state)| state.pulse.failure.as_ref()?.error.login.clone())
}
