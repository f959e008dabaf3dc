//! §1 and §2: which endpoints there are, and what each does.

use reqwest::Method;
use serde_json::{Value, json};
use tideline_e2e::Answer;

use crate::Test;
use crate::edge::{Edge, request};

pub(crate) const TESTS: &[Test] = &[
    (&["1.1"], "nothing_but_the_endpoints_is_public", nothing_else_is_public),
    (&["1.2", "1.3"], "methods_and_slashes", methods_and_slashes),
    (&["1.4", "1.5"], "errors_have_one_form_and_every_answer_its_length", form_of_errors),
    (&["1.6"], "what_was_answered_is_stored", answered_is_stored),
    (&["1.7"], "without_redis_events_are_refused_for_now", without_redis),
    (&["1.8"], "no_answer_sets_a_cookie", no_cookies),
    (&["1.9", "1.10"], "health_and_readiness", health),
    (&["1.14"], "a_source_that_sends_too_much_is_told_when_to_come_again", rate_limit),
    (&["2.1", "2.2"], "post_stores_and_put_only_checks", put_only_checks),
    (&["2.3"], "a_webhook_belongs_to_nobody", webhook),
    (&["2.4"], "a_webhook_of_a_session_is_a_visitors", webhook_of_a_session),
    (&["2.5"], "properties_come_from_any_form_of_body", properties),
    (&["2.6"], "mails_get_an_image", pixel),
    (&["2.7", "2.8"], "a_redirect_leads_on_and_is_counted", redirect),
    (&["2.9"], "a_redirect_knows_the_session", redirect_of_a_session),
    (&["2.10"], "a_redirect_leads_on_uncounted", redirect_uncounted),
    (&["2.11"], "consents_are_events_of_known_sessions", consent),
    (&["2.12", "8.2"], "the_script_is_served_small_and_cached", script),
];

fn nothing_else_is_public(edge: &Edge<'_>) {
    for path in [
        "/",
        "/healthcheck",
        "/info/version",
        "/install",
        "/openapi.json",
        "/api/v1/events",
        "/track/x",
        "/collect/a",
    ] {
        let answer = edge.get(path);
        assert_eq!((answer.status, answer.body), (404, json!({ "detail": "Not Found" })), "{path}");
    }
}

fn methods_and_slashes(edge: &Edge<'_>) {
    let table = [
        (Method::GET, "/track", "POST, PUT"),
        (Method::DELETE, "/track/", "POST, PUT"),
        (Method::OPTIONS, "/track", "POST, PUT"),
        (Method::PUT, "/collect/a/hook-source-1", "GET, POST"),
        (Method::PATCH, "/redirect/spring", "GET, POST, PUT, DELETE"),
        (Method::GET, "/customer/consent/", "POST"),
        (Method::POST, "/tracker/tracker.js", "GET, HEAD"),
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::DELETE, "/readyz", "GET, HEAD"),
    ];
    for (method, path, allow) in table {
        let answer = edge.send(method.clone(), path, &[], "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
        assert_eq!(answer.body, json!({ "detail": "Method Not Allowed" }));
    }
    let session = edge.id("s");
    for path in ["/track", "/track/"] {
        assert_eq!(edge.post(path, &request(&session, json!({})).to_string()).status, 200);
    }
}

fn form_of_errors(edge: &Edge<'_>) {
    let long = "x".repeat(200);
    let answers = [
        edge.get("/nowhere"),
        edge.post("/track", "{"),
        edge.visit("s", json!({ "source": { "id": "no-such-source" }, "properties": { "secret": long } })),
        edge.visit("s", json!({ "events": [{ "type": "a", "properties": long }] })),
    ];
    for answer in answers {
        assert!(answer.status >= 400 && !answer.body["detail"].is_null(), "{answer:?}");
        assert!(!answer.body.to_string().contains(&long), "{answer:?}");
    }
    for answer in
        [edge.get("/healthz"), edge.get("/tracker/tracker.js"), edge.visit(&edge.id("s"), json!({}))]
    {
        assert!(answer.header("content-length").is_some(), "{answer:?}");
    }
}

fn answered_is_stored(edge: &Edge<'_>) {
    let session = edge.id("s");
    let answer = edge
        .visit(&session, json!({ "events": [{ "type": "a", "properties": { "n": 1 } }, { "type": "b" }] }));
    assert_eq!((answer.status, answer.session()), (200, session.clone()));
    let stored = edge.stored(&session, 2);
    let types: Vec<_> = stored.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["a", "b"]);
    assert_eq!(stored[0]["properties"]["n"], 1);
    assert!(stored.iter().all(|event| event["profile"]["id"] == answer.profile().as_str()));
}

