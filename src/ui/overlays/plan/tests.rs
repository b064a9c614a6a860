//! The dialog inside the App: keys in, effects and screen out.

use crossterm::event::{KeyCode, KeyEvent};
use jiff::SignedDuration;
use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    action::{
        Evidence, Request, WorkloadInspection,
        act::{Act, ActionEvent, Outcome, StepState},
        testing::{after, evidence, inspection, myapp, now, roll_back, run, run_inspection, run_key, settings, store},
    },
    app::{App, Effect, Msg, look::Look},
    keymap::Keymap,
    model::{code::RunState, kubernetes::Manager},
    text::Clean,
    time::Now,
    ui::{
        Reply, View,
        theme::{Background, ColourDepth, GlyphSet, Theme, ThemeChoice},
        widgets::cells::rows_of,
    },
};

struct Desk {
    app: App,
    now: Now,
    ticket: u64,
}

impl Desk {
    /// The App just after somebody asked for this.
    fn ask(request: Request) -> Self {
        let mut app = App::new(settings(), Keymap::new(&[]).unwrap_or_default(), Look::default());
        app.store = store(Vec::new());
        app.theme = Theme::new(ThemeChoice::None, Background::Dark, ColourDepth::None, GlyphSet::Ascii);
        let effects = app.reply_for_test(Reply::Ask(request), now());
        let [Effect::Prepare { ticket, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        let ticket = *ticket;
        Self { app, now: now(), ticket }
    }

    fn evidence(&mut self, request: &Request, mut evidence: Evidence) -> Vec<Effect> {
        evidence.asked = self.now.wall;
        let result = Ok(Box::new(evidence));
        let event = ActionEvent::Evidence { ticket: self.ticket, request: request.clone(), result };
        self.app.update(Msg::Action(Box::new(event)), self.now)
    }

    fn found(&mut self, request: &Request, found: WorkloadInspection) -> Vec<Effect> {
        let evidence = evidence(request, found);
        self.evidence(request, evidence)
    }

    fn key(&mut self, code: KeyCode) -> Vec<Effect> {
        self.now = after(self.now, 60);
        self.app.update(Msg::Key(KeyEvent::from(code)), self.now)
    }

    fn wait(&mut self) {
        self.now = after(self.now, 1_000);
    }

    fn type_in(&mut self, text: &str) -> Vec<Effect> {
        text.chars().flat_map(|c| self.key(KeyCode::Char(c))).collect()
    }

    fn rows(&mut self, width: u16, height: u16) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        self.app.draw(&mut buf, self.now);
        rows_of(&buf)
    }

    fn screen(&mut self, width: u16, height: u16) -> String {
        self.rows(width, height).join("\n")
    }
}
