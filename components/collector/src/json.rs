//! JSON looked at one level at a time, without building a tree.
//!
//! Levels are read when they are needed, so what nobody asks for is only skipped; a key given twice
//! counts as its last value, as in every client that matters.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The deepest nesting that is accepted. The private service builds a tree of the body.
const MAX_DEPTH: usize = 64;
/// The longest string value, in bytes between its quotation marks.
const MAX_STRING_BYTES: usize = 64 * 1024;
/// The longest key, in bytes between its quotation marks.
const MAX_KEY_BYTES: usize = 1024;

/// The members of an object, unread.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The object that this value is, if it is one.
    pub(crate) fn of(value: &'a RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok()
    }

    /// Its keys and their values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(Object)
    }
}

/// A key, borrowed unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Text).map(Key)
    }
}

/// What kind of value this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Null,
    Other,
}

pub(crate) fn kind(value: &RawValue) -> Kind {
    match value.get().bytes().next() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b'n') => Kind::Null,
        _ => Kind::Other,
    }
}

/// The text of a string value.
pub(crate) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Key<'_>>(value.get()).ok().map(|Key(text)| text)
}

/// The truth of a boolean value.
pub(crate) fn truth(value: &RawValue) -> Option<bool> {
    serde_json::from_str(value.get()).ok()
}

/// The elements of an array value.
pub(crate) fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// A body that is no JSON that we keep, and where it stops being so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Bytes from the start of the body.
    pub(crate) offset: usize,
    /// What is wrong.
    pub(crate) reason: Reason,
}

/// Why a body is not kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is no JSON, or none that every reader understands alike.
    Malformed(String),
    /// A string, or a key, is longer than this many bytes.
    LongString(usize),
}

/// Checks that a body is one JSON value which the private service can read, and returns it.
pub(crate) fn check(body: &[u8]) -> Result<&RawValue, Unreadable> {
    check_below(0, body)
}

/// The same for a value that becomes part of a body, with so many levels above it.
pub(crate) fn check_below(levels: usize, body: &[u8]) -> Result<&RawValue, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|error| Unreadable {
        offset: error.valid_up_to(),
        reason: Reason::Malformed("the body is not UTF-8".to_owned()),
    })?;
    let value: &RawValue = serde_json::from_str(text).map_err(|error| malformed(text, &error))?;
    Scan { body, at: 0, depth: levels }.check()?;
    Ok(value)
}

fn malformed(text: &str, error: &serde_json::Error) -> Unreadable {
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let message = error.to_string();
    // The column is that behind the byte which is wrong, but for a control character, which it is in front of.
    let behind = usize::from(!message.starts_with("control character"));
    let offset = (line_start + error.column().saturating_sub(behind)).min(text.len());
    // serde_json appends the place, which `offset` tells.
    let reason = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason).to_owned();
    let offset = if error.is_eof() { text.len() } else { offset };
    Unreadable { offset, reason: Reason::Malformed(reason) }
}

/// Looks at valid JSON for what the private service could not read: nested too deep, a string or key that is too long, half
/// of a surrogate pair. Skipping a value looks at none of these.
struct Scan<'a> {
    body: &'a [u8],
    at: usize,
    depth: usize,
}

