//! Clients of both versions of HTTP, over any stream.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::DEADLINE;

pub(crate) type Http2 = http2::SendRequest<Empty<Bytes>>;

pub(crate) fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://front.test{path}")).header("host", "front.test").body(Empty::new()).unwrap()
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    assert_eq!(response.status(), 200);
    let body = Limited::new(response.into_body(), 1 << 20);
    #[expect(clippy::disallowed_methods, reason = "behind Limited")]
    let bytes = body.collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) async fn http2<S>(stream: S) -> Http2
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// What the server sees of a client that asks once, or why it sees nothing.
pub(crate) async fn ask<S>(stream: S, version: u8) -> hyper::Result<String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let response = if version == 2 {
        http2(stream).await.send_request(request("/")).await?
    } else {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(request("/")).await?
    };
    Ok(text(response).await)
}

/// A connection on which `bytes` were sent.
pub(crate) async fn sent(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// All that comes until the server closes the connection.
pub(crate) async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.expect("the server closes it");
    bytes
}
