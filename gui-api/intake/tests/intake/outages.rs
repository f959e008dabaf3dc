//! Redis that is killed, full, or was never provisioned; and live events.

use crate::support::requests::{page_views, with_body};
use crate::support::{Ledger, Stage, until};
use futures_util::StreamExt;
use serde_json::Value;
use tideline_store::Store as _;

#[tokio::test]
async fn work_resumes_by_itself_after_redis_was_killed() {
    let mut stage = Stage::with_lanes(2).await;
    let intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    stage.settled().await;
    stage.redis.kill();
    until("the outage is noticed", async || !intake.handle.snapshot().working).await;
    stage.redis.start_again().await;
    stage.redis.track(page_views(&stage.lanes, "a", &["2"])).await;
    assert_eq!(stage.settled().await, Ledger { accepted: 2, stored: 2, ..Ledger::default() });
    until("it says so", async || intake.handle.snapshot().working).await;
    assert_eq!(stage.store.profile("profile-of-a").await.unwrap().unwrap().stats.views, 2);
}

#[tokio::test]
async fn a_full_redis_is_emptied() {
    let stage = Stage::with_lanes(1).await;
    let padding = "x".repeat(100_000);
    for number in 0..20 {
        let body = serde_json::json!({"events": [{"type": "page-view", "properties": {"padding": padding}}]});
        stage.redis.track(with_body(&stage.lanes, &format!("s{number}"), 1, body.to_string())).await;
    }
    let mut limit = redis::cmd("CONFIG");
    stage.redis.ask::<()>(limit.arg("SET").arg("maxmemory").arg("1mb")).await;
    let refused: redis::RedisResult<()> =
        redis::cmd("SET").arg("k").arg("v").query_async(&mut stage.redis.connection().await).await;
    assert_eq!(refused.unwrap_err().code(), Some("OOM"));

    let _intake = stage.start();
    assert_eq!(stage.settled().await, Ledger { accepted: 20, stored: 20, ..Ledger::default() });
}

#[tokio::test]
async fn streams_and_groups_are_made_where_they_are_missing() {
    let stage = Stage::with_lanes(2).await;
    for lane in stage.lanes.all() {
        stage.redis.ask::<()>(redis::cmd("DEL").arg(lane.events())).await;
    }
    let intake = stage.start();
    until("the lanes are owned", async || intake.handle.snapshot().lanes == 2).await;
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    assert!(stage.settled().await.adds_up());
}

#[tokio::test]
async fn missing_functions_are_waited_for() {
    let stage = Stage::with_lanes(1).await;
    stage.redis.ask::<()>(redis::cmd("FUNCTION").arg("DELETE").arg("tideline_service")).await;
    let intake = stage.start();
    until("it is noticed", async || !intake.handle.snapshot().working).await;
    stage.redis.load_functions().await;
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    assert_eq!(stage.settled().await, Ledger { accepted: 1, stored: 1, ..Ledger::default() });
}

#[tokio::test]
async fn listeners_hear_of_what_was_stored() {
    let stage = Stage::with_lanes(2).await;
    let _intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["unheard"])).await;
    stage.settled().await;
    let mut listener = stage.redis.client().get_async_pubsub().await.unwrap();
    listener.subscribe(stage.lanes.live_channel()).await.unwrap();
    stage.redis.track(page_views(&stage.lanes, "a", &["1", "2"])).await;
    let message: String = listener.on_message().next().await.unwrap().get_payload().unwrap();
    let events: Vec<Value> = serde_json::from_str(&message).unwrap();
    let ids: Vec<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "2"]);
    // It was findable before it was heard of.
    assert!(stage.store.event("1").await.unwrap().is_some());
}

#[tokio::test]
async fn the_rights_of_the_service_user_suffice() {
    let stage = Stage::with_access_rules(2).await;
    let running = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    stage.redis.track(with_body(&stage.lanes, "b", 1, "no JSON".to_owned())).await;
    assert_eq!(stage.settled().await, Ledger { accepted: 2, stored: 1, duplicate: 0, dead: 1, passed: 0 });
    running.drain().await;
}
