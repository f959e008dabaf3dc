//! Keeps the log short when every outgoing request fails for the same reason.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// At most one log line in this time, whatever fails.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// Lets one line a second through, and says how many were held back.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    not_logged: u64,
}

impl Throttle {
    /// How many lines were held back since the last one, if one is due now.
    pub(super) fn due(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.duration_since(last) < LOG_EVERY) {
            state.not_logged += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.not_logged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_failures_makes_one_line_a_second_and_none_is_forgotten() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let lines: Vec<_> =
            (0..3000).filter_map(|i| throttle.due(start + Duration::from_millis(i))).collect();
        assert_eq!(lines, [0, 999, 999]);
    }
}
