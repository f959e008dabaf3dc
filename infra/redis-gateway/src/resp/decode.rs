//! A stream of RESP2 replies as tokens, however the network cuts it.
//!
//! The decoder borrows what has arrived, says how much of it is used up, and keeps between calls
//! only where in which arrays it stands. It holds no reply in memory: a bulk string over the limit
//! is passed over byte by byte and reported as [`Token::Oversized`], so the replies behind it still
//! find their requests. What a token becomes in the answer is for others to say.

/// A line (status, error, number or length) ends within this many bytes.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// One piece of a reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Status(&'a [u8]),
    Error(&'a [u8]),
    Integer(i64),
    Bulk(&'a [u8]),
    /// A bulk string longer than the limit: it is gone.
    Oversized,
    /// The nil bulk string.
    Nil,
    /// The nil array.
    NilArray,
    /// An array of so many elements begins.
    Open(u64),
    /// The array that began last ends.
    Close,
}

/// What one call found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    /// So many bytes of the input are used up.
    pub(crate) consumed: usize,
    pub(crate) token: Option<Token<'a>>,
}

impl Step<'_> {
    const WAIT: Step<'static> = Step { consumed: 0, token: None };

    /// Nothing more can be said before more bytes arrive.
    pub(crate) fn needs_input(&self) -> bool {
        self.consumed == 0 && self.token.is_none()
    }
}

/// The peer does not speak RESP2: the connection cannot be used any more.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    #[error("redis sent a reply of the unknown type {0:#04x}")]
    UnknownType(u8),
    #[error("redis sent a number that is none")]
    BadNumber,
    #[error("redis sent a line of more than {MAX_LINE_BYTES} bytes")]
    LongLine,
    #[error("redis sent a line or string without its end")]
    BadEnd,
}

/// Where in the stream of replies we stand.
#[derive(Debug)]
pub(crate) struct Decoder {
    max_bulk: u64,
    /// For each array that is open: how many elements are to come.
    open: Vec<u64>,
    /// Bytes of an oversized bulk string, with its line end, still to be passed over.
    skip: u64,
    /// Bytes of the current line that were searched for its end already.
    searched: usize,
}

impl Decoder {
    /// A decoder that passes over bulk strings of more than `max_bulk` bytes.
    pub(crate) fn new(max_bulk: usize) -> Self {
        Decoder { max_bulk: max_bulk as u64, open: Vec::new(), skip: 0, searched: 0 }
    }

    /// Whether the token given last was the end of a whole reply.
    pub(crate) fn at_boundary(&self) -> bool {
        self.open.is_empty() && self.skip == 0
    }

    /// The next token at the start of `input`.
    pub(crate) fn next<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, ProtocolError> {
        if self.skip > 0 {
            return Ok(self.pass_over(input));
        }
        if self.open.last() == Some(&0) {
            self.open.pop();
            self.value_ended();
            return Ok(Step { consumed: 0, token: Some(Token::Close) });
        }
        let Some((line, consumed)) = self.line(input)? else { return Ok(Step::WAIT) };
        let Some((kind, rest)) = line.split_first() else { return Err(ProtocolError::BadEnd) };
        let token = match kind {
            b'+' => Token::Status(rest),
            b'-' => Token::Error(rest),
            b':' => Token::Integer(number(rest)?),
            b'$' => return self.bulk(input, consumed, number(rest)?),
            b'*' => match u64::try_from(number(rest)?) {
                Ok(elements) => {
                    self.open.push(elements);
                    self.searched = 0;
                    return Ok(Step { consumed, token: Some(Token::Open(elements)) });
                }
                Err(_) => Token::NilArray,
            },
            unknown => return Err(ProtocolError::UnknownType(*unknown)),
        };
        self.value_ended();
        Ok(Step { consumed, token: Some(token) })
    }

