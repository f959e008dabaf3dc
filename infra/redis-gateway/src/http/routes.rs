//! What is served where, and the way of one request through the gateway.
//!
//! | path | method | token | answer |
//! |---|---|---|---|
//! | `/` | POST | yes | one command |
//! | `/pipeline` | POST | yes | several commands, in order, not atomic |
//! | `/livez` | GET, HEAD | no | 200 while the process serves |
//! | `/readyz` | GET, HEAD | no | 200 when Redis answers `PING` now, otherwise 503 with the reason |
//!
//! The other forms of the Upstash protocol are further rows of [`Route::of`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::auth::{FailureLog, bearer_token};
use crate::admission::{Admission, Gate, NoRoom};
use crate::answer::{Answer, Finished, Item};
use crate::command::{CommandLimits, parse_command, parse_pipeline};
use crate::failure::{Failure, RETRY_AFTER_SECONDS};
use crate::link::{Delivery, Link};
use crate::options::Limits;
use crate::policy::Policy;
use crate::resp::encode_command;
use crate::tokens::{Principal, Tokens};

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Command,
    Pipeline,
    Live,
    Ready,
}

impl Route {
    fn of(path: &str, method: &Method) -> Result<Route, Failure> {
        let route = match path {
            "/" => Route::Command,
            "/pipeline" => Route::Pipeline,
            "/livez" => Route::Live,
            "/readyz" => Route::Ready,
            _ => return Err(Failure::UnknownPath),
        };
        let (allowed, is_allowed) = match route {
            Route::Command | Route::Pipeline => ("POST", method == Method::POST),
            Route::Live | Route::Ready => ("GET, HEAD", method == Method::GET || method == Method::HEAD),
        };
        if is_allowed { Ok(route) } else { Err(Failure::MethodNotAllowed { allowed }) }
    }

    /// For the log: paths of requests that are not served may hold anything.
    fn name(self) -> &'static str {
        match self {
            Route::Command => "command",
            Route::Pipeline => "pipeline",
            Route::Live => "livez",
            Route::Ready => "readyz",
        }
    }
}

/// A body understood as commands: what goes to Redis, and what waits for the replies.
struct Plan {
    commands: Vec<u8>,
    answer: Answer,
}

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Service {
    tokens: Tokens,
    limits: Limits,
    gate: Gate,
    link: Link,
    probes: Semaphore,
    failures: FailureLog,
}

impl Service {
    /// Readiness probes in flight: they ask Redis without a token, so they have a bound of their own.
    pub(crate) const PROBES: usize = 16;

    pub(crate) fn new(tokens: Tokens, limits: Limits, link: Link) -> Self {
        let gate = Gate::new(limits.max_in_flight, limits.max_buffered_bytes);
        let (probes, failures) = (Semaphore::new(Self::PROBES), FailureLog::default());
        Service { tokens, limits, gate, link, probes, failures }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers one request, whatever it is.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Response<Full<Bytes>> {
        let began = Instant::now();
        let route = Route::of(request.uri().path(), request.method());
        let name = route.as_ref().map_or("none", |route| route.name());
        let mut sender = "none";
        let outcome = match route {
            Err(failure) => Err(failure),
            Ok(Route::Live) => Ok(response(StatusCode::OK, Bytes::from_static(br#"{"result":"alive"}"#))),
            Ok(Route::Ready) => self.ready().await,
            Ok(route @ (Route::Command | Route::Pipeline)) => {
                match self.authenticate(request.headers(), client) {
                    Ok(principal) => {
                        sender = &principal.name;
                        self.execute(route, principal.policy, request).await
                    }
                    Err(failure) => Err(failure),
                }
            }
        };
        let response = outcome.unwrap_or_else(|failure| failed(&failure));
        tracing::debug!(
            route = name,
            sender,
            client = %client.ip(),
            status = response.status().as_u16(),
            micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
        response
    }

    async fn ready(&self) -> Result<Response<Full<Bytes>>, Failure> {
        let _probe = self.probes.try_acquire().map_err(|_| NoRoom)?;
        let mut ping = Vec::new();
        encode_command(&mut ping, &["PING"]);
        let Delivery { finished, .. } = self.ask_redis(ping, Answer::single(1024), None).await?;
        let status =
            if finished.status.is_success() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Ok(response(status, finished.json.into()))
    }

    async fn execute(
        &self,
        route: Route,
        policy: Policy,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Failure> {
        let (admission, body) = self.read_body(request.into_body()).await?;
        let Plan { commands, answer } = self.plan(route, &body, policy)?;
        drop(body);
        let Delivery { finished, admission } = if answer.awaited() == 0 {
            Delivery { finished: answer.finish(), admission: Some(admission) }
        } else {
            self.ask_redis(commands, answer, Some(admission)).await?
        };
        let Finished { status, json } = finished;
        let bytes = json.len();
        let json = match admission {
            Some(admission) => {
                admission.into_bytes(json).map_err(|NoRoom| Failure::AnswerDropped { bytes })?
            }
            None => json.into(),
        };
        Ok(response(status, json))
    }

    fn authenticate(&self, headers: &HeaderMap, client: SocketAddr) -> Result<&Principal, Failure> {
        let principal = bearer_token(headers).and_then(|token| self.tokens.principal(token));
        principal.ok_or_else(|| {
            self.failures.refused(client.ip());
            Failure::Unauthorized
        })
    }

    async fn read_body(&self, body: Incoming) -> Result<(Admission, Bytes), Failure> {
        let limit = self.limits.max_body_bytes;
        let declared = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if declared.is_some_and(|bytes| bytes > limit) {
            return Err(Failure::BodyTooLarge { limit });
        }
        let admission = self.gate.admit(declared.unwrap_or(limit))?;
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

    fn plan(&self, route: Route, body: &[u8], policy: Policy) -> Result<Plan, Failure> {
        let limits = CommandLimits {
            commands: self.limits.max_pipeline_commands,
            arguments: self.limits.max_command_arguments,
        };
        let mut commands = Vec::with_capacity(body.len());
        if route == Route::Command {
            let command = parse_command(body, limits)?;
            policy.check(&command)?;
            encode_command(&mut commands, command.words());
            return Ok(Plan { commands, answer: Answer::single(self.limits.max_answer_bytes) });
        }
        let items = parse_pipeline(body, limits)?.into_iter().map(|command| match policy.check(&command) {
            Ok(()) => {
                encode_command(&mut commands, command.words());
                Item::Reply
            }
            Err(refusal) => Item::Refused(refusal),
        });
        let items = items.collect();
        Ok(Plan { commands, answer: Answer::pipeline(self.limits.max_answer_bytes, items) })
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

fn response(status: StatusCode, json: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    }
    response
}

fn failed(failure: &Failure) -> Response<Full<Bytes>> {
    if let Failure::MethodNotAllowed { allowed } = failure {
        let mut response = Response::new(Full::default());
        *response.status_mut() = failure.status();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        return response;
    }
    let json = serde_json::json!({ "error": failure.to_string() });
    response(failure.status(), json.to_string().into())
}
