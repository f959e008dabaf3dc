//! The component's way out: pooled connections to the origins on the allow-list and to nothing else.
//!
//! A connection is kept and used again; an answer is bounded in time and bytes. Redirects are not
//! followed, and what leaves is exactly what the component wrote, but for hop-by-hop headers. What fails
//! is logged, at most once a second.

mod answer_body;
mod clients;
mod failure;
mod throttle;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use http::uri::Scheme;
use http::{HeaderName, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::ResponseFuture;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error as WasiError, RequestOptions, WasiBody, WasiHttpHooks,
};

use self::answer_body::{AnswerBody, Limits};
use self::clients::Clients;
use self::throttle::Throttle;
use crate::metrics::ComponentMetrics;
use crate::origin::{AllowList, Origin};
use crate::{Error, Options};

/// Sends a component's requests. Clones share the connections; each shard has its own.
#[derive(Clone)]
pub(crate) struct Outbound {
    shared: Arc<Shared>,
    /// Requests that the instance took since its last outgoing request, where many share an instance.
    taken: Option<Arc<AtomicU64>>,
}

struct Shared {
    clients: Clients,
    allowed: AllowList,
    connect_timeout: Duration,
    timeout: Duration,
    max_answer_bytes: usize,
    metrics: ComponentMetrics,
    failures: Throttle,
    refusals: Throttle,
}

impl Outbound {
    pub(crate) fn new(
        allowed: &[Origin],
        options: &Options,
        metrics: ComponentMetrics,
    ) -> Result<Self, Error> {
        let allowed: AllowList = allowed.iter().cloned().collect();
        let shared = Shared {
            clients: Clients::new(&allowed, options)?,
            allowed,
            connect_timeout: options.outbound_connect_timeout(),
            timeout: options.outbound_timeout(),
            max_answer_bytes: options.max_outbound_answer_bytes as usize,
            metrics,
            failures: Throttle::default(),
            refusals: Throttle::default(),
        };
        Ok(Self { shared: Arc::new(shared), taken: None })
    }

    /// The same for one instance, with its count of requests since the last outgoing one.
    pub(crate) fn of_instance(&self, taken: Option<Arc<AtomicU64>>) -> Self {
        Self { shared: Arc::clone(&self.shared), taken }
    }

    async fn send(
        self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, WasiError> {
        let origin = Origin::of(request.uri());
        if let Some(taken) = &self.taken {
            self.shared.metrics.batch(taken.swap(0, Ordering::Relaxed));
        }
        let begun = Instant::now();
        let sent = self.shared.exchange(origin.as_ref(), request, options).await;
        match &sent {
            Ok(_) => self.shared.metrics.reached(begun.elapsed()),
            Err(error) => self.shared.metrics.unreached(failure::name(error)),
        }
        if let Err(error) = &sent
            && let Some(not_logged) = self.shared.failures.due(Instant::now())
        {
            // The path may hold a command with data, so only the origin is logged.
            let origin = origin.map(|origin| origin.to_string()).unwrap_or_default();
            tracing::warn!(origin, %error, not_logged, "outgoing request failed");
        }
        sent
    }
}

impl Shared {
    async fn exchange(
        &self,
        origin: Option<&Origin>,
        mut request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, WasiError> {
        let end = Instant::now() + self.timeout;
        let connection = capture_connection(&mut request);
        let answer = self.clients.request(origin, request);
        let response = self.head(answer, connection, options, end).await?;
        let announced = response.body().size_hint().lower();
        if announced > self.max_answer_bytes as u64 {
            return Err(WasiError::HttpResponseBodySize(Some(announced)));
        }
        let limits = Limits {
            bytes: self.max_answer_bytes,
            end,
            between_frames: options.between_bytes_timeout.unwrap_or(self.timeout),
        };
        Ok(response.map(|body| AnswerBody::new(body, limits).boxed_unsync()))
    }

    /// Waits for a connection, then for the answer's headers, each within its own time.
    async fn head(
        &self,
        answer: ResponseFuture,
        mut connection: CaptureConnection,
        options: RequestOptions,
        end: Instant,
    ) -> Result<Response<Incoming>, WasiError> {
        let connect = options.connect_timeout.unwrap_or(self.connect_timeout);
        let first_byte = options.first_byte_timeout.unwrap_or(self.timeout);
        let mut answer = pin!(answer);
        let connected = pin!(connection.wait_for_connection_metadata());
        let connect_end = end.min(Instant::now() + connect.min(self.connect_timeout));
        match timeout_at(connect_end, select(answer.as_mut(), connected)).await {
            Err(_) => return Err(WasiError::ConnectionTimeout),
            Ok(Either::Left((answered, _))) => return answered.map_err(failure::of),
            Ok(Either::Right(_)) => {}
        }
        match timeout_at(end.min(Instant::now() + first_byte), answer).await {
            Err(_) => Err(WasiError::ConnectionReadTimeout),
            Ok(answered) => answered.map_err(failure::of),
        }
    }
}

type SendResult =
    Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), WasiError>> + Send>), WasiError>;

impl WasiHttpHooks for Outbound {
    // The default allocates for every header.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn default_scheme(&mut self) -> Option<Scheme> {
        None
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), WasiError>> + Send>,
    ) -> Box<dyn Future<Output = SendResult> + Send> {
        if !self.shared.allowed.allows(request.uri()) {
            self.shared.metrics.unreached("denied");
            if let Some(not_logged) = self.shared.refusals.due(Instant::now()) {
                let origin = Origin::of(request.uri()).map(|origin| origin.to_string());
                tracing::warn!(
                    origin,
                    not_logged,
                    "outgoing request refused: add the origin to --allow-outbound (EDGE_ALLOW_OUTBOUND) if the component may reach it"
                );
            }
            return Box::new(std::future::ready(Err(WasiError::HttpRequestDenied)));
        }
        let outbound = self.clone();
        Box::new(async move {
            let response = outbound.send(request, options.unwrap_or_default()).await?;
            // The pool drives the connection, so nothing is left to do once the headers are there.
            let driven: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response, driven))
        })
    }
}
