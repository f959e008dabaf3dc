//! Merges: which profiles became one, why, and what they were before.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Origin, Profile};

/// Two profiles that became one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MergeRecord {
    /// Its id: the same however often the request that caused it is processed.
    pub id: String,
    /// When that request was received.
    pub at: Timestamp,
    /// That request.
    pub origin: Origin,
    /// What both were known by: `emm` (the main e-mail address), or the id of an identification point.
    pub by: String,
    /// The profile that is left, as it was before.
    pub survivor: Profile,
    /// The profile that is in it now, as it was before.
    pub merged: Profile,
}
