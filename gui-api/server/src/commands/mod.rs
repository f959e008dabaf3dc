//! The subcommands, one file each.

pub(crate) mod check;
pub(crate) mod provision;
pub(crate) mod serve;
