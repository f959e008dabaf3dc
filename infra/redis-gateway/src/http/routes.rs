//! The way of one request through the gateway: token, room, body, plan, Redis, answer.
//!
//! What is served where is in [`super::forms`], what a request means in [`super::plan`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderName, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tideline_http_front::Access;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Body;
use super::auth::{Failures, bearer_token};
use super::forms::{Route, format_of};
use super::plan::{Plan, Reading};
use crate::admission::{Admission, Gate, NoRoom};
use crate::answer::{Answer, Finished, Format};
use crate::command::Address;
use crate::entrance::Entrance;
use crate::events::EventBody;
use crate::failure::Failure;
use crate::link::{Delivery, Link, Streams};
use crate::metrics::Metrics;
use crate::options::Limits;
use crate::protocol::Protocol;
use crate::resp::encode_command;
use crate::tokens::{LiveTokens, Principal};

/// Changes with every answer: clients send back the last that they got, to see their own writes. One
/// Redis shows every write to who comes after it, so what they send means nothing here.
const SYNC_TOKEN: HeaderName = HeaderName::from_static("upstash-sync-token");

/// Seconds after which a client may try again what will pass by itself.
const SOON: HeaderValue = HeaderValue::from_static("1");

/// Keeps a proxy from holding back events.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Service {
    tokens: LiveTokens,
    limits: Limits,
    gate: Gate,
    link: Link,
    streams: Streams,
    query_token: bool,
    answers: AtomicU64,
    probes: Semaphore,
    failures: Failures,
    access_log: bool,
    metrics: Metrics,
}

impl Service {
    /// Readiness probes in flight: they ask Redis without a token, so they have a bound of their own.
    pub(crate) const PROBES: usize = 16;

    pub(crate) fn new(
        tokens: LiveTokens,
        entrance: &Entrance,
        protocol: &Protocol,
        limits: Limits,
        link: Link,
        streams: Streams,
        metrics: Metrics,
    ) -> Self {
        Service {
            tokens,
            gate: Gate::new(limits.max_in_flight, limits.max_buffered_bytes, metrics.in_flight.clone()),
            limits,
            link,
            streams,
            query_token: protocol.query_token,
            answers: AtomicU64::new(1),
            probes: Semaphore::new(Self::PROBES),
            failures: Failures::new(entrance.auth_failures_per_minute),
            access_log: entrance.access_log,
            metrics,
        }
    }

