//! A lane has one owner at a time, reads in order, and passes on without a gap.

use std::collections::HashMap;
use std::sync::Arc;

use crate::support::requests::page_views;
use crate::support::{Ledger, Mood, Stage, UnrulyStore, until};
use tideline_store::{EventFilter, Store as _};

#[tokio::test]
async fn what_an_owner_left_pending_is_taken_over_in_order() {
    let stage = Stage::with_lanes(1).await;
    stage.store.set(Mood::HangsBeforeWriting);
    let ids: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    for id in &ids[..10] {
        stage.redis.track(page_views(&stage.lanes, "a", &[id])).await;
    }
    let first = stage.start();
    stage.store.hangs().await;
    for id in &ids[10..] {
        stage.redis.track(page_views(&stage.lanes, "a", &[id])).await;
    }
    first.kill().await;
    assert!(stage.redis.pending(&stage.lanes.of_session("a")).await > 0);
    stage.store.set(Mood::Works);
    let _second = stage.start();
    assert_eq!(stage.settled().await, Ledger { accepted: 20, stored: 20, ..Ledger::default() });

    let written: Vec<String> = stage.store.writes().into_iter().skip(1).flatten().collect();
    let in_order: Vec<&String> = written.iter().filter(|id| ids.contains(id)).collect();
    assert_eq!(in_order, ids.iter().collect::<Vec<_>>());
    assert_eq!(stage.store.profile("profile-of-a").await.unwrap().unwrap().stats.views, 20);
}

#[tokio::test]
async fn replicas_share_lanes_and_a_successor_takes_those_of_one_that_drains() {
    let stage = Stage::with_lanes(8).await;
    let first = stage.start();
    until("the first has all lanes", async || first.handle.snapshot().lanes == 8).await;
    let second = stage.start();
    let shares = || (first.handle.snapshot().lanes, second.handle.snapshot().lanes);
    until("both have half", async || shares() == (4, 4)).await;
    let sessions: Vec<String> = (0..40).map(|number| format!("session-{number}")).collect();
    for session in &sessions {
        stage.redis.track(page_views(&stage.lanes, session, &[&format!("{session}-1")])).await;
    }
    stage.settled().await;
    assert!(first.handle.snapshot().stored > 0 && second.handle.snapshot().stored > 0);
    let mut owners = HashMap::new();
    for lane in stage.lanes.all() {
        let owner: Option<String> = stage.redis.ask(redis::cmd("GET").arg(lane.lease())).await;
        owners.insert(lane, owner.unwrap());
    }
    first.drain().await;
    let mut given_back = 0;
    for (lane, before) in &owners {
        let owner: Option<String> = stage.redis.ask(redis::cmd("GET").arg(lane.lease())).await;
        given_back += usize::from(owner.as_ref() != Some(before));
    }
    assert_eq!(given_back, 4);
    until("the second has all lanes", async || second.handle.snapshot().lanes == 8).await;
    for session in &sessions {
        stage.redis.track(page_views(&stage.lanes, session, &[&format!("{session}-2")])).await;
    }
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 80, stored: 80, ..Ledger::default() });
    assert_eq!(stage.store.count("page-view").await, 80);
    for session in &sessions {
        assert_eq!(stage.store.session(session).await.unwrap().unwrap().stats.events, 2);
    }
}

