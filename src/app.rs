//! The App owns all state. It takes a message, changes itself, and returns work as data. It does no I/O and has no clock.

pub mod acts;
mod asks;
mod chrome;
mod dispatch;
mod drift;
mod effect;
mod first_minute;
mod keyboard;
pub mod line;
pub mod links;
pub mod look;
mod moment;
mod outside;
mod pointer;
mod production;
mod scope;
pub mod settings;
mod sync;
mod tell;
mod toasts;
pub mod tour;

use std::collections::BTreeSet;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::{buffer::Buffer, layout::Position};

use crate::{
    action::act::ActionEvent,
    command::ScreenId,
    keymap::Keymap,
    model::forward::Forward,
    query::Query,
    source::{Answered, Update},
    store::{Changes, Store},
    text::Clean,
    time::Now,
    ui::{Overlay, Reply, Screen, View, screens, target::Target, theme::Theme, widgets::text_input::TextInput},
};

use self::{acts::Acts, chrome::Hits, look::Look, settings::Settings, sync::Sync, toasts::Toasts};
pub use self::{
    effect::{Effect, Saved},
    toasts::copied,
};

/// What is said instead of acting on a row that is not seen.
const TOO_SMALL: &str = "too small: rows need 60x16";

/// Everything that can happen to the App.
pub enum Msg {
    Key(KeyEvent),
    /// A bracketed paste, cleaned. It never runs keys.
    Paste(Clean),
    Mouse(MouseEvent),
    Resize(u16, u16),
    Focus(bool),
    Update(Box<Update>),
    Answer(Box<Answered>),
    Action(Box<ActionEvent>),
    /// Something the runtime did for an effect: a line to show.
    Said(Clean),
    /// What was said is so no longer.
    Unsaid(Clean),
    /// A program's output, to be read: title, where, and text.
    Output {
        title: Clean,
        place: Clean,
        text: Clean,
    },
    /// No browser could be started for this address.
    Unopened(Clean),
    /// Once a second.
    Tick,
}

/// What the drawing of one frame left for the terminal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    pub cursor: Option<Position>,
    pub title: String,
    /// Places that lead to a page when clicked (OSC 8).
    pub links: Vec<crate::terminal::Link>,
}

/// What is looked at: what a message says is about this, and about nothing else.
#[derive(PartialEq)]
struct LookedAt {
    screen: ScreenId,
    face: String,
    pages: usize,
    is_typing: bool,
    zoomed: bool,
}

/// All state of the cockpit.
pub struct App {
    pub store: Store,
    pub settings: Settings,
    pub keymap: Keymap,
    pub acts: Acts,
    /// Port-forwards of this session, as they go.
    pub forwards: Vec<Forward>,
    pub theme: Theme,
    look: Look,
    screen: ScreenId,
    /// Where the screen shown was opened from by an act, not by its tab; and where that one was, before it.
    opened_from: Vec<ScreenId>,
    screens: screens::Screens,
    overlays: Vec<Box<dyn Overlay>>,
    /// The filter line while it is typed.
    prompt: Option<TextInput>,
    toasts: Toasts,
    tour: tour::Tour,
    hits: Hits,
    sync: Sync,
    is_frozen: bool,
    zoomed: bool,
    mouse: bool,
    tickets: u64,
    /// Things to tell when they change.
    watched: Vec<tell::Watched>,
    drift_told: drift::Told,
    /// Namespaces that wait until it is known whether there are such.
    held: Option<scope::Held>,
    /// Alerts that were told of.
    told: BTreeSet<crate::model::alert::AlertKey>,
    has_alerts: bool,
    size: (u16, u16),
    visible_ages: String,
    pub dirty: bool,
}

