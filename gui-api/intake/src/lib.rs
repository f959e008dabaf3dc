//! From Redis Streams through the pipeline into the store: every accepted request, once.
//!
//! ```text
//! lease ─ which lanes are mine    read ─▶ unit: pipeline, store.write ─▶ live ─▶ settle: XACK, ledger, dead letters, trim
//! ```
//! What it promises, whatever is killed when:
//! - A lane is read in order by its owner alone. A new owner begins with what the one before had pending.
//! - An entry is settled after the store has what became of it, or with its reason in the dead letters;
//!   until then it stays in the stream. The ledger counts an entry when it is settled, so in each minute
//!   accepted = stored + duplicate + dead + passed + in flight.
//! - Processing an entry again changes nothing (`tideline-pipeline`), so counters stay exact.
//! - While Redis or the store is out of reach nothing is settled and nothing is lost; work resumes by itself.
//!
//! What an event, session or profile looks like is `tideline-pipeline`'s; where it lives `tideline-store`'s;
//! the steps that Redis must do at once are functions in `infra/redis/tideline_service.lua`.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod aliases;
mod entry;
mod handle;
mod keeper;
mod known;
mod leases;
mod link;
mod live;
mod merging;
mod options;
mod outage;
mod personal;
mod reader;
mod repeats;
mod ruling;
mod service;
mod settle;
mod unit;
mod worker;

pub use handle::{Handle, Snapshot};
pub use options::{Options, OptionsError};
pub use service::Intake;
