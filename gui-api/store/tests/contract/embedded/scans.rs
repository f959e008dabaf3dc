//! Reading documents for a filter: bounded, and in nobody's way (`docs/filter.md` 5.2, 5.3).

use std::time::Duration;

use tideline_store::{Batch, EmbeddedOptions, EmbeddedStore, EventQuery, ProfileQuery, Store};

use crate::backend::{Backend, Embedded};
use crate::filtering::{many, prepared};
use crate::fixtures::*;

fn store(backend: &Embedded, options: EmbeddedOptions) -> EmbeddedStore {
    EmbeddedStore::open(backend.directory.path(), options).unwrap()
}

/// Follows the pages of a filter that reads 300 events to find 4 of them; how many pages there were.
async fn pages(store: &EmbeddedStore) -> usize {
    let r#where = prepared("properties.total IN (3, 130, 131, 299)");
    let mut query = EventQuery { r#where, ..all() };
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = store.events(query.clone()).await.unwrap();
        found.extend(page.events.into_iter().map(|event| event.id));
        pages += 1;
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(found, ["event-003", "event-131", "event-130", "event-299"]);
    pages
}

#[tokio::test]
async fn a_page_ends_after_so_many_documents_or_so_long_and_the_next_goes_on_from_there() {
    let backend = Embedded::new();
    backend.open().await.write(events(many())).await.unwrap();
    let options = EmbeddedOptions { longest_scan: Duration::from_secs(3600), ..EmbeddedOptions::default() };
    assert_eq!(pages(&store(&backend, options)).await, 1);
    assert_eq!(pages(&store(&backend, EmbeddedOptions { most_scanned: 50, ..options })).await, 6);
    let no_time = EmbeddedOptions { longest_scan: Duration::ZERO, ..options };
    assert_eq!(pages(&store(&backend, no_time)).await, 300);
}

#[tokio::test]
async fn a_page_of_profiles_ends_after_so_many_documents_too() {
    let backend = Embedded::new();
    let store = store(&backend, EmbeddedOptions { most_scanned: 4, ..EmbeddedOptions::default() });
    let profiles = (0..10).map(|number| profile(&format!("profile-{number}"))).collect();
    store.write(Batch { profiles, ..Batch::default() }).await.unwrap();
    let r#where = prepared("stats.views > 0");
    let page = store.profiles(ProfileQuery { r#where, after: None, limit: 5 }).await.unwrap();
    assert!(page.profiles.is_empty());
    assert_eq!(page.next.unwrap().id, "profile-6");
    let found = crate::profiles::all_pages(&store, Some("id = \"profile-0\" OR stats.views < 0"), 5).await;
    assert!(found.iter().map(|key| key.id.as_str()).eq(["profile-0"]));
}

#[tokio::test]
async fn profiles_of_older_stores_are_listed_by_the_time_of_their_update() {
    let backend = Embedded::new();
    let mut written = [profile("old"), profile("new"), profile("newer")];
    for (profile, update) in
        written.iter_mut().zip(["2025-12-31T23:59:59Z", "2026-11-22T10:00:00Z", "2026-11-22T10:00:00.25Z"])
    {
        profile.document.metadata.time.update = time(update);
    }
    backend.open().await.write(Batch { profiles: written.to_vec(), ..Batch::default() }).await.unwrap();
    let database = rusqlite::Connection::open(backend.directory.path().join("tideline.db")).unwrap();
    // As a version before wrote it.
    database
        .execute_batch(
            "DROP TABLE person_keys; DROP TABLE merges; DROP TABLE configuration; DROP TABLE configuration_changes; DROP INDEX sessions_open; ALTER TABLE sessions DROP COLUMN open_since;
             DROP INDEX profiles_by_update; ALTER TABLE profiles DROP COLUMN updated; PRAGMA user_version = 2;
             INSERT INTO profiles VALUES ('damaged', 1, 'no JSON');",
        )
        .unwrap();

    let store = backend.open().await;
    let page = store.profiles(ProfileQuery { limit: 10, ..ProfileQuery::default() }).await.unwrap();
    assert!(page.profiles.iter().map(|profile| profile.id.as_str()).eq(["newer", "new", "old"]));
    let filtered = crate::profiles::all_pages(store.as_ref(), Some("metadata.time.update >= now"), 10).await;
    assert!(filtered.iter().map(|key| key.id.as_str()).eq(["newer", "new"]));
}
