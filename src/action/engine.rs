//! What carries out the App's wishes to act: gathers live evidence, executes approved plans step by step.

mod execute;
mod gather;
mod headless;
mod jobs;
mod keep;
mod lost;
mod others;
mod outside;
mod reread;
mod resized;
#[cfg(test)]
mod tests;
mod watch;
mod written;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::sync::{Notify, mpsc};
use tokio_util::task::TaskTracker;

pub use headless::{Exit, Headless, Ran, run_headless};
pub use outside::{Ended, Outside};

use super::{
    Applications, Beside, Inspector, Jobs, Operator, Registry, Request,
    act::{Act, ActionEvent},
    audit::{self, Audit, PastAct},
    plan::Approved,
};
use crate::{
    model::{BackendId, Name},
    source::Reader,
    text::Clean,
    time::Clock,
};

/// Gathers evidence, executes approved plans. Everything it learns comes back as an [`ActionEvent`].
pub trait Engine: Send + Sync {
    /// Gathers live evidence for a request, and of what must be looked at with it.
    fn prepare(&self, ticket: u64, request: Request, beside: Beside);
    fn execute(&self, ticket: u64, approved: Approved);
    /// Waits until no write is under way.
    fn idle(&self) -> BoxFuture<'_, ()>;
    /// Writes under way, in words.
    fn running(&self) -> Vec<Clean>;
    /// Reads the acts of others anew now.
    fn look_again(&self);
}

/// Where news of actions go.
pub trait Tell: Send + Sync {
    fn tell(&self, event: ActionEvent) -> BoxFuture<'_, ()>;
}

impl Tell for mpsc::Sender<ActionEvent> {
    fn tell(&self, event: ActionEvent) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Nobody listens any more: the act goes on, and the audit has it.
            let _ = self.send(event).await;
        })
    }
}

/// Who acts, for the audit.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// As the settings have it.
    pub me: Clean,
    /// `user@host`
    pub login: Clean,
}

/// How long things may take. None is without end.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// All evidence of a request.
    pub gather: Duration,
    /// One write; after that its outcome is unknown.
    pub write: Duration,
    /// Between looks while something is watched.
    pub poll: Duration,
    /// For a stopped run to end.
    pub end: Duration,
    /// For a rollout to get on.
    pub watch: Duration,
    /// For each piece of evidence that is kept.
    pub keep: Duration,
    /// For a registry's word on an image.
    pub registry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gather: Duration::from_secs(30),
            write: Duration::from_mins(1),
            poll: Duration::from_secs(2),
            end: Duration::from_secs(20),
            watch: Duration::from_mins(10),
            keep: Duration::from_secs(5),
            registry: Duration::from_secs(10),
        }
    }
}

/// The engine over real backends. In read-only mode it has no operator at all.
#[derive(Clone)]
pub struct RealEngine(Arc<Inner>);

struct Inner {
    backends: RwLock<Backends>,
    audit: Arc<Audit>,
    clock: Arc<dyn Clock>,
    news: Arc<dyn Tell>,
    identity: Identity,
    pace: Pace,
    tasks: TaskTracker,
    writing: Writing,
    /// Somebody wants the audit read now.
    wanted: Notify,
}

#[derive(Default)]
struct Backends {
    inspectors: BTreeMap<BackendId, Arc<dyn Inspector>>,
    operators: BTreeMap<BackendId, Arc<dyn Operator>>,
    readers: BTreeMap<BackendId, Arc<dyn Reader>>,
    /// By the host that images name.
    registries: BTreeMap<Name, Arc<dyn Registry>>,
    applications: BTreeMap<BackendId, Arc<dyn Applications>>,
    jobs: BTreeMap<BackendId, Arc<dyn Jobs>>,
}

/// Writes under way.
#[derive(Default)]
struct Writing {
    acts: Mutex<Vec<(u64, Clean)>>,
    ended: Notify,
}

impl RealEngine {
    pub fn new(audit: Audit, clock: Arc<dyn Clock>, news: Arc<dyn Tell>, identity: Identity, pace: Pace) -> Self {
        Self(Arc::new(Inner {
            backends: RwLock::default(),
            audit: Arc::new(audit),
            clock,
            news,
            identity,
            pace,
            tasks: TaskTracker::new(),
            writing: Writing::default(),
            wanted: Notify::new(),
        }))
    }

    /// Adds or replaces the inspector of its backend.
    pub fn add_inspector(&self, inspector: Arc<dyn Inspector>) {
        self.0.write_backends(|all| all.inspectors.insert(inspector.backend().clone(), inspector));
    }

    /// Adds or replaces the operator of its backend. Only where writing is allowed.
    pub fn add_operator(&self, operator: Arc<dyn Operator>) {
        self.0.write_backends(|all| all.operators.insert(operator.backend().clone(), operator));
    }

    /// Adds or replaces the reader of its backend: evidence is kept with it.
    pub fn add_reader(&self, reader: Arc<dyn Reader>) {
        self.0.write_backends(|all| all.readers.insert(reader.backend().clone(), reader));
    }

