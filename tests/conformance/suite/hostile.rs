//! Requests that nobody in good faith sends: each build gives each a documented answer, stays alive, and takes no more
//! memory than it may.

mod case;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::thread;

use reqwest::Method;
use serde_json::json;
use tideline_e2e::Answer;
use tideline_protocol::Lanes;

use crate::Test;
use crate::edge::{Edge, request};
use case::Case;

pub(crate) const TESTS: &[Test] = &[
    (&["1.4", "1.11", "1.12", "2.5"], "hostile_requests_are_answered_and_harm_nobody", corpus),
    (&["1.13"], "who_is_slow_is_given_up_and_nobody_waits", slow_clients),
    (&["1.13"], "of_a_body_that_breaks_off_nothing_is_stored", broken_off),
];

/// So that whoever is slow is given up while the test waits.
const IMPATIENT: [(&str, &str); 4] = [
    ("EDGE_HEADER_TIMEOUT_MS", "2000"),
    ("EDGE_BODY_TIMEOUT_MS", "2000"),
    ("TIDELINE_COLLECT_HEADER_TIMEOUT_MS", "2000"),
    ("TIDELINE_COLLECT_BODY_TIMEOUT_MS", "2000"),
];

/// The most memory that the corpus may add to a process. One request comes at a time, of 320 KiB at most: the host and
/// the component hold a few copies of it each, and an instance's memory, which never shrinks, may have 64 MiB.
const MOST_MEMORY: u64 = 64 << 20;

/// The most bytes of a request that stand in an error: 64 of a value (§1.4), and the quotation marks around it.
const MOST_REPEATED: usize = 66;

