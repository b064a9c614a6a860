//! What the loop does with what comes in.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::{
    app::look::Look,
    effects::Channels,
    model::BackendId,
    query::Query,
    source::{AnswerSink, ErrorKind, Reader, SourceError},
    ui::{
        testing::{cluster, incident},
        theme::{Background, ColourDepth, GlyphSet, ThemeChoice},
    },
};

/// A cluster whose answers are made here.
struct Silent(BackendId);

impl Reader for Silent {
    fn backend(&self) -> &BackendId {
        &self.0
    }

    fn read<'a>(&'a self, _: &'a Query, _: AnswerSink) -> BoxFuture<'a, ()> {
        Box::pin(std::future::pending())
    }
}

/// An App with what it runs on; while the sender is kept, the terminal is there.
fn stage() -> (App, Work, Inputs, oneshot::Sender<io::Error>, Arc<dyn Clock>) {
    let world = incident();
    let look = Look {
        choice: ThemeChoice::None,
        background: Background::Dark,
        depth: ColourDepth::None,
        glyphs: GlyphSet::Ascii,
    };
    let mut app = App::new(world.settings, world.keymap, look);
    app.store = world.store;
    let clock: Arc<dyn Clock> = Arc::new(world.clock);
    let (to_updates, updates) = mpsc::channel(1);
    let (to_answers, answers) = mpsc::channel(1);
    let (to_news, news) = mpsc::channel(1);
    let channels = Channels { updates: to_updates, answers: to_answers, news: to_news };
    let work = Work::new(channels, clock.clone(), Duration::from_secs(1), PathBuf::new(), false);
    let (terminal, gone) = oneshot::channel();
    let (wake, stop) = (Arc::default(), CancellationToken::new());
    (app, work, Inputs { typed: Vec::new(), updates, answers, news, wake, gone, stop }, terminal, clock)
}

/// Else the header names a namespace, and the rows below it are still those of another.
#[tokio::test]
async fn a_namespace_that_waited_for_an_answer_is_watched_when_it_came() {
    let (mut app, mut work, _inputs, _terminal, clock) = stage();
    work.add_reader(Arc::new(Silent(cluster())));
    let codes = ":ns staging".chars().map(KeyCode::Char).chain([KeyCode::Enter]);
    for code in codes {
        let done = app.update(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)), clock.now());
        assert!(done.is_empty(), "it is not known yet: {done:?}");
    }
    work.want(&app.wanted(clock.now()));
    let refused = SourceError::new(ErrorKind::Auth, "namespaces is forbidden (403)");
    let query = Query::Resources(cluster());
    let answer = Answered { query, generation: 1, at: clock.now().wall, body: Err(refused) };
    let done = take_answer(&mut app, &work, answer, &clock);
    assert!(
        done.iter().any(|effect| matches!(effect, Effect::SetNamespaces { namespaces, .. } if namespaces.len() == 1)),
        "{done:?}"
    );
    assert_eq!(app.settings.namespaces[&cluster()].len(), 1);
}

/// Finds something each time it is asked.
struct Finder {
    found: VecDeque<Clean>,
    is_found: Arc<Notify>,
}

impl Host for Finder {
    fn carry_out(&mut self, _: Effect, _: &mut App, _: &mut Work) -> Option<Clean> {
        None
    }

    fn aside(&mut self, _: &Effect, _: &App) -> Result<Aside, Clean> {
        Err("nothing has the terminal here".into())
    }

    fn poll(&mut self, _: &mut App, _: &mut Work) {
        self.found.push_back(Clean::own(format!("found {}", self.found.len())));
        self.is_found.notify_one();
    }

    fn says(&mut self) -> Option<Clean> {
        self.found.pop_front()
    }

    fn keep(&mut self, _: &App, _: bool) {}
}

#[tokio::test]
async fn what_is_found_while_something_else_has_the_terminal_is_said_afterwards() {
    let (mut app, mut work, mut inputs, _terminal, clock) = stage();
    let is_found = Arc::new(Notify::new());
    let mut host = Finder { found: VecDeque::new(), is_found: is_found.clone() };
    inputs.wake.notify_one();
    let (mut later, aside) = (Vec::new(), is_found.notified());
    let ended = aside::meanwhile(&mut app, &mut inputs, &mut work, &mut host, &clock, &mut later, aside).await;
    assert!(ended.is_some(), "it ends when something was found");
    assert_eq!(host.says().as_deref(), Some("found 0"));
}
