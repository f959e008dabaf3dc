//! Why an object cannot work.

use tideline_filter::FilterError;

/// Why an object cannot work, for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {message}")]
pub struct RuleProblem {
    /// Where in the object: `settings.operations[2].profile`.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Where the filter goes wrong, if that is what is wrong.
    pub filter: Option<Box<FilterError>>,
}

impl RuleProblem {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), filter: None }
    }

    pub(super) fn filter(path: impl Into<String>, error: FilterError) -> Self {
        Self { path: path.into(), message: error.to_string(), filter: Some(Box::new(error)) }
    }
}
