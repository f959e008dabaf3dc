//! Lists of events: filters, order, pages.

use jiff::ToSpan;
use tideline_model::{Event, ProfileReference, Reference, SessionReference};
use tideline_store::{EventFilter, EventKey, EventQuery, MAX_PAGE, MAX_PAGE_BYTES, Store};

use crate::backend::Backend;
use crate::fixtures::*;

pub(crate) async fn filters_match_exactly_and_together(backend: &impl Backend) {
    let store = backend.open().await;
    let mut written = Vec::new();
    for (number, r#type) in (0..).zip(["page-view", "Page-View", "page", "view", "page-view", ""]) {
        let mut event = event(&format!("event-{number}"));
        event.r#type = r#type.to_owned();
        event.source = Reference::to(if number % 2 == 0 { "shop-web" } else { "shop app" });
        event.session = Some(SessionReference::to(format!("session-{}", number % 3)));
        event.profile = Some(ProfileReference::to(format!("profile-{}", number / 3)));
        written.push(event);
    }
    store.write(events(written.clone())).await.unwrap();

    let some = |value: &str| Some(value.to_owned());
    let none = EventFilter::default;
    for filter in [
        none(),
        EventFilter { r#type: some("page-view"), ..none() },
        EventFilter { r#type: some("page"), ..none() },
        EventFilter { r#type: some(""), ..none() },
        EventFilter { r#type: some("nothing"), ..none() },
        EventFilter { source: some("shop app"), ..none() },
        EventFilter { source: some("shop"), ..none() },
        EventFilter { session: some("session-1"), ..none() },
        EventFilter { profiles: Vec::from_iter(some("profile-0")), ..none() },
        EventFilter { r#type: some("page-view"), profiles: Vec::from_iter(some("profile-1")), ..none() },
        EventFilter {
            r#type: some("view"),
            source: some("shop app"),
            session: some("session-0"),
            profiles: Vec::from_iter(some("profile-1")),
        },
    ] {
        let mut expected: Vec<&Event> = written.iter().filter(|event| filter.matches(event)).collect();
        expected.reverse();
        let page = store.events(filtered(filter.clone())).await.unwrap();
        assert_eq!(page.events.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

pub(crate) async fn an_event_of_nobody_and_without_session_is_listed_and_matches_no_id(
    backend: &impl Backend,
) {
    let store = backend.open().await;
    let mut nobodys = event("event-1");
    (nobodys.session, nobodys.profile) = (None, None);
    store.write(events([nobodys.clone(), event("event-2")])).await.unwrap();

    assert_eq!(store.event("event-1").await.unwrap(), Some(nobodys.clone()));
    assert_eq!(ids(&store.events(all()).await.unwrap()), ["event-2", "event-1"]);
    for id in ["", "profile-1", "session-1", "null"].map(|id| Some(id.to_owned())) {
        for filter in [
            EventFilter { profiles: Vec::from_iter(id.clone()), ..EventFilter::default() },
            EventFilter { session: id.clone(), ..EventFilter::default() },
        ] {
            assert!(!filter.matches(&nobodys), "{filter:?}");
            let page = store.events(filtered(filter.clone())).await.unwrap();
            assert!(!page.events.contains(&nobodys), "{filter:?}");
        }
    }
}

/// A thousand events over five months, 50 at a time in one microsecond, written out of order.
async fn thousand(store: &dyn Store) -> Vec<EventKey> {
    let mut written: Vec<Event> = (0..1_000_i64)
        .map(|number| {
            let shuffled = number * 617 % 1_000;
            let insert = time("2026-07-15T00:00:00Z") + (shuffled / 50 * 7 * 24).hours();
            event_at(&format!("event-{:04}", shuffled * 31 % 1_000), insert)
        })
        .collect();
    for batch in written.chunks(130) {
        store.write(events(batch.to_vec())).await.unwrap();
    }
    written.sort_by_key(|event| std::cmp::Reverse(EventKey::of(event)));
    written.iter().map(EventKey::of).collect()
}

pub(crate) async fn pages_join_without_gap_or_repetition(backend: &impl Backend) {
    let store = backend.open().await;
    let expected = thousand(&*store).await;
    for limit in [7, 50, 100, MAX_PAGE] {
        let keys = keys_of_all_pages(&*store, EventQuery { limit, ..EventQuery::default() }).await;
        assert_eq!(keys, expected, "pages of {limit}");
    }
    // From any place, there or not.
    for key in [&expected[0], &expected[333], &expected[999]] {
        for id in [key.id.clone(), format!("{}-", key.id), String::new()] {
            let after = EventKey { id, ..key.clone() };
            let rest: Vec<EventKey> = expected.iter().filter(|&key| *key < after).cloned().collect();
            let keys = keys_of_all_pages(&*store, EventQuery { after: Some(after), ..all() }).await;
            assert_eq!(keys, rest);
        }
    }
}

pub(crate) async fn events_of_one_microsecond_are_ordered_by_id(backend: &impl Backend) {
    let store = backend.open().await;
    // The finer part of the time does not count.
    store
        .write(events([
            event_at("b", time("2026-11-22T10:00:00.001000Z")),
            event_at("c", time("2026-11-22T10:00:00.001000999Z")),
        ]))
        .await
        .unwrap();
    store.write(events([event_at("a", time("2026-11-22T10:00:00.0010009Z")), event("z")])).await.unwrap();
    assert_eq!(ids(&store.events(all()).await.unwrap()), ["c", "b", "a", "z"]);

    let keys = keys_of_all_pages(&*store, EventQuery { limit: 1, ..EventQuery::default() }).await;
    assert_eq!(keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["c", "b", "a", "z"]);
}

pub(crate) async fn a_page_that_ends_with_the_list_is_the_last(backend: &impl Backend) {
    let store = backend.open().await;
    store.write(events([event("a"), event("b"), event_at("c", time("2026-09-01T00:00:00Z"))])).await.unwrap();
    let page = store.events(EventQuery { limit: 3, ..EventQuery::default() }).await.unwrap();
    assert_eq!((ids(&page), page.next.is_none()), (vec!["b", "a", "c"], true));
    let page = store.events(EventQuery { limit: 2, ..EventQuery::default() }).await.unwrap();
    assert_eq!(page.next, Some(EventKey::of(&event("a"))));
}

pub(crate) async fn times_bound_the_list_from_and_before(backend: &impl Backend) {
    let store = backend.open().await;
    let times = [
        "2026-10-31T23:59:59.999Z",
        "2026-11-01T00:00:00Z",
        "2026-11-01T00:00:00.001Z",
        "2026-12-01T00:00:00Z",
    ];
    store.write(events(times.map(|at| event_at(at, time(at))))).await.unwrap();

    for (from, to, expected) in [
        (None, None, vec![3, 2, 1, 0]),
        (Some(times[1]), None, vec![3, 2, 1]),
        (None, Some(times[1]), vec![0]),
        (Some(times[1]), Some(times[2]), vec![1]),
        (Some(times[1]), Some(times[3]), vec![2, 1]),
        (Some(times[1]), Some(times[1]), vec![]),
        (Some(times[3]), Some(times[0]), vec![]),
        (Some("2026-11-01T00:00:00.0001Z"), Some("2026-11-01T00:00:00.0011Z"), vec![2]),
        (Some("-009999-01-02T01:59:59Z"), Some("9999-12-30T22:00:00Z"), vec![3, 2, 1, 0]),
    ] {
        let query = EventQuery { from: from.map(time), to: to.map(time), ..all() };
        let page = store.events(query).await.unwrap();
        let expected: Vec<&str> = expected.into_iter().map(|place: usize| times[place]).collect();
        assert_eq!(ids(&page), expected, "from {from:?} to {to:?}");
    }
    // Bounds and pages together.
    let query = EventQuery {
        from: Some(time(times[1])),
        to: Some(time(times[3])),
        limit: 1,
        ..EventQuery::default()
    };
    assert_eq!(keys_of_all_pages(&*store, query).await.len(), 2);
}

pub(crate) async fn a_page_is_never_longer_than_the_most(backend: &impl Backend) {
    let store = backend.open().await;
    store.write(events((0..=MAX_PAGE).map(|number| event(&number.to_string())))).await.unwrap();
    let page = store.events(EventQuery { limit: 100_000, ..EventQuery::default() }).await.unwrap();
    assert_eq!(page.events.len(), MAX_PAGE);
    assert!(page.next.is_some());
}

fn large_event(id: &str, insert: &str, bytes: usize) -> Event {
    let mut event = event_at(id, time(insert));
    event.properties.insert("text".to_owned(), "x".repeat(bytes).into());
    event
}

pub(crate) async fn pages_of_large_events_are_short_and_join(backend: &impl Backend) {
    let store = backend.open().await;
    let bytes = MAX_PAGE_BYTES / 10;
    let written: Vec<Event> = (0..36)
        .map(|number| {
            let month = if number < 18 { "2026-10-05T00:00:00Z" } else { "2026-11-05T00:00:00Z" };
            large_event(&format!("event-{number:02}"), month, bytes)
        })
        .collect();
    for batch in written.chunks(9) {
        store.write(events(batch.to_vec())).await.unwrap();
    }

    let mut expected: Vec<EventKey> = written.iter().map(EventKey::of).collect();
    expected.reverse();
    let page = store.events(all()).await.unwrap();
    assert_eq!(page.events.len(), 10, "each has a tenth of a page and a little more");
    assert_eq!(page.next.as_ref(), Some(&expected[9]));
    for limit in [3, MAX_PAGE] {
        let keys = keys_of_all_pages(&*store, EventQuery { limit, ..all() }).await;
        assert_eq!(keys, expected, "pages of {limit}");
    }
}

pub(crate) async fn an_event_larger_than_a_page_is_a_page(backend: &impl Backend) {
    let store = backend.open().await;
    let large = ["a", "b"].map(|id| large_event(id, TIME, MAX_PAGE_BYTES + 1));
    store.write(events(large)).await.unwrap();
    let first = store.events(all()).await.unwrap();
    assert_eq!((ids(&first), first.next.is_some()), (vec!["b"], true));
    let last = store.events(EventQuery { after: first.next, ..all() }).await.unwrap();
    assert_eq!((ids(&last), last.next.is_none()), (vec!["a"], true));
}
