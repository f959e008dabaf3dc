//! What the pipeline stores of a visitor's address, with a file of places.

use std::fs;
use std::sync::Arc;

use serde_json::json;
use tideline_pipeline::{Addresses, Outcome, Request, Settings};
use tideline_places::PlacesFile;
use tideline_protocol::{EntryId, Lanes, StreamRecord};
use uuid::Uuid;

use crate::database::{database, kiel};

const ADDRESS: &str = "203.0.113.7";

/// What becomes of a request from [`ADDRESS`] that tells it wherever it may.
fn outcome(addresses: Addresses) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.mmdb");
    fs::write(&path, database("Test-City", &[("203.0.113.0", 24, kiel())])).unwrap();
    let places = Some(Arc::new(PlacesFile::open(&path).unwrap()) as Arc<dyn tideline_pipeline::Places>);
    let settings = Settings { places, addresses, ..Settings::default() };
    let context = json!({"ip": ADDRESS});
    let body = json!({
        "context": context, "request": {"headers": {"x-forwarded-for": ADDRESS}},
        "events": [{"type": "sign-in", "context": context, "properties": {"email": "a@shop.example"}}],
    });
    let record = StreamRecord {
        request_id: Uuid::from_u128(7),
        received_at: 1_795_372_946_000,
        source: "shop-web".to_owned(),
        session: "s".to_owned(),
        profile: Some("p".to_owned()),
        vouched: false,
        unasked: None,
        new_session: true,
        new_profile: true,
        transitional: false,
        events: 1,
        client_address: Some(ADDRESS.to_owned()),
        headers: ["x-forwarded-for", "x-real-ip", "forwarded"]
            .map(|name| (name.to_owned(), ADDRESS.to_owned()))
            .into(),
        body: body.to_string(),
    };
    let lane = Lanes::new("production", "eu", 1).unwrap().of_session("s");
    let entry = EntryId { milliseconds: 1, sequence: 0 };
    let request = Request::read_with(&settings, &record, &lane, entry).unwrap();
    request.apply(|_| false, None, Some("p"), None)
}

fn stored(outcome: &Outcome) -> String {
    json!([outcome.events, outcome.session, outcome.profile]).to_string()
}

#[test]
fn an_address_is_looked_up_and_then_kept_cut_or_dropped_everywhere() {
    for (addresses, kept) in
        [(Addresses::Full, ADDRESS), (Addresses::Truncated, "203.0.113.0"), (Addresses::Dropped, "")]
    {
        let outcome = outcome(addresses);
        let stored = stored(&outcome);
        assert_eq!(stored.contains(ADDRESS), addresses == Addresses::Full, "{stored}");
        assert_eq!(stored.contains("203.0.113"), addresses != Addresses::Dropped, "{stored}");
        let event = outcome.events.last().unwrap();
        assert_eq!(event.request.ip.as_deref().unwrap_or_default(), kept);
        assert_eq!(event.device.ip.as_deref().unwrap_or_default(), kept);
        assert_eq!(event.device.geo.city.as_deref(), Some("Kiel"));
        assert_eq!(outcome.session.unwrap().device.geo.country.code.as_deref(), Some("DE"));
        let profile = json!(outcome.profile);
        assert_eq!(profile["data"]["devices"]["last"]["geo"]["postal"], "24103");
    }
}
