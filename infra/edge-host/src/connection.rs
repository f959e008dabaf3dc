//! The requests of one connection: handed to the application of their route, and answered.
//!
//! What the component hears of a request is settled here: its host, its whole body, and the address
//! that it really came from.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tideline_http_front::{Bodies, discard, visitor};

use crate::answer::frame;
use crate::refusal::Refusal;
use crate::switchboard::Switchboard;

/// Answers the requests of one connection.
#[derive(Clone)]
pub(crate) struct Visitor {
    address: HeaderValue,
    switchboard: Arc<Switchboard>,
    bodies: Bodies,
    max_body_bytes: usize,
}

impl Visitor {
    pub(crate) fn new(
        address: IpAddr,
        switchboard: Arc<Switchboard>,
        bodies: Bodies,
        max_body_bytes: usize,
    ) -> Self {
        Self { address: visitor::client_address(address), switchboard, bodies, max_body_bytes }
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
        let Some(application) = self.switchboard.find(&parts.uri) else {
            discard(body);
            return Err(Refusal::NoRoute);
        };
        let body = self.bodies.take(body, self.max_body_bytes).await?;
        application.answer(Request::from_parts(parts, body)).await
    }
}
