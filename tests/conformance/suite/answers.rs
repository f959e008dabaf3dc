//! §5: answers and refusals.

use serde_json::{Value, json};

use crate::Test;
use crate::edge::{Edge, request};

pub(crate) const TESTS: &[Test] = &[
    (&["5.1", "5.2"], "an_answer_has_every_key_and_nothing_is_null", shape),
    (&["5.3"], "each_refusal_has_its_status", refusals),
    (&["5.4"], "whoever_debugs_gets_the_ids_of_the_events", debugging),
];

fn shape(edge: &Edge<'_>) {
    let answer = edge.visit(&edge.id("s"), json!({}));
    let keys: Vec<_> = answer.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["errors", "events", "profile", "response", "session", "task", "ux", "warnings"]);
    for list in ["ux", "events", "errors", "warnings"] {
        assert_eq!(answer.body[list], json!([]), "{list}");
    }
    assert_eq!(answer.body["response"], json!({}));
    for nothing in [json!({ "events": [] }), json!({ "events": [], "profile": { "id": "made-up" } })] {
        let answer = edge.visit(&edge.id("s"), nothing);
        assert_eq!((answer.status, answer.body), (200, Value::Null));
    }
    let mut without_events = request(&edge.id("s"), json!({}));
    without_events.as_object_mut().unwrap().remove("events");
    assert_eq!(edge.track(&without_events).body, Value::Null);
}

fn refusals(edge: &Edge<'_>) {
    let by_source = |id: &str| edge.visit("s", json!({ "source": { "id": id } }));
    let table = [
        ("no-such-source", json!({ "detail": "Invalid event source `no-such-source`." })),
        ("rest-disabled", json!({ "detail": "Event source disabled." })),
        ("@internal", json!({ "detail": "Internal event sources are not allowed via API." })),
    ];
    for (source, body) in table {
        let answer = by_source(source);
        assert_eq!((answer.status, answer.body), (401, body));
    }
    for answer in [by_source("hook-source-1"), edge.post("/collect/a/rest-source-1", "{}")] {
        assert_eq!(answer.status, 401);
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains("`rest`") && detail.contains("`webhook`"), "{detail}");
    }
}

fn debugging(edge: &Edge<'_>) {
    let debugged = json!({ "options": { "debugger": true }, "events": [{ "type": "a", "id": edge.id("e") }, { "type": "b" }] });
    let answer = edge.visit(&edge.id("s"), debugged.clone());
    assert_eq!(answer.body["events"], json!([]));
    edge.with_settings(&[("TIDELINE_TRACK_DEBUG", "yes")], |edge| {
        let session = edge.id("s2");
        let mut debugged = debugged.clone();
        debugged["events"][0]["id"] = json!(edge.id("e"));
        let answer = edge.visit(&session, debugged);
        let ids: Vec<_> = edge.stored(&session, 2).iter().map(|event| event["id"].clone()).collect();
        assert_eq!(answer.body["events"], json!(ids));
        assert_eq!(edge.visit(&session, json!({})).body["events"], json!([]));
    });
}
