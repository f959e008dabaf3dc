//! The back-end on Elasticsearch 7.17 to 9 and OpenSearch 2 and 3: what all of them have, and nothing else
//! (`docs/adr/0008-search-server.md`).
//!
//! ```text
//! tideline-events-2026.11   the events of a month, by event time; written once
//! tideline-sessions         \
//! tideline-profiles          } by id, each written over the version that was read
//! tideline-keys             /
//! tideline-merges, tideline-settings, tideline-transactions
//! ```

mod bulk;
mod client;
mod configuration;
mod documents;
mod events;
mod listing;
mod options;
mod people;
mod schema;
mod transaction;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use lru::LruCache;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tideline_model::{
    ConfigurationKind, ConfigurationObject, Event, EventSource, MergeRecord, Origin, Profile, Redirect,
    Session,
};

use self::bulk::{Over, Written};
use self::client::{Body, Client};
use self::documents::{Found, Place};
pub use self::options::{Credentials, ElasticsearchOptions, OptionsError};
use self::people::Names;
use self::schema::{Index, Month, Stored};
use self::transaction::{Transactions, write};
use crate::{
    Batch, Configuration, EventPage, EventQuery, ProfilePage, ProfileQuery, Revision, SessionKey,
    SilentQuery, States, Store, StoreError, Version, Versioned,
};

/// Of how many profiles it is remembered what they are found by, and of how many events where they came from.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();

/// A store on a search server.
pub struct ElasticsearchStore {
    client: Client,
    names: schema::Names,
    options: ElasticsearchOptions,
    /// Months whose index is there.
    months: Mutex<HashSet<Month>>,
    /// What profiles are found by, as of a version.
    known: Mutex<LruCache<String, (Version, Names)>>,
    /// Where events came from that searches may not find yet.
    origins: Mutex<LruCache<String, Origin>>,
}

/// What a search found.
struct Hit {
    /// The index.
    index: String,
    /// The id on the server.
    id: String,
    /// Values of fields that were asked for.
    fields: HashMap<String, Vec<Value>>,
    /// What the list is sorted by.
    sort: Vec<Value>,
}

impl Hit {
    fn place(&self) -> Place {
        Place { index: self.index.clone(), id: self.id.clone() }
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.first()?.as_str()
    }

    fn number(&self, field: &str) -> Option<i64> {
        self.fields.get(field)?.first()?.as_i64()
    }
}

impl ElasticsearchStore {
    /// The store on a search server, which is asked what it is, and not changed.
    ///
    /// # Errors
    /// The options cannot work, the server is out of reach, or it is of a version that we do not know.
    pub async fn connect(options: ElasticsearchOptions) -> Result<Self, OpenError> {
        let names = schema::Names::new(&options.prefix)?;
        let client = Client::new(&options)?;
        let store = Self {
            client,
            names,
            options,
            months: Mutex::default(),
            known: Mutex::new(LruCache::new(REMEMBERED)),
            origins: Mutex::new(LruCache::new(REMEMBERED)),
        };
        store.check_version().await?;
        Ok(store)
    }

    /// Makes the indices that are not there.
    ///
    /// # Errors
    /// The server is out of reach, or refuses.
    pub async fn make(&self) -> Result<(), StoreError> {
        self.put_template().await?;
        for index in [
            Index::Sessions,
            Index::Profiles,
            Index::Keys,
            Index::Merges,
            Index::Transactions,
            // The last: if it is there, all are.
            Index::Settings,
        ] {
            self.make_index(index).await?;
        }
        Ok(())
    }

