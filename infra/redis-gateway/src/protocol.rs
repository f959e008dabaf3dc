//! Options of the protocol: what is served beside commands, and how a token may come.

use clap::{ArgAction, Args};

/// What is served beside commands, and how a token may come.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Protocol {
    /// Accept tokens in the query as well (`?_token=..`), where proxies and browsers keep them in their logs
    #[arg(long, env = "GATEWAY_QUERY_TOKEN", default_value_t = Protocol::DEFAULT.query_token, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub query_token: bool,

    /// Clients of /subscribe, /psubscribe and /monitor at one time, each with a connection to Redis; 0 serves none
    #[arg(long, env = "GATEWAY_MAX_STREAMS", default_value_t = Protocol::DEFAULT.max_streams, value_name = "COUNT")]
    pub max_streams: usize,

    /// Bytes that may be on their way to one of them; one that reads too slowly is cut off, and so is a larger message
    #[arg(long, env = "GATEWAY_MAX_STREAM_BUFFER_BYTES", default_value_t = Protocol::DEFAULT.max_stream_buffer_bytes, value_name = "BYTES")]
    pub max_stream_buffer_bytes: usize,
}

impl Protocol {
    /// What holds when nothing is said.
    pub const DEFAULT: Protocol =
        Protocol { query_token: false, max_streams: 64, max_stream_buffer_bytes: 1024 * 1024 };
}

impl Default for Protocol {
    fn default() -> Self {
        Protocol::DEFAULT
    }
}
