//! People who are known by what they tell, while lanes, replicas and crashes come in between.

use serde_json::{Value, json};
use tideline_model::{ConfigurationKind, Profile, ProfileReference};
use tideline_protocol::{IdentitySalt, TrackCall};
use tideline_store::{EventFilter, Store as _};

use crate::support::requests::with_body;
use crate::support::unruly_store::Mood;
use crate::support::{Ledger, Stage, until};

async fn stage(lanes: u16) -> Stage {
    let mut stage = Stage::with_access_rules(lanes).await;
    stage.settings.salt = Some(IdentitySalt::parse("000102030405060708090a0b0c0d0e0f").unwrap());
    stage
}

/// A request of this session and its profile, `profile-of-<session>`, with these events.
fn request(stage: &Stage, session: &str, events: &Value) -> TrackCall {
    let count = events.as_array().unwrap().len();
    with_body(&stage.lanes, session, count, json!({"events": events}).to_string())
}

fn sign_in(address: &str) -> Value {
    json!([{"type": "sign-in", "properties": {"email": {"main": address}}}])
}

fn view() -> Value {
    json!([{"type": "page-view"}])
}

async fn profile(stage: &Stage, id: &str) -> Profile {
    stage.store.profile(id).await.unwrap().unwrap()
}

async fn alias(stage: &Stage, id: &str) -> Option<String> {
    stage.redis.ask(redis::cmd("GET").arg(stage.lanes.of_profile(id).alias(id))).await
}

#[tokio::test]
async fn who_signs_in_on_a_second_device_is_one_person_with_both_histories() {
    let stage = stage(4).await;
    let _intake = stage.start();
    stage.redis.track(request(&stage, "laptop", &view())).await;
    stage.redis.track(request(&stage, "laptop", &sign_in("ada@mail.example"))).await;
    stage.settled().await;
    stage.redis.track(request(&stage, "phone", &view())).await;
    stage.redis.track(request(&stage, "phone", &sign_in("Ada@Mail.Example "))).await;
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 4, stored: 4, ..Ledger::default() });
    let ada = profile(&stage, "profile-of-phone").await;
    assert_eq!(ada.id, "profile-of-laptop", "the one that was there first");
    assert_eq!(ada.ids, ["profile-of-laptop", "profile-of-phone"]);
    assert_eq!((ada.stats.visits, ada.stats.views, ada.stats.counters["events"]), (2, 2, 4));
    assert_eq!(
        stage.store.session("phone").await.unwrap().unwrap().profile,
        Some(ProfileReference::to("profile-of-laptop"))
    );
    assert_eq!(alias(&stage, "profile-of-phone").await.as_deref(), Some("profile-of-laptop"));
    let records = stage.store.merges("profile-of-laptop").await.unwrap();
    assert_eq!(
        (records.len(), records[0].by.as_str(), records[0].merged.id.as_str()),
        (1, "emm", "profile-of-phone")
    );
    // Events stay as they were stored, and are found by all ids.
    let of_ada =
        EventFilter { profiles: ada.ids, r#type: Some("page-view".into()), ..EventFilter::default() };
    assert_eq!(stage.store.all_events(of_ada).await.len(), 2);
    // And from now on the edge answers the survivor.
    assert_eq!(stage.redis.track(request(&stage, "phone", &view())).await, "profile-of-laptop");
    stage.settled().await;
    assert_eq!(profile(&stage, "profile-of-laptop").await.stats.views, 3);
}

#[tokio::test]
async fn two_people_at_one_computer_stay_two() {
    let stage = stage(2).await;
    let _intake = stage.start();
    for (session, address) in [("bens-phone", "ben@mail.example"), ("computer", "ada@mail.example")] {
        stage.redis.track(request(&stage, session, &sign_in(address))).await;
        stage.settled().await;
    }
    stage.redis.track(request(&stage, "computer", &sign_in("ben@mail.example"))).await;
    stage.redis.track(request(&stage, "computer", &view())).await;
    stage.settled().await;
    stage.redis.track(request(&stage, "computer", &view())).await;
    stage.settled().await;
    assert_eq!(profile(&stage, "profile-of-bens-phone").await.id, "profile-of-bens-phone");
    let computer = profile(&stage, "profile-of-computer").await;
    assert_eq!((computer.id.as_str(), computer.stats.views), ("profile-of-computer", 2));
    assert_eq!(computer.metadata.apart, ["profile-of-bens-phone"]);
    assert!(computer.metadata.keys.is_empty());
}

#[tokio::test]
async fn who_changes_an_address_is_known_by_the_new_one() {
    let stage = stage(1).await;
    let _intake = stage.start();
    stage.redis.track(request(&stage, "a", &sign_in("old@mail.example"))).await;
    stage.redis.track(request(&stage, "a", &sign_in("new@mail.example"))).await;
    stage.settled().await;
    for (session, address, expected) in
        [("b", "new@mail.example", "profile-of-a"), ("c", "old@mail.example", "profile-of-c")]
    {
        stage.redis.track(request(&stage, session, &sign_in(address))).await;
        stage.settled().await;
        assert_eq!(profile(&stage, &format!("profile-of-{session}")).await.id, expected);
    }
}

