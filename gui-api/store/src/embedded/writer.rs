//! The one thread that writes.
//!
//! What waits when it becomes free is written together (group commit): making a commit last costs far
//! more than filling it. Each batch keeps its own outcome: one that is out of date is left out, and the
//! others are written. In order: events' commits, then the commit of states; see [`super`] for why.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tantivy::TantivyDocument;
use tideline_model::{EventSource, Origin};
use tokio::sync::{mpsc, oneshot};

use super::documents::{self, Outdated};
use super::event_schema::EventSchema;
use super::month::Month;
use super::partition_writers::PartitionWriters;
use super::{EmbeddedOptions, Reading, fault, lookup};
use crate::{Batch, EventKey, StoreError};

/// Changes that wait to be written; callers beyond that wait to hand theirs over.
const QUEUE: usize = 64;

/// A group takes no further change once it has this many events.
const GROUP_EVENTS: usize = 10_000;

/// Hands changes to the thread. Dropping it waits for what is being written.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

enum Change {
    Batch(Batch),
    Source(EventSource),
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
        if batch.events.is_empty() && batch.sessions.is_empty() && batch.profiles.is_empty() {
            return Ok(());
        }
        self.send(Change::Batch(batch)).await
    }

    pub(super) async fn put_source(&self, source: EventSource) -> Outcome {
        self.send(Change::Source(source)).await
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
        while let Some(first) = requests.blocking_recv() {
            let mut events = first.change.events();
            let mut group = vec![first];
            while events < GROUP_EVENTS
                && let Ok(request) = requests.try_recv()
            {
                events += request.change.events();
                group.push(request);
            }
            let (changes, replies): (Vec<_>, Vec<_>) =
                group.into_iter().map(|request| (request.change, request.reply)).unzip();
            for (reply, outcome) in replies.into_iter().zip(self.write(&changes)) {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(outcome);
            }
        }
    }

    /// Writes these changes together; one outcome for each.
    fn write(&mut self, changes: &[Change]) -> Vec<Outcome> {
        match self.try_write(changes) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(%error, "writing failed");
                // Nobody knows what state a failed write has left them in; the next one opens them anew.
                self.connection = None;
                self.partitions.discard();
                self.reading.partitions.forget_readers();
                changes.iter().map(|_| Err(StoreError::Unavailable(error.to_string()))).collect()
            }
        }
    }

    fn try_write(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, StoreError> {
        let reading = Arc::clone(&self.reading);
        let ids: Vec<&str> = changes.iter().flat_map(Change::event_ids).collect();
        let origins = if ids.is_empty() {
            HashMap::new()
        } else {
            self.partitions.lock(&reading.partitions)?;
            lookup::origins(&reading.partitions, ids.into_iter())?
        };
        let mut group = Group { schema: &reading.partitions.schema, origins, documents: BTreeMap::new() };

        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(reading.documents.connect()?),
        };
        let fault = |error: rusqlite::Error| reading.documents.fault(&error);
        let mut transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            outcomes.push(match change {
                Change::Batch(batch) => group.admit(batch, &mut transaction, &fault)?,
                Change::Source(source) => {
                    documents::write_source(&transaction, source).map(Ok).map_err(fault)?
                }
            });
        }
        for (month, documents) in group.documents {
            self.partitions.write(&reading.partitions, month, documents)?;
        }
        transaction.commit().map_err(fault)?;
        Ok(outcomes)
    }
}

impl Change {
    fn events(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.events.len(),
            Self::Source(_) => 0,
        }
    }

    fn event_ids(&self) -> impl Iterator<Item = &str> {
        let events = match self {
            Self::Batch(batch) => batch.events.as_slice(),
            Self::Source(_) => &[],
        };
        events.iter().map(|event| event.id.as_str())
    }
}

/// What is about to be committed.
struct Group<'a> {
    schema: &'a EventSchema,
    /// Of the events that are stored, and of those admitted.
    origins: HashMap<String, Origin>,
    documents: BTreeMap<Month, Vec<TantivyDocument>>,
}

impl Group<'_> {
    /// Takes a batch in, as a whole or, when it is out of date, not at all.
    fn admit(
        &mut self,
        batch: &Batch,
        transaction: &mut Transaction<'_>,
        fault: &impl Fn(rusqlite::Error) -> StoreError,
    ) -> Result<Outcome, StoreError> {
        let mut fresh: HashMap<&str, &Origin> = HashMap::new();
        let mut documents = Vec::new();
        for event in &batch.events {
            let origin = &event.metadata.origin;
            match fresh.get(event.id.as_str()).copied().or_else(|| self.origins.get(&event.id)) {
                Some(known) if known == origin => {}
                Some(_) => return Ok(Err(StoreError::Conflict { kind: "event", id: event.id.clone() })),
                None => {
                    fresh.insert(&event.id, origin);
                    let document = self.schema.document(event).map_err(|error| {
                        StoreError::Unavailable(format!("event `{}` cannot be written: {error}", event.id))
                    })?;
                    documents.push((Month::of(EventKey::of(event).milliseconds), document));
                }
            }
        }
        let savepoint = transaction.savepoint().map_err(fault)?;
        if let Some(Outdated { kind, id }) =
            documents::write_states(&savepoint, &batch.sessions, &batch.profiles).map_err(fault)?
        {
            // Dropping the savepoint takes back what was written since.
            return Ok(Err(StoreError::Conflict { kind, id }));
        }
        savepoint.commit().map_err(fault)?;
        self.origins.extend(fresh.into_iter().map(|(id, origin)| (id.to_owned(), origin.clone())));
        for (month, document) in documents {
            self.documents.entry(month).or_default().push(document);
        }
        Ok(Ok(()))
    }
}
