//! Filters, from a request's `where` to what the store finds (`docs/filter.md` 1.7, 1.8, 2.1, 2.2, 5.1).

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tideline_model::Profile;
use tideline_store::{Batch, Version, Versioned};

use crate::live::{Reader, publish};
use crate::service::{TestService, event};

/// What a list holds for a filter.
async fn found(service: &TestService, list: &str, filter: &str) -> String {
    let address = format!("/api/v1/{list}?limit=200&{}", encoded(filter));
    let answer = service.get(&address).await;
    assert_eq!(answer.status, 200, "{filter}: {}", answer.body);
    let page = answer.json();
    assert!(page["next"].is_null());
    page[list].as_array().unwrap().iter().map(|document| document["id"].as_str().unwrap()).collect()
}

fn encoded(filter: &str) -> String {
    let address = reqwest::Url::parse_with_params("http://a", [("where", filter)]).unwrap();
    address.query().unwrap().to_owned()
}

async fn store_profiles(service: &TestService) {
    let profile = |id: &str, second: u32, traits: Value| -> Profile {
        let time = format!("2026-01-31T12:00:{second:02}Z");
        serde_json::from_value(json!({
            "id": id, "ids": [id], "active": true, "traits": traits, "consents": {"news": {"revoke": null}},
            "metadata": {"time": {"insert": time, "update": time, "visit": {"count": second}}}
        }))
        .unwrap()
    };
    let profiles = [
        profile("a", 3, json!({"city": "Oslo"})),
        profile("b", 1, json!({"city": "Bergen", "shoe size": 44})),
        profile("c", 2, json!({})),
    ];
    let new = |document| Versioned { document, version: Version::default() };
    service.store.write(Batch { profiles: profiles.map(new).to_vec(), ..Batch::default() }).await.unwrap();
}

#[tokio::test]
async fn events_are_listed_that_match_a_filter_and_the_other_parameters() {
    let service = TestService::start().await;
    let mut large = event("c", "purchase", 3);
    large.properties.insert("total".to_owned(), json!(100.5));
    service.store_events(vec![event("a", "page-view", 1), event("b", "purchase", 2), large]).await;
    for (filter, expected) in [
        ("type = \"purchase\"", "cb"),
        ("properties.total > 100", "c"),
        ("NOT properties.total > 100", "ba"),
        ("metadata.time.insert < 2026-01-31T12:00:02Z OR id IN (\"c\")", "ca"),
        ("metadata.time.insert > now", ""),
        ("\"purchase 100\"", "c"),
        ("", "cba"),
    ] {
        assert_eq!(found(&service, "events", filter).await, expected, "{filter}");
    }
    let answer = service.get(&format!("/api/v1/events?type=page-view&{}", encoded("id = \"b\""))).await;
    assert_eq!(answer.json()["events"], json!([]));
}

#[tokio::test]
async fn people_are_listed_page_by_page_and_by_filters() {
    let service = TestService::start().await;
    store_profiles(&service).await;
    for (filter, expected) in [
        ("", "acb"),
        ("traits.city IN (\"Oslo\", \"Bergen\")", "ab"),
        ("traits.city IS NULL AND metadata.time.visit.count = 2", "c"),
        ("profile@traits[\"shoe size\"] >= 44", "b"),
        ("ids = \"b\"", "b"),
        ("consents.news EXISTS AND NOT consents.news.revoke < now", "acb"),
        ("consents.ads EXISTS", ""),
    ] {
        assert_eq!(found(&service, "profiles", filter).await, expected, "{filter}");
    }
    let (mut ids, mut cursor) = (String::new(), String::new());
    loop {
        let page = service.get(&format!("/api/v1/profiles?limit=2{cursor}")).await.json();
        ids.extend(
            page["profiles"].as_array().unwrap().iter().map(|profile| profile["id"].as_str().unwrap()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids, "acb");
    // A place in a list of people is none in a list of events.
    let answer = service.get(&format!("/api/v1/events?limit=2{cursor}")).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}

#[tokio::test]
async fn a_filter_that_is_wrong_is_refused_with_the_place_and_what_may_have_been_meant() {
    let service = TestService::start().await;
    let table = [
        (
            "events",
            "type CONTAIN \"ü\"",
            json!({"start": 5, "end": 12, "suggestion": "CONTAINS", "message": "`CONTAIN` is no operator"}),
        ),
        (
            "events/live",
            "\"ü\" AND tpye = \"x\"",
            json!({"start": 8, "end": 12, "suggestion": "type", "message": "events have no field `tpye`"}),
        ),
        (
            "profiles",
            "city = \"Oslo\"",
            json!({"start": 0, "end": 4, "suggestion": "traits.city", "message": "profiles have no field `city`"}),
        ),
        (
            "profiles",
            "ids = ",
            json!({"start": 6, "end": 6, "message": "the filter ends where a value is expected"}),
        ),
        (
            "events",
            "profile@id = \"p\"",
            json!({"start": 0, "end": 10, "message": "this list has only events, which `profile@` is none of"}),
        ),
    ];
    for (list, filter, expected) in table {
        let answer = service.get(&format!("/api/v1/{list}?{}", encoded(filter))).await;
        assert_eq!(answer.status, 400, "{filter}: {}", answer.body);
        assert_eq!(answer.json()["filter"], expected, "{filter}");
        assert!(answer.detail().starts_with("the filter cannot be used: "), "{}", answer.body);
    }
    let other = service.get("/api/v1/events?limit=0").await.json();
    assert!(other.get("filter").is_none(), "{other}");
}

#[tokio::test]
async fn the_longest_filter_is_taken_and_a_longer_one_refused_with_a_sentence() {
    let service = TestService::start().await;
    let values = |count: usize| format!("id IN (\"{}\")", "ü ".repeat(count));
    let answer = service.get(&format!("/api/v1/events?{}", encoded(&values(2_700)))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = service.get(&format!("/api/v1/events?{}", encoded(&values(2_800)))).await;
    assert_eq!(answer.status, 400);
    assert!(answer.detail().contains("8192 are the most"), "{}", answer.body);
}

#[tokio::test]
async fn live_events_come_that_match_a_filter() {
    let service = TestService::start().await;
    let filter = encoded("type = \"purchase\" AND metadata.time.insert < now AND NOT id = \"b\"");
    let mut reader = Reader::connect(&service, &format!("?{filter}")).await;
    publish(&service, &[event("a", "page-view", 1), event("b", "purchase", 2), event("c", "purchase", 3)])
        .await;
    let next = tokio::time::timeout(Duration::from_secs(30), reader.next_id()).await.unwrap();
    assert_eq!(next, "c");
    let answer = service.request(Method::GET, &format!("/api/v1/events/live?{filter}")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
}
