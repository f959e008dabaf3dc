//! A request as commands: names and arguments as they were written, in bytes.
//!
//! [`json`] reads bodies, [`path`] reads addresses with a raw body, and both write what they read into a
//! [`list`], as Redis gets it. They promise that this is exactly what was sent: no text passes through a
//! float or another encoding. Which commands a token may send is `policy`'s concern, which sees the same bytes.

mod json;
mod list;
mod path;
mod refusal;
mod text;

pub(crate) use json::{parse_command, parse_list};
pub(crate) use list::{Command, Commands};
pub(crate) use path::{Address, parse_path};

/// How much one request may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CommandLimits {
    pub(crate) commands: usize,
    pub(crate) arguments: usize,
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
