//! Conditions of rules: filters about the event, its profile and its session.

use jiff::Timestamp;
use tideline_filter::{Document, Documents, Filter, Prepared};

use super::RuleProblem;
use super::view::View;

/// A condition, ready to be asked.
#[derive(Debug)]
pub(super) struct Condition {
    readiness: Readiness,
    /// The documents that it asks for.
    asks: Vec<Document>,
}

/// A filter, as ready as it can be before it is known when it is asked.
#[derive(Debug)]
pub(super) enum Readiness {
    Always(Box<Prepared>),
    /// It speaks of moments that move on, and is made ready for the time of each question.
    At(Box<Filter>),
}

impl Readiness {
    pub(super) fn of(filter: Filter) -> Self {
        if filter.depends_on_now() {
            Self::At(Box::new(filter))
        } else {
            Self::Always(Box::new(Prepared::at(&filter, Timestamp::UNIX_EPOCH)))
        }
    }

    pub(super) fn holds(&self, documents: &Documents<'_>, now: Timestamp) -> bool {
        match self {
            Self::Always(prepared) => prepared.matches(documents),
            Self::At(filter) => Prepared::at(filter, now).matches(documents),
        }
    }
}

impl Condition {
    pub(super) fn compile(path: &str, text: &str) -> Result<Self, RuleProblem> {
        let filter = Filter::parse(text).map_err(|error| RuleProblem::filter(path, error))?;
        let mut asks = Vec::new();
        for document in filter.fields().iter().filter_map(|place| place.field.document) {
            if !asks.contains(&document) {
                asks.push(document);
            }
        }
        Ok(Self { readiness: Readiness::of(filter), asks })
    }

    pub(super) fn holds(&self, view: &View<'_>, now: Timestamp) -> bool {
        self.readiness.holds(&view.documents(&self.asks), now)
    }
}
