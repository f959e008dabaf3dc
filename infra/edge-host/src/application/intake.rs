//! The end of a shard's queue, lent to the working instance.
//!
//! The instance gives it back when it traps, hangs or is late. Where it has merely served or grown
//! enough it says so and works on, until its owner has a successor and asks for the queue.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Context;

use bytes::Bytes;
use http::{Request, Response};
use tideline_http_front::HeldBody;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::metrics::Counted;
use crate::refusal::Refusal;

/// A request on its way to an instance.
pub(super) struct Job {
    pub(super) request: Request<HeldBody>,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Result<Response<Bytes>, Refusal>>,
    /// When it began to wait.
    pub(super) since: Instant,
    pub(super) waiting: Counted,
}

/// Why an instance is to be replaced although it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It has served its share of requests.
    Reuse,
    /// Its memory has grown.
    Memory,
    /// It holds many handles.
    Handles,
}

impl Due {
    /// Its name in metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Reuse => "reuse",
            Self::Memory => "memory",
            Self::Handles => "handles",
        }
    }
}

/// The instance's side.
pub(super) struct Intake {
    queue: Option<mpsc::Receiver<Job>>,
    owner: Option<oneshot::Sender<Returned>>,
    due: Option<oneshot::Sender<Due>>,
    recall: oneshot::Receiver<Infallible>,
    reason: &'static str,
    served: u64,
}

/// The owner's side.
pub(super) struct Lent {
    /// The queue, once the instance takes nothing more from it.
    pub(super) returned: oneshot::Receiver<Returned>,
    /// Resolves when the instance is to be replaced.
    pub(super) due: oneshot::Receiver<Due>,
    /// Dropped, it asks for the queue.
    pub(super) recall: oneshot::Sender<Infallible>,
}

/// What comes back from an instance.
pub(super) struct Returned {
    pub(super) queue: mpsc::Receiver<Job>,
    pub(super) served: u64,
}

impl Intake {
    pub(super) fn lend(queue: mpsc::Receiver<Job>) -> (Self, Lent) {
        let (owner, returned) = oneshot::channel();
        let (due_sender, due) = oneshot::channel();
        let (recall_sender, recall) = oneshot::channel();
        let intake = Self {
            queue: Some(queue),
            owner: Some(owner),
            due: Some(due_sender),
            recall,
            reason: "retired",
            served: 0,
        };
        (intake, Lent { returned, due, recall: recall_sender })
    }

    /// The queue, while it is open.
    pub(super) fn open(&mut self) -> Option<&mut mpsc::Receiver<Job>> {
        self.queue.as_mut()
    }

    /// Closes if the owner asks for the queue.
    pub(super) fn heed_recall(&mut self, cx: &mut Context<'_>) {
        if self.queue.is_some() && Pin::new(&mut self.recall).poll(cx).is_ready() {
            self.close();
        }
    }

    /// Counts a request that the instance took; returns how many it has taken.
    pub(super) fn count(&mut self) -> u64 {
        self.served += 1;
        self.served
    }

    /// Says that the instance is to be replaced.
    pub(super) fn report(&mut self, reason: Due) {
        if let Some(due) = self.due.take() {
            self.reason = reason.name();
            // Nobody hears it if the shard is ending, which replaces all.
            let _ = due.send(reason);
        }
    }

    /// Why the instance takes no more, in metrics.
    pub(super) fn reason(&self) -> &'static str {
        self.reason
    }

    /// Requests that the instance took.
    pub(super) fn served(&self) -> u64 {
        self.served
    }

    /// Takes no further request because one is late: its computation cannot be cancelled.
    pub(super) fn close_late(&mut self) {
        self.reason = "late";
        self.close();
    }

    /// Takes no further request.
    pub(super) fn close(&mut self) {
        if let (Some(queue), Some(owner)) = (self.queue.take(), self.owner.take()) {
            let served = self.served;
            // The owner is gone only when the whole shard is, and then nobody waits for an answer.
            let _ = owner.send(Returned { queue, served });
        }
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.close();
    }
}
