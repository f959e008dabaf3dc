//! Redis over HTTP: the client's reading of replies, and the gateway's of commands and of Redis.

use futures_util::FutureExt as _;
use serde_json::Value;
use tideline_protocol::{Redirect, Tracked};
use tideline_redis_gateway::fuzzing;
use tideline_redis_rest::{Client, Endpoint, Error, HttpReply, Transport, TransportError};

/// The longest error text that the client passes on, in bytes.
const LONGEST_ERROR: usize = 200;

/// The most bytes of an answer of the gateway in [`redis_replies`].
const LIMIT: usize = 512;

struct Replying(HttpReply);

impl Transport for Replying {
    async fn post(
        &self,
        _endpoint: &Endpoint,
        _path: &'static str,
        _body: Vec<u8>,
    ) -> Result<HttpReply, TransportError> {
        Ok(self.0.clone())
    }
}

/// A reply of the gateway, with whatever status, to one command and to two.
pub fn rest_reply(body: &[u8]) {
    for status in [200, 400, 401, 429, 500, 503] {
        let reply = HttpReply { status, body: body.to_vec() };
        let client = Client::new(Endpoint::new("http://h", "t").expect("an endpoint"), Replying(reply));
        let one =
            client.command(vec!["PING".to_owned()]).now_or_never().expect("a transport that never waits");
        assert!(one.is_err() || status == 200, "{one:?}");
        is_short(one.err());
        let two = vec![vec!["PING".to_owned()]; 2];
        match client.pipeline(two).now_or_never().expect("a transport that never waits") {
            Ok(replies) => assert_eq!((status, replies.len()), (200, 2)),
            Err(error) => is_short(Some(error)),
        }
    }
}

/// Error texts end up in logs.
fn is_short(error: Option<Error>) {
    if let Some(Error::Refused(text) | Error::Busy(text) | Error::Command(text)) = error {
        assert!(text.len() <= LONGEST_ERROR, "{text}");
    }
}

/// What Redis replied to the edge's functions.
pub fn function_reply(bytes: &[u8]) {
    let Ok(reply) = serde_json::from_slice::<Value>(bytes) else { return };
    drop(Redirect::parse(&reply));
    if let Value::Array(replies) = &reply {
        drop(Tracked::parse(replies));
    }
    drop(Tracked::parse(&[reply]));
}

/// What Redis sends to the gateway: however the network cuts it, the answers are the same, JSON, and of bounded size.
pub fn redis_replies(stream: &[u8]) {
    let whole = fuzzing::answers(stream, stream.len(), LIMIT);
    for piece in [1, 2, 7] {
        assert_eq!(fuzzing::answers(stream, piece, LIMIT), whole, "in pieces of {piece}");
    }
    for (status, json) in &whole.0 {
        assert!([200, 400, 503].contains(status) || *status == 403, "status {status}");
        // The limit, and the text that says that it was passed.
        assert!(json.len() <= LIMIT + 100, "{} bytes", json.len());
        let nests_little = json.iter().filter(|byte| **byte == b'[').count() < 100;
        assert!(
            !nests_little || serde_json::from_slice::<Value>(json).is_ok(),
            "{}",
            String::from_utf8_lossy(json)
        );
    }
}

/// A body that the gateway is sent: what it makes of it for Redis is as many words as were sent, and the same.
pub fn gateway_body(body: &[u8]) {
    for pipeline in [false, true] {
        for command in fuzzing::commands(body, pipeline).unwrap_or_default() {
            let (answers, broken) = fuzzing::answers(&command, command.len(), 2 * command.len() + LIMIT);
            assert_eq!((answers.len(), broken), (1, None), "a command is one array");
        }
    }
}
