//! Lines that stay for some seconds.

use std::time::{Duration, Instant};

use crate::{text::Clean, time::Now};

const SHOWN: Duration = Duration::from_secs(8);
const KEPT: usize = 4;

/// Messages on screen, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Toasts(Vec<Message>);

#[derive(Clone, Debug)]
struct Message {
    text: Clean,
    since: Instant,
    is_news: bool,
    /// Said by the very thing that is being done.
    is_fresh: bool,
}

impl Toasts {
    /// The answer to a key: it goes at the next one that leads to something else, whose keys need its room.
    pub fn say(&mut self, text: Clean, now: Now) {
        self.add(text, false, now);
    }

    /// What happened by itself, or came of what was asked for: it stays whatever is looked at.
    pub fn tell(&mut self, text: Clean, now: Now) {
        self.add(text, true, now);
    }

    fn add(&mut self, text: Clean, is_news: bool, now: Now) {
        self.0.retain(|known| known.text != text);
        self.0.push(Message { text, since: now.mono, is_news, is_fresh: true });
        let over = self.0.len().saturating_sub(KEPT);
        self.0.drain(..over);
    }

    /// Drops what is so no longer. True if it was on screen.
    pub fn unsay(&mut self, text: &Clean) -> bool {
        let before = self.0.len();
        self.0.retain(|message| message.text != *text);
        self.0.len() != before
    }

    /// Drops what was shown long enough. True if something went.
    pub fn expire(&mut self, now: Now) -> bool {
        let before = self.0.len();
        self.0.retain(|message| now.since(message.since) < SHOWN);
        self.0.len() != before
    }

    /// Something new is done: what is on screen was said of something before it.
    pub fn grow_old(&mut self) {
        for message in &mut self.0 {
            message.is_fresh = false;
        }
    }

    /// Something else is looked at: answers to earlier keys say nothing about it, and take the room of its keys.
    pub fn look_away(&mut self) {
        self.0.retain(|message| message.is_news || message.is_fresh);
    }

    pub fn clear(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Clean> {
        self.0.iter().map(|message| &message.text)
    }
}

/// What is said of a text that was copied: its first line, of which is shown what there is room for.
pub fn copied(text: &Clean) -> Clean {
    Clean::own(format!("copied: {}", text.lines().next().unwrap_or_default()))
}
