//! Properties that nobody should send: every built-in type takes them, and people stay what and as large as they are.

use serde_json::{Map, Value, json};
use tideline_model::{Event, Profile, Session};
use tideline_protocol::StreamRecord;
use uuid::Uuid;

use crate::support::{Documents, record};

/// The most that a profile may have in bytes of JSON, whatever is sent.
const MOST_BYTES: usize = 1 << 20;

fn built_in() -> Vec<(String, Value)> {
    let table: Vec<Value> =
        serde_json::from_str(include_str!("../../../../tests/data/event-types.json")).unwrap();
    let type_and_properties =
        |event: Value| (event["type"].as_str().unwrap().to_owned(), event["properties"].clone());
    table.into_iter().map(type_and_properties).collect()
}

fn hostile() -> Vec<Value> {
    let mut deep = json!("bottom");
    for _ in 0..25 {
        deep = json!([{ "email": deep }]);
    }
    vec![
        json!(null),
        json!(""),
        json!("NaN"),
        json!("-Infinity"),
        json!("1e400"),
        json!(-0.0),
        json!(1e308),
        json!(u64::MAX),
        json!(false),
        json!([]),
        json!({}),
        json!("\u{0}\u{202e}\u{feff}"),
        json!("x".repeat(2_000)),
        json!((0..200).collect::<Vec<_>>()),
        json!({"a.b": 1, "": {"": 2}, "main": {"main": []}, "main.main": 3}),
        deep,
    ]
}

/// The properties with this in the place of each of their values, at any depth.
fn replaced(properties: &Value, by: &Value) -> Value {
    match properties {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), replaced(value, by))).collect()
        }
        _ => by.clone(),
    }
}

#[test]
fn every_type_takes_whatever_is_sent_and_all_documents_can_be_read_again() {
    let mut documents = Documents::default();
    let mut number = 0;
    for (r#type, properties) in built_in() {
        for by in hostile() {
            number += 1;
            let sent =
                [replaced(&properties, &by), json!({"value": by, "email": by, "pii": by, "location": by})];
            let events: Vec<_> =
                sent.iter().map(|sent| json!({"type": r#type, "properties": sent})).collect();
            let record = StreamRecord {
                request_id: Uuid::from_u128(number),
                new_session: number == 1,
                ..record(
                    &json!({ "context": {"screen": by, "utm": by, "location": by, "device": by}, "events": events }),
                )
            };
            let outcome = documents.take(&record, u64::try_from(number).unwrap()).unwrap();
            assert_eq!(outcome.stored, 2, "{type}", type = r#type);
            for event in outcome.events {
                let read: Event = serde_json::from_value(json!(event)).unwrap();
                assert!(read == event, "{}", event.r#type);
            }
        }
        documents.events.clear();
    }
    let (session, profile) = (&documents.sessions["s"], &documents.profiles["p"]);
    assert_eq!(&serde_json::from_str::<Session>(&json!(session).to_string()).unwrap(), session);
    assert_eq!(&serde_json::from_str::<Profile>(&json!(profile).to_string()).unwrap(), profile);
    assert!(json!(profile).to_string().len() < MOST_BYTES, "{}", json!(profile).to_string().len());
}

#[test]
fn a_megabyte_and_ten_thousand_keys_are_stored_with_the_event_and_no_person_grows_by_them() {
    let many_keys: Map<_, _> = (0..10_000).map(|key| (format!("key {key}"), json!(key))).collect();
    for by in [json!("x".repeat(1 << 20)), Value::Object(many_keys), json!((0..10_000).collect::<Vec<_>>())] {
        let properties = json!({"firstname": by, "lastname": "Berg", "email": by});
        let mut documents = Documents::default();
        let outcome =
            documents.take(&record(&json!({"events": [{"type": "sign-up", "properties": properties}]})), 1);
        let event = outcome.unwrap().events.pop().unwrap();
        assert!(event.metadata.warning && event.properties["firstname"] == by);
        assert_eq!(json!(documents.profiles["p"].data), json!({"pii": {"lastname": "Berg"}}));
    }
}

#[test]
fn a_profile_has_an_end_however_much_is_told_of_it() {
    let mut documents = Documents::default();
    for number in 1..=400_u64 {
        let text = |what: &str| format!("{what} {number} {}", "ü".repeat(400));
        let events = json!([
            {"type": "add-color-preference", "properties": {"color": text("color")}},
            {"type": "add-brand-preference", "properties": {"brand": [text("one"), text("other")]}},
            {"type": "identification", "properties": {"coupon": text("coupon")}},
            {"type": "increase-interest", "properties": {"interest": format!("interest {number}")}},
            {"type": "increase-interest", "properties": {"interest": text("interest")}},
            {"type": "profile-update", "properties": {format!("field {number}"): 1, "pii": {format!("field {number}"): 1}}},
        ]);
        let record = StreamRecord {
            request_id: Uuid::from_u128(number.into()),
            session: format!("s{number}"),
            headers: vec![
                (
                    "accept-language".to_owned(),
                    format!("a{}-{0}", char::from(b'a' + u8::try_from(number % 26).unwrap())),
                ),
                (
                    "user-agent".to_owned(),
                    format!("Mozilla/5.0 (Linux; Android 14; Phone{number}) Chrome/1.0 Mobile"),
                ),
            ],
            ..record(&json!({ "events": events }))
        };
        documents.take(&record, number).unwrap();
    }
    let profile = json!(documents.profiles["p"]);
    let length = |pointer: &str| profile.pointer(pointer).unwrap().as_array().unwrap().len();
    assert_eq!((length("/data/preferences/colors"), length("/data/preferences/brands")), (100, 100));
    assert_eq!((length("/data/identifier/coupons"), length("/data/devices/names")), (100, 100));
    assert_eq!(profile["interests"].as_object().unwrap().len(), 100);
    assert!(profile.to_string().len() < MOST_BYTES, "{}", profile.to_string().len());
}
