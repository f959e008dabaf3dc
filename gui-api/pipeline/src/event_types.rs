//! What the types of events mean: `data/event-types.toml`, read into tables.
//!
//! The file says what goes where; what of it is done to an event is [`copy`]'s, to a profile [`operations`]'.
//! A type that is not in the file has no meaning, and its events are stored like others.

mod copy;
mod kind;
mod operations;
mod table;

pub(crate) use copy::{copy, later};
pub(crate) use kind::text;
pub(crate) use operations::{append, change};
pub(crate) use table::of;
