//! What is drawn: screens, overlays above them, and the widgets and colours they share. Drawing does no I/O, takes no
//! lock and reads no clock; it works on visible rows only.

pub mod filter;
pub mod kinds;
pub mod list;
pub mod overlays;
pub mod screens;
pub mod target;
#[cfg(test)]
pub mod testing;
pub mod theme;
pub mod undo;
pub mod widgets;

use crossterm::event::KeyEvent;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use crate::{
    action::Request,
    app::{Effect, acts::Acts, settings::Settings},
    command::{Command, ScreenId},
    keymap::Keymap,
    model::{Name, forward::Forward, kubernetes::ObjectKey, metric::DashboardKey},
    query::{LogQuery, Query},
    store::{Changes, Store},
    text::Clean,
    time::Now,
};

use self::{overlays::Sheet, target::Target, theme::Theme};

/// What screens and overlays may look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub store: &'a Store,
    pub settings: &'a Settings,
    pub acts: &'a Acts,
    /// Port-forwards of this session.
    pub forwards: &'a [Forward],
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
    pub now: Now,
    /// Size of the whole terminal: below 100 columns the narrow forms are drawn.
    pub size: (u16, u16),
    /// `z`: the focused pane takes the whole screen.
    pub zoomed: bool,
}

impl View<'_> {
    /// What the clocks show where things happen; what midwatch itself did and met is in `now`.
    pub fn time(&self) -> jiff::Timestamp {
        self.store.time(self.now)
    }

    /// The narrow forms, as at 80x24.
    pub fn is_narrow(&self) -> bool {
        self.size.0 < 100 || self.size.1 < 28
    }
}

/// What came of a command or key.
pub enum Reply {
    /// Not mine: the next one may take it.
    Ignored,
    Done,
    /// Work for the runtime.
    Do(Effect),
    /// An action: goes to plan and confirm.
    Ask(Request),
    /// To a screen, with an object selected there.
    Go(ScreenId, Option<Target>),
    /// The table of a kind of object on the Kube screen, with this object selected if it is there.
    Browse(String, Option<ObjectKey>),
    /// Opens a log on the Logs screen.
    OpenLog(LogQuery),
    Push(Box<dyn Overlay>),
    /// This overlay is done.
    Close,
    /// A line for a few seconds.
    Say(Clean),
    /// As if that command's key had been pressed, on the selected object.
    Run(Command),
    /// As [`Reply::Run`], on this object.
    RunOn(Command, Target),
    /// The configuration's own command of this place, on this object or the selected one.
    Own(usize, Option<Target>),
    /// A program outside of midwatch: it asks first where it should.
    HandOver(Box<crate::custom::Program>),
    /// Values of a dashboard's template variables, in place of those chosen before.
    Variables(DashboardKey, Vec<(Name, Clean)>),
    /// A `:` line with arguments: `ns shop`, `since 10m`.
    Line(String),
    Many(Vec<Reply>),
}

