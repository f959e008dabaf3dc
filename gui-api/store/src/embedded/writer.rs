//! The one thread that writes.
//!
//! What waits when it becomes free is written together (group commit): making a commit last costs far
//! more than filling it. Each batch keeps its own outcome: one that is out of date is left out, and the
//! others are written. In order: events' commits, then the commit of states; see [`super`] for why.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::configuration::Edit;
use super::group::Group;
use super::partition_writers::PartitionWriters;
use super::{EmbeddedOptions, Reading, fault, lookup};
use crate::{Batch, StoreError};

/// Changes that wait to be written; callers beyond that wait to hand theirs over.
const QUEUE: usize = 16;

/// Hands changes to the thread. A change that was handed over is written even when its caller stops
/// waiting. Dropping the writer waits for what is being written.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

enum Change {
    Batch(Batch),
    Configuration(Edit),
}

type Outcome = Result<(), StoreError>;

struct Request {
    change: Change,
    reply: oneshot::Sender<Outcome>,
}

/// Why nothing is written any more.
pub(super) fn stopped() -> StoreError {
    StoreError::Unavailable("the store's writing thread has ended: restart the service".to_owned())
}

impl Writer {
    pub(super) fn start(
        directory: &Path,
        options: EmbeddedOptions,
        reading: Arc<Reading>,
    ) -> Result<Self, StoreError> {
        let partitions = PartitionWriters::new(directory, options.index_memory_bytes);
        let mut thread = Thread { reading, connection: None, partitions };
        let (queue, requests) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run(requests))
            .map_err(|error| fault::io(directory, &error))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(super) async fn write(&self, batch: Batch) -> Outcome {
        if batch.is_empty() {
            return Ok(());
        }
        self.send(Change::Batch(batch)).await
    }

    pub(super) async fn edit(&self, edit: Edit) -> Outcome {
        self.send(Change::Configuration(edit)).await
    }

    async fn send(&self, change: Change) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(Request { change, reply }).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }

    pub(super) fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writing thread had panicked");
        }
    }
}

/// What the thread owns.
struct Thread {
    reading: Arc<Reading>,
    connection: Option<Connection>,
    partitions: PartitionWriters,
}

impl Thread {
    fn run(&mut self, mut requests: mpsc::Receiver<Request>) {
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() {
                let Some(request) = requests.blocking_recv() else { return };
                waiting.push_back(request);
            }
            while waiting.len() < QUEUE
                && let Ok(request) = requests.try_recv()
            {
                waiting.push_back(request);
            }
            let outcomes = self.write(waiting.make_contiguous());
            for (request, outcome) in waiting.drain(..outcomes.len()).zip(outcomes) {
                // Whoever asked may have stopped waiting.
                let _ = request.reply.send(outcome);
            }
        }
    }

    /// Writes the first of these changes together, as many as make a group: at least one; one outcome for each.
    fn write(&mut self, requests: &[Request]) -> Vec<Outcome> {
        match self.try_write(requests) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(%error, "writing failed");
                // Nobody knows what state a failed write has left them in; the next one opens them anew.
                self.connection = None;
                self.partitions.discard();
                self.reading.partitions.forget_readers();
                requests.iter().map(|_| Err(StoreError::Unavailable(error.to_string()))).collect()
            }
        }
    }

    fn try_write(&mut self, requests: &[Request]) -> Result<Vec<Outcome>, StoreError> {
        let reading = Arc::clone(&self.reading);
        let ids: Vec<&str> = requests.iter().flat_map(Request::event_ids).collect();
        let origins = if ids.is_empty() {
            HashMap::new()
        } else {
            self.partitions.lock(&reading.partitions)?;
            lookup::origins(&reading.partitions, ids.into_iter())?
        };
        let mut group = Group::new(&reading.partitions.schema, origins);

        // States are compared and written first, as one that is outdated must keep its batch's events out;
        // they are committed last.
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(reading.documents.connect()?),
        };
        let fault = |error: rusqlite::Error| reading.documents.fault(&error);
        let mut transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        let mut outcomes = Vec::with_capacity(requests.len());
        for request in requests {
            if group.is_full() {
                break;
            }
            outcomes.push(match &request.change {
                Change::Batch(batch) => group.admit(batch, &mut transaction, &fault)?,
                Change::Configuration(edit) => edit.write(&transaction).map_err(fault)?,
            });
        }
        for (month, documents) in group.into_documents() {
            self.partitions.write(&reading.partitions, month, documents)?;
        }
        transaction.commit().map_err(fault)?;
        Ok(outcomes)
    }
}

impl Request {
    fn event_ids(&self) -> impl Iterator<Item = &str> {
        let events = match &self.change {
            Change::Batch(batch) => batch.events.as_slice(),
            Change::Configuration(_) => &[],
        };
        events.iter().map(|event| event.id.as_str())
    }
}
