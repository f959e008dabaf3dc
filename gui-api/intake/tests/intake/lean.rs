//! Entries of an edge in lean mode, which has looked nothing up: they become what those of `track_v1` become.

use serde_json::json;
use tideline_model::ProfileReference;
use tideline_protocol::{StreamRecord, Unasked};
use tideline_store::{EventFilter, Store as _};

use crate::support::requests::{page_views, with_body};
use crate::support::{Ledger, Mood, Stage};

/// A page view as an edge in lean mode writes it: with a profile id that it has just made.
fn page_view(stage: &Stage, session: &str, event: &str, minted: &str) -> StreamRecord {
    let record = page_views(&stage.lanes, session, &[event]).record;
    StreamRecord {
        profile: Some(minted.to_owned()),
        new_profile: true,
        unasked: Some(Unasked::default()),
        ..record
    }
}

async fn profile_of(stage: &Stage, event: &str) -> Option<String> {
    let event = stage.store.event(event).await.unwrap().unwrap();
    event.profile.map(|profile| profile.id)
}

#[tokio::test]
async fn a_session_opens_once_and_belongs_to_one_profile_whatever_ids_were_answered() {
    let stage = Stage::with_lanes(2).await;
    let _intake = stage.start();
    for number in 0..3 {
        let record = page_view(&stage, "a", &format!("a{number}"), &format!("minted-{number}"));
        stage.redis.append(&stage.lanes, record).await;
    }
    stage.settled().await;
    // A visitor comes back with an id that the session did not get.
    let back = StreamRecord { new_profile: false, ..page_view(&stage, "b", "b0", "minted-2") };
    stage.redis.append(&stage.lanes, back).await;
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 4, stored: 4, ..Ledger::default() });
    for event in ["a0", "a1", "a2", "b0"] {
        assert_eq!(profile_of(&stage, event).await.as_deref(), Some("minted-0"), "{event}");
    }
    let profile = stage.store.profile("minted-0").await.unwrap().unwrap();
    assert_eq!((profile.stats.visits, profile.stats.views), (2, 4));
    let filter = EventFilter { session: Some("a".into()), ..EventFilter::default() };
    let types: Vec<_> = stage.store.all_events(filter).await.into_iter().map(|event| event.r#type).collect();
    let first = ["profile-created", "session-opened", "visit-started"];
    assert_eq!(types, [&first[..], &["page-view"; 3]].concat());
}

#[tokio::test]
async fn a_request_that_was_written_twice_counts_once() {
    let stage = Stage::with_lanes(1).await;
    let intake = stage.start();
    let kept = page_view(&stage, "a", "1", "p");
    let unkept = json!({"events": [{"type": "Page View"}], "options": {"saveEvents": false}}).to_string();
    let unkept = StreamRecord { body: unkept, ..page_view(&stage, "a", "-", "p") };
    let transitional = StreamRecord { transitional: true, ..page_view(&stage, "a", "2", "p") };
    for record in [&kept, &unkept, &transitional] {
        stage.redis.append(&stage.lanes, record.clone()).await;
    }
    stage.settled().await;
    for record in [&kept, &unkept, &transitional] {
        stage.redis.append(&stage.lanes, record.clone()).await;
    }
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 6, stored: 1, duplicate: 3, dead: 0, passed: 2 });
    let profile = stage.store.profile("p").await.unwrap().unwrap();
    assert_eq!((profile.stats.views, profile.stats.counters["events"]), (3, 3));

    // Both at once, and by their fingerprint.
    intake.drain().await;
    for number in [7, 8] {
        let unasked = Unasked { fingerprint: Some("f".to_owned()), ..Unasked::default() };
        let again = StreamRecord {
            request_id: uuid::Uuid::from_u128(number << 64),
            unasked: Some(unasked),
            ..transitional.clone()
        };
        stage.redis.append(&stage.lanes, again).await;
    }
    let _intake = stage.start();
    assert_eq!(stage.settled().await.passed, 3);
    assert_eq!(stage.store.profile("p").await.unwrap().unwrap().stats.views, 4);
}

