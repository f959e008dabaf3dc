//! Events: written once, in the index of the month that they happened in.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use http::Method;
use serde_json::json;
use tideline_model::{Event, Origin};

use super::bulk::{Over, Written};
use super::documents::Place;
use super::schema::{Index, Month, Stored, keyword, server_id};
use super::transaction::write;
use super::{ElasticsearchStore, Hit, conflict, read};
use crate::{EventKey, StoreError};

/// How many ids are looked for in one search.
const IDS_AT_ONCE: usize = 1000;

impl ElasticsearchStore {
    /// Where these events came from: as searches find them, and as was learned since.
    pub(super) async fn find_origins(&self, ids: &[String]) -> Result<HashMap<String, Origin>, StoreError> {
        let mut origins = HashMap::new();
        for hit in self.hits_of(ids.iter().map(String::as_str)).await? {
            if let (Some(lane), Some(entry)) = (hit.text("lane"), hit.text("entry")) {
                origins.insert(hit.id.clone(), Origin { lane: lane.to_owned(), entry: entry.to_owned() });
            }
        }
        let mut learned = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = |id: &String| {
            let found = origins.get(&server_id(id)).or_else(|| learned.get(id));
            found.map(|origin| (id.clone(), origin.clone()))
        };
        Ok(ids.iter().filter_map(origin).collect())
    }

    pub(super) async fn find_event(&self, id: &str) -> Result<Option<Event>, StoreError> {
        let places: Vec<Place> = self.hits_of([id].into_iter()).await?.iter().map(Hit::place).collect();
        let found = self.client.get(&places).await?;
        let mut events =
            found.iter().flatten().filter_map(|found| read("event", id, &found.stored).transpose());
        events.next().transpose()
    }

    /// Where events of these ids are.
    async fn hits_of<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Result<Vec<Hit>, StoreError> {
        let wanted: HashSet<String> = ids.map(keyword).collect();
        let wanted: Vec<String> = wanted.into_iter().collect();
        let mut hits = Vec::new();
        for ids in wanted.chunks(IDS_AT_ONCE) {
            let query = json!({
                "size": ids.len(), "query": {"bool": {"filter": [{"terms": {"id": ids}}]}}, "_source": false,
                "docvalue_fields": ["lane", "entry"], "track_total_hits": false,
            });
            hits.extend(self.search(Method::POST, &self.names.events(), &query).await?);
        }
        Ok(hits)
    }

    /// Writes events that are not there; leaves alone those that are.
    pub(super) async fn write_events(&self, events: &[Event]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut first: HashMap<&str, &Event> = HashMap::new();
        let mut distinct = Vec::with_capacity(events.len());
        for event in events {
            match first.insert(&event.id, event) {
                None => distinct.push(event),
                Some(other) if other.metadata.origin == event.metadata.origin => {}
                Some(_) => return Err(conflict("event", &event.id)),
            }
        }
        // Searches know of events that happened in another month, by what another request said.
        let ids: Vec<String> = distinct.iter().map(|event| event.id.clone()).collect();
        let known = self.find_origins(&ids).await?;
        let mut new = Vec::new();
        for event in distinct {
            match known.get(&event.id) {
                None => new.push(event),
                Some(origin) if *origin == event.metadata.origin => {}
                Some(_) => return Err(conflict("event", &event.id)),
            }
        }
        let month = |event: &Event| Month::of(EventKey::of(event).microseconds);
        for month in new.iter().map(|event| month(event)).collect::<HashSet<_>>() {
            self.make_month(month).await?;
        }
        let place = |event: &Event| Place {
            index: self.names.of(Index::Events(month(event))),
            id: server_id(&event.id),
        };
        let mut writes = Vec::with_capacity(new.len());
        for event in &new {
            writes.push(write(&place(event), Over::Nothing, Some(&Stored::event(event)?))?);
        }
        let written = self.client.bulk(&writes, self.refreshes()).await?;
        let there = new.iter().zip(&written).filter(|(_, written)| **written == Written::Conflict);
        let there: Vec<&Event> = there.map(|(event, _)| *event).collect();
        let places: Vec<Place> = there.iter().map(|event| place(event)).collect();
        let mut taken = None;
        for (event, found) in there.iter().zip(self.client.get(&places).await?) {
            let stored = found.map(|found| read::<Event>("event", &event.id, &found.stored)).transpose()?;
            let Some(stored) = stored.flatten() else { continue };
            if stored.metadata.origin != event.metadata.origin {
                taken = Some(event.id.clone());
                let mut learned = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
                learned.put(event.id.clone(), stored.metadata.origin);
            }
        }
        let mut learned = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        for event in new {
            if learned.peek(&event.id).is_none() {
                learned.put(event.id.clone(), event.metadata.origin.clone());
            }
        }
        taken.map_or(Ok(()), |id| Err(conflict("event", &id)))
    }

    /// Makes the index of a month, once.
    async fn make_month(&self, month: Month) -> Result<(), StoreError> {
        if self.months.lock().unwrap_or_else(PoisonError::into_inner).contains(&month) {
            return Ok(());
        }
        self.make_index(Index::Events(month)).await?;
        self.months.lock().unwrap_or_else(PoisonError::into_inner).insert(month);
        Ok(())
    }
}
