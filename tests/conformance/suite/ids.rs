//! §6: whose the events are.

use std::thread;

use reqwest::Method;
use serde_json::{Value, json};

use crate::Test;
use crate::edge::{Edge, Sender, request};

pub(crate) const TESTS: &[Test] = &[
    (&["6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7"], "session_and_profile_decide_together", matrix),
    (&["6.1"], "a_session_that_is_not_named_is_made", made_session),
    (&["6.3"], "parallel_first_requests_get_one_profile", parallel),
    (&["6.5", "6.6"], "former_ids_lead_to_the_survivor_and_its_documents", survivor),
    (&["6.7"], "static_ids_are_taken_as_they_are", static_ids),
    (&["6.8"], "a_link_from_another_site_brings_its_visitor", passed),
    (&["6.9"], "a_webhooks_source_says_whose_its_events_are", webhooks),
    (&["6.10"], "source_ids_match_whatever_their_case", source_ids),
    (&["6.11"], "an_event_with_an_id_is_stored_once", event_ids),
];

/// What a request may say of its visitor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Brought {
    Nothing,
    Ours,
    Imported,
    MadeUp,
}

/// Session {none, new, known} × profile {none, ours, imported, made up}; static ids have a test of their own.
fn matrix(edge: &Edge<'_>) {
    let known_session = edge.id("known");
    let known = edge.visit(&known_session, json!({})).profile();
    let ours = edge.visit(&edge.id("other"), json!({})).profile();
    let (imported, survivor) = (edge.id("imported"), edge.visit(&edge.id("third"), json!({})).profile());
    edge.add_alias(&imported, &survivor);
    for session in [None, Some("new"), Some("known")] {
        for brought in [Brought::Nothing, Brought::Ours, Brought::Imported, Brought::MadeUp] {
            let mut body = request(&known_session, json!({}));
            match session {
                Some("known") => {}
                Some(label) => body["session"]["id"] = json!(edge.id(&format!("{label}-{brought:?}"))),
                None => body["session"] = Value::Null,
            }
            body["profile"] = match brought {
                Brought::Nothing => Value::Null,
                Brought::Ours => json!({ "id": ours }),
                Brought::Imported => json!({ "id": imported }),
                Brought::MadeUp => json!({ "id": edge.id("made-up") }),
            };
            let answered = edge.track(&body).profile();
            let expected = match (session, brought) {
                (Some("known"), _) => Some(&known),
                (_, Brought::Ours) => Some(&ours),
                (_, Brought::Imported) => Some(&survivor),
                (_, Brought::Nothing | Brought::MadeUp) => None,
            };
            match expected {
                Some(expected) => assert_eq!(answered, *expected, "{session:?} {brought:?}"),
                None => assert!(
                    answered.len() == 36 && ![&known, &ours, &survivor].contains(&&answered),
                    "{session:?} {brought:?}: {answered}"
                ),
            }
        }
    }
}

fn made_session(edge: &Edge<'_>) {
    let trimmed = edge.visit(&format!("  {} ", edge.id("s")), json!({}));
    assert_eq!(trimmed.session(), edge.id("s"));
    for session in [Value::Null, json!({}), json!({ "id": "  " })] {
        let answer = edge.visit("", json!({ "session": session }));
        assert_eq!(edge.stored(&answer.session(), 1)[0]["profile"]["id"], answer.profile().as_str());
    }
}

fn parallel(edge: &Edge<'_>) {
    let body = request(&edge.id("s"), json!({})).to_string();
    let senders: Vec<_> = (0..20).map(|_| edge.sender()).collect();
    let mut profiles: Vec<String> = thread::scope(|scope| {
        let send = |sender: Sender| {
            scope.spawn({
                let body = body.clone();
                move || sender.send(Method::POST, "/track", &[], body)
            })
        };
        let requests: Vec<_> = senders.into_iter().map(send).collect();
        requests.into_iter().map(|request| request.join().unwrap().profile()).collect()
    });
    profiles.dedup();
    assert_eq!(profiles.len(), 1);
}

fn survivor(edge: &Edge<'_>) {
    let first = edge.visit(&edge.id("s1"), json!({})).profile();
    let survivor = edge.visit(&edge.id("s2"), json!({})).profile();
    edge.add_alias(&first, &survivor);
    let session = edge.id("s3");
    // The client keeps sending the id that it got first.
    for _ in 0..3 {
        let answer = edge.visit(&session, json!({ "profile": { "id": first } }));
        assert_eq!(answer.profile(), survivor);
    }
    for event in edge.stored(&session, 3) {
        assert_eq!(event["profile"]["id"], survivor.as_str());
    }
}

fn static_ids(edge: &Edge<'_>) {
    let visit = |session: &str, profile: Value| {
        edge.visit(session, json!({ "source": { "id": "rest-static" }, "profile": profile }))
    };
    let (session, id) = (edge.id("s"), edge.id("customer-1"));
    assert_eq!(visit(&session, json!({ "id": id })).profile(), id);
    assert_eq!(edge.profile(&id)["id"], id.as_str());
    assert_eq!(visit(&session, Value::Null).profile(), id);
    assert_eq!(visit(&session, json!({ "id": edge.id("customer-2") })).profile(), id);
    let answer = visit(&edge.id("new"), Value::Null);
    let fault = &answer.body["detail"][0];
    assert_eq!(
        (answer.status, &fault["type"], &fault["loc"]),
        (422, &json!("missing"), &json!(["body", "profile"]))
    );
}

