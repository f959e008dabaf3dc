//! §7: what a request or its source says about what is kept.

use serde_json::{Value, json};

use crate::Test;
use crate::edge::Edge;

pub(crate) const TESTS: &[Test] = &[
    (&["7.1"], "a_session_may_be_left_out", without_session),
    (&["7.2"], "events_may_be_left_out", without_events),
    (&["7.3"], "a_profile_may_be_left_out", without_profile),
    (&["7.4"], "a_queued_request_is_answered_with_201", queued),
    (&["7.5"], "of_a_transitional_source_the_profile_is_kept", transitional),
    (&["7.6"], "options_of_another_type_count_as_missing", wrong_types),
];

fn without_session(edge: &Edge<'_>) {
    let (session, event_type) = (edge.id("s"), edge.id("e"));
    let events = json!([{ "type": event_type }]);
    let answer = edge.visit(&session, json!({ "options": { "saveSession": false }, "events": events }));
    assert_eq!((answer.status, &answer.body["session"]["id"]), (200, &Value::Null));
    let stored = edge.stored_of_type(&event_type, 1);
    assert_eq!(
        (&stored[0]["session"], &stored[0]["profile"]["id"]),
        (&Value::Null, &json!(answer.profile()))
    );
    assert_eq!(edge.document(&format!("sessions/{session}")), None);
}

fn without_events(edge: &Edge<'_>) {
    let session = edge.id("s");
    let answer =
        edge.visit(&session, json!({ "options": { "saveEvents": false }, "events": [{ "type": "unkept" }] }));
    assert_eq!((answer.status, answer.session()), (200, session.clone()));
    let one_of_two = json!([{ "type": "unkept", "options": { "saveEvent": false } }, { "type": "kept" }]);
    edge.visit(&session, json!({ "events": one_of_two }));
    let types = edge.stored_types(&session);
    assert!(types.contains(&"kept".to_owned()) && !types.contains(&"unkept".to_owned()), "{types:?}");
    assert_eq!(edge.profile(&answer.profile())["id"], answer.profile().as_str());
}

fn without_profile(edge: &Edge<'_>) {
    for (label, path, options) in
        [("a", "/track", json!({ "saveProfile": false })), ("b", "/track?profile_less=true", json!({}))]
    {
        let session = edge.id(label);
        let body = crate::edge::request(&session, json!({ "options": options }));
        let answer = edge.post(path, &body.to_string());
        assert_eq!((answer.status, &answer.body["profile"]["id"]), (200, &Value::Null));
        assert_eq!(answer.session(), session);
        let stored = edge.stored(&session, 1);
        assert_eq!(
            (&stored[0]["profile"], &stored[0]["metadata"]["profile_less"]),
            (&Value::Null, &json!(true))
        );
        // The session gets its profile with the first request that may have one.
        let later = edge.visit(&session, json!({}));
        assert_eq!(edge.stored(&session, 2)[1]["profile"]["id"], later.profile().as_str());
    }
}

fn queued(edge: &Edge<'_>) {
    let session = edge.id("s");
    let answer = edge.visit(&session, json!({ "options": { "queue": true } }));
    assert_eq!((answer.status, answer.session()), (201, session.clone()));
    assert_eq!(edge.stored(&session, 1)[0]["profile"]["id"], answer.profile().as_str());
}

fn transitional(edge: &Edge<'_>) {
    let (session, source) = (edge.id("s"), json!({ "id": "rest-ephemeral" }));
    let [passing, kept] = ["passing", "kept"].map(|label| edge.id(label));
    let answer = edge.visit(&session, json!({ "source": source, "events": [{ "type": passing }] }));
    assert_eq!((answer.status, &answer.body["session"]["id"]), (200, &Value::Null));
    assert_eq!(edge.profile(&answer.profile())["id"], answer.profile().as_str());
    // Requests of a session are stored in their order.
    edge.visit(&session, json!({ "events": [{ "type": kept }] }));
    edge.stored_of_type(&kept, 1);
    assert_eq!(edge.stored_of_type(&passing, 0), Vec::<Value>::new());
    for path in
        ["/collect/order/hook-ephemeral".to_owned(), format!("/collect/order/hook-ephemeral/{session}")]
    {
        let answer = edge.post(&path, "{}");
        assert_eq!((answer.status, &answer.body["session"]["id"]), (200, &Value::Null), "{path}");
    }
}

fn wrong_types(edge: &Edge<'_>) {
    let session = edge.id("s");
    let options =
        json!({ "saveSession": "false", "saveProfile": 0, "queue": "yes", "debugger": "true", "other": [1] });
    let answer = edge.visit(&session, json!({ "options": options }));
    assert_eq!((answer.status, answer.session(), answer.profile().len()), (200, session, 36));
}
