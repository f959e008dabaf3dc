//! The event types that clients of the protocol know: each is taken as it is, with all its properties.

use serde_json::{Value, json};

use crate::support::{Documents, record};

#[test]
fn every_built_in_event_type_is_accepted_with_its_properties() {
    let table: Vec<Value> =
        serde_json::from_str(include_str!("../../../../tests/data/event-types.json")).unwrap();
    assert_eq!(table.len(), 65);
    for event in &table {
        let mut documents = Documents::default();
        let outcome = documents.take(&record(&json!({ "events": [event] })), 1).unwrap();
        assert_eq!((outcome.stored, outcome.duplicates, outcome.passed), (1, 0, 0), "{event}");
        let stored = outcome.events.last().unwrap();
        assert_eq!(event["type"], stored.r#type, "{event}");
        assert_eq!(event["properties"], Value::Object(stored.properties.clone()), "{event}");
    }
    let mut types: Vec<_> = table.iter().map(|event| event["type"].as_str().unwrap()).collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), 65, "each once");
    // All of them in one request too.
    let outcome = Documents::default().take(&record(&json!({ "events": table })), 1).unwrap();
    assert_eq!(outcome.stored, 65);
}
