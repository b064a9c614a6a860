//! Backends on their way: opened beside the loop, handed over when they are open.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

use crate::wire::{Opening, Wired};

/// Work of opening, and what came of it.
pub struct Openings {
    to: mpsc::UnboundedSender<Wired>,
    ready: mpsc::UnboundedReceiver<Wired>,
    wake: Arc<Notify>,
}

impl Openings {
    /// `wake` is told of every part.
    pub fn new(wake: Arc<Notify>) -> Self {
        let (to, ready) = mpsc::unbounded_channel();
        Self { to, ready, wake }
    }

    pub fn start(&self, opening: Opening) {
        let (to, wake) = (self.to.clone(), self.wake.clone());
        tokio::spawn(opening.run(move |part| {
            // At the end nobody listens.
            let _ = to.send(part);
            wake.notify_one();
        }));
    }

    /// The next part that is open.
    pub fn take(&mut self) -> Option<Wired> {
        self.ready.try_recv().ok()
    }
}
