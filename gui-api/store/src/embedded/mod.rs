//! The embedded back-end: SQLite for what is read by id, tantivy for events. One machine, one directory.
//!
//! ```text
//! tideline.db        sessions, profiles and all their ids, configuration (SQLite, one writer)
//! events/2026-11/    the events of a month, by event time (one tantivy index each)
//! events.lock        held by the one process that writes events
//! ```
//! All writing happens on one thread ([`writer`]), which commits events first and states last, so a
//! crash in between leaves only events that the same batch, applied again, finds and leaves alone.
//! Reading happens on a bounded number of the runtime's blocking threads and never waits for writing, nor
//! does one kind of reading wait for another ([`permits`]).

mod configuration;
mod damage;
mod documents;
mod event_schema;
mod fault;
mod group;
mod identity;
mod lookup;
mod month;
mod page;
mod partition_writers;
mod partitions;
mod permits;
mod profile_page;
mod scan;
mod writer;

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tideline_model::{
    ConfigurationKind, ConfigurationObject, Event, EventSource, MergeRecord, Origin, Profile, Redirect,
    Session,
};

use self::configuration::Edit;
use self::documents::Documents;
pub use self::documents::Found;
use self::partitions::Partitions;
use self::permits::{Permits, Reads};
use self::scan::Scan;
use self::writer::Writer;
use crate::{
    Batch, Configuration, EventPage, EventQuery, ProfilePage, ProfileQuery, Revision, SessionKey,
    SilentQuery, States, Store, StoreError,
};

/// What an embedded store may use.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedOptions {
    /// Memory for events that are being indexed, in bytes, per month that is being written (at most
    /// three at a time); at least 15 MB, which is what the index demands.
    pub index_memory_bytes: usize,
    /// How many lists, events, sessions, sources and redirects are read at the same time; others wait.
    pub parallel_reads: usize,
    /// How many lists with a filter that reads documents are made at the same time besides; others wait.
    pub parallel_scans: usize,
    /// How many documents such a list reads for one page.
    pub most_scanned: usize,
    /// How long it reads them.
    pub longest_scan: Duration,
    /// How many origins, states and profiles are read at the same time besides; others wait.
    pub parallel_intake_reads: usize,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            index_memory_bytes: 32_000_000,
            parallel_reads: 8,
            parallel_scans: 2,
            most_scanned: 200_000,
            longest_scan: Duration::from_secs(2),
            parallel_intake_reads: 4,
        }
    }
}

/// A store in a directory of this machine. The directory must be on a local disk.
///
/// Several processes may open one directory; one of them writes events, from its first such write until
/// it ends. Dropping the store waits for what is being written.
pub struct EmbeddedStore {
    reading: Arc<Reading>,
    permits: Permits,
    options: EmbeddedOptions,
    writer: Writer,
}

/// What reads use.
struct Reading {
    documents: Documents,
    partitions: Partitions,
}

impl EmbeddedStore {
    /// Looks for a store in `directory`, and changes nothing. Blocks for some file accesses.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub fn find(directory: &Path) -> Result<Found, StoreError> {
        Documents::find(directory)
    }

    /// Opens the store in `directory`, and makes it if there is none. Blocks for some file accesses.
    ///
    /// # Errors
    /// When the directory cannot be written, or holds a store of a newer version of this program.
    pub fn open(directory: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        let documents = Documents::open(directory)?;
        let partitions = Partitions::open(directory)?;
        let reading = Arc::new(Reading { documents, partitions });
        let writer = Writer::start(directory, options, Arc::clone(&reading))?;
        Ok(Self { reading, permits: Permits::new(options), options, writer })
    }

    /// The permits that a list takes.
    fn list(is_scan: bool) -> Reads {
        if is_scan { Reads::Scans } else { Reads::Api }
    }

    /// Runs `read` on a blocking thread, when one of the permits for such reads is free.
    fn read<'a, T: Send + 'static>(
        &'a self,
        reads: Reads,
        read: impl FnOnce(&Reading) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        async move {
            let stopped =
                |cause: &dyn Display| StoreError::Unavailable(format!("a read was cut short: {cause}"));
            let permit = self.permits.of(reads).acquire_owned().await.map_err(|error| stopped(&error))?;
            let reading = Arc::clone(&self.reading);
            // The permit goes along: a caller that stops waiting does not stop the read.
            let task = tokio::task::spawn_blocking(move || {
                let found = read(&reading);
                drop(permit);
                found
            });
            task.await.map_err(|error| stopped(&error))?
        }
        .boxed()
    }
}

