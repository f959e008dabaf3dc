//! Who gets in: holders of a token, nobody else, anywhere.

use reqwest::{Method, RequestBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::service::{Answer, TOKEN, TestService, event};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Paths of the document with an id put in, and whether they are open.
fn documented() -> Vec<(String, bool)> {
    let document = serde_json::to_value(tideline_api::openapi()).unwrap();
    assert_eq!(document["security"], serde_json::json!([{"token": []}]), "a token is the rule");
    let paths = document["paths"].as_object().unwrap().iter();
    let open = |operation: &serde_json::Value| operation["security"] == serde_json::json!([{}]);
    paths
        .map(|(path, operations)| {
            (path.replace("{id}", "a"), operations.as_object().unwrap().values().any(open))
        })
        .collect()
}

/// All the ways to have no token.
fn without_token(request: &dyn Fn() -> RequestBuilder) -> Vec<RequestBuilder> {
    let authorized = |value: &str| request().header("authorization", value);
    vec![
        request(),
        authorized(""),
        authorized("Bearer"),
        authorized("Bearer "),
        authorized("Bearer wrong"),
        authorized(&format!("Basic {TOKEN}")),
        authorized(TOKEN),
        authorized(&format!("Bearer {TOKEN}x")),
        authorized(&format!("Bearer {}", TOKEN.to_uppercase())),
        authorized(&format!("Bearer {}", "x".repeat(4000))),
        // Never read, so that no other page can use a browser's.
        request().header("cookie", format!("token={TOKEN}; authorization=Bearer {TOKEN}")),
        request().header("x-api-key", TOKEN),
    ]
}

#[tokio::test]
async fn every_documented_route_but_health_refuses_without_a_token() {
    let service = TestService::start().await;
    service.store_events(vec![event("a", "page-view", 0)]).await;
    let (open, guarded): (Vec<_>, Vec<_>) = documented().into_iter().partition(|(_, open)| *open);
    let open: Vec<_> = open.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(open, ["/healthz", "/readyz"]);
    assert!(guarded.len() >= 6, "{guarded:?}");

    let unknown = [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/events",
        "/api/v1/events/",
        "/api/v1/events/a/b",
        "/api//v1/events",
    ];
    let paths = guarded.iter().map(|(path, _)| path.as_str()).chain(unknown);
    for path in paths {
        for method in METHODS {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            for request in without_token(&|| service.request(method.clone(), path)) {
                let answer = Answer::of(request).await;
                assert_eq!(answer.status, 401, "{method} {path}: {}", answer.body);
                assert_eq!(answer.header("www-authenticate"), "Bearer");
                assert_eq!(answer.header("cache-control"), "no-store");
                if method != Method::HEAD {
                    assert!(answer.detail().contains("bearer token"), "{}", answer.body);
                }
            }
        }
        let answer = Answer::of(service.request(Method::PATCH, path).bearer_auth(TOKEN)).await;
        assert!([404, 405].contains(&answer.status), "{path}: {}", answer.status);
        assert!(answer.detail().contains("/openapi.json"), "{}", answer.body);
    }
}

#[tokio::test]
async fn other_spellings_of_a_path_lead_nowhere() {
    let service = TestService::start().await;
    service.store_events(vec![event("a", "page-view", 0)]).await;
    for path in [
        "//api/v1/events",
        "/%61pi/v1/events",
        "/API/v1/events",
        "/./api/v1/events",
        "/x/../api/v1/events",
        "/api/v1/../v1/events",
        "/api%2fv1/events",
        "/openapi.json/",
        "/;/api/v1/events",
    ] {
        let status =
            raw(&service, &format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        assert!([401, 404].contains(&status), "{path}: {status}");
    }
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let service = TestService::start().await;
    let long = "x".repeat(40_000);
    let status = raw(&service, &format!("GET /healthz HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n")).await;
    assert_eq!(status, 431);
}

#[tokio::test]
async fn a_process_without_the_api_role_answers_nothing_but_health() {
    let wishes = crate::service::Wishes { without_api: true, ..Default::default() };
    let service = TestService::start_with(wishes).await;
    for (path, open) in documented() {
        let expected = if open { 200 } else { 404 };
        assert_eq!(service.get(&path).await.status, expected, "{path}");
    }
}

/// The status of the answer to these bytes, which no client library has tidied up.
async fn raw(service: &TestService, request: &str) -> u16 {
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    // The server may answer and close before it has read all.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[9..]).parse().unwrap()
}
