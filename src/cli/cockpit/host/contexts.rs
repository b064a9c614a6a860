//! Contexts that come and go while the cockpit runs: with `:ctx`, and with a kubeconfig that changes.

mod sentences;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{Notify, mpsc};

use self::sentences::{About, Sentence, Sentences};
use super::{CockpitHost, never_writes};
use crate::{
    app::{App, Effect},
    config::file,
    effects::Work,
    model::{BackendId, BackendKind},
    source::kubernetes::{
        Cluster,
        client::Reloaded,
        kubeconfig::{self, Loaded, changes::Files},
    },
    store::Changes,
    text::Clean,
};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// What changed kubeconfig files say, each as the configuration names it.
pub struct Kubeconfigs {
    changed: mpsc::UnboundedReceiver<(Option<PathBuf>, Loaded)>,
    sentences: Sentences,
}

impl Kubeconfigs {
    /// Looks at the files of `named`, and of `explicit` (those of `:ctx`, as `loaded`), until this is dropped.
    pub fn watch<'a>(
        explicit: Option<PathBuf>,
        loaded: &Loaded,
        named: impl Iterator<Item = &'a file::Kubernetes>,
        wake: &Arc<Notify>,
    ) -> Self {
        let current = loaded.config.current_context.clone();
        let all: BTreeSet<_> = named.map(|one| one.kubeconfig.clone()).chain([explicit]).collect();
        let (to, changed) = mpsc::unbounded_channel();
        let wake = wake.clone();
        tokio::spawn(async move {
            let look = move || all.iter().map(|path| Files::new(path.as_deref())).collect();
            let Ok(mut files) = tokio::task::spawn_blocking::<_, Vec<Files>>(look).await else { return };
            while !to.is_closed() {
                tokio::time::sleep(EVERY).await;
                // a home directory may be on a network that hangs
                let look = move || {
                    let seen: Vec<_> = files
                        .iter_mut()
                        .filter_map(|one| Some((one.explicit().map(Into::into), one.changed()?)))
                        .collect();
                    (files, seen)
                };
                let Ok((again, seen)) = tokio::task::spawn_blocking(look).await else { return };
                files = again;
                let is_news = !seen.is_empty();
                for one in seen {
                    // at the end nobody listens
                    drop(to.send(one));
                }
                if is_news {
                    wake.notify_one();
                }
            }
        });
        Self { changed, sentences: Sentences::new(current) }
    }
}

