//! What visitors should not send: a documented answer, and an edge that goes on.

use reqwest::Method;
use serde_json::{Value, json};
use tideline_e2e::{Answer, Tideline};

fn request(changes: Value) -> Value {
    let mut body = json!({ "source": { "id": "shop-web" }, "session": { "id": "s" }, "events": [{ "type": "page-view" }] });
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

fn fault(answer: &Answer) -> (&Value, &Value) {
    (&answer.body["detail"][0]["type"], &answer.body["detail"][0]["loc"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_gets_a_documented_answer_and_the_edge_goes_on() {
    let tideline = Tideline::start();
    let visitor = tideline.visitor();
    let post =
        |body: String| visitor.send(Method::POST, "/track", &[("content-type", "application/json")], body);

    let answer = visitor.track(&request(json!({ "source": { "id": "no-such-source" } }))).await;
    assert_eq!(
        (answer.status, &answer.body),
        (401, &json!({ "detail": "Invalid event source `no-such-source`." }))
    );

    let answer = post(r#"{"source":{"id":"rest-source-1""#.to_owned()).await;
    assert_eq!((answer.status, fault(&answer)), (422, (&json!("json_invalid"), &json!(["body", 31]))));

    let answer = post(String::new()).await;
    assert_eq!((answer.status, fault(&answer)), (422, (&json!("missing"), &json!(["body"]))));

    let long = "x".repeat(10_000);
    let answer = visitor.track(&request(json!({ "session": { "id": long } }))).await;
    assert_eq!(
        (answer.status, fault(&answer)),
        (422, (&json!("string_too_long"), &json!(["body", "session", "id"])))
    );

    let answer = post(format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))).await;
    assert_eq!(answer.status, 422);

    let large = request(json!({ "properties": { "text": "x".repeat(300_000) } })).to_string();
    let answer = post(large).await;
    assert_eq!(answer.status, 413);
    assert!(answer.body["detail"].as_str().unwrap().contains("262144 bytes"), "{answer:?}");

    let forged = "60a05b82-6b0e-4d2e-8c8d-0d6a2f6f7a11";
    let answer =
        visitor.track(&request(json!({ "session": { "id": "forger" }, "profile": { "id": forged } }))).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.profile(), forged);

    let answer = visitor.track(&request(json!({ "events": [] }))).await;
    assert_eq!((answer.status, &answer.body), (200, &Value::Null));

    let answer = visitor.send(Method::GET, "/track", &[], "").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST, PUT")));
    assert_eq!(visitor.send(Method::GET, "/api/v1/events", &[], "").await.status, 404);

    assert_eq!(visitor.track(&request(json!({}))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_a_json_reader_obeys_stop_nobody() {
    let tideline = Tideline::start();
    let (visitor, analyst) = (tideline.visitor(), tideline.analyst());
    let deep = "[".repeat(110) + &"]".repeat(110);
    let order = |key: &str| format!(r#"{{"$serde_json::private::{key}":"{deep}"}}"#);
    let nested = format!("{}{}{}", "[".repeat(50), order("RawValue"), "]".repeat(50));
    for (number, context) in [nested, order("Number"), "1".to_owned()].iter().enumerate() {
        let body = format!(
            r#"{{"source":{{"id":"shop-web"}},"session":{{"id":"obeyed"}},"context":{{"c":{context}}},"events":[{{"type":"e-{number}"}}]}}"#
        );
        assert_eq!(visitor.send(Method::POST, "/track", &[], body).await.status, 200);
    }
    assert_eq!(analyst.sent_events("obeyed", 3).await.len(), 3);
    assert_eq!(analyst.session("obeyed").await["stats"]["events"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_edge_takes_in_is_stored_whatever_it_holds() {
    let tideline = Tideline::start();
    let (visitor, analyst) = (tideline.visitor(), tideline.analyst());
    let bodies = [
        r#"{"source":{"id":"shop-web"},"session":{"id":"odd"},"events":[{"type":"numbers","properties":{"a":12345678901234567890,"b":1e300,"c":-0.0,"d":1e999}}]}"#,
        r#"{"source":{"id":"shop-web"},"session":{"id":"odd"},"events":[{"type":"texts","properties":{"\u0000":"\u0000","":"\ud83d\ude00","a.b":"."}}]}"#,
        r#"{"source":{"id":"shop-web"},"session":{"id":"odd"},"events":[{"type":"twice","type":"twice-last","properties":{"a":1,"a":2}}]}"#,
        r#"{"source":{"id":"SHOP-WEB"},"session":{"id":" odd "},"events":[{"type":" Sign Up ","time":{"insert":"2026-05-01"},"tags":["x",1,null]}]}"#,
        r#"{"source":{"id":"shop-web"},"session":{"id":"odd"},"context":{"page":7,"time":[]},"events":[{"type":"odd-context","context":{"page":[]},"time":{"create":"2026-99-99T99:99:99Z"}}]}"#,
    ];
    for body in bodies {
        let answer = visitor.send(Method::POST, "/track", &[], body).await;
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
    }
    let stored = analyst.sent_events("odd", bodies.len()).await;
    let find = |name: &str| {
        stored.iter().find(|event| event["type"] == name).unwrap_or_else(|| panic!("{name} in {stored:?}"))
    };
    assert_eq!(
        find("numbers")["properties"].to_string(),
        r#"{"a":12345678901234567890,"b":1e+300,"c":-0.0,"d":"1e999"}"#
    );
    assert_eq!(find("texts")["properties"][""], "\u{1f600}");
    assert_eq!(find("twice-last")["properties"]["a"], 2);
    assert_eq!(
        (&find("sign-up")["name"], &find("sign-up")["source"]["id"]),
        (&json!("Sign Up"), &json!("shop-web"))
    );
    assert_eq!(find("odd-context")["session"]["id"], "odd");
}
