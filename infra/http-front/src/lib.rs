//! What every HTTP server of ours that strangers reach does alike: accept, wait, read, refuse.
//!
//! - [`Front`] is what a listener's connections are like: HTTP/1.1 and HTTP/2, [`Tls`] with a certificate
//!   that can be replaced, [`TrustedProxies`] that say whose connection they pass on, and their limits.
//! - [`Connections`] accepts no more of them than there are places, and ends them in order.
//! - [`Patience`] gives up a client that begins something and does not go on.
//! - [`Bodies`] takes request bodies into memory, within limits on size, time and memory.
//! - [`visitor`] is what a public server hears of a request: how much head, which host, whose address.
//! - [`Refusal`] is what it answers by itself.
//! - [`Access`], [`FrontMetrics`] and [`serve_metrics`] tell the owner how it fares.
//!
//! It promises that everything a client can make us hold or wait for is bounded. What a request means,
//! and how many are worked on at once, it leaves to the servers: the edge host, the native collector
//! and the Redis gateway.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod attended;
mod bodies;
mod connections;
mod crowd;
mod files;
mod front;
mod metrics;
mod opening;
mod patience;
mod prefixed;
mod process;
mod proxies;
mod refusal;
mod stream;
mod tls;
pub mod visitor;

pub use access::Access;
pub use bodies::{Bodies, Held, HeldBody, discard};
pub use connections::Connections;
pub use crowd::neighbourhood;
pub use files::{WatchedFiles, read_small_file};
pub use front::Front;
pub use metrics::{FrontMetrics, Label, serve_metrics, serve_metrics_and_readiness};
pub use opening::Peer;
pub use patience::Patience;
pub use process::register_process;
#[doc(hidden)]
pub use proxies::parse as parse_proxy_header;
pub use proxies::{Network, NetworkError, TrustedProxies};
pub use refusal::{Refusal, refuse};
pub use tls::{Tls, TlsError, TlsFiles, TlsReload};
