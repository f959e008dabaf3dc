//! Configuration objects, as people change them.

use redis::AsyncCommands as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Answer, TOKEN, TestService, lanes};

const PLAN: &str = "/api/v1/configuration/mapping/plan";

fn draft(version: u64) -> Value {
    json!({
        "name": "Plan of members", "version": version,
        "settings": {
            "when": {"event_type": "membership-started", "condition": "properties.price > 0"},
            "operations": [{"operation": "equals", "profile": "traits.plan", "event": "properties.plan"}],
        },
    })
}

async fn put(service: &TestService, path: &str, body: &Value) -> Answer {
    let request = service.request(Method::PUT, path).bearer_auth(TOKEN);
    Answer::of(request.body(body.to_string())).await
}

async fn delete(service: &TestService, path: &str) -> Answer {
    Answer::of(service.request(Method::DELETE, path).bearer_auth(TOKEN)).await
}

#[tokio::test]
async fn an_object_is_made_changed_read_and_removed_and_its_versions_stay() {
    let service = TestService::start().await;
    assert_eq!(service.get("/api/v1/configuration").await.json(), json!({"objects": []}));
    let made = put(&service, PLAN, &draft(0)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let mut changed = draft(1);
    changed["enabled"] = json!(false);
    changed["tags"] = json!(["members"]);
    assert_eq!(put(&service, PLAN, &changed).await.status, 200);
    let read = service.get(PLAN).await.json();
    assert_eq!(
        (&read["version"], &read["enabled"], &read["kind"]),
        (&json!(2), &json!(false), &json!("mapping"))
    );
    assert_eq!((&read["problem"], &read["failures"]), (&Value::Null, &Value::Null));
    assert_eq!(read["author"], "2bb80d53", "whose token it was, and not the token");
    assert_eq!(read["settings"], draft(0)["settings"]);
    assert_eq!(service.get("/api/v1/configuration?kind=mapping").await.json()["objects"], json!([read]));
    assert_eq!(service.get("/api/v1/configuration?kind=validation").await.json()["objects"], json!([]));

    assert_eq!(delete(&service, &format!("{PLAN}?version=2")).await.status, 204);
    assert_eq!(service.get(PLAN).await.status, 404);
    let versions = service.get(&format!("{PLAN}/versions")).await.json();
    let numbers: Vec<_> =
        versions["versions"].as_array().unwrap().iter().map(|object| &object["version"]).collect();
    assert_eq!(numbers, [2, 1]);
}

#[tokio::test]
async fn who_was_slower_is_told_and_overwrites_nothing() {
    let service = TestService::start().await;
    put(&service, PLAN, &draft(0)).await;
    for (version, expected) in [(0, 409), (2, 409), (1, 200), (1, 409)] {
        let answer = put(&service, PLAN, &draft(version)).await;
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
    for version in [0, 1, 3] {
        let answer = delete(&service, &format!("{PLAN}?version={version}")).await;
        assert_eq!(answer.status, 409, "{}", answer.body);
        assert!(answer.detail().contains("mapping `plan` has another version"), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_could_not_work_is_refused_with_its_place_and_what_mends_it() {
    let service = TestService::start().await;
    let with = |path: &str, value: Value| {
        let mut draft = draft(0);
        match draft.pointer_mut(path) {
            Some(place) => *place = value,
            None => draft[path.trim_start_matches('/')] = value,
        }
        draft
    };
    let condition = "/settings/when/condition";
    let table = [
        (
            PLAN,
            with("/settings/operations/0/profile", json!("ids")),
            422,
            "settings.operations[0].profile",
            "`ids`",
        ),
        (
            PLAN,
            with(condition, json!("propertis.price > 0")),
            422,
            "settings.when.condition",
            "events have no field `propertis`",
        ),
        (
            PLAN,
            with(condition, json!("profile@traits.x > 0 AND session@device.tpye = \"pc\"")),
            422,
            "settings.when.condition",
            "`device.tpye`",
        ),
        (PLAN, with(condition, json!("price >")), 422, "settings.when.condition", ""),
        (PLAN, with("/settings", json!({"operation": []})), 422, "settings", "unknown field `operation`"),
        (PLAN, with("/settings", json!(7)), 422, "settings", ""),
        (PLAN, with("/name", json!(" ")), 422, "name", "1 to 256 bytes"),
        (PLAN, with("/tags", json!(vec!["a"; 21])), 422, "tags", "up to 20"),
        (PLAN, with("/description", json!("x".repeat(5000))), 422, "description", "4096"),
        ("/api/v1/configuration/mapping/a%0Ab", draft(0), 422, "id", "in one line"),
        ("/api/v1/configuration/rule/plan", draft(0), 400, "", "`rule` is no kind of configuration object"),
        (PLAN, with("/verison", json!(1)), 400, "", "unknown field `verison`"),
        (PLAN, json!([]), 400, "", "the body cannot be read"),
        (PLAN, with("/description", json!("x".repeat(300_000))), 413, "", "262144 bytes are the most"),
    ];
    for (path, body, status, place, expected) in table {
        let answer = put(&service, path, &body).await;
        assert_eq!(answer.status, status, "{path} {}", answer.body);
        assert!(answer.detail().contains(expected), "{expected}: {}", answer.body);
        assert_eq!(answer.json()["path"].as_str().unwrap_or_default(), place, "{}", answer.body);
    }
    let misspelt = put(&service, PLAN, &with(condition, json!("propertis.price > 0"))).await.json();
    assert_eq!(misspelt["filter"]["suggestion"], "properties.price");
    let truncated = service.request(Method::PUT, PLAN).bearer_auth(TOKEN).body("{\"name\":");
    assert_eq!(Answer::of(truncated).await.status, 400);
    assert_eq!(service.get("/api/v1/configuration").await.json()["objects"], json!([]));
    assert_eq!(delete(&service, PLAN).await.status, 400, "the version is missing");
}

#[tokio::test]
async fn how_an_object_is_doing_is_told() {
    let service = TestService::start().await;
    put(&service, PLAN, &draft(0)).await;
    let last = json!({"event": "e", "at": "2026-11-22T10:00:00Z", "reason": "`traits.plan` stays as it is"});
    let mut redis = service.redis.connection().await;
    let told = [
        ("mapping/plan", "3".to_owned()),
        ("mapping/plan:last", last.to_string()),
        ("mapping/odd:last", "no json".to_owned()),
    ];
    redis.hset_multiple::<_, _, _, ()>(lanes().rule_failures(), &told).await.unwrap();
    assert_eq!(service.get(PLAN).await.json()["failures"], json!({"count": 3, "last": last}));

    // As one that another version of this program has let pass.
    let mut object = service.store.configuration().await.unwrap().objects.remove(0);
    object.version = 2;
    let broken = json!({"kind": "mapping", "settings": {"operations": []}});
    object.settings = serde_json::from_value(broken).unwrap();
    service.store.put_configuration(object).await.unwrap();
    let problem = service.get(PLAN).await.json()["problem"].as_str().unwrap().to_owned();
    assert!(problem.contains("it has 0 operations"), "{problem}");

    assert_eq!(delete(&service, &format!("{PLAN}?version=2")).await.status, 204);
    let left: Vec<String> = redis.hkeys(lanes().rule_failures()).await.unwrap();
    assert_eq!(left, ["mapping/odd:last"]);
}
