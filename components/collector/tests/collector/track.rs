//! `POST /track`.

use futures_util::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use tideline_collector::{Answered, CommitError, RequestHead};
use tideline_protocol::TrackReply;

use crate::support::{Recording, body, collector, head, header, post, send, settings};

fn refused(reply: Result<TrackReply, CommitError>) -> Answered {
    post(&Recording::replying(reply), &json!({"source":{"id":"shop"},"events":[{"type":"a"}]}))
}

#[test]
fn a_first_visit_gets_a_signed_profile_and_its_own_session_back() {
    let commit = Recording::default();
    let answer = body(
        &post(&commit, &json!({"source":{"id":"Shop"},"session":{"id":"s-1"},"events":[{"type":"a"}]}))
            .response,
    );
    assert_eq!(answer["session"]["id"], "s-1");
    let call = &commit.calls.borrow()[0];
    assert_eq!(answer["profile"]["id"].as_str(), call.record.profile.as_deref());
    assert!(settings().profile_id_keys.verify(call.record.profile.as_deref().unwrap()));
    assert_eq!(answer["task"], call.record.request_id.to_string());
    assert!(call.record.new_profile);
    assert_eq!((call.record.source.as_str(), call.record.events), ("shop", 1));
    assert_eq!(call.lane, settings().lanes.of_session("s-1"));
}

#[test]
fn a_missing_session_is_made() {
    let commit = Recording::default();
    let answer = body(&post(&commit, &json!({"source":{"id":"s"},"events":[{"type":"a"}]})).response);
    assert_eq!(answer["session"]["id"].as_str().unwrap().len(), 36);
    assert_eq!(answer["session"]["id"], commit.calls.borrow()[0].record.session.as_str());
}

#[test]
fn requests_with_client_ids_are_told_apart_by_them_and_others_never_repeat() {
    let commit = Recording::default();
    let with_ids = json!({"source":{"id":"s"},"session":{"id":"x"},"events":[{"type":"a","id":"1"}]});
    let without = json!({"source":{"id":"s"},"session":{"id":"x"},"events":[{"type":"a"}]});
    let collector = collector(&commit);
    for request in [&with_ids, &with_ids, &without, &without] {
        let head = head(Method::POST, "/track", &[]);
        collector.answer(&head, request.to_string().into_bytes()).now_or_never().unwrap();
    }
    let prints: Vec<_> = commit.calls.borrow().iter().map(|call| call.fingerprint.clone()).collect();
    assert_eq!(prints[0], prints[1]);
    assert_ne!(prints[2], prints[3]);
}

#[test]
fn what_redis_decides_becomes_the_protocols_status() {
    let cases = [
        (TrackReply::Empty, 200, Value::Null),
        (TrackReply::UnknownSource, 401, json!({"detail":"Invalid event source `shop`."})),
        (TrackReply::DisabledSource, 401, json!({"detail":"Event source disabled."})),
    ];
    for (reply, status, expected) in cases {
        let response = refused(Ok(reply)).response;
        assert_eq!((response.status.as_u16(), body(&response)), (status, expected));
    }
    let response =
        refused(Ok(TrackReply::WrongBridge { name: "Hook".into(), allowed: "webhook".into() })).response;
    assert_eq!(response.status, 401);
    assert!(body(&response)["detail"].as_str().unwrap().contains("webhook"));
}

#[test]
fn an_unconfirmed_write_is_503_for_the_visitor_and_a_line_for_the_operator() {
    for reply in [Err(CommitError("out of reach".into())), Ok(TrackReply::NoLane)] {
        let answered = refused(reply);
        assert_eq!(answered.response.status, 503);
        assert_eq!(header(&answered.response, "retry-after"), Some("1"));
        assert_eq!(header(&answered.response, "access-control-allow-origin"), Some("*"));
        assert!(answered.note.unwrap().starts_with("events refused: "));
    }
}

#[test]
fn internal_and_impossible_sources_are_refused_without_asking_redis() {
    for source in ["@internal", "", " "] {
        let commit = Recording::default();
        let response = post(&commit, &json!({"source":{"id":source},"events":[{"type":"a"}]})).response;
        assert_eq!(response.status, 401);
        assert!(commit.calls.borrow().is_empty());
    }
}

#[test]
fn bytes_that_are_no_text_hide_no_header() {
    let commit = Recording::default();
    let headers = [
        ("tideline-client-address", &b"6.6.6.6"[..]),
        ("tideline-client-address", b"\xff, 203.0.113.9"),
        ("user-agent", b"UA \xe9"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_vec()));
    let head = RequestHead::received(Method::POST, "/track", headers);
    send(&commit, &head, r#"{"source":{"id":"s"},"events":[{"type":"a"}]}"#);
    let record = &commit.calls.borrow()[0].record;
    assert_eq!(record.client_address.as_deref(), Some("203.0.113.9"));
    assert_eq!(record.headers, [("user-agent".to_owned(), "UA \u{fffd}".to_owned())]);
}

#[test]
fn the_address_comes_from_the_last_trusted_header_and_secrets_are_not_stored() {
    let commit = Recording::default();
    let head = head(
        Method::POST,
        "/track",
        &[
            ("tideline-client-address", "6.6.6.6"),
            ("cookie", "secret=1"),
            ("user-agent", "UA"),
            ("tideline-client-address", "203.0.113.9"),
        ],
    );
    let request = r#"{"source":{"id":"s"},"events":[{"type":"a"}]}"#;
    send(&commit, &head, request);
    let record = &commit.calls.borrow()[0].record;
    assert_eq!(record.client_address.as_deref(), Some("203.0.113.9"));
    assert_eq!(record.headers, [("user-agent".to_owned(), "UA".to_owned())]);
    assert_eq!(record.body, request);
}
