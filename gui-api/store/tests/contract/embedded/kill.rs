//! A writing process is killed again and again: what it acknowledged is there, once.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tideline_store::{EmbeddedOptions, EmbeddedStore, EventKey, Store};

use super::child::{WritingChild, event_id, write};
use crate::backend::Embedded;
use crate::fixtures::*;

/// Where in a write the process is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// As soon as the write before is acknowledged.
    Begun,
    /// When the events of this month are committed.
    Committed(&'static str),
    /// When the states are being committed.
    States,
}

#[tokio::test]
async fn a_killed_process_leaves_what_it_acknowledged_once() {
    let backend = Embedded::new();
    let directory = backend.directory.path();
    let mut applied = 0;
    for moment in [
        Moment::Begun,
        Moment::Committed("2026-09"),
        Moment::Committed("2026-10"),
        Moment::Committed("2026-11"),
        Moment::States,
        Moment::Begun,
        Moment::Committed("2026-11"),
    ] {
        let mut child = WritingChild::start(directory);
        for number in applied + 1..=applied + 3 {
            child.tell(number);
            assert_eq!(child.answer(), "written");
        }
        let acknowledged = applied + 3;
        let watched = watched_file(directory, moment);
        let before = watched.as_deref().map(stamp);
        child.tell(acknowledged + 1);
        if let Some(watched) = watched {
            wait_for(|| Some(stamp(&watched)) != before);
        }
        child.kill();

        let store = EmbeddedStore::open(directory, EmbeddedOptions::default()).unwrap();
        let visits = |profile: Option<tideline_model::Profile>| profile.unwrap().stats.visits;
        let found = visits(store.profile("profile-1").await.unwrap());
        assert!([acknowledged, acknowledged + 1].contains(&found), "{found} of {acknowledged}, {moment:?}");
        assert_events(&store, acknowledged, acknowledged + 1).await;

        // The entry in flight comes again, and so does one that was acknowledged.
        write(&store, acknowledged + 1).await.unwrap();
        write(&store, acknowledged).await.unwrap();
        applied = acknowledged + 1;
        assert_eq!(visits(store.profile("profile-1").await.unwrap()), applied);
        assert_events(&store, applied, applied).await;
    }
}

/// All events up to entry `all` are listed, once and in order, and none after entry `most`.
async fn assert_events(store: &dyn Store, all: u64, most: u64) {
    let mut listed = Vec::new();
    for EventKey { id, .. } in keys_of_all_pages(store, all_by(7)).await {
        listed.push(id);
    }
    let expected = |last: u64| {
        let months = ["2026-11", "2026-10", "2026-09"];
        months.into_iter().flat_map(move |month| (1..=last).rev().map(move |number| event_id(number, month)))
    };
    listed.retain(|id| !expected(most).any(|known| known == *id) || expected(all).any(|known| known == *id));
    assert_eq!(listed, expected(all).collect::<Vec<_>>());
    for id in expected(all) {
        assert!(store.event(&id).await.unwrap().is_some(), "{id}");
    }
}

fn all_by(limit: usize) -> tideline_store::EventQuery {
    tideline_store::EventQuery { limit, ..Default::default() }
}

fn watched_file(directory: &Path, moment: Moment) -> Option<PathBuf> {
    match moment {
        Moment::Begun => None,
        Moment::Committed(month) => Some(directory.join("events").join(month).join("meta.json")),
        Moment::States => Some(directory.join("tideline.db-wal")),
    }
}

/// Changes when the file is written or another takes its place.
fn stamp(file: &Path) -> (u64, Option<std::time::SystemTime>) {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(file).map(|metadata| (metadata.ino(), metadata.modified().ok())).unwrap_or_default()
}

fn wait_for(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain");
        std::thread::yield_now();
    }
}
