//! JSON read once, without building a tree.
//!
//! One pass over the text finds out whether it is JSON that we keep, and where each value begins and ends. What is asked
//! later is answered from there: nothing is read twice, and nothing is copied. A key given twice counts as its last value,
//! as in every client that matters.

mod plain;
mod reader;
mod writer;

use std::borrow::Cow;
use std::ops::Range;

use self::reader::Reader;
pub(crate) use self::writer::write_string;

/// A text that is one JSON value.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    text: &'a str,
    /// All values, keys among them, in the order in which they begin. There is at least one.
    nodes: Vec<Node>,
}

/// A value, or a key.
#[derive(Debug)]
struct Node {
    /// Its bytes in the text.
    span: Range<usize>,
    /// It is a string with escapes.
    has_escapes: bool,
    /// The number of the first node behind it, and behind all that it holds.
    next: usize,
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'d> {
    document: &'d Document<'d>,
    /// The number of its node.
    number: usize,
}

/// An object of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'d>(Value<'d>);

/// What kind of value this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Null,
    Other,
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

impl<'a> Document<'a> {
    /// Reads a body that is one JSON value which the private service can read.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Unreadable> {
        Self::read_below(0, body)
    }

    /// The same for a value that becomes part of a body, with so many levels above it.
    pub(crate) fn read_below(levels: usize, body: &'a [u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(body).map_err(|error| Unreadable {
            offset: error.valid_up_to(),
            reason: Reason::Malformed("the body is not UTF-8".to_owned()),
        })?;
        let nodes = Reader::new(text, levels).read().map_err(|wrong| wrong.explain(text))?;
        Ok(Self { text, nodes })
    }

    /// The whole value.
    pub(crate) fn root(&self) -> Value<'_> {
        Value { document: self, number: 0 }
    }

    /// The root's members, if it is an object.
    pub(crate) fn members(&self) -> Option<Object<'_>> {
        self.root().members()
    }
}

impl<'d> Value<'d> {
    /// Its JSON, as it stands in the document.
    pub(crate) fn json(self) -> &'d str {
        self.document.text.get(self.span()).unwrap_or_default()
    }

    /// Where that stands.
    pub(crate) fn span(self) -> Range<usize> {
        self.node().map_or(0..0, |node| node.span.clone())
    }

    /// What it is.
    pub(crate) fn kind(self) -> Kind {
        match self.json().as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b'n') => Kind::Null,
            _ => Kind::Other,
        }
    }

    /// The text of a string.
    pub(crate) fn text(self) -> Option<Cow<'d, str>> {
        let json = self.json();
        let text = json.strip_prefix('"')?.strip_suffix('"')?;
        let is_plain = self.node().is_some_and(|node| !node.has_escapes);
        if is_plain { Some(Cow::Borrowed(text)) } else { serde_json::from_str(json).ok().map(Cow::Owned) }
    }

    /// Whether it is a string of this text.
    fn is(self, text: &str) -> bool {
        match self.node() {
            Some(node) if node.has_escapes => self.text().is_some_and(|own| own == text),
            Some(Node { span, .. }) => {
                span.len() == text.len() + 2
                    && self.document.text.get(span.start + 1..span.end - 1) == Some(text)
            }
            None => false,
        }
    }

    /// Whether it is true; none if it is no truth value.
    pub(crate) fn truth(self) -> Option<bool> {
        self.json().parse().ok()
    }

    /// The elements of an array.
    pub(crate) fn elements(self) -> Option<impl Iterator<Item = Value<'d>> + Clone> {
        (self.kind() == Kind::Array).then(|| self.children())
    }

    /// The members of an object.
    pub(crate) fn members(self) -> Option<Object<'d>> {
        (self.kind() == Kind::Object).then_some(Object(self))
    }

    /// What is directly in it: elements, or keys and values in turn.
    fn children(self) -> impl Iterator<Item = Value<'d>> + Clone {
        let Self { document, number } = self;
        let end = self.next();
        let child = move |number: usize| (number < end).then_some(Value { document, number });
        std::iter::successors(child(number + 1), move |before| child(before.next()))
    }

    /// The number of the first node behind it.
    fn next(self) -> usize {
        self.node().map_or(0, |node| node.next)
    }

    fn node(self) -> Option<&'d Node> {
        self.document.nodes.get(self.number)
    }
}

impl<'d> Object<'d> {
    /// Its keys and their values, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = (Cow<'d, str>, Value<'d>)> {
        self.pairs().map(|(key, value)| (key.text().unwrap_or_default(), value))
    }

    /// The value of a key.
    pub(crate) fn get(self, key: &str) -> Option<Value<'d>> {
        let mut found = None;
        for (known, value) in self.pairs() {
            if known.is(key) {
                found = Some(value);
            }
        }
        found
    }

    fn pairs(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> {
        let mut children = self.0.children();
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::reader::{MAX_KEY_BYTES, MAX_STRING_BYTES};
    use super::*;

    fn check(body: &[u8]) -> Result<Document<'_>, Unreadable> {
        Document::read(body)
    }

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
        let document = check(br#"{"a":1,"a":2,"\u0061":3}"#).unwrap();
        assert_eq!(document.members().unwrap().get("a").unwrap().json(), "3");
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
