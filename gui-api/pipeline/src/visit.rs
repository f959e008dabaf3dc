//! When visits begin and end.
//!
//! A visit begins with its session. It ends when the client says so (`visit-ended`), or with a silence, which is noticed
//! when the session goes on after it; what comes then in the session is the next visit.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use tideline_model::{Event, Session};
use tideline_protocol::system_event_id;

use crate::{Request, system_event};

/// What a client sends, or the platform adds, when a visit is over.
pub(crate) const VISIT_ENDED: &str = "visit-ended";
/// What the platform adds when one begins.
pub(crate) const VISIT_STARTED: &str = "visit-started";
/// What a session's status is between two visits.
pub(crate) const ENDED: &str = "ended";
/// What it is during one.
pub(crate) const ACTIVE: &str = "active";

/// A session in which nothing was heard for longer than this goes on with another visit.
const SILENCE: SignedDuration = SignedDuration::from_mins(30);
/// A silence that began longer ago is not told any more: events have no such time (`docs/processing.md` §1.3).
const LONGEST_TOLD: SignedDuration = SignedDuration::from_hours(35 * 24);

/// What a request means to the visits of its session.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// The visit before ended in silence, then.
    silent_since: Option<Timestamp>,
    /// A known session goes on with another visit.
    reopens: bool,
}

impl Turn {
    /// `session` is as it was before the request; none when it is not kept.
    pub(crate) fn of(request: &Request, session: Option<&Session>) -> Self {
        let Some(session) = session else { return Self::default() };
        let ended = session.metadata.status == ENDED;
        let latest = session.metadata.time.update;
        let silent_since =
            Some(latest).filter(|_| !ended && request.common.received.duration_since(latest) > SILENCE);
        let reopens = (ended || silent_since.is_some()) && !request.ends_visit();
        Self { silent_since, reopens }
    }

    /// Whether a known session goes on with another visit.
    pub(crate) fn reopens(&self) -> bool {
        self.reopens
    }

    /// The events that tell of it; `opens` says that the request opens the session.
    pub(crate) fn events(&self, request: &Request, opens: bool) -> Vec<Event> {
        let received = request.common.received;
        let told = self.silent_since.filter(|since| received.duration_since(*since) <= LONGEST_TOLD);
        let ended = told.map(|since| system_event::visit_ended(&request.common, since));
        // A session that is taken for a new one begins its visit anyway.
        let began = (self.reopens && !opens)
            .then(|| system_event::visit_started(&request.common, &request.client_events));
        ended.into_iter().chain(began).collect()
    }
}

/// Ids of the events by which these requests may tell that a visit of a known session ended and another began. Like
/// [`Request::event_ids`]: whether one is taken has to be known before the requests are applied.
pub fn visit_event_ids<'a>(
    requests: &[&Request],
    session: impl Fn(&str) -> Option<&'a Session>,
) -> Vec<String> {
    let mut of_sessions: HashMap<&str, Vec<&Request>> = HashMap::new();
    for request in requests.iter().filter(|request| request.keeps_session) {
        of_sessions.entry(&request.session).or_default().push(request);
    }
    let mut ids = Vec::new();
    for (id, requests) in of_sessions {
        let known = session(id);
        let ended = known.is_some_and(|session| session.metadata.status == ENDED);
        let received = || requests.iter().map(|request| request.common.received);
        let first = received().chain(known.map(|session| session.metadata.time.update)).min();
        let silent =
            first.zip(received().max()).is_some_and(|(first, last)| last.duration_since(first) > SILENCE);
        if ended || silent || requests.iter().any(|request| request.ends_visit()) {
            let of_request = |request: &&Request| {
                [VISIT_ENDED, VISIT_STARTED].map(|r#type| system_event_id(request.common.request_id, r#type))
            };
            ids.extend(requests.iter().flat_map(of_request));
        }
    }
    ids
}
