//! Whose the events of a request are.

use http::Method;
use serde_json::{Value, json};
use tideline_protocol::{Identification, TrackReply};

use crate::support::{Recording, body, head, post, send, settings};

fn track(commit: &Recording, profile: &Value) -> Value {
    let request = json!({"source":{"id":"s"},"session":{"id":"x"},"profile":profile,"events":[{"type":"a"}]});
    body(&post(commit, &request).response)
}

#[test]
fn an_id_of_ours_is_kept_with_one_call() {
    let ours = settings().profile_id_keys.mint(5, [9; 6]);
    let commit = Recording::default();
    assert_eq!(track(&commit, &json!({"id":ours}))["profile"]["id"], ours.as_str());
    let calls = commit.calls.borrow();
    assert_eq!((calls.len(), calls[0].record.new_profile), (1, false));
}

#[test]
fn a_made_up_id_is_replaced_once_nobody_knows_it() {
    let commit = Recording::default();
    let answered = track(&commit, &json!({"id":"forged-0000"}))["profile"]["id"].as_str().unwrap().to_owned();
    assert!(settings().profile_id_keys.verify(&answered));
    let calls = commit.calls.borrow();
    assert_eq!((calls.len(), calls[1].record.new_profile, &calls[1].claim), (2, true, &None));
    assert_eq!(calls[0].record.request_id, calls[1].record.request_id);
}

#[test]
fn an_id_that_stands_for_another_is_answered_with_that_one() {
    let ours = settings().profile_id_keys.mint(5, [9; 6]);
    for id in ["imported-1", ours.as_str()] {
        let mut commit = Recording::default();
        commit.survivors.insert(id.to_owned(), "survivor".to_owned());
        assert_eq!(track(&commit, &json!({"id":id}))["profile"]["id"], "survivor", "{id}");
        assert!(!commit.calls.borrow().last().unwrap().record.new_profile);
    }
}

#[test]
fn a_session_that_has_another_profile_keeps_it() {
    let mut commit = Recording::replying(Ok(TrackReply::Stored {
        profile: Some("theirs".into()),
        transitional: false,
        personal: None,
    }));
    commit.survivors.insert("imported-1".to_owned(), "survivor".to_owned());
    assert_eq!(track(&commit, &json!({"id":"imported-1"}))["profile"]["id"], "theirs");
}

#[test]
fn a_signed_id_that_a_link_brought_counts_before_the_browsers_own() {
    let [ours, passed] = [1, 2].map(|byte| settings().profile_id_keys.mint(5, [byte; 6]));
    for (pass, expected) in [(passed.as_str(), passed.as_str()), ("made-up", ours.as_str())] {
        let request = json!({"source":{"id":"s"},"profile":{"id":ours},"events":[{"type":"a"}],
            "context":{"tracardi":{"pass":{"profile":pass}}}});
        assert_eq!(body(&post(&Recording::default(), &request).response)["profile"]["id"], expected);
    }
}

#[test]
fn options_and_the_query_say_what_is_kept() {
    let request = |options: Value| json!({"source":{"id":"s"},"session":{"id":"x"},"options":options,"events":[{"type":"a"}]});
    let table = [
        ("/track", json!({}), false, false, 200),
        ("/track", json!({"saveSession":false}), false, true, 200),
        ("/track", json!({"saveProfile":false}), true, false, 200),
        ("/track?profile_less=true", json!({}), true, false, 200),
        ("/track", json!({"queue":true}), false, false, 201),
    ];
    for (target, options, profile_is_null, session_is_null, status) in table {
        let commit = Recording::default();
        let response =
            send(&commit, &head(Method::POST, target, &[]), &request(options.clone()).to_string()).response;
        let answer = body(&response);
        let nulls = (answer["profile"]["id"].is_null(), answer["session"]["id"].is_null());
        assert_eq!(
            (nulls, response.status.as_u16()),
            ((profile_is_null, session_is_null), status),
            "{target} {options}"
        );
    }
}

#[test]
fn whoever_debugs_gets_the_ids_of_the_events() {
    let commit = Recording::default();
    let request = json!({"source":{"id":"s"},"options":{"debugger":true},"events":[{"type":"a","id":"mine"},{"type":"b"}]});
    let answer = body(&post(&commit, &request).response);
    let task = answer["task"].as_str().unwrap().parse().unwrap();
    assert_eq!(answer["events"], json!(["mine", tideline_protocol::event_id(task, 1)]));
}

#[test]
fn of_a_visitor_who_opted_out_nothing_personal_is_sent_again() {
    let commit = Recording::replying(Ok(TrackReply::AnonymousOnly));
    let headers = [("sec-gpc", "1"), ("tideline-client-address", "203.0.113.9"), ("user-agent", "UA")];
    let request = r#"{"source":{"id":"s"},"session":{"id":"x"},"profile":{"id":"p"},"context":{"a":1},"events":[{"type":"a"}]}"#;
    let answer = body(&send(&commit, &head(Method::POST, "/track", &headers), request).response);
    assert_eq!((&answer["profile"]["id"], &answer["session"]["id"]), (&Value::Null, &Value::Null));
    let record = &commit.calls.borrow()[1].record;
    assert_eq!((&record.profile, &record.client_address, record.headers.len()), (&None, &None, 0));
    assert_ne!(record.session, "x");
    assert_eq!(
        record.body,
        r#"{"source":{"id":"s"},"options":{"saveSession":false},"events":[{"type":"a"}]}"#
    );
}

