//! What a lane brings at a time.

use crate::text::Clean;

/// What one step brought. Nothing at all: it is still so.
#[derive(Debug)]
pub struct Step<T> {
    /// Forget what was before; only of a lane that is alone.
    pub reset: bool,
    pub facts: Vec<T>,
    /// The list is complete.
    pub synced: bool,
    /// Objects that the server has beyond those listed so far, where it says.
    pub left: Option<u64>,
    /// Bytes that were read for it, of a list.
    pub bytes: usize,
    /// Objects that could not be read and were left out.
    pub skipped: Option<Clean>,
}

impl<T> Default for Step<T> {
    fn default() -> Self {
        Self { reset: false, facts: Vec::new(), synced: false, left: None, bytes: 0, skipped: None }
    }
}

impl<T> Step<T> {
    pub fn is_still_so(&self) -> bool {
        !self.reset && !self.synced && self.facts.is_empty() && self.skipped.is_none()
    }
}
