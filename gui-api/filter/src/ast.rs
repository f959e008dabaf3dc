//! The tree that a filter is. Back-ends translate it; [`crate::Prepared`] evaluates it.

use crate::{Duration, Moment, Number};

/// A filter or a part of it in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// AND: two or more.
    All(Vec<Expression>),
    /// OR: two or more.
    Any(Vec<Expression>),
    /// NOT; also `!=`, `NOT IN`, `IS NULL` and the like, which hold where a value is missing.
    Not(Box<Expression>),
    /// One condition.
    Is(Condition),
}

/// What is asked of one field, or of the whole document. An array fulfils it when one of its elements does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `field = value` and the like.
    Compare {
        /// Of what.
        field: Field,
        /// How.
        comparison: Comparison,
        /// With what.
        with: Operand,
    },
    /// `field BETWEEN low AND high`: both belong to it.
    Between {
        /// Of what.
        field: Field,
        /// The least.
        low: Operand,
        /// The most.
        high: Operand,
    },
    /// `field IN (…)`: one of these.
    In {
        /// Of what.
        field: Field,
        /// At least one.
        values: Vec<Literal>,
    },
    /// `field = […]`: an array of exactly these elements, in this order.
    Same {
        /// Of what.
        field: Field,
        /// The elements.
        values: Vec<Literal>,
    },
    /// `field CONTAINS "…"` and the like.
    Text {
        /// Of what.
        field: Field,
        /// How.
        relation: TextRelation,
        /// With what.
        text: String,
    },
    /// `field EXISTS`: there is a value.
    Exists(Field),
    /// `field EMPTY`: there is no text, number or truth value in it but blank texts.
    Empty(Field),
    /// A text alone: each of its words is somewhere in the document.
    Search(String),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Whether two values that are ordered like this fulfil it.
    #[must_use]
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// How a text of a document relates to one of the filter. The case of letters does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRelation {
    /// Has it in it.
    Contains,
    /// Begins with it.
    StartsWith,
    /// Ends with it.
    EndsWith,
    /// Has each of its words, in any order.
    Matches,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A value.
    Literal(Literal),
    /// What another field holds.
    Field(Field),
}

/// A value as a filter says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `"page-view"`. One that is a date is compared as such with others that are.
    Text(String),
    /// `12.50`, to the digit.
    Number(Number),
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// `2026-01-31`, `datetime("…")`, `now-30d`.
    Moment(Moment),
    /// `15m`: a number of seconds.
    Duration(Duration),
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Which document, as in `profile@id`; none for the one that is filtered.
    pub document: Option<Document>,
    /// The keys on the way to it, at least one.
    pub steps: Vec<String>,
}

impl Field {
    /// Whether this is the field of these steps in `document`, which is the one that is filtered.
    #[must_use]
    pub fn is(&self, document: Document, steps: &[&str]) -> bool {
        self.document.is_none_or(|named| named == document) && self.steps == steps
    }
}

/// The documents that a field may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// `event@`
    Event,
    /// `session@`
    Session,
    /// `profile@`
    Profile,
}

impl Document {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Event, Self::Session, Self::Profile];

    /// Its name in filters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Session => "session",
            Self::Profile => "profile",
        }
    }
}
