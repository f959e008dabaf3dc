//! Sessions: one visit of one visitor, as the client delimits it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, Applied, Device, Os, ProfileReference, Properties, Reference, Referral, Utm, is_default};

/// One session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The client's id for it.
    pub id: String,
    /// Times and state.
    pub metadata: SessionMetadata,
    /// The profile it belongs to; null while all its requests belonged to nobody.
    #[schema(required)]
    pub profile: Option<ProfileReference>,
    /// The event source that took in its latest request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Reference>,
    /// What it happens on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub device: Device,
    /// The device's operating system.
    #[serde(default, skip_serializing_if = "is_default")]
    pub os: Os,
    /// The browser.
    #[serde(default, skip_serializing_if = "is_default")]
    pub app: App,
    /// The campaign that led to the visit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub utm: Utm,
    /// What led to the visit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub referral: Referral,
    /// The latest that the client said about its surroundings, merged by key.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub context: Properties,
    /// Session properties that the client sent, merged by key.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub properties: Properties,
    /// Counters.
    #[serde(default)]
    pub stats: SessionStats,
    /// Which requests are in it.
    #[serde(default)]
    pub applied: Applied,
}

impl Session {
    /// The [`SessionMetadata::status`] of a session during a visit.
    pub const ACTIVE: &'static str = "active";
    /// That between two visits.
    pub const ENDED: &'static str = "ended";

    /// Whether nobody has noticed yet that its visit is over.
    #[must_use]
    pub fn has_open_visit(&self) -> bool {
        self.metadata.status != Self::ENDED
    }
}

/// Times and state of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionMetadata {
    /// When.
    pub time: SessionTime,
    /// `active`, or `ended` between two visits.
    pub status: String,
    /// What the event source of its latest request is for, as people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// The times of a session, all UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionTime {
    /// When its first request was received.
    pub insert: Timestamp,
    /// When its latest request was received.
    pub update: Timestamp,
    /// Whole seconds from the first request to the latest.
    pub duration: u64,
}

/// Counters of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionStats {
    /// Events that clients sent in it; those that the platform added do not count.
    pub events: u64,
}
