//! Why the collector does not start. Nothing of a running one is in here.

use std::net::SocketAddr;

use tideline_redis_rest::TransportError;

/// A reason not to start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not ours.
    #[error(
        "cannot listen on {address}: {source}; choose another --collect-listen (TIDELINE_COLLECT_LISTEN)"
    )]
    Listen {
        /// The address as given.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The largest body could never be taken.
    #[error(
        "--collect-max-buffered-bytes is {buffered}, less than TIDELINE_MAX_BODY_BYTES: give it at least {longest_body}"
    )]
    SmallMemory {
        /// Bytes for all bodies.
        buffered: usize,
        /// Bytes of the longest one.
        longest_body: usize,
    },
    /// No HTTP client can be made.
    #[error("cannot set up requests to UPSTASH_REDIS_REST_URL: {0}; install the system's CA certificates")]
    Transport(#[from] TransportError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers, and profile ids are made of them: {0}")]
    Entropy(#[from] getrandom::Error),
}
