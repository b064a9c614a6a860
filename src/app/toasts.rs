//! Lines that stay for some seconds.

use std::time::{Duration, Instant};

use crate::{text::Clean, time::Now};

const SHOWN: Duration = Duration::from_secs(8);
const KEPT: usize = 4;

/// Messages on screen, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Toasts(Vec<(Clean, Instant)>);

impl Toasts {
    pub fn say(&mut self, text: Clean, now: Now) {
        self.0.retain(|(known, _)| *known != text);
        self.0.push((text, now.mono));
        let over = self.0.len().saturating_sub(KEPT);
        self.0.drain(..over);
    }

    /// Drops what was shown long enough. True if something went.
    pub fn expire(&mut self, now: Now) -> bool {
        let before = self.0.len();
        self.0.retain(|(_, since)| now.since(*since) < SHOWN);
        self.0.len() != before
    }

    pub fn clear(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Clean> {
        self.0.iter().map(|(text, _)| text)
    }
}

/// What is said of a text that was copied: its first line, of which is shown what there is room for.
pub fn copied(text: &Clean) -> Clean {
    Clean::own(format!("copied: {}", text.lines().next().unwrap_or_default()))
}
