//! The one pass over a JSON text (RFC 8259).

use std::str::from_utf8;

use serde::de::IgnoredAny;

use super::plain::plain;
use super::{Node, Reason, Unreadable};

/// The deepest nesting that is accepted. The private service builds a tree of the body.
const MAX_DEPTH: usize = 64;
/// The longest string value, in bytes between its quotation marks.
pub(super) const MAX_STRING_BYTES: usize = 64 * 1024;
/// The longest key, in bytes between its quotation marks.
pub(super) const MAX_KEY_BYTES: usize = 1024;

/// Where a text stops being what we keep.
pub(super) struct Wrong {
    at: usize,
    why: Why,
}

enum Why {
    NoJson,
    Deep,
    HalfAPair,
    LongString(usize),
}

/// Goes over a text once.
pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    nodes: Vec<Node>,
}

impl<'a> Reader<'a> {
    /// A reader of a text that will have so many levels above it.
    pub(super) fn new(text: &'a str, levels: usize) -> Self {
        // A value of what browsers send has some 16 bytes.
        Self { text: text.as_bytes(), at: 0, depth: levels, nodes: Vec::with_capacity(text.len() / 16 + 1) }
    }

    /// All values of the text, which is one value and blanks around it.
    pub(super) fn read(mut self) -> Result<Vec<Node>, Wrong> {
        self.skip_blanks();
        self.value()?;
        self.skip_blanks();
        if self.at < self.text.len() { Err(self.no_json()) } else { Ok(self.nodes) }
    }

    fn value(&mut self) -> Result<(), Wrong> {
        let number = self.begins();
        match self.peek() {
            Some(b'"') => self.string(MAX_STRING_BYTES)?,
            Some(b'{') => self.nested(b'}', Self::member)?,
            Some(b'[') => self.nested(b']', Self::value)?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            _ => self.number()?,
        }
        self.ends(number);
        Ok(())
    }

    /// A value begins here; the number of its node.
    fn begins(&mut self) -> usize {
        let number = self.nodes.len();
        self.nodes.push(Node { span: self.at..self.at, has_escapes: false, next: number });
        number
    }

    /// The value of this number ends here.
    fn ends(&mut self, number: usize) {
        let next = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(number) {
            node.span.end = self.at;
            node.next = next;
        }
    }

