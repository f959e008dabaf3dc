//! Configuration objects: each change is written over the version before it, and the versions stay readable.

use jiff::Timestamp;
use serde_json::json;
use tideline_model::{ConfigurationKind, ConfigurationObject, ConfigurationSettings};
use tideline_store::{MAX_VERSIONS, Revision, Store, StoreError};

use crate::backend::Backend;

fn object(kind: ConfigurationKind, id: &str, version: u64) -> ConfigurationObject {
    let settings = match kind {
        ConfigurationKind::Mapping => json!({"operations": []}),
        _ => json!({}),
    };
    ConfigurationObject {
        id: id.to_owned(),
        name: format!("{id} {version}"),
        description: String::new(),
        tags: vec!["a".to_owned()],
        enabled: true,
        version,
        author: "2bb80d53".to_owned(),
        changed: Timestamp::UNIX_EPOCH,
        settings: ConfigurationSettings::read(kind, &settings).unwrap(),
    }
}

fn mapping(id: &str, version: u64) -> ConfigurationObject {
    object(ConfigurationKind::Mapping, id, version)
}

async fn put(store: &dyn Store, object: ConfigurationObject) -> bool {
    match store.put_configuration(object).await {
        Ok(()) => true,
        Err(StoreError::Conflict { kind: "mapping", .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn remove(store: &dyn Store, id: &str, version: u64) -> bool {
    match store.remove_configuration(ConfigurationKind::Mapping, id, version).await {
        Ok(()) => true,
        Err(StoreError::Conflict { kind: "mapping", .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn objects_are_listed_by_kind_and_id(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(store.configuration().await.unwrap().objects, []);
    let event_type = object(ConfigurationKind::EventType, "b", 1);
    for written in [mapping("b", 1), mapping("A", 1), event_type.clone()] {
        store.put_configuration(written).await.unwrap();
    }
    let listed = store.configuration().await.unwrap();
    assert_eq!(listed.objects, [event_type, mapping("A", 1), mapping("b", 1)]);
    assert_eq!(listed.revision, store.configuration_revision().await.unwrap());
}

pub(crate) async fn a_change_is_made_from_the_version_that_is_there(backend: &impl Backend) {
    let store = backend.open().await;
    assert!(!put(&*store, mapping("a", 0)).await, "versions begin with 1");
    assert!(!put(&*store, mapping("a", 2)).await, "there is no version 1");
    assert!(put(&*store, mapping("a", 1)).await);
    assert!(!put(&*store, mapping("a", 1)).await, "somebody was faster");
    assert!(put(&*store, mapping("a", 2)).await);
    assert_eq!(store.configuration().await.unwrap().objects, [mapping("a", 2)]);
    assert!(!remove(&*store, "a", 1).await);
    assert!(!remove(&*store, "b", 1).await && !remove(&*store, "b", 0).await);
    assert!(remove(&*store, "a", 2).await);
    assert_eq!(store.configuration().await.unwrap().objects, []);
    assert!(put(&*store, mapping("a", 1)).await, "what was removed can be made again");
}

pub(crate) async fn every_change_makes_another_revision_and_no_other_does(backend: &impl Backend) {
    let store = backend.open().await;
    let mut seen = vec![store.configuration_revision().await.unwrap()];
    assert_eq!(seen, [Revision(0)]);
    put(&*store, mapping("a", 1)).await;
    seen.push(store.configuration_revision().await.unwrap());
    put(&*store, mapping("a", 2)).await;
    seen.push(store.configuration_revision().await.unwrap());
    put(&*store, mapping("a", 2)).await;
    assert_eq!(store.configuration_revision().await.unwrap(), seen[2], "a conflict changes nothing");
    remove(&*store, "a", 2).await;
    seen.push(store.configuration_revision().await.unwrap());
    let mut different = seen.clone();
    different.dedup();
    assert_eq!(seen, different);
}

pub(crate) async fn the_latest_versions_stay_readable_also_of_what_was_removed(backend: &impl Backend) {
    let store = backend.open().await;
    let last = MAX_VERSIONS as u64 + 5;
    for version in 1..=last {
        assert!(put(&*store, mapping("a", version)).await);
    }
    put(&*store, mapping("b", 1)).await;
    let versions = |id| store.configuration_versions(ConfigurationKind::Mapping, id);
    let kept: Vec<_> = versions("a").await.unwrap().iter().map(|object| object.version).collect();
    assert_eq!(kept, (6..=last).rev().collect::<Vec<_>>());
    assert_eq!(versions("b").await.unwrap(), [mapping("b", 1)]);
    remove(&*store, "b", 1).await;
    assert_eq!(versions("b").await.unwrap(), [mapping("b", 1)]);
    assert_eq!(versions("c").await.unwrap(), []);
}
