//! §5: answers and refusals.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::Test;
use crate::edge::{Edge, request};

pub(crate) const TESTS: &[Test] = &[
    (&["5.1", "5.2"], "an_answer_has_every_key_and_nothing_is_null", shape),
    (&["5.3"], "each_refusal_has_its_status", refusals),
    (&["5.4"], "whoever_debugs_gets_the_ids_of_the_events", debugging),
    (&["5.5"], "a_page_is_told_of_its_visitor_what_its_source_lists", personal),
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

fn personal(edge: &Edge<'_>) {
    let session = edge.id("s");
    let of = |source: &str, session: &str, event: Value| {
        let events = json!([event]);
        request(session, json!({ "source": { "id": source }, "events": events }))
    };
    let update = json!({
        "type": "profile-update", "properties": { "pii": { "firstname": "Ada", "lastname": "Lovelace" } },
    });
    let first = edge.track(&of("rest-returns", &session, update));
    assert_eq!(first.body["response"], json!({}), "nothing is known yet");
    let consents =
        json!({ "type": "consent-update", "properties": { "consents": { "news": true, "ads": false } } });
    edge.track(&of("rest-returns", &session, consents));
    edge.stored(&session, 2);

    let view = || json!({ "type": "page-view" });
    let known =
        json!({ "consents": { "news": { "revoke": null } }, "data": { "pii": { "firstname": "Ada" } } });
    // It is told to the edge after the events are there to be found.
    let begun = Instant::now();
    loop {
        let body = of("Rest-Returns", &session, view()).to_string();
        let answer = edge.on_the_side(Method::POST, "/track", &[], body);
        if answer.body["response"] == known {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", answer.body);
    }
    let repeated = json!({ "type": "page-view", "id": edge.id("e") });
    for _ in 0..2 {
        assert_eq!(edge.track(&of("rest-returns", &session, repeated.clone())).body["response"], known);
    }
    let profile = json!({ "id": first.profile() });
    for other in [
        of("rest-source-1", &session, view()),
        request(&edge.id("t"), json!({ "source": { "id": "rest-returns" }, "profile": profile })),
        request(&session, json!({ "source": { "id": "rest-returns" }, "options": { "saveProfile": false } })),
    ] {
        let answer = edge.track(&other);
        assert_eq!((answer.status, &answer.body["response"]), (200, &json!({})), "{other}");
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
