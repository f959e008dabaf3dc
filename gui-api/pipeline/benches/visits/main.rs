//! How many events a second one core makes documents of: what a real browser sent in its visits, each time by somebody
//! else; without rules, and with twenty that apply to it.
//!
//! Reading, applying and nothing else: documents are neither written out nor stored. `cargo xtask bench --pipeline` runs it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tideline_model::ConfigurationObject;
use tideline_pipeline::{Request, Rules, Settings, keys};
use tideline_protocol::{EntryId, IdentitySalt, Lanes, StreamRecord};
use uuid::Uuid;

mod captured;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long it is measured, and how long everything gets warm before.
const MEASURED: Duration = Duration::from_secs(5);
const WARMING: Duration = Duration::from_secs(1);

/// Twenty rules for the events of the visits: of every kind, with and without conditions.
fn rules() -> Rules {
    let set = |profile: &str, event: &str| json!({"operation": "equals", "profile": profile, "event": event});
    let add = |profile: &str| json!({"operation": "increment", "profile": profile});
    let mapping =
        |when: Value, operations: Value| ("mapping", json!({"when": when, "operations": operations}));
    let of = |r#type: &str| json!({"event_type": r#type});
    let kinds = [
        mapping(of("page-view"), json!([add("stats.counters.pages")])),
        mapping(
            json!({"event_type": "page-view", "condition": "hit.url CONTAINS \"basket\""}),
            json!([add("traits.baskets")]),
        ),
        mapping(of("product-details-page-view"), json!([set("traits.last_seen", "properties.name")])),
        mapping(
            of("product-added-to-basket"),
            json!([set("traits.last_wish", "properties.name"), add("traits.wishes")]),
        ),
        mapping(
            of("search"),
            json!([{"operation": "append", "profile": "traits.searches", "event": "properties.query"}]),
        ),
        mapping(
            of("sign-up"),
            json!([set("traits.mail", "properties.email"), set("traits.name", "properties.firstname")]),
        ),
        mapping(
            json!({"event_type": "checkout-completed", "condition": "properties.value > 50"}),
            json!([{"operation": "equals", "profile": "traits.big", "value": true}]),
        ),
        mapping(json!({"source": "shop-web"}), json!([add("stats.counters.web")])),
        (
            "validation",
            json!({"when": of("page-view"), "schemas": {"properties": {"type": "object", "maxProperties": 50}}}),
        ),
        (
            "validation",
            json!({"when": of("checkout-completed"), "schemas": {"properties": {"properties": {"value": {"type": "number", "minimum": 0}}}}}),
        ),
        ("validation", json!({"when": {}, "schemas": {"context": {"type": "object"}}})),
        (
            "reshaping",
            json!({"when": of("search"), "properties": {"query": "event@properties.query", "category": "event@properties.category"}}),
        ),
        (
            "event-type",
            json!({"traits": [{"property": "x", "name": "x", "kind": "number"}], "tags": ["own"]}),
        ),
        ("event-type", json!({"journey": "consideration"})),
        ("consent-type", json!({"default": "grant"})),
        ("consent-type", json!({"ends_after_days": 365})),
        (
            "compliance",
            json!({"when": of("sign-up"), "fields": [{"field": "properties.custom", "consents": ["rule-14"], "action": "remove"}]}),
        ),
        ("merging", json!({"field": "traits.wishes", "strategy": "sum"})),
        ("segment", json!({"condition": "stats.views > 2"})),
        ("segment", json!({"counts": [{"when": of("checkout-completed"), "days": 30, "at_least": 1}]})),
    ];
    let object = |(number, (kind, settings)): (usize, &(&str, Value))| -> ConfigurationObject {
        let object = json!({
            "id": format!("rule-{number}"), "name": kind, "enabled": true, "version": 1, "author": "bench",
            "changed": "2026-11-22T10:00:00Z", "kind": kind, "settings": settings,
        });
        serde_json::from_value(object).expect("these are objects")
    };
    let objects: Vec<_> = kinds.iter().enumerate().map(object).collect();
    let (rules, problems) = Rules::compile(&objects);
    assert!(problems.is_empty() && objects.len() == 20, "{problems:?}");
    rules
}

/// Processes all visits by somebody new, again and again, for so long: requests and events.
fn process(
    visits: &mut [Vec<StreamRecord>],
    settings: &Settings,
    long: Duration,
    people: &mut u64,
) -> (u64, u64) {
    let lane = Lanes::new("production", "eu", 1).map(|lanes| lanes.of_session("s")).expect("these are lanes");
    let (mut requests, mut events) = (0, 0);
    let begun = Instant::now();
    while begun.elapsed() < long {
        for visit in visits.iter_mut() {
            *people += 1;
            let (mut session, mut profile) = (None, None);
            for record in visit {
                requests += 1;
                record.request_id = Uuid::from_u128((u128::from(*people) << 64) | u128::from(requests));
                record.session = format!("session {people}");
                record.profile = Some(format!("profile {people}"));
                let entry = EntryId { milliseconds: requests, sequence: *people };
                let request = Request::read_with(settings, record, &lane, entry).expect("a browser sent it");
                for id in request.event_ids() {
                    black_box(id);
                }
                let profile_id = request.profile().map(str::to_owned);
                let outcome =
                    request.apply(|_| false, session.as_ref(), profile_id.as_deref(), profile.as_ref());
                events += u64::from(outcome.stored);
                session = outcome.session.or(session);
                profile = outcome.profile.or(profile);
                black_box(profile.as_ref().map(|profile| keys(settings, profile)));
                black_box(outcome.events);
            }
        }
    }
    (requests, events)
}

#[expect(clippy::print_stdout, reason = "a measurement is for who reads it")]
fn main() {
    let salt = IdentitySalt::parse("000102030405060708090a0b0c0d0e0f").ok();
    let with_rules = Settings { salt, rules: Arc::new(rules()), ..Settings::default() };
    let (mut visits, mut people) = (captured::visits(), 0);
    for (what, settings) in [("without rules", Settings::default()), ("with 20 rules", with_rules)] {
        process(&mut visits, &settings, WARMING, &mut people);
        let begun = Instant::now();
        let (requests, events) = process(&mut visits, &settings, MEASURED, &mut people);
        let seconds = begun.elapsed().as_secs_f64();
        let (events, requests) = (events as f64 / seconds, requests as f64 / seconds);
        println!("pipeline {what}: {events:.0} events/s, {requests:.0} requests/s on one core");
    }
}
