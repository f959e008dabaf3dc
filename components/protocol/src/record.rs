//! The stream record: a request as the visitor sent it, and what only the edge knew of it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// One entry of a lane's stream.
///
/// The body is the request as sent, byte for byte, so that later versions of the pipeline can read in it what today's
/// ignores; an endpoint other than `/track` writes it in the form of `/track`. `profile`, `vouched`, `new_session`,
/// `new_profile` and `transitional` are decided by `track_v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRecord {
    /// The request's id, `task` in the answer.
    pub request_id: Uuid,
    /// When the edge had the whole request, milliseconds since 1970.
    pub received_at: u64,
    /// The event source, in lower case.
    pub source: String,
    /// The session, as answered.
    pub session: String,
    /// The profile that the events belong to; none if they belong to nobody.
    pub profile: Option<String>,
    /// The event source vouches for the profile: it counts, and not the one that the session has.
    pub vouched: bool,
    /// No request of this session was seen in the last 24 hours.
    pub new_session: bool,
    /// The profile id was minted for this request.
    pub new_profile: bool,
    /// The event source is transitional: of what was sent, only the profile is kept.
    pub transitional: bool,
    /// Events in the body.
    pub events: u32,
    /// The visitor's address, where a trusted header gave one.
    pub client_address: Option<String>,
    /// Chosen request headers: name in lower case, value.
    pub headers: Vec<(String, String)>,
    /// The body as sent.
    pub body: String,
    /// What nobody has looked up yet, if the edge writes without asking: `new_session` says nothing then.
    pub unasked: Option<Unasked>,
}

/// What an edge in lean mode leaves to the private service (`docs/redis.md`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unasked {
    /// A profile id that bears no signature of ours: it counts before the record's profile if it stands for somebody.
    pub claim: Option<String>,
    /// Nothing is to be stored unless the session is known.
    pub known_session_only: bool,
    /// What tells this request from others: an entry with the same is the same request, written again. None if the request's
    /// id tells it.
    pub fingerprint: Option<String>,
}

/// A stream entry that is no record.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RecordError {
    /// A field is missing.
    #[error("stream entry has no field `{0}`")]
    Missing(&'static str),
    /// A field has a value of another shape.
    #[error("stream entry has an unreadable `{field}`: `{value}`")]
    Unreadable {
        /// The field's name.
        field: &'static str,
        /// What it held, at most 64 characters.
        value: String,
    },
    /// Written by a version that this one does not know.
    #[error("stream entry has version `{0}`, this service reads version 1: update the service")]
    Version(String),
}

// Short names: they are stored with every entry.
const VERSION: &str = "v";
const REQUEST: &str = "id";
const RECEIVED: &str = "at";
const SOURCE: &str = "src";
const SESSION: &str = "ses";
const PROFILE: &str = "pro";
const VOUCHED: &str = "vou";
const NEW: &str = "new";
const TRANSITIONAL: &str = "tra";
const EVENTS: &str = "n";
const ADDRESS: &str = "ip";
const HEADERS: &str = "hdr";
const BODY: &str = "body";
const LEAN: &str = "lean";
const CLAIM: &str = "clm";
const KNOWN_SESSION_ONLY: &str = "kso";
const FINGERPRINT: &str = "fp";

const NEW_SESSION: u8 = 1;
const NEW_PROFILE: u8 = 2;

impl StreamRecord {
    /// Names and values of the fields that the edge writes. `track_v1` adds `pro`, `new`, `tra` and `vou`.
    #[must_use]
    pub fn edge_fields(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let mut fields: Vec<(_, Cow<'_, str>)> = vec![
            (VERSION, "1".into()),
            (REQUEST, self.request_id.to_string().into()),
            (RECEIVED, self.received_at.to_string().into()),
            (SOURCE, self.source.as_str().into()),
            (SESSION, self.session.as_str().into()),
            (EVENTS, self.events.to_string().into()),
        ];
        fields.extend(self.client_address.as_deref().map(|address| (ADDRESS, address.into())));
        if !self.headers.is_empty() {
            // Strings always serialise.
            fields.push((HEADERS, serde_json::to_string(&self.headers).unwrap_or_default().into()));
        }
        fields.push((BODY, self.body.as_str().into()));
        fields
    }

