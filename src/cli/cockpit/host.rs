//! What the loop asks of the composition root: which sources run, what is remembered, what is written.

mod aside;
mod contexts;
mod first_run;
mod forwards;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tokio::sync::Notify;

pub use self::{
    contexts::{Kubeconfigs, openable},
    forwards::Forwards,
};
use super::{Ended, findings::Findings, openings::Openings, pasted::Pasted};
use crate::{
    action::engine::RealEngine,
    app::{App, Effect},
    cli::Global,
    config::paths::Paths,
    effects::Work,
    model::{BackendId, BackendKind, Part, SourceId},
    runtime::{Aside, Host},
    source::{Source, kubernetes},
    store::{Changes, snapshot::Snapshot},
    text::Clean,
    wire::{Remembered, Wired, replace_private},
};

/// What the loop asks of the composition root.
pub struct CockpitHost {
    pub wired: Wired,
    pub remembered: Remembered,
    pub paths: Paths,
    pub config_path: PathBuf,
    /// The configured kubeconfig, which `:ctx` takes its contexts from as well.
    pub kubeconfig: Option<PathBuf>,
    pub kubeconfigs: Kubeconfigs,
    pub generations: BTreeMap<BackendId, u64>,
    /// The demo's world is gone with it.
    pub keeps: bool,
    pub global: Global,
    /// A first run: what was found, and what is still looked for.
    pub found: Option<Findings>,
    pub pasted: Pasted,
    pub engine: RealEngine,
    pub forwards: Forwards,
    /// What is to be told next: the newest of what was found and of the forwards.
    pub words: Option<Clean>,
    /// Backends that are being opened.
    pub openings: Openings,
    /// Makes the loop call [`Host::poll`].
    pub wake: Arc<Notify>,
    pub ended: Ended,
}

impl CockpitHost {
    /// Starts what a part has opened, in the place of what the snapshot had of it.
    fn take_in(&mut self, part: Wired, app: &mut App, work: &mut Work) {
        let started: Vec<_> = part.sources.iter().map(|source| source.id()).collect();
        let opened: Vec<_> = part.kinds.keys().cloned().collect();
        let is_gone = |id: &SourceId| opened.contains(&id.backend) && !started.contains(id);
        let changes = app.store.forget(is_gone);
        self.wired.absorb(part);
        self.wired.note_clusters(&mut app.settings);
        self.start_all(app, work);
        app.note_changes(changes);
        if let Some(found) = &mut self.found {
            found.look_within(&self.wired, &self.wake);
        }
    }

    fn start_all(&mut self, app: &mut App, work: &mut Work) {
        crate::cli::rollback::equip(&self.engine, &self.wired);
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

    /// Other namespaces: the watches are made anew, what they brought is forgotten. What was chosen is remembered.
    fn watch_namespaces(
        &mut self,
        id: &BackendId,
        namespaces: Vec<Clean>,
        app: &mut App,
        work: &mut Work,
    ) -> Option<Clean> {
        let cluster = self.wired.clusters.get(id)?;
        let is_choice = !namespaces.is_empty();
        cluster.chose(&namespaces);
        let scope =
            if namespaces.is_empty() { kubernetes::Scope::All } else { kubernetes::Scope::Namespaces(namespaces) };
        let sources = kubernetes::sources(cluster, &scope);
        let chosen: Vec<String> = cluster.chosen().iter().map(ToString::to_string).collect();
        let address = cluster.address_key();
        *self.generations.entry(id.clone()).or_default() += 1;
        work.stop_sources(|source| source.backend == *id);
        let changes = app.store.forget(|source| source.backend == *id && source.part != Part::Health);
        app.note_changes(changes | Changes::KUBE);
        self.start(sources, app, work);
        if !is_choice || !self.keeps {
            return None;
        }
        self.remembered.namespaces.insert(address, chosen);
        self.wired.chosen.clone_from(&self.remembered.namespaces);
        self.write_remembered()
    }
}

impl Host for CockpitHost {
    fn carry_out(&mut self, effect: Effect, app: &mut App, work: &mut Work) -> Option<Clean> {
        self.hold_kubeconfigs();
        match effect {
            Effect::SetNamespaces { cluster, namespaces } => self.watch_namespaces(&cluster, namespaces, app, work),
            Effect::OpenContext(name) => Some(self.open_context(&name, app, work)),
            Effect::CloseContext(cluster) => Some(self.close_context(&cluster, app, work)),
            Effect::RememberProduction { cluster, is_production } => {
                let known = app.store.backends.get(&cluster).and_then(|backend| backend.info.cluster_id.clone());
                let id = known.or_else(|| Some(self.wired.clusters.get(&cluster)?.fallback_id()))?;
                self.remembered.production.insert(id.to_string(), is_production);
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
            Effect::Connect(text) => {
                app.settings.pasted = Some(self.pasted.take(text, &self.wired.clock, &self.wake));
                app.dirty = true;
                None
            }
            Effect::Run(program) => self.run_beside(*program, work),
            Effect::Forward(ask) => Some(self.forward(ask, app)),
            Effect::StopForward(number) => {
                self.forwards.stop(number);
                self.forwards.show(app)
            }
            Effect::StartDemo => {
                self.ended = Ended::ForDemo;
                None
            }
            _ => None,
        }
    }

    fn poll(&mut self, app: &mut App, work: &mut Work) {
        while let Some(part) = self.openings.take() {
            self.take_in(part, app, work);
        }
        let failed = self.forwards.show(app);
        self.poll_kubeconfigs(app, work);
        let found = self.poll_first_run(app);
        self.words = failed.or(found).or_else(|| self.words.take());
    }

    fn says(&mut self) -> Option<Clean> {
        self.words.take().or_else(|| self.next_of_kubeconfigs())
    }

    fn aside(&mut self, effect: &Effect, app: &App) -> Result<Aside, Clean> {
        self.hand_over(effect, app)
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

impl CockpitHost {
    fn write_remembered(&self) -> Option<Clean> {
        let path = self.paths.remembered();
        self.remembered
            .write(&path)
            .err()
            .map(|error| Clean::own(format!("it could not be remembered in '{}': {error}", path.display())))
    }
}

/// `W` cannot bring writing back: no operator is made.
fn never_writes(app: &App) -> bool {
    app.settings.read_only.is_some() && !app.settings.may_enable_writing
}

fn login_of(app: &App, backend: &BackendId) -> Option<crate::source::Login> {
    app.store
        .sources
        .iter()
        .filter(|(id, _)| id.backend == *backend)
        .find_map(|(_, state)| state.pulse.failure.as_ref()?.error.login.clone())
}
