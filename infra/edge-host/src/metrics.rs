//! What the host counts: every metric with its name and meaning.
//!
//! Numbers of one component are of all its versions and shards together. A request touches nothing but
//! atomics and three histograms, so counting is not seen in the time of an answer.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tideline_http_front::{FrontMetrics, register_process};

/// Label of every metric of a component.
type Of = [(&'static str, String); 1];

/// That, and one of a few values that the program knows.
type OfWhich = (Of, [(&'static str, &'static str); 1]);

/// From 0.1 ms to 3.3 s.
const SECONDS: (f64, u16) = (0.0001, 16);
/// From 1 to 4096 requests in one outgoing request.
const BATCH: (f64, u16) = (1.0, 13);
/// From 1 to 4 million requests of one instance.
const REUSE: (f64, u16) = (1.0, 23);

#[derive(Clone, Copy)]
struct Buckets((f64, u16));

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        let Self((smallest, count)) = *self;
        Histogram::new(exponential_buckets(smallest, 2.0, count))
    }
}

type Histograms = Family<Of, Histogram, Buckets>;

/// Everything that the host counts; clones count together.
#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) front: FrontMetrics,
    pub(crate) unrouted: Counter,
    requests: Family<OfWhich, Counter>,
    refused: Family<OfWhich, Counter>,
    ended: Family<OfWhich, Counter>,
    swaps: Family<OfWhich, Counter>,
    outbound_failures: Family<OfWhich, Counter>,
    waiting: Family<Of, Gauge>,
    in_flight: Family<Of, Gauge>,
    instances: Family<Of, Gauge>,
    failing: Family<Of, Gauge>,
    busy: Family<Of, Counter<f64>>,
    wait_seconds: Histograms,
    guest_seconds: Histograms,
    reuse: Histograms,
    batch: Histograms,
    outbound_seconds: Histograms,
}

impl Metrics {
    /// Registers everything.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        register_process(registry);
        let front = FrontMetrics::register(registry);
        let registry = registry.sub_registry_with_prefix("edge");
        let histograms = |buckets| Histograms::new_with_constructor(Buckets(buckets));
        let metrics = Self {
            front,
            unrouted: Counter::default(),
            requests: Family::default(),
            refused: Family::default(),
            ended: Family::default(),
            swaps: Family::default(),
            outbound_failures: Family::default(),
            waiting: Family::default(),
            in_flight: Family::default(),
            instances: Family::default(),
            failing: Family::default(),
            busy: Family::default(),
            wait_seconds: histograms(SECONDS),
            guest_seconds: histograms(SECONDS),
            reuse: histograms(REUSE),
            batch: histograms(BATCH),
            outbound_seconds: histograms(SECONDS),
        };
        let all = metrics.clone();
        registry.register("unrouted_requests", "Requests that no component has a route for", all.unrouted);
        registry.register("requests", "Answered requests, by class of status", all.requests);
        registry.register("refused", "Requests that the host answered itself, by reason", all.refused);
        registry.register("requests_waiting", "Requests that wait for an instance", all.waiting);
        registry.register("requests_in_flight", "Requests in instances", all.in_flight);
        registry.register("queue_seconds", "From a whole request to its instance", all.wait_seconds);
        registry.register("guest_seconds", "From an instance to its whole answer", all.guest_seconds);
        registry.register("busy_seconds", "Time in which instances were worked on (WASI 0.3)", all.busy);
        registry.register(
            "instances",
            "Instances, with those that finish their last requests",
            all.instances,
        );
        registry.register("instances_ended", "Instances that ended, by reason", all.ended);
        registry.register("instance_requests", "Requests of an instance, once it takes no more", all.reuse);
        registry.register("shards_without_instance", "Shards that cannot make an instance", all.failing);
        registry.register("versions", "New versions, by what became of them", all.swaps);
        registry.register(
            "outbound_seconds",
            "From an outgoing request to its answer's head",
            all.outbound_seconds,
        );
        registry.register(
            "outbound_failures",
            "Outgoing requests without answer, by reason",
            all.outbound_failures,
        );
        registry.register(
            "outbound_batch_requests",
            "Requests that an instance took between two outgoing requests (WASI 0.3)",
            all.batch,
        );
        metrics
    }

    /// Those of one component.
    pub(crate) fn component(&self, name: &str) -> ComponentMetrics {
        let of: Of = [("component", name.to_owned())];
        let classes = ["2xx", "3xx", "4xx", "5xx"];
        let class = |class| self.requests.get_or_create(&(of.clone(), [("status", class)])).clone();
        ComponentMetrics(Arc::new(Shared {
            name: name.to_owned(),
            all: self.clone(),
            classes: classes.map(class),
            waiting: self.waiting.get_or_create(&of).clone(),
            in_flight: self.in_flight.get_or_create(&of).clone(),
            instances: self.instances.get_or_create(&of).clone(),
            failing: self.failing.get_or_create(&of).clone(),
            busy: self.busy.get_or_create(&of).clone(),
            wait_seconds: self.wait_seconds.get_or_create(&of).clone(),
            guest_seconds: self.guest_seconds.get_or_create(&of).clone(),
            reuse: self.reuse.get_or_create(&of).clone(),
            batch: self.batch.get_or_create(&of).clone(),
            outbound_seconds: self.outbound_seconds.get_or_create(&of).clone(),
        }))
    }
}

