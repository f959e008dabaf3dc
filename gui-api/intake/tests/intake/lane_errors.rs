//! A lane that Redis has an error for: it waits, and the others go on.

use tideline_protocol::Lane;

use crate::support::requests::page_views;
use crate::support::{Ledger, Mood, Stage, until};

/// More rounds than an entry may be handed out before it is suspected.
const ROUNDS: u64 = 8;

/// Puts the lane's stream aside, and something that is no stream in its place.
async fn damage(stage: &Stage, lane: &Lane) {
    stage.redis.ask::<()>(redis::cmd("RENAME").arg(lane.events()).arg("aside")).await;
    stage.redis.ask::<()>(redis::cmd("SET").arg(lane.events()).arg("no stream")).await;
}

async fn mend(stage: &Stage, lane: &Lane) {
    stage.redis.ask::<()>(redis::cmd("RENAME").arg("aside").arg(lane.events())).await;
}

/// Two lanes, of the sessions `a` and of the other that is returned.
async fn two_lanes() -> (Stage, Lane, String) {
    let stage = Stage::with_lanes(2).await;
    let lane = stage.lanes.of_session("a");
    let other = (0..).map(|number| number.to_string()).find(|name| stage.lanes.of_session(name) != lane);
    (stage, lane, other.unwrap())
}

#[tokio::test]
async fn a_lane_that_cannot_be_read_holds_up_no_other_and_is_read_when_it_can_be() {
    let (stage, lane, other) = two_lanes().await;
    let intake = stage.start();
    until("the lanes are owned", async || intake.handle.snapshot().lanes == 2).await;
    damage(&stage, &lane).await;
    for round in 1..=ROUNDS {
        stage.redis.track(page_views(&stage.lanes, &other, &[&round.to_string()])).await;
        until("the other goes on", async || intake.handle.snapshot().stored == round).await;
    }
    until("it is known to work", async || intake.handle.snapshot().working).await;
    mend(&stage, &lane).await;
    stage.redis.track(page_views(&stage.lanes, "a", &["mended"])).await;
    assert_eq!(stage.settled().await, Ledger { accepted: 9, stored: 9, ..Ledger::default() });
}

#[tokio::test]
async fn a_lane_that_cannot_be_settled_holds_up_no_other_and_is_not_handed_out_again() {
    let (stage, lane, other) = two_lanes().await;
    stage.store.set(Mood::Waits);
    let intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["unsettled"])).await;
    stage.store.hangs().await;
    damage(&stage, &lane).await;
    stage.store.set(Mood::Works);
    stage.store.goes_on();
    for round in 1..=ROUNDS {
        stage.redis.track(page_views(&stage.lanes, &other, &[&round.to_string()])).await;
        until("the other goes on", async || intake.handle.snapshot().stored == round).await;
    }
    mend(&stage, &lane).await;
    assert_eq!(stage.settled().await, Ledger { accepted: 9, stored: 9, ..Ledger::default() });
    let written = stage.store.writes();
    assert_eq!(written.iter().flatten().filter(|id| *id == "unsettled").count(), 1, "{written:?}");
}

#[tokio::test]
async fn a_lane_whose_lease_cannot_be_told_holds_up_no_other() {
    let (stage, lane, other) = two_lanes().await;
    stage.redis.ask::<()>(redis::cmd("HSET").arg(lane.lease()).arg("no").arg("lease")).await;
    let intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, &other, &["1"])).await;
    stage.redis.track(page_views(&stage.lanes, "a", &["2"])).await;
    until("the other goes on", async || intake.handle.snapshot().stored == 1).await;
    assert_eq!(intake.handle.snapshot().lanes, 1);
    stage.redis.ask::<()>(redis::cmd("DEL").arg(lane.lease())).await;
    assert_eq!(stage.settled().await, Ledger { accepted: 2, stored: 2, ..Ledger::default() });
}
