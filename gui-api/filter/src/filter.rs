//! A filter: its text, its tree, and the fields it asks for.

use std::fmt;
use std::ops::Range;

use crate::error::FilterError;
use crate::{Expression, Field, MAX_TEXT_BYTES, parser};

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

/// The filter in its one form, which is read as the same tree.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}
