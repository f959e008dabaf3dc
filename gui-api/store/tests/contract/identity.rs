//! Who is who: keys belong to one profile, and a profile that is merged is found in another.

use jiff::Timestamp;
use tideline_model::{MergeRecord, Origin, Profile};
use tideline_store::{Batch, Merge, ProfileQuery, Store, StoreError, Version, Versioned};

use crate::backend::Backend;
use crate::fixtures::{profile, stored_profile};

/// A profile with these ids and keys, as a new one.
fn known(id: &str, others: &[&str], keys: &[&str]) -> Versioned<Profile> {
    let mut made = profile(id);
    made.document.ids = std::iter::once(&id).chain(others).map(|id| (*id).to_owned()).collect();
    made.document.metadata.keys = keys.iter().map(|key| (*key).to_owned()).collect();
    made
}

/// Whether it was written.
async fn write(store: &dyn Store, batch: Batch) -> bool {
    match store.write(batch).await {
        Ok(()) => true,
        Err(StoreError::Conflict { kind: "profile", .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn put(store: &dyn Store, profile: Versioned<Profile>) -> bool {
    write(store, Batch { profiles: vec![profile], ..Batch::default() }).await
}

async fn owner(store: &dyn Store, key: &str) -> Option<String> {
    store.owners(&[key.to_owned(), "nobodys".to_owned()]).await.unwrap().remove(key)
}

/// Both are there, and the merge of `b` into `a`.
async fn two_and_their_merge(store: &dyn Store) -> Batch {
    assert!(put(store, known("a", &["old-a"], &["emm-1"])).await);
    assert!(put(store, known("b", &["old-b"], &["emm-2"])).await);
    let (a, b) = (stored_profile(store, "a").await, stored_profile(store, "b").await);
    let record = MergeRecord {
        id: "merge".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        origin: Origin { lane: "lane".to_owned(), entry: "1-0".to_owned() },
        by: "emm".to_owned(),
        survivor: a.document,
        merged: b.document,
    };
    let survivor = known("a", &["old-a", "b", "old-b"], &["emm-1", "emm-2"]);
    Batch {
        profiles: vec![Versioned { version: a.version, ..survivor }],
        merges: vec![Merge { record, version: b.version }],
        ..Batch::default()
    }
}

pub(crate) async fn a_key_is_one_profiles_until_it_gives_it_up(backend: &impl Backend) {
    let store = backend.open().await;
    assert!(put(&*store, known("a", &[], &["emm-1", "ipk-1"])).await);
    assert_eq!(owner(&*store, "emm-1").await.as_deref(), Some("a"));
    assert_eq!(owner(&*store, "emm-2").await, None);
    assert!(!put(&*store, known("b", &[], &["emm-1"])).await, "it is another's");
    assert_eq!(store.profile("b").await.unwrap(), None, "and nothing of it is written");
    let version = stored_profile(&*store, "a").await.version;
    assert!(put(&*store, Versioned { version, ..known("a", &[], &["ipk-1"]) }).await);
    assert_eq!(owner(&*store, "emm-1").await, None);
    assert!(put(&*store, known("b", &[], &["emm-1"])).await);
    assert_eq!(owner(&*store, "emm-1").await.as_deref(), Some("b"));
}

pub(crate) async fn two_profiles_exchange_their_keys_in_one_batch(backend: &impl Backend) {
    let store = backend.open().await;
    assert!(put(&*store, known("a", &[], &["emm-1"])).await);
    assert!(put(&*store, known("b", &[], &["emm-2"])).await);
    let (a, b) = (stored_profile(&*store, "a").await.version, stored_profile(&*store, "b").await.version);
    let profiles = vec![
        Versioned { version: a, ..known("a", &[], &["emm-2"]) },
        Versioned { version: b, ..known("b", &[], &["emm-1"]) },
    ];
    assert!(write(&*store, Batch { profiles, ..Batch::default() }).await);
    assert_eq!(owner(&*store, "emm-1").await.as_deref(), Some("b"));
    assert_eq!(owner(&*store, "emm-2").await.as_deref(), Some("a"));
}

pub(crate) async fn a_merged_profile_is_found_in_its_survivor(backend: &impl Backend) {
    let store = backend.open().await;
    let merge = two_and_their_merge(&*store).await;
    assert!(write(&*store, merge.clone()).await);
    for id in ["a", "old-a", "b", "old-b"] {
        assert_eq!(store.profile(id).await.unwrap().unwrap().id, "a", "{id}");
    }
    assert_eq!(owner(&*store, "emm-2").await.as_deref(), Some("a"));
    let query = ProfileQuery { limit: 10, ..ProfileQuery::default() };
    let listed: Vec<_> =
        store.profiles(query).await.unwrap().profiles.into_iter().map(|profile| profile.id).collect();
    assert_eq!(listed, ["a"]);
    assert!(store.states(&[], &["b".to_owned()]).await.unwrap().profiles.is_empty());
    assert_eq!(store.merges("a").await.unwrap(), [merge.merges[0].record.clone()]);
    assert_eq!(store.merges("b").await.unwrap(), []);
    assert!(!put(&*store, known("b", &[], &[])).await, "who is in another is not made anew");
    assert!(!write(&*store, merge).await, "and not merged again");
}

pub(crate) async fn a_merge_of_what_has_changed_since_conflicts_and_changes_nothing(backend: &impl Backend) {
    let store = backend.open().await;
    let merge = two_and_their_merge(&*store).await;
    let b = stored_profile(&*store, "b").await;
    assert!(put(&*store, b).await, "somebody writes it in between");
    assert!(!write(&*store, merge).await);
    assert_eq!(store.profile("old-b").await.unwrap().unwrap().id, "b");
    assert_eq!(stored_profile(&*store, "a").await.document.ids, ["a", "old-a"]);
    assert_eq!(owner(&*store, "emm-2").await.as_deref(), Some("b"));
    assert_eq!(store.merges("a").await.unwrap(), []);
}

pub(crate) async fn merges_follow_their_survivor_into_another_and_back(backend: &impl Backend) {
    let store = backend.open().await;
    let merge = two_and_their_merge(&*store).await;
    assert!(write(&*store, merge).await);
    assert!(put(&*store, known("c", &[], &[])).await);
    let (a, c) = (stored_profile(&*store, "a").await, stored_profile(&*store, "c").await);
    let mut record = store.merges("a").await.unwrap().remove(0);
    let (of_a, of_c) = (a.document.clone(), c.document.clone());
    record = MergeRecord {
        id: "second".to_owned(),
        at: Timestamp::from_second(60).unwrap(),
        survivor: c.document.clone(),
        merged: a.document,
        ..record
    };
    let survivor = known("c", &["a", "old-a", "b", "old-b"], &["emm-1", "emm-2"]);
    let batch = Batch {
        profiles: vec![Versioned { version: c.version, ..survivor }],
        merges: vec![Merge { record, version: a.version }],
        ..Batch::default()
    };
    assert!(write(&*store, batch).await);
    assert_eq!(store.profile("old-b").await.unwrap().unwrap().id, "c");
    let ids: Vec<_> = store.merges("c").await.unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!(ids, ["second", "merge"]);
    let version = stored_profile(&*store, "c").await.version;
    let separation = Batch {
        profiles: vec![
            Versioned { document: of_c, version },
            Versioned { document: of_a, version: Version::default() },
        ],
        separations: vec!["second".to_owned()],
        ..Batch::default()
    };
    assert!(write(&*store, separation).await);
    assert_eq!(store.profile("old-b").await.unwrap().unwrap().id, "a");
    assert_eq!(store.merges("c").await.unwrap(), []);
    assert_eq!(store.merges("a").await.unwrap()[0].id, "merge");
}

pub(crate) async fn what_was_merged_is_separated_again(backend: &impl Backend) {
    let store = backend.open().await;
    let merge = two_and_their_merge(&*store).await;
    let record = merge.merges[0].record.clone();
    assert!(write(&*store, merge).await);
    let version = stored_profile(&*store, "a").await.version;
    let separation = Batch {
        profiles: vec![
            Versioned { document: record.survivor, version },
            Versioned { document: record.merged, version: Version::default() },
        ],
        separations: vec!["merge".to_owned()],
        ..Batch::default()
    };
    assert!(write(&*store, separation).await);
    for (id, expected) in [("a", "a"), ("old-a", "a"), ("b", "b"), ("old-b", "b")] {
        assert_eq!(store.profile(id).await.unwrap().unwrap().id, expected, "{id}");
    }
    assert_eq!(owner(&*store, "emm-2").await.as_deref(), Some("b"));
    assert_eq!(store.merges("a").await.unwrap(), []);
}
