//! Who is who in SQLite: the keys that people are known by, and profiles that were merged.
//!
//! The row of a profile that was merged is gone; its ids lead to the one that it is in, like all former ids.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use tideline_model::{MergeRecord, Profile};

use super::documents::{Documents, document, json};
use crate::{MAX_MERGES, Merge, StoreError};

const MERGES: &str = "SELECT id, document FROM merges WHERE survivor = ?1 ORDER BY at DESC, id LIMIT ?2";

const MERGED_INTO: &str = "SELECT id, CASE WHEN json_valid(document) THEN document ->> '$.merged.id' END
    FROM merges WHERE survivor = ?1";

/// Takes away the profile that is in another from now on; false when it has another version than the one given.
pub(super) fn merge(connection: &Connection, merge: &Merge) -> rusqlite::Result<bool> {
    let MergeRecord { id, at, survivor, merged, .. } = &merge.record;
    if merge.version.0 > 0 {
        let version = i64::try_from(merge.version.0).unwrap_or(i64::MAX);
        let mut delete = connection.prepare_cached("DELETE FROM profiles WHERE id = ?1 AND version = ?2")?;
        if delete.execute(params![merged.id, version])? == 0 {
            return Ok(false);
        }
    }
    connection.prepare_cached("DELETE FROM person_keys WHERE profile = ?1")?.execute([&merged.id])?;
    connection.prepare_cached("INSERT OR REPLACE INTO merges VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        id,
        survivor.id,
        at.as_microsecond(),
        json(&merge.record)?
    ])?;
    // What it had survived itself is its survivor's history from now on.
    connection
        .prepare_cached("UPDATE merges SET survivor = ?2 WHERE survivor = ?1")?
        .execute([&merged.id, &survivor.id])?;
    Ok(true)
}

/// Forgets a merge, and which profile the ids of the one that was merged lead to.
pub(super) fn separate(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached("SELECT survivor, document FROM merges WHERE id = ?1")?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, document(row)?));
    let Some((survivor, record)) = select.query_row([id], row).optional()? else { return Ok(()) };
    connection.prepare_cached("DELETE FROM merges WHERE id = ?1")?.execute([id])?;
    if let Ok(MergeRecord { merged, .. }) = serde_json::from_slice(&record) {
        let mut delete = connection.prepare_cached("DELETE FROM profile_ids WHERE id = ?1")?;
        for id in merged.ids.iter().chain([&merged.id]) {
            delete.execute([id])?;
        }
        give_back_merges(connection, &survivor, &merged)?;
    }
    Ok(())
}

/// What the profile had survived before it was merged is its own history again.
fn give_back_merges(connection: &Connection, survivor: &str, merged: &Profile) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached(MERGED_INTO)?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let known: Vec<(String, Option<String>)> =
        select.query_map([survivor], row)?.collect::<Result<_, _>>()?;
    let mut update = connection.prepare_cached("UPDATE merges SET survivor = ?2 WHERE id = ?1")?;
    for (id, gone) in known {
        if gone.is_some_and(|gone| merged.ids.contains(&gone)) {
            update.execute([&id, &merged.id])?;
        }
    }
    Ok(())
}

/// Whether the id leads to another profile that is there.
pub(super) fn was_merged(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached(
        "SELECT 1 FROM profile_ids JOIN profiles ON profiles.id = profile_ids.profile
         WHERE profile_ids.id = ?1 AND profile_ids.profile <> ?1",
    )?;
    select.exists([id])
}

/// Takes keys away from the profile that it does not say any more; those that it keeps.
pub(super) fn give_up_keys(connection: &Connection, profile: &Profile) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare_cached("SELECT key FROM person_keys WHERE profile = ?1")?;
    let known: Vec<String> = select.query_map([&profile.id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let (kept, given_up): (Vec<String>, Vec<String>) =
        known.into_iter().partition(|key| profile.metadata.keys.contains(key));
    for key in given_up {
        connection.prepare_cached("DELETE FROM person_keys WHERE key = ?1")?.execute([key])?;
    }
    Ok(kept)
}

/// Gives the profile the keys that it says besides those that it has; false when another has one of them.
pub(super) fn take_keys(
    connection: &Connection,
    profile: &Profile,
    kept: &[String],
) -> rusqlite::Result<bool> {
    let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO person_keys VALUES (?1, ?2)")?;
    for key in profile.metadata.keys.iter().filter(|key| !kept.contains(key)) {
        if insert.execute([key, &profile.id])? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Documents {
    pub(super) fn owners(&self, keys: &[String]) -> Result<HashMap<String, String>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT profile FROM person_keys WHERE key = ?1")?;
            let mut owners = HashMap::new();
            for key in keys {
                let owner: Option<String> = select.query_row([key], |row| row.get(0)).optional()?;
                owners.extend(owner.map(|owner| (key.clone(), owner)));
            }
            Ok(owners)
        })
    }

    pub(super) fn merges(&self, survivor: &str) -> Result<Vec<MergeRecord>, StoreError> {
        let rows: Vec<(String, Vec<u8>)> = self.read(|connection| {
            let mut select = connection.prepare_cached(MERGES)?;
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, document(row)?));
            select.query_map(params![survivor, MAX_MERGES as i64], row)?.collect()
        })?;
        rows.iter().map(|(id, record)| self.parse("merge", id, record)).collect()
    }
}
