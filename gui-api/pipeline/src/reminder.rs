//! Reminders: entries of a lane that tell of no request, but that a session may have gone silent.
//!
//! What comes before one in its lane was received before it, so what becomes of it follows from the entry and from
//! what is known then, as with requests: it ends the session's visit where the silence is long enough, and else does
//! nothing. Whether it is sent twice, late or without need does not matter.

use jiff::Timestamp;
use tideline_model::{Event, Origin, ProfileReference, RequestFacts, Session, SessionReference};
use tideline_protocol::{EntryId, Lane};
use uuid::Uuid;

use crate::request::Common;
use crate::surroundings::Surroundings;
use crate::{MAX_ID_BYTES, Outcome, Settings, Unprocessable, system_event};
use crate::{session, visit};

/// A reminder that a session may have gone silent.
#[derive(Clone, Debug)]
pub struct Reminder {
    lane: Lane,
    entry: EntryId,
    session: String,
    at: Timestamp,
    settings: Settings,
}

impl Reminder {
    /// The field of an entry that makes it a reminder; its value is the session's id.
    pub const FIELD: &'static str = "silent";

    /// The reminder in the entry `entry` of `lane`.
    ///
    /// # Errors
    /// A session's id that none has.
    pub fn read(
        session: String,
        lane: &Lane,
        entry: EntryId,
        settings: &Settings,
    ) -> Result<Self, Unprocessable> {
        if session.is_empty() {
            return Err(Unprocessable::Missing(Self::FIELD.to_owned()));
        }
        if session.len() > MAX_ID_BYTES {
            return Err(Unprocessable::TooLong { path: Self::FIELD.to_owned(), bytes: session.len() });
        }
        let at = i64::try_from(entry.milliseconds).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        let at = at.ok_or_else(|| Unprocessable::ReceiveTime(entry.milliseconds.to_string()))?;
        Ok(Self { lane: lane.clone(), entry, session, at, settings: settings.clone() })
    }

    /// The session's id.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Whether a visit is over by now in which nothing was heard since `latest`.
    pub(crate) fn ends(&self, latest: Timestamp) -> bool {
        self.at.duration_since(latest) > self.settings.silence
    }

    /// The stream entry that it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { lane: self.lane.name().to_owned(), entry: self.entry.to_string() }
    }

    /// Ends the visit of `session` if it was silent for long enough: the session as it is then, and `visit-ended`, unless
    /// that is told already. `taken` and `profile_id` are as in [`crate::Request::apply`].
    #[must_use]
    pub fn apply(
        &self,
        taken: impl Fn(&str) -> bool,
        session: Option<&Session>,
        profile_id: Option<&str>,
    ) -> Outcome {
        let open = session.filter(|session| session.has_open_visit());
        let Some(session) = open.filter(|session| self.ends(session.metadata.time.update)) else {
            return Outcome::default();
        };
        let mut after = session.clone();
        if !after.applied.advance(self.lane.name(), (self.entry.milliseconds, self.entry.sequence)) {
            return Outcome::default();
        }
        Session::ENDED.clone_into(&mut after.metadata.status);
        let told = self.event(session, profile_id).filter(|event| !taken(&event.id));
        Outcome { events: told.into_iter().collect(), session: Some(after), ..Outcome::default() }
    }

    /// The event; none of a session whose visit is too long ago, or of which nobody knows what it was taken in by.
    fn event(&self, session: &Session, profile_id: Option<&str>) -> Option<Event> {
        let since = session.metadata.time.update;
        let source = session.source.clone().filter(|_| visit::is_told(since, self.at))?;
        let common = Common {
            request_id: Uuid::nil(),
            received: self.at,
            origin: self.origin(),
            source,
            channel: session.metadata.channel.clone(),
            session: Some(SessionReference::to(&session.id)),
            is_profile_less: profile_id.is_none(),
            debug: false,
            facts: RequestFacts::default(),
        };
        let event = system_event::visit_ended(&common, &session.id, since);
        let primary_id = session.profile.as_ref().and_then(|profile| profile.primary_id.clone());
        let profile = profile_id.map(|id| ProfileReference { id: id.to_owned(), primary_id });
        let of_session = Some(session::reference(session, &event, None));
        let event = Event { session: of_session, profile, ..event };
        Some(Surroundings::of_session(session).around(event))
    }
}
