//! Whether a document matches, in memory. The rules are those of `docs/filter.md` §2 and §3.

use jiff::Timestamp;
use serde_json::Value;

use crate::ast::{Comparison, Condition, Document, Expression, Field, Literal, Operand, TextRelation};
use crate::known::{self, Known};
use crate::one_of::OneOf;
use crate::words::{self, Hunt};
use crate::{Filter, walk};

/// So many values of each of two fields are compared with one another, so that long arrays do not take long.
const MOST_PAIRED: usize = 100;

/// A filter that is ready to be asked many times: values are read, and relative moments are counted from one `now`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    expression: Expression,
    now: Timestamp,
    node: Node,
}

/// What a filter is asked about: a field without a document is one of `filtered`.
#[derive(Clone, Copy, Debug)]
pub struct Documents<'a> {
    filtered: Document,
    documents: [Option<&'a Value>; Document::ALL.len()],
}

impl<'a> Documents<'a> {
    /// One document, which is what is filtered.
    #[must_use]
    pub fn only(filtered: Document, document: &'a Value) -> Self {
        Self { filtered, documents: [None; Document::ALL.len()] }.with(filtered, document)
    }

    /// With another document beside it.
    #[must_use]
    pub fn with(mut self, kind: Document, document: &'a Value) -> Self {
        if let Some(place) = self.documents.get_mut(kind as usize) {
            *place = Some(document);
        }
        self
    }

