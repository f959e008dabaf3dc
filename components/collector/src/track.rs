//! `POST /track`: parse, check, commit, answer.

use std::borrow::Cow;

use http::StatusCode;
use tideline_protocol::{Answer, StreamRecord, TrackCall, TrackReply};
use uuid::{Builder, Uuid};

use crate::collector::Collector;
use crate::fault::{Fault, What};
use crate::fingerprint::fingerprint;
use crate::headers::{client_address, kept};
use crate::payload::{self, MAX_ID_BYTES, Payload};
use crate::{Clock, Commit, CommitError, Entropy, RequestHead, Response};

/// The kind of endpoint that `/track` is.
const BRIDGE: &str = "rest";

/// A response, or why there is none, for the operator.
pub(crate) async fn track<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    head: &RequestHead,
    body: Vec<u8>,
) -> Result<Response, CommitError> {
    if !is_json(head.header("content-type")) {
        return Ok(faulty(&[Fault::new(What::NotABody, &[], None)]));
    }
    let payload = match payload::read(&body) {
        Ok(payload) => payload,
        Err(faults) => return Ok(faulty(&faults)),
    };
    if let Some(refusal) = refuse_source(&payload.source) {
        return Ok(refusal);
    }
    let call = call(collector, head, body, payload);
    let task = call.record.request_id.to_string();
    let source = call.record.source.clone();
    let session = call.record.session.clone();
    let reply = collector.commit.commit(call).await?;
    answer(&reply, &task, &source, &session)
}

/// What is to be written.
fn call<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    head: &RequestHead,
    body: Vec<u8>,
    payload: Payload,
) -> TrackCall {
    let settings = &collector.settings;
    let now = collector.clock.now();
    let request_id = random_uuid(&collector.entropy);
    let source = payload.source.to_lowercase();
    let session = payload.session.clone().unwrap_or_else(|| random_uuid(&collector.entropy).to_string());
    // An id that we did not sign is made up: the visitor gets a new one, and nobody else's profile.
    let (profile, new_profile) =
        match payload.profile.as_ref().filter(|id| settings.profile_id_keys.verify(id)) {
            Some(known) => (known.clone(), false),
            None => {
                let [r0, r1, r2, r3, r4, r5, ..] = collector.entropy.bytes();
                (settings.profile_id_keys.mint(now, [r0, r1, r2, r3, r4, r5]), true)
            }
        };
    TrackCall {
        lane: settings.lanes.of_session(&session),
        bridge: BRIDGE,
        fingerprint: fingerprint(&source, &session, &payload)
            .unwrap_or_else(|| request_id.simple().to_string()),
        record: StreamRecord {
            request_id,
            received_at: now,
            source,
            session,
            profile,
            new_session: false,
            new_profile,
            events: u32::try_from(payload.event_ids.len()).unwrap_or(u32::MAX),
            client_address: client_address(head, settings.client_address_header.as_deref()),
            headers: kept(head),
            // It was read as JSON, so it is UTF-8.
            body: String::from_utf8(body).unwrap_or_default(),
        },
    }
}

fn answer(reply: &TrackReply, task: &str, source: &str, session: &str) -> Result<Response, CommitError> {
    Ok(match reply {
        TrackReply::Accepted { profile } | TrackReply::Repeated { profile } => {
            Response::json(StatusCode::OK, &Answer::new(task, profile, session))
        }
        TrackReply::Empty => Response::json(StatusCode::OK, &()),
        TrackReply::UnknownSource => unknown_source(source),
        TrackReply::DisabledSource => Response::detail(StatusCode::UNAUTHORIZED, "Event source disabled."),
        TrackReply::WrongBridge { name, allowed } => Response::detail(
            StatusCode::UNAUTHORIZED,
            &format!(
                "This endpoint takes event sources of type `{BRIDGE}`, but `{name}` has type `{allowed}`. \
                 Call the endpoint of that type, or add `{BRIDGE}` to the types of the event source."
            ),
        ),
        TrackReply::NoLane => {
            return Err(CommitError(
                "the lane's stream does not exist: run `tideline provision`, with the same context, region and lanes \
                 as the edge"
                    .to_owned(),
            ));
        }
    })
}

/// Refuses source ids that cannot exist, without asking Redis.
fn refuse_source(source: &str) -> Option<Response> {
    if source.starts_with('@') {
        let reason = "Internal event sources are not allowed via API.";
        return Some(Response::detail(StatusCode::UNAUTHORIZED, reason));
    }
    (source.is_empty() || source.len() > MAX_ID_BYTES).then(|| unknown_source(source))
}

fn unknown_source(source: &str) -> Response {
    let shown: Cow<'_, str> = if source.len() > MAX_ID_BYTES {
        source.chars().take(32).chain(['…']).collect()
    } else {
        source.into()
    };
    Response::detail(StatusCode::UNAUTHORIZED, &format!("Invalid event source `{shown}`."))
}

fn faulty(faults: &[Fault]) -> Response {
    Response::detail(StatusCode::UNPROCESSABLE_ENTITY, faults)
}

/// JSON is taken as such, as text (which browsers send without a preflight), and without a type.
fn is_json(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else { return true };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/");
    essence.is_empty()
        || essence == "text/plain"
        || subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

fn random_uuid(entropy: &impl Entropy) -> Uuid {
    Builder::from_random_bytes(entropy.bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_that_carry_json() {
        for good in
            ["application/json", "Application/JSON; charset=utf-8", "application/ld+json", "text/plain", ""]
        {
            assert!(is_json(Some(good)), "{good}");
        }
        for bad in ["application/x-www-form-urlencoded", "text/html", "application/jsonp", "json"] {
            assert!(!is_json(Some(bad)), "{bad}");
        }
        assert!(is_json(None));
    }

    #[test]
    fn an_endless_source_id_is_not_repeated_whole() {
        let response = refuse_source(&"x".repeat(10_000)).unwrap();
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        assert!(response.body.len() < 200);
    }
}
