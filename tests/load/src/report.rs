//! What a run found.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The result of one run. Warm-up counts in `acknowledged` alone.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How long was measured, to the last answer.
    pub seconds: f64,
    /// Requests that were acknowledged in that time.
    pub requests: u64,
    /// The same by second.
    pub requests_per_second: f64,
    /// Events or commands by second.
    pub events_per_second: f64,
    /// Requests that were acknowledged at any time: all of them must be stored.
    pub acknowledged: u64,
    /// From the moment at which a request was due to the end of its answer.
    pub latency: Latency,
    /// How late the generator itself was to send what was due on a free connection: if this is near the latency, the
    /// generator was measured and not the server.
    pub lateness_p99_ms: f64,
    /// Requests that were due and never sent, because no connection became free. Their latency is how long they waited.
    pub unsent: u64,
    /// How often a request was sent again.
    pub repeated: u64,
    /// Requests that failed for good.
    pub failed: u64,
    /// Why.
    pub failures: BTreeMap<String, u64>,
}

/// Quantiles of a latency, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

impl Latency {
    pub(crate) fn of(microseconds: &Histogram<u64>) -> Self {
        let at = |quantile| microseconds.value_at_quantile(quantile) as f64 / 1_000.0;
        Self {
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: microseconds.max() as f64 / 1_000.0,
        }
    }
}
