//! The events of a request on their way to what is stored of them, and what they change in their profile.
//!
//! One after the other: what a rule says of an event may depend on what the events before it have changed, such as a
//! consent that was given a moment ago.

use tideline_model::{Event, Profile, Properties, Session};

use crate::merge::merge;
use crate::rules::Trace;
use crate::{Request, consents, event_types, interests};

const PAGE_VIEW: &str = "page-view";
const EVENTS: &str = "events";

/// Events of a request, as they were sent until they are prepared.
pub(crate) struct Prepared<'a> {
    events: Vec<Event>,
    session: Option<&'a Session>,
    /// What they say of the session.
    for_session: Properties,
    trace: &'a mut Trace,
    is_done: bool,
}

impl<'a> Prepared<'a> {
    /// `session` is as it is with the request.
    pub(crate) fn new(events: Vec<Event>, session: Option<&'a Session>, trace: &'a mut Trace) -> Self {
        Self { events, session, for_session: Properties::new(), trace, is_done: false }
    }

    pub(crate) fn first(&self) -> Option<&Event> {
        self.events.first()
    }

    /// Prepares each, and lets it change the profile, unless a rule finds fault with it.
    pub(crate) fn change(&mut self, request: &Request, profile: &mut Profile) {
        self.is_done = true;
        let (session, trace) = (self.session, &mut *self.trace);
        for event in &mut self.events {
            let for_session = request.rules.prepare(event, Some(profile), session, request.salt, trace);
            if !event.metadata.valid {
                continue;
            }
            for_session.inspect(|said| merge(&mut self.for_session, said));
            trace.around("profile", None, profile, |profile, _| {
                let views = u64::from(event.r#type == PAGE_VIEW);
                profile.stats.views = profile.stats.views.saturating_add(views);
                let counted = profile.stats.counters.entry(EVENTS.to_owned()).or_default();
                *counted = counted.saturating_add(1);
                event_types::change(profile, event);
                consents::note(profile, event, &request.rules);
                interests::note(profile, event);
            });
            request.rules.map(profile, event, session, trace);
            request.rules.segments().count(profile, event, session);
        }
    }

    /// The events as they are stored, and what they say of their session. Those that have changed nobody's profile are
    /// prepared here, by what is known of `profile`.
    pub(crate) fn finish(mut self, request: &Request, profile: Option<&Profile>) -> (Vec<Event>, Properties) {
        if !self.is_done {
            for event in &mut self.events {
                let for_session =
                    request.rules.prepare(event, profile, self.session, request.salt, self.trace);
                for_session.inspect(|said| merge(&mut self.for_session, said));
            }
        }
        (self.events, self.for_session)
    }
}
