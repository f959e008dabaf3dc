//! The embedded store, which can be told to fail.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tideline_model::{
    ConfigurationKind, ConfigurationObject, Event, EventSource, MergeRecord, Origin, Profile, Redirect,
    Session,
};
use tideline_store::{
    Batch, Configuration, EmbeddedOptions, EmbeddedStore, EventFilter, EventPage, EventQuery, ProfilePage,
    ProfileQuery, Revision, SessionKey, SilentQuery, States, Store, StoreError,
};
use tokio::sync::Notify;

/// What the store does instead of just writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Writes.
    Works,
    /// Cannot be reached.
    Down,
    /// Answers, and takes no write.
    Full,
    /// Takes the next write and never answers, like a service that is killed before.
    HangsBeforeWriting,
    /// Writes when it is told to go on.
    Waits,
    /// Writes, and never answers.
    HangsAfterWriting,
    /// Never answers a batch that has this event.
    HangsOn(String),
    /// Says that somebody else wrote, this many times.
    Conflicts(u32),
}

pub(crate) struct UnrulyStore {
    inner: Arc<EmbeddedStore>,
    mood: Mutex<Mood>,
    hung: Notify,
    goes_on: Notify,
    writes: Mutex<VecDeque<Vec<String>>>,
    directory: Arc<TempDir>,
}

