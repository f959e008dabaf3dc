//! What a visit happens on and where: device, place.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::is_default;

/// A visitor's device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Where it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub geo: Geo,
}

/// A place on earth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Geo {
    /// Degrees east.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// Degrees north.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
}