impl Store for EmbeddedStore {
    fn origins<'a>(
        &'a self,
        event_ids: &'a [String],
    ) -> BoxFuture<'a, Result<HashMap<String, Origin>, StoreError>> {
        let event_ids = event_ids.to_vec();
        self.read(Reads::Intake, move |reading| {
            lookup::origins(&reading.partitions, event_ids.iter().map(String::as_str))
        })
    }

    fn states<'a>(
        &'a self,
        session_ids: &'a [String],
        profile_ids: &'a [String],
    ) -> BoxFuture<'a, Result<States, StoreError>> {
        let (session_ids, profile_ids) = (session_ids.to_vec(), profile_ids.to_vec());
        self.read(Reads::Intake, move |reading| reading.documents.states(&session_ids, &profile_ids))
    }

    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>> {
        self.writer.write(batch).boxed()
    }

    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>, StoreError>> {
        let id = id.to_owned();
        self.read(Reads::Api, move |reading| lookup::event(&reading.partitions, &id))
    }

    fn session<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        let id = id.to_owned();
        self.read(Reads::Api, move |reading| reading.documents.session(&id))
    }

    fn profile<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Profile>, StoreError>> {
        let id = id.to_owned();
        self.read(Reads::Intake, move |reading| reading.documents.profile(&id))
    }

    fn owners<'a>(
        &'a self,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<HashMap<String, String>, StoreError>> {
        let keys = keys.to_vec();
        self.read(Reads::Intake, move |reading| reading.documents.owners(&keys))
    }

    fn merges<'a>(&'a self, survivor: &'a str) -> BoxFuture<'a, Result<Vec<MergeRecord>, StoreError>> {
        let survivor = survivor.to_owned();
        self.read(Reads::Api, move |reading| reading.documents.merges(&survivor))
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<EventPage, StoreError>> {
        let options = self.options;
        self.read(Self::list(query.r#where.is_some()), move |reading| {
            page::newest_first(&reading.partitions, &query, Scan::begin(options))
        })
    }

    fn profiles(&self, query: ProfileQuery) -> BoxFuture<'_, Result<ProfilePage, StoreError>> {
        let options = self.options;
        self.read(Self::list(query.r#where.is_some()), move |reading| {
            profile_page::latest_first(&reading.documents, &query, Scan::begin(options))
        })
    }

    fn silent_sessions(&self, query: SilentQuery) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        self.read(Reads::Api, move |reading| reading.documents.silent_sessions(&query))
    }

    fn sources(&self) -> BoxFuture<'_, Result<Vec<EventSource>, StoreError>> {
        self.read(Reads::Api, |reading| reading.documents.sources())
    }

    fn put_source(&self, source: EventSource) -> BoxFuture<'_, Result<(), StoreError>> {
        self.writer.edit(Edit::PutSource(source)).boxed()
    }

    fn redirects(&self) -> BoxFuture<'_, Result<Vec<Redirect>, StoreError>> {
        self.read(Reads::Api, |reading| reading.documents.redirects())
    }

    fn put_redirect(&self, redirect: Redirect) -> BoxFuture<'_, Result<(), StoreError>> {
        self.writer.edit(Edit::PutRedirect(redirect)).boxed()
    }

    fn remove_redirect<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.writer.edit(Edit::RemoveRedirect(id.to_owned())).boxed()
    }

    fn configuration(&self) -> BoxFuture<'_, Result<Configuration, StoreError>> {
        self.read(Reads::Api, |reading| reading.documents.configuration())
    }

    fn configuration_revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.read(Reads::Api, |reading| reading.documents.configuration_revision())
    }

    fn put_configuration(&self, object: ConfigurationObject) -> BoxFuture<'_, Result<(), StoreError>> {
        self.writer.edit(Edit::Put(Box::new(object))).boxed()
    }

    fn remove_configuration<'a>(
        &'a self,
        kind: ConfigurationKind,
        id: &'a str,
        version: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.writer.edit(Edit::Remove(kind, id.to_owned(), version)).boxed()
    }

    fn configuration_versions<'a>(
        &'a self,
        kind: ConfigurationKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Vec<ConfigurationObject>, StoreError>> {
        let id = id.to_owned();
        self.read(Reads::Api, move |reading| reading.documents.configuration_versions(kind, &id))
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        if !self.writer.is_alive() {
            return std::future::ready(Err(writer::stopped())).boxed();
        }
        self.read(Reads::Readiness, |reading| reading.documents.ready())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use tideline_filter::{Filter, Prepared};

    #[tokio::test]
    async fn the_intake_and_readiness_wait_for_no_other_reads() {
        let directory = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(directory.path(), EmbeddedOptions::default()).unwrap();
        let ids = ["id".to_owned()];

        let lists = hold_all(&store, Reads::Api);
        assert!(store.events(EventQuery::default()).now_or_never().is_none(), "lists wait");
        store.origins(&ids).await.unwrap();
        store.states(&ids, &ids).await.unwrap();
        store.profile("id").await.unwrap();
        store.ready().await.unwrap();

        let _scans = hold_all(&store, Reads::Scans);
        drop(lists);
        store.events(EventQuery::default()).await.unwrap();
        store.profiles(ProfileQuery::default()).await.unwrap();
        store.put_source(EventSource::new("shop", "Shop")).await.unwrap();
        let filter = Filter::parse("a = 1").unwrap();
        let r#where = Some(Prepared::at(&filter, Timestamp::UNIX_EPOCH));
        let filtered = store.events(EventQuery { r#where, ..EventQuery::default() });
        assert!(filtered.now_or_never().is_none(), "filters wait for filters");

        let _intake = hold_all(&store, Reads::Intake);
        assert!(store.origins(&ids).now_or_never().is_none(), "the intake waits for itself");
        store.ready().await.unwrap();
    }

    /// As if as many such reads were running as may.
    fn hold_all(store: &EmbeddedStore, reads: Reads) -> Vec<tokio::sync::OwnedSemaphorePermit> {
        std::iter::from_fn(|| store.permits.of(reads).try_acquire_owned().ok()).collect()
    }
}
