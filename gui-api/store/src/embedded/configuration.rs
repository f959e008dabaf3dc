//! Configuration objects in SQLite: event sources and redirects, by id, whose case does not matter.

use rusqlite::Connection;
use serde::de::DeserializeOwned;
use tideline_model::{EventSource, Redirect};

use super::documents::{Documents, document, json};
use crate::StoreError;

/// A change of one object.
pub(super) enum Edit {
    PutSource(EventSource),
    PutRedirect(Redirect),
    RemoveRedirect(String),
}

impl Edit {
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
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
        };
        changed.map(drop)
    }
}

impl Documents {
    pub(super) fn sources(&self) -> Result<Vec<EventSource>, StoreError> {
        self.objects("event source", "SELECT id, document FROM sources ORDER BY id")
    }

    pub(super) fn redirects(&self) -> Result<Vec<Redirect>, StoreError> {
        self.objects("redirect", "SELECT id, document FROM redirects ORDER BY id")
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
