//! The world's own clock: starts where it is told, runs at its own speed, can be moved forward.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Where the real time comes from; the caller gives it, so that tests can stand still.
pub type Wall = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock that any part may read. The world follows it.
#[derive(Clone)]
pub struct WorldClock {
    wall: Wall,
    state: Arc<Mutex<Anchor>>,
}

/// The last moment at which the speed was set or the world moved.
struct Anchor {
    real: Timestamp,
    world: Timestamp,
    speed: f64,
}

impl WorldClock {
    /// A clock that shows `start` now.
    pub fn new(wall: Wall, start: Timestamp, speed: f64) -> Self {
        let real = wall();
        Self { wall, state: Arc::new(Mutex::new(Anchor { real, world: start, speed })) }
    }

    /// What the world's clocks show. Never goes back, even if the real one does.
    pub fn now(&self) -> Timestamp {
        self.with(|anchor| anchor.world)
    }

    pub fn speed(&self) -> f64 {
        self.with(|anchor| anchor.speed)
    }

    /// Lets it run so many times as fast as real time; 0 stops it.
    pub fn set_speed(&self, speed: f64) {
        self.with(|anchor| anchor.speed = speed);
    }

    /// Moves it forward.
    pub fn advance(&self, by: SignedDuration) {
        self.with(|anchor| anchor.world = anchor.world.saturating_add(by).unwrap_or(anchor.world));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Anchor) -> T) -> T {
        let real = (self.wall)();
        let mut anchor = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = real.duration_since(anchor.real).as_secs_f64().max(0.0) * anchor.speed;
        let elapsed = SignedDuration::try_from_secs_f64(elapsed).unwrap_or_default();
        anchor.world = anchor.world.saturating_add(elapsed).unwrap_or(anchor.world);
        anchor.real = real;
        act(&mut anchor)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn it_runs_at_its_speed_and_never_back() {
        let real = Arc::new(AtomicI64::new(1000));
        let source = real.clone();
        let wall: Wall = Arc::new(move || Timestamp::from_second(source.load(Ordering::SeqCst)).unwrap());
        let start: Timestamp = "2026-11-21T03:14:00Z".parse().unwrap();
        let clock = WorldClock::new(wall, start, 10.0);
        let shown = || clock.now().duration_since(start).as_secs();
        real.store(1006, Ordering::SeqCst);
        assert_eq!(shown(), 60);
        clock.advance(SignedDuration::from_secs(5));
        clock.set_speed(1.0);
        real.store(1007, Ordering::SeqCst);
        assert_eq!(shown(), 66);
        real.store(900, Ordering::SeqCst);
        assert_eq!(shown(), 66);
    }
}
