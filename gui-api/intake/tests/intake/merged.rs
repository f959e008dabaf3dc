//! Profiles that were merged into others while the edge and the stream still know them by their old ids.

use tideline_model::ProfileReference;
use tideline_protocol::Claim;
use tideline_store::Store as _;

use crate::support::requests::page_views;
use crate::support::{Ledger, Stage, until};

/// Says that the profile `from` was merged into `to`, as merging does.
async fn merge(stage: &Stage, from: &str, to: &str) {
    let key = stage.lanes.of_profile(from).alias(from);
    stage.redis.ask::<()>(redis::cmd("SET").arg(key).arg(to)).await;
}

async fn known_at_the_edge(stage: &Stage, session: &str) -> Option<String> {
    stage.redis.ask(redis::cmd("GET").arg(stage.lanes.of_session(session).session(session))).await
}

#[tokio::test]
async fn a_merged_profiles_requests_are_its_survivors_and_the_edge_learns_of_it() {
    let stage = Stage::with_access_rules(4).await;
    let _intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    stage.redis.track(page_views(&stage.lanes, "b", &["2"])).await;
    stage.settled().await;
    merge(&stage, "profile-of-a", "between").await;
    merge(&stage, "between", "profile-of-b").await;

    assert_eq!(stage.redis.track(page_views(&stage.lanes, "a", &["3"])).await, "profile-of-a");
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 3, stored: 3, ..Ledger::default() });
    let survivor = Some(ProfileReference::to("profile-of-b"));
    assert_eq!(stage.store.event("3").await.unwrap().unwrap().profile, survivor);
    assert_eq!(stage.store.session("a").await.unwrap().unwrap().profile, survivor);
    assert_eq!(stage.store.profile("profile-of-b").await.unwrap().unwrap().stats.views, 2);
    assert_eq!(stage.store.profile("between").await.unwrap(), None);
    assert_eq!(known_at_the_edge(&stage, "a").await.as_deref(), Some("profile-of-b"));
    assert_eq!(stage.redis.track(page_views(&stage.lanes, "a", &["4"])).await, "profile-of-b");
    let seconds: i64 = stage.redis.ask(redis::cmd("TTL").arg(stage.lanes.of_session("a").session("a"))).await;
    assert!(seconds > 80_000, "{seconds}");
}

#[tokio::test]
async fn the_profile_of_a_session_that_the_edge_has_forgotten_is_followed_too() {
    let stage = Stage::with_lanes(2).await;
    let _intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    stage.settled().await;
    merge(&stage, "profile-of-a", "survivor").await;
    stage.redis.ask::<()>(redis::cmd("DEL").arg(stage.lanes.of_session("a").session("a"))).await;
    let mut forgotten = page_views(&stage.lanes, "a", &["2"]);
    forgotten.record.profile = Some("minted".to_owned());
    stage.redis.track(forgotten).await;
    stage.settled().await;
    let survivor = stage.store.profile("survivor").await.unwrap().unwrap();
    assert_eq!((survivor.id.as_str(), survivor.stats.views), ("survivor", 1));
    assert!(survivor.ids.contains(&"minted".to_owned()));
    assert_eq!(stage.store.count("profile-created").await, 2, "the survivor had no document");
    assert_eq!(known_at_the_edge(&stage, "a").await.as_deref(), Some("survivor"));
}

#[tokio::test]
async fn a_session_that_the_edge_forgot_stays_its_profiles_though_a_source_vouches_for_another() {
    let stage = Stage::with_lanes(2).await;
    let _intake = stage.start();
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    stage.settled().await;
    stage.redis.ask::<()>(redis::cmd("DEL").arg(stage.lanes.of_session("a").session("a"))).await;
    let mut webhook = page_views(&stage.lanes, "a", &["2"]);
    webhook.facts.identified = true;
    webhook.record.profile = Some("customer".to_owned());
    let alias_key = stage.lanes.of_profile("customer").alias("customer");
    webhook.claim = Some(Claim { id: "customer".to_owned(), alias_key, doubtful: false });
    assert_eq!(stage.redis.track(webhook).await, "customer");
    stage.settled().await;
    assert_eq!(
        stage.store.event("2").await.unwrap().unwrap().profile,
        Some(ProfileReference::to("customer"))
    );
    let owner = stage.store.session("a").await.unwrap().unwrap().profile;
    assert_eq!(owner, Some(ProfileReference::to("profile-of-a")));
    assert_eq!(known_at_the_edge(&stage, "a").await.as_deref(), Some("profile-of-a"));
}

#[tokio::test]
async fn aliases_in_a_circle_or_of_another_type_hold_up_nothing() {
    let stage = Stage::with_lanes(2).await;
    merge(&stage, "one", "other").await;
    merge(&stage, "other", "one").await;
    for (id, next) in [("a", "b"), ("b", "c"), ("c", "a")] {
        merge(&stage, id, next).await;
    }
    merge(&stage, "itself", "itself").await;
    let broken = stage.lanes.of_profile("broken").alias("broken");
    stage.redis.ask::<()>(redis::cmd("LPUSH").arg(broken).arg("survivor")).await;
    let _intake = stage.start();
    let profiles = ["one", "other", "a", "b", "c", "itself", "broken"];
    for profile in profiles {
        let mut call = page_views(&stage.lanes, profile, &[profile]);
        (call.record.profile, call.record.new_profile) = (Some(profile.to_owned()), false);
        stage.redis.track(call).await;
    }
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 7, stored: 7, ..Ledger::default() });
    for profile in profiles {
        assert_eq!(
            stage.store.event(profile).await.unwrap().unwrap().profile,
            Some(ProfileReference::to(profile))
        );
    }
}

#[tokio::test]
async fn a_chain_is_followed_for_eight_steps_and_a_longer_one_not_at_all() {
    let stage = Stage::with_lanes(2).await;
    for step in 0..12 {
        merge(&stage, &format!("p{step}"), &format!("p{}", step + 1)).await;
    }
    let _intake = stage.start();
    for (sent, expected) in [("p4", "p12"), ("p3", "p3")] {
        let mut call = page_views(&stage.lanes, sent, &[sent]);
        (call.record.profile, call.record.new_profile) = (Some(sent.to_owned()), false);
        stage.redis.track(call).await;
        stage.settled().await;
        assert_eq!(
            stage.store.event(sent).await.unwrap().unwrap().profile,
            Some(ProfileReference::to(expected))
        );
    }
}

#[tokio::test]
async fn while_redis_refuses_aliases_nothing_is_written_and_then_work_resumes_by_itself() {
    let stage = Stage::with_access_rules(1).await;
    let rights = |keys: &[&str]| {
        let keys: Vec<_> = keys.iter().map(|key| format!("~{{tl:*}}:{key}")).collect();
        redis::cmd("ACL").arg("SETUSER").arg("service").arg("resetkeys").arg(keys).clone()
    };
    stage.redis.ask::<()>(&rights(&["events", "dead", "lease", "replicas", "ledger:*", "session:*"])).await;
    let intake = stage.start();
    let mut call = page_views(&stage.lanes, "a", &["1"]);
    call.record.new_profile = false;
    stage.redis.track(call).await;
    until("the refusal is noticed", async || !intake.handle.snapshot().working).await;
    assert_eq!(stage.store.writes().len(), 0);
    stage.redis.ask::<()>(&rights(&["*"])).await;
    assert_eq!(stage.settled().await, Ledger { accepted: 1, stored: 1, ..Ledger::default() });
}
