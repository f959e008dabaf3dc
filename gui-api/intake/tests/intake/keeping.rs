//! What is not stored is counted all the same, and nobody's requests are nobody's.

use serde_json::json;
use tideline_model::ProfileReference;
use tideline_protocol::{TrackCall, system_event_id};
use tideline_store::Store as _;

use crate::support::requests::{page_views, with_body};
use crate::support::{Ledger, Stage};

/// A request of session `a` with two events and these options.
fn request(stage: &Stage, options: &serde_json::Value) -> TrackCall {
    let events = json!([{"type": "x"}, {"type": "y", "options": {"saveEvent": false}}]);
    with_body(&stage.lanes, "a", 2, json!({"options": options, "events": events}).to_string())
}

#[tokio::test]
async fn events_that_are_not_to_be_stored_are_passed_in_the_ledger_and_count_in_the_profile() {
    let stage = Stage::with_lanes(2).await;
    let intake = stage.start();
    stage.redis.track(request(&stage, &json!({}))).await;
    stage.redis.track(request(&stage, &json!({"saveEvents": false}))).await;
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 4, stored: 1, passed: 3, ..Ledger::default() });
    assert_eq!((stage.store.count("x").await, stage.store.count("y").await), (1, 0));
    let snapshot = intake.handle.snapshot();
    assert_eq!((snapshot.stored, snapshot.passed), (1, 3));
    let profile = stage.store.profile("profile-of-a").await.unwrap().unwrap();
    assert_eq!((profile.stats.counters["events"], profile.stats.visits), (4, 1));
    assert_eq!(stage.store.session("a").await.unwrap().unwrap().stats.events, 4);
}

#[tokio::test]
async fn of_a_transitional_source_only_the_profile_is_kept() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    stage.redis.ask::<()>(redis::cmd("HSET").arg(lane.source("shop-web")).arg("transitional").arg(1)).await;
    let _intake = stage.start();
    stage.redis.track(request(&stage, &json!({}))).await;
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 2, passed: 2, ..Ledger::default() });
    assert_eq!(stage.store.all_events(Default::default()).await, []);
    assert_eq!(stage.store.session("a").await.unwrap(), None);
    assert!(stage.store.profile("profile-of-a").await.unwrap().is_some());
}

#[tokio::test]
async fn nobodys_requests_make_no_profile_until_the_session_has_one() {
    let stage = Stage::with_lanes(1).await;
    let _intake = stage.start();
    let mut nobodys = request(&stage, &json!({}));
    nobodys.record.profile = None;
    assert_eq!(stage.redis.track_anybodys(nobodys).await, None);
    stage.settled().await;
    assert_eq!(stage.store.session("a").await.unwrap().unwrap().profile, None);
    let events = stage.store.all_events(Default::default()).await;
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.profile.is_none() && event.metadata.profile_less));

    stage.redis.track(request(&stage, &json!({}))).await;
    assert!(stage.settled().await.adds_up());
    let owner = Some(ProfileReference::to("profile-of-a"));
    assert_eq!(stage.store.session("a").await.unwrap().unwrap().profile, owner);
    assert_eq!(stage.store.profile("profile-of-a").await.unwrap().unwrap().stats.visits, 1);
}

#[tokio::test]
async fn a_profile_that_nobody_minted_is_created_once_by_requests_of_many_lanes() {
    let stage = Stage::with_lanes(4).await;
    let replicas = [stage.start(), stage.start()];
    for number in 0..20 {
        let body = json!({"events": [{"type": "x"}]}).to_string();
        let mut call = with_body(&stage.lanes, &format!("session-{number}"), 1, body);
        (call.record.profile, call.record.new_profile) = (Some("customer-7".to_owned()), false);
        stage.redis.track(call).await;
    }
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 20, stored: 20, ..Ledger::default() });
    assert_eq!(stage.store.count("profile-created").await, 1);
    let profile = stage.store.profile("customer-7").await.unwrap().unwrap();
    assert_eq!((profile.stats.visits, profile.stats.counters["events"]), (20, 20));
    for replica in replicas {
        replica.drain().await;
    }
}

#[tokio::test]
async fn somebody_who_takes_the_id_that_a_visits_event_will_have_holds_nobody_up() {
    let stage = Stage::with_lanes(1).await;
    let _intake = stage.start();
    let over = json!({"events": [{"type": "visit-ended"}]}).to_string();
    stage.redis.track(with_body(&stage.lanes, "a", 1, over)).await;
    let again = page_views(&stage.lanes, "a", &["again"]);
    let taken = system_event_id(again.record.request_id, "visit-started");
    stage.redis.track(page_views(&stage.lanes, "b", &[&taken])).await;
    stage.settled().await;
    stage.redis.track(again).await;
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 3, stored: 3, ..Ledger::default() });
    let profile = stage.store.profile("profile-of-a").await.unwrap().unwrap();
    assert_eq!((profile.stats.visits, profile.stats.views), (2, 1));
}
