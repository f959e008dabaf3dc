//! Answers that a server gives before, or instead of, the one who decides: a table from reason to status
//! and text. They are JSON and may be read by a page of any origin, so that a browser shows a developer
//! what went wrong.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No usable host header.
    BadHost,
    /// The client broke off, or sent a body that is not HTTP.
    BrokenBody,
    /// The body took too long.
    SlowBody,
    /// The body has more bytes than this.
    LargeBody(usize),
    /// All requests together hold too many bytes, or wait for too much work.
    Busy,
    /// What worked on the request ended.
    Failed,
}

/// Seconds after which a client may try again; the condition is expected to be over by then.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

impl Refusal {
    /// The status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadHost | Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::LargeBody(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy | Self::Failed => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The text.
    #[must_use]
    pub fn detail(self) -> String {
        match self {
            Self::BadHost => "the request needs one valid host header".into(),
            Self::BrokenBody => "the request's body ended early or is malformed".into(),
            Self::SlowBody => "the request's body took too long; send it again".into(),
            Self::LargeBody(limit) => {
                format!("the request's body has more than {limit} bytes; send less at once")
            }
            Self::Busy => "the server has too many requests in progress; send it again later".into(),
            Self::Failed => "the server failed while it worked on this request; send it again".into(),
        }
    }
}

/// The answer to a refused request.
#[must_use]
pub fn refuse(status: StatusCode, detail: &str) -> Response<Bytes> {
    let body = serde_json::json!({ "detail": detail }).to_string();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_json_that_any_page_may_read() {
        let table = [
            (Refusal::BadHost, 400, false),
            (Refusal::BrokenBody, 400, false),
            (Refusal::SlowBody, 408, false),
            (Refusal::LargeBody(7), 413, false),
            (Refusal::Busy, 503, true),
            (Refusal::Failed, 503, true),
        ];
        for (refusal, status, retry) in table {
            let response = refuse(refusal.status(), &refusal.detail());
            assert_eq!(response.status(), status, "{refusal:?}");
            let headers = response.headers();
            assert_eq!(headers["access-control-allow-origin"], "*");
            assert_eq!(headers.contains_key("retry-after"), retry, "{refusal:?}");
            let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert!(body["detail"].as_str().is_some_and(|text| !text.is_empty()));
        }
    }
}
