//! What went wrong with an outgoing request, in the words of wasi:http.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;
use wasmtime_wasi_http::Error as WasiError;

/// The component's view of an error of the HTTP client.
pub(super) fn of(error: legacy::Error) -> WasiError {
    if error.is_connect() {
        return connecting(&error);
    }
    match find::<hyper::Error>(&error) {
        Some(error) if error.is_incomplete_message() => WasiError::HttpResponseIncomplete,
        Some(error) if error.is_parse_too_large() => WasiError::HttpResponseHeaderSectionSize(None),
        Some(error) if error.is_closed() || error.is_canceled() => WasiError::ConnectionTerminated,
        Some(error) if error.is_parse() => WasiError::HttpProtocolError,
        _ => match find::<io::Error>(&error) {
            Some(_) => WasiError::ConnectionTerminated,
            None => WasiError::HttpProtocolError,
        },
    }
}

/// The error's name in metrics.
pub(super) fn name(error: &WasiError) -> &'static str {
    match error {
        WasiError::ConnectionRefused => "refused",
        WasiError::ConnectionTimeout => "connect_timeout",
        WasiError::ConnectionReadTimeout => "read_timeout",
        WasiError::ConnectionTerminated | WasiError::HttpResponseIncomplete => "broken_off",
        WasiError::TlsCertificateError | WasiError::TlsProtocolError => "tls",
        WasiError::DestinationUnavailable | WasiError::DestinationIpUnroutable => "unreachable",
        WasiError::HttpResponseBodySize(_) | WasiError::HttpResponseHeaderSectionSize(_) => "too_large",
        _ => "protocol",
    }
}

fn connecting(error: &legacy::Error) -> WasiError {
    match find::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(_)) => return WasiError::TlsCertificateError,
        Some(_) => return WasiError::TlsProtocolError,
        None => {}
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => WasiError::ConnectionRefused,
        Some(io::ErrorKind::TimedOut) => WasiError::ConnectionTimeout,
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            WasiError::DestinationIpUnroutable
        }
        _ => WasiError::DestinationUnavailable,
    }
}

/// The first cause of this type. What an `io::Error` wraps is not its source but itself, so those are
/// unwrapped on the way.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}
