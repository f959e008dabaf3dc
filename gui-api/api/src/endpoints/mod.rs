//! The resources of the API, one file each.

pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod live;
pub(crate) mod profiles;
pub(crate) mod sessions;
