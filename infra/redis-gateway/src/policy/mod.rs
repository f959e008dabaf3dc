//! What a token may do: one policy each, checked for every command before anything is sent.
//!
//! All but `full` are lists of what passes, and fail closed: `ingest` is what stands between a stolen edge
//! token and the data, since the ACL of Redis cannot tell one use of a command from another. `full` keeps
//! out only what would break the connection that all requests share ([`shared_connection`]), which no
//! policy lets pass. What the Redis user behind the connection may do is for its ACL.

mod list;
mod shared_connection;

use std::fmt;

use serde::{Deserialize, Deserializer};

pub use self::list::AllowList;
use self::list::Obstacle;
use crate::catalogue;
use crate::command::Command;

/// Functions of our library begin with this.
const FUNCTION_PREFIX: &[u8] = b"track_";

/// Command names in error texts are cut here: they come from the request.
const MAX_NAME_CHARS: usize = 64;
/// No name or sub-command is longer.
const MAX_NAME_BYTES: usize = 256;

/// They read, but tell which keys there are: with them one finds what nobody was told of.
const ENUMERATING: [&[u8]; 3] = [b"keys", b"scan", b"randomkey"];
/// They touch no key.
const HARMLESS: [&[u8]; 4] = [b"ping", b"echo", b"time", b"command"];
/// What opens a stream without showing the commands of others.
const SUBSCRIBING: [&[u8]; 2] = [b"subscribe", b"psubscribe"];

/// The policy of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// `PING`, and `FCALL` and `FCALL_RO` of the functions whose names begin with `track_`.
    Ingest,
    /// For an edge in lean mode: `PING`; `XADD <a lane's events> NOMKSTREAM * …`, which appends and trims nothing; and
    /// `HMGET` of an event source or a redirect.
    Lean,
    /// Every command that changes nothing, with the read-only forms of scripts and functions, except those
    /// that enumerate keys.
    Readonly,
    /// Every command that can share a connection with others.
    Full,
    /// What a list names, as far as it can share a connection with others.
    Custom(AllowList),
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Name {
            Ingest,
            Lean,
            Readonly,
            Full,
        }
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "the policy is none that is known")]
        enum Written {
            Named(Name),
            Listed(AllowList),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Named(Name::Ingest) => Policy::Ingest,
            Written::Named(Name::Lean) => Policy::Lean,
            Written::Named(Name::Readonly) => Policy::Readonly,
            Written::Named(Name::Full) => Policy::Full,
            Written::Listed(list) => Policy::Custom(list),
        })
    }
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
    /// What is wrong with a policy that cannot be used, in words.
    pub(crate) fn fault(&self) -> Option<String> {
        match self {
            Policy::Custom(list) => list.fault(),
            Policy::Ingest | Policy::Lean | Policy::Readonly | Policy::Full => None,
        }
    }

    /// The same policy, ready to be asked.
    pub(crate) fn normal(self) -> Self {
        match self {
            Policy::Custom(list) => Policy::Custom(list.normal()),
            named => named,
        }
    }

    /// Whether a token with this policy may send `command`.
    pub(crate) fn check(&self, command: Command<'_>) -> Result<(), Refusal> {
        self.permits(command)?;
        match shared_connection::obstacle(command) {
            None => Ok(()),
            Some(reason) => Err(Refusal::new(format_args!(
                "ERR the '{}' command is not available over HTTP: {reason}",
                shown(command.name())
            ))),
        }
    }

    /// Whether a token with this policy may send `command` over a connection of its own, on which Redis
    /// goes on to speak: `SUBSCRIBE`, `PSUBSCRIBE` or `MONITOR`.
    pub(crate) fn check_stream(&self, command: Command<'_>) -> Result<(), Refusal> {
        match self {
            Policy::Readonly if is_one_of(&SUBSCRIBING, command.name()) => Ok(()),
            _ => self.permits(command),
        }
    }

    fn permits(&self, command: Command<'_>) -> Result<(), Refusal> {
        let permitted = match self {
            Policy::Ingest => is_ingest(command),
            Policy::Lean => is_lean(command),
            Policy::Readonly => is_readonly(&command.words().take(2).collect::<Vec<_>>()),
            Policy::Full => true,
            Policy::Custom(list) => match list.obstacle(&command.words().collect::<Vec<_>>()) {
                None => true,
                Some(Obstacle::Command) => false,
                Some(Obstacle::Key) => {
                    return Err(Refusal::new(
                        "NOPERM this user has no permissions to access one of the keys used as arguments",
                    ));
                }
            },
        };
        if permitted { Ok(()) } else { Err(no_permission(command.name())) }
    }
}

