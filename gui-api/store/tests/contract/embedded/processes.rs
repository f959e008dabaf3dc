//! Several processes on one directory.

use tideline_store::{Batch, EmbeddedOptions, EmbeddedStore, Store, StoreError};

use crate::backend::Embedded;
use crate::fixtures::*;

fn open(backend: &Embedded) -> EmbeddedStore {
    EmbeddedStore::open(backend.directory.path(), EmbeddedOptions::default()).unwrap()
}

#[tokio::test]
async fn one_of_two_openers_writes_events_and_the_other_is_told() {
    let backend = Embedded::new();
    let (first, second) = (open(&backend), open(&backend));
    first.write(events([event("event-1")])).await.unwrap();

    let refused = second.write(events([event("event-2")])).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unavailable(why) if why.contains("another process")), "{refused}");
    assert_eq!(first.events(all()).await.unwrap().events.len(), 1);

    drop(first);
    second.write(events([event("event-1"), event("event-2")])).await.unwrap();
    assert_eq!(second.events(all()).await.unwrap().events.len(), 2);
}

#[tokio::test]
async fn sources_are_provisioned_while_another_process_serves() {
    let backend = Embedded::new();
    let serving = open(&backend);
    serving.write(events([event("event-1")])).await.unwrap();
    let provisioning = open(&backend);
    provisioning.put_source(source("shop-web", "Shop")).await.unwrap();
    assert_eq!(serving.sources().await.unwrap(), [source("shop-web", "Shop")]);
    serving.put_source(source("shop-app", "App")).await.unwrap();
    assert_eq!(provisioning.sources().await.unwrap().len(), 2);
}

#[tokio::test]
async fn another_process_reads_what_was_just_written() {
    let backend = Embedded::new();
    let (writing, reading) = (open(&backend), open(&backend));
    for (number, month) in (1..).zip(["2026-11", "2026-11", "2026-10", "2026-11"]) {
        let event = event_at(&format!("event-{number}"), time(&format!("{month}-01T00:00:00Z")));
        writing.write(Batch { sessions: vec![session(&event.id)], ..events([event]) }).await.unwrap();
        assert_eq!(reading.events(all()).await.unwrap().events.len(), number);
        assert!(reading.session(&format!("session-{number}")).await.unwrap().is_none());
        assert!(reading.session(&format!("event-{number}")).await.unwrap().is_some());
    }
}
