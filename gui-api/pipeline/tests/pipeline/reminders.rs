//! Reminders of sessions that may have gone silent: they end visits, and nothing else.

use serde_json::json;
use tideline_pipeline::Outcome;
use tideline_protocol::StreamRecord;
use uuid::Uuid;

use crate::support::{Documents, RECEIVED, record};

const MINUTE: u64 = 60 * 1000;

/// A request of session `s`, so many milliseconds after the first.
fn request(after: u64) -> StreamRecord {
    let body = json!({"events": [{"id": after.to_string(), "type": "page-view"}]});
    StreamRecord {
        request_id: Uuid::from_u128((1 + after).into()),
        received_at: RECEIVED + after,
        new_session: after == 0,
        new_profile: after == 0,
        ..record(&body)
    }
}

fn hear(documents: &mut Documents, after: u64) {
    documents.take(&request(after), RECEIVED + after).unwrap();
}

#[test]
fn a_silence_longer_than_half_an_hour_ends_the_visit_when_the_last_was_heard() {
    let mut documents = Documents::default();
    hear(&mut documents, 0);
    hear(&mut documents, MINUTE);
    assert_eq!(documents.remind(31 * MINUTE), Outcome::default(), "not longer");
    let outcome = documents.remind(31 * MINUTE + 1);
    let [event] = outcome.events.as_slice() else { panic!("{outcome:?}") };
    let time = &event.metadata.time;
    assert_eq!(time.insert.as_millisecond(), i64::try_from(RECEIVED + MINUTE).unwrap());
    assert_eq!(time.receive.as_millisecond(), i64::try_from(RECEIVED + 31 * MINUTE + 1).unwrap());
    assert_eq!((event.name.as_str(), event.source.id.as_str()), ("Visit Ended", "shop-web"));
    assert_eq!(event.profile.as_ref().unwrap().id, "p");
    assert_eq!((outcome.stored, outcome.duplicates, outcome.passed, outcome.profile), (0, 0, 0, None));
    let session = outcome.session.unwrap();
    assert_eq!((session.metadata.status.as_str(), session.metadata.time.duration), ("ended", 60));
    assert_eq!(event.device, session.device);

    let before = documents.clone();
    assert_eq!(documents.remind(31 * MINUTE + 1), Outcome::default(), "the same again");
    assert_eq!(documents.remind(90 * MINUTE), Outcome::default(), "and another");
    assert_eq!(documents, before);
}

#[test]
fn whether_a_reminder_or_the_next_request_notices_it_the_visits_are_the_same() {
    let (mut reminded, mut noticed) = (Documents::default(), Documents::default());
    for documents in [&mut reminded, &mut noticed] {
        hear(documents, 0);
    }
    reminded.remind(40 * MINUTE);
    for documents in [&mut reminded, &mut noticed] {
        hear(documents, 50 * MINUTE);
        documents.remind(60 * MINUTE);
    }
    let mut ids: Vec<_> = noticed.events.keys().collect();
    ids.sort();
    let mut found: Vec<_> = reminded.events.keys().collect();
    found.sort();
    assert_eq!(found, ids);
    assert_eq!(reminded.profiles["p"].metadata.time, noticed.profiles["p"].metadata.time);
    assert_eq!(reminded.profiles["p"].stats.visits, 2);
    assert_eq!(reminded.sessions, noticed.sessions);
}

#[test]
fn what_is_too_long_ago_or_unknown_is_not_told() {
    let mut documents = Documents::default();
    assert_eq!(documents.remind(0), Outcome::default(), "no such session");
    hear(&mut documents, 0);
    let outcome = documents.remind(36 * 24 * 60 * MINUTE);
    assert_eq!(outcome.events, []);
    assert_eq!(outcome.session.unwrap().metadata.status, "ended");

    let mut documents = Documents::default();
    hear(&mut documents, 0);
    documents.sessions.get_mut("s").unwrap().source = None;
    let outcome = documents.remind(40 * MINUTE);
    assert_eq!((outcome.events.len(), outcome.session.unwrap().metadata.status.as_str()), (0, "ended"));
}
