//! What is answered when a request is not taken (`docs/protocol.md` §5.3): one table.

use http::StatusCode;
use tideline_protocol::TrackReply;

use crate::fault::{Fault, What, shown};
use crate::payload::MAX_ID_BYTES;
use crate::{CommitError, Response};

/// The answer to a reply that is a refusal; an error if it is the operator's fault.
pub(crate) fn of_reply(reply: TrackReply, bridge: &str, source: &str) -> Result<Response, CommitError> {
    let unauthorized = |text: &str| Ok(Response::detail(StatusCode::UNAUTHORIZED, text));
    let forbidden = |text: &str| Ok(Response::detail(StatusCode::FORBIDDEN, text));
    match reply {
        TrackReply::UnknownSource => Ok(unknown_source(source)),
        TrackReply::DisabledSource => unauthorized("Event source disabled."),
        TrackReply::WrongBridge { name, allowed } => unauthorized(&format!(
            "This endpoint takes event sources of type `{bridge}`, but `{name}` has type `{allowed}`. \
             Call the endpoint of that type, or add `{bridge}` to the types of the event source."
        )),
        TrackReply::Bot => unauthorized("Traffic from bot is not allowed."),
        TrackReply::WrongOrigin => forbidden(
            "Pages of this origin may not send events to this event source. \
             Add the origin to the event source's allowed origins, or call from one of them.",
        ),
        TrackReply::Limited { milliseconds } => Ok(Response::detail(
            StatusCode::TOO_MANY_REQUESTS,
            "The event source sends more events than it may. Send the same body again later.",
        )
        .with("retry-after", milliseconds.div_ceil(1000).max(1).to_string())),
        TrackReply::UnknownSession => forbidden("Access denied"),
        TrackReply::ProfileRequired => Ok(faulty(&[Fault::new(What::Missing, &["profile"], None)])),
        TrackReply::NoLane => Err(CommitError(
            "the lane's stream does not exist: run `tideline provision`, with the same context, region and lanes as the edge"
                .to_owned(),
        )),
        other => Err(CommitError(format!("redis replied {other:?}, which was not asked for"))),
    }
}

/// Refuses source ids that cannot exist, without asking Redis.
pub(crate) fn of_source_id(source: &str) -> Option<Response> {
    if source.starts_with('@') {
        let reason = "Internal event sources are not allowed via API.";
        return Some(Response::detail(StatusCode::UNAUTHORIZED, reason));
    }
    (source.is_empty() || source.len() > MAX_ID_BYTES).then(|| unknown_source(source))
}

/// The answer to a request with these faults.
pub(crate) fn faulty(faults: &[Fault]) -> Response {
    Response::detail(StatusCode::UNPROCESSABLE_ENTITY, faults)
}

fn unknown_source(source: &str) -> Response {
    Response::detail(StatusCode::UNAUTHORIZED, &format!("Invalid event source `{}`.", shown(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_source_id_is_not_repeated_whole() {
        for response in [of_source_id(&"x".repeat(10_000)).unwrap(), unknown_source(&"x".repeat(65))] {
            assert_eq!(response.status, StatusCode::UNAUTHORIZED);
            let text = String::from_utf8(response.body).unwrap();
            assert!(text.contains(&format!("`{}…`", "x".repeat(64))), "{text}");
        }
    }

    #[test]
    fn each_refusal_has_its_status() {
        let wrong_bridge = TrackReply::WrongBridge { name: "Hook".into(), allowed: "webhook".into() };
        let table = [
            (TrackReply::UnknownSource, 401, "Invalid event source `s`."),
            (TrackReply::DisabledSource, 401, "Event source disabled."),
            (wrong_bridge, 401, "has type `webhook`"),
            (TrackReply::Bot, 401, "Traffic from bot is not allowed."),
            (TrackReply::WrongOrigin, 403, "allowed origins"),
            (TrackReply::UnknownSession, 403, "Access denied"),
            (TrackReply::Limited { milliseconds: 70 }, 429, "Send the same body again later"),
            (TrackReply::ProfileRequired, 422, "\"profile\""),
        ];
        for (reply, status, words) in table {
            let response = of_reply(reply, "rest", "s").unwrap();
            assert_eq!(response.status.as_u16(), status);
            assert!(String::from_utf8(response.body).unwrap().contains(words), "{words}");
        }
        assert!(of_reply(TrackReply::NoLane, "rest", "s").unwrap_err().0.contains("tideline provision"));
        assert!(of_reply(TrackReply::Unresolved, "rest", "s").is_err());
    }
}
