//! A plain HTTP/1.1 client that shows every byte: what the tests assert about is on the wire.

use std::collections::HashMap;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::PATIENCE;

/// An answer, as received.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Reply {
    /// The text that the host gives when it answers itself; also checks that any page may read it.
    pub(crate) fn detail(&self) -> String {
        assert_eq!(self.headers["access-control-allow-origin"], "*");
        assert_eq!(self.headers["content-type"], "application/json");
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["detail"].as_str().unwrap().to_owned()
    }
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), received: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        assert!(self.try_write(bytes).await, "the connection was closed");
    }

    /// Whether the server still takes what is sent.
    pub(crate) async fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Waits until the server asks for the body.
    pub(crate) async fn expect_continue(&mut self) {
        let mut line = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        timeout(PATIENCE, self.stream.read_exact(&mut line)).await.expect("no answer in time").unwrap();
        assert!(line.starts_with(b"HTTP/1.1 100"));
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.write(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        self.reply().await
    }

    /// Sends a request with a body and does not wait for its answer.
    pub(crate) async fn post(&mut self, path: &str, body: &str) {
        let length = body.len();
        self.write(format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n{body}"))
            .await;
    }

    /// The next answer; it must say its length.
    pub(crate) async fn reply(&mut self) -> Reply {
        self.try_reply().await.expect("the connection was closed without an answer")
    }

    /// The next answer, or `None` if the connection is closed first.
    pub(crate) async fn try_reply(&mut self) -> Option<Reply> {
        loop {
            if let Some((reply, length)) = parse(&self.received) {
                self.received.drain(..length);
                return Some(reply);
            }
            let mut bytes = [0; 16 << 10];
            let read = timeout(PATIENCE, self.stream.read(&mut bytes)).await.expect("no answer in time");
            match read {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.received.extend_from_slice(&bytes[..count]),
            }
        }
    }
}

/// One request on a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Reply {
    Connection::open(address).await.get(path).await
}

/// One request with a body.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> Reply {
    let mut connection = Connection::open(address).await;
    connection.post(path, body).await;
    connection.reply().await
}

/// The first answer in `bytes` and how many bytes it takes.
fn parse(bytes: &[u8]) -> Option<(Reply, usize)> {
    let head_length = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_length]).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let headers: HashMap<_, _> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_owned(), value.trim().to_owned())
        })
        .collect();
    let length: usize = headers.get("content-length").expect("an answer without length").parse().unwrap();
    let body = bytes.get(head_length..head_length + length)?;
    let body = String::from_utf8(body.to_vec()).unwrap();
    Some((Reply { status, headers, body }, head_length + length))
}