/// What is counted of one component; clones count together.
#[derive(Clone)]
pub(crate) struct ComponentMetrics(Arc<Shared>);

struct Shared {
    name: String,
    all: Metrics,
    classes: [Counter; 4],
    waiting: Gauge,
    in_flight: Gauge,
    instances: Gauge,
    failing: Gauge,
    busy: Counter<f64>,
    wait_seconds: Histogram,
    guest_seconds: Histogram,
    reuse: Histogram,
    batch: Histogram,
    outbound_seconds: Histogram,
}

impl ComponentMetrics {
    /// The component's name.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// A request was answered, by the component or in its place.
    pub(crate) fn answered(&self, status: StatusCode) {
        let [success, redirection, fault, failure] = &self.0.classes;
        match status.as_u16() {
            ..300 => success.inc(),
            300..400 => redirection.inc(),
            400..500 => fault.inc(),
            500.. => failure.inc(),
        };
    }

    /// The host answered in the component's place.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.which(&self.0.all.refused, "reason", reason);
    }

    /// A request waits, until the guard is dropped.
    pub(crate) fn waiting(&self) -> Counted {
        Counted::new(&self.0.waiting)
    }

    /// A request is in an instance, until the guard is dropped.
    pub(crate) fn in_flight(&self) -> Counted {
        Counted::new(&self.0.in_flight)
    }

    /// There is one more instance, until the guard is dropped.
    pub(crate) fn instance(&self) -> Counted {
        Counted::new(&self.0.instances)
    }

    /// A shard cannot make an instance, until the guard is dropped.
    pub(crate) fn failing(&self) -> Counted {
        Counted::new(&self.0.failing)
    }

    /// Whether every shard has an instance, or can make one.
    pub(crate) fn works(&self) -> bool {
        self.0.failing.get() == 0
    }

    /// A request got its instance after so long.
    pub(crate) fn waited(&self, time: Duration) {
        self.0.wait_seconds.observe(time.as_secs_f64());
    }

    /// An instance answered after so long.
    pub(crate) fn served(&self, time: Duration) {
        self.0.guest_seconds.observe(time.as_secs_f64());
    }

    /// An instance was worked on for so long.
    pub(crate) fn busy(&self, time: Duration) {
        self.0.busy.inc_by(time.as_secs_f64());
    }

    /// An instance takes no more requests than these.
    #[expect(clippy::cast_precision_loss, reason = "a histogram's buckets are wide")]
    pub(crate) fn reused(&self, requests: u64) {
        self.0.reuse.observe(requests as f64);
    }

    /// An instance ended.
    pub(crate) fn ended(&self, reason: &'static str) {
        self.which(&self.0.all.ended, "reason", reason);
    }

    /// Something became of a new version.
    pub(crate) fn version(&self, outcome: &'static str) {
        self.which(&self.0.all.swaps, "outcome", outcome);
    }

    /// An instance took so many requests since its outgoing request before this one.
    #[expect(clippy::cast_precision_loss, reason = "a histogram's buckets are wide")]
    pub(crate) fn batch(&self, requests: u64) {
        self.0.batch.observe(requests as f64);
    }

    /// An outgoing request was answered after so long.
    pub(crate) fn reached(&self, time: Duration) {
        self.0.outbound_seconds.observe(time.as_secs_f64());
    }

    /// An outgoing request was not answered.
    pub(crate) fn unreached(&self, reason: &'static str) {
        self.which(&self.0.all.outbound_failures, "reason", reason);
    }

    fn which(&self, family: &Family<OfWhich, Counter>, label: &'static str, value: &'static str) {
        family.get_or_create(&([("component", self.0.name.clone())], [(label, value)])).inc();
    }
}

/// One of what a gauge counts.
#[must_use = "it is no longer counted when this is dropped"]
pub(crate) struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