fn corpus(edge: &Edge<'_>) {
    edge.with_settings(&IMPATIENT, |edge| {
        is_well(edge);
        let before = edge.running.peak_memory();
        let (mut wrong, mut awaited) = (Vec::new(), Vec::new());
        // What a host answers by itself is what our hosts answer.
        for case in Case::all().into_iter().filter(|case| is_ours(edge) || !case.is_the_hosts()) {
            let session = edge.id(case.name());
            let request = case.request(&session);
            let answer = wire::exchange(&edge.running.address, &request);
            if let Some(fault) = fault_of(&case, &request, answer.as_ref()) {
                wrong.push(format!("{}: {fault}: {answer:?}", case.name()));
                continue;
            }
            if let Some(answer) = answer.filter(|_| !case.is_the_hosts()) {
                edge.compare(case.name(), &answer);
            }
            is_well(edge);
            awaited.extend(case.stored().map(|properties| (session, properties.clone())));
        }
        everything_is_processed(edge);
        for (session, expected) in awaited {
            let stored = &edge.stored(&session, 1)[0]["properties"];
            if *stored != expected {
                wrong.push(format!("{session}: stored as {stored}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        if let (Some(before), Some(after), true) = (before, edge.running.peak_memory(), is_ours(edge)) {
            let added = after - before;
            assert!(added < MOST_MEMORY, "the corpus took {added} bytes");
        }
        let log = std::fs::read_to_string(&edge.running.log).unwrap();
        for end in ["panicked", "instance ended", "ended without an answer", "returned an error"] {
            assert!(!log.contains(end), "{log}");
        }
        assert_eq!(edge.dead_letters(), [""; 0], "answered, and not to be processed");
    });
}

/// What is wrong with the answer, if anything is.
fn fault_of(case: &Case, request: &[u8], answer: Option<&Answer>) -> Option<String> {
    let status = answer.map_or(0, |answer| u64::from(answer.status));
    if !case.statuses().contains(&status) {
        return Some(format!("not one of {:?}", case.statuses()));
    }
    let answer = answer?;
    let first = &answer.body["detail"][0];
    let (kind, loc) = case.fault();
    if kind.is_some_and(|kind| *kind != first["type"]) || loc.is_some_and(|loc| *loc != first["loc"]) {
        return Some(format!("not {kind:?} at {loc:?}"));
    }
    if status < 400 {
        return None;
    }
    // What the HTTP library refuses has no body.
    let text = answer.body.to_string();
    let form = answer.body.is_null() || !answer.body["detail"].is_null();
    let sent = String::from_utf8_lossy(request);
    (!form || repeats(&text, &sent)).then(|| "of another form, or repeating too much".to_owned())
}

/// Whether a part of this text that is longer than what may be repeated stands in another.
fn repeats(text: &str, sent: &str) -> bool {
    // Such a part has one of these halves within; requests are large, and few have any.
    let half = MOST_REPEATED / 2;
    let halves = (0..text.len().saturating_sub(half)).step_by(half);
    let suspect = halves
        .map(|start| text.get(start..start + half))
        .any(|half| half.is_none_or(|half| sent.contains(half)));
    let mut parts = (0..text.len()).filter_map(|start| text.get(start..=start + MOST_REPEATED));
    suspect && parts.any(|part| sent.contains(part))
}

/// The build answers others as ever. On a connection of its own: one that was kept may be closed as it is used again.
fn is_well(edge: &Edge<'_>) {
    let request = b"GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = wire::exchange(&edge.running.address, request);
    assert_eq!(answer.as_ref().map(|answer| answer.status), Some(200), "{answer:?}");
}

/// Waits until all that was answered before is processed: a lane is processed in order.
fn everything_is_processed(edge: &Edge<'_>) {
    let lanes = Lanes::new("production", "local", Lanes::DEFAULT_COUNT).unwrap();
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for number in 0.. {
        let session = edge.id(&format!("last-{number}"));
        last.entry(lanes.of_session(&session).name().to_owned()).or_insert(session);
        if last.len() == usize::from(Lanes::DEFAULT_COUNT) {
            break;
        }
    }
    for session in last.values() {
        let body = request(session, json!({})).to_string();
        assert_eq!(edge.on_the_side(Method::POST, "/track", &[], body).status, 200);
    }
    for session in last.values() {
        edge.stored(session, 1);
    }
}

fn slow_clients(edge: &Edge<'_>) {
    edge.with_settings(&IMPATIENT, |edge| {
        let head = "POST /track HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
        let announced = format!("{head}content-length: 100000\r\n\r\n");
        let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
        let bodies = [
            (announced.as_str(), "", "a body that does not come"),
            (&announced, " ", "a body that comes byte by byte"),
            (&chunked, "1\r\n \r\n", "a body that comes in pieces"),
        ];
        let heads = [
            ("", "", "a connection that nothing comes on"),
            ("POST /track", "", "a line that does not end"),
            (head, "x", "a head that comes byte by byte"),
        ];
        let address = edge.running.address.as_str();
        thread::scope(|scope| {
            let slow = |(begin, rest, what): (&str, &str, &'static str)| {
                let (begin, rest) = (begin.to_owned(), rest.to_owned());
                (what, scope.spawn(move || wire::dribble(address, begin.as_bytes(), rest.as_bytes())))
            };
            // How long other hosts wait is theirs to decide.
            let on_ours = |_: &_| is_ours(edge);
            let bodies: Vec<_> = bodies.into_iter().filter(on_ours).map(slow).collect();
            let heads: Vec<_> = heads.into_iter().filter(on_ours).map(slow).collect();
            // Meanwhile others are served.
            for number in 0..20 {
                assert_eq!(edge.visit(&edge.id(&number.to_string()), json!({})).status, 200);
            }
            for (what, slow) in bodies {
                let answer = slow.join().expect(what).expect(what);
                assert_eq!(
                    (answer.status, answer.body["detail"].is_string()),
                    (408, true),
                    "{what}: {answer:?}"
                );
            }
            for (what, slow) in heads {
                let answer = slow.join().expect(what);
                assert!(answer.as_ref().is_none_or(|answer| answer.status == 408), "{what}: {answer:?}");
            }
        });
        is_well(edge);
    });
}

fn broken_off(edge: &Edge<'_>) {
    let session = edge.id("s");
    let head = format!("POST /collect/order/hook-source-1/{session} HTTP/1.1\r\nhost: a\r\n");
    for rest in [
        "content-length: 500\r\n\r\n",
        "content-length: 500\r\n\r\n{}",
        "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ] {
        let answer = wire::cut(&edge.running.address, format!("{head}{rest}").as_bytes());
        assert!(answer.as_ref().is_none_or(|answer| answer.status == 400), "{rest}: {answer:?}");
    }
    is_well(edge);
    assert!(!edge.stored_types(&session).contains(&"order".to_owned()));
}

/// Whether the host is ours as well.
fn is_ours(edge: &Edge<'_>) -> bool {
    edge.running.name != "wasmtime"
}
