//! Conditions of rules: filters about the event, its profile and its session.

use jiff::Timestamp;
use tideline_filter::{Document, Filter, Prepared};

use super::RuleProblem;
use super::view::View;

/// A condition, ready to be asked.
#[derive(Debug)]
pub(super) struct Condition {
    readiness: Readiness,
    /// The documents that it asks for.
    asks: Vec<Document>,
}

#[derive(Debug)]
enum Readiness {
    Always(Box<Prepared>),
    /// It speaks of moments that move on, and is made ready for the time of each event.
    At(Box<Filter>),
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
        let readiness = if filter.depends_on_now() {
            Readiness::At(Box::new(filter))
        } else {
            Readiness::Always(Box::new(Prepared::at(&filter, Timestamp::UNIX_EPOCH)))
        };
        Ok(Self { readiness, asks })
    }

    pub(super) fn holds(&self, view: &View<'_>, now: Timestamp) -> bool {
        let documents = view.documents(&self.asks);
        match &self.readiness {
            Readiness::Always(prepared) => prepared.matches(&documents),
            Readiness::At(filter) => Prepared::at(filter, now).matches(&documents),
        }
    }
}