#[tokio::test]
async fn killed_between_write_and_settling_an_entry_is_accepted_once() {
    let stage = Stage::with_lanes(1).await;
    for number in 0..3 {
        stage.store.set(Mood::HangsAfterWriting);
        let record = page_view(&stage, "a", &number.to_string(), "p");
        stage.redis.append(&stage.lanes, record).await;
        let transitional = StreamRecord { transitional: true, ..page_view(&stage, "a", "-", "p") };
        stage.redis.append(&stage.lanes, transitional).await;
        let running = stage.start();
        stage.store.hangs().await;
        running.kill().await;
        stage.store.set(Mood::Works);
    }
    let _last = stage.start();
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 6, stored: 3, duplicate: 0, dead: 0, passed: 3 });
    let profile = stage.store.profile("p").await.unwrap().unwrap();
    assert_eq!((profile.stats.visits, profile.stats.views), (1, 6));
    assert_eq!(stage.store.count("session-opened").await, 1);
}

#[tokio::test]
async fn an_unsigned_id_counts_if_it_stands_for_somebody() {
    let stage = Stage::with_lanes(2).await;
    let alias = stage.lanes.of_profile("imported").alias("imported");
    stage.redis.ask::<()>(redis::cmd("SET").arg(alias).arg("survivor")).await;
    let _intake = stage.start();
    let claiming = |session: &str, event: &str, claim: &str, minted: &str| {
        let unasked = Unasked { claim: Some(claim.to_owned()), ..Unasked::default() };
        StreamRecord { unasked: Some(unasked), ..page_view(&stage, session, event, minted) }
    };
    stage.redis.append(&stage.lanes, claiming("a", "1", "imported", "minted-1")).await;
    stage.redis.append(&stage.lanes, claiming("b", "2", "made-up", "minted-2")).await;
    stage.settled().await;
    // The visitor sends what was answered.
    let back = StreamRecord { new_profile: false, ..page_view(&stage, "c", "3", "minted-1") };
    stage.redis.append(&stage.lanes, back).await;
    stage.settled().await;
    for (event, owner) in [("1", "survivor"), ("2", "minted-2"), ("3", "survivor")] {
        assert_eq!(profile_of(&stage, event).await.as_deref(), Some(owner), "{event}");
    }
    let session = stage.store.session("a").await.unwrap().unwrap();
    assert_eq!(session.profile, Some(ProfileReference::to("survivor")));
}

#[tokio::test]
async fn what_is_for_a_known_session_only_passes_where_nobody_knows_it() {
    let stage = Stage::with_lanes(2).await;
    let _intake = stage.start();
    let consent = |session: &str| {
        let body =
            json!({"events": [{"type": "consent-update", "properties": {"consents": {"marketing": true}}}]});
        let unasked = Unasked { known_session_only: true, ..Unasked::default() };
        StreamRecord {
            unasked: Some(unasked),
            ..with_body(&stage.lanes, session, 1, body.to_string()).record
        }
    };
    stage.redis.append(&stage.lanes, page_view(&stage, "a", "1", "p")).await;
    for session in ["a", "b"] {
        stage.redis.append(&stage.lanes, consent(session)).await;
    }
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 3, stored: 2, duplicate: 0, dead: 0, passed: 1 });
    assert!(stage.store.profile("p").await.unwrap().unwrap().consents.contains_key("marketing"));
    assert_eq!(stage.store.session("b").await.unwrap(), None);
}

#[tokio::test]
async fn what_cannot_be_processed_is_accepted_and_dead() {
    let stage = Stage::with_lanes(1).await;
    let _intake = stage.start();
    let record = StreamRecord { body: "{".to_owned(), ..page_view(&stage, "a", "1", "p") };
    stage.redis.append(&stage.lanes, record).await;
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 1, dead: 1, ..Ledger::default() });
}
