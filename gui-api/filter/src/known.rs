//! Values of a filter, made ready, and how values of documents compare with them (`docs/filter.md` §3).

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use crate::{Literal, Number, moment};

/// A value that values of documents are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// And the moment that it is, if it is one.
    Text(String, Option<Timestamp>),
    /// And the integer that it is, if it is one: most numbers are, and compare faster so.
    Number(Number, Option<i128>),
    Boolean(bool),
    Moment(Timestamp),
}

impl Known {
    pub(crate) fn prepare(literal: &Literal, now: Timestamp) -> Self {
        match literal {
            Literal::Text(text) => Self::text(text),
            Literal::Number(number) => Self::number(number.clone()),
            Literal::Boolean(value) => Self::Boolean(*value),
            Literal::Moment(moment) => Self::Moment(moment.at(now)),
            Literal::Duration(duration) => Self::integer(i128::from(duration.seconds)),
        }
    }

    /// What a document holds; none for what is compared with nothing.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::text(text)),
            Value::Number(number) => Some(match number.as_i128() {
                Some(integer) => Self::integer(integer),
                None => Self::number(Number::of(number)?),
            }),
            Value::Bool(value) => Some(Self::Boolean(*value)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn text(text: &str) -> Self {
        Self::Text(text.to_owned(), moment::read(text))
    }

    fn number(number: Number) -> Self {
        let integer = number.to_string().parse().ok();
        Self::Number(number, integer)
    }

    fn integer(integer: i128) -> Self {
        Self::Number(Number::from(integer), Some(integer))
    }

    /// How a document's value is ordered to this one; none when they are of kinds that are not compared.
    pub(crate) fn order(&self, value: &Value) -> Option<Ordering> {
        match (value, self) {
            (Value::String(held), Self::Text(text, moment)) => {
                let moments = moment.and_then(|moment| Some(self::moment::read(held)?.cmp(&moment)));
                Some(moments.unwrap_or_else(|| held.as_str().cmp(text)))
            }
            (Value::String(held), Self::Moment(moment)) => Some(self::moment::read(held)?.cmp(moment)),
            // Numbers that JSON cannot hold to the digit are stored as texts.
            (Value::String(held), Self::Number(number, _)) => Some(Number::read(held)?.cmp(number)),
            (Value::Number(held), Self::Number(number, integer)) => match held.as_i128().zip(*integer) {
                Some((held, integer)) => Some(held.cmp(&integer)),
                None => Some(Number::of(held)?.cmp(number)),
            },
            (Value::Bool(held), Self::Boolean(value)) => (held == value).then_some(Ordering::Equal),
            _ => None,
        }
    }

    pub(crate) fn equals(&self, value: &Value) -> bool {
        self.order(value) == Some(Ordering::Equal)
    }
}

/// How two values of documents are ordered.
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        // A text that is a number is one beside a number, on whichever side it is.
        (Value::Number(_), Value::String(_)) => Known::of(left)?.order(right).map(Ordering::reverse),
        _ => Known::of(right)?.order(left),
    }
}
