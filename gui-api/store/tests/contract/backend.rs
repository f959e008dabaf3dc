//! Ways to make a store.

use std::sync::Arc;

use tempfile::TempDir;
use tideline_store::{EmbeddedOptions, EmbeddedStore, Store};

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