fn no_permission(name: &[u8]) -> Refusal {
    Refusal::new(format_args!("NOPERM this user has no permissions to run the '{}' command", shown(name)))
}

fn is_ingest(command: Command<'_>) -> bool {
    let name = command.name();
    if name.eq_ignore_ascii_case(b"ping") {
        return true;
    }
    let calls_a_function = name.eq_ignore_ascii_case(b"fcall") || name.eq_ignore_ascii_case(b"fcall_ro");
    calls_a_function && command.arguments().next().is_some_and(|name| name.starts_with(FUNCTION_PREFIX))
}

/// The ACL of Redis knows keys and commands, and not that `XADD` can trim: so the words in between are looked at.
fn is_lean(command: Command<'_>) -> bool {
    let name = command.name();
    let word = |position: usize| command.arguments().nth(position).unwrap_or_default();
    let of_lane = |kind: &[u8]| {
        let rest = word(0).strip_prefix(b"{tl:").and_then(|rest| {
            let end = rest.iter().position(|byte| *byte == b'}')?;
            rest.get(end + 1..)
        });
        rest.is_some_and(|rest| rest.starts_with(kind))
    };
    if name.eq_ignore_ascii_case(b"xadd") {
        return of_lane(b":events") && word(1) == b"NOMKSTREAM" && word(2) == b"*";
    }
    let reads = name.eq_ignore_ascii_case(b"hmget") && (of_lane(b":source:") || of_lane(b":redirect:"));
    reads || name.eq_ignore_ascii_case(b"ping")
}

/// Whether the command changes nothing, and enumerates no keys.
fn is_readonly<W: AsRef<[u8]>>(words: &[W]) -> bool {
    let Some(name) = words.first().map(AsRef::as_ref) else { return false };
    let entry = catalogue::entry(name, words.get(1).map(AsRef::as_ref));
    entry.is_some_and(|entry| entry.reads) && !is_one_of(&ENUMERATING, name)
}

/// Whether the command touches no key.
fn is_harmless<W: AsRef<[u8]>>(words: &[W]) -> bool {
    words.first().is_some_and(|name| is_one_of(&HARMLESS, name.as_ref()))
}

