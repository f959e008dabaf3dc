//! How fast items come, and whether waiting for the next ones is worth it.

use std::time::Duration;

use super::WINDOW;

/// A gap counts for no more than this: after a silence, a few arrivals tell the pace again.
const LONGEST_GAP: Duration = Duration::from_millis(20);

/// The mean gap moves by this part of the difference to the last one.
const SHARE: u32 = 8;

/// The most waits in a row that are left out, after many that brought nobody.
const MOST_LEFT_OUT: u32 = 64;

/// The mean gap between arrivals, and what waiting has brought.
#[derive(Debug)]
pub(super) struct Pace {
    last: Duration,
    gap: Duration,
    /// Waits to leave out now, and after the next that brings nobody: a single client that sends one request after
    /// the other comes fast, and never in company.
    left_out: u32,
    next_left_out: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { last: Duration::ZERO, gap: LONGEST_GAP, left_out: 0, next_left_out: 1 }
    }
}

impl Pace {
    /// An item arrived at this time of a clock that only goes forward.
    pub(super) fn arrived(&mut self, now: Duration) {
        let gap = now.saturating_sub(self.last).min(LONGEST_GAP);
        self.gap = (self.gap * (SHARE - 1) + gap) / SHARE;
        self.last = now;
    }

    /// Whether another is likely to arrive within the window.
    pub(super) fn expects_company(&mut self) -> bool {
        if self.gap > WINDOW {
            return false;
        }
        let is_left_out = self.left_out > 0;
        self.left_out = self.left_out.saturating_sub(1);
        !is_left_out
    }

    /// A wait is over, and brought somebody or nobody.
    pub(super) fn waited(&mut self, company_came: bool) {
        if company_came {
            self.next_left_out = 1;
        } else {
            self.left_out = self.next_left_out;
            self.next_left_out = (self.next_left_out * 2).min(MOST_LEFT_OUT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pace at which items came every so many microseconds.
    fn every(microseconds: u64) -> Pace {
        let mut pace = Pace::default();
        for number in 1..=200 {
            pace.arrived(Duration::from_micros(number * microseconds));
        }
        pace
    }

    #[test]
    fn company_is_expected_only_where_items_come_as_fast_as_the_window() {
        assert!(!Pace::default().expects_company());
        for (microseconds, expected) in
            [(50, true), (500, true), (990, true), (1100, false), (1_000_000, false)]
        {
            assert_eq!(every(microseconds).expects_company(), expected, "{microseconds}");
        }
    }

    #[test]
    fn after_a_silence_a_few_items_tell_the_pace_again() {
        let mut pace = every(100);
        pace.arrived(Duration::from_secs(60));
        assert!(!pace.expects_company());
        for number in 1..=30 {
            pace.arrived(Duration::from_secs(60) + Duration::from_micros(number * 100));
        }
        assert!(pace.expects_company());
    }

    #[test]
    fn who_waits_in_vain_waits_less_and_less_often() {
        let mut pace = every(500);
        let mut waits = 0;
        for _ in 0..1000 {
            if pace.expects_company() {
                waits += 1;
                pace.waited(false);
            }
        }
        assert!((6..=25).contains(&waits), "{waits}");
        let mut pace = every(500);
        for _ in 0..100 {
            assert!(pace.expects_company());
            pace.waited(true);
        }
    }
}