#[test]
fn opting_out_keeps_no_events_that_were_not_to_be_kept() {
    let request =
        |options: Value| json!({"source":{"id":"s"},"options":options,"events":[{"type":"a"}]}).to_string();
    for (options, kept) in [
        (json!({"saveEvents":false}), r#""options":{"saveSession":false,"saveEvents":false}"#),
        (json!({"saveEvents":true}), r#""options":{"saveSession":false}"#),
    ] {
        let commit = Recording::replying(Ok(TrackReply::AnonymousOnly));
        send(&commit, &head(Method::POST, "/track", &[("sec-gpc", "1")]), &request(options));
        let body = &commit.calls.borrow()[1].record.body;
        assert!(body.contains(&format!("{kept},\"events\"")), "{body}");
    }
}

#[test]
fn a_webhook_names_no_session_that_may_not_be_kept() {
    let stored = |transitional| Ok(TrackReply::Stored { profile: None, transitional, personal: None });
    let table = [
        ("/collect/a/hook", vec![stored(false)], true),
        ("/collect/a/hook/s-1", vec![stored(false)], true),
        ("/collect/a/hook", vec![stored(true)], false),
        ("/collect/a/hook/s-1", vec![stored(true)], false),
        ("/collect/a/hook", vec![Ok(TrackReply::Dropped)], false),
        ("/collect/a/hook/s-1", vec![Ok(TrackReply::Dropped)], false),
        ("/collect/a/hook", vec![Ok(TrackReply::AnonymousOnly), stored(false)], false),
        ("/collect/a/hook/s-1", vec![Ok(TrackReply::AnonymousOnly), stored(false)], false),
    ];
    for (path, replies, is_named) in table {
        let what = format!("{path} {replies:?}");
        let commit = Recording { replies: replies.into(), ..Recording::default() };
        let answer = body(&send(&commit, &head(Method::GET, path, &[("dnt", "1")]), "").response);
        assert_eq!(answer["session"]["id"].is_string(), is_named, "{what}");
    }
}

#[test]
fn a_webhooks_source_says_whose_its_events_are() {
    let identified = |rules: Identification, target: &str, request: &str| {
        let commit = Recording::replying(Ok(TrackReply::Identify(rules)));
        let answer = body(&send(&commit, &head(Method::POST, target, &[]), request).response);
        let call = commit.calls.borrow()[1].clone();
        (answer, call)
    };
    let replace =
        Identification { replace_profile_id: Some("customer.id".into()), ..Identification::default() };
    let (answer, call) = identified(replace.clone(), "/collect/a/hook", r#"{"customer":{"id":4711}}"#);
    assert_eq!(answer["profile"]["id"], "4711");
    // Whoever guesses the property does not know the session.
    assert_eq!(
        (answer["session"]["id"].as_str(), call.record.session.len()),
        (Some(call.record.session.as_str()), 36)
    );
    assert_eq!(call.lane, settings().lanes.of_session(&call.record.session));
    let (again, _) = identified(replace.clone(), "/collect/b/hook", r#"{"customer":{"id":"4711"}}"#);
    assert_eq!(again["session"], answer["session"]);
    assert!(!call.facts.session_less && !call.record.body.contains("saveSession"), "{}", call.record.body);

    let (answer, _) = identified(replace.clone(), "/collect/a/hook/s-1", r#"{"customer":{"id":"c"}}"#);
    assert_eq!((&answer["profile"]["id"], &answer["session"]["id"]), (&json!("c"), &json!("s-1")));

    let (answer, _) = identified(replace, "/collect/a/hook", "{}");
    assert_eq!(answer["profile"]["id"], Value::Null);

    let generate = |sticky_session| Identification {
        generate_profile: vec!["mail".into(), "phone".into()],
        sticky_session,
        ..Identification::default()
    };
    let (first, _) =
        identified(generate(true), "/collect/a/hook", r#"{"phone":" +47 1 ","mail":"A@b.example"}"#);
    let (second, _) = identified(generate(true), "/collect/b/hook", r#"{"mail":"a@b.example"}"#);
    assert_eq!((&first["profile"], &first["session"]), (&second["profile"], &second["session"]));
    let (other, _) = identified(generate(false), "/collect/b/hook", r#"{"mail":"a@b.example"}"#);
    assert_eq!(first["profile"], other["profile"]);
    assert_ne!(first["session"], other["session"]);
}

#[test]
fn robots_are_known_by_header_and_by_what_a_server_passes_on() {
    let robot = "Mozilla/5.0 (compatible; Googlebot/2.1)";
    for (headers, in_body, expected) in [
        (&[("user-agent", robot)][..], "UA", true),
        (&[("user-agent", "UA")], robot, true),
        (&[("user-agent", "UA")], "UA", false),
    ] {
        let commit = Recording::default();
        let request =
            json!({"source":{"id":"s"},"request":{"headers":{"user-agent":in_body}},"events":[{"type":"a"}]});
        send(&commit, &head(Method::POST, "/track", headers), &request.to_string());
        assert_eq!(commit.calls.borrow()[0].facts.bot, expected);
    }
}