    fn bulk<'a>(&mut self, input: &'a [u8], header: usize, length: i64) -> Result<Step<'a>, ProtocolError> {
        let Ok(length) = u64::try_from(length) else {
            self.value_ended();
            return Ok(Step { consumed: header, token: Some(Token::Nil) });
        };
        if length > self.max_bulk {
            self.skip = length.saturating_add(2);
            return Ok(Step { consumed: header, token: None });
        }
        let length = usize::try_from(length).map_err(|_| ProtocolError::BadNumber)?;
        let Some((bytes, behind)) = input.get(header..).and_then(|body| body.split_at_checked(length)) else {
            return Ok(Step::WAIT);
        };
        match behind {
            [b'\r', b'\n', ..] => {
                self.value_ended();
                Ok(Step { consumed: header + length + 2, token: Some(Token::Bulk(bytes)) })
            }
            [] | [b'\r'] => Ok(Step::WAIT),
            _ => Err(ProtocolError::BadEnd),
        }
    }

    fn pass_over(&mut self, input: &[u8]) -> Step<'static> {
        let available = input.len() as u64;
        if available < self.skip {
            self.skip -= available;
            return Step { consumed: input.len(), token: None };
        }
        let consumed = usize::try_from(self.skip).unwrap_or(input.len());
        self.skip = 0;
        self.value_ended();
        Step { consumed, token: Some(Token::Oversized) }
    }

    /// The first line of `input` without its end, and its length with it.
    fn line<'a>(&mut self, input: &'a [u8]) -> Result<Option<(&'a [u8], usize)>, ProtocolError> {
        let unsearched = input.get(self.searched..).unwrap_or_default();
        let Some(found) = unsearched.iter().position(|byte| *byte == b'\n') else {
            if input.len() > MAX_LINE_BYTES {
                return Err(ProtocolError::LongLine);
            }
            self.searched = input.len();
            return Ok(None);
        };
        let end = self.searched + found;
        // A bulk string that is still arriving has its header read again: do not search in its body.
        self.searched = 0;
        let line = input.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(ProtocolError::BadEnd)?;
        Ok(Some((line, end + 1)))
    }

    fn value_ended(&mut self) {
        self.searched = 0;
        if let Some(remaining) = self.open.last_mut() {
            *remaining = remaining.saturating_sub(1);
        }
    }
}

fn number(digits: &[u8]) -> Result<i64, ProtocolError> {
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or(ProtocolError::BadNumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `stream` in pieces of `piece` bytes and writes down what comes out.
    fn decode(stream: &[u8], piece: usize, max_bulk: usize) -> Result<String, ProtocolError> {
        let (mut decoder, mut input, mut seen) = (Decoder::new(max_bulk), Vec::new(), String::new());
        for arrived in stream.chunks(piece) {
            input.extend_from_slice(arrived);
            loop {
                let step = decoder.next(&input)?;
                if step.needs_input() {
                    break;
                }
                if let Some(token) = &step.token {
                    seen.push_str(&match token {
                        Token::Status(text) => format!("+{} ", String::from_utf8_lossy(text)),
                        Token::Error(text) => format!("-{} ", String::from_utf8_lossy(text)),
                        Token::Bulk(bytes) => format!("{:?} ", String::from_utf8_lossy(bytes)),
                        Token::Integer(value) => format!("{value} "),
                        Token::Oversized => "oversized ".to_owned(),
                        Token::Nil => "nil ".to_owned(),
                        Token::NilArray => "nil-array ".to_owned(),
                        Token::Open(_) => "[ ".to_owned(),
                        Token::Close => "] ".to_owned(),
                    });
                    if decoder.at_boundary() {
                        seen.push_str("| ");
                    }
                }
                let consumed = step.consumed;
                input.drain(..consumed);
            }
        }
        assert!(input.is_empty(), "left over: {input:?}");
        Ok(seen)
    }

    #[test]
    fn replies_decode_alike_however_the_network_cuts_them() {
        let table: [(&[u8], &str); 9] = [
            (b"+OK\r\n+PONG\r\n", "+OK | +PONG | "),
            (b"-ERR bad thing\r\n", "-ERR bad thing | "),
            (
                b":-1\r\n:9007199254740993\r\n:-9223372036854775808\r\n",
                "-1 | 9007199254740993 | -9223372036854775808 | ",
            ),
            (b"$-1\r\n*-1\r\n", "nil | nil-array | "),
            (b"$0\r\n\r\n$4\r\na\r\nb\r\n", "\"\" | \"a\\r\\nb\" | "),
            (b"*0\r\n:1\r\n", "[ ] | 1 | "),
            (b"*2\r\n*2\r\n:1\r\n*0\r\n$1\r\nx\r\n+OK\r\n", "[ [ 1 [ ] ] \"x\" ] | +OK | "),
            (b"*2\r\n-ERR inner\r\n$-1\r\n", "[ -ERR inner nil ] | "),
            (b"*2\r\n$11\r\nlong\r\n+tail\r\n:7\r\n+OK\r\n", "[ oversized 7 ] | +OK | "),
        ];
        for (stream, expected) in table {
            for piece in 1..=stream.len() {
                assert_eq!(decode(stream, piece, 10).as_deref(), Ok(expected), "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_is_not_resp2_ends_the_connection() {
        let table: [(&[u8], ProtocolError); 6] = [
            (b"%1\r\n+a\r\n:1\r\n", ProtocolError::UnknownType(b'%')),
            (b":12x\r\n", ProtocolError::BadNumber),
            (b":9223372036854775808\r\n", ProtocolError::BadNumber),
            (b"+OK\n", ProtocolError::BadEnd),
            (b"\r\n", ProtocolError::BadEnd),
            (b"$1\r\nab\r\n", ProtocolError::BadEnd),
        ];
        for (stream, expected) in table {
            assert_eq!(decode(stream, stream.len(), 10), Err(expected));
        }
        assert_eq!(decode(&vec![b'+'; MAX_LINE_BYTES + 1], 4096, 10), Err(ProtocolError::LongLine));
    }
}
