//! Merges, told and taken back.

use redis::AsyncCommands as _;
use reqwest::Method;
use serde_json::{Value, json};
use tideline_model::{MergeRecord, Profile};
use tideline_pipeline::{Rules, merge};
use tideline_store::{Batch, Merge, Version, Versioned};

use crate::service::{Answer, TOKEN, TestService, event, lanes};

fn profile(id: &str, second: u32, more: &Value) -> Profile {
    let time = format!("2026-01-31T12:00:{second:02}Z");
    let mut document = json!({
        "id": id, "ids": [id], "active": true, "stats": {"visits": 1, "views": 3},
        "metadata": {
            "time": {"insert": time, "update": time, "visit": {"count": 1}}, "keys": [format!("emm-{id}")],
        },
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(document).unwrap()
}

/// The profile `p`, in which `q` is.
async fn merged() -> TestService {
    let service = TestService::start().await;
    let p = profile("p", 0, &json!({"traits": {"plan": "gold"}, "applied": {"lane": [5, 0]}}));
    let q = profile("q", 9, &json!({"traits": {"age": 7}, "applied": {"lane": [7, 0]}}));
    let both = [&p, &q].map(|document| Versioned { document: document.clone(), version: Version::default() });
    service.store.write(Batch { profiles: both.into(), ..Batch::default() }).await.unwrap();
    let survivor = merge(&Rules::default(), &p, &q).unwrap().survivor;
    let record: MergeRecord = serde_json::from_value(json!({
        "id": "m", "at": "2026-01-31T12:00:10Z", "origin": {"lane": "lane", "entry": "8-0"}, "by": "emm",
        "survivor": p, "merged": q,
    }))
    .unwrap();
    let batch = Batch {
        profiles: vec![Versioned { document: survivor, version: Version(1) }],
        merges: vec![Merge { record, version: Version(1) }],
        ..Batch::default()
    };
    service.store.write(batch).await.unwrap();
    service
}

async fn undo(service: &TestService, path: &str) -> Answer {
    let path = format!("/api/v1/profiles/{path}/undo");
    Answer::of(service.request(Method::POST, &path).bearer_auth(TOKEN)).await
}

#[tokio::test]
async fn a_merge_is_told_by_any_id_with_both_as_they_were() {
    let service = merged().await;
    for id in ["p", "q"] {
        assert_eq!(service.get(&format!("/api/v1/profiles/{id}")).await.json()["stats"]["views"], 6);
        let merges = service.get(&format!("/api/v1/profiles/{id}/merges")).await.json();
        assert_eq!(
            (&merges["merges"][0]["by"], &merges["merges"][0]["merged"]["id"]),
            (&json!("emm"), &json!("q"))
        );
        assert_eq!(merges["merges"][0]["survivor"]["stats"]["views"], 3);
    }
    assert_eq!(service.get("/api/v1/profiles/nobody/merges").await.status, 404);
}

#[tokio::test]
async fn events_of_a_profile_are_those_of_all_its_ids() {
    let service = merged().await;
    let of = |id: &str, profile: &str, second| {
        let mut event = event(id, "page-view", second);
        event.profile = Some(tideline_model::ProfileReference::to(profile));
        event
    };
    service.store_events(vec![of("1", "p", 1), of("2", "q", 2), of("3", "r", 3)]).await;
    for id in ["p", "q"] {
        let events = service.get(&format!("/api/v1/events?profile={id}")).await.json();
        let ids: Vec<_> = events["events"].as_array().unwrap().iter().map(|event| &event["id"]).collect();
        assert_eq!(ids, ["2", "1"], "{id}");
    }
}

#[tokio::test]
async fn a_merge_is_taken_back_and_what_came_since_stays() {
    let service = merged().await;
    let mut now = service.store.states(&[], &["p".to_owned()]).await.unwrap().profiles.remove("p").unwrap();
    now.document.stats.views += 1;
    service.store.write(Batch { profiles: vec![now], ..Batch::default() }).await.unwrap();
    let mut redis = service.redis.connection().await;
    let alias = lanes().of_profile("q").alias("q");
    redis.set::<_, _, ()>(&alias, "p").await.unwrap();

    let answer = undo(&service, "q/merges/m").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let both = answer.json();
    assert_eq!((&both["survivor"]["id"], &both["separated"]["id"]), (&json!("p"), &json!("q")));
    let p = service.get("/api/v1/profiles/p").await.json();
    let q = service.get("/api/v1/profiles/q").await.json();
    assert_eq!((&p, &q), (&both["survivor"], &both["separated"]));
    assert_eq!((&p["stats"]["views"], &q["stats"]["views"]), (&json!(4), &json!(3)));
    assert_eq!((&p["traits"], &q["traits"]), (&json!({"plan": "gold"}), &json!({"age": 7})));
    assert_eq!((&p["ids"], &q["ids"]), (&json!(["p"]), &json!(["q"])));
    assert_eq!((&p["metadata"]["apart"], &q["metadata"]["apart"]), (&json!(["q"]), &json!(["p"])));
    assert_eq!((&p["metadata"]["keys"], &q["metadata"]["keys"]), (&json!(["emm-p"]), &json!(["emm-q"])));
    assert_eq!(q["applied"], json!({"lane": [7, 0]}), "what was counted is not counted again");
    assert!(!redis.exists::<_, bool>(&alias).await.unwrap(), "the edge knows them as two");
    assert_eq!(service.get("/api/v1/profiles/p/merges").await.json(), json!({"merges": []}));
    assert_eq!(undo(&service, "p/merges/m").await.status, 404, "once");
}

#[tokio::test]
async fn of_merges_on_top_of_each_other_the_last_is_taken_back_first() {
    let service = merged().await;
    let o = profile("o", 0, &json!({"stats": {"visits": 1, "views": 5}}));
    let new = Versioned { document: o.clone(), version: Version::default() };
    service.store.write(Batch { profiles: vec![new], ..Batch::default() }).await.unwrap();
    let p = service.store.states(&[], &["p".to_owned()]).await.unwrap().profiles.remove("p").unwrap();
    let record = MergeRecord {
        id: "later".to_owned(),
        survivor: o.clone(),
        merged: p.document.clone(),
        ..service.store.merges("p").await.unwrap().remove(0)
    };
    let survivor = merge(&Rules::default(), &o, &p.document).unwrap().survivor;
    assert_eq!((survivor.id.as_str(), survivor.stats.views), ("o", 11));
    let batch = Batch {
        profiles: vec![Versioned { document: survivor, version: Version(1) }],
        merges: vec![Merge { record, version: p.version }],
        ..Batch::default()
    };
    service.store.write(batch).await.unwrap();

    let refused = undo(&service, "q/merges/m").await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body.contains("take back merge `later` first"), "{}", refused.body);
    for (path, expected) in [("q/merges/later", ["o", "p"]), ("q/merges/m", ["p", "q"])] {
        let answer = undo(&service, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let both = answer.json();
        assert_eq!([&both["survivor"]["id"], &both["separated"]["id"]], expected, "{path}");
    }
    for (id, views) in [("p", 3), ("q", 3), ("o", 5)] {
        let alone = service.get(&format!("/api/v1/profiles/{id}")).await.json();
        assert_eq!((&alone["ids"], &alone["stats"]["views"]), (&json!([id]), &json!(views)));
    }
}

#[tokio::test]
async fn a_merge_that_never_was_is_not_taken_back() {
    let mut service = merged().await;
    for path in ["p/merges/x", "x/merges/m"] {
        assert_eq!(undo(&service, path).await.status, 404, "{path}");
    }
    service.redis.kill();
    let answer = undo(&service, "p/merges/m").await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(service.get("/api/v1/profiles/q").await.json()["id"], "p", "nothing has changed");
}
