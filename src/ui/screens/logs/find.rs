//! What is looked for in a log: from where one stood back, then from hit to hit, around the end.

use super::{
    super::super::View,
    sieve::needle,
    tail::{Tail, Window, line_at},
};

/// Where one stood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    follow: bool,
    cursor: u64,
    window: Window,
}

impl Tail {
    fn place(&self) -> Place {
        Place { follow: self.follow, cursor: self.cursor, window: self.window }
    }

    /// Looks for this text, first from where one stood back: newer lines are what one reads already. Where it is not found
    /// one stands there again, not where a part of it was; so where its text is taken back and another is typed.
    pub(super) fn set_find(&mut self, text: &str, view: &View<'_>) {
        text.clone_into(&mut self.find);
        self.needle = needle(text);
        self.not_found = false;
        if self.needle.is_none() {
            return;
        }
        let from = self.sought_from.take().unwrap_or_else(|| self.place());
        (self.follow, self.cursor, self.window) = (from.follow, from.cursor, from.window);
        if self.len() == 0 {
            self.finish_sifting(view);
        }
        if let Some(at) = self.position()
            && self.hit(at, view).is_none()
        {
            self.seek(false, view);
        }
        self.sought_from = Some(from);
    }

    /// A look begins here, unless one goes on that has a text.
    pub(super) fn begin_find(&mut self) {
        if self.find.is_empty() {
            self.sought_from = None;
        }
    }

    /// Goes to the next row with the text, around the end; what is to be said of that.
    pub(super) fn find_next(&mut self, forward: bool, view: &View<'_>) -> Option<&'static str> {
        let (from, to) = self.seek(forward, view)?;
        match (from == to, forward) {
            (true, _) => Some("no other line has it"),
            (false, true) if to < from => Some("on from the oldest line"),
            (false, false) if to > from => Some("on from the newest line"),
            _ => None,
        }
    }

    /// The rows of the cursor and of the next hit, to which it goes.
    fn seek(&mut self, forward: bool, view: &View<'_>) -> Option<(usize, usize)> {
        self.finish_sifting(view);
        let (at, len) = (self.position()?, self.len());
        let found = (1..=len)
            .map(|step| if forward { (at + step) % len } else { (at + len - step) % len })
            .find_map(|position| Some((position, self.hit(position, view)?)));
        self.not_found = found.is_none();
        let (position, line) = found?;
        self.go(position);
        self.cursor = line;
        if let Some(beside) = &mut self.beside {
            beside.focus_on(line);
        }
        Some((at, position))
    }

    /// The line of a row that has the text looked for.
    fn hit(&self, position: usize, view: &View<'_>) -> Option<u64> {
        let (needle, buffer) = (self.needle.as_ref()?, self.buffer(view)?);
        self.lines_of(position).find(|line| line_at(buffer, *line).is_some_and(|line| needle.is_match(&line.text)))
    }
}
