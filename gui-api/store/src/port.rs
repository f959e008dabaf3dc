//! The store port: all that the service asks of a store.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tideline_filter::Prepared;
use tideline_model::{
    ConfigurationKind, ConfigurationObject, Event, EventSource, MergeRecord, Origin, Profile, Redirect,
    Session,
};

/// The most events that one query returns.
pub const MAX_PAGE: usize = 200;

/// A page ends with the event that brings it to this many bytes of JSON, as events may be large.
pub const MAX_PAGE_BYTES: usize = 4 << 20;

/// How many merges of a profile are told.
pub const MAX_MERGES: usize = 50;

/// How many versions of a configuration object are kept.
pub const MAX_VERSIONS: usize = 50;

/// A place for documents. Methods are safe to call at the same time from many tasks and processes.
pub trait Store: Send + Sync + 'static {
    /// Where each of these events came from; ids of events that are not stored are left out.
    fn origins<'a>(
        &'a self,
        event_ids: &'a [String],
    ) -> BoxFuture<'a, Result<HashMap<String, Origin>, StoreError>>;

    /// The latest written versions of these sessions and profiles; those that do not exist are left out.
    fn states<'a>(
        &'a self,
        session_ids: &'a [String],
        profile_ids: &'a [String],
    ) -> BoxFuture<'a, Result<States, StoreError>>;

    /// Writes a batch, durably: when this returns, the batch survives a crash and queries find it.
    ///
    /// Events come first, then profiles, then sessions: what is there after a crash half-way is what some of them say,
    /// so that a session never names a profile that has not heard of it, nor a profile counts events that are not there.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a session or profile has another version than the one given, a new profile has the id
    /// of one that was merged, a profile has a key that another has, or an event's id is taken by an event of another origin. Part of the batch may be written then:
    /// read the states and origins again, and apply the requests again.
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>>;

    /// One event.
    fn event<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Event>, StoreError>>;

    /// One session.
    fn session<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Session>, StoreError>>;

    /// One profile, by its own id or any that it has had.
    fn profile<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Profile>, StoreError>>;

    /// The profile that has each of these keys of persons; those that nobody has are left out.
    fn owners<'a>(&'a self, keys: &'a [String])
    -> BoxFuture<'a, Result<HashMap<String, String>, StoreError>>;

    /// Merges that the profile of this id survived, the latest first, at most [`MAX_MERGES`].
    fn merges<'a>(&'a self, survivor: &'a str) -> BoxFuture<'a, Result<Vec<MergeRecord>, StoreError>>;

    /// Events that match, newest first, by [`EventKey`].
    ///
    /// A page may hold fewer than [`EventQuery::limit`] though there are more: it also ends when it has
    /// [`MAX_PAGE_BYTES`], when it has been looked for long enough ([`EventQuery::r#where`]), and events that cannot be
    /// read are left out of it, which may leave none. Only [`EventPage::next`] tells whether another follows.
    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<EventPage, StoreError>>;

    /// Profiles that match, the latest updated first, by [`ProfileKey`]. Pages are as those of [`Store::events`].
    ///
    /// A profile that is updated while somebody reads page by page moves to the front, where they will not see it; nobody
    /// sees one twice.
    fn profiles(&self, query: ProfileQuery) -> BoxFuture<'_, Result<ProfilePage, StoreError>>;

    /// Sessions with a visit that is not said to be over, in which nothing was heard since a while, the longest silent first.
    /// Cheap whatever the number of sessions, as no document is read.
    fn silent_sessions(&self, query: SilentQuery) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>>;

    /// All event sources, by id.
    fn sources(&self) -> BoxFuture<'_, Result<Vec<EventSource>, StoreError>>;

    /// Writes an event source over the one of the same id (whatever its case), or adds it.
    fn put_source(&self, source: EventSource) -> BoxFuture<'_, Result<(), StoreError>>;

    /// All redirects, by id.
    fn redirects(&self) -> BoxFuture<'_, Result<Vec<Redirect>, StoreError>>;

    /// Writes a redirect over the one of the same id (whatever its case), or adds it.
    fn put_redirect(&self, redirect: Redirect) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Removes the redirect of this id (whatever its case), if there is one.
    fn remove_redirect<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// All configuration objects, by kind and id, and which state of them it is.
    fn configuration(&self) -> BoxFuture<'_, Result<Configuration, StoreError>>;

    /// Which state of the configuration objects is stored now. Cheap, whatever their number.
    fn configuration_revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>>;

    /// Writes an object over the version before its own, or adds it as version 1.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another version is there, or none.
    fn put_configuration(&self, object: ConfigurationObject) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Removes an object that is there in this version. Its versions stay readable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another version is there, or none.
    fn remove_configuration<'a>(
        &'a self,
        kind: ConfigurationKind,
        id: &'a str,
        version: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The latest versions of an object, the newest first, at most [`MAX_VERSIONS`]; also of one that was removed.
    fn configuration_versions<'a>(
        &'a self,
        kind: ConfigurationKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Vec<ConfigurationObject>, StoreError>>;

    /// Whether the store answers now.
    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// A state of all configuration objects. Every change makes another, which is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// All configuration objects, at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// Which state it is.
    pub revision: Revision,
    /// The objects, by kind and id.
    pub objects: Vec<ConfigurationObject>,
}

