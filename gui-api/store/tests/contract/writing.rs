//! Batches: written whole, once, and never over another's.

use tideline_store::{Batch, StoreError};

use crate::backend::Backend;
use crate::fixtures::*;

pub(crate) async fn a_written_batch_is_read_back_whole(backend: &impl Backend) {
    let store = backend.open().await;
    let batch = Batch {
        events: vec![event("event-1"), event("event-2")],
        sessions: vec![session("session-1")],
        profiles: vec![profile("profile-1")],
        ..Batch::default()
    };
    store.write(batch.clone()).await.unwrap();

    assert_eq!(store.event("event-1").await.unwrap().unwrap(), batch.events[0]);
    assert_eq!(store.event("event-2").await.unwrap().unwrap(), batch.events[1]);
    assert_eq!(store.session("session-1").await.unwrap().unwrap(), batch.sessions[0].document);
    assert_eq!(store.profile("profile-1").await.unwrap().unwrap(), batch.profiles[0].document);
    assert_eq!(stored_session(&*store, "session-1").await.document, batch.sessions[0].document);
    assert_eq!(stored_profile(&*store, "profile-1").await.document, batch.profiles[0].document);
    assert_eq!(ids(&store.events(all()).await.unwrap()), ["event-2", "event-1"]);
    let origins = store.origins(&["event-1".to_owned(), "nobody".to_owned()]).await.unwrap();
    assert_eq!(origins.into_iter().collect::<Vec<_>>(), [("event-1".to_owned(), origin("1-0"))]);
    store.ready().await.unwrap();
}

pub(crate) async fn what_is_not_there_is_none(backend: &impl Backend) {
    let store = backend.open().await;
    let nobody = ["nobody".to_owned()];
    assert_eq!(store.event("nobody").await.unwrap(), None);
    assert_eq!(store.session("nobody").await.unwrap(), None);
    assert_eq!(store.profile("nobody").await.unwrap(), None);
    assert!(store.origins(&nobody).await.unwrap().is_empty());
    let states = store.states(&nobody, &nobody).await.unwrap();
    assert!(states.sessions.is_empty() && states.profiles.is_empty());
    let page = store.events(all()).await.unwrap();
    assert!(page.events.is_empty() && page.next.is_none());
    assert!(store.sources().await.unwrap().is_empty());
    store.ready().await.unwrap();
}

pub(crate) async fn writing_a_batch_again_changes_nothing(backend: &impl Backend) {
    let store = backend.open().await;
    store.write(events([event("event-1"), event("event-2")])).await.unwrap();
    let mut again = event("event-1");
    again.name = "Changed".to_owned();
    store.write(events([again, event("event-2"), event("event-3")])).await.unwrap();

    assert_eq!(ids(&store.events(all()).await.unwrap()), ["event-3", "event-2", "event-1"]);
    assert_eq!(store.event("event-1").await.unwrap().unwrap(), event("event-1"));
}

pub(crate) async fn an_event_of_another_origin_conflicts_and_stays_as_it_was(backend: &impl Backend) {
    let store = backend.open().await;
    store.write(events([event("event-1")])).await.unwrap();
    let mut other = event("event-1");
    other.metadata.origin = origin("2-0");
    let batch = Batch { profiles: vec![profile("profile-1")], ..events([event("event-2"), other]) };

    let refused = store.write(batch).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Conflict { kind: "event", id } if id == "event-1"), "{refused:?}");
    assert_eq!(store.event("event-1").await.unwrap().unwrap(), event("event-1"));
    assert_eq!(store.profile("profile-1").await.unwrap(), None, "its states are not written");
}

pub(crate) async fn an_event_twice_in_a_batch_is_stored_once(backend: &impl Backend) {
    let store = backend.open().await;
    store.write(events([event("event-1"), event("event-1")])).await.unwrap();
    assert_eq!(ids(&store.events(all()).await.unwrap()), ["event-1"]);

    let mut other = event("event-2");
    other.metadata.origin = origin("2-0");
    let refused = store.write(events([event("event-2"), other])).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { kind: "event", .. }));
}

pub(crate) async fn a_batch_of_which_only_the_events_were_written_is_completed(backend: &impl Backend) {
    let store = backend.open().await;
    // What a crash between the two leaves.
    store.write(events([event("event-1"), event("event-2")])).await.unwrap();
    let batch = Batch {
        sessions: vec![session("session-1")],
        profiles: vec![profile("profile-1")],
        ..events([event("event-1"), event("event-2")])
    };
    store.write(batch.clone()).await.unwrap();
    assert_eq!(store.session("session-1").await.unwrap().unwrap(), batch.sessions[0].document);
    assert_eq!(store.profile("profile-1").await.unwrap().unwrap(), batch.profiles[0].document);
    assert_eq!(ids(&store.events(all()).await.unwrap()), ["event-2", "event-1"]);
}

pub(crate) async fn an_event_is_known_in_whatever_month_it_is(backend: &impl Backend) {
    let store = backend.open().await;
    let months =
        ["2024-01-31T23:59:59.999Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z"];
    let written: Vec<_> = months.iter().map(|month| event_at(month, time(month))).collect();
    store.write(events(written.clone())).await.unwrap();

    let wanted: Vec<String> = months.iter().map(|&month| month.to_owned()).collect();
    assert_eq!(store.origins(&wanted).await.unwrap().len(), 4);
    for event in &written {
        assert_eq!(store.event(&event.id).await.unwrap().as_ref(), Some(event));
    }
    // The same event with another time: a client that sends it again need not know when it first did.
    let moved = event_at(months[0], time(TIME));
    store.write(events([moved])).await.unwrap();
    assert_eq!(store.events(all()).await.unwrap().events.len(), 4);
    assert_eq!(store.event(months[0]).await.unwrap().as_ref(), Some(&written[0]));
}

pub(crate) async fn an_empty_batch_is_written(backend: &impl Backend) {
    let store = backend.open().await;
    store.write(Batch::default()).await.unwrap();
}
