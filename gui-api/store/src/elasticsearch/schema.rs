//! The indices: their names, what each field of a document is, and what is put into it.
//!
//! Each document is stored as the very text that was written (`document`), which the server does not look into: no
//! property can be refused, no number changes. Beside it stand the fields that it is found by.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tideline_model::{Event, Profile, Session};

use super::options::OptionsError;
use crate::{ProfileKey, StoreError};

/// The longest id that is an id of the server as it is, in bytes; it takes 512.
const MAX_ID_BYTES: usize = 256;
/// The longest value that is found as it is, in bytes; others by their hashes.
const MAX_KEYWORD_BYTES: usize = 1024;

/// An index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    /// Events of this month.
    Events(Month),
    Sessions,
    /// Profiles, and former ids that lead to one.
    Profiles,
    /// Who has which key.
    Keys,
    Merges,
    /// Sources, redirects, configuration objects, their changes, and the revision.
    Settings,
    Transactions,
}

/// A month of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of a time, in microseconds since 1970.
    pub(super) fn of(microseconds: i64) -> Self {
        let time = Timestamp::from_microsecond(microseconds).unwrap_or(if microseconds < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        let date = time.to_zoned(TimeZone::UTC).date();
        Self { year: date.year(), month: date.month() }
    }
}

/// The names of the indices of an installation.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Result<Self, OptionsError> {
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        let begins = prefix.starts_with(|letter: char| letter.is_ascii_lowercase());
        if !begins || prefix.len() > 40 || !prefix.chars().all(is_name) {
            return Err(OptionsError::Prefix(prefix.to_owned()));
        }
        Ok(Self { prefix: prefix.to_owned() })
    }

    pub(super) fn of(&self, index: Index) -> String {
        let prefix = &self.prefix;
        match index {
            // Years before 0 and after 9999 exist; a `+` may be in no name.
            Index::Events(Month { year, month }) => format!("{prefix}-events-{year:04}.{month:02}"),
            Index::Sessions => format!("{prefix}-sessions"),
            Index::Profiles => format!("{prefix}-profiles"),
            Index::Keys => format!("{prefix}-keys"),
            Index::Merges => format!("{prefix}-merges"),
            Index::Settings => format!("{prefix}-settings"),
            Index::Transactions => format!("{prefix}-transactions"),
        }
    }

    /// The pattern of all indices of events.
    pub(super) fn events(&self) -> String {
        format!("{}-events-*", self.prefix)
    }

    /// The name of the template for them.
    pub(super) fn template(&self) -> String {
        format!("{}-events", self.prefix)
    }
}

/// Settings and mappings of an index.
pub(super) fn body(index: Index, replicas: u8) -> Value {
    let refresh = match index {
        Index::Keys | Index::Transactions => "30s",
        _ => "1s",
    };
    let mut settings = json!({
        "number_of_shards": 1, "number_of_replicas": replicas, "refresh_interval": refresh, "codec": "best_compression",
    });
    let keyword = json!({"type": "keyword"});
    let number = json!({"type": "long"});
    let fields = match index {
        Index::Events(_) => {
            settings["sort"] = json!({"field": ["time", "id"], "order": ["desc", "desc"]});
            json!({
                "id": keyword, "type": keyword, "source": keyword, "session": keyword, "profile": keyword,
                "time": number, "bytes": number, "lane": keyword, "entry": keyword,
            })
        }
        Index::Sessions => json!({"id": keyword, "open_since": number}),
        Index::Profiles => json!({"id": keyword, "ids": keyword, "updated": number, "bytes": number}),
        Index::Merges => json!({"id": keyword, "survivor": keyword, "at": number}),
        Index::Settings => json!({"kind": keyword, "of": keyword, "order": keyword, "change": number}),
        Index::Keys | Index::Transactions => json!({}),
    };
    let mut fields = fields;
    if let Some(fields) = fields.as_object_mut() {
        // Whatever is in it: the server keeps it and does not look.
        fields.insert("document".to_owned(), json!({"type": "object", "enabled": false}));
    }
    json!({"settings": {"index": settings}, "mappings": {"dynamic": false, "properties": fields}})
}

/// A stored document. What is not said is not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Stored {
    /// The document's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) document: Option<String>,
    /// The profile that a former id or a key leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leads_to: Option<String>,
    /// The transaction that is about to change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lock: Option<String>,
    /// The fields that it is found by.
    #[serde(flatten)]
    pub(super) fields: serde_json::Map<String, Value>,
}

