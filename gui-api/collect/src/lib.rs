//! The public endpoints, served natively: the same collector that the WebAssembly components hold,
//! behind an HTTP server of its own, for sites that want no WebAssembly.
//!
//! ```text
//! connection ─▶ head ─▶ Collector::admit ─▶ body, bounded ─▶ a turn ─▶ Collector::answer ─▶ Redis over HTTP
//!      │          │            │                  │             │
//!   431, cut     400      404, 405, 413     408, 413, 503    503 busy
//! ```
//!
//! It promises what the edge host promises: everything is bounded (connections, heads, bodies, waiting,
//! memory, time), an answer is sent whole and with `content-length`, the visitor's address comes from the
//! connection and never from the visitor, and stopping finishes what has begun. A request that came whole
//! is written even if its visitor leaves, because pages send their last events as they close.
//!
//! What the endpoints are and decide is `tideline-collector`'s. It leaves TLS towards visitors, rate
//! limits and HTTP/2 to a proxy.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod error;
mod limits;
mod ping;
mod ports;
mod service;
mod visitor;

pub use error::Error;
pub use limits::Limits;
pub use ping::ping;
pub use service::{Options, Service};
pub use tideline_redis_rest::Deadlines;
