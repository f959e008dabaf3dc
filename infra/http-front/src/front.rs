//! What a listener's connections are like: how many, how patient, encrypted with what, and which HTTP.

use std::num::NonZeroU32;
use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;

use crate::crowd::Crowd;
use crate::metrics::FrontMetrics;
use crate::patience::Patience;
use crate::proxies::TrustedProxies;
use crate::tls::Tls;

/// Bytes that are read ahead of a connection of HTTP/1.1, at most; no head can be larger.
const READ_AHEAD_BYTES: usize = 64 << 10;

/// Requests in progress at once on a connection of HTTP/2.
const STREAMS: u32 = 256;
/// Bytes of a request's body that a client may send ahead of us, and of all bodies of its connection.
const STREAM_WINDOW: u32 = 128 << 10;
const CONNECTION_WINDOW: u32 = 512 << 10;
/// Bytes of answers that are buffered for a stream.
const SEND_BUFFER: usize = 64 << 10;
/// Requests that a client may take back before they are looked at, and that may break the protocol,
/// before its connection is closed (CVE-2023-44487, CVE-2025-8671).
const RESETS: usize = 20;
const FAULTS: usize = 128;

/// How the connections of a listener are accepted and served. Several listeners may have clones of one:
/// they share its places.
#[derive(Clone, Debug)]
pub struct Front {
    pub(crate) http1: http1::Builder,
    pub(crate) http2: Option<http2::Builder<TokioExecutor>>,
    pub(crate) patience: Patience,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) crowd: Option<Crowd>,
    pub(crate) proxies: TrustedProxies,
    pub(crate) tls: Option<Tls>,
    pub(crate) metrics: FrontMetrics,
}

impl Front {
    /// As many connections at once as there are `places`, of plain HTTP/1.1. The headers of a request have
    /// at most `max_head_bytes`; one with more, or with more than 100 headers, is answered 431.
    #[must_use]
    pub fn new(max_head_bytes: usize, patience: Patience, places: Arc<Semaphore>) -> Self {
        let mut http1 = http1::Builder::new();
        // No timer: the clock of a connection is ours.
        http1.max_header_size(max_head_bytes).max_buf_size(READ_AHEAD_BYTES).half_close(false);
        Self {
            http1,
            http2: None,
            patience,
            places,
            crowd: None,
            proxies: TrustedProxies::default(),
            tls: None,
            metrics: FrontMetrics::default(),
        }
    }

    /// Serves HTTP/2 as well, to clients that ask for it: over TLS by name, without TLS by beginning with it.
    #[must_use]
    pub fn with_http2(mut self, max_head_bytes: u32) -> Self {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_header_list_size(max_head_bytes)
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(FAULTS)
            .keep_alive_interval(self.patience.idle.max(self.patience.answer))
            .keep_alive_timeout(self.patience.answer);
        self.http2 = Some(http2);
        self
    }

    /// Encrypts every connection. HTTP/2 is offered if `tls` was loaded with it.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Has proxies of these networks say, by the PROXY protocol, whose connection they pass on.
    #[must_use]
    pub fn with_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Accepts at most so many connections of one address at once, all listeners together.
    #[must_use]
    pub fn with_address_limit(mut self, most: NonZeroU32) -> Self {
        self.crowd = Some(Crowd::new(most));
        self
    }

    /// Counts connections here.
    #[must_use]
    pub fn with_metrics(mut self, metrics: FrontMetrics) -> Self {
        self.metrics = metrics;
        self
    }
}