    /// Names and values of all fields, for an edge that decides what else `track_v1` would.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let new = (if self.new_session { NEW_SESSION } else { 0 })
            | (if self.new_profile { NEW_PROFILE } else { 0 });
        let mut fields = self.edge_fields();
        fields.extend([
            (PROFILE, self.profile.as_deref().unwrap_or_default().into()),
            (NEW, new.to_string().into()),
            (TRANSITIONAL, flag(self.transitional)),
        ]);
        fields.extend(self.vouched.then(|| (VOUCHED, flag(true))));
        if let Some(unasked) = &self.unasked {
            fields.push((LEAN, flag(true)));
            fields.extend(unasked.claim.as_deref().map(|claim| (CLAIM, claim.into())));
            fields.extend(unasked.known_session_only.then(|| (KNOWN_SESSION_ONLY, flag(true))));
            fields
                .extend(unasked.fingerprint.as_deref().map(|fingerprint| (FINGERPRINT, fingerprint.into())));
        }
        fields
    }

    /// Reads an entry; `field` returns the value of the field of that name.
    ///
    /// # Errors
    /// A missing or unreadable field, or an unknown version.
    pub fn from_fields(mut field: impl FnMut(&str) -> Option<String>) -> Result<Self, RecordError> {
        let version = field(VERSION).ok_or(RecordError::Missing(VERSION))?;
        if version != "1" {
            return Err(RecordError::Version(shorten(&version)));
        }
        let mut is_set = |name| field(name).is_some_and(|value| value == "1");
        let (transitional, vouched) = (is_set(TRANSITIONAL), is_set(VOUCHED));
        let (lean, known_session_only) = (is_set(LEAN), is_set(KNOWN_SESSION_ONLY));
        let mut required = |name: &'static str| field(name).ok_or(RecordError::Missing(name));
        let flags: u8 = parse(NEW, &required(NEW)?)?;
        Ok(Self {
            request_id: parse(REQUEST, &required(REQUEST)?)?,
            received_at: parse(RECEIVED, &required(RECEIVED)?)?,
            source: required(SOURCE)?,
            session: required(SESSION)?,
            profile: Some(required(PROFILE)?).filter(|profile| !profile.is_empty()),
            vouched,
            new_session: flags & NEW_SESSION != 0,
            new_profile: flags & NEW_PROFILE != 0,
            transitional,
            events: parse(EVENTS, &required(EVENTS)?)?,
            body: required(BODY)?,
            client_address: field(ADDRESS),
            headers: match field(HEADERS) {
                None => Vec::new(),
                Some(text) => serde_json::from_str(&text)
                    .map_err(|_| RecordError::Unreadable { field: HEADERS, value: shorten(&text) })?,
            },
            unasked: lean.then(|| Unasked {
                claim: field(CLAIM),
                known_session_only,
                fingerprint: field(FINGERPRINT),
            }),
        })
    }

    /// The value of a stored header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn flag(set: bool) -> Cow<'static, str> {
    if set { "1" } else { "0" }.into()
}

fn parse<T: FromStr>(field: &'static str, value: &str) -> Result<T, RecordError> {
    value.parse().map_err(|_| RecordError::Unreadable { field, value: shorten(value) })
}

fn shorten(value: &str) -> String {
    value.chars().take(64).collect()
}

/// The id of a stream entry, `<milliseconds>-<sequence>`. Ids of one stream order as they were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Redis time, milliseconds since 1970.
    pub milliseconds: u64,
    /// Position within the millisecond.
    pub sequence: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.milliseconds, self.sequence)
    }
}

impl FromStr for EntryId {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self, RecordError> {
        let unreadable = || RecordError::Unreadable { field: "entry id", value: shorten(text) };
        let (milliseconds, sequence) = text.split_once('-').ok_or_else(unreadable)?;
        Ok(Self {
            milliseconds: milliseconds.parse().map_err(|_| unreadable())?,
            sequence: sequence.parse().map_err(|_| unreadable())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn record() -> StreamRecord {
        StreamRecord {
            request_id: Uuid::from_u128(1),
            received_at: 1_795_372_946_098,
            source: "shop-web".into(),
            session: "s".into(),
            profile: Some("p".into()),
            vouched: true,
            new_session: true,
            new_profile: false,
            transitional: true,
            events: 2,
            client_address: Some("203.0.113.9".into()),
            headers: vec![("user-agent".into(), "Mozilla/5.0 \"x\"".into())],
            body: "{\"source\":{}}".into(),
            unasked: None,
        }
    }

    fn stored(record: &StreamRecord) -> HashMap<String, String> {
        let mut fields: HashMap<_, _> = record
            .clone()
            .edge_fields()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into_owned()))
            .collect();
        fields.insert("pro".into(), record.profile.clone().unwrap_or_default());
        fields.insert("new".into(), "1".into());
        fields.insert("tra".into(), "1".into());
        fields.insert("vou".into(), "1".into());
        fields
    }

    #[test]
    fn what_is_written_is_read() {
        let fields = stored(&record());
        assert_eq!(StreamRecord::from_fields(|name| fields.get(name).cloned()), Ok(record()));
        assert_eq!(record().header("user-agent"), Some("Mozilla/5.0 \"x\""));
    }

    #[test]
    fn what_an_edge_writes_without_asking_is_read() {
        let whole = Unasked {
            claim: Some("imported".into()),
            known_session_only: true,
            fingerprint: Some("f".into()),
        };
        for unasked in [whole, Unasked::default()] {
            let record = StreamRecord { unasked: Some(unasked), ..record() };
            let fields: HashMap<_, _> = record.fields().into_iter().collect();
            let field = |name: &str| fields.get(name).map(|value| value.clone().into_owned());
            assert_eq!(StreamRecord::from_fields(field), Ok(record.clone()));
        }
    }

    #[test]
    fn an_empty_profile_is_nobody_and_nothing_is_transitional_or_vouched_for_unless_said() {
        let mut fields = stored(&StreamRecord { profile: None, ..record() });
        fields.remove("tra");
        fields.remove("vou");
        let read = StreamRecord::from_fields(|name| fields.get(name).cloned()).unwrap();
        assert_eq!((read.profile, read.transitional, read.vouched), (None, false, false));
    }

    #[test]
    fn a_damaged_entry_says_which_field() {
        let mut fields = stored(&record());
        fields.insert("at".into(), "yesterday".into());
        let error = StreamRecord::from_fields(|name| fields.get(name).cloned()).unwrap_err();
        assert_eq!(error.to_string(), "stream entry has an unreadable `at`: `yesterday`");
        fields.remove("pro");
        fields.insert("at".into(), "1".into());
        let error = StreamRecord::from_fields(|name| fields.get(name).cloned()).unwrap_err();
        assert_eq!(error, RecordError::Missing("pro"));
    }

    #[test]
    fn entry_ids_order_by_number_not_by_text() {
        let id = |text: &str| text.parse::<EntryId>().unwrap();
        assert!(id("5-9") < id("5-10"));
        assert!(id("9-0") < id("10-0"));
        assert_eq!(id("10-3").to_string(), "10-3");
        assert!("10".parse::<EntryId>().is_err());
    }
}
