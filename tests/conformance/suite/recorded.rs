//! What the reference server answered (`tests/data/answers.jsonl`), and what we answer to the same requests.

use reqwest::Method;
use serde_json::{Value, json};
use tideline_e2e::Answer;

use crate::Test;
use crate::edge::Edge;

pub(crate) const TESTS: &[Test] =
    &[(&[], "the_answers_of_the_reference_are_reproduced_but_for_what_a_clause_says", reproduced)];

/// Where we answer otherwise: the recording, our status, and the clause that says why.
const OTHERWISE: [(&str, u16, &str); 18] = [
    ("20-static-profile-missing", 422, "6.7"),
    ("21-debugger-track-debug", 200, "5.4"),
    ("33-internal-source", 401, "5.3"),
    ("42-text-plain", 200, "3.1"),
    ("58-options-null", 422, "4.14"),
    ("59-event-options-null", 422, "4.14"),
    ("79-trailing-slash", 200, "1.3"),
    ("86-collect-text", 200, "2.5"),
    ("90-tracker-headers", 404, "2.12"),
    ("91-tracker-etag", 404, "2.12"),
    ("93-healthcheck", 404, "1.1"),
    ("94-info-version", 404, "1.1"),
    ("96-gui-no-token", 404, "1.1"),
    ("97-bad-login", 404, "1.1"),
    ("98-big-body", 413, "3.3"),
    // Nothing stands behind the recording that could be down here; clause 1.7 has a test of its own.
    ("A2-es-down-new", 200, "1.7"),
    ("A3-redis-down-known", 200, "1.7"),
    ("A4-redis-down-new", 200, "1.7"),
];

/// Part of every recorded session and event id, which are ours alone when it is replaced.
const RECORDED_IDS: [&str; 4] = ["fx-sess-2572715440", "fx-dbg-137737425", "evt-2572715440", "fx-outage"];

/// The profile id that the reference answered first, and that later recordings send.
const RECORDED_PROFILE: &str = "98674186-276c-4fce-8db8-b6218ca99aee";

fn reproduced(edge: &Edge<'_>) {
    let text = std::fs::read_to_string(xtask::run::root().join("tests/data/answers.jsonl")).unwrap();
    let recordings: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(recordings.len(), 75);
    let mut profile = RECORDED_PROFILE.to_owned();
    for recording in &recordings {
        let answer = replay(edge, recording, &profile);
        let name = recording["name"].as_str().unwrap();
        if name == "01-new-visitor" {
            profile = answer.profile();
        }
        match OTHERWISE.iter().find(|(known, ..)| *known == name) {
            Some((_, status, clause)) => {
                assert_eq!(answer.status, *status, "{name}, by clause {clause}: {answer:?}")
            }
            None => compare(name, &expected(recording), &answer),
        }
    }
}

fn replay(edge: &Edge<'_>, recording: &Value, profile: &str) -> Answer {
    let ours = |text: &str| {
        let text = RECORDED_IDS.iter().fold(text.to_owned(), |text, id| text.replace(id, &edge.id(&id[..5])));
        text.replace(RECORDED_PROFILE, profile)
    };
    let method: Method = recording["method"].as_str().unwrap().parse().unwrap();
    let headers: Vec<(&str, &str)> = recording["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let body = match recording["body"].as_str() {
        // The recording leaves the large one out.
        Some("@") => json!({ "source": { "id": "rest-source-1" }, "events": [{ "type": "a", "properties": { "a": "x".repeat(1_200_000) } }] }).to_string(),
        Some(body) => ours(body),
        None => String::new(),
    };
    let path = ours(recording["path"].as_str().unwrap());
    // Over its own limit, a host refuses in its own words.
    if body.len() > 1 << 20 {
        edge.on_the_side(method, &path, &headers, body)
    } else {
        edge.send(method, &path, &headers, body)
    }
}

/// Status and body; those of release 0.8.2.1 where 0.9 broke what worked.
fn expected(recording: &Value) -> (u16, Value) {
    let older = &recording["answer_0_8_2_1"];
    let broken = recording["status"] == 500 && older["status"] == 200;
    let answer = if broken { older } else { recording };
    let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
    (status, serde_json::from_str(answer["answer"].as_str().unwrap()).unwrap_or_default())
}

fn compare(name: &str, (status, body): &(u16, Value), answer: &Answer) {
    assert_eq!(answer.status, *status, "{name}: {answer:?}");
    match &body["detail"] {
        Value::Array(faults) => {
            let essence = |faults: &[Value]| -> Vec<_> {
                faults.iter().map(|fault| (fault["type"].clone(), fault["loc"].clone())).collect()
            };
            let found = answer.body["detail"].as_array().unwrap_or_else(|| panic!("{name}: {answer:?}"));
            assert_eq!(essence(found), essence(faults), "{name}");
        }
        Value::String(_) => assert!(answer.body["detail"].is_string(), "{name}: {answer:?}"),
        _ => assert_eq!(shape(&answer.body), shape(body), "{name}"),
    }
}

/// The keys of an answer, and which of its ids are null.
fn shape(body: &Value) -> Value {
    let Some(members) = body.as_object() else { return body.clone() };
    let of = |value: &Value| match value {
        Value::String(_) => json!("text"),
        Value::Object(_) => shape(value),
        other => other.clone(),
    };
    members.iter().map(|(key, value)| (key.clone(), of(value))).collect()
}
