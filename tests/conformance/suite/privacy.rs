//! §9: robots, addresses, privacy.

use reqwest::Method;
use serde_json::{Value, json};

use crate::Test;
use crate::edge::{Edge, request};
use crate::hostile::wire;

pub(crate) const TESTS: &[Test] = &[
    (&["9.1"], "robots_are_refused_unless_the_source_takes_them", robots),
    (&["9.2", "9.3"], "of_an_address_is_kept_what_the_operator_wants", addresses),
    (&["9.4"], "who_does_not_want_to_be_tracked_is_not", opting_out),
    (&["9.4", "7.2"], "opting_out_keeps_no_more_than_was_to_be_kept", opting_out_of_less),
    (&["9.4"], "webhooks_and_links_of_who_opted_out_name_no_session", opting_out_elsewhere),
    (&["9.5"], "cookies_and_credentials_are_not_stored", headers),
    (&["9.6"], "a_context_cannot_be_chosen_from_outside", context),
];

const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

fn robots(edge: &Edge<'_>) {
    let session = edge.id("s");
    edge.visit(&session, json!({}));
    let robot = |changes: Value, headers: &[(&str, &str)]| {
        edge.send(Method::POST, "/track", headers, request(&session, changes).to_string())
    };
    let in_body = json!({ "request": { "headers": { "user-agent": GOOGLEBOT } } });
    for answer in [robot(json!({}), &[("user-agent", GOOGLEBOT)]), robot(in_body, &[])] {
        assert_eq!(
            (answer.status, answer.body),
            (401, json!({ "detail": "Traffic from bot is not allowed." }))
        );
    }
    let accepted = robot(json!({ "source": { "id": "rest-robots" } }), &[("user-agent", GOOGLEBOT)]);
    assert_eq!(accepted.status, 200);
    assert_eq!(robot(json!({}), &[("user-agent", "curl/8.5.0")]).status, 200);
}

fn addresses(edge: &Edge<'_>) {
    let kept = |edge: &Edge<'_>, label: &str, forwarded: &str| {
        let session = edge.id(label);
        let body = request(&session, json!({})).to_string();
        let headers =
            [("x-forwarded-for", forwarded), ("x-real-ip", "6.6.6.6"), ("forwarded", "for=6.6.6.6")];
        edge.send(Method::POST, "/track", &headers, body);
        edge.stored(&session, 1)[0]["request"]["ip"].clone()
    };
    assert_eq!(kept(edge, "full", "6.6.6.6, 203.0.113.7"), "203.0.113.7");
    assert_eq!(kept(edge, "none", "unknown"), Value::Null);
    // Bytes that are no text hide no address, and a line before them does not become the last.
    let session = edge.id("bytes");
    let body = request(&session, json!({})).to_string();
    let head =
        format!("POST /track HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}", body.len());
    let lines = b"\r\nx-forwarded-for: 6.6.6.6\r\nx-forwarded-for: \xff, 203.0.113.7\r\n\r\n";
    let answer = wire::exchange(&edge.running.address, &[head.as_bytes(), lines, body.as_bytes()].concat());
    assert_eq!(answer.map(|answer| answer.status), Some(200));
    assert_eq!(edge.stored(&session, 1)[0]["request"]["ip"], "203.0.113.7");
    edge.with_settings(&[("TIDELINE_IP", "truncate"), ("TIDELINE_CLIENT_ADDRESS_HOPS", "2")], |edge| {
        assert_eq!(kept(edge, "cut", "6.6.6.6, 203.0.113.7, 10.0.0.1"), "203.0.113.0");
        assert_eq!(kept(edge, "cut6", "2001:db8:1:2::3, 10.0.0.1"), "2001:db8:1::");
    });
    edge.with_settings(&[("TIDELINE_IP", "drop")], |edge| {
        assert_eq!(kept(edge, "drop", "203.0.113.7"), Value::Null);
    });
}

