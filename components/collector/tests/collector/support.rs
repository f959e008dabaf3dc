//! A collector whose time, chance and Redis are the test's.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use futures_util::FutureExt as _;
use http::Method;
use serde_json::Value;
use tideline_collector::{
    Answered, Began, Clock, Collector, Commit, CommitError, Entropy, RequestHead, Response, Settings,
};
use tideline_protocol::{Redirect, TrackCall, TrackReply, Tracked};

const KEY: &str = "00112233445566778899aabbccddeeff";

pub(crate) struct At(u64);

impl Clock for At {
    fn now(&self) -> u64 {
        self.0
    }
}

#[derive(Default)]
pub(crate) struct Counting(Cell<u8>);

impl Entropy for Counting {
    fn bytes(&self) -> [u8; 16] {
        self.0.set(self.0.get() + 1);
        [self.0.get(); 16]
    }
}

/// Records calls, and replies as told: in order, then as Redis does for a first request.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) calls: RefCell<Vec<TrackCall>>,
    pub(crate) replies: RefCell<Vec<Result<TrackReply, CommitError>>>,
    pub(crate) survivors: HashMap<String, String>,
    pub(crate) redirect: Option<Redirect>,
}

impl Recording {
    /// One that replies this first.
    pub(crate) fn replying(reply: Result<TrackReply, CommitError>) -> Self {
        Self { replies: RefCell::new(vec![reply]), ..Self::default() }
    }
}

impl Commit for &Recording {
    fn begin(&self) -> Began {
        Began::default()
    }

    async fn commit(&self, call: TrackCall, _began: Began) -> Result<Tracked, CommitError> {
        let survivor = call.claim.as_ref().and_then(|claim| self.survivors.get(&claim.id).cloned());
        let reply = if call.claim.as_ref().is_some_and(|claim| claim.doubtful) {
            TrackReply::Unresolved
        } else {
            TrackReply::Stored { profile: call.record.profile.clone(), transitional: false, personal: None }
        };
        self.calls.borrow_mut().push(call);
        let mut told = self.replies.borrow_mut();
        let reply = if told.is_empty() { Ok(reply) } else { told.remove(0) };
        reply.map(|reply| Tracked { reply, survivor })
    }

    async fn redirect(&self, _key: String, _began: Began) -> Result<Option<Redirect>, CommitError> {
        Ok(self.redirect.clone())
    }
}

pub(crate) fn settings() -> Settings {
    let variables = [
        ("UPSTASH_REDIS_REST_URL", "http://127.0.0.1:1"),
        ("UPSTASH_REDIS_REST_TOKEN", "token"),
        ("TIDELINE_PROFILE_ID_KEYS", KEY),
        ("TIDELINE_CLIENT_ADDRESS_HEADER", "tideline-client-address"),
        ("TIDELINE_TRACK_DEBUG", "yes"),
        ("TIDELINE_IDENTITY_SALT", KEY),
    ];
    Settings::from_variables(&variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
}

pub(crate) fn collector(commit: &Recording) -> Collector<At, Counting, &Recording> {
    Collector::new(settings(), At(1_795_372_946_098), Counting::default(), commit)
}

pub(crate) fn head(method: Method, target: &str, headers: &[(&str, &str)]) -> RequestHead {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    RequestHead::new(method, target, headers)
}

/// Sends one request.
pub(crate) fn send(commit: &Recording, head: &RequestHead, body: &str) -> Answered {
    collector(commit).answer(head, body.as_bytes().to_vec()).now_or_never().unwrap()
}

/// Sends a body to `/track` from a page.
pub(crate) fn post(commit: &Recording, body: &Value) -> Answered {
    let headers = [("content-type", "application/json"), ("origin", "https://shop.example")];
    send(commit, &head(Method::POST, "/track", &headers), &body.to_string())
}

pub(crate) fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
}
