//! The requests of one connection: handed to the application of their route, answered, and counted.
//!
//! What the component hears of a request is settled here: its host, its whole body, and the address
//! that it really came from.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tideline_http_front::{Access, Bodies, Peer, discard, visitor};
use tokio::time::Instant;

use crate::AccessLog;
use crate::answer::frame;
use crate::application::Application;
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::switchboard::Switchboard;

/// What the visitors of a shard share.
pub(crate) struct Desk {
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) bodies: Bodies,
    pub(crate) max_body_bytes: usize,
    pub(crate) access_log: AccessLog,
    pub(crate) metrics: Metrics,
}

/// Answers the requests of one connection.
#[derive(Clone)]
pub(crate) struct Visitor {
    address: IpAddr,
    /// The same, as the component hears it.
    told: HeaderValue,
    encrypted: bool,
    desk: Arc<Desk>,
}

impl Visitor {
    pub(crate) fn new(peer: &Peer, desk: Arc<Desk>) -> Self {
        let address = peer.address.ip();
        Self { address, told: visitor::client_address(address), encrypted: peer.encrypted, desk }
    }

    /// The answer to one request: the component's, or the host's own reason why there is none.
    pub(crate) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let begun = Instant::now();
        let (method, version) = (request.method().clone(), request.version());
        let (application, answered) = self.ask(request).await;
        let refused = answered.as_ref().err().map(|refusal| refusal.name());
        let mut response = answered.unwrap_or_else(Refusal::response);
        frame(&mut response, &method);
        match &application {
            Some(application) => {
                application.metrics().answered(response.status());
                if let Some(reason) = refused {
                    application.metrics().refused(reason);
                }
            }
            None => {
                self.desk.metrics.unrouted.inc();
            }
        }
        if self.desk.access_log != AccessLog::Off {
            Access {
                route: application.as_ref().map_or("", |application| application.metrics().name()),
                sender: "",
                client: (self.desk.access_log == AccessLog::Full).then_some(self.address),
                version,
                status: response.status(),
                bytes: Some(response.body().len() as u64),
                took: begun.elapsed(),
            }
            .log();
        }
        Ok(response.map(Full::new))
    }

    /// Who answers, if anybody does, and the answer.
    async fn ask(
        &self,
        request: Request<Incoming>,
    ) -> (Option<Application>, Result<Response<Bytes>, Refusal>) {
        let (mut parts, body) = request.into_parts();
        // wasi:http keeps the host nowhere but in the address.
        parts.uri = match self.absolute(parts.uri, &parts.headers) {
            Ok(uri) => uri,
            Err(refusal) => return (None, Err(refusal)),
        };
        let Some(application) = self.desk.switchboard.find(&parts.uri) else {
            discard(body);
            return (None, Err(Refusal::NoRoute));
        };
        parts.headers.insert(visitor::CLIENT_ADDRESS, self.told.clone());
        let answer = match self.desk.bodies.take(body, self.desk.max_body_bytes).await {
            Ok(body) => application.answer(Request::from_parts(parts, body)).await,
            Err(refusal) => Err(refusal.into()),
        };
        (Some(application), answer)
    }

    fn absolute(&self, uri: Uri, headers: &http::HeaderMap) -> Result<Uri, Refusal> {
        let uri = visitor::absolute(uri, headers)?;
        if !self.encrypted {
            return Ok(uri);
        }
        let mut parts = uri.into_parts();
        parts.scheme = Some(Scheme::HTTPS);
        Uri::from_parts(parts).map_err(|_| tideline_http_front::Refusal::BadHost.into())
    }
}
