//! What would become of a request, told and not done.

use reqwest::Method;
use serde_json::{Value, json};
use tideline_store::{Batch, Version, Versioned};

use crate::service::{Answer, TOKEN, TestService, event};

async fn explain(service: &TestService, question: &Value) -> Answer {
    let request = service.request(Method::POST, "/api/v1/explain").bearer_auth(TOKEN);
    Answer::of(request.body(question.to_string())).await
}

async fn with_a_rule() -> TestService {
    let service = TestService::start().await;
    let draft = json!({
        "name": "Plan", "version": 0,
        "settings": {"operations": [{"operation": "equals", "profile": "traits.plan", "event": "properties.plan"}]},
    });
    let path = "/api/v1/configuration/mapping/plan";
    let put = service.request(Method::PUT, path).bearer_auth(TOKEN).body(draft.to_string());
    assert_eq!(Answer::of(put).await.status, 201);
    service
}

fn body() -> Value {
    json!({
        "source": {"id": "shop"}, "session": {"id": "s"},
        "events": [{"type": "Membership Started", "properties": {"plan": "gold"}}],
    })
}

#[tokio::test]
async fn each_step_of_a_strangers_request_is_told_and_nothing_is_stored() {
    let service = with_a_rule().await;
    let question = json!({
        "body": body(), "address": "192.0.2.7", "received": "2026-11-22T10:00:00Z",
        "headers": {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
    });
    let answer = explain(&service, &question).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told = answer.json();
    let steps: Vec<_> = told["steps"].as_array().unwrap().iter().map(|step| &step["step"]).collect();
    assert_eq!(steps, ["reading", "session", "event type", "profile", "mapping"]);
    let mapping = &told["steps"][4];
    assert_eq!(mapping["rule"], json!({"kind": "mapping", "id": "plan"}));
    assert_eq!(
        (&mapping["before"]["traits"], &mapping["after"]["traits"]),
        (&json!({}), &json!({"plan": "gold"}))
    );
    let types: Vec<_> = told["events"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["profile-created", "session-opened", "visit-started", "membership-started"]);
    assert_eq!(told["session"]["app"]["name"], "Firefox");
    assert_eq!(told["profile"]["metadata"]["time"]["insert"], "2026-11-22T10:00:00Z");
    assert_eq!(service.get("/api/v1/events").await.json()["events"], json!([]));
    assert_eq!(service.get("/api/v1/profiles").await.json()["profiles"], json!([]));
}

#[tokio::test]
async fn what_is_known_of_the_visitor_counts() {
    let service = with_a_rule().await;
    let told = explain(&service, &json!({"body": body(), "received": "2026-11-22T10:00:00Z"})).await.json();
    // As it is once such a request was stored.
    let stored = |name: &str| {
        let mut document = told[name].clone();
        document["applied"] = json!({});
        document
    };
    let batch = Batch {
        events: vec![event("there-already", "x", 1)],
        sessions: vec![Versioned {
            document: serde_json::from_value(stored("session")).unwrap(),
            version: Version(0),
        }],
        profiles: vec![Versioned {
            document: serde_json::from_value(stored("profile")).unwrap(),
            version: Version(0),
        }],
        ..Batch::default()
    };
    service.store.write(batch).await.unwrap();
    let mut again = body();
    again["events"] = json!([{"type": "page-view"}, {"type": "x", "id": "there-already"}]);
    let told_again =
        explain(&service, &json!({"body": again, "received": "2026-11-22T10:01:00Z"})).await.json();
    assert_eq!((&told_again["duplicates"], &told_again["passed"]), (&json!(1), &json!(0)));
    assert_eq!(told_again["profile"]["id"], told["profile"]["id"]);
    assert_eq!(told_again["profile"]["stats"], json!({"visits": 1, "views": 1, "counters": {"events": 2}}));
    assert_eq!(told_again["events"].as_array().unwrap().len(), 1);
    assert_eq!(service.get("/api/v1/profiles").await.json()["profiles"][0]["stats"]["views"], 0);
}

#[tokio::test]
async fn it_is_told_whom_a_request_would_make_one_with() {
    let service = TestService::start().await;
    let signs_in = |session: &str, at: &str| {
        let event = json!({"type": "sign-in", "properties": {"email": {"main": "ada@mail.example"}}});
        let body = json!({"source": {"id": "shop"}, "session": {"id": session}, "events": [event]});
        json!({"body": body, "received": at})
    };
    let first = explain(&service, &signs_in("phone", "2026-11-22T10:00:00Z")).await.json();
    let keys = first["profile"]["metadata"]["keys"].as_array().unwrap();
    assert!(matches!(keys.as_slice(), [key] if key.as_str().unwrap().starts_with("emm-")), "{keys:?}");
    let document = serde_json::from_value(first["profile"].clone()).unwrap();
    let profiles = vec![Versioned { document, version: Version(0) }];
    service.store.write(Batch { profiles, ..Batch::default() }).await.unwrap();

    let told = explain(&service, &signs_in("laptop", "2026-11-22T11:00:00Z")).await.json();
    let merging = told["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(merging["step"], "merging");
    assert_ne!(merging["before"]["id"], first["profile"]["id"]);
    for survivor in [&merging["after"], &told["profile"]] {
        assert_eq!(survivor["id"], first["profile"]["id"]);
        assert_eq!(survivor["ids"], json!([first["profile"]["id"], merging["before"]["id"]]));
        assert_eq!(survivor["stats"]["visits"], 2);
    }
    assert_eq!(told["session"]["profile"]["id"], first["profile"]["id"]);
    let merges = format!("/api/v1/profiles/{}/merges", first["profile"]["id"].as_str().unwrap());
    assert_eq!(service.get(&merges).await.json(), json!({"merges": []}), "nothing is stored");
}

#[tokio::test]
async fn a_request_that_cannot_become_documents_is_refused_with_the_reason() {
    let service = TestService::start().await;
    let table = [
        (json!({"body": {"source": {"id": "shop"}, "events": [{}]}}), 422, "`events[0].type` is missing"),
        (json!({"body": {"events": []}}), 422, "`source` is missing"),
        (json!({"body": {"source": {"id": "shop"}, "events": 7}}), 422, "`events` is not a list"),
        (json!({"body": []}), 400, "the body cannot be read"),
        (json!({}), 400, "missing field `body`"),
        (json!({"body": {}, "session": "s"}), 400, "unknown field `session`"),
    ];
    for (question, status, expected) in table {
        let answer = explain(&service, &question).await;
        assert_eq!(answer.status, status, "{question}: {}", answer.body);
        assert!(answer.detail().contains(expected), "{question}: {}", answer.body);
    }
}
