//! Profiles: what is known of one visitor.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use crate::{Applied, Properties, is_default};

/// One profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// Its id, as answered to the client.
    pub id: String,
    /// The customer's number, as the site knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_id: Option<String>,
    /// Every id it has had.
    pub ids: Vec<String>,
    /// Times.
    pub metadata: ProfileMetadata,
    /// Counters.
    #[serde(default)]
    pub stats: ProfileStats,
    /// Free traits.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub traits: Properties,
    /// What is known of the person, by the names that events share: `data.contact.email.main`.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub data: Properties,
    /// How much the person cares for things, by name.
    #[schema(value_type = BTreeMap<String, f64>)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub interests: BTreeMap<String, Number>,
    /// What the visitor has consented to, by the consent's id.
    #[serde(default)]
    pub consents: BTreeMap<String, Consent>,
    /// The segments that it is in, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    /// How often the person has caused events that segments count, by count and day (UTC).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<String, BTreeMap<String, u64>>,
    /// What else is known of it.
    #[serde(default)]
    pub aux: ProfileAux,
    /// Whether it is in use; merged profiles are not.
    pub active: bool,
    /// Which requests are in it.
    #[serde(default)]
    pub applied: Applied,
}

/// Times of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileMetadata {
    /// When.
    pub time: ProfileTime,
    /// When fields were last changed, and by which event: by path, such as `consents.newsletter`.
    #[serde(default)]
    pub fields: BTreeMap<String, (Timestamp, String)>,
    /// What the person is known by, as salted hashes. No other profile has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Profiles that it was separated from: it is not merged with them by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart: Vec<String>,
}

/// A consent that was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consent {
    /// When it ends by itself; null when it does not.
    #[schema(required)]
    pub revoke: Option<Timestamp>,
}

/// What else is known of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileAux {
    /// There as soon as a consent was given, and also when it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consents: Option<ConsentState>,
    /// Where in the world it is at home.
    #[serde(default, skip_serializing_if = "is_default")]
    pub geo: ProfileGeo,
    /// What its e-mail address tells.
    #[serde(default, skip_serializing_if = "is_default")]
    pub email: ProfileEmail,
}

/// Where in the world a profile is at home.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileGeo {
    /// Countries whose languages it reads, as its browsers say, by their codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markets: Vec<String>,
    /// The continent of its time zone: `south america`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continent: Option<String>,
}

/// What a profile's e-mail address tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileEmail {
    /// Whether anybody gets such an address without paying; null where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<bool>,
}

/// Whether there ever was a consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentState {
    /// Whether one was given.
    pub granted: bool,
}

/// The times of a profile, all UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileTime {
    /// When its first request was received.
    pub insert: Timestamp,
    /// When its latest request was received.
    pub update: Timestamp,
    /// Its visits.
    #[serde(default)]
    pub visit: Visit,
}

/// Visits of a profile: each new session is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Visit {
    /// When the visit before the current one began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// When the current visit began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Timestamp>,
    /// How many there were.
    pub count: u64,
    /// The visitor's time zone, an IANA name, as the client told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
}

/// Counters of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileStats {
    /// Visits.
    pub visits: u64,
    /// `page-view` events.
    pub views: u64,
    /// Other counters by name: `events` counts all events that clients sent.
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
}
