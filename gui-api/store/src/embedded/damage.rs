//! Documents that are stored but cannot be read back: what their reader is told, and what the operator.
//!
//! One such document keeps nobody from reading the others. The log names files and places in them, never
//! what a document holds, and has a line now and then however many are met.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::StoreError;

/// At most one line in this time.
const PAUSE: Duration = Duration::from_secs(10);

static LINES: Mutex<Lines> = Mutex::new(Lines { last: None, left_out: 0 });

/// Logs that a document in `path` cannot be read back; returns what to tell its reader.
pub(super) fn found(path: &Path, kind: &'static str, id: &str, error: &serde_json::Error) -> StoreError {
    let due = LINES.lock().unwrap_or_else(PoisonError::into_inner).due(Instant::now());
    if let Some(left_out) = due {
        tracing::warn!(
            kind,
            id,
            path = %path.display(),
            problem = ?error.classify(),
            line = error.line(),
            column = error.column(),
            left_out,
            "a stored document cannot be read: restore it from a backup"
        );
    }
    StoreError::Damaged { kind, id: id.to_owned() }
}

/// When the last line was logged, and how many were not since.
struct Lines {
    last: Option<Instant>,
    left_out: u64,
}

impl Lines {
    /// If a line may be logged now: how many were left out before it.
    fn due(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            self.left_out += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_pauses_and_count_what_was_left_out() {
        let mut lines = Lines { last: None, left_out: 0 };
        let start = Instant::now();
        let due = [0, 1, 9, 10, 11, 40].map(|seconds| lines.due(start + Duration::from_secs(seconds)));
        assert_eq!(due, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
