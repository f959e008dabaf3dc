//! What the private service does by itself, at its own time.
//!
//! ```text
//! turn ─ one replica at a time    store.silent_sessions ─▶ a reminder in each session's lane ─▶ the intake ends the visit
//!                                 store.profiles ─▶ a recheck in the lane of each that is to move ─▶ the intake moves it
//! ```
//! What it promises: a visit that fell silent ends soon after, though nobody comes again, as long as one replica runs;
//! that takes one cheap query now and then. Within an hour, and as soon as a segment has changed, profiles are in the
//! segments that they belong to, which takes reading them all. Nothing depends on its memory or on the turn: whatever is killed, or done
//! twice, a visit ends once.
//!
//! It decides nothing: whether a visit is over is decided where the lane is read, in its order (`tideline-pipeline`,
//! `docs/adr/0006-reminders.md`).
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod options;
mod segments;
mod service;
mod silent_visits;
mod turn;

pub use options::{Options, OptionsError};
pub use service::Scheduler;