fn is_one_of(names: &[&[u8]], name: &[u8]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
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

    fn check(policy: &Policy, words: &[&str]) -> Result<(), String> {
        let body = serde_json::to_vec(words).unwrap();
        let limits = CommandLimits { commands: 1, arguments: 100 };
        let commands = parse_command(&body, limits).unwrap();
        commands.iter().try_for_each(|command| policy.check(command)).map_err(|refusal| refusal.to_string())
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
            assert_eq!(check(&Policy::Ingest, words), Ok(()), "{words:?}");
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
            assert_eq!(check(&Policy::Ingest, words), Err(expected), "{words:?}");
        }
    }

    #[test]
    fn lean_lets_pass_appending_and_what_a_source_allows_alone() {
        let of = |line: &str| check(&Policy::Lean, &line.split(' ').collect::<Vec<_>>());
        for line in [
            "PING",
            "XADD {tl:production:eu:07}:events NOMKSTREAM * v 1",
            "hmget {tl:production:eu:07}:source:shop enabled",
            "HMGET {tl:production:eu:07}:redirect:r url",
        ] {
            assert_eq!(of(line), Ok(()), "{line}");
        }
        for line in [
            "XADD {tl:production:eu:07}:events * v 1",
            "XADD {tl:production:eu:07}:events NOMKSTREAM MAXLEN 0 * v 1",
            "XADD {tl:production:eu:07}:events MAXLEN 0 * v 1",
            "XADD {tl:production:eu:07}:events NOMKSTREAM 99999999999999-0 v 1",
            "XADD {tl:production:eu:07}:dead NOMKSTREAM * v 1",
            "XADD other:events NOMKSTREAM * v 1",
            "XADD",
            "HMGET {tl:production:eu:07}:ledger:1 a",
            "HMGET x:source:shop enabled",
            "HGETALL {tl:production:eu:07}:source:shop",
            "FCALL track_v1 0",
            "GET k",
        ] {
            let refusal = of(line).unwrap_err();
            assert!(refusal.starts_with("NOPERM "), "{line}: {refusal}");
        }
    }

    #[test]
    fn readonly_lets_pass_what_reads_and_does_not_enumerate() {
        for line in [
            "GET k",
            "hgetall k",
            "OBJECT ENCODING k",
            "object encoding k",
            "XREAD STREAMS s 0",
            "FCALL_RO f 0",
            "EVAL_RO s 0",
            "SORT_RO k",
            "DBSIZE",
            "PING",
            "COMMAND DOCS",
        ] {
            assert_eq!(check(&Policy::Readonly, &line.split(' ').collect::<Vec<_>>()), Ok(()), "{line}");
        }
        for line in [
            "SET k v",
            "GETDEL k",
            "GETEX k",
            "OBJECT",
            "OBJECT HELP",
            "XINFO k",
            "MEMORY PURGE",
            "CLIENT ID",
            "CONFIG GET *",
            "FCALL f 0",
            "EVAL s 0",
            "SORT k",
            "KEYS *",
            "Scan 0",
            "RANDOMKEY",
            "PUBLISH c m",
            "FT.SEARCH i q",
        ] {
            let refusal = check(&Policy::Readonly, &line.split(' ').collect::<Vec<_>>()).unwrap_err();
            assert!(refusal.starts_with("NOPERM "), "{line}: {refusal}");
        }
        let blocking = check(&Policy::Readonly, &["XREAD", "BLOCK", "0", "STREAMS", "s", "$"]).unwrap_err();
        assert!(blocking.contains("not available over HTTP"), "{blocking}");
    }

    #[test]
    fn a_stream_is_for_those_who_may_read_and_every_command_for_those_who_may_all() {
        let stream = |policy: &Policy, name: &str| {
            let body = serde_json::to_vec(&[name, "c"]).unwrap();
            let limits = CommandLimits { commands: 1, arguments: 100 };
            parse_command(&body, limits).unwrap().iter().all(|command| policy.check_stream(command).is_ok())
        };
        let list: AllowList = serde_json::from_str(r#"{"commands":["SUBSCRIBE"]}"#).unwrap();
        let custom = Policy::Custom(list).normal();
        for (name, allowed) in [
            ("SUBSCRIBE", [false, true, true, true]),
            ("psubscribe", [false, true, true, false]),
            ("MONITOR", [false, false, true, false]),
        ] {
            let policies = [&Policy::Ingest, &Policy::Readonly, &Policy::Full, &custom];
            assert_eq!(policies.map(|policy| stream(policy, name)), allowed, "{name}");
        }
    }

    #[test]
    fn a_command_name_is_cut_in_the_refusal() {
        let refusal = check(&Policy::Ingest, &[&"é".repeat(5000)]).unwrap_err();
        assert!(refusal.chars().count() < 150, "{refusal}");
    }

    #[test]
    fn full_refuses_with_the_reason() {
        assert_eq!(check(&Policy::Full, &["SET", "k", "v"]), Ok(()));
        assert_eq!(
            check(&Policy::Full, &["BLPOP", "k", "0"]),
            Err("ERR the 'blpop' command is not available over HTTP: it would hold up every other request"
                .to_owned())
        );
    }
}
