//! Redirects: links that are counted before they lead on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Properties;

/// One redirect. The edge learns of it from the copy that the service publishes to every lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// What stands in the link, `/redirect/<id>`; its case does not matter.
    pub id: String,
    /// For people.
    pub name: String,
    /// The event source whose event each use of the link is: one of type `redirect`.
    pub source: String,
    /// The type of that event.
    pub event_type: String,
    /// Where the link leads.
    pub url: String,
    /// The properties of the event: a template.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub props: Properties,
    /// Whether the link leads anywhere now.
    #[serde(default = "crate::source::yes")]
    pub enabled: bool,
}
