//! The port through which the client sends HTTP requests.

use std::time::Duration;

use crate::Endpoint;

/// The most bytes of a reply that are read.
pub const MAX_REPLY_BYTES: usize = 1 << 20;

/// Sends one POST and reads the whole reply.
pub trait Transport {
    /// Sends `body` as JSON to `path` below the endpoint's, with its token. The reply is at most [`MAX_REPLY_BYTES`] long,
    /// and is there within this time or not at all.
    fn post(
        &self,
        endpoint: &Endpoint,
        path: &'static str,
        body: Vec<u8>,
        within: Duration,
    ) -> impl Future<Output = Result<HttpReply, TransportError>>;
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no reply, and whether the server may have acted on the request.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TransportError {
    /// The request never left: sending it again cannot do anything twice.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The connection ended before the reply did. The request, or part of it, may have arrived.
    #[error("the connection broke, the command may have been executed: {0}")]
    Broken(String),
    /// The request, or part of it, may have arrived.
    #[error("no usable reply, the command may have been executed: {0}")]
    MaybeSent(String),
}

impl TransportError {
    /// Whether another connection may do better, now.
    #[must_use]
    pub fn is_of_connection(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Broken(_))
    }
}

/// How long each step may take, if the whole has that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the first byte of the reply.
    pub first_byte: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Duration::from_millis(500), first_byte: Duration::from_secs(2) }
    }
}
