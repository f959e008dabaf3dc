//! Many writes in one request, and what became of each.

use std::fmt::Write as _;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::client::{Body, Client};
use crate::{StoreError, Version};

/// A request ends with the write that brings it to this many bytes; the server takes 100 MB unless told.
const MAX_BYTES: usize = 8 << 20;

/// Bits of a version that are the sequence number; the rest is the primary term.
const SEQUENCE_BITS: u32 = 44;

/// What must be there for a write to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Nothing.
    Nothing,
    /// This version.
    This(Version),
    /// Whatever there is.
    Anything,
}

/// A write of one document; none to delete it.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) index: String,
    pub(super) id: String,
    pub(super) over: Over,
    pub(super) source: Option<String>,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is done, and made this version.
    As(Version),
    /// Something else is there.
    Conflict,
}

impl Written {
    /// The version that it made.
    pub(super) fn version(self) -> Option<Version> {
        match self {
            Self::As(version) => Some(version),
            Self::Conflict => None,
        }
    }
}

/// The version of these two numbers; it is none of those that mean nothing.
pub(super) fn version(sequence: u64, term: u64) -> Version {
    Version((term << SEQUENCE_BITS) | (sequence & ((1 << SEQUENCE_BITS) - 1)))
}

/// Sequence number and primary term; the server takes no term 0, which no document has.
fn numbers(version: Version) -> (u64, u64) {
    (version.0 & ((1 << SEQUENCE_BITS) - 1), (version.0 >> SEQUENCE_BITS).max(1))
}

impl Write {
    fn lines(&self) -> String {
        let Self { index, id, over, source } = self;
        let mut target = json!({"_index": index, "_id": id});
        if let Over::This(version) = over {
            let (sequence, term) = numbers(*version);
            target["if_seq_no"] = sequence.into();
            target["if_primary_term"] = term.into();
        }
        let action = match (source, over) {
            (None, _) => "delete",
            (Some(_), Over::Nothing) => "create",
            (Some(_), _) => "index",
        };
        let mut lines = format!("{}\n", json!({action: target}));
        if let Some(source) = source {
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{source}");
        }
        lines
    }
}

#[derive(Deserialize)]
struct Reply {
    items: Vec<std::collections::HashMap<String, Item>>,
}

#[derive(Deserialize)]
struct Item {
    status: u16,
    #[serde(rename = "_seq_no")]
    sequence: Option<u64>,
    #[serde(rename = "_primary_term")]
    term: Option<u64>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    r#type: String,
    reason: Option<String>,
}

impl Item {
    fn written(&self) -> Result<Written, StoreError> {
        match (StatusCode::from_u16(self.status).unwrap_or_default(), &self.error) {
            (StatusCode::CONFLICT, _) => Ok(Written::Conflict),
            // What is to be deleted is not there.
            (StatusCode::NOT_FOUND, None) => Ok(Written::Conflict),
            (status, None) if status.is_success() => {
                Ok(Written::As(version(self.sequence.unwrap_or_default(), self.term.unwrap_or_default())))
            }
            (status, error) => {
                let error = error.as_ref();
                let what = error.map_or("", |error| error.r#type.as_str());
                let reason = error.and_then(|error| error.reason.as_deref()).unwrap_or_default();
                let reason: String = reason.chars().take(500).collect();
                Err(StoreError::Unavailable(format!(
                    "the search server refuses a write with {}, {what}: {reason}",
                    status.as_u16()
                )))
            }
        }
    }
}

impl Client {
    /// Does these writes, in as many requests as they need, in their order. `refresh` makes searches find them at once.
    ///
    /// # Errors
    /// The server is out of reach, or takes one of them never or not now; others may be done.
    pub(super) async fn bulk(&self, writes: &[Write], refresh: bool) -> Result<Vec<Written>, StoreError> {
        let mut written = Vec::with_capacity(writes.len());
        let mut rest = writes.iter().peekable();
        while rest.peek().is_some() {
            let (mut lines, mut count) = (String::new(), 0);
            while lines.len() < MAX_BYTES
                && let Some(write) = rest.next()
            {
                lines.push_str(&write.lines());
                count += 1;
            }
            let path = if refresh { "/_bulk?refresh=true" } else { "/_bulk" };
            let reply: Reply = self.send(Method::POST, path, Body::Lines(lines)).await?.read()?;
            if reply.items.len() != count {
                return Err(StoreError::Unavailable(format!(
                    "the search server tells of {} writes, and {count} were sent",
                    reply.items.len()
                )));
            }
            for item in reply.items.iter().flat_map(|item| item.values()) {
                written.push(item.written()?);
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_both_numbers_and_never_none() {
        for (sequence, term) in [(0, 1), (7, 3), ((1 << SEQUENCE_BITS) - 1, 1 << 19)] {
            let version = version(sequence, term);
            assert_ne!(version, Version::default());
            assert_eq!(numbers(version), (sequence, term));
        }
    }

    #[test]
    fn what_became_of_a_write_is_told_by_its_status() {
        let item = |json: serde_json::Value| serde_json::from_value::<Item>(json).unwrap().written();
        let done = item(json!({"status": 201, "_seq_no": 5, "_primary_term": 2}));
        assert_eq!(done.unwrap(), Written::As(version(5, 2)));
        let error = json!({"type": "version_conflict_engine_exception", "reason": "other"});
        assert_eq!(item(json!({"status": 409, "error": error})).unwrap(), Written::Conflict);
        for status in [400, 403, 429, 503] {
            let refused = item(json!({"status": status, "error": {"type": "t", "reason": "because"}}));
            assert!(refused.unwrap_err().to_string().contains("because"), "{status}");
        }
    }
}