    /// An object or an array, up to its closing bracket.
    fn nested(&mut self, close: u8, part: fn(&mut Self) -> Result<(), Wrong>) -> Result<(), Wrong> {
        if self.depth == MAX_DEPTH {
            return Err(self.wrong(Why::Deep));
        }
        self.depth += 1;
        self.at += 1;
        self.skip_blanks();
        if self.peek() != Some(close) {
            loop {
                part(self)?;
                self.skip_blanks();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(byte) if byte == close => break,
                    _ => return Err(self.no_json()),
                }
                self.skip_blanks();
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    fn member(&mut self) -> Result<(), Wrong> {
        if self.peek() != Some(b'"') {
            return Err(self.no_json());
        }
        let number = self.begins();
        self.string(MAX_KEY_BYTES)?;
        self.ends(number);
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err(self.no_json());
        }
        self.at += 1;
        self.skip_blanks();
        self.value()
    }

    /// A string of at most so many bytes.
    fn string(&mut self, most: usize) -> Result<(), Wrong> {
        let (start, mut has_escapes) = (self.at, false);
        self.at += 1;
        loop {
            self.at += plain(self.rest());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let length = escape(self.rest()).map_err(|why| self.wrong(why))?;
                    self.at += length;
                    has_escapes = true;
                }
                _ => return Err(self.no_json()),
            }
        }
        if self.at - start - 1 > most {
            return Err(Wrong { at: start, why: Why::LongString(most) });
        }
        self.at += 1;
        if let Some(node) = self.nodes.last_mut() {
            node.has_escapes = has_escapes;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Wrong> {
        self.at += usize::from(self.peek() == Some(b'-'));
        let whole = self.digits()?;
        if whole.len() > 1 && whole.first() == Some(&b'0') {
            return Err(self.no_json());
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<&'a [u8], Wrong> {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).filter(|digits| !digits.is_empty()).ok_or_else(|| self.no_json())
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Wrong> {
        if !self.rest().starts_with(word) {
            return Err(self.no_json());
        }
        self.at += word.len();
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn no_json(&self) -> Wrong {
        self.wrong(Why::NoJson)
    }

    fn wrong(&self, why: Why) -> Wrong {
        Wrong { at: self.at, why }
    }
}

impl Wrong {
    /// What is wrong, in words. That a text is no JSON comes first, wherever it is: it is the larger mistake, and is told
    /// in the words of a library that many know.
    pub(super) fn explain(self, text: &str) -> Unreadable {
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            return no_json(text, &error);
        }
        let reason = match self.why {
            Why::NoJson => Reason::Malformed("this is no JSON".to_owned()),
            Why::Deep => Reason::Malformed(format!("nested deeper than {MAX_DEPTH} levels")),
            Why::HalfAPair => Reason::Malformed("half of a surrogate pair".to_owned()),
            Why::LongString(most) => Reason::LongString(most),
        };
        Unreadable { offset: self.at, reason }
    }
}

fn no_json(text: &str, error: &serde_json::Error) -> Unreadable {
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

/// The length of the escape that this begins with, both halves of a pair together.
fn escape(text: &[u8]) -> Result<usize, Why> {
    match (text.get(1), code_unit(text), text.get(6..).and_then(code_unit)) {
        (Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'), _, _) => Ok(2),
        (_, Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => Ok(12),
        (_, Some(0xd800..=0xdfff), _) => Err(Why::HalfAPair),
        (_, Some(_), _) => Ok(6),
        _ => Err(Why::NoJson),
    }
}

/// The value of an escape of four hexadecimal digits, as in `\u0041`.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    is_hex.then(|| u16::from_str_radix(from_utf8(digits).ok()?, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real bodies, and what JSON is made of.
    const VISITS: &str = include_str!("../../../../tests/data/visits.jsonl");
    const PARTS: &[u8] = b"{}[]\",:\\/ \n\t\x00\x1f\x7f0123456789-+.eEtruefalsn\\ud83d\\ude00";

    /// Numbers that look random, and are the same each time.
    fn next(state: &mut usize) -> usize {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    #[test]
    fn what_counts_as_json_counts_for_everybody() {
        let mut state = 1;
        let mut taken = 0;
        for line in VISITS.lines().cycle().take(20_000) {
            let mut text = line.as_bytes().to_vec();
            for _ in 0..next(&mut state) % 3 {
                let (at, part) = (next(&mut state) % text.len(), PARTS[next(&mut state) % PARTS.len()]);
                match next(&mut state) % 3 {
                    0 => text[at] = part,
                    1 => text.insert(at, part),
                    _ => text.truncate(at.max(1)),
                }
            }
            let Ok(text) = std::str::from_utf8(&text) else { continue };
            let others = serde_json::from_str::<IgnoredAny>(text).is_ok();
            let ours = !matches!(Reader::new(text, 0).read(), Err(Wrong { why: Why::NoJson, .. }));
            assert_eq!(ours, others, "{text}");
            taken += usize::from(ours);
        }
        assert!((5_000..15_000).contains(&taken), "{taken}");
    }

    #[test]
    fn words_numbers_and_blanks_are_read_as_the_standard_has_them() {
        let good =
            ["0", "-0", "1.5e+3", " [ ] ", "{ }", "\t[1 , 2]\r\n", "true", "{\"\":null}", "1E9", "-0.0e-0"];
        let bad = [
            "",
            " ",
            "01",
            "1.",
            ".5",
            "-",
            "1e",
            "+1",
            "tru",
            "nul",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "[",
            "]",
            "1 2",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u+123\"",
            "{,}",
            "[1 2]",
        ];
        for (text, is_good) in
            good.iter().map(|text| (text, true)).chain(bad.iter().map(|text| (text, false)))
        {
            assert_eq!(Reader::new(text, 0).read().is_ok(), is_good, "{text}");
            assert_eq!(serde_json::from_str::<IgnoredAny>(text).is_ok(), is_good, "{text}");
        }
    }
}