fn passed(edge: &Edge<'_>) {
    let there = edge.visit(&edge.id("there"), json!({})).profile();
    let here = edge.visit(&edge.id("here"), json!({})).profile();
    let arrive = |label: &str, passed: &str, profile: Value| {
        let context = json!({ "tracardi": { "pass": { "profile": passed, "source": "rest-source-1" } } });
        edge.visit(&edge.id(label), json!({ "context": context, "profile": profile })).profile()
    };
    assert_eq!(arrive("a1", &there, Value::Null), there);
    assert_eq!(arrive("a2", &there, json!({ "id": here })), there);
    assert_eq!(arrive("a3", "made-up", json!({ "id": here })), here);
    let replaced = arrive("a4", "made-up", Value::Null);
    assert!(replaced.len() == 36 && replaced != here && replaced != there);
    // A session that has a profile keeps it.
    assert_eq!(arrive("here", &there, Value::Null), here);
}

fn webhooks(edge: &Edge<'_>) {
    let call = |path: &str, body: Value| edge.post(path, &body.to_string());
    let customer = edge.id("c1");
    // Whoever guesses the property, and calls a session so, is in no session of its owner.
    let first = edge.visit(&customer, json!({})).profile();
    let order = || call("/collect/order/hook-replace", json!({ "customer": { "id": customer } }));
    let [answer, again] = [order(), order()];
    assert_eq!((answer.profile(), answer.session()), (customer.clone(), again.session()));
    assert!(answer.session().len() == 36 && answer.session() != customer, "{answer:?}");
    for order in edge.stored(&answer.session(), 2) {
        assert_eq!(order["profile"]["id"], customer.as_str());
    }
    assert_eq!(edge.visit(&customer, json!({})).profile(), first);
    let (session, other) = (edge.id("s"), edge.id("c2"));
    let answer =
        call(&format!("/collect/order/hook-replace/{session}"), json!({ "customer": { "id": other } }));
    assert_eq!((answer.profile(), answer.session()), (other, session));
    vouched_for(edge);
    let nobody = call("/collect/order/hook-replace", json!({ "customer": {} }));
    assert_eq!((nobody.status, &nobody.body["profile"]["id"]), (200, &Value::Null));

    let mail = format!("{}@shop.example", edge.id("ann"));
    let first = call("/collect/order/hook-generate", json!({ "mail": mail, "phone": "1" }));
    let second = call("/collect/paid/hook-generate", json!({ "mail": mail.to_uppercase() }));
    assert_eq!((first.profile(), first.session()), (second.profile(), second.session()));
    let [loose, looser] = ["a", "b"].map(|_| call("/collect/paid/hook-loose", json!({ "mail": mail })));
    assert_eq!((loose.profile(), looser.profile()), (first.profile(), first.profile()));
    assert_ne!(loose.session(), looser.session());
    assert_eq!(edge.stored(&first.session(), 2).len(), 2);
}

/// In a session that has a profile, the event is the vouched one's, and the session stays its own.
fn vouched_for(edge: &Edge<'_>) {
    let mail = format!("{}@shop.example", edge.id("bob"));
    for (source, body) in [
        ("hook-replace", json!({ "customer": { "id": edge.id("c3") } })),
        ("hook-generate", json!({ "mail": mail })),
    ] {
        let session = edge.id(&format!("session-of-{source}"));
        let visitor = edge.visit(&session, json!({})).profile();
        let answer = edge.post(&format!("/collect/order/{source}/{session}"), &body.to_string());
        assert_eq!(answer.session(), session);
        assert_ne!(answer.profile(), visitor, "{source}");
        assert_eq!(edge.visit(&session, json!({})).profile(), visitor);
        let owners: Vec<_> =
            edge.stored(&session, 3).iter().map(|event| event["profile"]["id"].clone()).collect();
        assert_eq!(owners, [json!(visitor), json!(answer.profile()), json!(visitor)], "{source}");
        assert_eq!(edge.session(&session)["profile"]["id"], visitor.as_str(), "{source}");
    }
}

fn source_ids(edge: &Edge<'_>) {
    let session = edge.id("s");
    assert_eq!(edge.visit(&session, json!({ "source": { "id": " REST-Source-1 " } })).status, 200);
    assert_eq!(edge.stored(&session, 1)[0]["source"]["id"], "rest-source-1");
}

fn event_ids(edge: &Edge<'_>) {
    let (session, id) = (edge.id("s"), edge.id("e"));
    let with_id = |properties: Value| {
        let event = json!({ "type": "bought", "id": id, "properties": properties });
        edge.visit(&session, json!({ "events": [event] }))
    };
    let [first, again] = [with_id(json!({ "n": 1 })), with_id(json!({ "n": 1 }))];
    assert_eq!((first.status, first.profile()), (again.status, again.profile()));
    edge.stored(&session, 1);
    // Without a session, each request makes one: it is not recognised, and still the same event.
    let no_session =
        || edge.visit("", json!({ "session": null, "events": [{ "type": "bought", "id": id }] }));
    assert_ne!(no_session().session(), no_session().session());
    // With another event beside it, it is another request, and still the same event.
    let both = json!([{ "type": "bought", "id": id }, { "type": "other" }]);
    assert_eq!(edge.visit(&session, json!({ "events": both })).status, 200);
    let without = edge.on_the_side(Method::POST, "/track", &[], request(&session, json!({})).to_string());
    assert_eq!(without.status, 200);
    let types = edge.stored_types(&session);
    assert_eq!(types.iter().filter(|event_type| *event_type == "bought").count(), 1);
    let stored = edge.stored(&session, 1);
    let bought = stored.iter().find(|event| event["type"] == "bought").unwrap();
    assert_eq!((&bought["id"], &bought["properties"]), (&json!(id), &json!({ "n": 1 })));
}
