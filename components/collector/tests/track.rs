//! Decisions of the public endpoints, with the ports under the test's control.

use std::cell::{Cell, RefCell};

use futures_util::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use tideline_collector::{
    Admission, Answered, Clock, Collector, Commit, CommitError, Entropy, RequestHead, Response, Settings,
};
use tideline_protocol::{TrackCall, TrackReply};

const KEY: &str = "00112233445566778899aabbccddeeff";

struct At(u64);

impl Clock for At {
    fn now(&self) -> u64 {
        self.0
    }
}

#[derive(Default)]
struct Counting(Cell<u8>);

impl Entropy for Counting {
    fn bytes(&self) -> [u8; 16] {
        self.0.set(self.0.get() + 1);
        [self.0.get(); 16]
    }
}

/// Records calls and replies as told, or as Redis does for a first request.
#[derive(Default)]
struct Recording {
    calls: RefCell<Vec<TrackCall>>,
    reply: Option<Result<TrackReply, CommitError>>,
}

impl Commit for &Recording {
    async fn commit(&self, call: TrackCall) -> Result<TrackReply, CommitError> {
        let accepted = TrackReply::Accepted { profile: call.record.profile.clone() };
        self.calls.borrow_mut().push(call);
        match &self.reply {
            None => Ok(accepted),
            Some(Ok(reply)) => Ok(reply.clone()),
            Some(Err(error)) => Err(CommitError(error.0.clone())),
        }
    }
}

fn settings() -> Settings {
    let variables = [
        ("UPSTASH_REDIS_REST_URL", "http://127.0.0.1:1"),
        ("UPSTASH_REDIS_REST_TOKEN", "token"),
        ("TIDELINE_PROFILE_ID_KEYS", KEY),
        ("TIDELINE_CLIENT_ADDRESS_HEADER", "tideline-client-address"),
    ];
    Settings::from_variables(&variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
}

fn collector(commit: &Recording) -> Collector<At, Counting, &Recording> {
    Collector::new(settings(), At(1_795_372_946_098), Counting::default(), commit)
}

fn head(method: Method, target: &str, headers: &[(&str, &str)]) -> RequestHead {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    RequestHead::new(method, target, headers)
}

fn post(commit: &Recording, body: &Value) -> Answered {
    let head = head(
        Method::POST,
        "/track",
        &[("content-type", "application/json"), ("origin", "https://shop.example")],
    );
    collector(commit).answer(&head, body.to_string().into_bytes()).now_or_never().unwrap()
}

fn refused(reply: Result<TrackReply, CommitError>) -> Answered {
    let commit = Recording { reply: Some(reply), ..Recording::default() };
    post(&commit, &json!({"source":{"id":"shop"},"events":[{"type":"a"}]}))
}

fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
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
    assert_eq!(answer["profile"]["id"], call.record.profile.as_str());
    assert!(settings().profile_id_keys.verify(&call.record.profile));
    assert_eq!(answer["task"], call.record.request_id.to_string());
    assert!(call.record.new_profile);
    assert_eq!((call.record.source.as_str(), call.record.events), ("shop", 1));
    assert_eq!(call.lane, settings().lanes.of_session("s-1"));
}

#[test]
fn a_profile_id_of_ours_is_kept_and_a_made_up_one_replaced() {
    let ours = settings().profile_id_keys.mint(5, [9; 6]);
    for (sent, kept) in
        [(ours.as_str(), true), ("forged-0000", false), ("60a05b82-6b0e-4d2e-8c8d-0d6a2f6f7a11", false)]
    {
        let commit = Recording::default();
        post(&commit, &json!({"source":{"id":"s"},"profile":{"id":sent},"events":[{"type":"a"}]}));
        let record = &commit.calls.borrow()[0].record;
        assert_eq!((record.profile == sent, record.new_profile), (kept, !kept), "{sent}");
    }
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
    for source in ["@internal", "", &"x".repeat(10_000)] {
        let commit = Recording::default();
        let response = post(&commit, &json!({"source":{"id":source},"events":[{"type":"a"}]})).response;
        assert_eq!(response.status, 401);
        assert!(commit.calls.borrow().is_empty());
    }
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
    let request = br#"{"source":{"id":"s"},"events":[{"type":"a"}]}"#;
    collector(&commit).answer(&head, request.to_vec()).now_or_never().unwrap();
    let record = &commit.calls.borrow()[0].record;
    assert_eq!(record.client_address.as_deref(), Some("203.0.113.9"));
    assert_eq!(record.headers, [("user-agent".to_owned(), "UA".to_owned())]);
    assert_eq!(record.body.as_bytes(), request);
}

#[test]
fn the_head_alone_decides_what_it_can() {
    let commit = Recording::default();
    let collector = collector(&commit);
    let answered = |method: Method, target: &str, headers: &[(&str, &str)]| match collector
        .admit(&head(method, target, headers))
    {
        Admission::Answer(response) => {
            (response.status.as_u16(), header(&response, "allow").map(str::to_owned))
        }
        Admission::Body { limit } => (u16::MAX, Some(limit.to_string())),
    };
    type Row = (Method, &'static str, &'static [(&'static str, &'static str)], (u16, Option<&'static str>));
    let table: [Row; 9] = [
        (Method::GET, "/healthz", &[], (200, None)),
        (Method::POST, "/healthz", &[], (405, Some("GET, HEAD"))),
        (Method::GET, "/", &[], (404, None)),
        (Method::GET, "/track", &[], (405, Some("POST"))),
        (Method::OPTIONS, "/track", &[], (405, Some("POST"))),
        (
            Method::OPTIONS,
            "/track",
            &[("origin", "https://a"), ("access-control-request-method", "POST")],
            (200, None),
        ),
        (Method::POST, "/track", &[("content-length", "262145")], (413, None)),
        (Method::POST, "/track/", &[("content-length", "262144")], (u16::MAX, Some("262144"))),
        (Method::POST, "/track?profile_less=true", &[], (u16::MAX, Some("262144"))),
    ];
    for (method, target, headers, (status, note)) in table {
        let expected = (status, note.map(str::to_owned));
        assert_eq!(answered(method.clone(), target, headers), expected, "{method} {target}");
    }
}

#[test]
fn pages_of_any_origin_may_send_and_beacons_with_cookies_too() {
    let commit = Recording::default();
    let collector = collector(&commit);
    let preflight = head(
        Method::OPTIONS,
        "/track",
        &[
            ("origin", "https://a"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-timestamp"),
        ],
    );
    let Admission::Answer(response) = collector.admit(&preflight) else { panic!("a preflight has no body") };
    assert_eq!(header(&response, "access-control-allow-origin"), Some("https://a"));
    assert_eq!(header(&response, "access-control-allow-headers"), Some("content-type,x-timestamp"));
    assert_eq!(header(&response, "access-control-max-age"), Some("600"));

    let beacon = head(Method::POST, "/track", &[("origin", "https://a"), ("cookie", "x=1")]);
    let response = collector.answer(&beacon, Vec::new()).now_or_never().unwrap().response;
    assert_eq!(header(&response, "access-control-allow-origin"), Some("https://a"));
    assert_eq!(header(&response, "access-control-allow-credentials"), Some("true"));
    assert_eq!(header(&response, "vary"), Some("Origin"));
}
