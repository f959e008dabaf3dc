//! Requests and responses between `wasi:http` and the collector's types.
//!
//! Raw bindings rather than the `http` crate's: headers are copied once, which is a sixth of the
//! host's time per request.

use http::{Method, StatusCode};
use tideline_collector::{RequestHead, Response, SentBody};
use wasip3::http::types as wasi;
use wasip3::{wit_future, wit_stream};
use wit_bindgen::{StreamResult, spawn_local};

pub(crate) fn head(request: &wasi::Request) -> RequestHead {
    let target = request.get_path_with_query().unwrap_or_default();
    RequestHead::received(method(request.get_method()), &target, request.get_headers().copy_all())
}

fn method(method: wasi::Method) -> Method {
    match method {
        wasi::Method::Get => Method::GET,
        wasi::Method::Head => Method::HEAD,
        wasi::Method::Post => Method::POST,
        wasi::Method::Put => Method::PUT,
        wasi::Method::Delete => Method::DELETE,
        wasi::Method::Connect => Method::CONNECT,
        wasi::Method::Options => Method::OPTIONS,
        wasi::Method::Trace => Method::TRACE,
        wasi::Method::Patch => Method::PATCH,
        // A method that is no token is none that an endpoint knows.
        wasi::Method::Other(name) => Method::from_bytes(name.as_bytes()).unwrap_or(Method::TRACE),
    }
}

/// The most bytes of a body that are asked for at a time.
const CHUNK: usize = 16 * 1024;

/// Reads at most `limit` bytes.
///
/// Each look at the stream is a way to the host and back, so the end of a body is not asked for where its length tells.
pub(crate) async fn body(request: wasi::Request, head: &RequestHead, limit: usize) -> SentBody {
    let announced = head.body_bytes();
    let (result_writer, result_reader) = wit_future::new(|| Ok(()));
    drop(result_writer);
    let (mut stream, trailers) = wasi::Request::consume_body(request, result_reader);
    let mut body = Vec::new();
    loop {
        let awaited = announced.map_or(CHUNK, |bytes| bytes.saturating_sub(body.len()).clamp(1, CHUNK));
        let (state, chunk) = stream.read(Vec::with_capacity(awaited)).await;
        if body.len() + chunk.len() > limit {
            return SentBody::TooLarge;
        }
        if body.is_empty() {
            body = chunk;
        } else {
            body.extend_from_slice(&chunk);
        }
        if Some(body.len()) == announced {
            return SentBody::Whole(body);
        }
        if state == StreamResult::Dropped {
            break;
        }
    }
    // A body that broke off ends like a whole one; only the trailers tell.
    if trailers.await.is_err() { SentBody::BrokenOff } else { SentBody::Whole(body) }
}

/// Hands the response to the host.
pub(crate) fn send(response: Response) -> Result<wasi::Response, wasi::ErrorCode> {
    let Response { status, headers, body } = response;
    let mut fields: Vec<_> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned().into_bytes())).collect();
    // Without it hosts send the end of the body in a segment of its own, which Nagle's algorithm holds back for 40 ms.
    // A 304 has none: it would be that of the body which is not sent again.
    if status != StatusCode::NOT_MODIFIED {
        fields.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
    }
    let refused = |what: &str| wasi::ErrorCode::InternalError(Some(format!("the host refuses {what}")));
    let fields = wasi::Fields::from_list(&fields).map_err(|_| refused("the response's headers"))?;

    let (trailers_writer, trailers_reader) = wit_future::new(|| Ok(None));
    drop(trailers_writer);
    let (mut body_writer, body_reader) = wit_stream::new();
    let (response, _transmitted) = wasi::Response::new(fields, Some(body_reader), trailers_reader);
    response.set_status_code(status.as_u16()).map_err(|()| refused("the status"))?;
    spawn_local(async move {
        // What is left unwritten is a reader who went away.
        body_writer.write_all(body).await;
    });
    Ok(response)
}
