//! Keeps the operator's log short when every request fails for the same reason.

use std::sync::atomic::{AtomicU64, Ordering};

const INTERVAL_MILLISECONDS: u64 = 1000;

/// Lets one note a second through, and says how many were held back.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    last: AtomicU64,
    held_back: AtomicU64,
}

impl Throttle {
    /// The note, if it is time for one. `now` in milliseconds since 1970.
    pub(crate) fn pass(&self, now: u64, note: String) -> Option<String> {
        let last = self.last.load(Ordering::Relaxed);
        let due = now.abs_diff(last) >= INTERVAL_MILLISECONDS;
        if !due || self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            self.held_back.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(match self.held_back.swap(0, Ordering::Relaxed) {
            0 => note,
            held_back => format!("{note} (and {held_back} like it)"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_note_a_second_and_none_is_forgotten() {
        let throttle = Throttle::default();
        assert_eq!(throttle.pass(5000, "a".into()), Some("a".into()));
        assert_eq!(throttle.pass(5999, "b".into()), None);
        assert_eq!(throttle.pass(6000, "c".into()), Some("c (and 1 like it)".into()));
        // A clock that was set back does not silence the log.
        assert_eq!(throttle.pass(100, "d".into()), Some("d".into()));
    }
}
