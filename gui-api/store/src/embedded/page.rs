//! Lists of events: newest first, a page at a time, by key.
//!
//! Partitions are read newest first, and of each only the columns of times and ids until the events of
//! the page are known. So a page costs memory for itself alone, and a scan of what matches at the worst.
//! It is bounded in events and in bytes: documents are read one by one until either is enough.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::{Bound, Range};

use jiff::Timestamp;
use tantivy::columnar::{Column, StrColumn};
use tantivy::query::{AllQuery, BooleanQuery, EnableScoring, Query, TermQuery, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocId, Searcher, SegmentReader, TantivyError};
use tideline_model::Event;

use super::event_schema::{self, EventSchema, keyword};
use super::lookup::stored;
use super::month::Month;
use super::partitions::Partitions;
use super::{damage, fault};
use crate::{EventFilter, EventKey, EventPage, EventQuery, MAX_PAGE, MAX_PAGE_BYTES, StoreError};

/// The page that `query` asks for.
pub(super) fn newest_first(partitions: &Partitions, query: &EventQuery) -> Result<EventPage, StoreError> {
    let wanted = query.limit.clamp(1, MAX_PAGE);
    let bounds = Bounds::of(query);
    let filter = filter(&partitions.schema, &query.filter);
    let mut events: Vec<Event> = Vec::new();
    // Of the events that were read, readable or not.
    let (mut count, mut bytes, mut last) = (0, 0, None);
    for month in partitions.months()? {
        if !bounds.months().contains(&month) {
            continue;
        }
        let Some(searcher) = partitions.searcher(month)? else { continue };
        // One more than the page, to know whether another follows.
        let missing = wanted + 1 - count;
        let path = partitions.path(month);
        let places = places(&searcher, filter.as_ref(), &bounds, missing)
            .map_err(|error| fault::index(&path, &error))?;
        for Place { microseconds, id, address } in places {
            if count == wanted || bytes >= MAX_PAGE_BYTES {
                return Ok(EventPage { events, next: last });
            }
            let document = stored(&searcher, address).map_err(|error| fault::index(&path, &error))?;
            let json = partitions.schema.json(&document);
            count += 1;
            bytes += json.len();
            last = Some(match serde_json::from_str(json) {
                Ok(event) => {
                    let key = EventKey::of(&event);
                    events.push(event);
                    key
                }
                Err(error) => {
                    // It was logged; it must not keep anybody from the others.
                    let _ = damage::found(&path, "event", &id, &error);
                    EventKey { microseconds, id }
                }
            });
        }
    }
    Ok(EventPage { events, next: None })
}

/// The part of the list that is asked for.
struct Bounds {
    /// Event times, in microseconds.
    times: Range<i64>,
    after: Option<EventKey>,
}

impl Bounds {
    fn of(query: &EventQuery) -> Self {
        let from = query.from.map_or(i64::MIN, round_up);
        let to = query.to.map_or(i64::MAX, round_up);
        let to = query.after.as_ref().map_or(to, |after| to.min(after.microseconds.saturating_add(1)));
        Self { times: from..to, after: query.after.clone() }
    }

    fn months(&self) -> std::ops::RangeInclusive<Month> {
        Month::of(self.times.start)..=Month::of(self.times.end.saturating_sub(1))
    }
}

/// Events count by whole microseconds: one is at or after a time when it is at or after this.
fn round_up(time: Timestamp) -> i64 {
    let microseconds = time.as_microsecond();
    let whole = Timestamp::from_microsecond(microseconds).is_ok_and(|whole| whole >= time);
    if whole { microseconds } else { microseconds.saturating_add(1) }
}

fn filter(schema: &EventSchema, filter: &EventFilter) -> Box<dyn Query> {
    let parts = [
        (schema.r#type, &filter.r#type),
        (schema.source, &filter.source),
        (schema.session, &filter.session),
        (schema.profile, &filter.profile),
    ];
    let terms: Vec<Box<dyn Query>> = parts
        .into_iter()
        .filter_map(|(field, value)| value.as_ref().map(|value| EventSchema::term(field, value)))
        .map(|term| -> Box<dyn Query> { Box::new(TermQuery::new(term, IndexRecordOption::Basic)) })
        .collect();
    if terms.is_empty() { Box::new(AllQuery) } else { Box::new(BooleanQuery::intersection(terms)) }
}

/// Where an event of the page is. Ordered as lists are, from the last to the first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    microseconds: i64,
    id: String,
    address: DocAddress,
}

