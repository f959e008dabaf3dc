//! What rules have done to a request, told while it is processed: troubles always, steps where somebody asks.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tideline_model::Event;

use super::RuleName;

/// The most troubles that are told of one request.
const MOST_TROUBLES: usize = 20;

/// A rule could not do its work on an event, and has left it as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which rule.
    pub rule: RuleName,
    /// The event's id.
    pub event: String,
    /// When the event was received.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A step of the processing.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What was done: `compliance`, `event type`, `profile` and the like.
    pub name: &'static str,
    /// The rule that did it, if one did.
    pub rule: Option<RuleName>,
    /// The document that it was done to, before; null where there was none.
    pub before: Value,
    /// The same, after.
    pub after: Value,
}

/// What was told so far.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// None where nobody asks.
    steps: Option<Vec<Step>>,
    troubles: Troubles,
}

/// Rules that could not do their work.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Vec<Trouble>);

impl Troubles {
    /// Notes one, as long as there is room.
    pub(crate) fn note(&mut self, rule: &RuleName, event: &Event, reason: impl Into<String>) {
        if self.0.len() < MOST_TROUBLES {
            self.0.push(Trouble {
                rule: rule.clone(),
                event: event.id.clone(),
                at: event.metadata.time.receive,
                reason: reason.into(),
            });
        }
    }
}

impl Trace {
    /// One that tells of every step.
    pub(crate) fn of_steps() -> Self {
        Self { steps: Some(Vec::new()), troubles: Troubles::default() }
    }

    /// Does something to a document, and tells of it.
    pub(crate) fn around<T: Serialize, R>(
        &mut self,
        name: &'static str,
        rule: Option<&RuleName>,
        document: &mut T,
        act: impl FnOnce(&mut T, &mut Troubles) -> R,
    ) -> R {
        let before = self.steps.is_some().then(|| write(document));
        let result = act(document, &mut self.troubles);
        if let (Some(before), Some(steps)) = (before, &mut self.steps) {
            steps.push(Step { name, rule: rule.cloned(), before, after: write(document) });
        }
        result
    }

    /// Tells of a step that made one document of another, or of none.
    pub(crate) fn step<T: Serialize>(&mut self, name: &'static str, before: Option<&T>, after: Option<&T>) {
        if let Some(steps) = &mut self.steps {
            let written = |document: Option<&T>| document.map_or(Value::Null, write);
            steps.push(Step { name, rule: None, before: written(before), after: written(after) });
        }
    }

    /// What was told.
    pub(crate) fn end(self) -> (Vec<Step>, Vec<Trouble>) {
        (self.steps.unwrap_or_default(), self.troubles.0)
    }
}

fn write<T: Serialize>(document: &T) -> Value {
    serde_json::to_value(document).unwrap_or_default()
}
