//! One instance for all requests of a shard, and its successors.
//!
//! Requests wait in one bounded queue. The working instance owns the queue's end. If it traps or hangs
//! the supervisor makes the next one at once; if it has served or grown enough the next one is made
//! first, takes over, and the old one finishes what it has begun.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tideline_http_front::HeldBody;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::intake::{Due, Intake, Job, Lent};
use super::{Policy, event_loop};
use crate::Error;
use crate::guest::{Instance, Nursery};
use crate::metrics::ComponentMetrics;
use crate::refusal::Refusal;

/// Instances of a shard that may finish their last requests beside the working one.
pub(crate) const MAX_RETIRING: u32 = 4;

/// Pause after an instance that could not be made or ended without serving anything; doubled up to the
/// longer one, so that a broken component does not keep a processor busy.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The way into the queue.
#[derive(Clone)]
pub(crate) struct Shared {
    queue: mpsc::Sender<Job>,
    policy: Policy,
    metrics: ComponentMetrics,
}

impl Shared {
    /// Waits for the answer. It needs no timer of its own: a job is answered or dropped in time even if
    /// its instance hangs.
    pub(super) async fn answer(&self, request: Request<HeldBody>) -> Result<Response<Bytes>, Refusal> {
        let (reply, answer) = oneshot::channel();
        let since = Instant::now();
        let waiting = self.metrics.waiting();
        let job = Job { request, deadline: since + self.policy.timeout, reply, since, waiting };
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refusal::BUSY,
            mpsc::error::TrySendError::Closed(_) => Refusal::Stopping,
        })?;
        answer.await.unwrap_or(Err(Refusal::INSTANCE_ENDED))
    }
}

/// Keeps one working instance for a shard.
pub(crate) struct Supervisor {
    nursery: Nursery,
    policy: Policy,
    queue: mpsc::Receiver<Job>,
    first: Instance,
}

impl Supervisor {
    /// Makes the first instance, so that a component that cannot start is refused before it is public.
    pub(crate) async fn start(nursery: Nursery, policy: Policy) -> Result<(Shared, Self), Error> {
        let first = nursery.instance_within(policy.timeout).await;
        let first = first.map_err(|error| Error::Instantiate { reason: format!("{error:#}") })?;
        let (sender, queue) = mpsc::channel(policy.queue);
        let shared = Shared { queue: sender, policy, metrics: nursery.metrics().clone() };
        let supervisor = Self { nursery, policy, queue, first };
        Ok((shared, supervisor))
    }

    /// Runs until every [`Shared`] is gone and every request is answered.
    pub(crate) async fn run(self) {
        let Self { nursery, policy, mut queue, first } = self;
        let mut instances = JoinSet::new();
        let mut next = Some(first);
        let mut pause = PAUSE;
        loop {
            let made = match next.take() {
                Some(instance) => Ok(instance),
                None => nursery.instance_within(policy.timeout).await,
            };
            let served = match made {
                Ok(instance) => {
                    let (intake, Lent { mut returned, due, recall }) = Intake::lend(queue);
                    instances.spawn(event_loop::run(instance, intake, policy, nursery.metrics().clone()));
                    let returned = tokio::select! {
                        biased;
                        returned = &mut returned => returned,
                        instance = successor(due, &nursery, policy, &mut instances) => {
                            next = Some(instance);
                            drop(recall);
                            returned.await
                        }
                    };
                    let Ok(returned) = returned else {
                        return;
                    };
                    queue = returned.queue;
                    returned.served
                }
                Err(error) => {
                    let reason = format!("{error:#}");
                    tracing::error!(reason, "no instance of the component can be made");
                    0
                }
            };
            if queue.is_closed() && queue.is_empty() {
                break;
            }
            if served == 0 {
                let _failing = nursery.metrics().failing();
                refuse_for(pause, &mut queue).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            } else {
                pause = PAUSE;
            }
            make_room(&mut instances).await;
        }
        while instances.join_next().await.is_some() {}
    }
}

/// Waits until the working instance is to be replaced, and makes the one that will. As long as none can
/// be made the old one works on.
async fn successor(
    due: oneshot::Receiver<Due>,
    nursery: &Nursery,
    policy: Policy,
    instances: &mut JoinSet<()>,
) -> Instance {
    let Ok(reason) = due.await else {
        // The instance ended before: its queue comes back by itself.
        return pending().await;
    };
    tracing::debug!(?reason, "the instance is to be replaced");
    let mut pause = PAUSE;
    loop {
        make_room(instances).await;
        match nursery.instance_within(policy.timeout).await {
            Ok(instance) => return instance,
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::error!(reason, "no successor can be made: the instance works on");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Waits until one more instance may be made.
async fn make_room(instances: &mut JoinSet<()>) {
    while instances.try_join_next().is_some() {}
    while instances.len() > MAX_RETIRING as usize {
        instances.join_next().await;
    }
}

/// Answers everything that waits or arrives during `pause`.
async fn refuse_for(pause: Duration, queue: &mut mpsc::Receiver<Job>) {
    let refuse = async {
        while let Some(job) = queue.recv().await {
            let _ = job.reply.send(Err(Refusal::NoInstance));
        }
        // Closed: the shard stops, and its supervisor need not wait.
    };
    tokio::select! {
        () = refuse => {}
        () = sleep(pause) => {}
    }
}
