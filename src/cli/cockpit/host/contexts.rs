//! Contexts that come and go while the cockpit runs: with `:ctx`, and with a kubeconfig that changes.

use std::{
    collections::{BTreeSet, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc};

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
    time::Now,
};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How long one sentence stands before the next.
const READ_WITHIN: Duration = Duration::from_secs(4);

/// What changed kubeconfig files say, each as the configuration names it.
pub struct Kubeconfigs {
    changed: mpsc::UnboundedReceiver<(Option<PathBuf>, Loaded)>,
    /// The context that was current when last looked at, of the files of `:ctx`.
    current: Option<String>,
    sentences: Sentences,
}

/// What is to be said, one sentence after the other: the newest alone stands on the screen, in one line.
#[derive(Default)]
struct Sentences {
    waiting: VecDeque<Clean>,
    said: Option<Instant>,
}

impl Sentences {
    /// The next, once there was time to read the one before.
    fn next(&mut self, now: Now) -> Option<Clean> {
        if self.said.is_some_and(|said| now.since(said) < READ_WITHIN) {
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.said = Some(now.mono);
        Some(next)
    }
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
        Self { changed, current, sentences: Sentences::default() }
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

/// Of new contexts, and of another that is current now, in sentences that each fit a line of 80.
fn told_of_contexts(new: &[&Clean], current: Option<&str>) -> Vec<String> {
    let is_current = |name: &Clean| Some(name.as_str()) == current;
    let (mut says, mut known) = (Vec::new(), current);
    if new.len() > 2 {
        says.push(format!("{} new contexts in the kubeconfig: `:ctx` names them", new.len()));
    } else {
        for name in new {
            let current = if is_current(name) { ", the current one" } else { "" };
            says.push(format!("new context in the kubeconfig{current}: `:ctx {name}` opens it"));
        }
        known = current.filter(|_| !new.iter().any(|name| is_current(name)));
    }
    says.extend(known.map(|name| format!("the current context is '{name}' now: what is open here stays")));
    says
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
                says.extend(troubles.map(|trouble| format!("the kubeconfig is left as it was: {trouble}")));
            }
            self.kubeconfigs.sentences.waiting.extend(says.into_iter().map(Clean::own));
        }
    }

    /// The next sentence of what changed kubeconfigs mean.
    pub(super) fn next_of_kubeconfigs(&mut self) -> Option<Clean> {
        self.kubeconfigs.sentences.next(self.wired.clock.now())
    }

    /// Contexts that are new, and another that is current: neither is opened unasked.
    fn note_contexts(&mut self, loaded: &Loaded, app: &mut App) -> Vec<String> {
        let names = openable(loaded, &self.wired.config.kubernetes);
        let current = loaded.config.current_context.clone();
        let is_known = |name: &&Clean| app.settings.contexts.contains(name);
        let new: Vec<&Clean> = names.iter().filter(|name| !is_known(name)).collect();
        let other = current.as_deref().filter(|name| Some(*name) != self.kubeconfigs.current.as_deref());
        let says = told_of_contexts(&new, other);
        self.kubeconfigs.current = current;
        if names != app.settings.contexts {
            app.settings.contexts = names;
            app.dirty = true;
        }
        says
    }

    /// Takes over what is said of the clusters that are open from these files, and opens those that could not be.
    fn reload(&mut self, path: Option<&PathBuf>, loaded: &Loaded, app: &mut App, work: &mut Work) -> Vec<String> {
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
            match reloaded {
                Ok(Reloaded::Same) => {}
                Ok(Reloaded::Renewed) => {
                    says.push(format!("'{id}' is reached as the changed kubeconfig says"));
                    renewed.push(id);
                }
                Ok(Reloaded::Moved(host)) => {
                    let context = cluster.context();
                    says.push(format!(
                        "context '{context}' leads to '{host}' now: `:ctx close {id}`, `:ctx {id}` go there"
                    ));
                }
                Ok(Reloaded::Gone) => {
                    let context = cluster.context();
                    says.push(format!("the kubeconfig has no context '{context}' any more; '{id}' stays open"));
                }
                Err(error) => says.push(format!("'{id}' goes on as it was: {error}")),
            }
        }
        app.settings.insecure.retain(|id| self.wired.clusters.get(id).is_none_or(Cluster::is_insecure));
        self.wired.note_clusters(&mut app.settings);
        if !renewed.is_empty() {
            work.start(Effect::Refresh(renewed));
        }
        says
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Clock as _, TestClock};

    #[test]
    fn what_a_changed_kubeconfig_says_is_read_sentence_by_sentence() {
        let names = ["brandnew", "other"].map(Clean::line);
        let new: Vec<&Clean> = names.iter().collect();
        let at_once = told_of_contexts(&new[..1], Some("brandnew"));
        assert_eq!(at_once, ["new context in the kubeconfig, the current one: `:ctx brandnew` opens it"]);
        let all = told_of_contexts(&new, Some("prod-eu1-rita"));
        assert_eq!(
            all,
            [
                "new context in the kubeconfig: `:ctx brandnew` opens it",
                "new context in the kubeconfig: `:ctx other` opens it",
                "the current context is 'prod-eu1-rita' now: what is open here stays",
            ]
        );
        let many = told_of_contexts(&[new[0]; 3], Some("brandnew"));
        assert_eq!(many[0], "3 new contexts in the kubeconfig: `:ctx` names them");
        assert_eq!(many[1..], ["the current context is 'brandnew' now: what is open here stays"]);
        assert_eq!(told_of_contexts(&[], None), [""; 0]);
        assert!(at_once.iter().chain(&all).chain(&many).all(|sentence| sentence.len() < 80));
        let clock = TestClock::at(jiff::Timestamp::UNIX_EPOCH);
        let mut sentences = Sentences::default();
        sentences.waiting.extend(all.iter().map(|one| Clean::line(one)));
        assert_eq!(sentences.next(clock.now()).as_deref(), Some(&*all[0]));
        assert_eq!(sentences.next(clock.now()), None, "there was no time to read the first");
        clock.advance(READ_WITHIN);
        assert_eq!(sentences.next(clock.now()).as_deref(), Some(&*all[1]));
        clock.advance(READ_WITHIN);
        assert_eq!(sentences.next(clock.now()).as_deref(), Some(&*all[2]));
        clock.advance(READ_WITHIN);
        assert_eq!(sentences.next(clock.now()), None);
    }
}
