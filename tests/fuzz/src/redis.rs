//! Redis over HTTP: the client's reading of replies, and the gateway's of commands and of Redis.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;
use serde_json::value::RawValue;
use tideline_protocol::{Redirect, Tracked};
use tideline_redis_gateway::fuzzing::{self, Form};
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
        _within: Duration,
    ) -> Result<HttpReply, TransportError> {
        Ok(self.0.clone())
    }
}

/// A reply of the gateway, with whatever status, to one command and to two.
pub fn rest_reply(body: &[u8]) {
    for status in [200, 400, 401, 429, 500, 503] {
        let reply = HttpReply { status, body: body.to_vec() };
        let client = Client::new(Endpoint::new("http://h", "t").expect("an endpoint"), Replying(reply));
        let ping = client.command(vec!["PING".to_owned()], Duration::ZERO);
        let one = ping.now_or_never().expect("a transport that never waits");
        assert!(one.is_err() || status == 200, "{one:?}");
        is_short(one.err());
        let pings = client.pipeline(br#"[["PING"],["PING"]]"#.to_vec(), 2, Duration::ZERO);
        match pings.now_or_never().expect("a transport that never waits") {
            Ok(replies) => {
                assert_eq!(replies.len(), 2);
                for reply in replies {
                    assert!(reply.is_err() || status == 200, "{reply:?}");
                    is_short(reply.err());
                }
            }
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

/// What Redis sends to the gateway: however the network cuts it, the answers are the same, of bounded size, and in the
/// form that was asked for.
pub fn redis_replies(stream: &[u8]) {
    for form in [Form::Json, Form::Base64, Form::Resp2, Form::Transaction(1)] {
        let whole = fuzzing::answers(stream, stream.len(), LIMIT, form);
        for piece in [1, 2, 7] {
            assert_eq!(fuzzing::answers(stream, piece, LIMIT, form), whole, "in pieces of {piece}");
        }
        for (status, body) in &whole.0 {
            assert!([200, 400, 503].contains(status), "status {status}");
            let is_discarded = matches!(form, Form::Transaction(_)) && *status != 200;
            // The limit, and the text that says that it was passed, for each item. An error that stands for a whole
            // transaction is cut at 4 KiB, each byte of which may be escaped.
            let most = if is_discarded { 6 * 4096 + LIMIT } else { 2 * LIMIT };
            assert!(
                body.len() <= most || matches!(form, Form::Transaction(_)),
                "{form:?}: {} bytes",
                body.len()
            );
            is_json_or_resp2(form, body);
        }
    }
}

fn is_json_or_resp2(form: Form, body: &[u8]) {
    if form == Form::Resp2 {
        let (answers, broken) = fuzzing::answers(body, body.len(), 2 * LIMIT, Form::Resp2);
        assert_eq!((answers.len(), broken), (1, None), "{}", String::from_utf8_lossy(body));
        return;
    }
    let nests_little = body.iter().filter(|byte| **byte == b'[').count() < 100;
    let is_json = !nests_little || serde_json::from_slice::<Value>(body).is_ok();
    assert!(is_json, "{}", String::from_utf8_lossy(body));
}

/// What Redis pushes to a subscriber or monitor: however the network cuts it, the events are the same, and every line of
/// them is one that readers of events know.
pub fn redis_events(stream: &[u8]) {
    let whole = fuzzing::events(stream, stream.len(), LIMIT);
    for piece in [1, 2, 7] {
        assert_eq!(fuzzing::events(stream, piece, LIMIT), whole, "in pieces of {piece}");
    }
    let text = String::from_utf8(whole.0).expect("events are UTF-8");
    assert!(text.is_empty() || text.ends_with("\n\n"), "{text:?}");
    for line in text.split('\n') {
        assert!(line.is_empty() || (line.starts_with("data: ") && !line.contains('\r')), "{line:?}");
    }
}

/// A body that the gateway is sent: what it makes of it for Redis is what serde_json reads, word by word and to the
/// digit, and it refuses nothing else.
pub fn gateway_body(body: &[u8]) {
    for pipeline in [false, true] {
        let commands = fuzzing::commands(body, pipeline);
        let expected: Option<Vec<Vec<&RawValue>>> = match pipeline {
            false => serde_json::from_slice(body).ok().map(|command| vec![command]),
            true => serde_json::from_slice(body).ok(),
        };
        let expected: Option<Vec<_>> =
            expected.and_then(|list| list.iter().map(|words| encoded(words)).collect());
        assert_eq!(commands.ok(), expected);
    }
}

/// A command in RESP2, if all of its words can be in one.
fn encoded(words: &[&RawValue]) -> Option<Vec<u8>> {
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        let text = match word.get() {
            literal if literal.starts_with('"') => serde_json::from_str(literal).ok()?,
            literal if literal.starts_with(['n', '[', '{']) => return None,
            literal => literal.to_owned(),
        };
        write!(command, "${}\r\n{text}\r\n", text.len()).expect("strings take all");
    }
    (!words.is_empty()).then(|| command.into_bytes())
}

/// The address of a request to the gateway, up to the first line break, and a raw body behind it: it is one command, of
/// which the body is a part, and the token in the address is none.
pub fn gateway_path(input: &[u8]) {
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (target, body) = input.split_at(at);
    let body = body.get(1..).unwrap_or_default();
    let Ok(target) = std::str::from_utf8(target) else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Ok((command, _)) = fuzzing::path_command(path, query, body) else { return };
    is_one_array(&command);
    let sent = format!("${}\r\n", body.len()).into_bytes();
    let sent = [&sent[..], body, b"\r\n"].concat();
    assert!(
        body.is_empty() || command.windows(sent.len()).any(|part| part == sent),
        "the body is an argument"
    );

    let with_token = format!("{query}&_token=a%62c");
    let (same, token) = fuzzing::path_command(path, &with_token, body).expect("it was a command before");
    assert_eq!(same, command, "a token is no argument");
    assert!(token.is_some() || query.contains('='), "the token is found, or another was before it");
}

fn is_one_array(command: &[u8]) {
    let (answers, broken) = fuzzing::answers(command, command.len(), 2 * command.len() + LIMIT, Form::Json);
    assert_eq!((answers.len(), broken), (1, None), "a command is one array");
}
