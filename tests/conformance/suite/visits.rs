//! What real browsers sent (`tests/data/visits.jsonl`), and every event type that is built in.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::Test;
use crate::edge::Edge;

pub(crate) const TESTS: &[Test] = &[
    (&[], "each_recorded_visitor_is_one_profile", recorded),
    (&[], "every_built_in_event_type_is_taken_with_its_properties", event_types),
];

/// Headers that the client sets itself.
const OF_THE_CLIENT: [&str; 4] = ["host", "content-length", "accept-encoding", "connection"];

fn recorded(edge: &Edge<'_>) {
    let text = std::fs::read_to_string(xtask::run::root().join("tests/data/visits.jsonl")).unwrap();
    // The profile id that the recording had, and the one that was answered here instead.
    let mut profiles: HashMap<String, String> = HashMap::new();
    let mut by_session: HashMap<String, Vec<String>> = HashMap::new();
    for line in text.lines() {
        let request: Value = serde_json::from_str(line).unwrap();
        let mut body: Value =
            serde_json::from_str(request["body"].as_str().unwrap_or_default()).unwrap_or_default();
        let brought = body["profile"]["id"].as_str().map(str::to_owned);
        if let Some(session) = body["session"]["id"].as_str().map(|session| edge.id(session)) {
            body["session"]["id"] = json!(session);
        }
        if let Some(answered) = brought.as_ref().and_then(|brought| profiles.get(brought)) {
            body["profile"]["id"] = json!(answered);
        }
        let headers: Vec<(&str, &str)> = request["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .filter(|(name, _)| !OF_THE_CLIENT.contains(name))
            .collect();
        let method: Method = request["method"].as_str().unwrap().parse().unwrap();
        let sent = if body.is_null() { String::new() } else { body.to_string() };
        let answer = edge.send(method, request["path"].as_str().unwrap(), &headers, sent);
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.body["profile"]["id"].is_string() {
            if let Some(brought) = brought {
                profiles.entry(brought).or_insert_with(|| answer.profile());
            }
            by_session.entry(answer.session()).or_default().push(answer.profile());
        }
    }
    assert!(by_session.len() > 3, "{by_session:?}");
    for (session, mut answered) in by_session {
        let requests = answered.len();
        answered.dedup();
        assert_eq!(answered.len(), 1, "{session}");
        let stored = edge.stored(&session, requests);
        assert!(stored.iter().all(|event| event["profile"]["id"] == answered[0].as_str()), "{session}");
    }
}

fn event_types(edge: &Edge<'_>) {
    let text = std::fs::read_to_string(xtask::run::root().join("tests/data/event-types.json")).unwrap();
    let types: Value = serde_json::from_str(&text).unwrap();
    let types = types.as_array().unwrap();
    assert_eq!(types.len(), 65);
    let events: Vec<Value> = types
        .iter()
        .enumerate()
        .map(|(number, event)| {
            json!({ "id": edge.id(&number.to_string()), "type": event["type"], "properties": event["properties"] })
        })
        .collect();
    assert_eq!(edge.visit(&edge.id("s"), json!({ "events": events })).status, 200);
    for event in &events {
        let stored = edge.event(event["id"].as_str().unwrap());
        assert_eq!((&stored["type"], &stored["properties"]), (&event["type"], &event["properties"]));
    }
}
