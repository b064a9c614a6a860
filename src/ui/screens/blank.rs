//! Stand-in while a screen is being built.

use super::{Buffer, Changes, Clean, LogQuery, Now, Rect, Reply, Screen, Target, View};
use crate::{command::Command, query::Query};

#[derive(Default)]
pub struct Blank;

impl Blank {
    pub fn open(&mut self, _query: LogQuery) {}
    pub fn open_logs(&self) -> impl Iterator<Item = &LogQuery> {
        std::iter::empty()
    }
    pub fn since(&mut self, _text: &str) -> Reply {
        Reply::Say(Clean::default())
    }
}

impl Screen for Blank {
    fn sync(&mut self, _view: &View<'_>, _changes: Changes) {}
    fn selected(&self, _view: &View<'_>) -> Option<Target> {
        None
    }
    fn run(&mut self, _command: Command, _view: &View<'_>) -> Reply {
        Reply::Ignored
    }
    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        Vec::new()
    }
    fn reveal(&mut self, _target: &Target, _view: &View<'_>) -> bool {
        false
    }
    fn settle(&mut self, _now: Now) -> bool {
        false
    }
    fn render(&mut self, _view: &View<'_>, _area: Rect, _buf: &mut Buffer) {}
}
