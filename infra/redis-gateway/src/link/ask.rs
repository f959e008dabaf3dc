//! Questions of the gateway's own, one at a time on a connection that nobody else uses.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connect::{ConnectError, Reader, Writer};
use crate::resp::{Decoder, Token, encode_command};

/// Most bytes of a reply. The largest is the map of a cluster's slots.
const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// A reply as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// A status or a string.
    Text(String),
    Integer(i64),
    Nil,
    List(Vec<Reply>),
    Error(String),
}

impl Reply {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Reply::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Reply]> {
        match self {
            Reply::List(items) => Some(items),
            _ => None,
        }
    }

    /// A port or slot.
    pub(super) fn number(&self) -> Option<u16> {
        match self {
            Reply::Integer(value) => u16::try_from(*value).ok(),
            Reply::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// One command and its reply.
pub(super) async fn ask(
    reader: &mut Reader,
    writer: &mut Writer,
    words: &[&str],
) -> Result<Reply, ConnectError> {
    let mut command = Vec::new();
    encode_command(&mut command, words);
    writer.write_all(&command).await?;
    writer.flush().await?;
    let (mut decoder, mut input) = (Decoder::new(MAX_REPLY_BYTES), BytesMut::new());
    let (mut lists, mut received) = (Vec::new(), 0);
    loop {
        let step = decoder.next(&input)?;
        if step.needs_input() {
            let count = reader.read_buf(&mut input).await?;
            received += count;
            if count == 0 || received > MAX_REPLY_BYTES {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            continue;
        }
        let consumed = step.consumed;
        let whole = step.token.and_then(|token| take(token, &mut lists));
        input.advance(consumed);
        if let Some(reply) = whole {
            return Ok(reply);
        }
    }
}

/// Takes a piece of a reply; the reply if that was the last.
fn take(token: Token<'_>, lists: &mut Vec<Vec<Reply>>) -> Option<Reply> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let reply = match token {
        Token::Open(_) => {
            lists.push(Vec::new());
            return None;
        }
        Token::Close => Reply::List(lists.pop().unwrap_or_default()),
        Token::Status(bytes) | Token::Bulk(bytes) => Reply::Text(text(bytes)),
        Token::Error(bytes) => Reply::Error(text(bytes)),
        Token::Integer(value) => Reply::Integer(value),
        Token::Nil | Token::NilArray | Token::Oversized => Reply::Nil,
    };
    match lists.last_mut() {
        Some(list) => {
            list.push(reply);
            None
        }
        None => Some(reply),
    }
}
