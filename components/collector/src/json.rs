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

/// The members of an object, unread.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The object that this value is, if it is one.
    pub(crate) fn of(value: &'a RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok()
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

/// The elements of an array value.
pub(crate) fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// A body that is no JSON that we keep, and where it stops being so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Bytes from the start of the body.
    pub(crate) offset: usize,
    /// What is wrong.
    pub(crate) reason: String,
}

/// Checks that a body is one JSON value which the private service can read, and returns it.
pub(crate) fn check(body: &[u8]) -> Result<&RawValue, Malformed> {
    let text = std::str::from_utf8(body).map_err(|error| Malformed {
        offset: error.valid_up_to(),
        reason: "the body is not UTF-8".to_owned(),
    })?;
    let value: &RawValue = serde_json::from_str(text).map_err(|error| malformed(text, &error))?;
    check_readable(body)?;
    Ok(value)
}

fn malformed(text: &str, error: &serde_json::Error) -> Malformed {
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = (line_start + error.column().saturating_sub(1)).min(text.len());
    let message = error.to_string();
    // serde_json appends the place, which `offset` tells.
    let reason = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason).to_owned();
    let offset = if error.is_eof() { text.len() } else { offset };
    Malformed { offset, reason }
}

/// Refuses valid JSON that the private service could not read: nested too deep, with half of a surrogate pair, or with
/// a number that no float holds. Skipping a value looks at none of these.
fn check_readable(body: &[u8]) -> Result<(), Malformed> {
    let (mut depth, mut in_string, mut rest) = (0_usize, false, body);
    while let Some((byte, after)) = rest.split_first() {
        let refuse = |reason: String| Err(Malformed { offset: body.len() - rest.len(), reason });
        let mut next = after;
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => match escape(rest) {
                Some(length) => next = rest.get(length..).unwrap_or_default(),
                None => return refuse("half of a surrogate pair".to_owned()),
            },
            b'0'..=b'9' if !in_string => match number(rest) {
                Some(length) => next = rest.get(length..).unwrap_or_default(),
                None => return refuse("number out of range".to_owned()),
            },
            b'{' | b'[' if !in_string && depth == MAX_DEPTH => {
                return refuse(format!("nested deeper than {MAX_DEPTH} levels"));
            }
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        rest = next;
    }
    Ok(())
}

/// The length of the number that this begins with; none if it is out of range.
fn number(text: &[u8]) -> Option<usize> {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    let length = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    let digits = text.get(..length)?;
    // Only an exponent, or some three hundred digits, lead out of range.
    let suspect = length > 300 || digits.iter().any(|byte| matches!(byte, b'e' | b'E'));
    let finite = || std::str::from_utf8(digits).ok()?.parse::<f64>().ok().map(f64::is_finite);
    (!suspect || finite() == Some(true)).then_some(length)
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

    fn refused(body: &[u8]) -> Malformed {
        check(body).unwrap_err()
    }

    #[test]
    fn a_key_given_twice_counts_as_its_last_value() {
        let value = check(br#"{"a":1,"a":2,"\u0061":3}"#).unwrap();
        assert_eq!(Object::of(value).unwrap().get("a").unwrap().get(), "3");
    }

    #[test]
    fn broken_json_is_refused_with_its_offset() {
        assert_eq!(refused(br#"{"source":{"id":"rest-source-1""#).offset, 31);
        assert_eq!(refused(b"{\n  \"a\": x}").offset, 9);
        assert_eq!(refused(b"{\"a\":\xff}"), Malformed { offset: 5, reason: "the body is not UTF-8".into() });
    }

    #[test]
    fn what_would_break_later_readers_is_refused_here() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(refused(nested(10_000).as_bytes()).reason.contains("deeper than 64"));
        assert!(refused(nested(65).as_bytes()).reason.contains("deeper than 64"));
        assert!(check(nested(64).as_bytes()).is_ok());
        assert!(check(br#"{"a":"[[[[ \" [["}"#).is_ok());
        for half in
            [&br#"["\ud800"]"#[..], br#"["\udc00\ud800"]"#, br#"["\ud800\u0041"]"#, br#"["\ud83dx\ude00"]"#]
        {
            assert!(refused(half).reason.contains("surrogate"), "{:?}", refused(half));
        }
        for whole in [&br#"["\ud83d\ude00"]"#[..], br#"["\\ud800"]"#, br#"["\u0041\n\"\\"]"#] {
            assert!(check(whole).is_ok());
        }
        let digits = |count: usize| format!("[{}]", "9".repeat(count)).into_bytes();
        for beyond in [b"[1e999]".to_vec(), b"[-1.5E+309,0]".to_vec(), digits(400)] {
            assert!(refused(&beyond).reason.contains("out of range"), "{:?}", refused(&beyond));
        }
        for within in [b"[12345678901234567890,1e308,1E-999,-0.0,true,false]".to_vec(), digits(308)] {
            assert!(check(&within).is_ok());
        }
    }
}
