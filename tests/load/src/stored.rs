//! What is in the streams, against what was acknowledged.

use anyhow::{Context as _, Result};
use redis::Commands as _;
use redis::streams::{StreamId, StreamRangeReply};
use serde::{Deserialize, Serialize};
use tideline_protocol::{Lanes, StreamRecord};

use crate::acknowledged::Acknowledged;
use crate::event_ids::EventIds;
use crate::page_view::PageView;

/// Entries read at once: about a megabyte.
const PAGE: usize = 500;

/// How many ids are named of those that are not as they should be.
const EXAMPLES: usize = 10;

/// How what is stored differs from what was acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Events that were acknowledged.
    pub acknowledged: u64,
    /// Acknowledged events that are nowhere. Must be 0.
    pub lost: u64,
    /// Events that are there once more. Must be 0.
    pub doubled: u64,
    /// Stored events that nobody of the run sent, or of another source. Must be 0.
    pub foreign: u64,
    /// Stored events whose acknowledgement did not arrive: connections and processes that ended in between.
    pub unacknowledged: u64,
    /// Ids of some that are lost, doubled or foreign.
    pub examples: Vec<String>,
}

/// Compares a run with what was stored: the event source and the event ids of each entry.
pub struct Checker {
    ids: EventIds,
    source: String,
    seen: Acknowledged,
    comparison: Comparison,
}

#[derive(Deserialize)]
struct Body {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
}

impl Comparison {
    /// Every acknowledged event is stored, once, and no other.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        (self.lost, self.doubled, self.foreign) == (0, 0, 0)
    }

    fn example(&mut self, text: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text);
        }
    }
}

impl Checker {
    /// A checker of a run with these ids, of events of this source.
    #[must_use]
    pub fn new(ids: EventIds, source: &str) -> Self {
        let source = source.to_owned();
        Self { ids, source, seen: Acknowledged::default(), comparison: Comparison::default() }
    }

    /// Takes a stored event.
    pub fn stored(&mut self, source: &str, event_id: &str) {
        match self.ids.place_of(event_id) {
            Some((request, place)) if source == self.source => {
                if !self.seen.insert(self.event_number(request, place)) {
                    self.comparison.doubled += 1;
                    self.comparison.example(format!("{event_id} is stored twice"));
                }
            }
            _ => {
                self.comparison.foreign += 1;
                self.comparison.example(format!("{event_id} of {source} is none of this run"));
            }
        }
    }

    /// The result, when all that is stored was taken.
    #[must_use]
    pub fn compare(mut self, acknowledged: &Acknowledged) -> Comparison {
        for request in acknowledged.iter() {
            for (place, id) in (0..self.ids.per_request()).zip(self.ids.of_request(request)) {
                self.comparison.acknowledged += 1;
                if !self.seen.contains(self.event_number(request, place)) {
                    self.comparison.lost += 1;
                    self.comparison.example(format!("{id} is lost"));
                }
            }
        }
        let stored_of_those = self.comparison.acknowledged - self.comparison.lost;
        self.comparison.unacknowledged = self.seen.count() - stored_of_those;
        self.comparison
    }

    fn event_number(&self, request: u64, place: u32) -> u64 {
        request * u64::from(self.ids.per_request()) + u64::from(place)
    }
}

/// Compares a run of page views with the streams of an installation with the usual lanes, which nobody reads.
///
/// # Errors
/// Redis cannot be read, or holds an entry that is none.
pub fn compare(redis_url: &str, ids: EventIds, acknowledged: &Acknowledged) -> Result<Comparison> {
    let mut checker = Checker::new(ids, PageView::recorded()?.source());
    let mut redis = redis::Client::open(redis_url)?.get_connection().context("Redis cannot be reached")?;
    for lane in Lanes::new("production", "local", Lanes::DEFAULT_COUNT)?.all() {
        let mut from = "-".to_owned();
        loop {
            let page: StreamRangeReply = redis.xrange_count(lane.events(), &from, "+", PAGE)?;
            let Some(last) = page.ids.last() else { break };
            from = format!("({}", last.id);
            for entry in &page.ids {
                let record = StreamRecord::from_fields(|field| field_of(entry, field))
                    .with_context(|| format!("entry {} of {lane}", entry.id))?;
                let body: Body = serde_json::from_str(&record.body)
                    .with_context(|| format!("the body of entry {} of {lane}", entry.id))?;
                body.events.iter().for_each(|event| checker.stored(&record.source, &event.id));
            }
        }
    }
    Ok(checker.compare(acknowledged))
}

fn field_of(entry: &StreamId, name: &str) -> Option<String> {
    entry.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "shop";

    /// Requests 0 and 1 of two events each were acknowledged; these were stored, as request and place.
    fn compare_with(stored: &[(u64, usize)]) -> Comparison {
        let ids = EventIds::new(9, 2);
        let mut acknowledged = Acknowledged::default();
        acknowledged.insert(0);
        acknowledged.insert(1);
        let mut checker = Checker::new(ids, SOURCE);
        for (request, place) in stored {
            checker.stored(SOURCE, &ids.of_request(*request).nth(*place).unwrap());
        }
        checker.compare(&acknowledged)
    }

    #[test]
    fn what_is_stored_once_is_exact() {
        let comparison = compare_with(&[(1, 0), (0, 0), (0, 1), (1, 1)]);
        assert_eq!(comparison, Comparison { acknowledged: 4, ..Comparison::default() });
        assert!(comparison.is_exact());
    }

    #[test]
    fn a_lost_event_is_found_and_named() {
        let comparison = compare_with(&[(0, 0), (0, 1), (1, 0)]);
        assert_eq!((comparison.lost, comparison.doubled), (1, 0));
        assert_eq!(comparison.examples, ["00000000-0000-0009-0000-000000000003 is lost"]);
        assert!(!comparison.is_exact());
    }

    #[test]
    fn an_event_that_is_stored_twice_is_found() {
        let comparison = compare_with(&[(0, 0), (0, 1), (1, 0), (1, 1), (1, 1)]);
        assert_eq!((comparison.lost, comparison.doubled), (0, 1));
        assert!(!comparison.is_exact());
    }

    #[test]
    fn what_was_stored_and_not_acknowledged_is_no_fault() {
        let comparison = compare_with(&[(0, 0), (0, 1), (1, 0), (1, 1), (7, 0), (7, 1)]);
        assert_eq!(comparison.unacknowledged, 2);
        assert!(comparison.is_exact());
    }

    #[test]
    fn events_of_another_source_or_run_are_foreign() {
        let ids = EventIds::new(9, 1);
        let mut acknowledged = Acknowledged::default();
        acknowledged.insert(0);
        let mut checker = Checker::new(ids, SOURCE);
        checker.stored("other", &ids.of_request(0).next().unwrap());
        checker.stored(SOURCE, "an id of somebody else");
        let comparison = checker.compare(&acknowledged);
        assert_eq!((comparison.foreign, comparison.lost), (2, 1));
    }
}
