//! Pushed replies as event text: one `data:` line for each, its elements joined by commas.
//!
//! ```text
//! data: subscribe,chat,1
//!
//! data: message,chat,hello
//! ```
//!
//! Line breaks in a message make further `data:` lines of the same event, as the format of server-sent
//! events has it; a reader joins them with `\n`. Bytes that are no UTF-8 become U+FFFD. Answers to our own
//! `PING` are left out. A reply that would not fit under the limit ends the stream.

use crate::resp::Token;

/// Why no further events can come.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EventError {
    #[error("redis sent an error: {0}")]
    Redis(String),
    #[error("redis sent a message of more than {limit} bytes: raise --max-stream-buffer-bytes")]
    TooLarge { limit: usize },
}

/// Turns pieces of pushed replies into event text.
#[derive(Debug)]
pub(crate) struct EventWriter {
    limit: usize,
    /// The reply so far.
    line: Vec<u8>,
    elements: usize,
    is_array: bool,
}

impl EventWriter {
    /// A writer of events of at most `limit` bytes of content.
    pub(crate) fn new(limit: usize) -> Self {
        EventWriter { limit, line: Vec::new(), elements: 0, is_array: false }
    }

    /// Takes the next piece of a reply, and appends the event to `out` when it is the last.
    pub(crate) fn accept(
        &mut self,
        token: &Token<'_>,
        is_last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), EventError> {
        match token {
            Token::Open(_) => self.is_array = true,
            Token::Close => {}
            Token::Bulk(bytes) => self.element(bytes)?,
            Token::Status(b"OK") if !self.is_array => self.element(br#""OK""#)?,
            Token::Status(bytes) => self.element(bytes)?,
            Token::Integer(value) => self.element(itoa::Buffer::new().format(*value).as_bytes())?,
            Token::Nil | Token::NilArray => self.element(b"")?,
            Token::Error(text) => return Err(EventError::Redis(String::from_utf8_lossy(text).into_owned())),
            Token::Oversized => return Err(EventError::TooLarge { limit: self.limit }),
        }
        if is_last {
            if !self.is_pong() {
                write_event(out, &String::from_utf8_lossy(&self.line));
            }
            (self.elements, self.is_array) = (0, false);
            self.line.clear();
        }
        Ok(())
    }

    fn element(&mut self, bytes: &[u8]) -> Result<(), EventError> {
        let length = self.line.len().saturating_add(bytes.len()).saturating_add(1);
        if length > self.limit {
            return Err(EventError::TooLarge { limit: self.limit });
        }
        if self.elements > 0 {
            self.line.push(b',');
        }
        self.line.extend_from_slice(bytes);
        self.elements = self.elements.saturating_add(1);
        Ok(())
    }

    /// Redis answers `PING` in two ways: with a status, and to a subscriber with an array.
    fn is_pong(&self) -> bool {
        if self.is_array { self.line == b"pong," } else { self.line == b"PONG" }
    }
}

fn write_event(out: &mut Vec<u8>, text: &str) {
    // A carriage return followed by a line feed is one line break.
    let text = text.replace("\r\n", "\n");
    for line in text.split(['\r', '\n']) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Decoder;

    fn events(mut input: &[u8]) -> Result<String, EventError> {
        let (mut decoder, mut writer, mut out) = (Decoder::new(30), EventWriter::new(30), Vec::new());
        loop {
            let step = decoder.next(input).unwrap();
            if step.needs_input() {
                return Ok(String::from_utf8(out).unwrap());
            }
            input = &input[step.consumed..];
            if let Some(token) = step.token {
                writer.accept(&token, decoder.at_boundary(), &mut out)?;
            }
        }
    }

    #[test]
    fn each_pushed_reply_is_one_event() {
        let table: [(&[u8], &str); 8] = [
            (b"*3\r\n$9\r\nsubscribe\r\n$4\r\nchat\r\n:1\r\n", "data: subscribe,chat,1\n\n"),
            (b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\na,b c\r\n", "data: message,c,a,b c\n\n"),
            (b"*4\r\n$8\r\npmessage\r\n$2\r\np*\r\n$1\r\nc\r\n$0\r\n\r\n", "data: pmessage,p*,c,\n\n"),
            (b"+OK\r\n+1.5 [0 lua] \"GET\"\r\n", "data: \"OK\"\n\ndata: 1.5 [0 lua] \"GET\"\n\n"),
            (b"*2\r\n$4\r\npong\r\n$0\r\n\r\n+PONG\r\n:1\r\n", "data: 1\n\n"),
            (b"*1\r\n$8\r\na\r\nb\nc\rd\r\n", "data: a\ndata: b\ndata: c\ndata: d\n\n"),
            (b"*1\r\n$2\r\n\xff\xff\r\n", "data: \u{fffd}\u{fffd}\n\n"),
            (b"*2\r\n$4\r\npong\r\n$1\r\nx\r\n", "data: pong,x\n\n"),
        ];
        for (replies, expected) in table {
            assert_eq!(events(replies).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn an_error_or_a_message_that_does_not_fit_ends_the_stream() {
        assert_eq!(events(b"-NOPERM no\r\n"), Err(EventError::Redis("NOPERM no".to_owned())));
        let oversized = format!("*1\r\n$31\r\n{}\r\n", "x".repeat(31));
        let in_all = format!("*2\r\n$20\r\n{0}\r\n$20\r\n{0}\r\n", "x".repeat(20));
        for replies in [oversized, in_all] {
            assert_eq!(events(replies.as_bytes()), Err(EventError::TooLarge { limit: 30 }));
        }
    }
}