/// The first `limit` events of a partition, in the order of lists.
fn places(
    searcher: &Searcher,
    filter: &dyn Query,
    bounds: &Bounds,
    limit: usize,
) -> Result<Vec<Place>, TantivyError> {
    let weight = filter.weight(EnableScoring::disabled_from_searcher(searcher))?;
    let mut segments = Vec::new();
    for (ordinal, reader) in (0..).zip(searcher.segment_readers()) {
        segments.push(Segment::open(ordinal, reader)?);
    }
    // Newest first: as soon as the page is full, segments that are older as a whole are left out.
    segments.sort_unstable_by_key(|segment| Reverse(segment.times.max_value()));

    let mut places: Vec<Place> = Vec::new();
    for segment in segments {
        let oldest = if places.len() == limit { places.last().map(|place| place.microseconds) } else { None };
        let floor = oldest.unwrap_or(i64::MIN).max(bounds.times.start);
        let newest = segment.times.max_value();
        if newest < floor || segment.times.min_value() >= bounds.times.end {
            continue;
        }
        segment.collect(weight.as_ref(), bounds, floor, limit, &mut places)?;
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.truncate(limit);
    }
    Ok(places)
}

/// The columns of one segment.
struct Segment<'a> {
    ordinal: u32,
    reader: &'a SegmentReader,
    times: Column<i64>,
    ids: StrColumn,
}

impl<'a> Segment<'a> {
    fn open(ordinal: u32, reader: &'a SegmentReader) -> Result<Self, TantivyError> {
        let columns = reader.fast_fields();
        let missing = || TantivyError::FieldNotFound(event_schema::ID.to_owned());
        let ids = columns.str(event_schema::ID)?.ok_or_else(missing)?;
        Ok(Self { ordinal, reader, times: columns.i64(event_schema::TIME)?, ids })
    }

    /// Adds the first `limit` events of this segment to `places`.
    fn collect(
        &self,
        weight: &dyn Weight,
        bounds: &Bounds,
        floor: i64,
        limit: usize,
        places: &mut Vec<Place>,
    ) -> Result<(), TantivyError> {
        // Within a segment ids compare as their ordinals do.
        let end = match &bounds.after {
            Some(after) => {
                let id = keyword(&after.id);
                let first = (Bound::Included(id.as_bytes()), Bound::Unbounded);
                let (first, _) = self.ids.dictionary().term_bounds_to_ord(first.0, first.1)?;
                let ordinal = if let Bound::Included(ordinal) = first { ordinal } else { u64::MAX };
                (after.microseconds, ordinal)
            }
            None => (i64::MAX, u64::MAX),
        };
        let mut heap: BinaryHeap<Reverse<(i64, u64, DocId)>> = BinaryHeap::with_capacity(limit + 1);
        weight.for_each_no_score(self.reader, &mut |documents| {
            for &document in documents {
                let time = self.times.first(document).unwrap_or_default();
                if time < floor || time >= bounds.times.end || self.reader.is_deleted(document) {
                    continue;
                }
                if heap.len() == limit && heap.peek().is_some_and(|Reverse(worst)| time < worst.0) {
                    continue;
                }
                let id = self.ids.ords().first(document).unwrap_or_default();
                if (time, id) < end {
                    heap.push(Reverse((time, id, document)));
                    if heap.len() > limit {
                        heap.pop();
                    }
                }
            }
        })?;
        for Reverse((microseconds, ordinal, document)) in heap {
            let mut id = String::new();
            self.ids.ord_to_str(ordinal, &mut id)?;
            places.push(Place { microseconds, id, address: DocAddress::new(self.ordinal, document) });
        }
        Ok(())
    }
}