impl Stored {
    /// A document with these fields.
    pub(super) fn new<T: Serialize>(document: &T, fields: Value) -> Result<Self, StoreError> {
        let json = serde_json::to_string(document)
            .map_err(|error| StoreError::Unavailable(format!("a document cannot be written: {error}")))?;
        let Value::Object(mut fields) = fields else { return Ok(Self::default()) };
        fields.insert("bytes".to_owned(), json.len().into());
        Ok(Self { document: Some(json), fields, ..Self::default() })
    }

    /// One that leads to a profile.
    pub(super) fn leading_to(profile: &str) -> Self {
        Self { leads_to: Some(profile.to_owned()), ..Self::default() }
    }

    /// Whether there is nothing: it is there to be locked.
    pub(super) fn is_nothing(&self) -> bool {
        self.document.is_none() && self.leads_to.is_none()
    }

    pub(super) fn event(event: &Event) -> Result<Self, StoreError> {
        let session = event.session.as_ref().map(|session| keyword(&session.id));
        let profile = event.profile.as_ref().map(|profile| keyword(&profile.id));
        Self::new(
            event,
            json!({
                "id": keyword(&event.id), "type": keyword(&event.r#type), "source": keyword(&event.source.id),
                "session": session, "profile": profile, "time": event.metadata.time.insert.as_microsecond(),
                "lane": event.metadata.origin.lane, "entry": event.metadata.origin.entry,
            }),
        )
    }

    pub(super) fn session(session: &Session) -> Result<Self, StoreError> {
        let open_since = session.has_open_visit().then(|| session.metadata.time.update.as_microsecond());
        Self::new(session, json!({"id": keyword(&session.id), "open_since": open_since}))
    }

    pub(super) fn profile(profile: &Profile) -> Result<Self, StoreError> {
        let ids: Vec<String> = profile.ids.iter().map(|id| keyword(id)).collect();
        let updated = ProfileKey::of(profile).microseconds;
        Self::new(profile, json!({"id": keyword(&profile.id), "ids": ids, "updated": updated}))
    }
}

/// The id of a document on the server: that of its own, or a hash of it where the server would not take that.
pub(super) fn server_id(id: &str) -> String {
    let is_plain = (1..=MAX_ID_BYTES).contains(&id.len()) && !id.starts_with(['~', '_']);
    if is_plain && !id.contains(char::is_control) { id.to_owned() } else { format!("~{}", hash(id)) }
}

/// What a value is found by: itself, or its beginning and a hash where it is very long.
pub(super) fn keyword(value: &str) -> String {
    if value.len() <= MAX_KEYWORD_BYTES {
        return value.to_owned();
    }
    format!("{}~{}", &value[..value.floor_char_boundary(MAX_KEYWORD_BYTES - 65)], hash(value))
}

fn hash(text: &str) -> String {
    let mut hash = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        // Writing to a string does not fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_server_are_short_and_stay_apart() {
        assert_eq!(server_id("page-view"), "page-view");
        let long = |length| "ä".repeat(length);
        for id in ["", "~x", "_x", "a\0b", &long(200), &long(201)] {
            assert!(server_id(id).starts_with('~') && server_id(id).len() == 65, "{id}");
        }
        assert_ne!(server_id(&long(200)), server_id(&long(201)));
        assert_ne!(keyword(&long(2000)), keyword(&long(2001)));
        assert!(keyword(&long(2000)).len() <= MAX_KEYWORD_BYTES);
    }

    #[test]
    fn names_of_indices_follow_from_the_time_alone() {
        let names = Names::new("shop").unwrap();
        let of = |time: &str| {
            let time: Timestamp = time.parse().unwrap();
            names.of(Index::Events(Month::of(time.as_microsecond())))
        };
        assert_eq!(of("2026-11-30T23:59:59.999999Z"), "shop-events-2026.11");
        assert_eq!(of("2026-12-01T00:00:00Z"), "shop-events-2026.12");
        assert_eq!(of("-009999-06-01T00:00:00Z"), "shop-events--9999.06");
        for prefix in ["", "Shop", "1shop", "-a", "a*", "ä", &"a".repeat(41)] {
            assert!(Names::new(prefix).is_err(), "{prefix}");
        }
    }
}
