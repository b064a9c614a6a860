//! Sources as they run in the cockpit, supervised, into a store; and a wait for what it is to hold.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use midwatch::{
    app::{acts::Acts, settings::Settings},
    config::file::Config,
    keymap::Keymap,
    model::{BackendId, Part, SourceId},
    query::{Answer, Query},
    source::{
        AnswerSink, Cadence, ErrorKind, Reader, SourceError, Update,
        supervise::{Supervision, supervise},
    },
    store::{Store, slot::Failure},
    time::{Clock, SystemClock},
    ui::{
        View,
        theme::{Background, ColourDepth, GlyphSet, Theme, ThemeChoice},
    },
    wire::{Remembered, Wired},
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longest wait for anything: far over what it takes, for slow machines.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Watching {
    pub store: Store,
    pub settings: Settings,
    acts: Acts,
    keymap: Keymap,
    theme: Theme,
    /// Sources that failed, ever.
    pub failed: BTreeSet<SourceId>,
    readers: Vec<Arc<dyn Reader>>,
    wakes: Vec<(BackendId, Arc<Notify>)>,
    updates: mpsc::Receiver<Update>,
    _tasks: JoinSet<()>,
    _stop: DropGuard,
}

impl Watching {
    pub async fn of(config: Config) -> Self {
        // As the program does at its start.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut wired = Wired::closed(config, &Remembered::default(), clock.clone());
        wired.open(wired.opening(false)).await;
        let (to, updates) = mpsc::channel(256);
        let stop = CancellationToken::new();
        let (mut store, mut tasks, mut wakes) = (Store::default(), JoinSet::new(), Vec::new());
        for source in std::mem::take(&mut wired.sources) {
            let id = source.id();
            store.expect(id.clone(), wired.kinds[&id.backend], source.cadence().expected(), 0);
            let refresh = Arc::new(Notify::new());
            if let Cadence::Every(_) = source.cadence() {
                wakes.push((id.backend, refresh.clone()));
            }
            let (updates, stop, clock) = (to.clone(), stop.clone(), clock.clone());
            let deadline = Duration::from_secs(10);
            tasks.spawn(supervise(source, Supervision { updates, stop, refresh, clock, deadline, generation: 0 }));
        }
        Self {
            store,
            settings: wired.settings(&Remembered::default()),
            acts: Acts::default(),
            keymap: Keymap::default(),
            theme: Theme::new(ThemeChoice::None, Background::default(), ColourDepth::None, GlyphSet::Ascii),
            failed: BTreeSet::new(),
            readers: std::mem::take(&mut wired.readers),
            wakes,
            updates,
            _tasks: tasks,
            _stop: stop.drop_guard(),
        }
    }

    /// Asks every polled source of `backend` now.
    pub fn wake(&self, backend: &BackendId) {
        for (_, wake) in self.wakes.iter().filter(|(of, _)| of == backend) {
            wake.notify_one();
        }
    }

    /// Takes updates in until it is so.
    pub async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let wait = async {
            while !is_so(self) {
                let update = self.updates.recv().await.expect("sources never end");
                if update.body.is_err() {
                    self.failed.insert(update.from.clone());
                }
                self.store.apply(update, SystemClock.now());
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let known: Vec<String> = self.store.sources.iter().map(|(id, state)| format!("{id:?} {state:?}")).collect();
            panic!("waited in vain for: {what}\n{}", known.join("\n"));
        }
    }

    /// Whether it becomes so while updates are taken in, within a time in which anything comes.
    #[allow(dead_code)] // the soak's and the witness's alone
    pub async fn is_so_soon(&mut self, is_so: impl Fn(&Self) -> bool) -> bool {
        let wait = async {
            while !is_so(self) {
                let update = self.updates.recv().await.expect("sources never end");
                self.store.apply(update, SystemClock.now());
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok()
    }

    /// Takes updates in for a time.
    #[allow(dead_code)] // the soak's alone
    pub async fn take_for(&mut self, time: Duration) {
        let taking = async {
            while let Some(update) = self.updates.recv().await {
                self.store.apply(update, SystemClock.now());
            }
        };
        let _ = tokio::time::timeout(time, taking).await;
    }

    /// The first answer to a query that says something; of a log what was logged before, of a table the whole.
    pub async fn ask(&self, query: Query) -> Result<Answer, SourceError> {
        let reader =
            self.readers.iter().find(|reader| reader.backend() == query.backend()).expect("its backend is open");
        let (to, mut answers) = mpsc::channel(16);
        let sink = AnswerSink { query: query.clone(), generation: 0, clock: Arc::new(SystemClock), to };
        let reading = reader.read(&query, sink);
        let answering = async {
            loop {
                match answers.recv().await.expect("an answer").body {
                    Ok(Answer::Table(table)) if !table.is_complete => {}
                    Ok(Answer::Logs(batch)) if batch.lines.is_empty() && batch.troubles.is_empty() => {}
                    body => return body,
                }
            }
        };
        let first = async {
            tokio::pin!(reading, answering);
            tokio::select! {
                body = &mut answering => body,
                () = &mut reading => answering.await,
            }
        };
        let waited = tokio::time::timeout(PATIENCE, first).await;
        waited.unwrap_or_else(|_| panic!("waited in vain for {query:?}"))
    }

    /// Every source of `backend` has its data and no failure.
    pub fn is_well(&self, backend: &BackendId) -> bool {
        let mut of = self.store.sources.iter().filter(|(id, _)| id.backend == *backend);
        of.all(|(id, state)| {
            state.pulse.failure.is_none()
                && state.pulse.as_of.is_some()
                && (state.has_synced || id.part == Part::Health)
        })
    }

    /// Every source of `backend` has said something: data or a failure.
    pub fn has_answered(&self, backend: &BackendId) -> bool {
        let mut of = self.store.sources.iter().filter(|(id, _)| id.backend == *backend);
        of.all(|(_, state)| state.pulse.failure.is_some() || state.pulse.as_of.is_some())
    }

    pub fn failures(&self, backend: &BackendId) -> Vec<(Part, Option<&Failure>)> {
        let of = self.store.sources.iter().filter(|(id, _)| id.backend == *backend);
        of.map(|(id, state)| (id.part, state.pulse.failure.as_ref())).collect()
    }

    /// Every source of `backend` fails, in one of these ways.
    pub fn has_failed(&self, backend: &BackendId, kinds: &[ErrorKind]) -> bool {
        let failures = self.failures(backend);
        let is_such = |failure: Option<&Failure>| failure.is_some_and(|failure| kinds.contains(&failure.error.kind));
        failures.iter().all(|(_, failure)| is_such(*failure))
    }

    pub fn view(&self, size: (u16, u16)) -> View<'_> {
        View {
            store: &self.store,
            settings: &self.settings,
            acts: &self.acts,
            forwards: &[],
            keymap: &self.keymap,
            theme: &self.theme,
            now: SystemClock.now(),
            size,
            zoomed: false,
        }
    }
}
