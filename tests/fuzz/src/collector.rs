//! A collector without a network, and what must hold of whatever it answers and stores.

use std::cell::Cell;
use std::collections::HashMap;

use futures_util::FutureExt as _;
use http::{HeaderValue, Method};
use serde_json::Value;
use tideline_collector::{
    Admission, Began, Clock, Collector, Commit, CommitError, Entropy, RequestHead, Response, SentBody,
    Settings,
};
use tideline_protocol::{EntryId, Identification, Redirect, StreamRecord, TrackCall, TrackReply, Tracked};

use crate::pipeline;

/// The statuses of `docs/protocol.md`, but for those that only a host or an outage brings about.
const DOCUMENTED: [u16; 11] = [200, 201, 304, 307, 401, 403, 404, 405, 413, 415, 422];

/// The most bytes of a value that an error repeats, with the sign that it was cut or the quotation marks around it.
const MOST_REPEATED: usize = 67;

/// More bytes than any sentence has that we write.
const LONGEST_SENTENCE: usize = 300;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> u64 {
        1_795_372_946_098
    }
}

#[derive(Default)]
struct Counting(Cell<u8>);

impl Entropy for Counting {
    fn bytes(&self) -> [u8; 16] {
        self.0.set(self.0.get().wrapping_add(1));
        [self.0.get(); 16]
    }
}

/// Redis as it would answer a source that has every rule, and the private service as it would read what is stored.
struct Redis;

impl Commit for Redis {
    fn begin(&self) -> Began {
        Began::default()
    }

    async fn commit(&self, call: TrackCall, _began: Began) -> Result<Tracked, CommitError> {
        let facts = call.facts;
        let reply = if facts.opted_out {
            TrackReply::AnonymousOnly
        } else if call.claim.as_ref().is_some_and(|claim| claim.doubtful) {
            TrackReply::Unresolved
        } else if call.bridge == "webhook" && !facts.identified {
            TrackReply::Identify(Identification {
                replace_profile_id: None,
                generate_profile: vec!["customer.id".to_owned(), "mail".to_owned()],
                sticky_session: true,
            })
        } else if call.record.events == 0 {
            TrackReply::Empty
        } else {
            assert!(!call.commands().is_empty());
            store(&call);
            TrackReply::Stored { profile: call.record.profile, transitional: false, personal: None }
        };
        Ok(Tracked { reply, survivor: None })
    }

    async fn redirect(&self, _key: String, _began: Began) -> Result<Option<Redirect>, CommitError> {
        Ok(Some(Redirect {
            url: "https://shop.example/".to_owned(),
            source: "links".to_owned(),
            event_type: "link-clicked".to_owned(),
            props:
                r#"{"a":"payload@params.a.b","b":{"c":"payload@body.a"},"d":"payload@body","s":"session@id"}"#
                    .to_owned(),
        }))
    }
}

/// Whatever the edge stores, the private service can read.
fn store(call: &TrackCall) {
    let record = &call.record;
    let flags = u8::from(record.new_session) | u8::from(record.new_profile) << 1;
    let mut entry: HashMap<&str, String> =
        record.edge_fields().into_iter().map(|(name, value)| (name, value.into_owned())).collect();
    entry.insert("pro", record.profile.clone().unwrap_or_default());
    entry.insert("new", flags.to_string());
    let read = StreamRecord::from_fields(|name| entry.get(name).cloned()).expect("a readable entry");
    assert_eq!(read, *record);
    pipeline::processed(&read, &call.lane, EntryId::default()).unwrap_or_else(|reason| {
        panic!("the edge stored what the private service refuses, {reason}: {}", record.body)
    });
}

/// Answers a request as an adapter does.
pub(crate) fn answer(method: Method, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let head = RequestHead::new(method, target, headers);
    let collector = Collector::new(settings(), Noon, Counting::default(), Redis);
    let response = match collector.admit(&head) {
        Admission::Answer(response) => response,
        Admission::Body { limit } => {
            let sent = if body.len() > limit { SentBody::TooLarge } else { SentBody::Whole(body.to_vec()) };
            let answered = collector.answer(&head, sent).now_or_never().expect("ports that never wait");
            assert!(answered.note.is_none_or(|note| note.len() <= 2 * LONGEST_SENTENCE));
            answered.response
        }
    };
    check(&response);
    response
}

fn check(response: &Response) {
    let status = response.status.as_u16();
    assert!(DOCUMENTED.contains(&status), "status {status}");
    for (name, value) in &response.headers {
        assert!(HeaderValue::from_str(value).is_ok(), "`{name}` cannot be sent: {value:?}");
    }
    if status >= 400 && !response.headers.contains(&("content-type", "image/gif".into())) {
        let answer: Value = serde_json::from_slice(&response.body).expect("an error is JSON");
        repeats_little(&answer["detail"]);
    }
}

/// An error names what is wrong, and repeats no more of what was sent than `docs/protocol.md` §1.4 says.
fn repeats_little(detail: &Value) {
    match detail {
        Value::String(sentence) => assert!(sentence.len() <= LONGEST_SENTENCE, "{sentence}"),
        Value::Array(faults) => {
            for fault in faults {
                let steps = fault["loc"].as_array().expect("a place").iter().filter_map(Value::as_str);
                assert!(steps.map(str::len).all(|length| length <= MOST_REPEATED), "{fault}");
                assert!(fault["input"].to_string().len() <= MOST_REPEATED, "{fault}");
                assert!(fault.to_string().len() <= LONGEST_SENTENCE + 3 * MOST_REPEATED, "{fault}");
            }
        }
        other => panic!("{other} is no detail"),
    }
}

fn settings() -> Settings {
    const KEY: &str = "00112233445566778899aabbccddeeff";
    let variables = [
        ("UPSTASH_REDIS_REST_URL", "http://127.0.0.1:1"),
        ("UPSTASH_REDIS_REST_TOKEN", "token"),
        ("TIDELINE_PROFILE_ID_KEYS", KEY),
        ("TIDELINE_CLIENT_ADDRESS_HEADER", "x-forwarded-for"),
        ("TIDELINE_IP", "truncate"),
        ("TIDELINE_TRACK_DEBUG", "yes"),
        ("TIDELINE_IDENTITY_SALT", KEY),
    ];
    Settings::from_variables(&variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .expect("settings")
}
