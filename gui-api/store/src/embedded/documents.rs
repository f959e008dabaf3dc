//! Sessions and profiles in SQLite, and the database itself; configuration objects are in [`super::configuration`].
//!
//! Reads take a connection of their own each, kept for the next read, and see the last commit. The one
//! writing connection belongs to [`super::writer`], which wraps a whole group of batches in a transaction.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tideline_model::{Profile, Session};

use super::partitions::sync_directory;
use super::{damage, fault, identity};
use crate::{Batch, ProfileKey, SessionKey, SilentQuery, States, StoreError, Version, Versioned};

/// What each version of the schema adds to the one before.
const SCHEMA: [&str; 6] = [
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, version INTEGER NOT NULL, document TEXT NOT NULL);
     CREATE TABLE profiles (id TEXT PRIMARY KEY, version INTEGER NOT NULL, document TEXT NOT NULL);
     CREATE TABLE profile_ids (id TEXT PRIMARY KEY, profile TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE sources (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE redirects (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;",
    // `metadata.time.update`, in microseconds since 1970. Of profiles that are there already, it is known to the
    // millisecond until they are written again, which is of no matter for lists.
    "ALTER TABLE profiles ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
     UPDATE profiles SET updated = coalesce(
         CAST(round(1000 * unixepoch(document ->> '$.metadata.time.update', 'subsec')) AS INTEGER) * 1000, 0)
     WHERE json_valid(document);
     CREATE INDEX profiles_by_update ON profiles (updated, id);",
    // The same of sessions whose visit is not over; null of the others, which the index leaves out.
    "ALTER TABLE sessions ADD COLUMN open_since INTEGER;
     UPDATE sessions SET open_since =
         CAST(round(1000 * unixepoch(document ->> '$.metadata.time.update', 'subsec')) AS INTEGER) * 1000
     WHERE json_valid(document) AND document ->> '$.metadata.status' = 'active';
     CREATE INDEX sessions_open ON sessions (open_since, id) WHERE open_since IS NOT NULL;",
    // A change without a document is the removal of the object.
    "CREATE TABLE configuration (
         kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL, PRIMARY KEY (kind, id)
     ) WITHOUT ROWID;
     CREATE TABLE configuration_changes (
         change INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT
     );
     CREATE INDEX configuration_changes_of ON configuration_changes (kind, id, change);",
    "CREATE TABLE person_keys (key TEXT PRIMARY KEY, profile TEXT NOT NULL) WITHOUT ROWID;
     CREATE INDEX person_keys_of ON person_keys (profile);
     CREATE TABLE merges (id TEXT PRIMARY KEY, survivor TEXT NOT NULL, at INTEGER NOT NULL, document TEXT NOT NULL);
     CREATE INDEX merges_of ON merges (survivor, at);",
];

/// What `user_version` says in databases that this program writes.
const SCHEMA_VERSION: i64 = SCHEMA.len() as i64;

/// The longest silent of the sessions whose visit is not over.
const SILENT: &str = "SELECT open_since, id FROM sessions
    WHERE open_since IS NOT NULL AND (open_since, id) > (?1, ?2) AND open_since < ?3 ORDER BY open_since, id LIMIT ?4";

/// How long one process waits for another that writes.
const BUSY: Duration = Duration::from_secs(15);

/// What a directory holds, found without changing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No store: opening makes one.
    Nothing,
    /// A store of an older version of this program: opening brings it up to date.
    Older,
    /// A store that opens as it is, or is refused as being of a newer version.
    UpToDate,
}

/// The database file and connections to read it.
pub(super) struct Documents {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Documents {
    fn of(directory: &Path) -> Self {
        Self { path: directory.join("tideline.db"), idle: Mutex::default() }
    }

    pub(super) fn find(directory: &Path) -> Result<Found, StoreError> {
        let documents = Self::of(directory);
        if !documents.path.exists() {
            return Ok(Found::Nothing);
        }
        let version = Connection::open_with_flags(&documents.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .and_then(|connection| {
                connection.busy_timeout(BUSY)?;
                schema_version(&connection)
            });
        let version = version.map_err(|error| documents.fault(&error))?;
        Ok(if version < SCHEMA_VERSION { Found::Older } else { Found::UpToDate })
    }

    /// Opens the database of the store in `directory`, and makes both if there are none.
    pub(super) fn open(directory: &Path) -> Result<Self, StoreError> {
        make_directory(directory).map_err(|error| fault::io(directory, &error))?;
        let documents = Self::of(directory);
        let mut connection = documents.connect()?;
        let found = migrate(&mut connection).map_err(|error| documents.fault(&error))?;
        if found > SCHEMA_VERSION {
            return Err(StoreError::Unavailable(format!(
                "`{}` was written by a newer version of this program (schema {found}, this one knows {SCHEMA_VERSION}): \
                 install that version or a later one",
                documents.path.display()
            )));
        }
        documents.put_back(connection);
        Ok(documents)
    }

    /// A new connection, for reading and writing.
    pub(super) fn connect(&self) -> Result<Connection, StoreError> {
        let open = || {
            let connection = Connection::open(&self.path)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "journal_size_limit", 64_000_000)?;
            connection.set_prepared_statement_cache_capacity(32);
            Ok(connection)
        };
        open().map_err(|error| self.fault(&error))
    }