    /// Adds or replaces the registry of its host.
    pub fn add_registry(&self, registry: Arc<dyn Registry>) {
        self.0.write_backends(|all| all.registries.insert(registry.host().clone(), registry));
    }

    /// Adds or replaces a server of applications.
    pub fn add_applications(&self, server: Arc<dyn Applications>) {
        self.0.write_backends(|all| all.applications.insert(server.backend().clone(), server));
    }

    /// Adds or replaces a server of jobs.
    pub fn add_jobs(&self, server: Arc<dyn Jobs>) {
        self.0.write_backends(|all| all.jobs.insert(server.backend().clone(), server));
    }

    /// Forgets a backend.
    pub fn remove(&self, backend: &BackendId) {
        self.0.write_backends(|all| {
            all.inspectors.remove(backend);
            all.operators.remove(backend);
            all.readers.remove(backend);
            all.applications.remove(backend);
            all.jobs.remove(backend);
        });
    }

    /// Tells the acts of the audit file, and once those that were found without an end.
    pub fn tell_history(&self) {
        let inner = self.0.clone();
        self.0.tasks.spawn(async move {
            let acts = inner.past_acts().await.unwrap_or_default();
            let is_alive = |act: &PastAct| audit::is_alive(act, &inner.identity.login, inner.clock.now().wall);
            let unfinished: Vec<&PastAct> = audit::unfinished(&acts, is_alive).collect();
            let words: Vec<Clean> = unfinished.iter().map(|act| act.cut_off()).collect();
            let told = inner.shown(&acts);
            inner.news.tell(ActionEvent::History { acts: told.clone(), unfinished: words.clone() }).await;
            for act in unfinished {
                for entry in act.closing() {
                    let (number, now) = (act.number, inner.clock.now().wall);
                    // Whoever cannot write it is told again at the next start.
                    let _ = inner.on_audit(move |audit| audit.append(number, now, entry)).await;
                }
            }
            inner.follow_others(told, words).await;
        });
    }
}

impl Engine for RealEngine {
    fn prepare(&self, ticket: u64, request: Request, beside: Beside) {
        let inner = self.0.clone();
        self.0.tasks.spawn(async move {
            let result = inner.gather(&request, &beside).await.map(Box::new);
            inner.news.tell(ActionEvent::Evidence { ticket, request: Box::new(request), result }).await;
        });
    }

    fn execute(&self, ticket: u64, approved: Approved) {
        let inner = self.0.clone();
        // From here on quitting waits for it.
        let writing = inner.begin_writing(ticket, approved.plan().title.clone());
        self.0.tasks.spawn(async move {
            inner.clone().carry_out(ticket, approved, writing, inner.news.clone()).await;
        });
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let ended = self.0.writing.ended.notified();
                if self.running().is_empty() {
                    return;
                }
                ended.await;
            }
        })
    }

    fn running(&self) -> Vec<Clean> {
        let acts = self.0.writing.acts.lock().unwrap_or_else(PoisonError::into_inner);
        acts.iter().map(|(_, title)| title.clone()).collect()
    }

    fn look_again(&self) {
        self.0.wanted.notify_one();
    }
}

impl Inner {
    fn write_backends<R>(&self, change: impl FnOnce(&mut Backends) -> R) {
        change(&mut self.backends.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn backends<R>(&self, look: impl FnOnce(&Backends) -> R) -> R {
        look(&self.backends.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn operator(&self, backend: &BackendId) -> Option<Arc<dyn Operator>> {
        self.backends(|all| all.operators.get(backend).cloned())
    }

    fn inspector(&self, backend: &BackendId) -> Option<Arc<dyn Inspector>> {
        self.backends(|all| all.inspectors.get(backend).cloned())
    }

    fn begin_writing(self: &Arc<Self>, ticket: u64, title: Clean) -> UnderWay {
        self.writing.acts.lock().unwrap_or_else(PoisonError::into_inner).push((ticket, title));
        UnderWay { inner: self.clone(), ticket }
    }

    /// The audit's acts, newest first.
    async fn past_acts(&self) -> Result<Vec<PastAct>, Clean> {
        self.on_audit(Audit::read).await.map(|records| audit::acts(&records))
    }

    fn shown(&self, acts: &[PastAct]) -> Vec<Act> {
        let now = self.clock.now().wall;
        acts.iter().map(|act| act.shown(&self.identity.login, now)).collect()
    }

    /// Runs file work on a thread that may wait.
    async fn on_audit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Audit) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Clean> {
        let audit = self.audit.clone();
        let path = audit.path().display().to_string();
        match tokio::task::spawn_blocking(move || work(&audit)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(say!("'{path}': {error}")),
            Err(error) => Err(say!("'{path}': {error}")),
        }
    }
}

/// A write under way, until dropped.
struct UnderWay {
    inner: Arc<Inner>,
    ticket: u64,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut acts = self.inner.writing.acts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = acts.iter().position(|(ticket, _)| *ticket == self.ticket) {
            acts.remove(at);
        }
        drop(acts);
        self.inner.writing.ended.notify_waiters();
    }
}