fn without_redis(edge: &Edge<'_>) {
    // Nobody listens on this port.
    edge.with_settings(&[("UPSTASH_REDIS_REST_URL", "http://127.0.0.1:9")], |edge| {
        let paths = ["/track", "/collect/a/hook-source-1", "/redirect/spring"];
        for path in paths {
            let answer = edge.post(path, &request("s", json!({})).to_string());
            assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{path}");
        }
        assert_eq!(edge.get("/readyz").status, 503);
        assert_eq!(edge.get("/healthz").status, 200);
    });
}

fn no_cookies(edge: &Edge<'_>) {
    let [first, second] = ["s1", "s2"].map(|label| edge.id(label));
    let known = edge.visit(&first, json!({}));
    assert_eq!(known.header("set-cookie"), None);
    // A cookie that names a session and a profile changes nothing for a request that names none.
    let cookie = format!("tracardi-session-id={first}; tracardi-profile-id={}", known.profile());
    let body = request(&second, json!({})).to_string();
    let answer = edge.send(Method::POST, "/track", &[("cookie", &cookie)], body);
    assert_ne!(answer.profile(), known.profile());
    assert_eq!(answer.session(), second);
}

fn rate_limit(edge: &Edge<'_>) {
    let session = edge.id("s");
    let body = |event: &str| {
        json!({
            "source": { "id": format!("limited {}", edge.running.name) }, "session": { "id": session },
            "events": [{ "id": edge.id(event), "type": "page-view" }],
        })
        .to_string()
    };
    let first = edge.post("/track", &body("first"));
    assert_eq!(first.status, 200);
    let more = edge.post("/track", &body("more"));
    assert_eq!(more.status, 429);
    let seconds: u64 = more.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=16).contains(&seconds), "{seconds}");
    assert_eq!(edge.post("/track", &body("first")).body["profile"], first.body["profile"]);
}

fn health(edge: &Edge<'_>) {
    assert_eq!(edge.get("/healthz").body, json!({ "status": "ok" }));
    assert_eq!(edge.get("/readyz").body, json!({ "status": "ready" }));
    assert_eq!(edge.send(Method::HEAD, "/readyz", &[], "").status, 200);
}

fn put_only_checks(edge: &Edge<'_>) {
    let session = edge.id("s");
    let put = |body: String| edge.send(Method::PUT, "/track", &[("content-type", "application/json")], body);
    let answer = put(request(&session, json!({})).to_string());
    assert_eq!((answer.status, answer.body), (200, Value::Null));
    assert_eq!(put("{}".to_owned()).status, 422);
    assert_eq!(edge.visit(&session, json!({ "events": [{ "type": "posted" }] })).status, 200);
    assert!(!edge.stored_types(&session).contains(&"page-view".to_owned()));
}

