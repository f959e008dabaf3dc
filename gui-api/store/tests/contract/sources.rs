//! Event sources.

use crate::backend::Backend;
use crate::fixtures::source;

pub(crate) async fn a_source_is_written_over_whatever_the_case_of_its_id(backend: &impl Backend) {
    let store = backend.open().await;
    store.put_source(source("Shop-Web", "Shop")).await.unwrap();
    store.put_source(source("shop-WEB", "The shop")).await.unwrap();
    assert_eq!(store.sources().await.unwrap(), [source("shop-WEB", "The shop")]);
}

pub(crate) async fn sources_are_listed_by_id(backend: &impl Backend) {
    let store = backend.open().await;
    for id in ["web", "App", "kiosk"] {
        store.put_source(source(id, id)).await.unwrap();
    }
    let sources = store.sources().await.unwrap();
    assert_eq!(sources.iter().map(|source| source.id.as_str()).collect::<Vec<_>>(), ["App", "kiosk", "web"]);
}
