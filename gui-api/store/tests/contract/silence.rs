//! Sessions in which nothing was heard for a while.

use tideline_model::Session;
use tideline_store::{Batch, SessionKey, SilentQuery, Store};

use crate::backend::Backend;
use crate::fixtures::*;

/// Writes a session as it is after a request at this time.
async fn write(store: &dyn Store, id: &str, update: &str, status: &str) {
    let known = store.states(&[id.to_owned()], &[]).await.unwrap().sessions.remove(id);
    let mut session = known.unwrap_or_else(|| session(id));
    session.document.metadata.time.update = time(update);
    session.document.metadata.status = status.to_owned();
    store.write(Batch { sessions: vec![session], ..Batch::default() }).await.unwrap();
}

async fn silent(store: &dyn Store, before: &str) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let query = SilentQuery { before: time(before), after, limit: 2 };
        let page: Vec<SessionKey> = store.silent_sessions(query).await.unwrap();
        ids.extend(page.iter().map(|key| key.id.clone()));
        after = page.last().cloned();
        if page.len() < 2 {
            return ids;
        }
    }
}

pub(crate) async fn the_longest_silent_come_first_and_pages_join(backend: &impl Backend) {
    let store = backend.open().await;
    for (id, update) in [("d", "10:00:02Z"), ("b", "10:00:01.5Z"), ("c", "10:00:01.5Z"), ("a", "09:00:00Z")] {
        write(&*store, id, &format!("2026-11-22T{update}"), Session::ACTIVE).await;
    }
    assert_eq!(silent(&*store, "2026-11-22T11:00:00Z").await, ["a", "b", "c", "d"]);
    assert_eq!(silent(&*store, "2026-11-22T10:00:02Z").await, ["a", "b", "c"]);
    assert_eq!(silent(&*store, "2026-11-22T10:00:01.5Z").await, ["a"]);
}

pub(crate) async fn a_session_that_goes_on_or_whose_visit_ends_is_not_silent(backend: &impl Backend) {
    let store = backend.open().await;
    write(&*store, "ends", "2026-11-22T10:00:00Z", Session::ACTIVE).await;
    write(&*store, "goes on", "2026-11-22T10:00:00Z", Session::ACTIVE).await;
    write(&*store, "ended", "2026-11-22T10:00:00Z", Session::ENDED).await;
    let soon_after = "2026-11-22T10:00:01Z";
    assert_eq!(silent(&*store, soon_after).await, ["ends", "goes on"]);

    write(&*store, "ends", "2026-11-22T10:00:00Z", Session::ENDED).await;
    write(&*store, "goes on", "2026-11-22T10:00:01Z", Session::ACTIVE).await;
    assert_eq!(silent(&*store, soon_after).await, Vec::<String>::new());
    write(&*store, "ended", "2026-11-22T10:00:02Z", Session::ACTIVE).await;
    assert_eq!(silent(&*store, "2026-11-22T11:00:00Z").await, ["goes on", "ended"]);
}
