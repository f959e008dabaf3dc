//! Runs `wasi:http` components as a server at the edge.
//!
//! A WASI 0.3 component gets one instance per shard and hundreds of requests in it at once, so that
//! what the component collects into one write stays together; a WASI 0.2 component gets one request
//! per instance at a time. The component reaches nothing but the addresses on the allow-list and sees
//! nothing of the host's environment but the variables that are meant for it.
//!
//! # The way of one request
//!
//! ```text
//! connection ─▶ route ─▶ request body, bounded ─▶ queue ─▶ instance ─▶ answer, collected ─▶ connection
//!      │          │               │                │          │
//!    431, cut    404        413, 408, 503      503 full    503 when it traps or is late
//! ```
//!
//! # What it promises
//!
//! - Everything is bounded: connections, headers, bodies, the queue, memory, answers, time.
//! - Request bodies in an instance take at most an eighth of its memory, so that the component's copies of
//!   them do not fill it.
//! - A trap or an endless loop costs the requests of one instance; the next instance is there at once.
//! - A new version of a component takes over between two requests, and none is lost; a broken one changes
//!   nothing.
//! - An answer is sent whole or not at all, always with `content-length`.
//! - Stopping finishes what has begun, up to a limit.
//!
//! # What it leaves to others
//!
//! How connections are encrypted and what they carry is the HTTP front's; what a request means, and how
//! many of them a visitor may send, is the component's.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answer;
mod application;
mod cache;
mod components;
mod connection;
mod engine;
mod entrance;
mod environment;
mod error;
mod guest;
mod guest_log;
mod host;
mod keeper;
mod limiter;
mod metrics;
mod options;
mod origin;
mod outbound;
mod owner;
mod probe;
mod refusal;
mod routes;
mod shard;
mod switchboard;

pub use entrance::{AccessLog, Entrance};
pub use environment::GuestEnvironment;
pub use error::Error;
pub use host::{Drained, Handle, Host, Reload};
pub use options::{LogFormat, Options};
pub use origin::Origin;
