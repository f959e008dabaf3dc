//! A response, and what the operator should know about it.

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;

/// A whole response. The adapter adds `content-length`, always, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A response and, if there is something to say, a line for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What the visitor gets.
    pub response: Response,
    /// What the operator reads. Never a secret, never a visitor's data.
    pub note: Option<String>,
}

impl From<Response> for Answered {
    fn from(response: Response) -> Self {
        Self { response, note: None }
    }
}

#[derive(Serialize)]
struct Detail<'a, T: ?Sized> {
    detail: &'a T,
}

impl Response {
    /// A JSON response. Our bodies always serialise.
    pub(crate) fn json<T: Serialize + ?Sized>(status: StatusCode, body: &T) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".into())],
            body: serde_json::to_vec(body).unwrap_or_default(),
        }
    }

    /// `{"detail": …}`, as every error is answered.
    pub(crate) fn detail<T: Serialize + ?Sized>(status: StatusCode, detail: &T) -> Self {
        Self::json(status, &Detail { detail })
    }

    /// The service cannot take requests now; the visitor should try again soon.
    pub(crate) fn unavailable() -> Self {
        Self::detail(
            StatusCode::SERVICE_UNAVAILABLE,
            "Events cannot be taken in right now. Send them again, with the same event ids.",
        )
        .with("retry-after", "1")
    }

    /// The body is over the limit, in bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("The body is over {limit} bytes. Send fewer events in a request.");
        Self::detail(StatusCode::PAYLOAD_TOO_LARGE, &detail)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
