//! What every HTTP server of ours that strangers reach does alike: accept, wait, read, refuse.
//!
//! - [`Connections`] accepts no more of them than there are places, and ends them in order.
//! - [`Patience`] gives up a client that begins something and does not go on.
//! - [`Bodies`] takes request bodies into memory, within limits on size, time and memory.
//! - [`visitor`] is what a public server hears of a request: how much head, which host, whose address.
//! - [`Refusal`] is what it answers by itself.
//!
//! It promises that everything a client can make us hold or wait for is bounded. What a request means,
//! and how many are worked on at once, it leaves to the servers: the edge host, the native collector
//! and the Redis gateway.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bodies;
mod connections;
mod patience;
mod refusal;
pub mod visitor;

pub use bodies::{Bodies, Held, HeldBody, discard};
pub use connections::Connections;
pub use patience::{Patience, Serving};
pub use refusal::{Refusal, refuse};
