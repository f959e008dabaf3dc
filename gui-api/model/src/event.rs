//! Events: what a visitor did, once stored never changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Device, Os, ProfileReference, Properties, Reference, Referral, SessionReference, Utm, is_default,
};

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The client's id for it, or one derived from the request. Never stored twice.
    pub id: String,
    /// Its type in lower case, words joined by `-`: `page-view`.
    pub r#type: String,
    /// Its type for people: `Page View`.
    pub name: String,
    /// Times, state and origin.
    pub metadata: EventMetadata,
    /// The event source that took it in.
    pub source: Reference,
    /// The session it belongs to; null when the request asked not to keep its session.
    #[schema(required)]
    pub session: Option<SessionReference>,
    /// The profile it belongs to; null when it belongs to nobody.
    #[schema(required)]
    pub profile: Option<ProfileReference>,
    /// The page, where the client told.
    #[serde(default)]
    pub hit: Hit,
    /// Where on the journey to buying it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub journey: Journey,
    /// Tags that the client gave, and those of its type.
    #[serde(default)]
    pub tags: Tags,
    /// What it happened on.
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
    /// What its properties mean, by the names that all events share: `data.contact.email.main`.
    #[schema(value_type = Object)]
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub data: Properties,
    /// Properties by the names and kinds that its type gives them.
    #[schema(value_type = Object)]
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub traits: Properties,
    /// What the client said about the event.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub properties: Properties,
    /// What the client said about its surroundings.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub context: Properties,
    /// The options that the client sent with the event.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub config: Properties,
    /// The request that brought it.
    pub request: RequestFacts,
}

/// Times, state and origin of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventMetadata {
    /// When.
    pub time: EventTime,
    /// `collected`.
    pub status: String,
    /// What its event source is for, as people call it: `Web`, `Shop till`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// False when a validation rule found fault with it.
    pub valid: bool,
    /// Whether something of it was passed over.
    #[serde(default)]
    pub warning: bool,
    /// What validation rules found, for people: the first ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// What was passed over, and why, for people: the first ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Whether it belongs to nobody, because its request said so or had nobody to say.
    #[serde(default)]
    pub profile_less: bool,
    /// Whether the client asked for debugging.
    #[serde(default)]
    pub debug: bool,
    /// The stream entry that it came with.
    pub origin: Origin,
}

/// The times of an event, all UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventTime {
    /// The event's time: what the client set as `time.insert`, else when the edge received it.
    pub insert: Timestamp,
    /// When the client's clock says that it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<Timestamp>,
    /// When the edge received it.
    pub receive: Timestamp,
}

/// The stream entry that an event came with. The same event from another entry is a duplicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Origin {
    /// The lane's name.
    pub lane: String,
    /// The entry's id in the lane's stream.
    pub entry: String,
}

/// The page an event happened on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// What the site calls the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The page's title, or the name of an app's screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The host that the visitor came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referer: Option<String>,
    /// What was searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What kind of page it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// Where on the journey to buying an event is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Journey {
    /// `awareness`, `consideration`, `purchase`, `retention` or `advocacy`; none where the type does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// Tags and how many they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tags {
    /// The tags.
    pub values: Vec<String>,
    /// How many.
    pub count: usize,
}

/// What the edge knew of the request that brought an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestFacts {
    /// The request's id: `task` in its answer.
    pub id: String,
    /// The visitor's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Chosen request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}
