//! Carries out effects by spawning tasks; their answers come back as messages. Nothing here waits.

pub mod program;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::{
    sync::{Notify, mpsc},
    task::AbortHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    action::{
        act::ActionEvent,
        engine::{Engine, Tell},
    },
    app::{Effect, Msg, Saved},
    model::{BackendId, SourceId},
    query::Query,
    source::{
        AnswerSink, Answered, Reader, Source, Update,
        supervise::{Supervision, supervise},
    },
    text::{Clean, file_name},
    time::Clock,
};

/// Where answers go. All bounded: sources wait on a full channel.
#[derive(Clone)]
pub struct Channels {
    pub updates: mpsc::Sender<Update>,
    pub answers: mpsc::Sender<Answered>,
    pub news: mpsc::Sender<Msg>,
}

impl Tell for mpsc::Sender<Msg> {
    fn tell(&self, event: ActionEvent) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // At the end nobody listens: the act goes on, and the audit has it.
            let _ = self.send(Msg::Action(Box::new(event))).await;
        })
    }
}

/// A running source.
struct Supervised {
    stop: CancellationToken,
    refresh: Arc<Notify>,
}

/// Work in progress: sources, queries, actions.
pub struct Work {
    channels: Channels,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    readers: BTreeMap<BackendId, Arc<dyn Reader>>,
    sources: BTreeMap<SourceId, Supervised>,
    queries: BTreeMap<Query, AbortHandle>,
    generation: u64,
    tasks: TaskTracker,
    engine: Option<Arc<dyn Engine>>,
    over_ssh: bool,
    /// Where `s` in a log writes.
    directory: PathBuf,
}

impl Work {
    pub fn new(
        channels: Channels,
        clock: Arc<dyn Clock>,
        deadline: Duration,
        directory: PathBuf,
        over_ssh: bool,
    ) -> Self {
        Self {
            channels,
            clock,
            deadline,
            readers: BTreeMap::new(),
            sources: BTreeMap::new(),
            queries: BTreeMap::new(),
            generation: 0,
            tasks: TaskTracker::new(),
            engine: None,
            over_ssh,
            directory,
        }
    }

    /// Where news for the App go.
    pub fn news(&self) -> mpsc::Sender<Msg> {
        self.channels.news.clone()
    }

    pub fn set_engine(&mut self, engine: Arc<dyn Engine>) {
        self.engine = Some(engine);
    }

    pub fn add_reader(&mut self, reader: Arc<dyn Reader>) {
        self.readers.insert(reader.backend().clone(), reader);
    }

    /// Queries of that backend are not answered any more.
    pub fn remove_reader(&mut self, backend: &BackendId) {
        self.readers.remove(backend);
        self.queries.retain(|query, task| {
            let stays = query.backend() != backend;
            if !stays {
                task.abort();
            }
            stays
        });
    }

    /// Starts a source; one that ran under the same id stops.
    pub fn start_source(&mut self, source: Box<dyn Source>, generation: u64) {
        let id = source.id();
        self.stop_source(&id);
        let (stop, refresh) = (CancellationToken::new(), Arc::new(Notify::new()));
        let with = Supervision {
            updates: self.channels.updates.clone(),
            stop: stop.clone(),
            refresh: refresh.clone(),
            clock: self.clock.clone(),
            deadline: self.deadline,
            generation,
        };
        self.tasks.spawn(supervise(source, with));
        self.sources.insert(id, Supervised { stop, refresh });
    }

    pub fn stop_source(&mut self, id: &SourceId) {
        if let Some(source) = self.sources.remove(id) {
            source.stop.cancel();
        }
    }

    /// Stops the sources that `is_gone` names.
    pub fn stop_sources(&mut self, is_gone: impl Fn(&SourceId) -> bool) {
        let gone: Vec<SourceId> = self.sources.keys().filter(|id| is_gone(id)).cloned().collect();
        for id in gone {
            self.stop_source(&id);
        }
    }

    /// Starts and cancels queries so that exactly the wanted ones run.
    pub fn want(&mut self, wanted: &BTreeSet<Query>) {
        self.queries.retain(|query, task| {
            let stays = wanted.contains(query);
            if !stays {
                task.abort();
            }
            stays
        });
        for query in wanted {
            if self.queries.contains_key(query) {
                continue;
            }
            let Some(reader) = self.readers.get(query.backend()).cloned() else { continue };
            self.generation += 1;
            let sink = AnswerSink {
                query: query.clone(),
                generation: self.generation,
                clock: self.clock.clone(),
                to: self.channels.answers.clone(),
            };
            let query = query.clone();
            let task = self.tasks.spawn({
                let query = query.clone();
                async move { reader.read(&query, sink).await }
            });
            self.queries.insert(query, task.abort_handle());
        }
    }

    /// Whether this answer is to a question still asked.
    pub fn is_wanted(&self, query: &Query) -> bool {
        self.queries.contains_key(query)
    }

    /// Carries out what needs neither the terminal nor the App.
    pub fn start(&mut self, effect: Effect) {
        match effect {
            Effect::Refresh(backends) => {
                let is_meant = |id: &BackendId| backends.is_empty() || backends.contains(id);
                // The audit file is of no backend.
                if let Some(engine) = self.engine.as_ref().filter(|_| backends.is_empty()) {
                    engine.look_again();
                }
                for (_, source) in self.sources.iter().filter(|(id, _)| is_meant(&id.backend)) {
                    source.refresh.notify_one();
                }
                for (_, reader) in self.readers.iter().filter(|(id, _)| is_meant(id)) {
                    reader.forget();
                }
                // Ended here, they are begun anew as soon as it is seen what is wanted.
                self.queries.retain(|query, task| {
                    let is_anew = is_meant(query.backend()) && query.is_asked_anew();
                    if is_anew {
                        task.abort();
                    }
                    !is_anew
                });
            }
            Effect::Prepare { ticket, request, beside } => {
                if let Some(engine) = &self.engine {
                    engine.prepare(ticket, request, beside);
                }
            }
            Effect::Execute { ticket, approved } => {
                if let Some(engine) = &self.engine {
                    engine.execute(ticket, *approved);
                }
            }
            Effect::OpenUrl(url) if !self.over_ssh => self.open(url),
            Effect::Save { name, content } => self.save(name, content),
            _ => {}
        }
    }

