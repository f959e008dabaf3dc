//! Lists of profiles: the latest updated first, a page at a time, by key.
//!
//! Rows are read a few at a time, so that no read holds on to an old state of the database while others write.

use std::path::Path;

use rusqlite::{Connection, params};
use tideline_filter::{Document, Documents as Asked, Prepared, narrowing};
use tideline_model::Profile;

use super::damage;
use super::documents::{Documents, document};
use super::scan::{Scan, times_of};
use crate::{MAX_PAGE, MAX_PAGE_BYTES, ProfileKey, ProfilePage, ProfileQuery, StoreError};

/// So many bytes of documents are read in one go, and the document that reaches them.
const ROUND_BYTES: usize = 4 << 20;

const LATEST: &str = "SELECT updated, document, id FROM profiles
    WHERE (updated, id) < (?1, ?2) AND updated >= ?3 ORDER BY updated DESC, id DESC LIMIT ?4";

/// The same among profiles of these ids, as a JSON array, or that have had them. The `+` keeps it from the index of times.
const LATEST_AMONG: &str = "SELECT updated, document, id FROM profiles
    WHERE id IN (SELECT value FROM json_each(?5)
                 UNION SELECT profile FROM profile_ids WHERE id IN (SELECT value FROM json_each(?5)))
    AND (+updated, id) < (?1, ?2) AND +updated >= ?3 ORDER BY +updated DESC, id DESC LIMIT ?4";

/// The field that lists are ordered by.
const TIME: &[&str] = &["metadata", "time", "update"];

/// The page that `query` asks for.
pub(super) fn latest_first(
    documents: &Documents,
    query: &ProfileQuery,
    mut scan: Scan,
) -> Result<ProfilePage, StoreError> {
    let wanted = query.limit.clamp(1, MAX_PAGE);
    let condition = query.r#where.as_ref();
    let mut rest = Rest::of(query);
    let mut page = ProfilePage::default();
    let (mut count, mut bytes) = (0, 0);
    loop {
        // Without a condition one more than the page has, to know whether another follows.
        let round = if condition.is_some() { scan.next_round() } else { wanted + 1 - count };
        let rows = documents.read(|connection| rest.rows(connection, round))?;
        for row in rows.found {
            if count == wanted || bytes >= MAX_PAGE_BYTES || (condition.is_some() && scan.is_over()) {
                page.next = rest.after;
                return Ok(page);
            }
            scan.count();
            if let Some(profile) = read(&row, condition, documents.path()) {
                count += 1;
                bytes += row.document.len();
                page.profiles.extend(profile);
            }
            rest.after = Some(row.key);
        }
        if rows.are_last {
            return Ok(page);
        }
    }
}

/// The profile, if it matches; no profile, if it cannot be read.
fn read(row: &Row, condition: Option<&Prepared>, path: &Path) -> Option<Option<Profile>> {
    let found = || -> serde_json::Result<Option<Profile>> {
        if let Some(condition) = condition {
            let profile = serde_json::from_slice(&row.document)?;
            if !condition.matches(&Asked::only(Document::Profile, &profile)) {
                return Ok(None);
            }
        }
        serde_json::from_slice(&row.document).map(Some)
    };
    match found() {
        Ok(Some(profile)) => Some(Some(profile)),
        Ok(None) => None,
        Err(error) => {
            // It is logged; it must not keep anybody from the others.
            let _ = damage::found(path, "profile", &row.key.id, &error);
            Some(None)
        }
    }
}

/// The part of the list that is not read yet.
struct Rest {
    after: Option<ProfileKey>,
    from: i64,
    to: i64,
    /// A JSON array of ids that those that match have had.
    ids: Option<String>,
}

struct Row {
    key: ProfileKey,
    document: Vec<u8>,
}

struct Rows {
    found: Vec<Row>,
    are_last: bool,
}

impl Rest {
    fn of(query: &ProfileQuery) -> Self {
        let mut rest = Self { after: query.after.clone(), from: i64::MIN, to: i64::MAX, ids: None };
        if let Some(condition) = &query.r#where {
            let times = times_of(condition, Document::Profile, TIME);
            (rest.from, rest.to) = (times.start, times.end);
            let texts = |field| narrowing::texts(condition.expression(), Document::Profile, &[field]);
            let ids = texts("id").or_else(|| texts("ids"));
            rest.ids = ids.map(|ids| serde_json::Value::from(ids).to_string());
        }
        rest
    }

    /// The next rows, at most `limit` and not many bytes.
    fn rows(&self, connection: &Connection, limit: usize) -> rusqlite::Result<Rows> {
        // No id is less than the empty one, so that what is updated at `to` is left out.
        let end = (self.to, "");
        let after = self.after.as_ref().map_or(end, |key| (key.microseconds, key.id.as_str()).min(end));
        let limited = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut select = connection.prepare_cached(if self.ids.is_some() { LATEST_AMONG } else { LATEST })?;
        let mut rows = match &self.ids {
            Some(ids) => select.query(params![after.0, after.1, self.from, limited, ids])?,
            None => select.query(params![after.0, after.1, self.from, limited])?,
        };
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let key = ProfileKey { microseconds: row.get(0)?, id: row.get(2)? };
            let document = document(row)?;
            bytes += document.len();
            found.push(Row { key, document });
            if bytes >= ROUND_BYTES {
                return Ok(Rows { found, are_last: false });
            }
        }
        Ok(Rows { are_last: found.len() < limit, found })
    }
}
