//! What was accepted is stored once and counted once, whatever is killed when.

use crate::support::requests::{page_views, with_body};
use crate::support::{Ledger, Mood, Stage, until};
use tideline_model::ProfileReference;
use tideline_store::{EventFilter, Store as _};

#[tokio::test]
async fn accepted_requests_become_events_sessions_and_profiles() {
    let stage = Stage::with_lanes(4).await;
    let intake = stage.start();
    for session in ["a", "b", "c"] {
        for request in 0..3 {
            let ids = [format!("{session}-{request}-0"), format!("{session}-{request}-1")];
            stage.redis.track(page_views(&stage.lanes, session, &ids.each_ref().map(String::as_str))).await;
        }
    }
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 18, stored: 18, duplicate: 0, dead: 0, passed: 0 });
    assert_eq!(stage.store.count("page-view").await, 18);
    for session in ["a", "b", "c"] {
        let profile = stage.store.profile(&format!("profile-of-{session}")).await.unwrap().unwrap();
        assert_eq!((profile.stats.visits, profile.stats.views), (1, 6));
        assert_eq!(stage.store.session(session).await.unwrap().unwrap().stats.events, 6);
    }
    let filter = EventFilter { session: Some("a".into()), ..EventFilter::default() };
    let types: Vec<_> = stage.store.all_events(filter).await.into_iter().map(|event| event.r#type).collect();
    assert_eq!(types[..3], ["profile-created", "session-opened", "visit-started"]);
    let snapshot = intake.handle.snapshot();
    assert_eq!((snapshot.lanes, snapshot.lag, snapshot.stored, snapshot.working), (4, 0, 18, true));
    intake.drain().await;
}

#[tokio::test]
async fn killed_between_write_and_settling_each_event_is_there_once_and_counters_are_exact() {
    let stage = Stage::with_lanes(2).await;
    let first = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1", "2"])).await;
    stage.settled().await;
    first.kill().await;
    for round in 0..3 {
        stage.store.set(Mood::HangsAfterWriting);
        stage
            .redis
            .track(page_views(&stage.lanes, "a", &[&format!("{round}-3"), &format!("{round}-4")]))
            .await;
        stage.redis.track(page_views(&stage.lanes, "b", &[&format!("{round}-5")])).await;
        let running = stage.start();
        stage.store.hangs().await;
        running.kill().await;
        stage.store.set(Mood::Works);
    }
    let _last = stage.start();
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 11, stored: 11, duplicate: 0, dead: 0, passed: 0 });
    assert_eq!(stage.store.count("page-view").await, 11);
    let profile = stage.store.profile("profile-of-a").await.unwrap().unwrap();
    assert_eq!((profile.stats.visits, profile.stats.views, profile.stats.counters["events"]), (1, 8, 8));
    assert_eq!(stage.store.session("b").await.unwrap().unwrap().stats.events, 3);
}

#[tokio::test]
async fn retry_after_the_edges_window_is_a_duplicate_and_changes_nothing() {
    let stage = Stage::with_lanes(2).await;
    let _intake = stage.start();
    for _ in 0..3 {
        stage.redis.track(page_views(&stage.lanes, "a", &["1", "2"])).await;
    }
    stage.settled().await;
    // From another session, and one event is new.
    stage.redis.track(page_views(&stage.lanes, "b", &["2", "3"])).await;
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 8, stored: 3, duplicate: 5, dead: 0, passed: 0 });
    assert_eq!(stage.store.count("page-view").await, 3);
    assert_eq!(stage.store.profile("profile-of-a").await.unwrap().unwrap().stats.views, 2);
}

#[tokio::test]
async fn what_cannot_be_processed_goes_to_the_dead_letters_with_its_reason() {
    let stage = Stage::with_lanes(1).await;
    let _intake = stage.start();
    let lane = stage.lanes.of_session("a");
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    stage.redis.track(with_body(&stage.lanes, "a", 3, "{\"events\": [}".to_owned())).await;
    stage.redis.track(with_body(&stage.lanes, "a", 2, "{\"events\": [{\"type\": \"x\"}]}".to_owned())).await;
    let mut by_hand = redis::cmd("XADD");
    by_hand.arg(lane.events()).arg("*").arg("hello").arg(b"\xff");
    let _id: String = stage.redis.ask(&by_hand).await;
    stage.redis.track(page_views(&stage.lanes, "a", &["2"])).await;

    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 7, stored: 2, duplicate: 0, dead: 5, passed: 0 });
    assert_eq!(stage.store.count("page-view").await, 2);
    let mut command = redis::cmd("XRANGE");
    let letters: Vec<(String, Vec<(String, redis::Value)>)> =
        stage.redis.ask(command.arg(lane.dead_letters()).arg("-").arg("+")).await;
    let reasons: Vec<String> = letters
        .iter()
        .map(|(_, fields)| fields.iter().find(|(name, _)| name == "reason").unwrap().1.clone())
        .map(|reason| redis::from_redis_value(reason).unwrap())
        .collect();
    assert!(reasons[0].starts_with("the body is unreadable: "), "{reasons:?}");
    assert_eq!(reasons[1], "the body has 1 events, the entry says 2");
    assert_eq!(reasons[2], "the entry has a field that is not UTF-8");
    assert!(letters[0].1.iter().any(|(name, _)| name == "body"));
    assert!(
        letters[2]
            .1
            .iter()
            .any(|(name, value)| name == "hello" && *value == redis::Value::BulkString(vec![0xff]))
    );
}

