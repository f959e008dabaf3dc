//! Many writers at once, and a store that is opened again.

use std::sync::Arc;

use tideline_store::{Batch, Store, StoreError};
use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::fixtures::*;

/// Counts one event in the session and the profile, as often as it takes. Part of a batch may be written, so that what
/// has counted the event already is left as it is.
async fn count(store: &dyn Store, task: u64, number: u64) {
    let (lane, entry) = (format!("lane-{task}"), (number, 0));
    loop {
        let mut session = stored_session(store, "session-1").await;
        let mut profile = stored_profile(store, "profile-1").await;
        let mut batch = events([event(&format!("event-{task}-{number}"))]);
        if session.document.applied.advance(&lane, entry) {
            session.document.stats.events += 1;
            batch.sessions.push(session);
        }
        if profile.document.applied.advance(&lane, entry) {
            profile.document.stats.views += 1;
            batch.profiles.push(profile);
        }
        match store.write(batch).await {
            Ok(()) => return,
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) async fn parallel_writers_lose_no_increment(backend: &impl Backend) {
    let store = backend.open().await;
    let states = Batch {
        sessions: vec![session("session-1")],
        profiles: vec![profile("profile-1")],
        ..Batch::default()
    };
    store.write(states).await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for number in 1..=5 {
                count(&*store, task, number).await;
            }
        });
    }
    tasks.join_all().await;

    assert_eq!(store.session("session-1").await.unwrap().unwrap().stats.events, 40);
    assert_eq!(store.profile("profile-1").await.unwrap().unwrap().stats.views, 40);
    assert_eq!(store.events(all()).await.unwrap().events.len(), 40);
}

pub(crate) async fn one_of_two_new_profiles_wins(backend: &impl Backend) {
    let store = backend.open().await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            store.write(Batch { profiles: vec![profile("profile-1")], ..Batch::default() }).await.is_ok()
        });
    }
    let won = tasks.join_all().await;
    assert_eq!(won.into_iter().filter(|&won| won).count(), 1);
}

pub(crate) async fn what_was_written_is_found_after_reopening(backend: &impl Backend) {
    let batch = Batch {
        events: vec![event("event-1"), event_at("event-2", time("2025-01-01T00:00:00Z"))],
        sessions: vec![session("session-1")],
        profiles: vec![profile("profile-1")],
        ..Batch::default()
    };
    let store = backend.open().await;
    store.write(batch.clone()).await.unwrap();
    store.put_source(source("shop-web", "Shop")).await.unwrap();
    let versions = (stored_session(&*store, "session-1").await, stored_profile(&*store, "profile-1").await);
    drop(store);

    let store = backend.open().await;
    assert_eq!(store.events(all()).await.unwrap().events, batch.events);
    let reopened = (stored_session(&*store, "session-1").await, stored_profile(&*store, "profile-1").await);
    assert_eq!(reopened, versions);
    assert_eq!(store.sources().await.unwrap(), [source("shop-web", "Shop")]);
    store.write(events(batch.events.iter().cloned().chain([event("event-3")]))).await.unwrap();
    assert_eq!(store.events(all()).await.unwrap().events.len(), 3);
}
