//! Lists of events: newest first, a page at a time, by key.
//!
//! Partitions are read newest first, and of each only the columns of times and ids until the events of
//! the page are known. So a page costs memory for itself alone, and a scan of what matches at the worst.
//! It is bounded in events and in bytes: documents are read one by one until either is enough.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::{Bound, Range};
use std::path::Path;

use jiff::Timestamp;
use tantivy::columnar::{Column, StrColumn};
use tantivy::query::{AllQuery, BooleanQuery, EnableScoring, Query, TermQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocId, Searcher, SegmentReader, TantivyError};
use tideline_filter::{Document, Documents, Prepared, narrowing};
use tideline_model::Event;

use super::event_schema::{self, EventSchema, keyword};
use super::lookup::stored;
use super::month::Month;
use super::partitions::Partitions;
use super::scan::{Scan, times_of};
use super::{damage, fault};
use crate::{EventFilter, EventKey, EventPage, EventQuery, MAX_PAGE, MAX_PAGE_BYTES, StoreError};

/// The field that lists are ordered by.
const TIME: &[&str] = &["metadata", "time", "insert"];

/// The page that `query` asks for.
pub(super) fn newest_first(
    partitions: &Partitions,
    query: &EventQuery,
    mut scan: Scan,
) -> Result<EventPage, StoreError> {
    let mut page = Page::of(query);
    let mut bounds = Bounds::of(query);
    let filter = filter(&partitions.schema, query);
    for month in partitions.months()? {
        if !bounds.months().contains(&month) {
            continue;
        }
        let Some(searcher) = partitions.searcher(month)? else { continue };
        let path = partitions.path(month);
        let fault = |error: TantivyError| fault::index(&path, &error);
        loop {
            // Without a condition one more than the page has, to know whether another follows.
            let wanted = if page.r#where.is_some() { scan.next_round() } else { page.room() + 1 };
            let places = places(&searcher, filter.as_ref(), &bounds, wanted).map_err(fault)?;
            let is_last = places.len() < wanted;
            for Place { microseconds, id, address } in places {
                if page.is_full() || (page.r#where.is_some() && scan.is_over()) {
                    return Ok(EventPage { events: page.events, next: page.last });
                }
                let document = stored(&searcher, address).map_err(fault)?;
                page.take(partitions.schema.json(&document), EventKey { microseconds, id }, &path);
                scan.count();
            }
            if is_last {
                break;
            }
            bounds.after(page.last.as_ref());
        }
    }
    Ok(EventPage { events: page.events, next: None })
}

/// A page that is being filled.
struct Page<'a> {
    wanted: usize,
    r#where: Option<&'a Prepared>,
    events: Vec<Event>,
    /// Of the events that belong to it, readable or not.
    count: usize,
    bytes: usize,
    /// The last event that was looked at.
    last: Option<EventKey>,
}

impl<'a> Page<'a> {
    fn of(query: &'a EventQuery) -> Self {
        let wanted = query.limit.clamp(1, MAX_PAGE);
        Self { wanted, r#where: query.r#where.as_ref(), events: Vec::new(), count: 0, bytes: 0, last: None }
    }

    fn room(&self) -> usize {
        self.wanted - self.count
    }

    fn is_full(&self) -> bool {
        self.count == self.wanted || self.bytes >= MAX_PAGE_BYTES
    }

    /// Adds an event, if it matches.
    fn take(&mut self, json: &str, key: EventKey, path: &Path) {
        match read(json, self.r#where) {
            Ok(None) => self.last = Some(key),
            Ok(Some(event)) => {
                self.last = Some(EventKey::of(&event));
                self.events.push(event);
                self.count += 1;
                self.bytes += json.len();
            }
            Err(error) => {
                // It is logged; it must not keep anybody from the others.
                let _ = damage::found(path, "event", &key.id, &error);
                self.last = Some(key);
                self.count += 1;
                self.bytes += json.len();
            }
        }
    }
}

/// The event, if it fulfils the condition.
fn read(json: &str, condition: Option<&Prepared>) -> serde_json::Result<Option<Event>> {
    if let Some(condition) = condition {
        let event = serde_json::from_str(json)?;
        if !condition.matches(&Documents::only(Document::Event, &event)) {
            return Ok(None);
        }
    }
    serde_json::from_str(json).map(Some)
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
        let condition = query.r#where.as_ref();
        let times =
            condition.map_or(i64::MIN..i64::MAX, |condition| times_of(condition, Document::Event, TIME));
        let mut bounds = Self { times: from.max(times.start)..to.min(times.end), after: None };
        bounds.after(query.after.as_ref());
        bounds
    }

    /// Only what comes after this event.
    fn after(&mut self, event: Option<&EventKey>) {
        if let Some(event) = event {
            self.times.end = self.times.end.min(event.microseconds.saturating_add(1));
            self.after = Some(event.clone());
        }
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

/// What the index says of the events that are wanted. It may find more than match the condition, and never fewer.
fn filter(schema: &EventSchema, query: &EventQuery) -> Box<dyn Query> {
    let EventFilter { r#type, source, session, profiles } = &query.filter;
    let fields: [(Field, &[String], &[&str]); 5] = [
        (schema.id, &[], &["id"]),
        (schema.r#type, r#type.as_slice(), &["type"]),
        (schema.source, source.as_slice(), &["source", "id"]),
        (schema.session, session.as_slice(), &["session", "id"]),
        (schema.profile, profiles, &["profile", "id"]),
    ];
    let mut parts: Vec<Box<dyn Query>> = Vec::new();
    for (field, values, steps) in fields {
        let term = |value: &str| -> Box<dyn Query> {
            Box::new(TermQuery::new(EventSchema::term(field, value), IndexRecordOption::Basic))
        };
        match values {
            [] => {}
            [value] => parts.push(term(value)),
            values => {
                parts.push(Box::new(BooleanQuery::union(values.iter().map(|value| term(value)).collect())))
            }
        }
        let texts = query
            .r#where
            .as_ref()
            .and_then(|condition| narrowing::texts(condition.expression(), Document::Event, steps));
        if let Some(texts) = texts {
            parts.push(Box::new(BooleanQuery::union(texts.into_iter().map(term).collect())));
        }
    }
    if parts.is_empty() { Box::new(AllQuery) } else { Box::new(BooleanQuery::intersection(parts)) }
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
