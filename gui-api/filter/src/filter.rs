//! A filter: its text, its tree, and the fields it asks for.

use std::fmt;
use std::ops::Range;

use crate::error::FilterError;
use crate::{Condition, Expression, Field, Literal, MAX_TEXT_BYTES, Moment, Operand, parser};

/// A filter that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    text: String,
    expression: Expression,
    fields: Vec<Place>,
}

/// A field and where the filter names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The field.
    pub field: Field,
    /// The bytes of the text that name it.
    pub bytes: Range<usize>,
    /// Whether its values are compared with others, and not only asked for.
    pub is_compared: bool,
}

impl Filter {
    /// Reads a filter (`docs/filter.md` §1).
    ///
    /// # Errors
    /// Where the text goes wrong, in words for its author.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_TEXT_BYTES {
            let message =
                format!("the filter has {} bytes, and {MAX_TEXT_BYTES} are the most: shorten it", text.len());
            return Err(FilterError::new("", 0..0, message, None));
        }
        let (expression, fields) = parser::parse(text)?;
        Ok(Self { text: text.to_owned(), expression, fields })
    }

    /// The tree.
    #[must_use]
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// Whether it speaks of moments that move on with time, such as `now-30d`.
    #[must_use]
    pub fn depends_on_now(&self) -> bool {
        depends_on_now(&self.expression)
    }

    /// The fields that it asks for, in the order of the text.
    #[must_use]
    pub fn fields(&self) -> &[Place] {
        &self.fields
    }

    /// An error about a part of this filter, such as a field that no document has.
    #[must_use]
    pub fn refuse(&self, bytes: Range<usize>, message: String, suggestion: Option<String>) -> FilterError {
        FilterError::new(&self.text, bytes, message, suggestion)
    }
}

fn depends_on_now(expression: &Expression) -> bool {
    let moves = |literal: &Literal| matches!(literal, Literal::Moment(Moment::Relative { .. }));
    let side = |operand: &Operand| matches!(operand, Operand::Literal(literal) if moves(literal));
    match expression {
        Expression::All(parts) | Expression::Any(parts) => parts.iter().any(depends_on_now),
        Expression::Not(inner) => depends_on_now(inner),
        Expression::Is(condition) => match condition {
            Condition::Compare { with, .. } => side(with),
            Condition::Between { low, high, .. } => side(low) || side(high),
            Condition::In { values, .. } | Condition::Same { values, .. } => values.iter().any(moves),
            Condition::Text { .. } | Condition::Exists(_) | Condition::Empty(_) | Condition::Search(_) => {
                false
            }
        },
    }
}

/// The filter in its one form, which is read as the same tree.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_on_with_time_is_known() {
        let table = [
            ("a = 1 AND (b > now-30d OR c EXISTS)", true),
            ("NOT a BETWEEN 2026-01-01 AND today", true),
            ("a IN (1, now)", true),
            ("a > 2026-01-01 AND b = \"now-30d\" AND c > 15m", false),
        ];
        for (text, expected) in table {
            assert_eq!(Filter::parse(text).unwrap().depends_on_now(), expected, "{text}");
        }
    }
}
