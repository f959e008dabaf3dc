//! Collects the component's answer before any of it is sent.
//!
//! An answer that is passed on as it comes lets requests that never wait pile up finished work in their
//! instance until it exceeds its handles and traps. Collected answers do not; they also let the host
//! replace a broken answer by a clear one, and always send `content-length`.

use std::error::Error;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use wasmtime_wasi_http::WasiBody;

use crate::refusal::Refusal;

/// Reads the answer's body to its end, at most `max_bytes` of it.
pub(crate) async fn collect(
    response: Response<WasiBody>,
    max_bytes: u32,
) -> Result<Response<Bytes>, Refusal> {
    let (parts, body) = response.into_parts();
    #[expect(clippy::disallowed_methods, reason = "wrapped in Limited")]
    let collected = Limited::new(body, max_bytes as usize).collect().await;
    match collected {
        Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            tracing::error!(max_bytes, "the component's answer is too large");
            Err(Refusal::LargeAnswer(max_bytes))
        }
        Err(error) => Err(component_error(error.as_ref())),
    }
}

/// Logs what the component returned instead of an answer.
pub(crate) fn component_error(error: &dyn Error) -> Refusal {
    tracing::error!(%error, "the component returned an error");
    Refusal::ComponentError
}

/// Makes the answer's framing headers say what will be sent.
///
/// The length is left to the HTTP library, which knows the body; only where there is no body to measure
/// (HEAD, 304) does the component's own word count.
pub(crate) fn frame(response: &mut Response<Bytes>, method: &Method) {
    let bodiless = *method == Method::HEAD || response.status() == StatusCode::NOT_MODIFIED;
    if !(bodiless && response.body().is_empty()) {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    response.headers_mut().remove(header::CONNECTION);
}
