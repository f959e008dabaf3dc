//! One request per instance at a time, for WASI 0.2 components: wasmtime's `ProxyHandler`, with the
//! limits that it leaves to its user around it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant as StdInstant};

use bytes::Bytes;
use http::{Request, Response};
use tideline_http_front::HeldBody;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{
    self, ExpirationError, HandlerState, InstantiationError, ProxyHandler, ShouldAccept, WorkerExpiration,
    WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

use super::{Policy, wasi_request};
use crate::answer::{collect, component_error};
use crate::guest::{Guest, Instance, Nursery};
use crate::metrics::ComponentMetrics;
use crate::refusal::Refusal;
use crate::{Error, Options};

/// Instances of a shard, and of a host, at once, whatever the options say: each takes several GiB of
/// address space, for each component, and twice while a new version takes over.
const MAX_INSTANCES: u32 = 256;
const MAX_INSTANCES_OF_ALL_SHARDS: u32 = 512;

/// Requests that one instance serves, one after the other.
const REUSE: usize = 128;

/// How long an instance without work is kept, and one that works on after its answer.
const IDLE_TIME: Duration = Duration::from_secs(30);
const FAREWELL: Duration = Duration::from_secs(1);

/// Instances that a shard has room for: two for each that works, because one that is being replaced still
/// holds its place.
pub(crate) fn isolated_instances(options: &Options) -> u32 {
    let fair = MAX_INSTANCES_OF_ALL_SHARDS / u32::from(options.shards).max(1);
    options.instance_concurrency.saturating_mul(2).min(MAX_INSTANCES).min(fair).max(2)
}

/// The application of a WASI 0.2 component.
#[derive(Clone)]
pub(crate) struct Isolated {
    handler: ProxyHandler<State>,
    admitted: Arc<Semaphore>,
    // Around the handler and never inside `instantiate`, where a request that waits is already tied to
    // the instance that it waits for.
    working: Arc<Semaphore>,
    policy: Policy,
    metrics: ComponentMetrics,
}

impl Isolated {
    /// Makes one instance and drops it, so that a component that cannot start is refused before it is
    /// public.
    pub(crate) async fn start(nursery: Nursery, policy: Policy) -> Result<Self, Error> {
        let first = nursery.instance_within(policy.timeout).await;
        drop(first.map_err(|error| Error::Instantiate { reason: format!("{error:#}") })?);
        let working = policy.isolated;
        let metrics = nursery.metrics().clone();
        Ok(Self {
            handler: ProxyHandler::new(State { nursery, policy }),
            admitted: Arc::new(Semaphore::new(working + policy.queue)),
            working: Arc::new(Semaphore::new(working)),
            policy,
            metrics,
        })
    }

    pub(super) async fn answer(&self, request: Request<HeldBody>) -> Result<Response<Bytes>, Refusal> {
        let _admitted = self.admitted.try_acquire().map_err(|_| Refusal::BUSY)?;
        let since = Instant::now();
        let deadline = since + self.policy.timeout;
        let waiting = self.metrics.waiting();
        let (request, _held) = wasi_request(request);
        let answer = async {
            let working = timeout_at(since + self.policy.patience, self.working.acquire()).await;
            let _working = working.map_err(|_| Refusal::BUSY)?.map_err(|_| Refusal::Stopping)?;
            drop(waiting);
            let _in_flight = self.metrics.in_flight();
            let begun = Instant::now();
            self.metrics.waited(begun.duration_since(since));
            let response =
                self.handler.handle(deadline, request).await.map_err(|error| self.refusal(&error))?;
            let answer = collect(response, self.policy.max_answer_bytes).await;
            self.metrics.served(begun.elapsed());
            answer
        };
        timeout_at(deadline, answer).await.unwrap_or(Err(self.policy.late()))
    }

    fn refusal(&self, error: &wasmtime::Error) -> Refusal {
        if let Some(error) = error.downcast_ref::<InstantiationError<Instant>>() {
            let reason = format!("{:#}", error.error);
            tracing::error!(reason, "no instance of the component can be made");
            Refusal::NoInstance
        } else if error.is::<ExpirationError>() {
            self.policy.late()
        } else if error.is::<ErrorCode>() {
            component_error(error.as_ref())
        } else {
            // It trapped, or returned without a word; the error then says only that.
            tracing::error!(%error, "the component ended without an answer");
            Refusal::INSTANCE_ENDED
        }
    }
}

struct State {
    nursery: Nursery,
    policy: Policy,
}

impl HandlerState for State {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<handler::Instance<Guest, Expiration, Worker>> {
        let Instance { store, proxy, taken: _ } = self.nursery.instance_within(self.policy.timeout).await?;
        Ok(handler::Instance {
            store,
            proxy,
            view: Guest::http,
            expiration: Expiration {
                request_timeout: self.policy.timeout,
                sleep: Box::pin(sleep_until(Instant::now() + IDLE_TIME)),
            },
            state: Worker(self.nursery.metrics().clone()),
        })
    }
}

/// Ends an instance that hangs or has nothing to do. Polled outside the store.
struct Expiration {
    request_timeout: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: StdInstant,
    ) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => IDLE_TIME,
            WorkerStatus::Requests => self.request_timeout,
            WorkerStatus::PostReturn => FAREWELL,
        };
        let end = Instant::from_std(start + limit);
        if self.sleep.deadline() != end {
            self.sleep.as_mut().reset(end);
        }
        // The clock and not the timer alone: while a component computes, timers run late.
        if end <= Instant::now() {
            return Poll::Ready(());
        }
        self.sleep.as_mut().poll(cx)
    }
}

struct Worker(ComponentMetrics);

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Instant;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= REUSE {
            ShouldAccept::Never
        } else if concurrent > 0 {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        deadline: Instant,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        Box::pin(sleep_until(deadline))
    }

    fn drop(&self, _: Store<Guest>, result: wasmtime::Result<()>) {
        self.0.ended(if result.is_ok() { "retired" } else { "trapped" });
        if let Err(error) = result {
            let error = format!("{error:?}");
            tracing::error!(error, "instance ended because the component trapped or hung");
        }
    }
}
