//! §4: what is wrong with a body, and where.

use serde_json::{Value, json};

use crate::Test;
use crate::edge::Edge;

pub(crate) const TESTS: &[Test] = &[
    (
        &[
            "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11", "4.12", "4.13",
            "4.14",
        ],
        "faults_have_the_type_and_place_that_clients_know",
        table,
    ),
    (&["4.15"], "parameters_of_the_query_are_truth_values", parameters),
    (&["4.16"], "all_faults_are_named_at_once", all_at_once),
];

fn faults(edge: &Edge<'_>, path: &str, body: &str) -> Vec<(Value, Value)> {
    let answer = edge.post(path, body);
    assert_eq!(answer.status, 422, "{body}: {answer:?}");
    let detail = answer.body["detail"].as_array().unwrap();
    detail
        .iter()
        .map(|fault| {
            assert!(fault["msg"].is_string() && fault.get("input").is_some(), "{fault}");
            (fault["type"].clone(), fault["loc"].clone())
        })
        .collect()
}

fn table(edge: &Edge<'_>) {
    let whole = [
        ("", "missing", json!(["body"])),
        ("null", "missing", json!(["body"])),
        (r#"{"source":{"id":"rest-source-1""#, "json_invalid", json!(["body", 31])),
        ("[]", "model_attributes_type", json!(["body"])),
        ("{}", "missing", json!(["body", "source"])),
        (r#"{"source":{}}"#, "missing", json!(["body", "source", "id"])),
        (r#"{"source":{"id":7}}"#, "string_type", json!(["body", "source", "id"])),
    ];
    for (body, kind, loc) in whole {
        assert_eq!(faults(edge, "/track", body), [(json!(kind), loc)], "{body}");
    }
    for source in ["\"shop\"", "null", "[]"] {
        let found = faults(edge, "/track", &format!(r#"{{"source":{source}}}"#));
        let twice =
            ["EventSource", "Entity"].map(|class| (json!("model_type"), json!(["body", "source", class])));
        assert_eq!(found, twice, "{source}");
    }
    let with_source = [
        (r#""session":{"id":7}"#, "string_type", json!(["body", "session", "id"])),
        (r#""session":{"id":null}"#, "string_type", json!(["body", "session", "id"])),
        (r#""profile":{"id":7}"#, "string_type", json!(["body", "profile", "id"])),
        (r#""profile":{}"#, "missing", json!(["body", "profile", "id"])),
        (r#""events":null"#, "list_type", json!(["body", "events"])),
        (r#""events":{}"#, "list_type", json!(["body", "events"])),
        (r#""events":[{"type":"a"},1]"#, "model_type", json!(["body", "events", 1])),
        (r#""events":[{}]"#, "missing", json!(["body", "type"])),
        (r#""events":[{"type":3}]"#, "string_type", json!(["body", "type"])),
        (r#""events":[{"type":" "}]"#, "value_error", json!(["body", "type"])),
        (r#""events":[{"type":"a","properties":[]}]"#, "dict_type", json!(["body", "properties"])),
        (r#""events":[{"type":"a","context":"x"}]"#, "dict_type", json!(["body", "context"])),
        (r#""events":[{"type":"a","tags":"x"}]"#, "list_type", json!(["body", "tags"])),
        (r#""events":[{"type":"a","time":"x"}]"#, "model_type", json!(["body", "time"])),
        (r#""events":[{"type":"a","time":null}]"#, "model_type", json!(["body", "time"])),
        (
            r#""events":[{"type":"a","time":{"insert":"yesterday"}}]"#,
            "datetime_parsing",
            json!(["body", "insert"]),
        ),
        (r#""events":[{"type":"a","options":null}]"#, "dict_type", json!(["body", "options"])),
        (r#""options":null"#, "dict_type", json!(["body", "options"])),
        (r#""properties":null"#, "dict_type", json!(["body", "properties"])),
        (r#""context":[]"#, "dict_type", json!(["body", "context"])),
    ];
    for (rest, kind, loc) in with_source {
        let body = format!(r#"{{"source":{{"id":"rest-source-1"}},{rest}}}"#);
        assert_eq!(faults(edge, "/track", &body), [(json!(kind), loc)], "{body}");
    }
}

fn parameters(edge: &Edge<'_>) {
    let body = r#"{"source":{"id":"rest-source-1"}}"#;
    let expected = [(json!("bool_parsing"), json!(["query", "profile_less"]))];
    assert_eq!(faults(edge, "/track?profile_less=banana", body), expected);
    for word in ["true", "1", "YES", "off", "0"] {
        assert_eq!(edge.post(&format!("/track?profile_less={word}"), body).status, 200);
    }
}

fn all_at_once(edge: &Edge<'_>) {
    let body = r#"{"session":{"id":1},"options":null,"events":[{"type":"a"},{"type":1,"tags":1},{}]}"#;
    let places: Vec<_> = faults(edge, "/track", body).into_iter().map(|(_, loc)| loc).collect();
    let expected = [
        json!(["body", "source"]),
        json!(["body", "session", "id"]),
        json!(["body", "type"]),
        json!(["body", "tags"]),
        json!(["body", "options"]),
    ];
    assert_eq!(places, expected);
}