impl App {
    pub fn new(settings: Settings, keymap: Keymap, look: Look) -> Self {
        let theme = look.theme();
        let mouse = settings.ui.mouse;
        let store = Store { log_bytes: settings.ui.log_bytes, ..Store::default() };
        Self {
            store,
            settings,
            keymap,
            acts: Acts::default(),
            forwards: Vec::new(),
            theme,
            look,
            screen: ScreenId::Now,
            opened_from: Vec::new(),
            screens: screens::Screens::default(),
            overlays: Vec::new(),
            prompt: None,
            toasts: Toasts::default(),
            tour: tour::Tour::default(),
            hits: Hits::default(),
            sync: Sync::default(),
            is_frozen: false,
            zoomed: false,
            mouse,
            tickets: 0,
            watched: Vec::new(),
            drift_told: drift::Told::new(),
            held: None,
            told: BTreeSet::new(),
            has_alerts: false,
            size: (80, 24),
            visible_ages: String::new(),
            dirty: true,
        }
    }

    /// Applies one message. No I/O, no clock of its own.
    pub fn update(&mut self, msg: Msg, now: Now) -> Vec<Effect> {
        self.toasts.grow_old();
        let before = self.looked_at();
        let effects = self.apply(msg, now);
        if self.looked_at() != before {
            self.toasts.look_away();
        }
        effects
    }

    fn apply(&mut self, msg: Msg, now: Now) -> Vec<Effect> {
        match msg {
            Msg::Key(key) => {
                self.dirty = true;
                self.key(key, now)
            }
            Msg::Paste(text) => {
                self.dirty = true;
                self.pasted(&text, now)
            }
            Msg::Mouse(event) => self.mouse_event(event, now),
            Msg::Resize(width, height) => {
                self.size = (width, height);
                self.dirty = true;
                Vec::new()
            }
            Msg::Focus(_) => Vec::new(),
            Msg::Update(update) => {
                let changes = self.store.apply(*update, now);
                if changes.any(Changes::BACKENDS) {
                    self.recall_clusters(now);
                }
                self.changed(changes);
                if changes.any(Changes::ALERTS) { self.tell_alerts() } else { Vec::new() }
            }
            Msg::Answer(answered) => {
                let changes = self.store.answer(*answered, now);
                self.changed(changes);
                self.try_held(now)
            }
            Msg::Action(event) => self.action(*event, now),
            Msg::Said(text) => {
                self.toasts.tell(text, now);
                self.dirty = true;
                Vec::new()
            }
            Msg::Unsaid(text) => {
                self.dirty |= self.toasts.unsay(&text);
                Vec::new()
            }
            Msg::Output { title, place, text } => {
                self.reply(Reply::Push(crate::ui::overlays::output(title, place, text)), None, now)
            }
            Msg::Unopened(address) => self.show_address(address, now),
            Msg::Tick => self.tick(now),
        }
    }

    /// What must be read now because somebody looks at it.
    pub fn wanted(&self, now: Now) -> BTreeSet<Query> {
        let view = self.view(now);
        let mut wanted: BTreeSet<Query> = self.screens.get(self.screen).wanted(&view).into_iter().collect();
        for overlay in &self.overlays {
            wanted.extend(overlay.wanted(&view));
        }
        wanted.extend(self.asks_held(&view));
        wanted.extend(self.asks_watched());
        // Open logs go on while another screen is looked at for a moment; the Logs screen says which are open.
        wanted.extend(self.screens.logs.open_logs().cloned().map(Query::Logs));
        // What an act left suspended is watched until somebody resumes it, whatever is looked at.
        let suspended = self
            .acts
            .switched_off()
            .into_iter()
            .map(|(owner, _)| owner)
            .filter(|owner| view.store.backends.contains_key(&owner.cluster));
        wanted.extend(suspended.cloned().map(Query::Standing));
        wanted
    }

    /// Draws one frame into `buf`.
    pub fn draw(&mut self, buf: &mut Buffer, now: Now) -> Drawn {
        self.dirty = false;
        self.size = (buf.area.width, buf.area.height);
        self.synchronise(now);
        self.step_aside();
        self.visible_ages = self.ages(now);
        let drawn = self.frame(buf, now);
        self.dirty |= self.screens.get(self.screen).is_arranging();
        drawn
    }

