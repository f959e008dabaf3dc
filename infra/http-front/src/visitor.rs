//! What a public server hears of a request: a head of bounded size, the host that it names, and the
//! address that it really came from.

use std::net::IpAddr;

use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::Refusal;

/// The visitor's address, without port. Only the server sets it: what a visitor sends is dropped.
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("tideline-client-address");

/// Bytes of all headers of a visitor's request.
pub const MAX_HEAD_BYTES: usize = 64 << 10;

/// The value of [`CLIENT_ADDRESS`] for a visitor with this address.
#[must_use]
pub fn client_address(address: IpAddr) -> HeaderValue {
    // An address in text form is always a valid value.
    HeaderValue::try_from(address.to_canonical().to_string()).unwrap_or(HeaderValue::from_static("unknown"))
}

/// The request's address with the host that it names.
///
/// # Errors
/// [`Refusal::BadHost`] unless it names exactly one.
pub fn absolute(uri: Uri, headers: &HeaderMap) -> Result<Uri, Refusal> {
    let mut parts = uri.into_parts();
    if parts.authority.is_none() {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Refusal::BadHost);
        };
        let authority = Authority::try_from(host.as_bytes()).map_err(|_| Refusal::BadHost)?;
        parts.authority = Some(authority);
    }
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).map_err(|_| Refusal::BadHost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(uri: &str, hosts: &[&str]) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().unwrap());
        }
        absolute(uri.parse().unwrap(), &headers).map(|uri| uri.to_string())
    }

    #[test]
    fn the_host_header_becomes_part_of_the_address() {
        assert_eq!(seen("/track?a=1", &["shop.example:8585"]).unwrap(), "http://shop.example:8585/track?a=1");
        assert_eq!(seen("http://a.example/track", &["b.example"]).unwrap(), "http://a.example/track");
    }

    #[test]
    fn a_request_without_exactly_one_valid_host_is_refused() {
        for hosts in [&[][..], &["a", "b"], &["no host"], &[""]] {
            assert_eq!(seen("/track", hosts), Err(Refusal::BadHost), "{hosts:?}");
        }
    }

    #[test]
    fn an_address_is_told_without_its_mapping() {
        let told = |address: &str| client_address(address.parse().unwrap());
        assert_eq!(told("203.0.113.7"), "203.0.113.7");
        assert_eq!(told("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(told("2001:db8::1"), "2001:db8::1");
    }
}
