//! The transport of native programs: reqwest, with rustls.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};

use crate::{Deadlines, Endpoint, HttpReply, MAX_REPLY_BYTES, Transport, TransportError};

/// Sends through a pool of kept-alive connections. Clones share the pool.
#[derive(Clone, Debug)]
pub struct ReqwestTransport(reqwest::Client);

impl ReqwestTransport {
    /// A transport with these deadlines; it trusts the system's certificate authorities.
    ///
    /// # Errors
    /// TLS cannot be set up on this machine.
    pub fn new(deadlines: Deadlines) -> Result<Self, TransportError> {
        let not_sent = |error: &dyn std::fmt::Display| TransportError::NotSent(error.to_string());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Another part of the process may have installed a provider first: any will do.
        let _ = provider.as_ref().clone().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(deadlines.connect)
            .read_timeout(deadlines.first_byte)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| not_sent(&error))?;
        Ok(Self(client))
    }
}

impl Transport for ReqwestTransport {
    async fn post(
        &self,
        endpoint: &Endpoint,
        path: &'static str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<HttpReply, TransportError> {
        let url = format!("{}://{}{}{path}", endpoint.scheme(), endpoint.authority(), endpoint.path());
        let mut authorization = HeaderValue::from_str(endpoint.authorization())
            .map_err(|_| TransportError::NotSent("the token does not fit in a header".to_owned()))?;
        authorization.set_sensitive(true);
        let mut reply = self
            .0
            .post(url)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .timeout(within)
            .body(body)
            .send()
            .await
            .map_err(classify)?;
        let status = reply.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > MAX_REPLY_BYTES {
                return Err(TransportError::MaybeSent(format!("the reply is over {MAX_REPLY_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpReply { status, body })
    }
}

fn classify(error: reqwest::Error) -> TransportError {
    // The URL holds no secret, but it is in the caller's log line already.
    let error = error.without_url();
    let text = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ");
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(text)
    } else if error.is_timeout() {
        TransportError::MaybeSent(text)
    } else {
        TransportError::Broken(text)
    }
}
