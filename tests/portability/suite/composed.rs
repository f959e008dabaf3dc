//! Component and adapter together, as Spin runs them.

use futures_util::stream;
use http::{Method, Request};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::Value;
use wasmtime_wasi_http::{Error as WasiError, WasiBody};
use xtask::artifacts::Artifacts;

use crate::composition::composed;
use crate::host::{Host, Variables, whole};
use crate::manifest::Manifest;

const KEY: &str = "00112233445566778899aabbccddeeff";

const EVENT: &str = r#"{"source":{"id":"shop-web"},"session":{"id":"s"},"events":[{"type":"page-view"}]}"#;

/// A host for each component, with the manifest's variables but for these.
fn hosts(changes: &[(&str, Option<&str>)]) -> [Host; 2] {
    let artifacts = Artifacts::existing().unwrap();
    [artifacts.component, artifacts.component_p2].map(|component| {
        let mut values = Manifest::read().values(KEY);
        for (name, value) in changes {
            values.retain(|(known, _)| known != name);
            values.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
        }
        Host::new(&composed(&component), Variables::Given(values.into_iter().collect()))
    })
}

fn post(body: WasiBody) -> Request<WasiBody> {
    let request = Request::builder().method(Method::POST).uri("http://edge.example/track");
    request.header("content-type", "application/json").body(body).unwrap()
}

#[tokio::test]
async fn either_component_works_with_what_the_variables_say() {
    for mut host in hosts(&[("tideline_context", Some("spring"))]) {
        let answer = host.answer(post(whole(EVENT))).await;
        // The settings are complete: it is Redis that does not take the request.
        let [sent] = &host.sent()[..] else { panic!("{:?}, log: {}", host.sent(), host.log()) };
        assert!(sent.uri.starts_with("http://127.0.0.1:8079/"), "{sent:?}");
        assert_eq!(sent.authorization, format!("Bearer {KEY}"));
        assert!(sent.body.contains(":spring:"), "the lane's context: {sent:?}");
        serde_json::from_str::<Value>(&sent.body).unwrap();
        let retry = answer.headers()["retry-after"].to_str().unwrap();
        assert_eq!((answer.status().as_u16(), retry), (503, "1"));
        assert_eq!(answer.headers()["content-length"], answer.body().len().to_string());
        assert!(host.log().contains("BUSY later"), "{}", host.log());
    }
}

#[tokio::test]
async fn a_setting_that_no_variable_gives_is_named() {
    for mut host in hosts(&[("upstash_redis_rest_token", None)]) {
        let answer = host.answer(post(whole(EVENT))).await;
        assert_eq!(answer.status().as_u16(), 503);
        assert!(host.log().contains("UPSTASH_REDIS_REST_TOKEN is not set"), "{}", host.log());
        assert!(host.sent().is_empty());
        assert!(!host.log().contains(KEY));
    }
}

#[tokio::test]
async fn bodies_that_are_too_long_or_break_off_go_no_further() {
    for mut host in hosts(&[]) {
        // Without a length in the head: it is found out by reading.
        let answer = host.answer(post(whole(EVENT.to_owned() + &" ".repeat(300_000)))).await;
        assert_eq!(answer.status().as_u16(), 413);
        assert!(answer.body().contains("262144"), "{answer:?}");

        // What came before the break is a whole request, and yet nobody knows whether it was meant to be.
        let frames = [Ok(Frame::data(EVENT.into())), Err(WasiError::ConnectionTerminated)];
        let broken = |frames| StreamBody::new(stream::iter(frames)).boxed_unsync();
        let answer = host.answer(post(broken(frames))).await;
        assert_eq!(answer.status().as_u16(), 400);
        // Without a body this would be an event: one without properties.
        let mut webhook = post(broken([Ok(Frame::data("{}".into())), Err(WasiError::ConnectionTerminated)]));
        *webhook.uri_mut() = "http://edge.example/collect/order/hook".parse().unwrap();
        webhook.headers_mut().remove("content-type");
        let answer = host.answer(webhook).await;
        assert_eq!(answer.status().as_u16(), 400);
        assert!(answer.body().contains("ended early"), "{answer:?}");
        assert!(host.sent().is_empty(), "{:?}", host.sent());
    }
}