fn opting_out(edge: &Edge<'_>) {
    let visit = |source: &str, session: &str, header: (&str, &str)| {
        let event_type = format!("{session}-seen");
        let changes = json!({
            "source": { "id": source }, "context": { "page": { "title": "secret" } },
            "events": [{ "type": event_type, "properties": { "a": 1 } }],
        });
        let headers = [header, ("x-forwarded-for", "203.0.113.7")];
        let answer = edge.send(Method::POST, "/track", &headers, request(session, changes).to_string());
        (answer, event_type)
    };
    let (answer, event_type) = visit("rest-source-1", &edge.id("ignored"), ("sec-gpc", "1"));
    assert_eq!(edge.stored_of_type(&event_type, 1)[0]["profile"]["id"], answer.profile().as_str());

    for header in [("sec-gpc", "1"), ("dnt", "1")] {
        let (answer, event_type) =
            visit("rest-anonymous", &edge.id(&format!("anonymous-{}", header.0)), header);
        let ids = (&answer.body["profile"]["id"], &answer.body["session"]["id"]);
        assert_eq!((answer.status, ids), (200, (&Value::Null, &Value::Null)));
        let stored = &edge.stored_of_type(&event_type, 1)[0];
        assert_eq!((&stored["profile"], &stored["session"]), (&Value::Null, &Value::Null));
        assert_eq!(stored["properties"], json!({ "a": 1 }));
        for personal in ["203.0.113.7", "secret", header.0] {
            assert!(!stored["request"].to_string().contains(personal), "{stored}");
        }
    }
    let session = edge.id("dropped");
    let (answer, event_type) = visit("rest-drop", &session, ("dnt", "1"));
    assert_eq!((answer.status, &answer.body["profile"]["id"]), (200, &Value::Null));
    assert!(!edge.stored_types(&session).contains(&event_type));
    let willing = edge.id("willing");
    let (answer, event_type) = visit("rest-drop", &willing, ("dnt", "0"));
    assert_eq!(edge.stored_of_type(&event_type, 1)[0]["profile"]["id"], answer.profile().as_str());

    let consent = json!({ "source": { "id": "rest-drop" }, "session": { "id": willing },
        "profile": { "id": answer.profile() }, "consents": { "tracking": true } });
    assert_eq!(
        edge.send(Method::POST, "/customer/consent", &[("sec-gpc", "1")], consent.to_string()).status,
        200
    );
    assert!(edge.stored_types(&willing).contains(&"consent-update".to_owned()));
}

fn opting_out_of_less(edge: &Edge<'_>) {
    let [unkept, kept] = ["unkept", "kept"].map(|label| edge.id(label));
    let visit = |event_type: &str, options: Value| {
        let source = json!({ "id": "rest-anonymous" });
        let changes = json!({ "source": source, "options": options, "events": [{ "type": event_type }] });
        edge.send(Method::POST, "/track", &[("dnt", "1")], request(&edge.id("s"), changes).to_string())
    };
    assert_eq!(visit(&unkept, json!({ "saveEvents": false })).status, 200);
    // Requests of a session are stored in their order, also of one that is not named any more.
    assert_eq!(visit(&kept, json!({})).status, 200);
    edge.stored_of_type(&kept, 1);
    assert_eq!(edge.stored_of_type(&unkept, 0), Vec::<Value>::new());
}

fn opting_out_elsewhere(edge: &Edge<'_>) {
    let session = edge.id("s");
    let unwilling = [("dnt", "1"), ("cookie", &format!("tracardi-session-id={session}"))];
    for source in ["hook-anonymous", "hook-drop"] {
        for path in [format!("/collect/order/{source}"), format!("/collect/order/{source}/{session}")] {
            let answer = edge.send(Method::POST, &path, &unwilling, "{}");
            let ids = (&answer.body["profile"]["id"], &answer.body["session"]["id"]);
            assert_eq!((answer.status, ids), (200, (&Value::Null, &Value::Null)), "{path}");
        }
    }
    let path = format!("/redirect/discreet?campaign={session}");
    assert_eq!(edge.send(Method::GET, &path, &unwilling, "").status, 307);
    let click = edge.find_stored("link-clicked", |click| click["properties"]["campaign"] == session.as_str());
    assert_eq!((&click["properties"]["visit"], &click["session"]), (&Value::Null, &Value::Null));
}

fn headers(edge: &Edge<'_>) {
    let session = edge.id("s");
    let sent = [
        ("cookie", "id=s3cret"),
        ("authorization", "Bearer s3cret"),
        ("x-api-key", "s3cret"),
        ("accept-language", "nb"),
    ];
    let answer = edge.send(Method::POST, "/track", &sent, request(&session, json!({})).to_string());
    assert_eq!(answer.status, 200);
    let stored = &edge.stored(&session, 1)[0];
    assert!(!stored.to_string().contains("s3cret"), "{stored}");
    assert_eq!(stored["request"]["headers"]["accept-language"], "nb", "{stored}");
}

fn context(edge: &Edge<'_>) {
    let session = edge.id("s");
    let answer = edge.send(
        Method::POST,
        "/track",
        &[("x-context", "staging")],
        request(&session, json!({})).to_string(),
    );
    assert_eq!((answer.status, answer.header("x-context")), (200, None));
    assert_eq!(edge.stored(&session, 1).len(), 1);
}
