//! People who enter and leave segments because time passes, or because a segment is made, changed or removed.

use std::time::Duration;

use serde_json::{Value, json};
use tideline_model::{ConfigurationKind, Event};
use tideline_protocol::IdentitySalt;
use tideline_services::{Options, Scheduler};
use tideline_store::{EventFilter, Store as _};

use crate::rules::object;
use crate::support::requests::with_body;
use crate::support::{Ledger, Stage, until};

const DAY: u64 = 24 * 60 * 60 * 1000;

fn bought(days: u16) -> Value {
    json!({"counts": [{"when": {"event_type": "checkout-completed"}, "days": days, "at_least": 1}]})
}

/// Starts a scheduler, which lasts as long as the test.
fn start(stage: &Stage) {
    let options = Options {
        interval: Duration::from_millis(20),
        ..Options::new(stage.redis.service_client(), stage.lanes.clone())
    };
    tokio::spawn(Scheduler::new(options, stage.store.clone()).unwrap().run(std::future::pending()));
}

/// Somebody bought something, so many days ago.
async fn buy(stage: &Stage, session: &str, days_ago: u64) {
    let body = json!({"events": [{"type": "checkout-completed", "properties": {"id": "o", "value": 7}}]});
    let mut request = with_body(&stage.lanes, session, 1, body.to_string());
    request.record.received_at -= days_ago * DAY;
    stage.redis.track(request).await;
    stage.settled().await;
}

async fn segments(stage: &Stage, session: &str) -> Vec<String> {
    stage.store.profile(&format!("profile-of-{session}")).await.unwrap().unwrap().segments
}

async fn told(stage: &Stage, r#type: &str) -> Vec<Event> {
    let filter = EventFilter { r#type: Some(r#type.to_owned()), ..EventFilter::default() };
    stage.store.all_events(filter).await
}

#[tokio::test]
async fn who_did_something_too_long_ago_leaves_though_nobody_comes_again() {
    let stage = Stage::with_access_rules(2).await;
    let segment = object(ConfigurationKind::Segment, "buyers", 1, &bought(10));
    stage.store.put_configuration(segment).await.unwrap();
    let replicas = [stage.start(), stage.start()];
    buy(&stage, "long-ago", 20).await;
    buy(&stage, "lately", 5).await;
    assert_eq!(segments(&stage, "long-ago").await, ["buyers"], "at that time");
    assert_eq!(told(&stage, "segment-entered").await.len(), 2);
    start(&stage);
    until("time has moved", async || segments(&stage, "long-ago").await.is_empty()).await;
    assert_eq!(segments(&stage, "lately").await, ["buyers"]);
    let left = told(&stage, "segment-left").await;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].source.id.as_str(), &left[0].properties["segment"]), ("internal", &json!("buyers")));
    assert_eq!(left[0].profile.as_ref().unwrap().id, "profile-of-long-ago");
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 2, stored: 2, ..Ledger::default() });
    for replica in replicas {
        replica.drain().await;
    }
}

#[tokio::test]
async fn who_did_enough_on_two_devices_enters_as_soon_as_they_are_one_person() {
    let mut stage = Stage::with_lanes(2).await;
    stage.settings.salt = Some(IdentitySalt::parse("000102030405060708090a0b0c0d0e0f").unwrap());
    let twice = json!({"counts": [{"when": {"event_type": "checkout-completed"}, "days": 3, "at_least": 2}]});
    stage.store.put_configuration(object(ConfigurationKind::Segment, "regulars", 1, &twice)).await.unwrap();
    let _intake = stage.start();
    for session in ["laptop", "phone"] {
        buy(&stage, session, 0).await;
        assert!(segments(&stage, session).await.is_empty());
    }
    for session in ["laptop", "phone"] {
        let sign_in = json!([{"type": "sign-in", "properties": {"email": {"main": "ada@mail.example"}}}]);
        let body = json!({"events": sign_in}).to_string();
        stage.redis.track(with_body(&stage.lanes, session, 1, body)).await;
        stage.settled().await;
    }
    assert_eq!(segments(&stage, "phone").await, ["regulars"]);
    let entered = told(&stage, "segment-entered").await;
    assert_eq!(entered.len(), 1);
    assert_eq!(entered[0].profile.as_ref().unwrap().id, "profile-of-laptop");
}

#[tokio::test]
async fn a_segment_that_is_made_changed_or_removed_moves_everybody_soon() {
    let stage = Stage::with_lanes(2).await;
    let _intake = stage.start();
    for session in ["a", "b", "c"] {
        buy(&stage, session, 5).await;
    }
    start(&stage);
    let put = async |version: u64, condition: &str| {
        let settings = json!({"condition": condition});
        let segment = object(ConfigurationKind::Segment, "people", version, &settings);
        stage.store.put_configuration(segment).await.unwrap();
    };
    let members = async || {
        let mut members = Vec::new();
        for session in ["a", "b", "c"] {
            members.extend(segments(&stage, session).await.first().map(|_| session));
        }
        members
    };
    put(1, "stats.visits >= 1").await;
    until("all are in it", async || members().await == ["a", "b", "c"]).await;
    put(2, "id IN (\"profile-of-a\", \"profile-of-c\")").await;
    until("one has left", async || members().await == ["a", "c"]).await;
    stage.store.remove_configuration(ConfigurationKind::Segment, "people", 2).await.unwrap();
    until("all have left", async || members().await.is_empty()).await;
    assert_eq!(
        (told(&stage, "segment-entered").await.len(), told(&stage, "segment-left").await.len()),
        (3, 3)
    );
}
