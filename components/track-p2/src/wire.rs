//! Requests and responses between `wasi:http` and the collector's types.

use http::{Method, StatusCode};
use tideline_collector::{RequestHead, Response, SentBody};
use wasi::http::types as wasi_http;
use wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::io::streams::{OutputStream, StreamError};

/// The most bytes of a body that are asked for at a time.
const CHUNK: u64 = 16 * 1024;

pub(crate) fn head(request: &IncomingRequest) -> RequestHead {
    let target = request.path_with_query().unwrap_or_default();
    RequestHead::received(method(request.method()), &target, request.headers().entries())
}

fn method(method: wasi_http::Method) -> Method {
    match method {
        wasi_http::Method::Get => Method::GET,
        wasi_http::Method::Head => Method::HEAD,
        wasi_http::Method::Post => Method::POST,
        wasi_http::Method::Put => Method::PUT,
        wasi_http::Method::Delete => Method::DELETE,
        wasi_http::Method::Connect => Method::CONNECT,
        wasi_http::Method::Options => Method::OPTIONS,
        wasi_http::Method::Trace => Method::TRACE,
        wasi_http::Method::Patch => Method::PATCH,
        // A method that is no token is none that an endpoint knows.
        wasi_http::Method::Other(name) => Method::from_bytes(name.as_bytes()).unwrap_or(Method::TRACE),
    }
}

/// Reads at most `limit` bytes.
pub(crate) fn body(request: &IncomingRequest, limit: usize) -> SentBody {
    let Ok(incoming) = request.consume() else { return SentBody::BrokenOff };
    let Ok(stream) = incoming.stream() else { return SentBody::BrokenOff };
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) if body.len() + chunk.len() > limit => return SentBody::TooLarge,
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return SentBody::Whole(body),
            Err(StreamError::LastOperationFailed(_)) => return SentBody::BrokenOff,
        }
    }
}

/// Hands the response to the host.
pub(crate) fn send(response: Response, out: ResponseOutparam) {
    match begin(&response) {
        Ok((head, outgoing)) => transmit(head, outgoing, &response.body, out),
        Err(what) => {
            let error = wasi_http::ErrorCode::InternalError(Some(format!("the host refuses {what}")));
            ResponseOutparam::set(out, Err(error));
        }
    }
}

/// The response's head, and where its body goes.
fn begin(response: &Response) -> Result<(OutgoingResponse, OutgoingBody), &'static str> {
    let mut fields: Vec<_> = response
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    // Without it hosts send the end of the body in a segment of its own, which Nagle's algorithm holds back for 40 ms.
    // A 304 has none: it would be that of the body which is not sent again.
    if response.status != StatusCode::NOT_MODIFIED {
        fields.push(("content-length".to_owned(), response.body.len().to_string().into_bytes()));
    }
    let fields = Fields::from_list(&fields).map_err(|_| "the response's headers")?;
    let head = OutgoingResponse::new(fields);
    head.set_status_code(response.status.as_u16()).map_err(|()| "the status")?;
    let outgoing = head.body().map_err(|()| "the body")?;
    Ok((head, outgoing))
}

fn transmit(head: OutgoingResponse, outgoing: OutgoingBody, body: &[u8], out: ResponseOutparam) {
    if let Ok(stream) = outgoing.write() {
        // Before the head, so that both leave in one segment as well.
        let mut rest = write(&stream, body);
        ResponseOutparam::set(out, Ok(head));
        while let Ok(unwritten @ [_, ..]) = rest {
            stream.subscribe().block();
            rest = write(&stream, unwritten);
        }
    }
    // Fails when the reader went away.
    let _ = OutgoingBody::finish(outgoing, None);
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
