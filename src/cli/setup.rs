//! What every command that reads backends begins with: configuration (or what is found), flags, folders, connections.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

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
    source::{Source, kubernetes},
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
        let found = find::find(global.kubeconfig.clone()).await;
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
        return Err(eyre!("{}", setup.nothing()));
    }
    Ok(setup)
}

impl Setup {
    /// What is said where there is nothing to read: where there is a configuration, nothing was looked for.
    pub fn nothing(&self) -> String {
        match self.found {
            Some(_) => find::NOTHING.join(" "),
            None => format!("'{}' names no backend: see config.example.toml", self.config_path.display()),
        }
    }

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
        config.kubernetes = vec![of_context(config.kubernetes, context, true, global.kubeconfig.as_deref())];
    } else if let Some(path) = &global.kubeconfig {
        config.kubernetes = vec![match current_context(Some(path)) {
            Some(current) => of_context(config.kubernetes, &current, false, Some(path)),
            // That it has none is said where it is opened.
            None => file::Kubernetes { name: "kubeconfig".to_owned(), ..Default::default() },
        }];
    }
    if let Some(path) = &global.kubeconfig {
        for cluster in &mut config.kubernetes {
            cluster.kubeconfig = Some(path.clone());
        }
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

/// What is configured for a context, also by its own name if that is asked for; else the context alone. An entry that names
/// none is of the current one, of its own file or else of `path`: what it forbids still holds.
fn of_context(
    mut configured: Vec<file::Kubernetes>,
    context: &str,
    by_name: bool,
    path: Option<&Path>,
) -> file::Kubernetes {
    let is_named = |cluster: &file::Kubernetes| {
        cluster.context.as_deref() == Some(context) || (by_name && cluster.name == context)
    };
    if let Some(index) = configured.iter().position(is_named) {
        return configured.swap_remove(index);
    }
    let is_of_current = |cluster: &file::Kubernetes| {
        let own = || current_context(cluster.kubeconfig.as_deref().or(path));
        cluster.context.is_none() && own().is_some_and(|current| current == *context)
    };
    let context_of = |cluster: file::Kubernetes| file::Kubernetes { context: Some(context.to_owned()), ..cluster };
    match configured.iter().position(is_of_current) {
        Some(index) => context_of(configured.swap_remove(index)),
        None => beside(&configured, context, path),
    }
}

/// A context that no entry is of, also of a file that one of them names. A cluster that an entry calls production, or
/// forbids to write to, is so under every name: both lead to one address.
fn beside(configured: &[file::Kubernetes], context: &str, path: Option<&Path>) -> file::Kubernetes {
    let named = configured.iter().filter_map(|one| one.kubeconfig.clone()).map(Some);
    let mut files = std::iter::once(path.map(Path::to_owned)).chain(named);
    let found = files.find_map(|file| Some((server_of(Some(context), file.as_deref())?, file)));
    let (server, kubeconfig) = found.unzip();
    let is_it = |one: &&file::Kubernetes| {
        let own = server_of(one.context.as_deref(), one.kubeconfig.as_deref().or(path));
        own.is_some() && own == server
    };
    let same: Vec<&file::Kubernetes> = configured.iter().filter(is_it).collect();
    let is_production = same.iter().any(|one| one.production == Some(true));
    file::Kubernetes {
        name: context.to_owned(),
        context: Some(context.to_owned()),
        kubeconfig: kubeconfig.flatten(),
        production: is_production.then_some(true),
        read_only: same.iter().any(|one| one.read_only),
        ..Default::default()
    }
}

/// The address that a context leads to, or the current one.
fn server_of(context: Option<&str>, path: Option<&Path>) -> Option<Clean> {
    let is_it = |one: &kubernetes::ContextInfo| context.map_or(one.current, |name| *one.name == *name);
    kubernetes::contexts(path).0.into_iter().find(is_it).map(|one| one.server).filter(|server| !server.is_empty())
}

fn current_context(path: Option<&Path>) -> Option<Clean> {
    kubernetes::contexts(path).0.into_iter().find(|context| context.current).map(|context| context.name)
}

/// A file that is there, wherever a configuration that is written of it may stand.
pub fn kubeconfig_file(text: &str) -> Result<PathBuf, String> {
    let path = std::path::absolute(text).map_err(|error| error.to_string())?;
    match std::fs::metadata(&path) {
        Ok(file) if file.is_dir() => Err("it is a folder".to_owned()),
        Ok(_) => Ok(path),
        Err(error) => Err(error.to_string()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two contexts, `there` the current one.
    const FILE: &str = "{apiVersion: v1, kind: Config, current-context: there, \
        contexts: [{name: here, context: {cluster: c, user: u}}, {name: there, context: {cluster: c, user: u}}], \
        clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: u, user: {}}]}";

    #[test]
    fn a_named_kubeconfig_takes_the_place_of_what_is_configured() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, FILE).unwrap();
        let of = |name: &str, context: &str| file::Kubernetes {
            name: name.to_owned(),
            context: Some(context.to_owned()),
            ..Default::default()
        };
        let there = file::Kubernetes { production: Some(true), ..of("eu", "there") };
        let configured = Config { kubernetes: vec![of("us", "other"), there.clone()], ..Config::default() };
        let opened = |config: &Config, context: Option<&str>| {
            let context = context.map(str::to_owned);
            let global = Global { kubeconfig: Some(path.clone()), context, ..Global::default() };
            with_flags(config.clone(), &global).kubernetes
        };
        let with_file = |cluster: file::Kubernetes| file::Kubernetes { kubeconfig: Some(path.clone()), ..cluster };
        // What is configured for the context still holds.
        assert_eq!(opened(&configured, None), [with_file(there.clone())]);
        assert_eq!(opened(&configured, Some("eu")), [with_file(there)]);
        // The other context of the same cluster is production too.
        let here = file::Kubernetes { production: Some(true), ..of("here", "here") };
        assert_eq!(opened(&configured, Some("here")), [with_file(here.clone())]);
        assert_eq!(opened(&Config::default(), None), [with_file(of("there", "there"))]);
        // So does what is configured for whatever context is the current one.
        let nameless = |own: Option<PathBuf>| Config {
            kubernetes: vec![file::Kubernetes {
                name: "prod".to_owned(),
                kubeconfig: own,
                production: Some(true),
                read_only: true,
                ..Default::default()
            }],
            ..Config::default()
        };
        let kept = file::Kubernetes { production: Some(true), read_only: true, ..of("prod", "there") };
        assert_eq!(opened(&nameless(None), None), [with_file(kept.clone())]);
        assert_eq!(opened(&nameless(Some(path.clone())), Some("there")), [with_file(kept)]);
        let here = file::Kubernetes { read_only: true, ..here };
        assert_eq!(opened(&nameless(None), Some("here")), [with_file(here)], "of the same cluster");
        std::fs::write(&path, FILE.replace("current-context: there", "current-context: ''")).unwrap();
        let none = opened(&configured, None).remove(0);
        assert_eq!((none.context.as_deref(), none.kubeconfig.as_deref()), (None, Some(path.as_path())));
        assert!(kubeconfig_file(&folder.path().join("missing").display().to_string()).is_err());
    }

    #[test]
    fn a_context_of_a_configured_file_is_production_and_read_only_with_the_cluster_that_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let two = FILE.replace("clusters: [", "clusters: [{name: d, cluster: {server: 'https://127.0.0.1:2'}}, ");
        std::fs::write(&path, two.replace("contexts: [", "contexts: [{name: far, context: {cluster: d, user: u}}, "))
            .unwrap();
        let entry = file::Kubernetes {
            name: "eu".to_owned(),
            context: Some("there".to_owned()),
            kubeconfig: Some(path.clone()),
            production: Some(true),
            read_only: true,
            ..Default::default()
        };
        let configured = Config { kubernetes: vec![entry], ..Config::default() };
        let opened = |context: &str| {
            let global = Global { context: Some(context.to_owned()), ..Global::default() };
            with_flags(configured.clone(), &global).kubernetes.remove(0)
        };
        let (here, far) = (opened("here"), opened("far"));
        assert_eq!((here.production, here.kubeconfig.as_deref()), (Some(true), Some(path.as_path())));
        assert_eq!((here.read_only, far.read_only), (true, false));
        assert_eq!((far.production, far.kubeconfig.as_deref()), (None, Some(path.as_path())), "another cluster");
    }
}
