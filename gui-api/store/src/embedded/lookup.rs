//! Events by id: a term looked up in each partition, newest first, until all are found.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet, Searcher, SegmentReader, TERMINATED, TantivyDocument, TantivyError};
use tideline_model::{Event, Origin};

use super::event_schema::EventSchema;
use super::partitions::Partitions;
use super::{damage, fault};
use crate::StoreError;

/// The part of a stored event that tells where it came from.
#[derive(Deserialize)]
struct OriginOf {
    id: String,
    metadata: MetadataOf,
}

#[derive(Deserialize)]
struct MetadataOf {
    origin: Origin,
}

/// The origins of those of these events that are stored.
pub(super) fn origins<'a>(
    partitions: &Partitions,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Origin>, StoreError> {
    find(partitions, ids, |json, id| {
        let stored: OriginOf = serde_json::from_str(json)?;
        Ok((stored.id == id).then_some(stored.metadata.origin))
    })
}

/// One event.
pub(super) fn event(partitions: &Partitions, id: &str) -> Result<Option<Event>, StoreError> {
    let mut found = find(partitions, std::iter::once(id), |json, id| {
        let stored: Event = serde_json::from_str(json)?;
        Ok((stored.id == id).then_some(stored))
    })?;
    Ok(found.remove(id))
}

/// What `read` makes of the stored JSON of each of these events. `read` says none for another event,
/// which shares the term only when ids are very long.
fn find<'a, T>(
    partitions: &Partitions,
    ids: impl Iterator<Item = &'a str>,
    read: impl Fn(&str, &str) -> serde_json::Result<Option<T>>,
) -> Result<HashMap<String, T>, StoreError> {
    let mut missing: HashSet<&str> = ids.collect();
    let mut found = HashMap::new();
    for month in partitions.months()? {
        if missing.is_empty() {
            break;
        }
        let Some(searcher) = partitions.searcher(month)? else { continue };
        let path = partitions.path(month);
        for (place, segment) in (0..).zip(searcher.segment_readers()) {
            for &id in &missing {
                let addresses = addresses(&partitions.schema, segment, id)
                    .map_err(|error| fault::index(&path, &error))?;
                for document in addresses {
                    let stored = stored(&searcher, DocAddress::new(place, document))
                        .map_err(|error| fault::index(&path, &error))?;
                    let value = read(partitions.schema.json(&stored), id)
                        .map_err(|error| damage::found(&path, "event", id, &error))?;
                    found.extend(value.map(|value| (id.to_owned(), value)));
                }
            }
            missing.retain(|id| !found.contains_key(*id));
        }
    }
    Ok(found)
}

/// The documents of a segment that have this id: one at the most, but for ids that share a term.
fn addresses(schema: &EventSchema, segment: &SegmentReader, id: &str) -> Result<Vec<u32>, TantivyError> {
    let index = segment.inverted_index(schema.id)?;
    let Some(mut postings) =
        index.read_postings(&EventSchema::term(schema.id, id), IndexRecordOption::Basic)?
    else {
        return Ok(Vec::new());
    };
    let mut documents = Vec::new();
    while postings.doc() != TERMINATED {
        if !segment.is_deleted(postings.doc()) {
            documents.push(postings.doc());
        }
        postings.advance();
    }
    Ok(documents)
}

/// A stored document.
pub(super) fn stored(searcher: &Searcher, address: DocAddress) -> Result<TantivyDocument, TantivyError> {
    searcher.doc(address)
}