#[tokio::test]
async fn whoever_meets_first_three_that_are_one_become_one() {
    let phone = "+47 555 01 001";
    let told = [
        ("p", json!({"email": {"main": "x@mail.example"}, "phone": {"main": phone}})),
        ("q", json!({"email": {"main": "y@mail.example"}, "phone": {"main": phone}})),
        ("r", json!({"email": {"main": "x@mail.example"}})),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 2, 0], [2, 1, 0]] {
        let stage = stage(1).await;
        let _intake = stage.start();
        for (session, properties) in order.map(|place: usize| &told[place]) {
            let events = json!([{"type": "sign-in", "properties": properties}]);
            stage.redis.track(request(&stage, session, &events)).await;
            stage.settled().await;
        }
        assert_eq!(profile(&stage, "profile-of-p").await.ids.len(), 3, "{order:?}");
    }
}

#[tokio::test]
async fn of_twenty_devices_that_sign_in_at_once_nothing_is_lost() {
    let stage = stage(4).await;
    let replicas = [stage.start(), stage.start()];
    for device in 0..20 {
        let session = format!("device-{device}");
        stage.redis.track(request(&stage, &session, &view())).await;
        stage.redis.track(request(&stage, &session, &sign_in("ada@mail.example"))).await;
        stage.redis.track(request(&stage, &session, &view())).await;
    }
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 60, stored: 60, ..Ledger::default() });
    let ada = profile(&stage, "profile-of-device-0").await;
    assert_eq!(ada.ids.len(), 20, "{:?}", ada.ids);
    assert_eq!((ada.stats.visits, ada.stats.views, ada.stats.counters["events"]), (20, 40, 60));
    assert_eq!(ada.metadata.time.visit.count, 20);
    assert_eq!(stage.store.merges(&ada.id).await.unwrap().len(), 19);
    assert_eq!(ada.metadata.keys.len(), 1);
    for replica in replicas {
        replica.drain().await;
    }
}

#[tokio::test]
async fn a_merge_that_is_cut_short_is_completed_once() {
    for mood in [Mood::HangsBeforeWriting, Mood::HangsAfterWriting] {
        let stage = stage(2).await;
        let first = stage.start();
        stage.redis.track(request(&stage, "laptop", &sign_in("ada@mail.example"))).await;
        stage.settled().await;
        stage.store.set(mood);
        stage.redis.track(request(&stage, "phone", &sign_in("ada@mail.example"))).await;
        stage.store.hangs().await;
        first.kill().await;
        stage.store.set(Mood::Works);
        let _second = stage.start();
        let ledger = stage.settled().await;
        assert_eq!(ledger, Ledger { accepted: 2, stored: 2, ..Ledger::default() });
        let ada = profile(&stage, "profile-of-phone").await;
        assert_eq!(
            (ada.id.as_str(), ada.stats.counters["events"], ada.stats.visits),
            ("profile-of-laptop", 2, 2)
        );
        assert_eq!(stage.store.merges(&ada.id).await.unwrap().len(), 1);
        // What was lost with the first is made up for as soon as somebody comes by the old id.
        let mut again = request(&stage, "later", &view());
        (again.record.profile, again.record.new_profile) = (Some("profile-of-phone".to_owned()), false);
        stage.redis.track(again).await;
        stage.settled().await;
        until("the edge knows", async || {
            alias(&stage, "profile-of-phone").await.as_deref() == Some("profile-of-laptop")
        })
        .await;
        assert_eq!(profile(&stage, "profile-of-laptop").await.stats.views, 1);
    }
}

#[tokio::test]
async fn an_identification_point_tells_people_by_several_fields() {
    let stage = stage(2).await;
    let point = json!({
        "when": {"event_type": "card-shown"},
        "fields": [
            {"profile": "data.pii.lastname", "event": "properties.name"},
            {"profile": "traits.card", "event": "properties.card"},
        ],
    });
    let point = crate::rules::object(ConfigurationKind::IdentificationPoint, "card", 1, &point);
    stage.store.put_configuration(point).await.unwrap();
    let _intake = stage.start();
    let card = |name: &str, number: u32| json!([{"type": "card-shown", "properties": {"name": name, "card": number}}]);
    for (session, name, number, expected) in [
        ("till", "Lovelace", 7, "profile-of-till"),
        ("other", "Lovelace", 8, "profile-of-other"),
        ("web", "lovelace", 7, "profile-of-till"),
    ] {
        stage.redis.track(request(&stage, session, &card(name, number))).await;
        stage.settled().await;
        assert_eq!(profile(&stage, &format!("profile-of-{session}")).await.id, expected);
    }
    assert_eq!(stage.store.merges("profile-of-till").await.unwrap()[0].by, "card");
}

#[tokio::test]
async fn without_a_salt_nobody_is_merged() {
    let stage = Stage::with_lanes(1).await;
    let _intake = stage.start();
    for session in ["a", "b"] {
        stage.redis.track(request(&stage, session, &sign_in("ada@mail.example"))).await;
    }
    stage.settled().await;
    for session in ["a", "b"] {
        let alone = profile(&stage, &format!("profile-of-{session}")).await;
        assert_eq!((alone.ids.len(), alone.metadata.keys.len()), (1, 0));
    }
}
