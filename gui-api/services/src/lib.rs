//! What the private service does by itself, at its own time.
//!
//! ```text
//! turn ─ one replica at a time    store.silent_sessions ─▶ a reminder in each session's lane ─▶ the intake ends the visit
//! ```
//! What it promises: a visit that fell silent ends soon after, though nobody comes again, as long as one replica runs;
//! that takes one cheap query now and then. Nothing depends on its memory or on the turn: whatever is killed, or done
//! twice, a visit ends once.
//!
//! It decides nothing: whether a visit is over is decided where the lane is read, in its order (`tideline-pipeline`,
//! `docs/adr/0006-reminders.md`).
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod options;
mod service;
mod silent_visits;
mod turn;

pub use options::{Options, OptionsError};
pub use service::Scheduler;