impl Scan<'_> {
    fn check(mut self) -> Result<(), Unreadable> {
        while let Some(byte) = self.body.get(self.at) {
            let start = self.at;
            self.at += 1;
            match byte {
                b'"' => self.string(start)?,
                b'{' | b'[' if self.depth == MAX_DEPTH => {
                    return Err(self.malformed(start, &format!("nested deeper than {MAX_DEPTH} levels")));
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }

    /// Goes behind the string whose quotation mark is at `start`.
    fn string(&mut self, start: usize) -> Result<(), Unreadable> {
        loop {
            let rest = self.body.get(self.at..).unwrap_or_default();
            // Most strings have no escape: their end is found at once.
            let Some(next) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
                self.at = self.body.len();
                return Ok(());
            };
            self.at += next;
            let rest = rest.get(next..).unwrap_or_default();
            if rest.first() == Some(&b'"') {
                break;
            }
            self.at += escape(rest).ok_or_else(|| self.malformed(self.at, "half of a surrogate pair"))?;
        }
        let length = self.at - start - 1;
        self.at += 1;
        let most = if self.is_key() { MAX_KEY_BYTES } else { MAX_STRING_BYTES };
        if length > most {
            return Err(Unreadable { offset: start, reason: Reason::LongString(most) });
        }
        Ok(())
    }

    /// Whether the string that ended here is a key: a colon follows.
    fn is_key(&self) -> bool {
        let rest = self.body.get(self.at..).unwrap_or_default();
        rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
    }

    fn malformed(&self, offset: usize, reason: &str) -> Unreadable {
        Unreadable { offset, reason: Reason::Malformed(reason.to_owned()) }
    }
}

/// The length of the escape that this begins with, both halves of a pair together; none for half a pair.
fn escape(text: &[u8]) -> Option<usize> {
    match (code_unit(text), text.get(6..).and_then(code_unit)) {
        (None, _) => Some(2),
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => Some(12),
        (Some(0xd800..=0xdfff), _) => None,
        (Some(_), _) => Some(6),
    }
}

/// The value of an escape of four hexadecimal digits, as in `\u0041`.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &[u8]) -> Unreadable {
        check(body).unwrap_err()
    }

    fn is_malformed(body: &[u8], offset: usize, words: &str) {
        let Unreadable { offset: found, reason: Reason::Malformed(reason) } = refused(body) else {
            panic!("{:?}", refused(body))
        };
        assert_eq!(found, offset, "{reason}");
        assert!(reason.contains(words), "{reason}");
    }

    #[test]
    fn a_key_given_twice_counts_as_its_last_value() {
        let value = check(br#"{"a":1,"a":2,"\u0061":3}"#).unwrap();
        assert_eq!(Object::of(value).unwrap().get("a").unwrap().get(), "3");
    }

    #[test]
    fn broken_json_is_refused_with_its_offset() {
        is_malformed(br#"{"source":{"id":"rest-source-1""#, 31, "EOF");
        is_malformed(b"{\n  \"a\": x}", 9, "expected");
        is_malformed(b"{\"a\":\xff}", 5, "the body is not UTF-8");
        is_malformed(b"{\"a\":\"b\n\"}", 7, "control character");
        is_malformed(b"{\"a\":\n \"\0\"}", 8, "control character");
    }

    #[test]
    fn what_would_break_later_readers_is_refused_here() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        is_malformed(nested(10_000).as_bytes(), 64, "deeper than 64");
        is_malformed(nested(65).as_bytes(), 64, "deeper than 64");
        assert!(check(nested(64).as_bytes()).is_ok());
        assert!(check(br#"{"a":"[[[[ \" [["}"#).is_ok());
        is_malformed(br#"["\ud800"]"#, 2, "surrogate");
        is_malformed(br#"["\udc00\ud800"]"#, 2, "surrogate");
        is_malformed(br#"["a\ud800\u0041"]"#, 3, "surrogate");
        is_malformed(br#"["\ud83dx\ude00"]"#, 2, "surrogate");
        for whole in [&br#"["\ud83d\ude00"]"#[..], br#"["\\ud800"]"#, br#"["\u0041\n\"\\"]"#] {
            assert!(check(whole).is_ok());
        }
    }

    #[test]
    fn numbers_of_any_size_pass() {
        let digits = format!("[{}]", "9".repeat(400));
        for number in ["[1e999]", "[-1.5E+309,0]", "[12345678901234567890,-0.0]", &digits] {
            assert!(check(number.as_bytes()).is_ok(), "{number}");
        }
    }

    #[test]
    fn long_strings_and_longer_keys_are_refused_where_they_begin() {
        let value = |length: usize| format!(r#"{{"a": "{}"}}"#, "x".repeat(length)).into_bytes();
        assert!(check(&value(MAX_STRING_BYTES)).is_ok());
        let long = Unreadable { offset: 6, reason: Reason::LongString(MAX_STRING_BYTES) };
        assert_eq!(refused(&value(MAX_STRING_BYTES + 1)), long);
        let key = |length: usize| format!(r#"{{"{}" : 1}}"#, "x".repeat(length)).into_bytes();
        assert!(check(&key(MAX_KEY_BYTES)).is_ok());
        let long = Unreadable { offset: 1, reason: Reason::LongString(MAX_KEY_BYTES) };
        assert_eq!(refused(&key(MAX_KEY_BYTES + 1)), long);
    }
}