fn webhook(edge: &Edge<'_>) {
    let event_type = edge.id("coupon");
    let answer = edge.post(&format!("/collect/{event_type}/hook-source-1"), r#"{"voucher":"A1"}"#);
    assert_eq!((answer.status, &answer.body["profile"]["id"]), (200, &Value::Null));
    assert_eq!(answer.session().len(), 36);
    let stored = edge.stored_of_type(&event_type, 1);
    assert_eq!(stored[0]["properties"], json!({ "voucher": "A1" }));
    assert_eq!((&stored[0]["profile"], &stored[0]["session"]), (&Value::Null, &Value::Null));
    assert_eq!(edge.document(&format!("sessions/{}", answer.session())), None);
}

fn webhook_of_a_session(edge: &Edge<'_>) {
    let session = edge.id("s");
    let visit = edge.visit(&session, json!({}));
    let posted = edge.post(&format!("/collect/coupon/hook-source-1/{session}"), r#"{"voucher":"A1"}"#);
    let got = edge.get(&format!("/collect/coupon/hook-source-1/{session}?voucher=A2"));
    for answer in [&posted, &got] {
        assert_eq!((answer.profile(), answer.session()), (visit.profile(), session.clone()));
    }
    let stored = edge.stored(&session, 3);
    assert_eq!(stored[2]["properties"], json!({ "voucher": "A2" }));
    assert_eq!(stored[2]["profile"]["id"], visit.profile().as_str());
}

fn properties(edge: &Edge<'_>) {
    let multipart = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                     --x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"p.png\"\r\ncontent-type: image/png\r\n\r\n\u{1}\r\n--x--\r\n";
    let file = json!({ "filename": "p.png", "content_type": "image/png", "size": 1 });
    let table = [
        ("application/json", r#"{"a":{"b":[1]}}"#, json!({ "a": { "b": [1] } })),
        ("application/json; charset=utf-8", "[1]", json!({ "body": [1] })),
        (
            "application/x-www-form-urlencoded",
            "a=1&b=x+y&b=%C3%BC",
            json!({ "a": "1", "b": ["x y", "\u{fc}"] }),
        ),
        ("multipart/form-data; boundary=x", multipart, json!({ "a": "1", "f": file })),
        ("text/plain", "hello", json!({ "body": "hello" })),
    ];
    for (number, (content_type, body, expected)) in table.into_iter().enumerate() {
        let event_type = edge.id(&number.to_string());
        let path = format!("/collect/{event_type}/hook-source-1");
        let answer = edge.send(Method::POST, &path, &[("content-type", content_type)], body);
        assert_eq!(answer.status, 200, "{content_type}: {answer:?}");
        assert_eq!(edge.stored_of_type(&event_type, 1)[0]["properties"], expected, "{content_type}");
    }
    let event_type = edge.id("query");
    edge.get(&format!("/collect/{event_type}/hook-source-1?a=1&a=2&b=%22"));
    assert_eq!(edge.stored_of_type(&event_type, 1)[0]["properties"], json!({ "a": ["1", "2"], "b": "\"" }));
    let answer = edge.post("/collect/a/hook-source-1", r#"{"voucher":"#);
    assert_eq!((answer.status, &answer.body["detail"][0]["type"]), (422, &json!("json_invalid")));
    let answer = edge.post("/collect/a/hook-source-1", "");
    assert_eq!((answer.status, &answer.body["detail"][0]["type"]), (422, &json!("missing")));
    // Nobody said that this is JSON.
    assert_eq!(edge.send(Method::POST, "/collect/a/hook-source-1", &[], "").status, 200);
}

fn pixel(edge: &Edge<'_>) {
    let event_type = edge.id("opened");
    let image = |answer: Answer| {
        let header = |name: &str| answer.header(name).map(str::to_owned);
        assert_eq!(header("content-type").as_deref(), Some("image/gif"));
        assert_eq!(header("content-length").as_deref(), Some("43"));
        assert_eq!(header("cache-control").as_deref(), Some("no-store"));
        answer.status
    };
    assert_eq!(image(edge.get(&format!("/collect/{event_type}/hook-source-1?pixel&mail=7"))), 200);
    assert_eq!(edge.stored_of_type(&event_type, 1)[0]["properties"], json!({ "mail": "7" }));
    assert_eq!(image(edge.get("/collect/opened/no-such-source?pixel=1")), 401);
}

/// Follows no redirect: where it leads is what is tested.
fn follow(edge: &Edge<'_>, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let answer = edge.send(method, path, headers, body);
    assert_eq!(answer.status, 307, "{answer:?}");
    answer
}

fn redirect(edge: &Edge<'_>) {
    let session = edge.id("s");
    edge.visit(&session, json!({}));
    let path = format!("/redirect/Spring/{session}?campaign=mail");
    let json_body = [("content-type", "application/json")];
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
        let answer = follow(edge, method, &path, &json_body, r#"{"by":"ann"}"#);
        assert_eq!(answer.header("location"), Some("https://shop.example/sale?from=mail"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    for path in ["/redirect/no-such", "/redirect/gone"] {
        let answer = edge.get(path);
        assert_eq!((answer.status, answer.body), (404, json!({ "detail": "Not Found" })));
    }
    let ours = |sender: Value| {
        edge.find_stored("link-clicked", |click| {
            let properties = &click["properties"];
            properties["visit"] == session.as_str() && properties["sent"]["by"] == sender
        })
    };
    for sender in [json!("ann"), Value::Null] {
        let properties = &ours(sender)["properties"];
        assert_eq!((&properties["campaign"], &properties["fixed"]), (&json!("mail"), &json!(7)));
        assert_eq!(properties["page"], Value::Null);
    }
}

fn redirect_of_a_session(edge: &Edge<'_>) {
    let session = edge.id("s");
    edge.visit(&session, json!({}));
    let cookie = format!("a=1; tracardi-session-id={session}");
    follow(edge, Method::GET, &format!("/redirect/spring?campaign={session}"), &[("cookie", &cookie)], "");
    let nobody = edge.id("nobody");
    follow(edge, Method::GET, &format!("/redirect/spring?campaign={nobody}"), &[], "");
    for (campaign, visit) in [(&session, json!(session)), (&nobody, Value::Null)] {
        let click =
            edge.find_stored("link-clicked", |click| click["properties"]["campaign"] == campaign.as_str());
        assert_eq!(click["properties"]["visit"], visit);
        assert_eq!(click["profile"].is_null(), visit.is_null(), "{click}");
    }
}

fn redirect_uncounted(edge: &Edge<'_>) {
    let answer = follow(edge, Method::GET, "/redirect/uncounted", &[], "");
    assert_eq!(answer.header("location"), Some("https://shop.example/"));
    // Whatever was sent along.
    let label = edge.id("unread");
    let path = format!("/redirect/spring?campaign={label}");
    let gzip = [("content-encoding", "gzip")];
    for (method, headers, body) in [
        (Method::POST, &[("content-encoding", "br")][..], "{}".to_owned()),
        (Method::POST, &gzip, r#"{"by":"ann"}"#.to_owned()),
        (Method::GET, &gzip, String::new()),
        (Method::PUT, &[], "x".repeat(300_000)),
    ] {
        follow(edge, method, &path, headers, &body);
    }
    let click = edge.find_stored("link-clicked", |click| click["properties"]["campaign"] == label.as_str());
    assert_eq!(click["properties"]["sent"]["by"], Value::Null);
}

fn consent(edge: &Edge<'_>) {
    let session = edge.id("s");
    let visit = edge.visit(&session, json!({}));
    let consent = |session: &str| {
        json!({ "source": { "id": "rest-source-1" }, "session": { "id": session }, "profile": { "id": visit.profile() },
            "consents": { "marketing": true, "tracking": false } })
    };
    let answer = edge.post("/customer/consent?all=true", &consent(&session).to_string());
    assert_eq!((answer.status, answer.body), (200, Value::Null));
    let stored = edge.stored(&session, 2);
    assert_eq!(stored[1]["type"], "consent-update");
    let properties = json!({ "consents": { "marketing": true, "tracking": false }, "all": true });
    assert_eq!(stored[1]["properties"], properties);
    // Events are there before the profile says so.
    let consents = json!({ "marketing": { "revoke": null } });
    edge.wait_for_profile(&visit.profile(), |profile| profile["consents"] == consents);

    let answer = edge.post("/customer/consent", &consent(&edge.id("unknown")).to_string());
    assert_eq!((answer.status, answer.body), (403, json!({ "detail": "Access denied" })));
    let answer = edge.post("/customer/consent?all=banana", "{}");
    assert_eq!((answer.status, &answer.body["detail"][0]["loc"]), (422, &json!(["query", "all"])));
    let answer = edge.post("/customer/consent", r#"{"source":{"id":"rest-source-1"}}"#);
    assert_eq!((answer.status, answer.body["detail"].as_array().unwrap().len()), (422, 3));
}

fn script(edge: &Edge<'_>) {
    let get = |path: &str, headers: &[(&str, &str)]| edge.send(Method::GET, path, headers, "");
    let path = "/tracker/tracker.js";
    for encoding in ["br", "gzip"] {
        let answer = get(path, &[("accept-encoding", encoding)]);
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some(encoding)));
    }
    let plain = get(path, &[]);
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(plain.header("cache-control"), Some("public, max-age=300"));
    let etag = plain.header("etag").unwrap();
    assert_eq!(get(path, &[("if-none-match", etag)]).status, 304);
    let hash = etag.trim_start_matches("W/").trim_matches('"');
    let version = get(&format!("/tracker/tracker.{hash}.js"), &[]);
    assert_eq!(version.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(get("/tracker/other.js", &[]).status, 404);
    // One copy in a cache is for every page.
    let page = get(path, &[("origin", "https://shop.example"), ("cookie", "a=1")]);
    for answer in [&page, &plain, &version] {
        let header = |name: &str| answer.header(name);
        assert_eq!(header("access-control-allow-origin"), Some("*"));
        assert_eq!(
            (header("access-control-allow-credentials"), header("vary")),
            (None, Some("accept-encoding"))
        );
    }
}
