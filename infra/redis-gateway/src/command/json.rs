//! Commands in a JSON body: arrays in, arguments as they were written out.
//!
//! Numbers keep their literal text (`12345678901234567890` stays itself), booleans become `true` and
//! `false`, strings are unescaped. What Redis has no word for (null, nested arrays, objects) is refused
//! before anything is sent, with the error texts of the Upstash protocol.

use std::borrow::Cow;

use serde_json::{error::Category, value::RawValue};

use super::{Command, CommandError, CommandLimits};

/// The body of `POST /`: one command.
pub(crate) fn parse_command(body: &[u8], limits: CommandLimits) -> Result<Command<'_>, CommandError> {
    let values: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| explain(body, &error))?;
    command(&values, limits)
}

/// The body of `POST /pipeline` and `POST /multi-exec`: any number of commands, also none.
pub(crate) fn parse_list(body: &[u8], limits: CommandLimits) -> Result<Vec<Command<'_>>, CommandError> {
    let items: Vec<Vec<&RawValue>> = serde_json::from_slice(body).map_err(|error| explain(body, &error))?;
    if items.len() > limits.commands {
        return Err(CommandError::TooManyCommands { limit: limits.commands, actual: items.len() });
    }
    items.iter().map(|values| command(values, limits)).collect()
}

fn explain(body: &[u8], error: &serde_json::Error) -> CommandError {
    match error.classify() {
        _ if body.trim_ascii().is_empty() => CommandError::Empty,
        Category::Data => CommandError::NotAnArray,
        Category::Syntax | Category::Eof | Category::Io => CommandError::Syntax(error.to_string()),
    }
}

fn command<'a>(values: &[&'a RawValue], limits: CommandLimits) -> Result<Command<'a>, CommandError> {
    if values.len() > limits.arguments {
        return Err(CommandError::TooManyArguments { limit: limits.arguments, actual: values.len() });
    }
    let words = values.iter().map(|value| word(value.get())).collect::<Result<_, _>>()?;
    Command::new(words, limits)
}

fn word(literal: &str) -> Result<Cow<'_, [u8]>, CommandError> {
    match literal.as_bytes() {
        [b'"', ..] => unescape(literal),
        [b'n', ..] => Err(CommandError::Null),
        [b'[', ..] => Err(CommandError::Nested('[')),
        [b'{', ..] => Err(CommandError::Nested('{')),
        plain => Ok(Cow::Borrowed(plain)),
    }
}

fn unescape(literal: &str) -> Result<Cow<'_, [u8]>, CommandError> {
    let plain = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match plain {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text.as_bytes())),
        _ => serde_json::from_str::<String>(literal)
            .map(|text| Cow::Owned(text.into_bytes()))
            .map_err(|error| CommandError::Syntax(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CommandLimits = CommandLimits { commands: 2, arguments: 4 };

    fn words(body: &str) -> Result<Vec<String>, String> {
        parse_command(body.as_bytes(), LIMITS)
            .map(|command| {
                command.words().iter().map(|word| String::from_utf8(word.to_vec()).unwrap()).collect()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_keep_their_literal_text() {
        let table: [(&str, &[&str]); 6] = [
            (r#" [ "SET" , "k" , "v" ] "#, &["SET", "k", "v"]),
            ("[\"SET\",\"k\",12345678901234567890]", &["SET", "k", "12345678901234567890"]),
            ("[\"X\",1.0,-0,1e5]", &["X", "1.0", "-0", "1e5"]),
            ("[\"X\",true,false]", &["X", "true", "false"]),
            (r#"["X","a\"\\\n\u00e9\ud83d\ude00","é",""]"#, &["X", "a\"\\\né😀", "é", ""]),
            (r#"["\u0047ET","k"]"#, &["GET", "k"]),
        ];
        for (body, expected) in table {
            assert_eq!(words(body), Ok(expected.iter().map(ToString::to_string).collect()), "{body}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused_in_the_words_of_the_protocol() {
        let table = [
            ("", "EOF"),
            (" \n", "EOF"),
            ("{}", "expected JSON array"),
            ("\"GET\"", "expected JSON array"),
            ("null", "expected JSON array"),
            ("[]", "ERR empty command"),
            ("[null]", "ERR null args are not supported"),
            (r#"["GET",null]"#, "ERR null args are not supported"),
            (r#"["GET",["a"]]"#, r#"ERR unsupported arg type: "[": json.Delim"#),
            (r#"["GET",{"a":1}]"#, r#"ERR unsupported arg type: "{": json.Delim"#),
            ("[1,2,3,4,5]", "ERR max argument count exceeded. Limit: 4 arguments, Actual: 5 arguments"),
        ];
        for (body, expected) in table {
            assert_eq!(words(body), Err(expected.to_owned()), "{body}");
        }
        for broken in [r#"["GET","#, r#"["GET"] x"#, "[01]", r#"["\ud800"]"#, "[\"\u{1}\"]", "nul"] {
            let error = words(broken).unwrap_err();
            assert!(error.starts_with("ERR failed to parse the body as JSON: "), "{broken}: {error}");
        }
        assert!(parse_command(b"[\"\xff\"]", LIMITS).is_err());
        let deep = format!(r#"["GET",{}{}]"#, "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(words(&deep), Err(CommandError::Nested('[').to_string()), "no recursion");
    }

    #[test]
    fn a_pipeline_is_refused_as_a_whole_before_anything_is_sent() {
        let error = |body: &str| parse_list(body.as_bytes(), LIMITS).unwrap_err().to_string();
        assert_eq!(error(r#"["PING"]"#), "expected JSON array");
        assert_eq!(error(r#"[["PING"],[]]"#), "ERR empty command");
        assert_eq!(error(r#"[["PING"],["GET",null]]"#), "ERR null args are not supported");
        assert_eq!(
            error("[[1],[2],[3]]"),
            "ERR max pipeline length exceeded. Limit: 2 commands, Actual: 3 commands"
        );
        assert_eq!(parse_list(b"[]", LIMITS), Ok(Vec::new()));
    }
}
