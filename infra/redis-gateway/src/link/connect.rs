//! Opening a connection that is ready for commands: connect, authenticate, select, and one `PING`.
//!
//! The `PING` matters: the kernel accepts connections for a Redis that is stopped, and Redis accepts
//! connections that it will then refuse.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::address::{Endpoint, RedisAddress};
use crate::resp::{Decoder, ProtocolError, Token, encode_command};

/// Error replies to `PING` of a Redis that is there, and will answer commands with errors of its own.
const ALIVE_ANYWAY: [&str; 4] = ["LOADING", "MASTERDOWN", "BUSY", "NOPERM"];

/// Longest reply during the opening.
const MAX_REPLY_BYTES: usize = 4096;

pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(super) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("redis refused the user or password of the gateway: {0}")]
    Credentials(String),
    #[error("redis wants a user and password, and the redis URL has none: {0}")]
    NoCredentials(String),
    #[error("redis refused the connection: {0}")]
    Refused(String),
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// Opens a connection, within `limit`.
pub(super) async fn connect(
    address: &RedisAddress,
    limit: Duration,
) -> Result<(Reader, Writer), ConnectError> {
    timeout(limit, open(address)).await.unwrap_or(Err(ConnectError::Timeout(limit)))
}

async fn open(address: &RedisAddress) -> Result<(Reader, Writer), ConnectError> {
    let (mut reader, mut writer): (Reader, Writer) = match &address.endpoint {
        Endpoint::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            let (reader, writer) = stream.into_split();
            (Box::new(reader), Box::new(writer))
        }
        Endpoint::Unix(path) => {
            let (reader, writer) = UnixStream::connect(path).await?.into_split();
            (Box::new(reader), Box::new(writer))
        }
    };
    greet(address, &mut reader, &mut writer).await?;
    Ok((reader, writer))
}

async fn greet(address: &RedisAddress, reader: &mut Reader, writer: &mut Writer) -> Result<(), ConnectError> {
    if let Some(password) = &address.password {
        let refused = |text| Err(ConnectError::Credentials(text));
        let words: Vec<&str> =
            ["AUTH"].into_iter().chain(address.user.as_deref()).chain([&**password]).collect();
        ask(reader, writer, &words).await?.or_else(refused)?;
    }
    if address.database != 0 {
        let refused = |text| Err(ConnectError::Refused(text));
        ask(reader, writer, &["SELECT", &address.database.to_string()]).await?.or_else(refused)?;
    }
    match ask(reader, writer, &["PING"]).await? {
        Ok(()) => Ok(()),
        Err(text) if ALIVE_ANYWAY.iter().any(|code| text.starts_with(code)) => Ok(()),
        Err(text) if text.starts_with("NOAUTH") => Err(ConnectError::NoCredentials(text)),
        Err(text) => Err(ConnectError::Refused(text)),
    }
}

/// One command and its reply: `Err` with the text of an error reply.
async fn ask(
    reader: &mut Reader,
    writer: &mut Writer,
    words: &[&str],
) -> Result<Result<(), String>, ConnectError> {
    let mut command = Vec::new();
    encode_command(&mut command, words);
    writer.write_all(&command).await?;
    let (mut decoder, mut input) = (Decoder::new(MAX_REPLY_BYTES), BytesMut::new());
    loop {
        let step = decoder.next(&input)?;
        match step.token {
            Some(Token::Error(text)) => return Ok(Err(String::from_utf8_lossy(text).into_owned())),
            Some(_) => return Ok(Ok(())),
            None => {}
        }
        if input.len() > MAX_REPLY_BYTES || reader.read_buf(&mut input).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}
