//! Cross-origin rules: any site may send events and read the answer (`docs/protocol.md`).

use http::{Method, StatusCode};

use crate::{RequestHead, Response};

const METHODS: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/// The longest list of header names that is granted: longer ones are no browser's.
const MAX_REQUESTED_BYTES: usize = 1024;

/// The answer to a preflight; none if the request is no preflight.
pub(crate) fn preflight(head: &RequestHead) -> Option<Response> {
    if head.method != Method::OPTIONS {
        return None;
    }
    let origin = head.header("origin")?;
    head.header("access-control-request-method")?;
    let mut response = Response {
        status: StatusCode::OK,
        headers: vec![("content-type", "text/plain; charset=utf-8".into())],
        body: b"OK".to_vec(),
    }
    .with("access-control-allow-origin", origin.to_owned())
    .with("access-control-allow-credentials", "true")
    .with("access-control-allow-methods", METHODS)
    .with("access-control-max-age", "600")
    .with("vary", "Origin");
    let requested =
        head.header("access-control-request-headers").filter(|names| names.len() <= MAX_REQUESTED_BYTES);
    if let Some(requested) = requested {
        response = response.with("access-control-allow-headers", requested.to_owned());
    }
    Some(response)
}

/// Adds what a page needs to read this answer.
///
/// No cookie is authority here (§1.8); but a beacon carries the site's cookies, and browsers then insist on an echoed origin.
pub(crate) fn allow(head: &RequestHead, response: Response) -> Response {
    let Some(origin) = head.header("origin") else { return response };
    let response = response.with("access-control-allow-credentials", "true");
    if head.header("cookie").is_some() {
        response.with("access-control-allow-origin", origin.to_owned()).with("vary", "Origin")
    } else {
        response.with("access-control-allow-origin", "*")
    }
}
