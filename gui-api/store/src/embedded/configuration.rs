//! Configuration in SQLite: event sources and redirects, by id, whose case does not matter; and configuration objects, by
//! kind and id, with the changes that made them.

use rusqlite::{Connection, OptionalExtension, params};
use serde::de::DeserializeOwned;
use tideline_model::{ConfigurationKind, ConfigurationObject, EventSource, Redirect};

use super::documents::{Documents, document, json};
use crate::{Configuration, MAX_VERSIONS, Revision, StoreError};

const OBJECTS: &str = "SELECT id, document FROM configuration ORDER BY kind, id";
const REVISION: &str = "SELECT coalesce(max(change), 0) FROM configuration_changes";
const VERSION: &str = "SELECT version FROM configuration WHERE kind = ?1 AND id = ?2";
const VERSIONS: &str = "SELECT id, document FROM configuration_changes
    WHERE kind = ?1 AND id = ?2 AND document IS NOT NULL ORDER BY change DESC LIMIT ?3";
/// Only so many changes of an object are kept; the latest of all stays, as it is the revision.
const FORGET: &str = "DELETE FROM configuration_changes WHERE kind = ?1 AND id = ?2 AND change <= (
    SELECT change FROM configuration_changes WHERE kind = ?1 AND id = ?2 ORDER BY change DESC LIMIT 1 OFFSET ?3)";

/// A change of one object.
pub(super) enum Edit {
    PutSource(EventSource),
    PutRedirect(Redirect),
    RemoveRedirect(String),
    Put(Box<ConfigurationObject>),
    Remove(ConfigurationKind, String, u64),
}

impl Edit {
    /// Writes the change; a conflict writes nothing.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<Result<(), StoreError>> {
        let changed = match self {
            Self::PutSource(source) => connection
                .prepare_cached("INSERT OR REPLACE INTO sources VALUES (?1, ?2)")?
                .execute([source.id.to_lowercase(), json(source)?]),
            Self::PutRedirect(redirect) => connection
                .prepare_cached("INSERT OR REPLACE INTO redirects VALUES (?1, ?2)")?
                .execute([redirect.id.to_lowercase(), json(redirect)?]),
            Self::RemoveRedirect(id) => {
                connection.prepare_cached("DELETE FROM redirects WHERE id = ?1")?.execute([id.to_lowercase()])
            }
            Self::Put(object) => {
                let (kind, before) = (object.settings.kind(), object.version.saturating_sub(1));
                if version(connection, kind, &object.id)? != before || object.version == 0 {
                    return Ok(Err(conflict(kind, &object.id)));
                }
                let version = i64::try_from(object.version).unwrap_or(i64::MAX);
                let document = json(object)?;
                connection
                    .prepare_cached("INSERT OR REPLACE INTO configuration VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![kind.name(), object.id, version, document])?;
                note(connection, kind, &object.id, Some(&document))
            }
            Self::Remove(kind, id, removed) => {
                if version(connection, *kind, id)? != *removed || *removed == 0 {
                    return Ok(Err(conflict(*kind, id)));
                }
                connection
                    .prepare_cached("DELETE FROM configuration WHERE kind = ?1 AND id = ?2")?
                    .execute([kind.name(), id])?;
                note(connection, *kind, id, None)
            }
        };
        changed.map(|_| Ok(()))
    }
}

/// The version that is there; 0 for none.
fn version(connection: &Connection, kind: ConfigurationKind, id: &str) -> rusqlite::Result<u64> {
    let mut select = connection.prepare_cached(VERSION)?;
    let found: Option<i64> = select.query_row([kind.name(), id], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or_default().unsigned_abs())
}

/// Notes a change of an object, and forgets the oldest.
fn note(
    connection: &Connection,
    kind: ConfigurationKind,
    id: &str,
    document: Option<&str>,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("INSERT INTO configuration_changes (kind, id, document) VALUES (?1, ?2, ?3)")?
        .execute(params![kind.name(), id, document])?;
    connection.prepare_cached(FORGET)?.execute(params![kind.name(), id, MAX_VERSIONS as i64])
}

fn conflict(kind: ConfigurationKind, id: &str) -> StoreError {
    StoreError::Conflict { kind: kind.name(), id: id.to_owned() }
}

impl Documents {
    pub(super) fn sources(&self) -> Result<Vec<EventSource>, StoreError> {
        self.objects("event source", "SELECT id, document FROM sources ORDER BY id")
    }

    pub(super) fn redirects(&self) -> Result<Vec<Redirect>, StoreError> {
        self.objects("redirect", "SELECT id, document FROM redirects ORDER BY id")
    }

    pub(super) fn configuration(&self) -> Result<Configuration, StoreError> {
        // Read before the objects: what is written in between makes them newer, and they are read again.
        let revision = self.configuration_revision()?;
        Ok(Configuration { revision, objects: self.objects("configuration object", OBJECTS)? })
    }

    pub(super) fn configuration_revision(&self) -> Result<Revision, StoreError> {
        let read = |row: &rusqlite::Row<'_>| Ok(Revision(row.get::<_, i64>(0)?.unsigned_abs()));
        self.read(|connection| connection.prepare_cached(REVISION)?.query_row([], read))
    }

    pub(super) fn configuration_versions(
        &self,
        kind: ConfigurationKind,
        id: &str,
    ) -> Result<Vec<ConfigurationObject>, StoreError> {
        let rows: Vec<Vec<u8>> = self.read(|connection| {
            let mut select = connection.prepare_cached(VERSIONS)?;
            select.query_map(params![kind.name(), id, MAX_VERSIONS as i64], document)?.collect()
        })?;
        rows.iter().map(|document| self.parse("configuration object", id, document)).collect()
    }

    fn objects<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        select: &'static str,
    ) -> Result<Vec<T>, StoreError> {
        let rows: Vec<(String, Vec<u8>)> = self.read(|connection| {
            let mut select = connection.prepare_cached(select)?;
            select.query_map([], |row| Ok((row.get(0)?, document(row)?)))?.collect()
        })?;
        rows.iter().map(|(id, document)| self.parse(kind, id, document)).collect()
    }
}
