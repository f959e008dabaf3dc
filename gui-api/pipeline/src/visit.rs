//! When visits begin and end.
//!
//! A visit begins with its session. It ends when the client says so (`visit-ended`), or with a silence, which is noticed
//! when somebody reminds of it ([`Reminder`]) or the session goes on after it; what comes then in the session is the
//! next visit.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use tideline_model::{Event, Session};
use tideline_protocol::system_event_id;

use crate::system_event::{self, visit_ended_id};
use crate::{Reminder, Request};

/// What a client sends, or the platform adds, when a visit is over.
pub(crate) const VISIT_ENDED: &str = "visit-ended";
/// What the platform adds when one begins.
pub(crate) const VISIT_STARTED: &str = "visit-started";

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
        // One that has heard of the request already is as later ones have left it: what the request meant to its visits is told.
        let entry = (request.entry.milliseconds, request.entry.sequence);
        let hears = |session: &&Session| !session.applied.has(&request.lane, entry);
        let Some(session) = session.filter(hears) else { return Self::default() };
        let ended = !session.has_open_visit();
        let latest = session.metadata.time.update;
        let silent_since = Some(latest)
            .filter(|_| !ended && request.common.received.duration_since(latest) > request.silence);
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
        let told = self.silent_since.filter(|since| is_told(*since, received));
        let ended = told.map(|since| system_event::visit_ended(&request.common, &request.session, since));
        // A session that is taken for a new one begins its visit anyway.
        let began = (self.reopens && !opens)
            .then(|| system_event::visit_started(&request.common, &request.client_events));
        ended.into_iter().chain(began).collect()
    }
}

/// Whether it is told at `now` that a visit ended then.
pub(crate) fn is_told(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since) <= LONGEST_TOLD
}

/// What is to be applied to one session.
#[derive(Default)]
struct Ahead<'a> {
    requests: Vec<&'a Request>,
    reminders: Vec<&'a Reminder>,
}

impl Ahead<'_> {
    /// Ids of the events that may tell of its visits.
    fn event_ids(&self, id: &str, known: Option<&Session>) -> Vec<String> {
        let received = self.requests.iter().map(|request| request.common.received);
        let heard: BTreeSet<Timestamp> =
            received.chain(known.map(|session| session.metadata.time.update)).collect();
        let Some(first) = heard.first() else { return Vec::new() };
        let is_silent = |request: &&Request| request.common.received.duration_since(*first) > request.silence;
        let silent = self.requests.iter().any(is_silent);
        let ended = known.is_some_and(|session| !session.has_open_visit())
            || self.requests.iter().any(|request| request.ends_visit());
        let mut ids = Vec::new();
        if silent || self.reminders.iter().any(|reminder| reminder.ends(*first)) {
            ids.extend(heard.iter().map(|since| visit_ended_id(id, *since)));
        }
        // A reminder ends the visit, so that what comes after it begins another.
        if silent || ended || !self.reminders.is_empty() {
            let started = |request: &&Request| system_event_id(request.common.request_id, VISIT_STARTED);
            ids.extend(self.requests.iter().map(started));
        }
        ids
    }
}

/// Ids of the events by which these requests and reminders may tell that a visit of a known session ended and another
/// began. Like [`Request::event_ids`]: whether one is taken has to be known before they are applied.
pub fn visit_event_ids<'a>(
    requests: &[&Request],
    reminders: &[&Reminder],
    session: impl Fn(&str) -> Option<&'a Session>,
) -> Vec<String> {
    let mut of_sessions: HashMap<&str, Ahead<'_>> = HashMap::new();
    for request in requests.iter().filter(|request| request.keeps_session) {
        of_sessions.entry(&request.session).or_default().requests.push(request);
    }
    for reminder in reminders {
        of_sessions.entry(reminder.session()).or_default().reminders.push(reminder);
    }
    of_sessions.iter().flat_map(|(id, ahead)| ahead.event_ids(id, session(id))).collect()
}
