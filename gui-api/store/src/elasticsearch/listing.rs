//! Lists: which documents they are is found in the search index, in small; then as many are read as make a page.

use std::ops::Range;
use std::time::{Duration, Instant};

use http::Method;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tideline_filter::{Document, Documents, Prepared, narrowing};
use tideline_model::{Event, Profile};

use super::documents::Place;
use super::schema::{Index, keyword};
use super::{ElasticsearchStore, Hit, read};
use crate::{
    EventFilter, EventKey, EventPage, EventQuery, MAX_PAGE, MAX_PAGE_BYTES, ProfileKey, ProfilePage,
    ProfileQuery, SessionKey, SilentQuery, StoreError,
};

/// How many documents are found in one search for a filter that asks each of them.
const FIRST_ROUND: usize = 256;
const LONGEST_ROUND: usize = 4096;
/// How many documents are asked for one page, and for how long.
const MOST_ASKED: usize = 100_000;
const LONGEST_SCAN: Duration = Duration::from_secs(3);
/// So many bytes of documents are read in one go, and the document that reaches them.
const ROUND_BYTES: usize = MAX_PAGE_BYTES;

/// The fields that lists are ordered by.
const EVENT_TIME: &[&str] = &["metadata", "time", "insert"];
const PROFILE_TIME: &[&str] = &["metadata", "time", "update"];

/// A list of documents: its order, and what belongs to it.
struct List<'a> {
    indices: String,
    kind: &'static str,
    time: &'static str,
    filters: Vec<Value>,
    r#where: Option<(&'a Prepared, Document)>,
    limit: usize,
}

/// A place in a list: time in microseconds, and id as it is sorted by.
type Key = (i64, String);

/// What was found of a list: documents with their places, and the place of the last that was looked at, if more may follow.
struct Found<T> {
    documents: Vec<T>,
    next: Option<Key>,
}

impl ElasticsearchStore {
    pub(super) async fn event_page(&self, query: &EventQuery) -> Result<EventPage, StoreError> {
        let condition = query.r#where.as_ref();
        let times = times_of(condition, Document::Event, EVENT_TIME);
        let from = query.from.map_or(i64::MIN, round_up).max(times.start);
        let to = query.to.map_or(i64::MAX, round_up).min(times.end);
        let list = List {
            indices: self.names.events(),
            kind: "event",
            time: "time",
            filters: event_filters(&query.filter, condition, from..to),
            r#where: condition.map(|condition| (condition, Document::Event)),
            limit: query.limit.clamp(1, MAX_PAGE),
        };
        let after = query.after.as_ref().map(|key| (key.microseconds, keyword(&key.id)));
        let found = self.page::<Event>(&list, after).await?;
        let next = found.next.map(|(microseconds, id)| EventKey { microseconds, id });
        Ok(EventPage { events: found.documents, next })
    }

    pub(super) async fn profile_page(&self, query: &ProfileQuery) -> Result<ProfilePage, StoreError> {
        let condition = query.r#where.as_ref();
        let times = times_of(condition, Document::Profile, PROFILE_TIME);
        let mut filters = vec![range("updated", times)];
        if let Some(condition) = condition {
            let texts = |field| narrowing::texts(condition.expression(), Document::Profile, &[field]);
            if let Some(ids) = texts("id").or_else(|| texts("ids")) {
                filters.push(terms("ids", ids.into_iter()));
            }
        }
        let list = List {
            indices: self.names.of(Index::Profiles),
            kind: "profile",
            time: "updated",
            filters,
            r#where: condition.map(|condition| (condition, Document::Profile)),
            limit: query.limit.clamp(1, MAX_PAGE),
        };
        let after = query.after.as_ref().map(|key| (key.microseconds, keyword(&key.id)));
        let found = self.page::<Profile>(&list, after).await?;
        let next = found.next.map(|(microseconds, id)| ProfileKey { microseconds, id });
        Ok(ProfilePage { profiles: found.documents, next })
    }

    pub(super) async fn silent(&self, query: &SilentQuery) -> Result<Vec<SessionKey>, StoreError> {
        let before = query.before.as_microsecond();
        let mut body = json!({
            "size": query.limit.clamp(1, 10_000), "_source": false, "docvalue_fields": ["id", "open_since"],
            "query": {"bool": {"filter": [{"range": {"open_since": {"lt": before}}}]}},
            "sort": [{"open_since": "asc"}, {"id": "asc"}], "track_total_hits": false,
        });
        if let Some(after) = &query.after {
            body["search_after"] = json!([after.microseconds, keyword(&after.id)]);
        }
        let hits = self.search(Method::POST, &self.names.of(Index::Sessions), &body).await?;
        let key = |hit: &Hit| {
            Some(SessionKey { microseconds: hit.number("open_since")?, id: hit.text("id")?.to_owned() })
        };
        Ok(hits.iter().filter_map(key).collect())
    }

