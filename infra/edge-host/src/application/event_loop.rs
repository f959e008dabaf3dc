//! One instance at work: takes requests from the intake, runs them side by side, and ends in time.
//!
//! Time is kept twice. Inside the store each request has its deadline; one that is late retires the
//! instance, because its computation cannot be cancelled. But while the component computes without a
//! pause, or a host call blocks, nothing inside the store is polled (wasmtime #11869, #11870); so from
//! outside, an instance that did not come round for a whole request timeout is ended.

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant as StdInstant};

use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::Response;
use tokio::time::{Instant, MissedTickBehavior, Sleep, interval, sleep, timeout_at};
use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, Func};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{Prepared, Proxy};

use super::intake::{Due, Intake, Job};
use super::{Policy, wasi_request};
use crate::answer::{collect, component_error};
use crate::guest::{Guest, Instance};
use crate::metrics::ComponentMetrics;
use crate::refusal::Refusal;

/// How often a quiet instance is looked at from outside.
const LOOK: Duration = Duration::from_millis(100);

/// How long an instance may finish its own work after its last answer.
const FAREWELL: Duration = Duration::from_secs(1);

/// Requests between two looks at how much the instance has grown, which costs a walk over its handles.
const MEASURE_EVERY: u64 = 64;

/// How an instance ended.
enum End {
    /// It was replaced, or the shard stops.
    Retired,
    /// It did not come round in time.
    Hung,
    /// It trapped, or the host's part of it failed.
    Failed(wasmtime::Error),
}

/// What is counted while an instance works.
#[derive(Clone, Copy)]
struct Counts<'a> {
    metrics: &'a ComponentMetrics,
    /// Requests that the instance took since its last outgoing request.
    taken: &'a AtomicU64,
}

/// When the instance last came round.
struct Heartbeat(Mutex<Instant>);

