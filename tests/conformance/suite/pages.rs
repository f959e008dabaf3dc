//! §8: what browsers need, and what they are refused.

use reqwest::Method;
use serde_json::json;
use tideline_e2e::Answer;

use crate::Test;
use crate::edge::{Edge, request};

pub(crate) const TESTS: &[Test] = &[
    (&["8.1"], "preflights_pass_for_every_endpoint", preflights),
    (&["8.2", "8.3"], "pages_may_read_answers_and_beacons_too", readable),
    (&["8.4"], "a_source_may_refuse_pages_of_other_sites", origins),
];

fn cors(answer: &Answer) -> [Option<&str>; 3] {
    ["access-control-allow-origin", "access-control-allow-credentials", "vary"]
        .map(|name| answer.header(name))
}

fn preflights(edge: &Edge<'_>) {
    let page = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,x-timestamp"),
    ];
    for path in ["/track", "/track/", "/collect/a/b", "/customer/consent", "/redirect/spring"] {
        let answer = edge.send(Method::OPTIONS, path, &page, "");
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(cors(&answer), [Some("https://shop.example"), Some("true"), Some("Origin")]);
        assert_eq!(answer.header("access-control-allow-headers"), Some("content-type,x-timestamp"));
        assert_eq!(answer.header("access-control-max-age"), Some("600"));
        assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
    }
    assert_eq!(edge.send(Method::OPTIONS, "/track", &[("origin", "https://shop.example")], "").status, 405);
    assert_eq!(edge.send(Method::OPTIONS, "/nowhere", &page, "").status, 404);
}

fn readable(edge: &Edge<'_>) {
    let body = request(&edge.id("s"), json!({})).to_string();
    let sent = |headers: &[(&str, &str)]| edge.send(Method::POST, "/track", headers, body.clone());
    let page = ("origin", "https://shop.example");
    assert_eq!(cors(&sent(&[page])), [Some("*"), Some("true"), None]);
    let beacon = sent(&[page, ("cookie", "a=1")]);
    assert_eq!(cors(&beacon), [Some("https://shop.example"), Some("true"), Some("Origin")]);
    assert_eq!(cors(&sent(&[])), [None, None, None]);
    let refused = edge.send(Method::POST, "/track", &[page], "{");
    assert_eq!((refused.status, cors(&refused)), (422, [Some("*"), Some("true"), None]));
}

fn origins(edge: &Edge<'_>) {
    let body = request(&edge.id("s"), json!({ "source": { "id": "rest-origins" } })).to_string();
    let from = |origin: &str| edge.send(Method::POST, "/track", &[("origin", origin)], body.clone());
    for allowed in ["https://shop.example", "HTTPS://Shop.Example", "http://localhost:8080"] {
        assert_eq!(from(allowed).status, 200, "{allowed}");
    }
    for other in [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:444",
        "null",
        "https://a.shop.example",
    ] {
        let answer = from(other);
        assert_eq!((answer.status, cors(&answer)[0]), (403, Some("*")), "{other}");
        assert!(answer.body["detail"].as_str().unwrap().contains("allowed origins"));
    }
    assert_eq!(edge.send(Method::POST, "/track", &[], body.clone()).status, 200);
}
