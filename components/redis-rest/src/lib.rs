//! A client for Redis over HTTP: the protocol of Upstash, as spoken by Upstash and by our gateway.
//!
//! A command becomes one HTTP request, its reply a value or an [`Error`] that says whether the
//! command may have been executed. There are no retries here: who knows what a command means knows
//! whether it may be sent twice.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod client;
mod endpoint;
mod error;
mod transport;

#[cfg(feature = "reqwest")]
mod transport_reqwest;
#[cfg(any(feature = "wasi-p2", feature = "wasi-p3"))]
mod transport_wasi;
#[cfg(feature = "wasi-p2")]
mod transport_wasi_p2;
#[cfg(feature = "wasi-p3")]
mod transport_wasi_p3;

pub use client::Client;
pub use endpoint::{Endpoint, EndpointError};
pub use error::Error;
pub use transport::{Deadlines, HttpReply, MAX_REPLY_BYTES, Transport, TransportError};

#[cfg(feature = "reqwest")]
pub use transport_reqwest::ReqwestTransport;
#[cfg(feature = "wasi-p2")]
pub use transport_wasi_p2::WasiP2Transport;
#[cfg(feature = "wasi-p3")]
pub use transport_wasi_p3::WasiP3Transport;
