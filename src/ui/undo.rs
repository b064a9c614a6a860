//! What `u` takes back of a list: its orders or marks one after the other, and the filter before them if that came last.

/// Most steps kept.
const MOST: usize = 50;

/// How a list was before it was changed, the newest last.
#[derive(Debug)]
pub struct Undo<T> {
    before: Vec<T>,
    is_filter_last: bool,
}

impl<T> Default for Undo<T> {
    fn default() -> Self {
        Self { before: Vec::new(), is_filter_last: false }
    }
}

impl<T> Undo<T> {
    /// It was changed, and was so before.
    pub fn changed(&mut self, was: T) {
        if self.before.len() == MOST {
            self.before.remove(0);
        }
        self.before.push(was);
        self.is_filter_last = false;
    }

    /// Its filter was set.
    pub const fn filtered(&mut self, text: &str) {
        self.is_filter_last = !text.is_empty();
    }

    /// What it is to be again; `None`: the filter is to go, or there is nothing more to take back.
    pub fn take(&mut self) -> Option<T> {
        if self.is_filter_last { None } else { self.before.pop() }
    }
}
