//! What an index can leave out: conditions on one field that every document that matches fulfils.
//!
//! A store looks only at documents that fulfil them, and asks [`crate::Prepared`] about each. So nothing here needs
//! to be complete, and must only never leave out a match.

use jiff::Timestamp;

use crate::ast::{Comparison, Condition, Document, Expression, Field, Literal, Operand};
use crate::moment;

/// The texts one of which `field` has to be; none when it may be anything.
#[must_use]
pub fn texts<'a>(expression: &'a Expression, document: Document, field: &[&str]) -> Option<Vec<&'a str>> {
    match expression {
        Expression::All(parts) => {
            let each = parts.iter().filter_map(|part| texts(part, document, field));
            each.min_by_key(Vec::len)
        }
        Expression::Any(parts) => {
            let each: Option<Vec<_>> = parts.iter().map(|part| texts(part, document, field)).collect();
            each.map(|each| each.concat())
        }
        Expression::Is(Condition::Compare {
            field: of,
            comparison: Comparison::Equal,
            with: Operand::Literal(value),
        }) if of.is(document, field) => Some(vec![exact_text(value)?]),
        Expression::Is(Condition::In { field: of, values }) if of.is(document, field) => {
            values.iter().map(exact_text).collect()
        }
        _ => None,
    }
}

/// A text that no other is equal to: one moment has many.
fn exact_text(literal: &Literal) -> Option<&str> {
    match literal {
        Literal::Text(text) if moment::read(text).is_none() => Some(text),
        _ => None,
    }
}

/// Moments from one to another, both included; none for no end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The first.
    pub from: Option<Timestamp>,
    /// The last.
    pub to: Option<Timestamp>,
}

/// The moments between which `field` has to be, which is always a moment.
#[must_use]
pub fn times(expression: &Expression, document: Document, field: &[&str], now: Timestamp) -> Times {
    let of = |part: &Expression| times(part, document, field, now);
    let is_it = |named: &Field| named.is(document, field);
    match expression {
        Expression::All(parts) => parts.iter().map(of).fold(Times::default(), |all, part| Times {
            from: all.from.max(part.from),
            to: all.to.into_iter().chain(part.to).min(),
        }),
        Expression::Any(parts) => {
            let hull = |all: Times, part: Times| Times {
                from: all.from.zip(part.from).map(|(one, other)| one.min(other)),
                to: all.to.zip(part.to).map(|(one, other)| one.max(other)),
            };
            parts.iter().map(of).reduce(hull).unwrap_or_default()
        }
        Expression::Is(Condition::Compare { field, comparison, with }) if is_it(field) => {
            let moment = moment_of(with, now);
            match comparison {
                Comparison::Equal => Times { from: moment, to: moment },
                Comparison::Less | Comparison::AtMost => Times { from: None, to: moment },
                Comparison::Greater | Comparison::AtLeast => Times { from: moment, to: None },
            }
        }
        Expression::Is(Condition::Between { field, low, high }) if is_it(field) => {
            Times { from: moment_of(low, now), to: moment_of(high, now) }
        }
        _ => Times::default(),
    }
}

fn moment_of(operand: &Operand, now: Timestamp) -> Option<Timestamp> {
    match operand {
        Operand::Literal(Literal::Moment(moment)) => Some(moment.at(now)),
        Operand::Literal(Literal::Text(text)) => moment::read(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Filter;

    fn filter(text: &str) -> Filter {
        Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn texts_that_a_field_must_be_are_found_where_they_are_certain() {
        let table = [
            ("type = \"a\"", Some(vec!["a"])),
            ("event@type = \"a\" AND x = 1", Some(vec!["a"])),
            ("type = \"a\" OR type IN (\"b\", \"c\")", Some(vec!["a", "b", "c"])),
            ("type IN (\"a\", \"b\") AND type = \"a\"", Some(vec!["a"])),
            ("type = \"a\" OR x = 1", None),
            ("type != \"a\"", None),
            ("NOT type IN (\"a\")", None),
            ("type = \"2026-01-31\"", None),
            ("type = 1", None),
            ("profile@type = \"a\"", None),
            ("type CONTAINS \"a\"", None),
        ];
        for (text, expected) in table {
            assert_eq!(texts(filter(text).expression(), Document::Event, &["type"]), expected, "{text}");
        }
    }

    #[test]
    fn times_that_a_field_must_be_between_are_found_where_they_are_certain() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let table = [
            ("t > now-1d", Some("2026-01-30T12:00:00Z"), None),
            (
                "t > now-1d AND t >= today AND t < \"2026-02-01\"",
                Some("2026-01-31T00:00:00Z"),
                Some("2026-02-01T00:00:00Z"),
            ),
            ("t < 2026-01-01 OR t BETWEEN 2025-01-01 AND 2025-02-01", None, Some("2026-01-01T00:00:00Z")),
            ("t = 2026-01-01", Some("2026-01-01T00:00:00Z"), Some("2026-01-01T00:00:00Z")),
            ("t > today OR x = 1", None, None),
            ("NOT t > today", None, None),
            ("t > \"x\"", None, None),
        ];
        for (text, from, to) in table {
            let expected = [from, to].map(|end| end.map(|end| end.parse::<Timestamp>().unwrap()));
            let found = times(filter(text).expression(), Document::Event, &["t"], now);
            assert_eq!([found.from, found.to], expected, "{text}");
        }
    }
}