    /// The database file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The sentence for a failure of SQLite.
    pub(super) fn fault(&self, error: &rusqlite::Error) -> StoreError {
        fault::sqlite(&self.path, error)
    }

    pub(super) fn states(
        &self,
        session_ids: &[String],
        profile_ids: &[String],
    ) -> Result<States, StoreError> {
        let rows = self.read(|connection| {
            Ok((rows(connection, Kind::Session, session_ids)?, rows(connection, Kind::Profile, profile_ids)?))
        })?;
        Ok(States {
            sessions: self.parse_all(Kind::Session, rows.0)?,
            profiles: self.parse_all(Kind::Profile, rows.1)?,
        })
    }

    pub(super) fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let row = self.read(|connection| row(connection, Kind::Session, id))?;
        row.map(|row| self.parse(Kind::Session.name(), id, &row.document)).transpose()
    }

    pub(super) fn profile(&self, id: &str) -> Result<Option<Profile>, StoreError> {
        let row = self.read(|connection| {
            if let Some(row) = row(connection, Kind::Profile, id)? {
                return Ok(Some((id.to_owned(), row)));
            }
            let mut alias = connection.prepare_cached("SELECT profile FROM profile_ids WHERE id = ?1")?;
            let owner: Option<String> = alias.query_row([id], |row| row.get(0)).optional()?;
            let Some(owner) = owner else { return Ok(None) };
            Ok(row(connection, Kind::Profile, &owner)?.map(|row| (owner, row)))
        })?;
        let profile: Option<Profile> =
            row.map(|(owner, row)| self.parse(Kind::Profile.name(), &owner, &row.document)).transpose()?;
        // An id that was taken away from a profile has left its entry behind.
        Ok(profile.filter(|profile| profile.id == id || profile.ids.iter().any(|known| known == id)))
    }

    pub(super) fn silent_sessions(&self, query: &SilentQuery) -> Result<Vec<SessionKey>, StoreError> {
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let (from, after) = match &query.after {
            Some(key) => (key.microseconds, key.id.as_str()),
            None => (i64::MIN, ""),
        };
        self.read(|connection| {
            let mut select = connection.prepare_cached(SILENT)?;
            let key = |row: &rusqlite::Row<'_>| Ok(SessionKey { microseconds: row.get(0)?, id: row.get(1)? });
            let found = select.query_map(params![from, after, query.before.as_microsecond(), limit], key)?;
            found.collect()
        })
    }

    pub(super) fn ready(&self) -> Result<(), StoreError> {
        self.read(|connection| connection.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(())))
    }

    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| self.connect(), Ok)?;
        let found = read(&connection).map_err(|error| self.fault(&error))?;
        self.put_back(connection);
        Ok(found)
    }

    fn put_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        id: &str,
        document: &[u8],
    ) -> Result<T, StoreError> {
        serde_json::from_slice(document).map_err(|error| damage::found(&self.path, kind, id, &error))
    }

    fn parse_all<T: DeserializeOwned>(
        &self,
        kind: Kind,
        rows: Vec<(String, Row)>,
    ) -> Result<HashMap<String, Versioned<T>>, StoreError> {
        let parse = |(id, row): (String, Row)| {
            let document = self.parse(kind.name(), &id, &row.document)?;
            Ok((id, Versioned { document, version: row.version }))
        };
        rows.into_iter().map(parse).collect()
    }
}

fn make_directory(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    std::fs::canonicalize(directory)?.parent().map_or(Ok(()), sync_directory)
}

/// Makes the tables that are missing; returns the schema version that it found. A newer database stays as it is.
fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    // In a transaction: of two processes that open a new directory at once, one makes the tables.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = schema_version(&transaction)?;
    for (version, addition) in (1..).zip(SCHEMA).filter(|(version, _)| *version > found) {
        transaction.execute_batch(addition)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()?;
    Ok(found)
}

