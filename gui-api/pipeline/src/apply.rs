//! A request applied to what is known already.

use tideline_model::{Event, Journey, Profile, ProfileReference, Session};

use crate::merge::merge;
use crate::prepared::Prepared;
use crate::rules::Trace;
use crate::surroundings::Surroundings;
use crate::visit::Turn;
use crate::{Request, Step, Trouble, event_types, profile, session, surroundings, system_event};

/// What a request adds and changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Events to store: what the platform adds, then the client's in their order. Those that are stored
    /// already, from this very entry, are among them.
    pub events: Vec<Event>,
    /// The session as it is now; none when the request does not change it.
    pub session: Option<Session>,
    /// The profile as it is now; none when the request does not change it.
    pub profile: Option<Profile>,
    /// How many of the client's events are in `events`.
    pub stored: u32,
    /// How many of the client's events were there before, from another entry or earlier in this one.
    pub duplicates: u32,
    /// How many of the client's events are not to be stored.
    pub passed: u32,
    /// Rules that could not do their work.
    pub troubles: Vec<Trouble>,
}

impl Request {
    /// The profile that this request belongs to, if it belongs to any. A session keeps its profile: when the edge has
    /// forgotten it and answered another, the session's counts, unless the event source vouches for the other. `claimed` is
    /// whom [`Self::claim`] stands for, if that is anybody.
    #[must_use]
    pub fn profile_in<'a>(
        &'a self,
        session: Option<&'a Session>,
        claimed: Option<&'a str>,
    ) -> Option<&'a str> {
        let answered = self.profile.as_deref()?;
        let kept = session.and_then(profile_of).filter(|_| !self.vouched);
        Some(kept.or(claimed).unwrap_or(answered))
    }

    /// The profile that the session belongs to after this request, if it belongs to any; `profile_id` is whose the
    /// request is. A session keeps its profile, also where a source vouches for another, and follows it when it is
    /// merged.
    #[must_use]
    pub fn session_profile<'a>(
        &self,
        session: Option<&'a Session>,
        profile_id: Option<&'a str>,
    ) -> Option<&'a str> {
        let kept = session.and_then(profile_of);
        if self.vouched { kept.or(profile_id) } else { profile_id.or(kept) }
    }

    /// Applies the request. `taken` says whether an event of this id is stored from another entry;
    /// `session` and `profile` are those of before. `profile_id` is whose the request is: [`Self::profile_in`] the
    /// session, or the profile that this id stands for; `profile` is none when that profile has no document yet.
    ///
    /// Events that are taken change nothing, and a request all of whose events are taken is no visit either.
    /// A session or profile that has counted this entry before does not change. Where only a known session's events are to be
    /// kept, and `session` is none, they pass.
    #[must_use]
    pub fn apply(
        &self,
        taken: impl Fn(&str) -> bool,
        session: Option<&Session>,
        profile_id: Option<&str>,
        profile: Option<&Profile>,
    ) -> Outcome {
        self.apply_and_tell(taken, session, profile_id, profile, Trace::default()).0
    }

    /// The same, and each step of it.
    #[must_use]
    pub fn explain(
        &self,
        taken: impl Fn(&str) -> bool,
        session: Option<&Session>,
        profile_id: Option<&str>,
        profile: Option<&Profile>,
    ) -> (Outcome, Vec<Step>) {
        self.apply_and_tell(taken, session, profile_id, profile, Trace::of_steps())
    }

    /// Puts a profile that has become one with another by this request into the segments that it belongs to now: the events
    /// that tell of it. Until now it was in those of both.
    #[must_use]
    pub fn move_merged(&self, profile: &mut Profile) -> Vec<Event> {
        let before = profile.clone();
        self.rules.segments().evaluate(profile, self.common.received);
        let are_kept = self.client_events.iter().any(|sent| sent.is_kept);
        if are_kept { system_event::of_segments(&self.common, Some(&before), profile) } else { Vec::new() }
    }

    fn apply_and_tell(
        &self,
        taken: impl Fn(&str) -> bool,
        session: Option<&Session>,
        profile_id: Option<&str>,
        profile: Option<&Profile>,
        mut trace: Trace,
    ) -> (Outcome, Vec<Step>) {
        let added: Vec<_> = self.client_events.iter().filter(|added| !taken(&added.event.id)).collect();
        let known = self.client_events.len() - added.len();
        let duplicates = self.repeated.saturating_add(count(known));
        if added.is_empty() {
            return (Outcome { duplicates, ..Outcome::default() }, Vec::new());
        }
        if self.known_session_only && session.is_none() {
            let passed = count(added.len());
            return (Outcome { duplicates, passed, ..Outcome::default() }, Vec::new());
        }
        let are_kept = added.iter().any(|added| added.is_kept);
        let created = profile_id.filter(|_| profile.is_none());
        let created = created.map(|id| system_event::profile_created(&self.common, id));
        let of_session = self.session_profile(session, profile_id);
        let was_nobodys = session.is_some_and(|session| session.profile.is_none());
        let session = session.filter(|_| self.keeps_session);
        let turn = Turn::of(self, session);
        let opens = self.opens_session(session);
        let opening = self.session_events.iter().filter(|_| opens).cloned();
        let system = created.into_iter().chain(opening).chain(turn.events(self, opens));
        // Where no event is kept, the platform adds none either.
        let system = system.filter(|event| are_kept && !taken(&event.id));
        let stored = count(added.iter().filter(|added| added.is_kept).count());
        let all = count(added.len());
        // Also the first that its profile hears of the session is a visit to it.
        let begins_visit = self.keeps_session && (opens || was_nobodys || turn.reopens());
        let visits = begins_visit && of_session == profile_id;
        let is_known = session.is_some_and(surroundings::are_known) && !turn.reopens();
        let found = (!is_known).then(|| Surroundings::of(self));
        let mut session_after = self
            .keeps_session
            .then(|| session::after(self, session, of_session, u64::from(all), &turn, found.as_ref()))
            .flatten();
        let known = session_after.as_ref().or(session).map(Surroundings::of_session);
        let surroundings = known.or(found).unwrap_or_default();
        for sent in &added {
            trace.step("reading", None, Some(&sent.event));
        }
        trace.step("session", session, session_after.as_ref());
        let sent = added.iter().map(|added| added.event.clone()).collect();
        let mut events = Prepared::new(sent, session_after.as_ref().or(session), &mut trace);
        let changed = profile_id
            .and_then(|id| profile::after(self, profile, id, &mut events, visits, &surroundings.device));
        let (events, for_session) = events.finish(self, profile);
        if let Some(session) = &mut session_after {
            merge(&mut session.properties, &for_session);
        }
        let now = changed.as_ref().or(profile);
        let primary_id = now.and_then(|profile| profile.primary_id.clone());
        let owner = profile_id.map(|id| ProfileReference { id: id.to_owned(), primary_id });
        if let Some(session) = session_after.as_mut().filter(|_| of_session == profile_id) {
            session.profile.clone_from(&owner);
        }
        let of_events = session_after.as_ref().or(session);
        let comes_again = now.is_some_and(|known| known.metadata.time.visit.count > 1);
        let finished = |event: Event| {
            let later = Some(&event).filter(|_| comes_again).and_then(event_types::later);
            let journey = later.map_or_else(|| event.journey.clone(), |later| Journey { state: Some(later) });
            let of_event = of_events.filter(|_| event.session.is_some());
            let of_event = of_event.map(|known| session::reference(known, &event, self.time_zone.as_deref()));
            surroundings.around(Event { session: of_event, profile: owner.clone(), journey, ..event })
        };
        let moves = changed.as_ref().map(|after| system_event::of_segments(&self.common, profile, after));
        let moves = moves.into_iter().flatten().filter(|_| are_kept);
        let kept = added.iter().zip(events).filter(|(added, _)| added.is_kept).map(|(_, event)| event);
        let events = system.chain(kept).chain(moves).map(finished).collect();
        let (steps, troubles) = trace.end();
        let passed = all.saturating_sub(stored);
        let outcome = Outcome {
            events,
            session: session_after,
            profile: changed,
            stored,
            duplicates,
            passed,
            troubles,
        };
        (outcome, steps)
    }
}

fn profile_of(session: &Session) -> Option<&str> {
    session.profile.as_ref().map(|profile| profile.id.as_str())
}

fn count(events: usize) -> u32 {
    u32::try_from(events).unwrap_or(u32::MAX)
}
