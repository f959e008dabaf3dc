//! References from one document to another, and what is told of it there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A reference to another document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    /// The document's id.
    pub id: String,
}

impl Reference {
    /// A reference to the document of this id.
    pub fn to(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }
}

/// A reference to a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileReference {
    /// The profile's id.
    pub id: String,
    /// The id that the site had for the person by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_id: Option<String>,
}

impl ProfileReference {
    /// A reference to the profile of this id, of which nothing else is known.
    pub fn to(id: impl Into<String>) -> Self {
        Self { id: id.into(), primary_id: None }
    }
}

/// A reference to the session of an event, and how that was then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionReference {
    /// The session's id.
    pub id: String,
    /// When its first request was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// Whole seconds from that to the event's request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// The visitor's time zone, by its IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
}

impl SessionReference {
    /// A reference to the session of this id, of which nothing else is known.
    pub fn to(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }
}
