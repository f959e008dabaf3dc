//! What strangers send: it is stored as it is, found by its id, and harms nothing else.

use tideline_model::{ProfileReference, Properties, SessionReference};
use tideline_store::{Batch, EventFilter};

use crate::backend::Backend;
use crate::fixtures::*;

fn hostile_properties() -> Vec<(&'static str, serde_json::Value)> {
    let mut nested = serde_json::json!("bottom");
    for level in 0..100 {
        nested = if level % 2 == 0 {
            serde_json::json!({ "deeper": nested })
        } else {
            serde_json::json!([nested])
        };
    }
    let many: Properties = (0..10_000).map(|number| (format!("key-{number}"), number.into())).collect();
    vec![
        ("nesting", nested),
        ("many keys", many.into()),
        ("a.b.c", serde_json::json!({ "d.e": { ".": 1, "..": 2, "f.": 3 } })),
        ("", serde_json::json!({ "": { "": null } })),
        ("huge string", "x".repeat(2_000_000).into()),
        ("unicode", "🦀 e\u{301} \u{202e}abc \u{feff} \u{10ffff} ﷽".into()),
        ("nul \0 and \u{1}", "before \0 after \u{1b}[31m".into()),
        ("large", 1e308.into()),
        ("small", 5e-324.into()),
        ("precise", 0.1.into()),
        ("17 digits", 123_456.789_012_345_67.into()),
        ("negative zero", (-0.0).into()),
        ("u64", 12_345_678_901_234_567_890_u64.into()),
        ("i64", i64::MIN.into()),
        ("id", serde_json::json!({ "id": "event-1", "_id": 1, "$set": true, "__proto__": [] })),
        ("mixed", serde_json::json!([1, "1", 1.0, true, null, {}, []])),
        ("changing", 1.into()),
    ]
}

pub(crate) async fn any_properties_are_read_back_as_written(backend: &impl Backend) {
    let store = backend.open().await;
    let mut written = event("event-1");
    written.properties =
        hostile_properties().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    written.context.clone_from(&written.properties);
    let mut session = session("session-1");
    session.document.context.clone_from(&written.properties);
    let mut profile = profile("profile-1");
    profile.document.traits.clone_from(&written.properties);
    // The same key with a value of another type.
    let mut other = event("event-2");
    other.properties.insert("changing".to_owned(), "text".into());
    let batch = Batch {
        events: vec![written.clone(), other.clone()],
        sessions: vec![session.clone()],
        profiles: vec![profile.clone()],
        ..Batch::default()
    };
    store.write(batch).await.unwrap();

    let read = store.event("event-1").await.unwrap().unwrap();
    assert!(read.properties["negative zero"].as_f64().unwrap().is_sign_negative());
    for (key, value) in &written.properties {
        assert!(read.properties[key] == *value, "`{key}` has changed");
    }
    assert!(read == written);
    assert_eq!(ids(&store.events(all()).await.unwrap()), ["event-2", "event-1"]);
    assert_eq!(store.event("event-2").await.unwrap().unwrap(), other);
    assert!(store.session("session-1").await.unwrap().unwrap() == session.document);
    assert!(store.profile("profile-1").await.unwrap().unwrap() == profile.document);
}

pub(crate) async fn any_ids_are_found(backend: &impl Backend) {
    let store = backend.open().await;
    let long = "ä".repeat(40_000);
    let strange =
        ["", " ", "\0", "a\0b", "\"; DROP TABLE sessions; --", "../../etc", "%", "🦀", "a:b OR c", &long];
    for id in strange {
        let mut event = event(id);
        event.r#type = id.to_owned();
        event.session = Some(SessionReference::to(id));
        event.profile = Some(ProfileReference::to(id));
        let batch = Batch {
            events: vec![event.clone()],
            sessions: vec![session(id)],
            profiles: vec![profile(id)],
            ..Batch::default()
        };
        store.write(batch).await.unwrap();

        assert_eq!(store.event(id).await.unwrap().as_ref(), Some(&event));
        assert_eq!(store.session(id).await.unwrap().unwrap().id, id);
        assert_eq!(store.profile(id).await.unwrap().unwrap().id, id);
        assert_eq!(store.origins(&[id.to_owned()]).await.unwrap().len(), 1);
        let id = Some(id.to_owned());
        let filter = EventFilter {
            r#type: id.clone(),
            source: None,
            session: id.clone(),
            profiles: Vec::from_iter(id),
        };
        assert_eq!(store.events(filtered(filter)).await.unwrap().events, [event]);
    }
    assert_eq!(store.events(all()).await.unwrap().events.len(), strange.len());
}

pub(crate) async fn ids_that_end_alike_stay_apart(backend: &impl Backend) {
    let store = backend.open().await;
    let long = |last: &str| format!("{}{last}", "x".repeat(70_000));
    store.write(events([event(&long("1")), event(&long("2"))])).await.unwrap();
    assert_eq!(store.event(&long("1")).await.unwrap().unwrap().id, long("1"));
    assert_eq!(store.event(&long("3")).await.unwrap(), None);
    assert_eq!(keys_of_all_pages(&*store, tideline_store::EventQuery { limit: 1, ..all() }).await.len(), 2);
}

pub(crate) async fn absurd_times_are_kept_and_listed(backend: &impl Backend) {
    let store = backend.open().await;
    let times = [
        "-009999-06-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.5Z",
        TIME,
        "9999-12-30T00:00:00Z",
    ];
    store.write(events(times.map(|at| event_at(at, time(at))))).await.unwrap();

    let mut newest_first = times;
    newest_first.reverse();
    assert_eq!(ids(&store.events(all()).await.unwrap()), newest_first);
    for at in times {
        assert_eq!(store.event(at).await.unwrap().unwrap(), event_at(at, time(at)));
    }
    let ancient = tideline_store::EventQuery { to: Some(time("1950-01-01T00:00:00Z")), ..all() };
    assert_eq!(ids(&store.events(ancient).await.unwrap()), [times[1], times[0]]);
}
