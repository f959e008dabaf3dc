//! Which events a rule is for, beside their type, by which rules are sorted.

use tideline_model::rules::When;
use tideline_model::{Event, Profile, Session};

use super::RuleProblem;
use super::condition::Condition;
use super::view::View;
use crate::MAX_ID_BYTES;

/// Which events a rule is for, of those of its type.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The id of a source, in lower case.
    source: Option<String>,
    condition: Option<Condition>,
}

impl Scope {
    pub(super) fn compile(when: &When) -> Result<Self, RuleProblem> {
        for (path, name) in
            [("settings.when.event_type", &when.event_type), ("settings.when.source", &when.source)]
        {
            if name.as_ref().is_some_and(|name| name.trim().is_empty() || name.len() > MAX_ID_BYTES) {
                let message =
                    format!("it is blank or longer than {MAX_ID_BYTES} bytes: leave it out to mean any");
                return Err(RuleProblem::new(path, message));
            }
        }
        if let Some(sent) = when.event_type.as_ref().filter(|sent| **sent != stored_type(sent)) {
            let message = format!("events have no type `{sent}`: they are stored as `{}`", stored_type(sent));
            return Err(RuleProblem::new("settings.when.event_type", message));
        }
        let condition = when.condition.as_ref();
        let condition =
            condition.map(|text| Condition::compile("settings.when.condition", text)).transpose()?;
        Ok(Self { source: when.source.as_ref().map(|id| id.to_lowercase()), condition })
    }

    pub(super) fn has(&self, event: &Event, profile: Option<&Profile>, session: Option<&Session>) -> bool {
        if self.source.as_ref().is_some_and(|source| *source != event.source.id.to_lowercase()) {
            return false;
        }
        let Some(condition) = &self.condition else { return true };
        condition.holds(&View::of(event, profile, session), event.metadata.time.receive)
    }
}

/// A type as events have it.
pub(super) fn stored_type(sent: &str) -> String {
    crate::client_event::type_of(sent.trim())
}
