//! What visitors may take of the process.

use std::time::Duration;

use crate::Error;

/// Bounds of connections, memory, work and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections; further ones wait to be accepted.
    pub connections: usize,
    /// Bytes of all request bodies that are not answered yet; what would exceed it is answered 503.
    /// A body is copied a few times while it is worked on, so the memory is a multiple of this.
    pub buffered_bytes: usize,
    /// Requests that are worked on at once, and so the most connections to the gateway.
    pub concurrency: usize,
    /// Requests that may wait for their turn; the next one is answered 503.
    pub queue: usize,
    /// For the headers of a request, counted from the end of the request before it: so it is also how
    /// long an idle connection is kept.
    pub header_timeout: Duration,
    /// For a request's whole body; a slower one is answered 408.
    pub body_timeout: Duration,
    /// For which a client may take nothing of its answers; then its connection is cut.
    pub write_timeout: Duration,
    /// For which a request waits for its turn; then it is answered 503.
    pub queue_timeout: Duration,
}

impl Limits {
    /// What holds when nothing is said: the edge host's limits.
    pub const DEFAULT: Self = Self {
        connections: 4096,
        buffered_bytes: 32 << 20,
        concurrency: 256,
        queue: 1024,
        header_timeout: Duration::from_secs(5),
        body_timeout: Duration::from_secs(10),
        write_timeout: Duration::from_secs(10),
        queue_timeout: Duration::from_millis(500),
    };

    /// Refuses limits that contradict the longest body.
    pub(crate) fn check(&self, longest_body: usize) -> Result<(), Error> {
        if self.buffered_bytes < longest_body {
            return Err(Error::SmallMemory { buffered: self.buffered_bytes, longest_body });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
