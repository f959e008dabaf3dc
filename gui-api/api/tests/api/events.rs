//! Lists of events, and documents by their ids.

use std::collections::HashSet;

use tideline_model::{Profile, ProfileReference, Session, SessionReference};
use tideline_store::{Batch, Version, Versioned};

use crate::service::{TestService, event};

async fn ids(service: &TestService, query: &str) -> Vec<String> {
    let answer = service.get(&format!("/api/v1/events?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let events = answer.json()["events"].clone();
    events.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_are_filtered_and_the_newest_come_first() {
    let service = TestService::start().await;
    let mut other = event("d", "page-view", 4);
    (other.session, other.profile) = (Some(SessionReference::to("y")), Some(ProfileReference::to("q")));
    other.source.id = "app".to_owned();
    let events = [event("a", "page-view", 1), event("b", "purchase", 2), event("c", "page-view", 3), other];
    service.store_events(events.to_vec()).await;

    let table = [
        ("", "dcba"),
        ("type=page-view", "dca"),
        ("type=page-view&session=x", "ca"),
        ("source=app", "d"),
        ("profile=p&type=purchase", "b"),
        ("type=Page-View", ""),
        ("from=2026-01-31T12:00:02Z&to=2026-01-31T12:00:04Z", "cb"),
        ("from=2026-01-31T13:00:03%2B01:00", "dc"),
        ("type=&source=&session=&profile=&from=&to=&limit=&cursor=", "dcba"),
        ("limit=1", "d"),
    ];
    for (query, expected) in table {
        assert_eq!(ids(&service, query).await.concat(), expected, "{query}");
    }
}

#[tokio::test]
async fn pages_hold_every_event_once_while_new_ones_arrive() {
    let service = TestService::start().await;
    let all: Vec<_> = (0..50).map(|n| event(&format!("{n:02}"), "page-view", n / 5)).collect();
    service.store_events(all).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for page in 0.. {
        let answer = service.get(&format!("/api/v1/events?limit=7{cursor}")).await.json();
        seen.extend(
            answer["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()),
        );
        service.store_events(vec![event(&format!("new-{page}"), "page-view", 59)]).await;
        match answer["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 50);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 50);
    assert!(!seen.iter().any(|id| id.starts_with("new")));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_what_can() {
    let service = TestService::start().await;
    let table = [
        (
            "/api/v1/events?colour=red",
            "`type`, `source`, `session`, `profile`, `where`, `from`, `to`, `limit`, `cursor`",
        ),
        ("/api/v1/events/live?limit=5", "`type`, `source`, `session`, `profile`, `where`"),
        ("/api/v1/events?type=a&type=b", "duplicate field `type`"),
        ("/api/v1/events?limit=0", "from 1 to 200"),
        ("/api/v1/events?limit=201", "from 1 to 200"),
        ("/api/v1/events?limit=-1", "from 1 to 200"),
        ("/api/v1/events?from=yesterday", "write it as in"),
        ("/api/v1/events?from=2026-01-31T13:00:00+01:00", "with + as %2B"),
        ("/api/v1/events?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "must be earlier"),
        ("/api/v1/events?cursor=next", "is not a cursor"),
        ("/api/v1/events?cursor=MTo1", "is not a cursor"),
        ("/api/v1/events/%ff", "not UTF-8"),
    ];
    for (path, expected) in table {
        let answer = service.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.detail().contains(expected), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn documents_are_found_by_any_id_a_client_may_choose() {
    let service = TestService::start().await;
    let odd = "a/b c?d=é&..";
    let time = "2026-01-31T12:00:00Z";
    let session: Session = serde_json::from_value(serde_json::json!({
        "id": odd, "profile": {"id": "p"},
        "metadata": {"time": {"insert": time, "update": time, "duration": 0}, "status": "active"}
    }))
    .unwrap();
    let profile: Profile = serde_json::from_value(serde_json::json!({
        "id": "p", "ids": ["p", odd], "active": true, "metadata": {"time": {"insert": time, "update": time}}
    }))
    .unwrap();
    let batch = Batch {
        events: vec![event(odd, "page-view", 0)],
        sessions: vec![Versioned { document: session, version: Version::default() }],
        profiles: vec![Versioned { document: profile, version: Version::default() }],
        ..Batch::default()
    };
    service.store.write(batch).await.unwrap();

    let path = "a%2Fb%20c%3Fd%3D%C3%A9%26..";
    for (kind, id) in [("events", odd), ("sessions", odd), ("profiles", "p")] {
        let answer = service.get(&format!("/api/v1/{kind}/{path}")).await;
        assert_eq!((answer.status, answer.json()["id"].as_str().unwrap()), (200, id), "{kind}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    for kind in ["event", "session", "profile"] {
        let answer = service.get(&format!("/api/v1/{kind}s/none%2Fsuch")).await;
        assert_eq!((answer.status, answer.detail()), (404, format!("no {kind} `none/such`")));
    }
}

#[tokio::test]
async fn numbers_come_back_to_the_digit() {
    let service = TestService::start().await;
    let numbers = "[12345678901234567890,-9223372036854775808,13.45,0.30000000000000004,5e-324,\"1e999\"]";
    let mut event = event("a", "order", 1);
    event.properties.insert("numbers".to_owned(), serde_json::from_str(numbers).unwrap());
    service.store_events(vec![event]).await;
    for path in ["/api/v1/events", "/api/v1/events/a"] {
        let answer = service.get(path).await;
        assert!(answer.body.contains(&format!("\"numbers\":{numbers}")), "{}", answer.body);
    }
}

#[tokio::test]
async fn an_event_of_nobody_says_so_and_no_profile_matches_it() {
    let service = TestService::start().await;
    let mut nobodys = event("a", "page-view", 1);
    (nobodys.session, nobodys.profile) = (None, None);
    service.store_events(vec![nobodys]).await;
    let found = service.get("/api/v1/events/a").await.json();
    assert!(found["session"].is_null() && found["profile"].is_null(), "{found}");
    assert!(found.as_object().unwrap().contains_key("profile"), "{found}");
    assert_eq!(ids(&service, "").await, ["a"]);
    assert_eq!(ids(&service, "profile=p").await, [""; 0]);
}
