//! Sessions and profiles: written only over the version that was read.

use tideline_store::{Batch, StoreError, Version};

use crate::backend::Backend;
use crate::fixtures::*;

pub(crate) async fn an_outdated_session_conflicts_and_stays_as_it_was(backend: &impl Backend) {
    let store = backend.open().await;
    let batch = |session| Batch { sessions: vec![session], ..Batch::default() };
    store.write(batch(session("session-1"))).await.unwrap();
    let read = stored_session(&*store, "session-1").await;
    let mut first = read.clone();
    first.document.stats.events = 1;
    store.write(batch(first.clone())).await.unwrap();

    let mut second = read;
    second.document.stats.events = 2;
    let refused = store.write(batch(second)).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Conflict { kind: "session", id } if id == "session-1"),
        "{refused:?}"
    );
    assert_eq!(store.session("session-1").await.unwrap().unwrap(), first.document);
}

pub(crate) async fn an_outdated_profile_conflicts_and_stays_as_it_was(backend: &impl Backend) {
    let store = backend.open().await;
    let batch = |profile| Batch { profiles: vec![profile], ..Batch::default() };
    store.write(batch(profile("profile-1"))).await.unwrap();
    let read = stored_profile(&*store, "profile-1").await;
    let mut first = read.clone();
    first.document.stats.views = 1;
    store.write(batch(first.clone())).await.unwrap();

    let mut second = read;
    second.document.stats.views = 2;
    let refused = store.write(batch(second)).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Conflict { kind: "profile", id } if id == "profile-1"),
        "{refused:?}"
    );
    assert_eq!(store.profile("profile-1").await.unwrap().unwrap(), first.document);
}

pub(crate) async fn a_new_document_conflicts_with_one_that_is_there(backend: &impl Backend) {
    let store = backend.open().await;
    let batch = || Batch {
        sessions: vec![session("session-1")],
        profiles: vec![profile("profile-1")],
        ..Batch::default()
    };
    store.write(batch()).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(store.write(batch()).await, Err(StoreError::Conflict { .. })));
    }
}

pub(crate) async fn an_update_of_nothing_conflicts(backend: &impl Backend) {
    let store = backend.open().await;
    let mut gone = profile("profile-1");
    gone.version = Version(7);
    let refused = store.write(Batch { profiles: vec![gone], ..Batch::default() }).await;
    assert!(matches!(refused, Err(StoreError::Conflict { kind: "profile", .. })));
    assert_eq!(store.profile("profile-1").await.unwrap(), None);
}

pub(crate) async fn each_writing_makes_another_version(backend: &impl Backend) {
    let store = backend.open().await;
    let mut seen = vec![Version::default()];
    let mut next = session("session-1");
    for _ in 0..3 {
        store.write(Batch { sessions: vec![next], ..Batch::default() }).await.unwrap();
        next = stored_session(&*store, "session-1").await;
        assert!(!seen.contains(&next.version));
        seen.push(next.version);
    }
}

pub(crate) async fn a_session_of_nobody_is_read_back(backend: &impl Backend) {
    let store = backend.open().await;
    let mut nobodys = session("session-1");
    nobodys.document.profile = None;
    store.write(Batch { sessions: vec![nobodys.clone()], ..Batch::default() }).await.unwrap();
    assert_eq!(store.session("session-1").await.unwrap(), Some(nobodys.document));
}

pub(crate) async fn a_profile_is_found_by_any_of_its_ids(backend: &impl Backend) {
    let store = backend.open().await;
    let mut known = profile("profile-1");
    known.document.ids.push("old-1".to_owned());
    store.write(Batch { profiles: vec![known, profile("profile-2")], ..Batch::default() }).await.unwrap();
    let mut grown = stored_profile(&*store, "profile-1").await;
    grown.document.ids.push("old-2".to_owned());
    store.write(Batch { profiles: vec![grown.clone()], ..Batch::default() }).await.unwrap();

    for id in ["profile-1", "old-1", "old-2"] {
        assert_eq!(store.profile(id).await.unwrap().as_ref(), Some(&grown.document), "{id}");
    }
    assert_eq!(store.profile("profile-2").await.unwrap().unwrap().id, "profile-2");
    assert!(
        store.states(&[], &["old-1".to_owned()]).await.unwrap().profiles.is_empty(),
        "states are read by id"
    );
}
