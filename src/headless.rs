//! Running without a screen: the same sources, supervision and store as the cockpit's, read once or followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    app::{acts::Acts, settings::Settings},
    keymap::Keymap,
    model::{BackendId, BackendKind, SourceId},
    query::{Answer, Query},
    source::{
        AnswerSink, Answered, Cadence, ErrorKind, Reader, Source, SourceError, Update,
        supervise::{Supervision, supervise},
    },
    store::{Changes, Store},
    time::Clock,
    ui::{
        View,
        theme::{Background, ColourDepth, GlyphSet, Theme, ThemeChoice},
    },
};

/// Updates taken in at a time before somebody looks at the store again.
const BATCH: usize = 512;

/// Sources that run, and the store they fill.
pub struct Reading {
    pub store: Store,
    pub settings: Settings,
    pub acts: Acts,
    pub keymap: Keymap,
    theme: Theme,
    clock: Arc<dyn Clock>,
    updates: mpsc::Receiver<Update>,
    /// What runs, and whether its data is pushed: then one list must be complete before it has answered.
    sources: BTreeMap<SourceId, bool>,
    tasks: JoinSet<()>,
    stop_guard: DropGuard,
}

impl Reading {
    /// Starts the sources. They stop when this is dropped.
    pub fn start(
        sources: Vec<Box<dyn Source>>,
        kinds: &BTreeMap<BackendId, BackendKind>,
        settings: Settings,
        keymap: Keymap,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> Self {
        let (to, updates) = mpsc::channel(256);
        let stop = CancellationToken::new();
        let (mut store, mut tasks, mut started) = (Store::default(), JoinSet::new(), BTreeMap::new());
        for source in sources {
            let id = source.id();
            let kind = kinds.get(&id.backend).copied().unwrap_or(BackendKind::Kubernetes);
            store.expect(id.clone(), kind, source.cadence().expected(), 0);
            started.insert(id, matches!(source.cadence(), Cadence::Pushed(_)));
            let with = Supervision {
                updates: to.clone(),
                stop: stop.clone(),
                refresh: Arc::new(Notify::new()),
                clock: clock.clone(),
                deadline,
                generation: 0,
            };
            tasks.spawn(supervise(source, with));
        }
        Self {
            store,
            settings,
            acts: Acts::default(),
            keymap,
            theme: Theme::new(ThemeChoice::None, Background::default(), ColourDepth::None, GlyphSet::Ascii),
            clock,
            updates,
            sources: started,
            tasks,
            stop_guard: stop.drop_guard(),
        }
    }

    /// Reads until every source answered once or failed, for at most `within`.
    pub async fn once(&mut self, within: Duration) {
        let late = sleep(within);
        tokio::pin!(late);
        while !self.sources.keys().all(|id| self.has_answered(id)) {
            tokio::select! {
                biased;
                () = &mut late => break,
                update = self.updates.recv() => match update {
                    Some(update) => drop(self.apply(update)),
                    None => break,
                },
            }
        }
        // What was sent in several pieces.
        self.drain();
    }

    /// Waits for news and takes them in; what changed. `None`: no source runs any more.
    pub async fn next(&mut self) -> Option<Changes> {
        let update = self.updates.recv().await?;
        let changes = self.apply(update);
        Some(changes | self.drain())
    }

    fn drain(&mut self) -> Changes {
        let mut changes = Changes::NONE;
        for _ in 0..BATCH {
            let Ok(update) = self.updates.try_recv() else { break };
            changes |= self.apply(update);
        }
        changes
    }

    fn apply(&mut self, update: Update) -> Changes {
        self.store.apply(update, self.clock.now())
    }

    /// It said something complete, or why it cannot.
    fn has_answered(&self, id: &SourceId) -> bool {
        let (Some(state), Some(is_pushed)) = (self.store.sources.get(id), self.sources.get(id)) else { return true };
        state.pulse.failure.is_some() || if *is_pushed { state.has_synced } else { state.pulse.as_of.is_some() }
    }

    /// Why nothing is known of a source, or not any more.
    pub fn trouble(&self, id: &SourceId) -> Option<String> {
        let state = self.store.sources.get(id)?;
        match &state.pulse.failure {
            Some(failure) => Some(failure.error.says.to_string()),
            None if !self.has_answered(id) => Some(format!("no answer about {} in time", id.part.title())),
            // What was asked for by name and is not read is as good as no answer about it.
            None => state.coverage.as_ref().filter(|part| part.is_failure).map(|part| part.says.to_string()),
        }
    }

    /// Backends of which something could not be read.
    pub fn unreadable(&self) -> BTreeSet<&BackendId> {
        self.sources.keys().filter(|id| self.trouble(id).is_some()).map(|id| &id.backend).collect()
    }

    /// What screens are drawn from.
    pub fn view(&self) -> View<'_> {
        View {
            store: &self.store,
            settings: &self.settings,
            acts: &self.acts,
            forwards: &[],
            keymap: &self.keymap,
            theme: &self.theme,
            now: self.clock.now(),
            size: (120, 35),
            zoomed: false,
        }
    }