#[tokio::test]
async fn a_former_owner_reads_nothing_and_its_late_write_counts_nothing_twice() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    let late = UnrulyStore::beside(&stage.store);
    late.set(Mood::Waits);
    let former = stage.start_on(Arc::clone(&late));
    stage.redis.track(page_views(&stage.lanes, "a", &["1", "2"])).await;
    late.hangs().await;
    // Somebody else owns the lane now, finishes what the former owner began, and goes on.
    let mut usurp = redis::cmd("FCALL");
    usurp.arg("lease_v1").arg(2).arg(lane.lease()).arg(lane.events()).arg("successor").arg(60_000);
    stage.redis.ask::<()>(redis::cmd("DEL").arg(lane.lease())).await;
    assert_eq!(stage.redis.ask::<i64>(&usurp).await, 2);
    let mut read = redis::cmd("FCALL");
    read.arg("read_v1").arg(2).arg(lane.lease()).arg(lane.events());
    read.arg("successor").arg("pending").arg(10).arg(1000);
    let (_, length, entries): (String, i64, Vec<redis::Value>) = stage.redis.ask(&read).await;
    assert_eq!((length, entries.len()), (1, 1));
    stage.redis.track(page_views(&stage.lanes, "a", &["3"])).await;

    late.set(Mood::Works);
    late.goes_on();
    until("the late write is settled", async || stage.redis.pending(&lane).await == 0).await;
    // The former owner has noticed, and cannot read what is new.
    until("it gave up the lane", async || former.handle.snapshot().lanes == 0).await;
    assert_eq!(stage.redis.in_flight(&stage.lanes).await, 1);
    stage.redis.ask::<()>(redis::cmd("DEL").arg(lane.lease())).await;
    let owner = stage.start();
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 3, stored: 3, ..Ledger::default() });
    assert_eq!(stage.store.count("page-view").await, 3);
    assert_eq!(stage.store.profile("profile-of-a").await.unwrap().unwrap().stats.views, 3);
    former.kill().await;
    owner.kill().await;
}

#[tokio::test]
async fn an_entry_that_ends_the_service_is_tried_alone_and_then_buried() {
    let stage = Stage::with_lanes(1).await;
    stage.store.set(Mood::HangsOn("poison".into()));
    for id in ["1", "poison", "2", "3"] {
        stage.redis.track(page_views(&stage.lanes, "a", &[id])).await;
    }
    let lane = stage.lanes.of_session("a");
    let mut deaths = 0;
    while stage.redis.in_flight(&stage.lanes).await > 0 {
        let running = stage.start();
        let settled =
            async { until("settled", async || stage.redis.in_flight(&stage.lanes).await == 0).await };
        tokio::select! {
            () = stage.store.hangs() => deaths += 1,
            () = settled => {}
        }
        running.kill().await;
    }
    assert_eq!(deaths, 8, "five times with others, three times alone");
    let ledger = stage.redis.ledger().await;
    assert_eq!(ledger, Ledger { accepted: 4, stored: 3, duplicate: 0, dead: 1, passed: 0 });
    let letters = stage.redis.dead_letters(&lane).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["reason"], "processing it alone ended the service 3 times");
    assert!(letters[0]["body"].contains("poison"));
    let filter = EventFilter { r#type: Some("page-view".into()), ..EventFilter::default() };
    let stored: Vec<_> = stage.store.all_events(filter).await.into_iter().map(|event| event.id).collect();
    assert_eq!(stored.len(), 3);
}

#[tokio::test]
async fn a_suspect_that_the_store_refuses_is_not_condemned_however_often_the_service_starts_anew() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    stage.store.set(Mood::HangsBeforeWriting);
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    let running = stage.start();
    stage.store.hangs().await;
    running.kill().await;
    let mut handed_out_often = redis::cmd("XCLAIM");
    handed_out_often.arg(lane.events()).arg("tideline").arg("intake").arg(0);
    handed_out_often.arg(stage.redis.first_entry(&lane).await).arg("RETRYCOUNT").arg(6).arg("JUSTID");
    stage.redis.ask::<()>(&handed_out_often).await;

    stage.store.set(Mood::Full);
    for restart in 0..6 {
        let running = stage.start();
        until("the refusal is noticed", async || !running.handle.snapshot().working).await;
        if restart % 2 == 0 { running.drain().await } else { running.kill().await }
    }
    stage.store.set(Mood::Works);
    let _last = stage.start();
    assert_eq!(stage.settled().await, Ledger { accepted: 1, stored: 1, ..Ledger::default() });
}
