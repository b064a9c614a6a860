//! The keyboard: a key goes to the overlay on top, else to the filter line, else to the command that it means.

use crossterm::event::{KeyCode, KeyEvent};

use super::{App, Effect, TOO_SMALL};
use crate::{
    command::Command,
    keymap::Key,
    text::Clean,
    time::Now,
    ui::{Reply, target::Target},
};

impl App {
    pub(super) fn key(&mut self, key: KeyEvent, now: Now) -> Vec<Effect> {
        if Key::of(key) == Key::parse("ctrl-c").expect("a valid key") {
            return vec![Effect::Quit];
        }
        // No dialog takes it for a letter of its own: for a `y`, say.
        if Key::of(key).is_ctrl() && self.keymap.keys(Command::CopyCommand).contains(&Key::of(key)) {
            return self.run_copy_command(now);
        }
        if self.overlays.last().is_some_and(|overlay| overlay.owns_keys()) {
            let reply = self.on_overlay(now, |overlay, view| overlay.key(key, view)).unwrap_or(Reply::Ignored);
            let reply = match (reply, key.code) {
                (Reply::Ignored, KeyCode::Esc) => Reply::Close,
                (reply, _) => reply,
            };
            return self.reply(reply, None, now);
        }
        if self.prompt.is_some() {
            return self.prompt_key(key, now);
        }
        let selected = self.selected(now);
        let kind = selected.as_ref().map(Target::kind);
        match self.keymap.command(Key::of(key), self.screen, kind) {
            Some(command) => self.run(command, now),
            None => match self.keymap.own(Key::of(key), self.screen, kind) {
                Some(own) => self.reply(Reply::Own(own, selected), None, now),
                // The panes that stand empty for want of a login name this key.
                None if selected.is_none()
                    && self.keymap.keys(Command::Login).contains(&Key::of(key))
                    && self.login_wanted().is_some() =>
                {
                    self.run(Command::Login, now)
                }
                None => {
                    let word = selected.as_ref().map(Target::word).unwrap_or_default();
                    if let Some(says) = self.keymap.elsewhere(Key::of(key), kind, word) {
                        self.dirty = true;
                        self.toasts.say(if self.is_too_small() { TOO_SMALL.into() } else { Clean::own(says) }, now);
                    }
                    Vec::new()
                }
            },
        }
    }

    fn prompt_key(&mut self, key: KeyEvent, now: Now) -> Vec<Effect> {
        match key.code {
            KeyCode::Esc => {
                self.prompt = None;
                self.on_screen(now, |screen, view| screen.set_filter("", view));
            }
            KeyCode::Enter => self.prompt = None,
            _ => {
                if let Some(prompt) = &mut self.prompt {
                    prompt.handle(key);
                }
                self.apply_filter(now);
            }
        }
        Vec::new()
    }

    pub(super) fn apply_filter(&mut self, now: Now) {
        if let Some(text) = self.prompt.as_ref().map(|prompt| prompt.text().to_owned()) {
            self.on_screen(now, |screen, view| screen.set_filter(&text, view));
        }
    }
}