    fn of(&self, field: &Field) -> Option<&'a Value> {
        self.documents.get(field.document.unwrap_or(self.filtered) as usize).copied().flatten()
    }

    fn any_at(&self, field: &Field, holds: &mut dyn FnMut(&'a Value) -> bool) -> bool {
        self.of(field).is_some_and(|document| walk::any_at(document, &field.steps, holds))
    }

    fn any_element(&self, field: &Field, mut holds: impl FnMut(&'a Value) -> bool) -> bool {
        self.any_at(field, &mut |value| walk::any_element(value, &mut holds))
    }

    fn any_leaf(&self, field: &Field, mut holds: impl FnMut(&'a Value) -> bool) -> bool {
        self.any_at(field, &mut |value| walk::any_leaf(value, &mut holds))
    }

    /// The first values of a field, not too many.
    fn first(&self, field: &Field) -> Vec<&'a Value> {
        let mut first = Vec::new();
        self.any_element(field, |value| {
            first.push(value);
            first.len() == MOST_PAIRED
        });
        first
    }
}

impl Prepared {
    /// Makes `filter` ready for documents that are looked at `now`.
    #[must_use]
    pub fn at(filter: &Filter, now: Timestamp) -> Self {
        let expression = filter.expression().clone();
        Self { node: Node::prepare(&expression, now), expression, now }
    }

    /// The tree that it was made of.
    #[must_use]
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// What relative moments are counted from.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether the documents match.
    #[must_use]
    pub fn matches(&self, documents: &Documents<'_>) -> bool {
        self.node.holds(documents)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Compare { field: Field, comparison: Comparison, with: Side },
    Between { field: Field, low: Side, high: Side },
    In { field: Field, values: OneOf },
    Same { field: Field, values: Vec<Known> },
    Has { field: Field, relation: TextRelation, text: String },
    Matches { field: Field, words: Vec<String> },
    Exists(Field),
    Empty(Field),
    Search(Vec<String>),
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Side {
    Known(Known),
    Field(Field),
}

impl Side {
    fn prepare(operand: &Operand, now: Timestamp) -> Self {
        match operand {
            Operand::Literal(literal) => Self::Known(Known::prepare(literal, now)),
            Operand::Field(field) => Self::Field(field.clone()),
        }
    }

    fn compares(&self, documents: &Documents<'_>, value: &Value, comparison: Comparison) -> bool {
        let holds = |order: Option<_>| order.is_some_and(|order| comparison.holds(order));
        match self {
            Self::Known(known) => holds(known.order(value)),
            Self::Field(field) => {
                documents.first(field).into_iter().any(|other| holds(known::order(value, other)))
            }
        }
    }
}

impl Node {
    fn prepare(expression: &Expression, now: Timestamp) -> Self {
        let all = |parts: &[Expression]| parts.iter().map(|part| Self::prepare(part, now)).collect();
        match expression {
            Expression::All(parts) => Self::All(all(parts)),
            Expression::Any(parts) => Self::Any(all(parts)),
            Expression::Not(inner) => Self::Not(Box::new(Self::prepare(inner, now))),
            Expression::Is(condition) => Self::condition(condition.clone(), now),
        }
    }

    fn condition(condition: Condition, now: Timestamp) -> Self {
        let known = |value: &Literal| Known::prepare(value, now);
        match condition {
            Condition::Compare { field, comparison, with } => {
                Self::Compare { field, comparison, with: Side::prepare(&with, now) }
            }
            Condition::Between { field, low, high } => {
                Self::Between { field, low: Side::prepare(&low, now), high: Side::prepare(&high, now) }
            }
            Condition::In { field, values } => Self::In { field, values: values.iter().map(known).collect() },
            Condition::Same { field, values } => {
                Self::Same { field, values: values.iter().map(known).collect() }
            }
            Condition::Text { field, relation: TextRelation::Matches, text } => {
                Self::Matches { field, words: words::of(&text).collect() }
            }
            Condition::Text { field, relation, text } => {
                Self::Has { field, relation, text: text.to_lowercase() }
            }
            Condition::Exists(field) => Self::Exists(field),
            Condition::Empty(field) => Self::Empty(field),
            Condition::Search(text) => Self::Search(words::of(&text).collect()),
        }
    }

    fn holds(&self, documents: &Documents<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(documents)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(documents)),
            Self::Not(inner) => !inner.holds(documents),
            Self::Compare { field, comparison, with: Side::Known(known) } => documents
                .any_element(field, |value| known.order(value).is_some_and(|order| comparison.holds(order))),
            Self::Compare { field, comparison, with } => {
                documents.first(field).into_iter().any(|value| with.compares(documents, value, *comparison))
            }
            Self::Between { field, low, high } => {
                let is_within = |value: &Value| {
                    low.compares(documents, value, Comparison::AtLeast)
                        && high.compares(documents, value, Comparison::AtMost)
                };
                match (low, high) {
                    (Side::Known(_), Side::Known(_)) => documents.any_element(field, is_within),
                    _ => documents.first(field).into_iter().any(is_within),
                }
            }
            Self::In { field, values } => documents.any_element(field, |value| values.has(value)),
            Self::Same { field, values } => {
                documents.any_at(field, &mut |value| value.as_array().is_some_and(|held| same(held, values)))
            }
            Self::Has { field, relation, text } => documents
                .any_element(field, |value| value.as_str().is_some_and(|held| has(held, *relation, text))),
            Self::Matches { field, words } => documents.any_element(field, |value| {
                value.as_str().is_some_and(|held| Hunt::new(words).look_in(held))
            }),
            Self::Exists(field) => documents.any_element(field, walk::is_there),
            Self::Empty(field) => !documents.any_leaf(field, is_filled),
            Self::Search(words) => search(documents, words),
        }
    }
}

fn same(held: &[Value], values: &[Known]) -> bool {
    held.len() == values.len() && held.iter().zip(values).all(|(held, known)| known.equals(held))
}

/// Whether a text has another, which is in lower case.
fn has(held: &str, relation: TextRelation, text: &str) -> bool {
    let held = held.to_lowercase();
    match relation {
        TextRelation::Contains | TextRelation::Matches => held.contains(text),
        TextRelation::StartsWith => held.starts_with(text),
        TextRelation::EndsWith => held.ends_with(text),
    }
}

fn is_filled(value: &Value) -> bool {
    value.as_str().is_none_or(|text| !text.trim().is_empty())
}

fn search(documents: &Documents<'_>, words: &[String]) -> bool {
    let mut hunt = Hunt::new(words);
    let document = documents.documents.get(documents.filtered as usize).copied().flatten();
    document.is_some_and(|document| {
        walk::any_leaf(document, &mut |leaf| match leaf {
            Value::String(text) => hunt.look_in(text),
            Value::Number(number) => hunt.look_in(&number.to_string()),
            _ => false,
        })
    })
}
