//! What may have been meant where a condition does not go on as conditions do.

use crate::error::{FilterError, closest, excerpt};
use crate::lexer::Kind;
use crate::parser::Parser;

/// What may follow a field.
const OPERATORS: [&str; 15] = [
    "IN",
    "NOT",
    "NOT IN",
    "BETWEEN",
    "IS",
    "IS NULL",
    "IS NOT NULL",
    "EXISTS",
    "NOT EXISTS",
    "EMPTY",
    "CONTAINS",
    "STARTS",
    "ENDS",
    "STARTS WITH",
    "MATCHES",
];

impl Parser<'_> {
    /// The error for a field, which begins at `start`, with nothing behind it that makes a condition.
    pub(crate) fn no_operator(&self, start: usize, is_negated: bool) -> FilterError {
        let field = self.text.get(start..self.previous_end()).unwrap_or_default();
        let found = self.peek();
        let word = self.slice(found);
        match &found.kind {
            _ if is_negated => {
                let message = "behind NOT stands IN, BETWEEN, CONTAINS, STARTS WITH, ENDS WITH, MATCHES, EXISTS or EMPTY; or use !=";
                self.error(found.bytes.clone(), message, closest(word, OPERATORS).map(str::to_owned))
            }
            Kind::Word if closest(word, OPERATORS).is_some() => {
                let message = format!("`{}` is no operator", excerpt(word));
                self.error(found.bytes.clone(), message, closest(word, OPERATORS).map(str::to_owned))
            }
            Kind::End | Kind::Close => {
                let message = format!(
                    "`{}` alone is no condition: compare it with a value, or put it in quotes to search for it",
                    excerpt(field)
                );
                let bytes = start..start + field.len();
                self.error(bytes, message, Some(format!("\"{field}\"")))
            }
            _ => {
                let message = format!("an operator such as = is missing behind `{}`", excerpt(field));
                self.error(found.bytes.clone(), message, None)
            }
        }
    }

    /// The error for what follows a whole condition.
    pub(crate) fn left_over(&self) -> FilterError {
        let found = self.peek();
        let word = self.slice(found);
        match &found.kind {
            Kind::Close => self.error(found.bytes.clone(), "this bracket was never opened", None),
            Kind::Word | Kind::Text(_) | Kind::Open => {
                let near = closest(word, ["AND", "OR"]).filter(|_| found.kind == Kind::Word);
                let suggestion = near.map_or_else(|| format!("AND {word}"), str::to_owned);
                self.error(found.bytes.clone(), "AND or OR is missing between conditions", Some(suggestion))
            }
            _ => {
                let message =
                    format!("`{}` follows a condition that is whole: AND or OR is missing", excerpt(word));
                self.error(found.bytes.clone(), message, None)
            }
        }
    }
}
