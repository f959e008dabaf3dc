//! Commands that cannot share one pipelined connection with other requests: one table.
//!
//! They block the replies behind them, change the state of the connection for everyone, or answer
//! with more or fewer replies than one. Commands that harm the server rather than the connection
//! (`SHUTDOWN`, `DEBUG`, `FLUSHALL`) are left to the ACL of the Redis user.

use crate::command::Command;

const BLOCKS: &str = "it would hold up every other request";
const STATE: &str = "it would change the connection that all requests share";
const REPLIES: &str = "it does not answer with exactly one reply";

/// Refused whatever their arguments: name in lower case, reason.
const COMMANDS: [(&str, &str); 33] = [
    ("blmove", BLOCKS),
    ("blmpop", BLOCKS),
    ("blpop", BLOCKS),
    ("brpop", BLOCKS),
    ("brpoplpush", BLOCKS),
    ("bzmpop", BLOCKS),
    ("bzpopmax", BLOCKS),
    ("bzpopmin", BLOCKS),
    ("wait", BLOCKS),
    ("waitaof", BLOCKS),
    ("asking", STATE),
    ("auth", STATE),
    ("discard", STATE),
    ("exec", STATE),
    ("hello", STATE),
    ("multi", STATE),
    ("quit", STATE),
    ("readonly", STATE),
    ("readwrite", STATE),
    ("reset", STATE),
    ("select", STATE),
    ("unwatch", STATE),
    ("watch", STATE),
    ("monitor", REPLIES),
    ("psubscribe", REPLIES),
    ("psync", REPLIES),
    ("punsubscribe", REPLIES),
    ("replconf", REPLIES),
    ("ssubscribe", REPLIES),
    ("subscribe", REPLIES),
    ("sunsubscribe", REPLIES),
    ("sync", REPLIES),
    ("unsubscribe", REPLIES),
];

/// Refused by their first argument: name, sub-command, reason.
const SUBCOMMANDS: [(&str, &str, &str); 9] = [
    ("client", "caching", STATE),
    ("client", "kill", STATE),
    ("client", "no-evict", STATE),
    ("client", "no-touch", STATE),
    ("client", "pause", BLOCKS),
    ("client", "reply", REPLIES),
    ("client", "setname", STATE),
    ("client", "tracking", STATE),
    ("script", "debug", STATE),
];

/// Options of `XREAD` and `XREADGROUP` in front of `STREAMS`, with the number of their values.
const READ_OPTIONS: [(&str, usize); 6] =
    [("group", 2), ("count", 1), ("noack", 0), ("claim", 1), ("maxcount", 1), ("maxsize", 1)];

/// Why this command cannot be sent over the shared connection, if it cannot.
pub(super) fn obstacle(command: Command<'_>) -> Option<&'static str> {
    let name = command.name();
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    if let Some((_, reason)) = COMMANDS.iter().find(|(known, _)| is(known)) {
        return Some(reason);
    }
    if (is("xread") || is("xreadgroup")) && blocks(command) {
        return Some(BLOCKS);
    }
    let first = command.arguments().next()?;
    SUBCOMMANDS
        .iter()
        .find(|(known, sub, _)| is(known) && first.eq_ignore_ascii_case(sub.as_bytes()))
        .map(|(_, _, reason)| *reason)
}

/// Whether a stream read has the option `BLOCK`. A stream, group or consumer may have that name.
fn blocks(command: Command<'_>) -> bool {
    let mut rest = command.arguments();
    while let Some(word) = rest.next() {
        if word.eq_ignore_ascii_case(b"streams") {
            return false;
        }
        if word.eq_ignore_ascii_case(b"block") {
            return true;
        }
        match READ_OPTIONS.iter().find(|(option, _)| word.eq_ignore_ascii_case(option.as_bytes())) {
            Some((_, values)) => rest.by_ref().take(*values).for_each(drop),
            // An option that we do not know may have values: only the absence of the word is sure.
            None => return rest.any(|word| word.eq_ignore_ascii_case(b"block")),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{CommandLimits, parse_command};

    fn refused(line: &str) -> bool {
        let body = serde_json::to_vec(&line.split(' ').collect::<Vec<_>>()).unwrap();
        let limits = CommandLimits { commands: 1, arguments: 100 };
        parse_command(&body, limits).unwrap().iter().any(|command| obstacle(command).is_some())
    }

    #[test]
    fn every_row_of_the_tables_is_refused_in_any_case() {
        for (name, _) in COMMANDS {
            assert!(refused(name) && refused(&format!("{} k 0", name.to_uppercase())), "{name}");
        }
        for (name, sub, _) in SUBCOMMANDS {
            assert!(refused(&format!("{} {}", name.to_uppercase(), sub.to_uppercase())), "{name} {sub}");
            assert!(!refused(name), "{name}");
        }
    }

    #[test]
    fn a_stream_read_is_refused_only_when_it_blocks() {
        for line in [
            "XREAD BLOCK 0 STREAMS s $",
            "xread count 1 block 10 streams s 0",
            "XREADGROUP GROUP g c BLOCK 10 STREAMS s >",
            "XREADGROUP NOACK COUNT 1 BLOCK 10 GROUP g c STREAMS s >",
            "XREADGROUP GROUP g c NEWOPTION STREAMS BLOCK 10 STREAMS s >",
        ] {
            assert!(refused(line), "{line}");
        }
        for line in [
            "XREAD STREAMS block 0",
            "XREAD COUNT 2 STREAMS s block 0 0",
            "XREADGROUP GROUP block block COUNT 1 NOACK STREAMS s >",
            "XREADGROUP GROUP streams streams STREAMS s >",
            "XREADGROUP GROUP g c CLAIM 100 STREAMS s >",
            "XREAD",
        ] {
            assert!(!refused(line), "{line}");
        }
    }

    #[test]
    fn other_commands_pass() {
        for line in
            ["GET k", "CLIENT SETINFO lib-name x", "CLIENT ID", "SCRIPT LOAD x", "PUBLISH c m", "EVAL s 0"]
        {
            assert!(!refused(line), "{line}");
        }
    }
}
