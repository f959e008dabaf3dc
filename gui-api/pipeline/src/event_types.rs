//! What the types of events mean: `data/event-types.toml`, read into tables.
//!
//! The file says what goes where; what of it is done to an event is [`copy`]'s, to a profile [`operations`]'.
//! A type that is not in the file has no meaning, and its events are stored like others.

mod copy;
mod kind;
mod operations;
mod table;

pub(crate) use copy::{copy, later, skip, tag};
pub(crate) use kind::{MAX_VALUES, Reading, name as name_of_kind, read, text};
pub(crate) use operations::{Followed, append, change, follow};
pub(crate) use table::{Amount, Change, Field, Operation, Source, kind_of, of};
