//! Numbers for Prometheus: what every server of ours counts, and the listener that shows them.
//!
//! The listener has an address of its own and is nothing but `GET /metrics` and `GET /readyz`: what strangers
//! can reach does not tell how it fares. Names are given where a metric is registered.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::connections::Connections;
use crate::front::Front;
use crate::patience::Patience;

/// Connections of the listener for metrics, and bytes of a request's head there.
const SCRAPERS: usize = 16;
const MAX_HEAD_BYTES: usize = 16 << 10;

/// What a scraper has time for.
const PATIENCE: Patience = Patience {
    opening: Duration::from_secs(5),
    head: Duration::from_secs(5),
    answer: Duration::from_secs(10),
    idle: Duration::from_secs(120),
};

/// A label with one of a few values that the program knows.
pub type Label = [(&'static str, &'static str); 1];

/// What is counted of connections; clones count together.
#[derive(Clone, Debug, Default)]
pub struct FrontMetrics {
    open: Gauge,
    accepted: Counter,
    closed: Family<Label, Counter>,
}

impl FrontMetrics {
    /// Registers `http_connections_open`, `http_connections_total` and
    /// `http_connections_closed_early_total`.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("http_connections_open", "Open connections", metrics.open.clone());
        registry.register("http_connections", "Accepted connections", metrics.accepted.clone());
        registry.register(
            "http_connections_closed_early",
            "Connections closed before their first request, by reason",
            metrics.closed.clone(),
        );
        metrics
    }

    /// One more connection, until the guard is dropped.
    pub(crate) fn open(&self) -> Open<'_> {
        self.accepted.inc();
        self.open.inc();
        Open(&self.open)
    }

    pub(crate) fn turned_away(&self, reason: &'static str) {
        self.closed.get_or_create(&[("reason", reason)]).inc();
    }
}

/// An open connection.
pub(crate) struct Open<'a>(&'a Gauge);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Shows what is registered at `/metrics`, for as long as it is polled.
pub async fn serve_metrics(listener: TcpListener, registry: Registry) -> Infallible {
    serve_metrics_and_readiness(listener, registry, || true).await
}

/// Shows what is registered at `/metrics`, and at `/readyz` with 200 or 503 whether requests are to be sent
/// to the server.
pub async fn serve_metrics_and_readiness(
    listener: TcpListener,
    registry: Registry,
    ready: impl Fn() -> bool + Clone + Send + 'static,
) -> Infallible {
    let registry = Arc::new(registry);
    let front = Front::new(MAX_HEAD_BYTES, PATIENCE, Arc::new(Semaphore::new(SCRAPERS)));
    Connections::new(front)
        .accept(&listener, move |_| {
            let (registry, ready) = (Arc::clone(&registry), ready.clone());
            service_fn(move |request: Request<Incoming>| {
                let response = show(&registry, &ready, request.method(), request.uri().path());
                async move { Ok::<_, Infallible>(response) }
            })
        })
        .await
}

fn show(
    registry: &Registry,
    ready: &impl Fn() -> bool,
    method: &Method,
    path: &str,
) -> Response<Full<Bytes>> {
    let mut text = String::new();
    let status = match path {
        "/metrics" | "/readyz" if method != Method::GET && method != Method::HEAD => {
            StatusCode::METHOD_NOT_ALLOWED
        }
        "/metrics" if encode(&mut text, registry).is_ok() => StatusCode::OK,
        "/metrics" => StatusCode::INTERNAL_SERVER_ERROR,
        "/readyz" if ready() => StatusCode::OK,
        "/readyz" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::NOT_FOUND,
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