/// What `:ctx` can open: the contexts of the kubeconfig, and the clusters that the configuration names.
pub fn openable(loaded: &Loaded, configured: &[file::Kubernetes]) -> Vec<Clean> {
    let mut names: Vec<Clean> = kubeconfig::contexts(loaded).into_iter().map(|context| context.name).collect();
    for name in configured.iter().map(|one| Clean::line(&one.name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

impl CockpitHost {
    /// Opens a context beside the others: as the configuration has it, if it does.
    pub(super) fn open_context(&mut self, name: &Clean, app: &mut App, work: &mut Work) -> Clean {
        let id = BackendId(name.clone());
        if self.wired.clusters.contains_key(&id) {
            return Clean::own(format!("'{name}' is open already"));
        }
        if self.wired.kinds.get(&id).is_some_and(|kind| *kind != BackendKind::Kubernetes) {
            return Clean::own(format!("'{name}' is the name of another backend already"));
        }
        let configured = self.wired.config.kubernetes.iter().find(|one| one.name == **name).cloned();
        let wanted = configured.unwrap_or_else(|| file::Kubernetes {
            name: name.to_string(),
            kubeconfig: self.kubeconfig.clone(),
            context: Some(name.to_string()),
            ..file::Kubernetes::default()
        });
        let never_writes = never_writes(app);
        // Opening reads files only.
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(self.wired.open_cluster(&wanted, never_writes));
        });
        // Its watches start with these, whatever was chosen while it could not be opened.
        let namespaces = wanted.namespaces.iter().map(|name| Clean::line(name)).collect();
        app.settings.namespaces.insert(id.clone(), namespaces);
        app.settings.backends.insert(id, BackendKind::Kubernetes);
        self.wired.note_clusters(&mut app.settings);
        self.start_all(app, work);
        Clean::own(format!("context '{name}' is open beside the others"))
    }

    /// Closes a cluster: nothing more is asked of it, what it brought is forgotten. What is being done to it goes on.
    pub(super) fn close_context(&mut self, id: &BackendId, app: &mut App, work: &mut Work) -> Clean {
        if self.wired.kinds.get(id) != Some(&BackendKind::Kubernetes) {
            return Clean::own(format!("no cluster '{id}' is open"));
        }
        work.stop_sources(|source| source.backend == *id);
        work.remove_reader(id);
        self.forwards.stop_to(id);
        self.kubeconfigs.sentences.forget(id);
        self.wired.kinds.remove(id);
        self.wired.clusters.remove(id);
        *self.generations.entry(id.clone()).or_default() += 1;
        let changes = app.store.forget_backend(id);
        app.settings.backends.remove(id);
        app.settings.namespaces.remove(id);
        app.settings.contexts_of.remove(id);
        app.settings.insecure.remove(id);
        app.settings.impersonated.remove(id);
        self.forwards.show(app);
        app.note_changes(changes | Changes::KUBE);
        Clean::own(format!("'{id}' is closed: `:ctx {id}` opens it again"))
    }

    /// What changed kubeconfigs mean for what is open; words where somebody should know wait to be said.
    pub(super) fn poll_kubeconfigs(&mut self, app: &mut App, work: &mut Work) {
        while let Ok((path, loaded)) = self.kubeconfigs.changed.try_recv() {
            let mut says = Vec::new();
            if loaded.troubles.is_empty() {
                if path == self.kubeconfig {
                    says.extend(self.note_contexts(&loaded, app));
                }
                says.extend(self.reload(path.as_ref(), &loaded, app, work));
            } else {
                // Half a file is not taken for a whole one: it is looked at again when it is mended.
                let troubles = loaded.troubles.iter();
                says.extend(troubles.map(|trouble| {
                    let says = format!("the kubeconfig is left as it was: {trouble}");
                    Sentence { says, about: About::Trouble }
                }));
            }
            self.kubeconfigs.sentences.replace(path.as_ref(), says);
        }
    }

    /// What is said now is read before the next sentence of what changed kubeconfigs mean.
    pub(super) fn hold_kubeconfigs(&mut self) {
        self.kubeconfigs.sentences.hold(self.wired.clock.now());
    }

    /// The next sentence of what changed kubeconfigs mean.
    pub(super) fn next_of_kubeconfigs(&mut self) -> Option<Clean> {
        self.kubeconfigs.sentences.next(self.wired.clock.now())
    }

    /// Contexts that are new, and another that is current: neither is opened unasked.
    fn note_contexts(&mut self, loaded: &Loaded, app: &mut App) -> Vec<Sentence> {
        let names = openable(loaded, &self.wired.config.kubernetes);
        let current = loaded.config.current_context.as_deref();
        let says = self.kubeconfigs.sentences.of_contexts(&names, &app.settings.contexts, current);
        if names != app.settings.contexts {
            app.settings.contexts = names;
            app.dirty = true;
        }
        says
    }

    /// Takes over what is said of the clusters that are open from these files, and opens those that could not be.
    fn reload(&mut self, path: Option<&PathBuf>, loaded: &Loaded, app: &mut App, work: &mut Work) -> Vec<Sentence> {
        let (mut says, mut renewed) = (Vec::new(), Vec::new());
        let of_config = |id: &BackendId| self.wired.config.kubernetes.iter().find(|one| one.name == **id);
        let file_of = |id: &BackendId| of_config(id).map_or(self.kubeconfig.as_ref(), |one| one.kubeconfig.as_ref());
        let ours: Vec<BackendId> = (self.wired.kinds.iter())
            .filter(|(id, kind)| **kind == BackendKind::Kubernetes && file_of(id) == path)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ours {
            let Some(cluster) = self.wired.clusters.get(&id).cloned() else {
                self.open_context(&id.0, app, work);
                continue;
            };
            // Reads files only.
            let reloaded =
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(cluster.reload(loaded)));
            let context = cluster.context();
            let (one, lasts) = match reloaded {
                Ok(Reloaded::Same) => continue,
                Ok(Reloaded::Renewed) => {
                    renewed.push(id.clone());
                    (format!("'{id}' is reached as the changed kubeconfig says"), true)
                }
                Ok(Reloaded::Moved(host)) => (
                    format!("context '{context}' leads to '{host}' now: `:ctx close {id}`, `:ctx {id}` go there"),
                    false,
                ),
                Ok(Reloaded::Gone) => {
                    (format!("the kubeconfig has no context '{context}' any more; '{id}' stays open"), false)
                }
                Err(error) => (format!("'{id}' goes on as it was: {error}"), false),
            };
            says.push(Sentence { says: one, about: About::Cluster { id, lasts } });
        }
        app.settings.insecure.retain(|id| self.wired.clusters.get(id).is_none_or(Cluster::is_insecure));
        self.wired.note_clusters(&mut app.settings);
        if !renewed.is_empty() {
            work.start(Effect::Refresh(renewed));
        }
        says
    }
}
