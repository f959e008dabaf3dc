//! Lists of events that match a filter: the same as in memory, however they are read (`docs/filter.md` §5).

use jiff::{Timestamp, ToSpan};
use serde_json::json;
use tideline_filter::{Document, Documents, Filter, Prepared};
use tideline_model::{Event, ProfileReference, Reference, SessionReference};
use tideline_store::{EventFilter, EventKey, EventQuery};

use crate::backend::Backend;
use crate::fixtures::*;

/// A filter, used at [`TIME`].
pub(crate) fn prepared(filter: &str) -> Option<Prepared> {
    let filter = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    Some(Prepared::at(&filter, time(TIME)))
}

pub(crate) const FILTERS: [&str; 24] = [
    "id = \"event-007\"",
    "id IN (\"event-007\", \"event-100\", \"none\") OR id = \"event-200\"",
    "type = \"purchase\"",
    "type = \"purchase\" OR type = \"page-view\" AND source.id = \"app\"",
    "type != \"purchase\" AND NOT source.id = \"app\"",
    "type CONTAINS \"CHASE\"",
    "session.id = \"2026-11-22\"",
    "profile.id IS NULL",
    "session.id IS NULL AND profile.id = \"p-1\"",
    "metadata.time.insert >= now-30d",
    "metadata.time.insert < 2026-10-01 OR metadata.time.insert > 2026-11-22T09:00:00Z",
    "metadata.time.insert = 2026-11-22T10:00:00Z",
    "metadata.time.insert BETWEEN now-60d AND today AND properties.total > 50",
    "NOT metadata.time.insert > 2026-10-01",
    "metadata.time.insert > now AND metadata.time.insert < now",
    "properties.total >= 99.50",
    "properties.items.name = \"shoe\" AND properties.items.price < 20",
    "properties[\"odd key\"] EXISTS",
    "properties.note EMPTY AND type = \"purchase\"",
    "hit.url ENDS WITH \"/\" AND \"red shoe\"",
    "\"nothing has this word\"",
    "properties.who = event@profile.id",
    "profile@id EXISTS",
    "tags.values IN (\"even\")",
];

/// Three hundred events over five months, some in one microsecond.
pub(crate) fn many() -> Vec<Event> {
    (0..300_i64)
        .map(|number| {
            let insert: Timestamp = time(TIME) - (number / 3 * 37).hours();
            let mut event = event_at(&format!("event-{number:03}"), insert);
            event.r#type = ["page-view", "purchase", "Purchase", "search"][(number % 4) as usize].to_owned();
            event.source = Reference::to(["app", "shop-web", "Shop"][(number % 3) as usize]);
            let session = ["2026-11-22", "2026-11-22T00:00:00Z", "s"][(number / 2 % 3) as usize];
            event.session = (number % 5 != 0).then(|| SessionReference::to(session));
            event.profile = (number % 7 != 0).then(|| ProfileReference::to(format!("p-{}", number % 9)));
            event.tags.values = vec![if number % 2 == 0 { "even" } else { "odd" }.to_owned()];
            let properties = json!({
                "total": number, "who": format!("p-{}", number % 10), "note": if number % 11 == 0 { "x" } else { " " },
                "items": [{"name": "red shoe", "price": number % 50}, {"name": "shoe", "price": 19.5}],
                "odd key": if number % 13 == 0 { json!(1) } else { json!(null) }
            });
            event.properties = properties.as_object().unwrap().clone().into_iter().collect();
            event
        })
        .collect()
}

pub(crate) async fn a_filter_finds_what_it_matches_in_memory_on_pages_of_any_length(backend: &impl Backend) {
    let store = backend.open().await;
    let written = many();
    store.write(events(written.clone())).await.unwrap();
    let mut found = 0;
    for filter in FILTERS {
        let r#where = prepared(filter);
        let mut expected: Vec<EventKey> = written
            .iter()
            .filter(|event| {
                let event = serde_json::to_value(event).unwrap();
                r#where.as_ref().unwrap().matches(&Documents::only(Document::Event, &event))
            })
            .map(EventKey::of)
            .collect();
        expected.sort_by(|one, other| other.cmp(one));
        for limit in [200, 7] {
            let query = EventQuery { r#where: r#where.clone(), limit, ..EventQuery::default() };
            assert_eq!(keys_of_all_pages(store.as_ref(), query).await, expected, "{filter}");
        }
        found += usize::from(!expected.is_empty());
    }
    assert_eq!(found, FILTERS.len() - 3, "a filter that finds nothing proves little");
}

pub(crate) async fn a_filter_goes_together_with_ids_and_times(backend: &impl Backend) {
    let store = backend.open().await;
    store.write(events(many())).await.unwrap();
    let query = EventQuery {
        filter: EventFilter { r#type: Some("purchase".to_owned()), ..EventFilter::default() },
        from: Some(time("2026-11-01T00:00:00Z")),
        r#where: prepared("properties.total < 40 AND metadata.time.insert < 2026-11-21"),
        ..all()
    };
    let page = store.events(query).await.unwrap();
    assert_eq!(
        ids(&page),
        [
            "event-005",
            "event-009",
            "event-013",
            "event-017",
            "event-021",
            "event-025",
            "event-029",
            "event-033",
            "event-037"
        ]
    );
}

pub(crate) async fn an_event_that_cannot_match_a_filter_is_not_found_by_its_id(backend: &impl Backend) {
    let store = backend.open().await;
    // Ids that are longer than what is indexed of them, and differ in their end.
    let (one, other) = ("x".repeat(2_000), format!("{}y", "x".repeat(1_999)));
    store.write(events([event(&one), event(&other)])).await.unwrap();
    let query = EventQuery { r#where: prepared(&format!("id = \"{one}\"")), ..all() };
    assert_eq!(ids(&store.events(query).await.unwrap()), [one]);
}
