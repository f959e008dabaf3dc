//! What the transports of WASI 0.2 and 0.3 have in common: they speak of the same things in two sets of types.

use std::time::Duration;

use crate::{Endpoint, MAX_REPLY_BYTES, TransportError};

/// The error codes of `wasi:http` that say that nothing was sent, as a pattern. After any other the server may have
/// acted on the request.
macro_rules! not_sent {
    ($code:ident) => {
        $code::ConnectionRefused
            | $code::ConnectionTimeout
            | $code::ConnectionLimitReached
            | $code::DnsTimeout
            | $code::DnsError(_)
            | $code::DestinationNotFound
            | $code::DestinationUnavailable
            | $code::DestinationIpProhibited
            | $code::DestinationIpUnroutable
            | $code::TlsCertificateError
            | $code::TlsAlertReceived(_)
            | $code::HttpRequestDenied
            | $code::HttpRequestUriInvalid
    };
}
pub(crate) use not_sent;

/// The error codes that say that the connection ended, as a pattern.
macro_rules! broken {
    ($code:ident) => {
        $code::ConnectionTerminated | $code::HttpProtocolError | $code::HttpResponseIncomplete
    };
}
pub(crate) use broken;

/// The headers of a request whose body has this length.
pub(crate) fn headers(endpoint: &Endpoint, length: usize) -> [(String, Vec<u8>); 3] {
    [
        ("authorization".to_owned(), endpoint.authorization().as_bytes().to_vec()),
        ("content-type".to_owned(), b"application/json".to_vec()),
        // Without it the request is chunked, which some gateways refuse.
        ("content-length".to_owned(), length.to_string().into_bytes()),
    ]
}

/// The path of a request.
pub(crate) fn full_path(endpoint: &Endpoint, path: &str) -> String {
    format!("{}{path}", endpoint.path())
}

/// The host does not take a part of the request, so nothing was sent.
pub(crate) fn refused(what: &str) -> TransportError {
    TransportError::NotSent(format!("the host refuses {what}"))
}

/// The time for everything is over.
pub(crate) fn late(total: Duration) -> TransportError {
    TransportError::MaybeSent(format!("no whole reply within {total:?}"))
}

/// The reply is longer than anything that Redis is asked for.
pub(crate) fn too_long() -> TransportError {
    TransportError::MaybeSent(format!("the reply is over {MAX_REPLY_BYTES} bytes"))
}

/// A duration as WASI counts it.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
