//! What visitors may agree to, and whether they have (`docs/configuration.md` §6).

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use tideline_model::Profile;
use tideline_model::rules::{ConsentDefault, ConsentType};

use super::RuleProblem;

/// The longest time that a consent may last, in days.
const MOST_DAYS: u32 = 36_500;

/// The consents that there are, by id. Others are known too, and never assumed.
#[derive(Debug, Default)]
pub(super) struct ConsentTypes(HashMap<String, ConsentType>);

impl ConsentTypes {
    pub(super) fn add(&mut self, id: String, settings: &ConsentType) -> Result<(), RuleProblem> {
        if settings.ends_after_days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
            let message =
                format!("a consent lasts 1 to {MOST_DAYS} days: leave it out where it does not end");
            return Err(RuleProblem::new("settings.ends_after_days", message));
        }
        self.0.insert(id, settings.clone());
        Ok(())
    }

    /// Whether the visitor agrees at this time. Who took a consent back does not, whatever is assumed of others.
    pub(super) fn are_given(&self, ids: &[String], profile: Option<&Profile>, now: Timestamp) -> bool {
        ids.iter().all(|id| {
            let given = profile.and_then(|profile| profile.consents.get(id));
            let is_known = |profile: &Profile| profile.metadata.fields.contains_key(&field(id));
            match given {
                Some(consent) => consent.revoke.is_none_or(|end| now < end),
                None if profile.is_some_and(is_known) => false,
                None => self.0.get(id).is_some_and(|known| known.default == ConsentDefault::Grant),
            }
        })
    }

    /// When a consent that is given then ends by itself, if it does.
    pub(super) fn end(&self, id: &str, given: Timestamp) -> Option<Timestamp> {
        let days = self.0.get(id)?.ends_after_days?;
        given.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok()
    }
}

/// The field of a profile that tells when a consent was given or taken back.
fn field(id: &str) -> String {
    format!("consents.{id}")
}