#[tokio::test]
async fn what_needs_a_document_that_cannot_be_read_goes_to_the_dead_letters_and_holds_up_nothing() {
    let stage = Stage::with_lanes(1).await;
    let intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    stage.settled().await;
    intake.drain().await;
    stage.store.damage_profile("profile-of-a");
    for (session, id) in [("b", "2"), ("a", "3"), ("b", "4"), ("a", "5")] {
        stage.redis.track(page_views(&stage.lanes, session, &[id])).await;
    }
    let intake = stage.start();
    assert_eq!(stage.settled().await, Ledger { accepted: 5, stored: 3, dead: 2, ..Ledger::default() });
    assert!(intake.handle.snapshot().working);
    let letters = stage.redis.dead_letters(&stage.lanes.of_session("a")).await;
    assert_eq!(letters.len(), 2);
    for letter in letters {
        assert!(letter["reason"].contains("profile `profile-of-a` cannot be read"), "{letter:?}");
    }
    assert_eq!(stage.store.profile("profile-of-b").await.unwrap().unwrap().stats.views, 2);
}

#[tokio::test]
async fn while_the_store_is_down_nothing_is_settled_and_then_work_resumes_by_itself() {
    let stage = Stage::with_lanes(2).await;
    stage.store.set(Mood::Down);
    let intake = stage.start();
    for session in ["a", "b"] {
        stage.redis.track(page_views(&stage.lanes, session, &[session])).await;
    }
    until("the outage is noticed", async || !intake.handle.snapshot().working).await;
    assert_eq!(stage.redis.in_flight(&stage.lanes).await, 2);
    assert_eq!(stage.redis.ledger().await, Ledger { accepted: 2, ..Ledger::default() });
    stage.store.set(Mood::Works);
    assert_eq!(stage.settled().await, Ledger { accepted: 2, stored: 2, ..Ledger::default() });
    assert!(intake.handle.snapshot().working);
}

#[tokio::test]
async fn a_conflict_is_read_again_and_applied_again() {
    let stage = Stage::with_lanes(1).await;
    stage.store.set(Mood::Conflicts(8));
    let _intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    assert!(stage.settled().await.adds_up());
    assert_eq!(stage.store.profile("profile-of-a").await.unwrap().unwrap().stats.views, 1);
    assert_eq!(stage.store.writes().len(), 9);
}

#[tokio::test]
async fn a_profile_is_found_by_an_id_that_it_was_given_later() {
    let stage = Stage::with_lanes(2).await;
    let _intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    stage.settled().await;
    // The edge forgets the session, and answers its next request with a new id, which the client keeps.
    let lane = stage.lanes.of_session("a");
    stage.redis.ask::<()>(redis::cmd("DEL").arg(lane.session("a"))).await;
    let mut forgotten = page_views(&stage.lanes, "a", &["2"]);
    forgotten.record.profile = Some("later".to_owned());
    assert_eq!(stage.redis.track(forgotten).await, "later");
    stage.settled().await;
    let mut next_visit = page_views(&stage.lanes, "b", &["3"]);
    (next_visit.record.profile, next_visit.record.new_profile) = (Some("later".to_owned()), false);
    stage.redis.track(next_visit).await;
    assert!(stage.settled().await.adds_up());

    let profile = stage.store.profile("later").await.unwrap().unwrap();
    assert_eq!(profile.id, "profile-of-a");
    assert_eq!((profile.stats.views, profile.stats.visits), (3, 3));
    let owner = stage.store.session("b").await.unwrap().unwrap().profile;
    assert_eq!(owner, Some(ProfileReference::to("profile-of-a")));
    assert_eq!(stage.store.count("profile-created").await, 1);
}

#[tokio::test]
async fn an_entry_that_somebody_deleted_holds_up_nothing() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    stage.store.set(Mood::HangsBeforeWriting);
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    stage.redis.track(page_views(&stage.lanes, "a", &["2"])).await;
    let running = stage.start();
    stage.store.hangs().await;
    running.kill().await;
    let first = stage.redis.first_entry(&lane).await;
    stage.redis.ask::<()>(redis::cmd("XDEL").arg(lane.events()).arg(first)).await;
    stage.store.set(Mood::Works);
    let _intake = stage.start();
    assert_eq!(stage.settled().await, Ledger { accepted: 2, stored: 1, ..Ledger::default() });
    assert_eq!(stage.redis.pending(&lane).await, 0);
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_store_that_is_down() {
    let stage = Stage::with_lanes(1).await;
    stage.store.set(Mood::Down);
    let intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    until("the outage is noticed", async || !intake.handle.snapshot().working).await;
    intake.drain().await;
    let owner: Option<String> =
        stage.redis.ask(redis::cmd("GET").arg(stage.lanes.of_session("a").lease())).await;
    assert_eq!(owner, None);
    stage.store.set(Mood::Works);
    let _successor = stage.start();
    assert_eq!(stage.settled().await, Ledger { accepted: 1, stored: 1, ..Ledger::default() });
}
