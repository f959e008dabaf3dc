//! Events that the platform adds: a new profile, a new session, a visit.
//!
//! Their times lie some seconds before the request, so that in a list by time they come before what set them off.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tideline_model::{Event, EventTime, Origin, Profile, ProfileReference, Properties};
use tideline_protocol::system_event_id;
use uuid::Uuid;

use crate::request::{ClientEvent, Common};
use crate::visit::{VISIT_ENDED, VISIT_STARTED};

const PROFILE_CREATED: &str = "profile-created";
const SESSION_OPENED: &str = "session-opened";

const SEGMENT_ENTERED: &str = "segment-entered";
const SEGMENT_LEFT: &str = "segment-left";

/// The namespace of the ids of events about segments.
const SEGMENTS: Uuid = Uuid::from_u128(0x6e2b_90d4_1c3a_4f85_8d77_05b1_e9f4_a362);

/// The namespace of [`profile_created_id`].
const PROFILES: Uuid = Uuid::from_u128(0x5c9d_0b36_61a4_4f0e_9a57_3d2f_1f6e_8b21);

/// The namespace of [`visit_ended_id`].
const VISITS: Uuid = Uuid::from_u128(0x1d0c_84e7_93b5_4a52_8f6a_6f0e_b7c9_52d4);

/// The id of the event which says that this profile was created. It follows from the profile alone, so there is one,
/// whichever of several requests at the same time finds the profile missing.
#[must_use]
pub fn profile_created_id(profile_id: &str) -> String {
    Uuid::new_v5(&PROFILES, profile_id.as_bytes()).to_string()
}

/// The request creates this profile.
pub(crate) fn profile_created(common: &Common, profile_id: &str) -> Event {
    let event = event(common, profile_created_id(profile_id), PROFILE_CREATED, 3);
    Event { profile: Some(ProfileReference::to(profile_id)), ..event }
}

/// The request opens a session, and begins a visit with it.
pub(crate) fn of_new_session(common: &Common, client_events: &[ClientEvent]) -> Vec<Event> {
    let id = system_event_id(common.request_id, SESSION_OPENED);
    vec![event(common, id, SESSION_OPENED, 2), visit_started(common, client_events)]
}

/// The request begins a visit.
pub(crate) fn visit_started(common: &Common, client_events: &[ClientEvent]) -> Event {
    let started = event(common, system_event_id(common.request_id, VISIT_STARTED), VISIT_STARTED, 1);
    Event { properties: triggers(client_events), ..started }
}

/// A visit of the session ended in silence: it was over then.
pub(crate) fn visit_ended(common: &Common, session_id: &str, since: Timestamp) -> Event {
    let time = EventTime { insert: since, create: None, receive: common.received };
    common.event(visit_ended_id(session_id, since), VISIT_ENDED.to_owned(), time)
}

/// The id of the event which says that a visit ended in silence: of the session, and of the time of its last request.
/// Whether a reminder or the next request finds it out, there is one.
pub(crate) fn visit_ended_id(session_id: &str, since: Timestamp) -> String {
    Uuid::new_v5(&VISITS, format!("{} {session_id}", since.as_microsecond()).as_bytes()).to_string()
}

/// The profile is in other segments than before: an event for each, in the order of their ids.
pub(crate) fn of_segments(common: &Common, before: Option<&Profile>, after: &Profile) -> Vec<Event> {
    let before = before.map_or(&[][..], |before| &before.segments);
    let entered = after.segments.iter().filter(|id| !before.contains(id)).map(|id| (SEGMENT_ENTERED, id));
    let left = before.iter().filter(|id| !after.segments.contains(id)).map(|id| (SEGMENT_LEFT, id));
    let event = |(r#type, segment): (&str, &String)| {
        let Origin { lane, entry } = &common.origin;
        let name = format!("{} {segment} {lane} {entry}", after.id);
        let time = EventTime { insert: common.received, create: None, receive: common.received };
        let id = Uuid::new_v5(&SEGMENTS, format!("{type} {name}").as_bytes()).to_string();
        let properties = Properties::from_iter([("segment".to_owned(), json!(segment))]);
        let profile = Some(ProfileReference::to(&after.id));
        Event { properties, profile, ..common.event(id, r#type.to_owned(), time) }
    };
    entered.chain(left).map(event).collect()
}

fn event(common: &Common, id: String, r#type: &str, seconds_before: i64) -> Event {
    // Requests are received after 1970, and time begins long before.
    let insert = common.received.checked_sub(SignedDuration::from_secs(seconds_before));
    let insert = insert.unwrap_or(common.received);
    let time = EventTime { insert, create: None, receive: common.received };
    common.event(id, r#type.to_owned(), time)
}

/// The types of the kept events that began the visit, each once, in order.
fn triggers(client_events: &[ClientEvent]) -> Properties {
    let mut types: Vec<Value> = Vec::new();
    for ClientEvent { event, .. } in client_events.iter().filter(|sent| sent.is_kept) {
        if !types.iter().any(|known| known == event.r#type.as_str()) {
            types.push(json!(event.r#type));
        }
    }
    Properties::from_iter([("trigger-event-types".to_owned(), Value::Array(types))])
}
