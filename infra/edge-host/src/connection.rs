//! One connection: HTTP/1.1 in, requests to the application, answers out.
//!
//! What the component hears of a request is settled here: its host, its whole body, and the address
//! that it really came from.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::TokioTimer;

use crate::Options;
use crate::answer::frame;
use crate::application::Application;
use crate::body::BodyLimits;
use crate::refusal::Refusal;

/// The visitor's address, without port. Only the host sets it: what a visitor sends is dropped.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("tideline-client-address");

/// Headers of a request; one with more is answered 431.
const MAX_HEADERS: usize = 100;

/// Bytes of all headers of a request, and of what is read from a connection at once.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// How connections are served.
pub(crate) fn builder(options: &Options) -> Builder {
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(options.header_timeout_ms))
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .half_close(false)
        .keep_alive(true);
    builder
}

/// Answers the requests of one connection.
#[derive(Clone)]
pub(crate) struct Visitor {
    address: HeaderValue,
    application: Application,
    bodies: BodyLimits,
}

impl Visitor {
    pub(crate) fn new(address: IpAddr, application: Application, bodies: BodyLimits) -> Self {
        let address = address.to_canonical().to_string();
        Self {
            // An address in text form is always a valid value.
            address: HeaderValue::try_from(address).unwrap_or(HeaderValue::from_static("unknown")),
            application,
            bodies,
        }
    }

    /// The answer to one request: the component's, or the host's own reason why there is none.
    pub(crate) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let method = request.method().clone();
        let answered = self.ask(request).await;
        let mut response = answered.unwrap_or_else(Refusal::response);
        frame(&mut response, &method);
        Ok(response.map(Full::new))
    }

    async fn ask(self, request: Request<Incoming>) -> Result<Response<Bytes>, Refusal> {
        let (mut parts, body) = request.into_parts();
        parts.uri = absolute(parts.uri, &parts.headers)?;
        parts.headers.insert(CLIENT_ADDRESS, self.address);
        let body = self.bodies.take(body).await?;
        self.application.answer(Request::from_parts(parts, body)).await
    }
}

/// The request's address with the host that it names: wasi:http keeps the host nowhere else.
fn absolute(uri: Uri, headers: &HeaderMap) -> Result<Uri, Refusal> {
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
}
