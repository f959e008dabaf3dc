//! What a real browser sent becomes the visits that it made; what is made of that by hand breaks nothing.

use std::collections::BTreeMap;

use crate::support::{Documents, RECEIVED, record_of};
use serde_json::Value;
use tideline_protocol::StreamRecord;
use uuid::Uuid;

/// The bodies of a browser's visits, by visit, in order.
fn visits() -> BTreeMap<String, Vec<String>> {
    let mut visits: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in include_str!("../../../../tests/data/visits.jsonl").lines() {
        let request: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| request[key].as_str().unwrap().to_owned();
        if text("method") == "POST" {
            visits.entry(text("visit")).or_default().push(text("body"));
        }
    }
    visits
}

fn records(visit: &str, bodies: &[String]) -> Vec<StreamRecord> {
    let record = |(number, body): (usize, &String)| {
        let events = serde_json::from_str::<Value>(body).unwrap()["events"].as_array().unwrap().len();
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, visit.as_bytes());
        StreamRecord {
            request_id: Uuid::new_v5(&namespace, &number.to_be_bytes()),
            received_at: RECEIVED + 1000 * u64::try_from(number).unwrap(),
            session: visit.to_owned(),
            profile: Some(format!("profile of {visit}")),
            new_session: number == 0,
            new_profile: number == 0,
            ..record_of(body, events)
        }
    };
    bodies.iter().enumerate().map(record).collect()
}

#[test]
fn each_visit_is_one_profile_one_session_and_its_events_in_order() {
    for (visit, bodies) in visits() {
        let mut documents = Documents::default();
        let records = records(&visit, &bodies);
        let mut sent = Vec::new();
        for (number, record) in (1..).zip(&records) {
            let body: Value = serde_json::from_str(&record.body).unwrap();
            sent.extend(
                body["events"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|event| event["type"].as_str().unwrap().to_owned()),
            );
            documents.take(record, number).unwrap();
        }
        assert_eq!(documents.client_types(), sent, "{visit}");
        assert_eq!((documents.sessions.len(), documents.profiles.len()), (1, 1), "{visit}");
        let profile = &documents.profiles[&format!("profile of {visit}")];
        assert_eq!(profile.stats.visits, 1, "{visit}");
        assert_eq!(profile.stats.counters["events"], sent.len() as u64, "{visit}");
        assert_eq!(profile.stats.views as usize, sent.iter().filter(|sent| *sent == "page-view").count());
        assert!(profile.metadata.time.visit.tz.is_some(), "{visit}");
        assert_eq!(documents.events.len(), sent.len() + 3, "{visit}");

        // However often the stream is read again.
        let before = documents.clone();
        for _ in 0..2 {
            for (number, record) in (1..).zip(&records) {
                documents.take(record, number).unwrap();
            }
        }
        assert_eq!(documents, before, "{visit}");
    }
}

#[test]
fn damaged_bodies_are_refused_or_read_and_never_break_anything() {
    const PIECES: [&str; 14] = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        "null",
        "1e999",
        "-0",
        "\\ud800",
        "\u{0}",
        "{}",
        "[[]]",
        "\"\u{202e}\"",
    ];
    for bodies in visits().values() {
        for body in bodies.iter().filter(|body| body.len() < 2_000) {
            let events = serde_json::from_str::<Value>(body).unwrap()["events"].as_array().unwrap().len();
            let places: Vec<usize> = body.char_indices().map(|(place, _)| place).collect();
            for (number, place) in places.iter().enumerate() {
                let (before, after) = body.split_at(*place);
                let piece = PIECES[number % PIECES.len()];
                let rest = &after[after.chars().next().map_or(0, char::len_utf8)..];
                for damaged in
                    [before.to_owned(), format!("{before}{piece}{after}"), format!("{before}{piece}{rest}")]
                {
                    let _refused_or_read = Documents::default().take(&record_of(&damaged, events), 1);
                }
            }
        }
    }
    for deep in
        ["[".repeat(100_000), "{\"a\":".repeat(100_000), format!("{{\"events\":{}", "[".repeat(100_000))]
    {
        assert!(Documents::default().take(&record_of(&deep, 0), 1).is_err());
    }
}
