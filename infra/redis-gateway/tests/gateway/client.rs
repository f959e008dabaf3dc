//! An HTTP client that shows everything: status, headers and body as they came.

use std::net::SocketAddr;

use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// One keep-alive connection to the gateway.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    token: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    /// The bytes as text, with U+FFFD for what is none.
    pub(crate) body: String,
}

impl Answer {
    async fn read((status, headers, body): (u16, HeaderMap, Incoming)) -> hyper::Result<Answer> {
        #[expect(clippy::disallowed_methods, reason = "the answer limit is what some tests test")]
        let bytes = body.collect().await?.to_bytes();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, headers, bytes, body })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and body, to compare with a row of a table.
    pub(crate) fn parts(&self) -> (u16, &str) {
        (self.status, &self.body)
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, token: &str) -> Client {
        Client::over(TcpStream::connect(address).await.unwrap(), token).await
    }

    /// A client on a connection that is there.
    pub(crate) async fn over<S>(stream: S, token: &str) -> Client
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Client { sender, token: (!token.is_empty()).then(|| token.to_owned()) }
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        self.try_send(method, path, body).await.unwrap()
    }

    pub(crate) async fn try_send(
        &mut self,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> hyper::Result<Answer> {
        let opened = self.open(method, path, &[], body).await?;
        Answer::read(opened).await
    }

    /// A request with further headers.
    pub(crate) async fn send_with(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let opened = self.open(method, path, headers, body).await.unwrap();
        Answer::read(opened).await.unwrap()
    }

    /// A request whose answer is not read yet.
    pub(crate) async fn open(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> hyper::Result<(u16, HeaderMap, Incoming)> {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("host", "gateway").body(Full::new(body.into())).unwrap();
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        Ok((head.status.as_u16(), head.headers, body))
    }

    /// Returns when the gateway has closed the connection.
    pub(crate) async fn closed(&mut self) {
        while !self.sender.is_closed() {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn command(&mut self, words: &[&str]) -> Answer {
        self.send("POST", "/", serde_json::to_vec(words).unwrap()).await
    }

    pub(crate) async fn pipeline(&mut self, commands: &[&[&str]]) -> Answer {
        self.send("POST", "/pipeline", serde_json::to_vec(commands).unwrap()).await
    }
}
