//! The collector's parsers, each through the endpoint that strangers reach it by.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderName, HeaderValue, Method};

use crate::collector::answer;

const JSON: (&str, &str) = ("content-type", "application/json");

/// A body of `/track`.
pub fn track(body: &[u8]) {
    answer(Method::POST, "/track", &[JSON], body);
}

/// A body of `/collect`, in each form that bodies may have there.
pub fn webhook(body: &[u8]) {
    for media_type in [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
    ] {
        for path in ["/collect/seen/hook", "/collect/seen/hook/s-1"] {
            answer(Method::POST, path, &[("content-type", media_type)], body);
        }
    }
}

/// A body of `/redirect`, from which the link's template is filled.
pub fn redirect(body: &[u8]) {
    let answer = answer(Method::POST, "/redirect/spring/s-1?a=1", &[JSON], body);
    assert!([307, 413, 415].contains(&answer.status.as_u16()), "a link that was sent out has to work");
}

/// A body of `/customer/consent`.
pub fn consent(body: &[u8]) {
    answer(Method::POST, "/customer/consent?all=true", &[JSON], body);
}

/// A compressed body: any bytes that say so, and these bytes compressed, which are answered as they are.
pub fn gzip(body: &[u8]) {
    let compressed = [JSON, ("content-encoding", "gzip")];
    answer(Method::POST, "/track", &compressed, body);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let whole =
        encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes what is written");
    let plain = answer(Method::POST, "/track", &[JSON], body);
    assert_eq!(answer(Method::POST, "/track", &compressed, &whole), plain);
}

/// A path with a query, of every method.
pub fn target(bytes: &[u8]) {
    let target = String::from_utf8_lossy(bytes);
    let body = br#"{"source":{"id":"shop"},"session":{"id":"s"},"events":[{"type":"a"}]}"#;
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS] {
        answer(method.clone(), &target, &[], body);
        // Most paths lead nowhere: what follows is also read as what an endpoint's path goes on with.
        for endpoint in ["/collect/a/", "/redirect/", "/tracker/", "/track?profile_less="] {
            answer(method.clone(), &format!("{endpoint}{target}"), &[], body);
        }
    }
}

/// Headers, one a line.
pub fn head(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
        let name = HeaderName::from_bytes(name).ok()?;
        let value = HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?;
        // What is no UTF-8 is left out by the adapters.
        Some((name, String::from_utf8(value.as_bytes().to_vec()).ok()?))
    });
    let headers: Vec<(HeaderName, String)> = lines.collect();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = br#"{"source":{"id":"shop"},"session":{"id":"s"},"events":[{"type":"a"}]}"#;
    for (method, target) in [
        (Method::POST, "/track"),
        (Method::OPTIONS, "/track"),
        (Method::POST, "/collect/seen/hook"),
        (Method::GET, "/redirect/spring"),
        (Method::GET, "/tracker/tracker.js"),
    ] {
        answer(method, target, &headers, body);
    }
}
