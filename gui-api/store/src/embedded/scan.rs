//! How long documents are read for one page of a list, and how many are looked for at once.
//!
//! A filter may match nothing, and a store may hold a hundred million documents: reading ends after so many, or after
//! so long, and whoever asked reads on from there. At least one document is read, so that reading comes to an end.

use std::ops::Range;
use std::time::Instant;

use jiff::Timestamp;
use tideline_filter::{Document, Prepared, narrowing};

use super::EmbeddedOptions;

/// The first round is for pages that fill at once; a longer one costs more memory, and fewer scans of columns.
const FIRST_ROUND: usize = 256;
const LONGEST_ROUND: usize = 4_096;

/// Reading for one page.
pub(super) struct Scan {
    most: usize,
    deadline: Instant,
    read: usize,
    round: usize,
}

impl Scan {
    pub(super) fn begin(options: EmbeddedOptions) -> Self {
        let deadline = Instant::now() + options.longest_scan;
        Self { most: options.most_scanned, deadline, read: 0, round: FIRST_ROUND }
    }

    /// How many documents to look for in the next round.
    pub(super) fn next_round(&mut self) -> usize {
        let round = self.round;
        self.round = (round * 2).min(LONGEST_ROUND);
        round
    }

    /// One document is read.
    pub(super) fn count(&mut self) {
        self.read += 1;
    }

    /// Whether it is enough.
    pub(super) fn is_over(&self) -> bool {
        self.read > 0 && (self.read >= self.most || Instant::now() >= self.deadline)
    }
}

/// Between which microseconds a time has to be, so that a document may match. Lists know times to the microsecond.
pub(super) fn times_of(condition: &Prepared, document: Document, time: &[&str]) -> Range<i64> {
    let times = narrowing::times(condition.expression(), document, time, condition.now());
    let end = |to: Timestamp| to.as_microsecond().saturating_add(1);
    // Times before 1970 are rounded towards it.
    let start = |from: Timestamp| from.as_microsecond().saturating_sub(1);
    times.from.map_or(i64::MIN, start)..times.to.map_or(i64::MAX, end)
}
