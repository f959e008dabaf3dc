//! Component and adapter together, as Spin runs them.

use http::{Method, Request};
use serde_json::Value;
use xtask::artifacts::Artifacts;

use crate::composition::composed;
use crate::host::{Host, Variables};
use crate::manifest::Manifest;

const KEY: &str = "00112233445566778899aabbccddeeff";

const BODY: &str = r#"{"source":{"id":"shop-web"},"session":{"id":"s"},"events":[{"type":"page-view"}]}"#;

fn post() -> Request<&'static str> {
    let request = Request::builder().method(Method::POST).uri("http://edge.example/track");
    request.header("content-type", "application/json").body(BODY).unwrap()
}

#[tokio::test]
async fn either_component_works_with_what_the_variables_say() {
    let artifacts = Artifacts::existing().unwrap();
    for component in [artifacts.component, artifacts.component_p2] {
        let mut values: Vec<_> = Manifest::read().values(KEY);
        values.retain(|(name, _)| name != "tideline_context");
        values.push(("tideline_context".to_owned(), "spring".to_owned()));
        let mut host = Host::new(&composed(&component), Variables::Given(values.into_iter().collect()));
        let answer = host.answer(post()).await;
        // The settings are complete: it is Redis that does not take the request.
        let [sent] = &host.sent()[..] else { panic!("{:?}, log: {}", host.sent(), host.log()) };
        assert!(sent.uri.starts_with("http://127.0.0.1:8079/"), "{sent:?}");
        assert_eq!(sent.authorization, format!("Bearer {KEY}"));
        assert!(sent.body.contains(":spring:"), "the lane's context: {sent:?}");
        serde_json::from_str::<Value>(&sent.body).unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &"1".parse().unwrap())
        );
        let length = answer.body().len().to_string();
        assert_eq!(answer.headers()["content-length"], *length);
        assert!(host.log().contains("BUSY later"), "{}", host.log());
    }
}

#[tokio::test]
async fn a_setting_that_no_variable_gives_is_named() {
    let artifacts = Artifacts::existing().unwrap();
    for component in [artifacts.component, artifacts.component_p2] {
        let values = Manifest::read().values(KEY).into_iter().filter(|(name, _)| !name.ends_with("token"));
        let mut host = Host::new(&composed(&component), Variables::Given(values.collect()));
        let answer = host.answer(post()).await;
        assert_eq!(answer.status().as_u16(), 503);
        assert!(host.log().contains("UPSTASH_REDIS_REST_TOKEN is not set"), "{}", host.log());
        assert!(host.sent().is_empty());
        assert!(!host.log().contains(KEY));
    }
}
