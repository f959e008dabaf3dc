//! The one connection to Redis that all requests share, and those that streams have for themselves.
//!
//! Requests are written as they come, together where several wait, and their replies are matched in
//! order. The promise: everything handed to [`Link::send`] is sent at most once and answered with
//! the replies of Redis or with a [`LinkError`] that says whether it may have been executed; while
//! Redis is known to be down, that answer comes at once. How long a caller waits is the caller's
//! decision: one that has stopped waiting before its command was written costs Redis nothing.

mod address;
mod ask;
mod cluster;
mod connect;
mod encryption;
mod exchange;
mod sentinel;
mod streams;
mod supervise;
mod transactions;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use self::address::Upstream;
pub use self::address::{AddressError, RedisAddress};
use self::cluster::Cluster;
pub use self::encryption::{EncryptionError, RedisTls};
pub(crate) use self::streams::{StreamError, StreamOptions, Streams};
use crate::admission::Admission;
use crate::answer::{Answer, Finished};
use crate::metrics::LinkMetrics;

/// Why a request has no replies.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("redis is not reachable ({0}); nothing was executed")]
    NotSent(Arc<str>),
    #[error("the connection to redis was lost ({0}); it is unknown whether the command was executed")]
    OutcomeUnknown(Arc<str>),
    #[error("too many commands are waiting for redis; nothing was executed")]
    QueueFull,
    #[error(
        "the redis user of the gateway may not use MULTI and EXEC; nothing was executed; grant it +multi and +exec"
    )]
    NoTransactions,
    #[error(
        "the commands of a transaction have keys in several slots of the cluster; nothing was executed; give their keys one hash tag"
    )]
    SeveralSlots,
    #[error("the slot of the key is moving from node to node; nothing was executed")]
    Moving,
}

/// What the link needs to know.
#[derive(Debug, Clone)]
pub(crate) struct LinkOptions {
    pub(crate) address: RedisAddress,
    /// How long connecting may take, with authentication and a first answer.
    pub(crate) connect_timeout: Duration,
    /// A connection on which commands wait and nothing arrives for so long is given up.
    pub(crate) stall_timeout: Duration,
    /// A reply string of more bytes is passed over.
    pub(crate) max_bulk_bytes: usize,
    /// How many requests may wait to be written. Admission keeps them fewer.
    pub(crate) queue: usize,
    pub(crate) metrics: LinkMetrics,
}

/// The replies to one request, and the room that it holds.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) finished: Finished,
    pub(crate) admission: Option<Admission>,
}

/// One request on its way to Redis.
#[derive(Debug)]
struct Batch {
    /// Its commands in RESP2.
    commands: Vec<u8>,
    answer: Answer,
    admission: Option<Admission>,
    to: oneshot::Sender<Result<Delivery, LinkError>>,
}

impl Batch {
    fn refuse(self, error: LinkError) {
        // Nobody waits any more: nothing to tell.
        let _ = self.to.send(Err(error));
    }
}

/// The sending end. Cheap to clone; when the last one is gone, the link ends.
#[derive(Debug, Clone)]
pub(crate) enum Link {
    /// To one server.
    One(Line),
    /// To each node of a cluster.
    Cluster(Arc<Cluster>),
}

impl Link {
    /// Starts the link. It connects by itself, and again whenever a connection is lost.
    pub(crate) fn start(options: LinkOptions) -> (Link, JoinHandle<()>) {
        if matches!(options.address.upstream, Upstream::Cluster(_)) {
            let (cluster, ended) = Cluster::start(options);
            return (Link::Cluster(cluster), ended);
        }
        let (line, run) = Line::new(options);
        (Link::One(line), tokio::spawn(run))
    }

    /// Sends `commands`, RESP2 text with as many commands as `answer` awaits replies.
    pub(crate) async fn send(
        &self,
        commands: Vec<u8>,
        answer: Answer,
        admission: Option<Admission>,
    ) -> Result<Delivery, LinkError> {
        match self {
            Link::One(line) => line.send(commands, answer, admission).await,
            Link::Cluster(cluster) => Arc::clone(cluster).send(commands, answer, admission).await,
        }
    }
}

/// The sending end of the link to one server.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    inbox: mpsc::Sender<Batch>,
}

impl Line {
    /// A link, and what has to run for it.
    fn new(options: LinkOptions) -> (Line, impl Future<Output = ()> + Send) {
        let (inbox, batches) = mpsc::channel(options.queue.max(1));
        (Line { inbox }, supervise::run(options, batches))
    }

    /// Sends `commands`, RESP2 text with as many commands as `answer` awaits replies.
    async fn send(
        &self,
        commands: Vec<u8>,
        answer: Answer,
        admission: Option<Admission>,
    ) -> Result<Delivery, LinkError> {
        let (to, delivered) = oneshot::channel();
        let batch = Batch { commands, answer, admission, to };
        match self.inbox.try_send(batch) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(LinkError::QueueFull),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                return Err(LinkError::NotSent("the gateway is stopping".into()));
            }
        }
        let stopped = || LinkError::OutcomeUnknown("the gateway is stopping".into());
        delivered.await.unwrap_or_else(|_| Err(stopped()))
    }
}
