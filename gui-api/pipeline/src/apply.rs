//! A request applied to what is known already.

use tideline_model::{Event, Profile, Reference, Session};

use crate::Request;
use crate::system_event::PROFILE_CREATED;
use crate::{profile, session};

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
}

impl Request {
    /// The profile that this request belongs to. A session keeps its profile: when the edge has forgotten it
    /// and answered another, the session's counts.
    #[must_use]
    pub fn profile_in<'a>(&'a self, session: Option<&'a Session>) -> &'a str {
        session.map_or(&self.profile, |session| &session.profile.id)
    }

    /// Applies the request. `taken` says whether an event of this id is stored from another entry;
    /// `session` and `profile` are those of before, `profile` being the one whose id is `profile_id`:
    /// [`Self::profile_in`] the session, or the profile which has that id among its `ids`.
    ///
    /// Events that are taken change nothing, and a request all of whose events are taken is no visit either.
    /// A session or profile that has counted this entry before does not change.
    #[must_use]
    pub fn apply(
        &self,
        taken: impl Fn(&str) -> bool,
        session: Option<&Session>,
        profile_id: &str,
        profile: Option<&Profile>,
    ) -> Outcome {
        let added: Vec<&Event> = self.client_events.iter().filter(|event| !taken(&event.id)).collect();
        let known = self.client_events.len() - added.len();
        let duplicates = self.repeated.saturating_add(u32::try_from(known).unwrap_or(u32::MAX));
        if added.is_empty() {
            return Outcome { duplicates, ..Outcome::default() };
        }
        // The id that was made for this request is one more name of a profile which has been there.
        let needless = |event: &&Event| profile_id != self.profile && event.r#type == PROFILE_CREATED;
        let system = self.system_events.iter().filter(|event| !taken(&event.id) && !needless(event));
        let belongs = |event: &Event| Event { profile: Reference::to(profile_id), ..event.clone() };
        Outcome {
            events: system.chain(added.iter().copied()).map(belongs).collect(),
            session: session::after(self, session, profile_id, added.len() as u64),
            profile: profile::after(self, profile, profile_id, &added),
            stored: u32::try_from(added.len()).unwrap_or(u32::MAX),
            duplicates,
        }
    }
}
