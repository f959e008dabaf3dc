//! Which requests a session or profile has already taken in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The last stream entry of each lane that changed this document.
///
/// A lane is read in order, so an entry at or before the one noted here has been counted, and
/// replaying it changes nothing: this is what keeps counters exact when a worker dies half-way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Applied(BTreeMap<String, (u64, u64)>);

impl Applied {
    /// Whether the entry `(milliseconds, sequence)` of `lane`, or a later one, was noted before.
    #[must_use]
    pub fn has(&self, lane: &str, entry: (u64, u64)) -> bool {
        self.0.get(lane).is_some_and(|last| *last >= entry)
    }

    /// What either has noted.
    #[must_use]
    pub fn united(mut self, other: &Self) -> Self {
        for (lane, last) in &other.0 {
            let known = self.0.entry(lane.clone()).or_insert(*last);
            *known = (*known).max(*last);
        }
        self
    }

    /// Notes the entry `(milliseconds, sequence)` of `lane`; false when it, or a later one, was noted before.
    #[must_use]
    pub fn advance(&mut self, lane: &str, entry: (u64, u64)) -> bool {
        match self.0.get_mut(lane) {
            Some(last) if *last >= entry => false,
            Some(last) => {
                *last = entry;
                true
            }
            None => {
                self.0.insert(lane.to_owned(), entry);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_counts_once_and_lanes_count_apart() {
        let mut applied = Applied::default();
        assert!(applied.advance("a", (5, 1)));
        assert!(!applied.advance("a", (5, 1)));
        assert!(!applied.advance("a", (5, 0)));
        assert!(applied.has("a", (5, 0)) && applied.has("a", (5, 1)) && !applied.has("a", (5, 2)));
        assert!(!applied.has("b", (5, 0)));
        assert!(applied.advance("b", (1, 0)));
        assert!(applied.advance("a", (6, 0)));
    }
}
