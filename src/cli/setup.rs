//! What every command that reads backends begins with: configuration (or what is found), flags, folders, connections.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use color_eyre::{Result, eyre::eyre};

use super::{Global, cockpit::Mode};
use crate::{
    app::{settings::Settings, tour::Hint},
    config::{
        file::{self, Config},
        find::{self, Found},
        load,
        paths::Paths,
    },
    custom,
    headless::Reading,
    keymap::Keymap,
    model::SourceId,
    source::Source,
    text::Clean,
    time::Clock,
    wire::{Opening, Remembered, Wired},
};

/// A configuration, with the flags over it, and where things stand.
pub struct Setup {
    pub config: Config,
    pub paths: Paths,
    /// The file that was read, or that would be.
    pub config_path: PathBuf,
    pub mode: Mode,
    /// Without a configuration: what was found instead.
    pub found: Option<Found>,
    /// The demo world's own hints.
    pub hints: Vec<Hint>,
}

/// How long one look may take.
#[derive(Clone, Copy, Debug, Args)]
pub struct Within {
    /// Longest time for all backends to answer, in seconds
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    within: u64,
}

impl Within {
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.within)
    }
}

/// The user's folders, or some below the folder for temporary files where there is no home.
pub fn paths() -> Paths {
    Paths::of_user().unwrap_or_else(|| Paths::below(&std::env::temp_dir().join("midwatch")))
}

/// Reads the configuration; without one, takes what is found. Contacts nobody.
pub async fn setup(global: &Global) -> Result<Setup> {
    let mut setup = at_once(global)?;
    if setup.mode == Mode::FirstRun {
        let found = find::find().await;
        setup.config = with_flags(found.config.clone(), global);
        setup.found = Some(found);
    }
    Ok(setup)
}

/// Reads the configuration; without one, it names nothing yet: nothing is looked for.
pub fn at_once(global: &Global) -> Result<Setup> {
    let paths = paths();
    let loaded = load::load(global.config.as_deref(), Some(&paths.config))?;
    let config_path = loaded.path.clone().unwrap_or_else(|| paths.config.clone());
    let (config, mode) = match loaded.path {
        Some(_) => (with_flags(loaded.config, global), Mode::Configured),
        None => (Config { ui: with_flags(Config::default(), global).ui, ..Config::default() }, Mode::FirstRun),
    };
    Ok(Setup { config, paths, config_path, mode, found: None, hints: Vec::new() })
}

/// There is nothing to read.
pub fn names_no_backend(config: &Config) -> bool {
    config.kubernetes.is_empty()
        && config.github.is_empty()
        && config.grafana.is_empty()
        && config.alertmanager.is_empty()
        && config.prometheus.is_empty()
}

/// Like [`setup`], but something to read must be there.
pub async fn required(global: &Global) -> Result<Setup> {
    let setup = setup(global).await?;
    if names_no_backend(&setup.config) {
        return Err(match setup.found {
            Some(_) => eyre!("{}", find::NOTHING.join(" ")),
            None => eyre!("'{}' names no backend: see config.example.toml", setup.config_path.display()),
        });
    }
    Ok(setup)
}

impl Setup {
    pub fn keymap(&self) -> Result<Keymap> {
        let own = custom::commands(&self.config.command, "").unwrap_or_default();
        Keymap::new(self.config.keys.preset.as_deref(), &self.config.keys.commands)
            .and_then(|keymap| keymap.with_own(&own))
            .map_err(|errors| eyre!("{}", errors.join("; ")))
    }

    /// Opens the backends, and makes the settings that follow. `reads_only`: no operator is made.
    pub async fn open(
        &self,
        global: &Global,
        reads_only: bool,
        clock: &Arc<dyn Clock>,
    ) -> (Wired, Settings, Remembered) {
        let (mut wired, mut settings, remembered, opening) = self.closed(global, reads_only, clock);
        wired.open(opening).await;
        wired.note_clusters(&mut settings);
        (wired, settings, remembered)
    }

    /// What is known before anything is opened, and the work of opening it.
    pub fn closed(
        &self,
        global: &Global,
        reads_only: bool,
        clock: &Arc<dyn Clock>,
    ) -> (Wired, Settings, Remembered, Opening) {
        let remembered = Remembered::read(&self.paths.remembered());
        let never_writes = reads_only || self.config.read_only || global.read_only;
        let wired = Wired::closed(self.config.clone(), &remembered, clock.clone());
        let opening = wired.opening(never_writes);
        let mut settings = wired.settings(&remembered);
        settings.read_only = read_only_reason(&self.config, global, self.mode);
        settings.is_first_run = self.mode == Mode::FirstRun;
        settings.may_enable_writing = settings.is_first_run && !never_writes;
        settings.is_demo = self.mode == Mode::Demo;
        settings.hints.clone_from(&self.hints);
        settings.audit_path = Clean::own(self.paths.audit().display().to_string());
        settings.config_path = Clean::own(self.config_path.display().to_string());
        if settings.me.is_empty() {
            settings.me = Clean::own(user_at_host());
        }
        (wired, settings, remembered, opening)
    }
}

/// Opens what is configured, for reading only, and starts the sources that `wanted` names.
pub async fn reading(
    global: &Global,
    clock: &Arc<dyn Clock>,
    wanted: impl Fn(&SourceId) -> bool,
) -> Result<(Setup, Wired, Reading)> {
    let setup = required(global).await?;
    let (mut wired, settings, _) = setup.open(global, true, clock).await;
    let reading = start(&setup, &mut wired, settings, clock, wanted)?;
    Ok((setup, wired, reading))
}

/// Starts the sources that `wanted` names; the others are dropped.
pub fn start(
    setup: &Setup,
    wired: &mut Wired,
    settings: Settings,
    clock: &Arc<dyn Clock>,
    wanted: impl Fn(&SourceId) -> bool,
) -> Result<Reading> {
    let sources: Vec<Box<dyn Source>> =
        std::mem::take(&mut wired.sources).into_iter().filter(|source| wanted(&source.id())).collect();
    let deadline = Duration::from_secs(u64::from(setup.config.timeouts.answer) + 5);
    Ok(Reading::start(sources, &wired.kinds, settings, setup.keymap()?, clock.clone(), deadline))
}

/// Flags win over the file.
pub fn with_flags(mut config: Config, global: &Global) -> Config {
    config.ui.ascii |= global.ascii;
    if let Some(theme) = &global.theme {
        config.ui.theme.clone_from(theme);
    }
    if let Some(context) = &global.context {
        let named = config
            .kubernetes
            .iter()
            .position(|cluster| cluster.name == *context || cluster.context.as_ref() == Some(context));
        config.kubernetes = match named {
            Some(index) => vec![config.kubernetes.swap_remove(index)],
            None => {
                vec![file::Kubernetes { name: context.clone(), context: Some(context.clone()), ..Default::default() }]
            }
        };
    }
    for cluster in &mut config.kubernetes {
        if global.all_namespaces {
            cluster.namespaces.clear();
        } else if let Some(namespace) = &global.namespace {
            cluster.namespaces = vec![namespace.clone()];
        }
    }
    config
}

/// Why nothing may be written, if so.
pub fn read_only_reason(config: &Config, global: &Global, mode: Mode) -> Option<Clean> {
    if global.read_only {
        Some("started with --read-only".into())
    } else if config.read_only {
        Some("read_only = true in the configuration".into())
    } else if mode == Mode::FirstRun {
        Some("a first run only reads; W enables writing".into())
    } else {
        None
    }
}

/// `user@host`, as the operating system knows them.
pub fn user_at_host() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "someone".to_owned());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}")
}
