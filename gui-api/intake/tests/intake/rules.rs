//! Rules that people change while requests come in.

use jiff::Timestamp;
use redis::AsyncCommands as _;
use serde_json::{Value, json};
use tideline_model::{ConfigurationKind, ConfigurationObject, ConfigurationSettings};
use tideline_store::Store as _;

use crate::support::requests::with_body;
use crate::support::unruly_store::Mood;
use crate::support::{Stage, until};

pub(crate) fn object(
    kind: ConfigurationKind,
    id: &str,
    version: u64,
    settings: &Value,
) -> ConfigurationObject {
    ConfigurationObject {
        id: id.to_owned(),
        name: id.to_owned(),
        description: String::new(),
        tags: Vec::new(),
        enabled: true,
        version,
        author: "2bb80d53".to_owned(),
        changed: Timestamp::UNIX_EPOCH,
        settings: ConfigurationSettings::read(kind, settings).unwrap(),
    }
}

fn plan(version: u64, value: &str) -> ConfigurationObject {
    let operation = json!({"operation": "equals", "profile": "traits.plan", "value": value});
    object(ConfigurationKind::Mapping, "plan", version, &json!({"operations": [operation]}))
}

async fn traits(stage: &Stage) -> Value {
    let body = json!({"events": [{"type": "x", "properties": {"mail": "ada@mail.example", "sum": "none"}}]});
    stage.redis.track(with_body(&stage.lanes, "a", 1, body.to_string())).await;
    stage.settled().await;
    Value::Object(stage.store.profile("profile-of-a").await.unwrap().unwrap().traits)
}

#[tokio::test]
async fn a_rule_is_followed_from_the_first_request_on_and_a_change_soon_after() {
    let stage = Stage::with_lanes(2).await;
    stage.store.put_configuration(plan(1, "gold")).await.unwrap();
    let _intake = stage.start();
    assert_eq!(traits(&stage).await, json!({"plan": "gold"}));
    stage.store.put_configuration(plan(2, "silver")).await.unwrap();
    until("the change is followed", async || traits(&stage).await == json!({"plan": "silver"})).await;
    stage.store.remove_configuration(ConfigurationKind::Mapping, "plan", 2).await.unwrap();
    stage
        .store
        .put_configuration(object(
            ConfigurationKind::Mapping,
            "other",
            1,
            &json!({"operations": [{"operation": "delete", "profile": "traits.plan"}]}),
        ))
        .await
        .unwrap();
    until("what was removed is followed no more", async || traits(&stage).await == json!({})).await;
}

#[tokio::test]
async fn nothing_is_stored_before_it_is_known_what_must_not_be() {
    let stage = Stage::with_lanes(1).await;
    let field = json!({"field": "properties.mail", "consents": ["letters"], "action": "remove"});
    let rule = object(ConfigurationKind::Compliance, "mail", 1, &json!({"fields": [field]}));
    stage.store.put_configuration(rule).await.unwrap();
    stage.store.set(Mood::Down);
    let intake = stage.start();
    let body = json!({"events": [{"type": "x", "properties": {"mail": "ada@mail.example"}}]});
    stage.redis.track(with_body(&stage.lanes, "a", 1, body.to_string())).await;
    until("the outage is noticed", async || !intake.handle.snapshot().working).await;
    stage.store.set(Mood::Works);
    assert!(stage.settled().await.adds_up());
    let events = stage.store.all_events(Default::default()).await;
    let sent: Vec<_> = events.iter().filter(|event| event.r#type == "x").collect();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].properties.is_empty());
}

#[tokio::test]
async fn what_a_rule_cannot_do_is_counted_and_told_and_harms_nothing() {
    let stage = Stage::with_access_rules(2).await;
    let add = json!({"operation": "increment", "profile": "traits.sum", "event": "properties.sum"});
    let rule = object(ConfigurationKind::Mapping, "sum", 1, &json!({"operations": [add]}));
    stage.store.put_configuration(rule).await.unwrap();
    let _intake = stage.start();
    for _ in 0..3 {
        assert_eq!(traits(&stage).await, json!({}));
    }
    let mut redis = stage.redis.connection().await;
    let key = stage.lanes.rule_failures();
    let count: u64 = redis.hget(&key, "mapping/sum").await.unwrap();
    assert_eq!(count, 3);
    let last: String = redis.hget(&key, "mapping/sum:last").await.unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert!(last["reason"].as_str().unwrap().contains("`traits.sum` stays as it is"), "{last}");
    let seconds: i64 = redis.ttl(&key).await.unwrap();
    assert!(seconds > 0);
}
