//! What a request changes in its session.

use tideline_model::{Applied, Properties, Reference, Session, SessionMetadata, SessionStats, SessionTime};

use crate::Request;
use crate::merge::merge;

/// The session after the request, which added `events`; none when the request was counted before. `profile` is the one
/// that it belongs to from now on.
pub(crate) fn after(
    request: &Request,
    before: Option<&Session>,
    profile: Option<&str>,
    events: u64,
) -> Option<Session> {
    let mut session = before.cloned().unwrap_or_else(|| opened(request));
    if !session.applied.advance(&request.lane, (request.entry.milliseconds, request.entry.sequence)) {
        return None;
    }
    session.profile = profile.map(Reference::to);
    let time = &mut session.metadata.time;
    // Edges' clocks differ: a session does not become shorter by that.
    time.update = time.update.max(request.common.received);
    time.duration = u64::try_from(time.update.duration_since(time.insert).as_secs()).unwrap_or(0);
    session.stats.events = session.stats.events.saturating_add(events);
    merge(&mut session.context, &request.context);
    merge(&mut session.properties, &request.properties);
    Some(session)
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
            status: "active".to_owned(),
        },
        profile: None,
        context: Properties::new(),
        properties: Properties::new(),
        stats: SessionStats::default(),
        applied: Applied::default(),
    }
}