    /// Whether its indices are there.
    ///
    /// # Errors
    /// The server is out of reach, or refuses.
    pub async fn is_made(&self) -> Result<bool, StoreError> {
        let path = format!("/{}", self.names.of(Index::Settings));
        let answer = self.client.send(Method::HEAD, &path, Body::None).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(answer.refused()),
        }
    }

    async fn check_version(&self) -> Result<(), OpenError> {
        #[derive(Deserialize)]
        struct Root {
            version: RootVersion,
        }
        #[derive(Deserialize)]
        struct RootVersion {
            number: String,
            #[serde(default)]
            distribution: String,
        }
        let Root { version } = self.client.send(Method::GET, "/", Body::None).await?.read()?;
        let mut parts = version.number.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
        let known = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is_open_search = version.distribution == "opensearch";
        // OpenSearch may be told to call itself 7.10.2.
        if known >= (7, 17) || (is_open_search && known >= (2, 0)) {
            return Ok(());
        }
        let name = if is_open_search { "OpenSearch" } else { "Elasticsearch" };
        Err(OpenError::Version(format!("{name} {}", version.number)))
    }

    async fn put_template(&self) -> Result<(), StoreError> {
        let template = schema::body(Index::Events(Month::of(0)), self.options.replicas);
        let body = json!({"index_patterns": [self.names.events()], "priority": 500, "template": template});
        let path = format!("/_index_template/{}", self.names.template());
        self.client.send(Method::PUT, &path, Body::Json(body.to_string())).await?.read::<Value>()?;
        Ok(())
    }

    /// Makes an index if it is not there.
    async fn make_index(&self, index: Index) -> Result<(), StoreError> {
        let path = format!("/{}", self.names.of(index));
        let body = schema::body(index, self.options.replicas).to_string();
        let answer = self.client.send(Method::PUT, &path, Body::Json(body)).await?;
        let is_there = answer.status == StatusCode::BAD_REQUEST
            && answer.error_type() == "resource_already_exists_exception";
        if is_there { Ok(()) } else { answer.read::<Value>().map(drop) }
    }

    fn transactions(&self) -> Transactions<'_> {
        Transactions { client: &self.client, index: self.names.of(Index::Transactions) }
    }

    fn refreshes(&self) -> bool {
        self.options.refresh_at_once
    }

    /// What profiles of this version are found by, if it is remembered.
    fn known_names(&self, id: &str, version: Version) -> Option<Names> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).filter(|(known, _)| *known == version).map(|(_, names)| names.clone())
    }

    fn remember(&self, profile: &Profile, version: Version) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(profile.id.clone(), (version, Names::of(profile)));
    }

    /// Searches these indices; those that are not there have nothing.
    async fn search(&self, method: Method, indices: &str, query: &Value) -> Result<Vec<Hit>, StoreError> {
        #[derive(Deserialize)]
        struct Reply {
            hits: Hits,
        }
        #[derive(Deserialize)]
        struct Hits {
            hits: Vec<Read>,
        }
        #[derive(Deserialize)]
        struct Read {
            _index: String,
            _id: String,
            #[serde(default)]
            fields: HashMap<String, Vec<Value>>,
            #[serde(default)]
            sort: Vec<Value>,
        }
        let path = format!("/{indices}/_search?ignore_unavailable=true&allow_no_indices=true");
        let reply: Reply = self.client.send(method, &path, Body::Json(query.to_string())).await?.read()?;
        let hit = |Read { _index, _id, fields, sort }: Read| Hit { index: _index, id: _id, fields, sort };
        Ok(reply.hits.hits.into_iter().map(hit).collect())
    }

    async fn documents<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        ids: &[String],
        place: impl Fn(&str) -> Place,
    ) -> Result<HashMap<String, Versioned<T>>, StoreError> {
        let places: Vec<Place> = ids.iter().map(|id| place(id)).collect();
        let mut documents = HashMap::new();
        for (id, found) in ids.iter().zip(self.transactions().settled(&places).await?) {
            let Some(Found { stored, version }) = found else { continue };
            if let Some(document) = read(kind, id, &stored)? {
                documents.insert(id.clone(), Versioned { document, version });
            }
        }
        Ok(documents)
    }

    async fn read_states(&self, sessions: &[String], profiles: &[String]) -> Result<States, StoreError> {
        let (sessions, profiles) = futures_util::try_join!(
            self.documents("session", sessions, |id| self.session_at(id)),
            self.documents::<Profile>("profile", profiles, |id| self.profile_at(id)),
        )?;
        for profile in profiles.values() {
            self.remember(&profile.document, profile.version);
        }
        Ok(States { sessions, profiles })
    }

    async fn read_profile(&self, id: &str) -> Result<Option<Profile>, StoreError> {
        let mut wanted = id.to_owned();
        // An id leads to a profile in one step; one more, as that may be merged in this moment.
        for _ in 0..3 {
            let place = self.profile_at(&wanted);
            let found = self.transactions().settled(&[place]).await?.pop().flatten();
            let Some(Found { stored, .. }) = found else { return Ok(None) };
            if let Some(profile) = read::<Profile>("profile", &wanted, &stored)? {
                let has_had = profile.id == id || profile.ids.iter().any(|known| known == id);
                return Ok(Some(profile).filter(|_| has_had));
            }
            let Some(owner) = stored.leads_to else { return Ok(None) };
            wanted = owner;
        }
        Ok(None)
    }

    async fn read_owners(&self, keys: &[String]) -> Result<HashMap<String, String>, StoreError> {
        let places: Vec<Place> = keys.iter().map(|key| self.key_at(key)).collect();
        let found = self.transactions().settled(&places).await?;
        let owner = |(key, found): (&String, Option<Found>)| Some((key.clone(), found?.stored.leads_to?));
        Ok(keys.iter().zip(found).filter_map(owner).collect())
    }

    async fn write_batch(&self, batch: Batch) -> Result<(), StoreError> {
        self.write_events(&batch.events).await?;
        if self.is_about_people(&batch).await? {
            return self.write_people(&batch).await;
        }
        let mut writes = Vec::with_capacity(batch.profiles.len());
        for Versioned { document, version } in &batch.profiles {
            let stored = Stored::profile(document)?;
            writes.push(write(&self.profile_at(&document.id), over(*version), Some(&stored))?);
        }
        let written = self.client.bulk(&writes, self.refreshes()).await?;
        for (profile, written) in batch.profiles.iter().zip(written) {
            match written {
                Written::As(version) => self.remember(&profile.document, version),
                Written::Conflict => return Err(conflict("profile", &profile.document.id)),
            }
        }
        let mut writes = Vec::with_capacity(batch.sessions.len());
        for Versioned { document, version } in &batch.sessions {
            let stored = Stored::session(document)?;
            writes.push(write(&self.session_at(&document.id), over(*version), Some(&stored))?);
        }
        let written = self.client.bulk(&writes, self.refreshes()).await?;
        let outdated = batch.sessions.iter().zip(written).find(|(_, written)| *written == Written::Conflict);
        outdated.map_or(Ok(()), |(session, _)| Err(conflict("session", &session.document.id)))
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The options cannot work.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The server is out of reach, or refuses something.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server is too old.
    #[error("the search server is {0}: Tideline needs Elasticsearch 7.17 or newer, or OpenSearch 2 or newer")]
    Version(String),
}

