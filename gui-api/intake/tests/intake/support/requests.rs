//! Requests as the edge hands them to Redis.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tideline_protocol::{Facts, Lanes, StreamRecord, TrackCall};
use uuid::Uuid;

/// A request of `session` with one `page-view` for each of these event ids.
pub(crate) fn page_views(lanes: &Lanes, session: &str, event_ids: &[&str]) -> TrackCall {
    let events: Vec<_> = event_ids.iter().map(|id| json!({"id": id, "type": "Page View"})).collect();
    with_body(lanes, session, event_ids.len(), json!({"events": events}).to_string())
}

/// A request with this body, whose events the edge is said to have counted.
pub(crate) fn with_body(lanes: &Lanes, session: &str, events: usize, body: String) -> TrackCall {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    TrackCall {
        lane: lanes.of_session(session),
        bridge: "rest",
        fingerprint: number.to_string(),
        origin: None,
        claim: None,
        facts: Facts::default(),
        record: StreamRecord {
            request_id: Uuid::from_u128(number.into()),
            received_at: u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis())
                .unwrap(),
            source: "shop-web".to_owned(),
            session: session.to_owned(),
            profile: Some(format!("profile-of-{session}")),
            vouched: false,
            unasked: None,
            new_session: false,
            new_profile: true,
            transitional: false,
            events: u32::try_from(events).unwrap(),
            client_address: None,
            headers: Vec::new(),
            body,
        },
    }
}