    fn view(&self, now: Now) -> View<'_> {
        View {
            store: &self.store,
            settings: &self.settings,
            acts: &self.acts,
            forwards: &self.forwards,
            keymap: &self.keymap,
            theme: &self.theme,
            now,
            size: self.size,
            zoomed: self.zoomed,
        }
    }

    /// Splits the borrow: what screens change, and what they may look at.
    fn parts(&mut self, now: Now) -> (&mut screens::Screens, &mut Vec<Box<dyn Overlay>>, View<'_>) {
        let view = View {
            store: &self.store,
            settings: &self.settings,
            acts: &self.acts,
            forwards: &self.forwards,
            keymap: &self.keymap,
            theme: &self.theme,
            now,
            size: self.size,
            zoomed: self.zoomed,
        };
        (&mut self.screens, &mut self.overlays, view)
    }

    fn on_screen<R>(&mut self, now: Now, act: impl FnOnce(&mut dyn Screen, &View<'_>) -> R) -> R {
        let id = self.screen;
        let (screens, _, view) = self.parts(now);
        act(screens.get_mut(id), &view)
    }

    fn on_overlay<R>(&mut self, now: Now, act: impl FnOnce(&mut dyn Overlay, &View<'_>) -> R) -> Option<R> {
        let (_, overlays, view) = self.parts(now);
        overlays.last_mut().map(|overlay| act(&mut **overlay, &view))
    }

    /// The terminal said what its background is.
    pub fn set_background(&mut self, background: crate::ui::theme::Background) {
        if self.look.background != background {
            self.look.background = background;
            self.theme = self.look.theme();
            self.dirty = true;
        }
    }

    /// Opens a log on the Logs screen, as `l` does.
    pub fn open_log(&mut self, query: crate::query::LogQuery) {
        self.open_screen(ScreenId::Logs);
        self.screens.logs.open(query);
        self.changed(Changes::LOGS);
    }

    fn looked_at(&self) -> LookedAt {
        LookedAt {
            screen: self.screen,
            face: self.screens.get(self.screen).face(),
            pages: self.overlays.len(),
            is_typing: self.prompt.is_some(),
            zoomed: self.zoomed,
        }
    }

    /// The composition root changed the store: sources came or went.
    pub fn note_changes(&mut self, changes: Changes) {
        self.changed(changes);
    }

    fn tick(&mut self, now: Now) -> Vec<Effect> {
        self.sync.time_passed();
        let changes = self.store.settle(now);
        self.changed(changes);
        self.dirty |= self.toasts.expire(now);
        self.dirty |= self.on_screen(now, |screen, _| screen.settle(now));
        // Rows that time alone moves (`17s` to `18s`) are drawn anew in coarse steps only.
        self.dirty |= self.ages(now) != self.visible_ages;
        let mut effects = self.tell_watched(now);
        effects.extend(self.tell_drift(now));
        effects.extend(self.try_held(now));
        match self.on_overlay(now, |overlay, view| overlay.tick(view)) {
            None | Some(Reply::Ignored) => {}
            Some(reply) => effects.extend(self.reply(reply, None, now)),
        }
        effects
    }

    /// The ages that a person sees, in their coarse steps: what time alone changes on the screen.
    fn ages(&self, now: Now) -> String {
        use std::fmt::Write as _;
        let mut ages = String::new();
        let _ = write!(ages, "{}", self.store.time(now).as_second() / 10);
        for (id, state) in &self.store.sources {
            let _ = write!(
                ages,
                "|{}{:?}",
                id.part.title(),
                std::mem::discriminant(&state.pulse.freshness(now, state.expected))
            );
        }
        ages
    }

    /// Nothing but a list is drawn: no row that a key could mean is seen.
    fn is_too_small(&self) -> bool {
        self.overlays.is_empty() && (self.size.0 < chrome::MIN_SIZE.0 || self.size.1 < chrome::MIN_SIZE.1)
    }

    /// The selected object: an overlay's own, else the screen's.
    pub fn selected(&self, now: Now) -> Option<Target> {
        match self.overlays.last() {
            Some(overlay) => overlay.selected(),
            None if self.is_too_small() => None,
            None => self.screens.get(self.screen).selected(&self.view(now)),
        }
    }
}

#[cfg(test)]
mod tests;
