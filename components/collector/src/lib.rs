//! What the public endpoints decide, whatever hosts them.
//!
//! [`Collector`] takes a request apart from where it came from and returns the response. Time, chance
//! and Redis come in through the ports [`Clock`], [`Entropy`] and [`Commit`], so a decision is a
//! function of its arguments. Adapters (the WebAssembly components, the native collector) read the
//! body within the limit that [`Collector::admit`] sets, and write the response as it is.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod body;
mod bots;
mod collector;
mod cors;
mod endpoints;
mod envelope;
mod event;
mod fault;
mod fields;
mod fingerprint;
mod group;
mod identification;
mod json;
mod payload;
mod ports;
mod query;
mod redis_commit;
mod refusal;
mod request;
mod response;
mod route;
mod settings;
mod submission;
mod throttle;
mod visitor;

pub use body::SentBody;
pub use collector::{Admission, Collector};
pub use ports::{Began, Clock, Commit, CommitError, Entropy, Timer};
pub use redis_commit::{Grouping, RedisCommit, RedisMode};
pub use request::RequestHead;
pub use response::{Answered, Response};
pub use settings::{Settings, SettingsError};
