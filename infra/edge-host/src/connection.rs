//! The requests of one connection: handed to the application, and answered.
//!
//! What the component hears of a request is settled here: its host, its whole body, and the address
//! that it really came from.

use std::convert::Infallible;
use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tideline_http_front::{Bodies, visitor};

use crate::answer::frame;
use crate::application::Application;
use crate::refusal::Refusal;

/// Answers the requests of one connection.
#[derive(Clone)]
pub(crate) struct Visitor {
    address: HeaderValue,
    application: Application,
    bodies: Bodies,
    max_body_bytes: usize,
}

impl Visitor {
    pub(crate) fn new(
        address: IpAddr,
        application: Application,
        bodies: Bodies,
        max_body_bytes: usize,
    ) -> Self {
        Self { address: visitor::client_address(address), application, bodies, max_body_bytes }
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
        // wasi:http keeps the host nowhere but in the address.
        parts.uri = visitor::absolute(parts.uri, &parts.headers)?;
        parts.headers.insert(visitor::CLIENT_ADDRESS, self.address);
        let body = self.bodies.take(body, self.max_body_bytes).await?;
        self.application.answer(Request::from_parts(parts, body)).await
    }
}
