//! A Redis that replies as told, and requests for it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use serde_json::Value;
use tideline_protocol::{Claim, Facts, Lanes, StreamRecord, TrackCall};
use tideline_redis_rest::{Client, Endpoint, HttpReply, Transport, TransportError};
use uuid::Uuid;

use super::RedisCommit;
use crate::{Settings, Timer};

/// Replies as told, and remembers what it was asked. Each reply takes a while.
pub(super) struct Script {
    pub(super) replies: RefCell<Vec<Result<String, TransportError>>>,
    pub(super) asked: RefCell<Vec<Value>>,
    pub(super) given: RefCell<Vec<Duration>>,
    pub(super) now: Cell<Duration>,
    takes: Duration,
}

impl Transport for &Script {
    async fn post(
        &self,
        _endpoint: &Endpoint,
        path: &'static str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<HttpReply, TransportError> {
        assert!(["", "pipeline"].contains(&path), "{path}");
        self.given.borrow_mut().push(within);
        self.asked.borrow_mut().push(serde_json::from_slice(&body).unwrap());
        self.now.set(self.now.get() + self.takes);
        let reply = self.replies.borrow_mut().remove(0);
        reply.map(|body| HttpReply { status: 200, body: body.into_bytes() })
    }
}

impl Timer for &Script {
    fn now(&self) -> Duration {
        self.now.get()
    }

    async fn sleep(&self, _time: Duration) {}
}

pub(super) fn script(takes: u64, replies: Vec<Result<String, TransportError>>) -> Script {
    let takes = Duration::from_millis(takes);
    Script {
        replies: RefCell::new(replies),
        asked: RefCell::default(),
        given: RefCell::default(),
        now: Cell::default(),
        takes,
    }
}

pub(super) fn call(session: &str, claim: Option<&str>) -> TrackCall {
    let lanes = Lanes::new("production", "eu", 2).unwrap();
    TrackCall {
        lane: lanes.of_session(session),
        bridge: "rest",
        fingerprint: "f".to_owned(),
        origin: None,
        claim: claim.map(|id| Claim { id: id.to_owned(), alias_key: format!("alias:{id}"), doubtful: false }),
        facts: Facts::default(),
        record: StreamRecord {
            request_id: Uuid::nil(),
            received_at: 0,
            source: "shop".to_owned(),
            session: session.to_owned(),
            profile: Some("p".to_owned()),
            vouched: false,
            unasked: None,
            new_session: false,
            new_profile: false,
            transitional: false,
            events: 1,
            client_address: None,
            headers: Vec::new(),
            body: "{\"a\":\"\u{1}\\\"\"}".to_owned(),
        },
    }
}

/// Commits to the script in this mode.
pub(super) fn commit<'a>(script: &'a Script, mode: &str) -> RedisCommit<&'a Script, &'a Script> {
    let variables = [
        ("UPSTASH_REDIS_REST_URL", "http://h"),
        ("UPSTASH_REDIS_REST_TOKEN", "t"),
        ("TIDELINE_PROFILE_ID_KEYS", "00112233445566778899aabbccddeeff"),
        ("TIDELINE_LANES", "2"),
        ("TIDELINE_REDIS_MODE", mode),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings::from_variables(&variables).unwrap();
    RedisCommit::new(Client::new(settings.endpoint.clone(), script), script, &settings)
}