impl Heartbeat {
    fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn silence(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// Runs the instance until it ends. Requests that it had not answered then are dropped, which tells
/// whoever waits for them.
pub(super) async fn run(instance: Instance, mut intake: Intake, policy: Policy, metrics: ComponentMetrics) {
    let Instance { mut store, proxy, taken } = instance;
    let counts = Counts { metrics: &metrics, taken: &taken };
    let heartbeat = Heartbeat(Mutex::new(Instant::now()));
    let end = {
        let inside = pin!(store.run_concurrent(async |accessor| {
            come_round(accessor, &proxy, &mut intake, policy, &heartbeat, counts).await
        }));
        watch(inside, &heartbeat, policy.timeout, &metrics).await
    };
    metrics.reused(intake.served());
    metrics.ended(match &end {
        End::Retired => intake.reason(),
        End::Hung => "hung",
        End::Failed(_) => "trapped",
    });
    match end {
        End::Retired => tracing::debug!("instance retired"),
        End::Hung => tracing::error!(
            timeout_ms = policy.timeout.as_millis(),
            "instance ended because it computed or blocked for a whole request timeout"
        ),
        End::Failed(error) => {
            let error = format!("{error:?}");
            tracing::error!(error, "instance ended because the component trapped");
        }
    }
}

/// Drives the store and ends it when the heart stops.
async fn watch(
    mut inside: Pin<&mut impl Future<Output = wasmtime::Result<wasmtime::Result<()>>>>,
    heartbeat: &Heartbeat,
    timeout: Duration,
    metrics: &ComponentMetrics,
) -> End {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    poll_fn(|cx| {
        let begun = StdInstant::now();
        let polled = inside.as_mut().poll(cx);
        metrics.busy(begun.elapsed());
        if let Poll::Ready(end) = polled {
            return Poll::Ready(match end.flatten() {
                Ok(()) => End::Retired,
                Err(error) => End::Failed(error),
            });
        }
        if heartbeat.silence() > timeout {
            return Poll::Ready(End::Hung);
        }
        while looks.poll_tick(cx).is_ready() {}
        Poll::Pending
    })
    .await
}

/// The instance's own loop, polled from within its store.
async fn come_round(
    accessor: &Accessor<Guest>,
    proxy: &Proxy,
    intake: &mut Intake,
    policy: Policy,
    heartbeat: &Heartbeat,
    counts: Counts<'_>,
) -> wasmtime::Result<()> {
    let handler = handler(proxy);
    let mut requests = FuturesUnordered::new();
    let mut farewell: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        heartbeat.beat();
        intake.heed_recall(cx);
        loop {
            // Finished requests first: they may say that no further one is to be taken.
            while let Poll::Ready(Some(served)) = requests.poll_next_unpin(cx) {
                if served? == Served::Late {
                    intake.close_late();
                }
            }
            let ready = accessor.poll_ready_for_concurrent_call(handler, cx).is_ready();
            if ready && requests.len() < policy.concurrency {
                match take(intake, cx, policy) {
                    Poll::Ready(Some(job)) => {
                        counts.taken.fetch_add(1, Ordering::Relaxed);
                        requests.push(serve(accessor, proxy, job, policy, counts.metrics));
                        if let Some(reason) = due(intake.count(), accessor, policy) {
                            intake.report(reason);
                        }
                        continue;
                    }
                    Poll::Ready(None) | Poll::Pending => {}
                }
            }
            if intake.open().is_some() || !requests.is_empty() {
                return Poll::Pending;
            }
            // Nothing more to take and nothing to answer; the component may finish its own work.
            if accessor.poll_no_interesting_tasks(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let farewell = farewell.get_or_insert_with(|| Box::pin(sleep(FAREWELL)));
            return farewell.as_mut().poll(cx).map(Ok);
        }
    })
    .await
}

/// The next request that is still in time; `None` once the intake is closed.
fn take(intake: &mut Intake, cx: &mut Context<'_>, policy: Policy) -> Poll<Option<Job>> {
    loop {
        let Some(queue) = intake.open() else {
            return Poll::Ready(None);
        };
        match queue.poll_recv(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => intake.close(),
            Poll::Ready(Some(job)) if job.reply.is_closed() => {}
            Poll::Ready(Some(job)) if job.since.elapsed() > policy.patience => {
                let _ = job.reply.send(Err(Refusal::BUSY));
            }
            Poll::Ready(Some(job)) if job.deadline <= Instant::now() => {
                let _ = job.reply.send(Err(policy.late()));
            }
            Poll::Ready(Some(job)) => return Poll::Ready(Some(job)),
        }
    }
}

/// Whether an instance that has taken so many requests is to be replaced.
fn due(served: u64, accessor: &Accessor<Guest>, policy: Policy) -> Option<Due> {
    if served >= policy.recycle_after {
        return Some(Due::Reuse);
    }
    if !served.is_multiple_of(MEASURE_EVERY) {
        return None;
    }
    let (memory, handles) = accessor.with(|mut store| store.as_context_mut().data_mut().size());
    if memory > policy.recycle_memory_bytes {
        Some(Due::Memory)
    } else if handles > policy.recycle_handles {
        Some(Due::Handles)
    } else {
        None
    }
}

#[derive(PartialEq, Eq)]
enum Served {
    Answered,
    Late,
}

/// Runs one request to its collected answer. An error ends the instance.
async fn serve(
    accessor: &Accessor<Guest>,
    proxy: &Proxy,
    job: Job,
    policy: Policy,
    metrics: &ComponentMetrics,
) -> wasmtime::Result<Served> {
    let Job { request, deadline, reply, since, waiting } = job;
    drop(waiting);
    let _in_flight = metrics.in_flight();
    let begun = Instant::now();
    metrics.waited(begun.duration_since(since));
    let (request, _held) = wasi_request(request);
    let (sender, response) = oneshot::channel();
    let prepared = accessor
        .with(|mut store| Prepared::new(store.as_context_mut(), proxy, request, Guest::http, sender))?;
    let answer = async {
        prepared.run(accessor, pending()).await?;
        wasmtime::error::Ok(match response.await {
            Ok(Ok(response)) => collect(response, policy.max_answer_bytes).await,
            Ok(Err(error)) => Err(component_error(error.as_ref())),
            Err(_) => Err(Refusal::INSTANCE_ENDED),
        })
    };
    let (answer, served): (Result<Response<Bytes>, Refusal>, _) = match timeout_at(deadline, answer).await {
        Ok(answer) => (answer?, Served::Answered),
        Err(_) => (Err(policy.late()), Served::Late),
    };
    metrics.served(begun.elapsed());
    // Fails when the visitor is gone.
    let _ = reply.send(answer);
    Ok(served)
}

fn handler(proxy: &Proxy) -> Func {
    match proxy {
        Proxy::P3(service) => *service.wasi_http_handler().func_handle().func(),
        Proxy::P2(proxy) => *proxy.wasi_http_incoming_handler().func_handle().func(),
    }
}
