//! What the gateway counts: every metric with its name and meaning.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tideline_http_front::{FrontMetrics, Label, register_process};

use std::time::Duration;

use http::StatusCode;

/// From 0.1 ms to 3.3 s.
const SMALLEST_SECONDS: f64 = 0.0001;
const BUCKETS: u16 = 16;

type Labels = [(&'static str, &'static str); 2];

/// Everything that the gateway counts; clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    seconds: Histogram,
    failures: Family<Label, Counter>,
    pub(crate) in_flight: Gauge,
    pub(crate) reloads: Reloads,
    pub(crate) front: FrontMetrics,
    pub(crate) link: LinkMetrics,
}

/// What became of changes to the tokens file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reloads {
    pub(crate) taken: Counter,
    pub(crate) refused: Counter,
}

/// What is counted of the connections to Redis.
#[derive(Debug, Clone, Default)]
pub(crate) struct LinkMetrics {
    pub(crate) connected: Gauge,
    pub(crate) losses: Counter,
    pub(crate) requests: Counter,
    pub(crate) writes: Counter,
}

impl Metrics {
    /// Registers everything.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        register_process(registry);
        let front = FrontMetrics::register(registry);
        let registry = registry.sub_registry_with_prefix("gateway");
        let metrics = Metrics {
            requests: Family::default(),
            seconds: Histogram::new(exponential_buckets(SMALLEST_SECONDS, 2.0, BUCKETS)),
            failures: Family::default(),
            in_flight: Gauge::default(),
            reloads: Reloads::default(),
            front,
            link: LinkMetrics::default(),
        };
        let Metrics { requests, seconds, failures, in_flight, reloads, front: _, link } = metrics.clone();
        registry.register("requests", "Answered requests, by route and class of status", requests);
        registry.register("request_seconds", "From the end of a request's head to its answer", seconds);
        registry.register("failures", "Requests that Redis did not answer, by reason", failures);
        registry.register("requests_in_flight", "Requests that hold a place", in_flight);
        registry.register("tokens_reloads", "Changes of the tokens file that are in force", reloads.taken);
        registry.register("tokens_reload_failures", "Changes that could not be used", reloads.refused);
        registry.register("redis_connections", "Connections to Redis that requests share", link.connected);
        registry.register("redis_connection_losses", "Connections to Redis that were lost", link.losses);
        registry.register("redis_requests", "Requests sent to Redis", link.requests);
        registry.register("redis_writes", "Writes that sent them, each of as many as waited", link.writes);
        metrics
    }

    /// A request was answered.
    pub(crate) fn answered(&self, route: &'static str, status: StatusCode, took: Duration) {
        let class = match status.as_u16() {
            200..=299 => "2xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&[("route", route), ("status", class)]).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// A request failed.
    pub(crate) fn failed(&self, reason: &'static str) {
        self.failures.get_or_create(&[("reason", reason)]).inc();
    }
}
