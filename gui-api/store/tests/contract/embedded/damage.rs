//! Documents that cannot be read back: each is named to who asks for it, and hides no other.

use tantivy::{Index, IndexWriter, TantivyDocument};
use tideline_store::{Batch, EventKey, EventQuery, StoreError};

use crate::backend::{Backend, Embedded};
use crate::fixtures::*;

/// Writes what is no event, as if it were one at [`TIME`], among the events of its month.
fn add_unreadable_events(backend: &Embedded, ids: &[&str]) {
    let index = Index::open_in_dir(backend.directory.path().join("events/2026-11")).unwrap();
    let schema = index.schema();
    let field = |name| schema.get_field(name).unwrap();
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
    for id in ids {
        let mut document = TantivyDocument::new();
        document.add_text(field("id"), id);
        document.add_i64(field("time"), time(TIME).as_microsecond());
        document.add_text(field("document"), format!("{{\"id\":\"{id}\"}}"));
        writer.add_document(document).unwrap();
    }
    writer.commit().unwrap();
}

fn is_damaged<T>(result: Result<T, StoreError>, kind: &str, id: &str) -> bool {
    matches!(result, Err(StoreError::Damaged { kind: k, id: i }) if (k, i.as_str()) == (kind, id))
}

#[tokio::test]
async fn unreadable_events_are_left_out_of_lists_and_named_alone() {
    let backend = Embedded::new();
    let readable = [event("a"), event("c"), event("f"), event_at("old", time("2026-10-01T00:00:00Z"))];
    backend.open().await.write(events(readable)).await.unwrap();
    add_unreadable_events(&backend, &["b", "d", "e", "g"]);

    let store = backend.open().await;
    assert_eq!(ids(&store.events(all()).await.unwrap()), ["f", "c", "a", "old"]);
    for limit in 1..=8 {
        let keys = keys_of_all_pages(&*store, EventQuery { limit, ..EventQuery::default() }).await;
        let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        assert_eq!(ids, ["f", "c", "a", "old"], "pages of {limit}");
    }
    // Nothing on the page can be read, and the list goes on.
    let page = store.events(EventQuery { limit: 1, ..EventQuery::default() }).await.unwrap();
    assert!(page.events.is_empty());
    assert_eq!(page.next, Some(EventKey { id: "g".to_owned(), ..EventKey::of(&event("a")) }));

    assert!(is_damaged(store.event("d").await, "event", "d"));
    assert!(is_damaged(store.origins(&["a".to_owned(), "d".to_owned()]).await, "event", "d"));
    assert_eq!(store.event("c").await.unwrap(), Some(event("c")));
}

#[tokio::test]
async fn unreadable_states_are_named_and_harm_no_other() {
    let backend = Embedded::new();
    let mut with_alias = profile("bad");
    with_alias.document.ids.push("alias".to_owned());
    let batch = Batch {
        sessions: vec![session("bad"), session("good")],
        profiles: vec![with_alias, profile("good")],
        ..Batch::default()
    };
    let store = backend.open().await;
    store.write(batch).await.unwrap();
    let database = rusqlite::Connection::open(backend.directory.path().join("tideline.db")).unwrap();

    let (bad, good) = (["bad".to_owned()], ["good".to_owned()]);
    // Cut short, of another shape, of another type, not even text.
    for document in ["'{\"id\":'", "'[]'", "7", "CAST(x'7bff7d' AS TEXT)"] {
        for table in ["sessions", "profiles"] {
            let damage = format!("UPDATE {table} SET document = {document} WHERE id = 'bad'");
            assert_eq!(database.execute(&damage, []).unwrap(), 1);
        }
        assert!(is_damaged(store.session("bad").await, "session", "bad"), "{document}");
        assert!(is_damaged(store.profile("bad").await, "profile", "bad"), "{document}");
        assert!(is_damaged(store.profile("alias").await, "profile", "bad"), "{document}");
        assert!(is_damaged(store.states(&bad, &good).await, "session", "bad"), "{document}");
        assert!(is_damaged(store.states(&good, &bad).await, "profile", "bad"), "{document}");
    }
    let states = store.states(&good, &good).await.unwrap();
    assert_eq!((states.sessions.len(), states.profiles.len()), (1, 1));
    store.ready().await.unwrap();
}
