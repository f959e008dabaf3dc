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
    /// The kinds of endpoint that it may be used with.
    #[serde(default = "rest")]
    pub r#type: Vec<Bridge>,
    /// Whether it accepts anything now.
    #[serde(default = "yes")]
    pub enabled: bool,
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

fn rest() -> Vec<Bridge> {
    vec![Bridge::Rest]
}

fn yes() -> bool {
    true
}
