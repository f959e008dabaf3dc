//! One instance for all requests of a shard, and its successors.
//!
//! Requests wait in one bounded queue. The working instance owns the queue's end and gives it back when
//! it traps, hangs or has served enough; the supervisor then makes the next instance at once, while the
//! old one finishes what it has begun.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tideline_http_front::HeldBody;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{Policy, event_loop};
use crate::Error;
use crate::guest::{Instance, Nursery};
use crate::refusal::Refusal;

/// Instances of a shard that may finish their last requests beside the working one.
pub(crate) const MAX_RETIRING: u32 = 4;

/// Pause after an instance that could not be made or ended without serving anything; doubled up to the
/// longer one, so that a broken component does not keep a processor busy.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A request on its way to an instance.
pub(super) struct Job {
    pub(super) request: Request<HeldBody>,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Result<Response<Bytes>, Refusal>>,
}

/// The way into the queue.
#[derive(Clone)]
pub(crate) struct Shared {
    queue: mpsc::Sender<Job>,
    policy: Policy,
}

impl Shared {
    /// Waits for the answer. It needs no timer of its own: a job is answered or dropped in time even if
    /// its instance hangs.
    pub(super) async fn answer(&self, request: Request<HeldBody>) -> Result<Response<Bytes>, Refusal> {
        let (reply, answer) = oneshot::channel();
        let job = Job { request, deadline: self.policy.deadline(), reply };
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refusal::BUSY,
            mpsc::error::TrySendError::Closed(_) => Refusal::Stopping,
        })?;
        answer.await.unwrap_or(Err(Refusal::INSTANCE_ENDED))
    }
}

/// The end of the queue, lent to the working instance. It goes back to the supervisor when the instance
/// closes or drops it.
pub(super) struct Intake {
    queue: Option<mpsc::Receiver<Job>>,
    owner: Option<oneshot::Sender<Returned>>,
    served: u64,
}

/// What comes back from an instance.
struct Returned {
    queue: mpsc::Receiver<Job>,
    served: u64,
}

impl Intake {
    fn lend(queue: mpsc::Receiver<Job>) -> (Self, oneshot::Receiver<Returned>) {
        let (owner, returned) = oneshot::channel();
        let intake = Self { queue: Some(queue), owner: Some(owner), served: 0 };
        (intake, returned)
    }

    /// The queue, while it is open.
    pub(super) fn open(&mut self) -> Option<&mut mpsc::Receiver<Job>> {
        self.queue.as_mut()
    }

    /// Counts a request that the instance took; returns how many it has taken.
    pub(super) fn count(&mut self) -> u64 {
        self.served += 1;
        self.served
    }

    /// Takes no further request.
    pub(super) fn close(&mut self) {
        if let (Some(queue), Some(owner)) = (self.queue.take(), self.owner.take()) {
            let served = self.served;
            // The supervisor is gone only when the whole shard is, and then nobody waits for an answer.
            let _ = owner.send(Returned { queue, served });
        }
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.close();
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
        let shared = Shared { queue: sender, policy };
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
                    let (intake, returned) = Intake::lend(queue);
                    instances.spawn(event_loop::run(instance, intake, policy));
                    let Ok(returned) = returned.await else {
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
                refuse_for(pause, &mut queue).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            } else {
                pause = PAUSE;
            }
            while instances.len() > MAX_RETIRING as usize {
                instances.join_next().await;
            }
        }
        while instances.join_next().await.is_some() {}
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
