//! What becomes of a request: event, session and profile documents.
//!
//! Everything here is a pure function of the stored request and of what is known already, so a request
//! that is processed again, by another worker or after a crash, gives the same documents: events have
//! the same ids, and a session or profile counts a request once. No I/O, no clock, no randomness;
//! reading requests and writing documents is `tideline-intake`'s.
//!
//! ```text
//! StreamRecord ──Request::read──▶ Request ──Request::apply(taken, session, profile_id, profile)──▶ Outcome
//! ```
//! Two steps, because what is known already is looked up by the ids that the first step finds, and
//! because the second step is repeated when somebody else wrote in between.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod addresses;
mod apply;
mod body;
mod changes;
mod client_event;
mod consents;
mod event_types;
mod identity;
mod interests;
mod json;
mod merge;
mod numbers;
mod options;
mod paths;
mod prepared;
mod profile;
mod recheck;
mod reminder;
mod request;
mod rules;
mod session;
mod settings;
mod sums;
mod surroundings;
mod system_event;
mod time;
mod visit;

pub use addresses::Addresses;
pub use apply::Outcome;
pub use identity::{Identification, Key, Merged, keys, merge, separate};
pub use recheck::Recheck;
pub use reminder::Reminder;
pub use request::{MAX_EVENTS, MAX_ID_BYTES, Request, Unprocessable};
pub use rules::{RuleName, RuleProblem, Rules, Step, Trouble};
pub use settings::{Places, Settings};
pub use system_event::profile_created_id;
pub use visit::visit_event_ids;
