//! Ways to make a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Certificate, Method};
use serde_json::Value;
use tempfile::TempDir;
use tideline_store::{
    Credentials, ElasticsearchOptions, ElasticsearchStore, EmbeddedOptions, EmbeddedStore, Store,
};

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

/// The file with the certificate that its own is signed by, and the password of its user `elastic`, if it asks for one.
const AUTHORITY: &str = "TIDELINE_TEST_SEARCH_CA";
const PASSWORD: &str = "TIDELINE_TEST_SEARCH_PASSWORD";

/// The user of a server that asks for one.
const USER: &str = "elastic";

/// Indices of its own on a search server.
pub(crate) struct SearchServer {
    url: String,
    prefix: String,
    authority: Option<Vec<u8>>,
    password: Option<String>,
}

impl SearchServer {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let url =
            std::env::var(SEARCH_SERVER).expect("`cargo xtask test --only stores` starts a search server");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            url,
            prefix: format!("contract-{}-{number}", std::process::id()),
            authority: std::env::var(AUTHORITY).ok().map(|path| std::fs::read(path).unwrap()),
            password: std::env::var(PASSWORD).ok(),
        }
    }

    pub(crate) fn options(&self) -> ElasticsearchOptions {
        ElasticsearchOptions {
            prefix: self.prefix.clone(),
            refresh_at_once: true,
            credentials: self
                .password
                .clone()
                .map(|password| Credentials::Basic { user: USER.to_owned(), password }),
            certificate_authority: self.authority.clone(),
            ..ElasticsearchOptions::new(vec![self.url.clone()])
        }
    }

    /// Asks the server something as its user: the status and the answer.
    #[expect(clippy::disallowed_methods, reason = "the server is ours")]
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut client = reqwest::Client::builder().no_proxy();
        if let Some(authority) = &self.authority {
            client = client.tls_certs_only(Certificate::from_pem_bundle(authority).unwrap());
        }
        let mut request = client.build().unwrap().request(method, format!("{}{path}", self.url));
        if let Some(password) = &self.password {
            request = request.basic_auth(USER, Some(password));
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    /// Removes the indices: a server has room for a thousand.
    pub(crate) async fn remove(&self) {
        let prefix = &self.prefix;
        let listed = format!("/_cat/indices/{prefix}-*?h=index&format=json");
        let (_, listed) = self.ask(Method::GET, &listed, Value::Null).await;
        for index in listed.as_array().unwrap() {
            let index = index["index"].as_str().unwrap();
            self.ask(Method::DELETE, &format!("/{index}"), Value::Null).await;
        }
        self.ask(Method::DELETE, &format!("/_index_template/{prefix}-events"), Value::Null).await;
    }
}

impl Backend for SearchServer {
    async fn open(&self) -> Arc<dyn Store> {
        let store = ElasticsearchStore::connect(self.options()).await.unwrap();
        store.make().await.unwrap();
        Arc::new(store)
    }
}
