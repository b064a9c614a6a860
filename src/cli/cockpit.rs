//! The cockpit itself: opens the backends, takes the terminal, runs the loop.

mod background;
mod findings;
mod host;

use std::{collections::BTreeMap, process::ExitCode, sync::Arc, time::Duration};

use color_eyre::Result;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use self::{findings::Findings, host::CockpitHost};
use super::{
    Global, report,
    setup::{self, Setup},
};
use crate::{
    action::{
        audit::Audit,
        engine::{Identity, Pace, RealEngine},
    },
    app::{App, Msg, look::Look, settings::Settings},
    config::{find, paths::Paths},
    effects::{Channels, Work},
    runtime::{self, Inputs},
    source::kubernetes,
    store::snapshot::Snapshot,
    terminal::{Modes, Session, install_panic_hook, mark_ui_thread},
    text::Clean,
    time::{Clock, Now},
    ui::theme::{TerminalEnv, ThemeChoice},
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

/// Runs the cockpit on a configuration. The first frame, of what was known at the end of the last run, stands before
/// anything is opened, read or asked.
pub async fn run_with(setup: Setup, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let mode = setup.mode;
    let keymap = setup.keymap()?;
    let (wired, mut settings, remembered, opening) = setup.closed(&global, false, &clock);
    settings.over_ssh = std::env::var_os("SSH_CONNECTION").is_some() || std::env::var_os("SSH_TTY").is_some();
    settings.time_zone = Some(jiff::tz::TimeZone::system());
    settings.found = setup.found.iter().flat_map(|found| found.lines.iter().map(find::Line::shown)).collect();

    mark_ui_thread();
    super::crash::install(setup.paths.state.clone(), clock.clone());
    install_panic_hook(|_| {});
    let terminal = TerminalEnv::from_process();
    let choice = settings.ui.theme.parse::<ThemeChoice>().unwrap_or_default();
    let (mut session, gone) = Session::enter(Modes { mouse: settings.ui.mouse }, terminal.understands_osc())?;
    let shown = if terminal.no_color.is_some() && choice == ThemeChoice::Auto { ThemeChoice::None } else { choice };
    let background = terminal.background().unwrap_or_default();
    let look = Look { choice: shown, background, depth: terminal.depth(), glyphs: terminal.glyphs(settings.ui.ascii) };
    let mut app = App::new(settings, keymap, look);
    restore(&mut app, &setup.paths, clock.now());
    runtime::paint(&mut app, &mut session, clock.now())?;

    let wake = Arc::new(Notify::new());
    let (to, opened) = mpsc::unbounded_channel();
    tokio::spawn({
        let wake = wake.clone();
        opening.run(move |part| {
            // At the end nobody listens.
            let _ = to.send(part);
            wake.notify_one();
        })
    });
    // The demo's kubeconfig has the demo's contexts: the user's own are none of its business.
    let kubeconfig = setup.config.kubernetes.iter().find_map(|cluster| cluster.kubeconfig.clone());
    app.settings.contexts =
        kubernetes::contexts(kubeconfig.as_deref()).0.into_iter().map(|context| context.name).collect();
    let (background, late, typed) = background::ask(&session, &terminal, choice, &clock);
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
    let found = setup.found.clone().map(|found| Findings::new(found, &setup));
    let mut host = CockpitHost {
        wired,
        remembered,
        paths: setup.paths,
        config_path: setup.config_path,
        generations: BTreeMap::new(),
        keeps: mode != Mode::Demo,
        found,
        engine,
        opened,
        wake: wake.clone(),
    };
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
    for key in typed {
        app.update(Msg::Key(key), clock.now());
    }
    let inputs = Inputs { updates, answers, news, wake, gone, stop };
    let ended = runtime::run(&mut app, &mut session, &mut work, &mut host, inputs, late, clock).await;
    session.leave();
    ended?;
    Ok(ExitCode::SUCCESS)
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
