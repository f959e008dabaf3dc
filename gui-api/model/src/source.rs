//! Event sources: who may send events, and how.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One event source. The edge learns of it from the copy that the service publishes to every lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSource {
    /// What clients send as `source.id`; its case does not matter.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is for, as people call it: `Web`, `Shop till`. Its events and sessions have it as `metadata.channel`.
    #[serde(default)]
    pub channel: Option<String>,
    /// The kinds of endpoint that it may be used with.
    #[serde(default = "rest")]
    pub r#type: Vec<Bridge>,
    /// Whether it accepts anything now.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Of what it brings, only the profile is kept: no session and no event.
    #[serde(default)]
    pub transitional: bool,
    /// The web origins whose pages may use it, such as `https://shop.example`; any when there are none.
    #[serde(default)]
    pub origins: Vec<String>,
    /// What becomes of requests whose user agent says that it is a robot.
    #[serde(default)]
    pub bots: BotPolicy,
    /// What becomes of requests whose browser says that its user does not want to be tracked
    /// (`Sec-GPC: 1` or `DNT: 1`).
    #[serde(default)]
    pub opt_out: OptOutPolicy,
    /// What its pages are told of a visitor's profile, in the answer's `response`: `segments`, `consents`, `interests`,
    /// and paths such as `traits.plan`. Whoever has the session's id can read it.
    #[serde(default)]
    pub returns: Vec<String>,
    /// How many events it takes; any number when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Whose its events are.
    #[serde(default)]
    pub config: SourceConfig,
}

/// How many events a source takes in the long run, and at once.
///
/// Each lane keeps its own count: it takes its share of the events a second, and all of the burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Events a second, over all lanes.
    pub per_second: u32,
    /// Events that may come at once. A request is taken whole while there is any room.
    pub burst: u32,
}

impl EventSource {
    /// A source for `POST /track` that leaves all else as it is when nothing is said.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            channel: None,
            r#type: rest(),
            enabled: yes(),
            transitional: false,
            origins: Vec::new(),
            bots: BotPolicy::default(),
            opt_out: OptOutPolicy::default(),
            returns: Vec::new(),
            rate_limit: None,
            config: SourceConfig::default(),
        }
    }
}

/// A kind of public endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bridge {
    /// `POST /track`.
    Rest,
    /// `/collect/…`.
    Webhook,
    /// `/redirect/…`.
    Redirect,
}

/// What becomes of requests of robots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BotPolicy {
    /// They are refused.
    #[default]
    Refuse,
    /// They are taken like others.
    Accept,
}

/// What becomes of requests of people who do not want to be tracked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptOutPolicy {
    /// They are taken like others.
    #[default]
    Ignore,
    /// Their events are taken, without anything that tells who sent them.
    Anonymous,
    /// Nothing of them is taken.
    Drop,
}

/// How a source tells whose its events are. Paths lead to a property of an event, with dots between keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConfig {
    /// Profile ids are taken as they are sent, and each request must have one.
    pub static_profile_id: bool,
    /// For webhooks: the property that is the profile's id.
    pub replace_profile_id: Option<String>,
    /// For webhooks: the first of these properties that is there tells the person, the same value always the
    /// same profile.
    pub generate_profile: Vec<String>,
    /// For webhooks: all events of a generated profile are in one session.
    pub sticky_session: bool,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            static_profile_id: false,
            replace_profile_id: None,
            generate_profile: Vec::new(),
            sticky_session: true,
        }
    }
}

impl Bridge {
    /// Its name in the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Webhook => "webhook",
            Self::Redirect => "redirect",
        }
    }
}

impl BotPolicy {
    /// Its name in the settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Accept => "accept",
        }
    }
}

impl OptOutPolicy {
    /// Its name in the settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Anonymous => "anonymous",
            Self::Drop => "drop",
        }
    }
}

fn rest() -> Vec<Bridge> {
    vec![Bridge::Rest]
}

/// The default of what is on unless it is switched off.
pub(crate) fn yes() -> bool {
    true
}
