//! Events that the platform adds: a new profile, a new session, a visit.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tideline_model::{Event, EventTime, Properties};
use tideline_protocol::system_event_id;

use crate::Unprocessable;
use crate::request::Common;

/// A profile was made for this request.
pub(crate) const PROFILE_CREATED: &str = "profile-created";
const SESSION_OPENED: &str = "session-opened";
const VISIT_STARTED: &str = "visit-started";

/// The events that a request of these flags adds. Their times lie some seconds before the request,
/// so that in a list by time they come before what set them off.
pub(crate) fn documents(
    common: &Common,
    new_profile: bool,
    new_session: bool,
    client_events: &[Event],
) -> Result<Vec<Event>, Unprocessable> {
    let wanted = [
        (PROFILE_CREATED, 3, new_profile),
        (SESSION_OPENED, 2, new_session),
        (VISIT_STARTED, 1, new_session),
    ];
    let mut events = Vec::new();
    for (r#type, seconds, _) in wanted.into_iter().filter(|(_, _, wanted)| *wanted) {
        let insert = common
            .received
            .checked_sub(SignedDuration::from_secs(seconds))
            .map_err(|_| Unprocessable::ReceiveTime(common.received.to_string()))?;
        let time = EventTime { insert, create: None, receive: common.received };
        let mut event = common.event(system_event_id(common.request_id, r#type), r#type.to_owned(), time);
        if r#type == VISIT_STARTED {
            event.properties = triggers(client_events);
        }
        events.push(event);
    }
    Ok(events)
}

/// The types of the events that began the visit, each once, in order.
fn triggers(client_events: &[Event]) -> Properties {
    let mut types: Vec<Value> = Vec::new();
    for event in client_events {
        if !types.iter().any(|known| known == event.r#type.as_str()) {
            types.push(json!(event.r#type));
        }
    }
    Properties::from_iter([("trigger-event-types".to_owned(), Value::Array(types))])
}
