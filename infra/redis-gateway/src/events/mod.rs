//! What Redis pushes to a subscriber or monitor, as server-sent events on the way to a client.
//!
//! [`EventWriter`] turns pushed replies into event text, [`channel`] carries it to the client's connection
//! under a limit of bytes. Who may open such a stream, and the connection to Redis that feeds it, are for
//! others (`policy`, `link/streams.rs`).

mod channel;
mod writer;

pub(crate) use channel::{EventBody, EventSender, channel};
pub(crate) use writer::{EventError, EventWriter};
