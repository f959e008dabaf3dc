//! A policy of one's own: commands by name, and the keys that they may touch.
//!
//! Both lists let pass what is in them and nothing else. Names are those of Redis' ACL: `get`, `client` with
//! all its sub-commands, `client|id`, `fcall|track_v1`, and `@readonly` for what the policy `readonly` lets
//! pass. Where keys are limited, a command passes only if all its keys are certain from its arguments: so no
//! script, no `SORT` with patterns, and of those without keys only the ones that touch none.

use std::collections::HashSet;

use serde::Deserialize;

use super::{MAX_NAME_BYTES, is_harmless, is_readonly};
use crate::catalogue;

/// The commands, and keys, that a token may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowList {
    /// Names of commands; see the module.
    commands: HashSet<String>,
    /// Keys, or beginnings of keys that end in `*`; without it, all.
    keys: Option<Vec<String>>,
}

/// What does not let a command pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    Command,
    Key,
}

impl AllowList {
    /// What is wrong with the list, in words.
    pub(super) fn fault(&self) -> Option<String> {
        if self.commands.is_empty() {
            return Some("its list of commands is empty".to_owned());
        }
        let is_name = |text: &str| {
            let (name, rest) = text.split_once('|').unwrap_or((text, "-"));
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            text == "@readonly"
                || !name.is_empty() && !rest.is_empty() && name.bytes().chain(rest.bytes()).all(known)
        };
        if let Some(wrong) = self.commands.iter().find(|name| !is_name(name)) {
            return Some(format!(
                "{wrong:?} is no command: write for example get, client|id, fcall|track_v1 or @readonly"
            ));
        }
        let keys = self.keys.as_deref()?;
        if keys.is_empty() {
            return Some(
                "its list of keys is empty: leave it out, or name a key or a beginning such as cache:*"
                    .to_owned(),
            );
        }
        let wrong = keys.iter().find(|key| key.trim_end_matches('*').contains('*') || key.ends_with("**"))?;
        Some(format!("{wrong:?} has a * that is not its end"))
    }

    /// The same list, with names as they are compared.
    pub(super) fn normal(self) -> Self {
        let lower = |name: String| match name.split_once('|') {
            // A function's name is its own.
            Some((command, argument)) if is_function_call(command) => {
                format!("{}|{argument}", command.to_ascii_lowercase())
            }
            _ => name.to_ascii_lowercase(),
        };
        AllowList { commands: self.commands.into_iter().map(lower).collect(), keys: self.keys }
    }

    pub(super) fn obstacle<W: AsRef<[u8]>>(&self, words: &[W]) -> Option<Obstacle> {
        if !self.has_command(words) {
            return Some(Obstacle::Command);
        }
        let Some(allowed) = &self.keys else { return None };
        if is_harmless(words) {
            return None;
        }
        let Some(keys) = catalogue::certain_keys(words) else { return Some(Obstacle::Key) };
        let is_allowed = |key: &[u8]| {
            allowed.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(beginning) => key.starts_with(beginning.as_bytes()),
                None => key == pattern.as_bytes(),
            })
        };
        if keys.into_iter().all(is_allowed) { None } else { Some(Obstacle::Key) }
    }

    fn has_command<W: AsRef<[u8]>>(&self, words: &[W]) -> bool {
        if self.commands.contains("@readonly") && is_readonly(words) {
            return true;
        }
        let text = |position: usize| {
            let word = words.get(position)?.as_ref();
            std::str::from_utf8(word).ok().filter(|word| word.len() <= MAX_NAME_BYTES)
        };
        let Some(name) = text(0).map(str::to_ascii_lowercase) else { return false };
        if self.commands.contains(&name) {
            return true;
        }
        let Some(argument) = text(1) else { return false };
        let argument =
            if is_function_call(&name) { argument.to_owned() } else { argument.to_ascii_lowercase() };
        self.commands.contains(&format!("{name}|{argument}"))
    }
}

fn is_function_call(name: &str) -> bool {
    name.eq_ignore_ascii_case("fcall") || name.eq_ignore_ascii_case("fcall_ro")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(commands: &[&str], keys: Option<&[&str]>) -> AllowList {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let list = AllowList { commands: owned(commands).into_iter().collect(), keys: keys.map(owned) };
        assert_eq!(list.fault(), None);
        list.normal()
    }

    fn obstacle(list: &AllowList, line: &str) -> Option<Obstacle> {
        list.obstacle(&line.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn commands_pass_by_name_and_sub_command() {
        let list = list(&["GET", "config", "Client|Id", "FCALL|Mine"], None);
        for line in ["get k", "CONFIG SET a b", "CLIENT id", "fcall Mine 0"] {
            assert_eq!(obstacle(&list, line), None, "{line}");
        }
        for line in
            ["set k v", "getdel k", "CLIENT KILL x", "client", "FCALL mine 0", "FCALL_RO Mine 0", "fcall"]
        {
            assert_eq!(obstacle(&list, line), Some(Obstacle::Command), "{line}");
        }
    }

    #[test]
    fn the_readonly_policy_can_be_part_of_a_list() {
        let list = list(&["@readonly", "scan"], None);
        for line in ["GET k", "SCAN 0", "OBJECT ENCODING k"] {
            assert_eq!(obstacle(&list, line), None, "{line}");
        }
        assert_eq!(obstacle(&list, "SET k v"), Some(Obstacle::Command));
    }

    #[test]
    fn where_keys_are_limited_every_key_has_to_be_certain_and_allowed() {
        let list =
            list(&["@readonly", "set", "mset", "eval", "sort", "scan", "dbsize"], Some(&["cache:*", "one"]));
        for line in ["GET cache:a", "GET one", "MSET one 1 cache:b 2", "PING", "MGET cache: one"] {
            assert_eq!(obstacle(&list, line), None, "{line}");
        }
        for line in [
            "GET other",
            "GET oneself",
            "MSET one 1 other 2",
            "EVAL s 1 one",
            "SORT one STORE other",
            "SCAN 0",
            "DBSIZE",
            "FCALL_RO f 1 one",
            "GET",
        ] {
            assert_eq!(obstacle(&list, line), Some(Obstacle::Key), "{line}");
        }
    }

    #[test]
    fn a_list_that_means_nothing_is_refused_with_what_is_wrong() {
        let fault = |json: &str| serde_json::from_str::<AllowList>(json).unwrap().fault().unwrap();
        assert!(fault(r#"{"commands":[]}"#).contains("empty"));
        assert!(fault(r#"{"commands":["get k"]}"#).contains("\"get k\" is no command"));
        assert!(fault(r#"{"commands":["client|"]}"#).contains("is no command"));
        assert!(fault(r#"{"commands":["get"],"keys":[]}"#).contains("leave it out"));
        assert!(fault(r#"{"commands":["get"],"keys":["a*b"]}"#).contains("not its end"));
        assert!(serde_json::from_str::<AllowList>(r#"{"commands":["get"],"key":["a"]}"#).is_err());
    }
}