    /// Stops the sources and waits for their end.
    pub async fn stop(mut self) {
        drop(self.stop_guard);
        // Nobody takes updates any more: a source that waits to hand one over ends too.
        drop(self.updates);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Asks a reader once.
pub async fn ask(
    reader: &dyn Reader,
    query: &Query,
    clock: &Arc<dyn Clock>,
    within: Duration,
) -> Result<Answer, SourceError> {
    let (to, mut answers) = mpsc::channel::<Answered>(4);
    let sink = AnswerSink { query: query.clone(), generation: 0, clock: clock.clone(), to };
    let first = async {
        let mut reading = reader.read(query, sink);
        loop {
            tokio::select! {
                biased;
                // Of a long list there may come a part first.
                answered = answers.recv() => match answered {
                    Some(Answered { body: Ok(Answer::Table(table)), .. }) if !table.is_complete => {}
                    answered => return answered,
                },
                () = &mut reading => return answers.try_recv().ok(),
            }
        }
    };
    match timeout(within, first).await {
        Ok(Some(answered)) => answered.body,
        Ok(None) => Err(SourceError::new(ErrorKind::Unexpected, format!("'{}' had no answer", query.backend()))),
        Err(_) => {
            let says = format!("'{}' did not answer within {} s", query.backend(), within.as_secs());
            Err(SourceError::new(ErrorKind::TimedOut, says))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures::future::BoxFuture;
    use jiff::Timestamp;

    use super::*;
    use crate::{
        model::Part,
        source::{Delta, Fact},
        time::TestClock,
    };

    struct Script(Part, bool, VecDeque<Result<Vec<Fact>, SourceError>>);

    impl Source for Script {
        fn id(&self) -> SourceId {
            SourceId::new(&BackendId::new("b"), self.0)
        }
        fn cadence(&self) -> Cadence {
            let every = Duration::from_secs(20);
            if self.1 { Cadence::Pushed(every) } else { Cadence::Every(every) }
        }
        fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
            match self.2.pop_front() {
                Some(step) => Box::pin(std::future::ready(step)),
                None => Box::pin(std::future::pending()),
            }
        }
    }

    fn reading(sources: Vec<Script>) -> Reading {
        let clock = Arc::new(TestClock::at(Timestamp::UNIX_EPOCH));
        let sources = sources.into_iter().map(|source| Box::new(source) as Box<dyn Source>).collect();
        let (settings, keymap) = (Settings::default(), Keymap::default());
        Reading::start(sources, &BTreeMap::new(), settings, keymap, clock, Duration::from_secs(30))
    }

    #[tokio::test]
    async fn one_look_ends_when_all_answered_and_names_who_did_not() {
        let good = |part| Script(part, false, [Ok(vec![Fact::Silences(Vec::new())])].into());
        let bad = Err(SourceError::new(ErrorKind::Unreachable, "refused"));
        let mut look = reading(vec![good(Part::Silences), Script(Part::Alerts, false, [bad].into())]);
        look.once(Duration::from_secs(10)).await;
        assert_eq!(look.trouble(&SourceId::new(&BackendId::new("b"), Part::Alerts)).as_deref(), Some("refused"));
        assert_eq!(look.unreadable().len(), 1);
        look.stop().await;
        // A list that was begun and never ended is no answer.
        let half = Script(Part::Pods, true, [Ok(vec![Fact::Pod(Delta::Reset)])].into());
        let mut look = reading(vec![half]);
        look.once(Duration::from_millis(20)).await;
        assert!(look.trouble(&SourceId::new(&BackendId::new("b"), Part::Pods)).is_some());
        let whole = Script(Part::Pods, true, [Ok(vec![Fact::Pod(Delta::Reset), Fact::Pod(Delta::Synced)])].into());
        let mut look = reading(vec![whole]);
        look.once(Duration::from_secs(10)).await;
        assert!(look.unreadable().is_empty());
    }

    #[tokio::test]
    async fn it_stops_though_nobody_takes_what_its_sources_found_meanwhile() {
        let begun = Ok(vec![Fact::Pod(Delta::Reset), Fact::Pod(Delta::Synced)]);
        let more = (0..1_000).map(|_| Ok(vec![Fact::Pod(Delta::Reset), Fact::Pod(Delta::Synced)]));
        let mut look = reading(vec![Script(Part::Pods, true, std::iter::once(begun).chain(more).collect())]);
        look.once(Duration::from_secs(10)).await;
        // A rollback is watched; by then the channel is full.
        while look.updates.len() < look.updates.max_capacity() {
            sleep(Duration::from_millis(5)).await;
        }
        timeout(Duration::from_secs(20), look.stop()).await.expect("it ends");
    }
}