impl UnrulyStore {
    pub(crate) fn new() -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        let options = EmbeddedOptions { index_memory_bytes: 15_000_000, ..EmbeddedOptions::default() };
        let inner = EmbeddedStore::open(directory.path(), options).unwrap();
        Self::over(Arc::new(inner), Arc::new(directory))
    }

    /// The same store for another service, with moods of its own.
    pub(crate) fn beside(other: &Self) -> Arc<Self> {
        Self::over(Arc::clone(&other.inner), Arc::clone(&other.directory))
    }

    fn over(inner: Arc<EmbeddedStore>, directory: Arc<TempDir>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            mood: Mutex::new(Mood::Works),
            hung: Notify::new(),
            goes_on: Notify::new(),
            writes: Mutex::default(),
            directory,
        })
    }

    /// Makes the profile's document unreadable, as a failing disk might.
    pub(crate) fn damage_profile(&self, id: &str) {
        let database = rusqlite::Connection::open(self.directory.path().join("tideline.db")).unwrap();
        let damaged =
            database.execute("UPDATE profiles SET document = 'no JSON' WHERE id = ?1", [id]).unwrap();
        assert_eq!(damaged, 1);
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// A write that hangs with [`Mood::Waits`] is done now.
    pub(crate) fn goes_on(&self) {
        self.goes_on.notify_one();
    }

    /// Ends when a write hangs.
    pub(crate) async fn hangs(&self) {
        tokio::time::timeout(super::DEADLINE, self.hung.notified()).await.expect("no write hangs");
    }

    /// Ids of the events of each batch, in the order of writing.
    pub(crate) fn writes(&self) -> Vec<Vec<String>> {
        self.writes.lock().unwrap().iter().cloned().collect()
    }

    /// All events that match, oldest first.
    pub(crate) async fn all_events(&self, filter: EventFilter) -> Vec<Event> {
        let mut events = Vec::new();
        let mut after = None;
        loop {
            let query = EventQuery { filter: filter.clone(), after, limit: 200, ..EventQuery::default() };
            let page = self.inner.events(query).await.unwrap();
            events.extend(page.events);
            after = page.next;
            if after.is_none() {
                events.reverse();
                return events;
            }
        }
    }

    pub(crate) async fn count(&self, event_type: &str) -> usize {
        let filter = EventFilter { r#type: Some(event_type.to_owned()), ..EventFilter::default() };
        self.all_events(filter).await.len()
    }

    async fn hang(&self) -> Result<(), StoreError> {
        self.hung.notify_one();
        std::future::pending().await
    }

    async fn write_in_mood(&self, batch: Batch) -> Result<(), StoreError> {
        let ids: Vec<String> = batch.events.iter().map(|event| event.id.clone()).collect();
        self.writes.lock().unwrap().push_back(ids.clone());
        let mood = self.mood.lock().unwrap().clone();
        match mood {
            Mood::Works => self.inner.write(batch).await,
            Mood::Down | Mood::Full => Err(down()),
            Mood::HangsBeforeWriting => self.hang().await,
            Mood::Waits => {
                self.hung.notify_one();
                self.goes_on.notified().await;
                self.inner.write(batch).await
            }
            Mood::HangsAfterWriting => {
                self.inner.write(batch).await?;
                self.hang().await
            }
            Mood::HangsOn(id) if ids.contains(&id) => self.hang().await,
            Mood::HangsOn(_) => self.inner.write(batch).await,
            Mood::Conflicts(0) => self.inner.write(batch).await,
            Mood::Conflicts(left) => {
                self.set(Mood::Conflicts(left - 1));
                Err(StoreError::Conflict { kind: "profile", id: "p".to_owned() })
            }
        }
    }

    fn reachable(&self) -> Result<(), StoreError> {
        if *self.mood.lock().unwrap() == Mood::Down { Err(down()) } else { Ok(()) }
    }
}

fn down() -> StoreError {
    StoreError::Unavailable("the store was told to be down".to_owned())
}

impl Store for UnrulyStore {
    fn origins<'a>(
        &'a self,
        event_ids: &'a [String],
    ) -> BoxFuture<'a, Result<HashMap<String, Origin>, StoreError>> {
        async {
            self.reachable()?;
            self.inner.origins(event_ids).await
        }
        .boxed()
    }

    fn states<'a>(
        &'a self,
        session_ids: &'a [String],
        profile_ids: &'a [String],
    ) -> BoxFuture<'a, Result<States, StoreError>> {
        self.inner.states(session_ids, profile_ids)
    }

    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>> {
        self.write_in_mood(batch).boxed()
    }

    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>, StoreError>> {
        self.inner.event(id)
    }

    fn session<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        self.inner.session(id)
    }

    fn profile<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Profile>, StoreError>> {
        self.inner.profile(id)
    }

    fn owners<'a>(
        &'a self,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<HashMap<String, String>, StoreError>> {
        async {
            self.reachable()?;
            self.inner.owners(keys).await
        }
        .boxed()
    }

    fn merges<'a>(&'a self, survivor: &'a str) -> BoxFuture<'a, Result<Vec<MergeRecord>, StoreError>> {
        self.inner.merges(survivor)
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<EventPage, StoreError>> {
        self.inner.events(query)
    }

    fn profiles(&self, query: ProfileQuery) -> BoxFuture<'_, Result<ProfilePage, StoreError>> {
        self.inner.profiles(query)
    }

    fn silent_sessions(&self, query: SilentQuery) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        self.inner.silent_sessions(query)
    }

    fn sources(&self) -> BoxFuture<'_, Result<Vec<EventSource>, StoreError>> {
        self.inner.sources()
    }

    fn put_source(&self, source: EventSource) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.put_source(source)
    }

    fn redirects(&self) -> BoxFuture<'_, Result<Vec<Redirect>, StoreError>> {
        self.inner.redirects()
    }

    fn put_redirect(&self, redirect: Redirect) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.put_redirect(redirect)
    }

    fn remove_redirect<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.remove_redirect(id)
    }

    fn configuration(&self) -> BoxFuture<'_, Result<Configuration, StoreError>> {
        async {
            self.reachable()?;
            self.inner.configuration().await
        }
        .boxed()
    }

    fn configuration_revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async {
            self.reachable()?;
            self.inner.configuration_revision().await
        }
        .boxed()
    }

    fn put_configuration(&self, object: ConfigurationObject) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.put_configuration(object)
    }

    fn remove_configuration<'a>(
        &'a self,
        kind: ConfigurationKind,
        id: &'a str,
        version: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.remove_configuration(kind, id, version)
    }

    fn configuration_versions<'a>(
        &'a self,
        kind: ConfigurationKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Vec<ConfigurationObject>, StoreError>> {
        self.inner.configuration_versions(kind, id)
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        std::future::ready(self.reachable()).boxed()
    }
}
