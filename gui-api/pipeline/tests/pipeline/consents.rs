//! Consents that are given and taken back.

use serde_json::{Value, json};
use tideline_protocol::StreamRecord;
use uuid::Uuid;

use crate::support::{Documents, RECEIVED, record};

/// Takes a `consent-update` with these properties, received so many seconds after the first.
fn update(documents: &mut Documents, number: u64, seconds: u64, properties: &Value) {
    let body = json!({"events": [{"type": "consent-update", "properties": properties}]});
    let record = StreamRecord {
        request_id: Uuid::from_u128(u128::from(number)),
        received_at: RECEIVED + 1000 * seconds,
        new_session: number == 1,
        ..record(&body)
    };
    documents.take(&record, number).unwrap();
}

fn profile(documents: &Documents) -> Value {
    serde_json::to_value(&documents.profiles["p"]).unwrap()
}

#[test]
fn consents_are_given_and_taken_back_and_it_stays_known_that_there_was_one() {
    let mut documents = Documents::default();
    update(&mut documents, 1, 0, &json!({"consents": {"ads": false}}));
    assert_eq!(profile(&documents)["consents"], json!({}));
    assert_eq!(profile(&documents)["aux"], json!({}), "none was given yet");
    update(
        &mut documents,
        2,
        1,
        &json!({"consents": {"ads": true, "mail": true, "x": "yes", "y": null, "z": 1}}),
    );
    let given = json!({"ads": {"revoke": null}, "mail": {"revoke": null}});
    assert_eq!(profile(&documents)["consents"], given);
    assert_eq!(profile(&documents)["aux"], json!({"consents": {"granted": true}}));
    update(&mut documents, 3, 2, &json!({"consents": {"ads": false, "mail": false}}));
    assert_eq!(profile(&documents)["consents"], json!({}));
    assert_eq!(profile(&documents)["aux"], json!({"consents": {"granted": true}}));
    let changed = &profile(&documents)["metadata"]["fields"]["consents.ads"];
    assert_eq!(changed[0], "2026-11-22T18:42:28Z");
    assert!(documents.events.contains_key(changed[1].as_str().unwrap()), "the event that changed it");
}

#[test]
fn what_was_taken_back_does_not_return_with_an_older_request_that_is_read_later() {
    let mut documents = Documents::default();
    update(&mut documents, 1, 60, &json!({"consents": {"ads": false}}));
    update(&mut documents, 2, 30, &json!({"consents": {"ads": true, "mail": true}}));
    assert_eq!(profile(&documents)["consents"], json!({"mail": {"revoke": null}}));
}

#[test]
fn consents_of_other_shapes_change_nothing_and_their_events_are_kept() {
    let shapes =
        [json!({}), json!({"consents": null}), json!({"consents": ["ads"]}), json!({"consents": "ads"})];
    for properties in shapes {
        let mut documents = Documents::default();
        update(&mut documents, 1, 0, &properties);
        assert_eq!(profile(&documents)["consents"], json!({}), "{properties}");
        assert_eq!(documents.client_types(), ["consent-update"], "{properties}");
    }
}

#[test]
fn a_profile_has_a_hundred_consents_at_the_most_and_no_long_ids() {
    let mut documents = Documents::default();
    let (longest, too_long) = ("l".repeat(128), "l".repeat(129));
    update(&mut documents, 1, 0, &json!({"consents": {longest.clone(): true, too_long: true, "": true}}));
    for number in 2..30 {
        let consents: Value = (0..10)
            .map(|part| (format!("{number}-{part}"), json!(part % 2 == 0)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        update(&mut documents, number, number, &json!({"consents": consents}));
    }
    let profile = profile(&documents);
    assert_eq!(profile["metadata"]["fields"].as_object().unwrap().len(), 100);
    assert_eq!(profile["consents"].as_object().unwrap().len(), 51, "the longest, and half of the others");
    assert!(profile["consents"][&longest].is_object());
}
