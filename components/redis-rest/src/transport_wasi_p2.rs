//! The transport of WASI 0.2 guests: `wasi:http/outgoing-handler`.
//!
//! WASI 0.2 has no asynchronous calls: until the reply is there, the guest waits in `poll` and does nothing else. So
//! the future is complete when it is polled for the first time.

use std::time::Duration;

use http::uri::Scheme as UriScheme;
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme, http_error_code,
};
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::{OutputStream, StreamError};

use crate::transport_wasi::{broken, full_path, headers, late, nanoseconds, not_sent, refused, too_long};
use crate::{Deadlines, Endpoint, HttpReply, MAX_REPLY_BYTES, Transport, TransportError};

/// The most bytes of a reply that are asked for at a time.
const CHUNK: u64 = 16 * 1024;

/// Sends through the host, which pools connections if it is a good one.
#[derive(Clone, Copy, Debug, Default)]
pub struct WasiP2Transport {
    deadlines: Deadlines,
}

impl WasiP2Transport {
    /// A transport with these deadlines.
    #[must_use]
    pub fn new(deadlines: Deadlines) -> Self {
        Self { deadlines }
    }
}

impl Transport for WasiP2Transport {
    async fn post(
        &self,
        endpoint: &Endpoint,
        path: &'static str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<HttpReply, TransportError> {
        exchange(endpoint, path, &body, self.deadlines, within)
    }
}

fn exchange(
    endpoint: &Endpoint,
    path: &str,
    body: &[u8],
    deadlines: Deadlines,
    within: Duration,
) -> Result<HttpReply, TransportError> {
    let deadline = Deadline::after(within);
    let request = request(endpoint, path, body.len())?;
    let options = options(deadlines)?;
    let upload = request.body().map_err(|()| refused("the request's body"))?;
    let stream = upload.write().map_err(|()| refused("the request's body"))?;
    // Before the request is sent, so that head and body leave in one segment: in two, Nagle's algorithm holds the
    // second back for 40 ms on hosts that do not switch it off.
    let mut rest = write(&stream, body);
    let response = outgoing_handler::handle(request, Some(options)).map_err(|error| classify(&error))?;
    // A server that takes no more of the body may have answered all the same.
    while let Ok(unwritten @ [_, ..]) = rest {
        deadline.wait_for(&stream.subscribe())?;
        rest = write(&stream, unwritten);
    }
    drop(stream);
    let _ = OutgoingBody::finish(upload, None);
    read(&answered(&response, &deadline)?, &deadline)
}

/// The end of the time for everything.
struct Deadline {
    total: Duration,
    reached: Pollable,
}

impl Deadline {
    fn after(total: Duration) -> Self {
        Self { total, reached: subscribe_duration(nanoseconds(total)) }
    }

    /// Waits for something else, but not any longer.
    fn wait_for(&self, event: &Pollable) -> Result<(), TransportError> {
        const REACHED: u32 = 1;
        if poll(&[event, &self.reached]).contains(&REACHED) { Err(late(self.total)) } else { Ok(()) }
    }
}

fn request(endpoint: &Endpoint, path: &str, length: usize) -> Result<OutgoingRequest, TransportError> {
    let headers = Fields::from_list(&headers(endpoint, length))
        .map_err(|error| refused(&format!("the request's headers: {error:?}")))?;
    let scheme = if *endpoint.scheme() == UriScheme::HTTPS { Scheme::Https } else { Scheme::Http };
    let request = OutgoingRequest::new(headers);
    request
        .set_method(&Method::Post)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(endpoint.authority().as_str())))
        .and_then(|()| request.set_path_with_query(Some(&full_path(endpoint, path))))
        .map_err(|()| refused(&format!("the address {endpoint:?}")))?;
    Ok(request)
}

fn options(deadlines: Deadlines) -> Result<RequestOptions, TransportError> {
    let options = RequestOptions::new();
    options
        .set_connect_timeout(Some(nanoseconds(deadlines.connect)))
        .and_then(|()| options.set_first_byte_timeout(Some(nanoseconds(deadlines.first_byte))))
        .and_then(|()| options.set_between_bytes_timeout(Some(nanoseconds(deadlines.first_byte))))
        .map_err(|()| refused("deadlines"))?;
    Ok(options)
}

/// Writes what the host takes without waiting, and returns the rest.
fn write<'a>(stream: &OutputStream, body: &'a [u8]) -> Result<&'a [u8], StreamError> {
    let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
    let (now, rest) = body.split_at(room.min(body.len()));
    if !now.is_empty() {
        stream.write(now)?;
    }
    Ok(rest)
}

fn answered(
    response: &FutureIncomingResponse,
    deadline: &Deadline,
) -> Result<IncomingResponse, TransportError> {
    deadline.wait_for(&response.subscribe())?;
    match response.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(error))) => Err(classify(&error)),
        Some(Err(())) | None => Err(unreadable()),
    }
}

fn read(response: &IncomingResponse, deadline: &Deadline) -> Result<HttpReply, TransportError> {
    let status = response.status();
    let incoming = response.consume().map_err(|()| unreadable())?;
    let stream = incoming.stream().map_err(|()| unreadable())?;
    let mut body = Vec::new();
    loop {
        match stream.read(CHUNK) {
            Ok(chunk) if chunk.is_empty() => deadline.wait_for(&stream.subscribe())?,
            Ok(chunk) if body.len() + chunk.len() > MAX_REPLY_BYTES => return Err(too_long()),
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(HttpReply { status, body }),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(broke_off(http_error_code(&error)));
            }
        }
    }
}

fn unreadable() -> TransportError {
    TransportError::MaybeSent("the host does not hand out the reply".to_owned())
}

fn broke_off(error: Option<ErrorCode>) -> TransportError {
    let text = format!("the reply broke off: {error:?}");
    match error {
        // Hosts do not always say why.
        Some(broken!(ErrorCode)) | None => TransportError::Broken(text),
        _ => TransportError::MaybeSent(text),
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
