//! What a real browser sent becomes the visits that it made; what is made of that by hand breaks nothing.

use std::collections::BTreeMap;

use crate::support::{Documents, RECEIVED, record_of};
use serde_json::{Value, json};
use tideline_protocol::StreamRecord;
use uuid::Uuid;

/// A body, and the headers that came with it.
type Sent = (String, Vec<(String, String)>);

/// What a browser sent in its visits, by visit, in order.
fn visits() -> BTreeMap<String, Vec<Sent>> {
    let mut visits: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for line in include_str!("../../../../tests/data/visits.jsonl").lines() {
        let request: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| request[key].as_str().unwrap().to_owned();
        if text("method") == "POST" {
            let headers = request["headers"].as_object().unwrap().iter();
            let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
            visits.entry(text("visit")).or_default().push((text("body"), headers.collect()));
        }
    }
    visits
}

fn records(visit: &str, requests: &[Sent]) -> Vec<StreamRecord> {
    let record = |(number, (body, headers)): (usize, &Sent)| {
        let events = serde_json::from_str::<Value>(body).unwrap()["events"].as_array().unwrap().len();
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, visit.as_bytes());
        StreamRecord {
            request_id: Uuid::new_v5(&namespace, &number.to_be_bytes()),
            received_at: RECEIVED + 1000 * u64::try_from(number).unwrap(),
            session: visit.to_owned(),
            profile: Some(format!("profile of {visit}")),
            new_session: number == 0,
            new_profile: number == 0,
            headers: headers.clone(),
            ..record_of(body, events)
        }
    };
    requests.iter().enumerate().map(record).collect()
}

#[test]
fn each_visit_is_one_profile_one_session_and_its_events_in_order() {
    for (visit, requests) in visits() {
        let mut documents = Documents::default();
        let records = records(&visit, &requests);
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
fn the_visits_make_the_people_that_somebody_who_reads_them_would_expect() {
    let all = visits();
    let of = |visit: &str| {
        let mut documents = Documents::default();
        for (number, record) in (1..).zip(&records(visit, &all[visit])) {
            documents.take(record, number).unwrap();
        }
        let profile = json!(documents.profiles[&format!("profile of {visit}")]);
        (profile, json!(documents.sessions[visit]), documents)
    };

    let (profile, session, documents) = of("first-visit");
    assert_eq!(session["utm"]["campaign"], "spring");
    assert_eq!(session["referral"], json!({"kind": "campaign", "name": "spring"}));
    assert_eq!(session["device"]["resolution"], "1440x900");
    assert_eq!((&session["os"]["name"], &session["device"]["type"]), (&json!("Linux"), &json!("pc")));
    assert_eq!(profile["data"]["pii"]["language"]["spoken"], json!(["en"]));
    assert_eq!(profile["aux"]["geo"], json!({"markets": ["US"], "continent": "north america"}));
    assert!(documents.events.values().all(|event| event.utm.source.as_deref() == Some("news")));

    let (profile, _, documents) = of("basket-and-purchase");
    let address =
        json!({"town": "Kiel", "country": "DE", "postcode": "24103", "street": "Holtenauer Str. 1"});
    assert_eq!(profile["data"]["contact"]["address"], address);
    let metrics = json!({"ltcosc": 1, "ltcosv": 119.8, "ltcocc": 1, "ltcocv": 119.8, "ltcop": 1.0});
    assert_eq!(profile["data"]["metrics"], metrics);
    let event = |r#type: &str| json!(documents.events.values().find(|event| event.r#type == r#type).unwrap());
    assert_eq!(event("search")["hit"]["query"], "hemd größe m");
    let basket = &event("product-added-to-basket")["data"]["ec"]["product"];
    assert_eq!((&basket["name"], &basket["quantity"]), (&json!("Leinenhemd „Föhr“"), &json!(2)));
    assert_eq!(event("order-completed")["data"]["ec"]["order"], json!({"id": "O-77", "status": "paid"}));
    assert_eq!(
        event("sale-completed")["data"]["ec"]["order"]["income"],
        json!({"value": 119.8, "currency": "EUR"})
    );

    let (profile, ..) = of("sign-up-then-sign-in");
    assert_eq!(profile["data"]["pii"]["firstname"], "Zofia");
    assert_eq!(profile["data"]["pii"]["lastname"], "Łęcka");
    assert_eq!(profile["data"]["contact"]["email"]["main"], "zofia@example.pl");
    assert_eq!(profile["data"]["contact"]["phone"]["main"], "+48 600 100 200");
    assert_eq!(profile["data"]["loyalty"]["card"], json!({"id": "L-5", "name": "Gold"}));
    assert_eq!(profile["primary_id"], "1001");
    assert_eq!(profile["aux"]["email"]["free"], false);

    let (profile, session, _) = of("phone-visitor");
    assert_eq!(session["device"]["model"], "Pixel 7");
    assert_eq!(session["app"]["language"], "ja-JP");
    assert_eq!(profile["data"]["devices"]["names"], json!(["Pixel 7"]));
    assert_eq!(profile["aux"]["geo"]["continent"], "asia");

    for visit in all.keys() {
        let (_, _, documents) = of(visit);
        assert!(documents.events.values().all(|event| !event.metadata.warning), "{visit}");
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
    for requests in visits().values() {
        for (body, _) in requests.iter().filter(|(body, _)| body.len() < 2_000) {
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
