//! The filter language (`docs/filter.md`): what a marketer types into a search box, what a segment says, what a rule
//! asks before it acts.
//!
//! [`Filter::parse`] makes a typed tree of a text, or says where the text goes wrong and what may have been meant.
//! [`Prepared`] decides whether a document matches, in memory. [`narrowing`] tells a store with an index which
//! documents cannot. Everything is pure and bounded: no text, however nasty, costs more than [`MAX_TEXT_BYTES`],
//! [`MAX_DEPTH`], [`MAX_CONDITIONS`] and [`MAX_VALUES`] allow. Which fields there are is left to whoever has the
//! documents: [`Filter::fields`] names those that a filter asks for, and [`Filter::refuse`] says so to its author.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ast;
mod error;
mod evaluate;
mod field_parser;
mod filter;
mod guesses;
mod known;
mod lexer;
mod literal_parser;
mod moment;
pub mod narrowing;
mod number;
mod one_of;
mod parser;
mod print;
mod walk;
mod words;

pub use ast::{Comparison, Condition, Document, Expression, Field, Literal, Operand, TextRelation};
pub use error::{FilterError, closest};
pub use evaluate::{Documents, Prepared};
pub use filter::{Filter, Place};
pub use moment::{Anchor, Duration, Moment};
pub use number::Number;

/// The longest filter.
pub const MAX_TEXT_BYTES: usize = 8 * 1024;
/// The most brackets and NOTs that are inside one another.
pub const MAX_DEPTH: usize = 32;
/// The most conditions of a filter.
pub const MAX_CONDITIONS: usize = 200;
/// The most values of a list.
pub const MAX_VALUES: usize = 500;
/// The most steps of a field.
pub const MAX_STEPS: usize = 32;
/// The most words of one text that words are searched for.
pub const MAX_WORDS: usize = 32;
