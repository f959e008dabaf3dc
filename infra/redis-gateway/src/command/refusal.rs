//! Why a body holds no commands, in the words of the protocol and of `serde_json`.
//!
//! Only a body that was refused is read in this way, as a whole: what is no JSON is told before what is no command, as it
//! always was.

use serde_json::{error::Category, value::RawValue};

use super::{CommandError, CommandLimits};

/// Why this body is not one command.
pub(super) fn of_command(body: &[u8], limits: CommandLimits) -> CommandError {
    match serde_json::from_slice::<Vec<&RawValue>>(body) {
        Err(error) => explain(body, &error),
        Ok(values) => of_values(&values, limits).unwrap_or_else(unread),
    }
}

/// Why this body is no list of commands.
pub(super) fn of_list(body: &[u8], limits: CommandLimits) -> CommandError {
    let items: Vec<Vec<&RawValue>> = match serde_json::from_slice(body) {
        Err(error) => return explain(body, &error),
        Ok(items) => items,
    };
    if items.len() > limits.commands {
        return CommandError::TooManyCommands { limit: limits.commands, actual: items.len() };
    }
    items.iter().find_map(|values| of_values(values, limits)).unwrap_or_else(unread)
}

fn explain(body: &[u8], error: &serde_json::Error) -> CommandError {
    match error.classify() {
        _ if body.trim_ascii().is_empty() => CommandError::Empty,
        Category::Data => CommandError::NotAnArray,
        Category::Syntax | Category::Eof | Category::Io => CommandError::Syntax(error.to_string()),
    }
}

fn of_values(values: &[&RawValue], limits: CommandLimits) -> Option<CommandError> {
    if values.len() > limits.arguments {
        return Some(CommandError::TooManyArguments { limit: limits.arguments, actual: values.len() });
    }
    if values.is_empty() {
        return Some(CommandError::NoName);
    }
    values.iter().find_map(|value| of_word(value.get()))
}

fn of_word(literal: &str) -> Option<CommandError> {
    match literal.as_bytes() {
        [b'"', ..] => {
            let error = serde_json::from_str::<String>(literal).err()?;
            Some(CommandError::Syntax(error.to_string()))
        }
        [b'n', ..] => Some(CommandError::Null),
        [b'[', ..] => Some(CommandError::Nested('[')),
        [b'{', ..] => Some(CommandError::Nested('{')),
        _ => None,
    }
}

/// Both readings agree on what is a command, as tests show: this is for the day on which they do not.
fn unread() -> CommandError {
    CommandError::Syntax("its commands cannot be read".to_owned())
}