/// One of the screens 1 to 8.
pub trait Screen {
    /// Data changed: rebuild what is sorted, filtered and grouped. The only place for work in proportion to the data.
    fn sync(&mut self, view: &View<'_>, changes: Changes);
    /// The object under the cursor of the focused pane.
    fn selected(&self, view: &View<'_>) -> Option<Target>;
    /// Which of its faces is shown, where it has several: one kind of object or another, two columns or one.
    fn face(&self) -> String {
        String::new()
    }
    /// Marked objects, where marking means something.
    fn marked(&self) -> Vec<Target> {
        Vec::new()
    }
    /// A command, before the object's own meaning of it is tried.
    fn run(&mut self, command: Command, view: &View<'_>) -> Reply;
    /// Reads wanted while this screen is shown.
    fn wanted(&self, view: &View<'_>) -> Vec<Query>;
    /// Shows this object, if the screen has it.
    fn reveal(&mut self, target: &Target, view: &View<'_>) -> bool;
    /// The filter line of the focused pane, changed while it is typed.
    fn filter(&self) -> String {
        String::new()
    }
    fn set_filter(&mut self, _text: &str, _view: &View<'_>) {}
    /// The sign before the filter line, and what may be written there.
    fn filter_words(&self) -> (&'static str, &'static str) {
        ("/", "text  !not  -l label=x  -f fuzzy")
    }
    fn click(&mut self, _at: Position, _view: &View<'_>) -> Reply {
        Reply::Ignored
    }
    /// Wheel, in lines, down positive.
    fn scroll(&mut self, _at: Position, lines: i32, view: &View<'_>) -> Reply {
        let command = if lines > 0 { Command::Down } else { Command::Up };
        for _ in 0..lines.unsigned_abs() {
            self.run(command, view);
        }
        Reply::Done
    }
    /// Text of the selection, for the clipboard.
    fn copied(&self, _view: &View<'_>) -> Option<Clean> {
        None
    }
    /// When what is selected happened, if that is a moment.
    fn moment(&self, _view: &View<'_>) -> Option<jiff::Timestamp> {
        None
    }
    /// Time passed: lets waiting orders in. True if something moved.
    fn settle(&mut self, now: Now) -> bool;
    /// Rows are being put in order beside it: it is drawn again soon, until they are there.
    fn is_arranging(&self) -> bool {
        false
    }
    /// `view.zoomed`: the focused pane alone.
    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer);
}

/// Something above the screen; the top one gets keys first.
pub trait Overlay {
    /// The lines it is made of, if it is: keys of the find line, pasting, the pointer and copying are theirs.
    fn sheet(&self) -> Option<&Sheet> {
        None
    }
    fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        None
    }
    /// A text field owns all keys but Esc, Tab and Enter; other overlays get commands.
    fn owns_keys(&self) -> bool {
        self.sheet().is_some_and(Sheet::owns_keys)
    }
    /// A key, if it owns them. Esc reaches it too; `Reply::Close` leaves.
    fn key(&mut self, key: KeyEvent, _view: &View<'_>) -> Reply {
        self.sheet_mut().map_or(Reply::Ignored, |sheet| {
            sheet.key(key);
            Reply::Done
        })
    }
    /// Clean text that was pasted. It never runs keys.
    fn paste(&mut self, text: &str) {
        if let Some(sheet) = self.sheet_mut() {
            sheet.paste(text);
        }
    }
    /// As [`Overlay::paste`], for one that does more with it than to take it into a field.
    fn pasted(&mut self, text: &str) -> Reply {
        self.paste(text);
        Reply::Done
    }
    /// It came unasked, and gives way to the first row of trouble.
    fn steps_aside(&self) -> bool {
        false
    }
    /// A command, if it does not own the keys. `Command::Back` closes it when it says nothing else.
    fn run(&mut self, _command: Command, _view: &View<'_>) -> Reply {
        Reply::Ignored
    }
    fn sync(&mut self, _view: &View<'_>, _changes: Changes) {}
    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        Vec::new()
    }
    /// The object it is about, so that keys keep their meaning above it.
    fn selected(&self) -> Option<Target> {
        None
    }
    /// The plan that it asks to be confirmed.
    fn asking(&self) -> Option<&crate::action::plan::Plan> {
        None
    }
    /// What this form asked for last. It stays below the plan with what was written in it, until that was done.
    fn asked(&self) -> Option<&Request> {
        None
    }
    /// A second passed: work that it wants done by itself.
    fn tick(&mut self, _view: &View<'_>) -> Reply {
        Reply::Ignored
    }
    /// The planning ticket it waits for.
    fn ticket(&self) -> Option<u64> {
        None
    }
    /// A plan for its ticket, or the refusal to make one, and the request it is of.
    fn planned(
        &mut self,
        _request: &Request,
        _result: Result<Box<crate::action::plan::Plan>, crate::action::plan::Refusal>,
        _now: Now,
    ) -> Reply {
        Reply::Ignored
    }
    /// Its confirmed plan is being carried out, as the act of this number.
    fn started(&mut self, _act: u64) {}
    /// Its confirmed plan was refused before anything was sent.
    fn refused(&mut self, _says: Clean) {}
    fn click(&mut self, at: Position, _view: &View<'_>) -> Reply {
        let is_taken = self.sheet_mut().is_some_and(|sheet| sheet.click(at));
        if is_taken { Reply::Done } else { Reply::Ignored }
    }
    fn scroll(&mut self, lines: i32, _view: &View<'_>) -> Reply {
        self.sheet_mut().map_or(Reply::Ignored, |sheet| {
            sheet.scroll(lines);
            Reply::Done
        })
    }
    fn copied(&self) -> Option<Clean> {
        self.sheet()?.copied()
    }
    /// What it shows as a command line: `kubectl describe …`.
    fn line(&self, _view: &View<'_>) -> Option<String> {
        None
    }
    /// `area`: the whole screen between header and footer. The cursor's place, if it has one.
    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position>;
    /// Footer hints of its own; empty: those of the commands in force.
    fn hints(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
