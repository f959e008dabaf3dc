//! Ways to make a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tempfile::TempDir;
use tideline_store::{ElasticsearchOptions, ElasticsearchStore, EmbeddedOptions, EmbeddedStore, Store};

/// A place for one test's documents.
pub(crate) trait Backend {
    /// A store of what is in the place; empty at first.
    async fn open(&self) -> Arc<dyn Store>;
}

/// A directory of its own.
pub(crate) struct Embedded {
    pub(crate) directory: TempDir,
}

impl Embedded {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }
}

impl Backend for Embedded {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(EmbeddedStore::open(self.directory.path(), EmbeddedOptions::default()).unwrap())
    }
}

/// Where the search server is that tests write to; `cargo xtask test` starts one.
const SEARCH_SERVER: &str = "TIDELINE_TEST_SEARCH";

/// Indices of its own on a search server.
pub(crate) struct SearchServer {
    url: String,
    prefix: String,
}

impl SearchServer {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Whatever TLS provider was installed first serves plain HTTP as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url =
            std::env::var(SEARCH_SERVER).expect("`cargo xtask test --only stores` starts a search server");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { url, prefix: format!("contract-{}-{number}", std::process::id()) }
    }

    pub(crate) fn options(&self) -> ElasticsearchOptions {
        ElasticsearchOptions {
            prefix: self.prefix.clone(),
            refresh_at_once: true,
            ..ElasticsearchOptions::new(vec![self.url.clone()])
        }
    }

    /// Removes the indices: a server has room for a thousand.
    pub(crate) async fn remove(&self) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let (url, prefix) = (&self.url, &self.prefix);
        let listed = client.get(format!("{url}/_cat/indices/{prefix}-*?h=index&format=json")).send().await;
        let listed: Vec<Value> = serde_json::from_str(&listed.unwrap().text().await.unwrap()).unwrap();
        for index in listed {
            let index = index["index"].as_str().unwrap();
            client.delete(format!("{url}/{index}")).send().await.unwrap();
        }
        client.delete(format!("{url}/_index_template/{prefix}-events")).send().await.unwrap();
    }
}

impl Backend for SearchServer {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(ElasticsearchStore::open(self.options()).await.unwrap())
    }
}
