//! What is about to be committed: the batches of a group that are up to date.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Transaction;
use tantivy::TantivyDocument;
use tideline_model::Origin;

use super::documents::{self, Outdated};
use super::event_schema::EventSchema;
use super::month::Month;
use crate::{Batch, EventKey, StoreError};

/// A group takes no further batch once it has this many bytes of new events.
const GROUP_BYTES: usize = 32_000_000;

/// What is about to be committed.
pub(super) struct Group<'a> {
    schema: &'a EventSchema,
    /// Of the events that are stored, and of those admitted.
    origins: HashMap<String, Origin>,
    documents: BTreeMap<Month, Vec<TantivyDocument>>,
    /// The size of the documents.
    bytes: usize,
}

impl<'a> Group<'a> {
    /// A group without batches. `origins` are those of the stored events that any batch may bring again.
    pub(super) fn new(schema: &'a EventSchema, origins: HashMap<String, Origin>) -> Self {
        Self { schema, origins, documents: BTreeMap::new(), bytes: 0 }
    }

    /// Whether it has enough events to be committed.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= GROUP_BYTES
    }

    /// Its new events, by month.
    pub(super) fn into_documents(self) -> BTreeMap<Month, Vec<TantivyDocument>> {
        self.documents
    }

    /// Takes a batch in, as a whole or, when it is out of date, not at all. States are written at once,
    /// into `transaction`.
    pub(super) fn admit(
        &mut self,
        batch: &Batch,
        transaction: &mut Transaction<'_>,
        fault: &impl Fn(rusqlite::Error) -> StoreError,
    ) -> Result<Result<(), StoreError>, StoreError> {
        let mut fresh: HashMap<&str, &Origin> = HashMap::new();
        let mut documents = Vec::new();
        for event in &batch.events {
            let origin = &event.metadata.origin;
            match fresh.get(event.id.as_str()).copied().or_else(|| self.origins.get(&event.id)) {
                Some(known) if known == origin => {}
                Some(_) => return Ok(Err(StoreError::Conflict { kind: "event", id: event.id.clone() })),
                None => {
                    fresh.insert(&event.id, origin);
                    let json = serde_json::to_string(event).map_err(|error| {
                        StoreError::Unavailable(format!("event `{}` cannot be written: {error}", event.id))
                    })?;
                    self.bytes += json.len();
                    let month = Month::of(EventKey::of(event).microseconds);
                    documents.push((month, self.schema.document(event, json)));
                }
            }
        }
        let savepoint = transaction.savepoint().map_err(fault)?;
        if let Some(Outdated { kind, id }) = documents::write_states(&savepoint, batch).map_err(fault)? {
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
