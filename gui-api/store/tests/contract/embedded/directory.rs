//! The files: what is left by a crash, by time, and by others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tideline_store::{EmbeddedOptions, EmbeddedStore, Found, StoreError};

use crate::backend::{Backend, Embedded};
use crate::fixtures::*;

fn refusal(directory: &Path) -> String {
    match EmbeddedStore::open(directory, EmbeddedOptions::default()) {
        Err(StoreError::Unavailable(why)) => why,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("the store has opened"),
    }
}

#[tokio::test]
async fn an_index_whose_making_was_cut_short_is_completed() {
    let backend = Embedded::new();
    let events_directory = backend.directory.path().join("events");
    let whole = events_directory.join("2026-10");
    let (empty, begun) = (events_directory.join("2026-11"), events_directory.join("2026-12"));
    backend.open().await.write(events([event_at("old", time("2026-10-01T00:00:00Z"))])).await.unwrap();
    fs::create_dir(&empty).unwrap();
    fs::create_dir(&begun).unwrap();
    // What is on disk before the index's description takes its place.
    fs::write(begun.join(".managed.json"), "[\"meta.json\"]").unwrap();
    fs::write(begun.join(".tmpAbCdEf"), "{\"index_set").unwrap();
    fs::copy(whole.join(".tantivy-writer.lock"), begun.join(".tantivy-writer.lock")).unwrap();
    fs::create_dir(events_directory.join("lost+found")).unwrap();

    let store = backend.open().await;
    assert_eq!(ids(&store.events(all()).await.unwrap()), ["old"]);
    assert_eq!(store.event("new").await.unwrap(), None);
    let new = ["2026-11-05T00:00:00Z", "2026-12-05T00:00:00Z"].map(|at| event_at(at, time(at)));
    store.write(events(new.clone())).await.unwrap();
    assert_eq!(store.events(all()).await.unwrap().events[..2], [new[1].clone(), new[0].clone()]);
}

#[tokio::test]
async fn other_months_are_left_untouched() {
    let backend = Embedded::new();
    let month =
        |month: u8| event_at(&format!("event-{month}"), time(&format!("2026-{month:02}-01T00:00:00Z")));
    // More than are open for writing at a time.
    backend.open().await.write(events((1..=6).map(month))).await.unwrap();
    let january = backend.directory.path().join("events/2026-01");
    let files = || -> BTreeMap<PathBuf, SystemTime> {
        let modified = |entry: fs::DirEntry| (entry.path(), entry.metadata().unwrap().modified().unwrap());
        fs::read_dir(&january).unwrap().map(|entry| modified(entry.unwrap())).collect()
    };

    let before = files();
    let store = backend.open().await;
    store.write(events((1..=7).map(month))).await.unwrap();
    assert_eq!(store.events(all()).await.unwrap().events.len(), 7);
    assert_eq!(files(), before);
}

#[tokio::test]
async fn many_small_commits_stay_whole_when_segments_are_merged() {
    let backend = Embedded::new();
    let store = backend.open().await;
    for number in 0..40 {
        store.write(events([event(&format!("event-{number:02}"))])).await.unwrap();
    }
    let expected: Vec<String> = (0..40).rev().map(|number| format!("event-{number:02}")).collect();
    assert_eq!(ids(&store.events(all()).await.unwrap()), expected);
    assert_eq!(store.origins(&expected).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let backend = Embedded::new();
    drop(backend.open().await);
    let database = backend.directory.path().join("tideline.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();

    let why = refusal(backend.directory.path());
    assert!(why.contains("schema 99") && why.contains("newer version"), "{why}");
    let kept: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(kept, 99);
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date_with_all_that_it_holds() {
    let backend = Embedded::new();
    let old = r#"{"id":"Shop","name":"Shop","type":["rest"],"enabled":true}"#;
    let session = |status| serde_json::json!({"metadata": {"time": {"update": "2026-11-22T10:00:00.123Z"}, "status": status}});
    let (open, ended) = (session("active"), session("ended"));
    let connection = rusqlite::Connection::open(backend.directory.path().join("tideline.db")).unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TABLE sessions (id TEXT PRIMARY KEY, version INTEGER NOT NULL, document TEXT NOT NULL);
             CREATE TABLE profiles (id TEXT PRIMARY KEY, version INTEGER NOT NULL, document TEXT NOT NULL);
             CREATE TABLE profile_ids (id TEXT PRIMARY KEY, profile TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE sources (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
             INSERT INTO sources VALUES ('shop', '{old}');
             INSERT INTO sessions VALUES ('open', 1, '{open}'), ('ended', 1, '{ended}'), ('damaged', 1, '{{');
             PRAGMA user_version = 1;"
        ))
        .unwrap();

    for _ in 0..2 {
        let store = backend.open().await;
        assert_eq!(store.sources().await.unwrap(), [tideline_model::EventSource::new("Shop", "Shop")]);
        store.put_redirect(redirect("a", "A")).await.unwrap();
        assert_eq!(store.redirects().await.unwrap(), [redirect("a", "A")]);
        let before = time("2026-11-22T10:00:00.124Z");
        let query = tideline_store::SilentQuery { before, after: None, limit: 10 };
        let silent = store.silent_sessions(query).await.unwrap();
        let key =
            tideline_store::SessionKey { microseconds: before.as_microsecond() - 1000, id: "open".into() };
        assert_eq!(silent, [key]);
    }
}

#[tokio::test]
async fn looking_for_a_store_changes_nothing() {
    let backend = Embedded::new();
    let directory = backend.directory.path();
    assert_eq!(EmbeddedStore::find(directory).unwrap(), Found::Nothing);
    assert_eq!(EmbeddedStore::find(&directory.join("nowhere")).unwrap(), Found::Nothing);
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);

    drop(backend.open().await);
    assert_eq!(EmbeddedStore::find(directory).unwrap(), Found::UpToDate);
    let connection = rusqlite::Connection::open(directory.join("tideline.db")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    for _ in 0..2 {
        assert_eq!(EmbeddedStore::find(directory).unwrap(), Found::Older);
    }
}

#[test]
fn what_is_no_store_is_refused_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("tideline.db"),
        "not a database, but long enough to be taken for one".repeat(100),
    )
    .unwrap();
    let why = refusal(directory.path());
    assert!(why.contains("tideline.db") && why.contains("not a database"), "{why}");

    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let why = refusal(&file);
    assert!(why.contains("/file`"), "{why}");
}

#[tokio::test]
async fn a_damaged_month_is_named_and_harms_no_other() {
    let backend = Embedded::new();
    let store = backend.open().await;
    store.write(events([event("new"), event_at("old", time("2026-10-01T00:00:00Z"))])).await.unwrap();
    drop(store);
    fs::write(backend.directory.path().join("events/2026-10/meta.json"), "{").unwrap();

    let store = backend.open().await;
    let recent = tideline_store::EventQuery { from: Some(time("2026-11-01T00:00:00Z")), ..all() };
    assert_eq!(ids(&store.events(recent).await.unwrap()), ["new"]);
    let why = store.events(all()).await.unwrap_err().to_string();
    assert!(why.contains("2026-10") && why.contains("backup"), "{why}");
}