    /// Answers one request, whatever it is.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Response<Body> {
        let began = Instant::now();
        let route = Route::of(request.uri().path(), request.method());
        let name = route.as_ref().map_or("none", |route| route.name());
        let is_public = !matches!(route, Ok(Route::Commands(_) | Route::Stream));
        let wants_body = request.method() != Method::HEAD;
        let version = request.version();
        let mut sender = None;
        let outcome = match route {
            Err(failure) => Err(failure),
            Ok(Route::Live) => Ok(json(StatusCode::OK, Bytes::from_static(br#"{"result":"alive"}"#))),
            Ok(Route::Ready) => self.ready().await,
            Ok(route @ (Route::Commands(_) | Route::Stream)) => match self.authenticate(&request, client) {
                Ok(principal) => {
                    let outcome = self.execute(route, &principal, request).await;
                    sender = Some(principal);
                    outcome
                }
                Err(failure) => Err(failure),
            },
        };
        let mut response = outcome.unwrap_or_else(|failure| {
            self.metrics.failed(failure.name());
            failed(&failure)
        });
        if !is_public {
            let count = self.answers.fetch_add(1, Ordering::Relaxed);
            response.headers_mut().insert(SYNC_TOKEN, HeaderValue::from(count));
        }
        let took = began.elapsed();
        self.metrics.answered(name, response.status(), took);
        if self.access_log {
            let line = Access {
                route: name,
                sender: sender.as_ref().map_or("", |principal| &principal.name),
                client: Some(client.ip()),
                version,
                status: response.status(),
                bytes: response.body().size_hint().exact(),
                took,
            };
            line.log();
        }
        if wants_body { response } else { head_alone(response) }
    }

    async fn ready(&self) -> Result<Response<Body>, Failure> {
        let _probe = self.probes.try_acquire().map_err(|_| NoRoom)?;
        let mut ping = Vec::new();
        encode_command(&mut ping, &["PING"]);
        let Delivery { finished, .. } =
            self.ask_redis(ping, Answer::single(1024, Format::Json), None).await?;
        let status =
            if finished.status.is_success() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Ok(json(status, finished.body.into()))
    }

    async fn execute(
        &self,
        route: Route,
        principal: &Principal,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        let (head, body) = request.into_parts();
        let (admission, body) = self.read_body(body, principal).await?;
        let (address, policy) = (address(&head.uri), &principal.policy);
        let reading = Reading { address, body: &body, policy, limits: &self.limits };
        let Route::Commands(form) = route else {
            let command = reading.stream()?;
            drop((admission, body));
            return Ok(events(self.streams.open(command).await?));
        };
        let Plan { commands, answer } = reading.plan(form, format_of(form, &head.headers)?)?;
        drop(body);
        let Delivery { finished, admission } = if answer.awaited() == 0 {
            Delivery { finished: answer.finish(), admission: Some(admission) }
        } else {
            self.ask_redis(commands, answer, Some(admission)).await?
        };
        let Finished { status, format, body, redirect: _ } = finished;
        let bytes = body.len();
        let body = match admission {
            Some(admission) => {
                admission.into_bytes(body).map_err(|NoRoom| Failure::AnswerDropped { bytes })?
            }
            None => body.into(),
        };
        let response = json(status, body);
        Ok(if format == Format::Resp2 { as_resp2(response) } else { response })
    }

    /// Whose token came with the request: in the query if that is allowed, otherwise in its header.
    fn authenticate(
        &self,
        request: &Request<Incoming>,
        client: SocketAddr,
    ) -> Result<Arc<Principal>, Failure> {
        let in_query = if self.query_token { address(request.uri()).token() } else { None };
        let principal = match in_query {
            Some(token) => std::str::from_utf8(&token).ok().and_then(|token| self.tokens.principal(token)),
            None => bearer_token(request.headers()).and_then(|token| self.tokens.principal(token)),
        };
        principal.ok_or_else(|| self.failures.refuse(client.ip()))
    }

    async fn read_body(&self, body: Incoming, principal: &Principal) -> Result<(Admission, Bytes), Failure> {
        let limit = self.limits.max_body_bytes;
        let declared = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if declared.is_some_and(|bytes| bytes > limit) {
            return Err(Failure::BodyTooLarge { limit });
        }
        let admission = self.gate.admit(principal.room.as_ref(), declared.unwrap_or(limit))?;
        #[expect(clippy::disallowed_methods, reason = "behind Limited, with the limit of the request body")]
        let collected = Limited::new(body, limit).collect();
        let patience = Duration::from_millis(self.limits.body_timeout_ms);
        match timeout(patience, collected).await {
            Ok(Ok(body)) => Ok((admission, body.to_bytes())),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Failure::BodyTooLarge { limit }),
            Ok(Err(_)) => Err(Failure::BodyBroken),
            Err(_) => Err(Failure::BodyTooSlow { millis: patience.as_millis() }),
        }
    }

    async fn ask_redis(
        &self,
        commands: Vec<u8>,
        answer: Answer,
        admission: Option<Admission>,
    ) -> Result<Delivery, Failure> {
        let patience = self.limits.command_timeout();
        match timeout(patience, self.link.send(commands, answer, admission)).await {
            Ok(delivery) => Ok(delivery?),
            Err(_) => Err(Failure::DeadlinePassed { millis: patience.as_millis() }),
        }
    }
}

fn address(uri: &Uri) -> Address<'_> {
    Address { path: uri.path(), query: uri.query() }
}

fn json(status: StatusCode, text: Bytes) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, SOON);
    }
    response
}

fn as_resp2(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

fn events(body: EventBody) -> Response<Body> {
    let mut response = Response::new(Either::Right(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    response
}

/// The answer to HEAD: what that to GET would be, without its body.
fn head_alone(mut response: Response<Body>) -> Response<Body> {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Either::Left(Full::default());
    response
}

fn failed(failure: &Failure) -> Response<Body> {
    if let Failure::MethodNotAllowed { allowed } = failure {
        let mut response = Response::new(Either::Left(Full::default()));
        *response.status_mut() = failure.status();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        return response;
    }
    let text = serde_json::json!({ "error": failure.to_string() });
    let mut response = json(failure.status(), text.to_string().into());
    if let Failure::TooManyFailures { seconds } = failure {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*seconds));
    }
    response
}
