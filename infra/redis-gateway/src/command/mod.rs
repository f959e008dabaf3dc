//! A request as commands: names and arguments as they were written, in bytes.
//!
//! [`json`] reads bodies, [`path`] reads addresses with a raw body. Both promise that what they return
//! is exactly what was sent: no text passes through a float or another encoding. Which commands a token
//! may send is `policy`'s concern, which sees the same bytes that Redis gets.

mod json;
mod path;

use std::borrow::Cow;

pub(crate) use json::{parse_command, parse_list};
pub(crate) use path::{Address, parse_path};

/// How much one request may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CommandLimits {
    pub(crate) commands: usize,
    pub(crate) arguments: usize,
}

/// One command: its name and its arguments. Never without a name, which may be empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Command<'a> {
    words: Vec<Cow<'a, [u8]>>,
}

/// A request that cannot be understood as commands.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum CommandError {
    #[error("EOF")]
    Empty,
    #[error("expected JSON array")]
    NotAnArray,
    #[error("ERR failed to parse the body as JSON: {0}")]
    Syntax(String),
    #[error("ERR empty command")]
    NoName,
    #[error("ERR null args are not supported")]
    Null,
    #[error(r#"ERR unsupported arg type: "{0}": json.Delim"#)]
    Nested(char),
    #[error("ERR max pipeline length exceeded. Limit: {limit} commands, Actual: {actual} commands")]
    TooManyCommands { limit: usize, actual: usize },
    #[error("ERR max argument count exceeded. Limit: {limit} arguments, Actual: {actual} arguments")]
    TooManyArguments { limit: usize, actual: usize },
}

impl<'a> Command<'a> {
    fn new(words: Vec<Cow<'a, [u8]>>, limits: CommandLimits) -> Result<Self, CommandError> {
        match words.len() {
            0 => Err(CommandError::NoName),
            actual if actual > limits.arguments => {
                Err(CommandError::TooManyArguments { limit: limits.arguments, actual })
            }
            _ => Ok(Command { words }),
        }
    }

    /// The command's name as it was sent, in whatever case.
    pub(crate) fn name(&self) -> &[u8] {
        self.words.first().map_or(b"", |word| word)
    }

    /// What follows the name.
    pub(crate) fn arguments(&self) -> &[Cow<'a, [u8]>] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The name and all that follows it.
    pub(crate) fn words(&self) -> &[Cow<'a, [u8]>] {
        &self.words
    }
}
