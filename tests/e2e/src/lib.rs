//! What the end-to-end tests share: a whole Tideline in a temporary folder, and the two who use it.
//!
//! The processes are those of `cargo xtask up`, started the same way, on free ports.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod analyst;
mod visitor;

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use reqwest::{Client, ClientBuilder};
use tempfile::TempDir;
use xtask::artifacts::Artifacts;
use xtask::ports::Ports;
use xtask::stack::{Part, Stack};

pub use analyst::Analyst;
pub use visitor::{Answer, Visitor};

/// An HTTP client that gives up after a while.
pub(crate) fn http() -> ClientBuilder {
    // Whatever TLS provider was installed first serves plain HTTP as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_secs(20)).no_proxy()
}

/// A running Tideline without its demo site; gone when dropped.
pub struct Tideline {
    stack: Stack,
    _data: TempDir,
}

impl Tideline {
    /// Starts Redis, gateway, service and edge.
    #[must_use]
    pub fn start() -> Self {
        Self::start_parts(&[Part::Redis, Part::Gateway, Part::Service, Part::Edge])
    }

    /// Starts these parts.
    #[must_use]
    pub fn start_parts(parts: &[Part]) -> Self {
        Self::prepare().with(parts)
    }

    /// Starts Redis, gateway, service and edge, with documents on the search server that these settings lead to.
    #[must_use]
    pub fn start_on(search_server: Vec<(&'static str, String)>) -> Self {
        let mut tideline = Self::prepare();
        tideline.store_on(search_server);
        tideline.with(&[Part::Redis, Part::Gateway, Part::Service, Part::Edge])
    }

    fn prepare() -> Self {
        let data = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::existing().expect("built artifacts");
        let stack = Stack::prepare(artifacts, Ports::free().unwrap(), data.path()).unwrap();
        Self { stack, _data: data }
    }

    fn with(mut self, parts: &[Part]) -> Self {
        for part in parts {
            self.stack.start(*part).expect("a part starts");
        }
        self
    }

    /// Somebody who visits a site that sends to the edge.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor::new(self.stack.addresses().edge)
    }

    /// Somebody who looks into the data.
    #[must_use]
    pub fn analyst(&self) -> Analyst {
        let addresses = self.stack.addresses();
        Analyst::new(addresses.gui, addresses.token)
    }
}

impl Deref for Tideline {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}

impl DerefMut for Tideline {
    fn deref_mut(&mut self) -> &mut Stack {
        &mut self.stack
    }
}

/// Asks again and again until the answer is there; half a minute is enough for anything.
///
/// # Panics
/// It never comes; says what was waited for.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