    /// A page of the list, after this place.
    async fn page<T: DeserializeOwned>(
        &self,
        list: &List<'_>,
        mut after: Option<Key>,
    ) -> Result<Found<T>, StoreError> {
        let (mut documents, mut count, mut bytes, mut asked) = (Vec::new(), 0, 0, 0);
        let (begun, mut round) = (Instant::now(), FIRST_ROUND);
        loop {
            // Without a condition one more than the page has, to know whether another follows.
            let wanted = if list.r#where.is_some() { round } else { list.limit + 1 - count };
            round = (round * 2).min(LONGEST_ROUND);
            let hits = self.hits(list, after.as_ref(), wanted).await?;
            let is_last = hits.len() < wanted;
            let mut rest = hits.as_slice();
            while !rest.is_empty() {
                let some = read_at_once(rest);
                let (now, later) = rest.split_at(some);
                let places: Vec<Place> = now.iter().map(Hit::place).collect();
                for (hit, found) in now.iter().zip(self.client.get(&places).await?) {
                    let is_over = list.r#where.is_some()
                        && asked > 0
                        && (asked >= MOST_ASKED || begun.elapsed() > LONGEST_SCAN);
                    if count == list.limit || bytes >= MAX_PAGE_BYTES || is_over {
                        return Ok(Found { documents, next: after });
                    }
                    asked += 1;
                    after = key(hit);
                    let Some(found) = found else { continue };
                    let length = found.stored.document.as_ref().map_or(0, String::len);
                    // What cannot be read is logged; it must not keep anybody from the others.
                    let Ok(document) = read::<Value>(list.kind, &hit.id, &found.stored) else {
                        (count, bytes) = (count + 1, bytes + length);
                        continue;
                    };
                    let Some(document) = document.filter(|document| matches(list, document)) else {
                        continue;
                    };
                    (count, bytes) = (count + 1, bytes + length);
                    documents.extend(serde_json::from_value(document).ok());
                }
                rest = later;
            }
            if is_last {
                return Ok(Found { documents, next: None });
            }
        }
    }

    /// Where the documents are that come next in the list.
    async fn hits(&self, list: &List<'_>, after: Option<&Key>, size: usize) -> Result<Vec<Hit>, StoreError> {
        let mut body = json!({
            "size": size, "_source": false, "docvalue_fields": ["bytes"], "track_total_hits": false,
            "query": {"bool": {"filter": list.filters}}, "sort": [{list.time: "desc"}, {"id": "desc"}],
        });
        if let Some((time, id)) = after {
            body["search_after"] = json!([time, id]);
        }
        self.search(Method::POST, &list.indices, &body).await
    }
}

/// Whether it fulfils the condition.
fn matches(list: &List<'_>, document: &Value) -> bool {
    list.r#where.is_none_or(|(condition, kind)| condition.matches(&Documents::only(kind, document)))
}

fn key(hit: &Hit) -> Option<Key> {
    let [time, id] = hit.sort.as_slice() else { return None };
    Some((time.as_i64()?, id.as_str()?.to_owned()))
}

/// How many of the first documents are read in one go.
fn read_at_once(hits: &[Hit]) -> usize {
    let (mut bytes, mut count) = (0, 0);
    for hit in hits {
        count += 1;
        bytes += usize::try_from(hit.number("bytes").unwrap_or_default()).unwrap_or_default();
        if bytes >= ROUND_BYTES {
            break;
        }
    }
    count
}

/// What the index says of the events that are wanted. It may find more than match the condition, and never fewer.
fn event_filters(filter: &EventFilter, condition: Option<&Prepared>, times: Range<i64>) -> Vec<Value> {
    let EventFilter { r#type, source, session, profiles } = filter;
    let fields: [(&str, &[String], &[&str]); 5] = [
        ("id", &[], &["id"]),
        ("type", r#type.as_slice(), &["type"]),
        ("source", source.as_slice(), &["source", "id"]),
        ("session", session.as_slice(), &["session", "id"]),
        ("profile", profiles, &["profile", "id"]),
    ];
    let mut filters = vec![range("time", times)];
    for (field, values, steps) in fields {
        if !values.is_empty() {
            filters.push(terms(field, values.iter().map(String::as_str)));
        }
        let texts =
            condition.and_then(|condition| narrowing::texts(condition.expression(), Document::Event, steps));
        if let Some(texts) = texts {
            filters.push(terms(field, texts.into_iter()));
        }
    }
    filters
}

fn terms<'a>(field: &str, values: impl Iterator<Item = &'a str>) -> Value {
    json!({"terms": {field: values.map(keyword).collect::<Vec<_>>()}})
}

fn range(field: &str, times: Range<i64>) -> Value {
    json!({"range": {field: {"gte": times.start, "lt": times.end}}})
}

/// Events count by whole microseconds: one is at or after a time when it is at or after this.
fn round_up(time: Timestamp) -> i64 {
    let microseconds = time.as_microsecond();
    let whole = Timestamp::from_microsecond(microseconds).is_ok_and(|whole| whole >= time);
    if whole { microseconds } else { microseconds.saturating_add(1) }
}

/// Between which microseconds a time has to be, so that a document may match.
fn times_of(condition: Option<&Prepared>, document: Document, time: &[&str]) -> Range<i64> {
    let Some(condition) = condition else { return i64::MIN..i64::MAX };
    let times = narrowing::times(condition.expression(), document, time, condition.now());
    let end = |to: Timestamp| to.as_microsecond().saturating_add(1);
    // Times before 1970 are rounded towards it.
    let start = |from: Timestamp| from.as_microsecond().saturating_sub(1);
    times.from.map_or(i64::MIN, start)..times.to.map_or(i64::MAX, end)
}
