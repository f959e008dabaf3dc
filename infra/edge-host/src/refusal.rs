//! Answers that the host itself gives: one table from reason to status and text. They are JSON and may
//! be read by a page of any origin, so that a browser shows a developer what went wrong.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// Why the host answers instead of the component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No usable host header.
    BadHost,
    /// The client broke off, or sent a body that is not HTTP.
    BrokenBody,
    /// The body took too long.
    SlowBody,
    /// The body has more bytes than this.
    LargeBody(u32),
    /// All requests together hold too many bytes.
    Memory,
    /// The queue is full.
    Busy,
    /// No answer within this many milliseconds.
    Late(u64),
    /// The instance ended while it worked on the request.
    InstanceEnded,
    /// No instance can be made at the moment.
    NoInstance,
    /// The host is stopping.
    Stopping,
    /// The component returned an error instead of an answer.
    ComponentError,
    /// The component's answer has more bytes than this.
    LargeAnswer(u32),
}

/// Seconds after which a client may try again; the condition is expected to be over by then.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::BadHost | Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::LargeBody(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Memory
            | Self::Busy
            | Self::Late(_)
            | Self::InstanceEnded
            | Self::NoInstance
            | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::ComponentError | Self::LargeAnswer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn detail(self) -> String {
        match self {
            Self::BadHost => "the request needs one valid host header".into(),
            Self::BrokenBody => "the request's body ended early or is malformed".into(),
            Self::SlowBody => "the request's body took too long; send it again".into(),
            Self::LargeBody(limit) => {
                format!("the request's body has more than {limit} bytes; send less at once")
            }
            Self::Memory | Self::Busy => {
                "the server has too many requests in progress; send it again later".into()
            }
            Self::Late(milliseconds) => {
                format!("no answer within {milliseconds} ms; send it again later")
            }
            Self::InstanceEnded => "the server failed while it worked on this request; send it again".into(),
            Self::NoInstance => "the server cannot start its component; send it again later".into(),
            Self::Stopping => "the server is stopping; send it again".into(),
            Self::ComponentError => "the server's component returned an error".into(),
            Self::LargeAnswer(limit) => {
                format!("the server's component gave an answer of more than {limit} bytes")
            }
        }
    }

    /// The answer to send.
    pub(crate) fn response(self) -> Response<Bytes> {
        let body = serde_json::json!({ "detail": self.detail() }).to_string();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
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
            (Refusal::Memory, 503, true),
            (Refusal::Busy, 503, true),
            (Refusal::Late(7), 503, true),
            (Refusal::InstanceEnded, 503, true),
            (Refusal::NoInstance, 503, true),
            (Refusal::Stopping, 503, true),
            (Refusal::ComponentError, 500, false),
            (Refusal::LargeAnswer(7), 500, false),
        ];
        for (refusal, status, retry) in table {
            let response = refusal.response();
            assert_eq!(response.status(), status, "{refusal:?}");
            let headers = response.headers();
            assert_eq!(headers["access-control-allow-origin"], "*");
            assert_eq!(headers.contains_key("retry-after"), retry, "{refusal:?}");
            let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert!(body["detail"].as_str().is_some_and(|text| !text.is_empty()));
        }
    }
}
