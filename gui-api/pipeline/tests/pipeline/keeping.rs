//! What is kept of a request, by its options, its source, and whose it is.

use serde_json::{Value, json};
use tideline_model::ProfileReference;
use tideline_pipeline::Outcome;
use tideline_protocol::StreamRecord;
use uuid::Uuid;

use crate::support::{Documents, record};

/// One client event of a first request, and what shall become of it.
struct Case {
    what: &'static str,
    options: Value,
    profile: Option<&'static str>,
    transitional: bool,
    /// Types of the stored events.
    events: &'static [&'static str],
    session: bool,
    profile_exists: bool,
}

fn case(what: &'static str, options: Value, events: &'static [&'static str]) -> Case {
    Case {
        what,
        options,
        profile: Some("p"),
        transitional: false,
        events,
        session: true,
        profile_exists: true,
    }
}

const ALL: &[&str] = &["profile-created", "session-opened", "visit-started", "x"];
const NOBODYS: &[&str] = &["session-opened", "visit-started", "x"];

#[test]
fn options_and_sources_say_what_is_kept() {
    let table = [
        case("nothing is said", json!({}), ALL),
        case("all is wanted", json!({"saveSession": true, "saveEvents": true, "saveProfile": true}), ALL),
        case(
            "other types count as missing",
            json!({"saveSession": "false", "saveEvents": 0, "saveProfile": null}),
            ALL,
        ),
        case("no options at all", json!(null), ALL),
        case("options that are no object", json!(["saveEvents"]), ALL),
        Case {
            session: false,
            ..case("no session", json!({"saveSession": false}), &["profile-created", "x"])
        },
        case("no events", json!({"saveEvents": false}), &[]),
        Case { profile_exists: false, ..case("no profile", json!({"saveProfile": false}), NOBODYS) },
        Case { profile: None, profile_exists: false, ..case("nobody's", json!({}), NOBODYS) },
        Case {
            profile: None,
            profile_exists: false,
            session: false,
            ..case("nobody's, no session", json!({"saveSession": false}), &["x"])
        },
        Case { transitional: true, session: false, ..case("transitional", json!({}), &[]) },
        Case {
            transitional: true,
            profile: None,
            session: false,
            profile_exists: false,
            ..case("transitional and nobody's", json!({}), &[])
        },
        Case {
            session: false,
            profile_exists: false,
            ..case("nothing", json!({"saveSession": false, "saveEvents": false, "saveProfile": false}), &[])
        },
    ];
    for Case { what, options, profile, transitional, events, session, profile_exists } in table {
        let body = json!({"events": [{"type": "x"}], "options": options});
        let record = StreamRecord { profile: profile.map(str::to_owned), transitional, ..record(&body) };
        let mut documents = Documents::default();
        let outcome = documents.take(&record, 1).unwrap();
        assert_eq!(documents.types(), events, "{what}");
        assert_eq!(documents.sessions.contains_key("s"), session, "{what}");
        assert_eq!(documents.profiles.contains_key("p"), profile_exists, "{what}");
        let is_stored = events.contains(&"x");
        assert_eq!((outcome.stored, outcome.passed), if is_stored { (1, 0) } else { (0, 1) }, "{what}");
        let owner = profile_exists.then(|| ProfileReference::to("p"));
        for event in documents.events.values() {
            let of_event = event.session.as_ref().map(|session| session.id.as_str());
            assert_eq!(of_event, session.then_some("s"), "{what}");
            assert_eq!((&event.profile, event.metadata.profile_less), (&owner, !profile_exists), "{what}");
        }
        if let Some(session) = documents.sessions.get("s") {
            assert_eq!((&session.profile, session.stats.events), (&owner, 1), "{what}");
        }
        if let Some(profile) = documents.profiles.get("p") {
            assert_eq!(profile.stats.counters["events"], 1, "{what}");
            assert_eq!(profile.stats.visits, u64::from(session), "{what}: a visit is a session");
        }

        // As after a crash.
        let before = documents.clone();
        let again = documents.take(&record, 1).unwrap();
        assert_eq!((again.stored, again.passed), (outcome.stored, outcome.passed), "{what}");
        assert_eq!(documents, before, "{what}");
    }
}

#[test]
fn an_event_may_ask_not_to_be_stored_and_counts_all_the_same() {
    let table = [
        (json!({"saveEvent": false}), false),
        (json!({"save": false}), false),
        (json!({"save": true, "saveEvent": false}), false),
        (json!({"save": true}), true),
        (json!({"save": "false", "saveEvent": 0}), true),
        (json!(null), true),
        (json!("save"), true),
    ];
    for (options, is_kept) in table {
        let body = json!({"events": [{"type": "page-view", "options": options}, {"type": "y"}]});
        let mut documents = Documents::default();
        let outcome = documents.take(&record(&body), 1).unwrap();
        assert_eq!(documents.client_types().contains(&"page-view"), is_kept, "{options}");
        assert_eq!((outcome.stored, outcome.passed), if is_kept { (2, 0) } else { (1, 1) }, "{options}");
        let profile = &documents.profiles["p"];
        assert_eq!((profile.stats.views, profile.stats.counters["events"]), (1, 2), "{options}");
        assert_eq!(documents.types()[0], "profile-created", "the request's other events are as usual");
    }
}

#[test]
fn where_each_event_asks_not_to_be_stored_nothing_is_added_and_no_type_is_told() {
    let unkept = json!({"type": "secret", "options": {"saveEvent": false}});
    let mut documents = Documents::default();
    documents.take(&record(&json!({"events": [unkept]})), 1).unwrap();
    assert_eq!((documents.types().len(), documents.profiles.len()), (0, 1));
    let mut documents = Documents::default();
    documents.take(&record(&json!({"events": [unkept, {"type": "y"}]})), 1).unwrap();
    let told: Vec<_> = documents.events.values().map(|event| json!(event).to_string()).collect();
    assert!(told.len() > 1 && told.iter().all(|event| !event.contains("secret")), "{told:?}");
}

#[test]
fn an_event_keeps_its_options_and_says_that_it_was_debugged() {
    let options = json!({"async": false, "x": [1]});
    let body = json!({"options": {"debugger": true}, "events": [{"type": "x", "options": options}]});
    let mut documents = Documents::default();
    documents.take(&record(&body), 1).unwrap();
    assert!(documents.events.values().all(|event| event.metadata.debug));
    let event = documents.events.values().find(|event| event.r#type == "x").unwrap();
    assert_eq!(Value::Object(event.config.clone()), options);
    for debugger in [json!("true"), json!(1), json!(false), json!(null)] {
        let mut documents = Documents::default();
        let body = json!({"options": {"debugger": debugger}, "events": [{"type": "x"}]});
        documents.take(&record(&body), 1).unwrap();
        assert!(documents.events.values().all(|event| !event.metadata.debug), "{debugger}");
    }
}

#[test]
fn what_is_known_from_another_request_is_a_duplicate_also_when_it_is_not_to_be_stored() {
    let mut documents = Documents::default();
    documents.take(&record(&json!({"events": [{"type": "x", "id": "1"}]})), 1).unwrap();
    let again = json!({"options": {"saveEvents": false}, "events": [{"type": "x", "id": "1"}, {"type": "x", "id": "2"}]});
    let later = StreamRecord { request_id: Uuid::from_u128(8), new_session: false, ..record(&again) };
    let outcome = documents.take(&later, 2).unwrap();
    assert_eq!((outcome.stored, outcome.duplicates, outcome.passed), (0, 1, 1));
    assert_eq!(documents.profiles["p"].stats.counters["events"], 2);
}

#[test]
fn where_all_that_is_to_be_stored_is_known_from_another_request_nothing_is_added() {
    let mut documents = Documents::default();
    documents.take(&record(&json!({"events": [{"type": "x", "id": "1"}]})), 1).unwrap();
    let unkept = json!({"type": "y", "id": "2", "options": {"saveEvent": false}});
    let later = StreamRecord {
        request_id: Uuid::from_u128(8),
        session: "another".to_owned(),
        profile: Some("q".to_owned()),
        ..record(&json!({"events": [{"type": "x", "id": "1"}, unkept]}))
    };
    let outcome = documents.take(&later, 2).unwrap();
    assert_eq!((outcome.events, outcome.duplicates, outcome.passed), (vec![], 1, 1));
    assert_eq!(documents.profiles["q"].stats.counters["events"], 1);
}

/// Takes a request of session `s` with one event of type `x`.
fn take(documents: &mut Documents, number: u64, profile: Option<&str>, new_session: bool) -> Outcome {
    let record = StreamRecord {
        request_id: Uuid::from_u128(u128::from(number)),
        profile: profile.map(str::to_owned),
        new_session,
        new_profile: false,
        ..record(&json!({"events": [{"type": "x"}]}))
    };
    documents.take(&record, number).unwrap()
}

#[test]
fn a_session_of_nobody_gets_the_profile_of_its_first_request_that_has_one() {
    let mut documents = Documents::default();
    take(&mut documents, 1, None, true);
    assert_eq!(documents.sessions["s"].profile, None);
    take(&mut documents, 2, Some("p"), false);
    assert_eq!(documents.sessions["s"].profile, Some(ProfileReference::to("p")));
    let profile = &documents.profiles["p"];
    assert_eq!((profile.stats.visits, profile.stats.counters["events"]), (1, 1), "the visit is its own now");
    assert_eq!(documents.types(), ["session-opened", "visit-started", "x", "profile-created", "x"]);

    take(&mut documents, 3, None, false);
    take(&mut documents, 4, Some("another"), false);
    let session = &documents.sessions["s"];
    assert_eq!((&session.profile, session.stats.events), (&Some(ProfileReference::to("p")), 4));
    assert_eq!(documents.profiles.len(), 1);
    assert_eq!(documents.profiles["p"].stats.visits, 1);
    let owners: Vec<_> = documents.order.iter().map(|id| documents.events[id].profile.is_some()).collect();
    assert_eq!(owners, [false, false, false, true, true, false, true]);
}

#[test]
fn a_profile_that_the_source_vouches_for_gets_its_events_and_the_session_stays_anothers() {
    let mut documents = Documents::default();
    let vouched = |session: &str, number: u64, new_session: bool| StreamRecord {
        request_id: Uuid::from_u128(u128::from(number)),
        session: session.to_owned(),
        profile: Some("customer".to_owned()),
        vouched: true,
        new_session,
        new_profile: false,
        ..record(&json!({"events": [{"type": "order"}]}))
    };
    take(&mut documents, 1, Some("whoever-was-first"), true);
    // The second time the edge had forgotten the session.
    for (number, new_session) in [(2, false), (3, true)] {
        let outcome = documents.take(&vouched("s", number, new_session), number).unwrap();
        let order = outcome.events.last().unwrap();
        assert_eq!(
            (&order.profile, order.r#type.as_str()),
            (&Some(ProfileReference::to("customer")), "order")
        );
    }
    assert_eq!(documents.sessions["s"].profile, Some(ProfileReference::to("whoever-was-first")));
    let stats =
        |id: &str| (documents.profiles[id].stats.visits, documents.profiles[id].stats.counters["events"]);
    assert_eq!((stats("whoever-was-first"), stats("customer")), ((1, 1), (0, 2)));
    assert_eq!(documents.profiles["customer"].ids, ["customer"]);

    documents.take(&vouched("new", 4, true), 4).unwrap();
    assert_eq!(documents.sessions["new"].profile, Some(ProfileReference::to("customer")));
    assert_eq!(documents.profiles["customer"].stats.visits, 1);
}

#[test]
fn a_profile_without_a_document_is_created_once() {
    let mut documents = Documents::default();
    for number in 1..=3 {
        let record = StreamRecord {
            request_id: Uuid::from_u128(u128::from(number)),
            session: format!("s{number}"),
            profile: Some("customer-7".to_owned()),
            ..record(&json!({"events": [{"type": "x"}]}))
        };
        documents.take(&record, number).unwrap();
        documents.take(&record, number).unwrap();
    }
    let created = documents.events.values().filter(|event| event.r#type == "profile-created");
    let created: Vec<_> = created.map(|event| event.profile.clone()).collect();
    assert_eq!(created, [Some(ProfileReference::to("customer-7"))]);
    let profile = &documents.profiles["customer-7"];
    assert_eq!((&profile.ids, profile.stats.visits), (&vec!["customer-7".to_owned()], 3));
}

#[test]
fn a_profile_whose_document_was_lost_is_there_again_without_being_created_twice() {
    let mut documents = Documents::default();
    take(&mut documents, 1, Some("p"), true);
    documents.profiles.clear();
    take(&mut documents, 2, Some("p"), false);
    assert_eq!(documents.profiles["p"].stats.counters["events"], 1);
    assert_eq!(documents.types().iter().filter(|r#type| **r#type == "profile-created").count(), 1);
}
