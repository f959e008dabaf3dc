//! What the public endpoints decide, whatever hosts them.
//!
//! [`Collector`] takes a request apart from where it came from and returns the response. Time, chance
//! and Redis come in through the ports [`Clock`], [`Entropy`] and [`Commit`], so a decision is a
//! function of its arguments. Adapters (the WebAssembly components, the native collector) read the
//! body within the limit that [`Collector::admit`] sets, and write the response as it is.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod collector;
mod cors;
mod fault;
mod fingerprint;
mod headers;
mod json;
mod payload;
mod ports;
mod redis_commit;
mod request;
mod response;
mod settings;
mod throttle;
mod track;

pub use collector::{Admission, Collector};
pub use ports::{Clock, Commit, CommitError, Entropy};
pub use redis_commit::RedisCommit;
pub use request::RequestHead;
pub use response::{Answered, Response};
pub use settings::{Settings, SettingsError};
