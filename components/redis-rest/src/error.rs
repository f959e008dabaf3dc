//! What can go wrong with a command, by what it means for the caller.

use crate::TransportError;

/// A command that got no value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// No reply.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The server does not know the token, or its policy does not allow the command.
    #[error("refused, check the token and its policy: {0}")]
    Refused(String),
    /// The server cannot take commands now; this one was not executed, or the server says itself that it does not know.
    #[error("busy or out of reach: {0}")]
    Busy(String),
    /// Redis ran the command and it failed.
    #[error("redis: {0}")]
    Command(String),
    /// The reply is not of this protocol.
    #[error("unreadable reply with status {status}: is this a Redis REST address?")]
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
}
