//! Every way in which a request can fail, with its status and its words: one table.
//!
//! Clients see 503 with `Retry-After` for what will pass by itself, and 4xx for what will not.
//! Error replies of Redis keep their text; here they only get a status.

use http::StatusCode;

use crate::admission::NoRoom;
use crate::command::CommandError;
use crate::link::{LinkError, StreamError};
use crate::policy::Refusal;

/// Error codes of Redis that say: not now. The same command may succeed later.
const PASSING_CODES: [&[u8]; 9] = [
    b"OOM",
    b"LOADING",
    b"MASTERDOWN",
    b"READONLY",
    b"MISCONF",
    b"NOREPLICAS",
    b"BUSY",
    b"CLUSTERDOWN",
    b"TRYAGAIN",
];

/// The status that goes with an error reply of Redis, by its first word.
pub(crate) fn status_of_redis_error(text: &[u8]) -> StatusCode {
    let code = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    if PASSING_CODES.contains(&code) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST }
}

/// Why a request has no answer of Redis.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(
        "WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details."
    )]
    Unauthorized,
    #[error(
        "ERR too many requests of this address had no valid token: correct the token, and try again in {seconds} s"
    )]
    TooManyFailures { seconds: u64 },
    #[error("ERR method not allowed. Allowed: {allowed}")]
    MethodNotAllowed { allowed: &'static str },
    #[error("ERR the header Upstash-Response-Format is neither json nor resp2")]
    ResponseFormat,
    #[error("ERR the header Upstash-Encoding: base64 does not go with Upstash-Response-Format: resp2")]
    Base64Resp2,
    #[error("ERR max request size exceeded. Limit: {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("ERR the request body did not arrive within {millis} ms")]
    BodyTooSlow { millis: u128 },
    #[error("ERR the request body broke off")]
    BodyBroken,
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("ERR too many requests are in flight, nothing was executed: try again later")]
    Busy,
    #[error("ERR no room for an answer of {bytes} bytes: it was dropped after the command was executed")]
    AnswerDropped { bytes: usize },
    #[error("ERR redis did not answer within {millis} ms: it is unknown whether the command was executed")]
    DeadlinePassed { millis: u128 },
    #[error("ERR {0}")]
    Link(#[from] LinkError),
    #[error(transparent)]
    Stream(#[from] StreamError),
}

impl From<NoRoom> for Failure {
    fn from(_: NoRoom) -> Self {
        Failure::Busy
    }
}

impl Failure {
    /// The reason's name in metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Failure::Unauthorized => "unauthorized",
            Failure::TooManyFailures { .. } => "too_many_failures",
            Failure::MethodNotAllowed { .. } => "method",
            Failure::ResponseFormat | Failure::Base64Resp2 => "format",
            Failure::BodyTooLarge { .. } => "body_too_large",
            Failure::BodyTooSlow { .. } => "body_too_slow",
            Failure::BodyBroken => "body_broken",
            Failure::Command(_) => "command",
            Failure::Refused(_) => "policy",
            Failure::Busy => "busy",
            Failure::AnswerDropped { .. } => "answer_dropped",
            Failure::DeadlinePassed { .. } => "deadline",
            Failure::Link(LinkError::NotSent(_)) => "redis_away",
            Failure::Link(LinkError::OutcomeUnknown(_)) => "outcome_unknown",
            Failure::Link(LinkError::QueueFull) => "queue_full",
            Failure::Link(LinkError::NoTransactions) => "no_transactions",
            Failure::Link(LinkError::SeveralSlots) => "several_slots",
            Failure::Link(LinkError::Moving) => "slot_moving",
            Failure::Stream(_) => "stream",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Failure::Unauthorized => StatusCode::UNAUTHORIZED,
            Failure::TooManyFailures { .. } => StatusCode::TOO_MANY_REQUESTS,
            Failure::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Failure::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Failure::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Failure::BodyBroken
            | Failure::ResponseFormat
            | Failure::Base64Resp2
            | Failure::Command(_)
            | Failure::Refused(_)
            | Failure::Link(LinkError::NoTransactions | LinkError::SeveralSlots) => StatusCode::BAD_REQUEST,
            Failure::Stream(StreamError::Refused(text)) => status_of_redis_error(text.as_bytes()),
            Failure::Busy
            | Failure::AnswerDropped { .. }
            | Failure::DeadlinePassed { .. }
            | Failure::Link(_)
            | Failure::Stream(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_redis_that_pass_by_themselves_are_503_and_the_others_400() {
        let table: [(&[u8], u16); 8] = [
            (b"OOM command not allowed when used memory > 'maxmemory'.", 503),
            (b"LOADING Redis is loading the dataset in memory", 503),
            (b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 503),
            (b"READONLY You can't write against a read only replica.", 503),
            (b"BUSYGROUP Consumer Group name already exists", 400),
            (b"WRONGTYPE Operation against a key holding the wrong kind of value", 400),
            (b"ERR OOM is only a word here", 400),
            (b"", 400),
        ];
        for (text, status) in table {
            assert_eq!(status_of_redis_error(text).as_u16(), status, "{}", String::from_utf8_lossy(text));
        }
    }
}