fn over(version: Version) -> Over {
    if version == Version::default() { Over::Nothing } else { Over::This(version) }
}

fn conflict(kind: &'static str, id: &str) -> StoreError {
    StoreError::Conflict { kind, id: id.to_owned() }
}

/// The document, if it is one.
fn read<T: DeserializeOwned>(kind: &'static str, id: &str, stored: &Stored) -> Result<Option<T>, StoreError> {
    let Some(document) = &stored.document else { return Ok(None) };
    serde_json::from_str(document).map(Some).map_err(|error| {
        tracing::error!(kind, id, %error, "a stored document cannot be read");
        StoreError::Damaged { kind, id: id.to_owned() }
    })
}

impl Store for ElasticsearchStore {
    fn origins<'a>(
        &'a self,
        event_ids: &'a [String],
    ) -> BoxFuture<'a, Result<HashMap<String, Origin>, StoreError>> {
        self.find_origins(event_ids).boxed()
    }

    fn states<'a>(
        &'a self,
        session_ids: &'a [String],
        profile_ids: &'a [String],
    ) -> BoxFuture<'a, Result<States, StoreError>> {
        self.read_states(session_ids, profile_ids).boxed()
    }

    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>> {
        self.write_batch(batch).boxed()
    }

    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>, StoreError>> {
        self.find_event(id).boxed()
    }

    fn session<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        async move {
            let ids = [id.to_owned()];
            let mut found = self.documents("session", &ids, |id| self.session_at(id)).await?;
            Ok(found.remove(id).map(|session| session.document))
        }
        .boxed()
    }

    fn profile<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Profile>, StoreError>> {
        self.read_profile(id).boxed()
    }

    fn owners<'a>(
        &'a self,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<HashMap<String, String>, StoreError>> {
        self.read_owners(keys).boxed()
    }

    fn merges<'a>(&'a self, survivor: &'a str) -> BoxFuture<'a, Result<Vec<MergeRecord>, StoreError>> {
        self.merge_records(survivor).boxed()
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<EventPage, StoreError>> {
        async move { self.event_page(&query).await }.boxed()
    }

    fn profiles(&self, query: ProfileQuery) -> BoxFuture<'_, Result<ProfilePage, StoreError>> {
        async move { self.profile_page(&query).await }.boxed()
    }

    fn silent_sessions(&self, query: SilentQuery) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        async move { self.silent(&query).await }.boxed()
    }

    fn sources(&self) -> BoxFuture<'_, Result<Vec<EventSource>, StoreError>> {
        self.settings("source", "event source").boxed()
    }

    fn put_source(&self, source: EventSource) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.put_setting("source", &source.id, &source).await }.boxed()
    }

    fn redirects(&self) -> BoxFuture<'_, Result<Vec<Redirect>, StoreError>> {
        self.settings("redirect", "redirect").boxed()
    }

    fn put_redirect(&self, redirect: Redirect) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.put_setting("redirect", &redirect.id, &redirect).await }.boxed()
    }

    fn remove_redirect<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.remove_setting("redirect", id).boxed()
    }

    fn configuration(&self) -> BoxFuture<'_, Result<Configuration, StoreError>> {
        self.read_configuration().boxed()
    }

    fn configuration_revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.read_revision().boxed()
    }

    fn put_configuration(&self, object: ConfigurationObject) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.put_object(&object).await }.boxed()
    }

    fn remove_configuration<'a>(
        &'a self,
        kind: ConfigurationKind,
        id: &'a str,
        version: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.remove_object(kind, id, version).boxed()
    }

    fn configuration_versions<'a>(
        &'a self,
        kind: ConfigurationKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Vec<ConfigurationObject>, StoreError>> {
        self.object_versions(kind, id).boxed()
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        async {
            let places = [self.key_at("ready")];
            self.client.get(&places).await.map(drop)
        }
        .boxed()
    }
}
