//! The transport of WASI 0.3 guests: `wasi:http/client`.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join, select};
use http::uri::Scheme as UriScheme;
use wasip3::clocks::monotonic_clock;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use wasip3::{wit_future, wit_stream};
use wit_bindgen::StreamResult;

use crate::transport_wasi::{broken, full_path, headers, late, nanoseconds, not_sent, refused, too_long};
use crate::{Deadlines, Endpoint, HttpReply, MAX_REPLY_BYTES, Transport, TransportError};

/// Sends through the host, which pools connections if it is a good one.
#[derive(Clone, Copy, Debug, Default)]
pub struct WasiP3Transport {
    deadlines: Deadlines,
}

impl WasiP3Transport {
    /// A transport with these deadlines.
    #[must_use]
    pub fn new(deadlines: Deadlines) -> Self {
        Self { deadlines }
    }
}

impl Transport for WasiP3Transport {
    async fn post(
        &self,
        endpoint: &Endpoint,
        path: &'static str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<HttpReply, TransportError> {
        let exchange = pin!(exchange(endpoint, path, body, self.deadlines));
        let deadline = pin!(monotonic_clock::wait_for(nanoseconds(within)));
        match select(exchange, deadline).await {
            Either::Left((reply, _)) => reply,
            Either::Right(((), _)) => Err(late(within)),
        }
    }
}

async fn exchange(
    endpoint: &Endpoint,
    path: &str,
    body: Vec<u8>,
    deadlines: Deadlines,
) -> Result<HttpReply, TransportError> {
    let (mut body_writer, body_reader) = wit_stream::new();
    let (trailers_writer, trailers_reader) = wit_future::new(|| Ok(None));
    // Dropping the writer resolves the trailers to the default above: none.
    drop(trailers_writer);
    let headers = Fields::from_list(&headers(endpoint, body.len()))
        .map_err(|error| refused(&format!("the request's headers: {error:?}")))?;
    let (request, _transmitted) =
        Request::new(headers, Some(body_reader), trailers_reader, Some(options(deadlines)?));
    address(&request, endpoint, path)?;

    // The body is offered before the request is sent, so that head and body leave in one segment:
    // in two, Nagle's algorithm holds the second back for 40 ms on hosts that do not switch it off.
    let write = async move {
        body_writer.write_all(body).await;
    };
    let (response, ()) = join(client::send(request), write).await;
    read(response.map_err(|error| classify(&error))?).await
}

fn options(deadlines: Deadlines) -> Result<RequestOptions, TransportError> {
    let options = RequestOptions::new();
    options
        .set_connect_timeout(Some(nanoseconds(deadlines.connect)))
        .and_then(|()| options.set_first_byte_timeout(Some(nanoseconds(deadlines.first_byte))))
        .and_then(|()| options.set_between_bytes_timeout(Some(nanoseconds(deadlines.first_byte))))
        .map_err(|error| refused(&format!("deadlines: {error:?}")))?;
    Ok(options)
}

fn address(request: &Request, endpoint: &Endpoint, path: &str) -> Result<(), TransportError> {
    let scheme = if *endpoint.scheme() == UriScheme::HTTPS { Scheme::Https } else { Scheme::Http };
    request
        .set_method(&Method::Post)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(endpoint.authority().as_str())))
        .and_then(|()| request.set_path_with_query(Some(&full_path(endpoint, path))))
        .map_err(|()| refused(&format!("the address {endpoint:?}")))
}

async fn read(response: Response) -> Result<HttpReply, TransportError> {
    let status = response.get_status_code();
    let (result_writer, result_reader) = wit_future::new(|| Ok(()));
    drop(result_writer);
    let (mut body, trailers) = Response::consume_body(response, result_reader);
    let mut collected = Vec::new();
    loop {
        let (state, chunk) = body.read(Vec::with_capacity(4096)).await;
        if collected.len() + chunk.len() > MAX_REPLY_BYTES {
            return Err(too_long());
        }
        collected.extend_from_slice(&chunk);
        if state == StreamResult::Dropped {
            break;
        }
    }
    // A body that broke off ends like a whole one; only the trailers tell.
    trailers.await.map_err(|error| broke_off(&error))?;
    Ok(HttpReply { status, body: collected })
}

fn broke_off(error: &ErrorCode) -> TransportError {
    match error {
        broken!(ErrorCode) => TransportError::Broken(format!("the reply broke off: {error:?}")),
        _ => TransportError::MaybeSent(format!("the reply broke off: {error:?}")),
    }
}

fn classify(error: &ErrorCode) -> TransportError {
    let text = format!("{error:?}");
    match error {
        not_sent!(ErrorCode) => TransportError::NotSent(text),
        broken!(ErrorCode) => TransportError::Broken(text),
        _ => TransportError::MaybeSent(text),
    }
}
