//! What the edge, Redis and the private service say to each other: ids, lanes, the stream record,
//! the arguments and replies of the Redis functions, and the answer a visitor gets.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no randomness, so the same
//! code runs in a WebAssembly component, in the native collector and in the private service.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answer;
mod event_id;
mod function;
mod identity_salt;
mod lane;
mod lean;
mod profile_id;
mod record;

pub use answer::Answer;
pub use event_id::{event_id, system_event_id};
pub use function::{
    Claim, Facts, FunctionReplyError, Identification, MOST_REQUESTS, Redirect, TRACK_FUNCTION, TrackCall,
    TrackReply, TrackWords, Tracked, alias_command, redirect_command, survivor_of, track_command,
};
pub use identity_salt::{IdentitySalt, IdentitySaltError};
pub use lane::{Lane, Lanes, LanesError};
pub use lean::{
    SourceRate, SourceRules, append_command, redirect_fields_command, source_command, was_appended,
    would_append_command,
};
pub use profile_id::{ProfileIdKeys, ProfileIdKeysError};
pub use record::{EntryId, RecordError, StreamRecord, Unasked};