    fn open(&self, url: Clean) {
        let news = self.channels.news.clone();
        self.tasks.spawn_blocking(move || {
            // Only web addresses: a label must not start programs.
            let msg = if !url.starts_with("https://") && !url.starts_with("http://") {
                Msg::Said(Clean::own(format!("'{url}' is no web address; it was not opened")))
            } else if open::that_detached(url.as_str()).is_ok() {
                Msg::Said(Clean::own(format!("opened {url}")))
            } else {
                Msg::Unopened(url)
            };
            let _ = news.blocking_send(msg);
        });
    }

    fn save(&self, name: String, content: Saved) {
        let (news, directory) = (self.channels.news.clone(), self.directory.clone());
        self.tasks.spawn_blocking(move || {
            let says = match write_new(&directory, &name, &content.text()) {
                Ok(path) => Clean::own(format!("saved {}", path.display())),
                Err(error) => Clean::own(format!("'{name}' was not saved in '{}': {error}", directory.display())),
            };
            let _ = news.blocking_send(Msg::Said(says));
        });
    }

    /// Cancels reads and lets running writes finish, for at most `patience`. What was left, in words.
    pub async fn shut_down(&mut self, patience: Duration) -> Vec<Clean> {
        self.stop_sources(|_| true);
        for task in std::mem::take(&mut self.queries).into_values() {
            task.abort();
        }
        let Some(engine) = self.engine.take() else { return Vec::new() };
        let _ = tokio::time::timeout(patience, engine.idle()).await;
        engine.running()
    }

    /// What actions still run.
    pub fn running(&self) -> Vec<Clean> {
        self.engine.as_ref().map(|engine| engine.running()).unwrap_or_default()
    }
}

/// Writes a file that must not exist yet: `name`, `name-1`, …; only its owner may read it.
fn write_new(directory: &std::path::Path, name: &str, text: &str) -> std::io::Result<PathBuf> {
    use std::io::Write as _;
    let name = file_name(name);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, "txt"));
    for number in 0..1000 {
        let suffix = if number == 0 { String::new() } else { format!("-{number}") };
        let path = directory.join(format!("{stem}{suffix}.{extension}"));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::other("a thousand files of that name are there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A backend whose questions are never answered, and how often it was told to forget.
    struct Silent(BackendId, Arc<std::sync::atomic::AtomicUsize>);

    impl Reader for Silent {
        fn backend(&self) -> &BackendId {
            &self.0
        }

        fn forget(&self) {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }

        fn read<'a>(&'a self, _: &'a Query, _: AnswerSink) -> BoxFuture<'a, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn refreshing_asks_anew_what_asks_itself_and_leaves_the_rest() {
        let (updates, _updates) = mpsc::channel(1);
        let (answers, _answers) = mpsc::channel(1);
        let (news, _news) = mpsc::channel(1);
        let clock: Arc<dyn Clock> = Arc::new(crate::time::SystemClock);
        let channels = Channels { updates, answers, news };
        let mut work = Work::new(channels, clock, Duration::from_secs(1), PathBuf::new(), false);
        let (one, other) = (BackendId::new("one"), BackendId::new("other"));
        let forgot: Arc<std::sync::atomic::AtomicUsize> = Arc::default();
        work.add_reader(Arc::new(Silent(one.clone(), forgot.clone())));
        work.add_reader(Arc::new(Silent(other.clone(), Arc::default())));
        let workload = crate::model::kubernetes::WorkloadKey {
            cluster: one.clone(),
            namespace: "shop".into(),
            kind: crate::model::kubernetes::WorkloadKind::Deployment,
            name: "web".into(),
        };
        let kinds = |of: &BackendId| Query::Resources(of.clone());
        let wanted = BTreeSet::from([kinds(&one), kinds(&other), Query::Revisions(workload.clone())]);
        work.want(&wanted);
        work.start(Effect::Refresh(vec![one.clone()]));
        assert!(!work.is_wanted(&kinds(&one)) && work.is_wanted(&kinds(&other)));
        assert!(work.is_wanted(&Query::Revisions(workload)), "what follows a state goes on");
        assert_eq!(forgot.load(std::sync::atomic::Ordering::Relaxed), 1);
        work.want(&wanted);
        assert!(work.is_wanted(&kinds(&one)), "it is begun anew");
    }

    #[test]
    fn saving_never_writes_over_a_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = write_new(directory.path(), "log.txt", "one").expect("saved");
        let second = write_new(directory.path(), "log.txt", "two").expect("saved");
        assert_ne!(first, second);
        assert_eq!(std::fs::read_to_string(first).expect("readable"), "one");
    }

    #[test]
    fn a_name_leads_to_no_other_folder() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["../../up.log", "/tmp/midwatch-away.log", "a\u{1b}[2J\nb.log", "$(x).log"] {
            let path = write_new(directory.path(), name, "x").expect("saved");
            assert_eq!(path.parent(), Some(directory.path()), "{name}");
            let name = path.file_name().expect("has one").to_str().expect("text");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{name}");
        }
    }
}
