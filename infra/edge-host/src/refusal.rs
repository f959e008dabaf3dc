//! Answers that the host itself gives: those of every server of ours, and those that tell how the
//! component fares, in one table from reason to status and text.

use bytes::Bytes;
use http::{Response, StatusCode};
use tideline_http_front::refuse;

/// Why the host answers instead of the component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// What any server of ours may say.
    Front(tideline_http_front::Refusal),
    /// No component has this address.
    NoRoute,
    /// No answer within this many milliseconds.
    Late(u64),
    /// No instance can be made at the moment.
    NoInstance,
    /// The host is stopping.
    Stopping,
    /// The component returned an error instead of an answer.
    ComponentError,
    /// The component's answer has more bytes than this.
    LargeAnswer(u32),
}

impl Refusal {
    /// The queue is full.
    pub(crate) const BUSY: Self = Self::Front(tideline_http_front::Refusal::Busy);
    /// The instance ended while it worked on the request.
    pub(crate) const INSTANCE_ENDED: Self = Self::Front(tideline_http_front::Refusal::Failed);

    /// The reason's name in metrics.
    pub(crate) fn name(self) -> &'static str {
        use tideline_http_front::Refusal as Front;
        match self {
            Self::Front(Front::BadHost) => "bad_host",
            Self::Front(Front::BrokenBody) => "broken_body",
            Self::Front(Front::SlowBody) => "slow_body",
            Self::Front(Front::LargeBody(_)) => "large_body",
            Self::Front(Front::Busy) => "busy",
            Self::Front(Front::Failed) => "instance_ended",
            Self::NoRoute => "no_route",
            Self::Late(_) => "late",
            Self::NoInstance => "no_instance",
            Self::Stopping => "stopping",
            Self::ComponentError => "component_error",
            Self::LargeAnswer(_) => "large_answer",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Front(refusal) => refusal.status(),
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Late(_) | Self::NoInstance | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::ComponentError | Self::LargeAnswer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn detail(self) -> String {
        match self {
            Self::Front(refusal) => refusal.detail(),
            Self::NoRoute => "nothing is at this address".into(),
            Self::Late(milliseconds) => {
                format!("no answer within {milliseconds} ms; send it again later")
            }
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
        refuse(self.status(), &self.detail())
    }
}

impl From<tideline_http_front::Refusal> for Refusal {
    fn from(refusal: tideline_http_front::Refusal) -> Self {
        Self::Front(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_json_and_says_whether_to_come_back() {
        let table = [
            (Refusal::BUSY, 503),
            (Refusal::INSTANCE_ENDED, 503),
            (Refusal::NoRoute, 404),
            (Refusal::Late(7), 503),
            (Refusal::NoInstance, 503),
            (Refusal::Stopping, 503),
            (Refusal::ComponentError, 500),
            (Refusal::LargeAnswer(7), 500),
        ];
        for (refusal, status) in table {
            let response = refusal.response();
            assert_eq!(response.status(), status, "{refusal:?}");
            assert_eq!(response.headers().contains_key("retry-after"), status == 503, "{refusal:?}");
            let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert!(body["detail"].as_str().is_some_and(|text| !text.is_empty()));
        }
    }
}
