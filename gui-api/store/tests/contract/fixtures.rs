//! Documents to write.

use jiff::Timestamp;
use tideline_model::{
    App, Applied, Bridge, Consent, ConsentState, Device, Event, EventMetadata, EventSource, EventTime, Geo,
    Origin, Os, Profile, ProfileAux, ProfileEmail, ProfileGeo, ProfileMetadata, ProfileReference,
    ProfileStats, ProfileTime, Properties, Redirect, Reference, Referral, RequestFacts, Session,
    SessionMetadata, SessionReference, SessionStats, SessionTime, SourceConfig, Utm, Visit,
};
use tideline_store::{Batch, EventFilter, EventKey, EventPage, EventQuery, Store, Version, Versioned};

/// When events of [`event`] happened.
pub(crate) const TIME: &str = "2026-11-22T10:00:00Z";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn origin(entry: &str) -> Origin {
    Origin { lane: "production:eu:07".to_owned(), entry: entry.to_owned() }
}

/// An event at [`TIME`], from entry `1-0`.
pub(crate) fn event(id: &str) -> Event {
    event_at(id, time(TIME))
}

pub(crate) fn event_at(id: &str, insert: Timestamp) -> Event {
    Event {
        id: id.to_owned(),
        r#type: "page-view".to_owned(),
        name: "Page View".to_owned(),
        metadata: EventMetadata {
            time: EventTime {
                insert,
                create: Some(time("2026-11-22T09:59:59.123456789Z")),
                receive: time(TIME),
            },
            status: "collected".to_owned(),
            channel: Some("Web".to_owned()),
            valid: true,
            errors: Vec::new(),
            warning: true,
            skipped: vec!["`hit.id` is left out".to_owned()],
            profile_less: false,
            debug: true,
            origin: origin("1-0"),
        },
        source: Reference::to("shop-web"),
        session: Some(SessionReference::to("session-1")),
        profile: Some(ProfileReference::to("profile-1")),
        hit: tideline_model::Hit { url: Some("https://shop.example/".to_owned()), ..Default::default() },
        journey: tideline_model::Journey { state: Some("awareness".to_owned()) },
        device: device(),
        os: Os { name: Some("Android".to_owned()), version: None },
        app: App { bot: true, ..App::default() },
        utm: Utm { campaign: Some("spring".to_owned()), ..Utm::default() },
        referral: Referral { kind: Some("campaign".to_owned()), name: Some("spring".to_owned()) },
        data: Properties::from_iter([("ec".to_owned(), 12.5.into())]),
        tags: tideline_model::Tags { values: vec!["new".to_owned()], count: 1 },
        traits: Properties::new(),
        properties: Properties::from_iter([("price".to_owned(), 12.5.into())]),
        context: Properties::default(),
        config: Properties::from_iter([("async".to_owned(), false.into())]),
        request: RequestFacts { id: "request-1".to_owned(), ..Default::default() },
    }
}

fn device() -> Device {
    Device {
        name: Some("Pixel 7".to_owned()),
        touch: Some(true),
        color_depth: Some(24),
        geo: Geo { longitude: Some(5.32), latitude: Some(60.39), ..Geo::default() },
        ..Device::default()
    }
}

/// A session that is not stored yet.
pub(crate) fn session(id: &str) -> Versioned<Session> {
    let time = SessionTime { insert: time(TIME), update: time(TIME), duration: 0 };
    let document = Session {
        id: id.to_owned(),
        metadata: SessionMetadata { time, status: "active".to_owned(), channel: None },
        profile: Some(ProfileReference::to("profile-1")),
        source: Some(Reference::to("shop-web")),
        device: device(),
        os: Os::default(),
        app: App::default(),
        utm: Utm::default(),
        referral: Referral::default(),
        context: Properties::default(),
        properties: Properties::default(),
        stats: SessionStats::default(),
        applied: Applied::default(),
    };
    Versioned { document, version: Version::default() }
}

/// A profile that is not stored yet.
pub(crate) fn profile(id: &str) -> Versioned<Profile> {
    let time = ProfileTime { insert: time(TIME), update: time(TIME), visit: Visit::default() };
    let document = Profile {
        id: id.to_owned(),
        ids: vec![id.to_owned()],
        metadata: ProfileMetadata {
            time,
            keys: vec![format!("emm-{id}")],
            apart: vec!["somebody".to_owned()],
            fields: [("consents.ads".to_owned(), (self::time(TIME), "event-1".to_owned()))].into(),
        },
        stats: ProfileStats::default(),
        primary_id: Some("c-7".to_owned()),
        traits: Properties::default(),
        data: Properties::from_iter([("job".to_owned(), "engineer".into())]),
        interests: [("rain".to_owned(), 2.25.to_string().parse().unwrap())].into(),
        consents: [("ads".to_owned(), Consent::default())].into(),
        segments: vec!["regulars".to_owned()],
        counted: [("regulars 0".to_owned(), [("2026-11-22".to_owned(), 2)].into())].into(),
        aux: ProfileAux {
            consents: Some(ConsentState { granted: true }),
            geo: ProfileGeo { markets: vec!["NO".to_owned()], continent: Some("europe".to_owned()) },
            email: ProfileEmail { free: Some(false) },
        },
        active: true,
        applied: Applied::default(),
    };
    Versioned { document, version: Version::default() }
}

pub(crate) fn source(id: &str, name: &str) -> EventSource {
    EventSource {
        r#type: vec![Bridge::Rest, Bridge::Webhook],
        origins: vec!["https://shop.example".to_owned()],
        config: SourceConfig {
            replace_profile_id: Some("customer.id".to_owned()),
            ..SourceConfig::default()
        },
        ..EventSource::new(id, name)
    }
}

pub(crate) fn redirect(id: &str, name: &str) -> Redirect {
    Redirect {
        id: id.to_owned(),
        name: name.to_owned(),
        source: "links".to_owned(),
        event_type: "link-opened".to_owned(),
        url: "https://shop.example/coats?from=mail".to_owned(),
        props: Properties::from_iter([("campaign".to_owned(), serde_json::json!({ "id": [1, 2.5] }))]),
        enabled: true,
    }
}

pub(crate) fn events(events: impl IntoIterator<Item = Event>) -> Batch {
    Batch { events: events.into_iter().collect(), ..Batch::default() }
}

/// All events, newest first.
pub(crate) fn all() -> EventQuery {
    EventQuery { limit: tideline_store::MAX_PAGE, ..EventQuery::default() }
}

pub(crate) fn filtered(filter: EventFilter) -> EventQuery {
    EventQuery { filter, ..all() }
}

pub(crate) fn ids(page: &EventPage) -> Vec<&str> {
    page.events.iter().map(|event| event.id.as_str()).collect()
}

/// Follows the pages to the end.
pub(crate) async fn keys_of_all_pages(store: &dyn Store, mut query: EventQuery) -> Vec<EventKey> {
    let mut keys = Vec::new();
    loop {
        let page = store.events(query.clone()).await.unwrap();
        assert!(page.events.len() <= query.limit);
        keys.extend(page.events.iter().map(EventKey::of));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return keys,
        }
    }
}

/// The version of a session as stored.
pub(crate) async fn stored_session(store: &dyn Store, id: &str) -> Versioned<Session> {
    store.states(&[id.to_owned()], &[]).await.unwrap().sessions.remove(id).unwrap()
}

/// The version of a profile as stored.
pub(crate) async fn stored_profile(store: &dyn Store, id: &str) -> Versioned<Profile> {
    store.states(&[], &[id.to_owned()]).await.unwrap().profiles.remove(id).unwrap()
}
