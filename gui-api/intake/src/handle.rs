//! What an intake tells of itself while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Tells how an intake is doing; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Handle(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    lanes: AtomicU64,
    lag: AtomicU64,
    stored: AtomicU64,
    duplicates: AtomicU64,
    dead_letters: AtomicU64,
    passed: AtomicU64,
    redis_is_down: AtomicBool,
    store_is_down: AtomicBool,
}

/// How an intake was doing when it was asked. Counters begin at zero when it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Lanes that it owns.
    pub lanes: u64,
    /// Entries in the streams of these lanes that are not settled.
    pub lag: u64,
    /// Events stored.
    pub stored: u64,
    /// Events that were there before.
    pub duplicates: u64,
    /// Events that went to the dead letters.
    pub dead_letters: u64,
    /// Events that counted and were not to be stored.
    pub passed: u64,
    /// Whether Redis and the store answered when they were last asked, Redis for one of its lanes at least.
    pub working: bool,
}

impl Handle {
    /// How the intake is doing now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let up = |down: &AtomicBool| !down.load(Ordering::Relaxed);
        Snapshot {
            lanes: read(&self.0.lanes),
            lag: read(&self.0.lag),
            stored: read(&self.0.stored),
            duplicates: read(&self.0.duplicates),
            dead_letters: read(&self.0.dead_letters),
            passed: read(&self.0.passed),
            working: up(&self.0.redis_is_down) && up(&self.0.store_is_down),
        }
    }

    pub(crate) fn owns(&self, lanes: usize, lag: u64) {
        self.0.lanes.store(lanes as u64, Ordering::Relaxed);
        self.0.lag.store(lag, Ordering::Relaxed);
    }

    pub(crate) fn settled(&self, stored: u64, duplicates: u64, dead_letters: u64, passed: u64) {
        self.0.stored.fetch_add(stored, Ordering::Relaxed);
        self.0.duplicates.fetch_add(duplicates, Ordering::Relaxed);
        self.0.dead_letters.fetch_add(dead_letters, Ordering::Relaxed);
        self.0.passed.fetch_add(passed, Ordering::Relaxed);
    }

    pub(crate) fn redis_is_down(&self, down: bool) {
        self.0.redis_is_down.store(down, Ordering::Relaxed);
    }

    pub(crate) fn store_is_down(&self, down: bool) {
        self.0.store_is_down.store(down, Ordering::Relaxed);
    }
}
