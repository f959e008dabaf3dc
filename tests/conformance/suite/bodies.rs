//! §3: bodies of `/track`.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::{Value, json};
use tideline_e2e::Answer;

use crate::Test;
use crate::edge::{Edge, request};

pub(crate) const TESTS: &[Test] = &[
    (&["3.1"], "json_by_any_of_its_names", media_types),
    (&["3.2"], "bodies_may_be_gzip", gzip),
    (&["3.3"], "large_bodies_are_refused_as_sent_and_inflated", too_large),
    (&["3.4", "3.5", "3.6"], "limits_say_what_they_are", limits),
    (&["3.7", "3.8"], "unknown_keys_are_ignored_and_the_last_counts", keys),
    (&["3.9"], "what_is_no_text_is_refused", no_text),
    (&["3.10"], "numbers_are_kept_to_the_digit", numbers),
];

/// The type and place of the first fault.
fn fault(answer: &Answer) -> (u16, Value, Value) {
    let first = &answer.body["detail"][0];
    (answer.status, first["type"].clone(), first["loc"].clone())
}

fn media_types(edge: &Edge<'_>) {
    let body = request(&edge.id("s"), json!({})).to_string();
    let sent = |headers: &[(&str, &str)]| edge.send(Method::POST, "/track", headers, body.clone()).status;
    assert_eq!(sent(&[]), 200);
    for good in [
        "application/json",
        "application/json; charset=utf-8",
        "application/ld+json",
        "text/plain;charset=UTF-8",
    ] {
        assert_eq!(sent(&[("content-type", good)]), 200, "{good}");
    }
    let answer =
        edge.send(Method::POST, "/track", &[("content-type", "application/x-www-form-urlencoded")], "a=b");
    assert_eq!(fault(&answer), (422, json!("model_attributes_type"), json!(["body"])));
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn gzip(edge: &Edge<'_>) {
    let session = edge.id("s");
    let body = gzipped(request(&session, json!({ "events": [{ "type": "packed" }] })).to_string().as_bytes());
    let sent = |encoding: &str, body: Vec<u8>| {
        edge.send(Method::POST, "/track", &[("content-encoding", encoding)], body)
    };
    assert_eq!(sent("gzip", body.clone()).status, 200);
    assert_eq!(edge.stored(&session, 1)[0]["type"], "packed");
    let answer = sent("br", body.clone());
    assert_eq!((answer.status, answer.header("accept-encoding")), (415, Some("gzip")));
    assert_eq!(sent("gzip", body[..body.len() - 4].to_vec()).status, 415);
    assert_eq!(sent("gzip", b"{}".to_vec()).status, 415);
}

fn too_large(edge: &Edge<'_>) {
    let filled = |bytes: usize| {
        request("s", json!({ "events": [], "properties": { "a": vec!["x"; bytes / 4] } })).to_string()
    };
    let answer = edge.post("/track", &filled(300_000));
    assert_eq!(answer.status, 413);
    assert!(answer.body["detail"].as_str().unwrap().contains("262144 bytes"), "{answer:?}");
    let bomb = gzipped(&vec![b' '; 100 << 20]);
    assert!(bomb.len() < 262_144);
    assert_eq!(edge.send(Method::POST, "/track", &[("content-encoding", "gzip")], bomb).status, 413);
    assert_eq!(edge.post("/track", &filled(200_000)).status, 200);
}

fn limits(edge: &Edge<'_>) {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (body, offset) in [(nested(10_000), 64), (nested(65), 64)] {
        assert_eq!(fault(&edge.post("/track", &body)), (422, json!("json_invalid"), json!(["body", offset])));
    }
    let long = |key: usize, value: usize| {
        let member = format!(r#"{{"{}":"{}"}}"#, "k".repeat(key), "v".repeat(value));
        edge.post("/track", &format!(r#"{{"properties":{member},"source":{{"id":"rest-source-1"}}}}"#))
    };
    assert_eq!(long(1024, 65_536).status, 200);
    assert_eq!(fault(&long(1025, 1)), (422, json!("string_too_long"), json!(["body", 15])));
    assert_eq!(fault(&long(1, 65_537)), (422, json!("string_too_long"), json!(["body", 19])));
    let events =
        |count: usize| edge.visit(&edge.id("s"), json!({ "events": vec![json!({ "type": "a" }); count] }));
    assert_eq!(events(500).status, 200);
    assert_eq!(fault(&events(501)), (422, json!("too_long"), json!(["body", "events"])));
    let session = |bytes: usize| edge.visit(&"s".repeat(bytes), json!({ "events": [] }));
    assert_eq!(session(256).status, 200);
    assert_eq!(fault(&session(257)), (422, json!("string_too_long"), json!(["body", "session", "id"])));
    let place = json!(["body", "source", "id"]);
    for method in [Method::POST, Method::PUT] {
        let source = request("s", json!({ "source": { "id": "s".repeat(257) } })).to_string();
        let answer = edge.send(method, "/track", &[], source);
        assert_eq!(fault(&answer), (422, json!("string_too_long"), place.clone()));
    }
    let event_type = edge.visit("s", json!({ "events": [{ "type": "t".repeat(257) }] }));
    assert_eq!(fault(&event_type), (422, json!("string_too_long"), json!(["body", "type"])));
}

fn keys(edge: &Edge<'_>) {
    let session = edge.id("s");
    let body = format!(
        r#"{{"source":{{"id":"no-such","id":"rest-source-1"}},"unknown":[1],"session":{{"id":"{session}","x":1}},
            "events":[{{"type":"first","type":"last","properties":{{"a":1,"a":2}}}}]}}"#
    );
    assert_eq!(edge.post("/track", &body).status, 200);
    let stored = edge.stored(&session, 1);
    assert_eq!((&stored[0]["type"], &stored[0]["properties"]), (&json!("last"), &json!({ "a": 2 })));
}

fn no_text(edge: &Edge<'_>) {
    let sent = |body: &[u8]| fault(&edge.send(Method::POST, "/track", &[], body.to_vec()));
    assert_eq!(sent(b"{\"source\":{\"id\":\"\xff\"}}"), (422, json!("json_invalid"), json!(["body", 17])));
    assert_eq!(sent(br#"{"source":{"id":"\ud800"}}"#), (422, json!("json_invalid"), json!(["body", 17])));
}

fn numbers(edge: &Edge<'_>) {
    let session = edge.id("s");
    let numbers = r#"{"a":12345678901234567890,"b":1e999,"c":123456789012345678901234567890,"d":0.1,"e":-7}"#;
    let body = format!(
        r#"{{"source":{{"id":"rest-source-1"}},"session":{{"id":"{session}"}},"events":[{{"type":"n","properties":{numbers}}}]}}"#
    );
    assert_eq!(edge.post("/track", &body).status, 200);
    let expected = json!({
        "a": 12_345_678_901_234_567_890_u64, "b": "1e999", "c": "123456789012345678901234567890", "d": 0.1, "e": -7,
    });
    assert_eq!(edge.stored(&session, 1)[0]["properties"], expected);
}