fn schema_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// A document that is written over the version that was read.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Session,
    Profile,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Profile => "profile",
        }
    }

    fn select(self) -> &'static str {
        match self {
            Self::Session => "SELECT version, document FROM sessions WHERE id = ?1",
            Self::Profile => "SELECT version, document FROM profiles WHERE id = ?1",
        }
    }

    /// Writes nothing when the version is another.
    fn insert(self) -> &'static str {
        match self {
            Self::Session => "INSERT INTO sessions VALUES (?1, ?2 + 1, ?3, ?4) ON CONFLICT DO NOTHING",
            Self::Profile => "INSERT INTO profiles VALUES (?1, ?2 + 1, ?3, ?4) ON CONFLICT DO NOTHING",
        }
    }

    /// Writes nothing when the version is another.
    fn update(self) -> &'static str {
        match self {
            Self::Session => {
                "UPDATE sessions SET version = version + 1, document = ?3, open_since = ?4
                 WHERE id = ?1 AND version = ?2"
            }
            Self::Profile => {
                "UPDATE profiles SET version = version + 1, document = ?3, updated = ?4
                 WHERE id = ?1 AND version = ?2"
            }
        }
    }
}

struct Row {
    version: Version,
    document: Vec<u8>,
}

/// The second column, whatever it holds: what is no JSON is found out when it is parsed, and so harms
/// this document alone.
pub(super) fn document(row: &rusqlite::Row<'_>) -> rusqlite::Result<Vec<u8>> {
    Ok(row.get_ref(1)?.as_bytes().unwrap_or_default().to_vec())
}

fn row(connection: &Connection, kind: Kind, id: &str) -> rusqlite::Result<Option<Row>> {
    let mut select = connection.prepare_cached(kind.select())?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Row { version: Version(row.get::<_, i64>(0)?.unsigned_abs()), document: document(row)? })
    };
    select.query_row([id], read).optional()
}

fn rows(connection: &Connection, kind: Kind, ids: &[String]) -> rusqlite::Result<Vec<(String, Row)>> {
    let found = ids.iter().map(|id| Ok(row(connection, kind, id)?.map(|row| (id.clone(), row))));
    found.filter_map(Result::transpose).collect()
}

/// A session or profile that has another version than the one given.
pub(super) struct Outdated {
    pub(super) kind: &'static str,
    pub(super) id: String,
}

/// Writes sessions and profiles, each over the version given, and who was merged. When one has another version, says which;
/// some are written then, and the caller rolls back.
pub(super) fn write_states(connection: &Connection, batch: &Batch) -> rusqlite::Result<Option<Outdated>> {
    let outdated = |id: &str| Ok(Some(Outdated { kind: Kind::Profile.name(), id: id.to_owned() }));
    for merge in &batch.merges {
        if !identity::merge(connection, merge)? {
            return outdated(&merge.record.merged.id);
        }
    }
    for id in &batch.separations {
        identity::separate(connection, id)?;
    }
    for session in &batch.sessions {
        let time = &session.document.metadata.time;
        let open_since = session.document.has_open_visit().then(|| time.update.as_microsecond());
        if !write(connection, Kind::Session, &session.document.id, session, open_since)? {
            return Ok(Some(Outdated { kind: Kind::Session.name(), id: session.document.id.clone() }));
        }
    }
    // All of them first: of two in the batch one may have what the other has given up.
    let give_up = |profile: &Versioned<Profile>| identity::give_up_keys(connection, &profile.document);
    let kept: Vec<Vec<String>> = batch.profiles.iter().map(give_up).collect::<Result<_, _>>()?;
    for (profile, kept) in batch.profiles.iter().zip(&kept) {
        let updated = ProfileKey::of(&profile.document).microseconds;
        let id = &profile.document.id;
        let is_taken = profile.version == Version::default() && identity::was_merged(connection, id)?;
        if is_taken || !write(connection, Kind::Profile, id, profile, Some(updated))? {
            return outdated(id);
        }
        write_ids(connection, &profile.document)?;
        if !identity::take_keys(connection, &profile.document, kept)? {
            return outdated(id);
        }
    }
    Ok(None)
}

fn write<T: Serialize>(
    connection: &Connection,
    kind: Kind,
    id: &str,
    versioned: &Versioned<T>,
    time: Option<i64>,
) -> rusqlite::Result<bool> {
    let version = i64::try_from(versioned.version.0).unwrap_or(i64::MAX);
    let document = json(&versioned.document)?;
    let mut statement =
        connection.prepare_cached(if version == 0 { kind.insert() } else { kind.update() })?;
    Ok(statement.execute(params![id, version, document, time])? == 1)
}

fn write_ids(connection: &Connection, profile: &Profile) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO profile_ids VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET profile = excluded.profile WHERE profile <> excluded.profile",
    )?;
    // Its own id is found without this table.
    for id in profile.ids.iter().filter(|id| **id != profile.id) {
        upsert.execute([id, &profile.id])?;
    }
    Ok(())
}

/// A document as it is stored.
pub(super) fn json<T: Serialize>(document: &T) -> rusqlite::Result<String> {
    serde_json::to_string(document).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