/// What a store cannot do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote in between: read again, apply again.
    #[error("{kind} `{id}` was written by somebody else in the meantime")]
    Conflict {
        /// `session`, `profile`, `event`, or the kind of a configuration object.
        kind: &'static str,
        /// The document's id.
        id: String,
    },
    /// This document is stored but cannot be read back until somebody mends it; others can.
    #[error("the stored {kind} `{id}` cannot be read: restore it from a backup")]
    Damaged {
        /// `session`, `profile`, `event`, `event source`, `redirect` or `configuration object`.
        kind: &'static str,
        /// The document's id.
        id: String,
    },
    /// The store is out of reach, full or damaged: nothing can be read or written until somebody mends it.
    #[error("{0}")]
    Unavailable(String),
}

/// Which writing of a document: 0 is none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version(pub u64);

/// A document and the version that it was read at, so that it is written over that one only.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// The document.
    pub document: T,
    /// The version that was read; [`Version::default`] for a new document.
    pub version: Version,
}

/// Sessions and profiles by id.
#[derive(Clone, Debug, Default)]
pub struct States {
    /// Sessions.
    pub sessions: HashMap<String, Versioned<Session>>,
    /// Profiles.
    pub profiles: HashMap<String, Versioned<Profile>>,
}

/// What one call of [`Store::write`] writes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Events; those already stored with the same origin are left as they are. Two of one id in a batch
    /// must have the same origin, and the first of them counts.
    pub events: Vec<Event>,
    /// Sessions, each at most once.
    pub sessions: Vec<Versioned<Session>>,
    /// Profiles, each at most once.
    pub profiles: Vec<Versioned<Profile>>,
    /// Profiles that are in others from now on. The others are in `profiles`.
    pub merges: Vec<Merge>,
    /// Merges that are taken back, by id. Both profiles are in `profiles`, what was merged as a new one.
    pub separations: Vec<String>,
}

impl Batch {
    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { events, sessions, profiles, merges, separations } = self;
        events.is_empty()
            && sessions.is_empty()
            && profiles.is_empty()
            && merges.is_empty()
            && separations.is_empty()
    }
}

/// A profile that is in another from now on: it is found by that one's id and no more by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// Which, and why.
    pub record: MergeRecord,
    /// The version that was read of the profile that goes; [`Version::default`] where it was never written.
    pub version: Version,
}

/// Which events are wanted: all given parts must match, exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Event type.
    pub r#type: Option<String>,
    /// Source id.
    pub source: Option<String>,
    /// Session id.
    pub session: Option<String>,
    /// Profile ids, any of them; all events when there are none.
    pub profiles: Vec<String>,
}

impl EventFilter {
    /// Whether this event is wanted.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let fits =
            |wanted: &Option<String>, actual: Option<&str>| wanted.is_none() || wanted.as_deref() == actual;
        let session = event.session.as_ref().map(|session| session.id.as_str());
        let profile = event.profile.as_ref().map(|profile| profile.id.as_str());
        fits(&self.r#type, Some(&event.r#type))
            && fits(&self.source, Some(&event.source.id))
            && fits(&self.session, session)
            && (self.profiles.is_empty()
                || profile.is_some_and(|id| self.profiles.iter().any(|wanted| wanted == id)))
    }
}

/// A page of events.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Which.
    pub filter: EventFilter,
    /// And which of them: documents are read to find out, so many that a page comes in bounded time.
    pub r#where: Option<Prepared>,
    /// Event time, to the microsecond, from here on.
    pub from: Option<Timestamp>,
    /// Event time, to the microsecond, before this.
    pub to: Option<Timestamp>,
    /// Only what comes after the event of this key in the order of the list, that is, older.
    pub after: Option<EventKey>,
    /// How many at the most, 1 to [`MAX_PAGE`].
    pub limit: usize,
}

/// The place of an event in lists: event time, then id, both descending.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey {
    /// `metadata.time.insert`, to the microsecond, which is all that lists sort by.
    pub microseconds: i64,
    /// The event's id.
    pub id: String,
}

impl EventKey {
    /// The place of this event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self { microseconds: event.metadata.time.insert.as_microsecond(), id: event.id.clone() }
    }
}

/// What a query found.
#[derive(Clone, Debug, Default)]
pub struct EventPage {
    /// Events, newest first.
    pub events: Vec<Event>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<EventKey>,
}

/// Which sessions are silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentQuery {
    /// Those whose latest request was received before this.
    pub before: Timestamp,
    /// Only what comes after this one in the order of the list.
    pub after: Option<SessionKey>,
    /// How many at the most.
    pub limit: usize,
}

/// The place of a session in lists: `metadata.time.update`, then id, both ascending.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// `metadata.time.update`, to the microsecond.
    pub microseconds: i64,
    /// The session's id.
    pub id: String,
}

/// A page of profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileQuery {
    /// Which; none for all.
    pub r#where: Option<Prepared>,
    /// Only what comes after the profile of this key in the order of the list.
    pub after: Option<ProfileKey>,
    /// How many at the most, 1 to [`MAX_PAGE`].
    pub limit: usize,
}

/// The place of a profile in lists: `metadata.time.update`, then id, both descending.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileKey {
    /// `metadata.time.update`, to the microsecond.
    pub microseconds: i64,
    /// The profile's id.
    pub id: String,
}

impl ProfileKey {
    /// The place of this profile.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        Self { microseconds: profile.metadata.time.update.as_microsecond(), id: profile.id.clone() }
    }
}

/// What a query found.
#[derive(Clone, Debug, Default)]
pub struct ProfilePage {
    /// Profiles, the latest updated first.
    pub profiles: Vec<Profile>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<ProfileKey>,
}
