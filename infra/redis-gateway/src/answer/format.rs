//! How pieces of replies look: JSON, JSON with every string in base64, or RESP2 as it came.
//!
//! JSON has the shapes of RESP2: nil is null, integers are exact, arrays nest. Strings are UTF-8, with
//! U+FFFD for what is not; in base64 they are the bytes, and only a status `OK` that is a whole reply
//! stays as it is, because clients expect both. RESP2 knows no difference between one reply and several,
//! so a pipeline's are written one after another.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::resp::Token;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Base64,
    Resp2,
}

impl Format {
    pub(super) fn list_begin(self) -> &'static [u8] {
        if self == Format::Resp2 { b"" } else { b"[" }
    }

    pub(super) fn list_end(self) -> &'static [u8] {
        if self == Format::Resp2 { b"" } else { b"]" }
    }

    /// Between the items of a list.
    pub(super) fn separator(self) -> &'static [u8] {
        if self == Format::Resp2 { b"" } else { b"," }
    }

    pub(super) fn item_begin(self, is_error: bool) -> &'static [u8] {
        match self {
            Format::Resp2 => b"",
            Format::Json | Format::Base64 if is_error => br#"{"error":"#,
            Format::Json | Format::Base64 => br#"{"result":"#,
        }
    }

    pub(super) fn item_end(self) -> &'static [u8] {
        if self == Format::Resp2 { b"" } else { b"}" }
    }

    /// Appends a whole item: an error of the gateway, or one that stands for a whole transaction.
    pub(super) fn push_error(self, body: &mut Vec<u8>, text: &str) {
        if self == Format::Resp2 {
            body.push(b'-');
            // A line break would end the error early.
            body.extend(text.bytes().map(|byte| if byte == b'\r' || byte == b'\n' { b' ' } else { byte }));
            body.extend_from_slice(b"\r\n");
        } else {
            body.extend_from_slice(self.item_begin(true));
            // Writing to memory cannot fail, and a string has no part that JSON lacks.
            let _ = serde_json::to_writer(&mut *body, text);
            body.extend_from_slice(self.item_end());
        }
    }

    /// Writes one piece at a depth of so many open arrays; `follows_another` in the same array.
    pub(super) fn write(
        self,
        out: &mut Out<'_>,
        token: &Token<'_>,
        depth: usize,
        follows_another: bool,
    ) -> io::Result<()> {
        if self == Format::Resp2 {
            return resp2(out, token);
        }
        if follows_another {
            out.write_all(b",")?;
        }
        match token {
            Token::Open(_) => out.write_all(b"["),
            Token::Close => out.write_all(b"]"),
            Token::Integer(value) => out.write_all(itoa::Buffer::new().format(*value).as_bytes()),
            Token::Nil | Token::NilArray => out.write_all(b"null"),
            Token::Status(b"OK") if depth == 0 => out.write_all(br#""OK""#),
            Token::Status(bytes) | Token::Bulk(bytes) if self == Format::Base64 => out.base64(bytes),
            Token::Status(bytes) | Token::Bulk(bytes) => out.text(bytes),
            Token::Error(bytes) if depth == 0 => out.text(bytes),
            Token::Error(bytes) => {
                out.write_all(br#"{"error":"#)?;
                out.text(bytes)?;
                out.write_all(b"}")
            }
            Token::Oversized => Ok(()),
        }
    }
}

fn resp2(out: &mut Out<'_>, token: &Token<'_>) -> io::Result<()> {
    let mut digits = itoa::Buffer::new();
    let (kind, text): (&[u8], &[u8]) = match token {
        Token::Open(elements) => (b"*", digits.format(*elements).as_bytes()),
        Token::Integer(value) => (b":", digits.format(*value).as_bytes()),
        Token::Status(text) => (b"+", text),
        Token::Error(text) => (b"-", text),
        Token::Nil => (b"$", b"-1"),
        Token::NilArray => (b"*", b"-1"),
        Token::Bulk(bytes) => {
            out.write_all(b"$")?;
            out.write_all(digits.format(bytes.len()).as_bytes())?;
            (b"\r\n", bytes)
        }
        Token::Close | Token::Oversized => return Ok(()),
    };
    out.write_all(kind)?;
    out.write_all(text)?;
    out.write_all(b"\r\n")
}

/// A body that takes no more than its limit: an escape cannot blow a string up past it.
pub(super) struct Out<'a> {
    body: &'a mut Vec<u8>,
    room: usize,
}

impl<'a> Out<'a> {
    pub(super) fn new(body: &'a mut Vec<u8>, limit: usize) -> Self {
        let room = limit.saturating_sub(body.len());
        Out { body, room }
    }

    fn take_room(&mut self, bytes: usize) -> io::Result<()> {
        self.room = self.room.checked_sub(bytes).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }

    fn text(&mut self, bytes: &[u8]) -> io::Result<()> {
        serde_json::to_writer(self, &String::from_utf8_lossy(bytes)).map_err(Into::into)
    }

    fn base64(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = base64::encoded_len(bytes.len(), true).ok_or(io::ErrorKind::StorageFull)?;
        self.write_all(b"\"")?;
        self.take_room(length)?;
        let start = self.body.len();
        self.body.resize(start.saturating_add(length), 0);
        let place = self.body.get_mut(start..).unwrap_or_default();
        STANDARD.encode_slice(bytes, place).map_err(io::Error::other)?;
        self.write_all(b"\"")
    }
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take_room(bytes.len())?;
        self.body.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
