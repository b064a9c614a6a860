//! The first minute's page in the App: it stands at the start of a first run, takes what is pasted, and steps aside.

use super::{App, Effect};
use crate::{time::Now, ui::overlays};

impl App {
    /// Shows what is looked for and found, until the first row of trouble or a key.
    pub fn show_first_minute(&mut self) {
        self.overlays.push(overlays::first_minute_at_start());
    }

    /// The first row of trouble is worth more than a page about what was found.
    pub(super) fn step_aside(&mut self) {
        let has_trouble = self.sync.summary.needs > 0 && self.settings.pasted.is_none();
        if has_trouble && self.overlays.last().is_some_and(|overlay| overlay.steps_aside()) {
            self.overlays.pop();
        }
    }

    /// A paste runs no keys: it goes into the field that is typed in, or to the page that asks for one.
    pub(super) fn pasted(&mut self, text: &str, now: Now) -> Vec<Effect> {
        if let Some(overlay) = self.overlays.last_mut() {
            let reply = overlay.pasted(text);
            return self.reply(reply, None, now);
        }
        if let Some(prompt) = &mut self.prompt {
            prompt.insert(text);
            self.apply_filter(now);
        }
        Vec::new()
    }
}
