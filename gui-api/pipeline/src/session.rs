//! What a request changes in its session.

use serde_json::Value;
use tideline_model::{
    App, Applied, Device, Event, Os, ProfileReference, Properties, Referral, Session, SessionMetadata,
    SessionReference, SessionStats, SessionTime, Utm,
};

use crate::merge::merge;
use crate::surroundings::Surroundings;
use crate::visit::Turn;
use crate::{Request, request};

/// The session after the request, which added `events`; none when the request was counted before. `profile` is the one
/// that it belongs to from now on, `found` what was found out of its surroundings.
pub(crate) fn after(
    request: &Request,
    before: Option<&Session>,
    profile: Option<&str>,
    events: u64,
    turn: &Turn,
    found: Option<&Surroundings>,
) -> Option<Session> {
    let mut session = before.cloned().unwrap_or_else(|| opened(request));
    if !session.applied.advance(&request.lane, (request.entry.milliseconds, request.entry.sequence)) {
        return None;
    }
    if session.profile.as_ref().map(|known| known.id.as_str()) != profile {
        session.profile = profile.map(ProfileReference::to);
    }
    session.source = Some(request.common.source.clone());
    session.metadata.channel.clone_from(&request.common.channel);
    let time = &mut session.metadata.time;
    // Edges' clocks differ: a session does not become shorter by that.
    time.update = time.update.max(request.common.received);
    time.duration = u64::try_from(time.update.duration_since(time.insert).as_secs()).unwrap_or(0);
    session.metadata.status = if request.ends_visit() { Session::ENDED } else { Session::ACTIVE }.to_owned();
    session.stats.events = session.stats.events.saturating_add(events);
    if turn.reopens() {
        // What led to the visit before is not what led to this one.
        (session.utm, session.referral) = Default::default();
    }
    if let Some(found) = found {
        found.clone().tell(&mut session);
        merge(&mut session.context, &languages(request));
    }
    merge(&mut session.context, &request.context);
    merge(&mut session.properties, &request.properties);
    Some(session)
}

/// What an event tells of its session; `time_zone` is what its request says, if it says it.
pub(crate) fn reference(session: &Session, event: &Event, time_zone: Option<&str>) -> SessionReference {
    let start = session.metadata.time.insert;
    let duration = event.metadata.time.insert.duration_since(start).as_secs();
    SessionReference {
        id: session.id.clone(),
        start: Some(start),
        // What the platform adds for a new session lies before it.
        duration: Some(u64::try_from(duration).unwrap_or(0)),
        tz: time_zone.map(str::to_owned).or_else(|| request::time_zone(&session.context)),
    }
}

/// The languages and countries of the visitor, where contexts of the protocol have them.
fn languages(request: &Request) -> Properties {
    let languages =
        [("language", request.languages.codes()), ("language_codes", request.languages.countries())];
    let told = languages.into_iter().filter(|(_, codes)| !codes.is_empty());
    told.map(|(key, codes)| (key.to_owned(), Value::from(codes))).collect()
}

fn opened(request: &Request) -> Session {
    Session {
        id: request.session.clone(),
        metadata: SessionMetadata {
            time: SessionTime {
                insert: request.common.received,
                update: request.common.received,
                duration: 0,
            },
            status: Session::ACTIVE.to_owned(),
            channel: None,
        },
        profile: None,
        source: None,
        device: Device::default(),
        os: Os::default(),
        app: App::default(),
        utm: Utm::default(),
        referral: Referral::default(),
        context: Properties::new(),
        properties: Properties::new(),
        stats: SessionStats::default(),
        applied: Applied::default(),
    }
}
