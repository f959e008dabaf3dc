//! The requests of one connection: translated for the collector, given their turn, answered.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use hyper::body::Incoming;
use tideline_collector::{Admission, Answered, Collector, RedisCommit, RequestHead, Response, SentBody};
use tideline_http_front::{Bodies, HeldBody, Refusal, discard, refuse, visitor};
use tideline_redis_rest::ReqwestTransport;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::Limits;
use crate::ports::{SystemClock, SystemEntropy, SystemTimer};

pub(crate) type Native = Collector<SystemClock, SystemEntropy, RedisCommit<ReqwestTransport, SystemTimer>>;

/// What all visitors share: the collector, and room for their requests.
pub(crate) struct Desk {
    collector: Native,
    bodies: Bodies,
    /// Requests that are worked on or wait.
    admitted: Arc<Semaphore>,
    room: u32,
    /// Requests that are worked on.
    turns: Semaphore,
    queue_timeout: Duration,
}

impl Desk {
    pub(crate) fn new(collector: Native, limits: &Limits) -> Self {
        let room = limits.concurrency.saturating_add(limits.queue).min(Semaphore::MAX_PERMITS);
        Self {
            collector,
            bodies: Bodies::new(limits.buffered_bytes, limits.body_timeout),
            admitted: Arc::new(Semaphore::new(room)),
            room: u32::try_from(room).unwrap_or(u32::MAX),
            turns: Semaphore::new(limits.concurrency.min(Semaphore::MAX_PERMITS)),
            queue_timeout: limits.queue_timeout,
        }
    }

    /// Whether everything that was admitted is done by `end`; it may outlive the connection that brought it.
    pub(crate) async fn cleared(&self, end: Instant) -> bool {
        timeout_at(end, self.admitted.acquire_many(self.room)).await.is_ok()
    }

    /// Works on a request; none: its body was too large.
    async fn work(
        &self,
        head: RequestHead,
        body: Option<HeldBody>,
        _admitted: OwnedSemaphorePermit,
    ) -> Result<Response, Refusal> {
        let (body, _held) = match body {
            Some(HeldBody { bytes, held }) => (SentBody::Whole(bytes.into()), Some(held)),
            None => (SentBody::TooLarge, None),
        };
        let Ok(Ok(_turn)) = timeout(self.queue_timeout, self.turns.acquire()).await else {
            return Err(Refusal::Busy);
        };
        let Answered { response, note } = self.collector.answer(&head, body).await;
        if let Some(note) = note {
            tracing::warn!("{note}");
        }
        Ok(response)
    }
}

/// Answers the requests of one connection.
#[derive(Clone)]
pub(crate) struct Visitor {
    address: HeaderValue,
    desk: Arc<Desk>,
}

impl Visitor {
    pub(crate) fn new(address: IpAddr, desk: Arc<Desk>) -> Self {
        Self { address: visitor::client_address(address), desk }
    }

    /// The answer to one request: the collector's, or why it never heard of the request.
    pub(crate) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<http::Response<Full<Bytes>>, Infallible> {
        let answered = self.ask(request).await.map(written);
        let response = answered.unwrap_or_else(|refusal| refuse(refusal.status(), &refusal.detail()));
        Ok(response.map(Full::new))
    }

    async fn ask(self, request: Request<Incoming>) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let head = self.head(parts)?;
        let limit = match self.desk.collector.admit(&head) {
            Admission::Answer(response) => {
                discard(body);
                return Ok(response);
            }
            Admission::Body { limit } => limit,
        };
        let body = match self.desk.bodies.take(body, limit).await {
            Ok(body) => Some(body),
            Err(Refusal::LargeBody(_)) => None,
            Err(refusal) => return Err(refusal),
        };
        let admitted = Arc::clone(&self.desk.admitted).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        // On its own, because this future ends when the visitor leaves.
        let desk = self.desk;
        let work = tokio::spawn(async move { desk.work(head, body, admitted).await });
        work.await.unwrap_or(Err(Refusal::Failed))
    }

    fn head(&self, parts: Parts) -> Result<RequestHead, Refusal> {
        let Parts { method, uri, mut headers, .. } = parts;
        let uri = visitor::absolute(uri, &headers)?;
        headers.insert(visitor::CLIENT_ADDRESS, self.address.clone());
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        Ok(RequestHead::received(method, target, headers))
    }
}

/// The collector's response as HTTP. The length is left to the HTTP library, which knows the body.
fn written(response: Response) -> http::Response<Bytes> {
    let Response { status, headers, body } = response;
    let mut written = http::Response::new(Bytes::from(body));
    *written.status_mut() = status;
    for (name, value) in headers {
        // Ours are valid, and what is repeated of a visitor's was.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.as_ref())) {
            written.headers_mut().append(name, value);
        }
    }
    written
}
