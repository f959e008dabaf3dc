//! Where a filter goes wrong, and what may have been meant.

use std::ops::Range;

/// What a filter cannot say. The message is for its author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}{}", self.place(), self.hint())]
pub struct FilterError {
    /// What is wrong, in one sentence.
    pub message: String,
    /// The part of the text that is wrong, in bytes; empty where something is missing.
    pub bytes: Range<usize>,
    /// The same in characters (Unicode scalar values).
    pub characters: Range<usize>,
    /// The line in which the part begins, from 1.
    pub line: usize,
    /// The character of that line at which the part begins, from 1.
    pub column: usize,
    /// What may have been meant: stands in place of the part.
    pub suggestion: Option<String>,
}

impl FilterError {
    pub(crate) fn new(
        text: &str,
        bytes: Range<usize>,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) -> Self {
        let before = text.get(..bytes.start).unwrap_or(text);
        let start = before.chars().count();
        let length = text.get(bytes.clone()).unwrap_or_default().chars().count();
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            message: message.into(),
            characters: start..start + length,
            line: before.matches('\n').count() + 1,
            column: last_line.chars().count() + 1,
            bytes,
            suggestion,
        }
    }

    fn place(&self) -> String {
        if self.line == 1 {
            format!(" (at character {})", self.column)
        } else {
            format!(" (at character {} of line {})", self.column, self.line)
        }
    }

    fn hint(&self) -> String {
        self.suggestion
            .as_ref()
            .map_or_else(String::new, |suggestion| format!(": did you mean `{suggestion}`?"))
    }
}

/// The candidate that somebody who wrote `word` is likely to have meant, if one is.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // Comparing costs the product of the lengths.
    let length = Some(word.chars().count()).filter(|length| *length <= 64)?;
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= (length / 3).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `text`, short enough for a sentence.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
