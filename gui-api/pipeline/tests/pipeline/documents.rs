//! Events, sessions and profiles that requests become.

use crate::support::{Documents, RECEIVED, record, record_of};
use serde_json::{Value, json};
use tideline_model::{Event, ProfileReference, SessionReference, Tags};
use tideline_pipeline::{Unprocessable, profile_created_id};
use tideline_protocol::{StreamRecord, event_id, system_event_id};
use uuid::Uuid;

/// The client's events of a first request with these events.
fn events(events: &Value) -> Vec<Event> {
    let mut documents = Documents::default();
    documents.take(&record(&json!({"events": events})), 1).unwrap().events.split_off(3)
}

/// The same request with another id.
fn of_request(id: u128, record: &StreamRecord) -> StreamRecord {
    StreamRecord { request_id: Uuid::from_u128(id), ..record.clone() }
}

#[test]
fn types_and_names_are_made_from_what_the_client_says() {
    let table = [
        ("page-view", "page-view", "Page View"),
        (" Sign Up ", "sign-up", "Sign Up"),
        ("ORDER", "order", "Order"),
        ("a--b", "a--b", "A B"),
        ("élan vital", "élan-vital", "Élan Vital"),
        ("add_to_cart", "add_to_cart", "Add_to_cart"),
    ];
    for (sent, r#type, name) in table {
        let event = &events(&json!([{"type": sent}]))[0];
        assert_eq!((event.r#type.as_str(), event.name.as_str()), (r#type, name), "{sent}");
    }
}

#[test]
fn ids_are_the_clients_or_derived_and_once_in_a_request() {
    let sent = json!([{"type": "a", "id": " x "}, {"type": "b", "id": " "}, {"type": "c", "id": null}, {"type": "d", "id": "x"}]);
    let request = Uuid::from_u128(7);
    let ids: Vec<_> = events(&sent).into_iter().map(|event| event.id).collect();
    assert_eq!(ids, ["x".to_owned(), event_id(request, 1), event_id(request, 2)]);
    let outcome = Documents::default().take(&record(&json!({"events": sent})), 1).unwrap();
    assert_eq!((outcome.stored, outcome.duplicates), (3, 1));
}

#[test]
fn event_time_is_the_clients_insert_time_or_the_time_of_receipt() {
    let table = [
        (json!({}), "2026-11-22T18:42:26Z", None),
        (json!({"create": "2026-11-22T18:42:20.5Z"}), "2026-11-22T18:42:26Z", Some("2026-11-22T18:42:20.5Z")),
        (json!({"insert": "2026-11-01T00:00:00+01:00"}), "2026-10-31T23:00:00Z", None),
        (json!({"insert": "2026-11-23T18:42:26Z"}), "2026-11-23T18:42:26Z", None),
        // Too far off to be believed.
        (json!({"insert": "2026-10-18T18:42:25Z"}), "2026-11-22T18:42:26Z", None),
        (json!({"insert": "2099-01-01"}), "2026-11-22T18:42:26Z", None),
        (json!({"insert": "2026-99-99", "create": null}), "2026-11-22T18:42:26Z", None),
    ];
    for (time, insert, create) in table {
        let event = &events(&json!([{"type": "a", "time": time}]))[0];
        let times = &event.metadata.time;
        assert_eq!(times.insert.to_string(), insert, "{time}");
        assert_eq!(times.create.map(|time| time.to_string()).as_deref(), create, "{time}");
        assert_eq!(times.receive.as_millisecond(), i64::try_from(RECEIVED).unwrap());
    }
}

#[test]
fn an_event_keeps_page_tags_properties_context_and_request() {
    let context = json!({"page": {"url": "https://a.com/x", "title": "X", "referer": {"host": "b.com"}}});
    let sent =
        json!([{"type": "a", "properties": {"price": 13.45}, "context": context, "tags": ["t", 1, null]}]);
    let event = &events(&sent)[0];
    assert_eq!(event.hit.url.as_deref(), Some("https://a.com/x"));
    assert_eq!((event.hit.name.as_deref(), event.hit.referer.as_deref()), (Some("X"), Some("b.com")));
    assert_eq!(event.tags, Tags { values: vec!["t".into(), "1".into()], count: 2 });
    assert_eq!(event.properties["price"], 13.45);
    assert_eq!(Value::Object(event.context.clone()), context);
    assert_eq!(event.request.ip.as_deref(), Some("203.0.113.9"));
    assert_eq!(event.request.headers["user-agent"], "Mozilla/5.0");
    let session = SessionReference {
        id: "s".to_owned(),
        start: Some(event.metadata.time.receive),
        duration: Some(0),
        tz: None,
    };
    assert_eq!((event.source.id.as_str(), &event.session), ("shop-web", &Some(session)));
    assert_eq!((event.metadata.profile_less, event.metadata.debug), (false, false));
    assert_eq!(event.metadata.origin.entry, "1-0");
}

#[test]
fn the_platform_adds_events_before_those_that_set_them_off() {
    let body = json!({"events": [{"type": "b"}, {"type": "A"}, {"type": "b"}]});
    let table: [(bool, bool, &[&str]); 3] = [
        (true, false, &["profile-created", "session-opened", "visit-started"]),
        (true, true, &["session-opened", "visit-started"]),
        (false, true, &[]),
    ];
    for (new_session, is_known, expected) in table {
        let record = StreamRecord { new_session, ..record(&body) };
        let mut documents = Documents::default();
        if is_known {
            documents.take(&of_request(8, &record), 1).unwrap();
            documents.sessions.clear();
        }
        let mut events = documents.take(&record, 2).unwrap().events;
        events.sort_by_key(|event| event.metadata.time.insert);
        let types: Vec<_> = events.iter().map(|event| event.r#type.as_str()).collect();
        assert_eq!(types, [expected, &["b", "a", "b"]].concat());
        for event in events.iter().take(expected.len()) {
            let id = match event.r#type.as_str() {
                "profile-created" => profile_created_id("p"),
                other => system_event_id(record.request_id, other),
            };
            assert_eq!((&event.id, &event.profile), (&id, &Some(ProfileReference::to("p"))));
        }
        if let Some(visit) = events.iter().find(|event| event.r#type == "visit-started") {
            assert_eq!(Value::Object(visit.properties.clone()), json!({"trigger-event-types": ["b", "a"]}));
            assert_eq!(visit.metadata.time.insert.as_millisecond(), i64::try_from(RECEIVED).unwrap() - 1000);
        }
    }
}

#[test]
fn sessions_and_profiles_count_what_they_are_given() {
    let mut documents = Documents::default();
    let body = json!({"context": {"time": {"tz": "Europe/Oslo"}, "a": 1}, "properties": {"p": 1},
        "events": [{"type": "page-view"}, {"type": "x"}]});
    documents.take(&record(&body), 1).unwrap();
    let mut later = record(&json!({"context": {"a": 2}, "events": [{"type": "page-view"}]}));
    later.request_id = Uuid::from_u128(8);
    later.received_at += 61_500;
    (later.new_session, later.new_profile) = (false, false);
    documents.take(&later, 2).unwrap();

    let session = &documents.sessions["s"];
    assert_eq!((session.stats.events, session.metadata.time.duration), (3, 61));
    assert_eq!((&session.context["a"], &session.properties["p"]), (&json!(2), &json!(1)));
    assert_eq!(session.profile, Some(ProfileReference::to("p")));
    let profile = &documents.profiles["p"];
    assert_eq!((profile.stats.visits, profile.stats.views, profile.stats.counters["events"]), (1, 2, 3));
    assert_eq!(profile.metadata.time.visit.tz.as_deref(), Some("Europe/Oslo"));
    assert_eq!((profile.metadata.time.visit.count, profile.metadata.time.visit.last), (1, None));

    // The next visit.
    let mut next = record(&json!({"events": [{"type": "x"}]}));
    next.request_id = Uuid::from_u128(9);
    next.received_at += 3_600_000;
    (next.session, next.new_profile) = ("s2".into(), false);
    documents.take(&next, 3).unwrap();
    let visit = &documents.profiles["p"].metadata.time.visit;
    assert_eq!(visit.last.unwrap().to_string(), "2026-11-22T18:42:26Z");
    assert_eq!(visit.current.unwrap().to_string(), "2026-11-22T19:42:26Z");
    assert_eq!((visit.count, visit.tz.as_deref()), (2, Some("Europe/Oslo")));
}

#[test]
fn processing_a_request_again_changes_nothing() {
    let mut documents = Documents::default();
    let first = record(&json!({"events": [{"type": "page-view", "id": "1"}]}));
    let mut second = record(&json!({"events": [{"type": "page-view"}]}));
    (second.request_id, second.new_session, second.new_profile) = (Uuid::from_u128(8), false, false);
    documents.take(&first, 1).unwrap();
    documents.take(&second, 2).unwrap();
    let before = documents.clone();
    for (record, number) in [(&first, 1), (&second, 2), (&first, 1)] {
        let outcome = documents.take(record, number).unwrap();
        assert_eq!((outcome.stored, outcome.duplicates), (1, 0));
        assert_eq!((outcome.session, outcome.profile), (None, None));
    }
    assert_eq!(documents, before);
}

#[test]
fn a_retry_of_known_events_is_no_visit_and_changes_nothing() {
    let mut documents = Documents::default();
    let first = record(&json!({"events": [{"type": "page-view", "id": "1"}, {"type": "x", "id": "2"}]}));
    documents.take(&first, 1).unwrap();
    let before = documents.clone();
    let outcome = documents.take(&of_request(8, &first), 2).unwrap();
    assert_eq!((outcome.stored, outcome.duplicates, outcome.events.len()), (0, 2, 0));
    assert_eq!(documents, before);

    // One of its events is new: that one counts.
    let partly = record(&json!({"events": [{"type": "x", "id": "2"}, {"type": "page-view", "id": "3"}]}));
    let partly = StreamRecord { new_session: false, ..of_request(9, &partly) };
    let outcome = documents.take(&partly, 3).unwrap();
    assert_eq!((outcome.stored, outcome.duplicates), (1, 1));
    assert_eq!(documents.profiles["p"].stats.counters["events"], 3);
}

#[test]
fn a_session_keeps_its_profile_when_the_edge_has_forgotten_it() {
    let mut documents = Documents::default();
    documents.take(&record(&json!({"events": [{"type": "x"}]})), 1).unwrap();
    let mut later = record(&json!({"events": [{"type": "x"}]}));
    (later.request_id, later.profile) = (Uuid::from_u128(8), Some("another".into()));
    let outcome = documents.take(&later, 2).unwrap();
    let types: Vec<_> = outcome.events.iter().map(|event| event.r#type.as_str()).collect();
    assert_eq!(types, ["session-opened", "visit-started", "x"]);
    assert!(outcome.events.iter().all(|event| event.profile == Some(ProfileReference::to("p"))));
    assert_eq!(documents.profiles["p"].ids, ["p", "another"]);
    assert_eq!(documents.profiles["p"].stats.visits, 2);
    assert_eq!(documents.profiles.len(), 1);
}

#[test]
fn bodies_that_break_a_rule_say_which() {
    let id = "x".repeat(600);
    let table = [
        ("", 0, "the body is unreadable: EOF while parsing a value at line 1 column 0".to_owned()),
        ("[]", 0, "`body` is not an object".into()),
        ("{}", 0, "`events` is not a list".into()),
        (r#"{"events":7}"#, 1, "`events` is not a list".into()),
        (r#"{"events":[7]}"#, 1, "`events[0]` is not an object".into()),
        (r#"{"events":[{"type":"a"},{}]}"#, 2, "`events[1].type` is missing".into()),
        (r#"{"events":[{"type":" "}]}"#, 1, "`events[0].type` is missing".into()),
        (r#"{"events":[{"type":7}]}"#, 1, "`events[0].type` is not a string".into()),
        (r#"{"events":[{"type":"a","id":7}]}"#, 1, "`events[0].id` is not a string".into()),
        (r#"{"events":[{"type":"a","context":[]}]}"#, 1, "`events[0].context` is not an object".into()),
        (r#"{"events":[],"context":"x"}"#, 0, "`context` is not an object".into()),
        (r#"{"events":[{"type":"a"}]}"#, 2, "the body has 1 events, the entry says 2".into()),
    ];
    for (body, events, reason) in table {
        let error = Documents::default().take(&record_of(body, events), 1).unwrap_err();
        assert_eq!(error.to_string(), reason, "{body}");
    }
    let long = json!({"events": [{"type": "a", "id": id}]});
    let error = Documents::default().take(&record(&long), 1).unwrap_err();
    assert_eq!(error.to_string(), "`events[0].id` has 600 bytes: at most 512 are kept");
    let many = json!({"events": vec![json!({"type": "a"}); 501]});
    let error = Documents::default().take(&record(&many), 1).unwrap_err();
    assert_eq!(error, Unprocessable::TooManyEvents(501));
    let mut timeless = record(&json!({"events": [{"type": "a"}]}));
    timeless.received_at = u64::MAX;
    assert!(matches!(Documents::default().take(&timeless, 1), Err(Unprocessable::ReceiveTime(_))));
}
