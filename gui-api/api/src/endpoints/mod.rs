//! The resources of the API, one file each.

pub(crate) mod configuration;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod live;
pub(crate) mod merges;
pub(crate) mod profiles;
pub(crate) mod sessions;
