//! The cockpit itself: opens the backends, takes the terminal, runs the loop.

mod background;
mod findings;
mod host;
mod openings;
mod pasted;
mod stage;

use std::{collections::BTreeMap, io::IsTerminal as _, process::ExitCode, sync::Arc, time::Duration};

use color_eyre::{Result, eyre::eyre};
use futures::FutureExt as _;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

pub use self::stage::Stage;
use self::{
    findings::Findings,
    host::{CockpitHost, Forwards, Kubeconfigs, openable},
    openings::Openings,
    pasted::Pasted,
};
use super::{
    Global, report,
    setup::{self, Setup},
};
use crate::{
    action::{
        audit::Audit,
        engine::{Identity, Pace, RealEngine},
    },
    app::{App, Msg, settings::Settings},
    config::{find, paths::Paths},
    effects::{Channels, Work},
    runtime::{self, Inputs},
    source::kubernetes,
    store::snapshot::Snapshot,
    text::Clean,
    time::{Clock, Now},
};

/// What kind of start it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Configured,
    /// No configuration: from what is found; read-only until `W`.
    FirstRun,
    Demo,
}

/// How the cockpit was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Quit,
    /// The practice world is wanted in its place.
    ForDemo,
}

/// `midwatch` without a subcommand.
pub async fn run(global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    if !std::io::stdout().is_terminal() {
        let setup = setup::setup(&global).await?;
        if setup.found.is_some() && setup::names_no_backend(&setup.config) {
            report::print(&format!("{}\n", find::NOTHING.join("\n")))?;
            return Ok(ExitCode::from(2));
        }
    }
    let stop = stop_on_signal();
    let setup = setup::at_once(&global)?;
    let stage = Stage::enter(&setup.config.ui, setup.paths.state.clone(), &clock)?;
    match Box::pin(run_with(stage, setup, &global, clock, stop)).await? {
        Ended::Quit => Ok(ExitCode::SUCCESS),
        Ended::ForDemo => become_demo(&global),
    }
}

/// The terminal was given back: the same program starts anew as `midwatch demo`, with the flags that are about looks.
fn become_demo(global: &Global) -> Result<ExitCode> {
    let fail = |error: std::io::Error| eyre!("the demo could not be started ({error}): run `midwatch demo`");
    let mut command = std::process::Command::new(std::env::current_exe().map_err(fail)?);
    command.arg("demo");
    if global.ascii {
        command.arg("--ascii");
    }
    if let Some(theme) = &global.theme {
        command.args(["--theme", theme]);
    }
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Err(error) => error,
    };
    Err(fail(error))
}

/// Cancelled when the program is asked to end from outside, from this moment on: nothing that was made is left behind.
/// The runtime must run.
pub fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    let mut stopped = Box::pin(stopped());
    // Polled once, it listens.
    if stopped.as_mut().now_or_never().is_some() {
        token.cancel();
        return stop;
    }
    tokio::spawn(async move {
        stopped.await;
        token.cancel();
    });
    stop
}

/// Resolves when the program is asked to end from outside: SIGINT, SIGTERM, SIGHUP.
pub async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut hup), Ok(mut int)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()), signal(SignalKind::interrupt()))
        else {
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                _ = term.recv() => return,
                _ = hup.recv() => return,
                // ctrl-c is the child's while it has the terminal.
                _ = int.recv() => if !crate::terminal::is_lent() { return },
            }
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}

/// Runs the cockpit on a configuration. The first frame, of what was known at the end of the last run, stands before
/// anything is looked for, opened, read or asked.
pub async fn run_with(
    mut stage: Stage,
    setup: Setup,
    global: &Global,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<Ended> {
    let keymap = setup.keymap()?;
    let (wired, mut settings, remembered, opening) = setup.closed(global, false, &clock);
    settings.over_ssh = std::env::var_os("SSH_CONNECTION").is_some() || std::env::var_os("SSH_TTY").is_some();
    settings.shell = std::env::var("SHELL").ok().filter(|shell| !shell.is_empty());
    settings.time_zone = Some(jiff::tz::TimeZone::system());
    let mut app = App::new(settings, keymap, stage.look);
    restore(&mut app, &setup.paths, clock.now());
    if setup.mode == Mode::FirstRun {
        app.show_first_minute();
    }
    stage.paint(&mut app, &clock)?;

    let wake = Arc::new(Notify::new());
    let openings = Openings::new(wake.clone());
    openings.start(opening);
    let found = (setup.mode == Mode::FirstRun).then(|| Findings::look(global.kubeconfig.clone(), &wake));
    // The demo's kubeconfig has the demo's contexts: the user's own are none of its business.
    let configured = || setup.config.kubernetes.iter().find_map(|cluster| cluster.kubeconfig.clone());
    let kubeconfig = global.kubeconfig.clone().or_else(configured);
    let loaded = kubernetes::kubeconfig::load(&kubernetes::kubeconfig::paths_here(kubeconfig.as_deref()));
    app.settings.contexts = openable(&loaded, &setup.config.kubernetes);
    let kubeconfigs = Kubeconfigs::watch(kubeconfig.clone(), &loaded, setup.config.kubernetes.iter(), &wake);
    let (background, late, typed) = stage.background(&clock);
    app.set_background(background);

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
    let mut host = CockpitHost {
        wired,
        remembered,
        paths: setup.paths,
        config_path: setup.config_path,
        kubeconfigs,
        kubeconfig,
        generations: BTreeMap::new(),
        keeps: setup.mode != Mode::Demo,
        global: global.clone(),
        found,
        pasted: Pasted::default(),
        engine,
        forwards: Forwards::default(),
        words: None,
        openings,
        wake: wake.clone(),
        ended: Ended::Quit,
    };
    let inputs = Inputs { typed, updates, answers, news, wake, gone: stage.gone, stop };
    let ended = runtime::run(&mut app, &mut stage.session, &mut work, &mut host, inputs, late, clock).await;
    stage.session.leave();
    ended?;
    Ok(host.ended)
}

/// What the last run knew of the backends that are named now. It is old, and nothing acts on it.
fn restore(app: &mut App, paths: &Paths, now: Now) {
    let Some(snapshot) = std::fs::read(paths.snapshot()).ok().and_then(|bytes| Snapshot::from_bytes(&bytes)) else {
        return;
    };
    for (id, kind) in snapshot.sources().filter(|(id, _)| app.settings.backends.contains_key(&id.backend)) {
        app.store.expect(id.clone(), *kind, Duration::from_mins(1), 0);
    }
    app.store.restore(snapshot, now);
}

/// What carries out actions; without a folder to audit in, it refuses all of them.
fn engine(setup: &Setup, settings: &Settings, news: mpsc::Sender<Msg>, clock: &Arc<dyn Clock>) -> RealEngine {
    let identity = Identity { me: settings.me.clone(), login: Clean::own(setup::user_at_host()) };
    RealEngine::new(Audit::new(setup.paths.audit()), clock.clone(), Arc::new(news), identity, Pace::default())
}
