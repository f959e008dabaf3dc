//! What a token may do: one policy each, checked for every command before anything is sent.
//!
//! `ingest` is an allow-list and fails closed: it is what stands between a stolen edge token and
//! the data, since the ACL of Redis cannot tell one use of a command from another. `full` keeps out
//! only what would break the connection that all requests share ([`shared_connection`]). What the
//! Redis user behind the connection may do is for its ACL.

mod shared_connection;

use std::fmt;

use serde::Deserialize;

use crate::command::Command;

/// Functions of our library begin with this.
const FUNCTION_PREFIX: &[u8] = b"track_";

/// Command names in error texts are cut here: they come from the request.
const MAX_NAME_CHARS: usize = 64;

/// The policy of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// `PING`, and `FCALL` and `FCALL_RO` of the functions whose names begin with `track_`.
    Ingest,
    /// Every command that can share a connection with others.
    Full,
}

/// A command that the policy does not let pass, in the words of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(String);

impl Refusal {
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Refusal(text.to_string())
    }
}

impl Policy {
    /// Whether a token with this policy may send `command`.
    pub(crate) fn check(self, command: &Command<'_>) -> Result<(), Refusal> {
        let name = command.name();
        match self {
            Policy::Ingest if is_ingest(command) => Ok(()),
            Policy::Ingest => Err(no_permission(name)),
            Policy::Full => match shared_connection::obstacle(command) {
                None => Ok(()),
                Some(reason) => Err(Refusal::new(format_args!(
                    "ERR the '{}' command is not available over HTTP: {reason}",
                    shown(name)
                ))),
            },
        }
    }

    /// Whether a token with this policy may send `command` over a connection of its own, on which Redis
    /// goes on to speak: `SUBSCRIBE`, `PSUBSCRIBE` or `MONITOR`.
    pub(crate) fn check_stream(self, command: &Command<'_>) -> Result<(), Refusal> {
        match self {
            Policy::Ingest => Err(no_permission(command.name())),
            Policy::Full => Ok(()),
        }
    }
}

fn no_permission(name: &[u8]) -> Refusal {
    Refusal::new(format_args!("NOPERM this user has no permissions to run the '{}' command", shown(name)))
}

fn is_ingest(command: &Command<'_>) -> bool {
    let name = command.name();
    if name.eq_ignore_ascii_case(b"ping") {
        return true;
    }
    let calls_a_function = name.eq_ignore_ascii_case(b"fcall") || name.eq_ignore_ascii_case(b"fcall_ro");
    calls_a_function && command.arguments().first().is_some_and(|name| name.starts_with(FUNCTION_PREFIX))
}

fn shown(name: &[u8]) -> String {
    // No character takes more than four bytes: the rest would be cut anyway.
    let name = name.get(..4 * MAX_NAME_CHARS).unwrap_or(name);
    String::from_utf8_lossy(name).chars().take(MAX_NAME_CHARS).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{CommandLimits, parse_command};

    fn check(policy: Policy, words: &[&str]) -> Result<(), String> {
        let body = serde_json::to_vec(words).unwrap();
        let limits = CommandLimits { commands: 1, arguments: 100 };
        policy.check(&parse_command(&body, limits).unwrap()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn ingest_lets_pass_ping_and_our_functions_alone() {
        let allowed: [&[&str]; 6] = [
            &["PING"],
            &["ping", "hello"],
            &["FCALL", "track_v1", "0"],
            &["fcall", "track_v2", "1", "k"],
            &["FCALL_RO", "track_receipt", "0"],
            &["Fcall_Ro", "track_", "0"],
        ];
        for words in allowed {
            assert_eq!(check(Policy::Ingest, words), Ok(()), "{words:?}");
        }
        let refused: [&[&str]; 16] = [
            &["GET", "k"],
            &["SET", "k", "v"],
            &["XADD", "{p00}:ev", "MAXLEN", "0", "*", "d", "x"],
            &["EVAL", "return 1", "0"],
            &["FUNCTION", "FLUSH"],
            &["FCALL"],
            &["FCALL", "other", "0"],
            &["FCALL", "Track_v1", "0"],
            &["FCALL", " track_v1", "0"],
            &["FCALL ", "track_v1", "0"],
            &["FCALL_RO\r\n", "track_v1", "0"],
            &["FCALL\u{0}", "track_v1", "0"],
            &["MULTI"],
            &["AUTH", "default", "x"],
            &["", "track_v1"],
            &["CLIENT", "LIST"],
        ];
        for words in refused {
            let expected = format!(
                "NOPERM this user has no permissions to run the '{}' command",
                words[0].to_lowercase()
            );
            assert_eq!(check(Policy::Ingest, words), Err(expected), "{words:?}");
        }
    }

    #[test]
    fn a_command_name_is_cut_in_the_refusal() {
        let refusal = check(Policy::Ingest, &[&"é".repeat(5000)]).unwrap_err();
        assert!(refusal.chars().count() < 150, "{refusal}");
    }

    #[test]
    fn full_refuses_with_the_reason() {
        assert_eq!(check(Policy::Full, &["SET", "k", "v"]), Ok(()));
        assert_eq!(
            check(Policy::Full, &["BLPOP", "k", "0"]),
            Err("ERR the 'blpop' command is not available over HTTP: it would hold up every other request"
                .to_owned())
        );
    }
}
