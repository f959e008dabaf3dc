//! What the head of a request decides, and the endpoints beside `/track`.

use futures_util::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use tideline_collector::{Admission, CommitError, SentBody};
use tideline_protocol::{Redirect, TrackReply};

use crate::support::{Recording, body, collector, head, header, send};

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
    let table: [Row; 14] = [
        (Method::GET, "/tracker/tracker.js", &[], (200, None)),
        (Method::GET, "/tracker/other.js", &[], (404, None)),
        (Method::DELETE, "/collect/a/b", &[], (405, Some("GET, POST"))),
        (Method::GET, "/readyz", &[], (u16::MAX, Some("262144"))),
        (Method::GET, "/healthz", &[], (200, None)),
        (Method::POST, "/healthz", &[], (405, Some("GET, HEAD"))),
        (Method::GET, "/", &[], (404, None)),
        (Method::GET, "/track", &[], (405, Some("POST, PUT"))),
        (Method::OPTIONS, "/track", &[], (405, Some("POST, PUT"))),
        (
            Method::OPTIONS,
            "/track",
            &[("origin", "https://a"), ("access-control-request-method", "POST")],
            (200, None),
        ),
        (Method::POST, "/track", &[("content-length", "262145")], (413, None)),
        (Method::POST, "/redirect/a", &[("content-length", "262145")], (u16::MAX, Some("262144"))),
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

#[test]
fn a_webhook_without_a_session_belongs_to_nobody() {
    let commit = Recording::default();
    let request =
        head(Method::POST, "/collect/coupon%20received/Hook", &[("content-type", "application/json")]);
    let response = send(&commit, &request, r#"{"voucher":"A1"}"#).response;
    assert_eq!((response.status.as_u16(), body(&response)["profile"]["id"].clone()), (200, Value::Null));
    assert_eq!(body(&response)["session"]["id"].as_str().unwrap().len(), 36);
    let call = &commit.calls.borrow()[0];
    assert_eq!((call.bridge, call.record.source.as_str(), &call.record.profile), ("webhook", "hook", &None));
    assert!(call.facts.session_less);
    assert_eq!(
        call.record.body,
        r#"{"source":{"id":"Hook"},"options":{"saveSession":false},"events":[{"type":"coupon received","properties":{"voucher":"A1"}}]}"#
    );
}

#[test]
fn a_webhook_with_a_session_is_a_visitors() {
    let commit = Recording::default();
    let response = send(&commit, &head(Method::GET, "/collect/opened/hook/s-1?a=1", &[]), "").response;
    assert_eq!(body(&response)["session"]["id"], "s-1");
    let call = &commit.calls.borrow()[0];
    assert_eq!(body(&response)["profile"]["id"].as_str(), call.record.profile.as_deref());
    assert!(call.record.new_profile && !call.facts.session_less);
    assert!(call.record.body.contains(r#""properties":{"a":"1"}"#), "{}", call.record.body);
}

#[test]
fn a_mail_gets_an_image_whatever_becomes_of_its_event() {
    for (reply, status) in [
        (Ok(TrackReply::Stored { profile: None, transitional: false, personal: None }), 200),
        (Ok(TrackReply::UnknownSource), 401),
    ] {
        let commit = Recording::replying(reply);
        let response =
            send(&commit, &head(Method::GET, "/collect/opened/hook?pixel&mail=7", &[]), "").response;
        assert_eq!(
            (response.status.as_u16(), header(&response, "content-type")),
            (status, Some("image/gif"))
        );
        assert!(response.body.starts_with(b"GIF89a"));
        assert!(commit.calls.borrow()[0].record.body.contains(r#""properties":{"mail":"7"}"#));
    }
}

#[test]
fn a_redirect_leads_on_whether_or_not_it_is_counted() {
    let redirect = Redirect {
        url: "https://shop.example/sale".into(),
        source: "links".into(),
        event_type: "click".into(),
        props: r#"{"campaign":"payload@params.c"}"#.into(),
    };
    for (reply, noted) in [
        (Ok(TrackReply::Stored { profile: None, transitional: false, personal: None }), false),
        (Ok(TrackReply::DisabledSource), true),
        (Err(CommitError("out of reach".into())), true),
    ] {
        let commit = Recording { redirect: Some(redirect.clone()), ..Recording::replying(reply) };
        let answered = send(&commit, &head(Method::GET, "/redirect/spring?c=mail", &[]), "");
        assert_eq!(answered.response.status, 307);
        assert_eq!(header(&answered.response, "location"), Some("https://shop.example/sale"));
        assert_eq!(answered.note.is_some(), noted);
        let call = &commit.calls.borrow()[0];
        assert_eq!((call.bridge, &call.record.profile), ("redirect", &None));
        assert!(call.record.body.contains(r#""properties":{"campaign":"mail"}"#), "{}", call.record.body);
    }
    let unknown = send(&Recording::default(), &head(Method::GET, "/redirect/no-such", &[]), "").response;
    assert_eq!((unknown.status.as_u16(), body(&unknown)), (404, json!({"detail":"Not Found"})));
}

fn spring(props: &str) -> Redirect {
    Redirect {
        url: "https://shop.example/sale".into(),
        source: "links".into(),
        event_type: "click".into(),
        props: props.into(),
    }
}

#[test]
fn a_redirect_leads_on_without_a_body_that_nobody_can_read() {
    for (headers, sent) in [
        (&[("content-encoding", "br")][..], SentBody::Whole(b"{}".to_vec())),
        (&[("content-encoding", "gzip")], SentBody::Whole(b"{}".to_vec())),
        (&[], SentBody::TooLarge),
    ] {
        let commit =
            Recording { redirect: Some(spring(r#"{"a":"payload@body.a"}"#)), ..Recording::default() };
        let request = head(Method::POST, "/redirect/spring", headers);
        let response = collector(&commit).answer(&request, sent).now_or_never().unwrap().response;
        assert_eq!(response.status, 307, "{headers:?}");
        assert!(commit.calls.borrow()[0].record.body.contains(r#""properties":{"a":null}"#));
    }
}

#[test]
fn a_redirect_of_who_opted_out_tells_no_session() {
    let commit = Recording {
        redirect: Some(spring(r#"{"s":"session@id","c":"payload@params.c"}"#)),
        ..Recording::replying(Ok(TrackReply::AnonymousOnly))
    };
    let headers = [("dnt", "1"), ("cookie", "tracardi-session-id=s-1")];
    assert_eq!(
        send(&commit, &head(Method::GET, "/redirect/spring?c=mail", &headers), "").response.status,
        307
    );
    let calls = commit.calls.borrow();
    assert!(
        calls[0].record.body.contains(r#""properties":{"s":"s-1","c":"mail"}"#),
        "{}",
        calls[0].record.body
    );
    let anonymous = &calls[1].record.body;
    assert!(anonymous.contains(r#""properties":{"s":null,"c":"mail"}"#), "{anonymous}");
    assert!(!anonymous.contains("s-1"), "{anonymous}");
}

#[test]
fn of_a_body_that_broke_off_nothing_is_stored() {
    for path in ["/track", "/collect/order/hook", "/customer/consent", "/redirect/spring"] {
        let commit = Recording { redirect: Some(spring("{}")), ..Recording::default() };
        let request = head(Method::POST, path, &[]);
        let response =
            collector(&commit).answer(&request, SentBody::BrokenOff).now_or_never().unwrap().response;
        assert_eq!((response.status.as_u16(), body(&response)["detail"].is_string()), (400, true), "{path}");
        assert!(commit.calls.borrow().is_empty(), "{path}");
    }
}

#[test]
fn an_encoding_of_no_body_matters_to_nobody() {
    for path in ["/readyz", "/collect/opened/hook?pixel"] {
        let unknown = Recording::replying(Ok(TrackReply::UnknownSource));
        let answered = send(&unknown, &head(Method::GET, path, &[("content-encoding", "gzip")]), "");
        assert_ne!(answered.response.status, 415, "{path}");
    }
}

#[test]
fn readiness_asks_what_redis_would_refuse_if_it_could_not_write_and_writes_nothing() {
    let ready = |reply| {
        let commit = Recording::replying(reply);
        let answered = send(&commit, &head(Method::GET, "/readyz", &[("user-agent", "probe")]), "");
        let calls = commit.calls.borrow();
        // No event source has an empty id, so it is refused before anything is written.
        assert_eq!((calls.len(), calls[0].record.source.as_str(), calls[0].record.headers.len()), (1, "", 0));
        (answered.response.status.as_u16(), answered.note)
    };
    assert_eq!(ready(Ok(TrackReply::UnknownSource)), (200, None));
    for reply in [
        Err(CommitError("busy or out of reach: OOM command not allowed".into())),
        Ok(TrackReply::Stored { profile: None, transitional: false, personal: None }),
    ] {
        let (status, note) = ready(reply);
        assert_eq!((status, note.is_some()), (503, true));
    }
}

#[test]
fn the_script_says_by_itself_which_pages_may_read_it() {
    let commit = Recording::default();
    let collector = collector(&commit);
    let answer = |headers: &[(&str, &str)]| match collector.admit(&head(
        Method::GET,
        "/tracker/tracker.js",
        headers,
    )) {
        Admission::Answer(response) => response,
        Admission::Body { .. } => panic!("the script takes no body"),
    };
    let page = answer(&[("origin", "https://a"), ("cookie", "x=1")]);
    assert_eq!(page, answer(&[]));
    assert_eq!(header(&page, "access-control-allow-origin"), Some("*"));
}

#[test]
fn a_consent_is_an_event_of_a_known_session() {
    let consent =
        r#"{"source":{"id":"s"},"session":{"id":"x"},"profile":{"id":"p"},"consents":{"marketing":true}}"#;
    let commit = Recording::replying(Ok(TrackReply::Stored {
        profile: Some("p".into()),
        transitional: false,
        personal: None,
    }));
    let response = send(&commit, &head(Method::POST, "/customer/consent?all=true", &[]), consent).response;
    assert_eq!((response.status.as_u16(), body(&response)), (200, Value::Null));
    let call = &commit.calls.borrow()[0];
    assert!(call.facts.known_session_only);
    let event = r#"[{"type":"consent-update","properties":{"consents":{"marketing":true},"all":true}}]"#;
    assert!(call.record.body.ends_with(&format!("\"events\":{event}}}")), "{}", call.record.body);

    let unknown = Recording::replying(Ok(TrackReply::UnknownSession));
    let response = send(&unknown, &head(Method::POST, "/customer/consent", &[]), consent).response;
    assert_eq!((response.status.as_u16(), body(&response)), (403, json!({"detail":"Access denied"})));
}
