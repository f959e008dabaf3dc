//! What a run counts while it goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::acknowledged::Acknowledged;
use crate::caller::Failure;
use crate::report::{Latency, Report};

/// Longer ones count as this long.
const LONGEST_MICROSECONDS: u64 = 600_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// Counts and latencies of one run.
pub(crate) struct Tally {
    pub(crate) acknowledged: Acknowledged,
    measuring: bool,
    acknowledged_while_measuring: u64,
    latency: Histogram<u64>,
    lateness: Histogram<u64>,
    unsent: u64,
    repeated: u64,
    // As many keys as there are kinds of failures and statuses.
    failures: BTreeMap<Failure, u64>,
}

impl Tally {
    pub(crate) fn new() -> Result<Self, hdrhistogram::CreationError> {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_MICROSECONDS, SIGNIFICANT_DIGITS);
        Ok(Self {
            acknowledged: Acknowledged::default(),
            measuring: false,
            acknowledged_while_measuring: 0,
            latency: histogram()?,
            lateness: histogram()?,
            unsent: 0,
            repeated: 0,
            failures: BTreeMap::new(),
        })
    }

    /// From here on throughput counts.
    pub(crate) fn measure(&mut self) {
        self.measuring = true;
    }

    /// The answer to this request was right. `latency` is none for a request that was due before the measurement.
    pub(crate) fn acknowledge(&mut self, number: u64, latency: Option<Duration>) {
        self.acknowledged.insert(number);
        self.acknowledged_while_measuring += u64::from(self.measuring);
        if let Some(latency) = latency {
            self.latency.saturating_record(microseconds(latency));
        }
    }

    /// How late the generator itself was: a request was due, a connection free, and it was not sent.
    pub(crate) fn sent_late(&mut self, lateness: Duration) {
        self.lateness.saturating_record(microseconds(lateness));
    }

    /// A request failed for good.
    pub(crate) fn fail(&mut self, failure: Failure) {
        *self.failures.entry(failure).or_default() += 1;
    }

    /// A request failed and will be sent again.
    pub(crate) fn repeat(&mut self) {
        self.repeated += 1;
    }

    /// A request was due and never sent. It waited at least so long, and counts with that.
    pub(crate) fn give_up(&mut self, waited: Duration) {
        self.unsent += 1;
        self.latency.saturating_record(microseconds(waited));
    }

    pub(crate) fn report(&self, measured: Duration, events_per_request: u32) -> Report {
        let seconds = measured.as_secs_f64();
        let requests = self.acknowledged_while_measuring;
        let per_second = if seconds > 0.0 { requests as f64 / seconds } else { 0.0 };
        Report {
            seconds,
            requests,
            requests_per_second: per_second,
            events_per_second: per_second * f64::from(events_per_request),
            acknowledged: self.acknowledged.count(),
            latency: Latency::of(&self.latency),
            lateness_p99_ms: Latency::of(&self.lateness).p99_ms,
            unsent: self.unsent,
            repeated: self.repeated,
            failed: self.failures.values().sum(),
            failures: self.failures.iter().map(|(failure, count)| (failure.to_string(), *count)).collect(),
        }
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
