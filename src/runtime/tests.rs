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

/// Else the header names a namespace, and the rows below it are still those of another.
#[tokio::test]
async fn a_namespace_that_waited_for_an_answer_is_watched_when_it_came() {
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
    let (updates, _updates) = mpsc::channel(1);
    let (answers, _answers) = mpsc::channel(1);
    let (news, _news) = mpsc::channel(1);
    let channels = Channels { updates, answers, news };
    let mut work = Work::new(channels, clock.clone(), Duration::from_secs(1), PathBuf::new(), false);
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
