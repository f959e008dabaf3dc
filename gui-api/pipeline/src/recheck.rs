//! Rechecks: entries of a lane that tell of no request, but that a profile may belong to other segments by now.
//!
//! As with [`crate::Reminder`]s, what becomes of one follows from the entry and from what is known then: whether it is sent
//! twice, late or without need does not matter.

use jiff::Timestamp;
use tideline_model::{Origin, Profile, Reference, RequestFacts};
use tideline_protocol::{EntryId, Lane};
use uuid::Uuid;

use crate::request::Common;
use crate::{MAX_ID_BYTES, Outcome, Settings, Unprocessable, system_event};

/// What events that no source has brought name as theirs.
const INTERNAL: &str = "internal";

/// A profile may belong to other segments by now.
#[derive(Clone, Debug)]
pub struct Recheck {
    lane: Lane,
    entry: EntryId,
    profile: String,
    at: Timestamp,
    settings: Settings,
}

impl Recheck {
    /// The field of an entry that makes it a recheck; its value is the profile's id.
    pub const FIELD: &'static str = "recheck";
    /// The field with the revision of the rules by which the profile is to move: whoever processes the entry must know them.
    pub const RULES: &'static str = "rules";

    /// The recheck in the entry `entry` of `lane`.
    ///
    /// # Errors
    /// A profile's id that none has.
    pub fn read(
        profile: String,
        lane: &Lane,
        entry: EntryId,
        settings: &Settings,
    ) -> Result<Self, Unprocessable> {
        if profile.is_empty() {
            return Err(Unprocessable::Missing(Self::FIELD.to_owned()));
        }
        if profile.len() > MAX_ID_BYTES {
            return Err(Unprocessable::TooLong { path: Self::FIELD.to_owned(), bytes: profile.len() });
        }
        let at = i64::try_from(entry.milliseconds).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        let at = at.ok_or_else(|| Unprocessable::ReceiveTime(entry.milliseconds.to_string()))?;
        Ok(Self { lane: lane.clone(), entry, profile, at, settings: settings.clone() })
    }

    /// The profile's id.
    #[must_use]
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// Puts the profile into the segments that it belongs to now; nothing where it is in them already, or is no more.
    #[must_use]
    pub fn apply(&self, profile: Option<&Profile>) -> Outcome {
        let Some(before) = profile else { return Outcome::default() };
        let mut after = before.clone();
        if !after.applied.advance(self.lane.name(), (self.entry.milliseconds, self.entry.sequence)) {
            return Outcome::default();
        }
        self.settings.rules.segments().evaluate(&mut after, self.at);
        if after.segments == before.segments {
            return Outcome::default();
        }
        let common = Common {
            request_id: Uuid::nil(),
            received: self.at,
            origin: Origin { lane: self.lane.name().to_owned(), entry: self.entry.to_string() },
            source: Reference::to(INTERNAL),
            channel: None,
            session: None,
            is_profile_less: false,
            debug: false,
            facts: RequestFacts::default(),
        };
        let events = system_event::of_segments(&common, Some(before), &after);
        Outcome { events, profile: Some(after), ..Outcome::default() }
    }
}
